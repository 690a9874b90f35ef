/* l_tensor.c: making and reading tensors; l_index.c indexes and changes them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernel/ieee.h"
#include "lua/l_tensor.h"
#include "tensor/program.h"
#include "tensor/shape.h"

/* ---- arguments ---- */

int l_check_integers(lua_State *L, int i, int last, int64_t *out, int room, const char *what)
{
  int  n = 0;
  bool table = lua_type(L, i) == LUA_TTABLE;
  int  count = table ? (int)lua_rawlen(L, i) : last - i + 1;
  if (count > room) l_error(L, "%s: %d numbers given, at most %d taken", what, count, room);
  for (int k = 1; k <= count; k++) {
    int ok = 0;
    if (table) lua_rawgeti(L, i, k); else lua_pushvalue(L, i + k - 1);
    out[n++] = lua_tointegerx(L, -1, &ok);
    if (!ok) l_error(L, "%s: number %d is %s; an integer is expected", what, k, luaL_tolstring(L, -1, NULL));
    lua_pop(L, 1);
  }
  return n;
}

int l_check_shape(lua_State *L, int i, int last, int64_t shape[RP_MAX_DIMS])
{
  return l_check_integers(L, i, last, shape, RP_MAX_DIMS, "shape");
}

rp_dtype l_opt_dtype(lua_State *L, int i, rp_dtype otherwise)
{
  rp_dtype t = otherwise;
  if (lua_isnoneornil(L, i)) return otherwise;
  if (lua_type(L, i) != LUA_TSTRING || !rp_dtype_parse(&t, lua_tostring(L, i)))
    l_error(L, "unknown type '%s'; a tensor's type is float32, float64, int32, int64, uint8 or bool", luaL_tolstring(L, i, NULL));
  return t;
}

int l_done(lua_State *L, rp_status status, rp_tensor **box)
{
  if (status != RP_OK) return l_raise(L);
  l_account(L, *box);
  return 1;
}

/* ---- making ---- */

/* (shape ..., dtype | {dtype=}) from argument `first` on. */
static int filled(lua_State *L, int first, double value)
{
  int64_t  shape[RP_MAX_DIMS];
  int      last = lua_gettop(L), n;
  rp_dtype dtype = RP_FLOAT32;
  rp_status status;
  if (last >= first && lua_type(L, last) == LUA_TSTRING) dtype = l_opt_dtype(L, last--, RP_FLOAT32);
  else if (last > first && lua_type(L, last) == LUA_TTABLE) {
    lua_getfield(L, last--, "dtype");
    dtype = l_opt_dtype(L, -1, RP_FLOAT32);
  }
  n = l_check_shape(L, first, last, shape);
  rp_tensor **box = l_box(L);
  L_MAKE(L, status, rp_tensor_full(box, dtype, n, shape, value));
  return l_done(L, status, box);
}

static int zeros(lua_State *L) { return filled(L, 1, 0); }
static int ones(lua_State *L)  { return filled(L, 1, 1); }

static int full(lua_State *L) /* shape, value [, dtype] */
{
  int64_t   shape[RP_MAX_DIMS];
  int       n = lua_type(L, 1) == LUA_TTABLE ? l_check_shape(L, 1, 1, shape) : l_check_integers(L, 1, 1, shape, 1, "full");
  rp_dtype  dtype = l_opt_dtype(L, 3, lua_isboolean(L, 2) ? RP_BOOL : RP_FLOAT32);
  double    value = lua_isboolean(L, 2) ? lua_toboolean(L, 2) : luaL_checknumber(L, 2);
  rp_status status;
  rp_tensor **box = l_box(L);
  L_MAKE(L, status, rp_tensor_full(box, dtype, n, shape, value));
  return l_done(L, status, box);
}

static int like(lua_State *L, double value)
{
  rp_tensor *x = l_check_tensor(L, 1);
  rp_dtype   dtype = l_opt_dtype(L, 2, x->a.dtype);
  rp_status  status;
  rp_tensor **box = l_box(L);
  const rp_device *was = rp_device_enter(x->storage->device);
  L_RETRY(L, status, rp_tensor_full(box, dtype, x->a.ndim, x->a.shape, value));
  rp_device_enter(was);
  return l_done(L, status, box);
}

static int zeros_like(lua_State *L) { return like(L, 0); }
static int ones_like(lua_State *L)  { return like(L, 1); }
static int full_like(lua_State *L)
{
  double value = luaL_checknumber(L, 2);
  lua_remove(L, 2);
  return like(L, value);
}

