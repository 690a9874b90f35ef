/* fake_curand.c: a stand-in for libcurand within the launch emulator (REPRO_CURAND=tests/cuda/emulator.so), so that what
 * --math fast asks of it can be tested without a GPU.  Its numbers are simple and not the contract's; it refuses what the real
 * one refuses, and appends each call to the file FAKE_CUBLAS_LOG. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))
#define TYPE_ERROR 103
#define NO_MULTIPLE 105
#define NO_DEVICE 203

void emulated_open(bool open);

static struct { bool made, streamed, seeded; uint64_t state; } generator;

static void note(const char *text, size_t n)
{
  const char *path = getenv("FAKE_CUBLAS_LOG");
  FILE *f = path ? fopen(path, "a") : NULL;
  if (!f) return;
  fprintf(f, "%s %zu\n", text, n);
  fclose(f);
}

EXPORT int curandGetVersion(int *v) { *v = 10400; return 0; }
EXPORT int curandCreateGenerator(void **g, int type)
{
  if (getenv("FAKE_CURAND_FAILS")) return NO_DEVICE;
  if (type != 161 || generator.made) return TYPE_ERROR;
  generator.made = true;
  *g = &generator;
  note("curandCreateGenerator", (size_t)type);
  return 0;
}
EXPORT int curandSetStream(void *g, void *s) { generator.streamed = g == &generator && s; return 0; }
EXPORT int curandSetGeneratorOrdering(void *g, int order) { (void)g; return order == 103 ? 0 : TYPE_ERROR; }
EXPORT int curandSetPseudoRandomGeneratorSeed(void *g, unsigned long long seed) { (void)g; generator.state = seed; return 0; }
EXPORT int curandSetGeneratorOffset(void *g, unsigned long long at) { (void)g; generator.seeded = at == 0; return 0; }

/* (0,1], and 1 often enough to be met */
static double next(void)
{
  generator.state = generator.state * 6364136223846793005u + 1442695040888963407u;
  return (double)((generator.state >> 33) % 1024 + 1) / 1024;
}

static int ready(size_t n, bool normal)
{
  if (!generator.streamed || !generator.seeded) return TYPE_ERROR;
  generator.seeded = false;
  return normal && n % 2 ? NO_MULTIPLE : 0;
}

#define UNIFORM(name, number)                                          \
  EXPORT int name(void *g, number *out, size_t n)                      \
  {                                                                    \
    int e = g == &generator ? ready(n, false) : TYPE_ERROR;            \
    if (e) return e;                                                   \
    note(#name, n);                                                    \
    emulated_open(true);                                               \
    for (size_t i = 0; i < n; i++) out[i] = (number)next();            \
    emulated_open(false);                                              \
    return 0;                                                          \
  }
UNIFORM(curandGenerateUniform, float)
UNIFORM(curandGenerateUniformDouble, double)

#define NORMAL(name, number)                                                                  \
  EXPORT int name(void *g, number *out, size_t n, number mean, number deviation)              \
  {                                                                                           \
    int e = g == &generator ? ready(n, true) : TYPE_ERROR;                                    \
    if (e) return e;                                                                          \
    note(#name, n);                                                                           \
    emulated_open(true);                                                                      \
    for (size_t i = 0; i < n; i++) {                                                          \
      double sum = 0;                                                                         \
      for (int k = 0; k < 12; k++) sum += next();                                             \
      out[i] = (number)(mean + deviation * (sum - 6));                                        \
    }                                                                                         \
    emulated_open(false);                                                                     \
    return 0;                                                                                 \
  }
NORMAL(curandGenerateNormal, float)
NORMAL(curandGenerateNormalDouble, double)
