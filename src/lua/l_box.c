/* l_box.c: tensors as userdata, and errors that point at the script. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lua/l_tensor.h"

static const char box_key; /* registry key of the metatable */

/* Tensor bytes are outside the collector's sight: it is given a step for every STEP bytes allocated.  They count an
 * eighth of Lua's own, for a step costs what Lua's heap is large, not what the tensors are: dead tensors then add up to
 * some ten times Lua's heap, and a training step spends little time on looking for them.  What belongs to a graph counts
 * a quarter of that: the graph holds it, dead or not, until a backward pass, after which it is collected at once, while it
 * is in the caches. */
#define STEP     (256 * 1024)
#define SHARE    8
#define OF_GRAPH 4

/* A box carries the address of box_key, which no other userdata holds at that place: a cheaper test of its type than
 * a comparison of metatables. */
typedef struct box { rp_tensor *tensor; const char *key; } box;

rp_tensor **l_box(lua_State *L)
{
  box *b = lua_newuserdatauv(L, sizeof *b, 0);
  *b = (box){ NULL, &box_key };
  lua_rawgetp(L, LUA_REGISTRYINDEX, &box_key);
  lua_setmetatable(L, -2);
  return &b->tensor;
}

static size_t of_graphs; /* bytes since the last l_graph_done that collected */

void l_account(lua_State *L, const rp_tensor *t)
{
  static size_t waiting;
  if (!t) return;
  const size_t n = t->storage->bytes + 256;
  if (t->node) of_graphs += n;
  waiting += t->node ? n / OF_GRAPH : n;
  if (waiting < STEP) return;
  size_t kilobytes = waiting / SHARE >> 10;
  waiting = 0;
  lua_gc(L, LUA_GCSTEP, kilobytes > 1u << 20 ? 1 << 20 : (int)kilobytes);
}

void l_graph_done(lua_State *L)
{
  if (of_graphs >> 10 < SHARE * (size_t)lua_gc(L, LUA_GCCOUNT)) return;
  of_graphs = 0;
  lua_gc(L, LUA_GCCOLLECT);
}

static int box_gc(lua_State *L)
{
  box *b = lua_touserdata(L, 1);
  if (!l_to_tensor(L, 1)) return 0;
  rp_tensor_drop(b->tensor);
  b->tensor = NULL;
  return 0;
}

rp_tensor *l_to_tensor(lua_State *L, int i)
{
  const box *b = lua_touserdata(L, i);
  return b && lua_rawlen(L, i) == sizeof *b && b->key == &box_key ? b->tensor : NULL;
}

static const char *function_name(lua_State *L, lua_Debug *ar)
{
  if (lua_getstack(L, 0, ar) && lua_getinfo(L, "n", ar) && ar->name) return ar->name;
  return "?";
}

rp_tensor *l_check_tensor(lua_State *L, int i)
{
  lua_Debug  ar;
  rp_tensor *t = l_to_tensor(L, i);
  if (!t) l_error(L, "%s: argument %d is %s; a tensor is expected", function_name(L, &ar), i,
                  i > lua_gettop(L) ? "missing" : luaL_typename(L, i));
  return t;
}

/* The first Lua frame that is not the library's own, whose files the registry names by their folder. */
static void push_where(lua_State *L)
{
  lua_Debug   ar;
  const char *library = NULL;
  if (lua_getfield(L, LUA_REGISTRYINDEX, "repro.library") == LUA_TSTRING) library = lua_tostring(L, -1);
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline <= 0) continue;
    if (library && *ar.source == '@' && strncmp(ar.source + 1, library, strlen(library)) == 0) continue;
    lua_pop(L, 1);
    lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
    return;
  }
  lua_pop(L, 1);
  luaL_where(L, 1);
}

void l_where(lua_State *L, char *text, size_t room)
{
  push_where(L);
  snprintf(text, room, "%s", lua_tostring(L, -1));
  lua_pop(L, 1);
}

int l_raise(lua_State *L)
{
  push_where(L);
  lua_pushstring(L, rp_message());
  lua_concat(L, 2);
  return lua_error(L);
}

int l_error(lua_State *L, const char *fmt, ...)
{
  char    text[1024];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  push_where(L);
  lua_pushstring(L, text);
  lua_concat(L, 2);
  return lua_error(L);
}

void l_make_metatable(lua_State *L)
{
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &box_key);
  lua_pushcfunction(L, box_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, box_gc);
  lua_setfield(L, -2, "__close");
  lua_pushstring(L, "tensor");
  lua_setfield(L, -2, "__name");
}
