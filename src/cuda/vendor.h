/* vendor.h: the parts of NVIDIA's cuBLAS and cuRAND that --math fast uses, opened at run time.  Types and numbers are those of
 * their binary interfaces (tests/cuda/interface.cu compares them with NVIDIA's headers). */
#ifndef RP_CUDA_VENDOR_H
#define RP_CUDA_VENDOR_H

#include "cuda/driver.h"

/* ---- cuBLAS ---- */

typedef struct blas_context *blas_handle;
typedef int blas_result; /* 0: success */

#define PLAIN_MATH 0 /* CUBLAS_DEFAULT_MATH: products and sums of float32 in float32 */
#define TF32_MATH  3 /* CUBLAS_TF32_TENSOR_OP_MATH: factors are rounded to 10 bits of fraction */
#define REAL_32    0 /* CUDA_R_32F */
#define BF16_SUMS  75 /* CUBLAS_COMPUTE_32F_FAST_16BF: factors are rounded to 7 bits of fraction, sums are float32 */
#define ANY_WAY    (-1) /* CUBLAS_GEMM_DEFAULT */

/* field, symbol, arguments */
#define BLAS_GEMM(number) (blas_handle h, int turn_a, int turn_b, int m, int n, int k, const number *alpha, const number *a, int lda, \
                           long long apart_a, const number *b, int ldb, long long apart_b, const number *beta, number *c, int ldc,    \
                           long long apart_c, int count)
#define BLAS_FUNCTIONS(F)                                                  \
  F(create,     cublasCreate_v2,             (blas_handle *h))             \
  F(version,    cublasGetVersion_v2,         (blas_handle h, int *version)) \
  F(set_stream, cublasSetStream_v2,          (blas_handle h, cu_stream s)) \
  F(set_math,   cublasSetMathMode,           (blas_handle h, int mode))    \
  F(sgemm,      cublasSgemmStridedBatched,   BLAS_GEMM(float))             \
  F(dgemm,      cublasDgemmStridedBatched,   BLAS_GEMM(double))            \
  F(gemm_ex,    cublasGemmStridedBatchedEx,                                \
    (blas_handle h, int turn_a, int turn_b, int m, int n, int k, const void *alpha, const void *a, int type_a, int lda, long long apart_a, \
     const void *b, int type_b, int ldb, long long apart_b, const void *beta, void *c, int type_c, int ldc, long long apart_c, int count,   \
     int compute, int algorithm))

/* ---- cuRAND ---- */

typedef struct random_generator *rand_handle;
typedef int rand_result; /* 0: success */

#define PHILOX4_32_10 161 /* CURAND_RNG_PSEUDO_PHILOX4_32_10 */
#define LASTING_ORDER 103 /* CURAND_ORDERING_PSEUDO_LEGACY: the same in all versions */

/* field, symbol, arguments */
#define RAND_FUNCTIONS(F)                                                                                \
  F(version,   curandGetVersion,                     (int *version))                                     \
  F(create,    curandCreateGenerator,                (rand_handle *h, int type))                         \
  F(stream,    curandSetStream,                      (rand_handle h, cu_stream s))                       \
  F(order,     curandSetGeneratorOrdering,           (rand_handle h, int order))                         \
  F(seed,      curandSetPseudoRandomGeneratorSeed,   (rand_handle h, unsigned long long seed))           \
  F(offset,    curandSetGeneratorOffset,             (rand_handle h, unsigned long long offset))         \
  F(uniform,   curandGenerateUniform,                (rand_handle h, float *out, size_t n))              \
  F(uniform_d, curandGenerateUniformDouble,          (rand_handle h, double *out, size_t n))             \
  F(normal,    curandGenerateNormal,                 (rand_handle h, float *out, size_t n, float mean, float deviation)) \
  F(normal_d,  curandGenerateNormalDouble,           (rand_handle h, double *out, size_t n, double mean, double deviation))

#endif
