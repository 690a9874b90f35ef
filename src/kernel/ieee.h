/* ieee.h: what IEEE 754 defines exactly, under one name for gcc, clang and nvcc: bit patterns, sign operations, fused
 * multiply-add, square root, rounding to integers.  sqrt of a negative number or a NaN is the canonical NaN. */
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
RP_FN float  fma_f32(float a, float b, float c)    { return __builtin_fmaf(a, b, c); }
RP_FN double fma_f64(double a, double b, double c) { return __builtin_fma(a, b, c); }
RP_FN float  sqrt_f32(float x)   { return x >= 0.0f ? __builtin_sqrtf(x) : from_bits_f32(0x7fc00000u); }
RP_FN double sqrt_f64(double x)  { return x >= 0.0 ? __builtin_sqrt(x) : from_bits_f64(0x7ff8000000000000u); }
RP_FN float  rint_f32(float x)   { return __builtin_rintf(x); }
RP_FN double rint_f64(double x)  { return __builtin_rint(x); }
RP_FN float  floor_f32(float x)  { return __builtin_floorf(x); }
RP_FN double floor_f64(double x) { return __builtin_floor(x); }
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
