#include "lua/l_hold.h"

#include <stddef.h>

static const char hold_key; /* registry key of the metatable */

void l_let_go(l_held *h)
{
  if (h->p) h->release(h->p);
  h->p = NULL;
}

static int hold_gc(lua_State *L)
{
  l_let_go(lua_touserdata(L, 1));
  return 0;
}

l_held *l_hold(lua_State *L, void (*release)(void *))
{
  l_held *h = lua_newuserdatauv(L, sizeof *h, 0);
  h->p = NULL;
  h->release = release;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &hold_key) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, hold_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &hold_key);
  }
  lua_setmetatable(L, -2);
  return h;
}
