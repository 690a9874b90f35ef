/* tile.h: a tile of a summed product, TM x TN results by a block of threads, RM x RN by each (included by products.cu for
 * every type and size of tile).
 *
 *   number, T(name), N(name)   the type; the suffix of type and size
 *
 * Terms come STEP at a time into shared memory, STAGES deep, by asynchronous copies, so that the multiply-adds of one step
 * hide the reading of the next ones.  Every result is one ascending chain of fused multiply-adds over the terms of a
 * block of RP_KB, as in kernel/matmul.h; what to do with a finished block is the includer's business. */

#define VEC       ((int)(16 / sizeof(number)))
#define TX        (TN / RN)
#define NTHREADS  (TM / RM * TX)
#define A_LINE    (TM + VEC) /* numbers between the terms of a step: the padding spreads columns over the banks */
#define B_LINE    (TN + VEC)
#define STAGE     (STEP * (A_LINE + B_LINE))

/* Which row of the tile is row i of this thread: in groups of VEC that are read in one go. */
#define ROW_OF(i) ((i) / VEC * (TM / (RM / VEC)) + (int)(threadIdx.x / TX) * VEC + (i) % VEC)
#define COL_OF(j) ((j) / VEC * (TN / (RN / VEC)) + (int)(threadIdx.x % TX) * VEC + (j) % VEC)

typedef struct N(pack) { number v[16 / sizeof(number)]; }
#ifdef __CUDACC__
__align__(16)
#endif
N(pack);

DEVICE void N(read)(number *to, const number *line, int groups, int apart, int first)
{
  UNROLLED for (int g = 0; g < groups; g++) {
    N(pack) v = *(const N(pack) *)(const void *)(line + g * apart + first);
    UNROLLED for (int e = 0; e < VEC; e++) to[g * VEC + e] = v.v[e];
  }
}

/* acc = fma(a, b, acc) for term k of a stage. */
DEVICE void N(term)(number acc[RM][RN], const number *as, const number *bs, int k)
{
  number a[RM], b[RN];
  N(read)(a, as + k * A_LINE, RM / VEC, TM / (RM / VEC), (int)(threadIdx.x / TX) * VEC);
  N(read)(b, bs + k * B_LINE, RN / VEC, TN / (RN / VEC), (int)(threadIdx.x % TX) * VEC);
  UNROLLED for (int i = 0; i < RM; i++)
    UNROLLED for (int j = 0; j < RN; j++) acc[i][j] = T(fma)(a[i], b[j], acc[i][j]);
}

/* The n <= STEP terms of a stage, in ascending order. */
DEVICE void N(terms)(number acc[RM][RN], const number *stage, int n)
{
  const number *as = stage, *bs = stage + STEP * A_LINE;
  if (n == STEP) { UNROLLED for (int k = 0; k < STEP; k++) N(term)(acc, as, bs, k); }
  else           { ROLLED   for (int k = 0; k < n; k++) N(term)(acc, as, bs, k); }
}

DEVICE void N(clear)(number acc[RM][RN])
{
  UNROLLED for (int i = 0; i < RM; i++)
    UNROLLED for (int j = 0; j < RN; j++) acc[i][j] = 0;
}

/* STEP terms of `size` rows or columns of a matrix into a stage.  x points to row 0 and term 0 of the step; `rows` rows
 * and `terms` terms are there.  wide: rows are adjacent and aligned, 16 bytes are copied at a time. */
DEVICE void N(load)(number *to, int line, int size, const number *x, int64_t row, int64_t term, int rows, int terms, bool wide)
{
  const int me = (int)threadIdx.x;
  if (wide) {
    const int units = size / VEC, each = NTHREADS / units, r = me % units * VEC;
    int bytes = r >= rows ? 0 : rows - r >= VEC ? 16 : (rows - r) * (int)sizeof(number);
    UNROLLED for (int k = me / units; k < STEP; k += each)
      COPY16(to + k * line + r, x + (bytes && k < terms ? r + k * term : 0), k < terms ? bytes : 0);
  } else if (term == 1) {
    const int k = me % STEP;
    ROLLED for (int r = me / STEP; r < size; r += NTHREADS / STEP) {
      bool ok = r < rows && k < terms;
      T(COPY)(to + k * line + r, x + (ok ? r * row + k : 0), ok);
    }
  } else {
    const int r = me % size;
    ROLLED for (int k = me / size; k < STEP; k += NTHREADS / size) {
      bool ok = r < rows && k < terms;
      T(COPY)(to + k * line + r, x + (ok ? r * row + k * term : 0), ok);
    }
  }
}

/* c = acc (first block), or c + acc; and + bias of each column.  rows, cols: how many of the tile exist. */
DEVICE void N(store)(const number acc[RM][RN], number *c, int64_t c_row, int rows, int cols, bool add, const number *bias)
{
  const bool wide = c_row % VEC == 0 && (uintptr_t)c % 16 == 0;
  UNROLLED for (int i = 0; i < RM; i++) {
    if (ROW_OF(i) >= rows) continue;
    number *line = c + ROW_OF(i) * c_row;
    UNROLLED for (int j = 0; j < RN; j += VEC) {
      const int at = COL_OF(j);
      N(pack) v;
      if (wide && at + VEC <= cols) {
        if (add) { v = *(const N(pack) *)(const void *)(line + at); }
        UNROLLED for (int e = 0; e < VEC; e++) {
          v.v[e] = add ? v.v[e] + acc[i][j + e] : acc[i][j + e];
          if (bias) v.v[e] = v.v[e] + bias[at + e];
        }
        *(N(pack) *)(void *)(line + at) = v;
      } else {
        UNROLLED for (int e = 0; e < VEC; e++) {
          if (at + e >= cols) continue;
          number s = add ? line[at + e] + acc[i][j + e] : acc[i][j + e];
          line[at + e] = bias ? s + bias[at + e] : s;
        }
      }
    }
  }
}
