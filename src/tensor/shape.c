#include "tensor/shape.h"

#include <stdio.h>
#include <string.h>

rp_shape_text rp_shape(const rp_array *a)
{
  rp_shape_text t;
  char *p = t.s;
  *p++ = '(';
  for (int d = 0; d < a->ndim; d++) p += sprintf(p, d ? "x%lld" : "%lld", (long long)a->shape[d]);
  strcpy(p, ")");
  return t;
}

rp_status rp_shape_check(int64_t *count, int ndim, const int64_t *shape, size_t element)
{
  int64_t n = 1;
  if (ndim < 0 || ndim > RP_MAX_DIMS) return rp_fail(RP_ESHAPE, "a tensor has at most %d dimensions, not %d", RP_MAX_DIMS, ndim);
  for (int d = 0; d < ndim; d++)
    if (shape[d] < 0) return rp_fail(RP_ESHAPE, "size %lld of dimension %d is negative", (long long)shape[d], d + 1);
  for (int d = 0; d < ndim; d++)
    if (__builtin_mul_overflow(n, shape[d] ? shape[d] : 1, &n) || n > ((int64_t)1 << 60) / (int64_t)element)
      return rp_fail(RP_ESHAPE, "a tensor of this shape would have more elements than memory can ever hold");
  for (int d = 0; d < ndim; d++)
    if (shape[d] == 0) n = 0;
  *count = n;
  return RP_OK;
}

void rp_row_major(rp_array *a)
{
  int64_t next = 1;
  for (int d = a->ndim - 1; d >= 0; d--) { a->stride[d] = next; next *= a->shape[d]; }
}

rp_status rp_broadcast_to(rp_array *out, const rp_array *a, int ndim, const int64_t *shape, const char *who)
{
  rp_array b = { .data = a->data, .dtype = a->dtype, .ndim = ndim };
  memcpy(b.shape, shape, (size_t)ndim * sizeof *shape);
  int  extra = ndim - a->ndim;
  bool fits = extra >= 0;
  for (int d = 0; fits && d < a->ndim; d++) {
    fits = a->shape[d] == shape[extra + d] || a->shape[d] == 1;
    b.stride[extra + d] = a->shape[d] == 1 ? 0 : a->stride[d];
  }
  if (!fits) return rp_fail(RP_ESHAPE, "%s: %s cannot be repeated to %s; sizes must be equal or 1, counted from the last dimension",
                            who, rp_shape(a).s, rp_shape(&b).s);
  *out = b;
  return RP_OK;
}

rp_status rp_broadcast_shape(int *ndim, int64_t *shape, const rp_array *const *a, int n, const char *who)
{
  int nd = 0;
  for (int k = 0; k < n; k++) if (a[k]->ndim > nd) nd = a[k]->ndim;
  for (int d = 0; d < nd; d++) shape[d] = 1;
  for (int k = 0; k < n; k++)
    for (int d = 0; d < a[k]->ndim; d++) {
      int64_t s = a[k]->shape[d], *to = &shape[nd - a[k]->ndim + d];
      if (s == *to || s == 1) continue;
      if (*to == 1) { *to = s; continue; }
      return rp_fail(RP_ESHAPE, "%s: shapes %s and %s%s%s do not broadcast: sizes %lld and %lld differ and neither is 1", who,
                     rp_shape(a[0]).s, rp_shape(a[n > 2 ? 1 : n - 1]).s, n > 2 ? " and " : "", n > 2 ? rp_shape(a[2]).s : "",
                     (long long)*to, (long long)s);
    }
  *ndim = nd;
  return RP_OK;
}

bool rp_same_shape(const rp_array *a, const rp_array *b)
{
  return a->ndim == b->ndim && memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) == 0;
}

rp_status rp_dim(int *out, int64_t dim, int ndim, const char *who)
{
  int64_t d = dim < 0 ? dim + ndim : dim - 1;
  if (dim == 0 || d < 0 || d >= ndim)
    return rp_fail(RP_ERANGE, "%s: dimension %lld is outside 1..%d (or -1..-%d from the end)", who, (long long)dim, ndim, ndim);
  *out = (int)d;
  return RP_OK;
}

rp_status rp_position(int64_t *out, int64_t position, int64_t size, const char *who)
{
  int64_t i = position < 0 ? position + size : position - 1;
  if (position == 0 || i < 0 || i >= size)
    return rp_fail(RP_ERANGE, "%s: position %lld is outside 1..%lld", who, (long long)position, (long long)size);
  *out = i;
  return RP_OK;
}

rp_status rp_dim_set(bool flag[RP_MAX_DIMS], const int64_t *dims, int n, int ndim, const char *who)
{
  for (int d = 0; d < RP_MAX_DIMS; d++) flag[d] = n < 0 && d < ndim;
  for (int k = 0; k < n; k++) {
    int d = 0;
    RP_TRY(rp_dim(&d, dims[k], ndim, who));
    if (flag[d]) return rp_fail(RP_EARG, "%s: dimension %d is named twice", who, d + 1);
    flag[d] = true;
  }
  return RP_OK;
}

int rp_flagged_last(rp_array *out, const rp_array *a, const bool flag[RP_MAX_DIMS])
{
  rp_array b = *a;
  int at = 0, flagged = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int d = 0; d < a->ndim; d++) {
      if (flag[d] != (pass == 1)) continue;
      b.shape[at] = a->shape[d];
      b.stride[at++] = a->stride[d];
      flagged += pass;
    }
  *out = b;
  return flagged;
}
