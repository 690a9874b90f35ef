/* scalar_sweep: the accuracy of src/kernel/scalar.h, and of what pointwise.h makes of it, measured.
 *
 *     scalar_sweep [--stride K] [--samples N] [--jobs N] [NAME ...]
 *
 * Float functions of one argument are evaluated at all 2^32 arguments (with --stride, at every K-th) and compared with
 * libm in double.  Double functions, and functions of two arguments, are evaluated at N samples (10^7; with --stride,
 * N / K) and at all special values, and compared with libm in long double, or in double for the float ones.  NAME is
 * exp_f32, or exp for both precisions.
 *
 * One line per function: the largest error in units of the last place of the reference, the argument, the bound, and a
 * hash of all results: equal hashes of two builds mean equal bits.  A wrong NaN pattern, infinity or sign of zero counts
 * as an infinite error.  Exit status: 0 if every bound holds, 1 if one does not, 2 on misuse.
 *
 * The references must be finer than what is measured: a libm in double (error about 2^-52) for floats, long double of
 * 64 bits or more for doubles.  Where long double is only double the double rows are left out, and said so. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/formulas.h"
#include "kernel/groups.h"
#include "composed.h"

enum { BLOCK = 4096, MAX_JOBS = 64 };
typedef long double real;

/* ---- the functions under test, as loops the compiler may vectorise --------------------------------------------- */

static float  sin2pi_f32(float u)   { float s, c;  sincos2pi_f32(u, &s, &c); return s; }
static float  cos2pi_f32(float u)   { float s, c;  sincos2pi_f32(u, &s, &c); return c; }
static double sin2pi_f64(double u)  { double s, c; sincos2pi_f64(u, &s, &c); return s; }
static double cos2pi_f64(double u)  { double s, c; sincos2pi_f64(u, &s, &c); return c; }

#define EACH_UNARY(X) EACH_ALONE(X) X(sin) X(cos) X(log)
#define EACH_ALONE(X)                                                                                              \
  X(exp) X(exp2) X(expm1) X(log2) X(log10) X(log1p) X(tan) X(asin) X(acos) X(atan) X(sinh)                         \
  X(cosh) X(tanh) X(erf) X(erfc) X(sin2pi) X(cos2pi)
#define EACH_BINARY(X) X(pow) X(atan2)

