/* products.c: matrix products and convolutions. */
#include "tensor/products.h"

#include <string.h>

#include "tensor/shape.h"

static rp_status same_float(const rp_call *c, const rp_tensor *a, const rp_tensor *b)
{
  if (rp_is_float(a->a.dtype) && a->a.dtype == b->a.dtype) return RP_OK;
  return rp_fail(RP_EDTYPE, "%s: takes two tensors of one float type, not %s and %s; convert with x:to(\"%s\")", rp_ops[c->op].name,
                 rp_dtype_name(a->a.dtype), rp_dtype_name(b->a.dtype), rp_is_float(a->a.dtype) ? rp_dtype_name(a->a.dtype) : "float32");
}

/* ---- matmul ---- */

/* The stride by which dimensions first .. end-1 can be walked as one; false if they cannot. */
static bool one_stride(int64_t *stride, const rp_array *a, int first, int end)
{
  int64_t next = 0;
  bool    started = false;
  *stride = 0;
  for (int d = end - 1; d >= first; d--) {
    if (a->shape[d] == 1) continue;
    if (started && a->stride[d] != next) return false;
    if (!started) *stride = a->stride[d];
    started = true;
    next = a->stride[d] * a->shape[d];
  }
  return true;
}

/* t, or a contiguous copy of the array a of t, such that the leading n dimensions have one stride. */
static rp_status with_one_stride(rp_tensor **out, rp_array *a, int64_t *stride, const rp_tensor *t, int n)
{
  *out = NULL;
  if (one_stride(stride, a, 0, n)) return RP_OK;
  rp_tensor view = *t;
  view.a = *a;
  RP_TRY(rp_tensor_clone(out, &view, a->dtype));
  *a = (*out)->a;
  one_stride(stride, a, 0, n);
  return RP_OK;
}

/* The strides of a batch of two levels (sequences and heads, for instance), where one does not do. */
static bool two_strides(rp_gemm *g, const rp_array *a, const rp_array *b, int n)
{
  int64_t stride;
  if (one_stride(&stride, a, 0, n) && one_stride(&stride, b, 0, n)) return false;
  for (int split = 1; split < n; split++) {
    if (!one_stride(&g->a_batch, a, 0, split) || !one_stride(&g->a_inner, a, split, n)) continue;
    if (!one_stride(&g->b_batch, b, 0, split) || !one_stride(&g->b_inner, b, split, n)) continue;
    g->inner = 1;
    for (int d = split; d < n; d++) g->inner *= a->shape[d];
    return true;
  }
  return false;
}

static rp_array as_matrix(const rp_array *x, bool left)
{
  rp_array a = *x;
  if (a.ndim != 1) return a;
  a.ndim = 2; /* a row on the left, a column on the right */
  int64_t n = a.shape[0], s = a.stride[0];
  a.shape[0] = left ? 1 : n; a.stride[0] = left ? 0 : s;
  a.shape[1] = left ? n : 1; a.stride[1] = left ? s : 0;
  return a;
}

static rp_status matmul_shape(rp_array *y, rp_array *a, rp_array *b)
{
  rp_array batch_a = *a, batch_b = *b;
  const rp_array *both[2] = { &batch_a, &batch_b };
  batch_a.ndim -= 2; batch_b.ndim -= 2;
  y->dtype = a->dtype;
  RP_TRY(rp_broadcast_shape(&y->ndim, y->shape, both, 2, "matmul (leading dimensions)"));
  rp_array *operand[2] = { a, b };
  for (int k = 0; k < 2; k++) {
    rp_array wide, *o = operand[k];
    int64_t  shape[RP_MAX_DIMS];
    memcpy(shape, y->shape, sizeof shape);
    memcpy(shape + y->ndim, o->shape + o->ndim - 2, 2 * sizeof *shape);
    if (y->ndim + 2 > RP_MAX_DIMS) return rp_fail(RP_ESHAPE, "matmul: more than %d dimensions", RP_MAX_DIMS);
    RP_TRY(rp_broadcast_to(&wide, o, y->ndim + 2, shape, "matmul"));
    wide.stride[y->ndim] = o->stride[o->ndim - 2]; wide.stride[y->ndim + 1] = o->stride[o->ndim - 1];
    *o = wide;
  }
  y->shape[y->ndim] = a->shape[a->ndim - 2];
  y->shape[y->ndim + 1] = b->shape[b->ndim - 1];
  y->ndim += 2;
  return RP_OK;
}

static void drop_dim(rp_array *y, int d)
{
  memmove(y->shape + d, y->shape + d + 1, (size_t)(y->ndim - d - 1) * sizeof *y->shape);
  memmove(y->stride + d, y->stride + d + 1, (size_t)(y->ndim - d - 1) * sizeof *y->stride);
  y->ndim--;
}

