/* main.c: sets up Lua and hands over to lua/repro/cli. */
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int luaopen_repro_core(lua_State *L);

enum { EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

static lua_State *running;

/* Ctrl-C: the next Lua instruction raises "interrupted", unless the function in the registry says that the run will end
 * by itself, with a checkpoint; a second one ends the program at once. */
static void interrupt_hook(lua_State *L, lua_Debug *ar)
{
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  if (lua_getfield(L, LUA_REGISTRYINDEX, "repro.interrupt") == LUA_TFUNCTION) {
    lua_call(L, 0, 1);
    if (lua_toboolean(L, -1)) { lua_pop(L, 1); return; }
  }
  lua_pop(L, 1);
  luaL_error(L, "interrupted");
}

static void on_signal(int number)
{
  signal(number, SIG_DFL);
  lua_sethook(running, interrupt_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static bool has_library(const char *dir)
{
  char path[4096];
  int  n = snprintf(path, sizeof path, "%s/repro/init.lua", dir);
  return n > 0 && (size_t)n < sizeof path && access(path, R_OK) == 0;
}

/* The library beside a program in PREFIX/bin that was installed elsewhere than configured. */
static const char *beside(char *folder, size_t room)
{
  char  *slash = strrchr(folder, '/');
  size_t used = slash ? (size_t)(slash - folder) : 0;
  int    n = snprintf(folder + used, room - used, "/share/lua/5.4");
  return n > 0 && (size_t)n < room - used && has_library(folder) ? folder : RP_LUADIR;
}

/* The Lua files: $REPRO_LUA, else those of the source tree from which this program was built if it still lies in its
 * build directory, else the installed ones. */
static const char *library_dir(char *program, size_t room)
{
  const char *named = getenv("REPRO_LUA");
  if (named && *named) return named;
  ssize_t n = readlink("/proc/self/exe", program, room - 1);
  if (n <= 0) return has_library(RP_SOURCE_LUADIR) ? RP_SOURCE_LUADIR : RP_LUADIR;
  program[n] = 0;
  char *slash = strrchr(program, '/');
  if (slash) *slash = 0;
  if (strcmp(program, RP_BUILD_DIR) == 0) return RP_SOURCE_LUADIR;
  return has_library(RP_LUADIR) ? RP_LUADIR : beside(program, room);
}

static int set_up(lua_State *L) /* argc, argv -> runs repro.cli, leaves the exit code */
{
  int    argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  char   program[4096];
  const char *dir = library_dir(program, sizeof program);
  if (!has_library(dir)) {
    fprintf(stderr, "repro: its Lua files are not in %s; set REPRO_LUA to the folder that holds repro/init.lua\n", dir);
    lua_pushinteger(L, EXIT_ENVIRONMENT);
    return 1;
  }
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_repro_core);
  lua_setfield(L, -2, "repro.core");
  lua_getglobal(L, "package");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua", dir, dir);
  lua_setfield(L, -2, "path");
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) { lua_pushstring(L, argv[i]); lua_rawseti(L, -2, i); }
  lua_pushvalue(L, -1);
  lua_setglobal(L, "arg");
  lua_getglobal(L, "require");
  lua_pushstring(L, "repro.cli");
  lua_call(L, 1, 1);
  lua_pushvalue(L, -2);
  lua_call(L, 1, 1);
  return 1;
}

int main(int argc, char **argv)
{
  lua_State *L = luaL_newstate();
  if (!L) { fprintf(stderr, "repro: no memory for Lua\n"); return EXIT_ENVIRONMENT; }
  running = L;
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow further is an error to report, not the end */
  lua_pushcfunction(L, set_up);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int code = EXIT_USAGE;
  if (lua_pcall(L, 2, 1, 0) == LUA_OK) code = (int)lua_tointeger(L, -1);
  else fprintf(stderr, "repro: %s\n", lua_tostring(L, -1) ? lua_tostring(L, -1) : "(an error without a message)");
  lua_settop(L, 0);
  signal(SIGINT, SIG_DFL);
  lua_close(L);
  return code;
}
