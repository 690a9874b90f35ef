/* scalar.h: the elementary functions of the same-bits contract, in float.
 *
 * One text for gcc, clang and nvcc.  Only IEEE operations (+ - * / sqrt fma rint floor, comparisons) and integer
 * arithmetic occur, in a fixed order, so scalar code, vector code and GPU code give the same bits, provided the compiler
 * does not contract (-ffp-contract=off, nvcc -fmad=false -prec-div=true -prec-sqrt=true -ftz=false).
 *
 * Rules that hold for every function here, in scalar_f64.h and in scalar_trig_f64.h:
 *   a NaN argument, or an argument outside the domain, gives the canonical quiet NaN (0x7fc00000, 0x7ff8000000000000);
 *   infinities, signed zeros and subnormals follow C99 Annex F;
 *   the largest errors found, over all 2^32 floats, stand in docs/SCALAR.md.
 * The float functions hold no branch and no table in memory, so a loop around one of them vectorises.
 *
 * "Minimax 2^-k" beside coefficients is the largest relative error of the polynomial on its interval, in exact
 * arithmetic; they come from the Remez exchange run in 60 digits and rounded to nearest, low order first. */
#ifndef RP_KERNEL_SCALAR_H
#define RP_KERNEL_SCALAR_H

#include "kernel/ieee.h"
#include "kernel/scalar_f64.h"
#include "kernel/scalar_trig_f64.h"

/* ---- exponentials --------------------------------------------------------------------------------------------- */

/* x but at most `most` > 0, and x but at least `least` < 0: as integers, floats of one sign are in order, and those of
 * the other lie on the far side.  A NaN becomes some number. */
RP_FN float at_most_f32(float x, float most)
{
  int32_t i = (int32_t)bits_f32(x), m = (int32_t)bits_f32(most);
  return from_bits_f32((uint32_t)(i < m ? i : m));
}
RP_FN float at_least_f32(float x, float least)
{
  uint32_t u = bits_f32(x), m = bits_f32(least);
  return from_bits_f32(u < m ? u : m);
}

/* 2^n for -126 <= n <= 127.  Exponents are kept modulo 2^32, so that no NaN can overflow an int. */
RP_FN float exp2i_f32(uint32_t n) { return from_bits_f32((n + 127u) << 23); }

/* x 2^n, |n| <= 250, rounded once: of the two factors only the last can round. */
RP_FN float scale_f32(float x, uint32_t n)
{
  uint32_t a = ((n + 256u) >> 1) - 128u;
  return x * exp2i_f32(a) * exp2i_f32(n - a);
}

/* x to the nearest integer k, |x| < 2^22; *n is k modulo 2^32.  Adding 1.5 2^23 leaves k in the low bits. */
RP_FN float nearest_f32(float x, uint32_t *n)
{
  float t = x + 12582912.0f;
  *n = bits_f32(t) - 0x4b400000u;
  return t - 12582912.0f;
}

/* (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2.  Minimax 2^-26.1 of e^r - 1, 2^-27.1 of e^r. */
RP_FN float exp_tail_f32(float r)
{
  float p = 0.00138645596f;
  p = fma_f32(p, r, 0.008366541f);
  p = fma_f32(p, r, 0.0416675024f);
  p = fma_f32(p, r, 0.166665435f);
  return fma_f32(p, r, 0.49999997f);
}

/* x = n ln 2 + r, |r| <= ln 2 / 2, in two steps (Cody and Waite): n times the first part of ln 2 is exact.  The low
 * 22 bits of *n are those of n: shifted to the place of an exponent, the others fall out. */
RP_FN float reduce_ln2_f32(float x, uint32_t *n)
{
  float t = fma_f32(x, 1.44269502f, 12582912.0f), k = t - 12582912.0f;
  *n = bits_f32(t);
  return fma_f32(k, -1.42860677e-6f, fma_f32(k, -0.693145752f, x));
}

