/* linalg_core.h: the steps the matrix routines share, each in one stated order.
 *
 * Sums over rows ascend (row updates, which vectorise over the columns); dot products take 8 interleaved lanes. */
#ifndef RP_KERNEL_LINALG_CORE_H
#define RP_KERNEL_LINALG_CORE_H

#include <math.h>
#include <string.h>
#include "base/memory.h"
#include "kernel/linalg.h"

#define RP_EPS 0x1p-52

/* RP_ESHAPE unless an (m,n) array of doubles can exist; who and what name the routine and the argument. */
static inline rp_status linalg_check_size(const char *who, const char *what, int64_t m, int64_t n)
{
  if (m < 0 || n < 0 || (n > 0 && m > ((int64_t)1 << 44) / n))
    return rp_fail(RP_ESHAPE, "%s: %s cannot be (%lldx%lld)", who, what, (long long)m, (long long)n);
  return RP_OK;
}

/* RP_ESHAPE for an impossible size, RP_ERANGE for a NaN or an infinity in A (m,n). */
static inline rp_status linalg_check(const char *who, const char *what, const double *A, int64_t m, int64_t n)
{
  RP_TRY(linalg_check_size(who, what, m, n));
  for (int64_t i = 0; i < m * n; i++)
    if (!isfinite(A[i]))
      return rp_fail(RP_ERANGE, "%s: %s(%lld,%lld) is %s", who, what, (long long)(i / n) + 1, (long long)(i % n) + 1,
                     isnan(A[i]) ? "nan" : A[i] > 0 ? "inf" : "-inf");
  return RP_OK;
}

/* A block of n doubles; never of zero bytes, so that NULL always means failure. */
static inline double *linalg_new(int64_t n)
{
  return rp_alloc((size_t)(n > 0 ? n : 1) * sizeof(double));
}

static inline void linalg_zero(double *x, int64_t n)
{
  for (int64_t i = 0; i < n; i++) x[i] = 0.0;
}

static inline void linalg_copy(double *out, const double *x, int64_t n)
{
  if (n > 0) memcpy(out, x, (size_t)n * sizeof *out);
}

static inline void linalg_scale(double *x, double a, int64_t n)
{
  for (int64_t i = 0; i < n; i++) x[i] *= a;
}

static inline double linalg_max_abs(const double *x, int64_t n)
{
  double largest = 0.0;
  for (int64_t i = 0; i < n; i++) largest = fabs(x[i]) > largest ? fabs(x[i]) : largest;
  return largest;
}

/* As linalg_check for (n,n), and RP_ERANGE unless A equals its transpose to within 1e-6 max|A|. */
static inline rp_status linalg_check_symmetric(const char *who, const char *what, const double *A, int64_t n)
{
  RP_TRY(linalg_check(who, what, A, n, n));
  double slack = 1e-6 * linalg_max_abs(A, n * n);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < i; j++)
      if (!(fabs(A[i * n + j] - A[j * n + i]) <= slack))
        return rp_fail(RP_ERANGE, "%s: %s is not symmetric: entry (%lld,%lld) is %.9g, (%lld,%lld) is %.9g", who, what,
                       (long long)i + 1, (long long)j + 1, A[i * n + j], (long long)j + 1, (long long)i + 1,
                       A[j * n + i]);
  return RP_OK;
}

/* e with max|x| in [2^(e-1), 2^e), or 0 for a zero vector.  Scaling by 2^-e is exact and rules out overflow. */
static inline int linalg_exponent(const double *x, int64_t n)
{
  int e = 0;
  frexp(linalg_max_abs(x, n), &e);
  return e;
}

/* How far x must be scaled down, as a power of two, to leave 24 bits of room for sums: 0 nearly always. */
static inline int linalg_excess(const double *x, int64_t n)
{
  int e = linalg_exponent(x, n) - 1000;
  return e > 0 ? e : 0;
}

/* x *= 2^e, also where 2^e itself is no double. */
static inline void linalg_shift(double *x, int e, int64_t n)
{
  int half = e / 2;
  double a = ldexp(1.0, half), b = ldexp(1.0, e - half);
  for (int64_t i = 0; i < n; i++) x[i] = x[i] * a * b;
}

/* sum_i x_i y_i: lane l adds elements l, l+8, l+16, ... in order; lanes are combined by halving (l += l+4, +2, +1). */
static inline double linalg_dot(const double *x, const double *y, int64_t n)
{
  double a0 = 0, a1 = 0, a2 = 0, a3 = 0, a4 = 0, a5 = 0, a6 = 0, a7 = 0;
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    a0 += x[i] * y[i];
    a1 += x[i + 1] * y[i + 1];
    a2 += x[i + 2] * y[i + 2];
    a3 += x[i + 3] * y[i + 3];
    a4 += x[i + 4] * y[i + 4];
    a5 += x[i + 5] * y[i + 5];
    a6 += x[i + 6] * y[i + 6];
    a7 += x[i + 7] * y[i + 7];
  }
  double lane[8] = { a0, a1, a2, a3, a4, a5, a6, a7 };
  for (int l = 0; i < n; i++, l++) lane[l] += x[i] * y[i];
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* The Euclidean norm, without overflow or harmful underflow. */
static inline double linalg_norm(const double *x, int64_t n)
{
  double largest = linalg_max_abs(x, n);
  if (largest == 0.0) return 0.0;
  if (largest > 0x1p-450 && largest < 0x1p450) return sqrt(linalg_dot(x, x, n));
  int e;
  frexp(largest, &e);
  double shrink = ldexp(1.0, -e / 2), rest = ldexp(1.0, -e - -e / 2), sum = 0.0;
  for (int64_t i = 0; i < n; i++) {
    double y = x[i] * shrink * rest;
    sum += y * y;
  }
  return ldexp(sqrt(sum), e);
}

