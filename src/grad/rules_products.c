/* rules_products.c: gradients of matrix products and convolutions. */
#include "grad/rules.h"
#include "tensor/products.h"

static rp_status transposed(rp_tensor **out, rp_tensor *x)
{
  const rp_attr dims[2] = { { .n = 1, .i = { -2 } }, { .n = 1, .i = { -1 } } };
  return rp_run(out, RP_OP_transpose, &x, 1, dims, 2);
}

/* out = a b, either transposed. */
static rp_status product(rp_tensor **out, rp_tensor *a, bool turn_a, rp_tensor *b, bool turn_b)
{
  rp_tensor *in[2] = { NULL, NULL };
  rp_status  status = turn_a ? transposed(&in[0], a) : RP_OK;
  if (status == RP_OK && turn_b) status = transposed(&in[1], b);
  rp_tensor *use[2] = { turn_a ? in[0] : a, turn_b ? in[1] : b };
  if (status == RP_OK) status = rp_run(out, RP_OP_matmul, use, 2, NULL, 0);
  rp_tensor_drop(in[0]);
  rp_tensor_drop(in[1]);
  return status;
}

/* x as a matrix: a vector becomes a row (left) or a column; flat: leading dimensions run together. */
static rp_status as_matrix(rp_tensor **out, rp_tensor *x, bool left, bool flat)
{
  int64_t n = rp_count(&x->a), last = x->a.shape[x->a.ndim - 1];
  int64_t shape[2] = { left ? 1 : n, left ? n : 1 };
  if (x->a.ndim == 1) return rp_reshaped(out, x, 2, shape);
  if (!flat || x->a.ndim == 2) { *out = rp_tensor_keep(x); return RP_OK; }
  shape[0] = last ? n / last : 0;
  shape[1] = last;
  return rp_reshaped(out, x, 2, shape);
}

/* g of a product in which vectors were made matrices. */
static rp_status product_gradient(rp_tensor **out, rp_tensor *g, const rp_array *a, const rp_array *b)
{
  rp_array s = g->a;
  if (a->ndim == 1) { /* insert a row */
    int at = b->ndim == 1 ? s.ndim : s.ndim - 1;
    for (int d = s.ndim; d > at; d--) s.shape[d] = s.shape[d - 1];
    s.shape[at] = 1;
    s.ndim++;
  }
  if (b->ndim == 1) s.shape[s.ndim++] = 1;
  return rp_reshaped(out, g, s.ndim, s.shape);
}

/* gin = sum over repeated leading dimensions, in the shape of x. */
static rp_status finish(rp_tensor **gin, rp_tensor *wide, rp_tensor *matrix, const rp_array *x)
{
  rp_tensor *sum = NULL;
  rp_status  status = rp_sum_to(&sum, wide, &matrix->a);
  if (status == RP_OK) status = rp_reshaped(gin, sum, x->ndim, x->shape);
  rp_tensor_drop(sum);
  return status;
}

/* c = a b: ga = g b', gb = a' g.  With one matrix b for many a, gb is a single product over all rows. */
RULE(matmul, RP_IN(1), RP_IN(0))
{
  rp_tensor *a = NULL, *b = NULL, *g = NULL, *wide = NULL, *flat_g = NULL, *flat_a = NULL;
  const bool one_b = n->in[1]->a.ndim <= 2;
  rp_status  status = as_matrix(&a, n->in[0], true, false);
  if (status == RP_OK) status = as_matrix(&b, n->in[1], false, false);
  if (status == RP_OK) status = product_gradient(&g, n->g[0], &n->in[0]->a, &n->in[1]->a);
  if (status == RP_OK && n->needs[0]) {
    status = product(&wide, g, false, b, true);
    if (status == RP_OK) status = finish(&gin[0], wide, a, &n->in[0]->a);
    rp_tensor_drop(wide);
    wide = NULL;
  }
  if (status == RP_OK && n->needs[1]) {
    status = as_matrix(&flat_a, a, true, one_b);
    if (status == RP_OK) status = as_matrix(&flat_g, g, true, one_b);
    if (status == RP_OK) status = product(&wide, flat_a, true, flat_g, false);
    if (status == RP_OK) status = finish(&gin[1], wide, b, &n->in[1]->a);
  }
  rp_tensor *all[6] = { a, b, g, wide, flat_g, flat_a };
  for (int i = 0; i < 6; i++) rp_tensor_drop(all[i]);
  return status;
}

