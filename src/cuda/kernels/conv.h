/* conv.h: convolution and its gradients for one tile (included by products.cu after tile.h), in the order of
 * kernel/conv.h.  They are matrix products whose second factor is read out of the images where it lies; what lies
 * outside of an image is copied as zero and takes part.
 *
 *   conv          rows o, columns (b, p),   terms i = c K + q      a = w,  b = x
 *   conv_weight   rows o, columns (c, q),   terms i = b P + p      a = gy, b = x
 *   conv_input    rows c, columns (b, r),   for every q the terms o in blocks; a = w, b = gy
 * p.term[4 i ..]: for i = c K + q, where x_c lies shifted by q, and the shift in each dimension. */

/* Number i of an image of the given size as coordinates times step, plus first. */
DEVICE void N(spread)(int at[3], int64_t i, const int64_t size[3], const int64_t step[3], const int64_t padding[3])
{
  uint32_t r = (uint32_t)i, q = r / (uint32_t)size[2];
  at[2] = (int)((r - q * (uint32_t)size[2]) * step[2] - padding[2]);
  r = q; q = r / (uint32_t)size[1];
  at[1] = (int)((r - q * (uint32_t)size[1]) * step[1] - padding[1]);
  at[0] = (int)(q * step[0] - padding[0]);
}

DEVICE bool N(inside)(const int at[3], const int *shift, const int64_t size[3])
{
  return (uint64_t)(at[0] + (int64_t)shift[1]) < (uint64_t)size[0] && (uint64_t)(at[1] + (int64_t)shift[2]) < (uint64_t)size[1]
      && (uint64_t)(at[2] + (int64_t)shift[3]) < (uint64_t)size[2];
}

DEVICE int64_t N(offset)(const int at[3], const int64_t size[3]) { return (at[0] * size[1] + at[1]) * size[2] + at[2]; }

/* The tile's share: item counts rows fastest, then columns, then groups (and parts). */
#define SHARE(rows, columns)                                                                            \
  const int64_t down = ((rows) + TM - 1) / TM, across = ((columns) + TN - 1) / TN;                        \
  int64_t item = blockIdx.x;                                                                            \
  const int64_t i0 = item % down * TM, j0 = item / down % across * TN;                                  \
  item /= down * across;                                                                                \
  const int me = (int)threadIdx.x;                                                                      \
  number acc[RM][RN];                                                                                   \
  N(clear)(acc);

/* The copies of a later step are begun, those of step t have ended; false before step 0. */
#define PIPELINE(LOAD)                                                                                    \
  if (t >= 0) { COPY_WAIT(STAGES - 2); SYNC(); }                                                          \
  if (t + STAGES - 1 < steps) LOAD(t + STAGES - 1, stages + (t + STAGES - 1) % STAGES * STAGE);           \
  COPY_COMMIT();                                                                                          \
  if (t < 0) continue;

KERNEL_OF(NTHREADS, 2, N(conv), cu_conv)
{
  DYNAMIC(number, stages);
  const int64_t columns = p.c.batch * p.pixels, k = p.c_in * p.positions, in = p.c.in[0] * p.c.in[1] * p.c.in[2];
  SHARE(p.c_out, columns)
  const int64_t group = item;
  const number *w = (const number *)(const void *)p.w + (group * p.c_out + i0) * k;
  const int64_t column = j0 + me % TN;
  const int64_t b = column / p.pixels;
  int at[3];
  N(spread)(at, column % p.pixels, p.c.out, p.c.stride, p.c.padding);
  const number *x = (const number *)(const void *)p.x + (b * p.c.c_in + group * p.c_in) * in;
  const int64_t shift = N(offset)(at, p.c.in);
  const int steps = (int)((k + STEP - 1) / STEP);
#define LOAD(t, to)                                                                          \
  do {                                                                                       \
    const int64_t k0 = (int64_t)(t) * STEP;                                                  \
    const int     n = (int)least(STEP, k - k0);                                              \
    N(load)(to, A_LINE, TM, w + k0, k, 1, (int)least(TM, p.c_out - i0), n, false);                           \
    UNROLLED for (int e = me / TN; e < STEP; e += NTHREADS / TN) {                           \
      const int *term = p.term + 4 * (k0 + (e < n ? e : 0));                                 \
      bool ok = e < n && column < columns && N(inside)(at, term, p.c.in);                    \
      T(COPY)((to) + STEP * A_LINE + e * B_LINE + me % TN, ok ? x + (shift + term[0]) : x, ok);  \
    }                                                                                        \
  } while (0)
  for (int t = 1 - STAGES; t < steps; t++) {
    PIPELINE(LOAD)
    const int64_t k0 = (int64_t)t * STEP;
    N(terms)(acc, stages + t % STAGES * STAGE, (int)least(STEP, k - k0));
    if ((k0 + STEP) % RP_KB != 0 && k0 + STEP < k) continue;
    const bool add = k0 >= RP_KB, last = k0 + STEP >= k;
    UNROLLED for (int j = 0; j < RN; j++) {
      const int64_t c = j0 + COL_OF(j);
      if (c >= columns) continue;
      number *y = (number *)(void *)p.out + (c / p.pixels * p.c.c_out + group * p.c_out + i0) * p.pixels + c % p.pixels;
      UNROLLED for (int i = 0; i < RM; i++) {
        if (i0 + ROW_OF(i) >= p.c_out) continue;
        number s = add ? y[ROW_OF(i) * p.pixels] + acc[i][j] : acc[i][j];
        if (last && p.bias) s = s + ((const number *)(const void *)p.bias)[group * p.c_out + i0 + ROW_OF(i)];
        y[ROW_OF(i) * p.pixels] = s;
      }
    }
    N(clear)(acc);
  }
#undef LOAD
}

