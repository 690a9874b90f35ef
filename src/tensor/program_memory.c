#include "tensor/program_memory.h"

#include <string.h>

#include "base/memory.h"

rp_status program_grow(void *list, int64_t n, int64_t *room, size_t element)
{
  void **at = list;
  if (n < *room) return RP_OK;
  int64_t more = *room ? 2 * *room : 16;
  void   *bigger = rp_new((size_t)more * element);
  if (!bigger) return RP_ENOMEM;
  if (n) memcpy(bigger, *at, (size_t)n * element);
  rp_delete(*at);
  *at = bigger; *room = more;
  return RP_OK;
}

rp_program_pool *program_pool_new(void)
{
  rp_program_pool *pool = rp_new(sizeof *pool);
  if (pool) pool->references = 1;
  return pool;
}

static void release(memory_block *b)
{
  if (b->device) b->device->release(b->data, b->bytes);
  else           rp_release(b->data);
  *b = (memory_block){ .device = b->device, .released = b->released };
}

void program_pool_trim(rp_program_pool *pool)
{
  for (int64_t i = 0; i < pool->n; i++) if (pool->block[i].released) release(&pool->block[i]);
}

void program_pool_drop(rp_program_pool *pool)
{
  if (!pool || --pool->references > 0) return;
  for (int64_t i = 0; i < pool->n; i++) release(&pool->block[i]);
  rp_delete(pool->block);
  rp_delete(pool);
}

/* Sizes in steps of a quarter of a power of two, so that blocks are found again. */
static size_t rounded(size_t n)
{
  if (n <= 64) return 64;
  size_t step = (size_t)1 << (63 - __builtin_clzll((unsigned long long)(n - 1)));
  step = step >= 256 ? step / 4 : 64;
  return (n + step - 1) / step * step;
}

/* Of those that fit, the block released last: its lines are still in the caches. */
static int64_t find(const rp_program_pool *pool, const rp_device *device, size_t bytes)
{
  int64_t best = -1;
  for (int64_t i = 0; i < pool->n; i++) {
    const memory_block *b = &pool->block[i];
    if (b->released && b->bytes == bytes && b->device == device && (best < 0 || b->released > pool->block[best].released)) best = i;
  }
  return best;
}

rp_status program_pool_take(int64_t *at, rp_program_pool *pool, const rp_device *device, size_t n)
{
  size_t  bytes = rounded(n);
  int64_t i = find(pool, device, bytes);
  if (i < 0) {
    RP_TRY(program_grow(&pool->block, pool->n, &pool->room, sizeof *pool->block));
    void *data = device ? device->alloc(bytes) : rp_alloc(bytes);
    if (!data) return RP_ENOMEM;
    i = pool->n++;
    pool->block[i] = (memory_block){ .data = data, .bytes = bytes, .device = device };
  }
  pool->block[i].released = 0;
  pool->references++;
  *at = i;
  return RP_OK;
}

void program_pool_give(rp_program_pool *pool, int64_t at)
{
  pool->block[at].released = ++pool->clock;
  program_pool_drop(pool);
}
