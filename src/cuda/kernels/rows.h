/* rows.h: rows_body.h for a block of threads to a row (included by sums.cu for float and double).
 *
 * `part` is shared memory for the results of the row's blocks and, behind them, of blocks of blocks. */

/* The canonical sum of a block by one warp: of x, or of x z. */
DEVICE number T(warp_sum)(const number *x, const number *z, int64_t n)
{
  number v = (number)-0.0;
  for (int64_t i = threadIdx.x % 32; i < n; i += 32) v = v + (z ? x[i] * z[i] : x[i]);
  UNROLLED for (int half = 16; half > 0; half /= 2) v = v + T(DOWN)(v, half);
  return T(LANE0)(v);
}

DEVICE number T(warp_max)(const number *x, int64_t n)
{
  number v = (number)-INFINITE;
  for (int64_t i = threadIdx.x % 32; i < n; i += 32) v = T(maximum)(v, x[i]);
  UNROLLED for (int half = 16; half > 0; half /= 2) v = T(maximum)(v, T(DOWN)(v, half));
  return T(LANE0)(v);
}

/* to[b] = the sum of block b of x (or x z); all threads come and go together. */
DEVICE int64_t T(block_sums)(number *to, const number *x, const number *z, int64_t n)
{
  const int64_t blocks = (n + RP_RB - 1) / RP_RB;
  for (int64_t b = threadIdx.x / 32; b < blocks; b += blockDim.x / 32) {
    number s = T(warp_sum)(x + b * RP_RB, z ? z + b * RP_RB : NULL, least(RP_RB, n - b * RP_RB));
    if (threadIdx.x % 32 == 0) to[b] = s;
  }
  SYNC();
  return blocks;
}

DEVICE number T(whole_sum)(const number *x, const number *z, int64_t n)
{
  DYNAMIC(number, part);
  SYNC();
  for (int64_t blocks; ; n = blocks, z = NULL) {
    blocks = T(block_sums)(part, x, z, n);
    if (blocks == 1) break;
    x = part;
    part += blocks;
  }
  number s = part[0];
  SYNC();
  return s;
}

DEVICE number T(total)(const number *x, int64_t n)                 { return T(whole_sum)(x, NULL, n); }
DEVICE number T(dot)(const number *x, const number *z, int64_t n)  { return T(whole_sum)(x, z, n); }

DEVICE number T(row_max)(const number *x, int64_t n)
{
  DYNAMIC(number, part);
  const int64_t blocks = (n + RP_RB - 1) / RP_RB;
  SYNC();
  for (int64_t b = threadIdx.x / 32; b < blocks; b += blockDim.x / 32) {
    number m = T(warp_max)(x + b * RP_RB, least(RP_RB, n - b * RP_RB));
    if (threadIdx.x % 32 == 0) part[b] = m;
  }
  SYNC();
  number m = part[0];
  for (int64_t b = 1; b < blocks; b++) m = T(maximum)(m, part[b]);
  SYNC();
  return m;
}

#include "kernel/rows_body.h"

KERNEL(T(row), cu_rows)
{
  for (int64_t i = blockIdx.x; i < p.r.rows; i += gridDim.x)
    T(rows_forward)((rp_opcode)p.op, &p.r, i, i + 1, (number *)p.r.gx + i * p.r.cols); /* gx: scratch of logsumexp */
}

KERNEL(T(row_back), cu_rows)
{
  for (int64_t i = blockIdx.x; i < p.r.rows; i += gridDim.x) T(rows_backward)((rp_opcode)p.op, &p.r, i, i + 1);
}