/* e^x.  n goes into the exponent less 1, or plus 64 where the result may be subnormal; the last product makes up for
 * it, and alone can overflow or round. */
RP_FN float exp_f32(float x)
{
  uint32_t n;
  float c = at_most_f32(at_least_f32(x, -104.0f), 89.0f);
  float r = reduce_ln2_f32(c, &n), p = fma_f32(fma_f32(exp_tail_f32(r), r, 1.0f), r, 1.0f);
  uint32_t shift = c < -80.0f ? 0x20000000u : 0xff800000u;
  float y = from_bits_f32(bits_f32(p) + (n << 23) + shift) * (c < -80.0f ? 5.42101086e-20f : 2.0f);
  return x != x ? nan_f32() : y;
}

/* 2^x.  Coefficients of (2^r - 1) / r, |r| <= 1/2: minimax 2^-32.4 of 2^r. */
RP_FN float exp2_f32(float x)
{
  uint32_t n;
  float c = at_most_f32(at_least_f32(x, -151.0f), 129.0f);
  float r = c - nearest_f32(c, &n);
  float p = 1.43175939e-5f;
  p = fma_f32(p, r, 0.000154512963f);
  p = fma_f32(p, r, 0.00133379782f);
  p = fma_f32(p, r, 0.0096180886f);
  p = fma_f32(p, r, 0.0555040501f);
  p = fma_f32(p, r, 0.240226507f);
  p = fma_f32(p, r, 0.693147182f);
  float y = scale_f32(fma_f32(p, r, 1.0f), n);
  return x != x ? nan_f32() : y;
}

/* e^x - 1 */
RP_FN float expm1_f32(float x)
{
  uint32_t n;
  float c = at_most_f32(at_least_f32(x, -20.0f), 89.0f);
  float r = reduce_ln2_f32(c, &n);
  float p = fma_f32(r * r, exp_tail_f32(r), r);
  float h = exp2i_f32(n - 1u);                   /* half of 2^n: n may be 128 */
  float y = 2.0f * fma_f32(h, p, h - 0.5f);
  y = n << 23 == 0 ? p : y;
  return x != x ? nan_f32() : copysign_f32(y, x);
}

/* ---- logarithms ----------------------------------------------------------------------------------------------- */

/* (log(1 + f) - f) / f^2 for |f| <= 1/3.  Minimax 2^-27.6 of log(1 + f). */
RP_FN float log_tail_f32(float f)
{
  float p = -0.124850444f;
  p = fma_f32(p, f, 0.140613675f);
  p = fma_f32(p, f, -0.122739337f);
  p = fma_f32(p, f, 0.139895767f);
  p = fma_f32(p, f, -0.166744322f);
  p = fma_f32(p, f, 0.200114369f);
  p = fma_f32(p, f, -0.249999195f);
  p = fma_f32(p, f, 0.333331972f);
  return fma_f32(p, f, -0.5f);
}

/* The exponent field of x less that of 2/3, in place: x 2^-e lies in [2/3, 4/3) when e 2^23 is this number. */
RP_FN uint32_t exponent_f32(float x) { return (bits_f32(x) - 0x3f2aaaabu) & 0xff800000u; }

/* x = 2^e (1 + f), f in [-1/3, 1/3], for positive finite x; subnormals are scaled first. */
RP_FN float split_f32(float x, float *e)
{
  float s = x < 1.17549435e-38f ? x * 8388608.0f : x;
  float b = x < 1.17549435e-38f ? -23.0f : 0.0f;
  uint32_t k = exponent_f32(s);
  *e = fma_f32((float)(int32_t)k, 1.1920929e-7f, b);
  return from_bits_f32(bits_f32(s) - k) - 1.0f;
}

/* y for 0 < x < inf; the limits of a logarithm elsewhere. */
RP_FN float log_limits_f32(float x, float y)
{
  y = x == inf_f32() ? x : y;
  y = x == 0.0f ? -inf_f32() : y;
  return x >= 0.0f ? y : nan_f32();
}

