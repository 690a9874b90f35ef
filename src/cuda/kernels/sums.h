/* sums.h: reductions for one type (included by sums.cu), in the order of kernel/lanes.h: lane l of 32 takes elements l,
 * l + 32, ... of a block of RP_RB, then lanes are combined by halving.
 *
 * Three ways, as on the CPU: a warp for a block of a result (rows), a thread for each lane of 32 neighbouring results
 * (columns), a thread for a result of at most 32 elements that lie in one run (short). */

#if IS_FLOAT
#define LOWEST      ((number)-INFINITE)
#define HIGHEST     ((number)INFINITE)
#else
#define LOWEST      ((number)((unsigned_number)1 << (8 * sizeof(number) - 1)))
#define HIGHEST     (~LOWEST)
#endif

DEVICE number T(divided)(number v, double divisor)
{
#if IS_FLOAT
  return divisor != 0 ? v / (number)divisor : v;
#else
  (void)divisor;
  return v;
#endif
}

/* Constant bounds, so that v lies in registers. */
#define HALVE(half, COMBINE) UNROLLED for (int i = 0; i < half; i++) v[i] = COMBINE(v[i], v[i + half]);

#define REDUCE(name, IDENTITY, COMBINE)                                                        \
  KERNEL(T(name##_rows), cu_reduce)                                                            \
  {                                                                                            \
    const int lane = (int)(threadIdx.x % 32);                                                  \
    for (int64_t item = THREAD / 32; item < p.rows * p.blocks; item += THREADS / 32) {         \
      int64_t row = item / p.blocks, at = item % p.blocks * RP_RB, m = least(RP_RB, p.n - at); \
      const number *x = (const number *)(const void *)p.data + placed(&p.kept, row);           \
      number v = IDENTITY;                                                                     \
      for (int64_t i = lane; i < m; i += 32) v = COMBINE(v, x[placed(&p.reduced, at + i)]);    \
      UNROLLED for (int half = 16; half > 0; half /= 2) v = COMBINE(v, T(DOWN)(v, half));      \
      if (lane == 0) ((number *)(void *)p.out)[item] = T(divided)(v, p.divisor);               \
    }                                                                                          \
  }                                                                                            \
  KERNEL_OF(1024, 1, T(name##_columns), cu_reduce)                                             \
  {                                                                                            \
    SHARED(number, lanes, 1024);                                                               \
    const int column = (int)(threadIdx.x % 32), lane = (int)(threadIdx.x / 32);                \
    const int64_t tiles = (p.rows + 31) / 32;                                                  \
    for (int64_t item = blockIdx.x; item < tiles * p.blocks; item += gridDim.x) {              \
      int64_t row = item / p.blocks * 32 + column, at = item % p.blocks * RP_RB, m = least(RP_RB, p.n - at); \
      number  v = IDENTITY;                                                                    \
      if (row < p.rows) {                                                                      \
        const number *x = (const number *)(const void *)p.data + placed(&p.kept, row);         \
        for (int64_t i = lane; i < m; i += 32) v = COMBINE(v, x[placed(&p.reduced, at + i)]);  \
      }                                                                                        \
      SYNC();                                                                                  \
      lanes[threadIdx.x] = v;                                                                  \
      for (int half = 16; half > 0; half /= 2) {                                               \
        SYNC();                                                                                \
        if (lane < half) lanes[threadIdx.x] = COMBINE(lanes[threadIdx.x], lanes[threadIdx.x + 32 * half]); \
      }                                                                                        \
      if (lane == 0 && row < p.rows)                                                           \
        ((number *)(void *)p.out)[row * p.blocks + item % p.blocks] = T(divided)(lanes[threadIdx.x], p.divisor); \
    }                                                                                          \
  }                                                                                            \
  KERNEL(T(name##_short), cu_reduce)                                                           \
  {                                                                                            \
    for (int64_t row = THREAD; row < p.rows; row += THREADS) {                                 \
      const number *x = (const number *)(const void *)p.data + placed(&p.kept, row);           \
      number v[32];                                                                            \
      UNROLLED for (int i = 0; i < 32; i++) v[i] = i < p.n ? x[i * p.reduced.stride[0]] : IDENTITY; \
      HALVE(16, COMBINE) HALVE(8, COMBINE) HALVE(4, COMBINE) HALVE(2, COMBINE) HALVE(1, COMBINE) \
      ((number *)(void *)p.out)[row] = T(divided)(v[0], p.divisor);                            \
    }                                                                                          \
  }
#if IS_FLOAT
REDUCE(sum, (number)-0.0, T(add))
#else
REDUCE(sum, 0, T(add))
#endif
REDUCE(prod, 1,    T(mul))
REDUCE(max, LOWEST, T(maximum))
REDUCE(min, HIGHEST, T(minimum))

/* Whether (b, j) is extreme rather than (a, i): NaN above all, then the larger (smaller), then the earlier. */
DEVICE bool T(beats)(int op, number b, int64_t j, number a, int64_t i)
{
  if (j < 0 || i < 0) return i < 0 && j >= 0;
#if IS_FLOAT
  if (a != a || b != b) return b != b && (a == a || j < i);
#endif
  if (a == b) return j < i;
  return op == RP_OP_argmax ? b > a : b < a;
}

/* The position of the extreme element of each result: a block of threads does one. */
KERNEL(T(extreme_rows), cu_reduce)
{
  SHARED(number, best, 256);
  SHARED(int64_t, where, 256);
  const int me = (int)threadIdx.x;
  for (int64_t row = blockIdx.x; row < p.rows; row += gridDim.x) {
    const number *x = (const number *)(const void *)p.data + placed(&p.kept, row);
    number  v = 0;
    int64_t at = -1;
    for (int64_t i = me; i < p.n; i += blockDim.x) {
      number u = x[placed(&p.reduced, i)];
      if (T(beats)(p.op, u, i, v, at)) { v = u; at = i; }
    }
    SYNC();
    best[me] = v; where[me] = at;
    for (int half = (int)blockDim.x / 2; half > 0; half /= 2) {
      SYNC();
      if (me < half && T(beats)(p.op, best[me + half], where[me + half], best[me], where[me])) {
        best[me] = best[me + half]; where[me] = where[me + half];
      }
    }
    if (me == 0) ((int64_t *)(void *)p.out)[row] = where[0];
  }
}

#undef REDUCE
#undef HALVE
#undef LOWEST
#undef HIGHEST
