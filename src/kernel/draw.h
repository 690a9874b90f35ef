/* draw.h: fills of random numbers.  Element i depends on (seed, stream, i) alone: see base/philox.h and draw_body.h. */
#ifndef RP_KERNEL_DRAW_H
#define RP_KERNEL_DRAW_H

#include "base/philox.h"
#include "base/pool.h"
#include "kernel/device.h"
#include "kernel/formulas.h"

#define BLOCKS 64 /* Philox blocks made together; has no influence on the numbers */

typedef struct words { uint32_t word[4][BLOCKS]; } words;

typedef struct draw_job {
  rp_distribution kind;
  rp_dtype        dtype;
  void           *out;
  int64_t         n;
  const rp_draw  *how;
} draw_job;

static void draw_words(words *w, const rp_draw *how, uint64_t first_block)
{
  for (int i = 0; i < BLOCKS; i++) {
    rp_philox_block b = rp_philox(how->seed, how->stream, first_block + (uint64_t)i);
    for (int j = 0; j < 4; j++) w->word[j][i] = b.word[j];
  }
}

#define BODY "kernel/draw_body.h"
#include "kernel/both_floats.h"

/* The high 64 bits of a 64 x 64 product. */
static uint64_t multiply_high(uint64_t a, uint64_t b)
{
  uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
  uint64_t middle = a1 * b0 + (a0 * b0 >> 32), low = a0 * b1 + (uint32_t)middle;
  return a1 * b1 + (middle >> 32) + (low >> 32);
}

/* RP_INTEGERS: a + floor(v (b - a + 1) / 2^64) from two words; RP_BITS: the word itself. */
static void draw_int64(const draw_job *job, int64_t begin, int64_t end)
{
  const int per_block = job->kind == RP_BITS ? 4 : 2;
  const int64_t lo = (int64_t)job->how->a;
  const uint64_t range = (uint64_t)((int64_t)job->how->b - lo) + 1;
  for (int64_t i = begin * BLOCKS * per_block; i < end * BLOCKS * per_block && i < job->n; i++) {
    rp_philox_block b = rp_philox(job->how->seed, job->how->stream, (uint64_t)(i / per_block));
    int64_t j = i % per_block, *out = (int64_t *)job->out + i;
    if (per_block == 4) { *out = b.word[j]; continue; }
    *out = lo + (int64_t)multiply_high((uint64_t)b.word[2 * j + 1] << 32 | b.word[2 * j], range);
  }
}

static void draw_range(void *context, int64_t begin, int64_t end)
{
  const draw_job *job = context;
  switch (job->dtype) {
    case RP_FLOAT32: draw_pieces_f32(job, begin, end); break;
    case RP_FLOAT64: draw_pieces_f64(job, begin, end); break;
    default:         draw_int64(job, begin, end); break;
  }
}

/* out is contiguous: float32 or float64 for RP_UNIFORM and RP_NORMAL, int64 for RP_INTEGERS and RP_BITS. */
static rp_status draw(rp_distribution kind, const rp_array *out, const rp_draw *how)
{
  draw_job job = { kind, out->dtype, out->data, 1, how };
  for (int d = 0; d < out->ndim; d++) job.n *= out->shape[d];
  int64_t per_piece = BLOCKS * (out->dtype == RP_FLOAT32 || kind == RP_BITS ? 4 : 2);
  rp_parallel((job.n + per_piece - 1) / per_piece, 16, draw_range, &job);
  return RP_OK;
}

#endif
