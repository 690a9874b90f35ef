/* l_program.c: compiled steps: a function of Lua whose calls of the device are recorded, and made again without it.
 *
 *   core.program_record(fn, ...) -> program, results     runs fn(...) and records it
 *   core.program_compare(p, q)    raises unless both do the same
 *   core.program_thin(p)          what only comparison needs is kept
 *   core.program_fits(p, ...) -> whether it was recorded for arguments like these
 *   core.program_run(p, ...) -> results                  what fn(...) would do
 *   core.program_signature(...) -> text                  what arguments must have in common to share a program
 *   core.program_facts(p) -> {calls, parts}
 *   core.program_live(fn)         calls fn() now, and again at this place in every run
 *   core.in_step([flag]) -> the former flag          whether a compiled step runs as it is written
 *   core.is_noting() -> whether calls are being recorded; core.program_is_open() -> or would be, were it not for live
 *
 * User values of a program: the functions of live, {results}, {arguments that are no tensors}, what must not be collected. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "grad/profile.h"
#include "lua/l_tensor.h"
#include "tensor/program.h"

enum { LIVE = 1, RESULTS, ARGUMENTS, KEPT };

typedef struct program {
  rp_program      *p;
  bool             recording; /* whether the tape was on */
  const rp_device *device;    /* where new tensors were made */
  int              n_arguments, n_results;
} program;

static const char *const type_name = "repro.program";
static const char open_key; /* registry: the program that is open */
static lua_State *noting_for;
static bool within; /* a compiled step runs as it is written */

static program *check_program(lua_State *L, int i) { return luaL_checkudata(L, i, type_name); }

static int collect(lua_State *L)
{
  program *b = lua_touserdata(L, 1);
  rp_program_drop(b->p);
  b->p = NULL;
  return 0;
}

static program *push_program(lua_State *L)
{
  program *b = lua_newuserdatauv(L, sizeof *b, 4);
  memset(b, 0, sizeof *b);
  luaL_setmetatable(L, type_name);
  for (int k = LIVE; k <= KEPT; k++) {
    lua_newtable(L);
    lua_setiuservalue(L, -2, k);
  }
  if (rp_program_new(&b->p) != RP_OK) l_raise(L);
  b->recording = rp_recording();
  b->device = l_default_device();
  return b;
}

/* Appends the value on top of the stack to user value `which` of the open program, and takes it off. */
static void append(lua_State *L, int which)
{
  lua_rawgetp(L, LUA_REGISTRYINDEX, &open_key);
  lua_getiuservalue(L, -1, which);
  lua_pushvalue(L, -3);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 3);
}

void l_program_keep(lua_State *L) { append(L, KEPT); }

static void where(char *text, size_t room)
{
  if (noting_for && lua_checkstack(noting_for, 8)) l_where(noting_for, text, room);
}

/* ---- recording ---- */

static bool is_plain(lua_State *L, int i)
{
  int t = lua_type(L, i);
  return t == LUA_TNIL || t == LUA_TBOOLEAN || t == LUA_TNUMBER || t == LUA_TSTRING;
}

static void check_arguments(lua_State *L, int first, int last)
{
  for (int i = first; i <= last; i++) {
    const rp_tensor *x = l_to_tensor(L, i);
    if (!x && !is_plain(L, i))
      l_error(L, "compiled step: argument %d is a %s; tensors, numbers, strings and booleans can be given: the step finds the rest by itself",
              i - first + 1, luaL_typename(L, i));
    if (x && x->requires_grad && rp_recording())
      l_error(L, "compiled step: argument %d requires a gradient, which would end at the step's copy of it; pass x:detach()", i - first + 1);
  }
}

