/* l_index.c: x[key], x.field, x[key] = value, and changes in place. */
#include <string.h>

#include "lua/l_tensor.h"
#include "tensor/program.h"
#include "tensor/shape.h"

/* ---- indexing ---- */

static rp_status step_view(rp_tensor **out, rp_tensor *x, rp_opcode op, const int64_t *arguments, int n)
{
  rp_call c = { .op = op, .n_in = 1, .in = &x, .n_attr = n };
  for (int k = 0; k < n; k++) { c.attr[k].n = 1; c.attr[k].i[0] = arguments[k]; }
  RP_TRY(rp_apply(&c));
  *out = c.out[0];
  return RP_OK;
}

/* One entry of x[{...}] at the top of the stack: a position selects, a table {first, last, step} slices, {} is all.
 * Returns how many dimensions of the result it leaves (0 or 1). */
static int apply_entry(lua_State *L, rp_tensor **view, int dim, int entry)
{
  rp_tensor *next = NULL;
  rp_status  status;
  int        ok = 0, keeps = 1;
  if (lua_type(L, -1) == LUA_TTABLE) {
    int64_t a[4] = { dim, 1, -1, 1 };
    int     n = (int)lua_rawlen(L, -1);
    if (n == 0) return 1;
    if (n == 1 || n > 3) l_error(L, "index: entry %d has %d numbers; use {first, last}, {first, last, step} or {}", entry, n);
    l_check_integers(L, lua_gettop(L), 0, a + 1, 3, "index");
    status = step_view(&next, *view, RP_OP_slice, a, 4);
  } else {
    int64_t a[2] = { dim, lua_tointegerx(L, -1, &ok) };
    if (!ok) l_error(L, "index: entry %d is %s; a position or a range {first, last} is expected", entry, luaL_typename(L, -1));
    status = step_view(&next, *view, RP_OP_select, a, 2);
    keeps = 0;
  }
  if (status != RP_OK) l_raise(L);
  rp_tensor_drop(*view);
  *view = next;
  return keeps;
}

/* Fills *box with the view of x that key (at index 2) names. */
static void index_view(lua_State *L, rp_tensor *x, rp_tensor **box)
{
  int dim = 1;
  *box = rp_tensor_keep(x);
  if (lua_type(L, 2) != LUA_TTABLE) {
    lua_pushvalue(L, 2);
    apply_entry(L, box, 1, 1);
    lua_pop(L, 1);
    return;
  }
  int n = (int)lua_rawlen(L, 2);
  if (n > x->a.ndim) l_error(L, "index: %d entries for a tensor of shape %s", n, rp_shape(&x->a).s);
  for (int k = 1; k <= n; k++) {
    lua_rawgeti(L, 2, k);
    dim += apply_entry(L, box, dim, k);
    lua_pop(L, 1);
  }
}

static int index_by_tensor(lua_State *L, rp_tensor *x, rp_tensor *index)
{
  rp_status  status;
  rp_tensor *in[2] = { x, index };
  rp_call    c = { .op = RP_OP_index_select, .n_in = 2, .in = in, .n_attr = 1, .attr = { { .n = 1, .i = { 1 } } } };
  rp_tensor **box = l_box(L);
  L_RETRY(L, status, rp_apply(&c));
  *box = c.out[0];
  return l_done(L, status, box);
}

static int property(lua_State *L, rp_tensor *x, const char *name)
{
  if (strcmp(name, "shape") == 0) return l_push_shape(L, x);
  if (strcmp(name, "dtype") == 0) { lua_pushstring(L, rp_dtype_name(x->a.dtype)); return 1; }
  if (strcmp(name, "device") == 0) { lua_pushstring(L, x->storage->device ? x->storage->device->name : "cpu"); return 1; }
  if (strcmp(name, "ndim") == 0) { lua_pushinteger(L, x->a.ndim); return 1; }
  if (strcmp(name, "requires_grad") == 0) { lua_pushboolean(L, x->requires_grad); return 1; }
  if (strcmp(name, "is_leaf") == 0) { lua_pushboolean(L, x->node == NULL); return 1; }
  if (strcmp(name, "grad") == 0) {
    if (!x->grad) { lua_pushnil(L); return 1; }
    rp_tensor **box = l_box(L);
    *box = rp_tensor_keep(x->grad);
    return 1;
  }
  return l_error(L, "a tensor has no field or method '%s'; repro help lists the operations", name);
}

static int index_tensor(lua_State *L) /* upvalue 1: methods */
{
  rp_tensor *x = l_check_tensor(L, 1), *index;
  if (lua_type(L, 2) == LUA_TSTRING) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    return property(L, x, lua_tostring(L, 2));
  }
  if ((index = l_to_tensor(L, 2))) return index_by_tensor(L, x, index);
  rp_tensor **box = l_box(L);
  index_view(L, x, box);
  return 1;
}

/* ---- changing in place ---- */

