/* l_device.c: where tensors live.
 *
 *   rp.device() -> name         rp.device("cuda")       where new tensors are made from now on
 *   rp.devices() -> names       rp.synchronize()        waits for the GPU and reports what it found wrong
 *   x.device -> name            x:to("cuda"), x:to("cpu")   differentiable; x itself if it is there
 *   core.cuda() -> facts about the GPU and its memory, or nil and why there is none
 *   core.cuda_math("exact", "fast", "tf32" or "bf16") -> true, who computes    who multiplies matrices and draws numbers (cuda.h)
 *   core.cuda_math() -> the mode
 *   core.cuda_math_used([mode]) -> the coarsest mode anything was computed in since a mode was given here; by whom
 *   core.cuda_build() -> architectures, what stays on the CPU      core.cuda_peaks(rounds, bytes) -> most per second */
#include <stdio.h>
#include <string.h>

#include "cuda/cuda.h"
#include "lua/l_tensor.h"

static const rp_device *standard; /* NULL: the CPU */

const rp_device *l_default_device(void) { return standard; }

rp_status l_settle(rp_tensor **box)
{
  rp_tensor *there = NULL;
  if (!standard) return RP_OK;
  RP_TRY(rp_tensor_move(&there, *box, standard));
  rp_tensor_drop(*box);
  *box = there;
  return RP_OK;
}

/* *out = the device of that name (NULL: the CPU); false if it is no name of a device. */
static bool named(lua_State *L, const char *name, const rp_device **out)
{
  int  i = 0, end = 0;
  *out = NULL;
  if (strcmp(name, "cpu") == 0) return true;
  if (strncmp(name, "cuda", 4) != 0) return false;
  if (name[4] && (sscanf(name + 4, ":%d%n", &i, &end) != 1 || name[4 + end])) return false;
  if (rp_cuda_open(out, i) != RP_OK) l_raise(L);
  return true;
}

static int device(lua_State *L) /* [name] -> the former name */
{
  const rp_device *d = NULL;
  const char *was = standard ? standard->name : "cpu";
  if (!lua_isnoneornil(L, 1)) {
    if (!named(L, luaL_checkstring(L, 1), &d)) return l_error(L, "device: '%s' is no device; use \"cpu\", \"cuda\" or \"cuda:1\"", lua_tostring(L, 1));
    standard = d;
  }
  lua_pushstring(L, was);
  return 1;
}

static int devices(lua_State *L)
{
  const char *why = "";
  int n = rp_cuda_count(&why);
  lua_createtable(L, n + 1, 0);
  lua_pushliteral(L, "cpu");
  lua_rawseti(L, -2, 1);
  for (int i = 0; i < n; i++) { lua_pushfstring(L, "cuda:%d", i); lua_rawseti(L, -2, i + 2); }
  return 1;
}

static int synchronize(lua_State *L) { return rp_cuda_finish() == RP_OK ? 0 : l_raise(L); }

/* ---- x:to(device) ---- */

static rp_status move_back(void *context, rp_tensor *const *g, int n_out, rp_tensor **gin, int n_in)
{
  (void)n_out; (void)n_in;
  return rp_tensor_move(&gin[0], g[0], *(const rp_device **)context);
}

static rp_status move(rp_tensor **out, rp_tensor *x, const rp_device *d)
{
  RP_TRY(rp_tensor_move(out, x, d));
  if (*out == x || !rp_recording() || !x->requires_grad) return RP_OK;
  const rp_device **from = rp_new(sizeof *from);
  if (!from) return RP_ENOMEM;
  *from = x->storage->device;
  return rp_record_custom(out, 1, &x, 1, (rp_custom){ move_back, rp_delete, (void *)from });
}

static int to(lua_State *L) /* x, type or device; upvalue 1: the operation `to` */
{
  const rp_device *d = NULL;
  rp_dtype  dtype;
  rp_status status;
  if (lua_type(L, 2) != LUA_TSTRING || rp_dtype_parse(&dtype, lua_tostring(L, 2)) || !named(L, lua_tostring(L, 2), &d)) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
  }
  rp_tensor  *x = l_check_tensor(L, 1);
  rp_tensor **box = l_box(L);
  L_RETRY(L, status, move(box, x, d));
  return l_done(L, status, box);
}

/* ---- facts ---- */

