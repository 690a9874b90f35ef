/* test_linalg.c: factorisations and systems against LAPACK and SciPy, and by their defining equations.
 *
 * Reference values: tests/golden/linalg_reference.py. */
#include "linalg_cases.h"

#include "../golden/linalg.h"

/* ---- Eigenvalues ---- */

/* Decomposes A, checks all that must hold, and leaves the eigenvalues in w. */
static void check_eigh(const char *what, double *w, const double *a, int64_t n)
{
  double *v = matrix(n, n), *w_only = matrix(n, 1);
  ck_assert_int_eq(rp_eigh(w, v, a, n), RP_OK);
  assert_composes(what, v, w, v, a, n, n, n);
  assert_orthonormal(what, v, n, n);
  assert_signs(v, n, n);
  for (int64_t i = 1; i < n; i++) ck_assert(w[i - 1] <= w[i]);
  ck_assert_int_eq(rp_eigh(w_only, NULL, a, n), RP_OK);
  ck_assert_int_eq(memcmp(w, w_only, (size_t)n * sizeof *w), 0);
  free(v);
  free(w_only);
}

START_TEST(eigh_by_hand)
{
  double w[2], v[4], one = -3.0;
  double a[] = { 2, 1, 1, 2 }, h = sqrt(0.5);
  check_eigh("2x2", w, a, 2);
  ck_assert_int_eq(rp_eigh(w, v, a, 2), RP_OK);
  assert_close("w", w, (double[]){ 1, 3 }, 2, 4 * EPS);
  ck_assert_double_eq_tol(v[1], h, 4 * EPS);
  ck_assert_double_eq_tol(v[3], h, 4 * EPS);
  ck_assert_int_eq(rp_eigh(w, v, &one, 1), RP_OK);
  ck_assert(w[0] == -3.0 && v[0] == 1.0);
  ck_assert_int_eq(rp_eigh(NULL, NULL, NULL, 0), RP_OK);
}
END_TEST

START_TEST(eigh_random)
{
  double *a = symmetric_matrix(1, 50), w[50];
  check_eigh("random", w, a, 50);
  assert_close("LAPACK", w, golden_eigenvalues, 50, 60 * EPS * 10);
  for (int64_t n = 1; n <= 40; n++) {
    double *b = symmetric_matrix(100 + (uint64_t)n, n);
    check_eigh("small", w, b, n);
    free(b);
  }
  free(a);
}
END_TEST

START_TEST(eigh_hilbert)
{
  double a[100], w[10];
  for (int i = 0; i < 100; i++) a[i] = 1.0 / (i / 10 + i % 10 + 1);
  check_eigh("Hilbert", w, a, 10);
  assert_close("60 digits", w, golden_hilbert, 10, 8 * EPS);
}
END_TEST

/* Wilkinson's W21+: its largest eigenvalues agree to 15 digits. */
START_TEST(eigh_wilkinson)
{
  double a[441] = { 0 }, w[21];
  for (int i = 0; i < 21; i++) {
    a[i * 22] = abs(i - 10);
    if (i < 20) a[i * 22 + 1] = a[i * 22 + 21] = 1.0;
  }
  check_eigh("W21+", w, a, 21);
  ck_assert_double_eq_tol(w[20], 10.746194182903393, 100 * EPS);
  ck_assert_double_eq_tol(w[19], 10.746194182903322, 100 * EPS);
}
END_TEST

/* Eigenvalues 1 (30 times), 2 (30 times) and 0 (40 times): Q diag Q^T with the Q of a random matrix. */
START_TEST(eigh_clustered)
{
  int64_t n = 100;
  double *f = random_matrix(9, n, n), *q = matrix(n, n), *r = matrix(n, n), *ql = matrix(n, n), want[100], w[100];
  ck_assert_int_eq(rp_qr(q, r, f, n, n), RP_OK);
  for (int64_t j = 0; j < n; j++) want[j] = j < 40 ? 0.0 : j < 70 ? 1.0 : 2.0;
  for (int64_t i = 0; i < n * n; i++) ql[i] = q[i] * want[i % n];
  double *a = product_transposed(ql, q, n, n, n);
  check_eigh("clusters", w, a, n);
  assert_close("clusters", w, want, n, 100 * EPS);
  free(f), free(q), free(r), free(ql), free(a);
}
END_TEST

