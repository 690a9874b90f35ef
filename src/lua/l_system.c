/* l_system.c: memory, threads, instruction sets, and what this build is. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/pool.h"
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
  lua_pushstring(L, rp_device_now()->name);
  return 1;
}

static int isas(lua_State *L) { lua_pushstring(L, rp_device_list()); return 1; }

static int isatty_(lua_State *L)
{
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
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
  { "isas", isas }, { "isatty", isatty_ }, { "clock", clock_ }, { NULL, NULL } };

void l_open_system(lua_State *L)
{
  luaL_setfuncs(L, functions, 0);
  set_string(L, "version", PACKAGE_VERSION);
  lua_createtable(L, 0, 4); /* how this program was built */
#ifdef __clang__
  set_string(L, "compiler", "clang " __clang_version__);
#else
  set_string(L, "compiler", "gcc " __VERSION__);
#endif
  set_string(L, "flags", RP_BUILD_FLAGS);
  set_string(L, "lua", LUA_RELEASE);
#ifdef RP_CUDA
  set_string(L, "cuda", RP_CUDA);
#else
  set_string(L, "cuda", "not built in");
#endif
  lua_setfield(L, -2, "build");
}
