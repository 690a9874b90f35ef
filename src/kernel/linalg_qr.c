/* linalg_qr.c: Householder QR, and least squares through it. */
#include "kernel/linalg_core.h"

/* W (m,n) becomes R on and above its diagonal.  Row j of vectors (k,m) receives the vector of reflection j, whose
 * entries before j are not used; tau (k) its factor; scratch (n).  k = min(m,n). */
static void factor(double *W, double *vectors, double *tau, double *scratch, int64_t m, int64_t n)
{
  int64_t k = m < n ? m : n;
  for (int64_t j = 0; j < k; j++) {
    double *v = vectors + j * m + j;
    for (int64_t i = j; i < m; i++) v[i - j] = W[i * n + j];
    double beta;
    tau[j] = linalg_reflector(v, m - j, &beta);
    W[j * n + j] = beta;
    linalg_reflect(W + j * n + j + 1, n, m - j, n - j - 1, v, tau[j], scratch);
  }
}

/* Q (m,k) = the first k columns of H_0 H_1 ... H_{k-1}, from the last so that each touches only its own corner. */
static void accumulate(double *Q, const double *vectors, const double *tau, double *scratch, int64_t m, int64_t k)
{
  linalg_zero(Q, m * k);
  for (int64_t j = 0; j < k; j++) Q[j * k + j] = 1.0;
  for (int64_t j = k - 1; j >= 0; j--)
    linalg_reflect(Q + j * (k + 1), k, m - j, k - j, vectors + j * m + j, tau[j], scratch);
}

/* R (k,n) from W; where a diagonal entry is negative, row j of R and column j of Q change sign. */
static void store(double *Q, double *R, const double *W, int64_t m, int64_t n, int64_t k)
{
  for (int64_t j = 0; j < k; j++) {
    int turn = W[j * n + j] < 0.0;
    linalg_zero(R + j * n, j);
    for (int64_t i = j; i < n; i++) R[j * n + i] = turn ? 0.0 - W[j * n + i] : W[j * n + i];
    for (int64_t i = 0; turn && i < m; i++) Q[i * k + j] = 0.0 - Q[i * k + j];
  }
}

rp_status rp_qr(double *Q, double *R, const double *A, int64_t m, int64_t n)
{
  RP_TRY(linalg_check("qr", "A", A, m, n));
  int64_t k = m < n ? m : n;
  if (k == 0) return RP_OK;
  double *W = linalg_new(m * n + k * m + k + n);
  if (!W) return RP_ENOMEM;
  double *vectors = W + m * n, *tau = vectors + k * m, *scratch = tau + k;
  int e = linalg_excess(A, m * n);
  linalg_copy(W, A, m * n);
  linalg_shift(W, -e, m * n);
  factor(W, vectors, tau, scratch, m, n);
  linalg_shift(W, e, m * n);
  accumulate(Q, vectors, tau, scratch, m, k);
  store(Q, R, W, m, n, k);
  rp_release(W);
  return RP_OK;
}

/* X (n,k) with R X = C, from the last row up; R (n,n) the upper part of W. */
static void back_substitute(double *X, const double *W, const double *C, int64_t n, int64_t k)
{
  for (int64_t i = n - 1; i >= 0; i--) {
    linalg_copy(X + i * k, C + i * k, k);
    for (int64_t l = i + 1; l < n; l++) linalg_axpy(X + i * k, -W[i * n + l], X + l * k, k);
    for (int64_t j = 0; j < k; j++) X[i * k + j] /= W[i * n + i];
  }
}

/* RP_ERANGE naming the first column that depends on those before it: |r_jj| is noise beside the norm of column j. */
static rp_status check_rank(const double *W, int64_t m, int64_t n, double *column)
{
  for (int64_t j = 0; j < n; j++) {
    for (int64_t i = 0; i <= j; i++) column[i] = W[i * n + j];
    if (!(fabs(W[j * n + j]) > (double)m * RP_EPS * linalg_norm(column, j + 1)))
      return rp_fail(RP_ERANGE, "lstsq: column %lld of A depends on the columns before it", (long long)j + 1);
  }
  return RP_OK;
}

/* W (m,n) and C (m,k) hold copies of A and B on entry. */
static rp_status least_squares(double *X, double *W, double *C, double *work, int64_t m, int64_t n, int64_t k)
{
  double *vectors = work, *tau = vectors + n * m, *scratch = tau + n;
  factor(W, vectors, tau, scratch, m, n);
  RP_TRY(check_rank(W, m, n, scratch));
  for (int64_t j = 0; j < n; j++) linalg_reflect(C + j * k, k, m - j, k, vectors + j * m + j, tau[j], scratch);
  back_substitute(X, W, C, n, k);
  return RP_OK;
}

rp_status rp_lstsq(double *X, const double *A, const double *B, int64_t m, int64_t n, int64_t k)
{
  RP_TRY(linalg_check("lstsq", "A", A, m, n));
  RP_TRY(linalg_check("lstsq", "B", B, m, k));
  if (m < n) return rp_fail(RP_ESHAPE, "lstsq: A is (%lldx%lld): fewer equations than unknowns", (long long)m,
                            (long long)n);
  if (n == 0 || k == 0) return RP_OK;
  int64_t wide = n > k ? n : k;
  double *W = linalg_new(m * n + m * k + n * m + n + wide);
  if (!W) return RP_ENOMEM;
  double *C = W + m * n;
  int ea = linalg_excess(A, m * n), eb = linalg_excess(B, m * k);
  linalg_copy(W, A, m * n);
  linalg_copy(C, B, m * k);
  linalg_shift(W, -ea, m * n);
  linalg_shift(C, -eb, m * k);
  rp_status status = least_squares(X, W, C, C + m * k, m, n, k);
  if (status == RP_OK) linalg_shift(X, eb - ea, n * k);
  rp_release(W);
  return status;
}
