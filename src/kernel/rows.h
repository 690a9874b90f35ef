/* rows.h: softmax and its kin, standardisation, cumulative sums, row by row. */
#ifndef RP_KERNEL_ROWS_H
#define RP_KERNEL_ROWS_H

#include <stdatomic.h>

#include "kernel/reduce.h"
#include "kernel/tile.h"

#define ROW_FN     static
#define EACH(i, n) LANEWISE for (int64_t i = 0; i < n; i++) /* independent of one another */
#define ALONE
#define BODY "kernel/rows_body.h"
#include "kernel/both_floats.h"

#define NARROW_COLS 64 /* shorter rows are taken side by side, */
#define NARROW_ROWS 32 /* so many together */
#define BODY "kernel/narrow_body.h"
#include "kernel/both_floats.h"

static bool is_narrow(rp_opcode op, const rp_rows *r, int64_t rows)
{
  bool gradient = r->gx != NULL;
  return r->cols < NARROW_COLS && rows >= NARROW_ROWS / 4
         && (op == RP_OP_softmax || op == RP_OP_log_softmax || op == RP_OP_standardize || (op == RP_OP_logsumexp && !gradient));
}

typedef struct rows_job { rp_opcode op; const rp_rows *r; atomic_bool *failed; } rows_job;

static void rows_forward(void *context, int64_t begin, int64_t end)
{
  const rows_job *job = context;
  bool  f32 = job->r->dtype == RP_FLOAT32;
  void *scratch = NULL;
  if (is_narrow(job->op, job->r, end - begin)) {
    if (f32) narrow_forward_f32(job->op, job->r, begin, end);
    else     narrow_forward_f64(job->op, job->r, begin, end);
    return;
  }
  if (job->op == RP_OP_logsumexp && !(scratch = rp_alloc((size_t)job->r->cols * 8))) { *job->failed = true; return; }
  if (f32) rows_forward_f32(job->op, job->r, begin, end, scratch);
  else     rows_forward_f64(job->op, job->r, begin, end, scratch);
  rp_release(scratch);
}

static void rows_backward(void *context, int64_t begin, int64_t end)
{
  const rows_job *job = context;
  if (is_narrow(job->op, job->r, end - begin)) {
    if (job->r->dtype == RP_FLOAT32) narrow_backward_f32(job->op, job->r, begin, end);
    else                             narrow_backward_f64(job->op, job->r, begin, end);
    return;
  }
  if (job->r->dtype == RP_FLOAT32) rows_backward_f32(job->op, job->r, begin, end);
  else                             rows_backward_f64(job->op, job->r, begin, end);
}

static rp_status run_rows(rp_opcode op, const rp_rows *r, rp_body *body)
{
  atomic_bool failed = false;
  rows_job    job = { op, r, &failed };
  if (r->cols == 0) return RP_OK;
  rp_parallel(r->rows, 1 + 8192 / r->cols, body, &job);
  return failed ? rp_fail(RP_ENOMEM, "out of memory for a row of %lld elements", (long long)r->cols) : RP_OK;
}

static rp_status row(rp_opcode op, const rp_rows *r) { return run_rows(op, r, rows_forward); }

static rp_status row_back(rp_opcode op, const rp_rows *r) { return run_rows(op, r, rows_backward); }

#endif
