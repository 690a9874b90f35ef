/* test_io.c: files, and what NPY, NPZ and safetensors promise: golden files read, round trips, equal bytes for equal contents,
 * refusals. */
#include <math.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/safetensors.h"
#include "scratch.h"

/* ---- files and folders ------------------------------------------------------------------------------------ */

START_TEST(text_files)
{
  char *s, hex[65];
  int64_t n;
  ok(rp_write_file(at("a"), "abc", 3));
  ok(rp_write_file(at("a"), "x\0y", 3));
  ok(rp_read_file(&s, &n, at("a")));
  ck_assert_int_eq(n, 3);
  ck_assert_mem_eq(s, "x\0y", 4);
  rp_release(s);
  ok(rp_write_file(at("a"), "abc", 3));
  ok(rp_sha256_file(hex, at("a")));
  ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  ok(rp_write_file(at("a"), "", 0));
  ok(rp_sha256_file(hex, at("a")));
  ck_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  fails(rp_read_file(&s, &n, at("none")), RP_EIO, "none: cannot open: No such file");
  fails(rp_read_file(&s, &n, scratch), RP_EIO, "is a directory");
  fails(rp_read_file(&s, &n, "/dev/null"), RP_EIO, "not an ordinary file");
}
END_TEST

START_TEST(folders)
{
  rp_names *names;
  bool was;
  char deep[600];
  snprintf(deep, sizeof deep, "%s/x/y//z/", scratch);
  ok(rp_mkdir(deep));
  ok(rp_mkdir(deep));
  ck_assert(rp_exists(deep));
  put(at("x/b"), "", 0);
  put(at("x/a"), "", 0);
  put(at("x/B"), "", 0);
  ok(rp_list(&names, at("x")));
  ck_assert_int_eq(names->n, 4);
  ck_assert_str_eq(names->name[0], "B");
  ck_assert_str_eq(names->name[1], "a");
  ck_assert_str_eq(names->name[3], "y");
  rp_names_free(names);
  fails(rp_mkdir(at("x/a/q")), RP_EIO, "a file has that name");
  fails(rp_mkdir(""), RP_EARG, "empty");
  fails(rp_list(&names, at("none")), RP_EIO, "cannot list");
  fails(rp_remove(at("x"), &was), RP_EIO, "cannot remove");
  ok(rp_remove(at("none"), &was));
  ck_assert(!was);
  static const char *const all[] = { "x/y/z", "x/y", "x/a", "x/b", "x/B", "x" };
  for (int i = 0; i < 6; i++) {
    ok(rp_remove(at(all[i]), &was));
    ck_assert(was);
  }
}
END_TEST

START_TEST(writer_keeps_mode_and_follows_links)
{
  struct stat s;
  ok(rp_write_file(at("real"), "1", 1));
  ck_assert_int_eq(chmod(at("real"), 0640), 0);
  ck_assert_int_eq(symlink("real", at("link")), 0);
  ok(rp_write_file(at("link"), "22", 2));
  ck_assert_int_eq(lstat(at("link"), &s), 0);
  ck_assert(S_ISLNK(s.st_mode));
  ck_assert_int_eq(stat(at("real"), &s), 0);
  ck_assert_int_eq(s.st_size, 2);
  ck_assert_int_eq(s.st_mode & 07777, 0640);
  ck_assert_int_eq(symlink("nothing", at("dangling")), 0);
  fails(rp_write_file(at("dangling"), "1", 1), RP_EIO, "link to a file that does not exist");
  fails(rp_write_file("/dev/null", "1", 1), RP_EIO, "not an ordinary file");
  fails(rp_write_file(scratch, "1", 1), RP_EIO, "not an ordinary file");
  fails(rp_write_file(at("none/x"), "1", 1), RP_EIO, "cannot create a file in its directory: No such file");
}
END_TEST

/* ---- NPY -------------------------------------------------------------------------------------------------- */

