/* philox.h: Philox4x32-10 (Salmon et al. 2011), the source of every random number.
 *
 * counter = (element block, stream), key = seed: four words per block.  The words of (seed, stream, offset)
 * are those of cuRAND's Philox4_32_10 with the same seed, subsequence and offset. */
#ifndef RP_BASE_PHILOX_H
#define RP_BASE_PHILOX_H

#include "base/target.h"

typedef struct rp_philox_block { uint32_t word[4]; } rp_philox_block;

RP_FN rp_philox_block rp_philox(uint64_t seed, uint64_t stream, uint64_t block)
{
  uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1; c3 = (uint32_t)p0; c0 = n0; c2 = n2;
    k0 += 0x9E3779B9u; k1 += 0xBB67AE85u;
  }
  rp_philox_block out = { { c0, c1, c2, c3 } };
  return out;
}

#endif
