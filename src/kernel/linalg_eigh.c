/* linalg_eigh.c: eigenvalues and eigenvectors of a symmetric matrix.
 *
 * A = Z T Z^T by Householder reflections, T = G diag(w) G^T by implicit QL, V = Z G.  The plane rotations that make
 * up G are kept in a list and applied to slices of Z^T, whose rows they mix two at a time: a slice stays in
 * cache, slices may go to different threads, and no bit depends on how Z is cut. */
#include "base/pool.h"
#include "kernel/linalg_core.h"

enum { LIST = 8192, SLICE = 64 };

/* Rows i and i+1 of Z^T become (c z_i - s z_{i+1}, s z_i + c z_{i+1}). */
typedef struct rotation { int64_t i; double c, s; } rotation;

typedef struct rotations {
  rotation *list;  /* LIST long; NULL when no eigenvectors are wanted */
  int64_t   count;
  double   *Zt;    /* (n,n) */
  int64_t   n;
} rotations;

static void apply_slice(void *context, int64_t begin, int64_t end)
{
  const rotations *r = context;
  for (int64_t j = begin; j < end; j += SLICE) {
    int64_t width = end - j < SLICE ? end - j : SLICE;
    for (int64_t t = 0; t < r->count; t++) {
      double c = r->list[t].c, s = r->list[t].s;
      double *restrict x = r->Zt + r->list[t].i * r->n + j, *restrict y = x + r->n;
      for (int64_t l = 0; l < width; l++) {
        double a = x[l], b = y[l];
        x[l] = c * a - s * b;
        y[l] = s * a + c * b;
      }
    }
  }
}

static void flush(rotations *r)
{
  rp_parallel(r->n, SLICE, apply_slice, r);
  r->count = 0;
}

static void record(rotations *r, int64_t i, double c, double s)
{
  if (!r->list) return;
  if (r->count == LIST) flush(r);
  r->list[r->count++] = (rotation){ i, c, s };
}

/* B = H B H for the reflection H = I - tau v v^T:
 *     p = tau B v,  q = p - (tau/2)(p^T v) v,  B -= v q^T + q v^T.
 * Both triangles receive the same sums, so B stays symmetric to the last bit. */
static void reflect_both_sides(double *restrict B, int64_t stride, const double *restrict v, double tau,
                               double *restrict q, int64_t m)
{
  linalg_zero(q, m);
  linalg_add_rows(q, v, B, stride, m, m);
  linalg_scale(q, tau, m);
  linalg_axpy(q, -0.5 * tau * linalg_dot(q, v, m), v, m);
  for (int64_t i = 0; i < m; i++) {
    double *restrict row = B + i * stride;
    double vi = v[i], qi = q[i];
    for (int64_t j = 0; j < m; j++) row[j] -= vi * q[j] + qi * v[j];
  }
}

/* T = Z^T A Z with diagonal d (n) and off-diagonal e (n-1).  Row k of A keeps the vector of reflection k, right of the
 * diagonal, tau[k] its factor. */
static void tridiagonalise(double *A, double *d, double *e, double *tau, double *scratch, int64_t n)
{
  for (int64_t k = 0; k < n; k++) {
    int64_t m = n - 1 - k;
    d[k] = A[k * n + k];
    if (m == 0) break;
    double *v = A + k * n + k + 1;
    tau[k] = linalg_reflector(v, m, &e[k]);
    if (tau[k] != 0.0) reflect_both_sides(A + (k + 1) * (n + 1), n, v, tau[k], scratch, m);
  }
}

/* Z = H_0 H_1 ... H_{n-2}, built from the last so that each touches only its own corner. */
static void accumulate(double *Z, const double *A, const double *tau, double *scratch, int64_t n)
{
  linalg_zero(Z, n * n);
  for (int64_t i = 0; i < n; i++) Z[i * n + i] = 1.0;
  for (int64_t k = n - 2; k >= 0; k--)
    linalg_reflect(Z + (k + 1) * (n + 1), n, n - 1 - k, n - 1 - k, A + k * n + k + 1, tau[k], scratch);
}

/* The first i >= l at which T splits: e[i] is rounding noise beside its neighbours on the diagonal, or beside the whole
 * of T, whose entries were scaled to about 1 (or i = n-1).  Without the second clause a block that is graded upwards
 * over hundreds of decades would stand still: the shift drowns in its large end. */
static int64_t find_split(const double *d, const double *e, int64_t l, int64_t n)
{
  int64_t i = l;
  while (i < n - 1 && fabs(e[i]) > RP_EPS * (fabs(d[i]) + fabs(d[i + 1])) && fabs(e[i]) > 0x1p-62) i++;
  return i;
}

/* The eigenvalue of the leading 2x2 block nearer to its first diagonal entry (Wilkinson's shift). */
static double wilkinson_shift(double a, double b, double off)
{
  double half = (b - a) / (2.0 * off), root = linalg_hypot(half, 1.0);
  return a - off / (half + (half < 0.0 ? -root : root));
}

/* One implicit QL step on rows l..m of T: a bulge, started at the bottom by the shift, is chased up by rotations.
 * On the way, `bulge` and `diag` are the two entries from which the next rotation is made; `carry` is what the last
 * one moved off the diagonal. */
