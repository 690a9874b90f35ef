/* memory.c: device memory and copies across.
 *
 * Blocks come in size classes, four to an octave as in base/memory.c, and are kept when released: what reuses one runs
 * later in the same stream, so nobody need wait.  Host data pass through a ring of pinned memory, half by half. */
#include <stdio.h>
#include <string.h>

#include "cuda/internal.h"

#define CLASSES  256
#define SMALLEST 512 /* bytes */

typedef struct kept { uint64_t *at; int64_t n, room; } kept;

struct cu_blocks { kept list[CLASSES]; };

static cu_blocks general, *used = &general;
static int64_t   live_of[CLASSES];
static rp_memory counts;

static int size_class(size_t n, size_t *rounded)
{
  if (n <= SMALLEST) { *rounded = SMALLEST; return 0; }
  int    octave = 63 - __builtin_clzll((unsigned long long)(n - 1));
  size_t step = (size_t)1 << (octave - 2), base = (size_t)1 << octave, quarter = (n - base + step - 1) / step;
  *rounded = base + quarter * step;
  return (octave - 9) * 4 + (int)quarter;
}

static size_t class_bytes(int c)
{
  if (c == 0) return SMALLEST;
  int octave = 9 + (c - 1) / 4;
  return ((size_t)1 << octave) + (size_t)((c - 1) % 4 + 1) * ((size_t)1 << (octave - 2));
}

void rp_cuda_trim(void)
{
  if (!cu_now.d || cu_now.lost) return;
  cu_now.d->stream_wait(cu_now.stream);
  for (int c = 0; c < CLASSES; c++)
    while (general.list[c].n > 0) {
      cu_now.d->memory_free(general.list[c].at[--general.list[c].n]);
      counts.cached -= class_bytes(c);
    }
}

static void *no_memory(size_t bytes)
{
  char   text[256] = "";
  size_t used = 0, unused = 0, total = 0;
  for (int c = CLASSES - 1, shown = 0; c >= 0 && shown < 3; c--) {
    if (live_of[c] == 0) continue;
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%lld of %.1f MiB", shown++ ? ", " : "", (long long)live_of[c],
                             (double)class_bytes(c) / (1 << 20));
  }
  cu_now.d->memory_info(&unused, &total);
  rp_fail(RP_ENOMEM, "out of memory on cuda:%d: %zu bytes asked for, %zu live, %zu at the peak, %zu of %zu on the card unused; "
          "largest blocks in use: %s; use a smaller batch or free tensors", cu_now.index, bytes, counts.live, counts.peak, unused, total, text);
  return NULL;
}

static cu_pointer fresh(size_t bytes)
{
  cu_pointer p = 0;
  if (cu_now.d->memory_alloc(&p, bytes) != 0) {
    if (cu_now.capturing) return 0; /* nothing can be waited for */
    rp_cuda_trim();
    if (cu_now.d->memory_alloc(&p, bytes) != 0) return 0;
  }
  counts.allocations++;
  return p;
}

void *cu_alloc(size_t n)
{
  size_t     bytes = 0;
  cu_pointer p = 0;
  if (cu_now.lost) { cu_check(0, "memory"); return NULL; }
  if (n > (size_t)1 << 50) return no_memory(n);
  int c = size_class(n, &bytes);
  kept *list = used->list[c].n > 0 ? &used->list[c] : &general.list[c];
  if (list->n > 0) { p = list->at[--list->n]; counts.cached -= bytes; }
  else p = fresh(bytes);
  if (p == 0) return no_memory(n);
  live_of[c]++;
  counts.live += bytes;
  if (counts.live > counts.peak) counts.peak = counts.live;
  return (void *)(uintptr_t)p;
}

static bool make_room(kept *list)
{
  if (list->n < list->room) return true;
  int64_t   room = list->room ? 2 * list->room : 64;
  uint64_t *at = rp_new((size_t)room * sizeof *at);
  if (!at) return false;
  if (list->n) memcpy(at, list->at, (size_t)list->n * sizeof *at);
  rp_delete(list->at);
  list->at = at; list->room = room;
  return true;
}

