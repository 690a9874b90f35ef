/* zip.c: members, each after a local header; then the central directory, one entry a member; then the end record, which says
 * where the directory is.  The directory is believed only where it fits the local headers. */
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "io/element.h"
#include "io/zip.h"

enum { LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50 }; /* signatures */
enum { LOCAL_SIZE = 30, CENTRAL_SIZE = 46, END_SIZE = 22, COMMENT_MAX = 65535 };
enum { STORED = 0, DEFLATED = 8, ENCRYPTED = 1, UTF8_NAME = 0x800, DATE_1980 = 0x21 };

/* ---- finding the directory -------------------------------------------------------------------------------- */

typedef struct directory { int64_t n, at, size; } directory;

static rp_status parse_end(directory *d, const rp_reader *r, const unsigned char *p, int64_t at)
{
  d->n    = rp_le16(p + 10);
  d->size = rp_le32(p + 12);
  d->at   = rp_le32(p + 16);
  if (d->n == 0xffff || d->size == 0xffffffff || d->at == 0xffffffff)
    return rp_bad(r, at, "this is a ZIP64 archive, which is not supported; save arrays of 4 GiB and more as safetensors or NPY");
  if (rp_le16(p + 4) || rp_le16(p + 6) || rp_le16(p + 8) != d->n)
    return rp_bad(r, at, "expected an archive in one file, found one of several");
  if (d->at + d->size != at)
    return rp_bad(r, at, "the directory is said to end at byte %" PRId64 "; expected byte %" PRId64, d->at + d->size, at);
  return RP_OK;
}

/* The end record is the last thing in the file but for a comment, whose length it gives. */
static rp_status search_end(directory *d, rp_reader *r, unsigned char *tail, int64_t n)
{
  int64_t begin = rp_length(r) - n;
  rp_seek(r, begin);
  RP_TRY(rp_read(r, tail, n, "ZIP end record"));
  for (int64_t i = n - END_SIZE; i >= 0; i--)
    if (rp_le32(tail + i) == END && i + END_SIZE + rp_le16(tail + i + 20) == n) return parse_end(d, r, tail + i, begin + i);
  return rp_bad(r, begin, "expected the end record of a ZIP archive in the last %" PRId64 " bytes: cut short, or not a ZIP file",
                n);
}

static rp_status find_directory(directory *d, rp_reader *r)
{
  int64_t n = rp_length(r) < END_SIZE + COMMENT_MAX ? rp_length(r) : END_SIZE + COMMENT_MAX;
  unsigned char *tail = rp_new((size_t)n + 1);
  if (!tail) return RP_ENOMEM;
  rp_status status = search_end(d, r, tail, n);
  rp_delete(tail);
  return status;
}

/* ---- one entry -------------------------------------------------------------------------------------------- */

static rp_status take_name(rp_part *m, const rp_reader *r, int64_t at, const unsigned char *name, int64_t n)
{
  if (memchr(name, 0, (size_t)n)) return rp_bad(r, at, "a member's name contains a zero byte");
  char *copy = rp_new((size_t)n + 1);
  if (!copy) return RP_ENOMEM;
  memcpy(copy, name, (size_t)n);
  m->name = copy;
  return RP_OK;
}

/* The member's local header must be where the directory says, bear the same name, and leave its bytes after the
 * members before (`floor`) and before the directory. */
static rp_status check_local(rp_part *m, rp_reader *r, int64_t at, int64_t stored, int64_t floor, int64_t ceiling)
{
  unsigned char p[LOCAL_SIZE], name[256];
  if (at < floor || at + LOCAL_SIZE > ceiling)
    return rp_bad(r, at, "member '%s': expected a local header between bytes %" PRId64 " and %" PRId64, m->name, floor, ceiling);
  rp_seek(r, at);
  RP_TRY(rp_read(r, p, LOCAL_SIZE, "local header"));
  int64_t n = rp_le16(p + 26), extra = rp_le16(p + 28);
  if (rp_le32(p) != LOCAL) return rp_bad(r, at, "member '%s': expected a local header", m->name);
  bool is_same = (int64_t)strlen(m->name) == n;
  m->begin = at + LOCAL_SIZE + n + extra;
  m->end = m->begin + stored;
  if (m->end > ceiling) return rp_bad(r, at, "member '%s': %" PRId64 " bytes do not fit before the directory", m->name, stored);
  for (int64_t i = 0, k; i < n && is_same; i += k) {
    k = n - i < (int64_t)sizeof name ? n - i : (int64_t)sizeof name;
    RP_TRY(rp_read(r, name, k, "member name"));
    is_same = !memcmp(name, m->name + i, (size_t)k);
  }
  return is_same ? RP_OK : rp_bad(r, at + 26, "the local header and the directory name member '%s' differently", m->name);
}

