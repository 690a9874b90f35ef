/* pointwise.h: the functions of the F rows of ops.def and their partial derivatives.
 *
 * Included by formulas.h once for float and once for double: one formula serves both.  exp, expm1, log, log1p, sin,
 * cos, tanh, erf, erfc, pow, sqrt and floor themselves are in scalar.h.  A unary derivative receives y = f(x) as
 * well, because it is often the cheapest way to write it. */

#define K(c) ((number)(c))

RP_FN number T(ceil)(number x)       { return -T(floor)(-x); }
RP_FN number T(round)(number x)      { return T(rint)(x); }
RP_FN number T(rsqrt)(number x)      { return 1 / T(sqrt)(x); }
RP_FN number T(reciprocal)(number x) { return 1 / x; }

RP_FN number T(sigmoid)(number x)
{
  number e = T(exp)(-T(fabs)(x)); /* never overflows */
  return (x >= 0 ? 1 : e) / (1 + e);
}
RP_FN number T(softplus)(number x)   { return (x > 0 ? x : 0) + T(log1p)(T(exp)(-T(fabs)(x))); }
RP_FN number T(silu)(number x)       { return x * T(sigmoid)(x); }
RP_FN number T(gelu)(number x)
{
  number density, a = T(fabs)(x), q = T(upper_tail)(&a, &density);
  return T(fma)(-a, q, x <= 0 ? 0 : x);
}
RP_FN number T(div)(number a, number b)          { return a / b; }
RP_FN number T(leaky_relu)(number x, number slope) { return x > 0 ? x : slope * x; }
RP_FN number T(elu)(number x, number alpha)      { return x > 0 ? x : alpha * T(expm1)(x > 0 ? 0 : x); }
RP_FN number T(lerp)(number a, number b, number t)    { return T(fma)(t, b - a, a); }
RP_FN number T(addcmul)(number x, number a, number b) { return T(fma)(a, b, x); }
RP_FN number T(huber_loss)(number x, number y, number delta)
{
  number d = T(fabs)(x - y);
  return d <= delta ? K(0.5) * d * d : delta * (d - K(0.5) * delta);
}

RP_FN number T(floor_d)(number x, number y)      { (void)x; (void)y; return 0; }
RP_FN number T(ceil_d)(number x, number y)       { (void)x; (void)y; return 0; }
RP_FN number T(round_d)(number x, number y)      { (void)x; (void)y; return 0; }
RP_FN number T(exp_d)(number x, number y)        { (void)x; return y; }
RP_FN number T(expm1_d)(number x, number y)      { (void)x; return y + 1; }
RP_FN number T(log_d)(number x, number y)        { (void)y; return 1 / x; }
RP_FN number T(log1p_d)(number x, number y)      { (void)y; return 1 / (1 + x); }
RP_FN number T(sqrt_d)(number x, number y)       { (void)x; return K(0.5) / y; }
RP_FN number T(rsqrt_d)(number x, number y)      { return K(-0.5) * y / x; }
RP_FN number T(reciprocal_d)(number x, number y) { (void)x; return -y * y; }
RP_FN number T(sin_d)(number x, number y)        { (void)y; return T(cos)(x); }
RP_FN number T(cos_d)(number x, number y)        { (void)y; return -T(sin)(x); }
RP_FN number T(tanh_d)(number x, number y)       { (void)x; return 1 - y * y; }
RP_FN number T(sigmoid_d)(number x, number y)    { (void)x; return y * (1 - y); }
RP_FN number T(softplus_d)(number x, number y)   { (void)y; return T(sigmoid)(x); }
RP_FN number T(silu_d)(number x, number y)       { number s = T(sigmoid)(x); return s + y * (1 - s); }
RP_FN number T(gelu_d)(number x, number y)
{
  number density, a = T(fabs)(x), q = T(upper_tail)(&a, &density);
  (void)y;
  return T(fma)(x, density, x > 0 ? 1 - q : q);
}
RP_FN number T(erf_d)(number x, number y)        { (void)y; return K(1.12837916709551257390) * T(exp)(-x * x); }
RP_FN number T(erfc_d)(number x, number y)       { (void)y; return K(-1.12837916709551257390) * T(exp)(-x * x); }

RP_FN number T(div_da)(number a, number b, number y) { (void)a; (void)y; return 1 / b; }
RP_FN number T(div_db)(number a, number b, number y) { (void)a; return -y / b; }
RP_FN number T(pow_da)(number a, number b, number y) { (void)y; return b == 0 ? 0 : b * T(pow)(a, b - 1); }
RP_FN number T(pow_db)(number a, number b, number y) { (void)b; return a == 0 ? 0 : y * T(log)(a); }
RP_FN number T(leaky_relu_da)(number x, number s, number y) { (void)y; return x > 0 ? 1 : s; }
RP_FN number T(leaky_relu_db)(number x, number s, number y) { (void)s; (void)y; return x > 0 ? 0 : x; }
RP_FN number T(elu_da)(number x, number alpha, number y)    { return x > 0 ? 1 : y + alpha; }
RP_FN number T(elu_db)(number x, number alpha, number y)    { (void)alpha; (void)y; return x > 0 ? 0 : T(expm1)(x > 0 ? 0 : x); }

RP_FN number T(lerp_da)(number a, number b, number t, number y) { (void)a; (void)b; (void)y; return 1 - t; }
RP_FN number T(lerp_db)(number a, number b, number t, number y) { (void)a; (void)b; (void)y; return t; }
RP_FN number T(lerp_dc)(number a, number b, number t, number y) { (void)t; (void)y; return b - a; }
RP_FN number T(addcmul_da)(number x, number a, number b, number y) { (void)x; (void)a; (void)b; (void)y; return 1; }
RP_FN number T(addcmul_db)(number x, number a, number b, number y) { (void)x; (void)a; (void)y; return b; }
RP_FN number T(addcmul_dc)(number x, number a, number b, number y) { (void)x; (void)b; (void)y; return a; }
RP_FN number T(huber_loss_da)(number x, number y, number delta, number h)
{
  (void)h;
  return T(clamp)(x - y, -delta, delta);
}
RP_FN number T(huber_loss_db)(number x, number y, number delta, number h) { return -T(huber_loss_da)(x, y, delta, h); }
RP_FN number T(huber_loss_dc)(number x, number y, number delta, number h)
{
  (void)h;
  number d = T(fabs)(x - y);
  return d <= delta ? 0 : d - delta;
}

#undef K
