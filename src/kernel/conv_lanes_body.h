/* conv_lanes_body.h: the gradient of the weights where a product would leave most lanes empty, for one type (included by
 * conv.h for float and double): depthwise convolutions, and those of few input channels.
 *
 * A lane is a group of one channel in and out, or an output channel; each kernel position (of each input channel) is a
 * chain.  gy lies with its lanes side by side, and so does x if a lane is a group; otherwise a number of x serves all. */

/* n terms of up to LANE_ROWS chains: acc[r] += gy[p] x[at[p] + shift[r]]. */
VEC_FN void T(lanes_run)(const conv_lanes *k, const number *gy, const number *x, const int64_t *at, int64_t n,
                         const int64_t *shift, number *acc, const int rows, const bool grouped)
{
  T(vec)        s[LANE_ROWS];
  const number *from[LANE_ROWS];
  UNROLL for (int r = 0; r < rows; r++) { s[r] = T(vec_load)(acc + r * LANES); from[r] = x + shift[r]; }
  for (int64_t p = 0; p < n; p++, gy += k->pitch) {
    T(vec) g = T(vec_load)(gy);
    UNROLL for (int r = 0; r < rows; r++)
      s[r] = T(vec_fma)(g, grouped ? T(vec_load)(from[r] + at[p]) : T(vec_set1)(from[r][at[p]]), s[r]);
  }
  UNROLL for (int r = 0; r < rows; r++) T(vec_store)(acc + r * LANES, s[r]);
}

static void T(lanes_rows)(const conv_lanes *k, const number *gy, const number *x, int64_t p, int64_t n, number *acc)
{
  const int64_t *at = k->at + p;
  gy += p * k->pitch;
  for (int64_t r = 0, rows; r < k->rows; r += rows, acc += rows * LANES) {
    const int64_t *shift = k->shift + r;
    rows = k->rows - r >= LANE_ROWS ? LANE_ROWS : k->rows - r >= 3 ? 3 : 1;
    if (k->grouped) {
      if (rows == LANE_ROWS) T(lanes_run)(k, gy, x, at, n, shift, acc, LANE_ROWS, true);
      else if (rows == 3)    T(lanes_run)(k, gy, x, at, n, shift, acc, 3, true);
      else                   T(lanes_run)(k, gy, x, at, n, shift, acc, 1, true);
    } else {
      if (rows == LANE_ROWS) T(lanes_run)(k, gy, x, at, n, shift, acc, LANE_ROWS, false);
      else if (rows == 3)    T(lanes_run)(k, gy, x, at, n, shift, acc, 3, false);
      else                   T(lanes_run)(k, gy, x, at, n, shift, acc, 1, false);
    }
  }
}

/* The sums of a finished block, added to those before. */
static void T(lanes_block)(const conv_lanes *k, number *sum, number *acc, bool first)
{
  for (int64_t i = 0; i < k->rows * LANES; i += LANES) {
    T(vec) s = T(vec_load)(acc + i);
    T(vec_store)(sum + i, first ? s : T(vec_add)(T(vec_load)(sum + i), s));
    T(vec_store)(acc + i, T(vec_set1)(0));
  }
}

/* Unit u: up to LANES groups, or output channels of one group, through all terms. */
static void T(lanes_unit)(const conv_lanes *k, int64_t u, number *scratch)
{
  const rp_conv *c = k->c;
  int64_t per_group = k->grouped ? 1 : ceil_div(k->n_out, LANES), group = k->grouped ? u * LANES : u / per_group;
  int64_t first = k->grouped ? group : group * k->n_out + u % per_group * LANES; /* output channel */
  int64_t lanes = k->grouped ? min_int(LANES, c->groups - group) : min_int(LANES, k->n_out - u % per_group * LANES);
  int64_t x_channels = k->grouped ? lanes : k->n_in, in = volume(c->in), term = 0;
  number *acc = scratch, *sum = acc + k->rows * LANES, *gy = sum + k->rows * LANES, *x = gy + (k->pixels + 1) * LANES;
  conv_lanes part = *k;
  part.pitch = lanes;
  part.at = k->at + (k->grouped ? (lanes < LANES) * k->pixels : 0);
  part.shift = k->shift + (k->grouped ? (lanes < LANES) * k->rows : 0);
  memset(scratch, 0, k->share_bytes);
  for (int64_t b = 0; b < c->batch; b++) {
    T(pack)(gy, lanes, (const number *)k->gy + (b * c->c_out + first) * k->pixels, k->pixels, 1, lanes, k->pixels);
    T(interleave)(x, k->place, (const number *)k->x + (b * c->c_in + group * k->n_in) * in, in, x_channels);
    for (int64_t p = 0, n; p < k->pixels; p += n, term += n) {
      n = min_int(k->pixels - p, RP_KB - term % RP_KB);
      T(lanes_rows)(&part, gy, x, p, n, acc);
      if ((term + n) % RP_KB == 0 || (b + 1 == c->batch && p + n == k->pixels)) T(lanes_block)(k, sum, acc, term < RP_KB);
    }
  }
  for (int64_t i = 0; i < lanes; i++)
    for (int64_t r = 0; r < k->rows; r++) ((number *)k->gw)[(first + i) * k->rows + r] = sum[r * LANES + i];
}

static void T(lanes_shares)(void *context, int64_t begin, int64_t end)
{
  const conv_lanes *k = context;
  for (int64_t s = begin; s < end; s++)
    for (int64_t u = part_begin(k->units, k->shares, s), last = part_begin(k->units, k->shares, s + 1); u < last; u++)
      T(lanes_unit)(k, u, (number *)(k->scratch + (size_t)s * k->share_bytes));
}

static rp_status T(conv_lanes_run)(conv_lanes k)
{
  const rp_conv *c = k.c;
  int64_t last = c->groups % LANES, numbers = 2 * k.rows * LANES + (k.pixels + 1) * LANES;
  numbers += volume(k.grid.extent) * (k.grouped ? LANES : k.n_in) + LANES;
  k.units = k.grouped ? ceil_div(c->groups, LANES) : c->groups * ceil_div(k.n_out, LANES);
  k.shares = conv_shares((double)c->batch * (double)k.pixels * (double)(k.rows * k.units * LANES), k.units);
  k.share_bytes = aligned(numbers * (int64_t)sizeof(number));
  size_t tables = aligned((2 * (k.pixels + k.rows) + volume(c->in)) * (int64_t)sizeof(int64_t));
  char  *block = rp_alloc(tables + (size_t)k.shares * k.share_bytes);
  if (!block) return RP_ENOMEM;
  k.at = (int64_t *)block; k.shift = k.at + 2 * k.pixels; k.place = k.shift + 2 * k.rows; k.scratch = block + tables;
  grid_places(&k.grid, k.place);
  lanes_offsets(&k, k.at, k.shift, k.grouped ? LANES : k.n_in);
  lanes_offsets(&k, k.at + k.pixels, k.shift + k.rows, k.grouped ? last : k.n_in); /* of the last unit, which may be narrower */
  rp_parallel(k.shares, 1, T(lanes_shares), &k);
  rp_release(block);
  return RP_OK;
}
