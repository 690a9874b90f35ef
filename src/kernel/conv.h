/* conv.h: convolution in up to three dimensions, and its two gradients.
 *
 * Group g joins output channels o with input channels c of the same group; C = c_in/groups, O = c_out/groups.  A kernel
 * position q = (q0, q1, q2) is counted row-major, q2 fastest; so is an output pixel p; K is the number of positions.
 * x_c(p, q) is x at stride p + dilation q - padding, and +0 outside of x.  "Summed in blocks" means, as in matmul.h: the
 * summed index is cut into blocks of RP_KB, an ascending fma chain from +0 in each, results added in ascending order.
 *
 *   y(b, o, p)   = the sum in blocks over i = c K + q of  w(o, c, q) x_c(p, q),  then + bias(o).
 *                  Padding takes part: its term is fma(w, +0, s).
 *   gw(o, c, q)  = the sum in blocks over i = b P + p (P output pixels) of  gy(b, o, p) x_c(p, q).
 *                  Padding takes part here too, and blocks run across samples.
 *   gx(b, c, r)  = (+0 + t_q) + t_q' ..., over the kernel positions that reach r, in ascending order;
 *                  t_q = the sum in blocks over o (inside the group, from 0) of  w(o, c, q) gy(b, o, p).
 *                  q reaches r if an output pixel p has stride p + dilation q - padding = r.  Others take no part;
 *                  a pixel that none reaches gets +0.
 *
 * All are products whose vectors run along pixels or channels of a padded copy of one sample, in which a kernel position
 * is a mere shift: no matrix of patches is formed.  With a stride s the copy is split by index modulo s, and so is gx.
 * Few channels in a group leave such products no room: then vectors run along whole images where they lie
 * (conv_flat_body.h), and the chains of the weights' gradient lie across the lanes (conv_lanes_body.h). */
#ifndef RP_KERNEL_CONV_H
#define RP_KERNEL_CONV_H

#include <stdlib.h>

#include "kernel/conv_sums.h"

#define FLAT_TERMS 8         /* channels in times channels out of a group, if there are several out */
#define FLAT_VECS  8         /* of them at a time */
#define FLAT_BYTES (1 << 18) /* of masks */

/* The forward product and conv_input: each forms products of the weights with a shifted copy of a sample. */
typedef struct conv_work {
  const rp_conv *c;
  const void    *in, *w, *bias;             /* in: x or gy */
  void          *out;
  int64_t        n_in, n_out;               /* channels of a group */
  int64_t        in_volume, out_volume;     /* of one channel */
  bool           in_place;                  /* the sample is read where it lies */
  bool           flat;                      /* copied as a whole, under a mask */
  bool           backward, finite;          /* conv_input; all weights are finite */
  bool           gapless;                   /* a phase of the last dimension for each kernel column */
  conv_grid      grid;
  conv_points    points;
  int64_t        terms;                     /* of a chain: n_in K forward, n_in for conv_input */
  int64_t       *term_at;                   /* where each starts in the copy */
  int64_t        positions;                 /* K */
  int64_t        n_shifts, *shift, *position; /* conv_input: the kernel positions that reach the points */
  void          *packed, *keep;             /* the weights; bits of a copied channel, set where it holds a pixel */
  char          *scratch;                   /* share_bytes for each share: the copy, the sums, a chain */
  size_t         share_bytes, chain_bytes, copy_bytes;
  int64_t        shares;
} conv_work;

/* One block holds everything; the tables come first.  Vectors may read up to their length past the end of a copy. */
static void *work_memory(conv_work *k, int64_t size)
{
  size_t tables = aligned((k->terms + 2 * k->positions) * (int64_t)sizeof(int64_t));
  size_t packed = aligned(k->c->groups * k->n_in * k->n_out * k->positions * size);
  size_t keep = aligned(k->grid.channel * size + VEC_BYTES);
  k->copy_bytes  = k->in_place ? 0 : aligned(k->n_in * k->grid.channel * size + VEC_BYTES);
  k->chain_bytes = aligned(k->n_out * TILE_VECS * VEC_BYTES);
  k->share_bytes = k->copy_bytes + 2 * k->chain_bytes;
  char *block = rp_alloc(tables + packed + keep + (size_t)k->shares * k->share_bytes);
  if (!block) return NULL;
  k->term_at  = (int64_t *)block;
  k->shift    = k->term_at + k->terms;
  k->position = k->shift + k->positions;
  k->packed   = block + tables;
  k->keep     = block + tables + packed;
  k->scratch  = block + tables + packed + keep;
  return block;
}

/* Gaps between rows waste lanes when rows are short.  Then the last dimension gets a phase of its own for each kernel
 * column instead: as many copies, but every row exactly as long as a row of points, so that rows run on without gaps. */
