/* linalg_solve.c: LU with partial pivoting, and what follows from it: systems, inverse, determinant. */
#include "kernel/linalg_core.h"
#include "kernel/scalar.h"

static void swap_rows(double *A, int64_t a, int64_t b, int64_t n)
{
  for (int64_t j = 0; j < n; j++) {
    double keep = A[a * n + j];
    A[a * n + j] = A[b * n + j];
    A[b * n + j] = keep;
  }
}

static int64_t find_pivot(const double *W, int64_t j, int64_t n)
{
  int64_t top = j;
  for (int64_t i = j + 1; i < n; i++)
    if (fabs(W[i * n + j]) > fabs(W[top * n + j])) top = i;
  return top;
}

/* W (n,n) becomes U on and above its diagonal; X (n,k) goes through the same row operations, so that U x = X is
 * left.  *sign becomes the sign of the row exchanges.  Returns n, or the index of the first pivot that is 0. */
static int64_t eliminate(double *W, double *X, int64_t n, int64_t k, double *sign)
{
  *sign = 1.0;
  for (int64_t j = 0; j < n; j++) {
    int64_t top = find_pivot(W, j, n);
    if (W[top * n + j] == 0.0) return j;
    if (top != j) {
      swap_rows(W, j, top, n);
      swap_rows(X, j, top, k);
      *sign = -*sign;
    }
    for (int64_t i = j + 1; i < n; i++) {
      double factor = W[i * n + j] / W[j * n + j];
      linalg_axpy(W + i * n + j + 1, -factor, W + j * n + j + 1, n - j - 1);
      linalg_axpy(X + i * k, -factor, X + j * k, k);
    }
  }
  return n;
}

/* X becomes U^-1 X, from the last row up; each entry subtracts its terms in ascending order. */
static void back_substitute(double *X, const double *W, int64_t n, int64_t k)
{
  for (int64_t i = n - 1; i >= 0; i--) {
    for (int64_t l = i + 1; l < n; l++) linalg_axpy(X + i * k, -W[i * n + l], X + l * k, k);
    for (int64_t j = 0; j < k; j++) X[i * k + j] /= W[i * n + i];
  }
}

/* Y (n,k) holds the right-hand side and becomes the solution; W (n,n) is scratch. */
static rp_status solve_in_place(const char *who, double *W, double *Y, const double *A, int64_t n, int64_t k)
{
  double sign;
  linalg_copy(W, A, n * n);
  int64_t stop = eliminate(W, Y, n, k, &sign);
  if (stop < n)
    return rp_fail(RP_ERANGE, "%s: A (%lldx%lld) is singular: pivot %lld is 0", who, (long long)n, (long long)n,
                   (long long)stop + 1);
  back_substitute(Y, W, n, k);
  for (int64_t i = 0; i < n * k; i++)
    if (!isfinite(Y[i]))
      return rp_fail(RP_ERANGE, "%s: A (%lldx%lld) is singular to working precision: the result overflows", who,
                     (long long)n, (long long)n);
  return RP_OK;
}

rp_status rp_solve(double *X, const double *A, const double *B, int64_t n, int64_t k)
{
  RP_TRY(linalg_check("solve", "A", A, n, n));
  RP_TRY(linalg_check("solve", "B", B, n, k));
  double *W = linalg_new(n * n + n * k);
  if (!W) return RP_ENOMEM;
  double *Y = W + n * n;
  linalg_copy(Y, B, n * k);
  rp_status status = solve_in_place("solve", W, Y, A, n, k);
  if (status == RP_OK) linalg_copy(X, Y, n * k);
  rp_release(W);
  return status;
}

rp_status rp_inverse(double *X, const double *A, int64_t n)
{
  RP_TRY(linalg_check("inverse", "A", A, n, n));
  double *W = linalg_new(2 * n * n);
  if (!W) return RP_ENOMEM;
  double *Y = W + n * n;
  linalg_zero(Y, n * n);
  for (int64_t i = 0; i < n; i++) Y[i * n + i] = 1.0;
  rp_status status = solve_in_place("inverse", W, Y, A, n, n);
  if (status == RP_OK) linalg_copy(X, Y, n * n);
  rp_release(W);
  return status;
}

/* det A = fraction * 2^exponent, fraction of magnitude at most 1: no product of pivots can overflow. */
static rp_status scaled_determinant(const char *who, double *fraction, int64_t *exponent, const double *A, int64_t n)
{
  RP_TRY(linalg_check(who, "A", A, n, n));
  double *W = linalg_new(n * n);
  if (!W) return RP_ENOMEM;
  linalg_copy(W, A, n * n);
  double product;
  int64_t stop = eliminate(W, W, n, 0, &product);
  *exponent = 0;
  for (int64_t j = 0; j < n; j++) {
    int e = 0;
    product = j < stop ? frexp(product * W[j * n + j], &e) : 0.0;
    *exponent += e;
  }
  *fraction = product;
  rp_release(W);
  return RP_OK;
}

rp_status rp_det(double *det, const double *A, int64_t n)
{
  double fraction;
  int64_t exponent;
  RP_TRY(scaled_determinant("det", &fraction, &exponent, A, n));
  int e = exponent > 4000 ? 4000 : exponent < -4000 ? -4000 : (int)exponent;
  *det = ldexp(fraction, e);
  return RP_OK;
}

rp_status rp_logdet(double *sign, double *log_abs, const double *A, int64_t n)
{
  double fraction;
  int64_t exponent;
  RP_TRY(scaled_determinant("logdet", &fraction, &exponent, A, n));
  *sign = fraction > 0.0 ? 1.0 : fraction < 0.0 ? -1.0 : 0.0;
  /* A magnitude near 1 is taken whole, for log(fraction) + log(2) would cancel. */
  *log_abs = fraction == 0.0 ? -(double)INFINITY
           : exponent >= -1000 && exponent <= 1000 ? log_f64(ldexp(fabs(fraction), (int)exponent))
           : log_f64(fabs(fraction)) + (double)exponent * 0x1.62e42fefa39efp-1;
  return RP_OK;
}
