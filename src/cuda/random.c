/* random.c: random numbers and optimiser steps. */
#include "cuda/internal.h"

rp_status cu_draw_run(rp_distribution d, const rp_array *out, const rp_draw *how)
{
  cu_draw args = { .out = out->data, .n = cu_count(out), .kind = (int)d, .how = *how };
  bool    f32 = out->dtype == RP_FLOAT32, f64 = out->dtype == RP_FLOAT64;
  int64_t per_block = f32 || d == RP_BITS ? 4 : 2;
  return cu_launch_over(CU_ELEMENTS, f32 ? "draw_f32" : f64 ? "draw_f64" : "draw_i64", (args.n + per_block - 1) / per_block, &args);
}

static rp_status update(const char *f32, const char *f64, const rp_update *u)
{
  cu_update args = { *u };
  return cu_launch_over(CU_ELEMENTS, u->dtype == RP_FLOAT32 ? f32 : f64, u->n, &args);
}

rp_status cu_sgd(const rp_update *u)  { return update("sgd_f32", "sgd_f64", u); }
rp_status cu_adam(const rp_update *u) { return update("adam_f32", "adam_f64", u); }
rp_status cu_ema(const rp_update *u)  { return update("ema_f32", "ema_f64", u); }
