/* rules_pointwise.c: one rule for every MAP row: gin = g * partial, summed over what was repeated. */
#include <string.h>

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

static rp_status partial(rp_tensor **out, const rp_node *n, int which)
{
  const rp_tensor *y = n->out[0];
  rp_array in[3] = { { .data = NULL } };
  if (passes(n->op, which)) { *out = rp_tensor_keep(n->g[0]); return RP_OK; }
  for (int i = 0; i < n->n_in; i++) RP_TRY(rp_broadcast_to(&in[i], &n->in[i]->a, y->a.ndim, y->a.shape, rp_ops[n->op].name));
  RP_TRY(rp_tensor_empty(out, y->a.dtype, y->a.ndim, y->a.shape));
  rp_status status = rp_device_now()->map_back(n->op, which, &(*out)->a, &n->g[0]->a, in, &y->a, false);
  if (status != RP_OK) { rp_tensor_drop(*out); *out = NULL; }
  return status;
}

rp_status rp_rule_pointwise(const rp_node *n, rp_tensor **gin)
{
  for (int i = 0; i < n->n_in; i++) {
    rp_tensor *g = NULL;
    if (!n->needs[i]) continue;
    RP_TRY(partial(&g, n, i));
    rp_status status = rp_sum_to(&gin[i], g, &n->in[i]->a);
    rp_tensor_drop(g);
    if (status != RP_OK) return status;
  }
  return RP_OK;
}
