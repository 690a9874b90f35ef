/* test_analysis.c: assignment, k-means and special functions against SciPy and mpmath.
 *
 * Reference values: tests/golden/linalg_reference.py. */
#include "linalg_cases.h"

#include "base/pool.h"
#include "../golden/linalg.h"

/* ---- Assignment ---- */

/* Distinct columns, as many as fit, and their entries add up to cost. */
static void assert_assigns(const int64_t *col, double cost, const double *c, int64_t m, int64_t n)
{
  double sum = 0.0;
  int64_t taken = 0;
  for (int64_t i = 0; i < m; i++) {
    if (col[i] < 0) continue;
    ck_assert(col[i] < n);
    for (int64_t k = 0; k < i; k++) ck_assert(col[k] != col[i]);
    sum += c[i * n + col[i]];
    taken++;
  }
  ck_assert_int_eq(taken, m < n ? m : n);
  ck_assert(sum == cost);
}

START_TEST(assignment_golden)
{
  double c[144], cost;
  int64_t col[12];
  for (int test = 0; test < 200; test++) {
    draw_seed(1000 + (uint64_t)test);
    int64_t m = 1 + (int64_t)(12 * draw()), n = 1 + (int64_t)(12 * draw());
    if (test % 4 == 0) n = m;
    for (int64_t i = 0; i < m * n; i++) {
      c[i] = (test % 2 ? 3.0 : 1000.0) * (2.0 * draw() - 1.0);
      if (test % 2) c[i] = floor(c[i]);
    }
    ck_assert_int_eq(rp_assignment(col, &cost, c, m, n), RP_OK);
    assert_assigns(col, cost, c, m, n);
    ck_assert_msg(fabs(cost - golden_costs[test]) <= 1e-10, "case %d: %.17g, SciPy %.17g", test, cost,
                  golden_costs[test]);
  }
}
END_TEST

START_TEST(assignment_ties)
{
  double c[12] = { 0 }, cost;
  int64_t col[4];
  ck_assert_int_eq(rp_assignment(col, &cost, c, 3, 4), RP_OK);
  ck_assert(cost == 0.0 && col[0] == 0 && col[1] == 1 && col[2] == 2);
  ck_assert_int_eq(rp_assignment(col, NULL, c, 4, 3), RP_OK);
  ck_assert(col[0] == 0 && col[1] == 1 && col[2] == 2 && col[3] == -1);
  ck_assert_int_eq(rp_assignment(col, &cost, NULL, 0, 3), RP_OK);
  ck_assert(cost == 0.0);
  ck_assert_int_eq(rp_assignment(col, &cost, NULL, 2, 0), RP_OK);
  ck_assert(cost == 0.0 && col[0] == -1 && col[1] == -1);
}
END_TEST

START_TEST(assignment_forbidden)
{
  const double no = INFINITY;
  double c[9] = { 1, no, no, 2, 5, no, 3, 4, 9 }, cost;
  int64_t col[3] = { 7, 7, 7 };
  ck_assert_int_eq(rp_assignment(col, &cost, c, 3, 3), RP_OK);
  ck_assert(cost == 15.0 && col[0] == 0 && col[1] == 1 && col[2] == 2);
  c[4] = no;
  col[0] = 7;
  assert_fails(rp_assignment(col, &cost, c, 3, 3), RP_ERANGE, "no complete assignment");
  c[4] = NAN;
  assert_fails(rp_assignment(col, &cost, c, 3, 3), RP_ERANGE, "C(2,2) is nan");
  c[4] = -no;
  assert_fails(rp_assignment(col, &cost, c, 3, 3), RP_ERANGE, "C(2,2) is -inf");
  c[4] = 1e308;
  assert_fails(rp_assignment(col, &cost, c, 3, 3), RP_ERANGE, "overflow");
  ck_assert(col[0] == 7);
}
END_TEST

/* ---- k-means ---- */

static const rp_kmeans_options plain = { .seed = 5, .stream = 1, .n_init = 4, .max_iter = 100, .tol = 0.0 };

/* 4 tight groups of 25 points around the corners of a square of side 10. */
static double *four_groups(void)
{
  double *x = random_matrix(50, 100, 2);
  for (int i = 0; i < 100; i++) {
    x[2 * i] = 0.5 * x[2 * i] + (i % 2 ? 10.0 : 0.0);
    x[2 * i + 1] = 0.5 * x[2 * i + 1] + (i % 4 / 2 ? 10.0 : 0.0);
  }
  return x;
}

