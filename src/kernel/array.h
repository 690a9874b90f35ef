/* array.h: what a kernel sees of a tensor: a pointer, an element type, sizes and strides. */
#ifndef RP_KERNEL_ARRAY_H
#define RP_KERNEL_ARRAY_H

#include <stdbool.h>

/* Before a loop that makes element i from elements i alone, so that its output may be one of its inputs. */
#if defined(__clang__)
#define LANEWISE _Pragma("clang loop vectorize(assume_safety)")
#else
#define LANEWISE _Pragma("GCC ivdep")
#endif

#include "base/error.h"

#define RP_MAX_DIMS 8

/* The order is that of promotion: an operation on two types works in the later one. */
typedef enum rp_dtype { RP_BOOL, RP_UINT8, RP_INT32, RP_INT64, RP_FLOAT32, RP_FLOAT64, RP_N_DTYPES } rp_dtype;

static inline size_t rp_dtype_size(rp_dtype t)
{
  static const unsigned char size[RP_N_DTYPES] = { 1, 1, 4, 8, 4, 8 };
  return size[t];
}

static inline bool rp_is_float(rp_dtype t) { return t >= RP_FLOAT32; }

typedef struct rp_array {
  void    *data;                /* the element with all indices 0 */
  rp_dtype dtype;
  int      ndim;
  int64_t  shape[RP_MAX_DIMS];
  int64_t  stride[RP_MAX_DIMS]; /* in elements; 0 repeats, negative runs backwards */
} rp_array;

#endif
