/* emulated_driver.c: the driver's library around emulator.c.
 *
 * Device memory can be read and written only while a kernel or a copy runs: the CPU that touches it dies; with
 * EMULATOR_GUARD=wait, for long runs, it is closed only where the CPU waits, and opened by what runs next.
 *
 * Work is done at once or, with EMULATOR_STREAM=late, as late as a driver may: where the program waits for it.  Host memory
 * that is used again too early, memory that is given back under work that needs it, and a wait that is missing show then.
 *
 * EMULATOR_LOST=N: the Nth kernel fails as one does that reads where it must not, and the device is lost: nothing works any more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "emulator.h"

EXPORT int64_t rp_emulated_launches; /* its presence says that this driver brings its kernels */

/* ---- a stream of tasks, and graphs, which are lists of the same ---- */

typedef struct graph graph;
typedef struct task { /* one of: a kernel, a graph, a copy, a fill */
  const kernel *kernel;
  unsigned      blocks, threads, shared;
  void         *args;
  graph        *graph;
  uint64_t      to, from; /* from 0: a fill */
  size_t        bytes;
  int           value;
  bool          across; /* a copy from or to the host */
} task;
struct graph { task *at; int64_t n; };

static graph  *capturing;
static bool    spoilt; /* by what cannot be captured */
static graph   stream; /* what has not been done yet */
static bool    lost;   /* the device */
static int64_t done;   /* tasks of all that were ever there */

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
  if (lazy < 0) lazy = emulator_is("EMULATOR_GUARD", "wait");
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

