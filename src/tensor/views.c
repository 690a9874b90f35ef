/* views.c: the same elements in another arrangement.  Arguments keep Lua's counting from 1 until they are resolved here. */
#include <string.h>

#include "tensor/call.h"
#include "tensor/shape.h"

static rp_status view(rp_call *c, const rp_array *a) { return rp_tensor_view(&c->out[0], c->in[0], a); }

/* ---- reshape ---- */

/* Fills in the one size that may be -1. */
static rp_status resolve_shape(int64_t *shape, const rp_attr *wanted, const rp_array *x)
{
  int64_t count = rp_count(x), known = 1;
  int     free_dim = -1;
  rp_array want = { .ndim = wanted->n };
  if (wanted->n > RP_MAX_DIMS) return rp_fail(RP_ESHAPE, "reshape: a tensor has at most %d dimensions", RP_MAX_DIMS);
  memcpy(want.shape, wanted->i, (size_t)wanted->n * sizeof *shape);
  for (int d = 0; d < wanted->n; d++) {
    shape[d] = wanted->i[d];
    if (shape[d] == -1 && free_dim < 0) { free_dim = d; continue; }
    if (shape[d] < 0) return rp_fail(RP_ESHAPE, "reshape: %s has a negative size; only one may be -1", rp_shape(&want).s);
    if (__builtin_mul_overflow(known, shape[d], &known))
      return rp_fail(RP_ESHAPE, "reshape: %s has too many elements", rp_shape(&want).s);
  }
  bool fits = free_dim < 0 ? known == count : known > 0 && count % known == 0;
  if (!fits) return rp_fail(RP_ESHAPE, "reshape: %s has %lld elements, which do not fill %s", rp_shape(x).s, (long long)count, rp_shape(&want).s);
  if (free_dim >= 0) shape[free_dim] = count / known;
  return RP_OK;
}

/* Strides by which x can be seen in a new shape without a copy; false if there are none.
 * Each run of old dimensions that lie without gaps is matched with the new dimensions of the same product. */
static bool reshape_strides(rp_array *y, const rp_array *x)
{
  int old = 0, new = 0;
  if (rp_count(x) == 0) { rp_row_major(y); return true; }
  while (new < y->ndim || old < x->ndim) {
    int64_t n_old = 1, n_new = 1;
    int     first_old = old, first_new = new;
    do {
      if (n_old <= n_new && old < x->ndim) n_old *= x->shape[old++];
      else if (new < y->ndim) n_new *= y->shape[new++];
      else n_old *= x->shape[old++];
    } while (n_old != n_new || (old < x->ndim && x->shape[old] == 1) || (n_old == 1 && new < y->ndim && y->shape[new] == 1));
    int64_t stride = 0, next = 0;
    bool    started = false;
    for (int d = old - 1; d >= first_old; d--) {
      if (x->shape[d] == 1) continue;
      if (started && x->stride[d] != next) return false;
      if (!started) stride = x->stride[d];
      started = true;
      next = x->stride[d] * x->shape[d];
    }
    for (int d = new - 1; d >= first_new; d--) { y->stride[d] = started ? stride : 0; stride *= y->shape[d]; }
  }
  return true;
}

rp_status rp_forward_reshape(rp_call *c) /* x, shape */
{
  rp_array y = c->in[0]->a;
  y.ndim = c->attr[0].n;
  RP_TRY(resolve_shape(y.shape, &c->attr[0], &c->in[0]->a));
  if (reshape_strides(&y, &c->in[0]->a)) return view(c, &y);
  RP_TRY(rp_tensor_clone(&c->out[0], c->in[0], y.dtype));
  y.data = c->out[0]->a.data;
  rp_row_major(&y);
  c->out[0]->a = y;
  return RP_OK;
}

/* ---- order of dimensions ---- */