START_TEST(eigh_extremes)
{
  double w[10], a[100] = { 0 };
  check_eigh("zero", w, a, 10);
  for (int i = 0; i < 10; i++) a[i * 11] = 1.0;
  check_eigh("identity", w, a, 10);
  for (int i = 0; i < 100; i++) a[i] = 1.0;
  check_eigh("ones", w, a, 10);
  for (int i = 0; i < 100; i++) a[i] = 0.0;
  for (int i = 0; i < 10; i++) a[i * 11] = pow(10.0, -20.0 * i);
  check_eigh("graded", w, a, 10);
  ck_assert(w[0] == a[99] && w[9] == 1.0);
  double *b = symmetric_matrix(10, 10), *c = matrix(10, 10), w_b[10];
  ck_assert_int_eq(rp_eigh(w_b, NULL, b, 10), RP_OK);
  for (int e = -1000; e <= 1000; e += 2000) { /* a power of two changes no digit */
    for (int i = 0; i < 100; i++) c[i] = ldexp(b[i], e);
    ck_assert_int_eq(rp_eigh(w, NULL, c, 10), RP_OK);
    for (int i = 0; i < 10; i++) ck_assert(w[i] == ldexp(w_b[i], e));
  }
  free(b), free(c);
}
END_TEST

/* Small blocks graded upwards, where the shift drowns unless what is small beside the whole matrix is let go. */
START_TEST(eigh_graded_upwards)
{
  const double d[8] = { 9e-211, 0.24, -8e-67, 3e-83, 8e-82, 0, -4e-225, 6e-237 };
  const double e[7] = { -0.72, -1e-65, -4e-65, 2e-82, -2e-97, -7e-225, 5e-237 };
  double a[64] = { 0 }, w[40];
  for (int i = 0; i < 8; i++) {
    a[i * 9] = d[i];
    if (i < 7) a[i * 9 + 1] = a[i * 9 + 8] = e[i];
  }
  check_eigh("graded blocks", w, a, 8);
  for (uint64_t seed = 400; seed < 450; seed++) { /* rows of every magnitude */
    double *b = symmetric_matrix(seed, 40);
    for (int64_t i = 0; i < 40; i++) {
      double scale = ldexp(1.0, (int)(900.0 * draw()) - 450);
      for (int64_t j = 0; j <= i; j++) b[i * 40 + j] = b[j * 40 + i] = b[i * 40 + j] * scale;
    }
    check_eigh("graded rows", w, b, 40);
    free(b);
  }
}
END_TEST

START_TEST(eigh_refuses)
{
  double a[4] = { 1, 2, 2, NAN }, w[2] = { 7, 7 }, v[4] = { 7, 7, 7, 7 };
  assert_fails(rp_eigh(w, v, a, 2), RP_ERANGE, "A(2,2) is nan");
  a[3] = -INFINITY;
  assert_fails(rp_eigh(w, v, a, 2), RP_ERANGE, "A(2,2) is -inf");
  a[3] = 1.0, a[1] = 2.1;
  assert_fails(rp_eigh(w, v, a, 2), RP_ERANGE, "not symmetric");
  assert_fails(rp_eigh(w, v, a, -1), RP_ESHAPE, "(-1x-1)");
  ck_assert(w[0] == 7 && w[1] == 7 && v[0] == 7 && v[3] == 7);
}
END_TEST

/* ---- QR ---- */

