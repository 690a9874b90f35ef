/* conv_body.h: the forward product and the gradient of x, for one type (included by conv.h for float and double). */

/* ---- the padded copy of a sample ---- */

/* The part of a row shorter than a vector, or its end: n numbers step apart. */
VEC_FN void T(spread_end)(number *out, const number *x, int64_t step, int n)
{
  if (step == 1) T(vec_store_part)(out, T(vec_load_part)(x, n), n);
  else if (step == 2) {
    int first = 2 * n - 1 < LANES ? 2 * n - 1 : LANES;
    T(vec_store_part)(out, T(vec_even)(T(vec_load_part)(x, first), T(vec_load_part)(x + first, 2 * n - 1 - first)), n);
  } else for (int i = 0; i < n; i++) out[i] = x[i * step];
}

/* Rows of n numbers, step apart in x. */
static void T(spread_rows)(number *out, int64_t out_row, const number *x, int64_t x_row, int64_t rows, int64_t step, int64_t n)
{
  int64_t whole = step <= 2 ? n / LANES * LANES : 0;
  for (; rows > 0; rows--, out += out_row, x += x_row) {
    if (step == 1) for (int64_t i = 0; i < whole; i += LANES) T(vec_store)(out + i, T(vec_load)(x + i));
    else
      for (int64_t i = 0; i < whole; i += LANES) /* not a number too many is read */
        T(vec_store)(out + i, T(vec_even)(T(vec_load)(x + 2 * i), T(vec_load_part)(x + 2 * i + LANES, LANES - 1)));
    if (whole < n) T(spread_end)(out + whole, x + whole * step, step, (int)(n - whole));
  }
}

/* The same for rows that follow each other, in x and in the copy: what lies between those parts of them that are kept is +0. */
static void T(spread_flat)(number *out, const number *x, const number *keep, int64_t n)
{
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) T(vec_store)(out + i, T(vec_and)(T(vec_load)(x + i), T(vec_load)(keep + i)));
  if (i < n) {
    int lanes = (int)(n - i);
    T(vec_store_part)(out + i, T(vec_and)(T(vec_load_part)(x + i, lanes), T(vec_load_part)(keep + i, lanes)), lanes);
  }
}

/* What a copy holds of x; the +0 around it stay from copy to copy. */
static void T(spread_phase)(const conv_work *k, number *out, const number *x, const int64_t *f)
{
  const int64_t    none[3] = { 0, 0, 0 };
  const conv_grid *g = &k->grid;
  int64_t lo[3], hi[3], first[3], at = grid_at(g, f, none), size = volume(g->size);
  for (int d = 0; d < 3; d++) {
    first[d] = g->first[d] + f[d] * g->apart[d];
    grid_inside(g->extent[d], g->size[d], first[d], g->step[d], &lo[d], &hi[d]);
    if (lo[d] == hi[d]) return;
  }
  x += first[2] + lo[2] * g->step[2];
  at += lo[2];
  for (int64_t c = 0; c < k->n_in; c++, out += g->channel, x += size)
    for (int64_t z = lo[0]; z < hi[0]; z++) {
      int64_t row = (first[0] + z * g->step[0]) * g->size[1] + first[1] + lo[1] * g->step[1];
      int64_t to = at + (z * g->extent[1] + lo[1]) * g->extent[2];
      if (k->flat)
        T(spread_flat)(out + to, x + row * g->size[2], (const number *)k->keep + to, (hi[1] - lo[1] - 1) * g->size[2] + hi[2] - lo[2]);
      else
        T(spread_rows)(out + to, g->extent[2], x + row * g->size[2], g->step[1] * g->size[2], hi[1] - lo[1], g->step[2], hi[2] - lo[2]);
    }
}

static void T(spread)(const conv_work *k, number *out, const number *x)
{
  const int64_t *n = k->grid.phases;
  for (int64_t i = 0; i < volume(n); i++) {
    const int64_t f[3] = { i / n[2] / n[1], i / n[2] % n[1], i % n[2] };
    T(spread_phase)(k, out, x, f);
  }
}

/* A channel of a copy whose only phases are along the last dimension: all bits set where it holds a pixel. */
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

static bool T(all_finite)(const number *w, int64_t n)
{
  int finite = 1;
  for (int64_t i = 0; i < n; i++) finite &= T(fabs)(w[i]) < T(inf)();
  return finite;
}

/* ---- one tile: all output channels of a group at one or two vectors of points ---- */

/* n_out rows of sums, and where a tile reads its points and its last sums go. */
typedef struct T(conv_sum) { number *at; int64_t row; } T(conv_sum);
typedef struct T(conv_in) { const number *at; int64_t b_vec; int vecs; T(conv_sum) out; } T(conv_in);

/* One block of all chains, from term p on: to = from + s + bias; `from` and `bias` may be missing. */
static void T(conv_block)(const conv_work *k, const number *w, T(conv_in) in, int64_t p, T(conv_sum) from, T(conv_sum) to,
                          const number *bias)
{
  bool    next = p == 0 && (from.at == NULL || to.at == in.out.at); /* the first block, or the last kernel position */
  int64_t tiles = ceil_div(k->n_out, TILE_ROWS);
  T(tile) t = { .n = min_int(RP_KB, k->terms - p), .b = in.at, .b_vec = in.b_vec, .b_at = k->term_at + p,
                .c_row = to.row, .from_row = from.row, .next_row = in.out.row };
  for (int64_t i = 0; i < tiles; i++) {
    int64_t first = part_begin(k->n_out, tiles, i), rows = part_begin(k->n_out, tiles, i + 1) - first;
    t.a = w + first * k->terms + p * rows;
    t.c = to.at + first * to.row;
    t.next = next ? in.out.at + first * in.out.row : NULL;
    t.from = from.at ? from.at + first * from.row : NULL;
    t.bias = bias ? bias + first : NULL;
    T(tile_shifted)(&t, (int)rows, in.vecs);
  }
}

