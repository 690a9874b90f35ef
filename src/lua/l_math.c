/* l_math.c: the mathematics of Lua numbers, in our own double precision, because libm's differs between systems. */
#include <math.h>

#include "kernel/formulas.h"
#include "lua/l_tensor.h"

#define UNARY(name, expression) \
  static int name##_(lua_State *L) { double x = luaL_checknumber(L, 1); lua_pushnumber(L, expression); return 1; }

UNARY(exp, exp_f64(x))     UNARY(expm1, expm1_f64(x)) UNARY(exp2, exp2_f64(x))
UNARY(log1p, log1p_f64(x)) UNARY(log2, log2_f64(x))   UNARY(log10, log10_f64(x))
UNARY(sin, sin_f64(x))     UNARY(cos, cos_f64(x))     UNARY(tan, tan_f64(x))
UNARY(asin, asin_f64(x))   UNARY(acos, acos_f64(x))
UNARY(sinh, sinh_f64(x))   UNARY(cosh, cosh_f64(x))   UNARY(tanh, tanh_f64(x))
UNARY(erf, erf_f64(x))     UNARY(erfc, erfc_f64(x))   UNARY(sigmoid, sigmoid_f64(x))
UNARY(sqrt, sqrt(x)) /* correctly rounded by IEEE 754 */

static int log_(lua_State *L) /* x [, base] */
{
  double x = luaL_checknumber(L, 1), y;
  if (lua_isnoneornil(L, 2)) y = log_f64(x);
  else {
    double base = luaL_checknumber(L, 2);
    y = base == 2 ? log2_f64(x) : base == 10 ? log10_f64(x) : log_f64(x) / log_f64(base);
  }
  lua_pushnumber(L, y);
  return 1;
}

static int atan_(lua_State *L) /* y [, x = 1] */
{
  lua_pushnumber(L, atan2_f64(luaL_checknumber(L, 1), luaL_optnumber(L, 2, 1)));
  return 1;
}

static int sincos2pi_(lua_State *L) /* t in [0, 1) -> sin 2 pi t, cos 2 pi t: the pair that normal numbers are made of */
{
  double c, s;
  sincos2pi_f64(luaL_checknumber(L, 1), &s, &c);
  lua_pushnumber(L, s);
  lua_pushnumber(L, c);
  return 2;
}

static int pow_(lua_State *L)
{
  lua_pushnumber(L, pow_f64(luaL_checknumber(L, 1), luaL_checknumber(L, 2)));
  return 1;
}

int l_open_math(lua_State *L)
{
  static const luaL_Reg functions[] = {
    { "exp", exp_ }, { "expm1", expm1_ }, { "exp2", exp2_ }, { "log", log_ }, { "log1p", log1p_ }, { "log2", log2_ },
    { "log10", log10_ }, { "sin", sin_ }, { "cos", cos_ }, { "tan", tan_ }, { "asin", asin_ }, { "acos", acos_ },
    { "atan", atan_ }, { "sinh", sinh_ }, { "cosh", cosh_ }, { "tanh", tanh_ }, { "erf", erf_ }, { "erfc", erfc_ },
    { "sigmoid", sigmoid_ }, { "pow", pow_ }, { "sincos2pi", sincos2pi_ }, { "sqrt", sqrt_ }, { NULL, NULL } };
  luaL_newlib(L, functions);
  return 1;
}
