/* pool.h: one pool of threads for the whole program.  Work is split over outputs, so no result depends on it. */
#ifndef RP_BASE_POOL_H
#define RP_BASE_POOL_H

#include <stdbool.h>

#include "base/error.h"

/* Runs body on consecutive pieces [begin, end) that together cover 0 .. n-1, each of at least grain items
 * (the last may be shorter), on the caller and the pool's threads; returns when all are done.
 * Called from inside a body it runs the whole range in place.  If no thread can be had, the caller does it all. */
typedef void rp_body(void *context, int64_t begin, int64_t end);
void rp_parallel(int64_t n, int64_t grain, rp_body *body, void *context);

/* Whether work is spread over threads at this moment, so that what they share needs a lock. */
bool rp_is_spread(void);

/* The number of threads used, the caller included; 0 asks for one per core.  Returns the number set. */
int rp_threads_set(int n);
int rp_threads(void);

#endif
