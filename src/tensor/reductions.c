/* reductions.c: sums, extremes and row operations over any dimensions. */
#include "tensor/call.h"
#include "tensor/shape.h"

/* x with the reduced dimensions last, and the result's shape. */
typedef struct plan { rp_array x; int n_reduced, ndim; int64_t shape[RP_MAX_DIMS]; } plan;

static rp_status make_plan(plan *p, const rp_call *c)
{
  const rp_array *x = &c->in[0]->a;
  bool flag[RP_MAX_DIMS], keep = c->attr[1].i[0] != 0;
  RP_TRY(rp_dim_set(flag, c->attr[0].i, c->attr[0].n, x->ndim, rp_ops[c->op].name));
  p->n_reduced = rp_flagged_last(&p->x, x, flag);
  p->ndim = 0;
  for (int d = 0; d < x->ndim; d++)
    if (!flag[d] || keep) p->shape[p->ndim++] = flag[d] ? 1 : x->shape[d];
  return RP_OK;
}

static rp_status reduce(rp_call *c, rp_dtype work, rp_dtype result)
{
  plan       p;
  rp_tensor *x = NULL;
  RP_TRY(make_plan(&p, c));
  RP_TRY(rp_tensor_empty(&c->out[0], result, p.ndim, p.shape));
  if (work == c->in[0]->a.dtype) return rp_device_now()->reduce(c->op, &c->out[0]->a, &p.x, p.n_reduced);
  rp_tensor view = *c->in[0];
  view.a = p.x;
  RP_TRY(rp_tensor_cast(&x, &view, work));
  rp_status status = rp_device_now()->reduce(c->op, &c->out[0]->a, &x->a, p.n_reduced);
  rp_tensor_drop(x);
  return status;
}

static rp_status not_empty(const rp_call *c)
{
  plan p;
  RP_TRY(make_plan(&p, c));
  for (int d = p.x.ndim - p.n_reduced; d < p.x.ndim; d++)
    if (p.x.shape[d] == 0) return rp_fail(RP_ESHAPE, "%s: no elements along the reduced dimensions of %s", rp_ops[c->op].name,
                                          rp_shape(&c->in[0]->a).s);
  return RP_OK;
}

/* Sums of integers are int64. */
static rp_dtype sum_dtype(rp_dtype t) { return rp_is_float(t) ? t : RP_INT64; }

rp_status rp_forward_sum(rp_call *c)  { rp_dtype t = sum_dtype(c->in[0]->a.dtype); return reduce(c, t, t); }
rp_status rp_forward_prod(rp_call *c) { rp_dtype t = sum_dtype(c->in[0]->a.dtype); return reduce(c, t, t); }

rp_status rp_forward_mean(rp_call *c)
{
  rp_dtype t = rp_is_float(c->in[0]->a.dtype) ? c->in[0]->a.dtype : RP_FLOAT32;
  return reduce(c, t, t);
}

static rp_status extreme(rp_call *c)
{
  rp_dtype t = c->in[0]->a.dtype < RP_INT32 ? RP_INT32 : c->in[0]->a.dtype;
  RP_TRY(not_empty(c));
  return reduce(c, t, c->op == RP_OP_argmax || c->op == RP_OP_argmin ? RP_INT64 : t);
}

rp_status rp_forward_max(rp_call *c) { return extreme(c); }
rp_status rp_forward_min(rp_call *c) { return extreme(c); }

static rp_status position(rp_call *c)
{
  RP_TRY(extreme(c));
  return rp_device_now()->shift(c->out[0]->a.data, rp_count(&c->out[0]->a), 1); /* positions count from 1 */
}

rp_status rp_forward_argmax(rp_call *c) { return position(c); }
rp_status rp_forward_argmin(rp_call *c) { return position(c); }

/* ---- rows ---- */

static rp_status float_only(const rp_call *c)
{
  if (rp_is_float(c->in[0]->a.dtype)) return RP_OK;
  return rp_fail(RP_EDTYPE, "%s: takes float32 or float64, not %s; convert with x:to(\"float32\")", rp_ops[c->op].name,
                 rp_dtype_name(c->in[0]->a.dtype));
}

