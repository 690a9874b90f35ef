/* test_matmul.c: matrix products and convolutions, bit for bit against their definitions, for every instruction set
 * that this machine runs and for one to three threads; and against sums in double precision. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "base/pool.h"
#include "kernel/device.h"

static uint64_t drawn;
static double   draw(void) { return rp_philox(7, 0, drawn++).word[0] / 4294967296.0; }
static int64_t  pick(int64_t n) { return (int64_t)(draw() * (double)n); } /* 0 .. n-1 */

static int64_t product(const int64_t *n) { return n[0] * n[1] * n[2]; }
static void    digits(const int64_t *n, int64_t i, int64_t *d) { d[0] = i / n[2] / n[1]; d[1] = i / n[2] % n[1]; d[2] = i % n[2]; }

/* The output pixel that reaches input pixel r through kernel position q, or -1. */
static int64_t reached_from(const rp_conv *c, int64_t r, int64_t q)
{
  int64_t rd[3], qd[3], p[3];
  digits(c->in, r, rd);
  digits(c->kernel, q, qd);
  for (int d = 0; d < 3; d++) {
    int64_t n = rd[d] + c->padding[d] - c->dilation[d] * qd[d];
    p[d] = n / c->stride[d];
    if (n < 0 || n % c->stride[d] || p[d] >= c->out[d]) return -1;
  }
  return (p[0] * c->out[1] + p[1]) * c->out[2] + p[2];
}

#define BODY "../tests/c/product_reference.h"
#include "kernel/both_floats.h"

/* ---- every instruction set, every number of threads ---- */

typedef struct way { char isa[16]; int threads; } way;

/* Way i, chosen; false when there are no more. */
static bool choose_way(int i, way *w)
{
  const char *list = rp_device_list();
  w->threads = 1 + i % 3;
  for (int skip = i / 3; *list; skip--) {
    size_t n = strcspn(list, " ");
    if (skip == 0) {
      ck_assert(n < sizeof w->isa);
      memcpy(w->isa, list, n);
      w->isa[n] = 0;
      ck_assert_int_eq(rp_device_choose(w->isa), RP_OK);
      rp_threads_set(w->threads);
      return true;
    }
    list += n + strspn(list + n, " ");
  }
  rp_device_choose(NULL);
  rp_threads_set(0);
  return false;
}

static void *block(int64_t n, bool f32, bool special)
{
  void *p = malloc((size_t)(n > 0 ? n : 1) * (f32 ? 4 : 8));
  ck_assert_ptr_nonnull(p);
  if (f32) fill_f32(p, n, special);
  else     fill_f64(p, n, special);
  return p;
}

static int64_t difference(const void *a, const void *b, int64_t n, bool f32)
{
  return f32 ? difference_f32(a, b, n) : difference_f64(a, b, n);
}

/* ---- matrix products ---- */

/* How a (rows x cols) matrix may lie: row-major, column-major, every second element, one row again and again, one column
 * again and again, backwards, with longer rows. */
typedef struct layout { int64_t row, col, size, start; } layout;

static layout lay(int how, int64_t rows, int64_t cols)
{
  layout l = { 0, 0, 0, 0 };
  switch (how) {
    case 0:  l.row = cols;         l.col = 1;    break;
    case 1:  l.row = 1;            l.col = rows; break;
    case 2:  l.row = 2 * cols + 1; l.col = 2;    break;
    case 3:  l.row = 0;            l.col = 1;    break;
    case 4:  l.row = 1;            l.col = 0;    break;
    case 5:  l.row = -cols;        l.col = -1;   break;
    default: l.row = cols + 5;     l.col = 1;    break;
  }
  if (rows == 0 || cols == 0) return l;
  l.size = (rows - 1) * llabs(l.row) + (cols - 1) * llabs(l.col) + 1; /* not one element more: sanitisers watch the end */
  if (l.row < 0) l.start = l.size - 1;
  return l;
}
#define LAYOUTS 7

