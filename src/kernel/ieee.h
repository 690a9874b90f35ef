/* ieee.h: what IEEE 754 defines exactly, under one name for gcc, clang and nvcc: bit patterns, sign operations, fused
 * multiply-add, square root, rounding to integers.  sqrt of a negative number or a NaN is the canonical NaN.
 *
 * Where the instruction set has no fused multiply-add or no rounding (x86-64 before AVX2 and SSE4.1), these are made of
 * what there is: the same bits, in loops that still become vectors, which a call of the C library would prevent. */
#ifndef RP_KERNEL_IEEE_H
#define RP_KERNEL_IEEE_H

#include <stdint.h>
#include <string.h>

#include "base/target.h"

RP_FN uint32_t bits_f32(float x)         { uint32_t u; memcpy(&u, &x, sizeof u); return u; }
RP_FN uint64_t bits_f64(double x)        { uint64_t u; memcpy(&u, &x, sizeof u); return u; }
RP_FN float    from_bits_f32(uint32_t u) { float x;    memcpy(&x, &u, sizeof x); return x; }
RP_FN double   from_bits_f64(uint64_t u) { double x;   memcpy(&x, &u, sizeof x); return x; }

#ifdef __CUDACC__
RP_FN float  fma_f32(float a, float b, float c)    { return fmaf(a, b, c); }
RP_FN double fma_f64(double a, double b, double c) { return fma(a, b, c); }
RP_FN float  sqrt_f32(float x)   { return x >= 0.0f ? sqrtf(x) : from_bits_f32(0x7fc00000u); }
RP_FN double sqrt_f64(double x)  { return x >= 0.0 ? sqrt(x) : from_bits_f64(0x7ff8000000000000u); }
RP_FN float  rint_f32(float x)   { return rintf(x); }
RP_FN double rint_f64(double x)  { return rint(x); }
RP_FN float  floor_f32(float x)  { return floorf(x); }
RP_FN double floor_f64(double x) { return floor(x); }
#else
RP_FN double fma_f64(double a, double b, double c) { return __builtin_fma(a, b, c); }
RP_FN float  sqrt_f32(float x)   { return x >= 0.0f ? __builtin_sqrtf(x) : from_bits_f32(0x7fc00000u); }
RP_FN double sqrt_f64(double x)  { return x >= 0.0 ? __builtin_sqrt(x) : from_bits_f64(0x7ff8000000000000u); }
#if defined(__x86_64__) && !defined(__FMA__)
/* The product of two floats is exact in double, so only the sum p + c is rounded.  Rounded to odd, it can be rounded once
 * more, to float, as if the exact sum were (Boldo, Melquiond 2008, "Emulation of FMA and correctly rounded sums", theorem 1);
 * e is the error of the sum rounded to nearest (Knuth's two-sum), which tells the neighbour to take where that one is even.
 * Where p + c overflows no float is finite either, and e, a NaN, changes nothing. */
RP_FN float fma_f32(float a, float b, float c)
{
  double   p = (double)a * (double)b, d = (double)c, s = p + d, t = s - p, e = (p - (s - t)) + (d - t);
  uint64_t u = bits_f64(s), away = (u ^ bits_f64(e)) >> 63, even = ~u & 1; /* away: |s| is above the exact value */
  uint64_t step = e > 0 || e < 0 ? even : 0;
  return (float)from_bits_f64(u + step - 2 * (step & away));
}
#else
RP_FN float  fma_f32(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#endif
#if defined(__x86_64__) && !defined(__SSE4_1__)
RP_FN float rint_f32(float x) /* above 2^23 every float is an integer */
{
  float big = from_bits_f32(0x4b000000u | (bits_f32(x) & 0x80000000u));
  float y = from_bits_f32(bits_f32((x + big) - big) | (bits_f32(x) & 0x80000000u));
  return (bits_f32(x) & 0x7fffffffu) < 0x4b000000u ? y : x + 0;
}
RP_FN double rint_f64(double x) /* the same above 2^52 */
{
  double big = from_bits_f64(0x4330000000000000u | (bits_f64(x) & 0x8000000000000000u));
  double y = from_bits_f64(bits_f64((x + big) - big) | (bits_f64(x) & 0x8000000000000000u));
  return (bits_f64(x) & 0x7fffffffffffffffu) < 0x4330000000000000u ? y : x + 0;
}
RP_FN float  floor_f32(float x)  { float y = rint_f32(x);  return y > x ? y - 1 : y; }
RP_FN double floor_f64(double x) { double y = rint_f64(x); return y > x ? y - 1 : y; }
#else
RP_FN float  rint_f32(float x)   { return __builtin_rintf(x); }
RP_FN double rint_f64(double x)  { return __builtin_rint(x); }
RP_FN float  floor_f32(float x)  { return __builtin_floorf(x); }
RP_FN double floor_f64(double x) { return __builtin_floor(x); }
#endif
#endif

RP_FN float  fabs_f32(float x)  { return from_bits_f32(bits_f32(x) & 0x7fffffffu); }
RP_FN double fabs_f64(double x) { return from_bits_f64(bits_f64(x) & 0x7fffffffffffffffu); }

/* |x| with the sign bit of s. */
RP_FN float copysign_f32(float x, float s)
{
  return from_bits_f32((bits_f32(x) & 0x7fffffffu) | (bits_f32(s) & 0x80000000u));
}
RP_FN double copysign_f64(double x, double s)
{
  return from_bits_f64((bits_f64(x) & 0x7fffffffffffffffu) | (bits_f64(s) & 0x8000000000000000u));
}

/* The canonical quiet NaN, and +infinity. */
RP_FN float  nan_f32(void) { return from_bits_f32(0x7fc00000u); }
RP_FN double nan_f64(void) { return from_bits_f64(0x7ff8000000000000u); }
RP_FN float  inf_f32(void) { return from_bits_f32(0x7f800000u); }
RP_FN double inf_f64(void) { return from_bits_f64(0x7ff0000000000000u); }

#endif
