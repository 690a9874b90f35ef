/* banks.c: how the kernels of products use shared memory, from the kernels' own indices (cuda/kernels/tile.h).  Memory has 32
 * banks of 4 bytes; a warp's access takes as many passes as the most different words that it asks of one bank.  Reads of
 * operands must take one, and copies no more than their bytes need.  Prints a line for each tile; exit status 1 if one takes more. */
#include <stdio.h>

#include "cuda/kernels/text.h"

#define STEP   16
#define STAGES 3

place3 threadIdx, blockIdx, blockDim, gridDim;

/* Words that the lanes of a warp ask for: lane i `words` of them from at[i] on. */
static int passes(const int at[32], int words)
{
  int most = 0;
  for (int bank = 0; bank < 32; bank++) {
    int seen[32 * 4], n = 0;
    for (int i = 0; i < 32 * words; i++) {
      int word = at[i / words] + i % words, known = 0;
      for (int k = 0; k < n; k++) known |= seen[k] == word;
      if (word % 32 == bank && !known) seen[n++] = word;
    }
    if (n > most) most = n;
  }
  return most;
}

/* The most passes over all warps of an access to numbers NUMBER, a formula of threadIdx.x, of `wide` bytes each. */
#define WORST(threads, wide, NUMBER, worst)                                                    \
  do {                                                                                         \
    worst = 0;                                                                                 \
    for (int warp = 0; warp < (threads) / 32; warp++) {                                        \
      int at[32];                                                                              \
      for (int lane = 0; lane < 32; lane++) {                                                  \
        threadIdx.x = (unsigned)(32 * warp + lane);                                            \
        at[lane] = (int)((NUMBER) * (int)sizeof(number) / 4);                                  \
      }                                                                                        \
      int n = passes(at, (wide) / 4);                                                          \
      if (n > worst) worst = n;                                                                \
    }                                                                                          \
  } while (0)

static int wrong;
static void report(const char *tile, const char *what, int worst, int allowed)
{
  printf("%-8s %-40s %d%s\n", tile, what, worst, worst > allowed ? "  TOO MANY" : "");
  wrong |= worst > allowed;
}

#define CHECK(tile)                                                                                                              \
  do {                                                                                                                           \
    const int whole = (int)sizeof(number), units = TM / VEC;                                                                     \
    int worst;                                                                                                                   \
    WORST(NTHREADS, 16, ROW_OF(0), worst);                        report(tile, "reads of the first factor", worst, 1);           \
    WORST(NTHREADS, 16, COL_OF(0), worst);                        report(tile, "reads of the second factor", worst, 1);          \
    WORST(NTHREADS, whole, DEEP_TERM * A_LINE + DEEP_ROW, worst); report(tile, "copies where terms are adjacent", worst, whole / 4); \
    WORST(NTHREADS, 16, (int)threadIdx.x / units * A_LINE + (int)threadIdx.x % units * VEC, worst);                              \
    report(tile, "copies of 16 bytes", worst, 4);                                                                                \
    WORST(NTHREADS, whole, (int)threadIdx.x / TM * A_LINE + (int)threadIdx.x % TM, worst);                                       \
    report(tile, "copies of one number", worst, whole / 4);                                                                      \
  } while (0)

#define number  float
#define T(name) name##_f32
#define N(name) name##_f32_128
#define TM 128
#define TN 128
#define RM 8
#define RN 8
#include "cuda/kernels/tile.h"
static void N(check)(void) { CHECK("f32 128"); }
#include "cuda/kernels/end_tile.h"

#define N(name) name##_f32_64
#define TM 64
#define TN 64
#define RM 4
#define RN 4
#include "cuda/kernels/tile.h"
static void N(check)(void) { CHECK("f32 64"); }
#include "cuda/kernels/end_tile.h"
#undef number
#undef T

#define number  double
#define T(name) name##_f64
#define N(name) name##_f64_64
#define TM 64
#define TN 64
#define RM 4
#define RN 4
#include "cuda/kernels/tile.h"
static void N(check)(void) { CHECK("f64 64"); }
#include "cuda/kernels/end_tile.h"

int main(void)
{
  check_f32_128();
  check_f32_64();
  check_f64_64();
  return wrong;
}
