/* test_damage.c: every file cut short at every byte and changed at every byte; every allocation refused in turn; a full disk and
 * a folder that cannot be written.  Nothing crashes, nothing leaks, no damaged file asks for much memory, what carries a
 * checksum is never read as something else, and a file that could not be replaced is as it was. */
#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/sha256.h"
#include "io/cifar.h"
#include "io/idx.h"
#include "io/markdown.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/png.h"
#include "io/safetensors.h"
#include "io/writer.h"
#include "scratch.h"

/* ---- reading anything into a hash ------------------------------------------------------------------------- */

static void add_tensor(rp_sha256 *s, const char *name, rp_tensor *x)
{
  rp_sha256_add(s, name, strlen(name) + 1);
  rp_sha256_add(s, &x->a.dtype, sizeof x->a.dtype);
  rp_sha256_add(s, x->a.shape, (size_t)x->a.ndim * sizeof *x->a.shape);
  rp_sha256_add(s, rp_data(x), (size_t)rp_count(&x->a) * rp_dtype_size(x->a.dtype));
}

static rp_status read_one(rp_sha256 *s, const char *path, rp_status (*read)(rp_tensor **, const char *))
{
  rp_tensor *x = NULL;
  rp_status status = read(&x, path);
  ck_assert_int_eq(status == RP_OK, x != NULL);
  if (x) add_tensor(s, "", x);
  rp_tensor_drop(x);
  return status;
}

static rp_status read_many(rp_sha256 *s, const char *path, rp_status (*read)(rp_bundle **, const char *))
{
  rp_bundle *b = NULL;
  rp_status status = read(&b, path);
  ck_assert_int_eq(status == RP_OK, b != NULL);
  for (int64_t i = 0; b && i < b->n_items; i++) add_tensor(s, b->items[i].name, b->items[i].value);
  rp_bundle_free(b);
  return status;
}

static rp_status read_npy(rp_sha256 *s, const char *path) { return read_one(s, path, rp_npy_read); }
static rp_status read_png(rp_sha256 *s, const char *path) { return read_one(s, path, rp_png_read); }
static rp_status read_idx(rp_sha256 *s, const char *path) { return read_one(s, path, rp_idx_read); }
static rp_status read_npz(rp_sha256 *s, const char *path) { return read_many(s, path, rp_npz_read); }
static rp_status read_safetensors(rp_sha256 *s, const char *path) { return read_many(s, path, rp_safetensors_read); }

static rp_status read_cifar(rp_sha256 *s, const char *path)
{
  rp_tensor *x = NULL, *y = NULL;
  rp_status status = rp_cifar10_read(&x, &y, path);
  ck_assert(status == RP_OK ? x && y : !x && !y);
  if (x) add_tensor(s, "x", x);
  if (y) add_tensor(s, "y", y);
  rp_tensor_drop(x);
  rp_tensor_drop(y);
  return status;
}

static const struct sort {
  const char *name;
  rp_status (*read)(rp_sha256 *, const char *);
  bool is_checked; /* changed data are noticed */
} sorts[] = {
  { "f4.npy", read_npy, false },       { "f2.npy", read_npy, false },      { "fortran.npy", read_npy, false },
  { "u8big.npy", read_npy, false },    { "version3.npy", read_npy, false }, { "b1.npy", read_npy, false },
  { "stored.npz", read_npz, true },    { "deflated.npz", read_npz, true }, { "none.npz", read_npz, true },
  { "eight.safetensors", read_safetensors, false }, { "half.safetensors", read_safetensors, false },
  { "gray1i.png", read_png, true },    { "palette4t.png", read_png, true }, { "rgb8t.png", read_png, true },
  { "rgba16i.png", read_png, true },   { "gray16t.png", read_png, true },  { "graya8.png", read_png, true },
  { "idx", read_idx, false },          { "idx.gz", read_idx, true },       { "cifar", read_cifar, false },
};
enum { N_SORTS = sizeof sorts / sizeof *sorts };