/* log x */
RP_FN float log_f32(float x)
{
  float e, f = split_f32(x, &e);
  float y = fma_f32(e, 0.693147182f, fma_f32(log_tail_f32(f), f * f, f));
  return log_limits_f32(x, y);
}

/* log(1 + x).  1 + x only chooses e; f = x 2^-e + (2^-e - 1) loses nothing that matters. */
RP_FN float log1p_f32(float x)
{
  float u = 1.0f + x;
  uint32_t k = exponent_f32(u);
  float s = from_bits_f32(0x40800000u - k);                        /* 4 2^-e: 2^-e may be subnormal */
  float f = from_bits_f32(bits_f32(x) - k) + fma_f32(0.25f, s, -1.0f);
  float e = (float)(int32_t)k * 1.1920929e-7f;
  float y = fma_f32(e, 0.693147182f, fma_f32(log_tail_f32(f), f * f, f));
  return copysign_f32(log_limits_f32(u, y), u >= 0.0f ? x : 1.0f);
}

/* log2 x = e + log2(1 + f), the leading product f log2(e) kept in two floats. */
RP_FN float log2_f32(float x)
{
  float e, f = split_f32(x, &e);
  float h = f * 1.44269502f;
  float l = fma_f32(f, 1.92596303e-8f, fma_f32(f, 1.44269502f, -h));
  l = fma_f32(log_tail_f32(f) * (f * f), 1.44269502f, l);
  float t = e + h;
  return log_limits_f32(x, t + (((e - t) + h) + l));
}

/* ---- trigonometric functions ---------------------------------------------------------------------------------- */

/* The high 32 bits of a b. */
RP_FN uint32_t mulhi_u32(uint32_t a, uint32_t b) { return (uint32_t)(((uint64_t)a * b) >> 32); }

/* 32 bits of the string a b, from bit s of a on, 0 <= s < 32. */
RP_FN uint32_t funnel_u32(uint32_t a, uint32_t b, uint32_t s) { return (a << s) | ((b >> 1) >> (31u - s)); }

/* x = (q + F) pi/2, |F| <= 1/2, for 1/2 <= x < inf (Payne and Hanek 1983): *hi + *lo = F pi/2, returns q mod 4.
 *
 * x = m 2^(E-150).  Of 2/pi only 96 bits matter: those above give multiples of 4, those below less than 2^-60.
 * They are cut out of eight words that hold 26 zeros and then 2/pi, at bit E - 126. */
RP_FN uint32_t reduce_pio2_f32(float x, float *hi, float *lo)
{
  uint32_t u = bits_f32(x), m = (u & 0x007fffffu) | 0x00800000u, off = (u >> 23) - 126u;
  m   = off > 127u ? m << 1 : m;                                    /* E = 254 alone would need a ninth word */
  off = off > 127u ? 127u : off;
  uint32_t a = off & 64u, b = off & 32u, s = off & 31u;
  uint32_t t0 = a ? 0x91054a7fu : 0x00000028u, t1 = a ? 0x09d5f47du : 0xbe60db93u, t2 = a ? 0x4d377036u : 0x91054a7fu;
  uint32_t t3 = a ? 0xd8a5664fu : 0x09d5f47du, t4 = a ? 0x10e4107fu : 0x4d377036u;
  uint32_t v0 = b ? t1 : t0, v1 = b ? t2 : t1, v2 = b ? t3 : t2, v3 = b ? t4 : t3;
  uint32_t w0 = funnel_u32(v0, v1, s), w1 = funnel_u32(v1, v2, s), w2 = funnel_u32(v2, v3, s);

  uint32_t mid = m * w1, l = mid + mulhi_u32(m, w2);                /* h l = 2^62 (x 2/pi mod 4) */
  uint32_t h = m * w0 + mulhi_u32(m, w1) + (l < mid ? 1u : 0u);
  uint32_t q = (h + 0x20000000u) >> 30;
  int32_t  g = (int32_t)(h - (q << 30) + (l >> 31));                /* F = g 2^-30 + (l as signed) 2^-62 */
  float A = (float)g, B = fma_f32((float)(int32_t)l, 2.32830644e-10f, (float)(g - (int32_t)A));
  float H = A + B, L = (A - H) + B;
  float p = H * 1.46291812e-9f;                                     /* pi/2 2^-30 in two floats */
  float e = fma_f32(H, 1.46291812e-9f, -p) + fma_f32(H, -4.07094027e-17f, L * 1.46291812e-9f);
  *hi = p + e;
  *lo = (p - *hi) + e;
  return q & 3u;
}

