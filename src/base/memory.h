/* memory.h: every byte the library takes.
 *
 * rp_alloc serves tensors: 64-byte aligned blocks, kept by size class when released, so that a training
 * step reaches a steady state in which it asks the system for nothing.  rp_new serves structures, small ones kept alike.
 * Both count the live bytes and both obey rp_memory_fail_at, by which tests fail each allocation in turn. */
#ifndef RP_BASE_MEMORY_H
#define RP_BASE_MEMORY_H

#include <stdbool.h>

#include "base/error.h"

/* A block of at least n bytes, 64-byte aligned, contents undefined; NULL with a message if there is none.
 * The caller owns it and gives it back with rp_release (NULL is allowed). */
void *rp_alloc(size_t n);
void  rp_release(void *block);

/* n zeroed bytes for a structure; NULL with a message if there are none.  Given back with rp_delete. */
void *rp_new(size_t n);
void  rp_delete(void *p);

typedef struct rp_memory {
  size_t  live;        /* bytes handed out and not yet given back */
  size_t  peak;        /* the largest live so far (since rp_memory_reset_peak) */
  size_t  cached;      /* bytes held for reuse */
  int64_t allocations; /* calls of rp_alloc and rp_new that asked the system */
} rp_memory;

rp_memory rp_memory_now(void);
void      rp_memory_reset_peak(void);

/* Gives all cached blocks back to the system. */
void rp_memory_trim(void);

/* Refuses blocks that would raise live and claimed bytes above limit; 0 lifts the limit. */
void rp_memory_limit(size_t limit);

/* Counts bytes that another allocator is about to take against the limit; false if they do not fit.  They are not part of
 * live or peak.  Given back with rp_memory_yield. */
bool rp_memory_claim(size_t bytes);
void rp_memory_yield(size_t bytes);

/* For tests: the k-th request from now on fails (k = 1 is the next), and then every one; 0 stops this. */
void rp_memory_fail_at(int64_t k);

#endif
