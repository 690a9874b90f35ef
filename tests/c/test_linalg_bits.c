/* test_linalg_bits.c: every routine of linalg.h gives the pinned bits, for any number of threads, and survives the
 * failure of each of its allocations. */
#include "linalg_cases.h"

#include "base/memory.h"
#include "base/pool.h"

/* FNV-1a over the bit patterns, low byte first on every machine. */
static uint64_t hash_doubles(uint64_t h, const double *x, int64_t n)
{
  for (int64_t i = 0; i < n; i++) {
    uint64_t bits;
    memcpy(&bits, x + i, sizeof bits);
    for (int b = 0; b < 64; b += 8) h = (h ^ (bits >> b & 255)) * 0x100000001b3u;
  }
  return h;
}

#define HASH_START 0xcbf29ce484222325u

/* One routine on one fixed problem, its outputs hashed; RP_OK unless memory failed. */
typedef struct problem {
  const char *name;
  rp_status (*run)(uint64_t *hash);
  uint64_t    hash; /* pinned: the same on every machine, compiler and thread count */
} problem;

/* Large enough for several slices and several lists of rotations. */
static rp_status run_eigh(uint64_t *hash)
{
  double *a = symmetric_matrix(60, 150), *w = matrix(150, 1), *v = matrix(150, 150);
  rp_status status = rp_eigh(w, v, a, 150);
  *hash = hash_doubles(hash_doubles(HASH_START, w, 150), v, 22500);
  free(a), free(w), free(v);
  return status;
}

static rp_status run_qr(uint64_t *hash)
{
  double *a = random_matrix(61, 40, 30), *q = matrix(40, 30), *r = matrix(30, 30);
  rp_status status = rp_qr(q, r, a, 40, 30);
  *hash = hash_doubles(hash_doubles(HASH_START, q, 1200), r, 900);
  free(a), free(q), free(r);
  return status;
}

static rp_status run_svd(uint64_t *hash)
{
  double *a = random_matrix(62, 25, 40), *u = matrix(25, 25), *s = matrix(25, 1), *v = matrix(40, 25);
  rp_status status = rp_svd(u, s, v, a, 25, 40);
  *hash = hash_doubles(hash_doubles(hash_doubles(HASH_START, u, 625), s, 25), v, 1000);
  free(a), free(u), free(s), free(v);
  return status;
}

static rp_status run_cholesky(uint64_t *hash)
{
  double *a = gram_matrix(63, 30, 40), *l = matrix(30, 30);
  rp_status status = rp_cholesky(l, a, 30);
  *hash = hash_doubles(HASH_START, l, 900);
  free(a), free(l);
  return status;
}

static rp_status run_solve(uint64_t *hash)
{
  double *a = random_matrix(64, 30, 30), *b = random_matrix(65, 30, 3), *x = matrix(30, 3);
  rp_status status = rp_solve(x, a, b, 30, 3);
  *hash = hash_doubles(HASH_START, x, 90);
  free(a), free(b), free(x);
  return status;
}

static rp_status run_inverse(uint64_t *hash)
{
  double *a = random_matrix(64, 30, 30), *x = matrix(30, 30);
  rp_status status = rp_inverse(x, a, 30);
  *hash = hash_doubles(HASH_START, x, 900);
  free(a), free(x);
  return status;
}

static rp_status run_det(uint64_t *hash)
{
  double *a = random_matrix(66, 30, 30), det[3] = { 0 };
  rp_status status = rp_det(&det[0], a, 30);
  if (status == RP_OK) status = rp_logdet(&det[1], &det[2], a, 30);
  *hash = hash_doubles(HASH_START, det, 3);
  free(a);
  return status;
}

static rp_status run_lstsq(uint64_t *hash)
{
  double *a = random_matrix(67, 40, 10), *b = random_matrix(68, 40, 2), *x = matrix(10, 2);
  rp_status status = rp_lstsq(x, a, b, 40, 10, 2);
  *hash = hash_doubles(HASH_START, x, 20);
  free(a), free(b), free(x);
  return status;
}

static rp_status run_sqrtm(uint64_t *hash)
{
  double *a = gram_matrix(69, 30, 20), *s = matrix(30, 30);
  rp_status status = rp_sqrtm(s, a, 30);
  *hash = hash_doubles(HASH_START, s, 900);
  free(a), free(s);
  return status;
}

static rp_status run_trace(uint64_t *hash)
{
  double *a = gram_matrix(70, 30, 20), *b = gram_matrix(71, 30, 40), t = 0.0;
  rp_status status = rp_trace_sqrt_product(&t, a, b, 30);
  *hash = hash_doubles(HASH_START, &t, 1);
  free(a), free(b);
  return status;
}

