#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE   ((size_t)1 << 21)
#define REGION (16 * HUGE)

struct rp_region { /* lies in the region's first page */
  size_t size, used;
  size_t blocks; /* not yet given back */
};

static rp_region *newest; /* blocks are cut from it while it has room */

static size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }
static size_t whole_pages(size_t n) { return round_up(n, (size_t)sysconf(_SC_PAGESIZE)); }

/* size bytes that begin with a huge page. */
static char *map_aligned(size_t size)
{
  char *p = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return NULL;
  size_t before = (size_t)(-(uintptr_t)p % HUGE);
  if (before) munmap(p, before);
  munmap(p + before + size, HUGE - before);
#ifdef MADV_HUGEPAGE
  madvise(p + before, size, MADV_HUGEPAGE); /* a wish: without it all works as well, but slower */
#endif
  return p + before;
}

static rp_region *new_region(size_t n)
{
  size_t head = whole_pages(sizeof(rp_region)), least = round_up(head + n, HUGE), size = least > REGION ? least : REGION;
  rp_region *r = (rp_region *)map_aligned(size);
  if (!r && size > least) r = (rp_region *)map_aligned(size = least);
  if (r) *r = (rp_region){ .size = size, .used = head };
  return r;
}

void *rp_pages_take(rp_region **region, size_t n)
{
  n = whole_pages(n);
  if (!newest || newest->size - newest->used < n) {
    rp_region *r = new_region(n);
    if (!r) return NULL;
    newest = r; /* what the one before has left stays unused: addresses, not memory */
  }
  char *block = (char *)newest + newest->used;
  newest->used += n;
  newest->blocks++;
  *region = newest;
  return block;
}

void rp_pages_give(rp_region *region, void *block, size_t n)
{
  if (--region->blocks > 0) { madvise(block, whole_pages(n), MADV_DONTNEED); return; }
  if (region == newest) newest = NULL;
  munmap(region, region->size);
}