/* x = k pi/2 + hi + lo for 0 <= x <= RP_NEAR (Cody and Waite): k times the first part of pi/2, taken from x, is exact;
 * the product with the second is kept in two floats.  The low bits of the result are those of k. */
#define RP_NEAR 65536.0f
RP_FN uint32_t reduce_near_f32(float x, float *hi, float *lo)
{
  float t = fma_f32(x, 0.636619747f, 12582912.0f), k = t - 12582912.0f;
  float r = fma_f32(k, -1.57079637f, x), p = k * 4.37113883e-8f, h = r + p;
  *hi = h;
  *lo = fma_f32(k, 1.71512451e-15f, fma_f32(k, 4.37113883e-8f, -p) + (p - (h - r)));
  return bits_f32(t);
}

/* Of any finite x >= 0. */
RP_FN uint32_t reduce_far_f32(float x, float *hi, float *lo)
{
  uint32_t q = reduce_pio2_f32(x < RP_NEAR ? RP_NEAR : x, hi, lo);
  float h, l;
  uint32_t n = reduce_near_f32(x > RP_NEAR ? RP_NEAR : x, &h, &l);
  *hi = x > RP_NEAR ? *hi : h;
  *lo = x > RP_NEAR ? *lo : l;
  return x > RP_NEAR ? q : n;
}

/* sin(hi + lo) for even q, cos(hi + lo) for odd q, with the sign bit of `sign`; |hi| <= pi/4.  Minimax 2^-27.9 and
 * 2^-33.1. */
RP_FN float sin_or_cos_f32(uint32_t q, float hi, float lo, uint32_t sign)
{
  float s = fma_f32(hi, hi, 2.0f * hi * lo), p = -0.000195180852f, c = 2.44329494e-5f;
  p = fma_f32(p, s, 0.00833218824f);
  p = fma_f32(p, s, -0.166666552f);
  p = hi + fma_f32(hi * s, p, lo);
  c = fma_f32(c, s, -0.0013887313f);
  c = fma_f32(c, s, 0.0416666456f);
  c = fma_f32(fma_f32(c, s, -0.5f), s, 1.0f);
  return from_bits_f32(bits_f32((q & 1u) ? c : p) ^ (sign & 0x80000000u));
}

/* sin x and cos x for |x| <= RP_NEAR, and for any x: the same bits where both are defined. */
RP_FN float sin_near_f32(float x)
{
  float hi, lo;
  uint32_t q = reduce_near_f32(fabs_f32(x), &hi, &lo);
  return sin_or_cos_f32(q, hi, lo, q << 30 ^ bits_f32(x));
}
RP_FN float cos_near_f32(float x)
{
  float hi, lo;
  uint32_t q = reduce_near_f32(fabs_f32(x), &hi, &lo) + 1u;
  return sin_or_cos_f32(q, hi, lo, q << 30);
}
RP_FN float sin_f32(float x)
{
  float hi, lo;
  uint32_t q = reduce_far_f32(fabs_f32(x), &hi, &lo);
  float y = sin_or_cos_f32(q, hi, lo, q << 30 ^ bits_f32(x));
  return fabs_f32(x) < inf_f32() ? y : nan_f32();
}
RP_FN float cos_f32(float x)
{
  float hi, lo;
  uint32_t q = reduce_far_f32(fabs_f32(x), &hi, &lo) + 1u;
  float y = sin_or_cos_f32(q, hi, lo, q << 30);
  return fabs_f32(x) < inf_f32() ? y : nan_f32();
}

