/* copies.c: operations that only move or convert elements. */
#include <string.h>

#include "tensor/products.h"
#include "tensor/shape.h"

rp_status rp_forward_clone(rp_call *c) { return rp_tensor_clone(&c->out[0], c->in[0], c->in[0]->a.dtype); }

/* A view when nothing need move, so that the result is a tensor of its own for the tape. */
rp_status rp_forward_contiguous(rp_call *c)
{
  if (rp_is_contiguous(&c->in[0]->a)) return rp_tensor_view(&c->out[0], c->in[0], &c->in[0]->a);
  return rp_forward_clone(c);
}

rp_status rp_forward_to(rp_call *c) /* x, dtype */
{
  rp_dtype to = (rp_dtype)c->attr[0].i[0];
  if (c->in[0]->a.dtype == to) return rp_tensor_view(&c->out[0], c->in[0], &c->in[0]->a);
  return rp_tensor_clone(&c->out[0], c->in[0], to);
}

static rp_status concat_shape(rp_array *y, int *dim, const rp_call *c)
{
  if (c->n_in == 0) return rp_fail(RP_EARG, "concat: no tensors given");
  *y = c->in[0]->a;
  RP_TRY(rp_dim(dim, c->attr[0].i[0], y->ndim, "concat"));
  for (int k = 1; k < c->n_in; k++) {
    const rp_array *a = &c->in[k]->a;
    bool fits = a->ndim == y->ndim;
    for (int d = 0; fits && d < y->ndim; d++) fits = d == *dim || a->shape[d] == y->shape[d];
    if (!fits) return rp_fail(RP_ESHAPE, "concat: tensor %d has shape %s, tensor 1 has %s; they may differ in dimension %d only",
                              k + 1, rp_shape(a).s, rp_shape(&c->in[0]->a).s, *dim + 1);
    y->shape[*dim] += a->shape[*dim];
    if (a->dtype > y->dtype) y->dtype = a->dtype;
  }
  return RP_OK;
}

rp_status rp_forward_concat(rp_call *c) /* dim, tensors */
{
  rp_array y;
  int      dim = 0;
  RP_TRY(concat_shape(&y, &dim, c));
  RP_TRY(rp_tensor_empty(&c->out[0], y.dtype, y.ndim, y.shape));
  rp_array part = c->out[0]->a;
  for (int k = 0; k < c->n_in; k++) {
    part.shape[dim] = c->in[k]->a.shape[dim];
    RP_TRY(rp_device_now()->copy(&part, &c->in[k]->a));
    part.data = (char *)part.data + part.shape[dim] * part.stride[dim] * (int64_t)rp_dtype_size(part.dtype);
  }
  return RP_OK;
}

/* The overlap of x with its padded copy y: what lies in both. */
rp_status rp_pad_windows(rp_array *in_y, rp_array *in_x, const rp_array *x, const rp_attr *pads, bool make_shape)
{
  if (pads->n % 2 || pads->n / 2 > x->ndim)
    return rp_fail(RP_EARG, "pad: %d numbers for a tensor of shape %s; give {before, after} of the last dimension, then the one before, ...",
                   pads->n, rp_shape(x).s);
  *in_x = *x;
  if (make_shape) *in_y = *x;
  for (int k = 0; k < pads->n / 2; k++) {
    int     d = x->ndim - 1 - k;
    int64_t before = pads->i[2 * k], after = pads->i[2 * k + 1], n = x->shape[d];
    if (n + before + after < 0) return rp_fail(RP_ESHAPE, "pad: {%lld, %lld} leaves nothing of dimension %d of %s", (long long)before,
                                               (long long)after, d + 1, rp_shape(x).s);
    if (make_shape) { in_y->shape[d] = n + before + after; continue; }
    int64_t skip_x = before < 0 ? -before : 0, skip_y = before > 0 ? before : 0;
    int64_t common = n - skip_x - (after < 0 ? -after : 0);
    in_x->data = (char *)in_x->data + skip_x * in_x->stride[d] * (int64_t)rp_dtype_size(x->dtype);
    in_y->data = (char *)in_y->data + skip_y * in_y->stride[d] * (int64_t)rp_dtype_size(x->dtype);
    in_x->shape[d] = in_y->shape[d] = common < 0 ? 0 : common;
  }
  return RP_OK;
}

rp_status rp_forward_pad(rp_call *c) /* x, pads, value */
{
  rp_array y, x;
  RP_TRY(rp_pad_windows(&y, &x, &c->in[0]->a, &c->attr[0], true));
  RP_TRY(rp_tensor_full(&c->out[0], y.dtype, y.ndim, y.shape, c->attr[1].f));
  y = c->out[0]->a;
  RP_TRY(rp_pad_windows(&y, &x, &c->in[0]->a, &c->attr[0], false));
  return rp_device_now()->copy(&y, &x);
}
