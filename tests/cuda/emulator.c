/* emulator.c: runs our kernels' own text on the CPU.  With emulated_driver.c around it, it stands in for libcuda.so.1, so that
 * the whole back end (loader, memory, launches, kernels) can be tested, bit by bit, where there is no GPU:
 *
 *     REPRO_CUDA_DRIVER=tests/cuda/emulator.so ./repro test cuda
 *
 * Blocks run one after the other; the threads of a block are fibers that run in turn from barrier to barrier, in ascending,
 * or with EMULATOR_ORDER=down in descending order: what depends on it is a race.  A kernel without barriers needs no
 * fibers.  Copies into shared memory arrive as late as their COPY_WAIT allows, in descending order at once: both are what a
 * GPU may do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "emulator.h"

#define STACK       (64 << 10)
#define MAX_KERNELS 2048

_Noreturn void emulator_stop(const char *format, ...)
{
  va_list list;
  va_start(list, format);
  fputs("emulator: ", stderr);
  vfprintf(stderr, format, list);
  fputc('\n', stderr);
  abort();
}

bool emulator_is(const char *variable, const char *value)
{
  const char *said = getenv(variable);
  return said && strcmp(said, value) == 0;
}

/* ---- threads ---- */

place3 threadIdx, blockIdx, blockDim, gridDim;

typedef struct fiber {
  jmp_buf  at;
  bool     started, done;
  uint64_t barrier, warp_barrier; /* how many it has come to */
} fiber;

static fiber    fibers[MAX_THREADS];
static char    *stacks;
static jmp_buf  scheduler;
static ucontext_t main_context;
static int      current;
static bool     alone; /* threads run to their end without fibers */
static bool     down;  /* threads and blocks run in descending order */
static emulated_call *running;
static const void    *argument;
static _Alignas(64) unsigned char shared[SHARED_MAX];
extern unsigned char __start_block_shared[], __stop_block_shared[]; /* SHARED's arrays, as the linker puts them together */
static _Alignas(16) unsigned char slots[2][MAX_THREADS][16];

void *emulated_shared(void) { return shared; }

standing emulator_standing(void) { return (standing){ current, fibers[current].barrier, fibers[current].warp_barrier }; }

static void yield(void)
{
  if (alone) emulator_stop("a barrier that not all threads of the block come to");
  if (_setjmp(fibers[current].at) == 0) _longjmp(scheduler, 1);
}

static bool all_came(int first, int n, uint64_t count, bool warp)
{
  for (int i = first; i < first + n; i++)
    if ((warp ? fibers[i].warp_barrier : fibers[i].barrier) < count) {
      if (fibers[i].done) emulator_stop("a thread ended before a barrier that others wait at");
      return false;
    }
  return true;
}

void emulated_barrier(void)
{
  if (alone) yield();
  uint64_t mine = ++fibers[current].barrier;
  do yield(); while (!all_came(0, (int)blockDim.x, mine, false));
}

void emulated_warp_barrier(void)
{
  if (alone) yield();
  uint64_t mine = ++fibers[current].warp_barrier;
  int      first = current / 32 * 32, n = (int)blockDim.x - first < 32 ? (int)blockDim.x - first : 32;
  if (n < 32) emulator_stop("a shuffle in a warp of fewer than 32 threads");
  while (!all_came(first, n, mine, true)) yield();
}

/* Two slots in turn: a lane cannot come to the next exchange but one before all have read this one. */
const void *emulated_exchange(const void *mine, size_t bytes, int from)
{
  if (alone) yield();
  int which = (int)(fibers[current].warp_barrier % 2), first = current / 32 * 32;
  memcpy(slots[which][current], mine, bytes);
  emulated_warp_barrier();
  return slots[which][first + from];
}

/* ---- copies into shared memory: each thread's groups of them, in order ---- */

typedef struct copy { void *to; const void *from; int bytes, whole; int64_t group; } copy;
typedef struct copies { copy *at; int first, n, room; int64_t groups; } copies; /* groups: of this thread, so far */

static copies under_way[MAX_THREADS];

static void perform(const copy *c)
{
  hazards_access(c->to, (size_t)c->whole, true);
  if (c->bytes) hazards_access(c->from, (size_t)c->bytes, false);
  memset(c->to, 0, (size_t)c->whole);
  memcpy(c->to, c->from, (size_t)c->bytes);
}

