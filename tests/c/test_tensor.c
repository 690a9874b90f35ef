/* test_tensor.c: views against copies on random shapes, conversions, and what is refused. */
#include <math.h>

#include "base/philox.h"
#include "scratch.h"
#include "tensor/call.h"

static uint64_t draws;

static int64_t below(int64_t n) { return (int64_t)(rp_philox(5, 0, draws++).word[0] % (uint64_t)n); }

static rp_status run(rp_tensor **out, rp_opcode op, rp_tensor *x, int n_attr, const rp_attr *attr)
{
  rp_call c = { .op = op, .n_in = 1, .in = &x, .n_attr = n_attr };
  for (int i = 0; i < n_attr; i++) c.attr[i] = attr[i];
  rp_status status = rp_ops[op].forward(&c);
  if (status == RP_OK) *out = c.out[0]; else rp_call_undo(&c);
  return status;
}

/* x with its dimensions permuted, some reversed, some thinned out. */
static rp_tensor *scrambled(rp_tensor *x)
{
  rp_attr dims = { .n = x->a.ndim };
  rp_tensor *y = NULL, *z = NULL;
  for (int d = 0; d < dims.n; d++) dims.i[d] = d + 1;
  for (int d = dims.n - 1; d > 0; d--) { int64_t k = below(d + 1), t = dims.i[d]; dims.i[d] = dims.i[k]; dims.i[k] = t; }
  ok(run(&y, RP_OP_permute, x, 1, &dims));
  rp_attr one = { .n = 1, .i = { 1 + below(dims.n) } };
  ok(run(&z, RP_OP_flip, y, 1, &one));
  rp_tensor_drop(y);
  if (below(2) == 0) return z;
  rp_attr slice[4] = { { .n = 1, .i = { 1 + below(dims.n) } }, { .n = 1, .i = { 1 } }, { .n = 1, .i = { -1 } }, { .n = 1, .i = { 2 } } };
  ok(run(&y, RP_OP_slice, z, 4, slice));
  rp_tensor_drop(z);
  return y;
}

/* Factors of n in up to three sizes. */
static rp_attr random_shape(int64_t n)
{
  rp_attr s = { .n = 0 };
  for (int k = 0; k < 3; k++) {
    int64_t f = 1 + below(n);
    while (n % f) f--;
    s.i[s.n++] = f;
    n /= f;
  }
  s.i[s.n++] = n;
  return s;
}

START_TEST(reshape_of_views_keeps_the_order)
{
  for (int trial = 0; trial < 2000; trial++) {
    rp_tensor *x = counted(RP_INT32, 3, 1 + below(6), 1 + below(5), 1 + below(6)), *v = scrambled(x), *flat = NULL, *y = NULL, *z = NULL;
    ok(rp_tensor_clone(&flat, v, RP_INT32));
    rp_attr shape = random_shape(rp_count(&v->a));
    ok(run(&y, RP_OP_reshape, v, 1, &shape));
    ok(rp_tensor_clone(&z, y, RP_INT32));
    ck_assert_int_eq(rp_count(&z->a), rp_count(&flat->a));
    ck_assert_mem_eq(rp_data(z), rp_data(flat), (size_t)rp_count(&z->a) * 4);
    rp_tensor_drop(x); rp_tensor_drop(v); rp_tensor_drop(flat); rp_tensor_drop(y); rp_tensor_drop(z);
  }
}
END_TEST

START_TEST(reshape_of_contiguous_copies_nothing)
{
  rp_tensor *x = counted(RP_FLOAT32, 2, 4, 6, 0), *y = NULL;
  rp_attr shape = { .n = 3, .i = { 2, -1, 3 } };
  ok(run(&y, RP_OP_reshape, x, 1, &shape));
  ck_assert_ptr_eq(y->storage, x->storage);
  ck_assert_str_eq(rp_shape(&y->a).s, "(2x4x3)");
  rp_tensor_drop(x); rp_tensor_drop(y);
}
END_TEST

START_TEST(copies_of_views_agree_with_indexing)
{
  for (int trial = 0; trial < 1000; trial++) {
    rp_tensor *x = counted(RP_INT64, 3, 1 + below(20), 1 + below(20), 1 + below(9)), *v = scrambled(x), *c = NULL;
    ok(rp_tensor_clone(&c, v, RP_INT64));
    int64_t at[3] = { below(v->a.shape[0]), below(v->a.shape[1]), below(v->a.shape[2]) }, from = 0, to = 0;
    for (int d = 0; d < 3; d++) { from += at[d] * v->a.stride[d]; to += at[d] * c->a.stride[d]; }
    ck_assert_int_eq(((int64_t *)v->a.data)[from], ((int64_t *)c->a.data)[to]);
    rp_tensor_drop(x); rp_tensor_drop(v); rp_tensor_drop(c);
  }
}
END_TEST

