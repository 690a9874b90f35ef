/* l_grad.c: differentiation: backward, gradients of intermediates, functions differentiated in Lua. */
#include <string.h>

#include "base/memory.h"
#include "grad/profile.h"
#include "lua/l_tensor.h"

static int backward(lua_State *L) /* y [, gradient [, retain]] */
{
  rp_tensor *y = l_check_tensor(L, 1), *seed = lua_isnoneornil(L, 2) ? NULL : l_check_tensor(L, 2);
  if (rp_backward(y, seed, lua_toboolean(L, 3)) != RP_OK) return l_raise(L);
  l_graph_done(L);
  return 0;
}

static int grad(lua_State *L) /* y, {x, ...} [, gradient] -> {g, ...} */
{
  rp_tensor *y = l_check_tensor(L, 1), *seed = lua_isnoneornil(L, 3) ? NULL : l_check_tensor(L, 3);
  luaL_checktype(L, 2, LUA_TTABLE);
  int n = (int)lua_rawlen(L, 2);
  rp_tensor **x = lua_newuserdatauv(L, (size_t)(2 * n + 1) * sizeof *x, 0), **g = x + n;
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, 2, i + 1);
    if (!(x[i] = l_to_tensor(L, -1))) return l_error(L, "grad: element %d is %s; a tensor is expected", i + 1, luaL_typename(L, -1));
    lua_pop(L, 1);
  }
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) { l_box(L); lua_rawseti(L, -2, i + 1); }
  if (rp_gradients(g, y, seed, x, n, true) != RP_OK) return l_raise(L);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, -1, i + 1);
    *(rp_tensor **)lua_touserdata(L, -1) = g[i];
    lua_pop(L, 1);
  }
  l_graph_done(L);
  return 1;
}

