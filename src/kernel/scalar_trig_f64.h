/* scalar_trig_f64.h: sine, cosine, tangent and their inverses in double.  See scalar.h for the rules.
 *
 * Every finite argument is reduced exactly, with the bits of 2/pi that matter for it.  Loops over near arguments have a
 * shorter way to the same bits. */
#ifndef RP_KERNEL_SCALAR_TRIG_F64_H
#define RP_KERNEL_SCALAR_TRIG_F64_H

#include "kernel/scalar_f64.h"

/* ---- trigonometric functions ---------------------------------------------------------------------------------- */

/* a b = result 2^64 + *lo */
RP_FN uint64_t product_u64(uint64_t a, uint64_t b, uint64_t *lo)
{
  uint64_t al = a & 0xffffffffu, ah = a >> 32, bl = b & 0xffffffffu, bh = b >> 32;
  uint64_t ll = al * bl, lh = al * bh, hl = ah * bl;
  uint64_t mid = (ll >> 32) + (lh & 0xffffffffu) + (hl & 0xffffffffu);
  *lo = a * b;
  return ah * bh + (lh >> 32) + (hl >> 32) + (mid >> 32);
}

/* 64 bits of the string a b, from bit s of a on, 0 <= s < 64. */
RP_FN uint64_t funnel_u64(uint64_t a, uint64_t b, uint32_t s) { return (a << s) | ((b >> 1) >> (63u - s)); }

/* The 192 bits of 2/pi that matter for x = m 2^(E-1075), as w[0] (high) .. w[2]: 55 zeros, then 2/pi, at bit E - 1022. */
RP_FN void two_over_pi_f64(uint32_t off, uint64_t w[3])
{
  static const uint64_t bits[20] = {
    0x0000000000000145u, 0xf306dc9c882a53f8u, 0x4eafa3ea69bb81b6u, 0xc52b3278872083fcu, 0xa2c757bd778ac36eu,
    0x48dc74849ba5c00cu, 0x925dd413a32439fcu, 0x3bd63962534e7dd1u, 0x046bea5d768909d3u, 0x38e04d68befc8273u,
    0x23ac7306a673e939u, 0x08bf177bf250763fu, 0xf12fffbc0b301fdeu, 0x5e2316b414da3edau, 0x6cfd9e4f96136e9eu,
    0x8c7ecd3cbfd45aeau, 0x4f758fd7cbe2f67au, 0x0e73ef14a525d4d7u, 0xf6bf623f1aba10acu, 0x06608df8f6d757e1u };
  uint32_t i = off >> 6, s = off & 63u;
  for (int j = 0; j < 3; j++) w[j] = funnel_u64(bits[i + (uint32_t)j], bits[i + (uint32_t)j + 1u], s);
}

/* x = (q + F) pi/2, |F| <= 1/2, for 1/2 <= x < inf (Payne and Hanek 1983): *hi + *lo = F pi/2, returns q mod 4. */
RP_FN uint32_t reduce_pio2_f64(double x, double *hi, double *lo)
{
  uint64_t u = bits_f64(x), m = (u & 0x000fffffffffffffu) | 0x0010000000000000u, w[3], mid, drop;
  two_over_pi_f64((uint32_t)(u >> 52) - 1022u, w);
  uint64_t h = m * w[0] + product_u64(m, w[1], &mid), l = mid + product_u64(m, w[2], &drop);
  h += l < mid ? 1u : 0u;                                    /* h l = 2^126 (x 2/pi mod 4) */
  uint64_t q = (h + 0x2000000000000000u) >> 62;
  int64_t g = (int64_t)(h - (q << 62) + (l >> 63));          /* F = g 2^-62 + (l as signed) 2^-126 */
  double A = (double)g, B = fma_f64((double)(int64_t)l, 5.421010862427522e-20, (double)(g - (int64_t)A));
  double L, H = sum_f64(A, B, &L);
  *hi = product_f64(H, 3.4061215800865545e-19, lo);          /* pi/2 2^-62 in two doubles */
  *lo += fma_f64(H, 1.3277647201629795e-35, L * 3.4061215800865545e-19);
  return (uint32_t)q & 3u;
}

