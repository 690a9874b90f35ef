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
#define TILE_AHEAD 8                                     /* terms by which packed columns are fetched in advance */
#define TILE_PITCH (RP_KB + 16)                           /* rows at a distance that spreads them over a cache */
#define TILE_LANES (TILE_VECS * VEC_BYTES / 4)         /* of the smaller type */

/* Where the operands of a tile lie. */
typedef enum tile_kind {
  TILE_PACKED, /* a: the rows side by side for each term; b: the vectors side by side for each term */
  TILE_DIRECT, /* a: any strides; b: rows of adjacent columns */
  TILE_SHIFTED, /* a: as packed; b: term p starts at b_at[p], its vectors are b_vec apart */
  TILE_APART    /* a: rows TILE_PITCH apart, terms adjacent; b: term p starts at b_at[p], its vectors are adjacent */
} tile_kind;

static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t min_int(int64_t a, int64_t b) { return a < b ? a : b; }

/* Where part i of n things dealt evenly to `parts` begins. */
static inline int64_t part_begin(int64_t n, int64_t parts, int64_t i) { return n / parts * i + min_int(i, n % parts); }

#define BODY "kernel/tile_body.h"
#include "kernel/both_floats.h"

#endif
