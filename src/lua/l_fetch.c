/* l_fetch.c: core.fetch: what `repro data` needs of the network and of archives.  A confined process has none of it.
 *
 *   transfer{url, path, from, etag, most, connect, stall, agent, progress} -> {status, begin, length, etag}, message or nil
 *   library() -> version of libcurl, or nil and why there is none
 *   untar(archive, folder, {name...}) -> {name = true}
 */
#include "base/confine.h"
#include "io/fetch.h"
#include "io/tar.h"
#include "lua/l_tensor.h"

typedef struct listener { lua_State *L; bool failed; } listener;

static bool tell(void *context, int64_t now, int64_t total)
{
  listener *l = context;
  if (lua_isnil(l->L, 2)) return true;
  lua_pushvalue(l->L, 2);
  lua_pushinteger(l->L, now);
  lua_pushinteger(l->L, total);
  l->failed = lua_pcall(l->L, 2, 0, 0) != LUA_OK; /* the error stays on the stack */
  return !l->failed;
}

/* The field of the table at 1, left on the stack, which keeps it alive. */
static const char *text(lua_State *L, const char *name)
{
  lua_getfield(L, 1, name);
  return luaL_optstring(L, -1, NULL);
}

static double number(lua_State *L, const char *name, double otherwise)
{
  lua_getfield(L, 1, name);
  return luaL_optnumber(L, -1, otherwise);
}

static void refuse_confined(lua_State *L)
{
  if (rp_is_confined()) l_error(L, "fetch: a script has no network; repro data fetch gets data");
}

static int transfer(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  refuse_confined(L);
  lua_getfield(L, 1, "progress");
  listener l = { L, false };
  rp_fetch f = { .url = text(L, "url"), .path = text(L, "path"), .etag = text(L, "etag"), .agent = text(L, "agent"),
                 .from = (int64_t)number(L, "from", 0), .most = (int64_t)number(L, "most", 0),
                 .connect = number(L, "connect", 20), .stall = number(L, "stall", 30), .progress = tell, .context = &l };
  if (!f.url || !f.path) return l_error(L, "transfer: url and path are needed");
  rp_status status = rp_fetch_run(&f);
  if (l.failed) return lua_error(L);
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, f.status);   lua_setfield(L, -2, "status");
  lua_pushinteger(L, f.begin);    lua_setfield(L, -2, "begin");
  lua_pushinteger(L, f.length);   lua_setfield(L, -2, "length");
  lua_pushstring(L, f.new_etag);  lua_setfield(L, -2, "etag");
  if (!status) return 1;
  lua_pushstring(L, rp_message());
  return 2;
}

static int library(lua_State *L)
{
  const char *version = rp_fetch_library();
  if (version) { lua_pushstring(L, version); return 1; }
  lua_pushnil(L);
  lua_pushstring(L, rp_message());
  return 2;
}

enum { MOST_NAMES = 64 };

static int untar(lua_State *L)
{
  const char *archive = luaL_checkstring(L, 1), *folder = luaL_checkstring(L, 2), *names[MOST_NAMES];
  int         found[MOST_NAMES];
  luaL_checktype(L, 3, LUA_TTABLE);
  int n = (int)luaL_len(L, 3);
  if (n < 1 || n > MOST_NAMES) return l_error(L, "untar: %d names, expected 1..%d", n, MOST_NAMES);
  luaL_checkstack(L, n, "names");
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, 3, i + 1);
    names[i] = luaL_checkstring(L, -1);
  }
  if (rp_untar(archive, folder, names, n, found)) return l_raise(L);
  lua_createtable(L, 0, n);
  for (int i = 0; i < n; i++) {
    lua_pushboolean(L, found[i]);
    lua_setfield(L, -2, names[i]);
  }
  return 1;
}

int l_open_fetch(lua_State *L)
{
  static const luaL_Reg functions[] = { { "transfer", transfer }, { "library", library }, { "untar", untar }, { NULL, NULL } };
  luaL_newlib(L, functions);
  return 1;
}