static void check_writable(lua_State *L, const rp_tensor *x, const char *what)
{
  if (x->requires_grad && rp_recording())
    l_error(L, "%s: this tensor is part of a recorded graph; change it inside rp.no_grad(function() ... end), or a clone of it", what);
}

/* y from argument i: a tensor, or a number as a tensor in *made. */
static rp_tensor *operand(lua_State *L, int i, rp_tensor **made, rp_dtype dtype)
{
  rp_tensor *y = l_to_tensor(L, i);
  if (y) return y;
  if (lua_type(L, i) != LUA_TNUMBER && !lua_isboolean(L, i))
    l_error(L, "argument %d is %s; a tensor or a number is expected", i, luaL_typename(L, i));
  double v = lua_isboolean(L, i) ? lua_toboolean(L, i) : lua_tonumber(L, i);
  if (rp_tensor_full(made, dtype, 0, NULL, v) != RP_OK) l_raise(L);
  return *made;
}

static int set_index(lua_State *L) /* x[key] = value */
{
  rp_tensor *x = l_check_tensor(L, 1);
  if (lua_type(L, 2) == LUA_TSTRING) {
    const char *name = lua_tostring(L, 2);
    if (strcmp(name, "requires_grad") == 0 && !x->node) { x->requires_grad = lua_toboolean(L, 3); return 0; }
    if (strcmp(name, "grad") == 0 && lua_isnil(L, 3)) {
      if (rp_program_cleared(x) != RP_OK) return l_raise(L);
      rp_tensor *g = x->grad;
      x->grad = NULL;
      rp_tensor_drop(g);
      return 0;
    }
    return l_error(L, "field '%s' of a tensor cannot be set", name);
  }
  check_writable(L, x, "assignment");
  rp_tensor **view = l_box(L), **made = l_box(L);
  index_view(L, x, view);
  if (rp_tensor_copy(*view, operand(L, 3, made, x->a.dtype)) != RP_OK) return l_raise(L);
  return 0;
}

static int copy_(lua_State *L)
{
  rp_tensor *x = l_check_tensor(L, 1);
  check_writable(L, x, "copy_");
  rp_tensor **made = l_box(L);
  if (rp_tensor_copy(x, operand(L, 2, made, x->a.dtype)) != RP_OK) return l_raise(L);
  lua_settop(L, 1);
  return 1;
}

static int fill_(lua_State *L)
{
  rp_tensor *x = l_check_tensor(L, 1);
  double     v = luaL_checknumber(L, 2);
  check_writable(L, x, "fill_");
  x->storage->version++;
  const rp_device *was = rp_device_enter(x->storage->device);
  rp_status status = rp_device_now()->fill(&x->a, v);
  rp_device_enter(was);
  if (status != RP_OK) return l_raise(L);
  lua_settop(L, 1);
  return 1;
}

static int zero_(lua_State *L)
{
  lua_settop(L, 1);
  lua_pushnumber(L, 0);
  return fill_(L);
}

/* x = x op y through a temporary, outside the tape. */
static int update(lua_State *L, rp_opcode op, const char *name, double alpha)
{
  rp_tensor *x = l_check_tensor(L, 1);
  check_writable(L, x, name);
  rp_tensor **made = l_box(L), **scaled = l_box(L), **sum = l_box(L), **factor = l_box(L);
  rp_tensor  *in[2] = { x, operand(L, 2, made, x->a.dtype) };
  bool        was = rp_recording_set(false);
  rp_status   status = RP_OK;
  if (alpha != 1) {
    rp_tensor *product[2] = { in[1], NULL };
    status = rp_tensor_full(factor, in[1]->a.dtype, 0, NULL, alpha);
    product[1] = *factor;
    if (status == RP_OK) status = rp_apply_simple(scaled, RP_OP_mul, product, 2);
    in[1] = *scaled;
  }
  if (status == RP_OK) status = rp_apply_simple(sum, op, in, 2);
  if (status == RP_OK) status = rp_tensor_copy(x, *sum);
  rp_recording_set(was);
  if (status != RP_OK) return l_raise(L);
  lua_settop(L, 1);
  return 1;
}

static int add_(lua_State *L) { return update(L, RP_OP_add, "add_", luaL_optnumber(L, 3, 1)); }
static int mul_(lua_State *L) { return update(L, RP_OP_mul, "mul_", 1); }

/* ---- registration ---- */

/* Stack: metatable, table of functions, of which `methods` has been made by l_open_tensor. */
void l_open_index(lua_State *L)
{
  static const luaL_Reg methods[] = { { "copy_", copy_ }, { "fill_", fill_ }, { "zero_", zero_ }, { "add_", add_ },
    { "mul_", mul_ }, { NULL, NULL } };
  lua_getfield(L, -1, "methods");
  luaL_setfuncs(L, methods, 0);
  lua_pushcclosure(L, index_tensor, 1);
  lua_setfield(L, -3, "__index");
  lua_pushcfunction(L, set_index);
  lua_setfield(L, -3, "__newindex");
}
