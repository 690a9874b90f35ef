/* vector.h: one vector register of float or double, under one set of names for every instruction set.
 *
 * For each type (suffix _f32, _f64):
 *   vec          the register: VEC_BYTES bytes
 *   vec_load     reads a whole vector, at any alignment      vec_load_part   the first n lanes, the others +0
 *   vec_store    writes one                                  vec_store_part  the first n lanes
 *   vec_set1     the same number in every lane               vec_add         a + b
 *   vec_fma      a * b + c, rounded once                     vec_and         the bits of a where those of b are set
 *   vec_zip_lo   a0 b0 a1 b1 ... from the lower halves       vec_zip_hi      the same from the upper halves,
 *                of each piece of 16 bytes
 *   vec_even     a0 a2 a4 ... b0 b2 b4 ...
 *   vec_load_pieces  piece i from p[i PIECE] + at, where PIECE is the numbers in 16 bytes
 *
 * TILE_ROWS, WIDE_ROWS, TURNED_ROWS: the rows of a register tile two or eight vectors wide, or of one beside a square
 * of vectors being transposed, that leave room for its operands. */
#ifndef RP_KERNEL_VECTOR_H
#define RP_KERNEL_VECTOR_H

#include <math.h>
#include <string.h>

#include "base/target.h"
#include "kernel/ieee.h"

#define VEC_FN static inline __attribute__((always_inline, unused))

