/* l_ops.c: one function binds every operation of ops.def. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lua/l_tensor.h"

#define MAX_ARGUMENTS 8
#define MAX_TENSORS   4096

typedef enum kind { TENSOR, OPTIONAL_TENSOR, TENSORS, INT, REAL, FLAG, DTYPE, SHAPE, DIMS, INTS } kind;

typedef struct argument {
  char    name[24];
  kind    kind;
  bool    has_default;
  rp_attr standard;
} argument;

typedef struct signature { int n; bool ready; argument arg[MAX_ARGUMENTS]; } signature;

static signature signatures[RP_N_OPS];

/* ---- reading a row's argument list ---- */

static kind kind_of(const char *text, size_t n)
{
  static const struct { const char *name; kind kind; } kinds[] = {
    { "tensor", TENSOR }, { "tensor?", OPTIONAL_TENSOR }, { "tensors", TENSORS }, { "int", INT }, { "dim", INT },
    { "newdim", INT }, { "real", REAL }, { "flag", FLAG }, { "dtype", DTYPE }, { "shape", SHAPE }, { "dims", DIMS },
    { "ints", INTS } };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strlen(kinds[i].name) == n && strncmp(kinds[i].name, text, n) == 0) return kinds[i].kind;
  return TENSOR; /* pointwise rows write no types */
}

static double real_of(const char *text)
{
  if (strncmp(text, "inf", 3) == 0) return INFINITY;
  if (strncmp(text, "-inf", 4) == 0) return -INFINITY;
  return strtod(text, NULL);
}

static void read_argument(argument *a, const char *text, size_t n)
{
  const char *colon = memchr(text, ':', n), *equals = memchr(text, '=', n);
  const char *end = text + n, *name_end = colon ? colon : equals ? equals : end;
  memcpy(a->name, text, (size_t)(name_end - text));
  if (colon) a->kind = kind_of(colon + 1, (size_t)((equals ? equals : end) - colon - 1));
  if (!equals) return;
  a->has_default = true;
  a->standard.f = real_of(equals + 1);
  a->standard.n = strncmp(equals + 1, "all", 3) == 0 ? -1 : 1;
  a->standard.i[0] = strncmp(equals + 1, "true", 4) == 0 ? 1 : isfinite(a->standard.f) ? (int64_t)a->standard.f : 0;
}

static const signature *signature_of(rp_opcode op)
{
  signature *s = &signatures[op];
  if (s->ready) return s;
  for (const char *p = rp_ops[op].arguments; *p; ) {
    size_t n = strcspn(p, ",");
    read_argument(&s->arg[s->n++], p, n);
    p += n;
    p += strspn(p, ", ");
  }
  s->ready = true;
  return s;
}

/* ---- arguments from Lua ---- */

static int bad(lua_State *L, rp_opcode op, const char *name, int i, const char *expected)
{
  return l_error(L, "%s: %s (argument %d) is %s; %s is expected", rp_ops[op].name, name, i,
                 i > lua_gettop(L) ? "missing" : luaL_typename(L, i), expected);
}

static int64_t check_int(lua_State *L, rp_opcode op, const char *name, int i)
{
  int       ok = 0;
  lua_Integer v = lua_tointegerx(L, i, &ok);
  if (!ok || lua_type(L, i) != LUA_TNUMBER) bad(L, op, name, i, "an integer");
  return v;
}

static void check_list(lua_State *L, rp_opcode op, const argument *a, int i, int last, rp_attr *out)
{
  out->n = 0;
  if (lua_type(L, i) == LUA_TTABLE) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, i);
    if (n > RP_MAX_LIST) l_error(L, "%s: %s has %d numbers; at most %d", rp_ops[op].name, a->name, (int)n, RP_MAX_LIST);
    for (lua_Integer k = 1; k <= n; k++) {
      int ok = 0;
      lua_rawgeti(L, i, k);
      out->i[out->n++] = lua_tointegerx(L, -1, &ok);
      if (!ok) l_error(L, "%s: %s[%d] is %s; an integer is expected", rp_ops[op].name, a->name, (int)k, luaL_typename(L, -1));
      lua_pop(L, 1);
    }
    return;
  }
  if (last - i + 1 > RP_MAX_LIST) l_error(L, "%s: more than %d numbers", rp_ops[op].name, RP_MAX_LIST);
  for (; i <= last; i++) out->i[out->n++] = check_int(L, op, a->name, i);
}