/* sqrt(a^2 + b^2), without overflow or harmful underflow. */
static inline double linalg_hypot(double a, double b)
{
  a = fabs(a), b = fabs(b);
  double large = a > b ? a : b, small = a > b ? b : a;
  if (large > 0x1p-450 && large < 0x1p450) return sqrt(large * large + small * small); /* the more accurate form */
  if (large == 0.0) return 0.0;
  double ratio = small / large;
  return large * sqrt(1.0 + ratio * ratio);
}

/* y += a x */
static inline void linalg_axpy(double *restrict y, double a, const double *restrict x, int64_t n)
{
  for (int64_t j = 0; j < n; j++) y[j] += a * x[j];
}

/* y (n) += sum_i a_i X(i,:), i ascending; rows of X lie `stride` apart.  Four rows at a time to spare y the traffic;
 * each y_j still receives its terms one by one, in order. */
static inline void linalg_add_rows(double *restrict y, const double *a, const double *restrict X, int64_t stride,
                                   int64_t rows, int64_t n)
{
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    const double *x0 = X + i * stride, *x1 = x0 + stride, *x2 = x1 + stride, *x3 = x2 + stride;
    double a0 = a[i], a1 = a[i + 1], a2 = a[i + 2], a3 = a[i + 3];
    for (int64_t j = 0; j < n; j++) y[j] = (((y[j] + a0 * x0[j]) + a1 * x1[j]) + a2 * x2[j]) + a3 * x3[j];
  }
  for (; i < rows; i++) linalg_axpy(y, a[i], X + i * stride, n);
}

/* C (m,n) = A (m,k) B (k,n), each entry a sum in ascending order from +0; columns in tiles that stay in cache. */
static inline void linalg_product(double *restrict C, const double *A, const double *restrict B, int64_t m, int64_t k,
                                  int64_t n)
{
  linalg_zero(C, m * n);
  for (int64_t j = 0; j < n; j += 128) {
    int64_t width = n - j < 128 ? n - j : 128;
    for (int64_t i = 0; i < m; i++) linalg_add_rows(C + i * n + j, A + i * k, B + j, n, k, width);
  }
}

/* B (n,m) = A^T for A (m,n). */
static inline void linalg_transpose(double *B, const double *A, int64_t m, int64_t n)
{
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) B[j * m + i] = A[i * n + j];
}

/* The Householder reflection H = I - tau v v^T, v_0 = 1, with H x = beta e_0 (Golub & Van Loan, 5.1).
 * x (n >= 1) becomes v; returns tau, which is 0 (H = I) if x is already a multiple of e_0. */
static inline double linalg_reflector(double *x, int64_t n, double *beta)
{
  int e = linalg_exponent(x, n);
  if (e > -900) e = 0; /* only so near the subnormals would digits be lost, and H be no reflection */
  else linalg_shift(x, -e, n);
  double first = x[0], rest = linalg_norm(x + 1, n - 1);
  x[0] = 1.0;
  *beta = ldexp(first, e);
  if (rest == 0.0) return 0.0;
  double norm = linalg_hypot(first, rest), end = first < 0.0 ? norm : -norm;
  double pivot = first - end; /* a sum of two magnitudes: no cancellation */
  for (int64_t i = 1; i < n; i++) x[i] /= pivot;
  *beta = ldexp(end, e);
  return -pivot / end;
}

/* A (rows,cols; rows `stride` apart) becomes (I - tau v v^T) A; w (cols) is scratch. */
static inline void linalg_reflect(double *A, int64_t stride, int64_t rows, int64_t cols, const double *v, double tau,
                                  double *w)
{
  if (tau == 0.0) return;
  linalg_zero(w, cols);
  linalg_add_rows(w, v, A, stride, rows, cols);
  for (int64_t i = 0; i < rows; i++) linalg_axpy(A + i * stride, -(tau * v[i]), w, cols);
}

/* Turns the sign of a row so that its component of largest magnitude (the first such) is positive; 1 if it turned. */
static inline int linalg_fix_sign(double *x, int64_t n)
{
  int64_t top = 0;
  for (int64_t i = 1; i < n; i++)
    if (fabs(x[i]) > fabs(x[top])) top = i;
  if (n == 0 || x[top] >= 0.0) return 0;
  for (int64_t i = 0; i < n; i++) x[i] = 0.0 - x[i];
  return 1;
}

#endif
