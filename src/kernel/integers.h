/* integers.h: random integers from the words of a Philox block. */
#ifndef RP_KERNEL_INTEGERS_H
#define RP_KERNEL_INTEGERS_H

#include "base/target.h"

/* The high 64 bits of a 64 x 64 product. */
RP_FN uint64_t multiply_high(uint64_t a, uint64_t b)
{
  uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
  uint64_t middle = a1 * b0 + (a0 * b0 >> 32), low = a0 * b1 + (uint32_t)middle;
  return a1 * b1 + (middle >> 32) + (low >> 32);
}

/* The number of integers from lo to hi. */
RP_FN uint64_t integer_range(int64_t lo, int64_t hi) { return (uint64_t)(hi - lo) + 1; }

/* lo + floor(v range / 2^64), v = w1 2^32 + w0 */
RP_FN int64_t integer_of(uint32_t w0, uint32_t w1, int64_t lo, uint64_t range)
{
  return lo + (int64_t)multiply_high((uint64_t)w1 << 32 | w0, range);
}

#endif
