/* indexing.c: gather, scatter, sort and positions. */
#include <stdio.h>

#include "cuda/internal.h"

#define SCAN 64 /* sources of a list that each destination may as well look through one by one */

rp_status cu_gather(const rp_array *y, const rp_array *x, const int64_t *index, int64_t outer, int64_t size, int64_t n,
                    int64_t inner, bool rows)
{
  cu_index b = { .y = y->data, .x = x->data, .index = index, .outer = outer, .size = size, .n = n, .inner = inner, .rows = rows };
  size_t   e = rp_dtype_size(y->dtype);
  return cu_launch_over(CU_ELEMENTS, e == 1 ? "gather_1" : e == 4 ? "gather_4" : "gather_8", outer * n * inner, &b);
}

/* ---- sorting ---- */

static rp_status sort_order(int64_t *order, int64_t *spare, const void *x, rp_dtype dtype, int64_t rows, int64_t cols, bool descending)
{
  char    kernel[48];
  int     passes = 0;
  for (int64_t w = 1; w < cols; w *= 2) passes++;
  cu_sort s = { .x = x, .rows = rows, .cols = cols, .descending = descending };
  int64_t *from = passes % 2 ? spare : order, *to = passes % 2 ? order : spare; /* the last pass ends in order */
  s.to = from;
  RP_TRY(cu_launch_over(CU_ELEMENTS, "sort_start", rows * cols, &s));
  snprintf(kernel, sizeof kernel, "sort_merge_%s", cu_suffix(dtype));
  for (s.width = 1; s.width < cols; s.width *= 2) {
    s.from = from; s.to = to;
    RP_TRY(cu_launch_over(CU_ELEMENTS, kernel, rows * cols, &s));
    int64_t *swap = from; from = to; to = swap;
  }
  return RP_OK;
}

/* order (rows, cols) receives the positions of each row's elements in ascending (descending) order. */
static rp_status order_of(int64_t *order, const void *x, rp_dtype dtype, int64_t rows, int64_t cols, bool descending)
{
  size_t   bytes = (size_t)(rows * cols) * sizeof *order;
  int64_t *spare = cu_alloc(bytes);
  if (!spare) return RP_ENOMEM;
  rp_status status = sort_order(order, spare, x, dtype, rows, cols, descending);
  cu_release(spare, bytes);
  return status;
}

/* All of each row, whatever is the first part that was asked for. */
rp_status cu_sort_run(const rp_array *y, int64_t *order, const rp_array *x, int64_t rows, int64_t cols, int64_t first, bool descending)
{
  (void)first;
  cu_sort s = { .x = x->data, .y = y->data, .from = order, .rows = rows, .cols = cols };
  char    kernel[48];
  if (rows * cols == 0) return RP_OK;
  RP_TRY(order_of(order, x->data, x->dtype, rows, cols, descending));
  snprintf(kernel, sizeof kernel, "sort_take_%s", cu_suffix(x->dtype));
  return cu_launch_over(CU_ELEMENTS, kernel, rows * cols, &s);
}

/* ---- scatter ---- */

/* The index lists as rows: one list, or (outer, inner, n) from (outer, n, inner). */
static rp_status sorted_lists(int64_t *order, int64_t *keys, const cu_index *b)
{
  if (b->rows) return order_of(order, b->index, RP_INT64, 1, b->n, false);
  rp_array in = { .data = (void *)(uintptr_t)b->index, .dtype = RP_INT64, .ndim = 3, .shape = { b->outer, b->inner, b->n },
                  .stride = { b->n * b->inner, 1, b->inner } }, out = in;
  out.data = keys;
  out.stride[0] = b->n * b->inner; out.stride[1] = b->n; out.stride[2] = 1;
  RP_TRY(cu_copy(&out, &in));
  return order_of(order, keys, RP_INT64, b->outer * b->inner, b->n, false);
}

rp_status cu_scatter_add(const rp_array *y, const rp_array *x, const int64_t *index, int64_t outer, int64_t size, int64_t n,
                         int64_t inner, bool rows)
{
  cu_index b = { .y = y->data, .x = x->data, .index = index, .outer = outer, .size = size, .n = n, .inner = inner, .rows = rows };
  size_t    bytes = (size_t)(rows ? n : outer * n * inner) * sizeof *index;
  int64_t  *order = NULL, *keys = NULL;
  rp_status status = RP_OK;
  if (n > SCAN) {
    if (!(order = cu_alloc(bytes))) return RP_ENOMEM;
    if (!rows && !(keys = cu_alloc(bytes))) status = RP_ENOMEM;
    if (status == RP_OK) status = sorted_lists(order, keys, &b);
    b.order = order;
  }
  if (status == RP_OK)
    status = cu_launch_over(CU_ELEMENTS, y->dtype == RP_FLOAT32 ? "scatter_f32" : "scatter_f64", outer * size * inner, &b);
  cu_release(order, bytes);
  cu_release(keys, bytes);
  return status;
}

