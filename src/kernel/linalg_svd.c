/* linalg_svd.c: reduced singular value decomposition.
 *
 * For m >= n:  A P = Q R with the columns of A in order of falling norm (P), then rotations J make the rows of R
 * orthogonal:  J R = diag(s) Y, Y orthogonal.  Hence A = (Q J^T) diag(s) (P Y^T)^T.  For m < n the transpose is
 * decomposed and U, V change places.  All of one-sided Jacobi is work on pairs of rows, contiguous in memory. */
#include "kernel/linalg_core.h"

enum { MAX_SWEEPS = 60 };

#define TINY 0x1p-465 /* a norm below this, where the largest entry is near 1, counts as 0: its square still exists */

/* order (n) = the indices of size (n) by falling size, equal ones in order of index: insertion sort, since n swaps
 * are nothing beside n^3 flops. */
static void sort_descending(int64_t *order, const double *size, int64_t n)
{
  for (int64_t i = 0; i < n; i++) {
    int64_t j = i;
    for (; j > 0 && size[order[j - 1]] < size[i]; j--) order[j] = order[j - 1];
    order[j] = i;
  }
}

/* (x, y) becomes (c x - s y, s x + c y), with c = 1 - s h and h = s/(1 + c) (Rutishauser 1966): most angles are small,
 * and then a rounded c would lengthen the rows a little each time, always in the same direction. */
static void rotate(double *restrict x, double *restrict y, double s, double h, int64_t n)
{
  for (int64_t j = 0; j < n; j++) {
    double a = x[j], b = y[j];
    x[j] = a - s * (b + h * a);
    y[j] = b + s * (a - h * b);
  }
}

/* Makes rows p and q of X (n,n) orthogonal, applying the same rotation to J; 0 if they already are.
 * square (n) holds the squared row norms.  The angle is the smaller of the two that serve. */
static int orthogonalise(double *X, double *J, double *square, int64_t p, int64_t q, int64_t n)
{
  if (square[p] < TINY * TINY || square[q] < TINY * TINY) return 0;
  double *x = X + p * n, *y = X + q * n, cross = linalg_dot(x, y, n);
  double noise = RP_EPS * sqrt((double)(n + 15));
  if (fabs(cross) <= noise * (sqrt(square[p]) * sqrt(square[q]))) return 0;
  double zeta = (square[q] - square[p]) / (2.0 * cross);
  double t = 1.0 / (fabs(zeta) + linalg_hypot(zeta, 1.0));
  if (zeta < 0.0) t = -t;
  double c = 1.0 / sqrt(1.0 + t * t), s = c * t, h = s / (1.0 + c);
  rotate(x, y, s, h, n);
  rotate(J + p * n, J + q * n, s, h, n);
  square[p] = linalg_dot(x, x, n);
  square[q] = linalg_dot(y, y, n);
  return 1;
}

/* X (n,n) becomes J X with orthogonal rows, J (n,n) the product of rotations.  Pairs in row order, until a whole
 * sweep changes nothing. */
static rp_status jacobi(double *X, double *J, double *square, int64_t n)
{
  linalg_zero(J, n * n);
  for (int64_t i = 0; i < n; i++) J[i * n + i] = 1.0;
  for (int64_t i = 0; i < n; i++) square[i] = linalg_dot(X + i * n, X + i * n, n);
  for (int sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    int turned = 0;
    for (int64_t p = 0; p < n; p++)
      for (int64_t q = p + 1; q < n; q++) turned |= orthogonalise(X, J, square, p, q, n);
    if (!turned) return RP_OK;
  }
  return rp_fail(RP_ERANGE, "svd: Jacobi did not converge on a (%lldx%lld) factor", (long long)n, (long long)n);
}

/* row becomes a unit vector orthogonal to the first r rows of Y (r,n), r < n: the coordinate vector that lies least in
 * their span, less its projection, which is taken off twice so that rounding leaves no trace of them. */
static void complete(double *row, const double *Y, int64_t r, int64_t n)
{
  linalg_zero(row, n);
  for (int64_t i = 0; i < r; i++)
    for (int64_t j = 0; j < n; j++) row[j] += Y[i * n + j] * Y[i * n + j];
  int64_t least = 0;
  for (int64_t j = 1; j < n; j++)
    if (row[j] < row[least]) least = j;
  linalg_zero(row, n);
  row[least] = 1.0;
  for (int pass = 0; pass < 2; pass++)
    for (int64_t i = 0; i < r; i++) linalg_axpy(row, -linalg_dot(Y + i * n, row, n), Y + i * n, n);
  double norm = linalg_norm(row, n);
  for (int64_t j = 0; j < n; j++) row[j] /= norm;
}

/* s (n) = the norms of the rows of X, descending; Y (n,n) = the rows scaled to norm 1 in that order, those of norm 0
 * completed to an orthonormal set. */