/* Runs g with new operands in every way and compares. */
static void check_gemm(rp_gemm g, int a_how, int b_how, bool bias, bool special)
{
  bool    f32 = g.dtype == RP_FLOAT32;
  layout  a = lay(a_how, g.m, g.k), b = lay(b_how, g.k, g.n);
  int64_t size = f32 ? 4 : 8, n = g.batch * g.m * (g.n + 3) + 1;
  char   *a_data = block(a.size + (g.batch - 1) * llabs(g.a_batch), f32, special);
  char   *b_data = block(b.size + (g.batch - 1) * llabs(g.b_batch), f32, special);
  void   *bias_data = block(g.n, f32, false), *expected = block(n, f32, false), *got = malloc((size_t)(n * size));
  g.a = a_data + a.start * size; g.a_row = a.row; g.a_col = a.col;
  g.b = b_data + b.start * size; g.b_row = b.row; g.b_col = b.col;
  g.c_row = g.n + (g.n == 1 ? 0 : 3); g.c_batch = g.m * g.c_row;
  g.bias = bias ? bias_data : NULL;
  memcpy(got, expected, (size_t)(n * size)); /* what lies between the rows must stay */
  void *before = malloc((size_t)(n * size));
  memcpy(before, got, (size_t)(n * size));
  g.c = expected;
  if (f32) gemm_reference_f32(&g);
  else     gemm_reference_f64(&g);
  g.c = got;
  way w;
  for (int i = 0; choose_way(i, &w); i++) {
    memcpy(got, before, (size_t)(n * size));
    ck_assert_int_eq(rp_device_now()->gemm(&g), RP_OK);
    int64_t at = difference(got, expected, n, f32);
    ck_assert_msg(at == n, "%s, %d threads, %s: %lld x (%lld x %lld x %lld), layouts %d %d, bias %d: element %lld differs",
                  w.isa, w.threads, f32 ? "float32" : "float64", (long long)g.batch, (long long)g.m, (long long)g.n,
                  (long long)g.k, a_how, b_how, bias, (long long)at);
  }
  free(a_data); free(b_data); free(bias_data); free(expected); free(got); free(before);
}

static void check_product(int64_t batch, int64_t m, int64_t n, int64_t k, int a_how, int b_how)
{
  bool    bias = pick(2);
  rp_gemm g = { .batch = batch, .m = m, .n = n, .k = k };
  for (int t = 0; t < 2; t++) {
    g.dtype = t ? RP_FLOAT64 : RP_FLOAT32;
    g.a_batch = pick(2) ? m * k : 0;
    g.b_batch = pick(2) ? 5 : 0;
    check_gemm(g, a_how, b_how, bias, false);
  }
}

START_TEST(gemm_sizes) /* odd sizes up to 70, any layout */
{
  for (int i = 0; i < 150; i++)
    check_product(1 + pick(3), pick(71), pick(71), pick(71), (int)pick(LAYOUTS), (int)pick(LAYOUTS));
}
END_TEST

START_TEST(gemm_layouts) /* each layout with each, few rows and many */
{
  static const int64_t rows[5] = { 1, 3, 7, 16, 45 };
  for (int a = 0; a < LAYOUTS; a++)
    for (int b = 0; b < LAYOUTS; b++) check_product(1, rows[pick(5)], 1 + pick(140), 1 + pick(40), a, b);
}
END_TEST

START_TEST(gemm_blocks) /* around the borders of the blocks of the sum */
{
  static const int64_t ks[7] = { 0, 255, 256, 257, 512, 513, 1000 };
  for (int i = 0; i < 7; i++)
    for (int t = 0; t < 4; t++) check_product(1, 1 + pick(20), 1 + pick(40), ks[i], t / 2, t % 2);
}
END_TEST

START_TEST(gemm_thin) /* one row or one column, and a panel of eight vectors */
{
  for (int t = 0; t < 4; t++) {
    check_product(2, 1, 150 + pick(10), 300, t / 2, t % 2);
    check_product(1, 2 + pick(2), 140, 90, t / 2, t % 2);
    check_product(2, 150 + pick(10), 1, 300, t / 2, t % 2);
    check_product(1, 150 + pick(10), 2, 60, t / 2, t % 2);
  }
}
END_TEST

