/* l_system.c: memory, threads, instruction sets, and what this build is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#ifdef RP_HAVE_EDIT
#include <editline/readline.h>
#endif

#include "base/memory.h"
#include "base/pool.h"
#include "cuda/cuda.h"
#include "kernel/formulas.h"
#include "lua/build.h"
#include "lua/l_tensor.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif
#ifndef RP_BUILD_FLAGS
#define RP_BUILD_FLAGS ""
#endif

static void set_integer(lua_State *L, const char *key, lua_Integer v)
{
  lua_pushinteger(L, v);
  lua_setfield(L, -2, key);
}

static void set_string(lua_State *L, const char *key, const char *v)
{
  lua_pushstring(L, v);
  lua_setfield(L, -2, key);
}

static int memory(lua_State *L) /* -> {live, peak, cached, allocations} in bytes and calls */
{
  rp_memory m = rp_memory_now();
  lua_createtable(L, 0, 4);
  set_integer(L, "live", (lua_Integer)m.live);
  set_integer(L, "peak", (lua_Integer)m.peak);
  set_integer(L, "cached", (lua_Integer)m.cached);
  set_integer(L, "allocations", m.allocations);
  return 1;
}

static int memory_reset_peak(lua_State *L) { (void)L; rp_memory_reset_peak(); return 0; }
static int memory_trim(lua_State *L)       { (void)L; rp_memory_trim(); return 0; }

static int memory_limit(lua_State *L) /* bytes; 0 lifts it */
{
  if (l_is_limited()) return l_error(L, "memory_limit: this run's limits are set, and a script cannot change them");
  rp_memory_limit((size_t)luaL_checkinteger(L, 1));
  return 0;
}

static int memory_fail_at(lua_State *L) /* k: for tests, see base/memory.h */
{
  rp_memory_fail_at(luaL_checkinteger(L, 1));
  return 0;
}

static int threads(lua_State *L) /* [n] -> number in use */
{
  if (lua_isnoneornil(L, 1)) { lua_pushinteger(L, rp_threads()); return 1; }
  lua_Integer n = luaL_checkinteger(L, 1);
  if (n < 0 || n > 256) return l_error(L, "threads: %d is outside 0..256 (0: one for each core)", (int)n);
  lua_pushinteger(L, rp_threads_set((int)n));
  return 1;
}

static int isa(lua_State *L) /* [name] -> name of the instruction set in use */
{
  if (!lua_isnoneornil(L, 1) && rp_device_choose(luaL_checkstring(L, 1)) != RP_OK) return l_raise(L);
  lua_pushstring(L, rp_device_home()->name);
  return 1;
}

static int isas(lua_State *L) { lua_pushstring(L, rp_device_list()); return 1; }

static int library(lua_State *L) /* folder: errors point past the Lua files below it, at the script */
{
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, "repro.library");
  return 0;
}

static int on_interrupt(lua_State *L) /* f or nil: asked on Ctrl-C; where it returns true nothing is raised (main.c) */
{
  lua_settop(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, "repro.interrupt");
  return 0;
}

static int isatty_(lua_State *L)
{
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

static int columns(lua_State *L) /* descriptor -> width of its terminal; nil if it has none that is known */
{
  struct winsize size = { 0 };
  if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) || size.ws_col == 0) return 0;
  lua_pushinteger(L, size.ws_col);
  return 1;
}

/* prompt -> a line, or nil at the end of input; edited and remembered where libedit is there and input is a terminal */
static int readline_(lua_State *L)
{
  const char *prompt = luaL_optstring(L, 1, "");
#ifdef RP_HAVE_EDIT
  if (isatty(0)) {
    char *line = readline(prompt);
    if (!line) return 0;
    if (*line) add_history(line);
    lua_pushstring(L, line); /* may raise for want of memory, and lose one line */
    free(line);
    return 1;
  }
#endif
  luaL_Buffer b;
  int         c = 0;
  if (isatty(0)) { fputs(prompt, stdout); fflush(stdout); }
  luaL_buffinit(L, &b);
  while ((c = getchar()) != EOF && c != '\n') luaL_addchar(&b, (char)c);
  luaL_pushresult(&b);
  return c == EOF && lua_rawlen(L, -1) == 0 ? 0 : 1;
}

static int clock_(lua_State *L) /* seconds on a clock that never goes back; for progress and cost, not for results */
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  lua_pushnumber(L, (double)t.tv_sec + 1e-9 * (double)t.tv_nsec);
  return 1;
}

static const luaL_Reg functions[] = {
  { "memory", memory }, { "memory_reset_peak", memory_reset_peak }, { "memory_trim", memory_trim },
  { "memory_limit", memory_limit }, { "memory_fail_at", memory_fail_at }, { "threads", threads }, { "isa", isa },
  { "isas", isas }, { "library", library }, { "on_interrupt", on_interrupt }, { "isatty", isatty_ }, { "columns", columns }, { "readline", readline_ }, { "clock", clock_ }, { NULL, NULL } };

/* Whether x^y in Lua is our pow (src/power.c), seen by its results: another one differs in the last bit of some. */
static const char *whose_power(lua_State *L)
{
  double x = 1;
  for (int i = 1; i <= 1000; i++) {
    x += 0.0371;
    lua_pushnumber(L, x);
    lua_pushnumber(L, 0.5 + 0.01 * i);
    lua_arith(L, LUA_OPPOW);
    double own = pow_f64(x, 0.5 + 0.01 * i), seen = lua_tonumber(L, -1);
    lua_pop(L, 1);
    if (seen != own) return "the C library's";
  }
  return "own";
}

void l_open_system(lua_State *L)
{
  luaL_setfuncs(L, functions, 0);
  set_string(L, "version", PACKAGE_VERSION);
  set_integer(L, "contract", RP_CONTRACT);
  lua_createtable(L, 0, 8); /* how this program was built */
  set_string(L, "power", whose_power(L));
#ifdef __clang__
  set_string(L, "compiler", "clang " __clang_version__);
#else
  set_string(L, "compiler", "gcc " __VERSION__);
#endif
  set_string(L, "flags", RP_BUILD_FLAGS);
  set_string(L, "commit", RP_COMMIT);
  set_string(L, "numerics", RP_NUMERICS);
  set_string(L, "configure", RP_CONFIGURE);
  set_string(L, "lua", LUA_RELEASE);
  set_string(L, "cuda", *rp_cuda_architectures() ? rp_cuda_architectures() : "not built in");
  lua_setfield(L, -2, "build");
}