static void ql_step(double *d, double *e, int64_t l, int64_t m, rotations *rot)
{
  double diag = d[m] - wilkinson_shift(d[l], d[l + 1], e[l]);
  double c = 1.0, s = 1.0, carry = 0.0;
  for (int64_t i = m - 1; i >= l; i--) {
    double bulge = s * e[i], off = c * e[i];
    double r = linalg_hypot(bulge, diag);
    if (i + 1 < m) e[i + 1] = r;
    if (r == 0.0) { /* T splits here: leave it consistent and let the caller look again */
      d[i + 1] -= carry;
      return;
    }
    s = bulge / r;
    c = diag / r;
    double lower = d[i + 1] - carry;
    double turn = (d[i] - lower) * s + 2.0 * c * off;
    carry = s * turn;
    d[i + 1] = lower + carry;
    diag = c * turn - off;
    record(rot, i, c, s);
  }
  d[l] -= carry;
  e[l] = diag;
}

/* T = G diag(d) G^T, every rotation of G recorded.  The shift makes QL converge for every T (Wilkinson 1968), cubically
 * as a rule, in under two steps an eigenvalue; the limit only bounds the time rounding could waste. */
static rp_status diagonalise(double *d, double *e, int64_t n, rotations *rot)
{
  int64_t steps_left = 100 * n + 1000;
  for (int64_t l = 0; l < n; l++) {
    for (int64_t m; (m = find_split(d, e, l, n)) != l; steps_left--) {
      if (steps_left == 0) return rp_fail(RP_ERANGE, "eigh: QL did not converge on a (%lldx%lld) matrix",
                                          (long long)n, (long long)n);
      ql_step(d, e, l, m, rot);
    }
  }
  if (rot->list) flush(rot);
  return RP_OK;
}

/* order (n): the indices of d by ascending value, equal values in order of index.  Heap sort. */
static int is_after(const double *d, int64_t a, int64_t b)
{
  return d[a] > d[b] || (d[a] == d[b] && a > b);
}

static void sift(int64_t *order, const double *d, int64_t root, int64_t n)
{
  for (int64_t child; (child = 2 * root + 1) < n; root = child) {
    if (child + 1 < n && is_after(d, order[child + 1], order[child])) child++;
    if (!is_after(d, order[child], order[root])) return;
    int64_t swap = order[root];
    order[root] = order[child];
    order[child] = swap;
  }
}

static void sort_ascending(int64_t *order, const double *d, int64_t n)
{
  for (int64_t i = 0; i < n; i++) order[i] = i;
  for (int64_t i = n / 2 - 1; i >= 0; i--) sift(order, d, i, n);
  for (int64_t last = n - 1; last > 0; last--) {
    int64_t swap = order[0];
    order[0] = order[last];
    order[last] = swap;
    sift(order, d, 0, last);
  }
}

/* W = (A + A^T)/2 scaled by a power of two to entries below 1, so that no square overflows; returns the exponent. */
static int load(double *W, const double *A, int64_t n)
{
  int e = linalg_exponent(A, n * n);
  linalg_copy(W, A, n * n);
  linalg_shift(W, -e, n * n);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < i; j++)
      W[i * n + j] = W[j * n + i] = 0.5 * (W[i * n + j] + W[j * n + i]);
  return e;
}

static void store(double *w, double *V, const double *d, double *Zt, const int64_t *order, int e, int64_t n)
{
  for (int64_t j = 0; j < n; j++) {
    w[j] = d[order[j]];
    if (!V) continue;
    double *z = Zt + order[j] * n;
    linalg_fix_sign(z, n);
    for (int64_t i = 0; i < n; i++) V[i * n + j] = z[i];
  }
  linalg_shift(w, e, n);
}

rp_status rp_eigh(double *w, double *V, const double *A, int64_t n)
{
  RP_TRY(linalg_check_symmetric("eigh", "A", A, n));
  if (n == 0) return RP_OK;
  int64_t   vectors = V ? n * n : 0;
  double   *W = linalg_new(n * n + 2 * vectors + 4 * n);
  int64_t  *order = rp_alloc((size_t)n * sizeof *order);
  rotation *list = V ? rp_alloc(LIST * sizeof *list) : NULL;
  rp_status status = RP_ENOMEM;
  if (W && order && (list || !V)) {
    double *Z = W + n * n, *Zt = Z + vectors, *d = Zt + vectors, *e = d + n, *tau = e + n, *scratch = tau + n;
    rotations rot = { list, 0, Zt, n };
    int exponent = load(W, A, n);
    tridiagonalise(W, d, e, tau, scratch, n);
    if (V) {
      accumulate(Z, W, tau, scratch, n);
      linalg_transpose(Zt, Z, n, n);
    }
    status = diagonalise(d, e, n, &rot);
    if (status == RP_OK) {
      sort_ascending(order, d, n);
      store(w, V, d, Zt, order, exponent, n);
    }
  }
  rp_release(list);
  rp_release(order);
  rp_release(W);
  return status;
}
