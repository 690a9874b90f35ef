/* scalar_f64.h: the elementary functions of the same-bits contract, in double.  See scalar.h for the rules.
 *
 * Inner results are pairs hi + lo of doubles with |lo| at most about half a unit of hi's last place, so that every
 * function ends with one rounding that counts. */
#ifndef RP_KERNEL_SCALAR_F64_H
#define RP_KERNEL_SCALAR_F64_H

#include "kernel/ieee.h"

/* ---- pairs ---------------------------------------------------------------------------------------------------- */

/* a + b = result + *lo exactly, for |a| >= |b| or a = 0 (Dekker 1971). */
RP_FN double sum_f64(double a, double b, double *lo)
{
  double s = a + b;
  *lo = (a - s) + b;
  return s;
}

/* a b = result + *lo exactly, while neither underflows. */
RP_FN double product_f64(double a, double b, double *lo)
{
  double p = a * b;
  *lo = fma_f64(a, b, -p);
  return p;
}

/* (a + al) / (b + bl) = result + *lo, to about 2^-100. */
RP_FN double quotient_f64(double a, double al, double b, double bl, double *lo)
{
  double q = a / b;
  *lo = (fma_f64(-q, b, a) + fma_f64(-q, bl, al)) / b;
  return q;
}

/* ---- exponentials --------------------------------------------------------------------------------------------- */

/* 2^n for -1022 <= n <= 1023.  Exponents are kept modulo 2^32, so that no NaN can overflow an int. */
RP_FN double exp2i_f64(uint32_t n) { return from_bits_f64((uint64_t)(n + 1023u) << 52); }

/* x 2^n, |n| <= 2000, rounded once: of the two factors only the last can round. */
RP_FN double scale_f64(double x, uint32_t n)
{
  uint32_t a = ((n + 4096u) >> 1) - 2048u;
  return x * exp2i_f64(a) * exp2i_f64(n - a);
}

/* x to the nearest integer k, |x| < 2^31; *n is k modulo 2^32.  Adding 1.5 2^52 leaves k in the low bits. */
RP_FN double nearest_f64(double x, uint32_t *n)
{
  double t = x + 6755399441055744.0;
  *n = (uint32_t)bits_f64(t);
  return t - 6755399441055744.0;
}

/* (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2.  Minimax 2^-61.5 of e^r - 1. */
RP_FN double exp_tail_f64(double r)
{
  double p = 2.0879225852426623e-09;
  p = fma_f64(p, r, 2.5108074147118124e-08);
  p = fma_f64(p, r, 2.7557385918077604e-07);
  p = fma_f64(p, r, 2.755724729101519e-06);
  p = fma_f64(p, r, 2.4801587199916988e-05);
  p = fma_f64(p, r, 0.00019841269882642858);
  p = fma_f64(p, r, 0.0013888888888941432);
  p = fma_f64(p, r, 0.008333333333323246);
  p = fma_f64(p, r, 0.04166666666666658);
  p = fma_f64(p, r, 0.16666666666666674);
  return fma_f64(p, r, 0.5);
}

/* x + xl = n ln 2 + r + *rl, |r| <= ln 2 / 2: n times the first 32 bits of ln 2 is exact. */
RP_FN double reduce_ln2_f64(double x, double xl, uint32_t *n, double *rl)
{
  double k = nearest_f64(x * 1.4426950408889634, n);
  double r = fma_f64(k, -0.6931471806019545, x), c = fma_f64(k, 4.2009150726810846e-11, xl);
  double s = r + c, b = s - r;
  *rl = (r - (s - b)) + (c - b);
  return s;
}

/* e^(x + xl) = (result + *lo) 2^n */
RP_FN double exp_pair_f64(double x, double xl, uint32_t *n, double *lo)
{
  double rl, r = reduce_ln2_f64(x, xl, n, &rl);
  double h = sum_f64(1.0, r, lo);
  *lo += fma_f64(r * r, exp_tail_f64(r), fma_f64(rl, r, rl));
  return h;
}

/* e^x */
RP_FN double exp_f64(double x)
{
  uint32_t n;
  double c = x < -746.0 ? -746.0 : x;
  c = c > 710.0 ? 710.0 : c;
  double l, h = exp_pair_f64(c, 0.0, &n, &l);
  return x != x ? nan_f64() : scale_f64(h + l, n);
}

