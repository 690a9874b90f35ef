/* sums.cu: reductions and operations on rows. */
#include "cuda/kernels/text.h"

#define INFINITE (inf_f64())
#define BODY "cuda/kernels/sums.h"
#include "kernel/every_type.h"

#define ROW_FN     DEVICE
#define EACH(i, n) for (int64_t i = threadIdx.x; i < n; i += blockDim.x)
#define ALONE      if (threadIdx.x == 0)
#define BODY "cuda/kernels/rows.h"
#include "kernel/both_floats.h"