static bool have_piece(void)
{
  if (piece) return true;
  void *at = mmap(NULL, PIECE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED || (empty_file = memfd_create("guard", 0)) < 0) return false;
  piece = at;
  hazards_piece(piece, PIECE);
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
#define LAUNCH_FAILED 719

static size_t limit, in_use;

/* What it holds at first is not zero. */
EXPORT int cuMemAlloc_v2(uint64_t *p, size_t bytes)
{
  size_t whole = (bytes + PAGE - 1) / PAGE * PAGE;
  const char *most = getenv("EMULATOR_BYTES");
  limit = most ? (size_t)strtoull(most, NULL, 10) : (size_t)4 << 30;
  if (lost) return LAUNCH_FAILED;
  if (in_use + whole > limit) return OUT_OF_MEMORY;
  unsigned char *at = from_piece(whole);
  if (!at) return OUT_OF_MEMORY;
  if (n_blocks == room) {
    room = room ? 2 * room : 256;
    blocks = realloc(blocks, (size_t)room * sizeof *blocks);
    if (!blocks) emulator_stop("out of memory");
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
  if (stream.n > 0) emulator_stop("memory is given back to the driver while work is under way");
  for (int64_t i = 0; i < n_blocks; i++)
    if ((uint64_t)(uintptr_t)blocks[i].at == p) {
      mmap(blocks[i].at, blocks[i].whole + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
      hazards_forget(blocks[i].at, blocks[i].whole);
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

/* ---- doing tasks: now, later, or in graphs ---- */

static void append(graph *g, const task *t)
{
  task kept = *t;
  if (t->kernel) {
    kept.args = malloc(t->kernel->bytes + 16);
    if (!kept.args) emulator_stop("out of memory");
    memcpy(kept.args, t->args, t->kernel->bytes);
  }
  g->at = realloc(g->at, (size_t)(g->n + 1) * sizeof *g->at);
  if (!g->at) emulator_stop("out of memory");
  g->at[g->n++] = kept;
}

static void move(const task *t)
{
  hazards_written((void *)(uintptr_t)t->to, t->bytes, t->across ? NULL : (void *)(uintptr_t)t->from);
  if (t->from) memmove((void *)(uintptr_t)t->to, (void *)(uintptr_t)t->from, t->bytes);
  else memset((void *)(uintptr_t)t->to, t->value, t->bytes);
}

static bool fails(void)
{
  const char *last = getenv("EMULATOR_LOST");
  return last && rp_emulated_launches + 1 >= strtoll(last, NULL, 10);
}

static void perform(const task *t)
{
  if (t->graph) { for (int64_t i = 0; i < t->graph->n; i++) perform(&t->graph->at[i]); return; }
  if (t->kernel && fails()) lost = true;
  if (lost) return;
  enter();
  if (t->kernel) { emulator_run(t->kernel, t->blocks, t->threads, t->shared, t->args); rp_emulated_launches++; }
  else move(t);
  leave();
}

static void finish(int64_t until)
{
  int64_t i = 0;
  for (; i < stream.n && done < until; i++, done++) { perform(&stream.at[i]); free(stream.at[i].args); }
  if (i > 0) memmove(stream.at, stream.at + i, (size_t)(stream.n -= i) * sizeof *stream.at);
}

static int submit(const task *t)
{
  if (lost) return LAUNCH_FAILED;
  if (capturing && (t->across || t->graph)) { spoilt = true; return CAPTURE_UNSUPPORTED; }
  if (capturing) append(capturing, t);
  else if (emulator_is("EMULATOR_STREAM", "late")) append(&stream, t);
  else { perform(t); done++; }
  return SUCCESS;
}

static int copy(uint64_t to, uint64_t from, size_t bytes, bool to_is_ours, bool from_is_ours)
{
  if (to_is_ours && !on_device(to, bytes)) emulator_stop("a copy to what is no device memory");
  if (from_is_ours && !on_device(from, bytes)) emulator_stop("a copy from what is no device memory");
  return submit(&(task){ .to = to, .from = from, .bytes = bytes, .across = !to_is_ours || !from_is_ours });
}

EXPORT int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t n, void *s)
{
  (void)s;
  return copy(to, (uint64_t)(uintptr_t)from, n, true, false);
}
EXPORT int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t n, void *s)
{
  (void)s;
  return copy((uint64_t)(uintptr_t)to, from, n, false, true);
}
EXPORT int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t n, void *s) { (void)s; return copy(to, from, n, true, true); }

EXPORT int cuMemsetD8Async(uint64_t to, unsigned char v, size_t n, void *s)
{
  (void)s;
  if (!on_device(to, n)) emulator_stop("a fill of what is no device memory");
  return submit(&(task){ .to = to, .bytes = n, .value = v });
}

EXPORT int cuModuleLoadData(void **m, const void *image) { (void)image; *m = &stream; return SUCCESS; }
EXPORT int cuModuleGetFunction(void **f, void *m, const char *name)
{
  (void)m;
  *f = (void *)(uintptr_t)emulator_find(name);
  return *f ? SUCCESS : NOT_FOUND;
}
EXPORT int cuFuncSetAttribute(void *f, int attribute, int v) { (void)f; (void)attribute; return v <= SHARED_MAX ? SUCCESS : INVALID; }

EXPORT int cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned bytes,
                          void *s, void **arguments, void **extra)
{
  (void)s; (void)extra;
  if (gx == 0 || gy != 1 || gz != 1 || bx == 0 || bx > MAX_THREADS || by != 1 || bz != 1 || bytes > SHARED_MAX) return INVALID;
  return submit(&(task){ .kernel = f, .blocks = gx, .threads = bx, .shared = bytes, .args = arguments[0] });
}

EXPORT int cuStreamCreate(void **s, unsigned flags) { (void)flags; *s = &stream; return SUCCESS; }
EXPORT int cuStreamSynchronize(void *s)
{
  (void)s;
  if (capturing) { spoilt = true; return CAPTURE_UNSUPPORTED; }
  finish(INT64_MAX);
  protect_all(false);
  return lost ? LAUNCH_FAILED : SUCCESS;
}

/* An event stands for the tasks before it. */
EXPORT int cuEventCreate(void **e, unsigned flags)
{
  (void)flags;
  *e = calloc(1, sizeof(int64_t));
  return *e ? SUCCESS : OUT_OF_MEMORY;
}
EXPORT int cuEventRecord(void *e, void *s) { (void)s; *(int64_t *)e = done + stream.n; return SUCCESS; }
EXPORT int cuEventSynchronize(void *e) { finish(*(int64_t *)e); return lost ? LAUNCH_FAILED : SUCCESS; }

void emulated_open(bool to_open) /* for fake_cublas.c and fake_curand.c, which work at once */
{
  finish(INT64_MAX);
  if (to_open) enter(); else leave();
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
  graph *made = emulator_is("EMULATOR_GRAPHS", "0") ? NULL : malloc(sizeof *made);
  (void)flags;
  if (!made) return OUT_OF_MEMORY;
  *made = *(graph *)g;
  *(graph *)g = (graph){ NULL, 0 };
  *e = made;
  return SUCCESS;
}

EXPORT int cuGraphLaunch(void *e, void *s) { (void)s; return submit(&(task){ .graph = e }); }

EXPORT int cuGraphDestroy(void *p)
{
  graph *g = p;
  for (int64_t i = 0; i < stream.n; i++) if (stream.at[i].graph == g) emulator_stop("a graph is given back before it has run");
  for (int64_t i = 0; i < g->n; i++) free(g->at[i].args);
  free(g->at);
  free(g);
  return SUCCESS;
}

EXPORT int cuGraphExecDestroy(void *e) { return cuGraphDestroy(e); }

/* ---- what there is ---- */

EXPORT int cuInit(unsigned flags) { (void)flags; return SUCCESS; }
EXPORT int cuDriverGetVersion(int *v) { *v = 13000; return SUCCESS; }
static const struct { int code; const char *name, *text; } errors[] = {
  { INVALID, "CUDA_ERROR_INVALID_VALUE", "invalid argument" },
  { OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory" },
  { NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found" },
  { LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure" },
  { CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing" },
  { 0, "?", "?" },
};

static int error_of(int code)
{
  int i = 0;
  while (errors[i].code && errors[i].code != code) i++;
  return i;
}

EXPORT int cuGetErrorName(int e, const char **text)   { *text = errors[error_of(e)].name; return SUCCESS; }
EXPORT int cuGetErrorString(int e, const char **text) { *text = errors[error_of(e)].text; return SUCCESS; }
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