static rp_status parse_entry(rp_part *m, rp_reader *r, const unsigned char *p, int64_t at, int64_t floor, int64_t ceiling)
{
  uint32_t flags = rp_le16(p + 8), method = rp_le16(p + 10);
  uint32_t stored = rp_le32(p + 20), length = rp_le32(p + 24), local = rp_le32(p + 42);
  RP_TRY(take_name(m, r, at, p + CENTRAL_SIZE, rp_le16(p + 28)));
  if (flags & ENCRYPTED) return rp_bad(r, at, "member '%s' is encrypted", m->name);
  if (method != STORED && method != DEFLATED)
    return rp_bad(r, at, "member '%s' is compressed by method %" PRIu32 "; expected 0 (stored) or 8 (deflated)", m->name, method);
  if (stored == 0xffffffff || length == 0xffffffff || local == 0xffffffff)
    return rp_bad(r, at, "member '%s' needs ZIP64, which is not supported; save arrays of 4 GiB and more as safetensors", m->name);
  m->crc = rp_le32(p + 16);
  m->length = length;
  m->deflated = method == DEFLATED;
  return check_local(m, r, local, stored, floor, ceiling);
}

static rp_status parse_directory(rp_zip *z, const unsigned char *p, const directory *d)
{
  int64_t i = 0, floor = 0;
  for (z->n = 0; z->n < d->n; floor = z->member[z->n - 1].end) {
    if (i + CENTRAL_SIZE > d->size || rp_le32(p + i) != CENTRAL)
      return rp_bad(z->file, d->at + i, "expected entry %" PRId64 " of %" PRId64 " of the ZIP directory", z->n + 1, d->n);
    int64_t size = CENTRAL_SIZE + (int64_t)rp_le16(p + i + 28) + rp_le16(p + i + 30) + rp_le16(p + i + 32);
    if (i + size > d->size)
      return rp_bad(z->file, d->at + i, "the directory entry has %" PRId64 " bytes, %" PRId64 " remain", size, d->size - i);
    RP_TRY(parse_entry(&z->member[z->n++], z->file, p + i, d->at + i, floor, d->at));
    i += size;
  }
  return i == d->size ? RP_OK : rp_bad(z->file, d->at + i, "expected the end of the ZIP directory");
}

static rp_status load_directory(rp_zip *z)
{
  directory d = { 0 };
  RP_TRY(find_directory(&d, z->file));
  z->member = rp_new((size_t)d.n * sizeof *z->member);
  unsigned char *p = z->member ? rp_alloc((size_t)d.size + 1) : NULL;
  if (!p) return RP_ENOMEM;
  rp_seek(z->file, d.at);
  rp_status status = rp_read(z->file, p, d.size, "ZIP directory");
  if (!status) status = parse_directory(z, p, &d);
  rp_release(p);
  return status;
}

rp_status rp_zip_open(rp_zip **out, const char *path)
{
  rp_zip *z = rp_new(sizeof *z);
  if (!z) return RP_ENOMEM;
  rp_status status = rp_reader_open_raw(&z->file, path);
  if (!status) status = load_directory(z);
  if (status) rp_zip_close(z);
  else *out = z;
  return status;
}

void rp_zip_close(rp_zip *z)
{
  if (!z) return;
  for (int64_t i = 0; i < z->n; i++) rp_delete((char *)z->member[i].name);
  rp_delete(z->member);
  rp_reader_close(z->file);
  rp_delete(z);
}

rp_status rp_zip_read(rp_reader **out, const rp_zip *z, int64_t i) { return rp_reader_open_part(out, z->file, &z->member[i]); }

/* ---- writing ---------------------------------------------------------------------------------------------- */

static unsigned char *put16(unsigned char *p, uint32_t x)
{
  p[0] = (unsigned char)x;
  p[1] = (unsigned char)(x >> 8);
  return p + 2;
}

static unsigned char *put32(unsigned char *p, uint32_t x) { return put16(put16(p, x), x >> 16); }

