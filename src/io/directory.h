/* directory.h: names in the file system. */
#ifndef RP_IO_DIRECTORY_H
#define RP_IO_DIRECTORY_H

#include <stdbool.h>

#include "base/error.h"

/* The directory at path and those above it, as far as they are missing.  RP_EIO. */
rp_status rp_mkdir(const char *path);

/* false also where the process may not look (base/confine.h). */
bool rp_exists(const char *path);

/* Removes a file or an empty directory.  *was_there (may be NULL) tells whether there was one.  RP_EIO. */
rp_status rp_remove(const char *path, bool *was_there);

/* Gives a file or folder another name, taking the place of a file that has it.  RP_EIO. */
rp_status rp_rename(const char *from, const char *to);

typedef struct rp_names {
  int64_t n;
  char  **name; /* in ascending byte order */
} rp_names;

/* *out receives the names in a directory, without "." and ".."; given back with rp_names_free.  RP_EIO, RP_ENOMEM. */
rp_status rp_list(rp_names **out, const char *path);
void      rp_names_free(rp_names *names); /* NULL is allowed */

#endif
