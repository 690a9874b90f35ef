/* random.c: random numbers and optimiser steps. */
#include "cuda/internal.h"

rp_status cu_draw_run(rp_distribution d, const rp_array *out, const rp_draw *how)
{
  if (cu_vendor_draws(d)) return cu_vendor_draw(d, out, how);
  cu_draw args = { .out = out->data, .n = cu_count(out), .kind = (int)d, .how = *how };
  bool    f32 = out->dtype == RP_FLOAT32, f64 = out->dtype == RP_FLOAT64;
  int64_t per_block = f32 || d == RP_BITS ? 4 : 2;
  return cu_launch_over(CU_ELEMENTS, f32 ? "draw_f32" : f64 ? "draw_f64" : "draw_i64", (args.n + per_block - 1) / per_block, &args);
}

/* ---- optimisers: one launch for all slices ---- */

static bool overlap(const rp_slice *a, const char *x, const rp_slice *b, const char *y, size_t size)
{
  return x < y + (size_t)b->n * size && y < x + (size_t)a->n * size;
}

/* Slices from the first of u on, of which none writes what another does: those must run one after the other. */
static void take(cu_update *args, const rp_update *u, int first, bool ema)
{
  size_t size = rp_dtype_size(u->dtype);
  int    n = 0;
  for (args->total = 0; first + n < u->n_slices; n++) {
    const rp_slice *s = &u->slice[first + n];
    for (int k = 0; k < n; k++) {
      const rp_slice *t = &args->slice[k];
      if (overlap(s, ema ? s->m : s->p, t, ema ? t->m : t->p, size)) { args->u.n_slices = n; return; }
    }
    args->slice[n] = *s;
    args->total += s->n;
  }
  args->u.n_slices = n;
}

static rp_status update(const char *f32, const char *f64, const rp_update *u, bool ema)
{
  cu_update args = { .u = *u };
  args.u.slice = NULL; /* the host's */
  for (int first = 0; first < u->n_slices; first += args.u.n_slices) {
    take(&args, u, first, ema);
    RP_TRY(cu_launch_over(CU_ELEMENTS, u->dtype == RP_FLOAT32 ? f32 : f64, args.total, &args));
  }
  return RP_OK;
}

rp_status cu_sgd(const rp_update *u)  { return update("sgd_f32", "sgd_f64", u, false); }
rp_status cu_adam(const rp_update *u) { return update("adam_f32", "adam_f64", u, false); }
rp_status cu_ema(const rp_update *u)  { return update("ema_f32", "ema_f64", u, true); }