void emulated_copy(void *to, const void *from, int bytes, int whole)
{
  copies *mine = &under_way[current];
  copy    c = { to, from, bytes, whole, mine->groups };
  if ((uintptr_t)to % (size_t)whole || (uintptr_t)from % (size_t)whole) emulator_stop("a copy of %d bytes that is not aligned to them", whole);
  if (down) { perform(&c); return; }
  hazards_on_way(to, (size_t)whole);
  if (mine->n == mine->room) {
    mine->room = mine->room ? 2 * mine->room : 64;
    mine->at = realloc(mine->at, (size_t)mine->room * sizeof *mine->at);
    if (!mine->at) emulator_stop("out of memory");
  }
  mine->at[mine->n++] = c;
}

void emulated_commit(void) { under_way[current].groups++; }

/* All but the last `later` groups arrive. */
void emulated_arrive(int later)
{
  copies *mine = &under_way[current];
  while (mine->first < mine->n && mine->at[mine->first].group < mine->groups - later) perform(&mine->at[mine->first++]);
  if (mine->first == mine->n) mine->first = mine->n = 0;
}

static void run_thread(int i)
{
  current = i;
  threadIdx.x = (unsigned)i;
  running(argument);
  emulated_commit();
  emulated_arrive(0);
}

static void fiber_main(void)
{
  run_thread(current);
  fibers[current].done = true;
  _longjmp(scheduler, 1);
}

static void resume(int i)
{
  current = i;
  threadIdx.x = (unsigned)i;
  if (_setjmp(scheduler) != 0) return;
  if (fibers[i].started) _longjmp(fibers[i].at, 1);
  fibers[i].started = true;
  ucontext_t c;
  getcontext(&c);
  c.uc_stack.ss_sp = stacks + (size_t)i * STACK;
  c.uc_stack.ss_size = STACK;
  c.uc_link = NULL;
  makecontext(&c, fiber_main, 0);
  swapcontext(&main_context, &c);
}

static void run_block(void)
{
  const int n = (int)blockDim.x;
  memset(fibers, 0, (size_t)n * sizeof *fibers);
  alone = false;
  resume(0);
  if (fibers[0].done && fibers[0].barrier == 0 && fibers[0].warp_barrier == 0) { /* no barriers: plain loops do */
    alone = true;
    for (int i = 1; i < n; i++) run_thread(down ? n - i : i);
    return;
  }
  for (bool left = true; left; ) {
    left = false;
    for (int k = 0; k < n; k++) {
      int i = down ? n - 1 - k : k;
      if (!fibers[i].done) { resume(i); left |= !fibers[i].done; }
    }
  }
}

/* Atomic: no hazard. */
void emulated_lower(uint64_t *p, uint64_t v) { if (v < *p) *p = v; }

/* ---- kernels ---- */

static kernel kernels[MAX_KERNELS];
static int    n_kernels;

void emulated_register(const char *name, emulated_call *call, size_t bytes)
{
  if (n_kernels == MAX_KERNELS) emulator_stop("too many kernels");
  kernels[n_kernels++] = (kernel){ name, call, bytes };
}

const kernel *emulator_find(const char *name)
{
  for (int i = 0; i < n_kernels; i++) if (strcmp(kernels[i].name, name) == 0) return &kernels[i];
  return NULL;
}

void emulator_run(const kernel *k, unsigned blocks, unsigned threads, size_t shared_bytes, const void *args)
{
  running = k->call; argument = args;
  gridDim = (place3){ blocks, 1, 1 }; blockDim = (place3){ threads, 1, 1 };
  if (!stacks) stacks = mmap(NULL, (size_t)MAX_THREADS * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  down = emulator_is("EMULATOR_ORDER", "down");
  hazards_launch(k->name);
  for (unsigned b = 0; b < blocks; b++) {
    blockIdx.x = down ? blocks - 1 - b : b;
    memset(shared, 0xA5, shared_bytes);
    memset(__start_block_shared, 0xA5, (size_t)(__stop_block_shared - __start_block_shared));
    hazards_block();
    run_block();
  }
}
