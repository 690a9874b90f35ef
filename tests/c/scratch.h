/* scratch.h: a folder of its own for each test, the files of tests/golden/io, and small tensors. */
#ifndef RP_TEST_SCRATCH_H
#define RP_TEST_SCRATCH_H

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/directory.h"
#include "io/reader.h"
#include "tensor/tensor.h"

typedef struct text { char s[512]; } text;

static char scratch[256];

static inline void scratch_make(void)
{
  const char *tmp = getenv("TMPDIR");
  snprintf(scratch, sizeof scratch, "%s/repro-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
  ck_assert_ptr_nonnull(mkdtemp(scratch));
}

/* Removes the folder with its files (no deeper), and so shows what a test left behind to the one that counts them. */
static inline void scratch_remove(void)
{
  rp_names *names;
  ck_assert_int_eq(rp_list(&names, scratch), RP_OK);
  for (int64_t i = 0; i < names->n; i++) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", scratch, names->name[i]);
    ck_assert_int_eq(rp_remove(path, NULL), RP_OK);
  }
  rp_names_free(names);
  ck_assert_int_eq(rp_remove(scratch, NULL), RP_OK);
}

/* The path of a file in the folder. */
static inline const char *at(const char *name)
{
  static text path[4];
  static int turn;
  text *p = &path[turn++ & 3];
  snprintf(p->s, sizeof p->s, "%s/%s", scratch, name);
  return p->s;
}

static inline const char *golden(const char *name)
{
  static text path[4];
  static int turn;
  text *p = &path[turn++ & 3];
  const char *source = getenv("SRCDIR");
  if (!source) source = getenv("srcdir");
  snprintf(p->s, sizeof p->s, "%s/tests/golden/io/%s", source ? source : ".", name);
  return p->s;
}

/* Puts bytes into a file in place, without the care of rp_write_file: tests by the thousand cannot wait for the disk. */
static inline void put(const char *path, const void *bytes, size_t n)
{
  int fd = open(path, O_WRONLY | O_CREAT, 0666);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(pwrite(fd, bytes, n, 0), (ssize_t)n);
  ck_assert_int_eq(ftruncate(fd, (off_t)n), 0);
  ck_assert_int_eq(close(fd), 0);
}

#define ok(call) ck_assert_msg((call) == RP_OK, "%s: %s", #call, rp_message())

/* The call fails with this status and a message that contains `part`. */
#define fails(call, status, part)                                                                          \
  do {                                                                                                     \
    rp_status got_ = (call);                                                                               \
    ck_assert_msg(got_ == (status), "%s: status %d, expected %d: %s", #call, got_, (status), rp_message()); \
    ck_assert_msg(strstr(rp_message(), (part)) != NULL, "%s: \"%s\" lacks \"%s\"", #call, rp_message(), (part)); \
  } while (0)

/* ---- tensors -------------------------------------------------------------------------------------------------- */

/* Undefined contents; sizes beyond ndim are not looked at. */
static inline rp_tensor *tensor(rp_dtype t, int ndim, int64_t a, int64_t b, int64_t c)
{
  rp_tensor *x = NULL;
  ok(rp_tensor_empty(&x, t, ndim, (int64_t[]){ a, b, c }));
  return x;
}

/* Element i of a contiguous tensor. */
static inline double value(rp_tensor *x, int64_t i)
{
  switch (x->a.dtype) {
  case RP_BOOL: case RP_UINT8: return ((unsigned char *)rp_data(x))[i];
  case RP_INT32:   return ((int32_t *)rp_data(x))[i];
  case RP_INT64:   return (double)((int64_t *)rp_data(x))[i];
  case RP_FLOAT32: return ((float *)rp_data(x))[i];
  default:         return ((double *)rp_data(x))[i];
  }
}

static inline void set(rp_tensor *x, int64_t i, double v)
{
  switch (x->a.dtype) {
  case RP_BOOL: case RP_UINT8: ((unsigned char *)rp_data(x))[i] = (unsigned char)v; break;
  case RP_INT32:   ((int32_t *)rp_data(x))[i] = (int32_t)v; break;
  case RP_INT64:   ((int64_t *)rp_data(x))[i] = (int64_t)v; break;
  case RP_FLOAT32: ((float *)rp_data(x))[i] = (float)v; break;
  default:         ((double *)rp_data(x))[i] = v; break;
  }
}

/* 3 i - 4; i for uint8; i mod 2 for bool. */
static inline rp_tensor *counted(rp_dtype t, int ndim, int64_t a, int64_t b, int64_t c)
{
  rp_tensor *x = tensor(t, ndim, a, b, c);
  for (int64_t i = 0; i < rp_count(&x->a); i++) set(x, i, t == RP_BOOL ? i % 2 : t == RP_UINT8 ? i : 3 * i - 4);
  return x;
}

static inline void same(rp_tensor *a, rp_tensor *b)
{
  ck_assert_int_eq(a->a.dtype, b->a.dtype);
  ck_assert_str_eq(rp_shape(&a->a).s, rp_shape(&b->a).s);
  ck_assert_mem_eq(rp_data(a), rp_data(b), (size_t)rp_count(&a->a) * rp_dtype_size(a->a.dtype));
}

static inline void same_file(const char *a, const char *b)
{
  char x[65], y[65];
  ok(rp_sha256_file(x, a));
  ok(rp_sha256_file(y, b));
  ck_assert_msg(!strcmp(x, y), "%s and %s differ", a, b);
}

#endif