static void check_array(const char *name, rp_dtype dtype, char kind)
{
  rp_tensor *x;
  ok(rp_npy_read(&x, golden(name)));
  ck_assert_int_eq(x->a.dtype, dtype);
  ck_assert_str_eq(rp_shape(&x->a).s, "(2x3)");
  for (int i = 0; i < 6; i++) {
    double expected = kind == 'b' ? i % 3 == 0 : kind == 'u' ? 3 * i : kind == 'i' ? 3 * i - 4 : (3 * i - 4) / 4.0;
    ck_assert_msg(value(x, i) == expected, "%s: element %d is %g, expected %g", name, i, value(x, i), expected);
  }
  rp_tensor_drop(x);
}

START_TEST(npy_types)
{
  static const struct { const char *name; rp_dtype dtype; } of[] = {
    { "b1", RP_BOOL },  { "u1", RP_UINT8 }, { "i1", RP_INT32 }, { "u2", RP_INT32 },   { "i2", RP_INT32 },   { "u4", RP_INT64 },
    { "i4", RP_INT32 }, { "u8", RP_INT64 }, { "i8", RP_INT64 }, { "f2", RP_FLOAT32 }, { "f4", RP_FLOAT32 }, { "f8", RP_FLOAT64 },
  };
  for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
    char name[32];
    snprintf(name, sizeof name, "%s.npy", of[i].name);
    check_array(name, of[i].dtype, of[i].name[0]);
    snprintf(name, sizeof name, "%sbig.npy", of[i].name);
    if (of[i].name[1] != '1') check_array(name, of[i].dtype, of[i].name[0]);
  }
  check_array("version2.npy", RP_FLOAT32, 'f');
  check_array("version3.npy", RP_FLOAT32, 'f');
}
END_TEST

START_TEST(npy_shapes)
{
  rp_tensor *x;
  ok(rp_npy_read(&x, golden("fortran.npy")));
  ck_assert_str_eq(rp_shape(&x->a).s, "(2x3x4)");
  for (int i = 0; i < 24; i++) ck_assert(value(x, i) == (3 * i - 4) / 4.0);
  rp_tensor_drop(x);
  ok(rp_npy_read(&x, golden("scalar.npy")));
  ck_assert_int_eq(x->a.ndim, 0);
  ck_assert(value(x, 0) == 2.5);
  rp_tensor_drop(x);
  ok(rp_npy_read(&x, golden("empty.npy")));
  ck_assert_str_eq(rp_shape(&x->a).s, "(0x3)");
  rp_tensor_drop(x);
}
END_TEST

/* What NumPy wrote is what we write. */
START_TEST(npy_bytes)
{
  static const char *const names[] = { "b1.npy", "u1.npy", "i4.npy", "i8.npy", "f4.npy", "f8.npy", "scalar.npy", "empty.npy",
                                       "vector.npy" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    rp_tensor *x;
    ok(rp_npy_read(&x, golden(names[i])));
    ok(rp_npy_write(at("x.npy"), x));
    same_file(at("x.npy"), golden(names[i]));
    rp_tensor_drop(x);
  }
}
END_TEST

START_TEST(npy_strided)
{
  rp_tensor *x = counted(RP_FLOAT64, 2, 3, 4, 0), *t, *y;
  rp_array a = x->a;
  a.shape[0] = 4; a.shape[1] = 3; a.stride[0] = 1; a.stride[1] = 4;
  ok(rp_tensor_view(&t, x, &a));
  ok(rp_npy_write(at("t.npy"), t));
  ok(rp_npy_read(&y, at("t.npy")));
  for (int i = 0; i < 12; i++) ck_assert(value(y, i) == value(x, i % 3 * 4 + i / 3));
  rp_tensor_drop(x);
  rp_tensor_drop(t);
  rp_tensor_drop(y);
}
END_TEST

/* A file of version 1 with this dictionary and n bytes of elements. */
static const char *npy_with(const char *dictionary, size_t n)
{
  unsigned char file[1024] = "\x93NUMPY\x01";
  size_t length = strlen(dictionary);
  file[8] = (unsigned char)length;
  file[9] = (unsigned char)(length >> 8);
  memcpy(file + 10, dictionary, length);
  put(at("bad.npy"), file, 10 + length + n);
  return at("bad.npy");
}

