/* conv.h: convolution and its gradients for one tile (included for every tile after gemm.h), in the order of
 * kernel/conv.h.  They are matrix products whose second factor is read out of the images where it lies; what lies
 * outside of an image is copied as zero and takes part.
 *
 *   conv          rows o, columns (b, p),   terms i = c K + q      a = w,  b = x
 *   conv_weight   rows o, columns (c, q),   terms i = b P + p      a = gy, b = x
 *   conv_input    rows c, columns (b, r),   for every q the terms o in blocks; a = w as (group, q, o, c), b = gy
 * p.term[i], p.place[i]: for i = c K + q, where x_c lies shifted by q, and the shift in each dimension, or q.  p.spot[p]: where
 * output pixel p begins to read.  An image counts in 32 bits. */

/* Number i of an image of the given size as coordinates times step, plus first; outside of every image if it is not there. */
DEVICE cu_term N(spread)(bool there, uint32_t i, const int64_t size[3], const int64_t step[3], const int64_t padding[3])
{
  const uint32_t q = i / (uint32_t)size[2], r = q / (uint32_t)size[1];
  cu_term at;
  at.at = 0;
  at.d2 = (int)(i - q * (uint32_t)size[2]) * (int)step[2] - (int)padding[2];
  at.d1 = (int)(q - r * (uint32_t)size[1]) * (int)step[1] - (int)padding[1];
  at.d0 = there ? (int)r * (int)step[0] - (int)padding[0] : CU_OUTSIDE;
  return at;
}

DEVICE bool N(inside)(cu_term at, cu_term shift, const int64_t size[3])
{
  const bool in0 = (uint32_t)(at.d0 + shift.d0) < (uint32_t)size[0], in1 = (uint32_t)(at.d1 + shift.d1) < (uint32_t)size[1];
  const bool in2 = (uint32_t)(at.d2 + shift.d2) < (uint32_t)size[2];
  return in0 & in1 & in2; /* without branches */
}

/* The address of the element at these coordinates of the image x, which may lie outside. */
DEVICE uintptr_t N(image)(const number *x, cu_term at, const int64_t size[3])
{
  return (uintptr_t)x + (uintptr_t)((at.d0 * size[1] + at.d1) * size[2] + at.d2) * sizeof(number);
}

/* Shifted by a term, if that lies inside. */
DEVICE void N(copy_shifted)(number *to, uintptr_t image, cu_term at, cu_term shift, const int64_t size[3])
{
  T(COPY)(to, (const number *)(image + (uintptr_t)(int64_t)shift.at * sizeof(number)), N(inside)(at, shift, size));
}

/* The tile's share: item counts rows fastest, then columns, then groups (and parts). */
#define SHARE(rows, columns)                                                                            \
  const int64_t down = ((rows) + TM - 1) / TM, across = ((columns) + TN - 1) / TN;                        \
  int64_t item = blockIdx.x;                                                                            \
  const int64_t i0 = item % down * TM, j0 = item / down % across * TN;                                  \
  item /= down * across;                                                                                \
  SHARED(int64_t, kept, 4); /* i0, j0, group, first: needed once in RP_KB terms, and no registers are left */ \
  int stage = 0; /* where the step lies that is copied now, and then the one that is used: the oldest */ \
  number acc[RM][RN];                                                                                   \
  N(clear)(acc);

/* y = acc, or y + acc, and + bias, for the columns (b, p) of the tile; y (batch, channels, n) points to row 0 of the tile. */
DEVICE void N(store_images)(const number acc[RM][RN], number *y, int64_t channels, int64_t n, int64_t j0, int64_t columns, int rows,
                            bool add, const number *bias)
{
  const uint32_t pixels = (uint32_t)n;
  const int64_t  b0 = j0 / n;
  const uint32_t r0 = (uint32_t)(j0 - b0 * n);
  const bool     wide = pixels % (uint32_t)VEC == 0 && (uintptr_t)y % 16 == 0;
  UNROLLED for (int j = 0; j < RN; j++) {
    if (wide && j % VEC != 0) continue;
    const bool     there = j0 + COL_OF(j) < columns;
    const uint32_t r = r0 + (uint32_t)COL_OF(j), b = r / pixels;
    number *at = y + ((b0 + b) * channels + ROW_OF(0)) * n + (r - b * pixels);
    UNROLLED for (int i = 0; i < RM; i++, at += (ROW_OF(i) - ROW_OF(i - 1)) * n) {
      if (!there || ROW_OF(i) >= rows) continue;
      const number c = bias ? bias[ROW_OF(i)] : 0;
      if (wide && j % VEC == 0) { /* VEC columns of one image, side by side */
        N(pack) v;
        if (add) { v = *(const N(pack) *)(const void *)at; }
        UNROLLED for (int f = 0; f < VEC; f++) {
          v.v[f] = add ? v.v[f] + acc[i][(j + f) % RN] : acc[i][(j + f) % RN];
          if (bias) v.v[f] = v.v[f] + c;
        }
        *(N(pack) *)(void *)at = v;
      } else {
        const number s = add ? *at + acc[i][j] : acc[i][j];
        *at = bias ? s + c : s;
      }
    }
  }
}

