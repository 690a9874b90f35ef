/* l_process.c: core.process, by which a sweep runs its cells side by side. */
#include "io/process.h"
#include "lua/l_tensor.h"

enum { MOST_WORDS = 1024, MOST_CHILDREN = 256 };

static int start(lua_State *L) /* {program, word...}, path of its output -> pid */
{
  char *argv[MOST_WORDS + 1];
  long  pid;
  luaL_checktype(L, 1, LUA_TTABLE);
  const char *path = luaL_checkstring(L, 2);
  lua_Integer n = luaL_len(L, 1);
  if (n < 1 || n > MOST_WORDS) return l_error(L, "process.start: %d words, expected 1..%d", (int)n, MOST_WORDS);
  luaL_checkstack(L, (int)n, "words of a command");
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, 1, i + 1);
    argv[i] = (char *)luaL_checkstring(L, -1); /* stays on the stack, hence alive; exec changes no word */
  }
  argv[n] = NULL;
  if (rp_process_start(&pid, argv, path)) return l_raise(L);
  lua_pushinteger(L, pid);
  return 1;
}

static int wait_(lua_State *L) /* {pid...}, seconds -> pid, code of one that has ended; nothing if none has */
{
  long pid[MOST_CHILDREN];
  int  which, code = 0;
  luaL_checktype(L, 1, LUA_TTABLE);
  double seconds = luaL_checknumber(L, 2);
  lua_Integer n = luaL_len(L, 1);
  if (n > MOST_CHILDREN) return l_error(L, "process.wait: %d processes, at most %d", (int)n, MOST_CHILDREN);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, 1, i + 1);
    pid[i] = (long)luaL_checkinteger(L, -1);
    lua_pop(L, 1);
  }
  if (rp_process_wait(&which, &code, pid, (int)n, seconds)) return l_raise(L);
  if (which < 0) return 0;
  lua_pushinteger(L, pid[which]);
  lua_pushinteger(L, code);
  return 2;
}

static int stop(lua_State *L) { rp_process_stop((long)luaL_checkinteger(L, 1)); return 0; }

static int self(lua_State *L) /* -> path of this program, nil where the system does not tell */
{
  char path[4096];
  rp_process_self(path, sizeof path);
  if (!*path) return 0;
  lua_pushstring(L, path);
  return 1;
}

static int cores(lua_State *L) { lua_pushinteger(L, rp_process_cores()); return 1; }

void l_open_process(lua_State *L)
{
  static const luaL_Reg functions[] = { { "start", start }, { "wait", wait_ }, { "stop", stop }, { "self", self },
                                        { "cores", cores }, { NULL, NULL } };
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "process");
}