/* x (..., with dim last, contiguous) and y of the same layout; the result is y seen with dim in its place. */
static rp_status along_dim(rp_call *c, int64_t dim_attr)
{
  const rp_array *x = &c->in[0]->a;
  int dim = 0;
  RP_TRY(float_only(c));
  if (x->ndim == 0) return rp_fail(RP_ESHAPE, "%s: a scalar has no dimension to run along", rp_ops[c->op].name);
  RP_TRY(rp_dim(&dim, dim_attr, x->ndim, rp_ops[c->op].name));
  bool flag[RP_MAX_DIMS] = { false };
  flag[dim] = true;
  rp_tensor  view = *c->in[0], *in = NULL, *y = NULL;
  rp_flagged_last(&view.a, x, flag);
  rp_status status = rp_is_contiguous(&view.a) ? rp_tensor_view(&in, c->in[0], &view.a) : rp_tensor_clone(&in, &view, x->dtype);
  if (status == RP_OK) status = rp_tensor_empty(&y, x->dtype, x->ndim, view.a.shape);
  int64_t cols = x->shape[dim];
  if (status == RP_OK) {
    rp_rows r = { .dtype = x->dtype, .rows = cols ? rp_count(x) / cols : 0, .cols = cols, .x = in->a.data, .y = y->a.data };
    status = rp_device_now()->row(c->op, &r);
  }
  if (status == RP_OK) {
    rp_array back = y->a; /* dimension `dim` of the result is the last of y */
    for (int d = 0, at = 0; d < x->ndim; d++) {
      int from = d == dim ? x->ndim - 1 : at++;
      back.shape[d] = y->a.shape[from]; back.stride[d] = y->a.stride[from];
    }
    status = rp_tensor_view(&c->out[0], y, &back);
  }
  rp_tensor_drop(in);
  rp_tensor_drop(y);
  return status;
}

rp_status rp_forward_softmax(rp_call *c)     { return along_dim(c, c->attr[0].i[0]); }
rp_status rp_forward_log_softmax(rp_call *c) { return along_dim(c, c->attr[0].i[0]); }
rp_status rp_forward_cumsum(rp_call *c)      { return along_dim(c, c->attr[0].i[0]); }

rp_status rp_forward_logsumexp(rp_call *c) /* x, dims, keepdim */
{
  plan p;
  RP_TRY(float_only(c));
  RP_TRY(not_empty(c));
  RP_TRY(make_plan(&p, c));
  RP_TRY(rp_tensor_empty(&c->out[0], p.x.dtype, p.ndim, p.shape));
  rp_tensor view = *c->in[0], *in = NULL;
  view.a = p.x;
  RP_TRY(rp_is_contiguous(&p.x) ? rp_tensor_view(&in, c->in[0], &p.x) : rp_tensor_clone(&in, &view, p.x.dtype));
  int64_t rows = rp_count(&c->out[0]->a);
  rp_rows r = { .dtype = p.x.dtype, .rows = rows, .cols = rows ? rp_count(&p.x) / rows : 0, .x = in->a.data,
                .y = c->out[0]->a.data };
  rp_status status = rp_device_now()->row(c->op, &r);
  rp_tensor_drop(in);
  return status;
}

rp_status rp_forward_standardize(rp_call *c) /* x, n_dims, eps; saves 1 / sqrt(var + eps) of each row */
{
  const rp_array *x = &c->in[0]->a;
  int64_t n = c->attr[0].i[0], cols = 1, rows = 1;
  RP_TRY(float_only(c));
  if (n < 1 || n > x->ndim)
    return rp_fail(RP_ERANGE, "standardize: n_dims = %lld for a tensor of shape %s", (long long)n, rp_shape(x).s);
  for (int d = 0; d < x->ndim; d++) { if (d < x->ndim - n) rows *= x->shape[d]; else cols *= x->shape[d]; }
  RP_TRY(rp_tensor_empty(&c->out[0], x->dtype, x->ndim, x->shape));
  RP_TRY(rp_tensor_empty(&c->saved[0], x->dtype, 1, &rows));
  rp_tensor *in = NULL;
  RP_TRY(rp_tensor_contiguous(&in, c->in[0]));
  rp_rows r = { .dtype = x->dtype, .rows = rows, .cols = cols, .eps = c->attr[1].f, .x = in->a.data,
                .y = c->out[0]->a.data, .aux = c->saved[0]->a.data };
  rp_status status = rp_device_now()->row(c->op, &r);
  rp_tensor_drop(in);
  return status;
}
