/* reader.c: bytes of a plain file, of a gzip file, or of a member of an archive.
 *
 * Invariants: begin <= fill <= end, the bytes of the file that belong to this reader and the next to fetch;
 * at <= length, the bytes given out and those there are.  A plain file has at = fill - begin. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/confine.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "io/reader.h"

enum form { PLAIN, GZIP, DEFLATE };

struct rp_reader {
  char     *name;
  int       fd;
  bool      owns_fd;
  enum form form;
  bool      is_over;     /* the last compressed stream has ended */
  bool      has_crc;
  uint32_t  crc, crc_expected;
  int64_t   begin, end, fill;
  int64_t   at, length;
  z_stream  z;
  unsigned char input[1 << 15];
};

int64_t rp_at(const rp_reader *r) { return r->at; }
int64_t rp_left(const rp_reader *r) { return r->length - r->at; }
int64_t rp_length(const rp_reader *r) { return r->length; }
const char *rp_reader_name(const rp_reader *r) { return r->name; }

rp_status rp_bad(const rp_reader *r, int64_t at, const char *fmt, ...)
{
  char why[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(why, sizeof why, fmt, ap);
  va_end(ap);
  return rp_fail(RP_EFORMAT, "%s: byte %" PRId64 ": %s", r->name, at, why);
}

/* ---- bytes of the file ------------------------------------------------------------------------------------ */

/* Up to n bytes at `fill`; *got falls short of n only where the file ends. */
static rp_status fetch(rp_reader *r, void *to, int64_t n, int64_t *got)
{
  *got = 0;
  if (n > r->end - r->fill) n = r->end - r->fill;
  while (*got < n) {
    ssize_t k = pread(r->fd, (char *)to + *got, (size_t)(n - *got), (off_t)r->fill);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0) return rp_fail(RP_EIO, "%s: byte %" PRId64 ": cannot read: %s", r->name, r->fill, strerror(errno));
    if (k == 0) return RP_OK;
    *got += k;
    r->fill += k;
  }
  return RP_OK;
}

/* ---- inflating -------------------------------------------------------------------------------------------- */

static voidpf z_take(voidpf unused, uInt n, uInt size)
{
  (void)unused;
  return rp_new((size_t)n * size);
}

static void z_give(voidpf unused, voidpf p)
{
  (void)unused;
  rp_delete(p);
}

static rp_status refill(rp_reader *r)
{
  int64_t got = 0;
  RP_TRY(fetch(r, r->input, sizeof r->input, &got));
  r->z.next_in  = r->input;
  r->z.avail_in = (uInt)got;
  return RP_OK;
}

static rp_status bad_stream(const rp_reader *r, const char *why)
{
  return rp_fail(RP_EFORMAT, "%s: byte %" PRId64 " of the compressed data: %s", r->name,
                 r->fill - r->begin - r->z.avail_in, why);
}

/* A gzip file may be several streams one after the other; an archive's member is one. */
static rp_status next_stream(rp_reader *r)
{
  if (!r->z.avail_in) RP_TRY(refill(r));
  r->is_over = !r->z.avail_in;
  if (r->is_over) return RP_OK;
  if (r->form == DEFLATE || r->z.next_in[0] != 0x1f) return bad_stream(r, "expected the end after the compressed stream");
  return inflateReset(&r->z) == Z_OK ? RP_OK : rp_fail(RP_ESTATE, "%s: zlib refuses to start again", r->name);
}

static rp_status inflate_more(rp_reader *r, unsigned char *to, int64_t n, int64_t *got)
{
  *got = 0;
  while (*got < n && !r->is_over) {
    if (!r->z.avail_in) RP_TRY(refill(r));
    uInt room = n - *got < 1 << 30 ? (uInt)(n - *got) : (uInt)1 << 30;
    r->z.next_out  = to + *got;
    r->z.avail_out = room;
    int code = inflate(&r->z, Z_NO_FLUSH);
    *got += room - r->z.avail_out;
    if (code == Z_STREAM_END) RP_TRY(next_stream(r));
    else if (code == Z_MEM_ERROR) return RP_ENOMEM; /* z_take left the message */
    else if (code == Z_BUF_ERROR) return bad_stream(r, "expected more: the compressed stream is cut short");
    else if (code != Z_OK) return bad_stream(r, r->z.msg ? r->z.msg : "not a DEFLATE stream");
  }
  return RP_OK;
}

