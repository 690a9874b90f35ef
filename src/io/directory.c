#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/memory.h"
#include "io/directory.h"

static bool is_directory(const char *path)
{
  struct stat s;
  rp_place    place;
  if (rp_place_find(&place, path, RP_READ)) return false;
  bool is = !fstatat(place.dir, place.name, &s, place.nofollow ? AT_SYMLINK_NOFOLLOW : 0) && S_ISDIR(s.st_mode);
  rp_place_leave(&place);
  return is;
}

static rp_status make_one(const char *path)
{
  rp_place place;
  RP_TRY(rp_place_find(&place, path, RP_WRITE));
  bool made = !mkdirat(place.dir, place.name, 0777);
  int  reason = errno;
  rp_place_leave(&place);
  if (made || is_directory(path)) return RP_OK;
  if (rp_exists(path)) return rp_fail(RP_EIO, "%s: cannot make the directory: a file has that name", path);
  return rp_fail(RP_EIO, "%s: cannot make the directory: %s", path, strerror(reason));
}

rp_status rp_mkdir(const char *path)
{
  size_t n = strlen(path);
  if (!n) return rp_fail(RP_EARG, "mkdir: the path is empty");
  char *prefix = rp_new(n + 1);
  if (!prefix) return RP_ENOMEM;
  bool      is_ours = rp_is_allowed(path, RP_WRITE);
  rp_status status = RP_OK;
  for (size_t i = 1; i <= n && !status; i++) {
    if ((path[i] && path[i] != '/') || path[i - 1] == '/') continue;
    memcpy(prefix, path, i);
    if (!is_ours) is_ours = !rp_confine_claim(prefix); /* the first folder made where one may be claimed (base/confine.h) */
    if (!rp_is_allowed(prefix, RP_WRITE) && (i < n || rp_is_above_allowed(prefix))) continue; /* such a folder is there */
    status = make_one(prefix);
  }
  rp_delete(prefix);
  return status;
}

bool rp_exists(const char *path)
{
  struct stat s;
  rp_place    place;
  if (rp_place_find(&place, path, RP_READ)) return false;
  bool is_there = !fstatat(place.dir, place.name, &s, place.nofollow ? AT_SYMLINK_NOFOLLOW : 0);
  rp_place_leave(&place);
  return is_there;
}

static bool unlink_any(const rp_place *place)
{
  if (!unlinkat(place->dir, place->name, 0)) return true;
  return (errno == EISDIR || errno == EPERM) && !unlinkat(place->dir, place->name, AT_REMOVEDIR);
}

rp_status rp_remove(const char *path, bool *was_there)
{
  rp_place place;
  RP_TRY(rp_place_find(&place, path, RP_WRITE));
  bool gone = unlink_any(&place);
  int  reason = errno;
  rp_place_leave(&place);
  if (!gone && reason != ENOENT) return rp_fail(RP_EIO, "%s: cannot remove: %s", path, strerror(reason));
  if (was_there) *was_there = gone;
  return RP_OK;
}

rp_status rp_rename(const char *from, const char *to)
{
  rp_place a, b;
  RP_TRY(rp_place_find(&a, from, RP_WRITE));
  rp_status status = rp_place_find(&b, to, RP_WRITE);
  if (!status) {
    if (renameat(a.dir, a.name, b.dir, b.name))
      status = rp_fail(RP_EIO, "%s: cannot be renamed to %s: %s", from, to, strerror(errno));
    rp_place_leave(&b);
  }
  rp_place_leave(&a);
  return status;
}

/* ---- listing ---------------------------------------------------------------------------------------------- */

static rp_status grow(rp_names *names, int64_t *room)
{
  int64_t n = *room ? 2 * *room : 16;
  char **name = rp_new((size_t)n * sizeof *name);
  if (!name) return RP_ENOMEM;
  if (names->n) memcpy(name, names->name, (size_t)names->n * sizeof *name);
  rp_delete(names->name);
  names->name = name;
  *room = n;
  return RP_OK;
}

static rp_status append(rp_names *names, int64_t *room, const char *name)
{
  if (names->n == *room) RP_TRY(grow(names, room));
  char *copy = rp_new(strlen(name) + 1);
  if (!copy) return RP_ENOMEM;
  strcpy(copy, name);
  names->name[names->n++] = copy;
  return RP_OK;
}

static rp_status collect(rp_names *names, DIR *directory, const char *path)
{
  int64_t room = 0;
  for (struct dirent *e; errno = 0, (e = readdir(directory)); )
    if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) RP_TRY(append(names, &room, e->d_name));
  return errno ? rp_fail(RP_EIO, "%s: cannot list: %s", path, strerror(errno)) : RP_OK;
}

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static rp_status open_folder(DIR **out, const char *path)
{
  rp_place place;
  RP_TRY(rp_place_find(&place, path, RP_READ));
  int fd = openat(place.dir, place.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | place.nofollow), reason = errno;
  rp_place_leave(&place);
  if (fd < 0) return rp_fail(RP_EIO, "%s: cannot list: %s", path, strerror(reason));
  *out = fdopendir(fd);
  if (*out) return RP_OK;
  close(fd);
  return rp_fail(RP_EIO, "%s: cannot list: %s", path, strerror(errno));
}

rp_status rp_list(rp_names **out, const char *path)
{
  rp_names *names = rp_new(sizeof *names);
  if (!names) return RP_ENOMEM;
  DIR *directory = NULL;
  rp_status status = open_folder(&directory, path);
  if (!status) status = collect(names, directory, path);
  if (directory) closedir(directory);
  if (status) { rp_names_free(names); return status; }
  if (names->n) qsort(names->name, (size_t)names->n, sizeof *names->name, compare);
  *out = names;
  return RP_OK;
}

void rp_names_free(rp_names *names)
{
  if (!names) return;
  for (int64_t i = 0; i < names->n; i++) rp_delete(names->name[i]);
  rp_delete(names->name);
  rp_delete(names);
}