START_TEST(gemm_large) /* packed operands, and work shared among threads */
{
  check_product(1, 530, 37, 260, 1, 0);
  check_product(1, 33, 2060, 20, 1, 1);
  check_product(1, 260, 70, 512, 0, 1);
  check_product(3, 180, 70, 40, 0, 0);
  check_product(40, 24, 40, 33, 0, 1);
  check_product(1, 520, 1062, 257, 0, 0);
  check_product(1, 300, 49, 530, 0, 0);
  check_product(1, 1300, 130, 260, 0, 1);
  check_product(1, 700, 60, 260, 0, 0);
  check_product(60, 64, 64, 32, 0, 1);
  check_product(60, 61, 40, 39, 1, 0);
}
END_TEST

START_TEST(gemm_special) /* infinities, tiny numbers and -0 go their way */
{
  for (int i = 0; i < 40; i++) {
    rp_gemm g = { .dtype = i % 2 ? RP_FLOAT64 : RP_FLOAT32, .batch = 1, .m = 1 + pick(20), .n = 1 + pick(40), .k = 1 + pick(9) };
    check_gemm(g, (int)pick(LAYOUTS), (int)pick(LAYOUTS), pick(2), true);
  }
}
END_TEST

START_TEST(gemm_accuracy) /* within the bound of a sum in blocks: (RP_KB + number of blocks) rounding errors */
{
  int64_t m = 20, n = 30, k = 2000;
  float  *a = block(m * k, true, false), *b = block(k * n, true, false), *c = block(m * n, true, false);
  rp_gemm g = { .dtype = RP_FLOAT32, .batch = 1, .m = m, .n = n, .k = k, .a = a, .a_row = k, .a_col = 1,
                .b = b, .b_row = n, .b_col = 1, .c = c, .c_row = n };
  ck_assert_int_eq(rp_device_now()->gemm(&g), RP_OK);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      double sum = 0, size = 0;
      for (int64_t p = 0; p < k; p++) {
        sum  += (double)a[i * k + p] * b[p * n + j];
        size += fabs((double)a[i * k + p] * b[p * n + j]);
      }
      ck_assert(fabs(c[i * n + j] - sum) <= (RP_KB + 8) * 0x1p-24 * size);
      ck_assert(fabs(c[i * n + j] - sum) <= 2e-5 * sqrt((double)k)); /* and far less as a rule */
    }
  free(a); free(b); free(c);
}
END_TEST

START_TEST(gemm_memory) /* a refused allocation is an error, and c stays as it was */
{
  int64_t m = 1024, n = 40, k = 512;
  float  *a = block(m * k, true, false), *b = block(k * n, true, false), *c = block(m * n, true, false);
  float  *before = malloc((size_t)(m * n) * sizeof *c);
  memcpy(before, c, (size_t)(m * n) * sizeof *c);
  rp_gemm g = { .dtype = RP_FLOAT32, .batch = 1, .m = m, .n = n, .k = k, .a = a, .a_row = k, .a_col = 1,
                .b = b, .b_row = n, .b_col = 1, .c = c, .c_row = n };
  rp_memory_fail_at(1);
  rp_status status = rp_device_now()->gemm(&g);
  rp_memory_fail_at(0);
  ck_assert_int_eq(status, RP_ENOMEM);
  ck_assert(memcmp(before, c, (size_t)(m * n) * sizeof *c) == 0);
  free(a); free(b); free(c); free(before);
}
END_TEST

/* ---- convolutions ---- */

typedef struct operands { void *x, *w, *y, *bias, *expected, *got; int64_t nx, nw, ny; } operands;

