/* indexing.c: selection and addition by position, sorting.  Positions count from 1 in the index tensors. */
#include "tensor/indexing.h"

#include <string.h>

#include "tensor/shape.h"

rp_status rp_positions(rp_tensor **out, rp_tensor *index, int64_t size, const char *who)
{
  rp_tensor *t = NULL;
  if (rp_is_float(index->a.dtype) || index->a.dtype == RP_BOOL)
    return rp_fail(RP_EDTYPE, "%s: the index must be an integer tensor, not %s; convert with index:to(\"int64\")", who, rp_dtype_name(index->a.dtype));
  RP_TRY(rp_tensor_clone(&t, index, RP_INT64));
  rp_status status = rp_device_now()->positions(t->a.data, rp_count(&t->a), size, who);
  if (status == RP_OK) *out = t; else rp_tensor_drop(t);
  return status;
}

void rp_split_at(int64_t *outer, int64_t *inner, const rp_array *a, int dim)
{
  *outer = *inner = 1;
  for (int d = 0; d < a->ndim; d++)
    if (d < dim) *outer *= a->shape[d]; else if (d > dim) *inner *= a->shape[d];
}

static rp_status index_dim(int *dim, const rp_call *c)
{
  return rp_dim(dim, c->attr[0].i[0], c->in[0]->a.ndim, rp_ops[c->op].name);
}

rp_status rp_forward_index_select(rp_call *c) /* x, dim, index; saves the positions from 0 */
{
  rp_tensor *x = NULL;
  int        dim = 0;
  int64_t    outer, inner;
  RP_TRY(index_dim(&dim, c));
  rp_array y = c->in[0]->a;
  if (c->in[1]->a.ndim != 1) return rp_fail(RP_ESHAPE, "index_select: index has shape %s; it must be a vector", rp_shape(&c->in[1]->a).s);
  RP_TRY(rp_positions(&c->saved[0], c->in[1], y.shape[dim], "index_select"));
  int64_t size = y.shape[dim];
  y.shape[dim] = c->in[1]->a.shape[0];
  rp_split_at(&outer, &inner, &y, dim);
  RP_TRY(rp_tensor_empty(&c->out[0], y.dtype, y.ndim, y.shape));
  if (y.shape[dim] == 0) return RP_OK;
  RP_TRY(rp_tensor_contiguous(&x, c->in[0]));
  rp_status status = rp_device_now()->gather(&c->out[0]->a, &x->a, c->saved[0]->a.data, outer, size, y.shape[dim], inner, true);
  rp_tensor_drop(x);
  return status;
}

static rp_status check_same_but(const rp_call *c, const rp_array *index, int dim)
{
  const rp_array *x = &c->in[0]->a;
  bool fits = index->ndim == x->ndim;
  for (int d = 0; fits && d < x->ndim; d++) fits = d == dim || index->shape[d] == x->shape[d];
  return fits ? RP_OK : rp_fail(RP_ESHAPE, "%s: index %s for x %s along dimension %d: the other sizes must be equal",
                                rp_ops[c->op].name, rp_shape(index).s, rp_shape(x).s, dim + 1);
}

rp_status rp_forward_gather(rp_call *c) /* x, dim, index; saves the positions from 0 */
{
  rp_tensor *x = NULL;
  int        dim = 0;
  int64_t    outer, inner;
  RP_TRY(index_dim(&dim, c));
  const rp_array *index = &c->in[1]->a;
  RP_TRY(check_same_but(c, index, dim));
  int64_t size = c->in[0]->a.shape[dim];
  RP_TRY(rp_positions(&c->saved[0], c->in[1], size, "gather"));
  rp_split_at(&outer, &inner, index, dim);
  RP_TRY(rp_tensor_empty(&c->out[0], c->in[0]->a.dtype, index->ndim, index->shape));
  if (rp_count(index) == 0) return RP_OK;
  RP_TRY(rp_tensor_contiguous(&x, c->in[0]));
  rp_status status = rp_device_now()->gather(&c->out[0]->a, &x->a, c->saved[0]->a.data, outer, size, index->shape[dim], inner, false);
  rp_tensor_drop(x);
  return status;
}

rp_status rp_forward_scatter_add(rp_call *c) /* x, dim, index, source; saves the positions from 0 */
{
  rp_tensor *source = NULL;
  int        dim = 0;
  int64_t    outer, inner;
  RP_TRY(index_dim(&dim, c));
  const rp_array *x = &c->in[0]->a, *index = &c->in[1]->a, *from = &c->in[2]->a;
  if (!rp_is_float(x->dtype) || from->dtype != x->dtype)
    return rp_fail(RP_EDTYPE, "scatter_add: x is %s and source %s; both must be float32 or both float64", rp_dtype_name(x->dtype), rp_dtype_name(from->dtype));
  RP_TRY(check_same_but(c, index, dim));
  if (!rp_same_shape(index, from)) return rp_fail(RP_ESHAPE, "scatter_add: index %s and source %s differ", rp_shape(index).s, rp_shape(from).s);
  RP_TRY(rp_positions(&c->saved[0], c->in[1], x->shape[dim], "scatter_add"));
  RP_TRY(rp_tensor_clone(&c->out[0], c->in[0], x->dtype));
  rp_split_at(&outer, &inner, index, dim);
  if (rp_count(index) == 0) return RP_OK;
  RP_TRY(rp_tensor_contiguous(&source, c->in[2]));
  rp_status status = rp_device_now()->scatter_add(&c->out[0]->a, &source->a, c->saved[0]->a.data, outer, x->shape[dim],
                                                  index->shape[dim], inner, false);
  rp_tensor_drop(source);
  return status;
}

