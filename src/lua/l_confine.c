/* l_confine.c: rp.system: the folders, and the limits, of a script that is not trusted.
 *
 *   confine({{path, rights[, named]} ...}, kernel, note) -> lift        note: for processes started by this one
 *                        rights: "r" read, "w" read and write, "c" claim, "s" system
 *   claim(path)          the run directory, once; see base/confine.h
 *   landlock() -> version, or nil and why there is none
 *   plain_path(path) -> one in which ".." means what the text says
 *   common_folder(path) -> whether it is one for everybody's files, such as the home folder
 *   open(path, mode) -> file, as io.open     rename(from, to)       both where the script may
 *   lock(file) -> whether no other process holds it; until the file is closed
 *   limit, charge (l_limits.c)
 *
 * What confine returns is the only way back, so whoever holds it decides. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/landlock.h"
#include "io/directory.h"
#include "lua/l_tensor.h"

static int lift(lua_State *L)
{
  (void)L;
  rp_confine_lift();
  return 0;
}

static int rights_of(const char *letters)
{
  int rights = 0;
  if (strchr(letters, 'r')) rights |= RP_READ;
  if (strchr(letters, 'w')) rights |= RP_WRITE | (strchr(letters, 's') ? 0 : RP_READ);
  if (strchr(letters, 'c')) rights |= RP_CLAIM;
  if (strchr(letters, 's')) rights |= RP_SYSTEM;
  return rights;
}

static int confine(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  bool by_kernel = lua_toboolean(L, 2);
  const char *note = luaL_optstring(L, 3, "");
  if (rp_is_confined()) return l_error(L, "confine: this process keeps to its folders already");
  lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 1, i);
    luaL_checktype(L, -1, LUA_TTABLE);
    for (int k = 1; k <= 3; k++) lua_rawgeti(L, -k, k);
    int rights = rights_of(luaL_checkstring(L, -2));
    if (rp_confine_allow(luaL_checkstring(L, -3), luaL_optstring(L, -1, NULL), rights)) return l_raise(L);
    lua_pop(L, 4);
  }
  rp_confine_note(note);
  if (rp_confine() || (by_kernel && rp_confine_kernel())) return l_raise(L);
  lua_pushcfunction(L, lift);
  return 1;
}

static int claim(lua_State *L) { return rp_confine_claim(luaL_checkstring(L, 1)) ? l_raise(L) : 0; }

static int plain_path(lua_State *L)
{
  char        out[4096];
  const char *path = luaL_checkstring(L, 1);
  lua_pushstring(L, rp_plain_path(out, sizeof out, path) ? out : path);
  return 1;
}

static int landlock(lua_State *L)
{
  const char *why = NULL;
  int version = rp_landlock_version(&why);
  if (version) { lua_pushinteger(L, version); return 1; }
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

static int common_folder(lua_State *L)
{
  lua_pushboolean(L, rp_is_common_folder(luaL_checkstring(L, 1)));
  return 1;
}

static int rename_(lua_State *L)
{
  return rp_rename(luaL_checkstring(L, 1), luaL_checkstring(L, 2)) ? l_raise(L) : 0;
}

/* ---- io.open ------------------------------------------------------------------------------------------------ */

/* The flags of a mode of fopen (C11, 7.21.5.3); -1 if it is none. */
static int flags_of(const char *mode)
{
  int flags = *mode == 'r' ? 0 : *mode == 'w' ? O_CREAT | O_TRUNC : *mode == 'a' ? O_CREAT | O_APPEND : -1;
  if (flags < 0) return -1;
  bool both = mode[1] == '+';
  mode += 1 + both;
  if (*mode == 'b') mode++;
  if (*mode) return -1;
  return flags | (both ? O_RDWR : flags ? O_WRONLY : O_RDONLY);
}

static int close_stream(lua_State *L)
{
  luaL_Stream *s = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  return luaL_fileresult(L, fclose(s->f) == 0, NULL);
}

/* A descriptor of an ordinary file; -1 with a message. */
static int open_place(const char *path, int flags)
{
  rp_place    place;
  struct stat s;
  if (rp_place_find(&place, path, (flags & O_ACCMODE) == O_RDONLY ? RP_READ : RP_WRITE)) { errno = EACCES; return -1; }
  int fd = openat(place.dir, place.name, flags | O_CLOEXEC | O_NONBLOCK | place.nofollow, 0666), reason = errno;
  rp_place_leave(&place);
  if (fd < 0) rp_fail(RP_EIO, "%s: %s", path, strerror(reason));
  else if (fstat(fd, &s) || (!S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode))) {
    rp_fail(RP_EIO, "%s: is not an ordinary file", path);
    close(fd);
    fd = -1;
    reason = EACCES;
  }
  errno = reason;
  return fd;
}

static int open_(lua_State *L)
{
  const char *path = luaL_checkstring(L, 1), *mode = luaL_optstring(L, 2, "r");
  int flags = flags_of(mode);
  luaL_argcheck(L, flags >= 0, 2, "invalid mode");
  luaL_Stream *s = lua_newuserdatauv(L, sizeof *s, 0);
  s->closef = NULL; /* "closed" until it is open */
  luaL_setmetatable(L, LUA_FILEHANDLE);
  int fd = open_place(path, flags), reason = errno;
  s->f = fd < 0 ? NULL : fdopen(fd, mode);
  if (s->f) { s->closef = close_stream; return 1; }
  if (fd >= 0) { reason = errno; rp_fail(RP_EIO, "%s: %s", path, strerror(reason)); close(fd); }
  lua_pushnil(L);
  lua_pushstring(L, rp_message());
  lua_pushinteger(L, reason);
  return 3;
}

/* A file system without locks counts as free.  Processes that this one starts do not inherit the lock. */
static int lock_(lua_State *L)
{
  luaL_Stream *s = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  luaL_argcheck(L, s->closef != NULL, 1, "the file is closed");
  int fd = fileno(s->f);
  (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
  lua_pushboolean(L, flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK);
  return 1;
}

int l_open_confine(lua_State *L)
{
  static const luaL_Reg functions[] = {
    { "confine", confine }, { "claim", claim }, { "landlock", landlock }, { "common_folder", common_folder },
    { "plain_path", plain_path }, { "open", open_ }, { "lock", lock_ }, { "rename", rename_ }, { NULL, NULL } };
  luaL_newlib(L, functions);
  l_open_limits(L);
  return 1;
}
