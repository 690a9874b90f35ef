/* peaks.c: what the card can do at most, measured: fused multiply-adds, and bytes copied in its own memory. */
#include <time.h>

#include "cuda/internal.h"

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static rp_status time_fma(double *rate, int64_t rounds, void *out)
{
  cu_peak args = { .out = out, .rounds = rounds };
  int64_t blocks = (int64_t)cu_now.processors * 16;
  RP_TRY(cu_finish());
  double start = now();
  RP_TRY(cu_launch(CU_ELEMENTS, "peak_fma", blocks, 256, 0, &args));
  RP_TRY(cu_finish());
  double r = 2.0 * CU_PEAK_CHAINS * (double)rounds * 256 * (double)blocks / (now() - start);
  if (r > *rate) *rate = r;
  return RP_OK;
}

static rp_status time_copy(double *rate, char *memory, size_t half)
{
  RP_TRY(cu_finish());
  double start = now();
  RP_TRY(cu_check(cu_now.d->inside((cu_pointer)(uintptr_t)memory, (cu_pointer)(uintptr_t)memory + half, half, cu_now.stream), "copy"));
  RP_TRY(cu_finish());
  double r = 2.0 * (double)half / (now() - start);
  if (r > *rate) *rate = r;
  return RP_OK;
}

rp_status rp_cuda_peaks(double *flop, double *bytes, int64_t rounds, size_t size)
{
  *flop = *bytes = 0;
  if (!cu_now.d) return rp_fail(RP_ESTATE, "no GPU is in use");
  char *memory = cu_alloc(2 * size);
  if (!memory) return RP_ENOMEM;
  rp_status status = RP_OK;
  for (int i = 0; i < 5 && status == RP_OK; i++) {
    status = time_fma(flop, rounds, memory);
    if (status == RP_OK) status = time_copy(bytes, memory, size);
  }
  cu_release(memory, 2 * size);
  return status;
}
