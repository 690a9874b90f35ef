/* stream.h: results too large for any cache, written past them.
 *
 * An ordinary store first reads the line that it writes.  A piece is computed in a buffer instead and sent from there
 * by stores that do not. */
#ifndef RP_KERNEL_STREAM_H
#define RP_KERNEL_STREAM_H

#include <stdint.h>
#include <string.h>

#include "base/target.h"

#if defined(__SSE2__)
#include <immintrin.h>
#define STREAM_FROM ((int64_t)32 << 20) /* bytes of a result */

static void stream(char *to, const char *from, size_t n)
{
  const size_t head = -(uintptr_t)to & 63, first = head < n ? head : n;
  memcpy(to, from, first);
  for (to += first, from += first, n -= first; n >= 64; to += 64, from += 64, n -= 64) {
#if defined(__AVX512F__)
    _mm512_stream_si512((__m512i *)(void *)to, _mm512_loadu_si512(from));
#else
    for (int i = 0; i < 64; i += 16)
      _mm_stream_si128((__m128i *)(void *)(to + i), _mm_loadu_si128((const __m128i *)(const void *)(from + i)));
#endif
  }
  memcpy(to, from, n);
}

/* After this, other threads see what was sent. */
static void stream_done(void) { _mm_sfence(); }

#else
#define STREAM_FROM INT64_MAX
static void stream(char *to, const char *from, size_t n) { memcpy(to, from, n); }
static void stream_done(void) { }
#endif

#endif
