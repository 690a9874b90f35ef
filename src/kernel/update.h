/* update.h: fused optimiser steps; each element is read and written once. */
#ifndef RP_KERNEL_UPDATE_H
#define RP_KERNEL_UPDATE_H

#include "base/pool.h"
#include "kernel/device.h"
#include "kernel/formulas.h"

#define BODY "kernel/update_body.h"
#include "kernel/both_floats.h"
#define BODY "kernel/update_loops.h"
#include "kernel/both_floats.h"

typedef struct one_update { const rp_update *u; const rp_slice *slice; } one_update;

#define UPDATE(name)                                                                                       \
  static void name##_range(void *context, int64_t begin, int64_t end)                                      \
  {                                                                                                        \
    const one_update *o = context;                                                                         \
    if (o->u->dtype == RP_FLOAT32) name##_range_f32(o->u, o->slice, begin, end);                           \
    else                           name##_range_f64(o->u, o->slice, begin, end);                           \
  }                                                                                                        \
  static rp_status name(const rp_update *u)                                                                \
  {                                                                                                        \
    for (int k = 0; k < u->n_slices; k++) {                                                                \
      one_update o = { u, &u->slice[k] };                                                                  \
      rp_parallel(o.slice->n, 16384, name##_range, &o);                                                    \
    }                                                                                                      \
    return RP_OK;                                                                                          \
  }
UPDATE(sgd)
UPDATE(adam)
UPDATE(ema)

#endif
