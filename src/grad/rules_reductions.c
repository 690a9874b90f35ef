/* rules_reductions.c: gradients of reductions and row operations. */
#include <string.h>

#include "grad/rules.h"

/* g with the reduced dimensions back as size 1, seen in the shape of x. */
static rp_status spread(rp_tensor **out, const rp_node *n, rp_tensor *g)
{
  const rp_array *x = &n->in[0]->a;
  bool       flag[RP_MAX_DIMS];
  int64_t    shape[RP_MAX_DIMS];
  rp_tensor *kept = NULL;
  rp_array   wide;
  RP_TRY(rp_dim_set(flag, n->attr[0].i, n->attr[0].n, x->ndim, rp_ops[n->op].name));
  for (int d = 0; d < x->ndim; d++) shape[d] = flag[d] ? 1 : x->shape[d];
  RP_TRY(rp_reshaped(&kept, g, x->ndim, shape));
  rp_status status = rp_broadcast_to(&wide, &kept->a, x->ndim, x->shape, "gradient");
  if (status == RP_OK) status = rp_tensor_view(out, kept, &wide);
  rp_tensor_drop(kept);
  return status;
}

RULE(sum, 0) { return spread(&gin[0], n, n->g[0]); }

RULE(mean, 0)
{
  rp_tensor *count = NULL, *share = NULL;
  int64_t    kept = rp_count(&n->out[0]->a), one = 1;
  RP_TRY(rp_tensor_full(&count, n->g[0]->a.dtype, 0, &one, kept ? (double)(rp_count(&n->in[0]->a) / kept) : 1));
  rp_tensor *in[2] = { n->g[0], count };
  rp_status  status = rp_run(&share, RP_OP_div, in, 2, NULL, 0);
  if (status == RP_OK) status = spread(&gin[0], n, share);
  rp_tensor_drop(count);
  rp_tensor_drop(share);
  return status;
}

/* ---- rows: x, y and g are brought to contiguous rows, gx goes back ---- */

/* A copy of x with the flagged dimensions last (x itself if that is what it is). */
static rp_status rows_of(rp_tensor **out, rp_tensor *x, const bool flag[RP_MAX_DIMS])
{
  rp_tensor view = *x, *moved = NULL;
  if (!x->a.data) { *out = rp_tensor_keep(x); return RP_OK; } /* a shell: not read */
  rp_flagged_last(&view.a, &x->a, flag);
  if (!rp_is_contiguous(&view.a)) return rp_tensor_clone(out, &view, x->a.dtype);
  RP_TRY(rp_tensor_view(&moved, x, &view.a));
  *out = moved;
  return RP_OK;
}

/* gx, laid out with the flagged dimensions last, seen in the order of x. */
static rp_status put_back(rp_tensor **out, rp_tensor *gx, const rp_array *x, const bool flag[RP_MAX_DIMS])
{
  rp_array a = *x;
  int      at = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int d = 0; d < x->ndim; d++)
      if (flag[d] == (pass == 1)) a.stride[d] = gx->a.stride[at++];
  a.data = gx->a.data;
  return rp_tensor_view(out, gx, &a);
}

/* Whether gx can take the place of g: the rows lie in g's own memory, which nobody else holds. */
static bool overwrites(const rp_node *n, const bool flag[RP_MAX_DIMS])
{
  rp_array rows;
  rp_flagged_last(&rows, &n->g[0]->a, flag);
  return n->op != RP_OP_cumsum && rp_is_exclusive(n->g[0]) && rp_is_contiguous(&rows);
}

static rp_status row_rule(const rp_node *n, rp_tensor **gin, const bool flag[RP_MAX_DIMS], bool reduced)
{
  rp_tensor *x = NULL, *y = NULL, *g = NULL, *gx = NULL;
  const rp_array *shape = &n->in[0]->a;
  const bool none[RP_MAX_DIMS] = { false };
  int64_t cols = 1, count = rp_count(shape);
  for (int d = 0; d < shape->ndim; d++) if (flag[d]) cols *= shape->shape[d];
  const bool reuse = !reduced && overwrites(n, flag);
  rp_status status = rows_of(&x, n->in[0], flag);
  if (status == RP_OK) status = rows_of(&y, n->out[0], reduced ? none : flag);
  if (status == RP_OK) status = rows_of(&g, n->g[0], reduced ? none : flag);
  if (status == RP_OK && reuse) gx = rp_tensor_keep(g);
  if (status == RP_OK && !reuse) status = rp_tensor_empty(&gx, shape->dtype, x->a.ndim, x->a.shape);
  if (status == RP_OK) {
    rp_rows r = { .dtype = shape->dtype, .rows = cols ? count / cols : 0, .cols = cols, .x = x->a.data, .y = y->a.data,
                  .g = g->a.data, .gx = gx->a.data, .aux = n->saved[0] ? n->saved[0]->a.data : NULL };
    status = rp_device_now()->row_back(n->op, &r);
  }
  if (status == RP_OK) status = put_back(&gin[0], gx, shape, flag);
  rp_tensor_drop(x); rp_tensor_drop(y); rp_tensor_drop(g); rp_tensor_drop(gx);
  return status;
}

static rp_status reduced_rule(const rp_node *n, rp_tensor **gin) /* dims, keepdim */
{
  bool flag[RP_MAX_DIMS];
  RP_TRY(rp_dim_set(flag, n->attr[0].i, n->attr[0].n, n->in[0]->a.ndim, rp_ops[n->op].name));
  return row_rule(n, gin, flag, true);
}

RULE(prod, RP_IN(0))      { return reduced_rule(n, gin); }
RULE(max, RP_IN(0) | RP_OUT)       { return reduced_rule(n, gin); }
RULE(min, RP_IN(0) | RP_OUT)       { return reduced_rule(n, gin); }
RULE(logsumexp, RP_IN(0) | RP_OUT) { return reduced_rule(n, gin); }

static rp_status along_rule(const rp_node *n, rp_tensor **gin) /* dim */
{
  bool flag[RP_MAX_DIMS];
  RP_TRY(rp_dim_set(flag, n->attr[0].i, 1, n->in[0]->a.ndim, rp_ops[n->op].name));
  return row_rule(n, gin, flag, false);
}

RULE(softmax, RP_OUT)     { return along_rule(n, gin); }
RULE(log_softmax, RP_OUT) { return along_rule(n, gin); }
RULE(cumsum, 0)      { return along_rule(n, gin); }

RULE(standardize, RP_OUT) /* n_dims, eps */
{
  bool flag[RP_MAX_DIMS] = { false };
  int  ndim = n->in[0]->a.ndim;
  for (int d = ndim - (int)n->attr[0].i[0]; d < ndim; d++) flag[d] = true;
  return row_rule(n, gin, flag, false);
}