/* 2^x */
RP_FN double exp2_f64(double x)
{
  uint32_t n, zero;
  double c = x < -1076.0 ? -1076.0 : x;
  c = c > 1025.0 ? 1025.0 : c;
  double r = c - nearest_f64(c, &n);
  double el, l, e = product_f64(r, 0.6931471805599453, &el);
  double h = exp_pair_f64(e, fma_f64(r, 2.3190468138462996e-17, el), &zero, &l);
  return x != x ? nan_f64() : scale_f64(h + l, n + zero);
}

/* e^x - 1 = result + *lo for |x| <= 40 */
RP_FN double expm1_pair_f64(double x, double *lo)
{
  uint32_t n;
  double rl, pl, l, r = reduce_ln2_f64(x, 0.0, &n, &rl);
  double p = sum_f64(r, fma_f64(r * r, exp_tail_f64(r), rl), &pl);
  double s = exp2i_f64(n), d = s - 1.0, a = s * p;
  double h = d + a, b = h - d;                              /* |d| and |a| in no order */
  l = (d - (h - b)) + (a - b) + (s * pl + ((s - d) - 1.0));
  *lo = n == 0 ? pl : l;
  return n == 0 ? p : h;
}

/* e^x - 1 */
RP_FN double expm1_f64(double x)
{
  double c = x < -40.0 ? -40.0 : x;
  c = c > 40.0 ? 40.0 : c;
  double l, y = expm1_pair_f64(c, &l);
  y = x > 40.0 ? exp_f64(x) : y + l;
  return x != x ? nan_f64() : copysign_f64(y, x);
}

/* ---- logarithms ----------------------------------------------------------------------------------------------- */

/* log(1 + f + fl) = result + *lo for 1 + f in [0.7, 1.42], relative error about 2^-66:
 * 2 atanh s = 2 s + s^3 (2/3 + s^2 Q(s^2)), s = f / (2 + f).  Q minimax 2^-66 of the whole. */
RP_FN double log1p_pair_f64(double f, double fl, double *lo)
{
  double bl, sl, zl, tl, ul, vl, hl;
  double b = sum_f64(2.0, f, &bl);
  double s = quotient_f64(f, fl, b, bl + fl, &sl);
  double z = product_f64(s, s, &zl), p = 0.11988612265811009;
  zl = fma_f64(2.0 * s, sl, zl);
  p = fma_f64(p, z, 0.11674869223229536);
  p = fma_f64(p, z, 0.1333631477791937);
  p = fma_f64(p, z, 0.15384556943840197);
  p = fma_f64(p, z, 0.1818181886917697);
  p = fma_f64(p, z, 0.2222222221754639);
  p = fma_f64(p, z, 0.2857142857144507);
  p = fma_f64(p, z, 0.3999999999999998);
  double t = sum_f64(0.6666666666666666, z * p, &tl);        /* 2/3 in two doubles */
  tl += 3.700743415417188e-17;
  double u = product_f64(z, t, &ul);
  ul += fma_f64(z, tl, zl * t);
  double v = product_f64(s, u, &vl);
  vl += fma_f64(s, ul, sl * u);
  double h = sum_f64(2.0 * s, v, &hl);
  return sum_f64(h, hl + (vl + 2.0 * sl), lo);
}

/* The exponent field of x less that of 0.71, in place: x 2^-e lies in [0.71, 1.42) when e 2^52 is this number. */
RP_FN uint64_t exponent_f64(double x) { return (bits_f64(x) - 0x3fe6b851eb851eb8u) & 0xfff0000000000000u; }

/* x = 2^e (1 + f), 1 + f in [0.71, 1.42), for positive finite x; subnormals are scaled first. */
RP_FN double split_f64(double x, double *e)
{
  double s = x < 2.2250738585072014e-308 ? x * 4503599627370496.0 : x;
  double b = x < 2.2250738585072014e-308 ? -52.0 : 0.0;
  uint64_t k = exponent_f64(s);
  *e = (double)(int32_t)((uint32_t)(k >> 52) << 20) * 9.5367431640625e-07 + b;
  return from_bits_f64(bits_f64(s) - k) - 1.0;
}