/* (sin x - x) / x^3, s = x^2, |x| <= pi/4.  Minimax 2^-57.1 of sin x. */
RP_FN double sin_tail_f64(double s)
{
  double p = -7.593199560777039e-13;
  p = fma_f64(p, s, 1.6058653009938654e-10);
  p = fma_f64(p, s, -2.505210707003757e-08);
  p = fma_f64(p, s, 2.7557319221941163e-06);
  p = fma_f64(p, s, -0.0001984126984126858);
  p = fma_f64(p, s, 0.008333333333333333);
  return fma_f64(p, s, -0.16666666666666666);
}

/* sin(x + xl) = result + *lo, |x| <= pi/4 */
RP_FN double sin_kernel_f64(double x, double xl, double *lo)
{
  double s = x * x;
  *lo = fma_f64(x * s, sin_tail_f64(s), fma_f64(-0.5 * s, xl, xl));
  return x;
}

/* (cos x - 1 + x^2 / 2) / x^4, s = x^2, |x| <= pi/4.  Minimax 2^-59.5 of cos x. */
RP_FN double cos_tail_f64(double s)
{
  double p = 4.7377429329180686e-14;
  p = fma_f64(p, s, -1.1470284669734251e-11);
  p = fma_f64(p, s, 2.08767542855549e-09);
  p = fma_f64(p, s, -2.755731921499302e-07);
  p = fma_f64(p, s, 2.4801587301570537e-05);
  p = fma_f64(p, s, -0.0013888888888888872);
  return fma_f64(p, s, 0.041666666666666664);
}

/* cos(x + xl) = result + *lo, |x| <= pi/4 */
RP_FN double cos_kernel_f64(double x, double xl, double *lo)
{
  double sl, s = product_f64(x, x, &sl);
  double wl, w = sum_f64(1.0, -0.5 * s, &wl);
  *lo = wl + fma_f64(s * s, cos_tail_f64(s), -fma_f64(x, xl, 0.5 * sl));
  return w;
}

/* Reduction of any finite |x|; below 1/2 nothing is to be done. */
RP_FN uint32_t reduce_f64(double x, double *hi, double *lo)
{
  double a = fabs_f64(x);
  *hi = a;
  *lo = 0.0;
  return a >= 0.5 && a < inf_f64() ? reduce_pio2_f64(a, hi, lo) : 0u;
}

/* *s + *sl = sin |x|, *c + *cl = cos |x| */
RP_FN void sincos_pair_f64(double x, double *s, double *sl, double *c, double *cl)
{
  double hi, lo;
  uint32_t q = reduce_f64(x, &hi, &lo);
  double bl, b = sin_kernel_f64(hi, lo, &bl), al, a = cos_kernel_f64(hi, lo, &al);
  double f = (q & 2u) ? -1.0 : 1.0, g = ((q + 1u) & 2u) ? -1.0 : 1.0;
  *s  = f * ((q & 1u) ? a : b);
  *sl = f * ((q & 1u) ? al : bl);
  *c  = g * ((q & 1u) ? b : a);
  *cl = g * ((q & 1u) ? bl : al);
}

/* sin x */
RP_FN double sin_f64(double x)
{
  double s, sl, c, cl;
  sincos_pair_f64(x, &s, &sl, &c, &cl);
  double y = from_bits_f64(bits_f64(s + sl) ^ (bits_f64(x) & 0x8000000000000000u));
  return fabs_f64(x) < inf_f64() ? y : nan_f64();
}

/* cos x */
RP_FN double cos_f64(double x)
{
  double s, sl, c, cl;
  sincos_pair_f64(x, &s, &sl, &c, &cl);
  return fabs_f64(x) < inf_f64() ? c + cl : nan_f64();
}

