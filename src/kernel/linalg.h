/* linalg.h: double-precision analysis on plain arrays: factorisations, assignment, clustering, special functions.
 *
 * Every matrix is row-major, contiguous double: A(i,j) is A[i*columns + j].  Outputs are written, inputs borrowed,
 * and no output may overlap an input or another output.  A size may be 0: the result is then empty, RP_OK is
 * returned, and a determinant is 1.
 *
 * The operations are + - * / sqrt in a fixed order (no fused multiply-add, no libm; logarithms and exponentials
 * from scalar.h), so a result is the same bits on every machine and for any number of threads.
 *
 * Errors common to all that return rp_status: RP_ESHAPE for a negative or impossible size, RP_ERANGE for a NaN or an
 * infinity among the inputs (its place is named, counted from 1), RP_ENOMEM.  On failure outputs are untouched.
 *
 * eps below is 2^-52, ||A|| the largest singular value. */
#ifndef RP_KERNEL_LINALG_H
#define RP_KERNEL_LINALG_H

#include "base/error.h"

/* ---- Factorisations ---- */

/* Eigenvalues and eigenvectors of a symmetric matrix: A V = V diag(w), V^T V = I.
 *
 *   w  (n)    ascending
 *   V  (n,n)  column j belongs to w[j]; its component of largest magnitude (the first such) is positive.
 *             May be NULL: eigenvalues only, about four times faster, and the same bits
 *   A  (n,n)  symmetric to within 1e-6 max|A|; (A + A^T)/2 is what is decomposed
 *
 * Householder tridiagonalisation and implicit QL with Wilkinson's shift (Golub & Van Loan, Matrix Computations, 8.3).
 * Errors in w and in A V - V diag(w) are a small multiple of eps ||A||, so an eigenvalue far below ||A|| may have no
 * correct digit; within a cluster of equal eigenvalues
 * the basis is an arbitrary, but always the same, one.
 * RP_ERANGE also if A is not symmetric, or if the iteration does not converge (not known to happen). */
rp_status rp_eigh(double *w, double *V, const double *A, int64_t n);

/* Reduced QR: A = Q R, Q^T Q = I, R upper triangular with a diagonal >= 0.
 *
 *   Q  (m,k)   k = min(m,n)
 *   R  (k,n)   zeros below the diagonal are written
 *   A  (m,n)
 *
 * Householder reflections (Golub & Van Loan, 5.2).  Of full column rank or not, Q has orthonormal columns. */
rp_status rp_qr(double *Q, double *R, const double *A, int64_t m, int64_t n);

/* Cholesky: A = L L^T, L lower triangular with a positive diagonal; zeros above it are written.
 *
 *   L  (n,n)
 *   A  (n,n)  symmetric positive definite; only its lower triangle is read
 *
 * RP_ERANGE also if A is not positive definite, naming the first pivot that is not positive. */
rp_status rp_cholesky(double *L, const double *A, int64_t n);

/* Reduced singular value decomposition: A = U diag(s) V^T, U^T U = V^T V = I.
 *
 *   U  (m,k)   k = min(m,n)
 *   s  (k)     descending, >= 0; a value below about 1e-140 s[0] comes out as 0
 *   V  (n,k)   not its transpose; in each column the component of largest magnitude (the first such) is positive
 *   A  (m,n)
 *
 * QR of A with its columns in order of falling norm, then one-sided Jacobi on R (Hestenes; Drmac & Veselic 2008).
 * Where s is 0 the columns of U and V complete an orthonormal set.
 * RP_ERANGE also if the sweeps do not converge (not known to happen). */
rp_status rp_svd(double *U, double *s, double *V, const double *A, int64_t m, int64_t n);

/* ---- Linear systems ---- */

/* X with A X = B, by LU with partial pivoting (the first row of largest magnitude).
 *
 *   X  (n,k)
 *   A  (n,n)
 *   B  (n,k)
 *
 * RP_ERANGE also if A is singular: a pivot is exactly 0, or X is not finite. */
rp_status rp_solve(double *X, const double *A, const double *B, int64_t n, int64_t k);

/* X = A^-1, (n,n): rp_solve with the identity on the right.  Errors as rp_solve. */
rp_status rp_inverse(double *X, const double *A, int64_t n);

/* det A by the same LU.  A singular matrix gives 0, a result beyond the range of double an infinity or 0. */
rp_status rp_det(double *det, const double *A, int64_t n);

/* det A = sign exp(log_abs).  A singular matrix gives sign 0 and log_abs -infinity. */
rp_status rp_logdet(double *sign, double *log_abs, const double *A, int64_t n);

/* Least squares: each column of X minimises |A x - b|, by Householder QR.
 *
 *   X  (n,k)
 *   A  (m,n)  m >= n, of full column rank
 *   B  (m,k)
 *
 * RP_ESHAPE also if m < n; RP_ERANGE also if a column of A depends on those before it, to within m eps of its norm. */
rp_status rp_lstsq(double *X, const double *A, const double *B, int64_t m, int64_t n, int64_t k);

/* ---- Square roots ---- */

