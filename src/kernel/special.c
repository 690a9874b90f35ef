/* special.c: exponential integrals, erf and its kin, log-gamma and digamma, in double precision.
 *
 * Series, continued fractions and asymptotic expansions from Abramowitz & Stegun (A&S, chapters 5 and 6), each where
 * its terms do not cancel; lengths are fixed beforehand, so that a value never hangs on a convergence test. */
#include <math.h>
#include "kernel/ieee.h"
#include "kernel/linalg.h"
#include "kernel/scalar.h"

#define EULER 0.57721566490153286061
#define PI 3.14159265358979323846
#define LENGTH(a) ((int)(sizeof(a) / sizeof *(a)))

/* c_0 + c_1 x + ... + c_{n-1} x^{n-1} */
static double horner(const double *c, int n, double x)
{
  double sum = 0.0;
  for (int k = n - 1; k >= 0; k--) sum = sum * x + c[k];
  return sum;
}

/* sin(pi x), the argument reduced exactly. */
static double sin_pi(double x)
{
  double r = x - 2.0 * rint(0.5 * x); /* in [-1, 1] */
  if (fabs(r) > 0.5) r = (r > 0.0 ? 1.0 : -1.0) - r;
  return sin_f64(PI * r);
}

/* ---- Exponential integrals ---- */

/* sum_{k>=1} x^k / (k k!), -1 <= x < 40.  A term falls below eps after 3 |x| + 20 steps. */
static double ei_sum(double x)
{
  double power = 1.0, sum = 0.0;
  int n = (int)(3.0 * fabs(x)) + 20;
  for (int k = 1; k <= n; k++) {
    power *= x / k;
    sum += power / k;
  }
  return sum;
}

/* Ei around its zero z = 0.3725...: by A&S 5.1.10,
 *     Ei(x) = Ei(x) - Ei(z) = log(x/z) + sum_k (x^k - z^k) / (k k!),
 * and x^k - z^k = (x - z) q_k with q_1 = 1, q_{k+1} = x q_k + z^k: all terms carry the factor x - z, which is formed
 * with z in two parts. */
static double ei_near_zero(double x)
{
  const double z = 0x1.7d72952b4b5fcp-2, z_rest = 0x1.e4c986021c6f2p-57;
  double gap = (x - z) - z_rest, q = 1.0, power = z, factorial = 1.0, sum = 1.0;
  for (int k = 2; k <= 18; k++) {
    q = x * q + power;
    power *= z;
    factorial *= k;
    sum += q / (k * factorial);
  }
  return log1p_f64(gap / z) + gap * sum;
}

/* x e^-x Ei(x) ~ sum_k k!/x^k (A&S 5.1.51), to its smallest term at x = 40, which is 1e-17. */
static double ei_asymptotic(double x)
{
  double sum = 1.0;
  for (int k = 40; k >= 1; k--) sum = 1.0 + sum * k / x;
  /* e^x alone would overflow from 709.8 on */
  return x < 700.0 ? exp_f64(x) / x * sum : exp_f64(x - 64.0) / x * sum * 0x1.425982cf597cdp+92;
}

/* e^x E1(x) = 1/(x+1 - 1/(x+3 - 4/(x+5 - 9/(x+7 - ...)))), x >= 1/2 (A&S 5.1.22, contracted), from 10 + 100/x terms. */
static double e1_fraction(double x)
{
  int n = 10 + (int)(100.0 / x);
  double tail = x + (2 * n + 1);
  for (int k = n; k >= 1; k--) tail = x + (2 * k - 1) - (double)k * k / tail;
  return 1.0 / tail;
}

double rp_e1(double x)
{
  if (!(x > 0.0)) return x == 0.0 ? inf_f64() : nan_f64();
  if (x < 0.5) return -(EULER + log_f64(x)) - ei_sum(-x);
  return x < 800.0 ? exp_f64(-x) * e1_fraction(x) : 0.0;
}

double rp_ei(double x)
{
  if (isnan(x)) return nan_f64();
  if (x < 0.0) return -rp_e1(-x);
  if (x == 0.0) return -inf_f64();
  if (x > 0.25 && x < 0.6) return ei_near_zero(x);
  if (x < 40.0) return EULER + log_f64(x) + ei_sum(x);
  return x < 720.0 ? ei_asymptotic(x) : inf_f64();
}

/* ---- Error function ---- */

double rp_erf(double x)
{
  return erf_f64(x);
}

double rp_erfc(double x)
{
  return erfc_f64(x);
}

/* A first guess for 0 < y < 1, good to 3 parts in 1000 (Winitzki 2008). */
static double erfinv_guess(double y)
{
  const double a = 0.147;
  double l = log_f64((1.0 - y) * (1.0 + y)), h = 2.0 / (PI * a) + 0.5 * l;
  return y < 0.1 ? 0.5 * sqrt(PI) * y : sqrt(sqrt(h * h - l / a) - h);
}

/* Halley's step on f(x) = erf(x) - y: f'' = -2 x f', so x - (f/f') / (1 + x f/f').  The error is cubed: 1e-3 becomes
 * 1e-9, 1e-27; beyond y = 1/2, f is formed from the exact 1 - y and erfc. */
double rp_erfinv(double y)
{
  double a = fabs(y);
  if (!(a < 1.0)) return a == 1.0 ? y * inf_f64() : nan_f64();
  if (a < 0x1p-27) return y * 0.88622692545275801365;
  double x = erfinv_guess(a);
  for (int step = 0; step < 3; step++) {
    double f = a < 0.5 ? erf_f64(x) - a : (1.0 - a) - erfc_f64(x);
    double ratio = f / (1.1283791670955125739 * exp_f64(-x * x));
    x -= ratio / (1.0 + x * ratio);
  }
  return y < 0.0 ? -x : x;
}

