/* emulated.h: the words of cuda/kernels/text.h for a C compiler: see emulator.c. */
#ifndef RP_TESTS_EMULATED_H
#define RP_TESTS_EMULATED_H

#include <stddef.h>
#include <stdint.h>

typedef struct place3 { unsigned x, y, z; } place3;
extern place3 threadIdx, blockIdx, blockDim, gridDim;

typedef void emulated_call(const void *argument);
void emulated_register(const char *name, emulated_call *call, size_t bytes);
void emulated_barrier(void);
void emulated_warp_barrier(void);
void *emulated_shared(void);
const void *emulated_exchange(const void *mine, size_t bytes, int from); /* the number of another lane; all lanes take part */
void emulated_copy(void *to, const void *from, int bytes, int whole); /* `whole` bytes, of which the first `bytes` are read */
void emulated_commit(void);
void emulated_arrive(int later); /* waits for all but the last `later` groups */
void emulated_lower(uint64_t *p, uint64_t v);

#define DEVICE static inline __attribute__((unused))
#define FAR DEVICE
#define KERNEL(name, args) EMULATED_KERNEL(name, args)
#define KERNEL_OF(threads, blocks, name, args) EMULATED_KERNEL(name, args)
#define EMULATED_KERNEL(name, args)                                                                           \
  static void name(const args p);                                                                             \
  static void name##_call(const void *argument) { name(*(const args *)argument); }                            \
  __attribute__((constructor)) static void name##_register(void)                                              \
  {                                                                                                           \
    emulated_register(#name, name##_call, sizeof(args));                                                      \
  }                                                                                                           \
  static void name(const args p)
#define SHARED(type, name, n) static type name[n] __attribute__((aligned(16), section("block_shared")))
#define DYNAMIC(type, name)   type *name = emulated_shared()
#define ALIGNED16   __attribute__((aligned(16)))
#define SYNC()      emulated_barrier()
#define SYNC_WARP() emulated_warp_barrier()
#define UNROLLED
#define ROLLED

#define SHUFFLES(suffix, type)                                                                                 \
  DEVICE type DOWN_##suffix(type v, int by)                                                                    \
  {                                                                                                            \
    int lane = (int)(threadIdx.x % 32);                                                                        \
    return *(const type *)emulated_exchange(&v, sizeof v, lane + by < 32 ? lane + by : lane);                  \
  }                                                                                                            \
  DEVICE type LANE0_##suffix(type v) { return *(const type *)emulated_exchange(&v, sizeof v, 0); }
SHUFFLES(f32, float)
SHUFFLES(f64, double)
SHUFFLES(i32, int32_t)
SHUFFLES(i64, int64_t)

DEVICE void COPY16(void *to, const void *from, int bytes)     { emulated_copy(to, from, bytes, 16); }
DEVICE void COPY_f32(float *to, const float *from, bool ok)   { emulated_copy(to, from, ok ? 4 : 0, 4); }
DEVICE void COPY_f64(double *to, const double *from, bool ok) { emulated_copy(to, from, ok ? 8 : 0, 8); }
DEVICE void COPY_COMMIT(void) { emulated_commit(); }
#define COPY_WAIT(n) emulated_arrive(n)
DEVICE void LOWER(uint64_t *p, uint64_t v) { emulated_lower(p, v); }

#endif
