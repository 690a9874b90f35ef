/* walk.h: how a pointwise kernel walks over arrays of any strides.
 *
 * Dimensions that lie in one run for every operand are merged; the last one is the row.  A row is cut into pieces of
 * WALK elements.  Operands with unit stride are used where they are, others are packed into a buffer first, so every
 * formula is compiled as one loop over contiguous memory, which the compiler turns into vectors.  Of short rows a piece
 * holds many, packed unless the operand lies in one run altogether. */
#ifndef RP_KERNEL_WALK_H
#define RP_KERNEL_WALK_H

#include <string.h>

#include "base/pool.h"
#include "kernel/array.h"
#include "kernel/stream.h"

#define WALK         512   /* elements of a packed piece */
#define WALK_GRAIN   32768 /* elements below which a second thread does not pay */
#define WALK_NARROW  64    /* rows shorter than this share pieces, */
#define WALK_SHORT   8     /* or, if nothing need be packed, shorter than this */
#define WALK_MAX_OPS 6
#define STREAM       1024  /* elements of a piece that is sent past the caches */

typedef struct walk {
  int     n_ops, ndim;
  int64_t shape[RP_MAX_DIMS];
  int64_t stride[WALK_MAX_OPS][RP_MAX_DIMS]; /* in bytes */
  char   *data[WALK_MAX_OPS];
  int     size[WALK_MAX_OPS];                /* bytes of an element */
  int64_t count;
  bool    updates;                           /* operand 0 is read as well as written */
} walk;

static bool mergeable(const walk *w, int d, const int64_t *inner_stride, int64_t inner_size)
{
  for (int k = 0; k < w->n_ops; k++)
    if (w->stride[k][d] != inner_stride[k] * inner_size) return false;
  return true;
}

/* All operands have the shape of ops[0]. */
static void walk_start(walk *w, int n_ops, const rp_array *const *ops)
{
  const rp_array *y = ops[0];
  w->n_ops = n_ops; w->ndim = 0; w->count = 1; w->updates = false;
  for (int k = 0; k < n_ops; k++) { w->data[k] = ops[k]->data; w->size[k] = (int)rp_dtype_size(ops[k]->dtype); }
  for (int d = 0; d < y->ndim; d++) { /* outermost first; a dimension joins the one before it when it continues it */
    int64_t n = y->shape[d], stride[WALK_MAX_OPS];
    w->count *= n;
    if (n == 1) continue;
    for (int k = 0; k < n_ops; k++) stride[k] = ops[k]->stride[d] * w->size[k];
    bool merge = w->ndim > 0 && mergeable(w, w->ndim - 1, stride, n);
    int  at = merge ? w->ndim - 1 : w->ndim++;
    w->shape[at] = merge ? w->shape[at] * n : n;
    for (int k = 0; k < n_ops; k++) w->stride[k][at] = stride[k];
  }
  if (w->ndim == 0) { w->ndim = 1; w->shape[0] = 1; for (int k = 0; k < n_ops; k++) w->stride[k][0] = 0; }
}

#define REPEAT(type) do { type v; memcpy(&v, from, sizeof v); for (int64_t i = 0; i < n; i++) memcpy(to + i * (int)sizeof v, &v, sizeof v); } while (0)
static void repeat(char *restrict to, const char *from, int size, int64_t n)
{
  switch (size) {
    case 1:  REPEAT(uint8_t); break;
    case 4:  REPEAT(uint32_t); break;
    default: REPEAT(uint64_t); break;
  }
}

static void pack(char *restrict to, const char *from, int64_t stride, int size, int64_t n)
{
  if (stride == 0) { repeat(to, from, size, n); return; }
  switch (size) {
    case 1: for (int64_t i = 0; i < n; i++) to[i] = from[i * stride]; break;
    case 4: for (int64_t i = 0; i < n; i++) memcpy(to + 4 * i, from + i * stride, 4); break;
    default: for (int64_t i = 0; i < n; i++) memcpy(to + 8 * i, from + i * stride, 8); break;
  }
}

static void unpack(char *to, const char *restrict from, int64_t stride, int size, int64_t n)
{
  switch (size) {
    case 1: for (int64_t i = 0; i < n; i++) to[i * stride] = from[i]; break;
    case 4: for (int64_t i = 0; i < n; i++) memcpy(to + i * stride, from + 4 * i, 4); break;
    default: for (int64_t i = 0; i < n; i++) memcpy(to + i * stride, from + 8 * i, 8); break;
  }
}

/* Whether the rows of every operand can be used where they lie. */
static bool rows_direct(const walk *w)
{
  for (int k = 0; k < w->n_ops; k++) if (w->stride[k][w->ndim - 1] != w->size[k]) return false;
  return true;
}

