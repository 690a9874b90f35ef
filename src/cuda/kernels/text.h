/* text.h: the words in which kernels are written, so that one text is compiled by nvcc for the device and by a C compiler
 * for the launch emulator (tests/cuda/emulator.c), which runs blocks and threads one after the other.
 *
 *   KERNEL(name, args) { ... p ... }   a kernel; p is its one argument, a structure of args.h
 *   DEVICE                             a function that only kernels call
 *   SHARED(type, name, n)              an array of a block;   DYNAMIC(type, name)  the one whose size the launch gives
 *   ALIGNED16                          a type that is read and written 16 bytes at a time
 *   SYNC(), SYNC_WARP()                barriers;  DOWN_name(v, by)  the v of lane + by;  LANE0_name(v)  that of lane 0
 *   COPY16, COPY_name, COPY_COMMIT, COPY_WAIT(n)  asynchronous copies into shared memory: 16 bytes, of which the first
 *                                      `bytes` are read, or one number, read if `ok`; what is not read becomes zero
 *   LOWER(p, v)                        *p = min(*p, v) on unsigned 64-bit words, in any order (reports of errors only) */
#ifndef RP_CUDA_KERNELS_TEXT_H
#define RP_CUDA_KERNELS_TEXT_H

#include "cuda/args.h"
#include "kernel/formulas.h"

#ifdef __CUDACC__
#define restrict __restrict__
#define DEVICE   static __device__ __forceinline__
#define FAR      static __device__ __noinline__ /* called, not copied into its callers */
#define KERNEL(name, args) extern "C" __global__ void name(const __grid_constant__ args p)
#define KERNEL_OF(threads, blocks, name, args) \
  extern "C" __global__ void __launch_bounds__(threads, blocks) name(const __grid_constant__ args p)
#define SHARED(type, name, n) __shared__ __align__(16) type name[n]
#define DYNAMIC(type, name)   extern __shared__ __align__(16) unsigned char dynamic_[]; type *name = (type *)dynamic_
#define ALIGNED16    __align__(16)
#define SYNC()       __syncthreads()
#define SYNC_WARP()  __syncwarp()
#define UNROLLED     _Pragma("unroll")
#define ROLLED       _Pragma("unroll 1")

DEVICE float   DOWN_f32(float v, int by)     { return __shfl_down_sync(0xffffffffu, v, by); }
DEVICE double  DOWN_f64(double v, int by)    { return __shfl_down_sync(0xffffffffu, v, by); }
DEVICE int32_t DOWN_i32(int32_t v, int by)   { return __shfl_down_sync(0xffffffffu, v, by); }
DEVICE int64_t DOWN_i64(int64_t v, int by)   { return __shfl_down_sync(0xffffffffu, (long long)v, by); }
DEVICE float   LANE0_f32(float v)            { return __shfl_sync(0xffffffffu, v, 0); }
DEVICE double  LANE0_f64(double v)           { return __shfl_sync(0xffffffffu, v, 0); }
DEVICE int32_t LANE0_i32(int32_t v)          { return __shfl_sync(0xffffffffu, v, 0); }
DEVICE int64_t LANE0_i64(int64_t v)          { return __shfl_sync(0xffffffffu, (long long)v, 0); }

DEVICE unsigned shared_address(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }
DEVICE void COPY16(void *to, const void *from, int bytes)
{
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(shared_address(to)), "l"(from), "r"(bytes) : "memory");
}
DEVICE void COPY_f32(float *to, const float *from, bool ok)
{
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" :: "r"(shared_address(to)), "l"(from), "r"(ok ? 4 : 0) : "memory");
}
DEVICE void COPY_f64(double *to, const double *from, bool ok)
{
  asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;" :: "r"(shared_address(to)), "l"(from), "r"(ok ? 8 : 0) : "memory");
}
DEVICE void COPY_COMMIT(void) { asm volatile("cp.async.commit_group;" ::: "memory"); }
#define COPY_WAIT(n) asm volatile("cp.async.wait_group %0;" :: "n"(n) : "memory")
DEVICE void LOWER(uint64_t *p, uint64_t v) { atomicMin((unsigned long long *)p, (unsigned long long)v); }
#else
#include <emulated.h>
#endif

/* Index of this thread in the grid, and the number of threads in it. */
#define THREAD  ((int64_t)blockIdx.x * blockDim.x + threadIdx.x)
#define THREADS ((int64_t)gridDim.x * blockDim.x)

DEVICE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Where element i, counted in row-major order over the dimensions of s, lies. */
FAR int64_t placed_far(const places *s, int64_t i)
{
  int64_t at = 0;
  if (i >> 31 == 0) { /* division of 32-bit numbers is several times cheaper */
    uint32_t r = (uint32_t)i;
    for (int d = s->n - 1; d > 0; d--) {
      uint32_t size = (uint32_t)s->shape[d], q = r / size;
      at += (int64_t)(r - q * size) * s->stride[d];
      r = q;
    }
    return at + (int64_t)r * s->stride[0];
  }
  for (int d = s->n - 1; d > 0; d--) { at += i % s->shape[d] * s->stride[d]; i /= s->shape[d]; }
  return at + i * s->stride[0];
}

DEVICE int64_t placed(const places *s, int64_t i) { return s->n == 1 ? i * s->stride[0] : placed_far(s, i); }

#endif