/* Arguments first .. last become inputs of the program; what are no tensors is remembered. */
static void take_arguments(lua_State *L, program *b, int at, int first, int last)
{
  lua_getiuservalue(L, at, ARGUMENTS);
  for (int i = first; i <= last; i++) {
    const rp_tensor *x = l_to_tensor(L, i);
    if (!x) { lua_pushvalue(L, i); lua_rawseti(L, -2, i - first + 1); continue; }
    rp_tensor **box = l_box(L);
    if (rp_program_input(b->p, box, x) != RP_OK) l_raise(L);
    lua_replace(L, i);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&open_key); /* stands for a tensor */
    lua_rawseti(L, -2, i - first + 1);
  }
  lua_pop(L, 1);
  b->n_arguments = last - first + 1;
}

/* Protected: fn and its arguments are on the stack; leaves the results. */
static int call_noting(lua_State *L, program *b, int n)
{
  lua_State *was = noting_for;
  noting_for = L;
  rp_program_where = where;
  rp_program_start(b->p);
  int failed = lua_pcall(L, n, LUA_MULTRET, 0);
  noting_for = was;
  return failed;
}

/* The results, from stack slot `first` on, without their history, are kept with the program. */
static void keep_results(lua_State *L, program *b, int at, int first)
{
  b->n_results = lua_gettop(L) - first + 1;
  lua_getiuservalue(L, at, RESULTS);
  for (int k = 1; k <= b->n_results; k++) {
    rp_tensor *y = l_to_tensor(L, first + k - 1);
    if (!y && !is_plain(L, first + k - 1)) {
      rp_program_abandon();
      l_error(L, "compiled step: result %d is a %s; tensors, numbers, strings and booleans can be returned", k, luaL_typename(L, first + k - 1));
    }
    if (!y) lua_pushvalue(L, first + k - 1);
    else {
      rp_tensor **box = l_box(L);
      if (rp_detach(box, y) != RP_OK) { rp_program_abandon(); l_raise(L); }
    }
    lua_rawseti(L, -2, k);
  }
  lua_settop(L, first - 1);
}

static rp_status close_program(lua_State *L, program *b, int at)
{
  rp_tensor **list = lua_newuserdatauv(L, (size_t)(b->n_results + 1) * sizeof *list, 0);
  int         n = 0;
  lua_getiuservalue(L, at, RESULTS);
  for (int k = 1; k <= b->n_results; k++) {
    lua_rawgeti(L, -1, k);
    rp_tensor *y = l_to_tensor(L, -1);
    if (y) list[n++] = y; /* the table keeps it */
    lua_pop(L, 1);
  }
  rp_status status = rp_program_close(b->p, list, n);
  lua_pop(L, 2);
  return status;
}

/* Pushes the results of the latest run: copies of what the next one changes. */
static int push_results(lua_State *L, program *b, int at)
{
  luaL_checkstack(L, b->n_results + 4, "compiled step");
  lua_getiuservalue(L, at, RESULTS);
  const int table = lua_gettop(L);
  for (int k = 1; k <= b->n_results; k++) {
    lua_rawgeti(L, table, k);
    rp_tensor *y = l_to_tensor(L, -1);
    if (!y || !rp_program_owns(b->p, y)) continue;
    rp_status   status;
    rp_tensor **box = l_box(L);
    L_RETRY(L, status, rp_tensor_clone(box, y, y->a.dtype));
    if (status != RP_OK) return l_raise(L);
    lua_remove(L, -2);
    l_account(L, *box);
  }
  lua_remove(L, table);
  return b->n_results;
}

