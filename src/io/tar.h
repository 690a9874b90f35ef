/* tar.h: files out of an archive of tar (POSIX.1-1988 ustar, and the older form), which may be compressed with gzip. */
#ifndef RP_IO_TAR_H
#define RP_IO_TAR_H

#include "base/error.h"

/* Writes the ordinary files of an archive whose names, without their folders, are among names[0 .. n-1] into `folder`, each whole or
 * not at all; found[i] receives whether there was one.  Paths inside the archive decide nothing but that.
 * RP_EFORMAT: not such an archive, or it ends early.  RP_EIO, RP_ENOMEM. */
rp_status rp_untar(const char *archive, const char *folder, const char *const *names, int n, int *found);

#endif