/* *s = sin(2 pi u), *c = cos(2 pi u) for 0 <= u < 1.  u - q/4 is exact, so the reduction is. */
RP_FN void sincos2pi_f32(float u, float *s, float *c)
{
  uint32_t q;
  float r = fma_f32(nearest_f32(4.0f * u, &q), -0.25f, u);
  float hi = r * 6.28318548f, lo = fma_f32(r, -1.74845553e-7f, fma_f32(r, 6.28318548f, -hi));
  *s = sin_or_cos_f32(q, hi, lo, q << 30);
  *c = sin_or_cos_f32(q + 1u, hi, lo, (q + 1u) << 30);
}

/* ---- hyperbolic tangent and the error function ---------------------------------------------------------------- */

/* e^x for |x| <= 80, without limits: an inner factor. */
RP_FN float exp_core_f32(float x)
{
  uint32_t n;
  float r = reduce_ln2_f32(x, &n);
  return fma_f32(fma_f32(exp_tail_f32(r), r, 1.0f), r, 1.0f) * exp2i_f32(n);
}

/* tanh x = 1 - 1 / (q + 1) = q - q^2 / (q + 1) for q = (e^2|x| - 1) / 2 = h p + (h - 1) / 2, where |x| = n ln 2 / 2 + r, h = 2^n and
 * p = (e^2r - 1) / 2. */
RP_FN float tanh_f32(float x)
{
  float a = fabs_f32(x), c = at_most_f32(a, 10.0f);
  float t = fma_f32(c, 2.88539004f, 12582912.0f), k = t - 12582912.0f;
  float r = fma_f32(k, -7.14303386e-7f, fma_f32(k, -0.346572876f, c)), p = 0.0443665907f;
  p = fma_f32(p, r, 0.133864656f);
  p = fma_f32(p, r, 0.333340019f);
  p = fma_f32(p, r, 0.66666174f);
  p = fma_f32(p, r, 0.99999994f);
  p = fma_f32(r * r, p, r);
  float h = exp2i_f32(bits_f32(t)), q = fma_f32(h, p, fma_f32(h, 0.5f, -0.5f)), w = 1.0f / (q + 1.0f);
  float y = q < 0.9f ? fma_f32(-q, q * w, q) : 1.0f - w;
  return x != x ? nan_f32() : copysign_f32(y, x);
}

/* erf x: x + x P(x^2) below 0.92 (minimax 2^-29.9), 1 - e^Q(|x|) above (2^-34.3, absolute). */
RP_FN float erf_f32(float x)
{
  float a = fabs_f32(x), s = a * a, p = 8.17239124e-5f;
  p = fma_f32(p, s, -0.000808644807f);
  p = fma_f32(p, s, 0.00519503746f);
  p = fma_f32(p, s, -0.0268564764f);
  p = fma_f32(p, s, 0.112836324f);
  p = fma_f32(p, s, -0.376126289f);
  p = fma_f32(p, s, 0.128379166f);
  p = fma_f32(p, a, a);
  float c = at_most_f32(a, 3.95f), q = -2.11576189e-5f;
  q = fma_f32(q, c, 0.000435182825f);
  q = fma_f32(q, c, -0.00417451607f);
  q = fma_f32(q, c, 0.0251283832f);
  q = fma_f32(q, c, -0.108293682f);
  q = fma_f32(q, c, -0.633334816f);
  q = fma_f32(q, c, -1.12952077f);
  q = fma_f32(q, c, 0.000175869558f);
  float y = a < 0.92f ? p : 1.0f - exp_core_f32(q);
  return x != x ? nan_f32() : copysign_f32(y, x);
}