static int record(lua_State *L) /* fn, ... -> program, results */
{
  luaL_checktype(L, 1, LUA_TFUNCTION);
  int n = lua_gettop(L) - 1;
  if (rp_program_open && lua_rawgetp(L, LUA_REGISTRYINDEX, &open_key) != LUA_TNIL)
    return l_error(L, "compiled step: another one is being recorded");
  rp_program_abandon(); /* one that an error left open */
  lua_settop(L, n + 1);
  luaL_checkstack(L, n + 16, "compiled step");
  check_arguments(L, 2, n + 1);
  program *b = push_program(L);
  lua_insert(L, 1); /* program, fn, arguments */
  take_arguments(L, b, 1, 3, n + 2);
  lua_pushvalue(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &open_key);
  int failed = call_noting(L, b, n);
  if (rp_program_open) rp_program_pause(true);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &open_key);
  if (failed) { rp_program_abandon(); return lua_error(L); }
  keep_results(L, b, 1, 2);
  lua_gc(L, LUA_GCCOLLECT); /* what lives on of the program's memory is what somebody can reach */
  if (close_program(L, b, 1) != RP_OK) return l_raise(L);
  return 1 + push_results(L, b, 1);
}

static int compare(lua_State *L) /* p, q */
{
  program *p = check_program(L, 1), *q = check_program(L, 2);
  if (p->n_results != q->n_results) return l_error(L, "compiled step: two calls in a row gave %d and %d results", p->n_results, q->n_results);
  lua_getiuservalue(L, 1, RESULTS);
  lua_getiuservalue(L, 2, RESULTS);
  for (int k = 1; k <= p->n_results; k++) {
    lua_rawgeti(L, 3, k);
    lua_rawgeti(L, 4, k);
    const rp_tensor *x = l_to_tensor(L, -2), *y = l_to_tensor(L, -1);
    if (x && y ? x->a.dtype != y->a.dtype || strcmp(rp_shape(&x->a).s, rp_shape(&y->a).s) != 0 : !lua_rawequal(L, -1, -2))
      return l_error(L, "compiled step: result %d was not the same value in two calls in a row; return a tensor", k);
    lua_pop(L, 2);
  }
  if (rp_program_compare(p->p, q->p) != RP_OK) return l_raise(L);
  return 0;
}

/* p gives back its memory, and of its results keeps types and shapes. */
static int thin(lua_State *L) /* p */
{
  program *b = check_program(L, 1);
  lua_getiuservalue(L, 1, RESULTS);
  for (int k = 1; k <= b->n_results; k++) {
    lua_rawgeti(L, -1, k);
    rp_tensor  *y = l_to_tensor(L, -1);
    rp_tensor **box = y ? l_box(L) : NULL;
    if (y && rp_tensor_shell(box, y) != RP_OK) return l_raise(L);
    if (y) lua_rawseti(L, -3, k);
    lua_pop(L, 1);
  }
  lua_gc(L, LUA_GCCOLLECT);
  rp_program_thin(b->p);
  return 0;
}

/* ---- running ---- */

/* Within another step none fits: its calls would not be noted, and its results lack the history of those of its function. */
static bool fits(lua_State *L, const program *b)
{
  if (rp_noting || within || lua_gettop(L) - 1 != b->n_arguments || b->recording != rp_recording() || b->device != l_default_device()) return false;
  int input = 0;
  lua_getiuservalue(L, 1, ARGUMENTS);
  for (int i = 1; i <= b->n_arguments; i++) {
    const rp_tensor *x = l_to_tensor(L, i + 1);
    lua_rawgeti(L, -1, i);
    const bool is_input = lua_touserdata(L, -1) == (const void *)&open_key;
    const bool same = is_input ? x != NULL : lua_rawequal(L, -1, i + 1) && lua_isinteger(L, -1) == lua_isinteger(L, i + 1);
    lua_pop(L, 1);
    if (!same) return false;
    if (is_input && ((x->requires_grad && b->recording) || !rp_program_fits(b->p, input++, x))) return false;
  }
  return true;
}

static int program_fits(lua_State *L) { lua_pushboolean(L, fits(L, check_program(L, 1))); return 1; }

static void call_live(lua_State *L, int part)
{
  lua_getiuservalue(L, 1, LIVE);
  lua_rawgeti(L, -1, 2 * part - 1);
  lua_rawgeti(L, -2, 2 * part);
  bool was = rp_recording_set(lua_toboolean(L, -1));
  lua_pop(L, 1);
  int failed = lua_pcall(L, 0, 0, 0);
  rp_recording_set(was);
  if (failed) lua_error(L);
  lua_pop(L, 1);
}