/* A list takes all remaining numbers when nothing follows it and it must be given, as in x:reshape(2, 3). */
static void check_attr(lua_State *L, rp_opcode op, const argument *a, int *i, int top, bool is_last, rp_attr *out)
{
  if (*i > top || lua_isnil(L, *i)) {
    if (!a->has_default && !(is_last && a->kind == SHAPE)) bad(L, op, a->name, *i, a->kind == REAL ? "a number" : a->kind == DTYPE ? "a type name" : "an integer");
    *out = a->standard;
    (*i)++;
    return;
  }
  out->n = 1;
  switch (a->kind) {
    case INT: out->i[0] = check_int(L, op, a->name, *i); break;
    case REAL:
      if (lua_type(L, *i) != LUA_TNUMBER) bad(L, op, a->name, *i, "a number");
      out->f = lua_tonumber(L, *i);
      break;
    case FLAG:
      if (!lua_isboolean(L, *i)) bad(L, op, a->name, *i, "true or false");
      out->i[0] = lua_toboolean(L, *i);
      break;
    case DTYPE: out->i[0] = l_opt_dtype(L, *i, RP_FLOAT32); break;
    default:
      if (is_last && !a->has_default && lua_type(L, *i) != LUA_TTABLE) { check_list(L, op, a, *i, top, out); *i = top; }
      else check_list(L, op, a, *i, *i, out);
      break;
  }
  (*i)++;
}

static int check_tensors(lua_State *L, rp_opcode op, int i, int top, rp_tensor **in)
{
  int  n = 0;
  bool table = lua_type(L, i) == LUA_TTABLE;
  int  count = table ? (int)lua_rawlen(L, i) : top - i + 1;
  if (count > MAX_TENSORS) l_error(L, "%s: %d tensors; at most %d", rp_ops[op].name, count, MAX_TENSORS);
  for (int k = 1; k <= count; k++) {
    if (table) lua_rawgeti(L, i, k); else lua_pushvalue(L, i + k - 1);
    if (!(in[n++] = l_to_tensor(L, -1))) /* the table or the arguments keep it alive */
      l_error(L, "%s: element %d is %s; a tensor is expected", rp_ops[op].name, k, luaL_typename(L, -1));
    lua_pop(L, 1);
  }
  return n;
}

/* ---- running ---- */

static int finish(lua_State *L, rp_call *c, rp_tensor ***box)
{
  rp_status status;
  L_RETRY(L, status, rp_apply(c));
  if (status != RP_OK) return l_raise(L);
  for (int k = 0; k < c->n_out; k++) *box[k] = c->out[k];
  for (int k = 0; k < c->n_out; k++) l_account(L, *box[k]);
  return c->n_out;
}

static int apply_structured(lua_State *L)
{
  rp_opcode  op = (rp_opcode)lua_tointeger(L, lua_upvalueindex(1));
  const signature *s = signature_of(op);
  rp_tensor *few[8] = { NULL }, **in = few;
  rp_call    c = { .op = op, .n_attr = 0 };
  int        top = lua_gettop(L), i = 1;
  luaL_checkstack(L, 16, "too many arguments");
  for (int k = 0; k < s->n; k++) {
    const argument *a = &s->arg[k];
    switch (a->kind) {
      case TENSOR:
        in[c.n_in] = l_to_tensor(L, i);
        if (!in[c.n_in++]) bad(L, op, a->name, i, "a tensor");
        i++;
        break;
      case OPTIONAL_TENSOR:
        in[c.n_in] = l_to_tensor(L, i);
        if (!in[c.n_in++] && !lua_isnoneornil(L, i)) bad(L, op, a->name, i, "a tensor or nil");
        i++;
        break;
      case TENSORS:
        in = lua_newuserdatauv(L, (size_t)(MAX_TENSORS + 1) * sizeof *in, 0);
        c.n_in = check_tensors(L, op, i, top, in);
        i = top + 1;
        break;
      default:
        check_attr(L, op, a, &i, top, k == s->n - 1, &c.attr[c.n_attr++]);
        break;
    }
  }
  if (i <= top) l_error(L, "%s: %d arguments given, at most %d taken: %s", rp_ops[op].name, top, i - 1, rp_ops[op].arguments);
  rp_tensor **box[RP_MAX_OUT];
  for (int k = 0; k < rp_ops[op].n_out; k++) box[k] = l_box(L);
  c.in = in;
  return finish(L, &c, box);
}

/* A number among tensors takes their type, but a fraction makes integers float32. */
static rp_dtype scalar_dtype(lua_State *L, int i, rp_dtype others)
{
  if (rp_is_float(others)) return others;
  if (lua_isboolean(L, i)) return RP_BOOL;
  if (lua_isinteger(L, i)) return others == RP_BOOL ? RP_INT64 : others;
  return RP_FLOAT32;
}

