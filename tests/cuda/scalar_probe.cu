/* scalar_probe.cu: the pointwise rows of ops.def as GPU kernels, to see that one text serves both compilers.
 *
 * plain and fused show what the compiler makes of a*b+c and of fmaf; the rest, one kernel for each row and
 * float type, evaluates the function and its partial derivatives.  Compiled and read by check_cuda.sh. */
#include "kernel/formulas.h"

extern "C" __global__ void plain(float *y, float a, float b, float c) { *y = a * b + c; }
extern "C" __global__ void fused(float *y, float a, float b, float c) { *y = fmaf(a, b, c); }

#define KERNEL(name, s, type, body) \
  extern "C" __global__ void name##_##s##_probe(type *y, const type *a, const type *b, const type *c) \
  {                                                                                                   \
    int i = blockIdx.x * blockDim.x + threadIdx.x;                                                    \
    (void)b; (void)c;                                                                                 \
    body                                                                                              \
  }
#define BODY1(name, s) y[4 * i] = name##_##s(a[i]); y[4 * i + 1] = name##_d_##s(a[i], y[4 * i]);
#define BODY2(name, s)                              \
  y[4 * i]     = name##_##s(a[i], b[i]);            \
  y[4 * i + 1] = name##_da_##s(a[i], b[i], y[4 * i]); \
  y[4 * i + 2] = name##_db_##s(a[i], b[i], y[4 * i]);
#define BODY3(name, s)                                    \
  y[4 * i]     = name##_##s(a[i], b[i], c[i]);            \
  y[4 * i + 1] = name##_da_##s(a[i], b[i], c[i], y[4 * i]); \
  y[4 * i + 2] = name##_db_##s(a[i], b[i], c[i], y[4 * i]); \
  y[4 * i + 3] = name##_dc_##s(a[i], b[i], c[i], y[4 * i]);
#define TEST1(name, s) y[4 * i] = name##_##s(a[i]);
#define TEST2(name, s) y[4 * i] = name##_##s(a[i], b[i]);
#define BOTH(name, body) KERNEL(name, f32, float, body(name, f32)) KERNEL(name, f64, double, body(name, f64))

#define MAP1(name, args, lo, hi, kind, formula) BOTH(name, BODY1)
#define MAP2(name, args, lo, hi, kind, formula) BOTH(name, BODY2)
#define MAP3(name, args, lo, hi, kind, formula) BOTH(name, BODY3)
#define CMP1(name, args, lo, hi, formula)       BOTH(name, TEST1)
#define CMP2(name, args, lo, hi, formula)       BOTH(name, TEST2)
#define OP(name, args, n_out, formula)
#define NOGRAD(name, args, n_out, formula)
#include "kernel/ops.def"