START_TEST(npy_refusals)
{
#define HEAD "{'descr': '<f4', 'fortran_order': False, 'shape': "
  static const struct { const char *dictionary; size_t n; const char *part; } bad[] = {
    { HEAD "(2, 3), }\n", 23, "byte 70: expected 24 bytes of elements, 23 remain" },
    { HEAD "(2, 3), }\n", 25, "expected the end of the file, but 1 bytes follow" },
    { HEAD "(3), }\n", 12, "',' after the only size" },
    { HEAD "(-3,), }\n", 12, "expected a size in the header, found '-3,), }" },
    { HEAD "(3037000500, 3037000500), }\n", 12, "more bytes than can be counted" },
    { HEAD "(99999999999999999999,), }\n", 12, "a smaller size" },
    { HEAD "(1,1,1,1,1,1,1,1,1), }\n", 4, "more than 8 dimensions" },
    { HEAD "(1 1), }\n", 4, "',' or ')'" },
    { HEAD "(1,) }", 4, "new line" },
    { HEAD "(1,) } x\n", 4, "only spaces" },
    { HEAD "(1,), 'shape': (1,)}\n", 4, "'shape' twice" },
    { HEAD "(1,), 'more': 1}\n", 4, "found 'more'" },
    { HEAD "(1,)\n", 4, "',' or '}'" },
    { "{'descr': '<f4', 'shape': (1,)}\n", 4, "'descr', 'fortran_order' and 'shape'" },
    { "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}\n", 8, "the element type '<c8' is not supported" },
    { "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}\n", 8, "the element type '|O' is not supported" },
    { "{'descr': '=f4', 'fortran_order': False, 'shape': (1,)}\n", 4, "the element type '=f4' is not supported" },
    { "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}\n", 4, "structures are not supported" },
    { "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}\n", 4, "True or False" },
    { "{'descr: '<f4', 'fortran_order': False, 'shape': (1,)}\n", 4, "found 'descr: '" },
    { "", 4, "new line" },
  };
  rp_tensor *x = NULL;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    fails(rp_npy_read(&x, npy_with(bad[i].dictionary, bad[i].n)), RP_EFORMAT, bad[i].part);
  put(at("v4.npy"), "\x93NUMPY\x04\0\0\0", 10);
  fails(rp_npy_read(&x, at("v4.npy")), RP_EFORMAT, "version 4.0");
  put(at("big.npy"), "\x93NUMPY\x02\0\xff\xff\xff\xff", 12);
  fails(rp_npy_read(&x, at("big.npy")), RP_EFORMAT, "4294967295 bytes");
  put(at("bool.npy"), "\x93NUMPY\x01\0\x36\0{'descr': '|b1', 'fortran_order': False, 'shape': ()}\n\x02", 65);
  fails(rp_npy_read(&x, at("bool.npy")), RP_EFORMAT, "byte 64: expected a bool, 0 or 1, and found 2");
  fails(rp_npy_read(&x, golden("gray8.png")), RP_EFORMAT, "gray8.png: byte 0: expected an NPY file");
  ck_assert_ptr_null(x);
}
END_TEST

/* ---- NPZ -------------------------------------------------------------------------------------------------- */

START_TEST(npz_golden)
{
  rp_bundle *b;
  ok(rp_npz_read(&b, golden("stored.npz")));
  ck_assert_int_eq(b->n_items, 2);
  ck_assert_str_eq(b->items[0].name, "x");
  ck_assert(value(b->items[0].value, 5) == 11 / 4.0);
  ck_assert_str_eq(b->items[1].name, "y");
  ck_assert(value(b->items[1].value, 3) == 5);
  rp_bundle_free(b);
  ok(rp_npz_read(&b, golden("deflated.npz")));
  ck_assert(value(b->items[0].value, 0) == -1);
  ck_assert_str_eq(rp_shape(&b->items[1].value->a).s, "(500)");
  rp_bundle_free(b);
  ok(rp_npz_read(&b, golden("none.npz")));
  ck_assert_int_eq(b->n_items, 0);
  rp_bundle_free(b);
}
END_TEST