KERNEL_OF(NTHREADS, 2, N(conv_weight), cu_conv)
{
  DYNAMIC(number, stages);
  const int64_t columns = p.c_in * p.positions, k = p.c.batch * p.pixels, in = p.c.in[0] * p.c.in[1] * p.c.in[2];
  SHARE(p.c_out, columns)
  const int64_t first = item % p.parts * p.blocks * RP_KB, group = item / p.parts;
  const int64_t end = p.parts > 1 ? least(k, first + p.blocks * RP_KB) : k;
  const number *gy = (const number *)(const void *)p.gy + (group * p.c_out + i0) * p.pixels;
  const number *x = (const number *)(const void *)p.x + group * p.c_in * in;
  const int steps = (int)((end - first + STEP - 1) / STEP);
#define LOAD(t, to)                                                                          \
  do {                                                                                       \
    const int64_t i = first + (int64_t)(t) * STEP + me % STEP, b = i / p.pixels, pixel = i - b * p.pixels; \
    const number *from = gy + b * p.c.c_out * p.pixels + pixel, *image = x + b * p.c.c_in * in; \
    int at[3];                                                                               \
    N(spread)(at, pixel, p.c.out, p.c.stride, p.c.padding);                                  \
    const int64_t shift = N(offset)(at, p.c.in);                                             \
    UNROLLED for (int r = me / STEP; r < TM; r += NTHREADS / STEP) {                         \
      bool ok = i < end && i0 + r < p.c_out;                                                 \
      T(COPY)((to) + me % STEP * A_LINE + r, ok ? from + r * p.pixels : gy, ok);             \
    }                                                                                        \
    UNROLLED for (int c = me / STEP; c < TN; c += NTHREADS / STEP) {                         \
      const int *term = p.term + 4 * (j0 + c < columns ? j0 + c : 0);                        \
      bool ok = i < end && j0 + c < columns && N(inside)(at, term, p.c.in);                  \
      T(COPY)((to) + STEP * A_LINE + me % STEP * B_LINE + c, ok ? image + (shift + term[0]) : x, ok); \
    }                                                                                        \
  } while (0)
  for (int t = 1 - STAGES; t < steps; t++) {
    PIPELINE(LOAD)
    const int64_t k0 = first + (int64_t)t * STEP;
    N(terms)(acc, stages + t % STAGES * STAGE, (int)least(STEP, end - k0));
    if ((k0 + STEP) % RP_KB != 0 && k0 + STEP < end) continue;
    const bool alone = p.parts == 1;
    const int64_t which = alone ? group : group * ((k + RP_KB - 1) / RP_KB) + k0 / RP_KB;
    N(store)(acc, (number *)(void *)(alone ? p.out : p.part) + (which * p.c_out + i0) * columns + j0, columns,
             (int)least(TM, p.c_out - i0), (int)least(TN, columns - j0), alone && k0 >= RP_KB, NULL);
    N(clear)(acc);
  }
#undef LOAD
}

#if TM == 64 /* two more sets of sums would not fit into the registers beside a larger one */
/* The output pixel whose kernel position q reaches input pixel r (padding added), in one dimension; -1: none. */
DEVICE int N(reached)(int r, int64_t q, int64_t dilation, int64_t stride, int64_t out)
{
  int64_t t = r - q * dilation, s = t / stride;
  return t >= 0 && s * stride == t && s < out ? (int)s : -1;
}