static bool worth_gapless(conv_points gaps, int64_t row)
{
  conv_points none = gaps;
  none.plane = gaps.plane / gaps.pitch * row;
  none.pitch = row;
  points_cut(&none, gaps.lanes);
  return none.vectors * 10 <= gaps.vectors * 9;
}

/* The copy of x: phases by the stride, as many as the kernel positions need. */
static void forward_grid(conv_work *k)
{
  const rp_conv *c = k->c;
  conv_grid     *g = &k->grid;
  for (int d = 0; d < 3; d++) {
    g->size[d] = c->in[d]; g->first[d] = -c->padding[d]; g->step[d] = c->stride[d]; g->phases[d] = g->apart[d] = 1;
    g->extent[d] = c->out[d] + (c->kernel[d] - 1) * c->dilation[d] / c->stride[d];
    if (k->gapless && d == 2) {
      g->phases[d] = c->kernel[d]; g->apart[d] = c->dilation[d]; g->extent[d] = c->out[d];
    } else {
      for (int64_t q = 0; q < c->kernel[d]; q++)
        if (q * c->dilation[d] % c->stride[d] >= g->phases[d]) g->phases[d] = q * c->dilation[d] % c->stride[d] + 1;
    }
  }
  g->channel = volume(g->phases) * volume(g->extent);
  k->points.pitch = g->extent[2];
  k->points.plane = g->extent[1] * g->extent[2];
}

/* Where kernel position q starts in the copy of x. */
static int64_t forward_shift(const conv_work *k, int64_t q)
{
  const rp_conv *c = k->c;
  int64_t digit[3] = { q / c->kernel[2] / c->kernel[1], q / c->kernel[2] % c->kernel[1], q % c->kernel[2] };
  int64_t phase[3], i[3];
  for (int d = 0; d < 3; d++) {
    bool own = k->gapless && d == 2;
    phase[d] = own ? digit[d] : digit[d] * c->dilation[d] % c->stride[d];
    i[d]     = own ? 0 : digit[d] * c->dilation[d] / c->stride[d];
  }
  return grid_at(&k->grid, phase, i);
}

/* The sample is read where it lies if it needs no padding and no vector reads past its end.  It is copied as a whole if
 * rows keep their length. */
static void work_source(conv_work *k, int64_t last_shift)
{
  const conv_points *s = &k->points;
  const conv_grid   *g = &k->grid;
  bool same = true;
  k->flat = g->extent[2] == g->size[2];
  for (int d = 0; d < 3; d++) {
    k->flat = k->flat && g->step[d] == 1;
    same = same && g->step[d] == 1 && g->first[d] == 0 && g->extent[d] == g->size[d] && g->phases[d] == 1;
  }
  k->in_place = k->terms == 0 || (same && points_origin(s, s->vectors - 1) + s->lanes + last_shift <= g->channel);
}

static conv_work forward_plan(const rp_conv *c, int lanes)
{
  conv_work k = { .c = c, .n_in = c->c_in / c->groups, .n_out = c->c_out / c->groups,
                  .in_volume = volume(c->in), .out_volume = volume(c->out), .positions = volume(c->kernel) };
  k.terms = k.n_in * k.positions;
  conv_points *s = &k.points;
  s->step[0] = c->out[1] * c->out[2]; s->step[1] = c->out[2]; s->step[2] = 1;
  for (int d = 0; d < 3; d++) s->n[d] = c->out[d];
  forward_grid(&k);
  points_cut(s, lanes);
  if (worth_gapless(*s, c->out[2])) {
    k.gapless = true;
    forward_grid(&k);
    points_cut(s, lanes);
  }
  work_source(&k, forward_shift(&k, k.positions - 1));
  double work = (double)c->batch * (double)c->c_out * (double)k.out_volume * (double)k.terms;
  k.shares = conv_shares(work, c->batch * c->groups * ceil_div(s->vectors, TILE_VECS));
  return k;
}

static void forward_terms(conv_work *k)
{
  for (int64_t q = 0; q < k->positions; q++) {
    int64_t shift = forward_shift(k, q);
    for (int64_t i = 0; i < k->n_in; i++) k->term_at[i * k->positions + q] = i * k->grid.channel + shift;
  }
}

/* Input pixels r = stride t + f of phase f are reached from output pixel t + (f + padding - dilation q) / stride, if that
 * divides.  The quotient, or false. */
static bool input_shift(const rp_conv *c, int d, int64_t f, int64_t q, int64_t *shift)
{
  int64_t n = f + c->padding[d] - c->dilation[d] * q;
  *shift = n / c->stride[d];
  return n % c->stride[d] == 0;
}