static void check_qr(const char *what, const double *a, int64_t m, int64_t n)
{
  int64_t k = m < n ? m : n;
  double *q = matrix(m, k), *r = matrix(k, n);
  ck_assert_int_eq(rp_qr(q, r, a, m, n), RP_OK);
  for (int64_t i = 0; i < k; i++) {
    ck_assert(r[i * n + i] >= 0.0);
    for (int64_t j = 0; j < i; j++) ck_assert(r[i * n + j] == 0.0);
  }
  double *rt = transposed(r, k, n), *back = product_transposed(q, rt, m, k, n);
  assert_close(what, back, a, m * n, 4.0 * EPS * (double)(m + n) * max_abs(a, m * n));
  assert_orthonormal(what, q, m, k);
  free(q), free(r), free(rt), free(back);
}

/* Entries of both signs and of any magnitude a double can have up to 2^1000, the subnormals among them. */
static void fill_with_extremes(double *a, int64_t n)
{
  draw_seed(302);
  for (int64_t i = 0; i < n; i++) a[i] = ldexp(2.0 * draw() - 1.0, (int)(2060.0 * draw()) - 1060);
}

/* The shapes and ranks every rectangular routine meets: full, wide, tall, deficient, zero, huge, tiny. */
static void for_matrices(void (*check)(const char *, const double *, int64_t, int64_t))
{
  static const int shapes[][2] = {
    { 1, 1 }, { 1, 5 }, { 5, 1 }, { 3, 2 }, { 2, 3 }, { 50, 50 }, { 70, 13 }, { 13, 70 }
  };
  for (int s = 0; s < LENGTH(shapes); s++) {
    int64_t m = shapes[s][0], n = shapes[s][1];
    double *a = random_matrix(200 + (uint64_t)s, m, n);
    check("random", a, m, n);
    for (int64_t i = 0; i < m * n; i++) a[i] *= 0x1p1000;
    check("huge", a, m, n);
    for (int64_t i = 0; i < m * n; i++) a[i] = a[i] * 0x1p-1000 * 0x1p-1000;
    check("tiny", a, m, n);
    for (int64_t i = 0; i < m * n; i++) a[i] = 1.0;
    check("ones", a, m, n);
    for (int64_t i = 0; i < m * n; i++) a[i] = 0.0;
    check("zero", a, m, n);
    fill_with_extremes(a, m * n);
    check("extremes", a, m, n);
    double *f = random_matrix(300, m, 2), *g = random_matrix(301, n, 2), *b = product_transposed(f, g, m, 2, n);
    check("rank 2", b, m, n);
    free(a), free(b), free(f), free(g);
  }
}

START_TEST(qr_holds)
{
  for_matrices(check_qr);
  ck_assert_int_eq(rp_qr(NULL, NULL, NULL, 0, 3), RP_OK);
}
END_TEST

START_TEST(qr_by_hand)
{
  double a[] = { 3, 1, -4, 2 }, q[4], r[4];
  ck_assert_int_eq(rp_qr(q, r, a, 2, 2), RP_OK);
  assert_close("Q", q, (double[]){ 0.6, 0.8, -0.8, 0.6 }, 4, 4 * EPS);
  assert_close("R", r, (double[]){ 5, -1, 0, 2 }, 4, 16 * EPS);
  a[2] = NAN;
  assert_fails(rp_qr(q, r, a, 2, 2), RP_ERANGE, "qr: A(2,1) is nan");
}
END_TEST

/* ---- Singular values ---- */

static void check_svd(const char *what, const double *a, int64_t m, int64_t n)
{
  int64_t k = m < n ? m : n;
  double *u = matrix(m, k), *s = matrix(k, 1), *v = matrix(n, k);
  ck_assert_int_eq(rp_svd(u, s, v, a, m, n), RP_OK);
  for (int64_t j = 0; j < k; j++) ck_assert(s[j] >= 0.0 && (j == 0 || s[j] <= s[j - 1]));
  assert_composes(what, u, s, v, a, m, n, k);
  assert_orthonormal(what, u, m, k);
  assert_orthonormal(what, v, n, k);
  assert_signs(v, n, k);
  free(u), free(s), free(v);
}

START_TEST(svd_holds)
{
  for_matrices(check_svd);
  ck_assert_int_eq(rp_svd(NULL, NULL, NULL, NULL, 0, 3), RP_OK);
}
END_TEST