static void normalise(double *s, double *Y, int64_t *order, const double *X, double *norm, int64_t n)
{
  for (int64_t i = 0; i < n; i++) {
    norm[i] = linalg_norm(X + i * n, n);
    if (norm[i] < TINY) norm[i] = 0.0;
  }
  sort_descending(order, norm, n);
  for (int64_t i = 0; i < n; i++) {
    s[i] = norm[order[i]];
    if (s[i] == 0.0) complete(Y + i * n, Y, i, n);
    else
      for (int64_t j = 0; j < n; j++) Y[i * n + j] = X[order[i] * n + j] / s[i];
  }
}

/* AP (m,n) = the columns of A by falling norm; column j of AP is column order[j] of A. */
static void sort_columns(double *AP, int64_t *order, const double *At, double *norm, int64_t m, int64_t n)
{
  for (int64_t j = 0; j < n; j++) norm[j] = linalg_norm(At + j * m, m);
  sort_descending(order, norm, n);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) AP[i * n + j] = At[order[j] * m + i];
}

typedef struct workspace {
  double  *At, *AP, *Q, *R, *J, *Y, *norm, *s; /* (n,m) (m,n) (m,n) (n,n) (n,n) (n,n) (n) (n) */
  int64_t *order, *column;                     /* (n) each: of the singular values, of the columns of A */
} workspace;

/* m >= n >= 1.  On return w->At holds U (m,n), w->R holds V (n,n), w->s the singular values; no sign is fixed. */
static rp_status decompose(workspace *w, int64_t m, int64_t n)
{
  sort_columns(w->AP, w->column, w->At, w->norm, m, n);
  RP_TRY(rp_qr(w->Q, w->R, w->AP, m, n));
  RP_TRY(jacobi(w->R, w->J, w->norm, n));
  normalise(w->s, w->Y, w->order, w->R, w->norm, n);
  double *Jt = w->AP, *U = w->At, *V = w->R;
  for (int64_t l = 0; l < n; l++)
    for (int64_t j = 0; j < n; j++) Jt[l * n + j] = w->J[w->order[j] * n + l];
  linalg_product(U, w->Q, Jt, m, n, n);
  for (int64_t l = 0; l < n; l++)
    for (int64_t j = 0; j < n; j++) V[w->column[l] * n + j] = w->Y[j * n + l];
  return RP_OK;
}

/* Where the largest component of a column of V is negative, that column changes sign in U and V. */
static void fix_signs(double *U, double *V, int64_t m, int64_t n, int64_t k)
{
  for (int64_t j = 0; j < k; j++) {
    int64_t top = 0;
    for (int64_t i = 1; i < n; i++)
      if (fabs(V[i * k + j]) > fabs(V[top * k + j])) top = i;
    if (V[top * k + j] >= 0.0) continue;
    for (int64_t i = 0; i < n; i++) V[i * k + j] = 0.0 - V[i * k + j];
    for (int64_t i = 0; i < m; i++) U[i * k + j] = 0.0 - U[i * k + j];
  }
}

/* tall >= thin: the sizes of A or, if it is wider than tall, of its transpose. */
static rp_status allocate(workspace *w, int64_t tall, int64_t thin)
{
  int64_t big = tall * thin, square = thin * thin;
  w->At = linalg_new(3 * big + 3 * square + 2 * thin);
  w->order = rp_alloc((size_t)(2 * thin) * sizeof *w->order);
  if (!w->At || !w->order) return RP_ENOMEM;
  w->AP = w->At + big;
  w->Q = w->AP + big;
  w->R = w->Q + big;
  w->J = w->R + square;
  w->Y = w->J + square;
  w->norm = w->Y + square;
  w->s = w->norm + thin;
  w->column = w->order + thin;
  return RP_OK;
}

rp_status rp_svd(double *U, double *s, double *V, const double *A, int64_t m, int64_t n)
{
  RP_TRY(linalg_check("svd", "A", A, m, n));
  if (m == 0 || n == 0) return RP_OK;
  int64_t tall = m >= n ? m : n, thin = m >= n ? n : m;
  workspace w = { 0 };
  rp_status status = allocate(&w, tall, thin);
  if (status == RP_OK) {
    int e = linalg_exponent(A, m * n);
    if (m >= n) linalg_transpose(w.At, A, m, n);
    else linalg_copy(w.At, A, m * n); /* A is already the transpose of what is decomposed */
    linalg_shift(w.At, -e, m * n);
    status = decompose(&w, tall, thin);
    if (status == RP_OK) {
      linalg_copy(U, m >= n ? w.At : w.R, m * thin);
      linalg_copy(V, m >= n ? w.R : w.At, n * thin);
      linalg_copy(s, w.s, thin);
      linalg_shift(s, e, thin);
      fix_signs(U, V, m, n, thin);
    }
  }
  rp_release(w.order);
  rp_release(w.At);
  return status;
}
