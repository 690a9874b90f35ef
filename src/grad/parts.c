#include "grad/parts.h"

#include <string.h>

#include "tensor/shape.h"

/* The strides of a without gaps, its order of dimensions in memory kept. */
static void close_gaps(rp_array *a)
{
  const rp_array was = *a;
  bool    placed[RP_MAX_DIMS] = { false };
  int64_t next = 1;
  for (int k = 0; k < a->ndim; k++) { /* the innermost first: the one with the least stride of those left */
    int d = -1;
    for (int i = a->ndim - 1; i >= 0; i--) if (!placed[i] && (d < 0 || was.stride[i] < was.stride[d])) d = i;
    placed[d] = true;
    a->stride[d] = next;
    next *= a->shape[d];
  }
}

/* Whether every element has a place of its own. */
static bool has_no_gaps(const rp_array *a)
{
  rp_array closed = *a;
  close_gaps(&closed);
  for (int d = 0; d < a->ndim; d++) if (a->shape[d] > 1 && a->stride[d] != closed.stride[d]) return false;
  return true;
}

bool rp_takes_parts(const rp_tensor *gx)
{
  return gx->references == 1 && gx->storage->references == 1 && has_no_gaps(&gx->a);
}

/* A new gradient of x, in x's order so that what was a view of x stays one of them. */
static rp_status laid_out_like(rp_tensor **out, const rp_array *x)
{
  rp_tensor *flat = NULL;
  int64_t    count = rp_count(x);
  rp_array   a = *x;
  close_gaps(&a);
  RP_TRY(rp_tensor_empty(&flat, x->dtype, 1, &count));
  a.data = flat->a.data;
  rp_status status = rp_tensor_view(out, flat, &a);
  rp_tensor_drop(flat);
  return status;
}

static rp_array between(const rp_array *a, int dim, int64_t from, int64_t to)
{
  rp_array part = *a;
  part.data = (char *)part.data + from * part.stride[dim] * (int64_t)rp_dtype_size(part.dtype);
  part.shape[dim] = to - from;
  return part;
}

static rp_status clear(const rp_array *a, int dim, int64_t from, int64_t to)
{
  rp_array part = between(a, dim, from, to);
  return from < to ? rp_device_now()->fill(&part, 0) : RP_OK;
}

rp_status rp_cover_all(rp_tensor *gx, rp_covered *covered)
{
  const rp_covered c = *covered;
  *covered = (rp_covered){ 0 };
  if (c.to == 0) return RP_OK;
  RP_TRY(clear(&gx->a, c.dim, 0, c.from));
  return clear(&gx->a, c.dim, c.to, gx->a.shape[c.dim]);
}

/* Where the part lies in the whole, if it is all of it between two positions of one dimension. */
static bool is_between(rp_covered *region, rp_opcode op, const rp_attr *attr, const rp_array *part, const rp_array *whole)
{
  int d = 0;
  if (rp_count(part) == 0 || op == RP_OP_diagonal || rp_dim(&d, attr[0].i[0], whole->ndim, rp_ops[op].name) != RP_OK) return false;
  if (whole->stride[d] == 0 || (op == RP_OP_slice && part->stride[d] != whole->stride[d])) return false;
  int64_t offset = ((char *)part->data - (char *)whole->data) / (int64_t)rp_dtype_size(whole->dtype);
  region->dim = d;
  region->from = offset / whole->stride[d];
  region->to = region->from + (op == RP_OP_slice ? part->shape[d] : 1);
  return true;
}

/* part = +0 + g */
static rp_status put(const rp_array *part, const rp_array *g)
{
  rp_tensor *zero = NULL;
  RP_TRY(rp_tensor_full(&zero, part->dtype, 0, NULL, 0));
  rp_array in[3] = { *g, *part };
  in[1].data = zero->a.data;
  memset(in[1].stride, 0, sizeof in[1].stride);
  rp_status status = rp_device_now()->map(RP_OP_add, part, in);
  rp_tensor_drop(zero);
  return status;
}

/* A part beside what has been written is put there; anything else is added to a whole without gaps. */
static rp_status add_at(rp_tensor *gx, rp_covered *covered, bool fresh, const rp_covered *region, const rp_array *part, const rp_array *g)
{
  const bool after = covered->to > 0 && region->dim == covered->dim && region->from == covered->to;
  const bool before = covered->to > 0 && region->dim == covered->dim && region->to == covered->from;
  if (region->to > 0 && (fresh || after || before)) {
    if (fresh)       *covered = *region;
    else if (after)  covered->to = region->to;
    else             covered->from = region->from;
    if (covered->from == 0 && covered->to == gx->a.shape[covered->dim]) *covered = (rp_covered){ 0 };
    return put(part, g);
  }
  if (fresh) RP_TRY(rp_device_now()->fill(&gx->a, 0));
  else       RP_TRY(rp_cover_all(gx, covered));
  return rp_device_now()->add(part, g);
}

rp_status rp_add_part(rp_tensor **gx, rp_covered *covered, rp_opcode op, const rp_attr *attr, int n_attr, const rp_tensor *x, const rp_tensor *g)
{
  const bool fresh = !*gx;
  rp_covered region = { 0 };
  if (fresh) RP_TRY(laid_out_like(gx, &x->a));
  rp_call c = { .op = op, .n_in = 1, .in = gx, .n_attr = n_attr };
  memcpy(c.attr, attr, (size_t)n_attr * sizeof *attr);
  RP_TRY(rp_ops[op].forward(&c));
  rp_tensor *part = c.out[0];
  if (!is_between(&region, op, attr, &part->a, &(*gx)->a)) region = (rp_covered){ 0 };
  rp_status status = add_at(*gx, covered, fresh, &region, &part->a, &g->a);
  (*gx)->storage->version++;
  rp_tensor_drop(part);
  return status;
}
