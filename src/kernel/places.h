/* places.h: where the elements of some dimensions of an array lie. */
#ifndef RP_KERNEL_PLACES_H
#define RP_KERNEL_PLACES_H

#include "kernel/array.h"

/* Dimensions merged where they lie in one run; n >= 1; strides in elements. */
typedef struct places { int n; int64_t shape[RP_MAX_DIMS], stride[RP_MAX_DIMS]; } places;

/* Dimensions first .. end-1 of in. */
static inline void merge_dims(places *p, const rp_array *in, int first, int end)
{
  p->n = 0;
  for (int d = first; d < end; d++) {
    int64_t size = in->shape[d], stride = in->stride[d];
    if (size == 1) continue;
    if (p->n > 0 && p->stride[p->n - 1] == stride * size) { p->shape[p->n - 1] *= size; p->stride[p->n - 1] = stride; continue; }
    p->shape[p->n] = size;
    p->stride[p->n++] = stride;
  }
  if (p->n == 0) { p->n = 1; p->shape[0] = 1; p->stride[0] = 1; }
}

#endif