/* n numbers first + i step, each rounded once from the exact product. */
static int ramp(lua_State *L, double first, double step, int64_t n, rp_dtype dtype)
{
  rp_status status;
  rp_tensor **box = l_box(L), *line = NULL;
  L_RETRY(L, status, rp_tensor_empty(&line, RP_FLOAT64, 1, &n));
  if (status != RP_OK) return l_raise(L);
  for (int64_t i = 0; i < n; i++) ((double *)line->a.data)[i] = fma((double)i, step, first);
  status = rp_program_wrote(line);
  if (status == RP_OK) status = rp_tensor_cast(box, line, dtype);
  rp_tensor_drop(line);
  if (status == RP_OK) status = l_settle(box);
  return l_done(L, status, box);
}

static int arange(lua_State *L) /* first, last [, step [, dtype]] */
{
  double   first = luaL_checknumber(L, 1), last = luaL_checknumber(L, 2), step = luaL_optnumber(L, 3, 1);
  rp_dtype dtype = l_opt_dtype(L, 4, RP_FLOAT32);
  double   n = floor((last - first) / step) + 1;
  if (step == 0 || n != n || n > 1e15) return l_error(L, "arange: from %g to %g by %g has no end", first, last, step);
  return ramp(L, first, step, n < 0 ? 0 : (int64_t)n, dtype);
}

static int linspace(lua_State *L) /* a, b, n [, dtype] */
{
  double  a = luaL_checknumber(L, 1), b = luaL_checknumber(L, 2);
  int64_t n = luaL_checkinteger(L, 3);
  if (n < 0) return l_error(L, "linspace: n = %lld is negative", (long long)n);
  return ramp(L, a, n > 1 ? (b - a) / (double)(n - 1) : 0, n, l_opt_dtype(L, 4, RP_FLOAT32));
}

static int eye(lua_State *L) /* n [, dtype] */
{
  int64_t  n = luaL_checkinteger(L, 1), shape[2] = { n, n };
  rp_dtype dtype = l_opt_dtype(L, 2, RP_FLOAT32);
  rp_status status;
  rp_tensor **box = l_box(L);
  L_RETRY(L, status, rp_tensor_full(box, dtype, 2, shape, 0));
  if (status == RP_OK) {
    rp_array diagonal = (*box)->a;
    diagonal.ndim = 1; diagonal.stride[0] = n + 1;
    status = rp_device_now()->fill(&diagonal, 1);
  }
  if (status == RP_OK) status = l_settle(box);
  return l_done(L, status, box);
}

/* The shape of a nested table, following first elements. */
static int nested_shape(lua_State *L, int i, int64_t shape[RP_MAX_DIMS])
{
  int ndim = 0, top = lua_gettop(L);
  lua_pushvalue(L, i);
  while (lua_type(L, -1) == LUA_TTABLE) {
    if (ndim == RP_MAX_DIMS) l_error(L, "tensor: tables nested more than %d deep", RP_MAX_DIMS);
    shape[ndim++] = (int64_t)lua_rawlen(L, -1);
    if (lua_rawgeti(L, -1, 1) == LUA_TNIL) break;
  }
  lua_settop(L, top);
  return ndim;
}

/* Fills out (float64) from the nested table on top of the stack. */
static void fill_nested(lua_State *L, double **out, const int64_t *shape, int ndim, int depth)
{
  if (depth == ndim) {
    if (lua_isboolean(L, -1)) *(*out)++ = lua_toboolean(L, -1);
    else if (lua_type(L, -1) == LUA_TNUMBER) *(*out)++ = lua_tonumber(L, -1);
    else l_error(L, "tensor: an element is %s; a number or boolean is expected", luaL_typename(L, -1));
    return;
  }
  if (lua_type(L, -1) != LUA_TTABLE || (int64_t)lua_rawlen(L, -1) != shape[depth])
    l_error(L, "tensor: the table is ragged: %lld elements are expected at depth %d", (long long)shape[depth], depth + 1);
  luaL_checkstack(L, 2, "tensor");
  for (int64_t k = 1; k <= shape[depth]; k++) {
    lua_rawgeti(L, -1, k);
    fill_nested(L, out, shape, ndim, depth + 1);
    lua_pop(L, 1);
  }
}

static bool starts_boolean(lua_State *L, int i)
{
  int top = lua_gettop(L);
  lua_pushvalue(L, i);
  while (lua_type(L, -1) == LUA_TTABLE && lua_rawgeti(L, -1, 1) != LUA_TNIL) {}
  bool is = lua_isboolean(L, -1);
  lua_settop(L, top);
  return is;
}