/* Which positions of the kernel lie inside of the image, a bit for each: word w of column j is mask[w TN + j]. */
DEVICE void N(make_masks)(uint32_t *mask, const cu_conv *p, cu_term at)
{
  const int me = (int)threadIdx.x;
  for (int w = me / TN; w < CU_MASKS(p->positions); w += NTHREADS / TN) {
    uint32_t bits = 0;
    ROLLED for (int e = 0; e < 32 && 32 * w + e < (int)p->positions; e++) bits |= (uint32_t)N(inside)(at, p->term[32 * w + e], p->c.in) << e;
    mask[w * TN + me % TN] = bits;
  }
}

KERNEL_OF(NTHREADS, 2, N(conv), cu_conv)
{
  DYNAMIC(number, stages);
  uint32_t *masks = (uint32_t *)(void *)(stages + STAGES * STAGE);
  const int64_t columns = p.c.batch * p.pixels, k = p.c_in * p.positions, in = p.c.in[0] * p.c.in[1] * p.c.in[2];
  SHARE(p.c_out, columns)
  const int me = (int)threadIdx.x;
  const int64_t group = item, column = j0 + me % TN, b = column / p.pixels;
  if (me == 0) { kept[0] = i0; kept[1] = j0; kept[2] = group; }
  const int rows = (int)least(TM, p.c_out - i0);
  const number *w = (const number *)(const void *)p.w + (group * p.c_out + i0) * k + N(first)(TM, k, 1, false);
  const cu_term here = N(spread)(column < columns, (uint32_t)(column - b * p.pixels), p.c.out, p.c.stride, p.c.padding);
  const uintptr_t image = N(image)((const number *)(const void *)p.x + (b * p.c.c_in + group * p.c_in) * in, here, p.c.in);
  int to_copy = (int)k;
  N(make_masks)(masks, &p, here);
  SYNC();
#define COPY_X(to, word)                                                                     \
  UNROLLED for (int i = 0; i < EACH(TN); i++) {                                              \
    const cu_place v = place[i * (NTHREADS / TN)];                                           \
    T(COPY)((to) + i * (NTHREADS / TN) * B_LINE, (const number *)(image + (uintptr_t)(int64_t)v.at * sizeof(number)), \
            (word) >> (v.q & 31) & 1);                                                       \
  }
#define LOAD(to)                                                                             \
  do {                                                                                       \
    const cu_place *place = p.place + (t + STAGES - 1) * STEP + me / TN;                     \
    number         *x_to = (to) + STEP * A_LINE + me / TN * B_LINE + me % TN;                \
    N(load)(to, A_LINE, TM, w, p.c_in * p.positions, 1, rows, to_copy, false);               \
    if (p.positions < 32) { const uint32_t word = masks[me % TN]; COPY_X(x_to, word) }       \
    else                  { COPY_X(x_to, masks[(v.q >> 5) * TN + me % TN]) }                 \
    w += STEP;                                                                               \
  } while (0)
  for (int t = 1 - STAGES; LEFT(to_copy) > 0; t++) {
    TAKE_STEP(LOAD)
    const int64_t o = kept[2] * p.c_out + kept[0];
    N(store_images)(acc, (number *)(void *)p.out + o * p.pixels, p.c.c_out, p.pixels, kept[1], p.c.batch * p.pixels, rows, t * STEP >= RP_KB,
                    LEFT(to_copy) <= 0 && p.bias ? (const number *)(const void *)p.bias + o : NULL);
    N(clear)(acc);
  }
#undef LOAD
#undef COPY_X
}