/* (a + 3) e^(a^2) erfc(a) as *v + *vl, and *r = 1/(a + 3) rounded, for 0 <= a <= 10.1.
 *
 * A polynomial in r (minimax 2^-27.5), about a point chosen so that the constant term is nearly a float and the
 * difference is exact.  d is what rounding r cost in a; (log erfc e^(a^2))' is about -r (8 r + 0.65). */
RP_FN float erfcx_f32(float a, float *r, float *vl)
{
  float b = a + 3.0f, M = a > 3.0f ? a : 3.0f, m = a > 3.0f ? 3.0f : a;
  *r = 1.0f / b;
  float d = fma_f32(fma_f32(*r, b, -1.0f), b, m - (b - M));
  float z = *r - 0.17718505859375f, p = 3392.86719f;
  p = fma_f32(p, z, -516.981079f);
  p = fma_f32(p, z, -921.180847f);
  p = fma_f32(p, z, -122.479317f);
  p = fma_f32(p, z, 203.087357f);
  p = fma_f32(p, z, 165.751816f);
  p = fma_f32(p, z, 73.8072433f);
  p = fma_f32(p, z, 23.4695854f);
  p = fma_f32(p, z, 5.77035332f);
  float v = fma_f32(p, z, 1.13218904f);
  *vl = fma_f32(-(v * d), *r * fma_f32(*r, 8.0f, 0.65f), fma_f32(p, z, 1.13218904f - v));
  return v;
}

/* erfc x: for a = |x|, e^(-a^2) r V(r), every factor in two floats; 2 minus that for negative x. */
RP_FN float erfc_f32(float x)
{
  uint32_t n;
  float a = at_most_f32(fabs_f32(x), 10.1f);
  float r, vl, v = erfcx_f32(a, &r, &vl);
  float wh = v * r, wl = fma_f32(v, r, -wh) + vl * r;
  float s = a * a, k = nearest_f32(s * -1.44269502f, &n);
  float t = fma_f32(k, -0.693145752f, -s), c = fma_f32(k, -1.42860677e-6f, -fma_f32(a, a, -s));
  float g = t + c, gl = (t - g) + c;
  float eh = 1.0f + g, el = ((1.0f - eh) + g) + fma_f32(g * g, exp_tail_f32(g), gl);
  float y = scale_f32(fma_f32(eh, wh, fma_f32(el, wh, eh * wl)), n);
  y = x < 0.0f ? 2.0f - y : y;
  return x != x ? nan_f32() : y;
}

/* Q(a) = erfc(a / sqrt 2) / 2, the upper tail of the standard normal distribution, for *a >= 0; *density is e^(-a^2/2) /
 * sqrt(2 pi).  *a is brought down to 14.6, where both are 0 in float (so is a NaN).
 *
 * Q(a) = e^(-a^2/2) P(a) / D(a) (2^-26.6); the exponential is made 2^64 times too large, so that only the last product
 * can round below the normal range. */
RP_FN float upper_tail_f32(float *a, float *density)
{
  const float small = 5.42101086e-20f; /* 2^-64 */
  float c = *a = at_most_f32(*a, 14.6f), s = c * c;
  float t = fma_f32(s, -0.72134752f, 12582976.0f), k = t - 12582976.0f, r = fma_f32(s, -0.72134752f, -k);
  float e = 0.000152431414f, p = 0.003888637037f * small, d = 0.00974722444f;
  e = fma_f32(e, r, 0.00133914931f);
  e = fma_f32(e, r, 0.00961882994f);
  e = fma_f32(e, r, 0.0555035844f);
  e = fma_f32(e, r, 0.240226448f);
  e = fma_f32(e, r, 0.693147182f);
  e = fma_f32(e, r, 1.0f);
  e = from_bits_f32(bits_f32(e) + (bits_f32(t) << 23));
  p = fma_f32(p, c, 0.03918015741f * small);
  p = fma_f32(p, c, 0.1790557129f * small);
  p = fma_f32(p, c, 0.4328647797f * small);
  p = fma_f32(p, c, 0.5f * small);
  d = fma_f32(d, c, 0.09821764508f);
  d = fma_f32(d, c, 0.4584019925f);
  d = fma_f32(d, c, 1.185481988f);
  d = fma_f32(d, c, 1.663614189f);
  d = fma_f32(d, c, 1.0f);
  *density = e * (0.398942280f * small);
  return e * p / d;
}

