/* l_storage.c: the storage below tensors, as a checkpoint keeps it: several tensors may be windows on one storage, and
 * which are is part of a run's state.  For lua/repro/resume; a script has no use for it. */
#include <string.h>

#include "base/sha256.h"
#include "lua/l_tensor.h"

static int64_t element_offset(const rp_tensor *x)
{
  return ((const char *)x->a.data - (const char *)x->storage->data) / (int64_t)rp_dtype_size(x->a.dtype);
}

/* x -> identity of its storage, number of writes to it so far, offset of x in elements, strides, and whether a graph that
 * can still be differentiated leads to x.  The identity holds while a tensor on the storage lives. */
static int storage(lua_State *L)
{
  rp_tensor *x = l_check_tensor(L, 1);
  lua_pushlightuserdata(L, x->storage);
  lua_pushinteger(L, (lua_Integer)x->storage->version);
  lua_pushinteger(L, element_offset(x));
  lua_createtable(L, x->a.ndim, 0);
  for (int d = 0; d < x->a.ndim; d++) { lua_pushinteger(L, x->a.stride[d]); lua_rawseti(L, -2, d + 1); }
  lua_pushboolean(L, x->node && !x->node->consumed);
  return 5;
}

static rp_status view(rp_tensor **out, const rp_tensor *x, int n, const int64_t *shape, const int64_t *stride, int64_t offset)
{
  rp_array a = x->a;
  a.ndim = n;
  a.data = (char *)x->storage->data + offset * (int64_t)rp_dtype_size(a.dtype);
  for (int d = 0; d < n; d++) { a.shape[d] = shape[d]; a.stride[d] = stride[d]; }
  return rp_tensor_view(out, x, &a);
}

static int flat(lua_State *L) /* x -> all of its storage as a vector of its type, on the same memory */
{
  rp_tensor *x = l_check_tensor(L, 1);
  int64_t    n = (int64_t)(x->storage->bytes / rp_dtype_size(x->a.dtype)), one = 1;
  rp_tensor **box = l_box(L);
  return l_done(L, view(box, x, 1, &n, &one, 0), box);
}

/* Whether every element of the window lies within the n elements of a storage. */
static bool fits(int n, const int64_t *shape, const int64_t *stride, int64_t offset, int64_t room)
{
  int64_t low = offset, high = offset;
  for (int d = 0; d < n; d++) {
    int64_t reach = 0;
    if (shape[d] < 0) return false;
    if (shape[d] == 0) return offset >= 0 && offset <= room;
    if (__builtin_mul_overflow(shape[d] - 1, stride[d], &reach)) return false;
    if (__builtin_add_overflow(reach < 0 ? low : high, reach, reach < 0 ? &low : &high)) return false;
  }
  return low >= 0 && high < room;
}

static int window(lua_State *L) /* x, shape, strides, offset -> that window on the storage of x */
{
  int64_t    shape[RP_MAX_DIMS], stride[RP_MAX_DIMS], offset = luaL_checkinteger(L, 4);
  rp_tensor *x = l_check_tensor(L, 1);
  int        n = l_check_shape(L, 2, 2, shape), m = l_check_integers(L, 3, 3, stride, RP_MAX_DIMS, "strides");
  if (n != m || !fits(n, shape, stride, offset, (int64_t)(x->storage->bytes / rp_dtype_size(x->a.dtype))))
    return l_error(L, "window: the window does not lie within the storage");
  rp_tensor **box = l_box(L);
  return l_done(L, view(box, x, n, shape, stride, offset), box);
}

static int set_grad(lua_State *L) /* x, gradient or nil: shares the gradient, as a backward pass leaves it */
{
  rp_tensor *x = l_check_tensor(L, 1), *g = lua_isnoneornil(L, 2) ? NULL : l_check_tensor(L, 2), *old = x->grad;
  if (g && (g->a.dtype != x->a.dtype || rp_count(&g->a) != rp_count(&x->a)))
    return l_error(L, "set_grad: %s %s for a tensor %s %s", rp_dtype_name(g->a.dtype), rp_shape(&g->a).s,
                   rp_dtype_name(x->a.dtype), rp_shape(&x->a).s);
  x->grad = rp_tensor_keep(g);
  rp_tensor_drop(old);
  return 0;
}

static int digest(lua_State *L) /* vectors -> SHA-256 of their bytes, as they are */
{
  char      hex[65];
  rp_sha256 s;
  rp_sha256_start(&s);
  for (int i = 1, n = lua_gettop(L); i <= n; i++) {
    rp_tensor *x = l_check_tensor(L, i), **host = l_box(L);
    if (rp_tensor_host(host, x) != RP_OK) return l_raise(L);
    rp_sha256_add(&s, (*host)->a.data, (size_t)rp_count(&x->a) * rp_dtype_size(x->a.dtype));
    lua_pop(L, 1);
  }
  rp_sha256_end(&s, hex);
  lua_pushstring(L, hex);
  return 1;
}

void l_open_storage(lua_State *L)
{
  static const luaL_Reg functions[] = { { "storage", storage }, { "flat", flat }, { "window", window }, { "set_grad", set_grad },
    { "digest", digest }, { NULL, NULL } };
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  lua_setfield(L, -2, "memory_of");
}
