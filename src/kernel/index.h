/* index.h: copying, selecting and adding by position; sorting.
 *
 * A scatter-add gives every destination one owner, which adds what comes to it in the order of the source. */
#ifndef RP_KERNEL_INDEX_H
#define RP_KERNEL_INDEX_H

#include "kernel/elements.h"
#include "kernel/map.h"
#include "kernel/tile.h"

/* ---- copies with conversion ---- */

#define CONVERT(to_name, to, from_name, from)                                                \
  static void from_name##_to_##to_name(const void *unused, int64_t n, char *const *p)        \
  {                                                                                          \
    (void)unused;                                                                            \
    to *restrict y = (void *)p[0]; const from *x = (const void *)p[1];                       \
    for (int64_t i = 0; i < n; i++) y[i] = to_name##_of_##from_name(x[i]);                   \
  }
EACH_CONVERSION(CONVERT)

#define CONVERSIONS(name) { name##_to_b8, name##_to_u8, name##_to_i32, name##_to_i64, name##_to_f32, name##_to_f64 }
static walk_piece *const conversion[RP_N_DTYPES][RP_N_DTYPES] = { /* [from][to] */
  CONVERSIONS(b8), CONVERSIONS(u8), CONVERSIONS(i32), CONVERSIONS(i64), CONVERSIONS(f32), CONVERSIONS(f64)
};

/* The transpose of a matrix read down its columns is the common copy that WALK would do element by element: squares
 * of vectors turned in registers read and write whole lines.  Bits do not depend on the route: nothing is computed. */
static bool is_transpose(const rp_array *out, const rp_array *in)
{
  int d = out->ndim;
  return d >= 2 && out->dtype == in->dtype && rp_dtype_size(out->dtype) >= 4 && out->stride[d - 1] == 1
      && in->stride[d - 2] == 1 && in->stride[d - 1] != 1 && out->shape[d - 1] >= 8 && out->shape[d - 2] >= 8;
}

#define BAND 4 /* squares beside each other: a row of x is read in whole pairs of lines */

typedef struct turn_job { const rp_array *out, *in; int64_t bands; } turn_job;

/* Rows i0 .. i1-1 of y (rows y_row apart) from the columns of x (x_col apart). */
#define TURN(suffix, number)                                                                              \
  static void turn_square_##suffix(number *y, int64_t y_row, const number *x, int64_t x_col)              \
  {                                                                                                       \
    vec_##suffix v[VEC_BYTES / sizeof(number)];                                                           \
    const number *column[VEC_BYTES / sizeof(number)];                                                     \
    UNROLL for (int k = 0; k < (int)(VEC_BYTES / sizeof *y); k++) column[k] = x + k * x_col;              \
    load_turned_##suffix(v, column, 0);                                                                   \
    UNROLL for (int k = 0; k < (int)(VEC_BYTES / sizeof *y); k++) vec_store_##suffix(y + k * y_row, v[k]); \
  }                                                                                                       \
  static void turn_band_##suffix(number *y, int64_t y_row, const number *x, int64_t x_col, int64_t i0,    \
                                 int64_t i1, int64_t cols)                                                \
  {                                                                                                       \
    const int64_t n = VEC_BYTES / sizeof(number), whole_i = i0 + (i1 - i0) / n * n, whole_j = cols / n * n; \
    for (int64_t j = 0; j < whole_j; j += n)                                                              \
      for (int64_t i = i0; i < whole_i; i += n) turn_square_##suffix(y + i * y_row + j, y_row, x + i + j * x_col, x_col); \
    for (int64_t i = i0; i < i1; i++)                                                                     \
      for (int64_t j = i < whole_i ? whole_j : 0; j < cols; j++) memcpy(y + i * y_row + j, x + i + j * x_col, sizeof *y); \
  }
TURN(f32, float)
TURN(f64, double)

static void turn_range(void *context, int64_t begin, int64_t end) /* over (outer, band) */
{
  const turn_job *job = context;
  const rp_array *y = job->out, *x = job->in;
  const int     d = y->ndim, size = (int)rp_dtype_size(y->dtype);
  const int64_t rows = y->shape[d - 2], cols = y->shape[d - 1], band = BAND * VEC_BYTES / size;
  for (; begin < end; begin++) {
    int64_t rest = begin / job->bands, i0 = begin % job->bands * band, i1 = i0 + band < rows ? i0 + band : rows;
    int64_t to = 0, from = 0;
    for (int k = d - 3; k >= 0; rest /= y->shape[k--]) { to += rest % y->shape[k] * y->stride[k]; from += rest % y->shape[k] * x->stride[k]; }
    if (size == 4) turn_band_f32((float *)y->data + to, y->stride[d - 2], (const float *)x->data + from, x->stride[d - 1], i0, i1, cols);
    else           turn_band_f64((double *)y->data + to, y->stride[d - 2], (const double *)x->data + from, x->stride[d - 1], i0, i1, cols);
  }
}

