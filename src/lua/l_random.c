/* l_random.c: generators of random numbers.
 *
 * A generator is (seed, name, ordinal): draw number `ordinal` of the generator fills its tensor from the Philox
 * stream  hash(name) 2^32 + ordinal  under the key `seed`, so a number depends on nothing else.  The unnamed
 * generator's first draw is stream 0. */
#include <string.h>

#include "base/memory.h"
#include "kernel/device.h"
#include "lua/l_tensor.h"
#include "tensor/program.h"
#include "tensor/shape.h"

/* born: the program (tensor/program.h) that was noted when it was made, 0 for none: every run of that makes it anew. */
typedef struct generator { uint64_t seed; uint32_t name; uint32_t ordinal; uint64_t born; } generator;

static const char *const type_name = "repro.generator";

/* FNV-1a; the empty name is 0. */
static uint32_t name_hash(const char *name)
{
  uint32_t h = 2166136261u;
  if (!*name) return 0;
  for (; *name; name++) h = (h ^ (uint8_t)*name) * 16777619u;
  return h;
}

/* Functions of the library draw from the default generator (upvalue 1); methods from their first argument, which is
 * taken off the stack, so that both see the same arguments, and kept in upvalue 2, so that the collector does not take it
 * while it is in use. */
static generator *source(lua_State *L)
{
  generator *g = lua_touserdata(L, lua_upvalueindex(1));
  if (g) return g;
  g = luaL_checkudata(L, 1, type_name);
  lua_pushvalue(L, 1);
  lua_replace(L, lua_upvalueindex(2));
  lua_remove(L, 1);
  return g;
}

static rp_draw next_of(void *context)
{
  generator *g = context;
  return (rp_draw){ g->seed, (uint64_t)g->name << 32 | g->ordinal++, 0, 0 };
}

static rp_draw next_draw(lua_State *L, generator *g, double a, double b)
{
  if (rp_noting && g->born != rp_program_serial()) { /* a compiled step goes on where the generator is */
    rp_program_draws_from(next_of, g);
    lua_pushvalue(L, lua_upvalueindex(lua_touserdata(L, lua_upvalueindex(1)) ? 1 : 2));
    l_program_keep(L);
  }
  rp_draw how = next_of(g);
  how.a = a; how.b = b;
  return how;
}

/* Fills t where it lies. */
static rp_status draw(rp_distribution d, rp_tensor *t, const rp_draw *how)
{
  const rp_device *was = rp_device_enter(t->storage->device);
  rp_status status = rp_device_now()->draw(d, &t->a, how);
  rp_device_enter(was);
  return status;
}

static int drawn(lua_State *L, generator *g, rp_distribution d, rp_dtype dtype, int ndim, const int64_t *shape, double a, double b)
{
  rp_status   status;
  rp_tensor **box = l_box(L);
  L_MAKE(L, status, rp_tensor_empty(box, dtype, ndim, shape));
  if (status != RP_OK) return l_raise(L);
  rp_draw how = next_draw(L, g, a, b);
  if (draw(d, *box, &how) != RP_OK) return l_raise(L);
  l_account(L, *box);
  return 1;
}

/* (shape ... [, dtype]) */
static int draw_shape(lua_State *L, rp_distribution d)
{
  generator *g = source(L);
  int64_t  shape[RP_MAX_DIMS];
  int      last = lua_gettop(L);
  rp_dtype dtype = RP_FLOAT32;
  if (last > 0 && lua_type(L, last) == LUA_TSTRING) dtype = l_opt_dtype(L, last--, dtype);
  if (!rp_is_float(dtype)) return l_error(L, "rand, randn: the type must be float32 or float64, not %s", rp_dtype_name(dtype));
  int n = l_check_shape(L, 1, last, shape);
  return drawn(L, g, d, dtype, n, shape, 0, 1);
}

static int rand_(lua_State *L) { return draw_shape(L, RP_UNIFORM); }
static int randn(lua_State *L) { return draw_shape(L, RP_NORMAL); }

/* Shape at index i, given as a table or as one integer; missing: a scalar. */
static int shape_at(lua_State *L, int i, int64_t shape[RP_MAX_DIMS])
{
  return lua_isnoneornil(L, i) ? 0 : l_check_shape(L, i, i, shape);
}

static int randint(lua_State *L) /* lo, hi, shape */
{
  generator *g = source(L);
  int64_t shape[RP_MAX_DIMS], lo = luaL_checkinteger(L, 1), hi = luaL_checkinteger(L, 2), most = (int64_t)1 << 53;
  int     n = shape_at(L, 3, shape);
  if (lo > hi || lo < -most || hi > most) return l_error(L, "randint: no integers from %lld to %lld", (long long)lo, (long long)hi);
  return drawn(L, g, RP_INTEGERS, RP_INT64, n, shape, (double)lo, (double)hi);
}

