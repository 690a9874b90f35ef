/* conv_body.h: the forward product and the gradient of x, for one type (included by conv.h for float and double). */

/* ---- the padded copy of a sample ---- */

static void T(spread_row)(number *out, const number *x, int64_t step, int64_t n)
{
  if (step == 1)
    for (int64_t i = 0; i < n; i += LANES) {
      int lanes = (int)min_int(LANES, n - i);
      T(vec_store_part)(out + i, T(vec_load_part)(x + i, lanes), lanes);
    }
  else if (step == 2) for (int64_t i = 0; i < n; i++) out[i] = x[2 * i]; /* a loop the compiler turns into vectors */
  else                for (int64_t i = 0; i < n; i++) out[i] = x[i * step];
}

/* What a copy holds of x; the +0 around it stay from copy to copy. */
static void T(spread_phase)(number *out, const conv_grid *g, const number *x, const int64_t *f, int64_t channels)
{
  int64_t lo[3], hi[3], first[3];
  for (int d = 0; d < 3; d++) {
    first[d] = g->first[d] + f[d] * g->apart[d];
    grid_inside(g->extent[d], g->size[d], first[d], g->step[d], &lo[d], &hi[d]);
  }
  for (int64_t c = 0; c < channels; c++, out += g->channel, x += volume(g->size))
    for (int64_t z = lo[0]; z < hi[0]; z++)
      for (int64_t y = lo[1]; y < hi[1]; y++) {
        int64_t row = (first[0] + z * g->step[0]) * g->size[1] + first[1] + y * g->step[1];
        T(spread_row)(out + (z * g->extent[1] + y) * g->extent[2] + lo[2],
                      x + row * g->size[2] + first[2] + lo[2] * g->step[2], g->step[2], hi[2] - lo[2]);
      }
}

static void T(spread)(number *out, const conv_grid *g, const number *x, int64_t channels)
{
  const int64_t none[3] = { 0, 0, 0 };
  for (int64_t f0 = 0; f0 < g->phases[0]; f0++)
    for (int64_t f1 = 0; f1 < g->phases[1]; f1++)
      for (int64_t f2 = 0; f2 < g->phases[2]; f2++) {
        const int64_t f[3] = { f0, f1, f2 };
        T(spread_phase)(out + grid_at(g, f, none), g, x, f, channels);
      }
}

/* The copy of gy: all bits set where it holds an output pixel. */
static void T(mark)(number *keep, const conv_grid *g)
{
  memset(keep, 0, (size_t)g->channel * sizeof *keep + VEC_BYTES);
  for (int64_t f = 0; f < g->phases[2]; f++, keep += volume(g->extent)) {
    int64_t lo[3], hi[3];
    for (int d = 0; d < 3; d++)
      grid_inside(g->extent[d], g->size[d], g->first[d] + (d == 2 ? f * g->apart[d] : 0), 1, &lo[d], &hi[d]);
    for (int64_t z = lo[0]; z < hi[0]; z++)
      for (int64_t y = lo[1]; y < hi[1]; y++)
        memset(keep + (z * g->extent[1] + y) * g->extent[2] + lo[2], 0xff, (size_t)(hi[2] - lo[2]) * sizeof *keep);
  }
}

/* ---- the weights of each group, packed for row tiles ---- */

/* Rows of w `item` apart, terms `term` apart. */
static void T(pack_weights)(number *out, const number *w, int64_t rows, int64_t item, int64_t term, int64_t n)
{
  int64_t tiles = ceil_div(rows, TILE_ROWS);
  for (int64_t i = 0; i < tiles; i++) {
    int64_t first = part_begin(rows, tiles, i), count = part_begin(rows, tiles, i + 1) - first;
    T(pack)(out + first * n, count, w + first * item, item, term, count, n);
  }
}

static void T(forward_weights)(const conv_work *k)
{
  int64_t group = k->n_out * k->terms;
  for (int64_t g = 0; g < k->c->groups; g++)
    T(pack_weights)((number *)k->packed + g * group, (const number *)k->w + g * group, k->n_out, k->terms, 1, k->terms);
}

