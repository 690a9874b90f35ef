/* rules_views.c: gradients of views and copies: the elements go back where they came from. */
#include <string.h>

#include "grad/parts.h"
#include "grad/rules.h"
#include "tensor/products.h"

rp_status rp_run(rp_tensor **out, rp_opcode op, rp_tensor *const *in, int n_in, const rp_attr *attr, int n_attr)
{
  rp_tensor *copy[4] = { NULL };
  memcpy(copy, in, (size_t)n_in * sizeof *in);
  rp_call c = { .op = op, .n_in = n_in, .in = copy, .n_attr = n_attr };
  if (n_attr) memcpy(c.attr, attr, (size_t)n_attr * sizeof *attr);
  RP_TRY(rp_apply(&c));
  *out = c.out[0];
  return RP_OK;
}

rp_status rp_reshaped(rp_tensor **out, rp_tensor *x, int ndim, const int64_t *shape)
{
  rp_attr a = { .n = ndim };
  memcpy(a.i, shape, (size_t)ndim * sizeof *shape);
  return rp_run(out, RP_OP_reshape, &x, 1, &a, 1);
}

rp_status rp_zeros_like(rp_tensor **out, const rp_tensor *x)
{
  return rp_tensor_full(out, x->a.dtype, x->a.ndim, x->a.shape, 0);
}

static rp_status part(const rp_node *n, rp_tensor **gin)
{
  rp_covered covered = { 0 };
  rp_status  status = rp_add_part(&gin[0], &covered, n->op, n->attr, n->n_attr, n->in[0], n->g[0]);
  return status == RP_OK ? rp_cover_all(gin[0], &covered) : status;
}

RULE(slice, 0)    { return part(n, gin); }
RULE(select, 0)   { return part(n, gin); }
RULE(diagonal, 0) { return part(n, gin); }

static rp_status back_to_shape(const rp_node *n, rp_tensor **gin)
{
  return rp_reshaped(&gin[0], n->g[0], n->in[0]->a.ndim, n->in[0]->a.shape);
}

RULE(reshape, 0)   { return back_to_shape(n, gin); }
RULE(unsqueeze, 0) { return back_to_shape(n, gin); }
RULE(squeeze, 0)   { return back_to_shape(n, gin); }

/* Exchanging and reversing are their own inverses. */
RULE(transpose, 0) { return rp_run(&gin[0], n->op, &n->g[0], 1, n->attr, n->n_attr); }
RULE(flip, 0)      { return rp_run(&gin[0], n->op, &n->g[0], 1, n->attr, n->n_attr); }

RULE(permute, 0)
{
  rp_attr inverse = { .n = n->attr[0].n };
  for (int d = 0; d < inverse.n; d++) {
    int from = 0;
    RP_TRY(rp_dim(&from, n->attr[0].i[d], inverse.n, "permute"));
    inverse.i[from] = d + 1;
  }
  return rp_run(&gin[0], RP_OP_permute, &n->g[0], 1, &inverse, 1);
}

RULE(expand, 0) { return rp_sum_to(&gin[0], n->g[0], &n->in[0]->a); }

/* Windows may overlap: position k of all windows is added before position k + 1. */
RULE(unfold, 0) /* dim, size, step */
{
  rp_tensor *zeros = NULL, *windows = NULL;
  const rp_array *g = &n->g[0]->a;
  RP_TRY(rp_zeros_like(&zeros, n->in[0]));
  rp_status status = rp_run(&windows, RP_OP_unfold, &zeros, 1, n->attr, n->n_attr);
  for (int64_t k = 0; status == RP_OK && k < n->attr[1].i[0]; k++) {
    rp_array to = windows->a, from = *g;
    const int last = --to.ndim;
    int64_t size = (int64_t)rp_dtype_size(g->dtype);
    from.ndim--;
    to.data = (char *)to.data + k * to.stride[last] * size;
    from.data = (char *)from.data + k * from.stride[last] * size;
    status = rp_device_now()->add(&to, &from);
  }
  rp_tensor_drop(windows);
  if (status == RP_OK) gin[0] = zeros; else rp_tensor_drop(zeros);
  return status;
}

/* ---- copies ---- */

RULE(clone, 0)      { gin[0] = rp_tensor_keep(n->g[0]); return RP_OK; }
RULE(contiguous, 0) { gin[0] = rp_tensor_keep(n->g[0]); return RP_OK; }
RULE(to, 0)         { return rp_tensor_cast(&gin[0], n->g[0], n->in[0]->a.dtype); }

RULE(concat, 0) /* dim */
{
  int      dim = 0;
  rp_array part = n->g[0]->a;
  RP_TRY(rp_dim(&dim, n->attr[0].i[0], part.ndim, "concat"));
  for (int i = 0; i < n->n_in; i++) {
    rp_tensor *view = NULL;
    part.shape[dim] = n->in[i]->a.shape[dim];
    if (n->needs[i]) {
      RP_TRY(rp_tensor_view(&view, n->g[0], &part));
      rp_status status = rp_tensor_cast(&gin[i], view, n->in[i]->a.dtype);
      rp_tensor_drop(view);
      if (status != RP_OK) return status;
    }
    part.data = (char *)part.data + part.shape[dim] * part.stride[dim] * (int64_t)rp_dtype_size(part.dtype);
  }
  return RP_OK;
}

RULE(pad, 0) /* pads, value */
{
  rp_array   in_g = n->g[0]->a, in_x;
  rp_tensor *zeros = NULL;
  RP_TRY(rp_zeros_like(&zeros, n->in[0]));
  RP_TRY(rp_pad_windows(&in_g, &in_x, &zeros->a, &n->attr[0], false)); /* cannot fail: forward has checked */
  rp_status status = rp_device_now()->copy(&in_x, &in_g);
  if (status == RP_OK) gin[0] = zeros; else rp_tensor_drop(zeros);
  return status;
}