/* Loops over a tile are unrolled whole, so that its sums stay in registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif

#if defined(__AVX512F__)
#include <immintrin.h>
#define VEC_BYTES 64
#define TILE_ROWS 14
#define WIDE_ROWS 3
#define TURNED_ROWS 8

typedef __m512  vec_f32;
typedef __m512d vec_f64;

VEC_FN vec_f32 vec_load_f32(const float *p) { return _mm512_loadu_ps(p); }
VEC_FN vec_f64 vec_load_f64(const double *p) { return _mm512_loadu_pd(p); }
VEC_FN void vec_store_f32(float *p, vec_f32 a) { _mm512_storeu_ps(p, a); }
VEC_FN void vec_store_f64(double *p, vec_f64 a) { _mm512_storeu_pd(p, a); }
VEC_FN vec_f32 vec_set1_f32(float x) { return _mm512_set1_ps(x); }
VEC_FN vec_f64 vec_set1_f64(double x) { return _mm512_set1_pd(x); }
VEC_FN vec_f32 vec_add_f32(vec_f32 a, vec_f32 b) { return _mm512_add_ps(a, b); }
VEC_FN vec_f64 vec_add_f64(vec_f64 a, vec_f64 b) { return _mm512_add_pd(a, b); }
VEC_FN vec_f32 vec_fma_f32(vec_f32 a, vec_f32 b, vec_f32 c) { return _mm512_fmadd_ps(a, b, c); }
VEC_FN vec_f64 vec_fma_f64(vec_f64 a, vec_f64 b, vec_f64 c) { return _mm512_fmadd_pd(a, b, c); }
VEC_FN vec_f32 vec_and_f32(vec_f32 a, vec_f32 b) { return _mm512_and_ps(a, b); }
VEC_FN vec_f64 vec_and_f64(vec_f64 a, vec_f64 b) { return _mm512_and_pd(a, b); }

VEC_FN vec_f32 vec_load_part_f32(const float *p, int n) { return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p); }
VEC_FN vec_f64 vec_load_part_f64(const double *p, int n) { return _mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p); }
VEC_FN void vec_store_part_f32(float *p, vec_f32 a, int n) { _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), a); }
VEC_FN void vec_store_part_f64(double *p, vec_f64 a, int n) { _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), a); }

VEC_FN vec_f32 vec_zip_lo_f32(vec_f32 a, vec_f32 b) { return _mm512_unpacklo_ps(a, b); }
VEC_FN vec_f64 vec_zip_lo_f64(vec_f64 a, vec_f64 b) { return _mm512_unpacklo_pd(a, b); }
VEC_FN vec_f32 vec_zip_hi_f32(vec_f32 a, vec_f32 b) { return _mm512_unpackhi_ps(a, b); }
VEC_FN vec_f64 vec_zip_hi_f64(vec_f64 a, vec_f64 b) { return _mm512_unpackhi_pd(a, b); }
VEC_FN vec_f32 vec_even_f32(vec_f32 a, vec_f32 b)
{
  return _mm512_permutex2var_ps(a, _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), b);
}
VEC_FN vec_f64 vec_even_f64(vec_f64 a, vec_f64 b)
{
  return _mm512_permutex2var_pd(a, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b);
}
VEC_FN vec_f32 vec_load_pieces_f32(const float *const *p, int64_t at)
{
  __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(p[0] + at));
  v = _mm512_insertf32x4(v, _mm_loadu_ps(p[4] + at), 1);
  v = _mm512_insertf32x4(v, _mm_loadu_ps(p[8] + at), 2);
  return _mm512_insertf32x4(v, _mm_loadu_ps(p[12] + at), 3);
}
VEC_FN vec_f64 vec_load_pieces_f64(const double *const *p, int64_t at)
{
  __m512d v = _mm512_castpd128_pd512(_mm_loadu_pd(p[0] + at));
  v = _mm512_insertf64x2(v, _mm_loadu_pd(p[2] + at), 1);
  v = _mm512_insertf64x2(v, _mm_loadu_pd(p[4] + at), 2);
  return _mm512_insertf64x2(v, _mm_loadu_pd(p[6] + at), 3);
}

#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define VEC_BYTES 32
#define TILE_ROWS 6
#define WIDE_ROWS 1
#define TURNED_ROWS 4

typedef __m256  vec_f32;
typedef __m256d vec_f64;

VEC_FN vec_f32 vec_load_f32(const float *p) { return _mm256_loadu_ps(p); }
VEC_FN vec_f64 vec_load_f64(const double *p) { return _mm256_loadu_pd(p); }
VEC_FN void vec_store_f32(float *p, vec_f32 a) { _mm256_storeu_ps(p, a); }
VEC_FN void vec_store_f64(double *p, vec_f64 a) { _mm256_storeu_pd(p, a); }
VEC_FN vec_f32 vec_set1_f32(float x) { return _mm256_set1_ps(x); }
VEC_FN vec_f64 vec_set1_f64(double x) { return _mm256_set1_pd(x); }
VEC_FN vec_f32 vec_add_f32(vec_f32 a, vec_f32 b) { return _mm256_add_ps(a, b); }
VEC_FN vec_f64 vec_add_f64(vec_f64 a, vec_f64 b) { return _mm256_add_pd(a, b); }
VEC_FN vec_f32 vec_fma_f32(vec_f32 a, vec_f32 b, vec_f32 c) { return _mm256_fmadd_ps(a, b, c); }
VEC_FN vec_f64 vec_fma_f64(vec_f64 a, vec_f64 b, vec_f64 c) { return _mm256_fmadd_pd(a, b, c); }
VEC_FN vec_f32 vec_and_f32(vec_f32 a, vec_f32 b) { return _mm256_and_ps(a, b); }
VEC_FN vec_f64 vec_and_f64(vec_f64 a, vec_f64 b) { return _mm256_and_pd(a, b); }

/* n ones and then zeros, for the masked forms */
VEC_FN __m256i vec_first_f32(int n)
{
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
VEC_FN __m256i vec_first_f64(int n) { return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)); }

VEC_FN vec_f32 vec_load_part_f32(const float *p, int n) { return _mm256_maskload_ps(p, vec_first_f32(n)); }
VEC_FN vec_f64 vec_load_part_f64(const double *p, int n) { return _mm256_maskload_pd(p, vec_first_f64(n)); }
VEC_FN void vec_store_part_f32(float *p, vec_f32 a, int n) { _mm256_maskstore_ps(p, vec_first_f32(n), a); }
VEC_FN void vec_store_part_f64(double *p, vec_f64 a, int n) { _mm256_maskstore_pd(p, vec_first_f64(n), a); }

