/* l_hold.h: what a binding owns besides tensors, kept where an error in Lua gives it back. */
#ifndef RP_LUA_L_HOLD_H
#define RP_LUA_L_HOLD_H

#include <lua.h>

typedef struct l_held { void *p; void (*release)(void *); } l_held;

/* Pushes a holder whose p is NULL; when it is collected, release(p) is called unless p is NULL. */
l_held *l_hold(lua_State *L, void (*release)(void *));

/* Releases now. */
void l_let_go(l_held *h);

/* The functions of JSON, bound by l_io.c.
 *   json_encode(value[, pretty]) -> text     json_decode(text) -> value     json_array(table) -> the table, marked */
int l_json_encode(lua_State *L);
int l_json_decode(lua_State *L);
int l_json_array(lua_State *L);

#endif