static void set_integer(lua_State *L, const char *key, int64_t v)
{
  lua_pushinteger(L, v);
  lua_setfield(L, -2, key);
}

static void push_counts(lua_State *L)
{
  rp_cuda_counts c = rp_cuda_counts_now();
  set_integer(L, "live", (int64_t)c.memory.live);
  set_integer(L, "peak", (int64_t)c.memory.peak);
  set_integer(L, "cached", (int64_t)c.memory.cached);
  set_integer(L, "allocations", c.memory.allocations);
  set_integer(L, "launches", c.launches);
  set_integer(L, "uploads", c.uploads);
  set_integer(L, "downloads", c.downloads);
  set_integer(L, "waits", c.waits);
}

static int cuda(lua_State *L) /* [i] */
{
  rp_cuda_card card;
  if (rp_cuda_describe(&card, (int)luaL_optinteger(L, 1, 0)) != RP_OK) {
    lua_pushnil(L);
    lua_pushstring(L, rp_message());
    return 2;
  }
  lua_createtable(L, 0, 16);
  lua_pushstring(L, card.name); lua_setfield(L, -2, "name");
  lua_pushfstring(L, "%d.%d", card.driver / 1000, card.driver % 1000 / 10); lua_setfield(L, -2, "driver");
  lua_pushfstring(L, "sm_%d%d", card.major, card.minor); lua_setfield(L, -2, "architecture");
  set_integer(L, "bytes", (int64_t)card.bytes);
  set_integer(L, "processors", card.processors);
  push_counts(L);
  return 1;
}

static int cuda_build(lua_State *L) /* -> the architectures built for; what stays on the CPU */
{
  lua_pushstring(L, rp_cuda_architectures());
  lua_pushstring(L, rp_cuda_stays());
  return 2;
}

static int cuda_peaks(lua_State *L) /* rounds, bytes -> float operations and bytes per second */
{
  double flop = 0, bytes = 0;
  if (rp_cuda_peaks(&flop, &bytes, luaL_checkinteger(L, 1), (size_t)luaL_checkinteger(L, 2)) != RP_OK) return l_raise(L);
  lua_pushnumber(L, flop);
  lua_pushnumber(L, bytes);
  return 2;
}

static const char *const math_names[] = { "exact", "fast", "tf32", "bf16", NULL };

static int cuda_math(lua_State *L) /* mode -> true and who computes, or nil and why not; without an argument the mode */
{
  if (lua_isnoneornil(L, 1)) { lua_pushstring(L, math_names[rp_cuda_math_now()]); return 1; }
  const rp_cuda_math_mode mode = (rp_cuda_math_mode)luaL_checkoption(L, 1, NULL, math_names);
  if (rp_cuda_math(mode) == RP_OK) {
    lua_pushboolean(L, true);
    if (mode == RP_CUDA_EXACT) return 1;
    lua_pushstring(L, rp_cuda_math_by());
    return 2;
  }
  lua_pushnil(L);
  lua_pushstring(L, rp_message());
  return 2;
}

static int cuda_math_used(lua_State *L) /* [mode] -> the coarsest used so far, who computed; from now on it is `mode` */
{
  lua_pushstring(L, math_names[rp_cuda_math_used()]);
  lua_pushstring(L, rp_cuda_math_by());
  if (!lua_isnoneornil(L, 1)) rp_cuda_math_use((rp_cuda_math_mode)luaL_checkoption(L, 1, NULL, math_names));
  return 2;
}

static int cuda_trim(lua_State *L) { (void)L; rp_cuda_trim(); return 0; }
static int cuda_reset_peak(lua_State *L) { (void)L; rp_cuda_reset_peak(); return 0; }

/* Stack: metatable, table of functions, to which l_open_ops has added `to`. */
void l_open_device(lua_State *L)
{
  static const luaL_Reg functions[] = { { "device", device }, { "devices", devices }, { "synchronize", synchronize }, { "cuda", cuda },
    { "cuda_build", cuda_build }, { "cuda_peaks", cuda_peaks }, { "cuda_math", cuda_math },
    { "cuda_math_used", cuda_math_used },
    { "cuda_trim", cuda_trim }, { "cuda_reset_peak", cuda_reset_peak }, { NULL, NULL } };
  luaL_setfuncs(L, functions, 0);
  lua_getfield(L, -1, "to");
  lua_pushcclosure(L, to, 1);
  lua_setfield(L, -2, "to");
}
