#include "io/tar.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/reader.h"
#include "io/writer.h"

enum { BLOCK = 512, NAME = 100, SIZE_AT = 124, SIZE_DIGITS = 12, SUM_AT = 148, TYPE_AT = 156, PIECE = 1 << 16 };

static int64_t octal(const char *p, int n)
{
  int64_t v = 0;
  while (n && *p == ' ') p++, n--;
  for (; n && *p >= '0' && *p <= '7'; p++, n--) v = v * 8 + (*p - '0');
  return v;
}

/* The sum of the header's bytes, its own field counted as spaces. */
static bool is_header(const unsigned char *h)
{
  int64_t sum = 0;
  for (int i = 0; i < BLOCK; i++) sum += i >= SUM_AT && i < SUM_AT + 8 ? ' ' : h[i];
  return octal((const char *)h + SUM_AT, 8) == sum;
}

static bool is_empty(const unsigned char *h)
{
  for (int i = 0; i < BLOCK; i++) if (h[i]) return false;
  return true;
}

static rp_status pass(rp_reader *r, rp_writer *w, int64_t n)
{
  char piece[PIECE];
  while (n > 0) {
    int64_t k = n < PIECE ? n : PIECE;
    RP_TRY(rp_read(r, piece, k, "the contents of a member"));
    if (w) RP_TRY(rp_write(w, piece, k));
    n -= k;
  }
  return RP_OK;
}

static rp_status extract(rp_reader *r, const char *folder, const char *name, int64_t n)
{
  char       path[4096];
  rp_writer *w = NULL;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  RP_TRY(rp_writer_open(&w, path));
  return rp_writer_close(w, pass(r, w, n));
}

static int which(const unsigned char *h, const char *const *names, int n)
{
  char path[NAME + 1];
  memcpy(path, h, NAME);
  path[NAME] = 0;
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  if (h[TYPE_AT] != '0' && h[TYPE_AT] != 0) return -1;
  for (int i = 0; i < n; i++) if (strcmp(base, names[i]) == 0) return i;
  return -1;
}

static rp_status members(rp_reader *r, const char *folder, const char *const *names, int n, int *found)
{
  unsigned char h[BLOCK];
  while (rp_left(r) >= BLOCK) {
    RP_TRY(rp_read(r, h, BLOCK, "a header of tar"));
    if (is_empty(h)) return RP_OK;
    if (!is_header(h)) return rp_bad(r, rp_at(r) - BLOCK, "expected a header of tar");
    int64_t size = octal((const char *)h + SIZE_AT, SIZE_DIGITS);
    int     i = which(h, names, n);
    if (i >= 0) { RP_TRY(extract(r, folder, names[i], size)); found[i] = 1; }
    else RP_TRY(pass(r, NULL, size));
    RP_TRY(pass(r, NULL, (BLOCK - size % BLOCK) % BLOCK));
  }
  return RP_OK;
}

rp_status rp_untar(const char *archive, const char *folder, const char *const *names, int n, int *found)
{
  rp_reader *r = NULL;
  memset(found, 0, (size_t)n * sizeof *found);
  RP_TRY(rp_reader_open(&r, archive));
  rp_status status = members(r, folder, names, n, found);
  rp_reader_close(r);
  return status;
}