/* Up to n of the reader's bytes, whatever its form. */
static rp_status take(rp_reader *r, void *to, int64_t n, int64_t *got)
{
  RP_TRY(r->form == PLAIN ? fetch(r, to, n, got) : inflate_more(r, to, n, got));
  r->at += *got;
  for (int64_t i = 0, k; r->has_crc && i < *got; i += k) {
    k = *got - i < 1 << 30 ? *got - i : 1 << 30;
    r->crc = (uint32_t)crc32(r->crc, (const Bytef *)to + i, (uInt)k);
  }
  return RP_OK;
}

static rp_status start_inflating(rp_reader *r, enum form form)
{
  r->z.zalloc = z_take;
  r->z.zfree  = z_give;
  int code = inflateInit2(&r->z, form == GZIP ? 15 + 16 : -15);
  if (code == Z_MEM_ERROR) return RP_ENOMEM;
  if (code != Z_OK) return rp_fail(RP_ESTATE, "%s: zlib refuses to start: code %d", r->name, code);
  r->form = form;
  return RP_OK;
}

/* Inflates the whole file once, keeping nothing, so that its length is known and its checksum is right. */
static rp_status measure(rp_reader *r)
{
  unsigned char scratch[1 << 14];
  int64_t got = 0;
  do {
    RP_TRY(take(r, scratch, sizeof scratch, &got));
    if (r->at > RP_GZIP_LIMIT)
      return rp_fail(RP_EFORMAT, "%s: inflates to more than %" PRId64 " bytes; inflate it with gunzip first", r->name,
                     RP_GZIP_LIMIT);
  } while (got > 0);
  r->length = r->at;
  r->at = 0;
  r->fill = r->begin;
  r->z.avail_in = 0;
  r->is_over = false;
  return inflateReset(&r->z) == Z_OK ? RP_OK : rp_fail(RP_ESTATE, "%s: zlib refuses to start again", r->name);
}

/* ---- opening and closing ---------------------------------------------------------------------------------- */

static rp_status new_reader(rp_reader **out, const char *name, const char *inner)
{
  rp_reader *r = rp_new(sizeof *r);
  if (!r) return RP_ENOMEM;
  size_t n = strlen(name) + (inner ? strlen(inner) + 2 : 0) + 1;
  r->name = rp_new(n);
  if (!r->name) { rp_delete(r); return RP_ENOMEM; }
  snprintf(r->name, n, "%s%s%s", name, inner ? ": " : "", inner ? inner : "");
  r->fd = -1;
  *out = r;
  return RP_OK;
}

static rp_status open_file(rp_reader *r, const char *path)
{
  struct stat s;
  rp_place    place;
  RP_TRY(rp_place_find(&place, path, RP_READ));
  r->fd = openat(place.dir, place.name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | place.nofollow); /* a FIFO must not make us wait */
  int reason = errno;
  rp_place_leave(&place);
  if (r->fd < 0) return rp_fail(RP_EIO, "%s: cannot open: %s", path, strerror(reason));
  r->owns_fd = true;
  if (fstat(r->fd, &s)) return rp_fail(RP_EIO, "%s: cannot examine: %s", path, strerror(errno));
  if (S_ISDIR(s.st_mode)) return rp_fail(RP_EIO, "%s: is a directory; expected a file", path);
  if (!S_ISREG(s.st_mode)) return rp_fail(RP_EIO, "%s: is not an ordinary file", path);
  char probe;
  if (s.st_size == 0 && pread(r->fd, &probe, 1, 0) > 0)
    return rp_fail(RP_EIO, "%s: holds bytes but does not say how many; copy it to an ordinary file first", path);
  r->end = r->length = s.st_size;
  return RP_OK;
}

rp_status rp_reader_open_raw(rp_reader **out, const char *path)
{
  rp_reader *r = NULL;
  RP_TRY(new_reader(&r, path, NULL));
  rp_status status = open_file(r, path);
  if (status) rp_reader_close(r);
  else *out = r;
  return status;
}

static rp_status detect_gzip(rp_reader *r)
{
  unsigned char magic[3];
  int64_t got = 0;
  RP_TRY(fetch(r, magic, sizeof magic, &got));
  r->fill = r->begin;
  if (got < 3 || magic[0] != 0x1f || magic[1] != 0x8b || magic[2] != 8) return RP_OK;
  RP_TRY(start_inflating(r, GZIP));
  return measure(r);
}

rp_status rp_reader_open(rp_reader **out, const char *path)
{
  rp_reader *r = NULL;
  RP_TRY(rp_reader_open_raw(&r, path));
  rp_status status = detect_gzip(r);
  if (status) rp_reader_close(r);
  else *out = r;
  return status;
}