/* Calls piece(context, n, p) on pieces of at most WALK elements (any length if nothing needs packing);
 * p[k] points to n contiguous elements of operand k.  Operand 0 is the one written; it is packed and unpacked if its
 * row has no unit stride, so it may be read too, but no element of it may be reached twice. */
typedef void walk_piece(const void *context, int64_t n, char *const *p);

static void walk_row(const walk *w, char *const *row, int64_t n, walk_piece *piece, const void *context)
{
  _Alignas(64) char buffer[WALK_MAX_OPS][WALK * 8];
  const int last = w->ndim - 1;
  bool packed[WALK_MAX_OPS], any = false;
  for (int k = 0; k < w->n_ops; k++) any |= packed[k] = n > 1 && w->stride[k][last] != w->size[k];
  int64_t step = any ? WALK : n;
  for (int64_t i = 0; i < n; i += step) {
    int64_t m = n - i < step ? n - i : step;
    char   *p[WALK_MAX_OPS];
    for (int k = 0; k < w->n_ops; k++) {
      int64_t s = w->stride[k][last];
      if (!packed[k]) { p[k] = row[k] + i * w->size[k]; continue; }
      p[k] = buffer[k];
      if (s != 0 || i == 0) pack(buffer[k], row[k] + i * s, s, w->size[k], m); /* a repeated value is packed once */
    }
    piece(context, m, p);
    if (packed[0]) unpack(row[0] + i * w->stride[0][last], p[0], w->stride[0][last], w->size[0], m);
  }
}

typedef struct walk_job { const walk *w; walk_piece *piece; const void *context; bool direct, streams; } walk_job;

/* n elements of rows that lie in one run each, past the caches. */
static void walk_streaming(const walk_job *job, char *const *row, int64_t n)
{
  _Alignas(64) char buffer[STREAM * 8];
  const walk *w = job->w;
  for (int64_t i = 0, m; i < n; i += m) {
    char *p[WALK_MAX_OPS] = { buffer };
    m = n - i < STREAM ? n - i : STREAM;
    for (int k = 1; k < w->n_ops; k++) p[k] = row[k] + i * w->size[k];
    job->piece(job->context, m, p);
    stream(row[0] + i * w->size[0], buffer, (size_t)(m * w->size[0]));
  }
}

/* From the end of a row to the beginning of the next. */
static void next_row(const walk *w, int64_t *at, char **row)
{
  const int last = w->ndim - 1;
  for (int k = 0; k < w->n_ops; k++) row[k] -= at[last] * w->stride[k][last];
  at[last] = 0;
  for (int d = last - 1; d >= 0; d--) {
    const bool wraps = ++at[d] == w->shape[d];
    const int64_t steps = wraps ? 1 - w->shape[d] : 1;
    for (int k = 0; k < w->n_ops; k++) row[k] += steps * w->stride[k][d];
    if (!wraps) return;
    at[d] = 0;
  }
}

static void walk_range(void *context, int64_t begin, int64_t end)
{
  const walk_job *job = context;
  const walk     *w = job->w;
  const int       last = w->ndim - 1;
  int64_t at[RP_MAX_DIMS], rest = begin;
  char   *row[WALK_MAX_OPS];
  for (int k = 0; k < w->n_ops; k++) row[k] = w->data[k];
  for (int d = last; d >= 0; rest /= w->shape[d--]) {
    at[d] = rest % w->shape[d];
    for (int k = 0; k < w->n_ops; k++) row[k] += at[d] * w->stride[k][d];
  }
  for (int64_t n; begin < end; begin += n) {
    n = w->shape[last] - at[last];
    if (n > end - begin) n = end - begin;
    if (job->streams)     walk_streaming(job, row, n);
    else if (job->direct) job->piece(job->context, n, row);
    else                  walk_row(w, row, n, job->piece, job->context);
    if (begin + n < end) next_row(w, at, row);
  }
  if (job->streams) stream_done();
}

/* ---- rows too short for a loop of their own ---- */

/* Elements of n1 rows of n0 between a strided place and a contiguous one, in either direction.  The longer loop is the
 * inner one; types stand for their size only. */
#define MOVE_TILE(type)                                                                                         \
  do {                                                                                                          \
    if (n0 >= n1) {                                                                                             \
      for (int64_t i = 0; i < n1; i++) { char *p = at + i * s1; type *b = (type *)packed + i * n0;              \
        if (out) for (int64_t j = 0; j < n0; j++) memcpy(p + j * s0, b + j, sizeof *b);                         \
        else     for (int64_t j = 0; j < n0; j++) memcpy(b + j, p + j * s0, sizeof *b); }                       \
    } else {                                                                                                    \
      for (int64_t j = 0; j < n0; j++) { char *p = at + j * s0; type *b = (type *)packed + j;                   \
        if (out) for (int64_t i = 0; i < n1; i++) memcpy(p + i * s1, b + i * n0, sizeof *b);                    \
        else     for (int64_t i = 0; i < n1; i++) memcpy(b + i * n0, p + i * s1, sizeof *b); }                  \
    }                                                                                                           \
  } while (0)

