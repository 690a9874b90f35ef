/* reduce.h: sums, means, products and extremes over the last dimensions of an array, in the order of lanes.h.
 *
 * Three ways give the same bits: a result whose elements lie in a row; many results side by side (columns, and rows
 * shorter than the lanes); anything else is packed block by block.  A long reduction is spread over threads by blocks. */
#ifndef RP_KERNEL_REDUCE_H
#define RP_KERNEL_REDUCE_H

#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "kernel/device.h"
#include "kernel/formulas.h"
#include "kernel/places.h"

#define COLUMNS    64 /* results reduced side by side: their lanes fill half of a first-level cache */
#define ROWS_AHEAD 8  /* by which pieces of rows are called for */
#define ARG_SHORT  64 /* rows whose extreme is looked for one by one */
#define ARG_BLOCK  1024 /* of longer ones the block is found first; at most RP_RB */

/* Where element i, counted in row-major order, lies. */
static int64_t place(const places *p, int64_t i)
{
  int64_t at = 0;
  for (int d = p->n - 1; d > 0; d--) { at += i % p->shape[d] * p->stride[d]; i /= p->shape[d]; }
  return at + i * p->stride[0];
}

/* At most COLUMNS consecutive results, in runs of equal stride: the place of the first element of each. */
typedef struct strip { const void *data; int64_t width, runs, stride, start[COLUMNS], length[COLUMNS]; } strip;

static void make_strip(strip *s, const void *data, const places *kept, int64_t row, int64_t width)
{
  const int64_t inner = kept->shape[kept->n - 1];
  s->data = data; s->width = width; s->stride = kept->stride[kept->n - 1]; s->runs = 0;
  while (width > 0) {
    int64_t m = inner - row % inner < width ? inner - row % inner : width;
    s->start[s->runs] = place(kept, row);
    s->length[s->runs++] = m;
    row += m;
    width -= m;
  }
}

#define BODY "kernel/lanes.h"
#include "kernel/every_type.h"

#define BY_TYPE(dtype, f32, f64, i32, i64)     \
  switch (dtype) {                             \
    case RP_FLOAT32: f32; break;               \
    case RP_FLOAT64: f64; break;               \
    case RP_INT32:   i32; break;               \
    default:         i64; break;               \
  }

/* What is reduced: results number `rows`, each from n elements. */
typedef struct reduction {
  rp_opcode   op;
  rp_dtype    dtype;
  const void *data;
  places      kept, reduced;
  int64_t     rows, n, blocks;
  char       *out;              /* (rows, blocks): one number, or one position, per block */
} reduction;

static void start_reduction(reduction *r, rp_opcode op, const rp_array *in, int kept, int64_t rows)
{
  r->op = op; r->dtype = in->dtype; r->data = in->data; r->rows = rows; r->n = 1;
  merge_dims(&r->kept, in, 0, kept);
  merge_dims(&r->reduced, in, kept, in->ndim);
  for (int d = kept; d < in->ndim; d++) r->n *= in->shape[d];
}

/* Elements begin .. begin+m-1 of a result, gathered into buffer unless they already lie in a row. */
static const void *sequence(const reduction *r, int64_t row, int64_t begin, int64_t m, void *buffer)
{
  const int64_t size = (int64_t)rp_dtype_size(r->dtype);
  const int     last = r->reduced.n - 1;
  const int64_t inner = r->reduced.shape[last], s = r->reduced.stride[last];
  const char   *start = (const char *)r->data + place(&r->kept, row) * size;
  if (last == 0 && s == 1) return start + begin * size;
  for (int64_t i = 0; i < m; ) {
    int64_t rest = inner - (begin + i) % inner, run = rest < m - i ? rest : m - i;
    const char *from = start + place(&r->reduced, begin + i) * size;
    if (s == 1)         memcpy((char *)buffer + i * size, from, (size_t)(run * size));
    else if (size == 4) for (int64_t k = 0; k < run; k++) memcpy((char *)buffer + (i + k) * 4, from + k * s * 4, 4);
    else                for (int64_t k = 0; k < run; k++) memcpy((char *)buffer + (i + k) * 8, from + k * s * 8, 8);
    i += run;
  }
  return buffer;
}

/* Results of whole blocks, one after the other; the index runs over (row, block). */
static void reduce_blocks(void *context, int64_t begin, int64_t end)
{
  const reduction *r = context;
  _Alignas(64) char buffer[RP_RB * 8];
  for (int64_t i = begin; i < end; i++) {
    int64_t at = i % r->blocks * RP_RB, m = r->n - at < RP_RB ? r->n - at : RP_RB;
    const void *x = sequence(r, i / r->blocks, at, m, buffer);
    BY_TYPE(r->dtype, ((float   *)r->out)[i] = reduce_block_f32(r->op, x, m),
                      ((double  *)r->out)[i] = reduce_block_f64(r->op, x, m),
                      ((int32_t *)r->out)[i] = reduce_block_i32(r->op, x, m),
                      ((int64_t *)r->out)[i] = reduce_block_i64(r->op, x, m))
  }
}

