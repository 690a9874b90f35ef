/* test_formats.c: what IDX, CIFAR, PNG and Markdown promise: golden files read, round trips, refusals. */
#include <math.h>
#include <zlib.h>

#include "base/memory.h"
#include "io/cifar.h"
#include "io/idx.h"
#include "io/markdown.h"
#include "io/png.h"
#include "scratch.h"

/* ---- IDX and CIFAR ---------------------------------------------------------------------------------------- */

START_TEST(idx_types)
{
  static const struct { const char *bytes; size_t n; rp_dtype dtype; double first, second; } of[] = {
    { "\0\0\x08\1\0\0\0\2\x01\xff", 10, RP_UINT8, 1, 255 },
    { "\0\0\x09\1\0\0\0\2\x01\xff", 10, RP_INT32, 1, -1 },
    { "\0\0\x0b\1\0\0\0\2\x01\x02\xff\xfe", 12, RP_INT32, 258, -2 },
    { "\0\0\x0c\1\0\0\0\2\0\1\0\0\xff\xff\xff\xff", 16, RP_INT32, 65536, -1 },
    { "\0\0\x0d\1\0\0\0\2\x3f\xc0\0\0\xc0\0\0\0", 16, RP_FLOAT32, 1.5, -2 },
    { "\0\0\x0e\1\0\0\0\2\x3f\xf8\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0", 24, RP_FLOAT64, 1.5, -2 },
  };
  rp_tensor *x;
  for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
    put(at("idx"), of[i].bytes, of[i].n);
    ok(rp_idx_read(&x, at("idx")));
    ck_assert_int_eq(x->a.dtype, of[i].dtype);
    ck_assert_str_eq(rp_shape(&x->a).s, "(2)");
    ck_assert(value(x, 0) == of[i].first && value(x, 1) == of[i].second);
    rp_tensor_drop(x);
  }
}
END_TEST