static rp_status check_part(const rp_reader *file, const rp_part *part)
{
  int64_t stored = part->end - part->begin;
  if (!part->deflated && part->length != stored)
    return rp_bad(file, part->begin, "%s: declared as %" PRId64 " bytes but %" PRId64 " are stored", part->name,
                  part->length, stored);
  if (part->deflated && part->length / RP_DEFLATE_RATIO > stored)
    return rp_bad(file, part->begin, "%s: declared as %" PRId64 " bytes, more than %" PRId64 " bytes can inflate to",
                  part->name, part->length, stored);
  return RP_OK;
}

rp_status rp_reader_open_part(rp_reader **out, const rp_reader *file, const rp_part *part)
{
  rp_reader *r = NULL;
  RP_TRY(check_part(file, part));
  RP_TRY(new_reader(&r, file->name, part->name));
  r->fd = file->fd;
  r->begin = r->fill = part->begin;
  r->end = part->end;
  r->length = part->length;
  r->has_crc = true;
  r->crc_expected = part->crc;
  rp_status status = part->deflated ? start_inflating(r, DEFLATE) : RP_OK;
  if (status) rp_reader_close(r);
  else *out = r;
  return status;
}

void rp_reader_close(rp_reader *r)
{
  if (!r) return;
  if (r->form != PLAIN) inflateEnd(&r->z);
  if (r->owns_fd) close(r->fd);
  rp_delete(r->name);
  rp_delete(r);
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

rp_status rp_expect(const rp_reader *r, int64_t n, const char *what)
{
  if (n <= rp_left(r)) return RP_OK;
  return rp_bad(r, r->at, "expected %" PRId64 " bytes of %s, %" PRId64 " remain", n, what, rp_left(r));
}

rp_status rp_read(rp_reader *r, void *to, int64_t n, const char *what)
{
  int64_t begin = r->at, got = 0;
  RP_TRY(rp_expect(r, n, what));
  RP_TRY(take(r, to, n, &got));
  if (got == n) return RP_OK;
  return rp_bad(r, begin + got, "expected %" PRId64 " more bytes of %s, but the data ends", n - got, what);
}

void rp_seek(rp_reader *r, int64_t at)
{
  r->at = at;
  r->fill = r->begin + at;
}

rp_status rp_reader_end(rp_reader *r)
{
  unsigned char next;
  int64_t at = r->at, got = 0;
  if (rp_left(r) > 0) return rp_bad(r, at, "expected the end of the file, but %" PRId64 " bytes follow", rp_left(r));
  RP_TRY(take(r, &next, 1, &got));
  if (got) return rp_bad(r, at, "expected the end of the data, but more bytes follow");
  if (r->has_crc && r->crc != r->crc_expected)
    return rp_bad(r, at, "CRC-32 is %08" PRIx32 ", expected %08" PRIx32 ": the data is damaged", r->crc, r->crc_expected);
  return RP_OK;
}

/* ---- whole files ------------------------------------------------------------------------------------------ */

static rp_status read_all(char **out, int64_t *n, rp_reader *r)
{
  int64_t size = rp_left(r);
  char *text = rp_alloc((size_t)size + 1);
  if (!text) return RP_ENOMEM;
  rp_status status = rp_read(r, text, size, "text");
  if (status) { rp_release(text); return status; }
  text[size] = 0;
  *out = text;
  *n = size;
  return RP_OK;
}

rp_status rp_read_file(char **out, int64_t *n, const char *path)
{
  rp_reader *r = NULL;
  RP_TRY(rp_reader_open_raw(&r, path));
  rp_status status = read_all(out, n, r);
  rp_reader_close(r);
  return status;
}

static rp_status digest(char hex[65], rp_reader *r)
{
  unsigned char block[1 << 14];
  rp_sha256 s;
  rp_sha256_start(&s);
  while (rp_left(r) > 0) {
    int64_t n = rp_left(r) < (int64_t)sizeof block ? rp_left(r) : (int64_t)sizeof block;
    RP_TRY(rp_read(r, block, n, "data"));
    rp_sha256_add(&s, block, (size_t)n);
  }
  rp_sha256_end(&s, hex);
  return RP_OK;
}

rp_status rp_sha256_file(char hex[65], const char *path)
{
  rp_reader *r = NULL;
  RP_TRY(rp_reader_open_raw(&r, path));
  rp_status status = digest(hex, r);
  rp_reader_close(r);
  return status;
}
