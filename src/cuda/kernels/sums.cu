/* sums.cu: reductions and operations on rows. */
#include "cuda/kernels/text.h"

#define INFINITE (inf_f64())
#define TEXT "cuda/kernels/sums.h"
#include "cuda/kernels/types.h"

#define ROW_FN     DEVICE
#define EACH(i, n) for (int64_t i = threadIdx.x; i < n; i += blockDim.x)
#define ALONE      if (threadIdx.x == 0)
#define ONLY_FLOATS
#define TEXT "cuda/kernels/rows.h"
#include "cuda/kernels/types.h"