/* The principal square root of a symmetric positive semidefinite matrix: S = V diag(sqrt(w)) V^T, S S = A.
 *
 *   S  (n,n)  exactly symmetric, positive semidefinite
 *   A  (n,n)  symmetric as for rp_eigh
 *
 * Eigenvalues from -1e-6 max|w| to 0, which rounding a covariance to single precision can cause, count as 0.
 * RP_ERANGE also if one is more negative. */
rp_status rp_sqrtm(double *S, const double *A, int64_t n);

/* t = tr((A^1/2 B A^1/2)^1/2), which is tr((A B)^1/2): the cross term of the Frechet distance between Gaussians,
 *     d^2 = |m1 - m2|^2 + tr(A) + tr(B) - 2 t       (Dowson & Landau 1982; Heusel et al. 2017, arXiv:1706.08500, FID)
 *
 *   A, B  (n,n)  symmetric positive semidefinite as for rp_sqrtm
 *
 * Eigenvalues of the inner matrix below n eps times its largest are rounding noise and count as 0, so that
 * covariances of fewer samples than dimensions give no spurious sqrt(eps) terms. */
rp_status rp_trace_sqrt_product(double *t, const double *A, const double *B, int64_t n);

/* ---- Assignment ---- */

/* Minimal-cost assignment: choose min(n_rows, n_cols) entries of C, no two in a row or column, of least sum.
 *
 *   col_of_row  (n_rows)         the column of each row, from 0; -1 for a row left out (n_rows > n_cols)
 *   cost                         the sum of the chosen entries, added in order of rows; may be NULL
 *   C           (n_rows,n_cols)  finite, or +infinity for a forbidden pair; negate it to maximise
 *
 * Shortest augmenting paths with dual variables (Jonker & Volgenant 1987; Crouse 2016), O(min^2 max) steps.
 * Ties: rows (columns, if there are more rows than columns) enter in ascending order; among equally near columns a
 * search continues with a free one if there is one, and with the lowest of its kind.
 * RP_ERANGE also if forbidden pairs leave no complete assignment, or if the span of C overflows. */
rp_status rp_assignment(int64_t *col_of_row, double *cost, const double *C, int64_t n_rows, int64_t n_cols);

/* ---- Clustering ---- */

typedef struct rp_kmeans_options {
  uint64_t seed, stream; /* Philox key and stream of the seeding */
  int64_t  n_init;       /* restarts, >= 1; the run of least inertia wins, the earlier on a tie */
  int64_t  max_iter;     /* Lloyd steps in a run, >= 1 */
  double   tol;          /* >= 0; a run ends when the squared shift of all centres is at most tol times the mean
                            variance of a coordinate, or when no label changes */
} rp_kmeans_options;

/* k-means: k centres c of least inertia, sum_i min_j |x_i - c_j|^2, by Lloyd's algorithm with k-means++ seeding
 * (Lloyd 1982; Arthur & Vassilvitskii 2007).
 *
 *   centres  (k,d)
 *   labels   (n)    the nearest centre of each point, from 0, the lowest on a tie
 *   inertia         may be NULL
 *   X        (n,d)  the points
 *   k               1 .. n
 *   options         borrowed
 *
 * A cluster that loses all its points receives the point farthest from its own centre (the lowest on a tie) among
 * clusters of at least two points, unless that distance is 0.  With fewer distinct points than k, some centres
 * coincide and only the lowest of them has points.  Draw c of restart r takes Philox block r*k + c.
 * RP_ERANGE also if k is not in 1..n, k exceeds int32, an option is out of its range, or distances overflow. */
rp_status rp_kmeans(double *centres, int32_t *labels, double *inertia, const double *X, int64_t n, int64_t d,
                    int64_t k, const rp_kmeans_options *options);

/* ---- Special functions: relative error below 1e-14 except near a zero that is not named here ---- */

/* Ei(x) = PV integral_{-inf}^{x} e^t/t dt.  Relatively accurate at its zero 0.3725... too.
 * Ei(0) = -inf, Ei(-inf) = -0, Ei(x) = inf from 716.36 on. */
double rp_ei(double x);

/* E1(x) = integral_x^{inf} e^-t/t dt = -Ei(-x), x >= 0; NaN for x < 0 (the value is complex).  E1(0) = inf. */
double rp_e1(double x);

/* erf(x) = 2/sqrt(pi) integral_0^x e^-t^2 dt. */
double rp_erf(double x);

/* erfc(x) = 2/sqrt(pi) integral_x^{inf} e^-t^2 dt. */
double rp_erfc(double x);

/* The inverse of erf: erf(rp_erfinv(y)) = y, -1 <= y <= 1; NaN outside, infinities at the ends. */
double rp_erfinv(double y);

/* log|Gamma(x)|; inf at 0, -1, -2, ...  Relatively accurate at its zeros 1 and 2; between the poles below 0 the error
 * is a few eps max(1, |value|, |log|x sin(pi x)||). */
double rp_lgamma(double x);

/* psi(x) = d/dx log Gamma(x); NaN at -1, -2, ... and at -inf; -inf at +0, +inf at -0.  Relatively accurate at its
 * positive zero 1.4616...; at the zeros below 0 the error is a few eps |pi cot(pi x)|. */
double rp_digamma(double x);

#endif