static int64_t input_points(const rp_conv *c, int d, int64_t f)
{
  return f < c->in[d] ? ceil_div(c->in[d] - f, c->stride[d]) : 0;
}

/* The copy of gy: padded as far as any phase of gx looks. */
static void input_grid(conv_work *k)
{
  const rp_conv *c = k->c;
  conv_grid     *g = &k->grid;
  for (int d = 0; d < 3; d++) {
    int64_t low = 0, high = c->out[d] - 1, shift;
    for (int64_t f = 0; f < min_int(c->stride[d], c->in[d]); f++)
      for (int64_t q = 0; q < c->kernel[d]; q++)
        if (input_shift(c, d, f, q, &shift)) {
          int64_t last = input_points(c, d, f) - 1 + shift;
          if (shift < low) low = shift;
          if (last > high) high = last;
        }
    g->size[d] = c->out[d]; g->first[d] = low; g->step[d] = 1; g->phases[d] = g->apart[d] = 1;
    g->extent[d] = high - low + 1;
  }
  if (k->gapless) { /* stride 1: kernel column q looks at t + padding - dilation q */
    g->first[2] = c->padding[2]; g->apart[2] = -c->dilation[2]; g->phases[2] = c->kernel[2]; g->extent[2] = c->in[2];
  }
  g->channel = volume(g->phases) * volume(g->extent);
}

/* The points of phase f. */
static void input_cut(conv_work *k, const int64_t *f, int lanes)
{
  const rp_conv *c = k->c;
  conv_points   *s = &k->points;
  s->step[2] = c->stride[2]; s->step[1] = c->stride[1] * c->in[2]; s->step[0] = c->stride[0] * c->in[1] * c->in[2];
  s->at = (f[0] * c->in[1] + f[1]) * c->in[2] + f[2];
  s->pitch = k->grid.extent[2]; s->plane = k->grid.extent[1] * s->pitch;
  for (int d = 0; d < 3; d++) s->n[d] = input_points(c, d, f[d]);
  s->vectors = 0;
  if (volume(s->n) > 0) points_cut(s, lanes);
}

/* The largest shift of a kernel position in a copy that begins with gy, which is the first one's; beyond it, if there are several
 * phases. */
static int64_t input_last_shift(const conv_work *k)
{
  const rp_conv *c = k->c;
  if (volume(c->stride) != 1) return k->grid.channel;
  return (c->padding[0] * k->grid.extent[1] + c->padding[1]) * k->grid.extent[2] + c->padding[2];
}

static conv_work input_plan(const rp_conv *c, int lanes)
{
  const int64_t none[3] = { 0, 0, 0 };
  conv_work k = { .c = c, .n_in = c->c_out / c->groups, .n_out = c->c_in / c->groups,
                  .in_volume = volume(c->out), .out_volume = volume(c->in), .positions = volume(c->kernel) };
  k.terms = k.n_in;
  input_grid(&k);
  input_cut(&k, none, lanes);
  k.gapless = c->stride[2] == 1 && worth_gapless(k.points, c->in[2]);
  k.backward = true;
  input_grid(&k);
  input_cut(&k, none, lanes);
  work_source(&k, input_last_shift(&k));
  double work = (double)c->batch * (double)c->c_out * (double)k.in_volume * (double)(k.n_out * k.positions);
  k.shares = conv_shares(work, rp_threads());
  return k;
}

/* The points of phase f and the kernel positions that reach them. */
static void input_phase(conv_work *k, const int64_t *f, int lanes)
{
  const rp_conv *c = k->c;
  input_cut(k, f, lanes);
  k->n_shifts = 0;
  for (int64_t q = 0; q < k->positions; q++) {
    int64_t digit[3] = { q / c->kernel[2] / c->kernel[1], q / c->kernel[2] % c->kernel[1], q % c->kernel[2] };
    int64_t phase[3] = { 0, 0, 0 }, i[3];
    bool    reaches = true;
    for (int d = 0; d < 3; d++) {
      reaches = input_shift(c, d, f[d], digit[d], &i[d]) && reaches;
      i[d] -= k->grid.first[d];
    }
    if (!reaches) continue;
    if (k->gapless) { phase[2] = digit[2]; i[2] = 0; }
    k->shift[k->n_shifts]      = grid_at(&k->grid, phase, i);
    k->position[k->n_shifts++] = q;
  }
}

/* Whether sums of conv_input need no mask, and no chain more than one block. */
static bool input_simple(const conv_work *k) { return k->finite && k->terms <= RP_KB; }

/* Whether the last sums are results.  Without terms, or where no kernel position reaches, there are none. */
static bool sums_direct(const conv_work *k)
{
  return k->backward ? k->n_shifts > 0 && input_simple(k) : k->terms > 0;
}