#define UNARY_LOOPS(f)                                                                                             \
  static void f##_loop_f32(const float *x, const float *y, float *z)                                               \
  { (void)y; for (int i = 0; i < BLOCK; i++) z[i] = f##_f32(x[i]); }                                               \
  static void f##_loop_f64(const double *x, const double *y, double *z)                                            \
  { (void)y; for (int i = 0; i < BLOCK; i++) z[i] = f##_f64(x[i]); }
#define BINARY_LOOPS(f)                                                                                            \
  static void f##_loop_f32(const float *x, const float *y, float *z)                                               \
  { for (int i = 0; i < BLOCK; i++) z[i] = f##_f32(x[i], y[i]); }                                                  \
  static void f##_loop_f64(const double *x, const double *y, double *z)                                            \
  { for (int i = 0; i < BLOCK; i++) z[i] = f##_f64(x[i], y[i]); }
EACH_ALONE(UNARY_LOOPS)
EACH_COMPOSED(UNARY_LOOPS)
EACH_BINARY(BINARY_LOOPS)

/* Of those that groups.h has: the function of one argument, and of the many as they come, and with those that would hold up a
 * group replaced by 1.  Where two of these differ the result becomes one that no bound admits. */
#define GROUPED_LOOP(f, s, type, simple)                                                                           \
  static void f##_loop_##s(const type *x, const type *y, type *z)                                                  \
  {                                                                                                                \
    static type w[BLOCK], v[BLOCK], u[BLOCK];                                                                      \
    (void)y;                                                                                                       \
    for (int i = 0; i < BLOCK; i++) z[i] = f##_##s(x[i]);                                                          \
    for (int i = 0; i < BLOCK; i++) w[i] = simple(x[i]) ? x[i] : 1;                                                \
    f##_many_##s(BLOCK, u, x);                                                                                     \
    f##_many_##s(BLOCK, v, w);                                                                                     \
    for (int i = 0; i < BLOCK; i++)                                                                                \
      if (bits_##s(u[i]) != bits_##s(z[i]) || bits_##s(v[i]) != bits_##s(f##_##s(w[i]))) z[i] = 77;                \
  }
static int simple_turn_f32(float x)  { return fabsf(x) <= RP_NEAR; }
static int simple_sin_f64(double x)
{
  double   lo, hi;
  uint64_t q, d, later, outside;
  hi = near_begin_f64(x, 0, bits_f64(x), &lo, &q, &d);
  near_end_f64(x, hi, lo, q, &later, &outside);
  return (d | later) == 0 && outside >> 63 == 0;
}
static int simple_cos_f64(double x)
{
  double   lo, hi;
  uint64_t q, d, later, outside;
  hi = near_begin_f64(x, 1, 0, &lo, &q, &d);
  near_end_f64(x, hi, lo, q, &later, &outside);
  return (d | later) == 0 && outside >> 63 == 0;
}
static int simple_log_f64(double x)  { return x >= 0x1p-1022 && x < INFINITY; }
GROUPED_LOOP(sin, f32, float, simple_turn_f32)
GROUPED_LOOP(cos, f32, float, simple_turn_f32)
GROUPED_LOOP(sin, f64, double, simple_sin_f64)
GROUPED_LOOP(cos, f64, double, simple_cos_f64)
GROUPED_LOOP(log, f64, double, simple_log_f64)
static void log_loop_f32(const float *x, const float *y, float *z)
{ (void)y; for (int i = 0; i < BLOCK; i++) z[i] = log_f32(x[i]); }

/* ---- references ------------------------------------------------------------------------------------------------ */

/* sin(2 pi u + q pi/2) with u brought below 1/8 first, which is exact. */
static real turn(real u, int q)
{
  const real two_pi = 6.283185307179586476925286766559005768L;
  real n = rintl(4 * u), r = two_pi * (u - n / 4);
  int k = ((int)n + q) & 3;
  real v = (k & 1) ? cosl(r) : sinl(r);
  return (k & 2) ? -v : v;
}
static real   sin2pil(real u)  { return turn(u, 0); }
static real   cos2pil(real u)  { return turn(u, 1); }
static double sin2pi(double u) { return (double)turn(u, 0); }
static double cos2pi(double u) { return (double)turn(u, 1); }

#define REFERENCES(f) static double f##_ref32(double x, double y) { (void)y; return f(x); }                        \
                      static real   f##_ref64(real x, real y)     { (void)y; return f##l(x); }
#define REFERENCES2(f) static double f##_ref32(double x, double y) { return f(x, y); }                             \
                       static real   f##_ref64(real x, real y)     { return f##l(x, y); }
EACH_UNARY(REFERENCES)
EACH_COMPOSED(REFERENCES)
EACH_BINARY(REFERENCES2)

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* lo, hi: where a quarter of the samples are drawn evenly; bound in ulp; floor: 0, or of a composed function the
 * magnitude below which its ulp is counted. */
typedef struct {
  const char *name;
  int         wide, arity;                                    /* wide: double */
  double      lo, hi, bound;
  void      (*loop32)(const float *, const float *, float *);
  void      (*loop64)(const double *, const double *, double *);
  double    (*ref32)(double, double);
  real      (*ref64)(real, real);
  double      floor;
} row;

#define ROW(f, arity, lo, hi, bound32, bound64) ROW_FROM(f, arity, lo, hi, bound32, bound64, 0)
#define COMPOSED(f, lo, hi, bound, floor) ROW_FROM(f, 1, lo, hi, bound, bound, floor + 0x1p-1022)
#define ROW_FROM(f, arity, lo, hi, bound32, bound64, floor)                                                        \
  { #f "_f32", 0, arity, lo, hi, bound32, f##_loop_f32, NULL, f##_ref32, NULL, floor },                            \
  { #f "_f64", 1, arity, lo, hi, bound64, NULL, f##_loop_f64, NULL, f##_ref64, floor },

static const row rows[] = {
  ROW(exp,    1, -750, 712,  1, 1)  ROW(exp2,  1, -1080, 1026, 2, 2)  ROW(expm1, 1, -2, 2,   2, 2)
  ROW(log,    1, 0.5, 2,     1, 1)  ROW(log2,  1, 0.5, 2,      2, 2)  ROW(log10, 1, 0.5, 2,  2, 2)
  ROW(log1p,  1, -1, 2,      2, 2)  ROW(sin,   1, -100, 100,   1, 1)  ROW(cos,   1, -100, 100, 1, 1)
  ROW(tan,    1, -100, 100,  2, 2)  ROW(asin,  1, -1, 1,       2, 2)  ROW(acos,  1, -1, 1,   2, 2)
  ROW(atan,   1, -4, 4,      2, 2)  ROW(atan2, 2, -2, 2,       2, 2)  ROW(sinh,  1, -3, 3,   2, 2)
  ROW(cosh,   1, -3, 3,      2, 2)  ROW(tanh,  1, -3, 3,       2, 2)  ROW(erf,   1, -3, 3,   2, 2)
  ROW(erfc,   1, -6, 28,     2, 2)  ROW(pow,   2, 0.5, 2,      2, 2)
  ROW(sin2pi, 1, 0, 1,       1, 1)  ROW(cos2pi, 1, 0, 1,       1, 1)
  COMPOSED(rsqrt,   0.1, 8, 2, 0)       COMPOSED(sigmoid, -9, 9, 3, 0)       COMPOSED(softplus, -9, 9, 2, 0)
  COMPOSED(silu,    -9, 9,  3, 0.5)     COMPOSED(gelu,    -6, 6, 4, 0.5)     COMPOSED(elu1,     -6, 6, 2, 0)
  COMPOSED(d_expm1, -2, 2,  3, 0.5)     COMPOSED(d_log1p, -1, 2, 2, 0)       COMPOSED(d_sqrt,   0.1, 8, 2, 0)
  COMPOSED(d_rsqrt, 0.1, 8, 3, 0)       COMPOSED(d_reciprocal, 0.1, 8, 2, 0) COMPOSED(d_tanh,   -3, 3, 3, 0.5)
  COMPOSED(d_sigmoid, -9, 9, 2, 0.5)    ROW_FROM(d_silu, 1, -9, 9, 10, 20, 0.5) COMPOSED(d_gelu,   -6, 6, 4, 0.5)
  COMPOSED(d_erf,   -3, 3,  4, 0.5)     COMPOSED(d_erfc,  -3, 3, 4, 0.5)
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

typedef struct { double worst, x, y; uint64_t hash, n; } tally;

/* ---- one comparison -------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t z)                                /* SplitMix64's finaliser */
{
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* |y - r| in units of the last place of r: `digits` bits, smallest exponent `least`, which a floor raises.  y infinite stands for the first
 * power of two that the format lacks; r likewise when it is beyond. */
static double distance(real y, real r, int digits, int least, int most)
{
  real top = ldexpl(1, most);
  if (isinf(r) && isinf(y)) return (y > 0) == (r > 0) ? 0 : INFINITY;
  if (isinf(y)) y = copysignl(top, y);
  if (fabsl(r) > top) r = copysignl(top, r);
  int e = r == 0 ? least : ilogbl(r);
  if (e > most - 1) e = most - 1;
  return (double)(fabsl(y - r) / ldexpl(1, (e < least ? least : e) - digits + 1));
}

static int least_exponent(const row *f, int least)
{
  return f->floor > 0 && ilogb(f->floor) > least ? ilogb(f->floor) : least;
}

static int is_composed(const row *f) { return f->floor > 0; }

static double error32(const row *f, float y, double r)
{
  if (r != r || y != y) return r != r && y != y && (is_composed(f) || bits_f32(y) == 0x7fc00000u) ? 0 : INFINITY;
  if (y == (float)r && (y != 0 || !signbit(y) == !signbit(r))) return 0.5;
  if (y == 0 && !signbit(y) != !signbit(r) && f->floor < 0.5) return INFINITY;
  return distance(y, r, 24, least_exponent(f, -126), 128);
}

static double error64(const row *f, double y, real r)
{
  if (r != r || y != y) return r != r && y != y && (is_composed(f) || bits_f64(y) == 0x7ff8000000000000u) ? 0 : INFINITY;
  if (y == 0 && !signbit(y) != !signbit(r) && f->floor < 0.5) return INFINITY;
  return distance(y, r, 53, least_exponent(f, -1022), 1024);
}

static uint64_t result32(float y)  { return y != y ? 0x7fc00000u : bits_f32(y); }
static uint64_t result64(double y) { return y != y ? 0x7ff8000000000000u : bits_f64(y); }

static void note(tally *t, double err, double x, double y, uint64_t in, uint64_t out)
{
  t->hash += mix(in ^ mix(out));                               /* a sum: the order of evaluation does not matter */
  t->n++;
  if (err > t->worst) { t->worst = err; t->x = x; t->y = y; }
}

/* ---- arguments ------------------------------------------------------------------------------------------------- */

static const double specials[] = {
  0, 1, 2, 3, 4, 0.5, 1.5, 2.5, 0.25, 10, 100, 1000, 1e22, 1e38, 1e300, 0x1p24, 0x1p25, 0x1p53, 0x1p54, 0x1p127, 0x1p1023,
  0x1p-149, 0x1p-126, 0x1p-127, 0x1p-1074, 0x1p-1022, 0x1p-1030, 0x1.fffffep127, 0x1.fffffep-1, 0x1.fffffffffffffp-1,
  0x1.fffffffffffffp1023, 0x1.0000000000001p0, 0x1.000002p0, 0x1.921fb54442d18p0, 0x1.921fb54442d18p1, 0x1.921fb6p0,
  88.72283, 709.782712893384, 745.1332191019412, 103.97208, 9.194, 26.543, 0x1.6ac5b262ca1ffp849, 16777217, 16777215,
  INFINITY, NAN };
enum { N_SPECIALS = sizeof specials / sizeof specials[0] };

static double special(uint64_t i)
{
  double v = specials[i / 2 % N_SPECIALS];
  return i & 1 ? -v : v;
}

static double from_random_bits(uint64_t u, int wide)
{
  return wide ? from_bits_f64(u) : (double)from_bits_f32((uint32_t)(u >> 32));
}

/* +-2^e(1..2), e even in [-b, b) */
static double log_even(uint64_t u, int b)
{
  int e = (int)(u >> 52) % (2 * b) - b;
  return ldexp(u & 1 ? -1 : 1, e) * (1 + (double)(u << 12 >> 12) * 0x1p-52);
}

/* Sample i of a row: all bit patterns, all scales near 1, evenly in [lo, hi], near multiples of pi/4 or of 1/8. */
static double sample(const row *f, uint64_t i, uint64_t salt)
{
  uint64_t u = mix(i * 2 + salt + 0x9e3779b97f4a7c15u * (i + 1));
  double even = (double)(u >> 11) * 0x1p-53;
  switch (i & 3) {
  case 0:  return from_random_bits(u, f->wide);
  case 1:  return log_even(u, 60);
  case 2:  return f->lo + even * (f->hi - f->lo);
  default: return (u & 2 ? 0.7853981633974483 : 0.125) * (double)(int64_t)(u >> 40) * (u & 4 ? 1 : 1.0 / 65536)
                  * (u & 1 ? 1 : -1);
  }
}

/* Arguments number i of a row; the specials, then the samples.  Powers are drawn so that most results are finite. */
static void arguments(const row *f, uint64_t i, double *x, double *y)
{
  uint64_t pairs = 4u * N_SPECIALS * N_SPECIALS;
  if (i < pairs) {
    *x = special(i % (2 * N_SPECIALS));
    *y = special(i / (2 * N_SPECIALS));
  } else {
    *x = sample(f, i, 0);
    *y = sample(f, i / 4 + (i & 3) * 0x100000001u, 7);
    double per = fabs(log2(fabs(*x))) + 1e-9, spread = remainder(*y, 1);
    if (f->ref64 == pow_ref64 && (i & 4)) *y = *y / 4 + 1000 * spread / per;
    if (f->ref32 == pow_ref32 && (i & 4)) *y = 150 * spread / per;
  }
  if (f->lo == 0 && f->hi == 1 && !(*x >= 0 && *x < 1)) *x = (double)(mix(i) >> 11) * 0x1p-53;   /* sincos2pi's domain */
  if (!f->wide) { *x = (float)*x; *y = (float)*y; }
}

/* ---- sweeps ---------------------------------------------------------------------------------------------------- */

typedef struct { uint64_t stride, samples; int jobs, job; } plan;

/* Blocks of float patterns number job, job + jobs, ... of a function of one argument. */
static void sweep_all(const row *f, plan p, tally *t)
{
  static float x[BLOCK], z[BLOCK];
  uint64_t end = f->lo == 0 && f->hi == 1 ? 0x3f800000u : 0x100000000u;
  for (uint64_t b = (uint64_t)p.job * BLOCK; b * p.stride < end; b += (uint64_t)p.jobs * BLOCK) {
    for (uint64_t i = 0; i < BLOCK; i++) {
      uint64_t u = (b + i) * p.stride;
      x[i] = from_bits_f32((uint32_t)(u < end ? u : end - 1));
    }
    f->loop32(x, x, z);
    for (int i = 0; i < BLOCK; i++) note(t, error32(f, z[i], f->ref32(x[i], 0)), x[i], 0, bits_f32(x[i]), result32(z[i]));
  }
}

static void sweep_samples32(const row *f, plan p, tally *t)
{
  static float x[BLOCK], y[BLOCK], z[BLOCK];
  for (uint64_t b = (uint64_t)p.job * BLOCK; b < p.samples; b += (uint64_t)p.jobs * BLOCK) {
    for (uint64_t i = 0; i < BLOCK; i++) {
      double u, v;
      arguments(f, b + i, &u, &v);
      x[i] = (float)u;
      y[i] = (float)v;
    }
    f->loop32(x, y, z);
    for (int i = 0; i < BLOCK; i++)
      note(t, error32(f, z[i], f->ref32(x[i], y[i])), x[i], y[i], (uint64_t)bits_f32(x[i]) << 32 | bits_f32(y[i]),
           result32(z[i]));
  }
}

static void sweep_samples64(const row *f, plan p, tally *t)
{
  static double x[BLOCK], y[BLOCK], z[BLOCK];
  for (uint64_t b = (uint64_t)p.job * BLOCK; b < p.samples; b += (uint64_t)p.jobs * BLOCK) {
    for (uint64_t i = 0; i < BLOCK; i++) arguments(f, b + i, &x[i], &y[i]);
    f->loop64(x, y, z);
    for (int i = 0; i < BLOCK; i++)
      note(t, error64(f, z[i], f->ref64(x[i], y[i])), x[i], y[i], bits_f64(x[i]) ^ mix(bits_f64(y[i])), result64(z[i]));
  }
}

static tally sweep_part(const row *f, plan p)
{
  tally t = { 0.5, 0, 0, 0, 0 };
  if (f->wide) sweep_samples64(f, p, &t);
  else if (f->arity == 2) sweep_samples32(f, p, &t);
  else sweep_all(f, p, &t);
  return t;
}

/* Runs part p.job in a child that writes its tally into a pipe; returns the end to read from, or -1. */
static int start_part(const row *f, plan p)
{
  int ends[2];
  if (pipe(ends)) return -1;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    tally t = sweep_part(f, p);
    _exit(write(ends[1], &t, sizeof t) == (ssize_t)sizeof t ? 0 : 1);
  }
  close(ends[1]);
  if (child < 0) { close(ends[0]); return -1; }
  return ends[0];
}

/* All parts of one row; 0 if a child failed. */
static int sweep(const row *f, plan p, tally *t)
{
  int from[MAX_JOBS], ok = 1;
  for (p.job = 0; p.job < p.jobs; p.job++) from[p.job] = start_part(f, p);
  *t = (tally){ 0.5, 0, 0, 0, 0 };
  for (int j = 0; j < p.jobs; j++) {
    tally u;
    if (from[j] < 0) { ok = 0; continue; }
    if (read(from[j], &u, sizeof u) != (ssize_t)sizeof u) ok = 0;
    else {
      if (u.worst > t->worst) { t->worst = u.worst; t->x = u.x; t->y = u.y; }
      t->hash += u.hash;
      t->n += u.n;
    }
    close(from[j]);
  }
  while (wait(NULL) > 0 || errno == EINTR) { }
  return ok;
}

/* ---- the command ----------------------------------------------------------------------------------------------- */

static int report(const row *f, plan p)
{
  tally t;
  char at[80];
  if (!sweep(f, p, &t)) { fprintf(stderr, "scalar_sweep: %s: a child process failed\n", f->name); return 0; }
  int ok = t.worst <= f->bound;
  if (f->arity == 2) snprintf(at, sizeof at, "%a, %a", t.x, t.y);
  else snprintf(at, sizeof at, "%a", t.x);
  printf("%-16s %11llu  %8.4f  %3g  %016llx  %-6s at %s\n", f->name, (unsigned long long)t.n, t.worst, f->bound,
         (unsigned long long)t.hash, ok ? "ok" : "FAILED", at);
  return ok;
}

static int wanted(const row *f, int n, char **names)
{
  size_t stem = strlen(f->name) - 4;
  for (int i = 0; i < n; i++)
    if (!strcmp(names[i], f->name) || (strlen(names[i]) == stem && !strncmp(names[i], f->name, stem))) return 1;
  return n == 0;
}

static int known(char *name)
{
  for (int i = 0; i < N_ROWS; i++) if (wanted(&rows[i], 1, &name)) return 1;
  return 0;
}

/* --name N at argv[i]: stores N, 1 <= N <= most.  0 if it is not that option, -1 if N is wrong. */
static int option(char **argv, int i, const char *name, uint64_t most, uint64_t *value)
{
  char *end = NULL;
  if (strcmp(argv[i], name)) return 0;
  if (!argv[i + 1]) return -1;
  *value = strtoull(argv[i + 1], &end, 10);
  return *end == 0 && *value >= 1 && *value <= most ? 1 : -1;
}

int main(int argc, char **argv)
{
  uint64_t stride = 1, samples = 10000000, jobs = 2;
  int i = 1, failed = 0;
  for (; i < argc && argv[i][0] == '-'; i += 2) {
    int a = option(argv, i, "--stride", 1u << 30, &stride), b = option(argv, i, "--samples", 1ull << 40, &samples);
    int c = option(argv, i, "--jobs", MAX_JOBS, &jobs);
    if (a + b + c != 1) {
      fprintf(stderr, "usage: scalar_sweep [--stride K] [--samples N] [--jobs N] [NAME ...]\n");
      return 2;
    }
  }
  for (int j = i; j < argc; j++)
    if (!known(argv[j])) { fprintf(stderr, "scalar_sweep: no function `%s'\n", argv[j]); return 2; }
  plan p = { stride, samples / stride > 20000 ? samples / stride : 20000, (int)jobs, 0 };
  printf("function           arguments   max ulp bound hash\n");
  for (int j = 0; j < N_ROWS; j++) {
    if (!wanted(&rows[j], argc - i, argv + i)) continue;
    if (rows[j].wide && LDBL_MANT_DIG < 64) printf("%-16s skipped: long double is double here\n", rows[j].name);
    else failed |= !report(&rows[j], p);
  }
  return failed;
}
