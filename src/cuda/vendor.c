/* vendor.c: the modes of --math other than exact, and matrix products by NVIDIA's cuBLAS in them: faster on some shapes, with
 * other bits than the contract's, which may differ between cards and versions.  The library is opened when it is first asked for.  REPRO_CUBLAS names another library. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "cuda/internal.h"
#include "cuda/vendor.h"

static struct {
#define FIELD(field, symbol, arguments) blas_result (*field) arguments;
  BLAS_FUNCTIONS(FIELD)
  blas_handle handle; /* NULL: not open */
} blas;

static rp_status blas_check(blas_result e, const char *what)
{
  return e == 0 ? RP_OK : rp_fail(RP_EDEVICE, "cuBLAS: %s failed with status %d", what, e);
}

void *cu_vendor_library(const char *variable, const char *const *names)
{
  const char *named = getenv(variable);
  if (named && *named) return dlopen(named, RTLD_NOW | RTLD_LOCAL);
  for (; *names; names++) {
    void *library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
    if (library) return library;
  }
  return NULL;
}

static rp_status open_blas(void)
{
  blas_handle handle = NULL;
  if (blas.handle) return RP_OK;
  if (!cu_now.d) return rp_fail(RP_ESTATE, "vendor libraries work on a GPU, and none is in use; add --device cuda");
  void *library = cu_vendor_library("REPRO_CUBLAS", (const char *const[]){ "libcublas.so.13", "libcublas.so.12", "libcublas.so.11", "libcublas.so", NULL });
  if (!library)
    return rp_fail(RP_EDEVICE, "NVIDIA's cuBLAS was not found (%s): install it (Debian, Ubuntu: libcublas12; from NVIDIA: cuda-libraries; "
                   "pip: nvidia-cublas) and let LD_LIBRARY_PATH name its folder", dlerror());
#define FIND(field, symbol, arguments)                                                                          \
  *(void **)&blas.field = dlsym(library, #symbol);                                                               \
  if (!blas.field) return rp_fail(RP_EDEVICE, "cuBLAS has no %s: it is older than CUDA 11", #symbol);
  BLAS_FUNCTIONS(FIND)
  RP_TRY(blas_check(blas.create(&handle), "opening"));
  RP_TRY(blas_check(blas.set_stream(handle, cu_now.stream), "its stream"));
  blas.handle = handle;
  return RP_OK;
}

static char by[640]; /* who computes */

static void say_who(void)
{
  int version = 0;
  const char *random = cu_vendor_open_random();
  if (blas.version(blas.handle, &version) != 0) version = 0;
  snprintf(by, sizeof by, "products by cuBLAS %d.%d.%d, %s", version / 10000, version / 100 % 100, version % 100, random);
}

rp_status rp_cuda_math(rp_cuda_math_mode mode)
{
  if (mode != RP_CUDA_EXACT) {
    RP_TRY(open_blas());
    RP_TRY(blas_check(blas.set_math(blas.handle, mode == RP_CUDA_TF32 ? TF32_MATH : PLAIN_MATH), "its mode"));
    say_who();
  }
  cu_now.math = mode;
  return RP_OK;
}

rp_cuda_math_mode rp_cuda_math_now(void) { return cu_now.math; }

const char *rp_cuda_math_by(void) { return by; }

/* The products and draws of a mode count, not the mode alone: one that was set and taken back changes nothing. */
rp_cuda_math_mode rp_cuda_math_used(void)            { return cu_now.used; }
void              rp_cuda_math_use(rp_cuda_math_mode mode) { cu_now.used = mode; }
void              cu_vendor_used(void)               { if (cu_now.math > cu_now.used) cu_now.used = cu_now.math; }

/* A row-major factor of rows x cols with these strides, as cuBLAS sees its transpose: *turn if it must be turned, and the
 * distance between its lines.  False for a matrix that has neither rows nor columns in one piece. */
static bool as_blas(int *turn, int *lead, int64_t rows, int64_t cols, int64_t row, int64_t col)
{
  *turn = !(col == 1 || cols == 1);
  if (*turn && !(row == 1 || rows == 1)) return false;
  int64_t inner = *turn ? rows : cols, outer = *turn ? cols : rows, apart = *turn ? col : row;
  if (outer == 1) apart = inner;
  *lead = (int)apart;
  return apart >= inner && apart <= INT32_MAX;
}

/* The bias on every row of the result, to which the product is added. */
static rp_status lay_bias(const rp_gemm *g)
{
  rp_array to = { .data = g->c, .dtype = g->dtype, .ndim = 3, .shape = { g->batch, g->m, g->n }, .stride = { g->c_batch, g->c_row, 1 } };
  rp_array from = to;
  from.data = (void *)(uintptr_t)g->bias;
  from.stride[0] = from.stride[1] = 0;
  return cu_copy(&to, &from);
}

bool cu_vendor_takes(const rp_gemm *g)
{
  int turn, lead;
  return cu_now.math != RP_CUDA_EXACT && g->k > 0 && g->m <= INT32_MAX && g->n <= INT32_MAX && g->k <= INT32_MAX
      && g->batch <= INT32_MAX && g->c_row <= INT32_MAX && as_blas(&turn, &lead, g->m, g->k, g->a_row, g->a_col)
      && as_blas(&turn, &lead, g->k, g->n, g->b_row, g->b_col);
}

/* cuBLAS counts by columns: c' = b' a' of the transposes is c by rows. */
rp_status cu_vendor_gemm(const rp_gemm *g)
{
  const bool   wide = g->dtype == RP_FLOAT64, narrow = cu_now.math == RP_CUDA_BF16;
  const float  one_f = 1, beta_f = g->bias ? 1 : 0;
  const double one_d = 1, beta_d = beta_f;
  const int    m = (int)g->m, n = (int)g->n, k = (int)g->k, ldc = (int)(g->m == 1 ? g->n : g->c_row);
  const int64_t each = g->inner > 0 ? g->inner : g->batch, size = (int64_t)rp_dtype_size(g->dtype); /* one call for those of equal distance */
  int turn_a, turn_b, lda, ldb;
  cu_vendor_used();
  if (g->bias) RP_TRY(lay_bias(g));
  as_blas(&turn_a, &lda, g->m, g->k, g->a_row, g->a_col);
  as_blas(&turn_b, &ldb, g->k, g->n, g->b_row, g->b_col);
  for (int64_t at = 0; at < g->batch; at += each) {
    const void *a = (const char *)g->a + rp_gemm_at(g, at, g->a_batch, g->a_inner) * size;
    const void *b = (const char *)g->b + rp_gemm_at(g, at, g->b_batch, g->b_inner) * size;
    void       *c = (char *)g->c + at * g->c_batch * size;
    const long long apart_a = g->inner > 0 ? g->a_inner : g->a_batch, apart_b = g->inner > 0 ? g->b_inner : g->b_batch;
    blas_result e = wide ? blas.dgemm(blas.handle, turn_b, turn_a, n, m, k, &one_d, b, ldb, apart_b, a, lda, apart_a, &beta_d, c, ldc, g->c_batch, (int)each)
                  : narrow ? blas.gemm_ex(blas.handle, turn_b, turn_a, n, m, k, &one_f, b, REAL_32, ldb, apart_b, a, REAL_32, lda, apart_a, &beta_f, c,
                                          REAL_32, ldc, g->c_batch, (int)each, BF16_SUMS, ANY_WAY)
                           : blas.sgemm(blas.handle, turn_b, turn_a, n, m, k, &one_f, b, ldb, apart_b, a, lda, apart_a, &beta_f, c, ldc, g->c_batch, (int)each);
    RP_TRY(blas_check(e, wide ? "cublasDgemmStridedBatched" : narrow ? "cublasGemmStridedBatchedEx" : "cublasSgemmStridedBatched"));
    cu_now.launches++;
  }
  return cu_now.synchronous ? cu_check(cu_now.d->stream_wait(cu_now.stream), "cuBLAS") : RP_OK;
}