/* y = a b; g holds the strides of the batch. */
static rp_status multiply(rp_gemm *g, const rp_array *y, const rp_array *a, const rp_array *b)
{
  int n = y->ndim;
  g->dtype = y->dtype; g->batch = 1; g->m = y->shape[n - 2]; g->n = y->shape[n - 1]; g->k = a->shape[n - 1];
  g->a = a->data; g->a_row = a->stride[n - 2]; g->a_col = a->stride[n - 1];
  g->b = b->data; g->b_row = b->stride[n - 2]; g->b_col = b->stride[n - 1];
  g->c = y->data; g->c_batch = g->m * g->n; g->c_row = g->n;
  for (int d = 0; d < n - 2; d++) g->batch *= y->shape[d];
  if (g->batch == 0 || g->m == 0 || g->n == 0) return RP_OK;
  if (!g->inner && g->b_batch == 0 && (g->m == 1 || g->a_batch == g->m * g->a_row)) { /* one tall product, not a batch */
    if (g->m == 1) g->a_row = g->a_batch;
    g->m *= g->batch;
    g->batch = 1;
  }
  return rp_device_now()->gemm(g);
}

rp_status rp_forward_matmul(rp_call *c) /* a, b */
{
  const rp_array *left = &c->in[0]->a, *right = &c->in[1]->a;
  RP_TRY(same_float(c, c->in[0], c->in[1]));
  if (left->ndim == 0 || right->ndim == 0) return rp_fail(RP_ESHAPE, "matmul: %s by %s: a scalar; use * instead", rp_shape(left).s, rp_shape(right).s);
  rp_array a = as_matrix(left, true), b = as_matrix(right, false), y;
  int64_t  k_a = a.shape[a.ndim - 1], k_b = b.shape[b.ndim - 2];
  rp_gemm  g = { .inner = 0 };
  if (k_a != k_b)
    return rp_fail(RP_ESHAPE, "matmul: %s by %s: inner sizes %lld and %lld differ", rp_shape(left).s, rp_shape(right).s, (long long)k_a, (long long)k_b);
  RP_TRY(matmul_shape(&y, &a, &b));
  RP_TRY(rp_tensor_empty(&c->out[0], y.dtype, y.ndim, y.shape));
  rp_tensor *copy_a = NULL, *copy_b = NULL;
  rp_status  status = RP_OK;
  if (!two_strides(&g, &a, &b, y.ndim - 2)) {
    status = with_one_stride(&copy_a, &a, &g.a_batch, c->in[0], y.ndim - 2);
    if (status == RP_OK) status = with_one_stride(&copy_b, &b, &g.b_batch, c->in[1], y.ndim - 2);
  }
  if (status == RP_OK) status = multiply(&g, &c->out[0]->a, &a, &b);
  rp_tensor_drop(copy_a);
  rp_tensor_drop(copy_b);
  if (right->ndim == 1) drop_dim(&c->out[0]->a, y.ndim - 1);
  if (left->ndim == 1) drop_dim(&c->out[0]->a, c->out[0]->a.ndim - (right->ndim == 1 ? 1 : 2));
  return status;
}

/* ---- linear ---- */

rp_status rp_forward_linear(rp_call *c) /* x, weight, bias? */
{
  const rp_array *x = &c->in[0]->a, *w = &c->in[1]->a, *b = c->in[2] ? &c->in[2]->a : NULL;
  RP_TRY(same_float(c, c->in[0], c->in[1]));
  if (w->ndim != 2 || x->ndim < 1 || x->shape[x->ndim - 1] != w->shape[1])
    return rp_fail(RP_ESHAPE, "linear: x %s with weight %s: the last size of x must be the weight's second", rp_shape(x).s, rp_shape(w).s);
  if (b && (b->ndim != 1 || b->shape[0] != w->shape[0] || b->dtype != x->dtype))
    return rp_fail(RP_ESHAPE, "linear: bias %s %s for weight %s %s: it must have one element per output", rp_shape(b).s,
                   rp_dtype_name(b->dtype), rp_shape(w).s, rp_dtype_name(w->dtype));
  rp_array y = *x;
  y.shape[y.ndim - 1] = w->shape[0];
  RP_TRY(rp_tensor_empty(&c->out[0], x->dtype, y.ndim, y.shape));
  rp_tensor *in = NULL, *bias = NULL;
  rp_array   a = *x;
  int64_t    row = 0, last = x->ndim - 1;
  RP_TRY(with_one_stride(&in, &a, &row, c->in[0], (int)last));
  rp_status status = b ? rp_tensor_contiguous(&bias, c->in[2]) : RP_OK;
  int64_t   rows = 1;
  for (int d = 0; d < last; d++) rows *= x->shape[d];
  rp_gemm g = { .dtype = x->dtype, .batch = 1, .m = rows, .n = w->shape[0], .k = w->shape[1],
                .a = a.data, .a_row = row, .a_col = a.stride[last], .b = w->data, .b_row = w->stride[1], .b_col = w->stride[0],
                .c = c->out[0]->a.data, .c_row = w->shape[0], .bias = bias ? bias->a.data : NULL };
  if (status == RP_OK && g.m > 0 && g.n > 0) status = rp_device_now()->gemm(&g);
  rp_tensor_drop(in);
  rp_tensor_drop(bias);
  return status;
}

