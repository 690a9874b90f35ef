/* args.h: the argument of every kernel, as the host fills it and the device reads it. */
#ifndef RP_CUDA_ARGS_H
#define RP_CUDA_ARGS_H

#include <stdalign.h>

#include "kernel/device.h"
#include "kernel/places.h"

/* Operands of a pointwise kernel, in one walk over at most 2^31 - 1 elements; strides in bytes.  linear: every operand
 * lies in a row aligned to 16 bytes or, where `repeated`, is one element. */
#define CU_MAX_OPS 6
typedef struct cu_map {
  int      n, linear, which;
  uint64_t value; /* of a fill: the element's bits */
  uint32_t count, shape[RP_MAX_DIMS];
  char    *data[CU_MAX_OPS]; /* y a b c, or gin g y a b c */
  int64_t  stride[CU_MAX_OPS][RP_MAX_DIMS];
  int      repeated[CU_MAX_OPS];
} cu_map;

/* Results `rows` of n elements each, in blocks of RP_RB; out (rows, blocks).  divisor: 0, or what the result is divided by. */
typedef struct cu_reduce {
  const char *data;
  char       *out;
  int         op;
  places      kept, reduced; /* strides in elements */
  int64_t     rows, n, blocks;
  double      divisor;
} cu_reduce;

typedef struct cu_rows { int op; rp_rows r; } cu_rows;

/* y (outer, rows, cols) = x read with its last two dimensions exchanged; strides in elements. */
typedef struct cu_turn {
  const char *x;
  char       *y;
  places      x_at, y_at; /* of the outer dimensions */
  int64_t     outer, rows, cols, x_col, y_row;
} cu_turn;

typedef struct cu_index {
  char          *y;
  const char    *x;
  const int64_t *index, *order; /* order: positions of each sorted list, or NULL */
  int64_t        outer, size, n, inner;
  int            rows;
} cu_index;

typedef struct cu_positions {
  int64_t  *at;
  int64_t   n, size, by;
  uint64_t *fault; /* the lowest offending (call, element) */
  uint64_t  call;
} cu_positions;

/* One level of a merge sort: runs of `width` of every row become runs of 2 width. */
typedef struct cu_sort {
  const char    *x;
  char          *y;
  const int64_t *from;
  int64_t       *to;
  int64_t        rows, cols, width;
  int            descending;
} cu_sort;

/* The distinct elements of a sorted vector x (n): see rp_device. */
typedef struct cu_distinct {
  const char    *x;
  char          *y;
  const int64_t *from, *order;
  int64_t       *to, *first; /* first: where each distinct value begins in x */
  int64_t        n, by;
} cu_distinct;

#define CU_PEAK_CHAINS 16 /* of multiply-adds that do not wait for each other */
typedef struct cu_peak { float *out; int64_t rounds; } cu_peak;

typedef struct cu_draw { char *out; int64_t n; int kind; rp_draw how; } cu_draw;

/* All numbers of all slices, counted one after the other; the structure fits the 4 KiB that every launch can take. */
typedef struct cu_update {
  rp_update u;
  int64_t   total;
  rp_slice  slice[RP_SLICES];
} cu_update;

/* A tile of a product has CU_STEP terms at a time in shared memory, CU_STAGES of these. */
#define CU_STEP   16
#define CU_STAGES 3

typedef struct cu_gemm {
  int64_t     m, n, k;
  int64_t     inner, a_inner, b_inner; /* as in rp_gemm */
  const char *a; int64_t a_batch, a_row, a_col;
  const char *b; int64_t b_batch, b_row, b_col;
  char       *c; int64_t c_batch, c_row;
  const char *bias;
  int64_t     parts, blocks; /* thread blocks of one tile share the summed index: blocks of RP_KB each takes */
  char       *part;          /* (batch, parts, m, n): sums of each RP_KB block when parts > 1 */
  int         wide_a, wide_b; /* 16 bytes at a time */
} cu_gemm;

/* A term (c, q) of a convolution: where x_c lies shifted by q, and the shift in each dimension; read in one go. */
typedef struct cu_term { alignas(16) int at; int d0, d1, d2; } cu_term;
typedef struct cu_place { alignas(8) int at; int q; } cu_place;
#define CU_MASKS(positions) ((int)((positions) / 32 + 1)) /* words of a bit for each position, and one for none */
#define CU_OUTSIDE (-(1 << 30)) /* a coordinate, or a shift, outside of every image */

typedef struct cu_conv {
  rp_conv     c;
  const char *x, *w, *gy, *bias;
  char       *out;
  int64_t     pixels, positions, c_in, c_out; /* of one group */
  const cu_term  *term;  /* (terms): those of the sum, and more until a tile is full */
  const cu_place *place; /* (terms) */
  const cu_term  *spot;  /* (spots): where output pixel i begins to read, and its coordinates in the image */
  int64_t     terms, spots;
  int         wide_w; /* conv_input: 16 bytes at a time */
  int64_t     parts, blocks;
  char       *part;
} cu_conv;

#endif
