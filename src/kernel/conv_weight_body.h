/* conv_weight_body.h: the gradient of the weights for one type (included by conv.h for float and double).
 *
 * Rows are output channels, terms are (sample, output pixel), columns are (q0, q1 | q2, c): in a copy of x whose
 * channels lie side by side, the columns of one run (q0, q1) are adjacent, and a term is a mere offset.
 * Terms are taken in chunks of whole blocks; for each, the samples it touches are copied, and rows of gy. */

/* `lanes` channels of LANES pixels from `at` on, turned, to their places among n channels. */
static __attribute__((noinline)) void T(interleave_square)(number *out, int64_t n, const int64_t *place, const number *const *channel,
                                                           int64_t at, int lanes)
{
  T(vec) v[LANES];
  T(load_turned)(v, channel, at);
  UNROLL for (int p = 0; p < LANES; p++)
    if (place[at + p] >= 0) {
      if (lanes == LANES) T(vec_store)(out + place[at + p] * n, v[p]);
      else                T(vec_store_part)(out + place[at + p] * n, v[p], lanes);
    }
}

/* The n channels of a group side by side, x being `pixels` of each: out[place n + c].  What has no pixel stays as it is. */
static void T(interleave)(number *out, const int64_t *place, const number *x, int64_t pixels, int64_t n)
{
  if (pixels < LANES || n <= 4) { /* too little for squares */
    for (int64_t p = 0; p < pixels; p++)
      for (int64_t c = 0; c < n && place[p] >= 0; c++) out[place[p] * n + c] = x[c * pixels + p];
    return;
  }
  for (int64_t c = 0; c < n; c += LANES) {
    const number *channel[LANES];
    T(item_starts)(channel, x + c * pixels, pixels, n - c);
    for (int64_t p = 0; p < pixels; p += LANES) /* the last square overlaps the one before */
      T(interleave_square)(out + c, n, place, channel, min_int(p, pixels - LANES), (int)min_int(LANES, n - c));
  }
}

/* The samples of the chunk: copies of x. */
static void T(weight_gather)(const conv_part *p, int64_t samples)
{
  const conv_sums *k = p->k;
  int64_t in = volume(k->c->in);
  for (int64_t b = 0; b < samples; b++)
    T(interleave)((number *)p->copy + b * p->sample, k->place,
                  (const number *)k->x + (((p->first_sample + b) * k->c->groups + p->group) * k->n_in + p->first_in) * in, in, p->n_in);
}

/* A block of the chunk: rows of gy, and the offset of each term. */
static void T(weight_block)(const conv_part *p, int64_t block)
{
  const conv_sums *k = p->k;
  int64_t pixels = volume(k->c->out), begin = (p->first_block + block) * RP_KB, end = min_int(k->terms, begin + RP_KB);
  int64_t *at = p->term_at + block * RP_KB;
  for (int64_t t = begin, n; t < end; t += n) { /* the part of the block inside one sample */
    int64_t b = t / pixels, pixel = t % pixels;
    n = min_int(end - t, pixels - pixel);
    const number *gy = (const number *)k->gy + ((b * k->c->groups + p->group) * k->n_out + p->first_out) * pixels + pixel;
    number       *out = (number *)p->rows + block * TILE_PITCH * p->n_out + t - begin;
    T(spread_rows)(out, TILE_PITCH, gy, pixels, p->n_out, 1, n);
    for (int64_t i = 0; i < n; i++) at[t - begin + i] = k->pixel_at[pixel + i] * p->n_in + (b - p->first_sample) * p->sample;
  }
}

