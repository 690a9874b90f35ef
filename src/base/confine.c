/* Invariant: every allowed path has an open folder, taken before the script ran, from which all walks start; so a folder that
 * is renamed or replaced later is still the one that was allowed. */
#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/landlock.h"
#include "base/memory.h"

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif
#ifndef O_PATH
#define O_PATH O_RDONLY
#endif

#define MAX_ROOTS   256
#define OPEN_FOLDER (O_PATH | O_DIRECTORY | O_CLOEXEC)

typedef struct root {
  int  rights;
  int  folder;          /* the folder itself, or the one a file lies in */
  bool is_file;
  char real[PATH_MAX];  /* without links */
  char named[PATH_MAX]; /* as it was given, made absolute */
} root;

static root *roots[MAX_ROOTS];
static int   n_roots;
static bool  confined, by_kernel;
static char  note[256];
static char  current[PATH_MAX]; /* the current folder, when confined */

bool rp_is_confined(void) { return confined; }

const char *rp_confine_path(int i, int *rights)
{
  if (i < 0 || i >= n_roots) return NULL;
  *rights = roots[i]->rights;
  return roots[i]->real;
}

/* ---- paths by their text ---------------------------------------------------------------------------------- */

/* Adds one component to an absolute path that ends without a slash ("" is the root); ".." takes one away. */
static bool add_component(char *path, const char *word, size_t n)
{
  size_t length = strlen(path);
  if (n == 0 || (n == 1 && word[0] == '.')) return true;
  if (n == 2 && word[0] == '.' && word[1] == '.') {
    char *slash = strrchr(path, '/');
    if (slash) *slash = 0;
    return true;
  }
  if (length + n + 2 > PATH_MAX) return false;
  path[length] = '/';
  memcpy(path + length + 1, word, n);
  path[length + 1 + n] = 0;
  return true;
}

static bool add_components(char *path, const char *text)
{
  while (*text) {
    size_t n = strcspn(text, "/");
    if (!add_component(path, text, n)) return false;
    text += n + (text[n] == '/');
  }
  return true;
}

/* path made absolute, without ".", ".." and doubled slashes; links play no part. */
static bool normalise(char out[PATH_MAX], const char *here, const char *path)
{
  out[0] = 0;
  if (path[0] != '/' && !add_components(out, here)) return false;
  return add_components(out, path);
}

/* The rest of path below folder, "" for the folder itself; NULL if it lies elsewhere. */
static const char *below(const char *path, const char *folder)
{
  size_t n = strlen(folder);
  if (strncmp(path, folder, n) != 0 || (path[n] && path[n] != '/')) return NULL;
  return path[n] ? path + n + 1 : path + n;
}

static const char *rest_of(const root *r, const char *path)
{
  const char *rest = below(path, r->real);
  if (!rest) rest = below(path, r->named);
  return rest && r->is_file && *rest ? NULL : rest;
}

static const root *find_root(const char *path, int rights, const char **rest)
{
  for (int i = 0; i < n_roots; i++) {
    if ((roots[i]->rights & RP_SYSTEM) || (roots[i]->rights & rights) != rights) continue;
    if ((*rest = rest_of(roots[i], path))) return roots[i];
  }
  return NULL;
}

bool rp_is_allowed(const char *path, int rights)
{
  char        whole[PATH_MAX];
  const char *rest;
  return !confined || (normalise(whole, current, path) && find_root(whole, rights, &rest));
}

bool rp_is_above_allowed(const char *path)
{
  char whole[PATH_MAX];
  if (!normalise(whole, current, path)) return false;
  for (int i = 0; i < n_roots; i++)
    if (!(roots[i]->rights & RP_SYSTEM) && (below(roots[i]->real, whole) || below(roots[i]->named, whole))) return true;
  return false;
}

/* ---- what is allowed --------------------------------------------------------------------------------------- */

static rp_status open_root(root *r)
{
  struct stat s;
  char        folder[PATH_MAX];
  if (stat(r->real, &s)) return rp_fail(RP_EIO, "%s: cannot examine: %s", r->real, strerror(errno));
  r->is_file = !S_ISDIR(s.st_mode);
  snprintf(folder, sizeof folder, "%s", r->real);
  if (r->is_file) *strrchr(folder, '/') = 0;
  r->folder = open(*folder ? folder : "/", OPEN_FOLDER);
  return r->folder < 0 ? rp_fail(RP_EIO, "%s: cannot open: %s", r->real, strerror(errno)) : RP_OK;
}

