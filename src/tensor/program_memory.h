/* program_memory.h: the memory of one program: blocks that nobody else is given, used again and again while it is noted. */
#ifndef RP_TENSOR_PROGRAM_MEMORY_H
#define RP_TENSOR_PROGRAM_MEMORY_H

#include "kernel/device.h"

typedef struct memory_block {
  char            *data;
  size_t           bytes;
  const rp_device *device;   /* NULL: the CPU's */
  uint64_t         released; /* when; 0: in use */
} memory_block;

/* Counted by the program and by every storage that lies in it; the last one gives the blocks back. */
typedef struct rp_program_pool {
  int64_t       references, n, room;
  uint64_t      clock;
  memory_block *block;
} rp_program_pool;

rp_program_pool *program_pool_new(void);
void             program_pool_drop(rp_program_pool *pool);

/* *at = the number of a block of at least `bytes` on the device; RP_ENOMEM. */
rp_status program_pool_take(int64_t *at, rp_program_pool *pool, const rp_device *device, size_t bytes);
void      program_pool_give(rp_program_pool *pool, int64_t at);
void      program_pool_trim(rp_program_pool *pool); /* blocks that are not in use serve everyone again */

/* Room for one more element in a list of n; RP_ENOMEM. */
rp_status program_grow(void *list, int64_t n, int64_t *room, size_t element);

#endif
