/* rules_pointwise.c: one rule for every MAP row: gin = g * partial, summed over what was repeated. */
#include <math.h>

#include "base/memory.h"

#include "grad/rules.h"

rp_status rp_sum_to(rp_tensor **out, rp_tensor *g, const rp_array *x)
{
  rp_attr    dims = { .n = 0 }, keep = { .n = 1, .i = { 1 } };
  rp_tensor *sum = NULL;
  int        extra = g->a.ndim - x->ndim;
  if (rp_same_shape(&g->a, x)) { *out = rp_tensor_keep(g); return RP_OK; }
  for (int d = 0; d < g->a.ndim; d++)
    if (d < extra || (x->shape[d - extra] == 1 && g->a.shape[d] != 1)) dims.i[dims.n++] = d + 1;
  const rp_attr attr[2] = { dims, keep };
  RP_TRY(rp_run(&sum, RP_OP_sum, &g, 1, attr, 2));
  rp_status status = rp_reshaped(out, sum, x->ndim, x->shape);
  rp_tensor_drop(sum);
  return status;
}

/* The partial derivative is 1: the gradient passes as it is. */
static bool passes(rp_opcode op, int which)
{
  return op == RP_OP_add || (which == 0 && (op == RP_OP_sub || op == RP_OP_addcmul));
}

/* ---- which operands a partial reads: the kernel itself is asked ---- */

#define PROBES 12
static const float probe[PROBES] = { -INFINITY, -1e4f, -30, -2.5f, -0.5f, 0, 0.5f, 2.5f, 30, 1e4f, INFINITY, NAN };

/* The partial at all combinations of probes for the inputs and the result: element e takes probe (e / 12^k) % 12 for
 * operand k, the result being operand n_in. */
static rp_status all_partials(float *partials, float *operands, int64_t count, rp_opcode op, int which)
{
  const int n_in = rp_ops[op].arity;
  rp_array  of[5], g = { .dtype = RP_FLOAT32, .ndim = 1, .shape = { count }, .stride = { 0 } }, in[3] = { { .data = NULL } };
  float     one = 1;
  int64_t   period = 1;
  g.data = &one;
  for (int k = 0; k <= n_in + 1; k++) {
    of[k] = (rp_array){ .data = k <= n_in ? operands + k * count : partials, .dtype = RP_FLOAT32, .ndim = 1, .shape = { count }, .stride = { 1 } };
    if (k > n_in) break;
    for (int64_t e = 0; e < count; e++) operands[k * count + e] = probe[e / period % PROBES];
    if (k < n_in) in[k] = of[k];
    period *= PROBES;
  }
  return rp_device_cpu()->map_back(op, which, &of[n_in + 1], &g, in, &of[n_in]);
}

static bool same_number(float a, float b) { return a != a ? b != b : a == b; }

static unsigned find_reads(const float *partials, int64_t count, int n_in)
{
  unsigned reads = 0;
  int64_t  period = 1;
  for (int k = 0; k <= n_in; k++, period *= PROBES)
    for (int64_t e = 0; e < count; e++)
      if (e / period % PROBES && !same_number(partials[e], partials[e - period])) { reads |= k < n_in ? RP_IN(k) : RP_OUT; break; }
  return reads;
}

unsigned rp_reads_pointwise(rp_opcode op, int which)
{
  static uint16_t known[RP_N_OPS][3]; /* 1 + what was found */
  const int n_in = rp_ops[op].arity;
  int64_t   count = 1;
  if (known[op][which]) return known[op][which] - 1u;
  for (int k = 0; k <= n_in; k++) count *= PROBES;
  float *all = rp_alloc((size_t)(count * (n_in + 2)) * sizeof *all);
  if (!all) return ~0u;
  unsigned reads = ~0u;
  if (all_partials(all, all + count, count, op, which) == RP_OK) {
    reads = find_reads(all, count, n_in);
    known[op][which] = (uint16_t)(1 + reads);
  }
  rp_release(all);
  return reads;
}

/* *out receives the partial times the gradient, in the gradient's own memory if `last` and nobody else holds it. */
static rp_status partial(rp_tensor **out, const rp_node *n, int which, bool last)
{
  const rp_array *y = &n->out[0]->a;
  rp_tensor      *g = n->g[0];
  rp_array in[3] = { { .data = NULL } };
  if (passes(n->op, which)) { *out = rp_tensor_keep(g); return RP_OK; }
  for (int i = 0; i < n->n_in; i++) {
    if (!n->in[i]->a.data) in[i] = g->a; /* a shell: not read, but the walk needs a place */
    else RP_TRY(rp_broadcast_to(&in[i], &n->in[i]->a, y->ndim, y->shape, rp_ops[n->op].name));
  }
  if (last && rp_is_exclusive(g)) *out = rp_tensor_keep(g);
  else RP_TRY(rp_tensor_empty(out, y->dtype, y->ndim, y->shape));
  rp_status status = rp_device_now()->map_back(n->op, which, &(*out)->a, &g->a, in, y->data ? y : &g->a);
  if (status != RP_OK) { rp_tensor_drop(*out); *out = NULL; }
  return status;
}

rp_status rp_rule_pointwise(const rp_node *n, rp_tensor **gin)
{
  int last = 0;
  for (int i = 0; i < n->n_in; i++) if (n->needs[i]) last = i;
  for (int i = 0; i <= last; i++) {
    rp_tensor *g = NULL;
    if (!n->needs[i]) continue;
    RP_TRY(partial(&g, n, i, i == last));
    rp_status status = rp_sum_to(&gin[i], g, &n->in[i]->a);
    rp_tensor_drop(g);
    if (status != RP_OK) return status;
  }
  return RP_OK;
}
