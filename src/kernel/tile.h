/* tile.h: the register tile under every summed product: at most TILE_ROWS rows of two vectors (or WIDE_ROWS of eight).
 *
 *   s(r, j) = the ascending chain of fused multiply-adds from +0 over p = 0 .. n-1 of a(r, p) b(p, j)
 *   c(r, j) = s, or c + s, and then + bias(j) if there is one
 *
 * n never exceeds RP_KB in one call: the caller cuts the summed index into blocks and runs them in ascending order.
 * The rows are dealt out evenly, so a tile may have any number of rows from 1; each number is a function of its own. */
#ifndef RP_KERNEL_TILE_H
#define RP_KERNEL_TILE_H

#include <stdbool.h>

#include "kernel/device.h"
#include "kernel/vector.h"

#define LANES      ((int)(VEC_BYTES / sizeof(number))) /* of the type at hand */
#define PIECE      ((int)(16 / sizeof(number)))        /* numbers in 16 bytes */
#define TILE_VECS  2
#define WIDE_VECS  8
#define TILE_COLS  (TILE_VECS * LANES)
#define LINE_BYTES 64                                    /* of a cache */
#define TILE_PACE  16                                    /* terms from one request for memory to the next */
#define TILE_AHEAD 8                                     /* terms by which packed columns are fetched in advance */
#define TILE_PITCH (RP_KB + 16)                          /* rows at a distance that spreads them over a cache */
#define PACK_TURN  8                                     /* terms that are read before they are packed */
#define TILE_LANES (TILE_VECS * VEC_BYTES / 4)         /* of the smaller type */

/* Where the operands of a tile lie. */
typedef enum tile_kind {
  TILE_PACKED, /* a: the rows side by side for each term; b: the vectors side by side for each term */
  TILE_BESIDE, /* a: any strides; b: packed */
  TILE_DIRECT, /* a: any strides; b: rows of adjacent columns */
  TILE_SHIFTED, /* a: as packed; b: term p starts at b_at[p], its vectors are b_vec apart */
  TILE_APART    /* a: rows TILE_PITCH apart, terms adjacent; b: term p starts at b_at[p], its vectors are adjacent */
} tile_kind;

static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t min_int(int64_t a, int64_t b) { return a < b ? a : b; }

/* Where part i of n things dealt evenly to `parts` begins. */
static inline int64_t part_begin(int64_t n, int64_t parts, int64_t i) { return n / parts * i + min_int(i, n % parts); }

/* Memory that will be read soon, to be asked for line by line: rows of `length` bytes, `apart` from each other.  Addresses
 * are numbers here, because what is asked for may run past the end. */
typedef struct soon { uintptr_t at, end; int64_t apart, length, left; } soon; /* end: of the row; left: lines */

static inline soon soon_of(const void *x, int64_t rows, int64_t length, int64_t apart)
{
  uintptr_t at = (uintptr_t)x / LINE_BYTES * LINE_BYTES;
  length += (int64_t)((uintptr_t)x - at);
  return (soon){ at, at + (uintptr_t)length, apart, length, rows * ceil_div(length, LINE_BYTES) };
}

static inline void soon_next(soon *s)
{
  __builtin_prefetch((const void *)s->at, 0, 2); /* for the second-level cache */
  uintptr_t next = s->at + LINE_BYTES, end = s->end + (uintptr_t)s->apart;
  bool      last = next >= s->end;
  s->at  = last ? end - (uintptr_t)s->length : next;
  s->end = last ? end : s->end;
}

#define BODY "kernel/tile_body.h"
#include "kernel/both_floats.h"

#endif
