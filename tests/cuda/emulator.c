/* emulator.c: a stand-in for libcuda.so.1 that runs our kernels' own text on the CPU, so that the whole back end (loader,
 * memory, launches, kernels) can be tested, bit by bit, where there is no GPU:
 *
 *     REPRO_CUDA_DRIVER=tests/cuda/emulator.so ./repro test cuda
 *
 * Blocks run one after the other; the threads of a block are fibers that run in turn from barrier to barrier, in ascending,
 * or with EMULATOR_ORDER=down in descending order: what depends on it is a race.  A kernel without barriers needs no
 * fibers.  Device memory can be read and written only while a kernel or a copy runs: the CPU that touches it dies; with
 * EMULATOR_GUARD=wait, for long runs, it is closed only where the CPU waits, and opened by what runs next.
 * Copies into shared memory happen at once, so a missing COPY_WAIT is not found here; racecheck on a GPU finds it. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "emulated.h"

#define MAX_THREADS 1024
#define STACK       (64 << 10)
#define SHARED_MAX  (227 << 10)
#define MAX_KERNELS 2048

#define EXPORT __attribute__((visibility("default")))

EXPORT int64_t rp_emulated_launches; /* its presence says that this driver brings its kernels */

static _Noreturn void stop(const char *what)
{
  fprintf(stderr, "emulator: %s\n", what);
  abort();
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
static emulated_call *running;
static const void    *argument;
static _Alignas(64) unsigned char shared[SHARED_MAX];
static _Alignas(16) unsigned char slots[2][MAX_THREADS][16];

void *emulated_shared(void) { return shared; }

static void yield(void)
{
  if (alone) stop("a barrier that not all threads of the block come to");
  if (_setjmp(fibers[current].at) == 0) _longjmp(scheduler, 1);
}

static bool all_came(int first, int n, uint64_t count, bool warp)
{
  for (int i = first; i < first + n; i++)
    if ((warp ? fibers[i].warp_barrier : fibers[i].barrier) < count) {
      if (fibers[i].done) stop("a thread ended before a barrier that others wait at");
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
  if (n < 32) stop("a shuffle in a warp of fewer than 32 threads");
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

static void fiber_main(void)
{
  running(argument);
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

static bool descending(void)
{
  const char *order = getenv("EMULATOR_ORDER");
  return order && strcmp(order, "down") == 0;
}

static void run_block(void)
{
  const int  n = (int)blockDim.x;
  const bool down = descending();
  memset(fibers, 0, (size_t)n * sizeof *fibers);
  alone = false;
  resume(0);
  if (fibers[0].done && fibers[0].barrier == 0 && fibers[0].warp_barrier == 0) { /* no barriers: plain loops do */
    alone = true;
    for (int i = 1; i < n; i++) {
      current = down ? n - i : i;
      threadIdx.x = (unsigned)current;
      running(argument);
    }
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

/* ---- kernels ---- */

typedef struct kernel { const char *name; emulated_call *call; size_t bytes; } kernel;
static kernel kernels[MAX_KERNELS];
static int n_kernels;

void emulated_register(const char *name, emulated_call *call, size_t bytes)
{
  if (n_kernels == MAX_KERNELS) stop("too many kernels");
  kernels[n_kernels++] = (kernel){ name, call, bytes };
}

/* ---- memory: guarded, and reachable only from the device ----
 *
 * Blocks lie in one piece of the address space, which one call opens and closes, each before a page that nobody may touch:
 * it belongs to an empty file, so that opening the piece does not open it. */

typedef struct block { unsigned char *at; size_t bytes, whole; } block;
static block  *blocks;
static int64_t n_blocks, room;
static bool    open_now;  /* whether device memory can be reached */

#define PIECE ((size_t)1 << 36)
#define PAGE  ((size_t)4096)
static unsigned char *piece;
static size_t         piece_used;
static int            empty_file;

/* EMULATOR_GUARD=wait: the memory is closed when the program waits for the device, not after every call. */
static bool is_lazy(void)
{
  static int lazy = -1;
  if (lazy < 0) { const char *guard = getenv("EMULATOR_GUARD"); lazy = guard && strcmp(guard, "wait") == 0; }
  return lazy;
}

static void protect_all(bool to_open)
{
  if (open_now == to_open) return;
  open_now = to_open;
  if (piece) mprotect(piece, piece_used, to_open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

static void enter(void) { protect_all(true); }
static void leave(void) { if (!is_lazy()) protect_all(false); }

void emulated_open(bool to_open); /* for fake_cublas.c */
void emulated_open(bool to_open) { if (to_open) enter(); else leave(); }

static bool have_piece(void)
{
  if (piece) return true;
  void *at = mmap(NULL, PIECE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED || (empty_file = memfd_create("guard", 0)) < 0) return false;
  piece = at;
  return true;
}

/* Addresses are not used again: there are enough. */
static unsigned char *from_piece(size_t bytes)
{
  if (!have_piece() || piece_used + bytes + PAGE > PIECE) return NULL;
  unsigned char *at = piece + piece_used;
  piece_used += bytes + PAGE;
  mprotect(at, bytes, open_now ? PROT_READ | PROT_WRITE : PROT_NONE);
  if (mmap(at + bytes, PAGE, PROT_NONE, MAP_SHARED | MAP_FIXED, empty_file, 0) == MAP_FAILED) return NULL;
  return at;
}

#define SUCCESS 0
#define INVALID 1
#define OUT_OF_MEMORY 2
#define CAPTURE_UNSUPPORTED 900
#define NOT_FOUND 500

static size_t limit, in_use;

/* What it holds at first is not zero. */
EXPORT int cuMemAlloc_v2(uint64_t *p, size_t bytes)
{
  size_t whole = (bytes + PAGE - 1) / PAGE * PAGE;
  const char *most = getenv("EMULATOR_BYTES");
  limit = most ? (size_t)strtoull(most, NULL, 10) : (size_t)4 << 30;
  if (in_use + whole > limit) return OUT_OF_MEMORY;
  unsigned char *at = from_piece(whole);
  if (!at) return OUT_OF_MEMORY;
  if (n_blocks == room) {
    room = room ? 2 * room : 256;
    blocks = realloc(blocks, (size_t)room * sizeof *blocks);
    if (!blocks) stop("out of memory");
  }
  blocks[n_blocks++] = (block){ at, bytes, whole };
  in_use += whole;
  bool was = open_now;
  protect_all(true);
  memset(at, 0xA5, bytes < 65536 ? bytes : 65536);
  protect_all(was);
  *p = (uint64_t)(uintptr_t)at;
  return SUCCESS;
}

EXPORT int cuMemFree_v2(uint64_t p)
{
  for (int64_t i = 0; i < n_blocks; i++)
    if ((uint64_t)(uintptr_t)blocks[i].at == p) {
      mmap(blocks[i].at, blocks[i].whole + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
      in_use -= blocks[i].whole;
      blocks[i] = blocks[--n_blocks];
      return SUCCESS;
    }
  return INVALID;
}

EXPORT int cuMemGetInfo_v2(size_t *unused, size_t *total) { *total = limit; *unused = limit - in_use; return SUCCESS; }
EXPORT int cuMemAllocHost_v2(void **p, size_t bytes) { *p = malloc(bytes); return *p ? SUCCESS : OUT_OF_MEMORY; }
EXPORT int cuMemFreeHost(void *p) { free(p); return SUCCESS; }

static bool on_device(uint64_t p, size_t bytes)
{
  for (int64_t i = 0; i < n_blocks; i++) {
    uint64_t at = (uint64_t)(uintptr_t)blocks[i].at;
    if (p >= at && p + bytes <= at + blocks[i].whole) return true;
  }
  return false;
}

/* ---- a stream: calls run at once, unless they are captured ---- */

typedef struct node { /* call NULL: a copy (from) or a fill */
  emulated_call *call;
  place3         grid, threads;
  uint64_t       to, from;
  size_t         bytes;
  int            value;
  void          *args;
} node;
typedef struct graph { node *at; int64_t n; } graph;

static graph *capturing;
static bool   spoilt; /* by what cannot be captured */

static int add_node(node v, const void *args)
{
  if (args) {
    v.args = malloc(v.bytes + 16);
    if (!v.args) stop("out of memory");
    memcpy(v.args, args, v.bytes);
  }
  capturing->at = realloc(capturing->at, (size_t)(capturing->n + 1) * sizeof v);
  if (!capturing->at) stop("out of memory");
  capturing->at[capturing->n++] = v;
  return SUCCESS;
}

/* What waits, or reads and writes the host's memory, has no place in a graph. */
static bool refuses(void)
{
  spoilt = spoilt || capturing;
  return capturing != NULL;
}

static void run_kernel(emulated_call *call, place3 grid, place3 threads, const void *args)
{
  running = call; argument = args;
  gridDim = grid; blockDim = threads;
  if (!stacks) stacks = mmap(NULL, (size_t)MAX_THREADS * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  enter();
  for (unsigned b = 0; b < grid.x; b++) {
    blockIdx.x = descending() ? grid.x - 1 - b : b;
    run_block();
  }
  leave();
  rp_emulated_launches++;
}

static int copy(uint64_t to, const void *from, size_t bytes, bool to_is_ours, bool from_is_ours)
{
  if (to_is_ours && !on_device(to, bytes)) stop("a copy to what is no device memory");
  if (from_is_ours && !on_device((uint64_t)(uintptr_t)from, bytes)) stop("a copy from what is no device memory");
  enter();
  memmove((void *)(uintptr_t)to, from, bytes);
  leave();
  return SUCCESS;
}

EXPORT int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t n, void *s)
{
  (void)s;
  return refuses() ? CAPTURE_UNSUPPORTED : copy(to, from, n, true, false);
}
EXPORT int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t n, void *s)
{
  (void)s;
  if (refuses()) return CAPTURE_UNSUPPORTED;
  return copy((uint64_t)(uintptr_t)to, (void *)(uintptr_t)from, n, false, true);
}
EXPORT int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t n, void *s)
{
  (void)s;
  if (capturing) return add_node((node){ .to = to, .from = from, .bytes = n }, NULL);
  return copy(to, (void *)(uintptr_t)from, n, true, true);
}

EXPORT int cuMemsetD8Async(uint64_t to, unsigned char v, size_t n, void *s)
{
  (void)s;
  if (!on_device(to, n)) stop("a fill of what is no device memory");
  if (capturing) return add_node((node){ .to = to, .bytes = n, .value = v }, NULL);
  enter();
  memset((void *)(uintptr_t)to, v, n);
  leave();
  return SUCCESS;
}

static int find(const char *name)
{
  for (int i = 0; i < n_kernels; i++) if (strcmp(kernels[i].name, name) == 0) return i;
  return -1;
}

EXPORT int cuModuleLoadData(void **m, const void *image) { (void)image; *m = &kernels; return SUCCESS; }
EXPORT int cuModuleGetFunction(void **f, void *m, const char *name)
{
  int at = find(name);
  (void)m;
  if (at < 0) return NOT_FOUND;
  *f = &kernels[at];
  return SUCCESS;
}
EXPORT int cuFuncSetAttribute(void *f, int attribute, int v) { (void)f; (void)attribute; return v <= SHARED_MAX ? SUCCESS : INVALID; }

EXPORT int cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned bytes,
                          void *s, void **arguments, void **extra)
{
  const kernel *k = f;
  place3 grid = { gx, gy, gz }, threads = { bx, by, bz };
  (void)s; (void)extra;
  if (gx == 0 || gy != 1 || gz != 1 || bx == 0 || bx > MAX_THREADS || by != 1 || bz != 1 || bytes > SHARED_MAX) return INVALID;
  if (capturing) return add_node((node){ .call = k->call, .grid = grid, .threads = threads, .bytes = k->bytes }, arguments[0]);
  memset(shared, 0xA5, bytes);
  run_kernel(k->call, grid, threads, arguments[0]);
  return SUCCESS;
}

/* ---- graphs ---- */

EXPORT int cuStreamBeginCapture_v2(void *s, int mode)
{
  (void)s; (void)mode;
  if (capturing) return INVALID;
  capturing = calloc(1, sizeof *capturing);
  spoilt = false;
  return capturing ? SUCCESS : OUT_OF_MEMORY;
}

EXPORT int cuStreamEndCapture(void *s, void **g)
{
  (void)s;
  if (!capturing) return INVALID;
  *g = capturing;
  capturing = NULL;
  return spoilt ? CAPTURE_UNSUPPORTED : SUCCESS;
}

/* EMULATOR_GRAPHS=0: none can be made ready. */
EXPORT int cuGraphInstantiateWithFlags(void **e, void *g, unsigned long long flags)
{
  const char *graphs = getenv("EMULATOR_GRAPHS");
  graph      *copied = calloc(1, sizeof *copied);
  (void)flags;
  if (!copied || (graphs && strcmp(graphs, "0") == 0)) { free(copied); return OUT_OF_MEMORY; }
  *copied = *(graph *)g;
  *(graph *)g = (graph){ NULL, 0 };
  *e = copied;
  return SUCCESS;
}

EXPORT int cuGraphLaunch(void *e, void *s)
{
  const graph *g = e;
  (void)s;
  if (capturing) return INVALID;
  for (int64_t i = 0; i < g->n; i++) {
    const node *v = &g->at[i];
    if (v->call) { memset(shared, 0xA5, SHARED_MAX); run_kernel(v->call, v->grid, v->threads, v->args); }
    else if (v->from) copy(v->to, (void *)(uintptr_t)v->from, v->bytes, true, true);
    else cuMemsetD8Async(v->to, (unsigned char)v->value, v->bytes, NULL);
  }
  return SUCCESS;
}

EXPORT int cuGraphDestroy(void *p)
{
  graph *g = p;
  for (int64_t i = 0; i < g->n; i++) free(g->at[i].args);
  free(g->at);
  free(g);
  return SUCCESS;
}

EXPORT int cuGraphExecDestroy(void *e) { return cuGraphDestroy(e); }

/* ---- what there is ---- */

EXPORT int cuInit(unsigned flags) { (void)flags; return SUCCESS; }
EXPORT int cuDriverGetVersion(int *v) { *v = 13000; return SUCCESS; }
EXPORT int cuGetErrorName(int e, const char **text)
{
  *text = e == INVALID ? "CUDA_ERROR_INVALID_VALUE" : e == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY"
        : e == NOT_FOUND ? "CUDA_ERROR_NOT_FOUND" : e == CAPTURE_UNSUPPORTED ? "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED" : "?";
  return SUCCESS;
}
EXPORT int cuGetErrorString(int e, const char **text)
{
  *text = e == INVALID ? "invalid argument" : e == OUT_OF_MEMORY ? "out of memory" : e == NOT_FOUND ? "named symbol not found" : "?";
  return SUCCESS;
}
EXPORT int cuDeviceGetCount(int *n) { *n = 1; return SUCCESS; }
EXPORT int cuDeviceGet(int *d, int i) { *d = i; return SUCCESS; }
EXPORT int cuDeviceGetName(char *name, int n, int d) { (void)d; snprintf(name, (size_t)n, "launch emulator (no GPU)"); return SUCCESS; }
EXPORT int cuDeviceTotalMem_v2(size_t *bytes, int d) { (void)d; *bytes = (size_t)4 << 30; return SUCCESS; }
EXPORT int cuDeviceGetAttribute(int *v, int attribute, int d)
{
  (void)d;
  *v = attribute == 16 ? 4 : attribute == 75 ? 9 : attribute == 97 ? SHARED_MAX : 0;
  return SUCCESS;
}
EXPORT int cuDevicePrimaryCtxRetain(void **c, int d) { (void)d; *c = &blocks; return SUCCESS; }
EXPORT int cuCtxSetCurrent(void *c) { (void)c; return SUCCESS; }
EXPORT int cuStreamCreate(void **s, unsigned flags) { (void)flags; *s = &blocks; return SUCCESS; }
EXPORT int cuStreamSynchronize(void *s)
{
  (void)s;
  if (refuses()) return CAPTURE_UNSUPPORTED;
  protect_all(false);
  return SUCCESS;
}
EXPORT int cuEventCreate(void **e, unsigned flags) { (void)flags; *e = &blocks; return SUCCESS; }
EXPORT int cuEventRecord(void *e, void *s) { (void)e; (void)s; return SUCCESS; }
EXPORT int cuEventSynchronize(void *e) { (void)e; return SUCCESS; }