START_TEST(svd_golden)
{
  double *a = random_matrix(2, 50, 30), u[1500], s[30], v[900], h[100], s_h[10], v_h[100];
  ck_assert_int_eq(rp_svd(u, s, v, a, 50, 30), RP_OK);
  assert_close("LAPACK", s, golden_singular_values, 30, 40 * EPS * s[0]);
  for (int i = 0; i < 100; i++) h[i] = 1.0 / (i / 10 + i % 10 + 1);
  ck_assert_int_eq(rp_svd(u, s_h, v_h, h, 10, 10), RP_OK);
  for (int i = 0; i < 10; i++) ck_assert_double_eq_tol(s_h[i], golden_hilbert[9 - i], 8 * EPS);
  free(a);
}
END_TEST

/* One-sided Jacobi finds the small singular values of a graded matrix to full relative precision. */
START_TEST(svd_graded)
{
  double a[9] = { 1, 1e-20, 0, 1e-20, 1e-40, 2e-60, 0, 0, 3e-80 }, u[9], s[3], v[9];
  a[4] = 3e-40;
  ck_assert_int_eq(rp_svd(u, s, v, a, 3, 3), RP_OK);
  ck_assert_double_eq_tol(s[0], 1.0, 4 * EPS);
  ck_assert_double_eq_tol(s[1] / 2e-40, 1.0, 8 * EPS);
  ck_assert_double_eq_tol(s[2] / 3e-80, 1.0, 8 * EPS);
}
END_TEST

START_TEST(svd_refuses)
{
  double a[2] = { 1, INFINITY }, u[2] = { 7, 7 }, s[1] = { 7 }, v[2] = { 7, 7 };
  assert_fails(rp_svd(u, s, v, a, 2, 1), RP_ERANGE, "svd: A(2,1) is inf");
  assert_fails(rp_svd(u, s, v, a, 2, -1), RP_ESHAPE, "svd");
  ck_assert(u[0] == 7 && s[0] == 7 && v[0] == 7);
}
END_TEST

/* ---- Cholesky, systems, least squares ---- */

START_TEST(cholesky_holds)
{
  for (int64_t n = 0; n <= 30; n += 5) {
    double *a = gram_matrix(20 + (uint64_t)n, n, n + 3), *l = matrix(n, n);
    ck_assert_int_eq(rp_cholesky(l, a, n), RP_OK);
    for (int64_t i = 0; i < n; i++) {
      ck_assert(l[i * n + i] > 0.0);
      for (int64_t j = i + 1; j < n; j++) ck_assert(l[i * n + j] == 0.0);
    }
    double *back = product_transposed(l, l, n, n, n);
    assert_close("L L^T", back, a, n * n, 8 * EPS * max_abs(a, n * n));
    free(a), free(l), free(back);
  }
}
END_TEST

START_TEST(cholesky_refuses)
{
  double a[9] = { 4, 0, 0, 2, 1, 0, 0, 0, 5 }, l[9] = { 7 };
  assert_fails(rp_cholesky(l, a, 3), RP_ERANGE, "pivot 2 of 3 is 0");
  a[4] = 0.5;
  assert_fails(rp_cholesky(l, a, 3), RP_ERANGE, "pivot 2 of 3 is -0.5");
  ck_assert(l[0] == 7);
  a[4] = 10.0, a[5] = 99.0; /* the upper triangle is not read */
  ck_assert_int_eq(rp_cholesky(l, a, 3), RP_OK);
  assert_close("L", l, (double[]){ 2, 0, 0, 1, 3, 0, 0, 0, sqrt(5) }, 9, 0.0);
}
END_TEST