/* Where gy lies for position q and the input pixel at (padding added); -1: q does not reach it. */
DEVICE int64_t N(source)(const cu_conv *p, const int at[3], int64_t q)
{
  int s2 = N(reached)(at[2], q % p->c.kernel[2], p->c.dilation[2], p->c.stride[2], p->c.out[2]);
  int s1 = N(reached)(at[1], q / p->c.kernel[2] % p->c.kernel[1], p->c.dilation[1], p->c.stride[1], p->c.out[1]);
  int s0 = N(reached)(at[0], q / p->c.kernel[2] / p->c.kernel[1], p->c.dilation[0], p->c.stride[0], p->c.out[0]);
  return s0 < 0 || s1 < 0 || s2 < 0 ? -1 : (s0 * p->c.out[1] + s1) * p->c.out[2] + s2;
}

/* Three sets of sums in double need the registers of two thread blocks. */
KERNEL_OF(NTHREADS, sizeof(number) == 8 ? 1 : 2, N(conv_input), cu_conv)
{
  DYNAMIC(number, stages);
  const int64_t in = p.c.in[0] * p.c.in[1] * p.c.in[2], columns = p.c.batch * in, k = p.c_out;
  const int64_t unit[3] = { 1, 1, 1 }, back[3] = { -p.c.padding[0], -p.c.padding[1], -p.c.padding[2] };
  SHARE(p.c_in, columns)
  const int64_t group = item, column = j0 + me % TN, width = p.c_in * p.positions;
  const number *w = (const number *)(const void *)p.w + group * p.c_out * width + i0 * p.positions;
  const number *gy = (const number *)(const void *)p.gy + (column / in * p.c.c_out + group * p.c_out) * p.pixels;
  const number *zero = (const number *)(const void *)p.gy;
  const int per_q = (int)((k + STEP - 1) / STEP), steps = (int)(per_q * p.positions);
  int at[3];
  N(spread)(at, column % in, p.c.in, unit, back);
  number t_q[RM][RN], sum[RM][RN];
  N(clear)(sum);
  N(clear)(t_q);
#define LOAD(t, to)                                                                          \
  do {                                                                                       \
    const int64_t q = (t) / per_q, k0 = (int64_t)((t) % per_q) * STEP, n = least(STEP, k - k0);  \
    const int64_t from = column < columns ? N(source)(&p, at, q) : -1;                       \
    N(load)(to, A_LINE, TM, w + k0 * width + q, p.positions, width, (int)least(TM, p.c_in - i0), (int)n, false); \
    UNROLLED for (int e = me / TN; e < STEP; e += NTHREADS / TN) {                           \
      bool ok = e < n && from >= 0;                                                          \
      T(COPY)((to) + STEP * A_LINE + e * B_LINE + me % TN, ok ? gy + (k0 + e) * p.pixels + from : zero, ok); \
    }                                                                                        \
  } while (0)
  for (int t = 1 - STAGES; t < steps; t++) {
    PIPELINE(LOAD)
    const int64_t q = t / per_q, k0 = (int64_t)(t % per_q) * STEP;
    N(terms)(acc, stages + t % STAGES * STAGE, (int)least(STEP, k - k0));
    if ((k0 + STEP) % RP_KB != 0 && k0 + STEP < k) continue;
    const bool add = k0 >= RP_KB, last = k0 + STEP >= k;
    UNROLLED for (int j = 0; j < RN; j++) {
      bool reaches = false;
      if (last) {
        int here[3];
        const int64_t c = j0 + COL_OF(j);
        N(spread)(here, c % in, p.c.in, unit, back);
        reaches = N(source)(&p, here, q) >= 0;
      }
      UNROLLED for (int i = 0; i < RM; i++) {
        t_q[i][j] = add ? t_q[i][j] + acc[i][j] : acc[i][j];
        if (reaches) sum[i][j] = sum[i][j] + t_q[i][j];
      }
    }
    N(clear)(acc);
  }
  UNROLLED for (int j = 0; j < RN; j++) {
    const int64_t c = j0 + COL_OF(j);
    if (c >= columns) continue;
    number *gx = (number *)(void *)p.out + (c / in * p.c.c_in + group * p.c_in + i0) * in + c % in;
    UNROLLED for (int i = 0; i < RM; i++) if (i0 + ROW_OF(i) < p.c_in) gx[ROW_OF(i) * in] = sum[i][j];
  }
#undef LOAD
}
#endif
#undef SHARE
#undef PIPELINE