static rp_status run_assignment(uint64_t *hash)
{
  double *c = random_matrix(72, 30, 20), out[31] = { 0 };
  int64_t col[30] = { 0 };
  rp_status status = rp_assignment(col, &out[30], c, 30, 20);
  for (int i = 0; i < 30; i++) out[i] = (double)col[i];
  *hash = hash_doubles(HASH_START, out, 31);
  free(c);
  return status;
}

/* Enough points for several threads. */
static rp_status run_kmeans(uint64_t *hash)
{
  double *x = random_matrix(73, 4000, 5), *out = matrix(40, 1), inertia = 0.0;
  int32_t labels[4000] = { 0 };
  rp_kmeans_options options = { .seed = 5, .stream = 1, .n_init = 4, .max_iter = 100, .tol = 0.0 };
  rp_status status = rp_kmeans(out, labels, &inertia, x, 4000, 5, 8, &options);
  *hash = hash_doubles(hash_doubles(HASH_START, out, 40), &inertia, 1);
  for (int i = 0; i < 4000; i++) *hash = (*hash ^ (uint64_t)labels[i]) * 0x100000001b3u;
  free(x), free(out);
  return status;
}

static rp_status run_special(uint64_t *hash)
{
  static double (*const functions[])(double) = { rp_ei, rp_e1, rp_erfc, rp_erfinv, rp_lgamma, rp_digamma };
  *hash = HASH_START;
  draw_seed(74);
  for (int i = 0; i < 3000; i++) {
    double x = 2.0 * draw() - 1.0, y = functions[i % 6](i % 6 == 3 ? x : x * ldexp(1.0, i % 10));
    *hash = hash_doubles(*hash, &y, 1);
  }
  return RP_OK;
}

static const problem problems[] = {
  { "eigh", run_eigh, 0xae3ec87403c09900 },
  { "qr", run_qr, 0x4409280fba70cfee },
  { "svd", run_svd, 0xcba9ddef078f0b7a },
  { "cholesky", run_cholesky, 0x6016d370702b9502 },
  { "solve", run_solve, 0xccb3a664317d0a32 },
  { "inverse", run_inverse, 0x107505e9e36515f8 },
  { "det and logdet", run_det, 0xfe01ce3f31720e1b },
  { "lstsq", run_lstsq, 0x3bd8ac6ba7e76020 },
  { "sqrtm", run_sqrtm, 0x0972272be10bffc9 },
  { "trace_sqrt_product", run_trace, 0x5078c2d88fb28a30 },
  { "assignment", run_assignment, 0xcd8e3079d1ecfea1 },
  { "kmeans", run_kmeans, 0x8dc20c6ad0ed5fa7 },
  { "special functions", run_special, 0x01d90de831ffedef },
};

START_TEST(bits_are_pinned)
{
  const problem *p = &problems[_i];
  int before = rp_threads();
  for (int threads = 1; threads <= 7; threads += threads == 3 ? 4 : 1) {
    uint64_t hash;
    rp_threads_set(threads);
    ck_assert_int_eq(p->run(&hash), RP_OK);
    ck_assert_msg(hash == p->hash, "%s, %d threads: 0x%016llx, pinned 0x%016llx", p->name, threads,
                  (unsigned long long)hash, (unsigned long long)p->hash);
  }
  rp_threads_set(before);
}
END_TEST

/* Each allocation fails in turn: the routine reports it, nothing leaks, and in the end it succeeds. */
START_TEST(memory_may_fail)
{
  const problem *p = &problems[_i];
  uint64_t hash;
  ck_assert_int_eq(p->run(&hash), RP_OK); /* whatever the thread pool keeps is now there */
  size_t live = rp_memory_now().live;
  for (int64_t k = 1;; k++) {
    ck_assert_msg(k < 100, "%s: still failing at allocation %d", p->name, (int)k);
    rp_memory_fail_at(k);
    rp_status status = p->run(&hash);
    rp_memory_fail_at(0);
    ck_assert_msg(rp_memory_now().live == live, "%s leaks when allocation %d fails", p->name, (int)k);
    if (status == RP_OK) break;
    ck_assert_int_eq(status, RP_ENOMEM);
  }
  ck_assert(hash == p->hash);
}
END_TEST

Suite *linalg_bits_suite(void)
{
  Suite *suite = suite_create("linalg_bits");
  TCase *cases = tcase_create("bits and memory");
  tcase_set_timeout(cases, 60);
  tcase_add_loop_test(cases, bits_are_pinned, 0, LENGTH(problems));
  tcase_add_loop_test(cases, memory_may_fail, 0, LENGTH(problems));
  suite_add_tcase(suite, cases);
  return suite;
}
