/* fake_cublas.c: a stand-in for libcublas within the launch emulator (REPRO_CUBLAS=tests/cuda/emulator.so), so that what
 * --math fast asks of it can be tested without a GPU.  It multiplies in double, which the contract does not, and appends each
 * call to the file FAKE_CUBLAS_LOG. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

void emulated_open(bool open);

#define BF16 16 /* a mode of ours */
static int mode, has_stream;

static void note(const char *text)
{
  const char *path = getenv("FAKE_CUBLAS_LOG");
  FILE *f = path ? fopen(path, "a") : NULL;
  if (!f) return;
  fprintf(f, "%s\n", text);
  fclose(f);
}

EXPORT int cublasCreate_v2(void **h) { *h = &mode; note("create"); return 0; }
EXPORT int cublasSetStream_v2(void *h, void *s) { has_stream = h == &mode && s != NULL; note("stream"); return 0; }
EXPORT int cublasGetVersion_v2(void *h, int *v) { (void)h; *v = 130002; return 0; }
EXPORT int cublasSetMathMode(void *h, int m) { (void)h; mode = m; note(m == 3 ? "tf32" : m == 0 ? "fp32" : "?"); return 0; }

/* c (m x n) = alpha op(a) op(b) + beta c, by columns, as the real one does; 7 is CUBLAS_STATUS_INVALID_VALUE. */
#define GEMM(name, number, round)                                                                                       \
  EXPORT int name(void *h, int ta, int tb, int m, int n, int k, const number *alpha, const number *a, int lda, long long sa, \
                  const number *b, int ldb, long long sb, const number *beta, number *c, int ldc, long long sc, int count)   \
  {                                                                                                                     \
    if (h != &mode || !has_stream || m < 1 || n < 1 || k < 1 || lda < (ta ? k : m) || ldb < (tb ? n : k) || ldc < m) return 7; \
    note(#name);                                                                                                        \
    emulated_open(true);                                                                                                \
    for (int q = 0; q < count; q++, a += sa, b += sb, c += sc)                                                          \
      for (int j = 0; j < n; j++)                                                                                       \
        for (int i = 0; i < m; i++) {                                                                                   \
          double s = 0;                                                                                                 \
          for (int t = 0; t < k; t++)                                                                                   \
            s += round(a[ta ? t + (long long)i * lda : i + (long long)t * lda]) * round(b[tb ? j + (long long)t * ldb : t + (long long)j * ldb]); \
          number *to = &c[i + (long long)j * ldc];                                                                      \
          *to = (number)(*alpha * s + (*beta == 0 ? 0 : *beta * *to));                                                  \
        }                                                                                                               \
    emulated_open(false);                                                                                               \
    return 0;                                                                                                           \
  }

/* Ten bits of fraction are left in TF32's factors, seven in those of bfloat16. */
static double narrow(double x)
{
  union { float f; unsigned u; } bits = { .f = (float)x };
  if (mode != 3 && mode != BF16) return x;
  bits.u &= mode == 3 ? 0xffffe000u : 0xffff0000u;
  return bits.f;
}

GEMM(cublasSgemmStridedBatched, float, narrow)
GEMM(cublasDgemmStridedBatched, double, +)

/* Only as it is called: everything in float32, factors rounded to bfloat16. */
EXPORT int cublasGemmStridedBatchedEx(void *h, int ta, int tb, int m, int n, int k, const void *alpha, const void *a, int type_a, int lda,
                                      long long sa, const void *b, int type_b, int ldb, long long sb, const void *beta, void *c, int type_c,
                                      int ldc, long long sc, int count, int compute, int algorithm)
{
  if (type_a != 0 || type_b != 0 || type_c != 0 || compute != 75 || algorithm != -1 || mode != 0) return 7;
  note("cublasGemmStridedBatchedEx");
  mode = BF16;
  int e = cublasSgemmStridedBatched(h, ta, tb, m, n, k, alpha, a, lda, sa, b, ldb, sb, beta, c, ldc, sc, count);
  mode = 0;
  return e;
}