/* The forward product or the gradient of x for few output channels: see conv_flat_body.h. */
typedef struct conv_flat {
  const rp_conv *c;
  const void    *in, *w, *bias;
  void          *out;
  bool           forward;
  int64_t        n_in, n_out;           /* channels of a group */
  int64_t        pixels, vectors, positions, reach; /* of a channel; the kernel; the largest shift */
  int64_t       *shift;                 /* of each position */
  void          *mask;                  /* positions x vectors */
  char          *scratch;               /* share_bytes for each share */
  size_t         share_bytes;
  int64_t        shares;
} conv_flat;

/* By how much kernel position q moves the image, along each dimension and in all. */
static int64_t flat_shift(const rp_conv *c, int64_t q, bool forward, int64_t move[3])
{
  int64_t digit[3] = { q / c->kernel[2] / c->kernel[1], q / c->kernel[2] % c->kernel[1], q % c->kernel[2] };
  for (int d = 0; d < 3; d++) {
    int64_t m = c->dilation[d] * digit[d] - c->padding[d];
    move[d] = forward ? m : -m;
  }
  return (move[0] * c->in[1] + move[1]) * c->in[2] + move[2];
}

/* Whether sizes stay, the channels are few, and masks do not crowd the caches. */
static bool flat_plan(conv_flat *k, const rp_conv *c, bool forward, int lanes)
{
  int64_t n_c = c->c_in / c->groups, n_o = c->c_out / c->groups, move[3];
  *k = (conv_flat){ .c = c, .forward = forward, .n_in = forward ? n_c : n_o, .n_out = forward ? n_o : n_c,
                    .pixels = volume(c->in), .positions = volume(c->kernel) };
  for (int d = 0; d < 3; d++)
    if (c->stride[d] != 1 || c->in[d] != c->out[d]) return false;
  k->vectors = ceil_div(k->pixels, lanes);
  if (k->n_out * (k->n_out > 1 ? k->n_in : 1) > FLAT_TERMS || k->n_in < 1 || (!forward && k->n_in > RP_KB)) return false;
  if (k->positions * k->vectors * VEC_BYTES > FLAT_BYTES) return false;
  k->reach  = llabs(flat_shift(c, 0, true, move)); /* the first and the last position move it most */
  k->shares = conv_shares((double)c->batch * (double)c->c_out * (double)(k->pixels * n_c * k->positions), c->batch * c->groups);
  return true;
}

#define BODY "kernel/conv_body.h"
#include "kernel/both_floats.h"
#define BODY "kernel/conv_flat_body.h"
#include "kernel/both_floats.h"
#define BODY "kernel/conv_weight_body.h"
#include "kernel/both_floats.h"
#define BODY "kernel/conv_lanes_body.h"
#include "kernel/both_floats.h"

static rp_status conv(const rp_conv *c, void *y, const void *x, const void *w, const void *bias)
{
  if (c->batch * c->c_out * volume(c->out) == 0) return RP_OK;
  conv_flat k;
  if (flat_plan(&k, c, true, VEC_BYTES / (int)rp_dtype_size(c->dtype))) {
    k.in = x; k.w = w; k.bias = bias; k.out = y;
    return c->dtype == RP_FLOAT32 ? conv_flat_run_f32(k) : conv_flat_run_f64(k);
  }
  return c->dtype == RP_FLOAT32 ? conv_f32(c, y, x, w, bias) : conv_f64(c, y, x, w, bias);
}

static rp_status conv_input(const rp_conv *c, void *gx, const void *gy, const void *w)
{
  if (c->batch * c->c_in * volume(c->in) == 0) return RP_OK;
  conv_flat k;
  if (flat_plan(&k, c, false, VEC_BYTES / (int)rp_dtype_size(c->dtype))) {
    k.in = gy; k.w = w; k.out = gx;
    return c->dtype == RP_FLOAT32 ? conv_flat_run_f32(k) : conv_flat_run_f64(k);
  }
  return c->dtype == RP_FLOAT32 ? conv_input_f32(c, gx, gy, w) : conv_input_f64(c, gx, gy, w);
}

static rp_status conv_weight(const rp_conv *c, void *gw, const void *x, const void *gy)
{
  if (c->c_in * c->c_out * volume(c->kernel) == 0) return RP_OK;
  conv_lanes k;
  if (c->batch * volume(c->out) > 0 && lanes_plan(&k, c, VEC_BYTES / (int)rp_dtype_size(c->dtype))) {
    k.x = x; k.gy = gy; k.gw = gw;
    return c->dtype == RP_FLOAT32 ? conv_lanes_run_f32(k) : conv_lanes_run_f64(k);
  }
  return c->dtype == RP_FLOAT32 ? conv_weight_f32(c, gw, x, gy) : conv_weight_f64(c, gw, x, gy);
}

#endif