/* e ln 2 + h + l = result + *lo: e times the first 42 bits of ln 2 is exact, and larger than h unless zero. */
RP_FN double add_ln2_f64(double e, double h, double l, double *lo)
{
  double tl, t = sum_f64(e * 0.6931471805598903, h, &tl);
  return sum_f64(t, tl + fma_f64(e, 5.497923018708371e-14, l), lo);
}

/* log x = result + *lo for positive finite x */
RP_FN double log_pair_f64(double x, double *lo)
{
  double e, l, f = split_f64(x, &e), h = log1p_pair_f64(f, 0.0, &l);
  return add_ln2_f64(e, h, l, lo);
}

/* y for 0 < x < inf; the limits of a logarithm elsewhere. */
RP_FN double log_limits_f64(double x, double y)
{
  y = x == inf_f64() ? x : y;
  y = x == 0.0 ? -inf_f64() : y;
  return x >= 0.0 ? y : nan_f64();
}

/* log x */
RP_FN double log_f64(double x)
{
  double l, h = log_pair_f64(x, &l);
  return log_limits_f64(x, h + l);
}

/* log2 x = e + log(1 + f) log2(e) */
RP_FN double log2_f64(double x)
{
  double e, l, pl, f = split_f64(x, &e), h = log1p_pair_f64(f, 0.0, &l);
  double p = product_f64(h, 1.4426950408889634, &pl);
  pl += fma_f64(h, 2.0355273740931033e-17, l * 1.4426950408889634);
  double tl, t = sum_f64(e, p, &tl);
  return log_limits_f64(x, t + (tl + pl));
}

/* log10 x = log x log10(e) */
RP_FN double log10_f64(double x)
{
  double l, pl, h = log_pair_f64(x, &l), p = product_f64(h, 0.4342944819032518, &pl);
  return log_limits_f64(x, p + fma_f64(h, 1.098319650216765e-17, fma_f64(l, 0.4342944819032518, pl)));
}

/* log(1 + x): 1 + x = u + ul exactly; f + fl = (u + ul) 2^-e - 1. */
RP_FN double log1p_f64(double x)
{
  double big = x > 1.0 ? x : 1.0, small = x > 1.0 ? 1.0 : x;
  double ul, u = sum_f64(big, small, &ul), e, l;
  double v = u < inf_f64() ? u : 1.0, f = split_f64(v, &e);
  double fl = ul * exp2i_f64(0u - (uint32_t)(int32_t)(e > 1000.0 ? 1000.0 : e < -60.0 ? -60.0 : e));
                                                             /* ul is 0 or nothing beyond these e */
  double h = log1p_pair_f64(f, fl, &l);
  double y = add_ln2_f64(e, h, l, &l) + l;
  y = fabs_f64(x) < 1.1102230246251565e-16 ? x : y;
  return copysign_f64(log_limits_f64(u, y), u >= 0.0 ? x : 1.0);
}

/* ---- power ---------------------------------------------------------------------------------------------------- */

/* x^y = e^(y log x), special cases as in C99 F.9.4.4. */
RP_FN double pow_f64(double x, double y)
{
  uint32_t n;
  double a = fabs_f64(x), i = inf_f64(), ll, pl, zl;
  double l = log_pair_f64(a > 0.0 && a < i ? a : 1.0, &ll);
  l = a == 0.0 ? -i : l;
  l = a == i ? i : l;
  double p = product_f64(y, l, &pl);
  pl = fabs_f64(p) < 800.0 ? fma_f64(y, ll, pl) : 0.0;
  p = p < -800.0 ? -800.0 : p;
  p = p > 800.0 ? 800.0 : p;
  double z = exp_pair_f64(p, pl, &n, &zl);
  z = scale_f64(z + zl, n);
  z = (a == 1.0 && fabs_f64(y) == i) ? 1.0 : z;
  int whole = floor_f64(y) == y, odd = whole && floor_f64(0.5 * y) != 0.5 * y;
  z = odd ? copysign_f64(z, x) : z;
  z = (x < 0.0 && a < i && !whole) ? nan_f64() : z;
  z = (x != x || y != y) ? nan_f64() : z;
  return (y == 0.0 || x == 1.0) ? 1.0 : z;
}