static int from_table(lua_State *L) /* number | nested table | tensor [, dtype] */
{
  int64_t  shape[RP_MAX_DIMS];
  rp_tensor *x = l_to_tensor(L, 1);
  rp_dtype dtype = l_opt_dtype(L, 2, x ? x->a.dtype : starts_boolean(L, 1) ? RP_BOOL : RP_FLOAT32);
  rp_status status;
  if (lua_isnoneornil(L, 1)) return l_error(L, "tensor: argument 1 is %s; a number, a nested table or a tensor is expected", luaL_typename(L, 1));
  int      ndim = x ? 0 : nested_shape(L, 1, shape);
  rp_tensor **box = l_box(L), **wide = l_box(L);
  if (x) L_RETRY(L, status, rp_tensor_clone(box, x, dtype));
  else {
    L_RETRY(L, status, rp_tensor_empty(wide, RP_FLOAT64, ndim, shape));
    if (status != RP_OK) return l_raise(L);
    double *out = (*wide)->a.data;
    lua_pushvalue(L, 1);
    fill_nested(L, &out, shape, ndim, 0);
    lua_pop(L, 1);
    if (rp_program_wrote(*wide) != RP_OK) return l_raise(L);
    L_RETRY(L, status, rp_tensor_cast(box, *wide, dtype));
    if (status == RP_OK) status = l_settle(box);
  }
  lua_pop(L, 1);
  return l_done(L, status, box);
}

/* ---- reading ---- */

/* A NaN is one value: its sign, which differs between processors, would show in text. */
static double plain(double x) { return x == x ? x : nan_f64(); }

void l_push_element(lua_State *L, const void *p, rp_dtype dtype)
{
  switch (dtype) {
    case RP_BOOL:    lua_pushboolean(L, *(const uint8_t *)p); break;
    case RP_UINT8:   lua_pushinteger(L, *(const uint8_t *)p); break;
    case RP_INT32:   lua_pushinteger(L, *(const int32_t *)p); break;
    case RP_INT64:   lua_pushinteger(L, *(const int64_t *)p); break;
    case RP_FLOAT32: lua_pushnumber(L, plain((double)*(const float *)p)); break;
    default:         lua_pushnumber(L, plain(*(const double *)p)); break;
  }
}

/* x, or a copy of it on the CPU in a box left on the stack. */
static rp_tensor *on_cpu(lua_State *L, rp_tensor *x)
{
  if (rp_program_reads("reading a tensor") != RP_OK) l_raise(L);
  if (!x->storage->device) return x;
  rp_tensor **box = l_box(L);
  if (rp_tensor_host(box, x) != RP_OK) l_raise(L);
  return *box;
}

static int item(lua_State *L)
{
  rp_tensor *x = l_check_tensor(L, 1);
  if (rp_count(&x->a) != 1) return l_error(L, "item: the tensor has shape %s; one element is expected", rp_shape(&x->a).s);
  l_push_element(L, on_cpu(L, x)->a.data, x->a.dtype);
  return 1;
}

static void push_nested(lua_State *L, const rp_array *a, int depth, const char *p)
{
  int64_t size = (int64_t)rp_dtype_size(a->dtype);
  if (depth == a->ndim) { l_push_element(L, p, a->dtype); return; }
  luaL_checkstack(L, 3, "totable");
  lua_createtable(L, (int)a->shape[depth], 0);
  for (int64_t k = 0; k < a->shape[depth]; k++) {
    push_nested(L, a, depth + 1, p + k * a->stride[depth] * size);
    lua_rawseti(L, -2, k + 1);
  }
}

static int totable(lua_State *L)
{
  rp_tensor *x = on_cpu(L, l_check_tensor(L, 1));
  push_nested(L, &x->a, 0, x->a.data);
  return 1;
}

int l_push_shape(lua_State *L, const rp_tensor *x)
{
  lua_createtable(L, x->a.ndim, 0);
  for (int d = 0; d < x->a.ndim; d++) { lua_pushinteger(L, x->a.shape[d]); lua_rawseti(L, -2, d + 1); }
  return 1;
}

static int size(lua_State *L)
{
  rp_tensor *x = l_check_tensor(L, 1);
  int d = 0;
  if (lua_isnoneornil(L, 2)) return l_push_shape(L, x);
  if (rp_dim(&d, luaL_checkinteger(L, 2), x->a.ndim, "size") != RP_OK) return l_raise(L);
  lua_pushinteger(L, x->a.shape[d]);
  return 1;
}