START_TEST(kmeans_separates)
{
  double *x = four_groups(), centres[8], inertia, sum = 0.0;
  int32_t labels[100];
  ck_assert_int_eq(rp_kmeans(centres, labels, &inertia, x, 100, 2, 4, &plain), RP_OK);
  for (int i = 0; i < 100; i++) {
    ck_assert_int_eq(labels[i], labels[i % 4]);
    const double *c = centres + 2 * labels[i];
    sum += (x[2 * i] - c[0]) * (x[2 * i] - c[0]) + (x[2 * i + 1] - c[1]) * (x[2 * i + 1] - c[1]);
  }
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < i; j++) ck_assert(labels[i] != labels[j]);
  ck_assert_double_eq_tol(inertia / sum, 1.0, 100 * EPS);
  for (int l = 0; l < 4; l++) { /* each centre is the mean of its points */
    double mean = 0.0;
    for (int i = 0; i < 100; i++) mean += labels[i] == l ? x[2 * i] / 25.0 : 0.0;
    ck_assert_double_eq_tol(centres[2 * l], mean, 1e-13);
  }
  free(x);
}
END_TEST

START_TEST(kmeans_repeats)
{
  double *x = random_matrix(51, 3000, 7), a[70], b[70], inertia_a, inertia_b, one, more;
  int32_t labels_a[3000], labels_b[3000];
  int before = rp_threads();
  for (int threads = 1; threads <= 3; threads++) {
    rp_threads_set(threads);
    ck_assert_int_eq(rp_kmeans(threads == 1 ? a : b, threads == 1 ? labels_a : labels_b,
                               threads == 1 ? &inertia_a : &inertia_b, x, 3000, 7, 10, &plain), RP_OK);
    if (threads == 1) continue;
    ck_assert(memcmp(a, b, sizeof a) == 0 && memcmp(labels_a, labels_b, sizeof labels_a) == 0);
    ck_assert(inertia_a == inertia_b);
  }
  rp_threads_set(before);
  rp_kmeans_options o = plain;
  o.n_init = 1;
  ck_assert_int_eq(rp_kmeans(a, labels_a, &one, x, 3000, 7, 10, &o), RP_OK);
  o.n_init = 20;
  ck_assert_int_eq(rp_kmeans(a, labels_a, &more, x, 3000, 7, 10, &o), RP_OK);
  ck_assert(more <= inertia_b && inertia_b <= one);
  o.seed = 6, o.n_init = 1;
  ck_assert_int_eq(rp_kmeans(a, labels_a, &more, x, 3000, 7, 10, &o), RP_OK);
  ck_assert(more != one);
  free(x);
}
END_TEST

START_TEST(kmeans_degenerate)
{
  double x[] = { 0, 0, 1, 1, 1 }, centres[5], inertia;
  int32_t labels[5];
  ck_assert_int_eq(rp_kmeans(centres, labels, &inertia, x, 5, 1, 4, &plain), RP_OK); /* two distinct points, k = 4 */
  ck_assert(inertia == 0.0 && labels[0] == labels[1] && labels[2] == labels[4] && labels[0] != labels[2]);
  ck_assert_int_eq(rp_kmeans(centres, labels, &inertia, x, 5, 1, 1, &plain), RP_OK);
  ck_assert_double_eq_tol(centres[0], 0.6, 2 * EPS);
  ck_assert_double_eq_tol(inertia, 1.2, 4 * EPS);
  ck_assert_int_eq(rp_kmeans(centres, labels, NULL, x, 5, 1, 5, &plain), RP_OK);
  centres[0] = 7;
  assert_fails(rp_kmeans(centres, labels, NULL, x, 5, 1, 6, &plain), RP_ERANGE, "6 clusters of 5 points");
  assert_fails(rp_kmeans(centres, labels, NULL, x, 5, 1, 0, &plain), RP_ERANGE, "0 clusters");
  rp_kmeans_options o = plain;
  o.n_init = 0;
  assert_fails(rp_kmeans(centres, labels, NULL, x, 5, 1, 2, &o), RP_ERANGE, "n_init 0");
  o = plain, o.tol = -1.0;
  assert_fails(rp_kmeans(centres, labels, NULL, x, 5, 1, 2, &o), RP_ERANGE, "tol -1");
  x[3] = NAN;
  assert_fails(rp_kmeans(centres, labels, NULL, x, 5, 1, 2, &plain), RP_ERANGE, "X(4,1) is nan");
  x[3] = 1e200;
  assert_fails(rp_kmeans(centres, labels, NULL, x, 5, 1, 2, &plain), RP_ERANGE, "overflow");
  ck_assert(centres[0] == 7);
}
END_TEST

/* ---- Special functions ---- */

