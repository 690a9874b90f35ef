/* conv_points.h: the padded copies that convolutions read, and how the points that they compute are cut into vectors. */
#ifndef RP_KERNEL_CONV_POINTS_H
#define RP_KERNEL_CONV_POINTS_H

#include "kernel/matmul.h"

#define CONV_GRAIN 500000 /* multiply-adds below which another thread does not pay */

static inline int64_t volume(const int64_t *n) { return n[0] * n[1] * n[2]; }

/* A padded copy of one channel.  Dimension d is split into phases; position i of phase f holds
 * source index first + i step + f apart, or +0 where there is none. */
typedef struct conv_grid {
  int64_t size[3], first[3], step[3], apart[3]; /* of the source */
  int64_t phases[3], extent[3];
  int64_t channel;                    /* numbers in a copy */
} conv_grid;

static int64_t grid_at(const conv_grid *g, const int64_t *phase, const int64_t *i)
{
  int64_t f = (phase[0] * g->phases[1] + phase[1]) * g->phases[2] + phase[2];
  return ((f * g->extent[0] + i[0]) * g->extent[1] + i[1]) * g->extent[2] + i[2];
}

/* Positions 0 .. n-1 from `first` in steps: those from *lo to *hi - 1 lie inside a source of `size`. */
static void grid_inside(int64_t n, int64_t size, int64_t first, int64_t step, int64_t *lo, int64_t *hi)
{
  *lo = first < 0 ? min_int(n, ceil_div(-first, step)) : 0;
  *hi = size > first ? min_int(n, ceil_div(size - first, step)) : 0;
  if (*hi < *lo) *hi = *lo;
}

/* The position of each pixel of a source in its copy; -1 for those of which there is none. */
static void grid_places(const conv_grid *g, int64_t *place)
{
  for (int64_t i = 0; i < volume(g->size); i++) {
    int64_t n[3] = { i / g->size[2] / g->size[1], i / g->size[2] % g->size[1], i % g->size[2] };
    bool    inside = true;
    for (int d = 0; d < 3; d++) {
      n[d] -= g->first[d];
      inside = inside && n[d] >= 0 && n[d] < g->extent[d];
    }
    place[i] = inside ? (n[0] * g->extent[1] + n[1]) * g->extent[2] + n[2] : -1;
  }
}

/* The points that a product computes, n[0] x n[1] x n[2] of them, cut into vectors.  Their sources lie side by side
 * in rows `pitch` apart and planes `plane` apart; their results go to at + z step[0] + y step[1] + x step[2]. */
typedef struct conv_points {
  int64_t n[3], pitch, plane;
  int64_t at, step[3];
  int64_t per_row, per_plane, vectors; /* per_row = 0: vectors run on from row to row, over the gaps */
  int     lanes;
} conv_points;

static void points_cut(conv_points *s, int lanes)
{
  int64_t span = (s->n[1] - 1) * s->pitch + s->n[2], by_row = ceil_div(s->n[2], lanes);
  s->lanes = lanes;
  s->per_row = by_row * s->n[1] <= ceil_div(span, lanes) ? by_row : 0;
  s->per_plane = s->per_row ? by_row * s->n[1] : ceil_div(span, lanes);
  s->vectors = s->n[0] * s->per_plane;
}

/* Where the source of vector v starts. */
static int64_t points_origin(const conv_points *s, int64_t v)
{
  int64_t z = v / s->per_plane, i = v % s->per_plane;
  return z * s->plane + (s->per_row ? i / s->per_row * s->pitch + i % s->per_row * s->lanes : i * s->lanes);
}

/* Where the results of whole vectors v .. v + vecs - 1 start, if they follow each other; or -1. */
static int64_t points_whole(const conv_points *s, int64_t v, int vecs)
{
  int64_t z = v / s->per_plane, i = v % s->per_plane, end = (i + vecs) * s->lanes;
  bool    rows_whole = s->per_row ? s->n[2] % s->lanes == 0 : s->pitch == s->n[2];
  if (!rows_whole || s->step[2] != 1 || s->step[1] != s->n[2] || end > s->n[1] * s->n[2]) return -1;
  return s->at + z * s->step[0] + i * s->lanes;
}

/* Lanes lane .. lane + n - 1 of a vector are points whose results start at `at`. */
typedef struct conv_run { int lane, n; int64_t at; } conv_run;

static int points_runs(const conv_points *s, int64_t v, conv_run *run)
{
  int64_t position = points_origin(s, v) % s->plane, z = v / s->per_plane;
  int64_t y = position / s->pitch, x = position % s->pitch;
  int     n_runs = 0;
  for (int lane = 0; lane < s->lanes && y < s->n[1]; y++, x = 0) {
    int n = (int)min_int(s->lanes - lane, s->n[2] - x);
    if (n > 0) {
      conv_run r = { lane, n, s->at + z * s->step[0] + y * s->step[1] + x * s->step[2] };
      run[n_runs++] = r;
    }
    if (s->per_row) break;
    lane += (int)min_int(s->lanes - lane, s->pitch - x);
  }
  return n_runs;
}

static size_t aligned(int64_t bytes) { return (size_t)ceil_div(bytes, 64) * 64; }

/* The number of shares for work of so many multiply-adds in so many units. */
static int64_t conv_shares(double multiply_adds, int64_t units)
{
  double shares = multiply_adds / CONV_GRAIN;
  return shares < 2 ? 1 : min_int(units, shares < rp_threads() ? (int64_t)shares : rp_threads());
}

#endif