/* ---- Gamma function ---- */

/* log Gamma(2 + z), |z| <= 1/2: z (1 - gamma) + sum_{k>=2} (-1)^k (zeta(k) - 1) z^k / k (A&S 6.1.33). */
static double lgamma_at_two(double z)
{
  static const double c[] = {
    0.42278433509846713939,      0.32246703342411321824,     -0.067352301053198095133,    0.020580808427784547879,
    -0.0073855510286739852663,   0.0028905103307415232858,   -0.0011927539117032609771,   0.00050966952474304242234,
    -0.00022315475845357937976,  9.9457512781808533715e-05,  -4.49262367381331417e-05,  2.0507212775670691553e-05,
    -9.439488275268395904e-06,   4.3748667899074878042e-06,  -2.0392157538013662368e-06,  9.5514121304074198329e-07,
    -4.4924691987645660433e-07,  2.1207184805554665869e-07,  -1.0043224823968099609e-07,  4.7698101693639805658e-08,
    -2.271109460894316491e-08,   1.0838659214896954091e-08,  -5.1834750419700466551e-09,  2.4836745438024783172e-09,
    -1.1921401405860912074e-09,  5.7313672416788620133e-10
  };
  return z * horner(c, LENGTH(c), z);
}

/* (x - 1/2) log x - x + log(2 pi)/2 + sum_k B_2k / (2k (2k-1) x^(2k-1)), x >= 10 (A&S 6.1.40). */
static double lgamma_stirling(double x)
{
  static const double c[] = {
    1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360, 1.0 / 156, -3617.0 / 122400,
    43867.0 / 244188
  };
  if (x > 1e306) return inf_f64(); /* the largest finite value lies at 2.56e305 */
  double l = log_f64(x) - 1.0; /* x (log x - 1) does not overflow before the result does */
  return x * l - 0.5 * (l + 1.0) + (0.91893853320467274178 + horner(c, LENGTH(c), 1.0 / (x * x)) / x);
}

static double lgamma_positive(double x)
{
  if (x >= 10.0) return lgamma_stirling(x);
  if (x <= 0.5) return lgamma_at_two(x) - log1p_f64(x) - log_f64(x); /* Gamma(x) = Gamma(2+x) / (x (1+x)) */
  if (x <= 1.5) return lgamma_at_two(x - 1.0) - log1p_f64(x - 1.0);
  double product = 1.0;
  while (x > 2.5) product *= (x -= 1.0);
  return lgamma_at_two(x - 2.0) + (product == 1.0 ? 0.0 : log_f64(product));
}

double rp_lgamma(double x)
{
  if (isnan(x)) return nan_f64();
  if (isinf(x) || x == 0.0) return inf_f64();
  if (x > 0.0) return lgamma_positive(x);
  double sine = fabs(sin_pi(x));
  if (sine == 0.0) return inf_f64();
  /* Gamma(x) Gamma(-x) = -pi / (x sin(pi x)), A&S 6.1.17 */
  return log_f64(PI / (-x * sine)) - lgamma_positive(-x);
}

/* psi(z + h) = sum_k (-1)^(k+1) zeta(k+1, z) h^k around its zero z = 1.46..., |h| <= 1/4; z in two parts. */
static double digamma_near_zero(double x)
{
  static const double c[] = {
    0.96767224544762117043,    -0.44276316898359210609,   0.25849976095565101062,    -0.1639427054424065275,
    0.10782405069126236576,    -0.072199561256454710926,  0.048804288164143107225,   -0.033161126474847359292,
    0.02259764823221810466,    -0.015424765904948959139,  0.010538791616612175388,   -0.007204534386356868241,
    0.0049267813957298534464,  -0.0033698016554393280828, 0.0023051263267349278369,  -0.0015769367714301972593,
    0.0010788252019162965807,  -0.00073807093899600512957, 0.00050495326583460203518, -0.00034546802510630769956,
    0.00023635601564027052792, -0.00016170622091974803449, 0.00011063372768747410904, -7.5691795821950659192e-05
  };
  double h = (x - 0x1.762d86356be3fp+0) - 9.549995429965697e-17;
  return h * horner(c, LENGTH(c), h);
}

/* log x - 1/(2x) - sum_k B_2k / (2k x^2k), x >= 10 (A&S 6.3.18). */
static double digamma_asymptotic(double x)
{
  static const double c[] = {
    1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12, -3617.0 / 8160, 43867.0 / 14364
  };
  double inverse = 1.0 / x, square = inverse * inverse;
  return log_f64(x) - (0.5 * inverse + square * horner(c, LENGTH(c), square));
}

static double digamma_positive(double x)
{
  if (fabs(x - 1.4616321449683622) <= 0.25) return digamma_near_zero(x);
  double below = 0.0;
  for (; x < 10.0; x += 1.0) below += 1.0 / x; /* psi(x) = psi(x+1) - 1/x */
  return digamma_asymptotic(x) - below;
}

double rp_digamma(double x)
{
  if (isnan(x)) return nan_f64();
  if (x == inf_f64()) return x;
  if (x == 0.0) return -1.0 / x;
  if (x > 0.0) return digamma_positive(x);
  double r = x - rint(x); /* in [-1/2, 1/2], exact; NaN for -infinity */
  if (!(r != 0.0)) return nan_f64();
  double cotangent = sin_f64(PI * (0.5 - fabs(r))) / sin_f64(PI * r);
  /* psi(x) = psi(-x) - 1/x - pi cot(pi x), A&S 6.3.7 with 6.3.5 */
  return digamma_positive(-x) - 1.0 / x - PI * cotangent;
}