static int bits(lua_State *L) /* shape: 32-bit words, as cuRAND gives them for (seed, stream) */
{
  generator *g = source(L);
  int64_t shape[RP_MAX_DIMS];
  int     n = shape_at(L, 1, shape);
  return drawn(L, g, RP_BITS, RP_INT64, n, shape, 0, 0);
}

static int randperm(lua_State *L) /* n: the order in which n uniform numbers would be sorted */
{
  generator *g = source(L);
  int64_t    n = luaL_checkinteger(L, 1);
  if (n < 0) return l_error(L, "randperm: n = %lld is negative", (long long)n);
  rp_tensor **box = l_box(L), **keys = l_box(L), **sorted = l_box(L);
  rp_draw     how = next_draw(L, g, 0, 1);
  const rp_device *was = rp_device_enter(l_default_device()), *here = rp_device_now();
  rp_status   status = rp_tensor_empty(box, RP_INT64, 1, &n);
  if (status == RP_OK) status = rp_tensor_empty(keys, RP_FLOAT64, 1, &n);
  if (status == RP_OK) status = rp_tensor_empty(sorted, RP_FLOAT64, 1, &n);
  if (status == RP_OK) status = here->draw(RP_UNIFORM, &(*keys)->a, &how);
  if (status == RP_OK && n > 0) status = here->sort(&(*sorted)->a, (*box)->a.data, &(*keys)->a, 1, n, n, false);
  if (status == RP_OK) status = here->shift((*box)->a.data, n, 1);
  rp_device_enter(was);
  if (status != RP_OK) return l_raise(L);
  lua_pop(L, 2);
  return 1;
}

static int bernoulli(lua_State *L) /* p, shape [, dtype]: 1 with probability p, else 0 */
{
  generator *g = source(L);
  int64_t  shape[RP_MAX_DIMS];
  double   p = luaL_checknumber(L, 1);
  int      n = shape_at(L, 2, shape);
  rp_dtype dtype = l_opt_dtype(L, 3, RP_FLOAT32);
  if (!(p >= 0 && p <= 1)) return l_error(L, "bernoulli: p = %g is no probability", p);
  rp_tensor **box = l_box(L), **u = l_box(L), **limit = l_box(L), **hit = l_box(L);
  rp_draw     how = next_draw(L, g, 0, 1);
  rp_status   status;
  L_MAKE(L, status, rp_tensor_empty(u, RP_FLOAT32, n, shape));
  if (status == RP_OK) status = draw(RP_UNIFORM, *u, &how);
  if (status == RP_OK) status = rp_tensor_full(limit, RP_FLOAT64, 0, NULL, p);
  if (status == RP_OK) status = rp_apply_simple(hit, RP_OP_lt, (rp_tensor *[]){ *u, *limit }, 2);
  if (status == RP_OK) status = rp_tensor_cast(box, *hit, dtype);
  lua_pop(L, 3);
  return l_done(L, status, box);
}

static int lognormal(lua_State *L) /* mu, sigma, shape: e^(mu + sigma z) */
{
  generator *g = source(L);
  int64_t shape[RP_MAX_DIMS];
  double  mu = luaL_checknumber(L, 1), sigma = luaL_checknumber(L, 2);
  int     n = shape_at(L, 3, shape);
  rp_tensor **box = l_box(L), **z = l_box(L);
  rp_draw     how = next_draw(L, g, mu, sigma);
  rp_status   status;
  L_MAKE(L, status, rp_tensor_empty(z, RP_FLOAT32, n, shape));
  if (status == RP_OK) status = draw(RP_NORMAL, *z, &how);
  if (status == RP_OK) status = rp_apply_simple(box, RP_OP_exp, z, 1);
  lua_pop(L, 1);
  return l_done(L, status, box);
}

/* The first index whose cumulative probability exceeds u times the total. */
static int64_t invert(const double *p, int64_t n, double u)
{
  double  total = 0, sum = 0;
  int64_t last = 0;
  for (int64_t i = 0; i < n; i++) { total += p[i]; if (p[i] > 0) last = i; }
  for (int64_t i = 0; i < last; i++) if ((sum += p[i]) > u * total) return i;
  return last;
}

static rp_status check_weights(const double *p, int64_t rows, int64_t n)
{
  for (int64_t r = 0; r < rows; r++) {
    double total = 0;
    for (int64_t i = 0; i < n; i++) {
      double w = p[r * n + i];
      if (!(w >= 0) || w - w != 0) return rp_fail(RP_ERANGE, "categorical: weight %lld of row %lld is %g; weights must be finite and at least 0",
                                                  (long long)(i + 1), (long long)(r + 1), w);
      total += w;
    }
    if (total <= 0) return rp_fail(RP_ERANGE, "categorical: the weights of row %lld are all 0", (long long)(r + 1));
  }
  return RP_OK;
}

