/* banks.c: how the kernels of products use shared memory, from the kernels' own indices (cuda/kernels/tile.h).  Memory has 32
 * banks of 4 bytes; a warp's access takes as many passes as the most different words that it asks of one bank.  Reads of
 * operands must take one, and copies no more than their bytes need.  Prints a line for each tile; exit status 1 if one takes more. */
#include <stdio.h>

#include "cuda/kernels/text.h"

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

#define EACH_TILE "banks_tile.h"
#include "cuda/kernels/tiles.h"

int main(void)
{
  check_f32_128("f32 128");
  check_f32_64("f32 64");
  check_f64_64("f64 64");
  return wrong;
}
