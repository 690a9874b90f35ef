/* reductions.c: sums, extremes and rows. */
#include <stdio.h>

#include "cuda/internal.h"

static const char *reduction_name(rp_opcode op)
{
  return op == RP_OP_prod ? "prod" : op == RP_OP_max ? "max" : op == RP_OP_min ? "min" : "sum";
}

static int64_t at_most(int64_t n, int64_t most) { return n < most ? n : most; }

/* One level: the blocks of every result. */
static rp_status level(const char *name, const char *type, const cu_reduce *r)
{
  const places *kept = &r->kept, *reduced = &r->reduced;
  char kernel[48];
  bool columns = r->rows > 1 && kept->stride[kept->n - 1] == 1 && reduced->stride[reduced->n - 1] != 1;
  bool is_short = !columns && r->n <= 32 && reduced->n == 1;
  snprintf(kernel, sizeof kernel, "%s_%s_%s", name, columns ? "columns" : is_short ? "short" : "rows", type);
  if (is_short) return cu_launch_over(CU_SUMS, kernel, r->rows, r);
  if (columns) return cu_launch(CU_SUMS, kernel, at_most((r->rows + 31) / 32 * r->blocks, 1 << 20), 1024, 0, r);
  return cu_launch(CU_SUMS, kernel, at_most((r->rows * r->blocks + 7) / 8, 1 << 20), 256, 0, r);
}

static rp_status sequence(rp_opcode op, const rp_array *out, const rp_array *in, int kept, int64_t rows, double divisor)
{
  cu_reduce r = { .op = op, .data = in->data, .rows = rows, .n = 1 };
  merge_dims(&r.kept, in, 0, kept);
  merge_dims(&r.reduced, in, kept, in->ndim);
  for (int d = kept; d < in->ndim; d++) r.n *= in->shape[d];
  r.blocks = (r.n + RP_RB - 1) / RP_RB;
  if (r.blocks == 1) { r.out = out->data; r.divisor = divisor; return level(reduction_name(op), cu_suffix(in->dtype), &r); }
  size_t bytes = (size_t)(rows * r.blocks) * rp_dtype_size(in->dtype);
  if (!(r.out = cu_alloc(bytes))) return RP_ENOMEM;
  rp_array  next = { .data = r.out, .dtype = in->dtype, .ndim = 2, .shape = { rows, r.blocks }, .stride = { r.blocks, 1 } };
  rp_status status = level(reduction_name(op), cu_suffix(in->dtype), &r);
  if (status == RP_OK) status = sequence(op, out, &next, 1, rows, divisor);
  cu_release(r.out, bytes);
  return status;
}

static rp_status positions(rp_opcode op, const rp_array *out, const rp_array *in, int kept, int64_t rows, int64_t n)
{
  cu_reduce r = { .op = op, .data = in->data, .out = out->data, .rows = rows, .n = n, .blocks = 1 };
  char kernel[48];
  merge_dims(&r.kept, in, 0, kept);
  merge_dims(&r.reduced, in, kept, in->ndim);
  snprintf(kernel, sizeof kernel, "extreme_rows_%s", cu_suffix(in->dtype));
  return cu_launch(CU_SUMS, kernel, at_most(rows, 1 << 20), n <= 64 ? 32 : 256, 0, &r);
}

rp_status cu_reduce_run(rp_opcode op, const rp_array *out, const rp_array *in, int n_dims)
{
  int     kept = in->ndim - n_dims;
  int64_t rows = 1, n = 1;
  for (int d = 0; d < kept; d++) rows *= in->shape[d];
  for (int d = kept; d < in->ndim; d++) n *= in->shape[d];
  if (rows == 0) return RP_OK;
  if (op == RP_OP_argmax || op == RP_OP_argmin) return positions(op, out, in, kept, rows, n);
  if (n == 0) return cu_fill(out, op == RP_OP_prod ? 1 : op == RP_OP_mean ? __builtin_nan("") : 0);
  return sequence(op, out, in, kept, rows, op == RP_OP_mean ? (double)n : 0);
}

/* ---- rows ---- */

/* Shared memory for the results of a row's blocks of RP_RB, and of blocks of those. */
static size_t parts_bytes(const rp_rows *r)
{
  size_t parts = 0;
  for (int64_t n = r->cols; n > 1 || parts == 0; ) { n = (n + RP_RB - 1) / RP_RB; parts += (size_t)n; }
  return parts * rp_dtype_size(r->dtype);
}

static rp_status rows_launch(const char *name, rp_opcode op, const rp_rows *r)
{
  cu_rows args = { op, *r };
  char    kernel[48];
  size_t  shared = parts_bytes(r);
  if (shared > (size_t)cu_now.shared_bytes)
    return rp_fail(RP_EDEVICE, "rows of %lld elements are longer than this GPU's shared memory allows; use the CPU for them", (long long)r->cols);
  snprintf(kernel, sizeof kernel, "%s_%s", name, cu_suffix(r->dtype));
  int threads = r->cols <= 256 ? 32 : r->cols <= 2048 ? 128 : 512;
  return cu_launch(CU_SUMS, kernel, at_most(r->rows, 1 << 20), threads, shared, &args);
}

rp_status cu_row(rp_opcode op, const rp_rows *r)
{
  rp_rows with = *r;
  size_t  bytes = (size_t)(r->rows * r->cols) * rp_dtype_size(r->dtype);
  if (bytes == 0) return RP_OK;
  if (op != RP_OP_logsumexp) return rows_launch("row", op, r);
  if (!(with.gx = cu_alloc(bytes))) return RP_ENOMEM; /* the exponentials of each row */
  rp_status status = rows_launch("row", op, &with);
  cu_release(with.gx, bytes);
  return status;
}

rp_status cu_row_back(rp_opcode op, const rp_rows *r)
{
  return r->rows > 0 && r->cols > 0 ? rows_launch("row_back", op, r) : RP_OK;
}
