/* products.cu: matrix products and convolutions. */
#include "cuda/kernels/text.h"

#define EACH_NUMBER "cuda/kernels/finish.h"
#define EACH_TILE   "cuda/kernels/products_tile.h"
#include "cuda/kernels/tiles.h"

/* The terms of a convolution: for i = c K + q, where x_c lies shifted by q, and the shift in each dimension, or q.  Those that
 * fill up the last tile lie outside of every image.  And where each output pixel begins to read. */
KERNEL(conv_terms, cu_conv)
{
  cu_term  *term = (cu_term *)(void *)p.out;
  cu_term  *spot = term + p.terms;
  cu_place *place = (cu_place *)(void *)(spot + p.spots);
  for (int64_t i = THREAD; i < p.spots; i += THREADS) {
    const uint32_t q = (uint32_t)i / (uint32_t)p.c.out[2], r = q / (uint32_t)p.c.out[1];
    const int d2 = (int)((uint32_t)i - q * (uint32_t)p.c.out[2]) * (int)p.c.stride[2] - (int)p.c.padding[2];
    const int d1 = (int)(q - r * (uint32_t)p.c.out[1]) * (int)p.c.stride[1] - (int)p.c.padding[1];
    const int d0 = (int)r * (int)p.c.stride[0] - (int)p.c.padding[0];
    spot[i].at = (d0 * (int)p.c.in[1] + d1) * (int)p.c.in[2] + d2;
    spot[i].d0 = d0;
    spot[i].d1 = d1;
    spot[i].d2 = d2;
  }
  for (int64_t i = THREAD; i < p.terms; i += THREADS) {
    int64_t q = i % p.positions, c = i / p.positions;
    int64_t d2 = q % p.c.kernel[2] * p.c.dilation[2], d1 = q / p.c.kernel[2] % p.c.kernel[1] * p.c.dilation[1];
    int64_t d0 = q / p.c.kernel[2] / p.c.kernel[1] * p.c.dilation[0];
    const bool there = c < p.c_in;
    term[i].at = place[i].at = there ? (int)(((c * p.c.in[0] + d0) * p.c.in[1] + d1) * p.c.in[2] + d2) : 0;
    term[i].d0 = there ? (int)d0 : CU_OUTSIDE;
    term[i].d1 = (int)d1;
    term[i].d2 = (int)d2;
    place[i].q = there ? (int)q : (int)p.positions;
  }
}
