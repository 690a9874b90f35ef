#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/memory.h"
#include "io/writer.h"

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

struct rp_writer {
  int      fd;
  int64_t  written;
  rp_place place;               /* of the target */
  char     path[PATH_MAX];
  char     temporary[PATH_MAX]; /* in place.dir */
};

int64_t rp_written(const rp_writer *w) { return w->written; }

static rp_status refused(const char *path, const char *what)
{
  return rp_fail(RP_EIO, "%s: cannot %s: %s", path, what, strerror(errno));
}

/* Where the bytes will be in the end.  A link is followed, or renaming would replace the link and not the file. */
static rp_status follow(rp_writer *w, const char *path, struct stat *old, bool *is_old)
{
  char real[PATH_MAX];
  *is_old = !stat(path, old);
  if (*is_old && !S_ISREG(old->st_mode))
    return rp_fail(RP_EIO, "%s: is not an ordinary file, and will not be replaced by one", path);
  if (!*is_old && !lstat(path, old)) return rp_fail(RP_EIO, "%s: is a link to a file that does not exist", path);
  if (!*is_old) { snprintf(w->path, sizeof w->path, "%s", path); return RP_OK; }
  if (!realpath(path, real)) return refused(path, "follow");
  if (strlen(real) + 32 > PATH_MAX) return rp_fail(RP_EIO, "%.64s...: the path is longer than %d bytes", real, PATH_MAX - 32);
  snprintf(w->path, sizeof w->path, "%s", real);
  return RP_OK;
}

/* The name is short whatever the target's, so that a long name cannot become too long. */
static rp_status open_temporary(rp_writer *w)
{
  if (w->place.alone) { /* nothing can be made beside it: it is written where it is */
    w->fd = openat(w->place.dir, w->place.name, O_WRONLY | O_TRUNC | O_CLOEXEC | w->place.nofollow);
    return w->fd < 0 ? refused(w->path, "write") : RP_OK;
  }
  const char *slash = strrchr(w->place.name, '/');
  int stem = slash ? (int)(slash - w->place.name) + 1 : 0;
  for (int i = 0; i < 1000; i++) {
    snprintf(w->temporary, sizeof w->temporary, "%.*s.rp-%ld-%d.tmp", stem, w->place.name, (long)getpid(), i);
    w->fd = openat(w->place.dir, w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | w->place.nofollow, 0666);
    if (w->fd >= 0) return RP_OK;
    if (errno != EEXIST) break;
  }
  return refused(w->path, "create a file in its directory");
}

/* Sets path and place.  In a confined process links are not followed at all. */
static rp_status resolve(rp_writer *w, const char *path, struct stat *old, bool *is_old)
{
  if (strlen(path) + 32 > PATH_MAX) return rp_fail(RP_EIO, "%.64s...: the path is longer than %d bytes", path, PATH_MAX - 32);
  if (!rp_is_confined()) {
    RP_TRY(follow(w, path, old, is_old));
    return rp_place_find(&w->place, w->path, RP_WRITE);
  }
  snprintf(w->path, sizeof w->path, "%s", path);
  RP_TRY(rp_place_find(&w->place, w->path, RP_WRITE));
  *is_old = !fstatat(w->place.dir, w->place.name, old, AT_SYMLINK_NOFOLLOW);
  if (!*is_old || S_ISREG(old->st_mode)) return RP_OK;
  return rp_fail(RP_EIO, "%s: is not an ordinary file, and will not be replaced by one", path);
}

static rp_status open_writer(rp_writer *w, const char *path)
{
  struct stat old;
  bool is_old;
  RP_TRY(resolve(w, path, &old, &is_old));
  RP_TRY(open_temporary(w));
  /* Best effort: another owner's file may refuse, and its contents matter more than its mode. */
  if (is_old && fchmod(w->fd, old.st_mode & 07777)) errno = 0;
  return RP_OK;
}

rp_status rp_writer_open(rp_writer **out, const char *path)
{
  rp_writer *w = rp_new(sizeof *w);
  if (!w) return RP_ENOMEM;
  rp_status status = open_writer(w, path);
  if (!status) { *out = w; return RP_OK; }
  rp_place_leave(&w->place);
  rp_delete(w);
  return status;
}

rp_status rp_write(rp_writer *w, const void *bytes, int64_t n)
{
  for (int64_t done = 0; done < n; ) {
    ssize_t k = write(w->fd, (const char *)bytes + done, (size_t)(n - done));
    if (k < 0 && errno == EINTR) continue;
    if (k < 0) return refused(w->path, "write");
    done += k;
    w->written += k;
  }
  return RP_OK;
}

/* The name itself reaches the disk with the directory.  Some file systems cannot do this; the contents are safe by then. */
static void sync_directory(const rp_place *place)
{
  char directory[PATH_MAX];
  const char *slash = strrchr(place->name, '/');
  snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - place->name) + 1 : 1, slash ? place->name : ".");
  int fd = openat(place->dir, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | place->nofollow);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

static rp_status finish(rp_writer *w)
{
  int failed = fsync(w->fd), reason = errno;
  if (close(w->fd)) return refused(w->path, "write");
  errno = reason;
  if (failed) return refused(w->path, "write");
  if (w->place.alone) return RP_OK;
  if (renameat(w->place.dir, w->temporary, w->place.dir, w->place.name)) return refused(w->path, "put the file in its place");
  sync_directory(&w->place);
  return RP_OK;
}

rp_status rp_writer_close(rp_writer *w, rp_status status)
{
  if (status) close(w->fd);
  else status = finish(w);
  if (status && !w->place.alone) unlinkat(w->place.dir, w->temporary, 0);
  rp_place_leave(&w->place);
  rp_delete(w);
  return status;
}

rp_status rp_write_file(const char *path, const void *bytes, int64_t n)
{
  rp_writer *w = NULL;
  RP_TRY(rp_writer_open(&w, path));
  return rp_writer_close(w, rp_write(w, bytes, n));
}
