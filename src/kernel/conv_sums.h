/* conv_sums.h: how the gradient of a convolution's weights is cut up. */
#ifndef RP_KERNEL_CONV_SUMS_H
#define RP_KERNEL_CONV_SUMS_H

#include "kernel/conv_points.h"

#define LANE_ROWS     9         /* chains at a time: a 3 x 3 kernel */
#define CONV_GATHERED (1 << 16) /* numbers of x that conv_weight copies at a time, if blocks allow */
#define PART_CHANNELS 8         /* at least, in and out, where several threads share a group */

/* The gradient of the weights: see conv_weight_body.h.  A part of a group is some output channels and some input channels:
 * it copies what it needs of gy and x, so that threads need not wait for each other. */
typedef struct conv_sums {
  const rp_conv *c;
  const void    *x, *gy;
  void          *gw;
  int64_t        n_in, n_out;         /* channels of a group */
  int64_t        in_parts, out_parts; /* of a group */
  conv_grid      grid;                /* one phase, whatever the stride */
  int64_t        terms;               /* batch * output pixels */
  int64_t        runs, run_positions; /* runs of adjacent columns; kernel positions of one */
  int64_t       *run_at, *pixel_at, *place; /* where runs, output pixels and pixels of x start in the copy, in pixels */
  int64_t        units, shares;       /* units = groups * parts */
  char          *scratch;             /* share_bytes for each share */
  size_t         share_bytes;
} conv_sums;

/* A part, and the chunk of whole blocks at hand. */
typedef struct conv_part {
  const conv_sums *k;
  int64_t  group, first_in, n_in, first_out, n_out;
  int64_t  run_stride, run_panels, columns; /* columns of a run in whole vectors, in tiles; runs * run_stride */
  int64_t  sample;                          /* numbers in the copy of a sample */
  int64_t  chunk, samples;                  /* blocks at a time; samples they touch at most */
  int64_t  first_block, blocks, first_sample;
  int64_t *term_at;                         /* where each term starts in the copy */
  void    *copy, *rows, *sums;
  size_t   term_bytes, copy_bytes, row_bytes, sum_bytes;
} conv_part;

static conv_grid sums_grid(const rp_conv *c)
{
  conv_grid g;
  for (int d = 0; d < 3; d++) {
    g.size[d] = c->in[d]; g.first[d] = -c->padding[d]; g.step[d] = g.apart[d] = g.phases[d] = 1;
    g.extent[d] = (c->out[d] - 1) * c->stride[d] + (c->kernel[d] - 1) * c->dilation[d] + 1;
  }
  g.channel = volume(g.extent);
  return g;
}

/* Part i of a group: channels and sizes.  Tiles read up to a vector past the end of the copy. */
static conv_part sums_part(const conv_sums *k, int64_t unit, int lanes, int64_t size)
{
  int64_t parts = k->in_parts * k->out_parts, i = unit % parts / k->out_parts, o = unit % k->out_parts;
  conv_part p = { .k = k, .group = unit / parts, .first_in = part_begin(k->n_in, k->in_parts, i),
                  .first_out = part_begin(k->n_out, k->out_parts, o) };
  p.n_in       = part_begin(k->n_in, k->in_parts, i + 1) - p.first_in;
  p.n_out      = part_begin(k->n_out, k->out_parts, o + 1) - p.first_out;
  p.run_stride = ceil_div(p.n_in * k->run_positions, lanes) * lanes;
  p.run_panels = ceil_div(p.run_stride, TILE_VECS * lanes);
  p.columns    = k->runs * p.run_stride;
  p.sample     = k->grid.channel * p.n_in;
  int64_t pixels = volume(k->c->out), wanted = CONV_GATHERED / p.sample * pixels / RP_KB;
  p.chunk      = min_int(wanted < 1 ? 1 : wanted, ceil_div(k->terms, RP_KB));
  p.samples    = min_int(k->c->batch, (p.chunk * RP_KB - 1) / pixels + 2);
  p.term_bytes = aligned(p.chunk * RP_KB * (int64_t)sizeof(int64_t));
  p.copy_bytes = aligned(p.samples * p.sample * size + TILE_VECS * VEC_BYTES);
  p.row_bytes  = aligned(p.chunk * TILE_PITCH * p.n_out * size);
  p.sum_bytes  = aligned(p.n_out * p.columns * size);
  return p;
}

/* Parts enough for all threads, but none of a few channels only; those that copy least. */
static void sums_parts(conv_sums *k, int64_t wanted)
{
  k->in_parts = k->out_parts = 1;
  for (; wanted > 1; wanted--) {
    int64_t least = 0;
    for (int64_t o = 1; o <= wanted; o++) {
      int64_t i = wanted / o, copied = ceil_div(k->n_out, o) + ceil_div(k->n_in, i);
      if (wanted % o || k->n_out < o * PART_CHANNELS || (i > 1 && k->n_in < i * PART_CHANNELS)) continue;
      if (least == 0 || copied < least) { least = copied; k->out_parts = o; k->in_parts = i; }
    }
    if (least) return;
  }
}