/* ---- hyperbolic functions ------------------------------------------------------------------------------------- */

/* e^x / 8 = result + *lo for 0 <= x <= 711: an eighth cannot overflow. */
RP_FN double eighth_exp_f64(double x, double *lo)
{
  uint32_t n;
  double h = exp_pair_f64(x, 0.0, &n, lo), s = exp2i_f64(n - 3u);
  *lo *= s;
  return h * s;
}

/* sinh x: x + x^3 P(x^2) below 1 (minimax 2^-56.8), (e^x - e^-x) / 2 above */
RP_FN double sinh_f64(double x)
{
  double a = fabs_f64(x), s = a * a, p = 2.848232492382853e-15;
  p = fma_f64(p, s, 7.646482914861214e-13);
  p = fma_f64(p, s, 1.6059050600977932e-10);
  p = fma_f64(p, s, 2.505210834651117e-08);
  p = fma_f64(p, s, 2.755731922411628e-06);
  p = fma_f64(p, s, 0.000198412698412696);
  p = fma_f64(p, s, 0.008333333333333333);
  p = fma_f64(p, s, 0.16666666666666666);
  double l, h = eighth_exp_f64(a > 711.0 ? 711.0 : a, &l);
  double y = 4.0 * (h + (l - 0.015625 / (h + l)));
  return x != x ? nan_f64() : copysign_f64(a < 1.0 ? fma_f64(a * s, p, a) : y, x);
}

/* cosh x = (e^x + e^-x) / 2 */
RP_FN double cosh_f64(double x)
{
  double a = fabs_f64(x), l, h = eighth_exp_f64(a > 711.0 ? 711.0 : a, &l);
  return x != x ? nan_f64() : 4.0 * (h + (l + 0.015625 / (h + l)));
}

/* tanh x = E / (E + 2), E = e^(2x) - 1, in pairs */
RP_FN double tanh_f64(double x)
{
  double a = fabs_f64(x), el, bl, ql, e = expm1_pair_f64(a > 20.0 ? 40.0 : 2.0 * a, &el);
  double big = e > 2.0 ? e : 2.0, small = e > 2.0 ? 2.0 : e;
  double b = sum_f64(big, small, &bl), q = quotient_f64(e, el, b, bl + el, &ql);
  return x != x ? nan_f64() : copysign_f64(a < 1e-9 ? a : q + ql, x);
}

/* ---- error function ------------------------------------------------------------------------------------------- */

/* erf a = result + *lo for 0 <= a <= 1: a + a P(a^2), minimax 2^-56.2. */
RP_FN double erf_pair_f64(double a, double *lo)
{
  double s = a * a, p = 5.946246193076305e-11;
  p = fma_f64(p, s, -1.1366284197595806e-09);
  p = fma_f64(p, s, 1.4658050733538441e-08);
  p = fma_f64(p, s, -1.635005256106065e-07);
  p = fma_f64(p, s, 1.6460975616470012e-06);
  p = fma_f64(p, s, -1.4925593698505893e-05);
  p = fma_f64(p, s, 0.00012055331045787781);
  p = fma_f64(p, s, -0.0008548326979019503);
  p = fma_f64(p, s, 0.005223977624786523);
  p = fma_f64(p, s, -0.026866170645073607);
  p = fma_f64(p, s, 0.11283791670954862);
  p = fma_f64(p, s, -0.3761263890318375);
  p = fma_f64(p, s, 0.1283791670955126);
  return sum_f64(a, a * p, lo);
}

/* (a + 3) e^(a^2) erfc(a) = result + *vl, and *r = 1/(a + 3) rounded, for 0.47 <= a <= 27.3.
 *
 * A polynomial in r (minimax 2^-56), about a point chosen so that the first two coefficients are nearly doubles and the
 * difference is exact.  d is what rounding r cost in a; (log erfc e^(a^2))' is about -r (8 r + 0.65). */
