/* Blocks carry a 64-byte header with their size, so that a release needs no size and the data stay aligned.
 * Released tensor blocks wait in one list per size class; classes are four to an octave, so at most a fifth of a
 * block is unused.  Those that a list has not been down to for a window of requests go back to the system.  When
 * the system refuses, the lists are emptied and it is asked once more. */
#include "base/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "base/pool.h"

#define HEADER  64
#define CLASSES 256
#define WINDOW  32768 /* requests: those of several steps of a training */
#define SHORT   256   /* where more waits than was ever in use */
#define SMALL   32 /* structures of up to 32 x 16 bytes are kept for reuse as well, by size */

typedef struct header {
  size_t         bytes; /* usable bytes after the header */
  struct header *next;  /* in a free list */
  rp_region     *region; /* of a large block */
} header;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static header   *free_list[CLASSES];
static int64_t   n_free[CLASSES], least_free[CLASSES]; /* how many blocks, and the fewest of this window */
static int64_t   requests; /* of blocks in this window */
static size_t   *free_small[SMALL + 1]; /* the first word of a free structure is its size, the second the next one */
static rp_memory now;
static size_t    limit;
static size_t    outside; /* bytes of rp_memory_claim */
static int64_t   fail_in; /* 0: never; k > 0: the k-th request from now fails, and all after it */

/* The library is used by one thread, whose pool helps it for the length of a job: only then is there anyone to lock out. */
static void enter(void) { if (rp_is_spread()) pthread_mutex_lock(&lock); }
static void leave(void) { if (rp_is_spread()) pthread_mutex_unlock(&lock); }

/* The class of n bytes and, in *rounded, its size: 4, 5, 6 or 7 times a power of two. */
static int size_class(size_t n, size_t *rounded)
{
  if (n <= 64) { *rounded = 64; return 0; }
  int    octave = 63 - __builtin_clzll((unsigned long long)(n - 1)); /* 2^octave < n <= 2^(octave+1) */
  size_t step = (size_t)1 << (octave - 2), base = (size_t)1 << octave;
  size_t quarter = (n - base + step - 1) / step; /* 1..4 */
  *rounded = base + quarter * step;
  return (octave - 6) * 4 + (int)quarter;
}

static bool refused(size_t bytes)
{
  if (fail_in > 0 && --fail_in == 0) fail_in = -1;
  return fail_in < 0 || (limit && now.live + outside + bytes > limit);
}

#ifdef RP_MEMORY_NO_CACHE /* sanitisers see use after release only if blocks go back to malloc */
static bool is_paged(size_t bytes) { (void)bytes; return false; }
#else
static bool is_paged(size_t bytes) { return bytes >= RP_PAGED; }
#endif

static header *from_system(size_t bytes)
{
  rp_region *region = NULL;
  header    *h = NULL;
  if (!is_paged(bytes)) return posix_memalign((void **)&h, HEADER, bytes + HEADER) == 0 ? h : NULL;
  if ((h = rp_pages_take(&region, bytes + HEADER))) h->region = region;
  return h;
}

static void to_system(header *h)
{
  if (!is_paged(h->bytes)) free(h);
  else                     rp_pages_give(h->region, h, h->bytes + HEADER);
}

static header *take_free(int c)
{
  header *h = free_list[c];
  if (!h) return NULL;
  free_list[c] = h->next;
  now.cached -= h->bytes;
  if (--n_free[c] < least_free[c]) least_free[c] = n_free[c];
  return h;
}

/* The window's end: what it has not needed goes back to the system. */
static void give_back_idle(void)
{
  for (int c = 0; c < CLASSES; c++) {
    for (int64_t k = least_free[c]; k > 0; k--) to_system(take_free(c));
    least_free[c] = n_free[c];
  }
  requests = 0;
}

static void trim_locked(void)
{
  for (int c = 0; c < CLASSES; c++)
    while (free_list[c]) to_system(take_free(c));
  for (int c = 0; c <= SMALL; c++)
    while (free_small[c]) {
      size_t *p = free_small[c];
      free_small[c] = (size_t *)p[1];
      now.cached -= (size_t)c * 16;
      free(p);
    }
}

