/* core.c: the module repro.core, inside ./repro and for a stock Lua. */
#include <stdlib.h>
#include <string.h>

#include "lua/l_tensor.h"

__attribute__((visibility("default"))) int luaopen_repro_core(lua_State *L);

static void add_table(lua_State *L, const char *name, lua_CFunction open)
{
  lua_pushcfunction(L, open);
  lua_call(L, 0, 1);
  lua_setfield(L, -2, name);
}

int luaopen_repro_core(lua_State *L)
{
  const char *wish = getenv("REPRO_ISA");
  if (wish && *wish && rp_device_choose(wish) != RP_OK) return luaL_error(L, "REPRO_ISA: %s", rp_message());
  lua_gc(L, LUA_GCINC, 0, 0, 0); /* the stand-alone lua starts generational, in which steps would not free old tensors */
  l_make_metatable(L);
  lua_newtable(L);
  l_open_tensor(L);
  l_open_index(L);
  l_open_ops(L);
  l_open_device(L);
  l_open_grad(L);
  l_open_random(L);
  l_open_optim(L);
  l_open_program(L);
  l_open_storage(L);
  l_open_system(L);
  l_open_process(L);
  add_table(L, "io", l_open_io);
  add_table(L, "linalg", l_open_linalg);
  add_table(L, "special", l_open_special);
  add_table(L, "math", l_open_math);
  add_table(L, "bench", l_open_bench);
  add_table(L, "system", l_open_confine);
  add_table(L, "fetch", l_open_fetch);
  return 1; /* the metatable stays below and is dropped */
}
