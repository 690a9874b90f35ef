/* conv_weight_body.h: the gradient of the weights for one type (included by conv.h for float and double).
 *
 * Rows are output channels, terms are (sample, output pixel), columns are (q0, q1 | q2, c): in a copy of x whose
 * channels lie side by side, the columns of one run (q0, q1) are adjacent, and a term is a mere offset.
 * Terms are taken in chunks of whole blocks; for each, the samples it touches are copied and gy is packed. */

/* The channels of a group side by side: out[(row, column) n + c], rows and columns padded with +0. */
static void T(interleave)(number *out, const conv_grid *g, const number *x, int64_t n)
{
  int64_t rows = g->extent[1], cols = g->extent[2], channel = volume(g->size), lo, hi;
  grid_inside(cols, g->size[2], g->first[2], 1, &lo, &hi);
  for (int64_t i = 0; i < g->extent[0] * rows; i++, out += cols * n) {
    int64_t z = g->first[0] + i / rows, y = g->first[1] + i % rows;
    if (z < 0 || z >= g->size[0] || y < 0 || y >= g->size[1]) { memset(out, 0, (size_t)(cols * n) * sizeof *out); continue; }
    memset(out, 0, (size_t)(lo * n) * sizeof *out);
    T(pack)(out + lo * n, n, x + (z * g->size[1] + y) * g->size[2] + g->first[2] + lo, channel, 1, n, hi - lo);
    memset(out + hi * n, 0, (size_t)((cols - hi) * n) * sizeof *out);
  }
}

/* Samples of the chunk: copies of x. */
static void T(weight_gather)(void *context, int64_t begin, int64_t end)
{
  const conv_sums *k = context;
  int64_t in = volume(k->c->in);
  for (int64_t b = begin; b < end; b++)
    T(interleave)((number *)k->copy + b * k->sample, &k->grid,
                  (const number *)k->x + ((k->first_sample + b) * k->c->groups + k->group) * k->n_in * in, k->n_in);
}

/* Blocks of the chunk: gy packed for row tiles, and the offset of each term. */
static void T(weight_block)(const conv_sums *k, int64_t block)
{
  int64_t pixels = volume(k->c->out), tiles = ceil_div(k->n_out, TILE_ROWS);
  int64_t begin = (k->first_block + block) * RP_KB, end = min_int(k->terms, begin + RP_KB), n = 0;
  for (int64_t p = begin; p < end; p += n) { /* the part of the block inside one sample */
    int64_t b = p / pixels, pixel = p % pixels;
    n = min_int(end - p, pixels - pixel);
    const number *gy = (const number *)k->gy + (b * k->c->groups + k->group) * k->n_out * pixels + pixel;
    for (int64_t i = 0; i < tiles; i++) {
      int64_t first = part_begin(k->n_out, tiles, i), rows = part_begin(k->n_out, tiles, i + 1) - first;
      number *out = (number *)k->packed + block * RP_KB * k->n_out + first * (end - begin) + (p - begin) * rows;
      T(pack)(out, rows, gy + first * pixels, pixels, 1, rows, n);
    }
    sums_offsets(k, k->term_at + block * RP_KB + (p - begin), b - k->first_sample, pixel, n);
  }
}

static void T(weight_blocks)(void *context, int64_t begin, int64_t end)
{
  for (int64_t i = begin; i < end; i++) T(weight_block)(context, i);
}

/* Tiles begin .. end - 1, counted row tile fastest, take the blocks of the chunk in ascending order. */
static void T(weight_tiles)(void *context, int64_t begin, int64_t end)
{
  const conv_sums *k = context;
  int64_t row_tiles = ceil_div(k->n_out, TILE_ROWS);
  for (int64_t block = 0; block < k->blocks; block++) {
    int64_t n = min_int(RP_KB, k->terms - (k->first_block + block) * RP_KB);
    T(tile) t = { .n = n, .b_vec = LANES, .b_at = k->term_at + block * RP_KB, .c_row = k->columns, .from_row = k->columns, .next_row = k->columns };
    for (int64_t i = begin; i < end; i++) {
      int64_t panel = i / row_tiles, run = panel / k->run_panels, at = panel % k->run_panels * TILE_COLS;
      int64_t first = part_begin(k->n_out, row_tiles, i % row_tiles);
      int64_t rows = part_begin(k->n_out, row_tiles, i % row_tiles + 1) - first;
      int     vecs = k->run_stride - at > LANES ? 2 : 1;
      t.a = (const number *)k->packed + block * RP_KB * k->n_out + first * n;
      t.b = (const number *)k->copy + k->run_at[run] + at;
      t.c = (number *)k->sums + first * k->columns + run * k->run_stride + at;
      t.next = t.c;
      t.from = k->first_block + block > 0 ? t.c : NULL;
      T(tile_shifted)(&t, (int)rows, vecs);
    }
  }
}

/* The sums to gw(o, c, q). */
static void T(weight_scatter)(const conv_sums *k, number *gw)
{
  int64_t K = volume(k->c->kernel), per_run = K / k->runs;
  for (int64_t o = 0; o < k->n_out; o++)
    for (int64_t run = 0; run < k->runs; run++) {
      const number *s = (const number *)k->sums + o * k->columns + run * k->run_stride;
      number       *out = gw + o * k->n_in * K + run * per_run;
      for (int64_t j = 0; j < per_run; j++)
        for (int64_t c = 0; c < k->n_in; c++) out[c * K + j] = *s++;
    }
}

static void T(weight_group)(conv_sums *k, int64_t group, number *gw)
{
  int64_t pixels = volume(k->c->out), all = ceil_div(k->terms, RP_KB), panels = k->runs * k->run_panels;
  int64_t tiles = panels * ceil_div(k->n_out, TILE_ROWS);
  k->group = group;
  for (k->first_block = 0; k->first_block < all; k->first_block += k->blocks) {
    k->blocks = min_int(k->chunk, all - k->first_block);
    int64_t end = min_int(k->terms, (k->first_block + k->blocks) * RP_KB);
    k->first_sample = k->first_block * RP_KB / pixels;
    int64_t samples = (end - 1) / pixels + 1 - k->first_sample, terms = end - k->first_block * RP_KB;
    rp_parallel(samples, sums_grain(k, samples, terms), T(weight_gather), k);
    rp_parallel(k->blocks, sums_grain(k, k->blocks, terms), T(weight_blocks), k);
    rp_parallel(tiles, sums_grain(k, tiles, terms), T(weight_tiles), k);
  }
  T(weight_scatter)(k, gw + group * k->n_out * k->n_in * volume(k->c->kernel));
}

static rp_status T(conv_weight)(const rp_conv *c, number *gw, const number *x, const number *gy)
{
  conv_sums k = sums_plan(c, LANES);
  if (k.terms == 0) { /* empty sums are +0 */
    memset(gw, 0, (size_t)(c->c_out * k.n_in * volume(c->kernel)) * sizeof *gw);
    return RP_OK;
  }
  void *block = sums_memory(&k, sizeof(number));
  if (!block) return RP_ENOMEM;
  k.x = x; k.gy = gy;
  for (int64_t g = 0; g < c->groups; g++) T(weight_group)(&k, g, gw);
  rp_release(block);
  return RP_OK;
}
