/* target.h: the few words that let one text compile under gcc, clang and nvcc.
 *
 * RP_FN     a function of the shared scalar text: static inline on the CPU, host and device under nvcc
 * RP_COLD   a function off the hot path (error exits)
 * RP_FORMAT checks printf-like arguments */
#ifndef RP_BASE_TARGET_H
#define RP_BASE_TARGET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __CUDACC__
#define RP_FN static __host__ __device__ __forceinline__
#else
#define RP_FN static inline __attribute__((always_inline, unused))
#endif

#define RP_COLD __attribute__((cold))
#define RP_FORMAT(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