START_TEST(solve_golden)
{
  double *a = random_matrix(3, 50, 50), *b = random_matrix(4, 50, 2), x[100], *inverse = matrix(50, 50);
  double det, sign, log_abs;
  ck_assert_int_eq(rp_solve(x, a, b, 50, 2), RP_OK);
  assert_close("LAPACK", x, golden_solution, 100, 1e-12 * max_abs(x, 100));
  ck_assert_int_eq(rp_inverse(inverse, a, 50), RP_OK);
  double *it = transposed(inverse, 50, 50), *one = product_transposed(a, it, 50, 50, 50);
  for (int i = 0; i < 50; i++) one[i * 51] -= 1.0;
  ck_assert(max_abs(one, 2500) < 1e-12);
  ck_assert_int_eq(rp_det(&det, a, 50), RP_OK);
  ck_assert_int_eq(rp_logdet(&sign, &log_abs, a, 50), RP_OK);
  ck_assert_double_eq_tol(det / golden_determinant[0], 1.0, 1e-12);
  ck_assert(sign == golden_determinant[1]);
  ck_assert_double_eq_tol(log_abs, golden_determinant[2], 1e-12);
  free(a), free(b), free(inverse), free(it), free(one);
}
END_TEST

START_TEST(solve_by_hand)
{
  double a[] = { 0, 2, 1, 3 }, b[] = { 4, 7 }, x[2], det, sign, log_abs;
  ck_assert_int_eq(rp_solve(x, a, b, 2, 1), RP_OK);
  ck_assert(x[0] == 1.0 && x[1] == 2.0);
  ck_assert_int_eq(rp_det(&det, a, 2), RP_OK);
  ck_assert(det == -2.0);
  double tiny[] = { 1e-300, 0, 0, 1e300 };
  ck_assert_int_eq(rp_solve(x, tiny, b, 2, 1), RP_OK);
  ck_assert_double_eq_tol(x[0] / 4e300, 1.0, 4 * EPS);
  double *d = matrix(100, 100);
  for (int i = 0; i < 100; i++) d[i * 101] = i % 2 ? 1e200 : -1e200;
  ck_assert_int_eq(rp_logdet(&sign, &log_abs, d, 100), RP_OK);
  ck_assert(sign == 1.0);
  ck_assert_double_eq_tol(log_abs, 46051.70185988092, 1e-10);
  ck_assert_int_eq(rp_det(&det, d, 100), RP_OK);
  ck_assert(det == INFINITY);
  ck_assert_int_eq(rp_det(&det, NULL, 0), RP_OK);
  ck_assert(det == 1.0);
  ck_assert_int_eq(rp_logdet(&sign, &log_abs, NULL, 0), RP_OK);
  ck_assert(sign == 1.0 && log_abs == 0.0);
  free(d);
}
END_TEST

START_TEST(solve_refuses)
{
  double a[] = { 1, 2, 2, 4 }, b[] = { 1, 1 }, x[4] = { 7, 7, 7, 7 }, det, sign, log_abs;
  assert_fails(rp_solve(x, a, b, 2, 1), RP_ERANGE, "solve: A (2x2) is singular: pivot 2 is 0");
  assert_fails(rp_inverse(x, a, 2), RP_ERANGE, "inverse: A (2x2) is singular");
  ck_assert(x[0] == 7 && x[3] == 7);
  ck_assert_int_eq(rp_det(&det, a, 2), RP_OK);
  ck_assert_int_eq(rp_logdet(&sign, &log_abs, a, 2), RP_OK);
  ck_assert(det == 0.0 && sign == 0.0 && log_abs == -INFINITY);
  b[1] = NAN;
  assert_fails(rp_solve(x, a, b, 2, 1), RP_ERANGE, "B(2,1) is nan");
  double small[] = { 1e-300 }, big[] = { 1e300 };
  assert_fails(rp_solve(x, small, big, 1, 1), RP_ERANGE, "overflows");
}
END_TEST

