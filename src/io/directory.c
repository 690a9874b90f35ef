#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/directory.h"

static bool is_directory(const char *path)
{
  struct stat s;
  return !stat(path, &s) && S_ISDIR(s.st_mode);
}

static rp_status make_one(const char *path)
{
  if (!mkdir(path, 0777) || is_directory(path)) return RP_OK;
  if (rp_exists(path)) return rp_fail(RP_EIO, "%s: cannot make the directory: a file has that name", path);
  return rp_fail(RP_EIO, "%s: cannot make the directory: %s", path, strerror(errno));
}

rp_status rp_mkdir(const char *path)
{
  size_t n = strlen(path);
  if (!n) return rp_fail(RP_EARG, "mkdir: the path is empty");
  char *prefix = rp_new(n + 1);
  if (!prefix) return RP_ENOMEM;
  rp_status status = RP_OK;
  for (size_t i = 1; i <= n && !status; i++) {
    if ((path[i] && path[i] != '/') || path[i - 1] == '/') continue;
    memcpy(prefix, path, i);
    status = make_one(prefix);
  }
  rp_delete(prefix);
  return status;
}

bool rp_exists(const char *path)
{
  struct stat s;
  return !stat(path, &s);
}

rp_status rp_remove(const char *path, bool *was_there)
{
  bool gone = !remove(path);
  if (!gone && errno != ENOENT) return rp_fail(RP_EIO, "%s: cannot remove: %s", path, strerror(errno));
  if (was_there) *was_there = gone;
  return RP_OK;
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

rp_status rp_list(rp_names **out, const char *path)
{
  rp_names *names = rp_new(sizeof *names);
  if (!names) return RP_ENOMEM;
  DIR *directory = opendir(path);
  rp_status status = directory ? collect(names, directory, path)
                               : rp_fail(RP_EIO, "%s: cannot list: %s", path, strerror(errno));
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