KERNEL_OF(NTHREADS, 2, N(conv_weight), cu_conv)
{
  DYNAMIC(number, stages);
  const int64_t columns = p.c_in * p.positions, k = p.c.batch * p.pixels, in = p.c.in[0] * p.c.in[1] * p.c.in[2];
  SHARE(p.c_out, columns)
  const int64_t first = item % p.parts * p.blocks * RP_KB, group = item / p.parts;
  const int rows = (int)least(TM, p.c_out - i0), pixels = (int)p.pixels;
  if (threadIdx.x == 0) { kept[0] = i0; kept[1] = j0; kept[2] = group; kept[3] = first; }
  int to_copy = (int)((p.parts > 1 ? least(k, first + p.blocks * RP_KB) : k) - first);
  const int64_t b = (first + DEEP_TERM) / pixels;
  int pixel = (int)(first + DEEP_TERM - b * pixels); /* of this thread's term of the step */
  const number *gy = (const number *)(const void *)p.gy + (b * p.c.c_out + group * p.c_out + i0 + DEEP_ROW) * pixels + pixel;
  const number *x = (const number *)(const void *)p.x + (b * p.c.c_in + group * p.c_in) * in;
#define LOAD(to)                                                                             \
  do {                                                                                       \
    cu_term at = p.spot[pixel];                                                              \
    const uintptr_t image = (uintptr_t)x + (uintptr_t)(int64_t)at.at * sizeof(number);       \
    if (DEEP_TERM >= to_copy) at.d0 = CU_OUTSIDE;                                            \
    const cu_term *term = p.term + j0 + DEEP_ROW;                                            \
    N(load)(to, A_LINE, TM, gy, pixels, 1, rows, to_copy, false);          \
    UNROLLED for (int i = 0; i < EACH(TN); i++)                                              \
      N(copy_shifted)((to) + STEP * A_LINE + DEEP_TERM * B_LINE + DEEP_ROW + i * DEEP_ROWS, image, at, term[i * DEEP_ROWS], p.c.in); \
    gy += STEP;                                                                              \
    pixel += STEP;                                                                           \
    ROLLED while (pixel >= pixels) { pixel -= pixels; gy += (p.c.c_out - 1) * pixels; x += p.c.c_in * in; } \
  } while (0)
  for (int t = 1 - STAGES; LEFT(to_copy) > 0; t++) {
    TAKE_STEP(LOAD)
    const bool    alone = p.parts == 1;
    const int64_t blocks = (p.c.batch * p.pixels + RP_KB - 1) / RP_KB, width = p.c_in * p.positions;
    const int64_t which = alone ? kept[2] : kept[2] * blocks + kept[3] / RP_KB + t * STEP / RP_KB;
    N(store)(acc, (number *)(void *)(alone ? p.out : p.part) + (which * p.c_out + kept[0]) * width + kept[1], width,
             rows, (int)least(TN, width - kept[1]), alone && t >= RP_KB / STEP, NULL);
    N(clear)(acc);
  }
#undef LOAD
}

#if TM == 64 /* two more sets of sums would not fit into the registers beside a larger one */
/* Coordinate r of an input pixel (padding added) as seen by output pixels for kernel index q; -1: none reaches it. */
DEVICE int N(reached)(int r, int q, int dilation, int stride, int out)
{
  const int t = r - q * dilation, s = stride == 1 ? t : (int)((uint32_t)t / (uint32_t)stride);
  return t >= 0 && s * stride == t && s < out ? s : -1;
}

/* Where gy lies for position q of the kernel and the input pixel at (padding added); -1: q does not reach it. */
DEVICE int N(source)(const cu_conv *p, cu_term at, uint32_t q)
{
  const uint32_t q1 = q / (uint32_t)p->c.kernel[2], q0 = q1 / (uint32_t)p->c.kernel[1];
  const int s2 = N(reached)(at.d2, (int)(q - q1 * (uint32_t)p->c.kernel[2]), (int)p->c.dilation[2], (int)p->c.stride[2], (int)p->c.out[2]);
  const int s1 = N(reached)(at.d1, (int)(q1 - q0 * (uint32_t)p->c.kernel[1]), (int)p->c.dilation[1], (int)p->c.stride[1], (int)p->c.out[1]);
  const int s0 = N(reached)(at.d0, (int)q0, (int)p->c.dilation[0], (int)p->c.stride[0], (int)p->c.out[0]);
  return s0 < 0 || s1 < 0 || s2 < 0 ? -1 : (s0 * (int)p->c.out[1] + s1) * (int)p->c.out[2] + s2;
}

