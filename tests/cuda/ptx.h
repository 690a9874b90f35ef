/* ptx.h: what the C text that ptx.py makes of PTX stands on: types, memory, and those instructions that are more than an
 * expression.  Facts of the PTX ISA, version 9.0. */
#ifndef RP_TESTS_PTX_H
#define RP_TESTS_PTX_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulated.h"

typedef bool     pred;
typedef uint8_t  u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t   s8;
typedef int16_t  s16;
typedef int32_t  s32;
typedef int64_t  s64;
typedef float    f32;
typedef double   f64;
__extension__ typedef __int128          s128;
__extension__ typedef unsigned __int128 u128;

#define OP static inline __attribute__((unused, always_inline))

static _Noreturn __attribute__((unused, cold)) void fault(const char *file, int line, const char *what, u64 at)
{
  fprintf(stderr, "emulator: %s:%d: %s (0x%llx)\n", file, line, what, (unsigned long long)at);
  abort();
}
#define DEMAND(ok, what, at) ((ok) ? (void)0 : fault(__FILE__, __LINE__, what, (u64)(at)))

/* A register is a local variable of its PTX type; an instruction may read its bits as another type.  What nothing has been
 * written to holds this. */
#define JUNK 0xa5a5a5a5a5a5a5a5u
OP f32 f32_of(u32 v) { f32 r; memcpy(&r, &v, 4); return r; }
OP f64 f64_of(u64 v) { f64 r; memcpy(&r, &v, 8); return r; }
OP u32 u32_of(f32 v) { u32 r; memcpy(&r, &v, 4); return r; }
OP u64 u64_of(f64 v) { u64 r; memcpy(&r, &v, 8); return r; }

/* ---- memory ----
 *
 * Addresses are the host's; those of shared memory count from the dynamic array, in 32 bits, as they are too few for a
 * pointer.  An access that is not aligned to its size faults on a GPU, so it does here. */
#define SHARED_BASE   const u64 shared_base = (u64)(uintptr_t)emulated_shared()
#define IN_SHARED(p)  in_shared((u64)(uintptr_t)(p) - shared_base, __FILE__, __LINE__)
#define OF_SHARED(at) (shared_base + (u64)(s64)(s32)(u32)(at))
#define AT(size, at)  aligned(at, size, __FILE__, __LINE__)

OP u32 in_shared(u64 at, const char *file, int line)
{
  if ((u64)(s64)(s32)(u32)at != at) fault(file, line, "shared memory is too far away", at);
  return (u32)at;
}
OP u64 aligned(u64 at, u64 size, const char *file, int line)
{
  if (__builtin_expect(at % size != 0, 0)) fault(file, line, "an address that is not aligned to the size of the access", at);
  return at;
}
#define MEMORY(t)                                                                                              \
  OP t load_##t(u64 at) { t v; memcpy(&v, (const void *)(uintptr_t)at, sizeof v); return v; }                  \
  OP void store_##t(u64 at, t v) { memcpy((void *)(uintptr_t)at, &v, sizeof v); }
MEMORY(u8) MEMORY(u16) MEMORY(u32) MEMORY(u64) MEMORY(s8) MEMORY(s16) MEMORY(s32) MEMORY(s64) MEMORY(f32) MEMORY(f64)

/* cp.async: what lies beyond `bytes` of the source becomes zero. */
OP void copy_16(u64 to, u64 from, u32 bytes) { COPY16((void *)(uintptr_t)to, (const void *)(uintptr_t)from, (int)bytes); }
OP void copy_8(u64 to, u64 from, u32 bytes) { COPY_f64((double *)(uintptr_t)to, (const double *)(uintptr_t)from, bytes == 8); }
OP void copy_4(u64 to, u64 from, u32 bytes) { COPY_f32((float *)(uintptr_t)to, (const float *)(uintptr_t)from, bytes == 4); }

/* ---- numbers ----
 *
 * A NaN that arithmetic in single precision gives has these bits; on a CPU it mostly has others. */
OP f32 canonical_f32(f32 v) { return v != v ? f32_of(0x7fffffff) : v; }
OP f64 canonical_f64(f64 v) { return v; }

