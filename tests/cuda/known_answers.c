/* known_answers.c LIBCURAND: the words of base/philox.h beside those of cuRAND's generator Philox4_32_10 on the CPU, which needs
 * no GPU.  The host's generator goes through SUBSEQUENCES subsequences at once: its word i, counted from the offset, is word
 * i mod 4 of block i / (4 SUBSEQUENCES) of subsequence i / 4 mod SUBSEQUENCES; subsequence is our stream, block our block.
 * Prints a line for each difference, and last how many words were compared.  Exit status: 0 equal, 1 not, 3 no such library. */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/philox.h"

#define SUBSEQUENCES 65536u
#define WORDS 4096
#define PHILOX4_32_10 161

typedef struct generator_ *generator;
static int (*create)(generator *g, int type), (*set_seed)(generator g, unsigned long long seed);
static int (*set_offset)(generator g, unsigned long long offset), (*generate)(generator g, unsigned *out, size_t n), (*destroy)(generator g);

static int find_all(const char *name)
{
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library) return 0;
  *(void **)&create = dlsym(library, "curandCreateGeneratorHost");
  *(void **)&set_seed = dlsym(library, "curandSetPseudoRandomGeneratorSeed");
  *(void **)&set_offset = dlsym(library, "curandSetGeneratorOffset");
  *(void **)&generate = dlsym(library, "curandGenerate");
  *(void **)&destroy = dlsym(library, "curandDestroyGenerator");
  return create && set_seed && set_offset && generate && destroy;
}

static int compare(uint64_t seed, uint64_t offset)
{
  static unsigned theirs[WORDS];
  generator g = NULL;
  int       wrong = 0, e = create(&g, PHILOX4_32_10);
  if (e == 0) e = set_seed(g, seed);
  if (e == 0) e = set_offset(g, offset);
  if (e == 0) e = generate(g, theirs, WORDS);
  if (g) destroy(g);
  if (e != 0) { printf("seed %" PRIu64 ", offset %" PRIu64 ": cuRAND gives status %d\n", seed, offset, e); return 1; }
  for (uint64_t k = 0; k < WORDS && wrong < 3; k++) {
    const uint64_t i = offset + k, stream = i / 4 % SUBSEQUENCES, block = i / (4 * SUBSEQUENCES);
    const unsigned ours = rp_philox(seed, stream, block).word[i % 4];
    if (ours == theirs[k]) continue;
    wrong++;
    printf("seed %" PRIu64 ", word %" PRIu64 " (stream %" PRIu64 ", block %" PRIu64 "): %u, and cuRAND has %u\n", seed, i, stream, block, ours, theirs[k]);
  }
  return wrong > 0;
}

int main(int argc, char **argv)
{
  static const uint64_t seeds[] = { 0, 1, 1234, 0x9E3779B97F4A7C15u, UINT64_MAX };
  static const uint64_t offsets[] = { 0, 1, 3, 4 * 1000 + 2, 4 * SUBSEQUENCES - 2000, 4ull * SUBSEQUENCES * 77 + 13, (4ull * SUBSEQUENCES << 32) - 1500,
                                      (4ull * SUBSEQUENCES << 40) + 99 };
  int wrong = 0, n = 0;
  if (argc < 2 || !find_all(argv[1])) { printf("no generator in %s\n", argc < 2 ? "nothing" : argv[1]); return 3; }
  for (size_t s = 0; s < sizeof seeds / sizeof *seeds; s++)
    for (size_t o = 0; o < sizeof offsets / sizeof *offsets; o++) { wrong |= compare(seeds[s], offsets[o]); n += WORDS; }
  printf("%d words\n", n);
  return wrong;
}