static operands conv_operands(const rp_conv *c, bool special)
{
  bool     f32 = c->dtype == RP_FLOAT32;
  operands o = { .nx = c->batch * c->c_in * product(c->in), .ny = c->batch * c->c_out * product(c->out),
                 .nw = c->c_out * (c->c_in / c->groups) * product(c->kernel) };
  int64_t most = o.nx + o.ny + o.nw;
  o.x = block(o.nx, f32, special); o.w = block(o.nw, f32, special); o.y = block(o.ny, f32, special);
  o.bias = block(c->c_out, f32, false); o.expected = block(most, f32, false); o.got = block(most, f32, false);
  return o;
}

static void conv_free(operands *o) { free(o->x); free(o->w); free(o->y); free(o->bias); free(o->expected); free(o->got); }

/* Operation 0, 1, 2: forward, gradient of x, gradient of w.  Returns the number of elements of the result. */
static int64_t conv_reference(const rp_conv *c, const operands *o, int op, bool bias)
{
  bool f32 = c->dtype == RP_FLOAT32;
  if (op == 0 && f32)  conv_reference_f32(c, o->expected, o->x, o->w, bias ? o->bias : NULL);
  if (op == 0 && !f32) conv_reference_f64(c, o->expected, o->x, o->w, bias ? o->bias : NULL);
  if (op == 1 && f32)  conv_input_reference_f32(c, o->expected, o->y, o->w);
  if (op == 1 && !f32) conv_input_reference_f64(c, o->expected, o->y, o->w);
  if (op == 2 && f32)  conv_weight_reference_f32(c, o->expected, o->x, o->y);
  if (op == 2 && !f32) conv_weight_reference_f64(c, o->expected, o->x, o->y);
  return op == 0 ? o->ny : op == 1 ? o->nx : o->nw;
}

static rp_status conv_run(const rp_conv *c, const operands *o, int op, bool bias)
{
  const rp_device *d = rp_device_now();
  return op == 0 ? d->conv(c, o->got, o->x, o->w, bias ? o->bias : NULL)
       : op == 1 ? d->conv_input(c, o->got, o->y, o->w) : d->conv_weight(c, o->got, o->x, o->y);
}

static void check_conv(const rp_conv *c, bool special)
{
  static const char *const name[3] = { "conv", "conv_input", "conv_weight" };
  operands o = conv_operands(c, special);
  bool     bias = pick(2), f32 = c->dtype == RP_FLOAT32;
  for (int op = 0; op < 3; op++) {
    int64_t n = conv_reference(c, &o, op, bias);
    way     w;
    for (int i = 0; choose_way(i, &w); i++) {
      memset(o.got, 0x5a, (size_t)n * (f32 ? 4 : 8));
      ck_assert_int_eq(conv_run(c, &o, op, bias), RP_OK);
      int64_t at = difference(o.got, o.expected, n, f32);
      ck_assert_msg(at == n, "%s, %s, %d threads, %s: batch %lld, groups %lld, channels %lld to %lld, in %lld %lld %lld, "
                    "kernel %lld %lld %lld, stride %lld %lld %lld, padding %lld %lld %lld, dilation %lld %lld %lld: element %lld",
                    name[op], w.isa, w.threads, f32 ? "float32" : "float64", (long long)c->batch, (long long)c->groups,
                    (long long)c->c_in, (long long)c->c_out, (long long)c->in[0], (long long)c->in[1], (long long)c->in[2],
                    (long long)c->kernel[0], (long long)c->kernel[1], (long long)c->kernel[2], (long long)c->stride[0],
                    (long long)c->stride[1], (long long)c->stride[2], (long long)c->padding[0], (long long)c->padding[1],
                    (long long)c->padding[2], (long long)c->dilation[0], (long long)c->dilation[1],
                    (long long)c->dilation[2], (long long)at);
    }
  }
  conv_free(&o);
}

/* Sets dimension d; the kernel shrinks until it fits. */
static void set_dimension(rp_conv *c, int d, int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation)
{
  int64_t room = in + 2 * padding - 1;
  while (dilation * (kernel - 1) > room) kernel--;
  c->in[d] = in; c->kernel[d] = kernel; c->stride[d] = stride; c->padding[d] = padding; c->dilation[d] = dilation;
  c->out[d] = (room - dilation * (kernel - 1)) / stride + 1;
}

