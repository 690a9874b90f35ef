/* l_bench.c: what the machine can do at most, for `repro bench`: fused multiply-adds and copies, on all threads. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/pool.h"
#include "kernel/vector.h"
#include "lua/l_tensor.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define CHAINS 12 /* independent accumulators: more than latency times issue rate asks for */

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* `rounds` times CHAINS fused multiply-adds of whole vectors of floats; returns a number that depends on all of them. */
typedef float chain(int64_t rounds);

#define CHAIN(name, attribute, vec, LANES, SET, FMA, STORE)                         \
  attribute static float name(int64_t rounds)                                       \
  {                                                                                 \
    float out[LANES], s = 0;                                                        \
    vec   acc[CHAINS], a = SET(0.999f), b = SET(0.001f);                            \
    UNROLL for (int i = 0; i < CHAINS; i++) acc[i] = SET(1.0f + (float)i);          \
    for (int64_t r = 0; r < rounds; r++)                                            \
      UNROLL for (int i = 0; i < CHAINS; i++) acc[i] = FMA(acc[i], a, b);           \
    UNROLL for (int i = 0; i < CHAINS; i++) { STORE(out, acc[i]); s += out[0]; }    \
    return s;                                                                       \
  }
#if defined(__x86_64__)
CHAIN(chain_avx512, __attribute__((target("avx512f"))), __m512, 16, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_storeu_ps)
CHAIN(chain_avx2, __attribute__((target("avx2,fma"))), __m256, 8, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_storeu_ps)
static chain *chain_of(const char *isa, int *lanes)
{
  *lanes = strcmp(isa, "avx512") == 0 ? 16 : 8;
  return strcmp(isa, "avx512") == 0 ? chain_avx512 : strcmp(isa, "avx2") == 0 ? chain_avx2 : NULL;
}
#elif defined(__aarch64__)
#define NEON_FMA(c, a, b) vfmaq_f32(b, c, a)
CHAIN(chain_neon, , float32x4_t, 4, vdupq_n_f32, NEON_FMA, vst1q_f32)
static chain *chain_of(const char *isa, int *lanes) { *lanes = 4; return strcmp(isa, "neon") == 0 ? chain_neon : NULL; }
#else
static chain *chain_of(const char *isa, int *lanes) { (void)isa; *lanes = 1; return NULL; }
#endif

typedef struct fma_job { chain *run; int64_t rounds; int lanes; double rate[256]; volatile float sink; } fma_job;

/* Each thread times itself, so that one that waits for a core does not count for less. */
static void run_chain(void *context, int64_t begin, int64_t end)
{
  fma_job *job = context;
  for (; begin < end; begin++) {
    double start = now();
    job->sink = job->run(job->rounds);
    job->rate[begin] = 2.0 * job->lanes * CHAINS * (double)job->rounds / (now() - start);
  }
}

static int peak_fma(lua_State *L) /* -> float32 operations per second of the instruction set in use, or nil; under 1 ms */
{
  fma_job job = { .rounds = 25000 };
  double  sum = 0;
  job.run = chain_of(rp_device_now()->name, &job.lanes);
  if (!job.run) return 0;
  rp_parallel(rp_threads(), 1, run_chain, &job);
  for (int i = 0; i < rp_threads(); i++) sum += job.rate[i];
  lua_pushnumber(L, sum);
  return 1;
}

typedef struct copy_job { char *to; const char *from; } copy_job;

static void run_copy(void *context, int64_t begin, int64_t end)
{
  const copy_job *job = context;
  memcpy(job->to + begin, job->from + begin, (size_t)(end - begin));
}

static int peak_copy(lua_State *L) /* bytes -> bytes read and written per second by memcpy */
{
  lua_Integer n = luaL_checkinteger(L, 1);
  if (n < 1 || n > (lua_Integer)1 << 32) return l_error(L, "peak_copy: %lld bytes", (long long)n);
  copy_job job = { rp_alloc((size_t)n), NULL };
  char    *from = job.to ? rp_alloc((size_t)n) : NULL;
  if (!from) { rp_release(job.to); return l_raise(L); }
  memset(from, 1, (size_t)n);
  memset(job.to, 2, (size_t)n);
  job.from = from;
  double start = now();
  rp_parallel(n, 1 << 16, run_copy, &job);
  double seconds = now() - start;
  rp_release(job.to);
  rp_release(from);
  lua_pushnumber(L, 2.0 * (double)n / seconds);
  return 1;
}

static int load(lua_State *L) /* -> the load averages of the machine, as text; nil where there are none */
{
  double a[3];
  if (getloadavg(a, 3) != 3) return 0;
  lua_pushfstring(L, "%f %f %f", a[0], a[1], a[2]);
  return 1;
}

int l_open_bench(lua_State *L)
{
  static const luaL_Reg functions[] = { { "peak_fma", peak_fma }, { "peak_copy", peak_copy }, { "load", load }, { NULL, NULL } };
  luaL_newlib(L, functions);
  return 1;
}