/* tan x = sin x / cos x, in pairs */
RP_FN double tan_f64(double x)
{
  double s, sl, c, cl, ql;
  sincos_pair_f64(x, &s, &sl, &c, &cl);
  s = sum_f64(s, sl, &sl);
  c = sum_f64(c, cl, &cl);
  double q = quotient_f64(s, sl, c, cl, &ql) + 0.0;
  double y = from_bits_f64(bits_f64(q + ql) ^ (bits_f64(x) & 0x8000000000000000u));
  return fabs_f64(x) < inf_f64() ? y : nan_f64();
}

/* *s = sin(2 pi u), *c = cos(2 pi u) for 0 <= u < 1.  u - q/4 is exact, so the reduction is. */
RP_FN void sincos2pi_f64(double u, double *s, double *c)
{
  uint64_t q;
  double r = fma_f64(nearest_f64(4.0 * u, &q), -0.25, u);
  double lo, al, bl, hi = product_f64(r, 6.283185307179586, &lo);
  lo = fma_f64(r, 2.4492935982947064e-16, lo);
  double a = sin_kernel_f64(hi, lo, &al), b = cos_kernel_f64(hi, lo, &bl);
  a += al;
  b += bl;
  *s = (q & 1u) ? b : a;
  *c = (q & 1u) ? a : b;
  *s = (q & 2u) ? -*s : *s;
  *c = ((q + 1u) & 2u) ? -*c : *c;
}

/* ---- sine and cosine of near arguments ------------------------------------------------------------------------- */

/* sin |x| or cos |x| for |x| <= RP_NEAR_F64 in two steps, each a loop of its own in groups.h: the bits of sin_f64 and cos_f64,
 * if *differ is 0 after both and the highest bit of *outside is not set.  The reduction needs no table and no integers, so the
 * loops become vectors.
 *
 * x 2/pi = k + F, F = A + b: A = x c1 - k without its rounding error, which b takes up with x c2; c1 + c2 = 2/pi.  The general
 * reduction makes of F a pair H + L, and of that hi = H pi/2 rounded, and lo.  From there on the two do the same.  Three
 * things could differ:
 *   k.  If s = hi^2 is below its value for F = 1/2, then |H| < 1/2, |F| < 1/2 - 2^-56, and k is the nearest integer.
 *   H.  The general pair is within 2^-107.9 of F (its B is below 2^8 in units of 2^-62, and rounded once), that is within
 *     2^-106.2 x 2/pi as x >= 1/2; b here within 2^-105.1 x 2/pi (it and c2 are rounded).  Both together are less than a fifth
 *     of what the two factors taken here for c2 differ from it, 2^-48 of itself, one less and one more.  Rounding is
 *     monotone: if both give one H, it is the general one.
 *   lo.  L differs by at most that, after the product with pi/2 by 2^-101.5 x; the sums of lo, in another order, by
 *     five roundings of numbers below 2^-52 |hi|, |hi| < 0.79; W by three more.  All is below 2^-100 x.  What follows W is
 *     monotone in it: if W - d and W + d, d = 2^-98 x, give one y, it is the general one.
 * Below 1/2 hi is |x| and lo is 0, as there.  A random x is in doubt once in about 2^46 / x times; multiples of pi/4 are. */
#define RP_NEAR_F64 65536.0

/* The result is hi.  *q: the highest bit is that of the result's sign, the lowest tells a cosine of hi + lo from a sine.  turn is 0
 * for the sine, 1 for the cosine; the sign bit of `sign` is turned in. */