START_TEST(npz_round_trip)
{
  rp_tensor *x = counted(RP_FLOAT32, 2, 2, 3, 0), *y = counted(RP_BOOL, 1, 7, 0, 0);
  rp_named ab[] = { { "b\xc3\xa9", y }, { "a", x } }, ba[] = { ab[1], ab[0] };
  rp_bundle *b;
  ok(rp_npz_write(at("1.npz"), ab, 2));
  ok(rp_npz_write(at("2.npz"), ba, 2));
  same_file(at("1.npz"), at("2.npz"));
  ok(rp_npz_read(&b, at("1.npz")));
  ck_assert_int_eq(b->n_items, 2);
  same(b->items[0].value, x);
  same(b->items[1].value, y);
  ck_assert_str_eq(b->items[1].name, "b\xc3\xa9");
  rp_bundle_free(b);
  rp_named twice[] = { { "a", x }, { "a", y } };
  fails(rp_npz_write(at("3.npz"), twice, 2), RP_EARG, "two tensors have the name 'a'");
  ck_assert(!rp_exists(at("3.npz")));
  rp_tensor_drop(x);
  rp_tensor_drop(y);
  fails(rp_npz_read(&b, golden("f4.npy")), RP_EFORMAT, "end record of a ZIP archive");
}
END_TEST

/* ---- safetensors ------------------------------------------------------------------------------------------ */

static rp_tensor *item(const rp_bundle *b, const char *name)
{
  for (int64_t i = 0; i < b->n_items; i++)
    if (!strcmp(b->items[i].name, name)) return b->items[i].value;
  ck_abort_msg("no tensor %s", name);
  return NULL;
}

START_TEST(safetensors_golden)
{
  rp_bundle *b;
  ok(rp_safetensors_read(&b, golden("eight.safetensors")));
  ck_assert_int_eq(b->n_items, 8);
  ck_assert_int_eq(b->n_notes, 1);
  ck_assert_str_eq(b->notes[0].key, "format");
  ck_assert_str_eq(b->notes[0].text, "np");
  ck_assert(value(item(b, "w"), 5) == 11 / 4.0);
  ck_assert(value(item(b, "s"), 0) == 2.5);
  ck_assert_str_eq(rp_shape(&item(b, "e")->a).s, "(0x4)");
  ck_assert_int_eq(item(b, "q")->a.dtype, RP_BOOL);
  ok(rp_safetensors_write(at("w"), b->items, b->n_items, b->notes, b->n_notes));
  same_file(at("w"), golden("eight.safetensors"));
  rp_bundle_free(b);
  ok(rp_safetensors_read(&b, golden("half.safetensors")));
  rp_tensor *h = item(b, "h"), *f = item(b, "bf");
  ck_assert(value(h, 0) == 1.5 && value(h, 1) == -2 && value(h, 2) == 0x1p-24 && isinf(value(h, 3)));
  ck_assert(value(f, 0) == 1.5 && value(f, 1) == -2 && value(f, 2) == 0x1p-133);
  ck_assert(value(item(b, "s"), 0) == -7);
  rp_bundle_free(b);
}
END_TEST

START_TEST(safetensors_writing)
{
  rp_tensor *x = counted(RP_FLOAT32, 1, 3, 0, 0);
  rp_named one[] = { { "a/\"b\"\n\xc3\xa9", x } }, reserved[] = { { "__metadata__", x } }, broken[] = { { "\xff", x } };
  rp_note notes[] = { { "z", "1" }, { "a", "\t" } }, doubled[] = { { "z", "1" }, { "z", "2" } };
  rp_bundle *b;
  ok(rp_safetensors_write(at("s"), one, 1, notes, 2));
  ok(rp_safetensors_read(&b, at("s")));
  ck_assert_str_eq(b->items[0].name, one[0].name);
  ck_assert_str_eq(b->notes[0].key, "a");
  ck_assert_str_eq(b->notes[0].text, "\t");
  rp_bundle_free(b);
  ok(rp_safetensors_write(at("s"), NULL, 0, NULL, 0));
  ok(rp_safetensors_read(&b, at("s")));
  ck_assert_int_eq(b->n_items, 0);
  rp_bundle_free(b);
  fails(rp_safetensors_write(at("t"), reserved, 1, NULL, 0), RP_EARG, "__metadata__");
  fails(rp_safetensors_write(at("t"), broken, 1, NULL, 0), RP_EARG, "UTF-8");
  fails(rp_safetensors_write(at("t"), one, 1, doubled, 2), RP_EARG, "given twice");
  ck_assert(!rp_exists(at("t")));
  rp_tensor_drop(x);
}
END_TEST

