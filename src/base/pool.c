/* The caller publishes one piece of work, takes shares of it itself, closes it, and waits only for workers that have
 * joined in time; a worker that comes late finds nothing, and costs nothing.  Shares are contiguous ranges handed out by
 * an atomic counter; what a share computes does not depend on who takes it.
 *
 * One word says all: the number of the work, how many workers are inside, and whether it is open.  A worker joins by
 * exchanging this word, so it cannot join work that is closed, and the caller does not touch `job` while one is inside.
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
static atomic_bool     stopping;

static struct {
  rp_body *body;
  void    *context;
  int64_t  n, share;
} job;
#define OPEN   1u
#define INSIDE 2u                     /* one worker */
#define NUMBER ((uint_fast64_t)1 << 16)
#define COUNT_INSIDE(word) ((word) & (NUMBER - INSIDE))
static atomic_uint_fast64_t state;    /* number of the work, workers inside, open */
static atomic_int           sleeping; /* workers that must be woken */
static atomic_int_fast64_t  next_share;
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

/* Waits until the number of the work differs from that of `seen`; returns the word. */
static uint_fast64_t await_work(uint_fast64_t seen)
{
  uint_fast64_t word = 0;
  for (int i = 0; i < SPIN; i++) {
    word = atomic_load_explicit(&state, memory_order_acquire);
    if (word / NUMBER != seen / NUMBER) return word;
    pause_cpu();
  }
  pthread_mutex_lock(&lock);
  atomic_fetch_add(&sleeping, 1); /* before the last look, so that a caller that misses us is one we do not miss */
  while ((word = atomic_load(&state)) / NUMBER == seen / NUMBER) pthread_cond_wait(&wake, &lock);
  atomic_fetch_sub(&sleeping, 1);
  pthread_mutex_unlock(&lock);
  return word;
}

static void *work(void *first_seen)
{
  uint_fast64_t seen = (uint_fast64_t)(uintptr_t)first_seen;
  for (;;) {
    seen = await_work(seen);
    if (stopping) return NULL;
    bool joined = false;
    while ((seen & OPEN) && !(joined = atomic_compare_exchange_weak(&state, &seen, seen + INSIDE))) {}
    if (!joined) continue;
    take_shares();
    atomic_fetch_sub_explicit(&state, INSIDE, memory_order_release);
  }
}

static void announce(uint_fast64_t open)
{
  atomic_store(&state, (atomic_load(&state) / NUMBER + 1) * NUMBER + open);
  if (atomic_load(&sleeping) == 0) return;
  pthread_mutex_lock(&lock);
  pthread_cond_broadcast(&wake);
  pthread_mutex_unlock(&lock);
}

static void stop_workers(void)
{
  if (!n_workers) return;
  stopping = true;
  announce(0);
  for (int i = 0; i < n_workers; i++) pthread_join(worker[i], NULL);
  n_workers = 0;
  stopping = false;
}

static void start_workers(void)
{
  static bool registered;
  if (!registered) { registered = true; atexit(stop_workers); }
  while (n_workers < wanted - 1) {
    void *seen = (void *)(uintptr_t)atomic_load(&state);
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
  spread = true;
  announce(OPEN);
  take_shares();
  uint_fast64_t word = atomic_fetch_and(&state, ~(uint_fast64_t)OPEN);
  for (int i = 0; COUNT_INSIDE(word) > 0; i++) {
    if (i < SPIN) pause_cpu(); else sched_yield(); /* more threads than cores: let the others finish */
    word = atomic_load_explicit(&state, memory_order_acquire);
  }
  spread = false;
}

bool rp_is_spread(void) { return spread; }
