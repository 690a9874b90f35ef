/* l_json.c: JSON (RFC 8259) by Jansson.
 *
 *   JSON      Lua
 *   object    table with string keys; written in ascending byte order of the keys
 *   array     table with the keys 1..n; an empty table is an object unless marked by json_array, as decoded arrays are
 *   integer   integer        real   float, written with 17 digits; NaN and infinities are refused
 *   string    string, UTF-8; others are refused
 *   null      rp.io.null, a light userdata
 *
 * Nothing that builds a value for Jansson can raise: it reads the Lua value with raw access only. */
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lua/l_hold.h"
#include "lua/l_tensor.h"

#define DEPTH_LIMIT 200

static const char array_key; /* registry key of the metatable that marks arrays */

static void release_json(void *p) { json_decref(p); }

/* ---- writing ---------------------------------------------------------------------------------------------- */

typedef struct encoder {
  lua_State *L;
  int  depth;
  char why[200];
} encoder;

static json_t *build(encoder *e, int i);

RP_FORMAT(2, 3) static json_t *refuse(encoder *e, const char *fmt, ...)
{
  va_list ap;
  va_start(ap, fmt);
  if (!e->why[0]) vsnprintf(e->why, sizeof e->why, fmt, ap);
  va_end(ap);
  return NULL;
}

static bool is_marked(lua_State *L, int i)
{
  if (!lua_getmetatable(L, i)) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

/* The number of elements if all keys are 1..n; -1 if none of them is a position; -2 if they are mixed. */
static lua_Integer length_of_array(lua_State *L, int i)
{
  lua_Integer n = 0, largest = 0;
  bool is_mixed = false;
  for (lua_pushnil(L); lua_next(L, i); lua_pop(L, 1)) {
    lua_Integer k = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;
    if (k < 1) is_mixed = true;
    else n++;
    if (k > largest) largest = k;
  }
  if (n == 0) return is_mixed || !is_marked(L, i) ? -1 : 0;
  return is_mixed || largest != n ? -2 : n;
}

static json_t *build_array(encoder *e, int i, lua_Integer n)
{
  json_t *array = json_array();
  for (lua_Integer k = 1; k <= n && array; k++) {
    lua_rawgeti(e->L, i, k);
    json_t *item = build(e, lua_gettop(e->L));
    lua_pop(e->L, 1);
    if (json_array_append_new(array, item)) { json_decref(array); array = NULL; }
  }
  return array;
}

static bool put_member(encoder *e, json_t *object, int i)
{
  size_t n;
  if (lua_type(e->L, i - 1) != LUA_TSTRING)
    return refuse(e, "a key is a %s; expected strings, or the positions 1 to n", luaL_typename(e->L, i - 1));
  const char *key = lua_tolstring(e->L, i - 1, &n);
  if (strlen(key) != n) return refuse(e, "the key '%.60s...' contains a zero byte", key);
  json_t *value = build(e, i);
  if (!value) return false;
  return !json_object_set_new(object, key, value) || refuse(e, "the key '%.60s' is not UTF-8, or memory ran out", key);
}

static json_t *build_object(encoder *e, int i)
{
  lua_State *L = e->L;
  json_t *object = json_object();
  bool good = object;
  lua_pushnil(L);
  while (good && lua_next(L, i)) {
    good = put_member(e, object, lua_gettop(L));
    lua_pop(L, 1);
  }
  if (good) return object;
  lua_pop(L, 1); /* the key */
  json_decref(object);
  return NULL;
}

static json_t *build_table(encoder *e, int i)
{
  if (e->depth >= DEPTH_LIMIT || !lua_checkstack(e->L, 8))
    return refuse(e, "tables are nested more than %d deep, or one contains itself", DEPTH_LIMIT);
  lua_Integer n = length_of_array(e->L, i);
  if (n == -2) return refuse(e, "a table has positions with gaps, or positions and other keys");
  e->depth++;
  json_t *j = n < 0 ? build_object(e, i) : build_array(e, i, n);
  e->depth--;
  return j;
}

static json_t *build_number(encoder *e, int i)
{
  if (lua_isinteger(e->L, i)) return json_integer(lua_tointeger(e->L, i));
  lua_Number x = lua_tonumber(e->L, i);
  if (!isfinite(x)) return refuse(e, "%s cannot be written in JSON", isnan(x) ? "NaN" : x > 0 ? "infinity" : "-infinity");
  return json_real(x);
}

static json_t *build_string(encoder *e, int i)
{
  size_t n;
  const char *s = lua_tolstring(e->L, i, &n);
  json_t *j = json_stringn(s, n);
  return j ? j : refuse(e, "the string '%.60s' is not UTF-8", s);
}

/* The value at i; NULL with e->why, or without it if memory ran out. */
static json_t *build(encoder *e, int i)
{
  switch (lua_type(e->L, i)) {
  case LUA_TBOOLEAN: return json_boolean(lua_toboolean(e->L, i));
  case LUA_TNUMBER:  return build_number(e, i);
  case LUA_TSTRING:  return build_string(e, i);
  case LUA_TTABLE:   return build_table(e, i);
  case LUA_TLIGHTUSERDATA:
    if (!lua_touserdata(e->L, i)) return json_null();
  }
  return refuse(e, "a %s cannot be written in JSON%s", luaL_typename(e->L, i), l_to_tensor(e->L, i) ? "; use x:totable()" : "");
}

int l_json_encode(lua_State *L)
{
  luaL_checkany(L, 1);
  size_t flags = JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17) | (lua_toboolean(L, 2) ? JSON_INDENT(2) : JSON_COMPACT);
  encoder e = { .L = L };
  l_held *held = l_hold(L, release_json);
  held->p = build(&e, 1);
  if (!held->p) return l_error(L, "json_encode: %s", e.why[0] ? e.why : "out of memory");
  size_t n = json_dumpb(held->p, NULL, 0, flags);
  char *text = lua_newuserdatauv(L, n + 1, 0);
  if (n == 0 || json_dumpb(held->p, text, n, flags) != n) return l_error(L, "json_encode: out of memory");
  lua_pushlstring(L, text, n);
  l_let_go(held);
  return 1;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static void mark(lua_State *L)
{
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &array_key);
  }
  lua_setmetatable(L, -2);
}

