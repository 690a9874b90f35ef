/* sha256.h: SHA-256 (FIPS 180-4), for data files and for the hashes of tensors. */
#ifndef RP_BASE_SHA256_H
#define RP_BASE_SHA256_H

#include "base/target.h"

typedef struct rp_sha256 { uint32_t h[8]; uint64_t length; uint8_t block[64]; } rp_sha256;

void rp_sha256_start(rp_sha256 *s);
void rp_sha256_add(rp_sha256 *s, const void *bytes, size_t n);
void rp_sha256_end(rp_sha256 *s, char hex[65]); /* 64 lower-case digits and a 0 */

#endif
