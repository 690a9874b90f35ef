/* sleef: the scalar functions beside the vector functions of SLEEF, as the table of docs/SCALAR.md has them.
 *
 *     bench/sleef_avx2      bench/sleef_avx512      [NAME ...]
 *
 * Built once per instruction set, where SLEEF is found (Debian: libsleef-dev).  One core, arrays in cache, arguments in
 * (0, 3.7]; ours and SLEEF's take turns, and of many short runs the one counts that a tenth of them undercuts: the clock of a
 * virtual machine now and then loses time, so the least does not.  Prints, for each precision, a row of nanoseconds of
 * processor time per element, one of SLEEF's (error at most 1 ulp, erfc 1.5), and the ratio. */
#define _DEFAULT_SOURCE
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sleef.h>

#include "kernel/formulas.h"
#include "kernel/groups.h"

enum { N = 1024, TURNS = 400, REPEATS = 16 };

#if defined(__AVX512F__)
#define ISA "AVX-512"
#define PEER32(f, u)  Sleef_##f##f16_##u##avx512f
#define PEER64(f, u)  Sleef_##f##d8_##u##avx512f
#define LOAD32        _mm512_load_ps
#define LOAD64        _mm512_load_pd
#define STORE32       _mm512_store_ps
#define STORE64       _mm512_store_pd
enum { WIDTH32 = 16, WIDTH64 = 8 };
#else
#define ISA "AVX2"
#define PEER32(f, u)  Sleef_##f##f8_##u##avx2
#define PEER64(f, u)  Sleef_##f##d4_##u##avx2
#define LOAD32        _mm256_load_ps
#define LOAD64        _mm256_load_pd
#define STORE32       _mm256_store_ps
#define STORE64       _mm256_store_pd
enum { WIDTH32 = 8, WIDTH64 = 4 };
#endif

static _Alignas(64) float  x32[N], y32[N], z32[N];
static _Alignas(64) double x64[N], y64[N], z64[N];

/* ---- ours ---- */

#define EACH(F) F(exp) F(exp2) F(log2) F(expm1) F(log1p) F(tanh) F(erf) F(erfc)
#define OURS(f)                                                                          \
  static void f##_ours32(void) { for (int i = 0; i < N; i++) z32[i] = f##_f32(x32[i]); } \
  static void f##_ours64(void) { for (int i = 0; i < N; i++) z64[i] = f##_f64(x64[i]); }
EACH(OURS)
static void sincos2pi_ours32(void) { for (int i = 0; i < N; i++) sincos2pi_f32(x32[i] * 0.25f, &z32[i], &y32[i]); }
static void sincos2pi_ours64(void) { for (int i = 0; i < N; i++) sincos2pi_f64(x64[i] * 0.25, &z64[i], &y64[i]); }
static void pow_ours32(void) { for (int i = 0; i < N; i++) z32[i] = pow_f32(x32[i], y32[i]); }
static void pow_ours64(void) { for (int i = 0; i < N; i++) z64[i] = pow_f64(x64[i], y64[i]); }
static void log_ours32(void) { for (int i = 0; i < N; i++) z32[i] = log_f32(x32[i]); }
static void log_ours64(void) { log_many_f64(N, z64, x64); }
static void sin_ours32(void) { sin_many_f32(N, z32, x32); }
static void cos_ours32(void) { cos_many_f32(N, z32, x32); }
static void sin_ours64(void) { sin_many_f64(N, z64, x64); }
static void cos_ours64(void) { cos_many_f64(N, z64, x64); }

/* ---- SLEEF's ---- */

#define PEER(f, u)                                                                                                    \
  static void f##_peer32(void) { for (int i = 0; i < N; i += WIDTH32) STORE32(z32 + i, PEER32(f, u)(LOAD32(x32 + i))); } \
  static void f##_peer64(void) { for (int i = 0; i < N; i += WIDTH64) STORE64(z64 + i, PEER64(f, u)(LOAD64(x64 + i))); }
