/* tile.h: a tile of a summed product, TM x TN results by a block of threads, RM x RN by each (included by tiles.h for
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
#define NEXT_STAGE(at) ((at) == (STAGES - 1) * STAGE ? 0 : (at) + STAGE)
#define LEFT(to_copy) ((to_copy) + (STAGES - 1) * STEP) /* terms to be summed: their copies were begun STAGES - 1 steps before */
#define EACH(size) ((size) * STEP / NTHREADS) /* numbers of a step that a thread copies */

/* A warp covers 4 x 8 of the TM/RM x TX threads of a tile.  Neighbouring lanes, or every second one, read the same 16 bytes,
 * and those of a warp lie in 128 bytes at most: tests/cuda/banks.c counts what each read takes. */
#define DOWN   ((int)(threadIdx.x / 32 / (TX / 8) * 4 + threadIdx.x / 16 % 2 * 2 + threadIdx.x % 2))
#define ACROSS ((int)(threadIdx.x / 32 % (TX / 8) * 8 + threadIdx.x / 2 % 8))

/* Which row of the tile is row i of this thread: in groups of VEC that are read in one go. */
#define ROW_OF(i) ((i) / VEC * (TM / (RM / VEC)) + DOWN * VEC + (i) % VEC)
#define COL_OF(j) ((j) / VEC * (TN / (RN / VEC)) + ACROSS * VEC + (j) % VEC)

/* The first of a thread's copies where terms are adjacent: a warp takes 8 terms, 32 or 64 bytes, of 4 rows, which lie in
 * different banks.  The others follow DEEP_ROWS rows apart. */
#define DEEP_TERM ((int)(threadIdx.x % 8 + threadIdx.x / 32 % 2 * 8))
#define DEEP_ROW  ((int)(threadIdx.x / 8 % 4 + threadIdx.x / 64 * 4))
#define DEEP_ROWS (NTHREADS / STEP)

typedef struct N(pack) { number v[16 / sizeof(number)]; } ALIGNED16 N(pack);

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
  N(read)(a, as + k * A_LINE, RM / VEC, TM / (RM / VEC), ROW_OF(0));
  N(read)(b, bs + k * B_LINE, RN / VEC, TN / (RN / VEC), COL_OF(0));
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

/* Where the first of this thread's copies of a step lies, from row 0 and term 0 on.  wide: rows are adjacent and aligned. */
DEVICE int64_t N(first)(int size, int64_t row, int64_t term, bool wide)
{
  const int me = (int)threadIdx.x;
  if (wide)      return me % (size / VEC) * VEC + me / (size / VEC) * term;
  if (term == 1) return DEEP_ROW * row + DEEP_TERM;
  return me % size * row + me / size * term;
}

/* A thread's copies of a step of which only `rows` rows and `terms` terms are there; the others are not read. */
DEVICE void N(load_part)(number *to, int line, int size, const number *from, int64_t row, int64_t term, int rows, int terms, bool wide)
{
  const int me = (int)threadIdx.x;
  if (wide) {
    const int units = size / VEC, apart = NTHREADS / units, r = me % units * VEC;
    const int bytes = r >= rows ? 0 : rows - r >= VEC ? 16 : (rows - r) * (int)sizeof(number);
    ROLLED for (int k = me / units; k < STEP; k += apart, from += apart * term)
      COPY16(to + k * line + r, from, k < terms ? bytes : 0);
    return;
  }
  const bool deep = term == 1;
  const int  more_rows = deep ? DEEP_ROWS : 0, more_terms = deep ? 0 : NTHREADS / size;
  int k = deep ? DEEP_TERM : me / size, r = deep ? DEEP_ROW : me % size;
  ROLLED for (int i = 0; i < EACH(size); i++, k += more_terms, r += more_rows, from += more_rows * row + more_terms * term)
    T(COPY)(to + k * line + r, from, r < rows && k < terms);
}

/* STEP terms of `size` rows or columns of a matrix into a stage, of which `rows` and `terms` are there; `from` is where this
 * thread's first copy lies.  A whole step takes no questions. */
DEVICE void N(load)(number *to, int line, int size, const number *from, int64_t row, int64_t term, int rows, int terms, bool wide)
{
  const int me = (int)threadIdx.x;
  if (rows < size || terms < STEP) {
    N(load_part)(to, line, size, from, row, term, rows, terms, wide);
  } else if (wide) {
    const int units = size / VEC, apart = NTHREADS / units;
    to += me / units * line + me % units * VEC;
    UNROLLED for (int i = 0; i < STEP / apart; i++) COPY16(to + i * apart * line, from + i * apart * term, 16);
  } else if (term == 1) {
    to += DEEP_TERM * line + DEEP_ROW;
    UNROLLED for (int i = 0; i < EACH(size); i++) T(COPY)(to + i * DEEP_ROWS, from + i * DEEP_ROWS * row, true);
  } else {
    to += me / size * line + me % size;
    UNROLLED for (int i = 0; i < EACH(size); i++) T(COPY)(to + i * (NTHREADS / size) * line, from + i * (NTHREADS / size) * term, true);
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

/* The copies of a later step are begun by LOAD(its stage), if there is one, those of step t have ended; nothing more before
 * step 0. */
#define PIPELINE(more, LOAD)                                                                  \
  if (t >= 0) { COPY_WAIT(STAGES - 2); SYNC(); }                                              \
  if (more) LOAD(stages + stage);                                                             \
  COPY_COMMIT();                                                                              \
  stage = NEXT_STAGE(stage);

/* Step t of a sum over to_copy terms: goes on to the next one until a block of RP_KB terms or the last term is in acc. */
#define TAKE_STEP(LOAD)                                                                       \
  PIPELINE(to_copy > 0, LOAD)                                                                 \
  to_copy -= STEP;                                                                            \
  if (t < 0) continue;                                                                        \
  N(terms)(acc, stages + stage, LEFT(to_copy) < 0 ? LEFT(to_copy) + STEP : STEP);             \
  if ((t + 1) * STEP % RP_KB != 0 && LEFT(to_copy) > 0) continue;