rp_status rp_forward_permute(rp_call *c) /* x, dims */
{
  rp_array x = c->in[0]->a, y = x;
  bool     seen[RP_MAX_DIMS];
  if (c->attr[0].n != x.ndim)
    return rp_fail(RP_EARG, "permute: %d dimensions given for a tensor with %d; name each once", c->attr[0].n, x.ndim);
  RP_TRY(rp_dim_set(seen, c->attr[0].i, c->attr[0].n, x.ndim, "permute"));
  for (int d = 0; d < x.ndim; d++) {
    int from = 0;
    RP_TRY(rp_dim(&from, c->attr[0].i[d], x.ndim, "permute"));
    y.shape[d] = x.shape[from];
    y.stride[d] = x.stride[from];
  }
  return view(c, &y);
}

rp_status rp_forward_transpose(rp_call *c) /* x, dim1, dim2 */
{
  rp_array x = c->in[0]->a, y = x;
  int      i = 0, j = 0;
  RP_TRY(rp_dim(&i, c->attr[0].i[0], x.ndim, "transpose"));
  RP_TRY(rp_dim(&j, c->attr[1].i[0], x.ndim, "transpose"));
  y.shape[i] = x.shape[j]; y.stride[i] = x.stride[j];
  y.shape[j] = x.shape[i]; y.stride[j] = x.stride[i];
  return view(c, &y);
}

rp_status rp_forward_unsqueeze(rp_call *c) /* x, dim */
{
  rp_array x = c->in[0]->a, y = x;
  int      at = 0;
  if (x.ndim == RP_MAX_DIMS) return rp_fail(RP_ESHAPE, "unsqueeze: a tensor has at most %d dimensions", RP_MAX_DIMS);
  RP_TRY(rp_dim(&at, c->attr[0].i[0], x.ndim + 1, "unsqueeze"));
  memmove(y.shape + at + 1, x.shape + at, (size_t)(x.ndim - at) * sizeof *x.shape);
  memmove(y.stride + at + 1, x.stride + at, (size_t)(x.ndim - at) * sizeof *x.stride);
  y.shape[at] = 1; y.stride[at] = 0;
  y.ndim++;
  return view(c, &y);
}

rp_status rp_forward_squeeze(rp_call *c) /* x, dims */
{
  rp_array x = c->in[0]->a, y = x;
  bool     flag[RP_MAX_DIMS];
  RP_TRY(rp_dim_set(flag, c->attr[0].i, c->attr[0].n, x.ndim, "squeeze"));
  y.ndim = 0;
  for (int d = 0; d < x.ndim; d++) {
    if (flag[d] && x.shape[d] == 1) continue;
    y.shape[y.ndim] = x.shape[d];
    y.stride[y.ndim++] = x.stride[d];
  }
  return view(c, &y);
}

rp_status rp_forward_flip(rp_call *c) /* x, dims */
{
  rp_array y = c->in[0]->a;
  bool     flag[RP_MAX_DIMS];
  int64_t  shift = 0;
  RP_TRY(rp_dim_set(flag, c->attr[0].i, c->attr[0].n, y.ndim, "flip"));
  for (int d = 0; d < y.ndim; d++)
    if (flag[d] && y.shape[d] > 0) { shift += (y.shape[d] - 1) * y.stride[d]; y.stride[d] = -y.stride[d]; }
  y.data = (char *)y.data + shift * (int64_t)rp_dtype_size(y.dtype);
  return view(c, &y);
}

/* ---- parts ---- */

static void advance(rp_array *a, int dim, int64_t by)
{
  a->data = (char *)a->data + by * a->stride[dim] * (int64_t)rp_dtype_size(a->dtype);
}

rp_status rp_forward_slice(rp_call *c) /* x, dim, first, last, step */
{
  rp_array y = c->in[0]->a;
  int      d = 0;
  RP_TRY(rp_dim(&d, c->attr[0].i[0], y.ndim, "slice"));
  int64_t n = y.shape[d], first = c->attr[1].i[0], last = c->attr[2].i[0], step = c->attr[3].i[0];
  if (step < 1) return rp_fail(RP_EARG, "slice: step %lld; it must be at least 1 (use flip to reverse)", (long long)step);
  if (first < 0) first += n + 1;
  if (last < 0) last += n + 1;
  if (first < 1 || last > n || first > n + 1)
    return rp_fail(RP_ERANGE, "slice: %lld..%lld lies outside 1..%lld of dimension %d of %s",
                   (long long)first, (long long)last, (long long)n, d + 1, rp_shape(&y).s);
  y.shape[d] = last < first ? 0 : (last - first) / step + 1;
  if (y.shape[d] > 0) advance(&y, d, first - 1);
  y.stride[d] *= step;
  return view(c, &y);
}