#define fma_of_f32  fmaf
#define fma_of_f64  fma
#define sqrt_of_f32 sqrtf
#define sqrt_of_f64 sqrt
#define abs_of_f32  fabsf
#define abs_of_f64  fabs
#define copysign_of_f32 copysignf
#define copysign_of_f64 copysign
#define rni_of_f32  rintf
#define rni_of_f64  rint
#define rzi_of_f32  truncf
#define rzi_of_f64  trunc
#define rmi_of_f32  floorf
#define rmi_of_f64  floor
#define rpi_of_f32  ceilf
#define rpi_of_f64  ceil

/* Unlike C's fmin and fmax, -0 lies below +0. */
#define EXTREMES(t)                                                                                            \
  OP t min_of_##t(t a, t b) { return a != a ? b : b != b ? a : a == b ? (signbit(a) ? a : b) : a < b ? a : b; } \
  OP t max_of_##t(t a, t b) { return a != a ? b : b != b ? a : a == b ? (signbit(a) ? b : a) : a > b ? a : b; }
EXTREMES(f32)
EXTREMES(f64)

/* A whole number v, or NaN, as an integer: the nearest there is.  NaN: zero between types of 32 bits, else the highest bit. */
#define TO_INTEGER(i, f, least, beyond, nan)                                                                   \
  OP i i##_of_##f(f v)                                                                                         \
  {                                                                                                            \
    const i top = (i)((i)-1 > 0 ? (i)-1 : (i)(((u64)1 << (8 * sizeof(i) - 1)) - 1));                           \
    return v != v ? (i)(nan) : v < (least) ? (i)(least) : v >= (beyond) ? top : (i)v;                          \
  }
TO_INTEGER(s32, f32, -0x1p31f, 0x1p31f, 0)
TO_INTEGER(u32, f32, 0, 0x1p32f, 0)
TO_INTEGER(s64, f32, -0x1p63f, 0x1p63f, (u64)1 << 63)
TO_INTEGER(u64, f32, 0, 0x1p64f, (u64)1 << 63)
TO_INTEGER(s32, f64, -0x1p31, 0x1p31, (u32)1 << 31)
TO_INTEGER(u32, f64, 0, 0x1p32, (u32)1 << 31)
TO_INTEGER(s64, f64, -0x1p63, 0x1p63, (u64)1 << 63)
TO_INTEGER(u64, f64, 0, 0x1p64, (u64)1 << 63)

/* Of division by zero, and of the least number by -1, PTX says nothing: the result must not matter. */
#define DIVISIONS(t)                                                                                           \
  OP bool divides_##t(t a, t b) { return b != 0 && ((t)-1 > 0 || b != (t)-1 || (t)(0 - (u64)a) != a || a == 0); } \
  OP t div_of_##t(t a, t b) { return divides_##t(a, b) ? (t)(a / b) : (t)JUNK; }                                \
  OP t rem_of_##t(t a, t b) { return divides_##t(a, b) ? (t)(a % b) : (t)JUNK; }
DIVISIONS(s32) DIVISIONS(u32) DIVISIONS(s64) DIVISIONS(u64)

/* The lowest d bits of a into b, from bit c on. */
OP u64 bfi_of_64(u64 a, u64 b, u32 c, u32 d)
{
  const u32 at = c & 255, n = d & 255;
  if (at > 63 || n == 0) return b;
  const u64 mask = (n > 63 ? ~(u64)0 : ((u64)1 << n) - 1) << at;
  return (b & ~mask) | (a << at & mask);
}
OP u32 bfi_of_32(u32 a, u32 b, u32 c, u32 d) { return (u32)bfi_of_64(a, b, c, d); }

/* ---- a warp ---- */

/* shfl.sync: the number of another lane, or of this one, if that lies outside of the segment that c says. */
OP u32 shuffled(bool down, u32 a, u32 b, u32 c, u32 members, pred *there, const char *file, int line)
{
  if (members != 0xffffffffu) fault(file, line, "a shuffle among a part of a warp", members);
  const u32 lane = threadIdx.x % 32, mask = c >> 8 & 31, last = (lane & mask) | (c & 31 & ~mask);
  const u32 from = down ? lane + (b & 31) : (lane & mask) | (b & 31 & ~mask);
  u32 got;
  *there = from <= last;
  memcpy(&got, emulated_exchange(&a, sizeof a, (int)(*there ? from : lane)), sizeof got);
  return got;
}
#define SHFL_down(...) shuffled(true, __VA_ARGS__, __FILE__, __LINE__)
#define SHFL_idx(...)  shuffled(false, __VA_ARGS__, __FILE__, __LINE__)

#endif
