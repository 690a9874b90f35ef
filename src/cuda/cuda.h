/* cuda.h: an NVIDIA GPU as a device of the table of kernel/device.h.
 *
 * Nothing here opens the driver before rp_cuda_open, rp_cuda_count or rp_cuda_describe is called.  All work goes through one
 * stream, in order, and returns before it is done; downloads, and rp_cuda_finish, wait.
 * REPRO_CUDA_SYNC=1 waits after every kernel, so that an error names the operation that made it. */
#ifndef RP_CUDA_CUDA_H
#define RP_CUDA_CUDA_H

#include "base/memory.h"
#include "kernel/device.h"

/* How many GPUs there are; 0 with the reason in *why (borrowed). */
int rp_cuda_count(const char **why);

/* The table of GPU i, from 0.  One GPU is used by a process.  RP_EDEVICE if it cannot be used, with the reason. */
rp_status rp_cuda_open(const rp_device **out, int i);

typedef struct rp_cuda_card {
  char   name[128];
  size_t bytes;
  int    major, minor, processors, driver; /* driver: 1000 major + 10 minor of the CUDA version it serves */
} rp_cuda_card;
rp_status rp_cuda_describe(rp_cuda_card *card, int i);

/* The architectures whose kernels this build holds: "sm_80 sm_90 ..."; "" if it was built without nvcc. */
const char *rp_cuda_architectures(void);

/* What runs on the CPU even for tensors on a GPU, and why. */
const char *rp_cuda_stays(void);

/* Device memory, counted as in base/memory.h, and how often data crossed over.  A graph is one launch. */
typedef struct rp_cuda_counts {
  rp_memory memory;
  int64_t   launches, uploads, downloads, waits;
} rp_cuda_counts;
rp_cuda_counts rp_cuda_counts_now(void);
void           rp_cuda_trim(void);
void           rp_cuda_reset_peak(void);

/* The most that was measured, per second: float32 operations (a multiply-add is two) of a kernel of `rounds` rounds, and
 * bytes read and written by a copy of `size` bytes.  RP_ESTATE before rp_cuda_open. */
rp_status rp_cuda_peaks(double *flop, double *bytes, int64_t rounds, size_t size);

/* What computes from now on: the contract's kernels; or NVIDIA's cuBLAS the matrix products, in float32, with factors rounded
 * to TF32 or to bfloat16, and its cuRAND, where it is, uniform and normal numbers.  RP_EDEVICE naming what to install if there
 * is no cuBLAS; RP_ESTATE before rp_cuda_open. */
typedef enum rp_cuda_math_mode { RP_CUDA_EXACT, RP_CUDA_FP32, RP_CUDA_TF32, RP_CUDA_BF16 } rp_cuda_math_mode;
rp_status rp_cuda_math(rp_cuda_math_mode mode);

/* Which libraries compute in the modes other than exact, or why not: "products by cuBLAS 13.0.2, random numbers by ..."; ""
 * before one was set. */
const char *rp_cuda_math_by(void);
rp_cuda_math_mode rp_cuda_math_now(void);

/* The coarsest mode that anything was computed in since the last call of rp_cuda_math_use, which sets it. */
rp_cuda_math_mode rp_cuda_math_used(void);
void              rp_cuda_math_use(rp_cuda_math_mode mode);

/* Waits for everything asked for so far, and reports what went wrong in it. */
rp_status rp_cuda_finish(void);

#endif