/* What is kept for reuse gives way before it is most of the memory, or a limit is broken. */
static void make_room(size_t bytes)
{
  if (requests >= SHORT && now.cached > now.peak) give_back_idle();
  if (limit && now.live + outside + now.cached + bytes > limit) trim_locked();
}

static void count(size_t bytes)
{
  now.live += bytes;
  if (now.live > now.peak) now.peak = now.live;
}

static void *no_memory(size_t n)
{
  rp_memory m = rp_memory_now();
  char      most[64] = "";
  if (limit) snprintf(most, sizeof most, ", %zu the limit", limit);
  rp_fail(RP_ENOMEM, "out of memory: %zu bytes asked for, %zu live, %zu at the peak%s; use a smaller batch or free tensors",
          n, m.live + outside, m.peak, most);
  return NULL;
}

static header *fresh(size_t bytes)
{
  header *h = from_system(bytes);
  if (!h) {
    trim_locked();
    h = from_system(bytes);
  }
  if (h) now.allocations++;
  return h;
}

void *rp_alloc(size_t n)
{
  size_t bytes = 0;
  if (n > (size_t)1 << 60) return no_memory(n);
  int c = size_class(n, &bytes);
  enter();
  header *h = NULL;
  if (!refused(bytes)) {
    if (++requests >= WINDOW) give_back_idle();
    if (!(h = take_free(c))) { make_room(bytes); h = fresh(bytes); }
    if (h) { h->bytes = bytes; count(bytes); }
  }
  leave();
  return h ? (char *)h + HEADER : no_memory(n);
}

void rp_release(void *block)
{
  if (!block) return;
  header *h = (header *)((char *)block - HEADER);
  size_t  bytes = 0;
  int     c = size_class(h->bytes, &bytes);
  enter();
  now.live -= h->bytes;
#ifdef RP_MEMORY_NO_CACHE
  (void)c;
  to_system(h);
#else
  now.cached += h->bytes;
  h->next = free_list[c];
  free_list[c] = h;
  n_free[c]++;
#endif
  leave();
}

/* A structure is preceded by 16 bytes, of which the first word holds its size. */
static size_t *take_small(size_t n)
{
  size_t  c = (n + 15) / 16;
  size_t *p = c <= SMALL ? free_small[c] : NULL;
  if (!p) { now.allocations++; return malloc(c * 16 + 16); }
  free_small[c] = (size_t *)p[1];
  now.cached -= c * 16;
  return p;
}

static void give_small(size_t *p)
{
  size_t c = (*p + 15) / 16;
#ifdef RP_MEMORY_NO_CACHE
  c = SMALL + 1;
#endif
  if (c > SMALL) { free(p); return; }
  p[1] = (size_t)free_small[c];
  free_small[c] = p;
  now.cached += c * 16;
}

void *rp_new(size_t n)
{
  size_t *p = NULL;
  if (n > (size_t)1 << 60) return no_memory(n);
  enter();
  if (!refused(n) && (p = take_small(n))) { *p = n; count(n); }
  leave();
  if (!p) return no_memory(n);
  return memset((char *)p + 16, 0, n);
}

void rp_delete(void *q)
{
  if (!q) return;
  size_t *p = (size_t *)((char *)q - 16);
  enter();
  now.live -= *p;
  give_small(p);
  leave();
}

rp_memory rp_memory_now(void)
{
  enter();
  rp_memory m = now;
  leave();
  return m;
}

void rp_memory_reset_peak(void)
{
  enter();
  now.peak = now.live;
  leave();
}

void rp_memory_trim(void)
{
  enter();
  trim_locked();
  leave();
}

void rp_memory_limit(size_t bytes) { limit = bytes; }

bool rp_memory_claim(size_t bytes)
{
  enter();
  bool granted = !limit || now.live + outside + bytes <= limit;
  if (granted) {
    make_room(bytes);
    outside += bytes;
  }
  leave();
  return granted;
}

void rp_memory_yield(size_t bytes)
{
  enter();
  outside -= bytes;
  leave();
}

void rp_memory_fail_at(int64_t k) { fail_in = k; }
