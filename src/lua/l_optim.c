/* l_optim.c: optimiser steps over arrays of parameters; false or nil in place of a gradient skips that parameter. */
#include <math.h>
#include <string.h>

#include "lua/l_tensor.h"
#include "tensor/program.h"
#include "tensor/shape.h"

/* Element i of the array at index t; NULL for false and nil. */
static rp_tensor *element(lua_State *L, int t, int i, const char *what)
{
  lua_rawgeti(L, t, i);
  rp_tensor *x = l_to_tensor(L, -1);
  if (!x && lua_toboolean(L, -1)) l_error(L, "%s[%d] is %s; a tensor is expected", what, i, luaL_typename(L, -1));
  lua_pop(L, 1);
  return x;
}

/* A state or gradient of the parameter p: same type and shape, contiguous. */
static void *data_like(lua_State *L, const rp_tensor *p, rp_tensor *x, const char *what, int i)
{
  if (!x) return NULL;
  if (x->a.dtype != p->a.dtype || !rp_same_shape(&x->a, &p->a))
    l_error(L, "%s[%d] is %s %s for a parameter %s %s", what, i, rp_dtype_name(x->a.dtype), rp_shape(&x->a).s,
            rp_dtype_name(p->a.dtype), rp_shape(&p->a).s);
  if (x->storage->device != p->storage->device)
    l_error(L, "%s[%d] is on %s, its parameter on %s", what, i, x->storage->device ? x->storage->device->name : "cpu",
            p->storage->device ? p->storage->device->name : "cpu");
  if (!rp_is_contiguous(&x->a)) l_error(L, "%s[%d] is not contiguous", what, i);
  return x->a.data;
}

typedef enum rule { SGD, ADAM, EMA } rule;

/* Parameters of one type and device wait here until there are RP_SLICES of them, or no more: one call does them all. */
typedef struct batch {
  rule             which;
  rp_update        u;
  const rp_device *device;
  int              held; /* copies of gradients, on the Lua stack */
  rp_slice         slice[RP_SLICES];
} batch;

static void flush(lua_State *L, batch *b)
{
  if (b->u.n_slices == 0) return;
  const rp_device *was = rp_device_enter(b->device), *d = rp_device_now();
  b->u.slice = b->slice;
  rp_status status = b->which == SGD ? d->sgd(&b->u) : b->which == ADAM ? d->adam(&b->u) : d->ema(&b->u);
  rp_device_enter(was);
  if (status != RP_OK) l_raise(L);
  lua_pop(L, b->held);
  b->u.n_slices = b->held = 0;
}

/* The next slice, of p's type and where p lies. */
static rp_slice *next_slice(lua_State *L, batch *b, const rp_tensor *p)
{
  if (b->u.n_slices == RP_SLICES || b->u.dtype != p->a.dtype || b->device != p->storage->device) flush(L, b);
  b->u.dtype = p->a.dtype;
  b->device = p->storage->device;
  rp_slice *s = &b->slice[b->u.n_slices];
  *s = (rp_slice){ .n = rp_count(&p->a) };
  return s;
}

/* The gradient of parameter i, contiguous; a copy stays on the stack until the batch is done. */
static void *gradient(lua_State *L, batch *b, const rp_tensor *p, rp_tensor *g, int i)
{
  if (p->a.dtype != g->a.dtype || !rp_same_shape(&p->a, &g->a) || p->storage->device != g->storage->device || rp_is_contiguous(&g->a))
    return data_like(L, p, g, "gradients", i);
  rp_tensor **box = l_box(L);
  b->held++;
  if (rp_tensor_contiguous(box, g) != RP_OK) l_raise(L);
  return (*box)->a.data;
}

/* Runs a rule on every parameter of the array at 1; gradients at 2, states at 3 and 4 (0: none). */
static int run(lua_State *L, rule which, rp_update u, int m_at, int v_at)
{
  int   n = (int)lua_rawlen(L, 1);
  batch b = { .which = which, .u = u };
  luaL_checkstack(L, RP_SLICES + 4, "optimiser");
  for (int i = 1; i <= n; i++) {
    rp_tensor *p = element(L, 1, i, "parameters"), *g = element(L, 2, i, "gradients");
    if (!p) return l_error(L, "parameters[%d] is missing", i);
    if (!g) continue;
    if (!rp_is_float(p->a.dtype)) return l_error(L, "parameters[%d] is %s; only floats are optimised", i, rp_dtype_name(p->a.dtype));
    rp_slice *s = next_slice(L, &b, p);
    s->p = data_like(L, p, p, "parameters", i);
    s->m = m_at ? data_like(L, p, element(L, m_at, i, "state"), "state", i) : NULL;
    s->v = v_at ? data_like(L, p, element(L, v_at, i, "state"), "state", i) : NULL;
    s->g = gradient(L, &b, p, g, i);
    p->storage->version++;
    b.u.n_slices++;
  }
  flush(L, &b);
  return 0;
}