START_TEST(least_squares)
{
  double *a = random_matrix(5, 50, 12), *b = random_matrix(6, 50, 2), x[24];
  ck_assert_int_eq(rp_lstsq(x, a, b, 50, 12, 2), RP_OK);
  assert_close("LAPACK", x, golden_least_squares, 24, 64 * EPS);
  for (int i = 0; i < 50; i++) a[i * 12 + 7] = a[i * 12 + 2] - 3.0 * a[i * 12 + 5];
  x[0] = 7;
  assert_fails(rp_lstsq(x, a, b, 50, 12, 2), RP_ERANGE, "column 8 of A depends");
  assert_fails(rp_lstsq(x, a, b, 3, 12, 2), RP_ESHAPE, "fewer equations");
  ck_assert(x[0] == 7);
  free(a), free(b);
}
END_TEST

/* ---- Square roots ---- */

START_TEST(sqrtm_golden)
{
  double *a = gram_matrix(7, 20, 40), s[400];
  ck_assert_int_eq(rp_sqrtm(s, a, 20), RP_OK);
  assert_close("SciPy", s, golden_root, 20, 1e-13);
  for (int i = 0; i < 400; i++) ck_assert(s[i] == s[i % 20 * 20 + i / 20]);
  double *back = product_transposed(s, s, 20, 20, 20);
  assert_close("S S", back, a, 400, 64 * EPS * max_abs(a, 400));
  free(a), free(back);
}
END_TEST

START_TEST(sqrtm_semidefinite)
{
  double *a = gram_matrix(40, 30, 5), *s = matrix(30, 30);
  ck_assert_int_eq(rp_sqrtm(s, a, 30), RP_OK);
  double *back = product_transposed(s, s, 30, 30, 30);
  assert_close("rank 5 of 30", back, a, 900, 64 * EPS * max_abs(a, 900));
  double noise[4] = { 1, 0, 0, -1e-7 }, negative[4] = { 1, 0, 0, -1e-5 }, r[4];
  ck_assert_int_eq(rp_sqrtm(r, noise, 2), RP_OK);
  ck_assert(r[0] == 1.0 && r[3] == 0.0);
  r[0] = 7;
  assert_fails(rp_sqrtm(r, negative, 2), RP_ERANGE, "not positive semidefinite");
  negative[1] = 1.0;
  assert_fails(rp_sqrtm(r, negative, 2), RP_ERANGE, "sqrtm: A is not symmetric");
  ck_assert(r[0] == 7);
  free(a), free(s), free(back);
}
END_TEST

START_TEST(trace_golden)
{
  double *a = gram_matrix(7, 20, 40), *b = gram_matrix(8, 20, 40), *c = gram_matrix(41, 60, 20), t, sum = 0.0;
  ck_assert_int_eq(rp_trace_sqrt_product(&t, a, b, 20), RP_OK);
  ck_assert_double_eq_tol(t / golden_trace[0], 1.0, 1e-13);
  for (int i = 0; i < 60; i++) sum += c[i * 61];
  ck_assert_int_eq(rp_trace_sqrt_product(&t, c, c, 60), RP_OK); /* A = B, of rank 20: the trace of A */
  ck_assert_double_eq_tol(t / sum, 1.0, 1e-13);
  a[0] = -5.0;
  assert_fails(rp_trace_sqrt_product(&t, a, b, 20), RP_ERANGE, "A is not positive semidefinite");
  assert_fails(rp_trace_sqrt_product(&t, b, a, 20), RP_ERANGE, "is not positive semidefinite");
  free(a), free(b), free(c);
}
END_TEST

Suite *linalg_suite(void)
{
  Suite *suite = suite_create("linalg");
  ADD(suite, "eigh", eigh_by_hand, eigh_random, eigh_hilbert, eigh_wilkinson, eigh_clustered, eigh_extremes,
      eigh_graded_upwards, eigh_refuses);
  ADD(suite, "qr", qr_holds, qr_by_hand);
  ADD(suite, "svd", svd_holds, svd_golden, svd_graded, svd_refuses);
  ADD(suite, "systems", cholesky_holds, cholesky_refuses, solve_golden, solve_by_hand, solve_refuses, least_squares);
  ADD(suite, "square roots", sqrtm_golden, sqrtm_semidefinite, trace_golden);
  return suite;
}