START_TEST(idx_gzip_and_refusals)
{
  rp_tensor *x = NULL;
  gzFile z = gzopen(at("z"), "wb");
  ck_assert_int_eq(gzwrite(z, "\0\0\x08\2\0\0\0\2\0\0\0\3abc", 15), 15);
  gzclose(z);
  z = gzopen(at("z"), "ab"); /* a second stream in the same file */
  ck_assert_int_eq(gzwrite(z, "def", 3), 3);
  gzclose(z);
  ok(rp_idx_read(&x, at("z")));
  ck_assert_str_eq(rp_shape(&x->a).s, "(2x3)");
  ck_assert_mem_eq(rp_data(x), "abcdef", 6);
  rp_tensor_drop(x);
  put(at("b"), "\0\0\x08\1\0\0\0\3ab", 10);
  fails(rp_idx_read(&x, at("b")), RP_EFORMAT, "byte 8: expected 3 bytes of elements, 2 remain");
  put(at("b"), "\0\0\x07\1\0\0\0\3abc", 11);
  fails(rp_idx_read(&x, at("b")), RP_EFORMAT, "byte 2: expected an IDX type");
  put(at("b"), "\0\0\x08\0a", 5);
  fails(rp_idx_read(&x, at("b")), RP_EFORMAT, "1 to 8 dimensions, found 0");
  put(at("b"), "\0\1\x08\1\0\0\0\3abc", 11);
  fails(rp_idx_read(&x, at("b")), RP_EFORMAT, "two zero bytes");
  put(at("b"), "\0\0\x08\3\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16);
  fails(rp_idx_read(&x, at("b")), RP_EFORMAT, "more bytes than can be counted");
  put(at("b"), "\0\0\x08\4\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 20);
  fails(rp_idx_read(&x, at("b")), RP_EFORMAT, "more bytes than can be counted");
}
END_TEST

START_TEST(cifar)
{
  static unsigned char file[2 * 3074];
  rp_tensor *images, *fine, *labels = NULL;
  for (int i = 0; i < 2 * 3073; i++) file[i] = (unsigned char)(i * 7);
  file[0] = 9; file[3073] = 0;
  put(at("c"), file, 2 * 3073);
  ok(rp_cifar10_read(&images, &labels, at("c")));
  ck_assert_str_eq(rp_shape(&images->a).s, "(2x3x32x32)");
  ck_assert(value(labels, 0) == 9 && value(labels, 1) == 0);
  ck_assert_mem_eq(rp_data(images), file + 1, 3072);
  ck_assert_mem_eq((unsigned char *)rp_data(images) + 3072, file + 3074, 3072);
  rp_tensor_drop(images);
  rp_tensor_drop(labels);
  file[3073] = 10;
  put(at("c"), file, 2 * 3073);
  fails(rp_cifar10_read(&images, &labels, at("c")), RP_EFORMAT, "byte 3073: expected a label from 0 to 9, found 10");
  put(at("c"), file, 3074);
  fails(rp_cifar10_read(&images, &labels, at("c")), RP_EFORMAT,
        "byte 3073: expected CIFAR-10 records of 3073 bytes; 1 bytes are left");
  file[0] = 19; file[1] = 99; file[3074] = 0; file[3075] = 7;
  put(at("c"), file, sizeof file);
  ok(rp_cifar100_read(&images, &labels, &fine, at("c")));
  ck_assert(value(labels, 0) == 19 && value(fine, 0) == 99 && value(fine, 1) == 7);
  ck_assert_mem_eq((unsigned char *)rp_data(images) + 3072, file + 3076, 3072);
  rp_tensor_drop(images);
  rp_tensor_drop(labels);
  rp_tensor_drop(fine);
}
END_TEST

/* ---- PNG -------------------------------------------------------------------------------------------------- */

static int sample(int y, int x, int c, int depth)
{
  if (depth == 16) return (3571 * x + 9173 * y + 5381 * c + 1103 * x * y) % 65536;
  return (37 * x + 91 * y + 53 * c + 11 * x * y) % (1 << depth);
}

static int palette(int i, int c) { return c == 0 ? (i * 16 + 5) % 256 : c == 1 ? (255 - i * 3) & 255 : i * i % 256; }

/* An image of make.py: `stored` channels of `depth` bits (0: a palette); with alpha if `keyed`. */
static void check_image(const char *name, int stored, int depth, bool keyed)
{
  rp_tensor *x;
  ok(rp_png_read(&x, golden(name)));
  int colours = stored ? stored : 3, channels = colours + keyed, top = (1 << depth) - 1;
  int scale = depth < 8 && stored ? 255 / top : 1;
  char shape[32];
  snprintf(shape, sizeof shape, "(5x7x%d)", channels);
  ck_assert_msg(!strcmp(rp_shape(&x->a).s, shape), "%s: %s, expected %s", name, rp_shape(&x->a).s, shape);
  ck_assert_int_eq(x->a.dtype, depth == 16 ? RP_INT32 : RP_UINT8);
  for (int i = 0; i < 35; i++)
    for (int c = 0; c < channels; c++) {
      int s = sample(i / 7, i % 7, stored ? c : 0, depth), key = 1, opaque = depth == 16 ? 65535 : 255;
      for (int k = 0; k < stored; k++) key &= sample(i / 7, i % 7, k, depth) == sample(1, 2, k, depth);
      int alpha = stored ? (key ? 0 : opaque) : s < 3 ? s * 40 : 255;
      int expected = c == colours ? alpha : stored ? s * scale : palette(s, c);
      ck_assert_msg(value(x, i * channels + c) == expected, "%s: pixel %d, channel %d: %g, expected %d", name, i, c,
                    value(x, i * channels + c), expected);
    }
  rp_tensor_drop(x);
}

START_TEST(png_kinds)
{
  static const struct { const char *name; int stored; int depth[6]; } kinds[] = {
    { "gray", 1, { 1, 2, 4, 8, 16 } }, { "graya", 2, { 8, 16 } }, { "rgb", 3, { 8, 16 } }, { "rgba", 4, { 8, 16 } },
    { "palette", 0, { 1, 2, 4, 8 } },
  };
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
    for (const int *depth = kinds[k].depth; *depth; depth++)
      for (int interlaced = 0; interlaced < 2; interlaced++) {
        char name[40];
        snprintf(name, sizeof name, "%s%d%s.png", kinds[k].name, *depth, interlaced ? "i" : "");
        check_image(name, kinds[k].stored, *depth, false);
      }
  check_image("palette4t.png", 0, 4, true);
  check_image("gray8t.png", 1, 8, true);
  check_image("gray16t.png", 1, 16, true);
  check_image("rgb8t.png", 3, 8, true);
}
END_TEST

START_TEST(png_round_trip)
{
  static const rp_dtype types[] = { RP_UINT8, RP_INT32 };
  for (int t = 0; t < 2; t++)
    for (int channels = 1; channels <= 4; channels++) {
      rp_tensor *x = counted(types[t], 3, 4, 6, channels), *y;
      if (t) for (int i = 0; i < 24 * channels; i++) set(x, i, (i * 683) % 65536);
      ok(rp_png_write(at("1.png"), x));
      ok(rp_png_write(at("2.png"), x));
      same_file(at("1.png"), at("2.png"));
      ok(rp_png_read(&y, at("1.png")));
      same(x, y);
      rp_tensor_drop(x);
      rp_tensor_drop(y);
    }
}
END_TEST

START_TEST(png_floats)
{
  static const double in[] = { 0, 1, 0.5, 0.1, 0.9999, 0.00195 }, out[] = { 0, 255, 128, 26, 255, 0 };
  rp_tensor *x = tensor(RP_FLOAT32, 2, 2, 3, 0), *y, *bad = tensor(RP_INT64, 2, 2, 2, 0), *flat = tensor(RP_UINT8, 1, 4, 0, 0);
  for (int i = 0; i < 6; i++) set(x, i, in[i]);
  ok(rp_png_write(at("f.png"), x));
  ok(rp_png_read(&y, at("f.png")));
  ck_assert_str_eq(rp_shape(&y->a).s, "(2x3x1)");
  for (int i = 0; i < 6; i++) ck_assert(value(y, i) == out[i]);
  set(x, 4, NAN);
  fails(rp_png_write(at("g.png"), x), RP_ERANGE, "row 2, column 2, channel 1 is nan");
  set(x, 4, 1.001);
  fails(rp_png_write(at("g.png"), x), RP_ERANGE, "clamp(0, 1)");
  fails(rp_png_write(at("g.png"), bad), RP_EDTYPE, "not int64");
  fails(rp_png_write(at("g.png"), flat), RP_ESHAPE, "not (4)");
  ck_assert(!rp_exists(at("g.png")));
  rp_tensor_drop(x);
  rp_tensor_drop(y);
  rp_tensor_drop(bad);
  rp_tensor_drop(flat);
  fails(rp_png_read(&x, golden("f4.npy")), RP_EFORMAT, "f4.npy: byte 8: PNG: Not a PNG file");
}
END_TEST

/* An image of w x h whose data are far too short for it. */
START_TEST(png_declared_size)
{
  unsigned char file[64] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\x0f\x42\x40\0\x0f\x42\x40\x08\x06";
  rp_tensor *x = NULL;
  uint32_t crc = (uint32_t)crc32(0, file + 12, 17);
  for (int i = 0; i < 4; i++) file[29 + i] = (unsigned char)(crc >> (24 - 8 * i));
  memcpy(file + 33, "\0\0\0\0IDAT\x35\xaf\x06\x1e", 12);
  put(at("big.png"), file, 45);
  size_t before = rp_memory_now().peak;
  fails(rp_png_read(&x, at("big.png")), RP_EFORMAT, "said to be 1000000 by 1000000");
  ck_assert(rp_memory_now().peak < before + (1 << 20));
}
END_TEST

/* ---- Markdown --------------------------------------------------------------------------------------------- */

START_TEST(markdown)
{
  static const char text[] = "# A *b*\n\nd <b>x</b> [c](javascript:d)\n\n    <&>\n";
  char *html;
  size_t n;
  ok(rp_markdown(&html, &n, text, strlen(text)));
  ck_assert_str_eq(html, "<h1>A <em>b</em></h1>\n<p>d <!-- raw HTML omitted -->x<!-- raw HTML omitted --> <a href=\"\">c</a></p>\n"
                         "<pre><code>&lt;&amp;&gt;\n</code></pre>\n");
  ck_assert_uint_eq(n, strlen(html));
  rp_delete(html);
  ok(rp_markdown(&html, &n, "", 0));
  ck_assert_uint_eq(n, 0);
  rp_delete(html);
  fails(rp_markdown(&html, &n, "", RP_MARKDOWN_LIMIT + 1), RP_ERANGE, "at most");
}
END_TEST

Suite *formats_suite(void)
{
  Suite *s = suite_create("formats");
  TCase *t = tcase_create("formats");
  tcase_add_checked_fixture(t, scratch_make, scratch_remove);
  tcase_add_test(t, idx_types);
  tcase_add_test(t, idx_gzip_and_refusals);
  tcase_add_test(t, cifar);
  tcase_add_test(t, png_kinds);
  tcase_add_test(t, png_round_trip);
  tcase_add_test(t, png_floats);
  tcase_add_test(t, png_declared_size);
  tcase_add_test(t, markdown);
  suite_add_tcase(s, t);
  return s;
}
