/* products.cu: matrix products and convolutions. */
#include "cuda/kernels/text.h"

#define STEP   16
#define STAGES 3

#define number  float
#define T(name) name##_f32
#include "cuda/kernels/finish.h"

#define N(name) name##_f32_128
#define TM 128
#define TN 128
#define RM 8
#define RN 8
#include "cuda/kernels/tile.h"
#include "cuda/kernels/gemm.h"
#include "cuda/kernels/conv.h"
#include "cuda/kernels/end_tile.h"

#define N(name) name##_f32_64
#define TM 64
#define TN 64
#define RM 4
#define RN 4
#include "cuda/kernels/tile.h"
#include "cuda/kernels/gemm.h"
#include "cuda/kernels/conv.h"
#include "cuda/kernels/end_tile.h"
#undef number
#undef T

#define number  double
#define T(name) name##_f64
#include "cuda/kernels/finish.h"
#define N(name) name##_f64_64
#define TM 64
#define TN 64
#define RM 4
#define RN 4
#include "cuda/kernels/tile.h"
#include "cuda/kernels/gemm.h"
#include "cuda/kernels/conv.h"
#include "cuda/kernels/end_tile.h"

/* The terms of a convolution: for i = c K + q, where x_c lies shifted by q, and the shift in each dimension. */
KERNEL(conv_terms, cu_conv)
{
  int *term = (int *)(void *)p.out;
  for (int64_t i = THREAD; i < p.c_in * p.positions; i += THREADS) {
    int64_t q = i % p.positions, c = i / p.positions;
    int64_t d2 = q % p.c.kernel[2] * p.c.dilation[2], d1 = q / p.c.kernel[2] % p.c.kernel[1] * p.c.dilation[1];
    int64_t d0 = q / p.c.kernel[2] / p.c.kernel[1] * p.c.dilation[0];
    term[4 * i] = (int)(((c * p.c.in[0] + d0) * p.c.in[1] + d1) * p.c.in[2] + d2);
    term[4 * i + 1] = (int)d0;
    term[4 * i + 2] = (int)d1;
    term[4 * i + 3] = (int)d2;
  }
}