RP_FN double near_begin_f64(double x, uint64_t turn, uint64_t sign, double *lo, uint64_t *q, uint64_t *differ)
{
  double a = fabs_f64(x), t = fma_f64(a, 0.6366197723675814, 6755399441055744.0), k = t - 6755399441055744.0;
  double p = a * 0.6366197723675814, e = fma_f64(a, 0.6366197723675814, -p), A = p - k;
  double b = fma_f64(a, -3.9357353350364836e-17, e), H = A + b, H2 = A + fma_f64(a, -3.9357353350365114e-17, e);
  double hi = H * 1.5707963267948966, l = fma_f64(H, 1.5707963267948966, -hi);
  l = fma_f64(H, 6.123233995736766e-17, fma_f64((A - H) + b, 1.5707963267948966, l));
  uint64_t n = bits_f64(t) + turn;
  *lo = a >= 0.5 ? l : 0.0;
  *q = (((n << 62) ^ sign) & 0x8000000000000000u) | (n & 1u);
  *differ = bits_f64(H) ^ bits_f64(H2);
  return a >= 0.5 ? hi : a;
}

RP_FN double near_end_f64(double x, double hi, double lo, uint64_t q, uint64_t *differ, uint64_t *outside)
{
  double sl, s = product_f64(hi, hi, &sl), w = fma_f64(s, -0.5, 1.0), wl = fma_f64(s, -0.5, 1.0 - w);
  int odd = (q & 1u) != 0;
  double P = odd ? cos_tail_f64(s) : sin_tail_f64(s), factor = (odd ? s : hi) * s;
  double W = odd ? -fma_f64(hi, lo, 0.5 * sl) : w * lo, d = fabs_f64(x) * 3.1554436208840472e-30;
  double top = odd ? w : hi, rest = odd ? wl : 0.0;
  double y = top + (rest + fma_f64(factor, P, W - d)), z = top + (rest + fma_f64(factor, P, W + d));
  *differ = bits_f64(y) ^ bits_f64(z);
  *outside = (bits_f64(RP_NEAR_F64) - bits_f64(fabs_f64(x))) | (bits_f64(0.616850275068084) - bits_f64(s));
  return from_bits_f64(bits_f64(y) ^ (q & 0x8000000000000000u));
}

/* ---- inverse trigonometric functions -------------------------------------------------------------------------- */

/* atan((n + nl) / (d + dl)) = result + *lo for 0 <= n <= d: above tan(pi/8) by pi/4 + atan((n-d) / (n+d)).
 * Polynomial (atan z - z) / z^3 for z <= 0.4142: minimax 2^-57.9. */
RP_FN double atan_octant_f64(double n, double nl, double d, double dl, double *lo)
{
  int high = n > 0.41421356237309503 * d;
  double tl, t = sum_f64(-d, n, &tl), ul, u = sum_f64(d, n, &ul);
  n  = high ? t : n;
  nl = high ? tl + (nl - dl) : nl;
  dl = high ? ul + dl : dl;
  d  = high ? u : d;
  double zl, z = quotient_f64(n, nl, d, dl, &zl), s = z * z, p = -0.016485234481253403;
  p = fma_f64(p, s, 0.03308675134958218);
  p = fma_f64(p, s, -0.04205905440550904);
  p = fma_f64(p, s, 0.047432853932514916);
  p = fma_f64(p, s, -0.05261569749493659);
  p = fma_f64(p, s, 0.05882265412300227);
  p = fma_f64(p, s, -0.06666663636992953);
  p = fma_f64(p, s, 0.07692307629943623);
  p = fma_f64(p, s, -0.09090909090211835);
  p = fma_f64(p, s, 0.11111111111107458);
  p = fma_f64(p, s, -0.1428571428571428);
  p = fma_f64(p, s, 0.2);
  p = fma_f64(p, s, -0.3333333333333333);
  double v = fma_f64(z * s, p, fma_f64(-s, zl, zl)), hl, h = sum_f64(0.7853981633974483, z, &hl);
  *lo = high ? hl + (v + 3.061616997868383e-17) : v;
  return high ? h : z;
}