static void push(lua_State *L, json_t *j);

static void push_array(lua_State *L, const json_t *j)
{
  size_t n = json_array_size(j);
  lua_createtable(L, n < 1 << 20 ? (int)n : 1 << 20, 0);
  mark(L);
  for (size_t i = 0; i < n; i++) {
    push(L, json_array_get(j, i));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_object(lua_State *L, json_t *j)
{
  const char *key;
  json_t *value;
  lua_newtable(L);
  json_object_foreach(j, key, value) {
    lua_pushstring(L, key);
    push(L, value);
    lua_rawset(L, -3);
  }
}

static void push(lua_State *L, json_t *j)
{
  luaL_checkstack(L, 8, "json_decode: nested too deep");
  switch (json_typeof(j)) {
  case JSON_OBJECT:  push_object(L, j); break;
  case JSON_ARRAY:   push_array(L, j); break;
  case JSON_STRING:  lua_pushlstring(L, json_string_value(j), json_string_length(j)); break;
  case JSON_INTEGER: lua_pushinteger(L, json_integer_value(j)); break;
  case JSON_REAL:    lua_pushnumber(L, json_real_value(j)); break;
  case JSON_NULL:    lua_pushlightuserdata(L, NULL); break;
  default:           lua_pushboolean(L, json_is_true(j)); break;
  }
}

int l_json_decode(lua_State *L)
{
  size_t n;
  json_error_t why;
  const char *text = luaL_checklstring(L, 1, &n);
  l_held *held = l_hold(L, release_json);
  held->p = json_loadb(text, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
  if (!held->p)
    return l_error(L, "json_decode: line %d, column %d: %s", why.line, why.column, why.text[0] ? why.text : "out of memory");
  push(L, held->p);
  l_let_go(held);
  return 1;
}

int l_json_array(lua_State *L)
{
  if (lua_isnoneornil(L, 1)) { lua_settop(L, 0); lua_newtable(L); }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  mark(L);
  return 1;
}