VEC_FN vec_f32 vec_zip_lo_f32(vec_f32 a, vec_f32 b) { return _mm256_unpacklo_ps(a, b); }
VEC_FN vec_f64 vec_zip_lo_f64(vec_f64 a, vec_f64 b) { return _mm256_unpacklo_pd(a, b); }
VEC_FN vec_f32 vec_zip_hi_f32(vec_f32 a, vec_f32 b) { return _mm256_unpackhi_ps(a, b); }
VEC_FN vec_f64 vec_zip_hi_f64(vec_f64 a, vec_f64 b) { return _mm256_unpackhi_pd(a, b); }
VEC_FN vec_f32 vec_even_f32(vec_f32 a, vec_f32 b)
{
  return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(_mm256_shuffle_ps(a, b, 0x88)), 0xd8));
}
VEC_FN vec_f64 vec_even_f64(vec_f64 a, vec_f64 b) { return _mm256_permute4x64_pd(_mm256_unpacklo_pd(a, b), 0xd8); }
VEC_FN vec_f32 vec_load_pieces_f32(const float *const *p, int64_t at)
{
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p[0] + at)), _mm_loadu_ps(p[4] + at), 1);
}
VEC_FN vec_f64 vec_load_pieces_f64(const double *const *p, int64_t at)
{
  return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p[0] + at)), _mm_loadu_pd(p[2] + at), 1);
}

#else /* registers of 16 bytes: NEON, or plain C */
#define VEC_BYTES 16

#if defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#define TILE_ROWS 12
#define WIDE_ROWS 2
#define TURNED_ROWS 8

typedef float32x4_t vec_f32;
typedef float64x2_t vec_f64;

VEC_FN vec_f32 vec_load_f32(const float *p) { return vld1q_f32(p); }
VEC_FN vec_f64 vec_load_f64(const double *p) { return vld1q_f64(p); }
VEC_FN void vec_store_f32(float *p, vec_f32 a) { vst1q_f32(p, a); }
VEC_FN void vec_store_f64(double *p, vec_f64 a) { vst1q_f64(p, a); }
VEC_FN vec_f32 vec_set1_f32(float x) { return vdupq_n_f32(x); }
VEC_FN vec_f64 vec_set1_f64(double x) { return vdupq_n_f64(x); }
VEC_FN vec_f32 vec_add_f32(vec_f32 a, vec_f32 b) { return vaddq_f32(a, b); }
VEC_FN vec_f64 vec_add_f64(vec_f64 a, vec_f64 b) { return vaddq_f64(a, b); }
VEC_FN vec_f32 vec_fma_f32(vec_f32 a, vec_f32 b, vec_f32 c) { return vfmaq_f32(c, a, b); }
VEC_FN vec_f64 vec_fma_f64(vec_f64 a, vec_f64 b, vec_f64 c) { return vfmaq_f64(c, a, b); }
VEC_FN vec_f32 vec_and_f32(vec_f32 a, vec_f32 b)
{
  return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a), vreinterpretq_u32_f32(b)));
}
VEC_FN vec_f64 vec_and_f64(vec_f64 a, vec_f64 b)
{
  return vreinterpretq_f64_u64(vandq_u64(vreinterpretq_u64_f64(a), vreinterpretq_u64_f64(b)));
}
VEC_FN vec_f32 vec_zip_lo_f32(vec_f32 a, vec_f32 b) { return vzip1q_f32(a, b); }
VEC_FN vec_f32 vec_zip_hi_f32(vec_f32 a, vec_f32 b) { return vzip2q_f32(a, b); }
VEC_FN vec_f64 vec_zip_lo_f64(vec_f64 a, vec_f64 b) { return vzip1q_f64(a, b); }
VEC_FN vec_f64 vec_zip_hi_f64(vec_f64 a, vec_f64 b) { return vzip2q_f64(a, b); }
VEC_FN vec_f32 vec_even_f32(vec_f32 a, vec_f32 b) { return vuzp1q_f32(a, b); }
VEC_FN vec_f64 vec_even_f64(vec_f64 a, vec_f64 b) { return vuzp1q_f64(a, b); }

#else /* plain C */
#define TILE_ROWS 4
#define WIDE_ROWS 1
#define TURNED_ROWS 4

typedef struct { float lane[4]; } vec_f32;
typedef struct { double lane[2]; } vec_f64;