RP_FN double erfcx_f64(double a, double *r, double *vl)
{
  double b = a + 3.0, M = a > 3.0 ? a : 3.0, m = a > 3.0 ? 3.0 : a;
  *r = 1.0 / b;
  double d = fma_f64(fma_f64(*r, b, -1.0), b, m - (b - M));
  double z = *r - 0.15684068202972412, p = -1168700078.0587912;
  p = fma_f64(p, z, 161560736.7564088);
  p = fma_f64(p, z, 239850842.85153756);
  p = fma_f64(p, z, -53305891.737955034);
  p = fma_f64(p, z, -28360283.951349515);
  p = fma_f64(p, z, 10527599.585304016);
  p = fma_f64(p, z, 2683444.9793904615);
  p = fma_f64(p, z, -1723298.0677565276);
  p = fma_f64(p, z, -242378.89212846238);
  p = fma_f64(p, z, 270342.35208988906);
  p = fma_f64(p, z, 28159.147644468718);
  p = fma_f64(p, z, -43869.10825510022);
  p = fma_f64(p, z, -6157.460937454419);
  p = fma_f64(p, z, 7438.825280304739);
  p = fma_f64(p, z, 2099.963367524905);
  p = fma_f64(p, z, -1137.8151642609248);
  p = fma_f64(p, z, -768.025789446154);
  p = fma_f64(p, z, -0.8458874231755383);
  p = fma_f64(p, z, 210.27347024343652);
  p = fma_f64(p, z, 144.6047029568139);
  p = fma_f64(p, z, 61.17464753139598);
  p = fma_f64(p, z, 19.359154695557578);
  p = fma_f64(p, z, 4.9016434334209595);
  double v = fma_f64(p, z, 1.023914904588506);
  *vl = fma_f64(-(v * d), *r * fma_f64(*r, 8.0, 0.65), fma_f64(p, z, 1.023914904588506 - v));
  return v;
}

/* erfc a = (result + *lo) 2^n for 0.47 <= a <= 27.3: e^(-a^2) r V(r), in pairs. */
RP_FN double erfc_tail_f64(double a, uint32_t *n, double *lo)
{
  double r, vl, wl, sl, el, v = erfcx_f64(a, &r, &vl);
  double w = product_f64(v, r, &wl), s = product_f64(a, a, &sl);
  double e = exp_pair_f64(-s, -sl, n, &el), hl, h = product_f64(e, w, &hl);
  *lo = hl + fma_f64(el, w, e * fma_f64(vl, r, wl));
  return h;
}

/* erf x: by the polynomial below 0.75, 1 - erfc above; beyond 6 it is 1. */
RP_FN double erf_f64(double x)
{
  uint32_t n;
  double a = fabs_f64(x), l, tl, h = erf_pair_f64(a < 0.75 ? a : 0.0, &l);
  double t = erfc_tail_f64(a < 0.75 ? 0.75 : a > 6.0 ? 6.0 : a, &n, &tl);
  double y = a < 0.75 ? h + l : 1.0 - (t + tl) * exp2i_f64(n);
  return x != x ? nan_f64() : copysign_f64(y, x);
}

/* erfc x: 1 - erf x below 0.5, the tail above, 2 less the tail for x < -0.5. */
RP_FN double erfc_f64(double x)
{
  uint32_t n;
  double a = fabs_f64(x), l, el, tl, e = erf_pair_f64(a < 0.5 ? a : 0.0, &l);
  double t = erfc_tail_f64(a < 0.5 ? 0.5 : a > 27.3 ? 27.3 : a, &n, &tl);
  t = scale_f64(t + tl, n);
  e = copysign_f64(e, x);
  l = x < 0.0 ? -l : l;
  double h = sum_f64(1.0, -e, &el), y = h + (el - l);
  y = a < 0.5 ? y : x < 0.0 ? 2.0 - t : t;
  return x != x ? nan_f64() : y;
}

/* Q(a) = erfc(a / sqrt 2) / 2 for *a >= 0; *density is e^(-a^2/2) / sqrt(2 pi).  *a is brought down to 40, where both
 * are 0 (so is a NaN). */
RP_FN double upper_tail_f64(double *a, double *density)
{
  *a = *a < 40.0 ? *a : 40.0;
  *density = 0.39894228040143267794 * exp_f64(-0.5 * *a * *a);
  return 0.5 * erfc_f64(0.70710678118654752440 * *a);
}

#endif
