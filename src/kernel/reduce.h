/* reduce.h: sums, means, products and extremes over the last dimensions of an array, in the order of lanes.h.
 *
 * Three layouts give the same bits: elements of one result in a row; results side by side (columns), many at once;
 * anything else is packed block by block.  A long reduction is spread over threads by blocks. */
#ifndef RP_KERNEL_REDUCE_H
#define RP_KERNEL_REDUCE_H

#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "kernel/device.h"
#include "kernel/formulas.h"

#define COLUMNS 64 /* results reduced side by side: their lanes fill half of a first-level cache */

#define IS_FLOAT 1
#define number float
#define vector vector_f32
#define mask   mask_f32
#define T(name) name##_f32
typedef float   vector_f32 __attribute__((vector_size(RP_LANES * 4)));
typedef int32_t mask_f32 __attribute__((vector_size(RP_LANES * 4)));
#include "kernel/lanes.h"
#undef number
#undef vector
#undef mask
#undef T
#define number double
#define vector vector_f64
#define mask   mask_f64
#define T(name) name##_f64
typedef double  vector_f64 __attribute__((vector_size(RP_LANES * 8)));
typedef int64_t mask_f64 __attribute__((vector_size(RP_LANES * 8)));
#include "kernel/lanes.h"
#undef number
#undef vector
#undef mask
#undef T
#undef IS_FLOAT
#define IS_FLOAT 0
#define number int32_t
#define vector mask_f32
#define mask   mask_f32
#define unsigned_vector unsigned_f32
#define T(name) name##_i32
typedef uint32_t unsigned_f32 __attribute__((vector_size(RP_LANES * 4)));
#include "kernel/lanes.h"
#undef number
#undef vector
#undef mask
#undef unsigned_vector
#undef T
#define number int64_t
#define vector mask_f64
#define mask   mask_f64
#define unsigned_vector unsigned_f64
#define T(name) name##_i64
typedef uint64_t unsigned_f64 __attribute__((vector_size(RP_LANES * 8)));
#include "kernel/lanes.h"
#undef number
#undef vector
#undef mask
#undef unsigned_vector
#undef T
#undef IS_FLOAT

#define BY_TYPE(dtype, f32, f64, i32, i64)     \
  switch (dtype) {                             \
    case RP_FLOAT32: f32; break;               \
    case RP_FLOAT64: f64; break;               \
    case RP_INT32:   i32; break;               \
    default:         i64; break;               \
  }

/* What is reduced: results number `rows`, each from n elements, whose places are given by two sets of dimensions. */
typedef struct reduction {
  rp_opcode       op;
  rp_dtype        dtype;
  const rp_array *in;
  int             kept;          /* dimensions of in that stay */
  int64_t         rows, n, blocks;
  char           *out;           /* (rows, blocks): one number, or one position, per block */
  int64_t         n_reduced_dims, r_shape[RP_MAX_DIMS], r_stride[RP_MAX_DIMS]; /* merged; strides in elements */
} reduction;

static void merge_reduced(reduction *r)
{
  r->n = 1; r->n_reduced_dims = 0;
  for (int d = r->kept; d < r->in->ndim; d++) {
    int64_t size = r->in->shape[d], stride = r->in->stride[d], last = r->n_reduced_dims - 1;
    r->n *= size;
    if (size == 1) continue;
    if (last >= 0 && r->r_stride[last] == stride * size) { r->r_shape[last] *= size; r->r_stride[last] = stride; continue; }
    r->r_shape[r->n_reduced_dims] = size;
    r->r_stride[r->n_reduced_dims++] = stride;
  }
  if (r->n_reduced_dims == 0) { r->n_reduced_dims = 1; r->r_shape[0] = 1; r->r_stride[0] = 1; }
}

/* The first element of result `row`, as a byte address. */
static const char *row_start(const reduction *r, int64_t row)
{
  int64_t at = 0;
  for (int d = r->kept - 1; d >= 0; d--) { at += row % r->in->shape[d] * r->in->stride[d]; row /= r->in->shape[d]; }
  return (const char *)r->in->data + at * (int64_t)rp_dtype_size(r->dtype);
}

/* Elements begin .. begin+m-1 of a sequence, gathered into buffer unless they already lie in a row. */
static const void *sequence(const reduction *r, const char *start, int64_t begin, int64_t m, void *buffer)
{
  const int64_t size = (int64_t)rp_dtype_size(r->dtype);
  const int     last = (int)r->n_reduced_dims - 1;
  if (last == 0 && r->r_stride[0] == 1) return start + begin * size;
  for (int64_t i = 0; i < m; ) {
    int64_t rest = begin + i, at = 0, inner = rest % r->r_shape[last];
    rest /= r->r_shape[last];
    for (int d = last - 1; d >= 0; d--) { at += rest % r->r_shape[d] * r->r_stride[d]; rest /= r->r_shape[d]; }
    int64_t run = r->r_shape[last] - inner < m - i ? r->r_shape[last] - inner : m - i, s = r->r_stride[last];
    const char *from = start + (at + inner * s) * size;
    if (size == 4) for (int64_t k = 0; k < run; k++) memcpy((char *)buffer + (i + k) * 4, from + k * s * 4, 4);
    else           for (int64_t k = 0; k < run; k++) memcpy((char *)buffer + (i + k) * 8, from + k * s * 8, 8);
    i += run;
  }
  return buffer;
}