static int no_grad(lua_State *L) /* fn, ... -> results of fn(...) */
{
  luaL_checktype(L, 1, LUA_TFUNCTION);
  bool was = rp_recording_set(false);
  int  status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  rp_recording_set(was);
  return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

static int is_recording(lua_State *L) { lua_pushboolean(L, rp_recording()); return 1; }

static int requires_grad_(lua_State *L) /* x [, flag] -> x */
{
  rp_tensor *x = l_check_tensor(L, 1);
  bool       on = lua_isnoneornil(L, 2) || lua_toboolean(L, 2);
  if (x->node) return l_error(L, "requires_grad_: this tensor was computed from others; only a leaf can be marked (detach it first)");
  if (on && !rp_is_float(x->a.dtype)) return l_error(L, "requires_grad_: a tensor of %s cannot be differentiated", rp_dtype_name(x->a.dtype));
  x->requires_grad = on;
  lua_settop(L, 1);
  return 1;
}

static int detach(lua_State *L)
{
  rp_tensor  *x = l_check_tensor(L, 1);
  rp_tensor **box = l_box(L);
  if (rp_detach(box, x) != RP_OK) return l_raise(L);
  return 1;
}

/* ---- rp.func{forward = f, backward = b} ---- */

typedef struct lua_rule { lua_State *L; int reference; int n_in; } lua_rule; /* reference: {backward, inputs..., outputs...} */

static void release_rule(void *context)
{
  lua_rule *r = context;
  luaL_unref(r->L, LUA_REGISTRYINDEX, r->reference);
  rp_delete(r);
}

/* A gradient must fit its input; anything else is reported before it can spread. */
static rp_status take_gradient(lua_State *L, int i, rp_tensor **gin, const rp_tensor *x, int k)
{
  rp_tensor *g = l_to_tensor(L, i);
  if (lua_isnil(L, i) || lua_isnone(L, i)) return RP_OK;
  if (!g) return rp_fail(RP_ELUA, "func: backward returned %s as gradient %d; a tensor or nil is expected", luaL_typename(L, i), k + 1);
  if (!x) return RP_OK;
  if (g->a.dtype != x->a.dtype || g->a.ndim != x->a.ndim || memcmp(g->a.shape, x->a.shape, (size_t)x->a.ndim * sizeof *x->a.shape) != 0)
    return rp_fail(RP_ESHAPE, "func: backward returned %s %s as gradient %d of an input %s %s", rp_dtype_name(g->a.dtype), rp_shape(&g->a).s,
                   k + 1, rp_dtype_name(x->a.dtype), rp_shape(&x->a).s);
  *gin = rp_tensor_keep(g);
  return RP_OK;
}

/* Protected: pushes backward(g..., inputs..., outputs...) and leaves its results. */
static int call_backward(lua_State *L)
{
  const lua_rule *r = lua_touserdata(L, 1);
  rp_tensor *const *g = lua_touserdata(L, 2);
  int n_out = (int)lua_tointeger(L, 3);
  lua_settop(L, 0);
  lua_rawgeti(L, LUA_REGISTRYINDEX, r->reference);
  int n = (int)lua_rawlen(L, 1);
  luaL_checkstack(L, n + n_out + 2, "func");
  lua_rawgeti(L, 1, 1);
  for (int k = 0; k < n_out; k++) {
    if (!g[k]) { lua_pushnil(L); continue; }
    rp_tensor **box = l_box(L);
    *box = rp_tensor_keep(g[k]);
  }
  for (int i = 2; i <= n; i++) lua_rawgeti(L, 1, i);
  lua_call(L, n_out + n - 1, r->n_in);
  return r->n_in;
}

static rp_status rule_gradient(void *context, rp_tensor *const *g, int n_out, rp_tensor **gin, int n_in)
{
  lua_rule  *r = context;
  lua_State *L = r->L;
  int        top = lua_gettop(L);
  rp_status  status = RP_OK;
  if (!lua_checkstack(L, n_in + 8)) return rp_fail(RP_ENOMEM, "func: the Lua stack is full");
  lua_pushcfunction(L, call_backward);
  lua_pushlightuserdata(L, r);
  lua_pushlightuserdata(L, (void *)(uintptr_t)g);
  lua_pushinteger(L, n_out);
  if (lua_pcall(L, 3, n_in, 0) != LUA_OK)
    status = rp_fail(RP_ELUA, "func: backward failed: %s", lua_tostring(L, -1) ? lua_tostring(L, -1) : "(no message)");
  lua_rawgeti(L, LUA_REGISTRYINDEX, r->reference);
  for (int i = 0; i < n_in && status == RP_OK; i++) {
    lua_rawgeti(L, -1, i + 2);
    rp_tensor *x = l_to_tensor(L, -1);
    lua_pop(L, 1);
    status = take_gradient(L, top + 1 + i, &gin[i], x, i);
  }
  lua_settop(L, top);
  return status;
}

/* The tensors among stack slots first .. first+n-1, NULL elsewhere. */
static rp_tensor **collect(lua_State *L, int first, int n)
{
  rp_tensor **list = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *list, 0);
  for (int i = 0; i < n; i++) list[i] = l_to_tensor(L, first + i);
  return list;
}

/* Outputs become fresh leaves on the same storage, so that nothing of forward's own making is differentiated. */
static void detach_outputs(lua_State *L, int first, int n)
{
  if (n > RP_MAX_OUT) l_error(L, "func: forward returned %d values; at most %d", n, RP_MAX_OUT);
  for (int i = first; i < first + n; i++) {
    rp_tensor *y = l_to_tensor(L, i);
    if (!y) l_error(L, "func: forward returned %s; tensors are expected", luaL_typename(L, i));
    rp_tensor **box = l_box(L);
    if (rp_detach(box, y) != RP_OK) l_raise(L);
    lua_replace(L, i);
  }
}