START_TEST(writing_through_views)
{
  for (int trial = 0; trial < 300; trial++) {
    rp_tensor *x = counted(RP_FLOAT32, 3, 1 + below(6), 1 + below(5), 1 + below(6)), *v = scrambled(x), *c = NULL, *back = NULL;
    ok(rp_tensor_clone(&c, v, RP_FLOAT32));
    for (int64_t i = 0; i < rp_count(&c->a); i++) set(c, i, 100 + (double)i);
    ok(rp_tensor_copy(v, c));
    ok(rp_tensor_clone(&back, v, RP_FLOAT32));
    same(back, c);
    rp_tensor_drop(x); rp_tensor_drop(v); rp_tensor_drop(c); rp_tensor_drop(back);
  }
}
END_TEST

START_TEST(conversions_saturate)
{
  static const double in[8] = { NAN, INFINITY, -INFINITY, 1e30, -1e30, -1.9, 300.7, 2.5 };
  static const double as_int32[8] = { 0, INT32_MAX, INT32_MIN, INT32_MAX, INT32_MIN, -1, 300, 2 };
  static const double as_uint8[8] = { 0, 255, 0, 255, 0, 0, 255, 2 };
  rp_tensor *x = tensor(RP_FLOAT64, 1, 8, 0, 0), *i = NULL, *u = NULL, *b = NULL, *l = NULL;
  for (int k = 0; k < 8; k++) set(x, k, in[k]);
  ok(rp_tensor_cast(&i, x, RP_INT32));
  ok(rp_tensor_cast(&u, x, RP_UINT8));
  ok(rp_tensor_cast(&b, x, RP_BOOL));
  ok(rp_tensor_cast(&l, x, RP_INT64));
  for (int k = 0; k < 8; k++) {
    ck_assert(value(i, k) == as_int32[k]);
    ck_assert(value(u, k) == as_uint8[k]);
    ck_assert(value(b, k) == 1); /* not one of them is 0 */
  }
  ck_assert(((int64_t *)rp_data(l))[1] == INT64_MAX && ((int64_t *)rp_data(l))[2] == INT64_MIN);
  rp_tensor_drop(x); rp_tensor_drop(i); rp_tensor_drop(u); rp_tensor_drop(b); rp_tensor_drop(l);
}
END_TEST

START_TEST(hashes_see_type_shape_and_value_but_not_layout)
{
  char a[65], b[65];
  rp_tensor *x = counted(RP_FLOAT32, 2, 3, 4, 0), *t = NULL, *c = NULL, *w = NULL;
  const rp_attr dims[2] = { { .n = 1, .i = { 1 } }, { .n = 1, .i = { 2 } } };
  ok(run(&t, RP_OP_transpose, x, 2, dims));
  ok(rp_tensor_clone(&c, t, RP_FLOAT32));
  ok(rp_tensor_clone(&w, x, RP_FLOAT64));
  ok(rp_tensor_hash(a, &t, 1)); ok(rp_tensor_hash(b, &c, 1)); ck_assert_str_eq(a, b);
  ok(rp_tensor_hash(b, &x, 1)); ck_assert_str_ne(a, b);
  ok(rp_tensor_hash(a, &w, 1)); ck_assert_str_ne(a, b);
  rp_tensor_drop(x); rp_tensor_drop(t); rp_tensor_drop(c); rp_tensor_drop(w);
}
END_TEST

START_TEST(impossible_shapes_are_refused)
{
  rp_tensor *x = NULL;
  fails(rp_tensor_empty(&x, RP_FLOAT32, 2, (int64_t[]){ 3, -1 }), RP_ESHAPE, "negative");
  fails(rp_tensor_empty(&x, RP_FLOAT32, 3, (int64_t[]){ INT64_MAX, INT64_MAX, 2 }), RP_ESHAPE, "more elements");
  fails(rp_tensor_empty(&x, RP_FLOAT32, 9, (int64_t[9]){ 1, 1, 1, 1, 1, 1, 1, 1, 1 }), RP_ESHAPE, "at most 8");
  fails(rp_tensor_empty(&x, RP_FLOAT64, 1, (int64_t[]){ (int64_t)1 << 55 }), RP_ENOMEM, "out of memory");
  ck_assert_ptr_null(x);
}
END_TEST

Suite *tensor_suite(void)
{
  Suite *s = suite_create("tensor");
  TCase *c = tcase_create("tensor");
  tcase_set_timeout(c, 60);
  tcase_add_test(c, reshape_of_views_keeps_the_order);
  tcase_add_test(c, reshape_of_contiguous_copies_nothing);
  tcase_add_test(c, copies_of_views_agree_with_indexing);
  tcase_add_test(c, writing_through_views);
  tcase_add_test(c, conversions_saturate);
  tcase_add_test(c, hashes_see_type_shape_and_value_but_not_layout);
  tcase_add_test(c, impossible_shapes_are_refused);
  suite_add_tcase(s, c);
  return s;
}
