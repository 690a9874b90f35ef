/* writer.h: a file that appears whole or not at all.
 *
 * Bytes go to a temporary file in the target's directory; closing with success brings them to the disk (fsync) and gives the
 * file its name (rename).  (Only where a confined process may write a file but not its folder is it written in place.)
 * On any failure the temporary file is removed and a file of that name from before is as it was. */
#ifndef RP_IO_WRITER_H
#define RP_IO_WRITER_H

#include "base/error.h"

typedef struct rp_writer rp_writer;

/* *out receives a writer, given back with rp_writer_close.  path is borrowed; a symbolic link is followed; a file of that name
 * keeps its permissions.  RP_EIO: no such directory, not writable, or path names something that is not an ordinary file. */
rp_status rp_writer_open(rp_writer **out, const char *path);

rp_status rp_write(rp_writer *w, const void *bytes, int64_t n);

int64_t rp_written(const rp_writer *w); /* bytes so far */

/* Finishes if status is RP_OK, else takes everything back; w is gone either way.  Returns status, or RP_EIO if finishing fails:
 *     return rp_writer_close(w, write_it(w, ...)); */
rp_status rp_writer_close(rp_writer *w, rp_status status);

/* n bytes as the file at path. */
rp_status rp_write_file(const char *path, const void *bytes, int64_t n);

#endif