/* Whether path is where its text says: after a link ".." is another folder. */
static bool means_its_text(char whole[PATH_MAX], const char *here, const char *path)
{
  struct stat a, b;
  if (!normalise(whole, here, path) || stat(*whole ? whole : "/", &a) || stat(path, &b)) return false;
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool rp_plain_path(char *out, size_t room, const char *path)
{
  char here[PATH_MAX], whole[PATH_MAX];
  bool plain = getcwd(here, sizeof here) && means_its_text(whole, here, path);
  if (!plain && !realpath(path, whole)) return false;
  return (size_t)snprintf(out, room, "%s", plain ? path : whole) < room;
}

static rp_status name_root(root *r, const char *path)
{
  char here[PATH_MAX], whole[PATH_MAX];
  if (!getcwd(here, sizeof here)) return rp_fail(RP_EIO, "the current folder has no name: %s", strerror(errno));
  if (strcmp(r->real, "/") == 0) r->real[0] = 0; /* as normalise writes it */
  snprintf(r->named, sizeof r->named, "%s", means_its_text(whole, here, path) ? whole : r->real);
  return RP_OK;
}

static rp_status add_root(const char *path, int rights)
{
  if (n_roots == MAX_ROOTS) return rp_fail(RP_EARG, "confine: more than %d folders", MAX_ROOTS);
  root *r = rp_new(sizeof *r);
  if (!r) return RP_ENOMEM;
  if (!realpath(path, r->real)) {
    int reason = errno;
    rp_delete(r);
    return reason == ENOENT || reason == ENOTDIR ? RP_OK : rp_fail(RP_EIO, "%s: cannot follow: %s", path, strerror(reason));
  }
  r->rights = rights;
  rp_status status = open_root(r);
  if (!status && (status = name_root(r, path))) close(r->folder);
  if (status) rp_delete(r);
  else roots[n_roots++] = r;
  return status;
}

rp_status rp_confine_allow(const char *path, const char *named, int rights)
{
  int before = n_roots;
  if (confined) return rp_fail(RP_ESTATE, "confine: the process keeps to its folders already");
  RP_TRY(add_root(path, rights));
  if (named && n_roots > before) snprintf(roots[before]->named, sizeof roots[before]->named, "%s", named);
  return RP_OK;
}

rp_status rp_confine(void)
{
  if (confined) return rp_fail(RP_ESTATE, "confine: the process keeps to its folders already");
  if (!getcwd(current, sizeof current)) return rp_fail(RP_EIO, "the current folder has no name: %s", strerror(errno));
  confined = true;
  return RP_OK;
}

rp_status rp_confine_kernel(void)
{
  RP_TRY(rp_landlock_restrict());
  by_kernel = true;
  return RP_OK;
}

void rp_confine_lift(void)
{
  for (int i = 0; i < n_roots; i++) {
    close(roots[i]->folder);
    rp_delete(roots[i]);
  }
  n_roots = 0;
  confined = false;
}

void rp_confine_note(const char *line) { snprintf(note, sizeof note, "%s", line); }

char *rp_confine_text(void)
{
  size_t room = sizeof note + 2, n;
  for (int i = 0; i < n_roots; i++) room += strlen(roots[i]->real) + strlen(roots[i]->named) + 9;
  char *text = rp_new(room);
  if (!text) return NULL;
  n = (size_t)snprintf(text, room, "%s\n", note);
  for (int i = 0; i < n_roots; i++) {
    int has = roots[i]->rights;
    if (!has) continue;
    n += (size_t)snprintf(text + n, room - n, "%s%s%s%s %s\n%s\n", has & RP_READ ? "r" : "", has & RP_WRITE ? "w" : "",
                          has & RP_CLAIM ? "c" : "", has & RP_SYSTEM ? "s" : "", *roots[i]->real ? roots[i]->real : "/",
                          roots[i]->named);
  }
  return text;
}

/* ---- claiming ---------------------------------------------------------------------------------------------- */

static root *claim_root(const char *path)
{
  const char *name;
  for (int i = 0; i < n_roots; i++)
    if ((roots[i]->rights & RP_CLAIM) && (name = rest_of(roots[i], path)) && *name && !strchr(name, '/')) return roots[i];
  return NULL;
}

rp_status rp_confine_claim(const char *path)
{
  char whole[PATH_MAX];
  struct stat s;
  if (rp_is_allowed(path, RP_WRITE)) return RP_OK;
  if (!normalise(whole, current, path)) return rp_fail(RP_EIO, "%.64s...: the path is too long", path);
  root *base = claim_root(whole);
  if (!base) return rp_fail(RP_EIO, "%s: this run may not write there; name its folder with -o DIR", path);
  const char *name = rest_of(base, whole);
  if (mkdirat(base->folder, name, 0777) && errno != EEXIST)
    return rp_fail(RP_EIO, "%s: cannot make the directory: %s", path, strerror(errno));
  if (fstatat(base->folder, name, &s, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(s.st_mode))
    return rp_fail(RP_EIO, "%s: cannot make the directory: %s", path, S_ISLNK(s.st_mode) ?
                   "a symbolic link has that name; remove it or name another folder with -o DIR" : "a file has that name");
  RP_TRY(add_root(path, RP_READ | RP_WRITE));
  base->rights &= ~RP_CLAIM;
  return by_kernel ? rp_landlock_restrict() : RP_OK;
}

/* ---- places ------------------------------------------------------------------------------------------------ */

static rp_status denied(const char *path, int rights)
{
  if (rights & RP_WRITE)
    return rp_fail(RP_EIO, "%s: outside the run directory, the only place where this script may write (--trust lifts the "
                   "sandbox)", path);
  return rp_fail(RP_EIO, "%s: outside the folders that this script may read; --data DIR allows a folder of data, "
                 "--trust lifts the sandbox", path);
}

static rp_status stopped(const char *path, int folder, const char *word, int reason)
{
  struct stat s;
  if ((reason == ELOOP || reason == ENOTDIR) && !fstatat(folder, word, &s, AT_SYMLINK_NOFOLLOW) && S_ISLNK(s.st_mode))
    return rp_fail(RP_EIO, "%s: \"%s\" is a symbolic link, which a script does not follow; name the folder it points to with "
                   "--data DIR, or lift the sandbox with --trust", path, word);
  return rp_fail(RP_EIO, "%s: cannot open: %s", path, strerror(reason));
}

/* Goes from place->dir down to the folder of the last component of rest, which becomes the name. */
static rp_status walk(rp_place *place, const char *path, const char *rest)
{
  for (;;) {
    size_t n = strcspn(rest, "/");
    if (n >= sizeof place->text) return rp_fail(RP_EIO, "%s: cannot open: %s", path, strerror(ENAMETOOLONG));
    memcpy(place->text, rest, n);
    place->text[n] = 0;
    if (!rest[n]) return RP_OK;
    int next = openat(place->dir, place->text, OPEN_FOLDER | O_NOFOLLOW), reason = errno;
    if (next < 0) return stopped(path, place->dir, place->text, reason);
    rp_place_leave(place);
    place->dir = next;
    place->owned = true;
    rest += n + 1;
  }
}

rp_status rp_place_find(rp_place *out, const char *path, int rights)
{
  char        whole[PATH_MAX];
  const char *rest = "";
  struct stat s;
  *out = (rp_place){ AT_FDCWD, 0, false, false, path, "" };
  if (!confined) return RP_OK;
  if (!normalise(whole, current, path)) return rp_fail(RP_EIO, "%.64s...: the path is too long", path);
  const root *r = find_root(whole, rights, &rest);
  if (!r) return denied(path, rights);
  if (r->is_file) rest = strrchr(r->real, '/') + 1;
  out->dir = r->folder;
  out->alone = r->is_file;
  out->nofollow = O_NOFOLLOW;
  out->name = *rest ? out->text : ".";
  rp_status status = *rest ? walk(out, path, rest) : RP_OK;
  if (!status && *rest && !fstatat(out->dir, out->name, &s, AT_SYMLINK_NOFOLLOW) && S_ISLNK(s.st_mode))
    status = stopped(path, out->dir, out->name, ELOOP);
  if (status) rp_place_leave(out);
  return status;
}

void rp_place_leave(rp_place *place)
{
  if (place->owned) close(place->dir);
  place->owned = false;
}

bool rp_is_common_folder(const char *path)
{
  char        real[PATH_MAX], home[PATH_MAX];
  struct stat s;
  const char *named = getenv("HOME");
  if (!realpath(path, real) || stat(real, &s)) return true;
  if (s.st_mode & S_ISVTX) return true;
  if (strcmp(real, "/") == 0) return true;
  return named && *named && realpath(named, home) && below(home, real);
}
