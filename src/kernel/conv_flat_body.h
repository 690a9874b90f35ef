/* conv_flat_body.h: the forward product and the gradient of x for few output channels in a group, depthwise ones above
 * all, for one type (included by conv.h for float and double).
 *
 * Vectors run along the pixels of a channel where it lies.  As all sizes stay, a kernel position is a shift of the whole
 * channel, and a mask puts +0 where it leaves the image.  Several vectors at a time make as many independent chains. */

/* The masks of all kernel positions: all bits set where the source of a pixel lies inside. */
static void T(flat_masks)(const conv_flat *k)
{
  const rp_conv *c = k->c;
  number        *mask = k->mask;
  memset(mask, 0, (size_t)(k->positions * k->vectors) * VEC_BYTES);
  for (int64_t q = 0; q < k->positions; q++, mask += k->vectors * LANES) {
    int64_t move[3], lo[3], hi[3];
    k->shift[q] = flat_shift(c, q, k->forward, move);
    for (int d = 0; d < 3; d++) grid_inside(c->in[d], c->in[d], move[d], 1, &lo[d], &hi[d]);
    for (int64_t z = lo[0]; z < hi[0]; z++)
      for (int64_t y = lo[1]; y < hi[1]; y++)
        memset(mask + (z * c->in[1] + y) * c->in[2] + lo[2], 0xff, (size_t)(hi[2] - lo[2]) * sizeof *mask);
  }
}

/* `vecs` vectors of output channel `row` of a group, from vector v on. */
VEC_FN void T(flat_run)(const conv_flat *k, const number *in, const number *w, int64_t row, T(vec) bias, number *out, int64_t v,
                        const int vecs)
{
  const int64_t pixels = k->pixels, K = k->positions, pitch = k->vectors * LANES;
  const number *mask = (const number *)k->mask + v * LANES;
  T(vec) sum[FLAT_VECS], acc[FLAT_VECS];
  int64_t left = RP_KB;
  in += v * LANES;
  UNROLL for (int u = 0; u < vecs; u++) sum[u] = acc[u] = T(vec_set1)(0);
  if (k->forward) {
    bool first = true;
    for (int64_t i = 0, n = k->n_in * K, q = 0; i < n; i++) {
      const number *x = in + k->shift[q], *m = mask + q * pitch;
      T(vec) wv = T(vec_set1)(w[row * n + i]);
      UNROLL for (int u = 0; u < vecs; u++)
        acc[u] = T(vec_fma)(wv, T(vec_and)(T(vec_load)(x + u * LANES), T(vec_load)(m + u * LANES)), acc[u]);
      if (++q == K) { q = 0; in += pixels; }
      if (--left > 0 && i + 1 < n) continue;
      UNROLL for (int u = 0; u < vecs; u++) {
        sum[u] = first ? acc[u] : T(vec_add)(sum[u], acc[u]);
        acc[u] = T(vec_set1)(0);
      }
      first = false;
      left = RP_KB;
    }
    if (k->bias) { UNROLL for (int u = 0; u < vecs; u++) sum[u] = T(vec_add)(sum[u], bias); }
  } else
    for (int64_t q = 0; q < K; q++) {
      const number *x = in + k->shift[q], *m = mask + q * pitch;
      UNROLL for (int u = 0; u < vecs; u++) acc[u] = T(vec_set1)(0);
      for (int64_t o = 0; o < k->n_in; o++, x += pixels) {
        T(vec) wv = T(vec_set1)(w[(o * k->n_out + row) * K + q]);
        UNROLL for (int u = 0; u < vecs; u++) acc[u] = T(vec_fma)(wv, T(vec_load)(x + u * LANES), acc[u]);
      }
      UNROLL for (int u = 0; u < vecs; u++) sum[u] = T(vec_add)(sum[u], T(vec_and)(acc[u], T(vec_load)(m + u * LANES)));
    }
  UNROLL for (int u = 0; u < vecs; u++) {
    int64_t at = (v + u) * LANES;
    if (at + LANES <= pixels) T(vec_store)(out + at, sum[u]);
    else                      T(vec_store_part)(out + at, sum[u], (int)(pixels - at));
  }
}

static void T(flat_row)(const conv_flat *k, const number *in, const number *w, int64_t row, number bias, number *out)
{
  T(vec)  b = T(vec_set1)(bias);
  int64_t v = 0;
  for (; v + FLAT_VECS <= k->vectors; v += FLAT_VECS) T(flat_run)(k, in, w, row, b, out, v, FLAT_VECS);
  if (v + 4 <= k->vectors) { T(flat_run)(k, in, w, row, b, out, v, 4); v += 4; }
  for (; v < k->vectors; v++) T(flat_run)(k, in, w, row, b, out, v, 1);
}

/* The channels of unit u.  Vectors read beyond them on both sides; where that leaves the tensor, they are copied. */
static const number *T(flat_source)(const conv_flat *k, int64_t u, number *copy)
{
  int64_t size = k->n_in * k->pixels, at = u * size, all = k->c->batch * k->c->groups * size;
  const number *in = (const number *)k->in + at;
  if (at >= k->reach && at + size + k->reach + LANES <= all) return in;
  memset(copy, 0, k->share_bytes);
  memcpy(copy + k->reach, in, (size_t)size * sizeof *in);
  return copy + k->reach;
}

static void T(flat_shares)(void *context, int64_t begin, int64_t end)
{
  const conv_flat *k = context;
  int64_t units = k->c->batch * k->c->groups;
  for (int64_t s = begin; s < end; s++)
    for (int64_t u = part_begin(units, k->shares, s), last = part_begin(units, k->shares, s + 1); u < last; u++) {
      int64_t g = u % k->c->groups;
      const number *in = T(flat_source)(k, u, (number *)(k->scratch + (size_t)s * k->share_bytes));
      const number *w = (const number *)k->w + g * k->n_in * k->n_out * k->positions;
      for (int64_t row = 0; row < k->n_out; row++)
        T(flat_row)(k, in, w, row, k->bias ? ((const number *)k->bias)[g * k->n_out + row] : 0,
                    (number *)k->out + (u * k->n_out + row) * k->pixels);
    }
}

static rp_status T(conv_flat_run)(conv_flat k)
{
  size_t tables = aligned(k.positions * (int64_t)sizeof *k.shift), masks = (size_t)(k.positions * k.vectors) * VEC_BYTES;
  k.share_bytes = aligned((k.n_in * k.pixels + 2 * k.reach + LANES) * (int64_t)sizeof(number));
  char *block = rp_alloc(tables + masks + (size_t)k.shares * k.share_bytes);
  if (!block) return RP_ENOMEM;
  k.shift = (int64_t *)block; k.mask = block + tables; k.scratch = block + tables + masks;
  T(flat_masks)(&k);
  rp_parallel(k.shares, 1, T(flat_shares), &k);
  rp_release(block);
  return RP_OK;
}