/* w is (n_in, n_out, K) in the words of conv_input: for each kernel position, rows n_out, terms n_in. */
static void T(input_weights)(const conv_work *k)
{
  int64_t one = k->n_in * k->n_out, K = k->positions;
  for (int64_t g = 0; g < k->c->groups; g++)
    for (int64_t q = 0; q < K; q++)
      T(pack_weights)((number *)k->packed + (g * K + q) * one, (const number *)k->w + g * K * one + q,
                      k->n_out, K, k->n_out * K, k->n_in);
}

/* ---- one tile: all output channels of a group at one or two vectors of points ---- */

/* The blocks of one chain into c (n_out rows of `vecs` vectors).  With keep, which needs a single block, c += kept sums. */
static void T(conv_chain)(const conv_work *k, const number *w, const number *in, int64_t b_vec, int vecs, number *c,
                          const number *keep)
{
  int64_t tiles = ceil_div(k->n_out, TILE_ROWS);
  for (int64_t p = 0; p < k->terms; p += RP_KB) {
    T(tile) t = { .n = min_int(RP_KB, k->terms - p), .b = in, .b_vec = b_vec, .b_at = k->term_at + p,
                  .c_row = vecs * LANES, .cols = vecs * LANES, .add = p > 0 || keep, .keep = keep };
    for (int64_t i = 0; i < tiles; i++) {
      int64_t first = part_begin(k->n_out, tiles, i), rows = part_begin(k->n_out, tiles, i + 1) - first;
      t.a = w + first * k->terms + p * rows;
      t.c = c + first * t.c_row;
      T(tile_shifted)(&t, (int)rows, vecs);
    }
  }
}

static void T(add_kept)(const conv_work *k, number *sum, const number *chain, const number *keep, int64_t b_vec, int vecs)
{
  for (int64_t i = 0; i < k->n_out * vecs; i++) {
    T(vec) s = T(vec_and)(T(vec_load)(chain + i * LANES), T(vec_load)(keep + i % vecs * b_vec));
    T(vec_store)(sum + i * LANES, T(vec_add)(T(vec_load)(sum + i * LANES), s));
  }
}

/* A sum of kernel positions: where one does not reach, its sum is masked to +0.  That adds nothing, as a sum that
 * started from +0 is never -0. */
static void T(input_tile)(const conv_work *k, const number *w, const number *in, int64_t origin, int64_t b_vec, int vecs,
                          number *sum, number *chain)
{
  const number *keep = (const number *)k->keep + origin;
  bool one_block = k->terms <= RP_KB;
  memset(sum, 0, (size_t)(k->n_out * vecs) * VEC_BYTES);
  for (int64_t i = 0; i < k->n_shifts; i++) {
    const number *wq = w + k->position[i] * k->terms * k->n_out;
    T(conv_chain)(k, wq, in + k->shift[i], b_vec, vecs, one_block ? sum : chain, one_block ? keep + k->shift[i] : NULL);
    if (!one_block) T(add_kept)(k, sum, chain, keep + k->shift[i], b_vec, vecs);
  }
}

/* ---- results to their places ---- */

static void T(store_run)(number *out, int64_t step, const number *s, T(vec) bias, bool has_bias, int n)
{
  T(vec) v = T(vec_load)(s); /* a run may begin inside a vector: sums are followed by room for one more */
  if (has_bias) v = T(vec_add)(v, bias);
  if (step == 1) {
    if (n == LANES) T(vec_store)(out, v);
    else            T(vec_store_part)(out, v, n);
  } else {
    number lane[LANES];
    T(vec_store)(lane, v);
    for (int i = 0; i < n; i++) out[i * step] = lane[i];
  }
}

static void T(store_points)(const conv_work *k, number *out, const number *bias, int64_t v, const number *sum, int64_t pitch)
{
  conv_run run[VEC_BYTES / 4];
  int      n_runs = points_runs(&k->points, v, run);
  for (int64_t o = 0; o < k->n_out; o++, out += k->out_volume, sum += pitch) {
    T(vec) b = T(vec_set1)(bias ? bias[o] : 0);
    for (int i = 0; i < n_runs; i++)
      T(store_run)(out + run[i].at, k->points.step[2], sum + run[i].lane, b, bias != NULL, run[i].n);
  }
}

