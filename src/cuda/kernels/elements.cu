/* elements.cu: kernels that treat every element by itself: copies, positions, scatter, sort, random numbers, optimisers. */
#include "base/philox.h"
#include "cuda/kernels/text.h"
#include "cuda/kernels/map.h"
#include "kernel/elements.h"
#include "kernel/integers.h"

/* ---- copies, converting ---- */

#define CONVERT(to_name, to, from_name, from)                                       \
  KERNEL(copy_##from_name##_##to_name, cu_map)                                      \
  {                                                                                 \
    for (int64_t i = THREAD; i < p.count; i += THREADS) {                           \
      char *at[2];                                                                  \
      find(at, &p, 2, (uint32_t)i);                                                 \
      AT(to, 0) = to_name##_of_##from_name(AT(const from, 1));                      \
    }                                                                               \
  }
EACH_CONVERSION(CONVERT)

#define FILL(name, type)                                            \
  KERNEL(fill_##name, cu_map)                                       \
  {                                                                 \
    const type v = (type)p.value;                                   \
    for (int64_t i = THREAD; i < p.count; i += THREADS) {           \
      char *at[1];                                                  \
      find(at, &p, 1, (uint32_t)i);                                 \
      AT(type, 0) = v;                                              \
    }                                                               \
  }
FILL(1, uint8_t)
FILL(4, uint32_t)
FILL(8, uint64_t)

/* A matrix read down its columns: squares of 32 are turned in shared memory.  Dimensions: ..., rows of y, columns of y. */
#define TURN(name, type)                                                                                      \
  KERNEL(turn_##name, cu_turn)                                                                                \
  {                                                                                                           \
    SHARED(type, square, 32 * 33);                                                                            \
    const int64_t across = (p.cols + 31) / 32, down = (p.rows + 31) / 32;                                     \
    const int column = (int)(threadIdx.x % 32), first = (int)(threadIdx.x / 32), step = (int)(blockDim.x / 32); \
    for (int64_t item = blockIdx.x; item < p.outer * across * down; item += gridDim.x) {                      \
      int64_t o = item / (across * down), i0 = item / across % down * 32, j0 = item % across * 32;            \
      const type *x = (const type *)(const void *)p.x + placed(&p.x_at, o);                                   \
      type       *y = (type *)(void *)p.y + placed(&p.y_at, o);                                               \
      SYNC();                                                                                                 \
      for (int r = first; r < 32; r += step)                                                                  \
        if (j0 + r < p.cols && i0 + column < p.rows) square[r * 33 + column] = x[(j0 + r) * p.x_col + i0 + column]; \
      SYNC();                                                                                                 \
      for (int r = first; r < 32; r += step)                                                                  \
        if (i0 + r < p.rows && j0 + column < p.cols) y[(i0 + r) * p.y_row + j0 + column] = square[column * 33 + r]; \
    }                                                                                                         \
  }
TURN(4, uint32_t)
TURN(8, uint64_t)

/* ---- positions ---- */

/* Counted from 1 to counted from 0; the first outside 1..size is reported, and replaced so that no memory is missed. */
KERNEL(positions, cu_positions)
{
  for (int64_t i = THREAD; i < p.n; i += THREADS) {
    int64_t at = p.at[i];
    if (at < 1 || at > p.size) { LOWER(p.fault, p.call << 40 | (uint64_t)i); at = 1; }
    p.at[i] = at - 1;
  }
}

KERNEL(shift, cu_positions)
{
  for (int64_t i = THREAD; i < p.n; i += THREADS) p.at[i] += p.by;
}

#define GATHER(name, type)                                                            \
  KERNEL(gather_##name, cu_index)                                                     \
  {                                                                                   \
    const type *x = (const type *)(const void *)p.x;                                  \
    type       *y = (type *)(void *)p.y;                                              \
    for (int64_t i = THREAD; i < p.outer * p.n * p.inner; i += THREADS) {             \
      int64_t k = i % p.inner, line = i / p.inner;                                    \
      int64_t at = p.rows ? p.index[line % p.n] : p.index[i];                         \
      y[i] = x[(line / p.n * p.size + at) * p.inner + k];                             \
    }                                                                                 \
  }
GATHER(1, uint8_t)
GATHER(4, uint32_t)
GATHER(8, uint64_t)

/* Entry r, in ascending order of position, of the list that belongs to (o, k); its place in the list is *j. */
DEVICE int64_t listed(const cu_index *p, int64_t o, int64_t k, int64_t r, int64_t *j)
{
  *j = p->order ? p->order[(p->rows ? 0 : (o * p->inner + k) * p->n) + r] : r;
  return p->rows ? p->index[*j] : p->index[(o * p->n + *j) * p->inner + k];
}

/* Each destination has one owner, which adds what comes to it in the order of the source. */
#define SCATTER(name, type)                                                           \
  KERNEL(scatter_##name, cu_index)                                                    \
  {                                                                                   \
    const type *x = (const type *)(const void *)p.x;                                  \
    type       *y = (type *)(void *)p.y;                                              \
    for (int64_t i = THREAD; i < p.outer * p.size * p.inner; i += THREADS) {          \
      int64_t k = i % p.inner, s = i / p.inner % p.size, o = i / p.inner / p.size, r = 0, j = 0; \
      type    sum = y[i];                                                             \
      if (p.order)                                                                    \
        for (int64_t end = p.n; r < end; ) {                                          \
          int64_t middle = r + (end - r) / 2;                                         \
          if (listed(&p, o, k, middle, &j) < s) r = middle + 1; else end = middle;    \
        }                                                                             \
      for (; r < p.n; r++) {                                                          \
        int64_t at = listed(&p, o, k, r, &j);                                         \
        if (at == s) sum = sum + x[(o * p.n + j) * p.inner + k];                      \
        else if (p.order) break;                                                      \
      }                                                                               \
      y[i] = sum;                                                                     \
    }                                                                                 \
  }
SCATTER(f32, float)
SCATTER(f64, double)

/* ---- sorting: merges of ever longer runs; each element finds its place by a search in the other run ---- */

KERNEL(sort_start, cu_sort)
{
  for (int64_t i = THREAD; i < p.rows * p.cols; i += THREADS) p.to[i] = i % p.cols;
}

#define SORT(name, type)                                                              \
  KERNEL(sort_merge_##name, cu_sort)                                                  \
  {                                                                                   \
    for (int64_t i = THREAD; i < p.rows * p.cols; i += THREADS) {                     \
      int64_t base = i / p.cols * p.cols, e = i - base, lo = e / (2 * p.width) * (2 * p.width); \
      int64_t mid = least(lo + p.width, p.cols), hi = least(mid + p.width, p.cols);   \
      const type    *x = (const type *)(const void *)p.x + base;                      \
      const int64_t *from = p.from + base;                                            \
      const bool right = e >= mid;                                                    \
      int64_t    a = right ? lo : mid, z = right ? mid : hi;                          \
      const type v = x[from[e]];                                                      \
      while (a < z) {                                                                 \
        int64_t m = a + (z - a) / 2;                                                  \
        type    u = x[from[m]];                                                       \
        if (right ? !before_##name(v, u, p.descending != 0) : before_##name(u, v, p.descending != 0)) a = m + 1; \
        else z = m;                                                                   \
      }                                                                               \
      p.to[base + (right ? e - mid + a : e + a - mid)] = from[e];                     \
    }                                                                                 \
  }                                                                                   \
  KERNEL(sort_take_##name, cu_sort)                                                   \
  {                                                                                   \
    for (int64_t i = THREAD; i < p.rows * p.cols; i += THREADS)                       \
      ((type *)(void *)p.y)[i] = ((const type *)(const void *)p.x)[i / p.cols * p.cols + p.from[i]]; \
  }
SORT(f32, float)
SORT(f64, double)
SORT(i32, int32_t)
SORT(i64, int64_t)

/* ---- the distinct elements of a sorted vector: begins are marked, counted by a scan, and put where their number says ---- */

#define DISTINCT(name, type)                                                          \
  KERNEL(distinct_mark_##name, cu_distinct)                                           \
  {                                                                                   \
    const type *x = (const type *)(const void *)p.x;                                  \
    for (int64_t i = THREAD; i < p.n; i += THREADS) p.to[i] = i == 0 || x[i] != x[i - 1]; \
  }                                                                                   \
  KERNEL(distinct_take_##name, cu_distinct)                                           \
  {                                                                                   \
    for (int64_t i = THREAD; i < p.n; i += THREADS) {                                 \
      const int64_t place = p.from[i];                                                \
      p.to[p.order[i]] = place;                                                       \
      if (i > 0 && p.from[i - 1] == place) continue;                                  \
      ((type *)(void *)p.y)[place - 1] = ((const type *)(const void *)p.x)[i];        \
      p.first[place - 1] = i;                                                         \
    }                                                                                 \
  }
DISTINCT(f32, float)
DISTINCT(f64, double)
DISTINCT(i32, int32_t)
DISTINCT(i64, int64_t)

/* One level of a scan: sums over 2 by elements from those over by. */
KERNEL(distinct_scan, cu_distinct)
{
  for (int64_t i = THREAD; i < p.n; i += THREADS) p.to[i] = p.from[i] + (i >= p.by ? p.from[i - p.by] : 0);
}

/* How often each of n distinct values occurs among `by` elements. */
KERNEL(distinct_count, cu_distinct)
{
  for (int64_t i = THREAD; i < p.n; i += THREADS) p.to[i] = (i + 1 < p.n ? p.first[i + 1] : p.by) - p.first[i];
}

/* ---- what the card can do at most ---- */

KERNEL(peak_fma, cu_peak)
{
  float v[CU_PEAK_CHAINS], sum = 0;
  UNROLLED for (int j = 0; j < CU_PEAK_CHAINS; j++) v[j] = (float)(THREAD + j);
  for (int64_t r = 0; r < p.rounds; r++)
    UNROLLED for (int j = 0; j < CU_PEAK_CHAINS; j++) v[j] = fma_f32(v[j], 0.999f, 0.001f);
  UNROLLED for (int j = 0; j < CU_PEAK_CHAINS; j++) sum += v[j];
  if (sum == 12345.678f) p.out[0] = sum; /* so that nothing is left out */
}

/* ---- random numbers and optimisers ---- */

#define BODY "kernel/distribution.h"
#include "kernel/both_floats.h"
#define BODY "kernel/update_body.h"
#include "kernel/both_floats.h"
#define BODY "cuda/kernels/elements.h"
#include "kernel/both_floats.h"

KERNEL(draw_i64, cu_draw)
{
  const int64_t  per_block = p.kind == RP_BITS ? 4 : 2, lo = (int64_t)p.how.a;
  const uint64_t range = integer_range(lo, (int64_t)p.how.b);
  int64_t       *out = (int64_t *)(void *)p.out;
  for (int64_t b = THREAD; b * per_block < p.n; b += THREADS) {
    rp_philox_block w = rp_philox(p.how.seed, p.how.stream, (uint64_t)b);
    UNROLLED for (int j = 0; j < 4; j++) {
      int64_t i = b * per_block + j;
      if (j >= per_block || i >= p.n) break;
      out[i] = p.kind == RP_BITS ? (int64_t)w.word[j] : integer_of(w.word[j < 2 ? 2 * j : 0], w.word[j < 2 ? 2 * j + 1 : 0], lo, range);
    }
  }
}