static void move_tile(char *at, int64_t n1, int64_t s1, int64_t n0, int64_t s0, char *packed, int size, bool out)
{
  if (s0 == size && n0 >= WALK_SHORT) { /* rows in one run */
    const size_t run = (size_t)(n0 * size);
    for (int64_t i = 0; i < n1; i++, at += s1, packed += run) memcpy(out ? at : packed, out ? packed : at, run);
    return;
  }
  switch (size) {
    case 1:  MOVE_TILE(uint8_t); break;
    case 4:  MOVE_TILE(uint32_t); break;
    default: MOVE_TILE(uint64_t); break;
  }
}

/* Rows first .. first+m-1 of operand k to or from `packed`. */
static void move_rows(const walk *w, int k, int64_t first, int64_t m, char *packed, bool out)
{
  const int last = w->ndim - 1;
  const int64_t n0 = w->shape[last], n1 = w->shape[last - 1];
  while (m > 0) {
    int64_t rest = first, i = first % n1, run = n1 - i < m ? n1 - i : m;
    char   *at = w->data[k];
    for (int d = last - 1; d >= 0; d--) { at += rest % w->shape[d] * w->stride[k][d]; rest /= w->shape[d]; }
    move_tile(at, run, w->stride[k][last - 1], n0, w->stride[k][last], packed, w->size[k], out);
    packed += run * n0 * w->size[k];
    first += run;
    m -= run;
  }
}

static bool in_one_run(const walk *w, int k)
{
  int64_t next = w->size[k];
  for (int d = w->ndim - 1; d >= 0; next *= w->shape[d--]) if (w->stride[k][d] != next) return false;
  return true;
}

static void walk_narrow(void *context, int64_t begin, int64_t end) /* rows */
{
  _Alignas(64) char buffer[WALK_MAX_OPS][WALK * 8];
  const walk_job *job = context;
  const walk     *w = job->w;
  const int64_t   n0 = w->shape[w->ndim - 1], step = WALK / n0;
  bool direct[WALK_MAX_OPS];
  for (int k = 0; k < w->n_ops; k++) direct[k] = in_one_run(w, k);
  for (int64_t m; begin < end; begin += m) {
    char *p[WALK_MAX_OPS];
    m = end - begin < step ? end - begin : step;
    for (int k = 0; k < w->n_ops; k++) {
      p[k] = direct[k] ? w->data[k] + begin * n0 * w->size[k] : buffer[k];
      if (!direct[k]) move_rows(w, k, begin, m, p[k], false);
    }
    job->piece(job->context, m * n0, p);
    if (!direct[0]) move_rows(w, 0, begin, m, p[0], true);
  }
}

static bool all_in_one_run(const walk *w)
{
  for (int k = 0; k < w->n_ops; k++) if (w->stride[k][0] != w->size[k]) return false;
  return w->ndim == 1;
}

/* Whether the result is large, and not also read. */
static bool writes_past_caches(const walk *w)
{
  for (int k = 1; k < w->n_ops; k++) if (w->data[k] == w->data[0]) return false;
  return !w->updates && w->count * w->size[0] >= STREAM_FROM;
}

/* A single number among rows becomes a row of it, which every row reads: nothing need then be packed. */
static void numbers_as_rows(walk *w, char (*row)[WALK * 8])
{
  const int     last = w->ndim - 1;
  const int64_t n0 = w->shape[last];
  if (w->ndim == 1 || n0 > WALK) return;
  for (int k = 1; k < w->n_ops; k++) {
    bool number = true;
    for (int d = 0; d < w->ndim; d++) number = number && w->stride[k][d] == 0;
    if (!number) continue;
    repeat(row[k], w->data[k], w->size[k], n0);
    w->data[k] = row[k];
    w->stride[k][last] = w->size[k];
  }
}

static void walk_run(walk *w, walk_piece *piece, const void *context)
{
  _Alignas(64) char row[WALK_MAX_OPS][WALK * 8];
  numbers_as_rows(w, row);
  walk_job job = { w, piece, context, rows_direct(w), false };
  job.streams = job.direct && writes_past_caches(w);
  int64_t  n0 = w->shape[w->ndim - 1];
  if (w->count == 0) return;
  if (w->count <= WALK_GRAIN && all_in_one_run(w)) { piece(context, w->count, w->data); return; }
  if (w->ndim > 1 && n0 < (job.direct ? WALK_SHORT : WALK_NARROW)) rp_parallel(w->count / n0, WALK_GRAIN / n0, walk_narrow, &job);
  else                                 rp_parallel(w->count, WALK_GRAIN, walk_range, &job);
}

#endif