/* Blocks of COLUMNS results together; the index runs over (strip, block). */
static void reduce_strips(void *context, int64_t begin, int64_t end)
{
  const reduction *r = context;
  strip s;
  for (int64_t i = begin; i < end; i++) {
    int64_t row = i / r->blocks * COLUMNS, at = i % r->blocks * RP_RB, m = r->n - at < RP_RB ? r->n - at : RP_RB;
    int64_t to = row * r->blocks + i % r->blocks;
    make_strip(&s, r->data, &r->kept, row, r->rows - row < COLUMNS ? r->rows - row : COLUMNS);
    BY_TYPE(r->dtype, reduce_strip_f32(r->op, (float *)r->out + to, r->blocks, &s, &r->reduced, at, m),
                      reduce_strip_f64(r->op, (double *)r->out + to, r->blocks, &s, &r->reduced, at, m),
                      reduce_strip_i32(r->op, (int32_t *)r->out + to, r->blocks, &s, &r->reduced, at, m),
                      reduce_strip_i64(r->op, (int64_t *)r->out + to, r->blocks, &s, &r->reduced, at, m))
  }
}

static void arg_rows(void *context, int64_t begin, int64_t end)
{
  const reduction *r = context;
  char *buffer = rp_alloc((size_t)r->n * 8);
  for (int64_t i = begin; i < end; i++) {
    if (!buffer) { ((int64_t *)r->out)[i] = -1; continue; } /* reported by the caller */
    const void *x = sequence(r, i, 0, r->n, buffer);
    int64_t *at = (int64_t *)r->out + i;
    BY_TYPE(r->dtype, *at = arg_extreme_f32(r->op, x, r->n), *at = arg_extreme_f64(r->op, x, r->n),
                      *at = arg_extreme_i32(r->op, x, r->n), *at = arg_extreme_i64(r->op, x, r->n))
  }
  rp_release(buffer);
}

/* Rows shorter than the lanes, and columns, are reduced side by side. */
static bool side_by_side(const reduction *r)
{
  if (r->rows == 1 || r->n == 1) return r->rows > 1;
  bool columns = r->kept.stride[r->kept.n - 1] == 1 && r->reduced.stride[r->reduced.n - 1] != 1;
  return columns || r->n < RP_LANES;
}

/* One level: blocks of every result into r->out. */
static void reduce_level(reduction *r)
{
  int64_t work = r->n < RP_RB ? r->n : RP_RB, width = r->rows < COLUMNS ? r->rows : COLUMNS;
  if (side_by_side(r)) rp_parallel((r->rows + COLUMNS - 1) / COLUMNS * r->blocks, 1 + 32768 / (work * width), reduce_strips, r);
  else                 rp_parallel(r->rows * r->blocks, 1 + 32768 / work, reduce_blocks, r);
}

static void fill_identity(rp_opcode op, const rp_array *out, int64_t rows)
{
  for (int64_t i = 0; i < rows; i++) {
    double v = op == RP_OP_prod ? 1 : op == RP_OP_mean ? __builtin_nan("") : 0;
    BY_TYPE(out->dtype, ((float *)out->data)[i] = (float)v, ((double *)out->data)[i] = v,
                        ((int32_t *)out->data)[i] = (int32_t)v, ((int64_t *)out->data)[i] = (int64_t)v)
  }
}

static rp_status reduce_sequence(rp_opcode op, const rp_array *out, const rp_array *in, int kept, int64_t rows)
{
  reduction r;
  start_reduction(&r, op, in, kept, rows);
  r.blocks = (r.n + RP_RB - 1) / RP_RB;
  if (r.blocks == 1) { r.out = out->data; reduce_level(&r); return RP_OK; }
  char *part = rp_alloc((size_t)(rows * r.blocks) * rp_dtype_size(r.dtype));
  if (!part) return RP_ENOMEM;
  r.out = part;
  reduce_level(&r);
  rp_array next = { .data = part, .dtype = r.dtype, .ndim = 2, .shape = { rows, r.blocks }, .stride = { r.blocks, 1 } };
  rp_status status = reduce_sequence(op, out, &next, 1, rows);
  rp_release(part);
  return status;
}

static void divide_all(const rp_array *out, int64_t rows, double n)
{
  if (out->dtype == RP_FLOAT32) for (int64_t i = 0; i < rows; i++) ((float *)out->data)[i] /= (float)n;
  else                          for (int64_t i = 0; i < rows; i++) ((double *)out->data)[i] /= n;
}

static rp_status reduce_positions(rp_opcode op, const rp_array *out, const rp_array *in, int kept, int64_t rows)
{
  reduction r;
  start_reduction(&r, op, in, kept, rows);
  r.out = out->data;
  rp_parallel(rows, 1 + 32768 / r.n, arg_rows, &r);
  for (int64_t i = 0; i < rows; i++)
    if (((int64_t *)out->data)[i] < 0) return RP_ENOMEM;
  return RP_OK;
}

static rp_status reduce(rp_opcode op, const rp_array *out, const rp_array *in, int n_dims)
{
  int     kept = in->ndim - n_dims;
  int64_t rows = 1, n = 1;
  for (int d = 0; d < kept; d++) rows *= in->shape[d];
  for (int d = kept; d < in->ndim; d++) n *= in->shape[d];
  if (rows == 0) return RP_OK;
  if (op == RP_OP_argmax || op == RP_OP_argmin) return reduce_positions(op, out, in, kept, rows);
  if (n == 0) { fill_identity(op, out, rows); return RP_OK; }
  RP_TRY(reduce_sequence(op == RP_OP_mean ? RP_OP_sum : op, out, in, kept, rows));
  if (op == RP_OP_mean) divide_all(out, rows, (double)n);
  return RP_OK;
}

#endif