/* ---- convolution ---- */

static rp_status spread(int64_t out[3], const rp_attr *a, int nd, int64_t lowest, const char *who, const char *what)
{
  int lead = 3 - nd;
  if (a->n != 1 && a->n != nd) return rp_fail(RP_EARG, "%s: %s needs 1 or %d numbers, not %d", who, what, nd, a->n);
  for (int d = 0; d < 3; d++) out[d] = d < lead ? (lowest > 0 ? 1 : 0) : a->i[a->n == 1 ? 0 : d - lead];
  for (int d = 0; d < 3; d++)
    if (out[d] < lowest || out[d] > INT32_MAX) return rp_fail(RP_ERANGE, "%s: %s of %lld", who, what, (long long)out[d]);
  return RP_OK;
}

static rp_status conv_ranks(const rp_call *c, int *nd)
{
  const rp_array *x = &c->in[0]->a, *w = &c->in[1]->a;
  RP_TRY(same_float(c, c->in[0], c->in[1]));
  *nd = x->ndim - 2;
  if (*nd < 1 || *nd > 3 || w->ndim != x->ndim)
    return rp_fail(RP_ESHAPE, "%s: x %s with weight %s: both must be (batch, channels, 1 to 3 sizes) and (out, in, the same number)",
                   rp_ops[c->op].name, rp_shape(x).s, rp_shape(w).s);
  return RP_OK;
}

static rp_status check_bias(const rp_call *c, int64_t channels)
{
  const rp_tensor *b = c->in[2];
  if (!b || (b->a.ndim == 1 && b->a.shape[0] == channels && b->a.dtype == c->in[0]->a.dtype)) return RP_OK;
  return rp_fail(RP_ESHAPE, "%s: bias %s for %lld output channels", rp_ops[c->op].name, rp_shape(&b->a).s, (long long)channels);
}

static rp_status check_groups(const rp_call *c, int64_t groups, int64_t x_channels, int64_t w_channels, int64_t split)
{
  if (groups >= 1 && groups <= INT32_MAX && x_channels == w_channels && split % groups == 0) return RP_OK;
  return rp_fail(RP_ESHAPE, "%s: x %s with weight %s in %lld groups: the channels do not fit", rp_ops[c->op].name,
                 rp_shape(&c->in[0]->a).s, rp_shape(&c->in[1]->a).s, (long long)groups);
}

rp_status rp_conv_plan(rp_conv *k, int *nd, const rp_call *c) /* x, weight, bias?, stride, padding, dilation, groups */
{
  RP_TRY(conv_ranks(c, nd));
  const rp_array *x = &c->in[0]->a, *w = &c->in[1]->a;
  *k = (rp_conv){ .dtype = x->dtype, .batch = x->shape[0], .groups = c->attr[3].i[0], .c_in = x->shape[1], .c_out = w->shape[0] };
  RP_TRY(spread(k->stride, &c->attr[0], *nd, 1, "conv", "stride"));
  RP_TRY(spread(k->padding, &c->attr[1], *nd, 0, "conv", "padding"));
  RP_TRY(spread(k->dilation, &c->attr[2], *nd, 1, "conv", "dilation"));
  RP_TRY(check_groups(c, k->groups, k->c_in, w->shape[1] * k->groups, k->c_out));
  RP_TRY(check_bias(c, k->c_out));
  for (int d = 0; d < 3; d++) {
    int from = d - (3 - *nd) + 2;
    k->in[d] = from < 2 ? 1 : x->shape[from];
    k->kernel[d] = from < 2 ? 1 : w->shape[from];
    int64_t reach = k->in[d] + 2 * k->padding[d] - k->dilation[d] * (k->kernel[d] - 1) - 1;
    if (reach < 0 || k->kernel[d] < 1)
      return rp_fail(RP_ESHAPE, "conv: a kernel of %s does not fit into x %s with this padding", rp_shape(w).s, rp_shape(x).s);
    k->out[d] = reach / k->stride[d] + 1;
  }
  return RP_OK;
}