static rp_status turn(const rp_array *out, const rp_array *in)
{
  const int     d = out->ndim;
  const int64_t band = BAND * VEC_BYTES / (int64_t)rp_dtype_size(out->dtype);
  int64_t       outer = 1;
  turn_job      job = { out, in, (out->shape[d - 2] + band - 1) / band };
  for (int k = 0; k < d - 2; k++) outer *= out->shape[k];
  rp_parallel(outer * job.bands, 1 + WALK_GRAIN / (band * out->shape[d - 1]), turn_range, &job);
  return RP_OK;
}

static rp_status copy(const rp_array *out, const rp_array *in)
{
  if (is_transpose(out, in)) return turn(out, in);
  const rp_array *ops[WALK_MAX_OPS] = { out, in };
  walk w;
  walk_start(&w, 2, ops);
  walk_run(&w, conversion[in->dtype][out->dtype], NULL);
  return RP_OK;
}

/* ---- out += in ---- */

#define ADD_INTO(suffix, type)                                                   \
  static void add_into_##suffix(const void *unused, int64_t n, char *const *p)   \
  {                                                                              \
    (void)unused;                                                                \
    type *restrict y = (void *)p[0]; const type *x = (const void *)p[1];         \
    for (int64_t i = 0; i < n; i++) y[i] = y[i] + x[i];                          \
  }
ADD_INTO(f32, float)
ADD_INTO(f64, double)

static rp_status add(const rp_array *out, const rp_array *in)
{
  const rp_array *ops[WALK_MAX_OPS] = { out, in };
  walk w;
  walk_start(&w, 2, ops);
  w.updates = true;
  walk_run(&w, out->dtype == RP_FLOAT32 ? add_into_f32 : add_into_f64, NULL);
  return RP_OK;
}

static rp_status fill(const rp_array *out, double value)
{
  _Alignas(8) char element[8];
  const rp_array given = { .data = &value, .dtype = RP_FLOAT64 }, converted = { .data = element, .dtype = out->dtype };
  rp_array one = *out;
  one.data = element;
  for (int d = 0; d < one.ndim; d++) one.stride[d] = 0;
  RP_TRY(copy(&converted, &given));
  return copy(out, &one);
}

/* ---- positions ---- */

typedef struct by_index {
  char          *y;
  const char    *x;
  const int64_t *index;
  rp_dtype       dtype;
  int64_t        outer, size, n, inner; /* x (outer, size, inner), y (outer, n, inner), or the other way round */
  bool           rows;                  /* index (n), the same for all; else index (outer, n, inner) */
} by_index;

static void gather_range(void *context, int64_t begin, int64_t end)
{
  const by_index *b = context; /* over (outer, n) */
  const int64_t e = (int64_t)rp_dtype_size(b->dtype), line = b->inner * e;
  for (int64_t i = begin; i < end; i++) {
    const char *from = b->x + i / b->n * b->size * line;
    char       *to = b->y + i * line;
    if (b->rows) { memcpy(to, from + b->index[i % b->n] * line, (size_t)line); continue; }
    const int64_t *at = b->index + i * b->inner;
    if (e == 4) for (int64_t k = 0; k < b->inner; k++) memcpy(to + k * 4, from + (at[k] * b->inner + k) * 4, 4);
    else        for (int64_t k = 0; k < b->inner; k++) memcpy(to + k * e, from + (at[k] * b->inner + k) * e, (size_t)e);
  }
}

static rp_status gather(const rp_array *y, const rp_array *x, const int64_t *index, int64_t outer, int64_t size,
                        int64_t n, int64_t inner, bool rows)
{
  by_index b = { y->data, x->data, index, x->dtype, outer, size, n, inner, rows };
  rp_parallel(outer * n, 1 + 16384 / (inner + 1), gather_range, &b);
  return RP_OK;
}

#define SCATTER(suffix, type)                                                                        \
  static void scatter_##suffix(const by_index *b, int64_t o, int64_t begin, int64_t end)             \
  {                                                                                                  \
    type *y = (type *)(void *)b->y + o * b->size * b->inner;                                         \
    const type *x = (const type *)(const void *)b->x + o * b->n * b->inner;                          \
    for (int64_t i = 0; i < b->n; i++)                                                               \
      for (int64_t k = begin; k < end; k++) {                                                        \
        int64_t at = b->rows ? b->index[i] : b->index[(o * b->n + i) * b->inner + k];                \
        y[at * b->inner + k] = (type)(y[at * b->inner + k] + x[i * b->inner + k]);                   \
      }                                                                                              \
  }