#define EACH_LANE(type, n, value) type y; for (int i = 0; i < (n); i++) y.lane[i] = (value); return y
VEC_FN vec_f32 vec_load_f32(const float *p) { vec_f32 a; memcpy(&a, p, sizeof a); return a; }
VEC_FN vec_f64 vec_load_f64(const double *p) { vec_f64 a; memcpy(&a, p, sizeof a); return a; }
VEC_FN void vec_store_f32(float *p, vec_f32 a) { memcpy(p, &a, sizeof a); }
VEC_FN void vec_store_f64(double *p, vec_f64 a) { memcpy(p, &a, sizeof a); }
VEC_FN vec_f32 vec_set1_f32(float x) { EACH_LANE(vec_f32, 4, x); }
VEC_FN vec_f64 vec_set1_f64(double x) { EACH_LANE(vec_f64, 2, x); }
VEC_FN vec_f32 vec_add_f32(vec_f32 a, vec_f32 b) { EACH_LANE(vec_f32, 4, a.lane[i] + b.lane[i]); }
VEC_FN vec_f64 vec_add_f64(vec_f64 a, vec_f64 b) { EACH_LANE(vec_f64, 2, a.lane[i] + b.lane[i]); }
VEC_FN vec_f32 vec_fma_f32(vec_f32 a, vec_f32 b, vec_f32 c) { EACH_LANE(vec_f32, 4, fma_f32(a.lane[i], b.lane[i], c.lane[i])); }
VEC_FN vec_f64 vec_fma_f64(vec_f64 a, vec_f64 b, vec_f64 c) { EACH_LANE(vec_f64, 2, fma_f64(a.lane[i], b.lane[i], c.lane[i])); }
VEC_FN vec_f32 vec_zip_lo_f32(vec_f32 a, vec_f32 b) { EACH_LANE(vec_f32, 4, i % 2 ? b.lane[i / 2] : a.lane[i / 2]); }
VEC_FN vec_f32 vec_zip_hi_f32(vec_f32 a, vec_f32 b) { EACH_LANE(vec_f32, 4, i % 2 ? b.lane[2 + i / 2] : a.lane[2 + i / 2]); }
VEC_FN vec_f64 vec_zip_lo_f64(vec_f64 a, vec_f64 b) { EACH_LANE(vec_f64, 2, i ? b.lane[0] : a.lane[0]); }
VEC_FN vec_f64 vec_zip_hi_f64(vec_f64 a, vec_f64 b) { EACH_LANE(vec_f64, 2, i ? b.lane[1] : a.lane[1]); }
VEC_FN vec_f32 vec_even_f32(vec_f32 a, vec_f32 b) { EACH_LANE(vec_f32, 4, i < 2 ? a.lane[2 * i] : b.lane[2 * i - 4]); }
VEC_FN vec_f64 vec_even_f64(vec_f64 a, vec_f64 b) { EACH_LANE(vec_f64, 2, i ? b.lane[0] : a.lane[0]); }
#undef EACH_LANE

VEC_FN void vec_and_bits(void *y, const void *a, const void *b)
{
  uint64_t u[2], v[2];
  memcpy(u, a, sizeof u); memcpy(v, b, sizeof v);
  u[0] &= v[0]; u[1] &= v[1];
  memcpy(y, u, sizeof u);
}
VEC_FN vec_f32 vec_and_f32(vec_f32 a, vec_f32 b) { vec_and_bits(&a, &a, &b); return a; }
VEC_FN vec_f64 vec_and_f64(vec_f64 a, vec_f64 b) { vec_and_bits(&a, &a, &b); return a; }
#endif

VEC_FN vec_f32 vec_load_pieces_f32(const float *const *p, int64_t at)   { return vec_load_f32(p[0] + at); }
VEC_FN vec_f64 vec_load_pieces_f64(const double *const *p, int64_t at) { return vec_load_f64(p[0] + at); }
VEC_FN vec_f32 vec_load_part_f32(const float *p, int n)
{
  float lane[4] = { 0 };
  for (int i = 0; i < n; i++) lane[i] = p[i];
  return vec_load_f32(lane);
}
VEC_FN vec_f64 vec_load_part_f64(const double *p, int n)
{
  double lane[2] = { 0 };
  for (int i = 0; i < n; i++) lane[i] = p[i];
  return vec_load_f64(lane);
}
VEC_FN void vec_store_part_f32(float *p, vec_f32 a, int n)
{
  float lane[4];
  vec_store_f32(lane, a);
  for (int i = 0; i < n; i++) p[i] = lane[i];
}
VEC_FN void vec_store_part_f64(double *p, vec_f64 a, int n)
{
  double lane[2];
  vec_store_f64(lane, a);
  for (int i = 0; i < n; i++) p[i] = lane[i];
}
#endif

#endif
