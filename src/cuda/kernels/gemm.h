/* gemm.h: the batched matrix product for one tile (included by products.cu after tile.h).  A thread block takes one tile
 * of one product, or, when there are too few tiles to fill the device, some of its blocks of terms (parts): these write
 * the sum of each block to p.part, and gemm_finish adds them in ascending order. */

/* Where operand number b of a batch begins. */
DEVICE int64_t N(at)(const cu_gemm *p, int64_t b, int64_t batch, int64_t inner)
{
  return p->inner > 0 ? b / p->inner * batch + b % p->inner * inner : b * batch;
}

KERNEL_OF(NTHREADS, 2, N(gemm), cu_gemm)
{
  DYNAMIC(number, stages);
  const int64_t down = (p.m + TM - 1) / TM, across = (p.n + TN - 1) / TN;
  int64_t item = blockIdx.x;
  const int64_t i0 = item % down * TM, j0 = item / down % across * TN;
  item /= down * across;
  const int64_t first = item % p.parts * p.blocks * RP_KB, batch = item / p.parts;
  const int64_t k = p.parts > 1 ? least(p.k, first + p.blocks * RP_KB) : p.k;
  const number *a = (const number *)(const void *)p.a + N(at)(&p, batch, p.a_batch, p.a_inner) + i0 * p.a_row + first * p.a_col;
  const number *b = (const number *)(const void *)p.b + N(at)(&p, batch, p.b_batch, p.b_inner) + j0 * p.b_col + first * p.b_row;
  const int steps = (int)((k - first + STEP - 1) / STEP);
  number acc[RM][RN];
  N(clear)(acc);
#define LOAD(t)                                                                                              \
  do {                                                                                                       \
    if ((t) < steps) {                                                                                       \
      number *to = stages + (t) % STAGES * STAGE;                                                            \
      int     n = (int)least(STEP, k - first - (int64_t)(t) * STEP);                                         \
      N(load)(to, A_LINE, TM, a + (int64_t)(t) * STEP * p.a_col, p.a_row, p.a_col, p.m - i0, n, p.wide_a != 0);  \
      N(load)(to + STEP * A_LINE, B_LINE, TN, b + (int64_t)(t) * STEP * p.b_row, p.b_col, p.b_row, p.n - j0, n, p.wide_b != 0); \
    }                                                                                                        \
    COPY_COMMIT();                                                                                           \
  } while (0)
  for (int t = 0; t < STAGES - 1; t++) LOAD(t);
  for (int t = 0; t < steps; t++) {
    COPY_WAIT(STAGES - 2);
    SYNC();
    LOAD(t + STAGES - 1);
    const int64_t at = first + (int64_t)t * STEP;
    N(terms)(acc, stages + t % STAGES * STAGE, (int)least(STEP, k - at));
    if ((at + STEP) % RP_KB != 0 && at + STEP < k) continue;
    const bool last = at + STEP >= p.k;
    if (p.parts > 1)
      N(store)(acc, (number *)(void *)p.part + ((batch * ((p.k + RP_KB - 1) / RP_KB) + at / RP_KB) * p.m + i0) * p.n + j0, p.n,
               p.m - i0, p.n - j0, false, NULL);
    else
      N(store)(acc, (number *)(void *)p.c + batch * p.c_batch + i0 * p.c_row + j0, p.c_row, p.m - i0, p.n - j0, at >= RP_KB,
               p.bias && last ? (const number *)(const void *)p.bias + j0 : NULL);
    N(clear)(acc);
  }
#undef LOAD
}