rp_status rp_forward_select(rp_call *c) /* x, dim, index */
{
  rp_array y = c->in[0]->a;
  int      d = 0;
  int64_t  at = 0;
  RP_TRY(rp_dim(&d, c->attr[0].i[0], y.ndim, "select"));
  RP_TRY(rp_position(&at, c->attr[1].i[0], y.shape[d], "select"));
  advance(&y, d, at);
  memmove(y.shape + d, y.shape + d + 1, (size_t)(y.ndim - d - 1) * sizeof *y.shape);
  memmove(y.stride + d, y.stride + d + 1, (size_t)(y.ndim - d - 1) * sizeof *y.stride);
  y.ndim--;
  return view(c, &y);
}

rp_status rp_forward_expand(rp_call *c) /* x, shape */
{
  const rp_array *x = &c->in[0]->a;
  rp_array y;
  int64_t  shape[RP_MAX_DIMS], count = 0;
  int      n = c->attr[0].n, extra = n - x->ndim;
  if (n > RP_MAX_DIMS) return rp_fail(RP_ESHAPE, "expand: a tensor has at most %d dimensions", RP_MAX_DIMS);
  for (int d = 0; d < n; d++) {
    shape[d] = c->attr[0].i[d];
    if (shape[d] == -1 && d >= extra) shape[d] = x->shape[d - extra];
  }
  RP_TRY(rp_shape_check(&count, n, shape, 8));
  RP_TRY(rp_broadcast_to(&y, x, n, shape, "expand"));
  return view(c, &y);
}

rp_status rp_forward_unfold(rp_call *c) /* x, dim, size, step */
{
  rp_array y = c->in[0]->a;
  int      d = 0;
  int64_t  size = c->attr[1].i[0], step = c->attr[2].i[0];
  RP_TRY(rp_dim(&d, c->attr[0].i[0], y.ndim, "unfold"));
  if (y.ndim == RP_MAX_DIMS) return rp_fail(RP_ESHAPE, "unfold: a tensor has at most %d dimensions", RP_MAX_DIMS);
  if (size < 1 || step < 1 || size > y.shape[d])
    return rp_fail(RP_ERANGE, "unfold: windows of %lld every %lld elements do not fit dimension %d of %s",
                   (long long)size, (long long)step, d + 1, rp_shape(&y).s);
  y.shape[y.ndim] = size;
  y.stride[y.ndim++] = y.stride[d];
  y.shape[d] = (y.shape[d] - size) / step + 1;
  y.stride[d] *= step;
  return view(c, &y);
}

rp_status rp_forward_diagonal(rp_call *c) /* x, dim1, dim2, offset */
{
  rp_array x = c->in[0]->a, y = x;
  int      i = 0, j = 0;
  int64_t  offset = c->attr[2].i[0];
  RP_TRY(rp_dim(&i, c->attr[0].i[0], x.ndim, "diagonal"));
  RP_TRY(rp_dim(&j, c->attr[1].i[0], x.ndim, "diagonal"));
  if (i == j) return rp_fail(RP_EARG, "diagonal: dim1 and dim2 are both %d", i + 1);
  int64_t rows = offset < 0 ? x.shape[i] + offset : x.shape[i], cols = offset > 0 ? x.shape[j] - offset : x.shape[j];
  int64_t n = rows < cols ? rows : cols;
  if (n > 0) advance(&y, offset < 0 ? i : j, offset < 0 ? -offset : offset);
  y.ndim = 0;
  for (int d = 0; d < x.ndim; d++) {
    if (d == i || d == j) continue;
    y.shape[y.ndim] = x.shape[d];
    y.stride[y.ndim++] = x.stride[d];
  }
  y.shape[y.ndim] = n < 0 ? 0 : n;
  y.stride[y.ndim++] = x.stride[i] + x.stride[j];
  return view(c, &y);
}