SCATTER(f32, float)
SCATTER(f64, double)

/* Owners are (outer, inner) columns: each destination lies in one column, whose sources come in order. */
static void scatter_range(void *context, int64_t begin, int64_t end)
{
  const by_index *b = context;
  while (begin < end) {
    int64_t o = begin / b->inner, k = begin % b->inner, stop = k + (end - begin);
    if (stop > b->inner) stop = b->inner;
    if (b->dtype == RP_FLOAT32) scatter_f32(b, o, k, stop); else scatter_f64(b, o, k, stop);
    begin += stop - k;
  }
}

/* y (outer, size, inner) += x (outer, n, inner) */
static rp_status scatter_add(const rp_array *y, const rp_array *x, const int64_t *index, int64_t outer, int64_t size,
                             int64_t n, int64_t inner, bool rows)
{
  by_index b = { y->data, x->data, index, x->dtype, outer, size, n, inner, rows };
  rp_parallel(outer * inner, 1 + 16384 / (n + 1), scatter_range, &b);
  return RP_OK;
}

static rp_status positions(int64_t *at, int64_t n, int64_t size, const char *who)
{
  for (int64_t i = 0; i < n; i++)
    if (at[i] < 1 || at[i] > size)
      return rp_fail(RP_ERANGE, "%s: index element %lld is %lld, outside 1..%lld", who, (long long)(i + 1), (long long)at[i], (long long)size);
  for (int64_t i = 0; i < n; i++) at[i] -= 1;
  return RP_OK;
}

static rp_status shift(int64_t *at, int64_t n, int64_t by)
{
  for (int64_t i = 0; i < n; i++) at[i] += by;
  return RP_OK;
}

/* ---- sorting: a stable merge sort of positions; NaN counts as larger than everything, in both directions last ---- */

#define SORT(suffix, type)                                                                            \
  static void sort_row_##suffix(type *y, int64_t *order, int64_t *spare, const type *x, int64_t n, bool descending) \
  {                                                                                                   \
    int64_t *from = order, *to = spare;                                                               \
    for (int64_t i = 0; i < n; i++) from[i] = i;                                                      \
    for (int64_t width = 1; width < n; width *= 2) {                                                  \
      for (int64_t lo = 0; lo < n; lo += 2 * width) {                                                 \
        int64_t mid = lo + width < n ? lo + width : n, hi = mid + width < n ? mid + width : n;        \
        int64_t i = lo, j = mid, k = lo;                                                              \
        while (i < mid && j < hi)                                                                     \
          to[k++] = before_##suffix(x[from[j]], x[from[i]], descending) ? from[j++] : from[i++];      \
        while (i < mid) to[k++] = from[i++];                                                          \
        while (j < hi)  to[k++] = from[j++];                                                          \
      }                                                                                               \
      int64_t *swap = from; from = to; to = swap;                                                     \
    }                                                                                                 \
    if (from != order) memcpy(order, from, (size_t)n * sizeof *order);                                \
    for (int64_t i = 0; i < n; i++) y[i] = x[order[i]];                                               \
  }
SORT(f32, float)
SORT(f64, double)
SORT(i32, int32_t)
SORT(i64, int64_t)

/* ---- the first k of that order: a heap of the best so far, whose root comes last of them -------------------------- */

