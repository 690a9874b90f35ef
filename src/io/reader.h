/* reader.h: the bytes of a file, never more than there are.
 *
 * The number of bytes is known before the first is given out, also inside gzip: a size that a header declares is
 * compared with rp_left before memory is taken for it.  Every failure names the file and the byte.
 * A reader belongs to one thread. */
#ifndef RP_IO_READER_H
#define RP_IO_READER_H

#include <stdbool.h>

#include "base/error.h"

/* A gzip file may hold this many bytes when inflated. */
#define RP_GZIP_LIMIT ((int64_t)1 << 32)

/* DEFLATE (RFC 1951) codes at most 258 bytes in two bits: no stream inflates more than this many times. */
#define RP_DEFLATE_RATIO 1032

typedef struct rp_reader rp_reader;

/* *out receives a reader at byte 0 of an ordinary file; closed with rp_reader_close.  path is borrowed.
 * rp_reader_open inflates a file that starts as gzip does (RFC 1952) and checks it to its end before it returns;
 * rp_reader_open_raw gives the bytes as they lie.
 * RP_EIO: not there, not readable, not an ordinary file.  RP_EFORMAT: broken gzip.  RP_ENOMEM. */
rp_status rp_reader_open(rp_reader **out, const char *path);
rp_status rp_reader_open_raw(rp_reader **out, const char *path);

/* A stretch of a raw file that is itself a file, as in a zip archive. */
typedef struct rp_part {
  const char *name;     /* for messages; borrowed during the call */
  int64_t     begin, end; /* its bytes in the file, within the file */
  int64_t     length;   /* its bytes when inflated */
  bool        deflated; /* RFC 1951, or as they lie */
  uint32_t    crc;      /* CRC-32 of the inflated bytes, compared by rp_reader_end */
} rp_part;

/* *out receives a reader of one part.  file is kept in use: it must be closed after *out.  RP_EFORMAT if the part cannot
 * hold `length` bytes. */
rp_status rp_reader_open_part(rp_reader **out, const rp_reader *file, const rp_part *part);

void rp_reader_close(rp_reader *r); /* NULL is allowed */

int64_t rp_at(const rp_reader *r);     /* the next byte, from 0 */
int64_t rp_left(const rp_reader *r);   /* bytes from there to the end */
int64_t rp_length(const rp_reader *r); /* bytes in all */

/* The next n bytes, all of them, into `to`; `what` is what they should be, for the message.
 * RP_EFORMAT if fewer are left; RP_EIO. */
rp_status rp_read(rp_reader *r, void *to, int64_t n, const char *what);

/* RP_EFORMAT unless n more bytes are left; nothing is read. */
rp_status rp_expect(const rp_reader *r, int64_t n, const char *what);

/* Moves a raw reader to byte `at`, 0 <= at <= rp_length. */
void rp_seek(rp_reader *r, int64_t at);

/* RP_EFORMAT unless the file ends here and its checksum, where it has one, fits. */
rp_status rp_reader_end(rp_reader *r);

/* Fails with RP_EFORMAT and "NAME: byte AT: " before the message. */
RP_COLD rp_status rp_bad(const rp_reader *r, int64_t at, const char *fmt, ...) RP_FORMAT(3, 4);

/* The name in messages. */
const char *rp_reader_name(const rp_reader *r);

/* The whole file as it lies: *out receives n bytes and a 0 after them, given back with rp_release. */
rp_status rp_read_file(char **out, int64_t *n, const char *path);

/* SHA-256 of the file as it lies. */
rp_status rp_sha256_file(char hex[65], const char *path);

#endif