static const char *make_file(const char *name)
{
  static unsigned char bytes[3073] = "\0\0\x0b\2\0\0\0\2\0\0\0\3abcdefghijkl";
  if (!strcmp(name, "idx")) put(at(name), bytes, 24);
  else if (!strcmp(name, "cifar")) put(at(name), bytes, 3073);
  else if (!strcmp(name, "idx.gz")) {
    gzFile z = gzopen(at(name), "wb");
    ck_assert_int_eq(gzwrite(z, bytes, 24), 24);
    ck_assert_int_eq(gzclose(z), Z_OK);
  } else return golden(name);
  return at(name);
}

/* Reads a damaged file; hex receives the hash of what was read. */
static rp_status read_damaged(const struct sort *f, const unsigned char *bytes, size_t n, char hex[65])
{
  rp_sha256 s;
  rp_sha256_start(&s);
  put(at("damaged"), bytes, n);
  rp_memory_reset_peak();
  size_t before = rp_memory_now().live;
  rp_status status = f->read(&s, at("damaged"));
  rp_memory after = rp_memory_now();
  ck_assert_uint_eq(after.live, before);
  ck_assert_msg(after.peak - before < (size_t)16 << 20, "%s took %zu bytes", f->name, after.peak - before);
  ck_assert_msg(status == RP_OK || status == RP_EFORMAT, "%s: status %d: %s", f->name, status, rp_message());
  ck_assert_msg(status == RP_OK || strstr(rp_message(), "/damaged: "), "%s: no file in \"%s\"", f->name, rp_message());
  rp_sha256_end(&s, hex);
  return status;
}

START_TEST(damaged)
{
  const struct sort *f = &sorts[_i];
  char whole[65], hex[65], *text;
  int64_t n;
  ok(rp_read_file(&text, &n, make_file(f->name)));
  unsigned char *bytes = rp_alloc((size_t)n + 1);
  memcpy(bytes, text, (size_t)n);
  bytes[n] = 0;
  ok(read_damaged(f, bytes, (size_t)n, whole));
  for (int64_t i = 0; i < n; i++)
    ck_assert_msg(read_damaged(f, bytes, (size_t)i, hex) != RP_OK, "%s: cut at byte %d, and read", f->name, (int)i);
  ck_assert_msg(read_damaged(f, bytes, (size_t)n + 1, hex) != RP_OK, "%s: a byte too long, and read", f->name);
  for (int64_t i = 0; i < n; i++) {
    unsigned char right = bytes[i];
    const unsigned char wrong[] = { right ^ 1, right ^ 0x80, right ^ 0xff, 0, '9' };
    for (size_t k = 0; k < (n > 2000 ? 2 : sizeof wrong); k++) {
      bytes[i] = wrong[k];
      rp_status status = read_damaged(f, bytes, (size_t)n, hex);
      ck_assert_msg(!f->is_checked || status || !strcmp(hex, whole), "%s: byte %d set to %02x, and read as something else", f->name,
                    (int)i, wrong[k]);
    }
    bytes[i] = right;
  }
  rp_release(bytes);
  rp_release(text);
}
END_TEST

/* Arrangements that random changes seldom meet. */
START_TEST(damaged_by_chance)
{
  const struct sort *f = &sorts[_i];
  char hex[65], *text;
  int64_t n;
  uint64_t state = 88172645463325252u + (uint64_t)_i;
  ok(rp_read_file(&text, &n, make_file(f->name)));
  unsigned char *bytes = rp_alloc((size_t)n);
  for (int round = 0; round < 1500; round++) {
    memcpy(bytes, text, (size_t)n);
    for (int k = 0; k <= round % 5; k++) {
      state ^= state << 13; state ^= state >> 7; state ^= state << 17;
      int64_t from = (int64_t)(state % (uint64_t)n), to = (int64_t)(state >> 20) % n, run = 1 + (int64_t)(state >> 44) % 8;
      for (int64_t j = 0; j < run && from + j < n && to + j < n; j++)
        bytes[to + j] = round & 1 ? bytes[from + j] : (unsigned char)(state >> 8 * j);
    }
    read_damaged(f, bytes, (size_t)n, hex);
  }
  rp_release(bytes);
  rp_release(text);
}
END_TEST

