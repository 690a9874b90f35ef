/* linalg_sqrtm.c: the square root of a symmetric positive semidefinite matrix, and the trace of one for the Frechet
 * distance. */
#include "kernel/linalg_core.h"

/* Each w (n, ascending) becomes its square root, negative noise counting as 0; RP_ERANGE if one is no noise. */
static rp_status root_eigenvalues(const char *who, const char *what, double *w, int64_t n)
{
  double largest = linalg_max_abs(w, n);
  if (n > 0 && w[0] < -1e-6 * largest)
    return rp_fail(RP_ERANGE, "%s: %s is not positive semidefinite: its eigenvalues go from %.9g to %.9g", who, what,
                   w[0], w[n - 1]);
  for (int64_t i = 0; i < n; i++) w[i] = w[i] > 0.0 ? sqrt(w[i]) : 0.0;
  return RP_OK;
}

/* S (n,n) = sum_k r_k v_k v_k^T, v_k the columns of V; its lower triangle is summed in ascending k and mirrored.
 * work (n n + n) is scratch. */
static void compose(double *S, const double *V, const double *r, double *work, int64_t n)
{
  double *Vt = work, *scaled = work + n * n;
  linalg_transpose(Vt, V, n, n);
  linalg_zero(S, n * n);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t k = 0; k < n; k++) scaled[k] = V[i * n + k] * r[k];
    linalg_add_rows(S + i * n, scaled, Vt, n, n, i + 1);
  }
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < i; j++) S[j * n + i] = S[i * n + j];
}

/* As rp_sqrtm, naming the caller and the argument; outputs may be written on failure. */
static rp_status root(const char *who, const char *what, double *S, const double *A, int64_t n)
{
  double *w = linalg_new(n + 2 * n * n + n);
  if (!w) return RP_ENOMEM;
  double *V = w + n, *work = V + n * n;
  rp_status status = rp_eigh(w, V, A, n);
  if (status == RP_OK) status = root_eigenvalues(who, what, w, n);
  if (status == RP_OK) compose(S, V, w, work, n);
  rp_release(w);
  return status;
}

rp_status rp_sqrtm(double *S, const double *A, int64_t n)
{
  RP_TRY(linalg_check_symmetric("sqrtm", "A", A, n));
  return root("sqrtm", "A", S, A, n); /* writes S only once all has succeeded */
}

/* *t = sum of sqrt(w_i) over the eigenvalues of the symmetric M (n,n) that stand out of its rounding noise. */
static rp_status trace_of_root(double *t, const double *M, double *w, int64_t n)
{
  RP_TRY(rp_eigh(w, NULL, M, n));
  double noise = (double)n * RP_EPS * linalg_max_abs(w, n);
  RP_TRY(root_eigenvalues("trace_sqrt_product", "A^1/2 B A^1/2", w, n));
  double sum = 0.0, least = sqrt(noise);
  for (int64_t i = 0; i < n; i++) sum += w[i] > least ? w[i] : 0.0;
  *t = sum;
  return RP_OK;
}

/* M = S B S, made symmetric; P is scratch. */
static void sandwich(double *M, double *P, const double *S, const double *B, int64_t n)
{
  linalg_product(P, S, B, n, n, n);
  linalg_product(M, P, S, n, n, n);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < i; j++) M[i * n + j] = M[j * n + i] = 0.5 * (M[i * n + j] + M[j * n + i]);
}

rp_status rp_trace_sqrt_product(double *t, const double *A, const double *B, int64_t n)
{
  RP_TRY(linalg_check_symmetric("trace_sqrt_product", "A", A, n));
  RP_TRY(linalg_check_symmetric("trace_sqrt_product", "B", B, n));
  double *S = linalg_new(3 * n * n + n);
  if (!S) return RP_ENOMEM;
  double *P = S + n * n, *M = P + n * n, *w = M + n * n;
  rp_status status = root("trace_sqrt_product", "A", S, A, n);
  if (status == RP_OK) {
    sandwich(M, P, S, B, n);
    status = trace_of_root(t, M, w, n);
  }
  rp_release(S);
  return status;
}
