/* linalg_cholesky.c: A = L L^T for a symmetric positive definite matrix. */
#include "kernel/linalg_core.h"

/* The lower triangle of W (n,n) becomes L, column by column; what is left of W shrinks by the product of each column
 * with itself (right-looking, terms in ascending order of column).  column (n) is scratch.
 * Returns n, or the index of the first pivot that is not positive. */
static int64_t factor(double *W, double *column, int64_t n)
{
  for (int64_t j = 0; j < n; j++) {
    if (!(W[j * n + j] > 0.0)) return j;
    double root = W[j * n + j] = sqrt(W[j * n + j]);
    for (int64_t i = j + 1; i < n; i++) column[i] = W[i * n + j] /= root;
    for (int64_t i = j + 1; i < n; i++) linalg_axpy(W + i * n + j + 1, -column[i], column + j + 1, i - j);
  }
  return n;
}

rp_status rp_cholesky(double *L, const double *A, int64_t n)
{
  RP_TRY(linalg_check("cholesky", "A", A, n, n));
  if (n == 0) return RP_OK;
  double *W = linalg_new(n * n + n);
  if (!W) return RP_ENOMEM;
  linalg_copy(W, A, n * n);
  int64_t stop = factor(W, W + n * n, n);
  double pivot = stop < n ? W[stop * n + stop] : 1.0;
  if (stop == n) {
    linalg_zero(L, n * n);
    for (int64_t i = 0; i < n; i++) linalg_copy(L + i * n, W + i * n, i + 1);
  }
  rp_release(W);
  if (stop < n)
    return rp_fail(RP_ERANGE, "cholesky: pivot %lld of %lld is %.9g: A is not positive definite",
                   (long long)stop + 1, (long long)n, pivot);
  return RP_OK;
}