/* ---- shares ---- */

/* Two vectors of points, from vector v of sample-and-group u. */
static void T(conv_tile)(const conv_work *k, int64_t u, int64_t v, const number *copy, number *sum, number *chain)
{
  int64_t g = u % k->c->groups, origin = points_origin(&k->points, v), b_vec = 0;
  int     vecs = v + 1 < k->points.vectors ? 2 : 1;
  const number *w = (const number *)k->packed + g * k->n_in * k->n_out * k->positions;
  if (vecs == 2) b_vec = points_origin(&k->points, v + 1) - origin;
  if (k->n_shifts)         T(input_tile)(k, w, copy + origin, origin, b_vec, vecs, sum, chain);
  else if (k->terms == 0 || k->keep) memset(sum, 0, (size_t)(k->n_out * vecs) * VEC_BYTES);
  else                     T(conv_chain)(k, w, copy + origin, b_vec, vecs, sum, NULL);
  number *out = (number *)k->out + u * k->n_out * k->out_volume;
  for (int i = 0; i < vecs; i++)
    T(store_points)(k, out, k->bias ? (const number *)k->bias + g * k->n_out : NULL, v + i, sum + i * LANES, vecs * LANES);
}

static void T(conv_share)(const conv_work *k, int64_t s)
{
  int64_t tiles = ceil_div(k->points.vectors, TILE_VECS), units = k->c->batch * k->c->groups * tiles;
  char   *scratch = k->scratch + (size_t)s * k->share_bytes;
  number *copy = (number *)scratch, *sum = (number *)(scratch + k->copy_bytes), *chain = (number *)((char *)sum + k->chain_bytes);
  int64_t end = part_begin(units, k->shares, s + 1), last = -1;
  memset(copy, 0, k->copy_bytes);
  for (int64_t i = part_begin(units, k->shares, s); i < end; i++) {
    int64_t       u = i / tiles;
    const number *in = (const number *)k->in + u * k->n_in * k->in_volume;
    if (u != last && !k->in_place) T(spread)(copy, &k->grid, in, k->n_in);
    T(conv_tile)(k, u, i % tiles * TILE_VECS, k->in_place ? in : copy, sum, chain);
    last = u;
  }
}

static void T(conv_shares)(void *context, int64_t begin, int64_t end)
{
  for (int64_t s = begin; s < end; s++) T(conv_share)(context, s);
}

static rp_status T(conv)(const rp_conv *c, void *y, const void *x, const void *w, const void *bias)
{
  conv_work k = forward_plan(c, LANES);
  void *block = work_memory(&k, sizeof(number));
  if (!block) return RP_ENOMEM;
  k.in = x; k.w = w; k.bias = bias; k.out = y; k.keep = NULL;
  forward_terms(&k);
  T(forward_weights)(&k);
  rp_parallel(k.shares, 1, T(conv_shares), &k);
  rp_release(block);
  return RP_OK;
}

static rp_status T(conv_input)(const rp_conv *c, void *gx, const void *gy, const void *w)
{
  conv_work k = input_plan(c, LANES);
  void *block = work_memory(&k, sizeof(number));
  if (!block) return RP_ENOMEM;
  k.in = gy; k.w = w; k.out = gx;
  for (int64_t i = 0; i < k.terms; i++) k.term_at[i] = i * k.grid.channel;
  T(input_weights)(&k);
  T(mark)(k.keep, &k.grid);
  for (int64_t f0 = 0; f0 < c->stride[0]; f0++)
    for (int64_t f1 = 0; f1 < c->stride[1]; f1++)
      for (int64_t f2 = 0; f2 < c->stride[2]; f2++) {
        const int64_t f[3] = { f0, f1, f2 };
        input_phase(&k, f, LANES);
        if (k.points.vectors > 0) rp_parallel(k.shares, 1, T(conv_shares), &k);
      }
  rp_release(block);
  return RP_OK;
}
