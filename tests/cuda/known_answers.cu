/* known_answers.cu: the words of base/philox.h beside those that cuRAND's functions for kernels give after curand_init(seed,
 * subsequence, offset): their own text, compiled by nvcc for the CPU.  Here subsequence and offset are free.  Prints a line for
 * each difference, and last how many words were compared; exit status 1 if one differs. */
#define QUALIFIERS static inline __host__ __device__
#include <cstdint>
#include <cstdio>
#include <curand_kernel.h>

#include "base/philox.h"

int main()
{
  static const uint64_t seeds[] = { 0, 7, 1234, 0x9E3779B97F4A7C15u, UINT64_MAX };
  static const uint64_t streams[] = { 0, 1, 65536, 0xFFFFFFFFu, (uint64_t)0x811C9DC5u << 32 | 42, UINT64_MAX };
  static const uint64_t offsets[] = { 0, 4, 6, 4000003, ((uint64_t)4 << 32) - 8, (uint64_t)4 << 33 };
  int wrong = 0, n = 0;
  for (uint64_t seed : seeds)
    for (uint64_t stream : streams)
      for (uint64_t offset : offsets) {
        curandStatePhilox4_32_10_t state;
        curand_init(seed, stream, offset, &state);
        for (uint64_t i = offset; i < offset + 24; i++, n++) {
          const unsigned theirs = curand(&state), ours = rp_philox(seed, stream, i / 4).word[i % 4];
          if (ours != theirs && wrong++ < 5)
            std::printf("seed %llu, subsequence %llu, word %llu: %u, and cuRAND has %u\n", (unsigned long long)seed, (unsigned long long)stream,
                        (unsigned long long)i, ours, theirs);
        }
      }
  std::printf("%d words\n", n);
  return wrong > 0;
}
