/* rules_indexing.c: gradients of selections: a scatter-add in the order of the source. */
#include "grad/rules.h"
#include "tensor/indexing.h"

/* *out = zeros shaped like x with g added at the saved positions along dim. */
static rp_status scatter(rp_tensor **out, const rp_node *n, int64_t dim_attr, bool rows)
{
  rp_tensor *sum = NULL, *g = NULL;
  const rp_array *x = &n->in[0]->a;
  int     dim = 0;
  int64_t outer, inner;
  RP_TRY(rp_dim(&dim, dim_attr, x->ndim, rp_ops[n->op].name));
  rp_split_at(&outer, &inner, &n->g[0]->a, dim);
  RP_TRY(rp_zeros_like(&sum, n->in[0]));
  rp_status status = rp_tensor_contiguous(&g, n->g[0]);
  if (status == RP_OK && rp_count(&g->a) > 0)
    status = rp_device_now()->scatter_add(&sum->a, &g->a, n->saved[0]->a.data, outer, x->shape[dim], g->a.shape[dim], inner, rows);
  rp_tensor_drop(g);
  if (status == RP_OK) *out = sum; else rp_tensor_drop(sum);
  return status;
}

RULE(index_select, 0) { return scatter(&gin[0], n, n->attr[0].i[0], true); }
RULE(gather, 0)       { return scatter(&gin[0], n, n->attr[0].i[0], false); }

static rp_status sorted_rule(const rp_node *n, rp_tensor **gin, int64_t dim_attr)
{
  return n->g[0] ? scatter(&gin[0], n, dim_attr, false) : RP_OK;
}

RULE(sort, 0) { return sorted_rule(n, gin, n->attr[0].i[0]); }
RULE(topk, 0) { return sorted_rule(n, gin, n->attr[1].i[0]); }

RULE(scatter_add, 0, 0, RP_IN(1)) /* dim, index, source */
{
  if (n->needs[0]) gin[0] = rp_tensor_keep(n->g[0]);
  if (!n->needs[2]) return RP_OK;
  rp_tensor *in[2] = { n->g[0], n->in[1] };
  return rp_run(&gin[2], RP_OP_gather, in, 2, n->attr, 1);
}
