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
  const int terms = (int)(k - first), steps = (terms + STEP - 1) / STEP;
  const int rows = (int)least(TM, p.m - i0), cols = (int)least(TN, p.n - j0);
  number acc[RM][RN];
  N(clear)(acc);
  for (int t = 1 - STAGES; t < steps; t++) { /* before step 0 only copies are begun */
    if (t >= 0) { COPY_WAIT(STAGES - 2); SYNC(); }
    const int next = (t + STAGES - 1) * STEP;
    if (next < terms) {
      number *to = stages + (t + STAGES - 1) % STAGES * STAGE;
      int     n = terms - next < STEP ? terms - next : STEP;
      N(load)(to, A_LINE, TM, a + next * p.a_col, p.a_row, p.a_col, rows, n, p.wide_a != 0);
      N(load)(to + STEP * A_LINE, B_LINE, TN, b + next * p.b_row, p.b_col, p.b_row, cols, n, p.wide_b != 0);
    }
    COPY_COMMIT();
    if (t < 0) continue;
    const int left = terms - t * STEP;
    N(terms)(acc, stages + t % STAGES * STAGE, left < STEP ? left : STEP);
    if ((t + 1) * STEP % RP_KB != 0 && left > STEP) continue;
    const bool    alone = p.parts == 1;
    const int64_t r = (first + t * STEP) / RP_KB, blocks = (p.k + RP_KB - 1) / RP_KB, row = alone ? p.c_row : p.n;
    number *to = alone ? (number *)(void *)p.c + batch * p.c_batch : (number *)(void *)p.part + (batch * blocks + r) * p.m * p.n;
    N(store)(acc, to + i0 * row + j0, row, rows, cols, alone && r > 0,
             alone && left <= STEP && p.bias ? (const number *)(const void *)p.bias + j0 : NULL);
    N(clear)(acc);
  }
}
