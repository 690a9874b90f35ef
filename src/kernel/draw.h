/* draw.h: fills of random numbers.  Element i depends on (seed, stream, i) alone: see base/philox.h and
 * distribution.h. */
#ifndef RP_KERNEL_DRAW_H
#define RP_KERNEL_DRAW_H

#include "base/philox.h"
#include "base/pool.h"
#include "kernel/device.h"
#include "kernel/formulas.h"
#include "kernel/integers.h"

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

#define BODY "kernel/distribution.h"
#include "kernel/both_floats.h"
#define BODY "kernel/draw_body.h"
#include "kernel/both_floats.h"

/* RP_INTEGERS: two words each; RP_BITS: the word itself. */
static void draw_int64(const draw_job *job, int64_t begin, int64_t end)
{
  const int per_block = job->kind == RP_BITS ? 4 : 2;
  const int64_t lo = (int64_t)job->how->a;
  const uint64_t range = integer_range(lo, (int64_t)job->how->b);
  for (int64_t i = begin * BLOCKS * per_block; i < end * BLOCKS * per_block && i < job->n; i++) {
    rp_philox_block b = rp_philox(job->how->seed, job->how->stream, (uint64_t)(i / per_block));
    int64_t j = i % per_block, *out = (int64_t *)job->out + i;
    if (per_block == 4) { *out = b.word[j]; continue; }
    *out = integer_of(b.word[2 * j], b.word[2 * j + 1], lo, range);
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