#define SELECT(suffix, type)                                                                          \
  static bool after_##suffix(const type *x, int64_t i, int64_t j, bool descending)                    \
  {                                                                                                   \
    return before_##suffix(x[j], x[i], descending) || (!before_##suffix(x[i], x[j], descending) && i > j); \
  }                                                                                                   \
  static void sift_##suffix(int64_t *heap, int64_t k, int64_t at, const type *x, bool descending)     \
  {                                                                                                   \
    for (int64_t child; (child = 2 * at + 1) < k; at = child) {                                       \
      if (child + 1 < k && after_##suffix(x, heap[child + 1], heap[child], descending)) child++;      \
      if (!after_##suffix(x, heap[child], heap[at], descending)) return;                              \
      int64_t swap = heap[at]; heap[at] = heap[child]; heap[child] = swap;                            \
    }                                                                                                 \
  }                                                                                                   \
  static bool any_before_##suffix(const type *x, type last, bool descending)                          \
  {                                                                                                   \
    int any = 0;                                                                                      \
    for (int l = 0; l < RP_LANES; l++) any |= before_##suffix(x[l], last, descending);                \
    return any;                                                                                       \
  }                                                                                                   \
  static void select_row_##suffix(type *y, int64_t *order, const type *x, int64_t n, int64_t k, bool descending) \
  {                                                                                                   \
    for (int64_t i = 0; i < k; i++) order[i] = i;                                                     \
    for (int64_t i = k / 2 - 1; i >= 0; i--) sift_##suffix(order, k, i, x, descending);               \
    for (int64_t i = k; i < n;) {                                                                     \
      int64_t end = i + RP_LANES <= n ? i + RP_LANES : n;                                             \
      if (end - i < RP_LANES || any_before_##suffix(x + i, x[order[0]], descending))                  \
        for (int64_t j = i; j < end; j++)                                                             \
          if (before_##suffix(x[j], x[order[0]], descending)) { order[0] = j; sift_##suffix(order, k, 0, x, descending); } \
      i = end;                                                                                        \
    }                                                                                                 \
    for (int64_t m = k - 1; m > 0; m--) {                                                             \
      int64_t last = order[0]; order[0] = order[m]; order[m] = last;                                  \
      sift_##suffix(order, m, 0, x, descending);                                                      \
    }                                                                                                 \
    for (int64_t i = 0; i < k; i++) y[i] = x[order[i]];                                               \
  }
SELECT(f32, float)
SELECT(f64, double)
SELECT(i32, int32_t)
SELECT(i64, int64_t)

typedef struct sort_job {
  const rp_array *y, *x;
  int64_t *order, cols, first;
  bool     descending;
  int64_t *spare; /* as large as order */
} sort_job;

static void sort_range(void *context, int64_t begin, int64_t end)
{
  const sort_job *s = context;
  for (int64_t i = begin; i < end; i++) {
    int64_t at = i * s->cols, *order = s->order + at, *spare = s->spare + at;
    BY_TYPE(s->x->dtype,
            sort_row_f32((float *)s->y->data + at, order, spare, (const float *)s->x->data + at, s->cols, s->descending),
            sort_row_f64((double *)s->y->data + at, order, spare, (const double *)s->x->data + at, s->cols, s->descending),
            sort_row_i32((int32_t *)s->y->data + at, order, spare, (const int32_t *)s->x->data + at, s->cols, s->descending),
            sort_row_i64((int64_t *)s->y->data + at, order, spare, (const int64_t *)s->x->data + at, s->cols, s->descending))
  }
}

static void select_range(void *context, int64_t begin, int64_t end)
{
  const sort_job *s = context;
  for (int64_t i = begin; i < end; i++) {
    int64_t at = i * s->cols, *order = s->order + at;
    BY_TYPE(s->x->dtype,
      select_row_f32((float *)s->y->data + at, order, (const float *)s->x->data + at, s->cols, s->first, s->descending),
      select_row_f64((double *)s->y->data + at, order, (const double *)s->x->data + at, s->cols, s->first, s->descending),
      select_row_i32((int32_t *)s->y->data + at, order, (const int32_t *)s->x->data + at, s->cols, s->first, s->descending),
      select_row_i64((int64_t *)s->y->data + at, order, (const int64_t *)s->x->data + at, s->cols, s->first, s->descending))
  }
}

static rp_status sort(const rp_array *y, int64_t *order, const rp_array *x, int64_t rows, int64_t cols, int64_t first,
                      bool descending)
{
  sort_job s = { y, x, order, cols, first, descending, NULL };
  const int64_t grain = 1 + 4096 / (cols + 1);
  if (first == 0) return RP_OK;
  if (first <= cols / 8) { rp_parallel(rows, grain, select_range, &s); return RP_OK; }
  s.spare = rp_alloc((size_t)(rows * cols) * sizeof *s.spare);
  if (!s.spare) return RP_ENOMEM;
  rp_parallel(rows, grain, sort_range, &s);
  rp_release(s.spare);
  return RP_OK;
}

/* Whether element i of a sorted vector differs from the one before it; every NaN is distinct. */
static bool begins(const rp_array *x, int64_t i)
{
  if (i == 0) return true;
  switch (x->dtype) {
    case RP_INT32:   return ((int32_t *)x->data)[i] != ((int32_t *)x->data)[i - 1];
    case RP_INT64:   return ((int64_t *)x->data)[i] != ((int64_t *)x->data)[i - 1];
    case RP_FLOAT32: return ((float *)x->data)[i] != ((float *)x->data)[i - 1];
    default:         return ((double *)x->data)[i] != ((double *)x->data)[i - 1];
  }
}

static rp_status distinct(const rp_array *y, int64_t *n_distinct, int64_t *inverse, int64_t *count, const rp_array *x, const int64_t *order)
{
  const int64_t n = x->shape[0], size = (int64_t)rp_dtype_size(x->dtype);
  int64_t found = 0;
  for (int64_t i = 0; i < n; i++) {
    if (begins(x, i)) {
      memcpy((char *)y->data + found * size, (const char *)x->data + i * size, (size_t)size);
      count[found++] = 0;
    }
    count[found - 1]++;
    inverse[order[i]] = found;
  }
  *n_distinct = found;
  return RP_OK;
}

#endif
