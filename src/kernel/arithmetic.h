/* arithmetic.h: the functions of the N rows of ops.def, which make sense in any numeric type.
 *
 * Included by formulas.h once per type, with
 *   number     the type                T(name)    the name with the type's suffix
 *   WRAP(e, a, b)  a + b and so on: for integers modulo 2^bits, for floats as IEEE 754 says
 *   IS_FLOAT   whether partial derivatives are wanted (they are: only floats are differentiated) */

#if IS_FLOAT
#define WRAP(op, a, b) ((a) op (b))
#define IS_NAN(x)      ((x) != (x))
#else
#define IS_NAN(x)      ((void)(x), false)
#define WRAP(op, a, b) ((number)((unsigned_number)(a) op (unsigned_number)(b)))
#endif

RP_FN number T(neg)(number x)              { return IS_FLOAT ? -x : WRAP(-, 0, x); }
RP_FN number T(abs)(number x)              { return IS_FLOAT ? T(fabs)(x) : x < 0 ? WRAP(-, 0, x) : x; }
RP_FN number T(sign)(number x)             { return x > 0 ? 1 : x < 0 ? -1 : x; }
RP_FN number T(square)(number x)           { return WRAP(*, x, x); }
RP_FN number T(relu)(number x)             { return x <= 0 ? 0 : x; }
RP_FN number T(add)(number a, number b)    { return WRAP(+, a, b); }
RP_FN number T(sub)(number a, number b)    { return WRAP(-, a, b); }
RP_FN number T(mul)(number a, number b)    { return WRAP(*, a, b); }
RP_FN number T(minimum)(number a, number b) { return a <= b || IS_NAN(a) ? a : b; }
RP_FN number T(maximum)(number a, number b) { return a >= b || IS_NAN(a) ? a : b; }
RP_FN number T(where)(number mask, number a, number b)  { return mask != 0 ? a : b; }
RP_FN number T(clamp)(number x, number lo, number hi)   { x = x < lo ? lo : x; return x > hi ? hi : x; }

#if IS_FLOAT
RP_FN number T(floor_div)(number a, number b) { return T(floor)(a / b); }
RP_FN number T(remainder)(number a, number b) { return T(fma)(-b, T(floor)(a / b), a); }
#else
RP_FN number T(floor_div)(number a, number b)
{
  if (b == 0) return 0;
  if (b == -1) return WRAP(-, 0, a); /* the one quotient that can overflow */
  number q = a / b;
  return q - (a % b != 0 && (a < 0) != (b < 0));
}
RP_FN number T(remainder)(number a, number b)
{
  if (b == 0 || b == -1) return 0;
  number r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
#endif

RP_FN bool T(logical_not)(number x)           { return x == 0; }
RP_FN bool T(is_nan)(number x)                { return IS_NAN(x); }
RP_FN bool T(is_finite)(number x)             { return x - x == 0; }
RP_FN bool T(eq)(number a, number b)          { return a == b; }
RP_FN bool T(ne)(number a, number b)          { return a != b; }
RP_FN bool T(lt)(number a, number b)          { return a < b; }
RP_FN bool T(le)(number a, number b)          { return a <= b; }
RP_FN bool T(gt)(number a, number b)          { return a > b; }
RP_FN bool T(ge)(number a, number b)          { return a >= b; }
RP_FN bool T(logical_and)(number a, number b) { return (a != 0) & (b != 0); }
RP_FN bool T(logical_or)(number a, number b)  { return (a != 0) | (b != 0); }
RP_FN bool T(logical_xor)(number a, number b) { return (a != 0) != (b != 0); }

#if IS_FLOAT
RP_FN number T(neg_d)(number x, number y)     { (void)x; (void)y; return -1; }
RP_FN number T(abs_d)(number x, number y)     { (void)y; return T(sign)(x); }
RP_FN number T(sign_d)(number x, number y)    { (void)x; (void)y; return 0; }
RP_FN number T(square_d)(number x, number y)  { (void)y; return 2 * x; }
RP_FN number T(relu_d)(number x, number y)    { (void)y; return x > 0 ? 1 : 0; }

RP_FN number T(add_da)(number a, number b, number y) { (void)a; (void)b; (void)y; return 1; }
RP_FN number T(add_db)(number a, number b, number y) { (void)a; (void)b; (void)y; return 1; }
RP_FN number T(sub_da)(number a, number b, number y) { (void)a; (void)b; (void)y; return 1; }
RP_FN number T(sub_db)(number a, number b, number y) { (void)a; (void)b; (void)y; return -1; }
RP_FN number T(mul_da)(number a, number b, number y) { (void)a; (void)y; return b; }
RP_FN number T(mul_db)(number a, number b, number y) { (void)b; (void)y; return a; }
RP_FN number T(minimum_da)(number a, number b, number y) { (void)y; return a <= b ? 1 : 0; }
RP_FN number T(minimum_db)(number a, number b, number y) { (void)y; return a <= b ? 0 : 1; }
RP_FN number T(maximum_da)(number a, number b, number y) { (void)y; return a >= b ? 1 : 0; }
RP_FN number T(maximum_db)(number a, number b, number y) { (void)y; return a >= b ? 0 : 1; }
RP_FN number T(floor_div_da)(number a, number b, number y) { (void)a; (void)b; (void)y; return 0; }
RP_FN number T(floor_div_db)(number a, number b, number y) { (void)a; (void)b; (void)y; return 0; }
RP_FN number T(remainder_da)(number a, number b, number y) { (void)a; (void)b; (void)y; return 1; }
RP_FN number T(remainder_db)(number a, number b, number y) { (void)y; return -T(floor)(a / b); }

RP_FN number T(where_da)(number m, number a, number b, number y) { (void)m; (void)a; (void)b; (void)y; return 0; }
RP_FN number T(where_db)(number m, number a, number b, number y) { (void)a; (void)b; (void)y; return m != 0 ? 1 : 0; }
RP_FN number T(where_dc)(number m, number a, number b, number y) { (void)a; (void)b; (void)y; return m != 0 ? 0 : 1; }
RP_FN number T(clamp_da)(number x, number lo, number hi, number y) { (void)y; return x >= lo && x <= hi ? 1 : 0; }
RP_FN number T(clamp_db)(number x, number lo, number hi, number y) { (void)y; return x < lo && lo <= hi ? 1 : 0; }
RP_FN number T(clamp_dc)(number x, number lo, number hi, number y) { (void)y; return (x < lo ? lo : x) > hi ? 1 : 0; }
#endif

#undef WRAP
#undef IS_NAN