/* Results of whole blocks; the index runs over (row, block). */
static void reduce_blocks(void *context, int64_t begin, int64_t end)
{
  const reduction *r = context;
  _Alignas(64) char buffer[RP_RB * 8];
  for (int64_t i = begin; i < end; i++) {
    int64_t at = i % r->blocks * RP_RB, m = r->n - at < RP_RB ? r->n - at : RP_RB;
    const void *x = sequence(r, row_start(r, i / r->blocks), at, m, buffer);
    BY_TYPE(r->dtype, ((float   *)r->out)[i] = reduce_block_f32(r->op, x, m),
                      ((double  *)r->out)[i] = reduce_block_f64(r->op, x, m),
                      ((int32_t *)r->out)[i] = reduce_block_i32(r->op, x, m),
                      ((int64_t *)r->out)[i] = reduce_block_i64(r->op, x, m))
  }
}

/* Strips of at most COLUMNS results that lie side by side; the index runs over (outer, block, strip). */
static void reduce_strips(void *context, int64_t begin, int64_t end)
{
  const reduction *r = context;
  const int64_t inner = r->in->shape[r->kept - 1], strips = (inner + COLUMNS - 1) / COLUMNS;
  const int64_t size = (int64_t)rp_dtype_size(r->dtype), s = r->r_stride[0];
  for (int64_t i = begin; i < end; i++) {
    int64_t strip = i % strips, block = i / strips % r->blocks, outer = i / strips / r->blocks;
    int64_t c = strip * COLUMNS, width = inner - c < COLUMNS ? inner - c : COLUMNS;
    int64_t at = block * RP_RB, m = r->n - at < RP_RB ? r->n - at : RP_RB;
    const char *x = row_start(r, outer * inner + c) + at * s * size;
    char *out = r->out + ((outer * r->blocks + block) * inner + c) * size;
    BY_TYPE(r->dtype, reduce_columns_f32(r->op, (void *)out, (const void *)x, s, m, width),
                      reduce_columns_f64(r->op, (void *)out, (const void *)x, s, m, width),
                      reduce_columns_i32(r->op, (void *)out, (const void *)x, s, m, width),
                      reduce_columns_i64(r->op, (void *)out, (const void *)x, s, m, width))
  }
}

static void arg_rows(void *context, int64_t begin, int64_t end)
{
  const reduction *r = context;
  char *buffer = rp_alloc((size_t)r->n * 8);
  for (int64_t i = begin; i < end; i++) {
    if (!buffer) { ((int64_t *)r->out)[i] = -1; continue; } /* reported by the caller */
    const void *x = sequence(r, row_start(r, i), 0, r->n, buffer);
    int64_t *at = (int64_t *)r->out + i;
    BY_TYPE(r->dtype, *at = arg_extreme_f32(r->op, x, r->n), *at = arg_extreme_f64(r->op, x, r->n),
                      *at = arg_extreme_i32(r->op, x, r->n), *at = arg_extreme_i64(r->op, x, r->n))
  }
  rp_release(buffer);
}

static bool side_by_side(const reduction *r)
{
  return r->n_reduced_dims == 1 && r->kept > 0 && r->n > 1 && r->in->stride[r->kept - 1] == 1
      && r->in->shape[r->kept - 1] > 1 && r->r_stride[0] != 1;
}

/* One level: blocks of every result into r->out.  `columns` says that the blocks lie (outer, block, inner). */
static void reduce_level(reduction *r, bool columns)
{
  int64_t work = r->n < RP_RB ? r->n : RP_RB;
  if (columns) {
    int64_t inner = r->in->shape[r->kept - 1], strips = (inner + COLUMNS - 1) / COLUMNS;
    int64_t width = inner < COLUMNS ? inner : COLUMNS;
    rp_parallel(r->rows / inner * r->blocks * strips, 1 + 32768 / (work * width), reduce_strips, r);
  } else {
    rp_parallel(r->rows * r->blocks, 1 + 32768 / work, reduce_blocks, r);
  }
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
  reduction r = { .op = op, .dtype = in->dtype, .in = in, .kept = kept, .rows = rows };
  merge_reduced(&r);
  r.blocks = (r.n + RP_RB - 1) / RP_RB;
  bool columns = side_by_side(&r);
  if (r.blocks == 1) { r.out = out->data; reduce_level(&r, columns); return RP_OK; }
  char *part = rp_alloc((size_t)(rows * r.blocks) * rp_dtype_size(r.dtype));
  if (!part) return RP_ENOMEM;
  r.out = part;
  reduce_level(&r, columns);
  int64_t  inner = columns ? in->shape[kept - 1] : 1; /* the block results, as an array (outer, inner, blocks) */
  rp_array next = { .data = part, .dtype = r.dtype, .ndim = 3, .shape = { rows / inner, inner, r.blocks },
                    .stride = { inner * r.blocks, columns ? 1 : r.blocks, columns ? inner : 1 } };
  rp_status status = reduce_sequence(op, out, &next, 2, rows);
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
  reduction r = { .op = op, .dtype = in->dtype, .in = in, .kept = kept, .rows = rows, .out = out->data };
  merge_reduced(&r);
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