static conv_sums sums_plan(const rp_conv *c)
{
  conv_sums k = { .c = c, .n_in = c->c_in / c->groups, .n_out = c->c_out / c->groups, .terms = c->batch * volume(c->out) };
  bool rows = c->dilation[2] == 1; /* then a row of kernel positions is one run, otherwise each by itself */
  k.grid          = sums_grid(c);
  k.runs          = c->kernel[0] * c->kernel[1] * (rows ? 1 : c->kernel[2]);
  k.run_positions = rows ? c->kernel[2] : 1;
  double  work = (double)k.terms * (double)c->c_out * (double)(k.n_in * volume(c->kernel));
  int64_t shares = conv_shares(work, rp_threads());
  sums_parts(&k, ceil_div(shares, c->groups));
  k.units  = c->groups * k.in_parts * k.out_parts;
  k.shares = min_int(shares, k.units);
  return k;
}

static void sums_tables(conv_sums *k)
{
  const rp_conv *c = k->c;
  const int64_t *e = k->grid.extent;
  int64_t per_row = k->run_positions > 1 ? 1 : c->kernel[2];
  grid_places(&k->grid, k->place);
  for (int64_t i = 0; i < volume(c->out); i++) {
    int64_t z = i / c->out[2] / c->out[1] * c->stride[0], y = i / c->out[2] % c->out[1] * c->stride[1];
    k->pixel_at[i] = (z * e[1] + y) * e[2] + i % c->out[2] * c->stride[2];
  }
  for (int64_t i = 0; i < k->runs; i++) {
    int64_t q0 = i / per_row / c->kernel[1], q1 = i / per_row % c->kernel[1], q2 = i % per_row;
    k->run_at[i] = (q0 * c->dilation[0] * e[1] + q1 * c->dilation[1]) * e[2] + q2 * c->dilation[2];
  }
}

static void *sums_memory(conv_sums *k, int lanes, int64_t size)
{
  int64_t pixels = volume(k->c->out);
  size_t  tables = aligned((k->runs + pixels + volume(k->c->in)) * (int64_t)sizeof(int64_t));
  for (int64_t i = 0; i < k->in_parts * k->out_parts; i++) {
    conv_part p = sums_part(k, i, lanes, size);
    size_t    bytes = p.term_bytes + p.copy_bytes + p.row_bytes + p.sum_bytes;
    if (bytes > k->share_bytes) k->share_bytes = bytes;
  }
  char *block = rp_alloc(tables + (size_t)k->shares * k->share_bytes);
  if (!block) return NULL;
  k->run_at   = (int64_t *)block;
  k->pixel_at = k->run_at + k->runs;
  k->place    = k->pixel_at + pixels;
  k->scratch  = block + tables;
  sums_tables(k);
  return block;
}

/* The gradient of the weights by lanes: see conv_lanes_body.h. */
typedef struct conv_lanes {
  const rp_conv *c;
  const void    *x, *gy;
  void          *gw;
  bool           grouped;               /* a lane is a group, not an output channel */
  int64_t        n_in, n_out;           /* channels of a group */
  int64_t        rows, pixels;          /* chains of a lane: n_in K; terms of a sample */
  conv_grid      grid;                  /* of the copy of x: one phase, whatever the stride */
  int64_t       *at, *shift, *place;    /* where a pixel and a chain start in the copy; the pixels of x in it */
  int64_t        pitch;                 /* lanes of gy */
  int64_t        units, shares;
  char          *scratch;               /* share_bytes for each share: chains, sums, gy, x */
  size_t         share_bytes;
} conv_lanes;

/* Offsets in a copy of x whose pixels are `width` numbers wide. */
static void lanes_offsets(const conv_lanes *k, int64_t *at, int64_t *shift, int64_t width)
{
  const rp_conv *c = k->c;
  int64_t K = k->rows / k->n_in;
  const int64_t *e = k->grid.extent;
  for (int64_t p = 0; p < k->pixels; p++) {
    int64_t z = p / c->out[2] / c->out[1] * c->stride[0], y = p / c->out[2] % c->out[1] * c->stride[1];
    at[p] = ((z * e[1] + y) * e[2] + p % c->out[2] * c->stride[2]) * width;
  }
  for (int64_t r = 0; r < k->rows; r++) {
    int64_t q = r % K, z = q / c->kernel[2] / c->kernel[1] * c->dilation[0], y = q / c->kernel[2] % c->kernel[1] * c->dilation[1];
    shift[r] = ((z * e[1] + y) * e[2] + q % c->kernel[2] * c->dilation[2]) * width + r / K;
  }
}

/* Whether a row of kernel positions of all input channels would leave about half of a vector empty, or more. */
static bool lanes_plan(conv_lanes *k, const rp_conv *c, int lanes)
{
  int64_t n_in = c->c_in / c->groups, n_out = c->c_out / c->groups;
  *k = (conv_lanes){ .c = c, .n_in = n_in, .n_out = n_out, .grouped = n_in == 1 && n_out == 1 && c->groups > 1,
                     .rows = n_in * volume(c->kernel), .pixels = volume(c->out), .grid = sums_grid(c) };
  return 2 * n_in * c->kernel[2] <= lanes + 2;
}

#endif