/* Three sets of sums in double need the registers of two thread blocks. */
KERNEL_OF(NTHREADS, sizeof(number) == 8 ? 1 : 2, N(conv_input), cu_conv)
{
  DYNAMIC(number, stages);
  SHARED(int, reaches, STAGES * TN); /* of each column in the position of a stage's step */
  const int64_t in = p.c.in[0] * p.c.in[1] * p.c.in[2], columns = p.c.batch * in;
  SHARE(p.c_in, columns)
  const int me = (int)threadIdx.x;
  const int64_t unit[3] = { 1, 1, 1 }, back[3] = { -p.c.padding[0], -p.c.padding[1], -p.c.padding[2] };
  const int64_t group = item, column = j0 + me % TN, b = column / in;
  if (me == 0) { kept[0] = i0; kept[1] = j0; kept[2] = group; }
  const int k = (int)p.c_out, rows = (int)least(TM, p.c_in - i0);
  const bool wide = p.wide_w != 0;
  const number *w = (const number *)(const void *)p.w + group * p.positions * k * p.c_in + i0 + N(first)(TM, 1, p.c_in, wide);
  const number *images = (const number *)(const void *)p.gy + (b * p.c.c_out + group * p.c_out + me / TN) * p.pixels, *gy = images;
  const cu_term at = N(spread)(column < columns, (uint32_t)(column - b * in), p.c.in, unit, back);
  int q_copy = 0, to_copy = k, q = 0, left = k; /* of position q_copy or q, terms from this step on */
  bool reached = false;
  number t_q[RM][RN], sum[RM][RN];
  N(clear)(sum);
  N(clear)(t_q);
#define LOAD(to)                                                                             \
  do {                                                                                       \
    if (to_copy == k) {                                                                      \
      const int from = N(source)(&p, at, (uint32_t)q_copy);                                  \
      reached = from >= 0;                                                                   \
      gy = reached ? images + from : images;                                                 \
    }                                                                                        \
    if (me < TN) reaches[stage / STAGE * TN + me] = reached;                                  \
    N(load)(to, A_LINE, TM, w, 1, p.c_in, rows, to_copy, wide);                              \
    UNROLLED for (int i = 0; i < EACH(TN); i++)                                              \
      T(COPY)((to) + STEP * A_LINE + (me / TN + i * (NTHREADS / TN)) * B_LINE + me % TN, gy + i * (NTHREADS / TN) * p.pixels, \
              reached && me / TN + i * (NTHREADS / TN) < to_copy);                           \
    w += (to_copy < STEP ? to_copy : STEP) * p.c_in;                                         \
    gy += STEP * p.pixels;                                                                   \
    to_copy -= STEP;                                                                         \
    if (to_copy <= 0) { to_copy = k; q_copy++; }                                             \
  } while (0)
  for (int t = 1 - STAGES; q < (int)p.positions; t++) {
    PIPELINE(q_copy < (int)p.positions, LOAD)
    if (t < 0) continue;
    const int here = stage / STAGE * TN;
    N(terms)(acc, stages + stage, left < STEP ? left : STEP);
    left -= STEP;
    if ((k - left) % RP_KB != 0 && left > 0) continue;
    const bool add = k - left > RP_KB, last = left <= 0;
    UNROLLED for (int j = 0; j < RN; j++) {
      const bool counts = last && reaches[here + COL_OF(j)];
      UNROLLED for (int i = 0; i < RM; i++) {
        t_q[i][j] = add ? t_q[i][j] + acc[i][j] : acc[i][j];
        if (counts) sum[i][j] = sum[i][j] + t_q[i][j];
      }
    }
    N(clear)(acc);
    if (last) { left = k; q++; }
  }
  N(store_images)(sum, (number *)(void *)p.out + (kept[2] * p.c_in + kept[0]) * in, p.c.c_in, in, kept[1], columns, rows, false, NULL);
#undef LOAD
}
#endif
#undef SHARE