static rp_conv any_conv(int dimensions)
{
  static const int64_t longest[4] = { 0, 60, 19, 7 };
  rp_conv c = { .dtype = pick(2) ? RP_FLOAT32 : RP_FLOAT64, .batch = 1 + pick(4), .groups = pick(3) ? 1 : 1 + pick(4) };
  c.c_in = c.groups * (1 + pick(12)); c.c_out = c.groups * (1 + pick(20));
  for (int d = 0; d < 3; d++)
    if (d < 3 - dimensions) set_dimension(&c, d, 1, 1, 1, 0, 1);
    else set_dimension(&c, d, 1 + pick(longest[dimensions]), 1 + pick(dimensions == 3 ? 3 : 5), 1 + pick(2) * pick(3),
                       pick(2) * pick(4), 1 + pick(2) * pick(3));
  return c;
}

static double conv_terms(const rp_conv *c)
{
  return (double)(c->batch * c->c_out * product(c->out)) * (double)(c->c_in / c->groups * product(c->kernel));
}

START_TEST(conv_any) /* _i is the number of dimensions */
{
  for (int i = 0; i < 60;) {
    rp_conv c = any_conv(_i);
    if (conv_terms(&c) > 2e5) continue;
    check_conv(&c, i % 10 == 0);
    i++;
  }
}
END_TEST

static rp_conv conv_2d(int64_t batch, int64_t c_in, int64_t c_out, int64_t in, int64_t kernel, int64_t padding)
{
  rp_conv c = { .dtype = RP_FLOAT32, .batch = batch, .groups = 1, .c_in = c_in, .c_out = c_out };
  set_dimension(&c, 0, 1, 1, 1, 0, 1);
  set_dimension(&c, 1, in, kernel, 1, padding, 1);
  set_dimension(&c, 2, in, kernel, 1, padding, 1);
  return c;
}

START_TEST(conv_long) /* sums of several blocks; conv_weight in several chunks */
{
  rp_conv forward = conv_2d(2, 40, 5, 6, 3, 1), input = conv_2d(1, 3, 290, 5, 3, 1), chunks = conv_2d(48, 16, 1, 40, 1, 0);
  check_conv(&forward, false);
  check_conv(&input, false);
  check_conv(&chunks, false);
}
END_TEST

START_TEST(conv_gapless) /* rows of 8 pixels, and 1x1 kernels that read x where it lies */
{
  rp_conv eight = conv_2d(3, 8, 20, 8, 3, 1), one = conv_2d(2, 20, 8, 16, 1, 0), odd = conv_2d(2, 3, 4, 9, 5, 2);
  check_conv(&eight, false);
  check_conv(&one, false);
  check_conv(&odd, true);
}
END_TEST

START_TEST(conv_narrow) /* one channel in or out, or in each group: vectors along images, lanes along channels */
{
  rp_conv cases[] = { conv_2d(3, 37, 37, 12, 3, 1), conv_2d(2, 5, 5, 9, 5, 4), conv_2d(2, 40, 1, 9, 3, 1), conv_2d(3, 2, 35, 17, 3, 1),
                      conv_2d(2, 1, 1, 1, 3, 1), conv_2d(2, 1, 20, 13, 5, 2), conv_2d(2, 20, 20, 11, 3, 1), conv_2d(2, 6, 6, 40, 3, 1) };
  cases[0].groups = 37; cases[1].groups = 5; cases[6].groups = 20; cases[7].groups = 3;
  set_dimension(&cases[1], 1, 9, 5, 1, 4, 2);
  set_dimension(&cases[1], 2, 9, 5, 1, 4, 2);
  set_dimension(&cases[6], 2, 11, 3, 2, 1, 1);
  for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++)
    for (int special = 0; special < 2; special++) {
      cases[i].dtype = RP_FLOAT32; check_conv(&cases[i], special);
      cases[i].dtype = RP_FLOAT64; check_conv(&cases[i], special);
    }
}
END_TEST