static int run(lua_State *L) /* p, ... -> results */
{
  program *b = check_program(L, 1);
  rp_program_watch *watch = rp_profiling() ? rp_cost_note : NULL;
  if (!fits(L, b)) return l_error(L, "compiled step: the arguments are not like those it was recorded for");
  lua_settop(L, b->n_arguments + 1);
  for (int i = 2, input = 0; i <= b->n_arguments + 1; i++) {
    const rp_tensor *x = l_to_tensor(L, i);
    if (x && rp_program_feed(b->p, input++, x) != RP_OK) return l_raise(L);
  }
  lua_settop(L, 1);
  for (int k = 0, n = rp_program_parts(b->p); k < n; k++) {
    if (k > 0) call_live(L, k);
    if (rp_program_run(b->p, k, watch) != RP_OK) return l_raise(L);
  }
  return push_results(L, b, 1);
}

static int live(lua_State *L) /* fn */
{
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  if (!rp_noting) { lua_call(L, 0, 0); return 0; }
  if (rp_program_part() != RP_OK) return l_raise(L);
  lua_pushvalue(L, 1);
  append(L, LIVE);
  lua_pushboolean(L, rp_recording());
  append(L, LIVE);
  rp_program_pause(true);
  int failed = lua_pcall(L, 0, 0, 0);
  rp_program_pause(false);
  return failed ? lua_error(L) : 0;
}

static int is_noting(lua_State *L) { lua_pushboolean(L, rp_noting); return 1; }
/* [flag] -> the former */
static int in_step(lua_State *L)
{
  bool was = within;
  if (!lua_isnoneornil(L, 1)) within = lua_toboolean(L, 1);
  lua_pushboolean(L, was);
  return 1;
}

static int is_open(lua_State *L) { lua_pushboolean(L, rp_program_open != NULL); return 1; }

static int signature(lua_State *L) /* ... -> text */
{
  luaL_Buffer b;
  int n = lua_gettop(L);
  check_arguments(L, 1, n);
  luaL_buffinit(L, &b);
  luaL_addstring(&b, rp_recording() ? "tape " : "no tape ");
  luaL_addstring(&b, l_default_device() ? l_default_device()->name : "cpu");
  for (int i = 1; i <= n; i++) {
    const rp_tensor *x = l_to_tensor(L, i);
    luaL_addstring(&b, "; ");
    if (x) {
      luaL_addstring(&b, rp_dtype_name(x->a.dtype));
      luaL_addstring(&b, rp_shape(&x->a).s);
      luaL_addstring(&b, x->storage->device ? x->storage->device->name : "cpu");
    } else {
      luaL_addstring(&b, luaL_typename(L, i));
      luaL_addstring(&b, " ");
      luaL_tolstring(L, i, NULL);
      luaL_addvalue(&b);
    }
  }
  luaL_pushresult(&b);
  return 1;
}

static int facts(lua_State *L) /* p -> {calls, parts} */
{
  const program *b = check_program(L, 1);
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, rp_program_calls(b->p)); lua_setfield(L, -2, "calls");
  lua_pushinteger(L, rp_program_parts(b->p)); lua_setfield(L, -2, "parts");
  return 1;
}

void l_open_program(lua_State *L)
{
  static const luaL_Reg functions[] = { { "program_record", record }, { "program_thin", thin }, { "program_compare", compare }, { "program_fits", program_fits },
    { "program_run", run }, { "program_signature", signature }, { "program_facts", facts }, { "program_live", live }, { "is_noting", is_noting },
    { "program_is_open", is_open }, { "in_step", in_step },
    { NULL, NULL } };
  luaL_newmetatable(L, type_name);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