/* The angle in [0, pi/2] of the point (x + xl, y + yl), x and y >= 0 and not both 0. */
RP_FN double atan_quadrant_f64(double y, double yl, double x, double xl, double *lo)
{
  int steep = y > x;
  double l, a = atan_octant_f64(steep ? x : y, steep ? xl : yl, steep ? y : x, steep ? yl : xl, &l);
  double hl, h = sum_f64(1.5707963267948966, -a, &hl);
  *lo = steep ? hl + (6.123233995736766e-17 - l) : l;
  return steep ? h : a;
}

/* atan x; beyond 2^60 it is pi/2. */
RP_FN double atan_f64(double x)
{
  double a = fabs_f64(x), c = a > 1152921504606846976.0 ? 1152921504606846976.0 : a;
  double l, h = atan_quadrant_f64(c, 0.0, 1.0, 0.0, &l);
  return x != x ? nan_f64() : copysign_f64(c < 1e-9 ? c : h + l, x);
}

/* 1 - x^2 = r^2, r = result + *lo, for |x| <= 1 */
RP_FN double cosine_of_sine_f64(double x, double *lo)
{
  double pl, vl, p = product_f64(x, x, &pl), v = sum_f64(1.0, -p, &vl), r = sqrt_f64(v);
  *lo = v > 0.0 ? (fma_f64(-r, r, v) + (vl - pl)) / (2.0 * r) : 0.0;
  return r;
}

/* asin x: the angle of (sqrt(1 - x^2), |x|) */
RP_FN double asin_f64(double x)
{
  double a = fabs_f64(x), cl, l, c = cosine_of_sine_f64(a <= 1.0 ? a : 0.0, &cl);
  double h = atan_quadrant_f64(a <= 1.0 ? a : 0.0, 0.0, c, cl, &l);
  return a <= 1.0 ? copysign_f64(a < 1e-9 ? a : h + l, x) : nan_f64();
}

/* acos x: the angle of (|x|, sqrt(1 - x^2)), or pi less it */
RP_FN double acos_f64(double x)
{
  double a = fabs_f64(x), sl, l, s = cosine_of_sine_f64(a <= 1.0 ? a : 0.0, &sl);
  double h = atan_quadrant_f64(s, sl, a <= 1.0 ? a : 0.0, 0.0, &l);
  double hl, o = sum_f64(3.141592653589793, -h, &hl);
  double y = x < 0.0 ? o + (hl + (1.2246467991473532e-16 - l)) : h + l;
  return a <= 1.0 ? y : nan_f64();
}

/* The angle of (x, y) in (-pi, pi].  Both are scaled when their sum could overflow or a product underflow; when one is
 * 2^60 times the other the quotient is the tangent and the angle. */
RP_FN double atan2_f64(double y, double x)
{
  double a = fabs_f64(y), b = fabs_f64(x), i = inf_f64();
  int same = a == b && (a == 0.0 || a == i);
  a = same ? (a == 0.0 ? 0.0 : 1.0) : a;
  b = same ? 1.0 : b;
  double big = a > b ? a : b;
  double f = big > 1e150 ? 2.409919865102884e-181 : big < 1e-150 ? 4.149515568880993e+180 : 1.0;     /* 2^-600, 2^600 */
  int thin = !(a > b * 8.673617379884035e-19), tall = !(b > a * 8.673617379884035e-19);
  double l, h = atan_quadrant_f64(thin || tall ? 1.0 : a * f, 0.0, thin || tall ? 1.0 : b * f, 0.0, &l);
  h = thin ? a / b : h;
  l = thin ? 0.0 : l;
  h = tall ? 1.5707963267948966 : h;
  l = tall ? 6.123233995736766e-17 : l;
  double hl, o = sum_f64(3.141592653589793, -h, &hl);
  double r = (bits_f64(x) >> 63) ? o + (hl + (1.2246467991473532e-16 - l)) : h + l;
  return x != x || y != y ? nan_f64() : copysign_f64(r, y);
}

#endif
