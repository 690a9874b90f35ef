/* groups.h: functions of many arguments, which are faster than one after the other where a whole group has simple
 * arguments.  The bits are those of the functions of one argument. */
#ifndef RP_KERNEL_GROUPS_H
#define RP_KERNEL_GROUPS_H

#include "kernel/array.h"
#include "kernel/scalar.h"

/* Elements go in groups of GROUP bytes.  Before each, lines AHEAD bytes on are called for: left alone, the processor
 * waits for memory and computes by turns. */
#define GROUP 256
#define AHEAD 2048
RP_FN void call_for(const void *p)
{
  for (int line = 0; line < GROUP; line += 64) __builtin_prefetch((const char *)p + AHEAD + line);
}

/* Elements of a group.  Below, n is at most that, and v and y may be x. */
enum { TURNS_F32 = 64, TURNS_F64 = 128, LOGS_F64 = 32 };

/* ---- sine and cosine: a group of near arguments takes the short reduction, any other the one for all --------------- */

RP_FN bool all_near_f32(const float *x, int64_t n)
{
  uint32_t largest = 0;
  for (int64_t i = 0; i < n; i++) {
    uint32_t u = bits_f32(x[i]) & 0x7fffffffu;
    largest = u > largest ? u : largest;
  }
  return largest <= bits_f32(RP_NEAR);
}

#define TURNS(f, turn, sign)                                                                         \
  RP_FN void f##_group_f32(int64_t n, float *v, const float *x)                                      \
  {                                                                                                  \
    if (all_near_f32(x, n)) LANEWISE for (int64_t i = 0; i < n; i++) v[i] = f##_near_f32(x[i]);      \
    else                    LANEWISE for (int64_t i = 0; i < n; i++) v[i] = f##_f32(x[i]);           \
  }                                                                                                  \
  RP_FN void f##_group_f64(int64_t n, double *v, const double *x)                                    \
  {                                                                                                  \
    double   hi[TURNS_F64], lo[TURNS_F64];                                                           \
    uint64_t q[TURNS_F64], differ = 0, outside = 0, d, o;                                            \
    for (int64_t i = 0; i < n; i++) {                                                                \
      hi[i] = near_begin_f64(x[i], turn, sign, &lo[i], &q[i], &d);                                   \
      differ |= d;                                                                                   \
    }                                                                                                \
    for (int64_t i = 0; i < n; i++) {                                                                \
      hi[i] = near_end_f64(x[i], hi[i], lo[i], q[i], &d, &o);                                        \
      differ |= d;                                                                                   \
      outside |= o;                                                                                  \
    }                                                                                                \
    if (differ == 0 && outside >> 63 == 0) memcpy(v, hi, (size_t)n * sizeof *v);                     \
    else LANEWISE for (int64_t i = 0; i < n; i++) v[i] = f##_f64(x[i]);                              \
  }
TURNS(sin, 0, bits_f64(x[i]))
TURNS(cos, 1, 0)

/* statement for each group: `at` its first element, m their number, which the compiler knows of all but the last. */
#define EACH_GROUP(size, n, statement)                                                               \
  do {                                                                                               \
    int64_t at = 0;                                                                                  \
    for (; at + (size) <= (n); at += (size)) { enum { m = (size) }; statement }                      \
    if (at < (n)) { int64_t m = (n) - at; statement }                                                \
  } while (0)

#define CALL_FOR_GROUP(p) for (int64_t k = 0; k < m; k += GROUP / (int)sizeof *(p)) call_for((p) + at + k);

#define MANY(f, s, type, size)                                                                       \
  RP_FN void f##_many_##s(int64_t n, type *y, const type *x)                                         \
  {                                                                                                  \
    EACH_GROUP(size, n, CALL_FOR_GROUP(x) f##_group_##s(m, y + at, x + at););                        \
  }
MANY(sin, f32, float, TURNS_F32)  MANY(sin, f64, double, TURNS_F64)
MANY(cos, f32, float, TURNS_F32)  MANY(cos, f64, double, TURNS_F64)

/* ---- logarithm: two divisions of one group while the polynomials of the last are summed -------------------------- */

typedef struct log_group { double e[LOGS_F64], s[LOGS_F64], sl[LOGS_F64]; } log_group;

/* The steps of log_f64 for a positive normal x; else the highest bit of *outside is set. */
RP_FN double log_begin_f64(double x, double *e, double *sl, uint64_t *outside)
{
  uint64_t u = bits_f64(x);
  *outside = (u - 0x0010000000000000u) | (0x7fefffffffffffffu - u);
  return half_tanh_f64(split_normal_f64(x, e), 0.0, sl);
}

RP_FN uint64_t begin_logs_f64(log_group *g, const double *x)
{
  uint64_t outside = 0, o;
  for (int i = 0; i < LOGS_F64; i++) { g->s[i] = log_begin_f64(x[i], &g->e[i], &g->sl[i], &o); outside |= o; }
  return outside;
}

/* Ends a group, y[i], and begins another. */
RP_FN uint64_t end_and_begin_logs_f64(double *y, const log_group *restrict g, log_group *restrict next, const double *x)
{
  uint64_t outside = 0, o;
  LANEWISE for (int i = 0; i < LOGS_F64; i++) {
    next->s[i] = log_begin_f64(x[i], &next->e[i], &next->sl[i], &o);
    y[i] = log_end_f64(g->e[i], g->s[i], g->sl[i]);
    outside |= o;
  }
  return outside;
}

/* y[i] = log x[i]; y may be x. */
RP_FN void log_many_f64(int64_t n, double *y, const double *x)
{
  log_group g[2];
  int64_t   at = 0;
  int       k = 0;
  uint64_t  outside = n >= LOGS_F64 ? begin_logs_f64(g, x) : 0, later;
  for (; at + LOGS_F64 <= n; at += LOGS_F64, k ^= 1, outside = later) {
    const double *after = at + 2 * LOGS_F64 <= n ? x + at + LOGS_F64 : x + at; /* the last group is followed by itself */
    call_for(x + at);
    if (outside >> 63 == 0) later = end_and_begin_logs_f64(y + at, &g[k], &g[k ^ 1], after);
    else {
      later = begin_logs_f64(&g[k ^ 1], after);
      LANEWISE for (int i = 0; i < LOGS_F64; i++) y[at + i] = log_f64(x[at + i]);
    }
  }
  LANEWISE for (int64_t i = 0; i < n % LOGS_F64; i++) y[at + i] = log_f64(x[at + i]);
}

#endif