/* y = x W' + b: gx = g W, gW = g' x, gb = sum of g over all rows */
RULE(linear, RP_IN(1), RP_IN(0), 0)
{
  rp_tensor *x = NULL, *g = NULL;
  rp_status  status = RP_OK;
  if (n->needs[0]) status = product(&gin[0], n->g[0], false, n->in[1], false);
  if (status == RP_OK && n->needs[1]) status = as_matrix(&x, n->in[0], true, true);
  if (status == RP_OK) status = as_matrix(&g, n->g[0], true, true);
  if (status == RP_OK && n->needs[1]) status = product(&gin[1], g, true, x, false);
  if (status == RP_OK && n->in[2] && n->needs[2]) status = rp_sum_to(&gin[2], g, &n->in[2]->a);
  rp_tensor_drop(x);
  rp_tensor_drop(g);
  return status;
}

/* ---- convolutions ---- */

static rp_status bias_gradient(rp_tensor **out, rp_tensor *g)
{
  rp_attr attr[2] = { { .n = 0 }, { .n = 1, .i = { 0 } } };
  for (int d = 0; d < g->a.ndim; d++) if (d != 1) attr[0].i[attr[0].n++] = d + 1;
  return rp_run(out, RP_OP_sum, &g, 1, attr, 2);
}

/* One gradient from contiguous operands, by a kernel that takes two of (x, w, g). */
typedef rp_status conv_kernel(const rp_conv *k, void *out, const void *p, const void *q);

static rp_status conv_gradient(rp_tensor **out, const rp_conv *k, conv_kernel *kernel, rp_tensor *p, rp_tensor *q, const rp_array *like)
{
  rp_tensor *cp = NULL, *cq = NULL, *r = NULL;
  rp_status  status = rp_tensor_contiguous(&cp, p);
  if (status == RP_OK) status = rp_tensor_contiguous(&cq, q);
  if (status == RP_OK) status = rp_tensor_empty(&r, like->dtype, like->ndim, like->shape);
  if (status == RP_OK) status = kernel(k, r->a.data, cp->a.data, cq->a.data);
  rp_tensor_drop(cp);
  rp_tensor_drop(cq);
  if (status == RP_OK) *out = r; else rp_tensor_drop(r);
  return status;
}

static rp_status plan_of(rp_conv *k, const rp_node *n)
{
  int     nd = 0;
  rp_call c = { .op = n->op, .n_in = n->n_in, .in = n->in };
  for (int i = 0; i < n->n_attr; i++) c.attr[i] = n->attr[i];
  return n->op == RP_OP_conv ? rp_conv_plan(k, &nd, &c) : rp_conv_transpose_plan(k, &nd, &c);
}

static rp_status conv_plain(const rp_conv *k, void *y, const void *x, const void *w) { return rp_device_now()->conv(k, y, x, w, NULL); }

RULE(conv, RP_IN(1), RP_IN(0), 0)
{
  rp_conv k;
  rp_tensor *x = n->in[0], *w = n->in[1], *g = n->g[0];
  RP_TRY(plan_of(&k, n));
  if (n->needs[0]) RP_TRY(conv_gradient(&gin[0], &k, rp_device_now()->conv_input, g, w, &x->a));
  if (n->needs[1]) RP_TRY(conv_gradient(&gin[1], &k, rp_device_now()->conv_weight, x, g, &w->a));
  return n->in[2] && n->needs[2] ? bias_gradient(&gin[2], g) : RP_OK;
}

/* The adjoint of the adjoint is the convolution; the weight gradient exchanges the parts of x and g. */
RULE(conv_transpose, RP_IN(1), RP_IN(0), 0)
{
  rp_conv k;
  rp_tensor *x = n->in[0], *w = n->in[1], *g = n->g[0];
  RP_TRY(plan_of(&k, n));
  if (n->needs[0]) RP_TRY(conv_gradient(&gin[0], &k, conv_plain, g, w, &x->a));
  if (n->needs[1]) RP_TRY(conv_gradient(&gin[1], &k, rp_device_now()->conv_weight, g, x, &w->a));
  return n->in[2] && n->needs[2] ? bias_gradient(&gin[2], g) : RP_OK;
}
