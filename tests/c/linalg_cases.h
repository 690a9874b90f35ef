/* linalg_cases.h: matrices to work on, and how to compare them.
 *
 * The draws are those of tests/golden/linalg_reference.py.  Errors are measured in eps = 2^-52. */
#ifndef LINALG_CASES_H
#define LINALG_CASES_H

#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kernel/linalg.h"

#define EPS 0x1p-52
#define LENGTH(a) ((int)(sizeof(a) / sizeof *(a)))

static uint64_t draw_state __attribute__((unused));

static inline void draw_seed(uint64_t seed)
{
  draw_state = seed * 0x9E3779B97F4A7C15u + 1;
}

static inline double draw(void)
{
  draw_state = draw_state * 6364136223846793005u + 1442695040888963407u;
  return (double)(draw_state >> 11) * 0x1p-53;
}

/* Zeroed, outside the library's own count of memory; the caller frees it. */
static inline double *matrix(int64_t m, int64_t n)
{
  double *a = calloc((size_t)(m * n + 1), sizeof *a);
  ck_assert_ptr_nonnull(a);
  return a;
}

static inline double *random_matrix(uint64_t seed, int64_t m, int64_t n)
{
  double *a = matrix(m, n);
  draw_seed(seed);
  for (int64_t i = 0; i < m * n; i++) a[i] = 2.0 * draw() - 1.0;
  return a;
}

static inline double *symmetric_matrix(uint64_t seed, int64_t n)
{
  double *a = random_matrix(seed, n, n), *s = matrix(n, n);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) s[i * n + j] = a[i * n + j] + a[j * n + i];
  free(a);
  return s;
}

/* A B^T for A (m,k) and B (n,k). */
static inline double *product_transposed(const double *a, const double *b, int64_t m, int64_t k, int64_t n)
{
  double *c = matrix(m, n);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++)
      for (int64_t l = 0; l < k; l++) c[i * n + j] += a[i * k + l] * b[j * k + l];
  return c;
}

static inline double *transposed(const double *a, int64_t m, int64_t n)
{
  double *t = matrix(n, m);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) t[j * m + i] = a[i * n + j];
  return t;
}

/* F F^T for a random F (n,r): positive semidefinite of rank min(n,r). */
static inline double *gram_matrix(uint64_t seed, int64_t n, int64_t r)
{
  double *f = random_matrix(seed, n, r), *a = product_transposed(f, f, n, r, n);
  free(f);
  return a;
}

static inline double max_abs(const double *a, int64_t n)
{
  double largest = 0.0;
  for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(a[i]));
  return largest;
}

static inline double distance(const double *a, const double *b, int64_t n)
{
  double largest = 0.0;
  for (int64_t i = 0; i < n; i++) {
    ck_assert_msg(!isnan(a[i]) && !isnan(b[i]), "NaN at %d", (int)i);
    largest = fmax(largest, fabs(a[i] - b[i]));
  }
  return largest;
}

static inline void assert_close(const char *what, const double *a, const double *b, int64_t n, double tolerance)
{
  double d = distance(a, b, n);
  ck_assert_msg(d <= tolerance, "%s: off by %.3g, allowed %.3g", what, d, tolerance);
}

/* The k columns of A (n,k) are orthonormal. */
static inline void assert_orthonormal(const char *what, const double *a, int64_t n, int64_t k)
{
  double *t = transposed(a, n, k), *g = product_transposed(t, t, k, n, k);
  for (int64_t i = 0; i < k; i++) g[i * k + i] -= 1.0;
  double d = max_abs(g, k * k), allowed = 8.0 * EPS * sqrt((double)n + 4.0);
  ck_assert_msg(d <= allowed, "%s: V^T V - I reaches %.3g, allowed %.3g", what, d, allowed);
  free(t);
  free(g);
}

/* In each column of V (n,k) the first component of largest magnitude is positive. */
static inline void assert_signs(const double *v, int64_t n, int64_t k)
{
  for (int64_t j = 0; j < k; j++) {
    int64_t top = 0;
    for (int64_t i = 1; i < n; i++)
      if (fabs(v[i * k + j]) > fabs(v[top * k + j])) top = i;
    ck_assert(v[top * k + j] > 0.0);
  }
}

static inline void assert_fails(rp_status got, rp_status want, const char *fragment)
{
  ck_assert_int_eq(got, want);
  ck_assert_msg(strstr(rp_message(), fragment), "message \"%s\" lacks \"%s\"", rp_message(), fragment);
}

/* U diag(s) V^T - A for U (m,k), V (n,k), relative to the largest s. */
static inline void assert_composes(const char *what, const double *u, const double *s, const double *v, const double *a,
                            int64_t m, int64_t n, int64_t k)
{
  double *us = matrix(m, k);
  for (int64_t i = 0; i < m * k; i++) us[i] = u[i] * s[i % k];
  double *back = product_transposed(us, v, m, k, n);
  assert_close(what, back, a, m * n, 8.0 * EPS * sqrt((double)(m + n)) * max_abs(s, k));
  free(us);
  free(back);
}

static inline void add_tests(Suite *suite, const char *name, const TTest *const *tests, int n)
{
  TCase *group = tcase_create(name);
  tcase_set_timeout(group, 60);
  for (int i = 0; i < n; i++) tcase_add_test(group, tests[i]);
  suite_add_tcase(suite, group);
}

#define ADD(suite, name, ...) \
  add_tests(suite, name, (const TTest *const[]){ __VA_ARGS__ }, LENGTH(((const TTest *const[]){ __VA_ARGS__ })))

#endif