/* conv_transpose is the adjoint: its x has the shape of that convolution's result, its result that of its input. */
rp_status rp_conv_transpose_plan(rp_conv *k, int *nd, const rp_call *c) /* x, weight, bias?, stride, padding, output_padding, dilation, groups */
{
  int64_t extra[3];
  RP_TRY(conv_ranks(c, nd));
  const rp_array *x = &c->in[0]->a, *w = &c->in[1]->a;
  *k = (rp_conv){ .dtype = x->dtype, .batch = x->shape[0], .groups = c->attr[4].i[0], .c_out = x->shape[1],
                  .c_in = w->shape[1] * c->attr[4].i[0] };
  RP_TRY(spread(k->stride, &c->attr[0], *nd, 1, "conv_transpose", "stride"));
  RP_TRY(spread(k->padding, &c->attr[1], *nd, 0, "conv_transpose", "padding"));
  RP_TRY(spread(extra, &c->attr[2], *nd, 0, "conv_transpose", "output_padding"));
  RP_TRY(spread(k->dilation, &c->attr[3], *nd, 1, "conv_transpose", "dilation"));
  RP_TRY(check_groups(c, k->groups, x->shape[1], w->shape[0], x->shape[1]));
  RP_TRY(check_bias(c, k->c_in));
  for (int d = 0; d < 3; d++) {
    int from = d - (3 - *nd) + 2;
    k->out[d] = from < 2 ? 1 : x->shape[from];
    k->kernel[d] = from < 2 ? 1 : w->shape[from];
    k->in[d] = (k->out[d] - 1) * k->stride[d] - 2 * k->padding[d] + k->dilation[d] * (k->kernel[d] - 1) + extra[d] + 1;
    if (extra[d] >= k->stride[d] && extra[d] > 0)
      return rp_fail(RP_EARG, "conv_transpose: output_padding %lld must be below the stride %lld", (long long)extra[d], (long long)k->stride[d]);
    if (k->in[d] < 1 || k->kernel[d] < 1 || k->out[d] < 1)
      return rp_fail(RP_ESHAPE, "conv_transpose: x %s with weight %s and this padding leaves nothing", rp_shape(x).s, rp_shape(w).s);
  }
  return RP_OK;
}

static rp_status new_images(rp_tensor **out, const rp_conv *k, int nd, int64_t channels, const int64_t size[3])
{
  int64_t shape[5] = { k->batch, channels };
  memcpy(shape + 2, size + 3 - nd, (size_t)nd * sizeof *shape);
  return rp_tensor_empty(out, k->dtype, nd + 2, shape);
}

/* Runs one of the three convolution kernels on contiguous copies of its operands. */
static rp_status run_conv(rp_call *c, const rp_conv *k)
{
  rp_tensor *x = NULL, *w = NULL, *b = NULL;
  const rp_device *d = rp_device_now();
  rp_status status = rp_tensor_contiguous(&x, c->in[0]);
  if (status == RP_OK) status = rp_tensor_contiguous(&w, c->in[1]);
  if (status == RP_OK && c->in[2]) status = rp_tensor_contiguous(&b, c->in[2]);
  if (status == RP_OK && c->op == RP_OP_conv)
    status = d->conv(k, c->out[0]->a.data, x->a.data, w->a.data, b ? b->a.data : NULL);
  else if (status == RP_OK)
    status = d->conv_input(k, c->out[0]->a.data, x->a.data, w->a.data);
  if (status == RP_OK && b && c->op == RP_OP_conv_transpose) { /* bias per channel, added last */
    rp_array per_channel = c->out[0]->a;
    for (int i = 0; i < per_channel.ndim; i++) per_channel.stride[i] = i == 1 ? 1 : 0;
    per_channel.data = b->a.data;
    status = d->add(&c->out[0]->a, &per_channel);
  }
  rp_tensor_drop(x); rp_tensor_drop(w); rp_tensor_drop(b);
  return status;
}

rp_status rp_forward_conv(rp_call *c)
{
  rp_conv k;
  int     nd = 0;
  RP_TRY(rp_conv_plan(&k, &nd, c));
  RP_TRY(new_images(&c->out[0], &k, nd, k.c_out, k.out));
  return run_conv(c, &k);
}

rp_status rp_forward_conv_transpose(rp_call *c)
{
  rp_conv k;
  int     nd = 0;
  RP_TRY(rp_conv_transpose_plan(&k, &nd, c));
  RP_TRY(new_images(&c->out[0], &k, nd, k.c_in, k.in));
  return run_conv(c, &k);
}
