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

/* x but at most `most` > 0, and x but of a magnitude of at most `most`: as integers, doubles of one sign are in order.  A NaN
 * becomes some number. */
RP_FN double at_most_f64(double x, double most)
{
  int64_t i = (int64_t)bits_f64(x), m = (int64_t)bits_f64(most);
  return from_bits_f64((uint64_t)(i < m ? i : m));
}
RP_FN double bounded_f64(double x, double most) { return copysign_f64(at_most_f64(fabs_f64(x), most), x); }

/* 2^n for -1022 <= n <= 1023.  Exponents are kept modulo 2^32 or, in wide_..., with 13 low bits at least that are right, so
 * that no NaN can overflow them.  Integers as wide as the doubles beside them need no rearranging in vectors; those half as
 * wide make compilers take two vectors at a time, which pays in functions that are one long chain. */
RP_FN double wide_exp2i_f64(uint64_t n) { return from_bits_f64((n + 1023u) << 52); }
RP_FN double exp2i_f64(uint32_t n)      { return from_bits_f64((uint64_t)(n + 1023u) << 52); }

/* x 2^n, 1/4 <= x < 4, |n| <= 2000, rounded once: half of n goes into the exponent, which is exact. */
RP_FN double wide_scale_f64(double x, uint64_t n)
{
  uint64_t a = n >> 1;
  return from_bits_f64(bits_f64(x) + (a << 52)) * wide_exp2i_f64(n - a);
}
RP_FN double scale_f64(double x, uint32_t n)
{
  uint32_t a = ((n + 4096u) >> 1) - 2048u;
  return x * exp2i_f64(a) * exp2i_f64(n - a);
}