PEER(exp, u10) PEER(log, u10) PEER(exp2, u10) PEER(log2, u10) PEER(expm1, u10) PEER(log1p, u10) PEER(tanh, u10)
PEER(erf, u10) PEER(erfc, u15) PEER(sin, u10) PEER(cos, u10)
static void pow_peer32(void)
{
  for (int i = 0; i < N; i += WIDTH32) STORE32(z32 + i, PEER32(pow, u10)(LOAD32(x32 + i), LOAD32(y32 + i)));
}
static void pow_peer64(void)
{
  for (int i = 0; i < N; i += WIDTH64) STORE64(z64 + i, PEER64(pow, u10)(LOAD64(x64 + i), LOAD64(y64 + i)));
}

/* ---- the table ---- */

typedef void work(void);
typedef struct { const char *name; work *ours[2], *peer[2]; double t[2][TURNS], p[2][TURNS]; } row;
#define ROW(f) { #f, { f##_ours32, f##_ours64 }, { f##_peer32, f##_peer64 }, { { 0 } }, { { 0 } } },
static row rows[] = {
  ROW(exp) ROW(log) ROW(exp2) ROW(log2) ROW(expm1) ROW(log1p) ROW(tanh) ROW(erf) ROW(erfc) ROW(sin) ROW(cos)
  { "sincos2pi", { sincos2pi_ours32, sincos2pi_ours64 }, { NULL, NULL }, { { 0 } }, { { 0 } } },
  ROW(pow)
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static void arguments(void)
{
  for (int i = 0; i < N; i++) {
    x64[i] = 3.7 * ((double)((i * 389) % N) + 1) / N;
    y64[i] = 3.7 * ((double)((i * 229) % N) + 1) / N;
    x32[i] = (float)x64[i];
    y32[i] = (float)y64[i];
  }
}

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Nanoseconds per element; 0 where there is no such function. */
static double measure(work *f)
{
  if (!f) return 0;
  double start = now();
  for (int i = 0; i < REPEATS; i++) f();
  return (now() - start) / (REPEATS * (double)N);
}

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double tenth(double *t)
{
  qsort(t, TURNS, sizeof *t, ascending);
  return t[TURNS / 10];
}

static int wanted(const row *r, int n, char **names)
{
  for (int i = 1; i < n; i++) if (!strcmp(names[i], r->name)) return 1;
  return n <= 1;
}

static void print_cell(double value)
{
  if (value > 0) printf(" %.*f |", value < 1.995 ? 2 : 1, value);
  else printf("  |");
}

static void print_table(int wide, int argc, char **argv)
{
  static const char *const title[2][3] = { { "float, " ISA, "SLEEF", "ratio" }, { "double, " ISA, "SLEEF", "ratio" } };
  for (int line = 0; line < 3; line++) {
    printf("| %s |", title[wide][line]);
    for (row *r = rows; r < rows + N_ROWS; r++) {
      if (!wanted(r, argc, argv)) continue;
      double t = tenth(r->t[wide]), p = tenth(r->p[wide]);
      print_cell(line == 0 ? t : line == 1 ? p : p > 0 ? t / p : 0);
    }
    printf("\n");
  }
}

int main(int argc, char **argv)
{
  for (int turn = 0; turn < TURNS; turn++)
    for (row *r = rows; r < rows + N_ROWS; r++)
      for (int wide = 0; wide < 2 && wanted(r, argc, argv); wide++) {
        arguments(); /* sincos2pi writes over some */
        r->t[wide][turn] = measure(r->ours[wide]);
        r->p[wide][turn] = measure(r->peer[wide]);
      }
  printf("| |");
  for (row *r = rows; r < rows + N_ROWS; r++) if (wanted(r, argc, argv)) printf(" %s |", r->name);
  printf("\n");
  for (int wide = 0; wide < 2; wide++) print_table(wide, argc, argv);
  return 0;
}
