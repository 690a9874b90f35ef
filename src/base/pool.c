/* The caller publishes one piece of work, takes a share itself, and waits.  Shares are contiguous ranges handed out
 * by an atomic counter, so a late thread takes less; what a share computes does not depend on who takes it.
 * Workers spin for a moment before they sleep, because the next operation of a training step follows at once. */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_THREADS 256
#define SPIN        4000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  wake = PTHREAD_COND_INITIALIZER;
static pthread_t       worker[MAX_THREADS];
static int             n_workers, wanted; /* wanted counts the caller; 0 = not yet chosen */
static bool            stopping;

static struct {
  rp_body *body;
  void    *context;
  int64_t  n, share;
} job;
static atomic_uint_fast64_t generation; /* odd or even says nothing; a change says: new work */
static atomic_int_fast64_t  next_share;
static atomic_int           busy;       /* workers that have not finished the current generation */
static _Thread_local bool   inside;
static bool                 spread;     /* written by the caller alone, before work is announced and after it is done */

static void take_shares(void)
{
  inside = true;
  for (;;) {
    int64_t begin = atomic_fetch_add(&next_share, job.share);
    if (begin >= job.n) break;
    int64_t end = begin + job.share < job.n ? begin + job.share : job.n;
    job.body(job.context, begin, end);
  }
  inside = false;
}

static void pause_cpu(void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static uint_fast64_t await_generation(uint_fast64_t seen)
{
  for (int i = 0; i < SPIN; i++) {
    if (atomic_load_explicit(&generation, memory_order_acquire) != seen) return atomic_load(&generation);
    pause_cpu();
  }
  pthread_mutex_lock(&lock);
  while (atomic_load(&generation) == seen) pthread_cond_wait(&wake, &lock);
  pthread_mutex_unlock(&lock);
  return atomic_load(&generation);
}

static void *work(void *first_seen)
{
  uint_fast64_t seen = (uint_fast64_t)(uintptr_t)first_seen;
  for (;;) {
    seen = await_generation(seen);
    if (stopping) return NULL;
    take_shares();
    atomic_fetch_sub_explicit(&busy, 1, memory_order_release);
  }
}

static void announce(void)
{
  pthread_mutex_lock(&lock);
  atomic_fetch_add(&generation, 1);
  pthread_cond_broadcast(&wake);
  pthread_mutex_unlock(&lock);
}

static void stop_workers(void)
{
  if (!n_workers) return;
  stopping = true;
  announce();
  for (int i = 0; i < n_workers; i++) pthread_join(worker[i], NULL);
  n_workers = 0;
  stopping = false;
}

static void start_workers(void)
{
  static bool registered;
  if (!registered) { registered = true; atexit(stop_workers); }
  while (n_workers < wanted - 1) {
    void *seen = (void *)(uintptr_t)atomic_load(&generation);
    if (pthread_create(&worker[n_workers], NULL, work, seen) != 0) break; /* fewer threads, same results */
    n_workers++;
  }
}

int rp_threads(void)
{
  if (wanted == 0) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    wanted = cores < 1 ? 1 : cores > MAX_THREADS ? MAX_THREADS : (int)cores;
  }
  return wanted;
}

int rp_threads_set(int n)
{
  stop_workers();
  wanted = n < 0 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
  return rp_threads();
}

void rp_parallel(int64_t n, int64_t grain, rp_body *body, void *context)
{
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  int threads = inside ? 1 : rp_threads();
  if (threads == 1 || n <= grain) { body(context, 0, n); return; }
  if (n_workers < threads - 1) start_workers();
  if (n_workers == 0) { body(context, 0, n); return; }
  int64_t share = (n + threads - 1) / threads; /* equal shares: the cores are equal */
  job.body = body; job.context = context; job.n = n;
  job.share = share < grain ? grain : share;
  atomic_store(&next_share, 0);
  atomic_store(&busy, n_workers);
  spread = true;
  announce();
  take_shares();
  for (int i = 0; atomic_load_explicit(&busy, memory_order_acquire) > 0; i++)
    if (i < SPIN) pause_cpu(); else sched_yield(); /* more threads than cores: let the others finish */
  spread = false;
}

bool rp_is_spread(void) { return spread; }