/* x to the nearest integer k, |x| < 2^50; *n is k modulo 2^51.  Adding 1.5 2^52 leaves k in the low bits. */
RP_FN double nearest_f64(double x, uint64_t *n)
{
  double t = x + 6755399441055744.0;
  *n = bits_f64(t);
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

/* x + xl = n ln 2 + r + *rl, |r| <= ln 2 / 2, |x| <= 800: n times the first 32 bits of ln 2 is exact.
 *
 * The sum of r and c leaves its exact error although r may be the smaller: unless n = 0, when c = xl is, |x| > 1/3, and r
 * is a multiple of 2^-55, while |c| < 2^-24 has a last place of at most 2^-77 (Rump, Ogita, Oishi 2008, "Accurate
 * floating-point summation I", lemma 3.2). */
RP_FN double reduce_ln2_f64(double x, double xl, uint64_t *n, double *rl)
{
  double k = nearest_f64(x * 1.4426950408889634, n);
  double r = fma_f64(k, -0.6931471806019545, x), c = fma_f64(k, 4.2009150726810846e-11, xl);
  return sum_f64(r, c, rl);
}

/* e^(r + rl) = result + *lo for such r; tail = exp_tail(r). */
RP_FN double exp_reduced_f64(double r, double rl, double tail, double *lo)
{
  double h = sum_f64(1.0, r, lo);
  *lo += fma_f64(r * r, tail, fma_f64(rl, r, rl));
  return h;
}

/* e^(x + xl) = (result + *lo) 2^n */
RP_FN double exp_pair_f64(double x, double xl, uint32_t *n, double *lo)
{
  uint64_t wide;
  double rl, r = reduce_ln2_f64(x, xl, &wide, &rl);
  *n = (uint32_t)wide;
  return exp_reduced_f64(r, rl, exp_tail_f64(r), lo);
}

/* e^x */
RP_FN double exp_f64(double x)
{
  uint64_t n;
  double c = bounded_f64(x, 746.0);
  double rl, l, r = reduce_ln2_f64(c, 0.0, &n, &rl), h = exp_reduced_f64(r, rl, exp_tail_f64(r), &l);
  return x != x ? nan_f64() : wide_scale_f64(h + l, n);
}

/* 2^x */
RP_FN double exp2_f64(double x)
{
  uint64_t n;
  double c = bounded_f64(x, 1076.0);
  double r = c - nearest_f64(c, &n);
  double el, l, e = product_f64(r, 0.6931471805599453, &el);
  e = sum_f64(e, fma_f64(r, 2.3190468138462996e-17, el), &el);
  double h = exp_reduced_f64(e, el, exp_tail_f64(e), &l);
  return x != x ? nan_f64() : wide_scale_f64(h + l, n);
}

/* 2^n e^(r + rl) - 1 = result + *lo for |n| <= 58; tail = exp_tail(r).  |2^n - 1| is above |a| unless n = 0. */
RP_FN double expm1_reduced_f64(double r, double rl, double tail, uint64_t n, double *lo)
{
  double pl, l, p = sum_f64(r, fma_f64(r * r, tail, rl), &pl);
  double s = wide_exp2i_f64(n), d = s - 1.0, a = s * p, h = sum_f64(d, a, &l);
  l += s * pl + ((s - d) - 1.0);
  *lo = n << 52 == 0 ? pl : l;
  return n << 52 == 0 ? p : h;
}

/* e^x - 1 = result + *lo for |x| <= 40 */
RP_FN double expm1_pair_f64(double x, double *lo)
{
  uint64_t n;
  double rl, r = reduce_ln2_f64(x, 0.0, &n, &rl);
  return expm1_reduced_f64(r, rl, exp_tail_f64(r), n, lo);
}

/* e^x - 1, beyond 40 the bits of e^x: of one reduction; there n > 0, so e^x / 2 is normal. */
RP_FN double expm1_f64(double x)
{
  uint64_t n;
  double c = at_most_f64(x < -40.0 ? -40.0 : x, 710.0);
  double rl, l, el, r = reduce_ln2_f64(c, 0.0, &n, &rl), tail = exp_tail_f64(r);
  double h = expm1_reduced_f64(r, rl, tail, n, &l), e = exp_reduced_f64(r, rl, tail, &el);
  e = 2.0 * from_bits_f64(bits_f64(e + el) + (n << 52) - 0x0010000000000000u);
  double y = x > 40.0 ? e : h + l;
  return x != x ? nan_f64() : copysign_f64(y, x);
}

/* ---- logarithms ----------------------------------------------------------------------------------------------- */

/* (f + fl) / (2 + f + fl) = result + *lo for 1 + f in [0.7, 1.42] */
RP_FN double half_tanh_f64(double f, double fl, double *lo)
{
  double bl, b = sum_f64(2.0, f, &bl);
  return quotient_f64(f, fl, b, bl + fl, lo);
}

/* 2 atanh(s + sl) = result + *lo for such a quotient, relative error about 2^-66: 2 s + s^3 (2/3 + s^2 Q(s^2)).  Q minimax
 * 2^-66 of the whole. */
RP_FN double twice_atanh_f64(double s, double sl, double *lo)
{
  double zl, tl, ul, vl, hl, z = product_f64(s, s, &zl), p = 0.11988612265811009;
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

/* log(1 + f + fl) = result + *lo for 1 + f in [0.7, 1.42] */
RP_FN double log1p_pair_f64(double f, double fl, double *lo)
{
  double sl, s = half_tanh_f64(f, fl, &sl);
  return twice_atanh_f64(s, sl, lo);
}

/* The exponent field of x less that of 0.71, in place: x 2^-e lies in [0.71, 1.42) when e 2^52 is this number. */
RP_FN uint64_t exponent_f64(double x) { return (bits_f64(x) - 0x3fe6b851eb851eb8u) & 0xfff0000000000000u; }

/* x = 2^e (1 + f), 1 + f in [0.71, 1.42), for positive normal x.  The twelve bits of e, the highest turned round, in the last
 * places of 2^52 are e + 2^52 + 2048. */
RP_FN double split_normal_f64(double x, double *e)
{
  uint64_t k = exponent_f64(x);
  *e = from_bits_f64((k >> 52) ^ 0x4330000000000800u) - 4503599627372544.0;
  return from_bits_f64(bits_f64(x) - k) - 1.0;
}

/* The same for positive finite x; subnormals are scaled first. */
RP_FN double split_f64(double x, double *e)
{
  int small = x < 2.2250738585072014e-308;
  double f = split_normal_f64(small ? x * 4503599627370496.0 : x, e);
  *e += small ? -52.0 : 0.0;
  return f;
}

/* e ln 2 + h + l = result + *lo, not yet rounded to one: e times the first 42 bits of ln 2 is exact, and larger than h
 * unless zero. */
RP_FN double add_ln2_f64(double e, double h, double l, double *lo)
{
  double tl, t = sum_f64(e * 0.6931471805598903, h, &tl);
  *lo = tl + fma_f64(e, 5.497923018708371e-14, l);
  return t;
}

/* log x = result + *lo for positive finite x */
RP_FN double log_pair_f64(double x, double *lo)
{
  double e, l, f = split_f64(x, &e), h = log1p_pair_f64(f, 0.0, &l);
  h = add_ln2_f64(e, h, l, &l);
  return sum_f64(h, l, lo);
}

/* y for 0 < x < inf; the limits of a logarithm elsewhere. */
RP_FN double log_limits_f64(double x, double y)
{
  y = x == inf_f64() ? x : y;
  y = x == 0.0 ? -inf_f64() : y;
  return x >= 0.0 ? y : nan_f64();
}

/* e ln 2 + 2 atanh(s + sl), rounded once. */
RP_FN double log_end_f64(double e, double s, double sl)
{
  double l, h = twice_atanh_f64(s, sl, &l);
  h = add_ln2_f64(e, h, l, &l);
  return h + l;
}

/* log x */
RP_FN double log_f64(double x)
{
  double e, sl, s = half_tanh_f64(split_f64(x, &e), 0.0, &sl);
  return log_limits_f64(x, log_end_f64(e, s, sl));
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

/* log(1 + x): 1 + x = u + ul exactly (Knuth); f + fl = (u + ul) 2^-e - 1.  u is 0 or at least 2^-53, never subnormal. */
RP_FN double log1p_f64(double x)
{
  double u = 1.0 + x, b = u - 1.0, ul = (1.0 - (u - b)) + (x - b), e, sl, f = split_normal_f64(u, &e);
  double s = half_tanh_f64(f, 0.25 * ul * from_bits_f64(0x4010000000000000u - exponent_f64(u)), &sl); /* 4 2^-e is normal */
  double y = fabs_f64(x) < 1.1102230246251565e-16 ? x : log_end_f64(e, s, sl);          /* also the sign of zero */
  return log_limits_f64(u, y);
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