/* ---- refused memory --------------------------------------------------------------------------------------- */

static rp_tensor *x, *y;

static rp_status write_npy(void) { return rp_npy_write(at("out"), y); }
static rp_status write_png(void) { return rp_png_write(at("out"), x); }
static rp_status write_npz(void) { return rp_npz_write(at("out"), (rp_named[]){ { "x", x }, { "y", y } }, 2); }
static rp_status write_safetensors(void)
{
  return rp_safetensors_write(at("out"), (rp_named[]){ { "x", x }, { "y", y } }, 2, (rp_note[]){ { "k", "v" } }, 1);
}

static rp_status (*const writers[])(void) = { write_npy, write_png, write_npz, write_safetensors };
enum { N_WRITERS = sizeof writers / sizeof *writers };

/* x (40,50,3) uint8 and y, a window of (50,40) float64 on its transpose. */
static void make_tensors(void)
{
  rp_tensor *base = counted(RP_FLOAT64, 2, 50, 40, 0);
  x = counted(RP_UINT8, 3, 40, 50, 3);
  rp_array a = base->a;
  a.shape[0] = 40; a.shape[1] = 50; a.stride[0] = 1; a.stride[1] = 40;
  ok(rp_tensor_view(&y, base, &a));
  rp_tensor_drop(base);
}

static void drop_tensors(void)
{
  rp_tensor_drop(x);
  rp_tensor_drop(y);
}

static int n_files(void)
{
  rp_names *names;
  ok(rp_list(&names, scratch));
  int n = (int)names->n;
  rp_names_free(names);
  return n;
}

static bool is_temporary_left(void)
{
  rp_names *names;
  bool is = false;
  ok(rp_list(&names, scratch));
  for (int64_t i = 0; i < names->n; i++) is |= strstr(names->name[i], ".tmp") != NULL;
  rp_names_free(names);
  return is;
}

/* Jansson reports a token that it could not store as one that it did not expect. */
static bool tells_of_memory(void) { return strstr(rp_message(), "memory") || strstr(rp_message(), "JSON header"); }

/* Runs `call` with its first, second, ... allocation refused until it succeeds. */
#define until_memory_suffices(call)                                                                     \
  do {                                                                                                  \
    rp_status status_ = RP_ENOMEM;                                                                      \
    for (int k_ = 1; status_; k_++) {                                                                   \
      size_t before_ = rp_memory_now().live;                                                            \
      rp_memory_fail_at(k_);                                                                            \
      status_ = (call);                                                                                 \
      rp_memory_fail_at(0);                                                                             \
      ck_assert_uint_eq(rp_memory_now().live, before_);                                                 \
      ck_assert_msg(!status_ || tells_of_memory(), "%s, allocation %d: %s", #call, k_, rp_message());  \
      ck_assert(!is_temporary_left());                                                                  \
      ck_assert_int_lt(k_, 10000);                                                                      \
    }                                                                                                   \
  } while (0)

START_TEST(memory_refused_to_readers)
{
  const char *path = make_file(sorts[_i].name);
  rp_sha256 s;
  json_set_alloc_funcs(rp_new, rp_delete); /* so that Jansson's allocations are refused too */
  rp_sha256_start(&s);
  until_memory_suffices(sorts[_i].read(&s, path));
}
END_TEST

START_TEST(memory_refused_to_writers)
{
  json_set_alloc_funcs(rp_new, rp_delete);
  make_tensors();
  put(at("out"), "old", 3);
  until_memory_suffices(writers[_i]());
  ck_assert_int_eq(n_files(), 1);
  drop_tensors();
}
END_TEST

static rp_status list(void)
{
  rp_names *names = NULL;
  rp_status status = rp_list(&names, scratch);
  rp_names_free(names);
  return status;
}

static rp_status render(void)
{
  static const char text[] = "# A\n\n- *b* [c](d) `e`\n- f\n\n> g & h\n\n```\ni\n```\n[j]: k\n\n1. [j] &amp; ![l](m)\n";
  char *html = NULL;
  size_t n;
  rp_status status = rp_markdown(&html, &n, text, strlen(text));
  rp_delete(html);
  return status;
}

START_TEST(memory_refused_elsewhere)
{
  for (int i = 0; i < 40; i++) {
    char name[16];
    snprintf(name, sizeof name, "%d", i);
    put(at(name), "", 0);
  }
  until_memory_suffices(list());
  until_memory_suffices(render());
  until_memory_suffices(rp_mkdir(scratch));
}
END_TEST

/* ---- a disk that refuses ---------------------------------------------------------------------------------- */

static void holds_old(void)
{
  char *s;
  int64_t n;
  ck_assert_int_eq(n_files(), 1);
  ok(rp_read_file(&s, &n, at("out")));
  ck_assert_str_eq(s, "old");
  rp_release(s);
}

/* No file may grow beyond 300 bytes: what a full disk looks like to write(). */
START_TEST(full_disk)
{
  struct rlimit all, few;
  ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &all), 0);
  few = all;
  few.rlim_cur = 300;
  make_tensors();
  put(at("out"), "old", 3);
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &few), 0);
  rp_status status = writers[_i]();
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
  signal(SIGXFSZ, handler);
  ck_assert_int_eq(status, RP_EIO);
  ck_assert_msg(strstr(rp_message(), "out: cannot write: File too large") != NULL, "%s", rp_message());
  holds_old();
  drop_tensors();
}
END_TEST