/* ---- the distinct elements of a sorted vector ---- */

static rp_status cu_distinct_named(const char *what, const rp_array *x, const cu_distinct *p)
{
  char kernel[32];
  snprintf(kernel, sizeof kernel, "distinct_%s_%s", what, cu_suffix(x->dtype));
  return cu_launch_over(CU_ELEMENTS, kernel, p->n, p);
}

/* Two buffers of n positions take turns in the scan; then one keeps where values begin. */
rp_status cu_distinct_run(const rp_array *y, int64_t *n_distinct, int64_t *inverse, int64_t *count, const rp_array *x, const int64_t *order)
{
  const int64_t n = cu_count(x);
  const size_t  bytes = (size_t)n * sizeof(int64_t);
  int64_t  *buffer = cu_alloc(2 * bytes), *sums = buffer, *other = buffer + n;
  if (!buffer) return RP_ENOMEM;
  cu_distinct p = { .x = x->data, .y = y->data, .order = order, .to = sums, .n = n, .by = 1 };
  rp_status   status = cu_distinct_named("mark", x, &p);
  for (; p.by < n && status == RP_OK; p.by *= 2) {
    p.from = sums; p.to = other;
    status = cu_launch_over(CU_ELEMENTS, "distinct_scan", n, &p);
    other = sums; sums = p.to;
  }
  p.from = sums; p.first = other; p.to = inverse;
  if (status == RP_OK) status = cu_distinct_named("take", x, &p);
  if (status == RP_OK) status = cu_download(n_distinct, sums + n - 1, sizeof *n_distinct);
  cu_distinct of_count = { .first = other, .to = count, .n = *n_distinct, .by = n };
  if (status == RP_OK) status = cu_launch_over(CU_ELEMENTS, "distinct_count", of_count.n, &of_count);
  cu_release(buffer, 2 * bytes);
  return status;
}

/* ---- positions ----
 *
 * A position outside its range is found by the device, which does not wait for the host, nor the host for it: the first one
 * is kept and reported when the host waits next. */

#define CALLS 1024 /* latest calls whose names are kept */

static struct { const char *who; int64_t size; } calls[CALLS], captured[CALLS]; /* those of graphs stay */
static uint64_t  n_calls, n_captured;
#define CAPTURED ((uint64_t)0x800000)
static uint64_t *fault; /* on the device */

static rp_status fault_word(void)
{
  const uint64_t none = UINT64_MAX;
  if (fault) return RP_OK;
  if (!(fault = cu_alloc(sizeof *fault))) return RP_ENOMEM;
  return cu_upload(fault, &none, sizeof none);
}

rp_status cu_positions_run(int64_t *at, int64_t n, int64_t size, const char *who)
{
  if (n == 0) return RP_OK;
  RP_TRY(fault_word());
  uint64_t call = cu_now.capturing ? CAPTURED | (n_captured++ % CALLS) : n_calls++ & (CAPTURED - 1);
  cu_positions p = { .at = at, .n = n, .size = size, .fault = fault, .call = call };
  if (cu_now.capturing) { captured[call % CALLS].who = who; captured[call % CALLS].size = size; }
  else                  { calls[call % CALLS].who = who; calls[call % CALLS].size = size; }
  return cu_launch_over(CU_ELEMENTS, "positions", n, &p);
}

rp_status cu_shift(int64_t *at, int64_t n, int64_t by)
{
  cu_positions p = { .at = at, .n = n, .by = by };
  return cu_launch_over(CU_ELEMENTS, "shift", n, &p);
}

void cu_positions_again(void) { n_calls++; }

/* Called when the stream is idle. */
rp_status cu_faults(void)
{
  uint64_t found = UINT64_MAX;
  const uint64_t none = UINT64_MAX;
  static uint64_t asked; /* calls before this one are known to be right */
  if (!fault || asked == n_calls) return RP_OK;
  asked = n_calls;
  RP_TRY(cu_check(cu_now.d->to_host(&found, (cu_pointer)(uintptr_t)fault, sizeof found, cu_now.stream), "positions"));
  RP_TRY(cu_check(cu_now.d->stream_wait(cu_now.stream), "positions"));
  if (found == none) return RP_OK;
  RP_TRY(cu_upload(fault, &none, sizeof none));
  uint64_t call = found >> 40, at = call % CALLS;
  return rp_fail(RP_ERANGE, "%s: index element %lld lies outside 1..%lld (found on the GPU, which runs behind the script: set "
                 "REPRO_CUDA_SYNC=1 to stop at the line)", call & CAPTURED ? captured[at].who : calls[at].who, (long long)(found & 0xffffffffff) + 1,
                 (long long)(call & CAPTURED ? captured[at].size : calls[at].size));
}