void cu_release(void *p, size_t n)
{
  size_t bytes = 0;
  if (!p) return;
  int c = size_class(n, &bytes);
  live_of[c]--;
  counts.live -= bytes;
  if (cu_now.lost) return;
  kept *list = &used->list[c];
  if (make_room(list)) { list->at[list->n++] = (uint64_t)(uintptr_t)p; counts.cached += bytes; return; }
  if (cu_now.capturing) return; /* lost rather than used by two */
  cu_now.d->stream_wait(cu_now.stream);
  cu_now.d->memory_free((cu_pointer)(uintptr_t)p);
}

cu_blocks *cu_blocks_new(void) { return rp_new(sizeof(cu_blocks)); }

void cu_blocks_use(cu_blocks *b) { used = b ? b : &general; }

void cu_blocks_free(cu_blocks *b)
{
  for (int c = 0; c < CLASSES; c++) {
    for (int64_t i = 0; i < b->list[c].n && !cu_now.lost; i++) {
      if (make_room(&general.list[c])) { general.list[c].at[general.list[c].n++] = b->list[c].at[i]; continue; }
      counts.cached -= class_bytes(c);
      cu_now.d->memory_free(b->list[c].at[i]);
    }
    rp_delete(b->list[c].at);
  }
  rp_delete(b);
}

/* ---- copies ---- */

#define HALF ((size_t)4 << 20)

static struct { char *at; cu_event done[2]; bool used[2]; int next; } ring;

static rp_status open_ring(void)
{
  void *p = NULL;
  if (ring.at) return RP_OK;
  for (int i = 0; i < 2; i++) RP_TRY(cu_check(cu_now.d->event_new(&ring.done[i], CU_EVENT_NO_TIMING), "staging"));
  RP_TRY(cu_check(cu_now.d->host_alloc(&p, 2 * HALF), "staging memory"));
  ring.at = p;
  return RP_OK;
}

rp_status cu_upload(void *to, const void *from, size_t bytes)
{
  RP_TRY(open_ring());
  cu_now.uploads++;
  for (size_t at = 0; at < bytes; at += HALF) {
    size_t n = bytes - at < HALF ? bytes - at : HALF;
    int    h = ring.next;
    if (ring.used[h]) RP_TRY(cu_check(cu_now.d->event_wait(ring.done[h]), "upload"));
    memcpy(ring.at + (size_t)h * HALF, (const char *)from + at, n);
    RP_TRY(cu_check(cu_now.d->to_device((cu_pointer)(uintptr_t)to + at, ring.at + (size_t)h * HALF, n, cu_now.stream), "upload"));
    RP_TRY(cu_check(cu_now.d->event_record(ring.done[h], cu_now.stream), "upload"));
    ring.used[h] = true;
    ring.next = 1 - h;
  }
  return RP_OK;
}

rp_status cu_finish(void)
{
  cu_now.waits++;
  RP_TRY(cu_check(cu_now.d->stream_wait(cu_now.stream), "waiting"));
  return cu_faults();
}

rp_status cu_download(void *to, const void *from, size_t bytes)
{
  RP_TRY(open_ring());
  RP_TRY(cu_finish()); /* both halves are free now, and what is read is right */
  cu_now.downloads++;
  size_t at = 0, waiting = 0; /* while one half is copied out, the other arrives */
  for (int h = 0; at < bytes || waiting; h = 1 - h) {
    size_t n = bytes - at < HALF ? bytes - at : HALF;
    if (n) {
      RP_TRY(cu_check(cu_now.d->to_host(ring.at + (size_t)h * HALF, (cu_pointer)(uintptr_t)from + at, n, cu_now.stream), "download"));
      RP_TRY(cu_check(cu_now.d->event_record(ring.done[h], cu_now.stream), "download"));
    }
    if (waiting) {
      memcpy((char *)to + at - waiting, ring.at + (size_t)(1 - h) * HALF, waiting);
    }
    if (n) RP_TRY(cu_check(cu_now.d->event_wait(ring.done[h]), "download"));
    at += n;
    waiting = n;
  }
  ring.used[0] = ring.used[1] = false;
  return RP_OK;
}

rp_cuda_counts rp_cuda_counts_now(void)
{
  return (rp_cuda_counts){ counts, cu_now.launches, cu_now.uploads, cu_now.downloads, cu_now.waits };
}

void rp_cuda_reset_peak(void) { counts.peak = counts.live; }