START_TEST(folder_not_writable)
{
  bool is_root = geteuid() == 0;
  make_tensors();
  put(at("out"), "old", 3);
  ck_assert_int_eq(chmod(scratch, 0555), 0);
  if (is_root) ck_assert_int_eq(seteuid(65534), 0); /* root may write anywhere */
  rp_status status = writers[_i]();
  if (is_root) ck_assert_int_eq(seteuid(0), 0);
  ck_assert_int_eq(chmod(scratch, 0755), 0);
  ck_assert_int_eq(status, RP_EIO);
  ck_assert_msg(strstr(rp_message(), "out: cannot create a file in its directory: Permission denied") != NULL, "%s", rp_message());
  holds_old();
  drop_tensors();
}
END_TEST

START_TEST(unfinished_files)
{
  rp_writer *a, *b;
  rp_names *names;
  put(at("out"), "old", 3);
  ok(rp_writer_open(&a, at("out")));
  ok(rp_write(a, "new", 3));
  ck_assert_int_eq(rp_writer_close(a, RP_ERANGE), RP_ERANGE);
  holds_old();
  ok(rp_writer_open(&a, at("out")));
  ok(rp_writer_open(&b, at("out"))); /* two at a time do not meet */
  ok(rp_write(a, "first", 5));
  ok(rp_write(b, "old", 3));
  ok(rp_writer_close(a, RP_OK));
  ok(rp_writer_close(b, RP_OK));
  holds_old();
  ok(rp_writer_open(&a, at("out")));
  ok(rp_list(&names, scratch));
  ck_assert_int_eq(names->n, 2);
  for (int i = 0; i < 2; i++)
    if (strcmp(names->name[i], "out")) ok(rp_remove(at(names->name[i]), NULL));
  rp_names_free(names);
  fails(rp_writer_close(a, RP_OK), RP_EIO, "cannot put the file in its place");
  holds_old();
}
END_TEST

Suite *damage_suite(void)
{
  Suite *s = suite_create("damage");
  TCase *t = tcase_create("damage");
  tcase_set_timeout(t, 120);
  tcase_add_checked_fixture(t, scratch_make, scratch_remove);
  tcase_add_loop_test(t, damaged, 0, N_SORTS);
  tcase_add_loop_test(t, damaged_by_chance, 0, N_SORTS);
  tcase_add_loop_test(t, memory_refused_to_readers, 0, N_SORTS);
  tcase_add_loop_test(t, memory_refused_to_writers, 0, N_WRITERS);
  tcase_add_test(t, memory_refused_elsewhere);
  tcase_add_loop_test(t, full_disk, 0, N_WRITERS);
  tcase_add_loop_test(t, folder_not_writable, 0, N_WRITERS);
  tcase_add_test(t, unfinished_files);
  suite_add_tcase(s, t);
  return s;
}
