/* test_base.c: hashes and random words against published vectors; memory; threads. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "base/pool.h"
#include "base/sha256.h"

static void hash_is(const char *text, size_t repeat, const char *expected)
{
  rp_sha256 s;
  char      hex[65];
  rp_sha256_start(&s);
  for (size_t i = 0; i < repeat; i++) rp_sha256_add(&s, text, strlen(text));
  rp_sha256_end(&s, hex);
  ck_assert_str_eq(hex, expected);
}

START_TEST(sha256_vectors) /* FIPS 180-4, examples */
{
  hash_is("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  hash_is("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  hash_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  hash_is("a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

START_TEST(sha256_pieces) /* any cut of the input gives the same hash */
{
  char text[200], whole[65], pieces[65];
  for (int i = 0; i < 200; i++) text[i] = (char)(i * 7);
  for (size_t n = 0; n <= 200; n++)
    for (size_t cut = 0; cut <= n; cut += 13) {
      rp_sha256 a, b;
      rp_sha256_start(&a); rp_sha256_add(&a, text, n); rp_sha256_end(&a, whole);
      rp_sha256_start(&b); rp_sha256_add(&b, text, cut); rp_sha256_add(&b, text + cut, n - cut); rp_sha256_end(&b, pieces);
      ck_assert_str_eq(whole, pieces);
    }
}
END_TEST

static void words_are(uint64_t seed, uint64_t stream, uint64_t block, const uint32_t expected[4])
{
  rp_philox_block b = rp_philox(seed, stream, block);
  for (int i = 0; i < 4; i++) ck_assert_uint_eq(b.word[i], expected[i]);
}

START_TEST(philox_vectors) /* Random123, kat_vectors: philox4x32 10 */
{
  words_are(0, 0, 0, (uint32_t[]){ 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 });
  words_are(UINT64_MAX, UINT64_MAX, UINT64_MAX, (uint32_t[]){ 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd });
  words_are(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88,
            (uint32_t[]){ 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 });
}
END_TEST

/* ---- memory ---- */

START_TEST(blocks_are_aligned_and_counted)
{
  rp_memory before = rp_memory_now();
  for (size_t n = 0; n < 5000; n = n * 5 / 4 + 1) {
    char *p = rp_alloc(n);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq((uintptr_t)p % 64, 0);
    memset(p, 1, n);
    ck_assert_uint_ge(rp_memory_now().live, before.live + n);
    rp_release(p);
  }
  ck_assert_uint_eq(rp_memory_now().live, before.live);
  rp_memory_trim();
  ck_assert_uint_eq(rp_memory_now().cached, 0);
}
END_TEST

/* Blocks of sizes that are asked for no more are given back, those in use all the time are not. */
START_TEST(idle_blocks_go_back)
{
  rp_memory_trim();
  void *p[10];
  for (int i = 0; i < 10; i++) p[i] = rp_alloc((size_t)1 << 20);
  for (int i = 0; i < 10; i++) rp_release(p[i]);
  if (rp_memory_now().cached == 0) return; /* sanitisers watch every block */
  int64_t asked = rp_memory_now().allocations;
  for (int k = 0; k < 70000; k++) {
    void *one = rp_alloc((size_t)1 << 20), *two = rp_alloc((size_t)1 << 20);
    rp_release(two);
    rp_release(one);
  }
  ck_assert_int_eq(rp_memory_now().allocations, asked);
  ck_assert_uint_eq(rp_memory_now().cached, (size_t)2 << 20);
  rp_memory_trim();
}
END_TEST

START_TEST(failures_are_clean)
{
  rp_memory before = rp_memory_now();
  rp_memory_fail_at(2);
  void *first = rp_alloc(100), *second = rp_alloc(100), *third = rp_new(100);
  rp_memory_fail_at(0);
  ck_assert_ptr_nonnull(first);
  ck_assert_ptr_null(second);
  ck_assert_ptr_null(third);
  ck_assert_ptr_nonnull(strstr(rp_message(), "out of memory"));
  rp_release(first);
  ck_assert_ptr_null(rp_alloc((size_t)1 << 62)); /* more than there is */
  ck_assert_uint_eq(rp_memory_now().live, before.live);
}
END_TEST

START_TEST(limits_hold)
{
  rp_memory_limit(rp_memory_now().live + 1000);
  ck_assert_ptr_null(rp_alloc(2000));
  rp_memory_limit(0);
  void *p = rp_alloc(2000);
  ck_assert_ptr_nonnull(p);
  rp_release(p);
}
END_TEST

/* ---- threads ---- */

static void mark(void *context, int64_t begin, int64_t end)
{
  char *seen = context;
  for (int64_t i = begin; i < end; i++) seen[i]++;
}

START_TEST(every_item_once)
{
  static char seen[5000];
  for (int threads = 1; threads <= 7; threads++) {
    ck_assert_int_eq(rp_threads_set(threads), threads);
    for (int64_t n = 0; n < 5000; n = n * 3 / 2 + 1)
      for (int64_t grain = 1; grain <= n + 1; grain = grain * 4 + 1) {
        memset(seen, 0, sizeof seen);
        rp_parallel(n, grain, mark, seen);
        for (int64_t i = 0; i < 5000; i++) ck_assert_int_eq(seen[i], i < n);
      }
  }
  rp_threads_set(0);
}
END_TEST

static void nested(void *context, int64_t begin, int64_t end)
{
  for (int64_t i = begin; i < end; i++) rp_parallel(100, 1, mark, (char *)context + 100 * i);
}

START_TEST(work_inside_work)
{
  static char seen[2000];
  rp_threads_set(3);
  rp_parallel(20, 1, nested, seen);
  for (int i = 0; i < 2000; i++) ck_assert_int_eq(seen[i], 1);
  rp_threads_set(0);
}
END_TEST

START_TEST(many_small_jobs) /* workers fall asleep and wake between them */
{
  char seen[64];
  rp_threads_set(2);
  for (int i = 0; i < 20000; i++) {
    memset(seen, 0, sizeof seen);
    rp_parallel(64, 1, mark, seen);
    for (int k = 0; k < 64; k++) ck_assert_int_eq(seen[k], 1);
  }
  rp_threads_set(0);
}
END_TEST

Suite *base_suite(void)
{
  Suite *s = suite_create("base");
  TCase *c = tcase_create("base");
  tcase_set_timeout(c, 60);
  tcase_add_test(c, sha256_vectors);
  tcase_add_test(c, sha256_pieces);
  tcase_add_test(c, philox_vectors);
  tcase_add_test(c, blocks_are_aligned_and_counted);
  tcase_add_test(c, idle_blocks_go_back);
  tcase_add_test(c, failures_are_clean);
  tcase_add_test(c, limits_hold);
  tcase_add_test(c, every_item_once);
  tcase_add_test(c, work_inside_work);
  tcase_add_test(c, many_small_jobs);
  suite_add_tcase(s, c);
  return s;
}