static int call_func(lua_State *L) /* upvalues: forward, backward */
{
  int n_in = lua_gettop(L);
  luaL_checkstack(L, 2 * n_in + 16, "func");
  lua_pushvalue(L, lua_upvalueindex(1));
  for (int i = 1; i <= n_in; i++) lua_pushvalue(L, i);
  bool was = rp_recording_set(false);
  int  failed = lua_pcall(L, n_in, LUA_MULTRET, 0);
  rp_recording_set(was);
  if (failed) return lua_error(L);
  int n_out = lua_gettop(L) - n_in, first = n_in + 1;
  detach_outputs(L, first, n_out);
  if (!was) return n_out;
  rp_tensor **in = collect(L, 1, n_in), **out = collect(L, first, n_out);
  lua_createtable(L, 1 + n_in + n_out, 0); /* what backward will be given */
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_rawseti(L, -2, 1);
  for (int i = 1; i <= n_in; i++) { lua_pushvalue(L, i); lua_rawseti(L, -2, i + 1); }
  for (int k = 0; k < n_out; k++) { /* copies without history: no cycle through the node */
    rp_tensor **box = l_box(L);
    if (rp_detach(box, out[k]) != RP_OK) return l_raise(L);
    lua_rawseti(L, -2, n_in + 2 + k);
  }
  int reference = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_rule *r = rp_new(sizeof *r);
  if (!r) { luaL_unref(L, LUA_REGISTRYINDEX, reference); return l_raise(L); }
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  *r = (lua_rule){ lua_tothread(L, -1), reference, n_in };
  lua_pop(L, 1);
  rp_custom custom = { rule_gradient, release_rule, r };
  if (rp_record_custom(out, n_out, in, n_in, custom) != RP_OK) return l_raise(L);
  lua_settop(L, first + n_out - 1);
  return n_out;
}

static int func(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  if (lua_getfield(L, 1, "forward") != LUA_TFUNCTION || lua_getfield(L, 1, "backward") != LUA_TFUNCTION)
    return l_error(L, "func: a table with the functions forward(x, ...) and backward(gy, x, ..., y) is expected");
  lua_pushcclosure(L, call_func, 2);
  return 1;
}

static int shells_from(lua_State *L) /* bytes -> the former bound; for tests */
{
  lua_pushinteger(L, (lua_Integer)rp_shells_from((size_t)luaL_checkinteger(L, 1)));
  return 1;
}

/* ---- where the time goes ---- */

static int profile_start(lua_State *L) { (void)L; rp_profile(true); return 0; }

static void cost_row(lua_State *L, rp_opcode op, int gradient)
{
  const rp_cost *cost = &rp_costs[op][gradient];
  lua_createtable(L, 0, 5);
  lua_pushstring(L, op == RP_OP_custom ? "func" : rp_ops[op].name); lua_setfield(L, -2, "name");
  lua_pushboolean(L, gradient);                                     lua_setfield(L, -2, "gradient");
  lua_pushinteger(L, cost->calls);                                  lua_setfield(L, -2, "calls");
  lua_pushnumber(L, cost->seconds);                                 lua_setfield(L, -2, "seconds");
  lua_pushnumber(L, cost->flop);                                    lua_setfield(L, -2, "flop");
}

static int profile_stop(lua_State *L) /* -> {{name, gradient, calls, seconds, flop}, ...} */
{
  rp_profile(false);
  lua_newtable(L);
  int n = 0;
  for (int op = 0; op <= RP_N_OPS; op++)
    for (int gradient = 0; gradient < 2; gradient++) {
      if (rp_costs[op][gradient].calls == 0) continue;
      cost_row(L, (rp_opcode)op, gradient);
      lua_rawseti(L, -2, ++n);
    }
  return 1;
}

static const luaL_Reg functions[] = { { "backward", backward }, { "grad", grad }, { "no_grad", no_grad }, { "func", func },
  { "is_recording", is_recording }, { "detach", detach }, { "requires_grad_", requires_grad_ },
  { "shells_from", shells_from }, { "profile_start", profile_start }, { "profile_stop", profile_stop }, { NULL, NULL } };

void l_open_grad(lua_State *L)
{
  static const luaL_Reg methods[] = { { "backward", backward }, { "detach", detach }, { "requires_grad_", requires_grad_ }, { NULL, NULL } };
  luaL_setfuncs(L, functions, 0);
  lua_getfield(L, -1, "methods");
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 1);
}