static int categorical(lua_State *L) /* weights (n) or (B,n), count: int64 (count) or (B,count), from 1 */
{
  generator *g = source(L);
  rp_tensor *w = l_check_tensor(L, 1);
  int64_t    count = luaL_optinteger(L, 2, 1), nd = w->a.ndim;
  if (nd < 1 || nd > 2 || w->a.shape[nd - 1] < 1 || count < 0)
    return l_error(L, "categorical: weights %s, count %lld; weights must be (n) or (B,n)", rp_shape(&w->a).s, (long long)count);
  int64_t rows = nd == 2 ? w->a.shape[0] : 1, n = w->a.shape[nd - 1], shape[2] = { rows, count };
  rp_tensor **box = l_box(L), **u = l_box(L), **p = l_box(L), **host = l_box(L);
  rp_draw     how = next_draw(L, g, 0, 1);
  rp_status   status = rp_tensor_host(host, w);
  if (status == RP_OK) status = rp_tensor_clone(p, *host, RP_FLOAT64);
  if (status == RP_OK) status = check_weights((*p)->a.data, rows, n);
  if (status == RP_OK) status = rp_tensor_empty(u, RP_FLOAT64, 2, shape);
  if (status == RP_OK) status = rp_tensor_empty(box, RP_INT64, nd == 2 ? 2 : 1, nd == 2 ? shape : shape + 1);
  if (status == RP_OK) status = draw(RP_UNIFORM, *u, &how);
  for (int64_t i = 0; status == RP_OK && i < rows * count; i++)
    ((int64_t *)(*box)->a.data)[i] = 1 + invert((double *)(*p)->a.data + i / count * n, n, ((double *)(*u)->a.data)[i]);
  if (status == RP_OK) status = l_settle(box);
  lua_pop(L, 3);
  return l_done(L, status, box);
}

/* ---- generators ---- */

static int new_generator(lua_State *L) /* seed [, name] */
{
  uint64_t   seed = (uint64_t)luaL_checkinteger(L, 1);
  uint32_t   name = name_hash(luaL_optstring(L, 2, ""));
  generator *g = lua_newuserdatauv(L, sizeof *g, 0);
  *g = (generator){ seed, name, 0, rp_noting ? rp_program_serial() : 0 };
  luaL_setmetatable(L, type_name);
  return 1;
}

/* A generator is not set while a step is recorded: later calls would not do it. */
static void check_not_noting(lua_State *L, const char *who)
{
  if (rp_noting) l_error(L, "%s in a compiled step: later calls do not run its Lua; do it outside, or in rp.live(function() ... end)", who);
}

static int reseed(lua_State *L) /* seed: the default generator starts again */
{
  check_not_noting(L, "seed");
  generator *g = lua_touserdata(L, lua_upvalueindex(1));
  *g = (generator){ (uint64_t)luaL_checkinteger(L, 1), 0, 0, 0 };
  return 0;
}

static int state(lua_State *L) /* -> {seed=, name=, ordinal=} */
{
  check_not_noting(L, "state");
  generator *g = source(L);
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, (lua_Integer)g->seed); lua_setfield(L, -2, "seed");
  lua_pushinteger(L, g->name);              lua_setfield(L, -2, "name");
  lua_pushinteger(L, g->ordinal);           lua_setfield(L, -2, "ordinal");
  return 1;
}

static lua_Integer field(lua_State *L, const char *name)
{
  int ok = 0;
  lua_getfield(L, 1, name);
  lua_Integer v = lua_tointegerx(L, -1, &ok);
  if (!ok) l_error(L, "restore: the state has no integer '%s'; give what g:state() returned", name);
  lua_pop(L, 1);
  return v;
}

static int restore(lua_State *L) /* state */
{
  check_not_noting(L, "restore");
  generator *g = source(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  generator s = { (uint64_t)field(L, "seed"), (uint32_t)field(L, "name"), (uint32_t)field(L, "ordinal"), 0 };
  *g = s;
  return 0;
}

static const luaL_Reg draws[] = { { "rand", rand_ }, { "randn", randn }, { "randint", randint }, { "randperm", randperm },
  { "bernoulli", bernoulli }, { "lognormal", lognormal }, { "categorical", categorical }, { "random_bits", bits },
  { NULL, NULL } };
static const luaL_Reg states[] = { { "state", state }, { "restore", restore }, { NULL, NULL } };

void l_open_random(lua_State *L)
{
  luaL_newmetatable(L, type_name);
  lua_newtable(L);
  for (int i = 0; i < 2; i++) lua_pushnil(L); /* methods have no default generator */
  luaL_setfuncs(L, states, 2);
  for (int i = 0; i < 2; i++) lua_pushnil(L);
  luaL_setfuncs(L, draws, 2);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  generator *g = lua_newuserdatauv(L, sizeof *g, 0);
  *g = (generator){ 0, 0, 0, 0 };
  luaL_setmetatable(L, type_name);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "default_generator");
  lua_insert(L, -2); /* generator, table */
  lua_pushvalue(L, -2);
  lua_pushnil(L);
  luaL_setfuncs(L, draws, 2);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, reseed, 1);
  lua_setfield(L, -2, "seed");
  lua_pushcfunction(L, new_generator);
  lua_setfield(L, -2, "generator");
  lua_remove(L, -2);
}