static const char *safetensors_with(const char *header, size_t n_data)
{
  unsigned char file[1024] = { 0 };
  size_t n = strlen(header);
  file[0] = (unsigned char)n;
  file[1] = (unsigned char)(n >> 8);
  memcpy(file + 8, header, n);
  put(at("bad"), file, 8 + n + n_data);
  return at("bad");
}

START_TEST(safetensors_refusals)
{
#define A "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
#define B ",\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":"
  static const struct { const char *header; size_t n; const char *part; } bad[] = {
    { A "}", 7, "tensor 'a': its bytes 0 to 8 lie outside the 7 bytes of data" },
    { A "}", 9, "1 bytes follow the last tensor" },
    { A B "[9,11]}}", 11, "leaves a hole before it" },
    { A B "[7,9]}}", 9, "overlaps the one before" },
    { A B "[8,11]}}", 11, "3 bytes between its data_offsets, expected 2" },
    { A B "[10,8]}}", 11, "lie outside" },
    { A B "[-2,0]}}", 11, "lie outside" },
    { A B "[8]}}", 10, "two integers" },
    { A ",\"b\":{\"dtype\":\"U8\",\"shape\":[2]}}", 8, "expected dtype, shape and data_offsets" },
    { A ",\"a\":1}", 8, "duplicate" },
    { A ",\"__metadata__\":{\"a\":1}}", 8, "expected the value of 'a' to be a string" },
    { A ",\"__metadata__\":[]}", 8, "expected __metadata__ to be an object" },
    { A "", 8, "the JSON header" },
    { " " A "}", 8, "start with '{'" },
    { "{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2, "the dtype F8_E4M3 is not supported" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "dimension 1 to be a size" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, "dimension 1 to be a size" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0, "more bytes than can be counted" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, "9 dimensions" },
  };
  rp_bundle *b = NULL;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    fails(rp_safetensors_read(&b, safetensors_with(bad[i].header, bad[i].n)), RP_EFORMAT, bad[i].part);
  put(at("huge"), "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
  fails(rp_safetensors_read(&b, at("huge")), RP_EFORMAT, "byte 0: expected a header length");
  put(at("long"), "\xff\xff\0\0\0\0\0\0{}", 10);
  fails(rp_safetensors_read(&b, at("long")), RP_EFORMAT, "byte 8: expected 65535 bytes of header, 2 remain");
  ck_assert_ptr_null(b);
}
END_TEST

Suite *io_suite(void)
{
  Suite *s = suite_create("io");
  TCase *t = tcase_create("formats");
  tcase_add_checked_fixture(t, scratch_make, scratch_remove);
  tcase_add_test(t, text_files);
  tcase_add_test(t, folders);
  tcase_add_test(t, writer_keeps_mode_and_follows_links);
  tcase_add_test(t, npy_types);
  tcase_add_test(t, npy_shapes);
  tcase_add_test(t, npy_bytes);
  tcase_add_test(t, npy_strided);
  tcase_add_test(t, npy_refusals);
  tcase_add_test(t, npz_golden);
  tcase_add_test(t, npz_round_trip);
  tcase_add_test(t, safetensors_golden);
  tcase_add_test(t, safetensors_writing);
  tcase_add_test(t, safetensors_refusals);
  suite_add_tcase(s, t);
  return s;
}