static int numel(lua_State *L) { lua_pushinteger(L, rp_count(&l_check_tensor(L, 1)->a)); return 1; }

static int length(lua_State *L)
{
  rp_tensor *x = l_check_tensor(L, 1);
  if (x->a.ndim == 0) return l_error(L, "#: a scalar has no length");
  lua_pushinteger(L, x->a.shape[0]);
  return 1;
}

static int is_tensor(lua_State *L) { lua_pushboolean(L, l_to_tensor(L, 1) != NULL); return 1; }
static int serial(lua_State *L)    { lua_pushinteger(L, (lua_Integer)l_check_tensor(L, 1)->serial); return 1; }

static int hash(lua_State *L) /* tensors */
{
  char hex[65];
  int  n = lua_gettop(L);
  rp_tensor **list = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *list, 0);
  for (int i = 1; i <= n; i++) list[i - 1] = l_check_tensor(L, i);
  if (rp_tensor_hash(hex, list, n) != RP_OK) return l_raise(L);
  lua_pushstring(L, hex);
  return 1;
}

/* ---- text ---- */

static void add_number(luaL_Buffer *b, const void *p, rp_dtype dtype)
{
  char text[48];
  switch (dtype) {
    case RP_BOOL:    snprintf(text, sizeof text, "%s", *(const uint8_t *)p ? "true" : "false"); break;
    case RP_UINT8:   snprintf(text, sizeof text, "%d", *(const uint8_t *)p); break;
    case RP_INT32:   snprintf(text, sizeof text, "%d", *(const int32_t *)p); break;
    case RP_INT64:   snprintf(text, sizeof text, "%lld", (long long)*(const int64_t *)p); break;
    case RP_FLOAT32: snprintf(text, sizeof text, "%.6g", plain((double)*(const float *)p)); break;
    default:         snprintf(text, sizeof text, "%.10g", plain(*(const double *)p)); break;
  }
  luaL_addstring(b, text);
}

/* At most six entries of a dimension are written: three from each end. */
static void add_nested(luaL_Buffer *b, const rp_array *a, int depth, const char *p)
{
  int64_t size = (int64_t)rp_dtype_size(a->dtype), n = depth < a->ndim ? a->shape[depth] : 0;
  if (depth == a->ndim) { add_number(b, p, a->dtype); return; }
  luaL_addchar(b, '{');
  for (int64_t k = 0; k < n; k++) {
    if (k > 0) luaL_addstring(b, depth == a->ndim - 1 ? ", " : ",\n ");
    if (n > 8 && k == 3) { luaL_addstring(b, "..."); k = n - 4; continue; }
    add_nested(b, a, depth + 1, p + k * a->stride[depth] * size);
  }
  luaL_addchar(b, '}');
}

static int to_text(lua_State *L)
{
  luaL_Buffer b;
  rp_tensor  *x = on_cpu(L, l_check_tensor(L, 1));
  luaL_buffinit(L, &b);
  luaL_addstring(&b, rp_dtype_name(x->a.dtype));
  if (x->a.ndim > 0) luaL_addstring(&b, rp_shape(&x->a).s);
  luaL_addchar(&b, ' ');
  add_nested(&b, &x->a, 0, x->a.data);
  luaL_pushresult(&b);
  return 1;
}

/* ---- registration ---- */

/* Stack: metatable, table of functions.  The table of methods is kept as core.methods, so that Lua can add derived
 * operations to it. */
void l_open_tensor(lua_State *L)
{
  static const luaL_Reg functions[] = {
    { "zeros", zeros }, { "ones", ones }, { "empty", zeros }, { "full", full }, { "zeros_like", zeros_like },
    { "ones_like", ones_like }, { "full_like", full_like }, { "arange", arange }, { "linspace", linspace },
    { "eye", eye }, { "tensor", from_table }, { "is_tensor", is_tensor }, { "serial", serial }, { "hash", hash },
    { NULL, NULL } };
  static const luaL_Reg methods[] = { { "item", item }, { "totable", totable }, { "size", size }, { "numel", numel },
    { "hash", hash }, { NULL, NULL } };
  luaL_setfuncs(L, functions, 0);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "methods");
  lua_pushcfunction(L, length);  lua_setfield(L, -3, "__len");
  lua_pushcfunction(L, to_text); lua_setfield(L, -3, "__tostring");
}