/* Largest relative error over pairs x, f(x). */
static void assert_function(const char *name, double (*f)(double), const double *pairs, int n, double eps_allowed)
{
  for (int i = 0; i < n; i += 2) {
    double got = f(pairs[i]), want = pairs[i + 1], error = fabs(got - want) / fabs(want);
    if (got == want) continue;
    ck_assert_msg(error <= eps_allowed * EPS, "%s(%.17g) = %.17g, should be %.17g: off by %.3g eps", name, pairs[i],
                  got, want, error / EPS);
  }
}

#define ASSERT_FUNCTION(f, table, eps_allowed) assert_function(#f, f, table, LENGTH(table), eps_allowed)

START_TEST(special_golden)
{
  ASSERT_FUNCTION(rp_ei, golden_ei, 12);
  ASSERT_FUNCTION(rp_e1, golden_e1, 4);
  ASSERT_FUNCTION(rp_erf, golden_erf, 4);
  ASSERT_FUNCTION(rp_erfc, golden_erfc, 4);
  ASSERT_FUNCTION(rp_erfinv, golden_erfinv, 4);
  ASSERT_FUNCTION(rp_lgamma, golden_lgamma, 4);
  ASSERT_FUNCTION(rp_digamma, golden_digamma, 24);
}
END_TEST

/* Below 0 both functions have zeros between any two poles; the error is absolute there. */
START_TEST(special_below_zero)
{
  for (int i = 0; i < LENGTH(golden_lgamma_negative); i += 2) {
    double x = golden_lgamma_negative[i], want = golden_lgamma_negative[i + 1];
    double scale = fmax(fmax(1.0, fabs(want)), fabs(log(fabs(x * sin(3.14159265358979 * x)))));
    ck_assert_msg(fabs(rp_lgamma(x) - want) <= 8 * EPS * scale, "lgamma(%.17g) = %.17g, should be %.17g", x,
                  rp_lgamma(x), want);
  }
  for (int i = 0; i < LENGTH(golden_digamma_negative); i += 2) {
    double x = golden_digamma_negative[i], want = golden_digamma_negative[i + 1];
    double scale = fmax(fmax(1.0, fabs(want)), fabs(3.14 / tan(3.14159265358979 * x)));
    ck_assert_msg(fabs(rp_digamma(x) - want) <= 8 * EPS * scale, "digamma(%.17g) = %.17g, should be %.17g", x,
                  rp_digamma(x), want);
  }
}
END_TEST

START_TEST(special_edges)
{
  ck_assert(rp_ei(0.0) == -INFINITY && rp_ei(INFINITY) == INFINITY && rp_ei(717.0) == INFINITY);
  ck_assert(rp_ei(-INFINITY) == 0.0 && signbit(rp_ei(-INFINITY)) && isnan(rp_ei(NAN)) && isfinite(rp_ei(716.3)));
  ck_assert(rp_e1(0.0) == INFINITY && rp_e1(INFINITY) == 0.0 && isnan(rp_e1(-1.0)) && isnan(rp_e1(NAN)));
  ck_assert(rp_erfc(INFINITY) == 0.0 && rp_erfc(-INFINITY) == 2.0 && isnan(rp_erfc(NAN)));
  ck_assert(rp_erfinv(1.0) == INFINITY && rp_erfinv(-1.0) == -INFINITY);
  ck_assert(isnan(rp_erfinv(1.5)) && isnan(rp_erfinv(NAN)));
  ck_assert(rp_erfinv(0.0) == 0.0 && signbit(rp_erfinv(-0.0)) && rp_erfinv(-0.3) == -rp_erfinv(0.3));
  ck_assert(rp_lgamma(1.0) == 0.0 && rp_lgamma(2.0) == 0.0 && rp_lgamma(0.0) == INFINITY);
  ck_assert(rp_lgamma(-3.0) == INFINITY && rp_lgamma(INFINITY) == INFINITY && rp_lgamma(-INFINITY) == INFINITY);
  ck_assert(rp_lgamma(2.6e305) == INFINITY && isfinite(rp_lgamma(2.5e305)) && isnan(rp_lgamma(NAN)));
  ck_assert(rp_digamma(0.0) == -INFINITY && rp_digamma(-0.0) == INFINITY && isnan(rp_digamma(-2.0)));
  ck_assert(rp_digamma(INFINITY) == INFINITY && isnan(rp_digamma(-INFINITY)) && isnan(rp_digamma(NAN)));
}
END_TEST

Suite *analysis_suite(void)
{
  Suite *suite = suite_create("analysis");
  ADD(suite, "assignment", assignment_golden, assignment_ties, assignment_forbidden);
  ADD(suite, "kmeans", kmeans_separates, kmeans_repeats, kmeans_degenerate);
  ADD(suite, "special", special_golden, special_below_zero, special_edges);
  return suite;
}