/* ---- sorting ---- */

/* Rows of x along dim (last), sorted as far as the first k: values (work) and positions from 0 (order), both (..., n) with dim
 * last. */
static rp_status sort_rows(rp_tensor **values, rp_tensor **order, const rp_call *c, int dim, int64_t k, bool descending)
{
  rp_array   moved;
  rp_tensor *x = NULL;
  bool       flag[RP_MAX_DIMS] = { false };
  flag[dim] = true;
  rp_flagged_last(&moved, &c->in[0]->a, flag);
  rp_tensor view = *c->in[0];
  view.a = moved;
  RP_TRY(rp_tensor_clone(&x, &view, moved.dtype < RP_INT32 ? RP_INT32 : moved.dtype));
  rp_status status = rp_tensor_empty(values, x->a.dtype, moved.ndim, moved.shape);
  if (status == RP_OK) status = rp_tensor_empty(order, RP_INT64, moved.ndim, moved.shape);
  int64_t cols = moved.shape[moved.ndim - 1];
  if (status == RP_OK && cols > 0)
    status = rp_device_now()->sort(&(*values)->a, (*order)->a.data, &x->a, rp_count(&moved) / cols, cols, k, descending);
  rp_tensor_drop(x);
  return status;
}

/* The first k of the last dimension of t, with that dimension put back to dim. */
static rp_status take_first(rp_tensor **out, rp_tensor *t, int dim, int64_t k, rp_dtype dtype)
{
  rp_array   back = t->a;
  rp_tensor  view = *t;
  int        last = t->a.ndim - 1;
  for (int d = 0, at = 0; d <= last; d++) {
    int from = d == dim ? last : at++;
    back.shape[d] = from == last ? k : t->a.shape[from];
    back.stride[d] = t->a.stride[from];
  }
  view.a = back;
  return rp_tensor_clone(out, &view, dtype);
}

static rp_status sorted(rp_call *c, int64_t k, int64_t dim_attr, bool descending)
{
  rp_tensor *values = NULL, *order = NULL;
  int        dim = 0;
  if (c->in[0]->a.ndim == 0) return rp_fail(RP_ESHAPE, "%s: a scalar has nothing to sort", rp_ops[c->op].name);
  RP_TRY(rp_dim(&dim, dim_attr, c->in[0]->a.ndim, rp_ops[c->op].name));
  int64_t n = c->in[0]->a.shape[dim];
  if (k < 0) k = n;
  if (k > n) return rp_fail(RP_ERANGE, "%s: k = %lld of only %lld elements", rp_ops[c->op].name, (long long)k, (long long)n);
  rp_status status = sort_rows(&values, &order, c, dim, k, descending);
  if (status == RP_OK) status = take_first(&c->out[0], values, dim, k, c->in[0]->a.dtype);
  if (status == RP_OK) status = take_first(&c->saved[0], order, dim, k, RP_INT64);
  if (status == RP_OK) status = rp_tensor_clone(&c->out[1], c->saved[0], RP_INT64);
  if (status == RP_OK) status = rp_device_now()->shift(c->out[1]->a.data, rp_count(&c->out[1]->a), 1);
  rp_tensor_drop(values);
  rp_tensor_drop(order);
  return status;
}

rp_status rp_forward_sort(rp_call *c) /* x, dim, descending */
{
  return sorted(c, -1, c->attr[0].i[0], c->attr[1].i[0] != 0);
}

rp_status rp_forward_topk(rp_call *c) /* x, k, dim, largest */
{
  if (c->attr[0].i[0] < 0) return rp_fail(RP_ERANGE, "topk: k = %lld is negative", (long long)c->attr[0].i[0]);
  return sorted(c, c->attr[0].i[0], c->attr[1].i[0], c->attr[2].i[0] != 0);
}

rp_status rp_forward_unique(rp_call *c) /* x */
{
  rp_tensor *flat = NULL, *values = NULL, *order = NULL, *distinct = NULL, *inverse = NULL, *counts = NULL;
  const rp_device *device = rp_device_now();
  const rp_array  *x = &c->in[0]->a;
  int64_t    n = rp_count(x), found = 0;
  rp_dtype   work = x->dtype < RP_INT32 ? RP_INT32 : x->dtype;
  rp_status  status = rp_tensor_clone(&flat, c->in[0], work);
  if (status == RP_OK) status = rp_tensor_empty(&values, work, 1, &n);
  if (status == RP_OK) status = rp_tensor_empty(&order, RP_INT64, 1, &n);
  if (status == RP_OK) status = rp_tensor_empty(&distinct, work, 1, &n);
  if (status == RP_OK) status = rp_tensor_empty(&inverse, RP_INT64, x->ndim, x->shape);
  if (status == RP_OK) status = rp_tensor_empty(&counts, RP_INT64, 1, &n);
  if (status == RP_OK && n > 0) status = device->sort(&values->a, order->a.data, &flat->a, 1, n, n, false);
  if (status == RP_OK && n > 0) status = device->distinct(&distinct->a, &found, inverse->a.data, counts->a.data, &values->a, order->a.data);
  if (status == RP_OK) {
    distinct->a.shape[0] = counts->a.shape[0] = found;
    status = rp_tensor_clone(&c->out[0], distinct, x->dtype);
  }
  if (status == RP_OK) { c->out[1] = inverse; c->out[2] = counts; inverse = counts = NULL; }
  rp_tensor *all[6] = { flat, values, order, distinct, inverse, counts };
  for (int i = 0; i < 6; i++) rp_tensor_drop(all[i]);
  return status;
}