/* All blocks; what comes before the last goes to `sum`. */
static void T(conv_chain)(const conv_work *k, const number *w, T(conv_in) in, T(conv_sum) sum, T(conv_sum) to, const number *bias)
{
  const T(conv_sum) none = { NULL, 0 };
  for (int64_t p = 0; p < k->terms; p += RP_KB) {
    bool last = p + RP_KB >= k->terms;
    T(conv_block)(k, w, in, p, p ? sum : none, last ? to : sum, last ? bias : NULL);
  }
}

static void T(add_kept)(const conv_work *k, T(conv_sum) sum, const number *chain, const number *keep, T(conv_in) in)
{
  for (int64_t i = 0; i < k->n_out * in.vecs; i++) {
    T(vec) s = T(vec_and)(T(vec_load)(chain + i * LANES), T(vec_load)(keep + i % in.vecs * in.b_vec));
    T(vec_store)(sum.at + i * LANES, T(vec_add)(T(vec_load)(sum.at + i * LANES), s));
  }
}

/* A sum of kernel positions, from +0: which therefore is never -0.  A position that does not reach a pixel finds +0 in the
 * copy, and adds the +0 that these give as long as weights are finite.  Otherwise, or if chains are long, they are formed
 * apart, and masked. */
static void T(input_sum)(const conv_work *k, const number *w, T(conv_in) in, int64_t origin, T(conv_sum) sum, number *chain,
                         T(conv_sum) to)
{
  static const number zero[TILE_VECS * LANES];
  T(conv_sum) zeros = { (number *)zero, 0 }, apart = { chain, in.vecs * LANES };
  bool simple = input_simple(k);
  if (!simple) memset(sum.at, 0, (size_t)(k->n_out * in.vecs) * VEC_BYTES);
  for (int64_t i = 0; i < k->n_shifts; i++) {
    const number *wq = w + k->position[i] * k->terms * k->n_out;
    T(conv_in) at = in;
    at.at += k->shift[i];
    if (simple) T(conv_block)(k, wq, at, 0, i ? sum : zeros, i + 1 < k->n_shifts ? sum : to, NULL);
    else {
      T(conv_chain)(k, wq, at, apart, apart, NULL);
      T(add_kept)(k, sum, chain, (const number *)k->keep + origin + k->shift[i], in);
    }
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
static void T(conv_tile)(const conv_work *k, int64_t u, int64_t v, const number *copy, number *sums, number *chain)
{
  int64_t g = u % k->c->groups, origin = points_origin(&k->points, v);
  T(conv_in) in = { .at = copy + origin, .vecs = v + 1 < k->points.vectors ? 2 : 1 };
  if (in.vecs == 2) in.b_vec = points_origin(&k->points, v + 1) - origin;
  const number *w = (const number *)k->packed + g * k->n_in * k->n_out * k->positions;
  const number *bias = k->bias ? (const number *)k->bias + g * k->n_out : NULL;
  number *out = (number *)k->out + u * k->n_out * k->out_volume;
  int64_t at = sums_direct(k) ? points_whole(&k->points, v, in.vecs) : -1;
  T(conv_sum) sum = { sums, in.vecs * LANES }, to = sum;
  if (at >= 0) { to.at = out + at; to.row = k->out_volume; }
  in.out = to;
  if (k->n_shifts)                       T(input_sum)(k, w, in, origin, sum, chain, to);
  else if (k->terms == 0 || k->backward) memset(sums, 0, (size_t)(k->n_out * in.vecs) * VEC_BYTES);
  else                                   T(conv_chain)(k, w, in, sum, to, at >= 0 ? bias : NULL);
  if (at >= 0) return;
  for (int i = 0; i < in.vecs; i++) T(store_points)(k, out, bias, v + i, sums + i * LANES, sum.row);
}

/* Part i of n of a sample comes nearer, while others are computed. */
static void T(fetch_part)(const number *x, int64_t size, int64_t i, int64_t n)
{
  for (int64_t p = part_begin(size, n, i), end = part_begin(size, n, i + 1); p < end; p += 64 / (int64_t)sizeof *x)
    __builtin_prefetch(x + p, 0, 2);
}

static void T(conv_share)(const conv_work *k, int64_t s)
{
  int64_t tiles = ceil_div(k->points.vectors, TILE_VECS), units = k->c->batch * k->c->groups * tiles;
  char   *scratch = k->scratch + (size_t)s * k->share_bytes;
  number *copy = (number *)scratch, *sum = (number *)(scratch + k->copy_bytes), *chain = (number *)((char *)sum + k->chain_bytes);
  int64_t end = part_begin(units, k->shares, s + 1), last = -1, size = k->n_in * k->in_volume;
  memset(copy, 0, k->copy_bytes);
  for (int64_t i = part_begin(units, k->shares, s); i < end; i++) {
    int64_t       u = i / tiles;
    const number *in = (const number *)k->in + u * size;
    if (u != last && !k->in_place) T(spread)(k, copy, in);
    if ((u + 1) * tiles < end) T(fetch_part)(in + size, size, i % tiles, tiles);
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
  k.in = x; k.w = w; k.bias = bias; k.out = y;
  forward_terms(&k);
  T(forward_weights)(&k);
  if (k.flat) T(mark)(k.keep, &k.grid);
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
  k.finite = T(all_finite)(w, c->groups * k.n_in * k.n_out * k.positions);
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