/* ---- power ---------------------------------------------------------------------------------------------------- */

/* log2 x in double for positive finite x: x = 2^e m, log m = 2 atanh(f / (2 + f)).  Minimax 2^-49.1. */
RP_FN double log2_wide_f32(float x)
{
  float e, f = split_f32(x, &e);
  double s = (double)f / (2.0 + (double)f), z = s * s, p = 0.17376815418793273;
  p = fma_f64(p, z, 0.18071291704793088);
  p = fma_f64(p, z, 0.2222520104645732);
  p = fma_f64(p, z, 0.28571388184390734);
  p = fma_f64(p, z, 0.40000000251123874);
  p = fma_f64(p, z, 0.6666666666614747);
  p = fma_f64(p * z, s, 2.0 * s);
  return fma_f64(p, 1.4426950408889634, (double)e);
}

/* 2^t in float.  Minimax 2^-39.2; the one conversion at the end overflows, underflows and rounds. */
RP_FN float exp2_wide_f32(double t)
{
  t = t < -200.0 ? -200.0 : t;
  t = t > 200.0 ? 200.0 : t;
  double b = t + 6755399441055744.0, r = t - (b - 6755399441055744.0), p = 1.3259646250270451e-06;
  p = fma_f64(p, r, 1.5316461574910607e-05);
  p = fma_f64(p, r, 0.00015403436509581447);
  p = fma_f64(p, r, 0.0013333422647083518);
  p = fma_f64(p, r, 0.00961812918357997);
  p = fma_f64(p, r, 0.05550410976105039);
  p = fma_f64(p, r, 0.2402265069573744);
  p = fma_f64(p, r, 0.6931471805350286);
  return (float)(fma_f64(p, r, 1.0) * from_bits_f64((bits_f64(b) + 1023u) << 52));
}

/* x^y, special cases as in C99 F.9.4.4. */
RP_FN float pow_f32(float x, float y)
{
  float a = fabs_f32(x), i = inf_f32();
  double l = log2_wide_f32(a);
  l = a == 0.0f ? -(double)i : l;
  l = a == i ? (double)i : l;
  float z = exp2_wide_f32((double)y * l);
  z = (a == 1.0f && fabs_f32(y) == i) ? 1.0f : z;
  int whole = floor_f32(y) == y, odd = whole && floor_f32(0.5f * y) != 0.5f * y;
  z = odd ? copysign_f32(z, x) : z;
  z = (x < 0.0f && a < i && !whole) ? nan_f32() : z;
  z = (x != x || y != y) ? nan_f32() : z;
  return (y == 0.0f || x == 1.0f) ? 1.0f : z;
}

/* ---- functions off the hot path: by way of double ------------------------------------------------------------- */

/* To float; a conversion of NaN alone differs between processors. */
RP_FN float narrow_f32(double x) { return x != x ? nan_f32() : (float)x; }

RP_FN float log10_f32(float x)          { return narrow_f32(log10_f64(x)); }
RP_FN float tan_f32(float x)            { return narrow_f32(tan_f64(x)); }
RP_FN float asin_f32(float x)           { return narrow_f32(asin_f64(x)); }
RP_FN float acos_f32(float x)           { return narrow_f32(acos_f64(x)); }
RP_FN float atan_f32(float x)           { return narrow_f32(atan_f64(x)); }
RP_FN float atan2_f32(float y, float x) { return narrow_f32(atan2_f64(y, x)); }
RP_FN float sinh_f32(float x)           { return narrow_f32(sinh_f64(x)); }
RP_FN float cosh_f32(float x)           { return narrow_f32(cosh_f64(x)); }

#endif