/* All tiles of a block. */
static void T(weight_tiles)(const conv_part *p, int64_t block)
{
  const conv_sums *k = p->k;
  int64_t row_tiles = ceil_div(p->n_out, TILE_ROWS), n = min_int(RP_KB, k->terms - (p->first_block + block) * RP_KB);
  T(tile) t = { .n = n, .b_at = p->term_at + block * RP_KB, .c_row = p->columns, .from_row = p->columns, .next_row = p->columns };
  for (int64_t panel = 0; panel < k->runs * p->run_panels; panel++) {
    int64_t run = panel / p->run_panels, at = panel % p->run_panels * TILE_COLS;
    int     vecs = p->run_stride - at > LANES ? 2 : 1;
    t.b = (const number *)p->copy + k->run_at[run] * p->n_in + at;
    for (int64_t i = 0; i < row_tiles; i++) {
      int64_t first = part_begin(p->n_out, row_tiles, i), rows = part_begin(p->n_out, row_tiles, i + 1) - first;
      t.a = (const number *)p->rows + (block * p->n_out + first) * TILE_PITCH;
      t.c = (number *)p->sums + first * p->columns + run * p->run_stride + at;
      t.next = t.c;
      t.from = p->first_block + block > 0 ? t.c : NULL;
      T(tile_apart)(&t, (int)rows, vecs);
    }
  }
}

/* The sums to gw(o, c, q). */
static void T(weight_scatter)(const conv_part *p)
{
  const conv_sums *k = p->k;
  int64_t K = volume(k->c->kernel), n = k->run_positions;
  for (int64_t o = 0; o < p->n_out; o++)
    for (int64_t run = 0; run < k->runs; run++) {
      const number *s = (const number *)p->sums + o * p->columns + run * p->run_stride;
      number       *out = (number *)k->gw + ((p->group * k->n_out + p->first_out + o) * k->n_in + p->first_in) * K + run * n;
      for (int64_t j = 0; j < n; j++)
        for (int64_t c = 0; c < p->n_in; c++) out[c * K + j] = *s++;
    }
}

static void T(weight_part)(conv_part *p, char *scratch)
{
  const conv_sums *k = p->k;
  int64_t pixels = volume(k->c->out), all = ceil_div(k->terms, RP_KB);
  p->term_at = (int64_t *)scratch;
  p->copy    = scratch + p->term_bytes;
  p->rows    = (char *)p->copy + p->copy_bytes;
  p->sums    = (char *)p->rows + p->row_bytes;
  memset(p->copy, 0, p->copy_bytes);
  for (p->first_block = 0; p->first_block < all; p->first_block += p->blocks) {
    p->blocks = min_int(p->chunk, all - p->first_block);
    p->first_sample = p->first_block * RP_KB / pixels;
    T(weight_gather)(p, (min_int(k->terms, (p->first_block + p->blocks) * RP_KB) - 1) / pixels + 1 - p->first_sample);
    for (int64_t block = 0; block < p->blocks; block++) T(weight_block)(p, block);
    for (int64_t block = 0; block < p->blocks; block++) T(weight_tiles)(p, block);
  }
  T(weight_scatter)(p);
}

static void T(weight_shares)(void *context, int64_t begin, int64_t end)
{
  const conv_sums *k = context;
  for (int64_t s = begin; s < end; s++)
    for (int64_t u = part_begin(k->units, k->shares, s), last = part_begin(k->units, k->shares, s + 1); u < last; u++) {
      conv_part p = sums_part(k, u, LANES, sizeof(number));
      T(weight_part)(&p, k->scratch + (size_t)s * k->share_bytes);
    }
}

static rp_status T(conv_weight)(const rp_conv *c, number *gw, const number *x, const number *gy)
{
  conv_sums k = sums_plan(c);
  if (k.terms == 0) { /* empty sums are +0 */
    memset(gw, 0, (size_t)(c->c_out * k.n_in * volume(c->kernel)) * sizeof *gw);
    return RP_OK;
  }
  void *block = sums_memory(&k, LANES, sizeof(number));
  if (!block) return RP_ENOMEM;
  k.x = x; k.gy = gy; k.gw = gw;
  rp_parallel(k.shares, 1, T(weight_shares), &k);
  rp_release(block);
  return RP_OK;
}
