/* gemm.h: the batched matrix product for one tile (included for every tile after tile.h).  A thread block takes one tile
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
  SHARED(int64_t, kept, 4); /* i0, j0, first, batch: needed once in RP_KB terms, and no registers are left */
  const int64_t down = (p.m + TM - 1) / TM, across = (p.n + TN - 1) / TN;
  int64_t item = blockIdx.x;
  const int64_t i0 = item % down * TM, j0 = item / down % across * TN;
  item /= down * across;
  const int64_t first = item % p.parts * p.blocks * RP_KB, batch = item / p.parts;
  if (threadIdx.x == 0) { kept[0] = i0; kept[1] = j0; kept[2] = first; kept[3] = batch; }
  const number *a = (const number *)(const void *)p.a + N(at)(&p, batch, p.a_batch, p.a_inner) + i0 * p.a_row + first * p.a_col
                  + N(first)(TM, p.a_row, p.a_col, p.wide_a != 0);
  const number *b = (const number *)(const void *)p.b + N(at)(&p, batch, p.b_batch, p.b_inner) + j0 * p.b_col + first * p.b_row
                  + N(first)(TN, p.b_col, p.b_row, p.wide_b != 0);
  const int rows = (int)least(TM, p.m - i0), cols = (int)least(TN, p.n - j0);
  int to_copy = (int)((p.parts > 1 ? least(p.k, first + p.blocks * RP_KB) : p.k) - first); /* terms */
  int stage = 0; /* where the step lies that is copied now, and then the one that is used: the oldest */
  number acc[RM][RN];
  N(clear)(acc);
#define LOAD(to)                                                                                            \
  do {                                                                                                      \
    N(load)(to, A_LINE, TM, a, p.a_row, p.a_col, rows, to_copy, p.wide_a != 0);                             \
    N(load)((to) + STEP * A_LINE, B_LINE, TN, b, p.b_col, p.b_row, cols, to_copy, p.wide_b != 0);           \
    a += STEP * p.a_col;                                                                                    \
    b += STEP * p.b_row;                                                                                    \
  } while (0)
  for (int t = 1 - STAGES; LEFT(to_copy) > 0; t++) { /* before step 0 only copies are begun */
    TAKE_STEP(LOAD)
    const bool    alone = p.parts == 1;
    const int64_t r = kept[2] / RP_KB + t * STEP / RP_KB, blocks = (p.k + RP_KB - 1) / RP_KB, row = alone ? p.c_row : p.n;
    number *to = alone ? (number *)(void *)p.c + kept[3] * p.c_batch : (number *)(void *)p.part + (kept[3] * blocks + r) * p.m * p.n;
    N(store)(acc, to + kept[0] * row + kept[1], row, rows, cols, alone && r > 0,
             alone && LEFT(to_copy) <= 0 && p.bias ? (const number *)(const void *)p.bias + kept[1] : NULL);
    N(clear)(acc);
  }
#undef LOAD
}
