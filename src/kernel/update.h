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

#define UPDATE(name)                                                                                       \
  static void name##_range(void *context, int64_t begin, int64_t end)                                      \
  {                                                                                                        \
    const rp_update *u = context;                                                                          \
    if (u->dtype == RP_FLOAT32) name##_range_f32(u, begin, end); else name##_range_f64(u, begin, end);     \
  }                                                                                                        \
  static rp_status name(const rp_update *u)                                                                \
  {                                                                                                        \
    rp_parallel(u->n, 16384, name##_range, (void *)(uintptr_t)u);                                          \
    return RP_OK;                                                                                          \
  }
UPDATE(sgd)
UPDATE(adam)
UPDATE(ema)

#endif
