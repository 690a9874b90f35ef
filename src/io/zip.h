/* zip.h: the part of the ZIP archive format (PKWARE APPNOTE 6.3) that NPZ files need.
 *
 * Read: members stored or deflated, of one file, not encrypted, that do not overlap.  Written: members stored, dated
 * 1980-01-01, so that equal contents make equal bytes.  ZIP64 (archives or members of 4 GiB and more) is refused. */
#ifndef RP_IO_ZIP_H
#define RP_IO_ZIP_H

#include "io/reader.h"
#include "io/writer.h"

typedef struct rp_zip {
  rp_reader *file;   /* owned */
  int64_t    n;
  rp_part   *member; /* n, in the order of the archive; names owned */
} rp_zip;

/* *out receives the table of contents.  RP_EIO, RP_EFORMAT, RP_ENOMEM. */
rp_status rp_zip_open(rp_zip **out, const char *path);
void      rp_zip_close(rp_zip *z); /* NULL is allowed */

/* *out receives a reader of member i, closed before z. */
rp_status rp_zip_read(rp_reader **out, const rp_zip *z, int64_t i);

/* The archive being written: its contents so far. */
typedef struct rp_zip_entry { char *name; uint32_t crc, size, at; } rp_zip_entry;
typedef struct rp_zip_writer {
  rp_writer    *file;  /* borrowed */
  int64_t       n, room;
  rp_zip_entry *entry; /* `room` of them */
} rp_zip_writer;

/* z, zeroed memory, writes up to n members to file; its memory is given back with rp_zip_writer_free. */
rp_status rp_zip_start(rp_zip_writer *z, rp_writer *file, int64_t n);

/* One member: name borrowed; its contents are n_head and then n_body bytes. */
rp_status rp_zip_add(rp_zip_writer *z, const char *name, const void *head, int64_t n_head, const void *body, int64_t n_body);

/* The table of contents, after the last member. */
rp_status rp_zip_end(rp_zip_writer *z);
void      rp_zip_writer_free(rp_zip_writer *z);

#endif