/* The 26 bytes that the local header and the directory share, from "version needed" to "extra length". */
static unsigned char *put_shared(unsigned char *p, const rp_zip_entry *e)
{
  bool is_ascii = true;
  for (const char *c = e->name; *c; c++) is_ascii &= (unsigned char)*c < 0x80;
  p = put16(p, 20);
  p = put16(p, is_ascii ? 0 : UTF8_NAME);
  p = put16(p, STORED);
  p = put16(p, 0); /* midnight */
  p = put16(p, DATE_1980);
  p = put32(p, e->crc);
  p = put32(p, e->size); /* stored and full size */
  p = put32(p, e->size);
  p = put16(p, (uint32_t)strlen(e->name));
  return put16(p, 0);
}

rp_status rp_zip_start(rp_zip_writer *z, rp_writer *file, int64_t n)
{
  if (n >= 0xffff) return rp_fail(RP_ERANGE, "a ZIP archive holds at most 65534 members, not %" PRId64 "; use safetensors", n);
  z->entry = rp_new((size_t)n * sizeof *z->entry);
  if (!z->entry) return RP_ENOMEM;
  z->file = file;
  z->room = n;
  return RP_OK;
}

static uint32_t checksum(uint32_t crc, const void *bytes, int64_t n)
{
  for (int64_t i = 0, k; i < n; i += k) {
    k = n - i < 1 << 30 ? n - i : 1 << 30;
    crc = (uint32_t)crc32(crc, (const Bytef *)bytes + i, (uInt)k);
  }
  return crc;
}

static rp_status new_entry(rp_zip_entry *e, const rp_zip_writer *z, const char *name, int64_t size)
{
  size_t n = strlen(name);
  if (n > 0xffff) return rp_fail(RP_ERANGE, "the name '%.32s...' is longer than 65535 bytes", name);
  if (rp_written(z->file) + (int64_t)n + LOCAL_SIZE + size >= 0xffffffff)
    return rp_fail(RP_ERANGE, "%s: the archive would reach 4 GiB, more than ZIP can hold; use safetensors", name);
  e->name = rp_new(n + 1);
  if (!e->name) return RP_ENOMEM;
  memcpy(e->name, name, n);
  e->size = (uint32_t)size;
  e->at = (uint32_t)rp_written(z->file);
  return RP_OK;
}

rp_status rp_zip_add(rp_zip_writer *z, const char *name, const void *head, int64_t n_head, const void *body, int64_t n_body)
{
  unsigned char p[LOCAL_SIZE];
  rp_zip_entry *e = &z->entry[z->n];
  if (z->n == z->room) return rp_fail(RP_ESTATE, "%s: the archive was started for %" PRId64 " members", name, z->room);
  RP_TRY(new_entry(e, z, name, n_head + n_body));
  z->n++;
  e->crc = checksum(checksum(0, head, n_head), body, n_body);
  put_shared(put32(p, LOCAL), e);
  RP_TRY(rp_write(z->file, p, sizeof p));
  RP_TRY(rp_write(z->file, name, (int64_t)strlen(name)));
  RP_TRY(rp_write(z->file, head, n_head));
  return rp_write(z->file, body, n_body);
}

static rp_status write_central(const rp_zip_writer *z, const rp_zip_entry *e)
{
  unsigned char p[CENTRAL_SIZE] = { 0 }, *q = put_shared(put16(put32(p, CENTRAL), 20), e);
  put32(q + 10, e->at); /* after comment length, disk and attributes, all 0 */
  RP_TRY(rp_write(z->file, p, sizeof p));
  return rp_write(z->file, e->name, (int64_t)strlen(e->name));
}

rp_status rp_zip_end(rp_zip_writer *z)
{
  unsigned char p[END_SIZE] = { 0 };
  int64_t begin = rp_written(z->file);
  for (int64_t i = 0; i < z->n; i++) RP_TRY(write_central(z, &z->entry[i]));
  int64_t size = rp_written(z->file) - begin;
  if (begin + size >= 0xffffffff)
    return rp_fail(RP_ERANGE, "the archive would reach 4 GiB, more than ZIP can hold; use safetensors");
  put32(p, END);
  put16(put16(p + 8, (uint32_t)z->n), (uint32_t)z->n);
  put32(put32(p + 12, (uint32_t)size), (uint32_t)begin);
  return rp_write(z->file, p, sizeof p);
}

void rp_zip_writer_free(rp_zip_writer *z)
{
  for (int64_t i = 0; i < z->n; i++) rp_delete(z->entry[i].name);
  rp_delete(z->entry);
}