static int apply_pointwise(lua_State *L)
{
  rp_opcode  op = (rp_opcode)lua_tointeger(L, lua_upvalueindex(1));
  const rp_op_info *info = &rp_ops[op];
  rp_tensor *in[3] = { NULL }, *made[3] = { NULL };
  double     value[3];
  rp_dtype   others = RP_BOOL, wanted[3];
  bool       any = false;
  int        top = lua_gettop(L);
  if (top > info->arity && !(lua_touserdata(L, lua_upvalueindex(2)) && top == 2))
    l_error(L, "%s: %d arguments given, at most %d taken: %s", info->name, top, info->arity, info->arguments);
  for (int k = 0; k < info->arity; k++) {
    if (!(in[k] = l_to_tensor(L, k + 1))) continue;
    any = true;
    if (in[k]->a.dtype > others) others = in[k]->a.dtype;
  }
  for (int k = 0; k < info->arity; k++) {
    if (in[k]) continue;
    if (lua_type(L, k + 1) == LUA_TNUMBER || lua_isboolean(L, k + 1)) {
      value[k] = lua_isboolean(L, k + 1) ? lua_toboolean(L, k + 1) : lua_tonumber(L, k + 1);
      wanted[k] = scalar_dtype(L, k + 1, any ? others : RP_FLOAT32);
      continue;
    }
    const argument *a = &signature_of(op)->arg[k];
    if (!a->has_default || !lua_isnoneornil(L, k + 1)) bad(L, op, a->name, k + 1, "a tensor or a number");
    value[k] = a->standard.f;
    wanted[k] = rp_is_float(others) ? others : RP_FLOAT32;
  }
  rp_tensor **box = l_box(L);
  rp_call     c = { .op = op, .n_in = info->arity, .in = in };
  rp_status   status = RP_OK;
  for (int k = 0; k < info->arity && status == RP_OK; k++)
    if (!in[k]) { status = rp_tensor_full(&made[k], wanted[k], 0, NULL, value[k]); in[k] = made[k]; }
  if (status == RP_OK) L_RETRY(L, status, rp_apply(&c));
  for (int k = 0; k < 3; k++) rp_tensor_drop(made[k]);
  if (status != RP_OK) return l_raise(L);
  *box = c.out[0];
  l_account(L, *box);
  return 1;
}

/* ---- the table of operations, for help, annotations and tests ---- */

static int ops(lua_State *L)
{
  lua_createtable(L, RP_N_OPS, 0);
  for (int op = 0; op < RP_N_OPS; op++) {
    const rp_op_info *info = &rp_ops[op];
    static const char *const forms[] = { "map", "test", "structured" };
    lua_createtable(L, 0, 10);
    lua_pushstring(L, info->name); lua_setfield(L, -2, "name");
    lua_pushstring(L, info->arguments); lua_setfield(L, -2, "args");
    lua_pushstring(L, info->formula); lua_setfield(L, -2, "formula");
    lua_pushstring(L, forms[info->form]); lua_setfield(L, -2, "form");
    lua_pushinteger(L, info->arity); lua_setfield(L, -2, "arity");
    lua_pushinteger(L, info->n_out); lua_setfield(L, -2, "n_out");
    lua_pushlstring(L, &info->kind, info->kind ? 1 : 0); lua_setfield(L, -2, "kind");
    lua_pushboolean(L, info->has_gradient); lua_setfield(L, -2, "gradient");
    lua_pushnumber(L, info->lo); lua_setfield(L, -2, "lo");
    lua_pushnumber(L, info->hi); lua_setfield(L, -2, "hi");
    lua_rawseti(L, -2, op + 1);
  }
  return 1;
}

/* Operators and the rows they stand for. */
static const struct { const char *event; rp_opcode op; } operators[] = {
  { "__add", RP_OP_add }, { "__sub", RP_OP_sub }, { "__mul", RP_OP_mul }, { "__div", RP_OP_div },
  { "__mod", RP_OP_remainder }, { "__idiv", RP_OP_floor_div }, { "__pow", RP_OP_pow }, { "__unm", RP_OP_neg } };

static void push_op(lua_State *L, rp_opcode op, bool is_operator)
{
  lua_pushinteger(L, op);
  lua_pushlightuserdata(L, is_operator ? (void *)&operators : NULL); /* Lua passes __unm its operand twice */
  lua_pushcclosure(L, rp_ops[op].form == RP_STRUCTURED ? apply_structured : apply_pointwise, 2);
}

/* Adds every operation to the table on top, and operators to the metatable below it. */
void l_open_ops(lua_State *L)
{
  for (int op = 0; op < RP_N_OPS; op++) {
    push_op(L, (rp_opcode)op, false);
    lua_setfield(L, -2, rp_ops[op].name);
  }
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    push_op(L, operators[i].op, true);
    lua_setfield(L, -3, operators[i].event);
  }
  lua_pushcfunction(L, ops);
  lua_setfield(L, -2, "ops");
}