START_TEST(conv_unreached) /* input pixels that no output pixel is formed of: whole rows and planes of them */
{
  rp_conv c = conv_2d(2, 3, 12, 16, 3, 1);
  set_dimension(&c, 0, 3, 1, 2, 0, 1);
  check_conv(&c, false);
  set_dimension(&c, 0, 1, 1, 1, 0, 1);
  set_dimension(&c, 1, 8, 1, 3, 0, 1);
  check_conv(&c, true);
}
END_TEST

START_TEST(conv_parts) /* conv_weight: threads that share the channels of a group */
{
  rp_conv wide = conv_2d(3, 27, 41, 12, 3, 1), grouped = conv_2d(4, 40, 34, 12, 3, 1), spaced = conv_2d(3, 40, 24, 14, 3, 2);
  grouped.groups = 2;
  set_dimension(&spaced, 2, 14, 3, 1, 2, 2);
  check_conv(&wide, true);
  check_conv(&grouped, false);
  check_conv(&spaced, false);
}
END_TEST

START_TEST(conv_nothing) /* empty sums are +0 */
{
  rp_conv c = conv_2d(0, 2, 3, 5, 3, 1);
  float   gw[54], bias[3] = { 1, -0.0f, 3 }, y[75], zero[75] = { 0 };
  memset(gw, 0x5a, sizeof gw);
  ck_assert_int_eq(rp_device_now()->conv_weight(&c, gw, NULL, NULL), RP_OK);
  ck_assert(memcmp(gw, zero, sizeof gw) == 0);
  c.batch = 1; c.c_in = 0;
  ck_assert_int_eq(rp_device_now()->conv(&c, y, NULL, NULL, bias), RP_OK);
  for (int i = 0; i < 75; i++) ck_assert(y[i] == bias[i / 25] && !signbit(y[i]));
  c.c_in = 2; c.c_out = 0;
  float gx[50];
  ck_assert_int_eq(rp_device_now()->conv_input(&c, gx, NULL, NULL), RP_OK);
  ck_assert(memcmp(gx, zero, sizeof gx) == 0);
}
END_TEST

START_TEST(conv_memory)
{
  rp_conv  c = conv_2d(2, 3, 4, 6, 3, 1);
  operands o = conv_operands(&c, false);
  for (int op = 0; op < 3; op++) {
    int64_t n = op == 0 ? o.ny : op == 1 ? o.nx : o.nw;
    memcpy(o.expected, o.got, (size_t)n * 4);
    rp_memory_fail_at(1);
    rp_status status = conv_run(&c, &o, op, false);
    rp_memory_fail_at(0);
    ck_assert_int_eq(status, RP_ENOMEM);
    ck_assert(memcmp(o.got, o.expected, (size_t)n * 4) == 0);
  }
  conv_free(&o);
}
END_TEST

Suite *matmul_suite(void)
{
  Suite *s = suite_create("matmul");
  TCase *gemm = tcase_create("gemm"), *conv = tcase_create("conv");
  tcase_set_timeout(gemm, 600);
  tcase_set_timeout(conv, 600);
  tcase_add_test(gemm, gemm_sizes);
  tcase_add_test(gemm, gemm_layouts);
  tcase_add_test(gemm, gemm_blocks);
  tcase_add_test(gemm, gemm_thin);
  tcase_add_test(gemm, gemm_large);
  tcase_add_test(gemm, gemm_special);
  tcase_add_test(gemm, gemm_accuracy);
  tcase_add_test(gemm, gemm_memory);
  tcase_add_loop_test(conv, conv_any, 1, 4);
  tcase_add_test(conv, conv_long);
  tcase_add_test(conv, conv_gapless);
  tcase_add_test(conv, conv_narrow);
  tcase_add_test(conv, conv_unreached);
  tcase_add_test(conv, conv_parts);
  tcase_add_test(conv, conv_nothing);
  tcase_add_test(conv, conv_memory);
  suite_add_tcase(s, gemm);
  suite_add_tcase(s, conv);
  return s;
}