static int sgd_step(lua_State *L) /* ps, gs, vs|nil, lr, momentum, nesterov, weight_decay, scale */
{
  rp_update u = { .lr = luaL_checknumber(L, 4), .beta1 = luaL_optnumber(L, 5, 0), .nesterov = lua_toboolean(L, 6),
                  .weight_decay = luaL_optnumber(L, 7, 0), .scale = luaL_optnumber(L, 8, 1) };
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  return run(L, SGD, u, 0, lua_istable(L, 3) ? 3 : 0);
}

/* b^t by repeated squaring: the same bits everywhere, unlike pow. */
static double power(double b, int64_t t)
{
  double r = 1;
  for (; t > 0; t /= 2, b *= b) if (t % 2) r *= b;
  return r;
}

static int adam_step(lua_State *L) /* ps, gs, ms, vs, lr, beta1, beta2, eps, weight_decay, decoupled, step, scale */
{
  rp_update u = { .lr = luaL_checknumber(L, 5), .beta1 = luaL_checknumber(L, 6), .beta2 = luaL_checknumber(L, 7),
                  .eps = luaL_checknumber(L, 8), .weight_decay = luaL_checknumber(L, 9), .decoupled = lua_toboolean(L, 10),
                  .scale = luaL_optnumber(L, 12, 1) };
  int64_t t = luaL_checkinteger(L, 11);
  for (int i = 1; i <= 4; i++) luaL_checktype(L, i, LUA_TTABLE);
  u.correction1 = 1 - power(u.beta1, t);
  u.correction2 = 1 - power(u.beta2, t);
  return run(L, ADAM, u, 3, 4);
}

static int ema_step(lua_State *L) /* shadow, ps, decay */
{
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  int   n = (int)lua_rawlen(L, 1);
  batch b = { .which = EMA, .u = { .beta1 = luaL_checknumber(L, 3) } };
  for (int i = 1; i <= n; i++) {
    rp_tensor *m = element(L, 1, i, "shadow"), *p = element(L, 2, i, "parameters");
    if (!m || !p) return l_error(L, "ema_step: element %d is missing", i);
    rp_slice *s = next_slice(L, &b, m);
    s->m = data_like(L, m, m, "shadow", i);
    s->p = data_like(L, m, p, "parameters", i);
    m->storage->version++;
    b.u.n_slices++;
  }
  flush(L, &b);
  return 0;
}

/* *sum += the sum of x^2 in double: squares of the elements summed in the canonical order of `sum`, where x lies. */
static rp_status add_squares(rp_tensor **sum, rp_tensor *x)
{
  rp_tensor *wide = NULL, *square = NULL, *more = NULL;
  rp_status  status = rp_tensor_cast(&wide, x, RP_FLOAT64);
  if (status == RP_OK) status = rp_apply_simple(&square, RP_OP_square, &wide, 1);
  if (status == RP_OK) {
    rp_call c = { .op = RP_OP_sum, .n_in = 1, .in = &square, .n_attr = 2, .attr = { { .n = -1 }, { .n = 1 } } };
    status = rp_apply(&c);
    more = c.out[0];
  }
  if (status == RP_OK) {
    rp_tensor *both[2] = { *sum, more }, *new_sum = NULL;
    status = rp_apply_simple(&new_sum, RP_OP_add, both, 2);
    if (status == RP_OK) { rp_tensor_drop(*sum); *sum = new_sum; }
  }
  rp_tensor_drop(wide); rp_tensor_drop(square); rp_tensor_drop(more);
  return status;
}

/* gs -> sqrt(sum over all of g^2), in double, tensors in order; a tensor while a step is recorded */
static int grad_norm(lua_State *L)
{
  luaL_checktype(L, 1, LUA_TTABLE);
  int    n = (int)lua_rawlen(L, 1);
  bool   was = rp_recording_set(false);
  rp_tensor *host = NULL, **sum = l_box(L);
  rp_status  status = rp_tensor_full(sum, RP_FLOAT64, 0, NULL, 0);
  for (int i = 1; i <= n && status == RP_OK; i++) {
    lua_rawgeti(L, 1, i);
    rp_tensor *g = l_to_tensor(L, -1);
    lua_pop(L, 1);
    if (g) status = add_squares(sum, g);
  }
  rp_tensor *root = NULL;
  if (status == RP_OK && rp_noting) status = rp_apply_simple(&root, RP_OP_sqrt, sum, 1);
  rp_recording_set(was);
  if (root) { rp_tensor_drop(*sum); *sum = root; lua_settop(L, 2); return 1; }
  if (status == RP_OK) status = rp_tensor_host(&host, *sum);
  if (status != RP_OK) return l_raise(L);
  double total = *(double *)host->a.data;
  rp_tensor_drop(host);
  lua_pushnumber(L, sqrt(total));
  return 1;
}

void l_open_optim(lua_State *L)
{
  static const luaL_Reg functions[] = { { "sgd_step", sgd_step }, { "adam_step", adam_step }, { "ema_step", ema_step },
                                        { "grad_norm", grad_norm }, { NULL, NULL } };
  luaL_setfuncs(L, functions, 0);
}
