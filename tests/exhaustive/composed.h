/* composed.h: the rows of ops.def that are made of elementary functions, and the partial derivatives of one argument, with
 * their references.  For scalar_sweep.c.
 *
 * A derivative is called d_NAME and taken with the y that the forward pass gives it.  Where a function loses relative
 * accuracy towards a zero or an asymptote, by cancellation or because the rounding of an argument is magnified, its error
 * is counted in units of the last place of 1/2 for results smaller than that (`floor` in the rows).  Any NaN will do. */

#define EACH_COMPOSED(X)                                                                                           \
  X(rsqrt) X(sigmoid) X(softplus) X(silu) X(gelu) X(elu1) X(d_expm1) X(d_log1p) X(d_sqrt) X(d_rsqrt)               \
  X(d_reciprocal) X(d_tanh) X(d_sigmoid) X(d_silu) X(d_gelu) X(d_erf) X(d_erfc)

#define DERIVATIVE(f)                                                                                              \
  static float  d_##f##_f32(float x)  { return f##_d_f32(x, f##_f32(x)); }                                         \
  static double d_##f##_f64(double x) { return f##_d_f64(x, f##_f64(x)); }
DERIVATIVE(expm1) DERIVATIVE(log1p) DERIVATIVE(sqrt) DERIVATIVE(rsqrt) DERIVATIVE(reciprocal) DERIVATIVE(tanh)
DERIVATIVE(sigmoid) DERIVATIVE(silu) DERIVATIVE(gelu) DERIVATIVE(erf) DERIVATIVE(erfc)
static float  elu1_f32(float x)  { return elu_f32(x, 1); }
static double elu1_f64(double x) { return elu_f64(x, 1); }

/* The references in type T, by the functions of libm with suffix s. */
#define COMPOSED_REFERENCES(T, s)                                                                                  \
  static T rsqrt##s(T x)        { return 1 / sqrt##s(x); }                                                         \
  static T sigmoid##s(T x)      { T e = exp##s(-fabs##s(x)); return (x >= 0 ? 1 : e) / (1 + e); }                  \
  static T softplus##s(T x)     { return (x > 0 ? x : 0) + log1p##s(exp##s(-fabs##s(x))); }                        \
  static T silu##s(T x)         { return x * sigmoid##s(x); }                                                      \
  static T gelu##s(T x)         { return x < -99 ? 0 : x / 2 * erfc##s(x * -(T)0.707106781186547524400844362104849039L); } \
  static T elu1##s(T x)         { return x > 0 ? x : expm1##s(x); }                                                \
  static T d_expm1##s(T x)      { return exp##s(x); }                                                              \
  static T d_log1p##s(T x)      { return 1 / (1 + x); }                                                            \
  static T d_sqrt##s(T x)       { return (T)0.5 / sqrt##s(x); }                                                    \
  static T d_rsqrt##s(T x)      { return (T)-0.5 / fabs##s(x) / sqrt##s(x) * (x == 0 && signbit(x) ? -1 : 1); }    \
  static T d_reciprocal##s(T x) { return -1 / (x * x); }                                                         \
  static T d_tanh##s(T x)       { T c = 1 / cosh##s(x); return c * c; }                                            \
  static T d_sigmoid##s(T x)    { return sigmoid##s(x) * sigmoid##s(-x); }                                         \
  static T d_silu##s(T x)       { return sigmoid##s(x) * (1 + x * sigmoid##s(-x)); }                               \
  static T d_gelu##s(T x)                                                                                          \
  {                                                                                                                \
    return erfc##s(x * -(T)0.707106781186547524400844362104849039L) / 2                                            \
         + x * ((T)0.398942280401432677939946059934381868L * exp##s(-x * x / 2));                                  \
  }                                                                                                                \
  static T d_erf##s(T x)        { return (T)1.12837916709551257389615890312154517L * exp##s(-x * x); }             \
  static T d_erfc##s(T x)       { return -d_erf##s(x); }
COMPOSED_REFERENCES(double, )
COMPOSED_REFERENCES(long double, l)
