/* hazards.c: watches every byte that emulated kernels read and write in device and shared memory, for what compute-sanitizer
 * looks for on a GPU:
 *
 *   race      two threads touch a byte, one of them writes it, and no barrier lies between; or two blocks of a launch do
 *   unset     a byte is read that nothing has written (in shared memory: not in this block)
 *   early     a byte is read before the copy into shared memory that writes it has been waited for
 *   crooked   a number or a vector is not aligned to its size
 *
 * What is out of bounds meets the guard pages of emulated_driver.c.  The compiler calls __tsan_... at every access, because the
 * kernels are compiled with -fsanitize=thread,alignment; the functions it calls are these, not those of its library. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "emulator.h"

/* Blocks are numbered over all launches; 0: nobody, 1: a copy or a fill. */
typedef struct visit { uint32_t block; uint16_t thread, barrier, warp_barrier; } visit;
#define SEVERAL 0x8000 /* in `thread`: of this warp more than one, at one of its barriers */
#define ON_WAY  0x4000 /* in `thread`: of a copy that has not arrived */
#define THREAD_OF(v) ((v)->thread & 0x3fff)

/* The last visits to a byte: a write, reads by two warps of a block, and the block that read before that one. */
typedef struct byte_seen { visit write, read[2]; uint32_t read_by; } byte_seen;

static uint32_t    block = 1, first_block; /* the one that runs, and the first of its launch */
static const char *kernel_name = "?";

/* ---- where a byte's record lies ---- */

typedef struct span { uintptr_t at; size_t bytes; byte_seen *seen; const char *name; } span;
static span spans[3];
enum { DEVICE_MEMORY, DYNAMIC_SHARED, STATIC_SHARED };
extern unsigned char __start_block_shared[], __stop_block_shared[];

static void watch(int i, const void *p, size_t bytes, const char *name)
{
  void *seen = mmap(NULL, bytes * sizeof(byte_seen), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (seen == MAP_FAILED) emulator_stop("no room for the records of %zu bytes", bytes);
  spans[i] = (span){ (uintptr_t)p, bytes, seen, name };
}

void hazards_piece(const void *p, size_t bytes)
{
  watch(DEVICE_MEMORY, p, bytes, "device memory");
  watch(DYNAMIC_SHARED, emulated_shared(), SHARED_MAX, "shared memory");
  watch(STATIC_SHARED, __start_block_shared, (size_t)(__stop_block_shared - __start_block_shared), "shared memory");
}

static const span *span_of(const void *p)
{
  for (int i = 0; i < 3; i++) if ((uintptr_t)p - spans[i].at < spans[i].bytes) return &spans[i];
  return NULL;
}

void hazards_forget(const void *p, size_t bytes)
{
  const size_t page = 4096;
  uintptr_t from = (uintptr_t)(spans[0].seen + ((uintptr_t)p - spans[0].at)), to = from + bytes * sizeof(byte_seen);
  from = (from + page - 1) / page * page;
  if (to > from) madvise((void *)from, (to - from) / page * page, MADV_DONTNEED);
}

/* ---- launches, blocks, copies ---- */

void hazards_launch(const char *name) { kernel_name = name; first_block = block + 1; }
void hazards_block(void)              { block++; }

void hazards_written(const void *p, size_t bytes, const void *from)
{
  const span *s = span_of(p), *t = from ? span_of(from) : NULL;
  if (!s) return;
  byte_seen *to = s->seen + ((uintptr_t)p - s->at);
  const byte_seen *source = t ? t->seen + ((uintptr_t)from - t->at) : NULL;
  for (size_t i = 0; i < bytes; i++) to[i].write.block = !source || source[i].write.block ? 1 : 0;
}

/* ---- accesses ---- */

static _Noreturn void found(const char *what, const void *p, size_t bytes, bool write, const visit *other, const void *caller)
{
  standing me = emulator_standing();
  char before[96] = "";
  Dl_info info = { 0 };
  dladdr(caller, &info);
  if (other) snprintf(before, sizeof before, "; thread %d of block %u was there", THREAD_OF(other), other->block - first_block);
  emulator_stop("%s: %s: thread %d of block %u %s %zu bytes of %s at %p%s (addr2line -e %s 0x%zx)", kernel_name, what, me.thread,
                block - first_block, write ? "writes" : "reads", bytes, span_of(p)->name, p, before, info.dli_fname ? info.dli_fname : "?",
                (size_t)((uintptr_t)caller - (uintptr_t)info.dli_fbase));
}

/* Whether a visit is of this launch, by another thread, with no barrier in between.  Each block has shared memory of its own. */
static bool conflicts(const visit *v, const span *s, const standing *me)
{
  if (v->block < first_block) return false;
  if (v->block != block) return s == &spans[DEVICE_MEMORY];
  if (v->barrier != (uint16_t)me->barrier) return false;
  const int thread = THREAD_OF(v);
  if (thread / 32 == me->thread / 32 && v->warp_barrier != (uint16_t)me->warp_barrier) return false;
  return thread != me->thread || (v->thread & SEVERAL);
}

static bool is_now(const visit *v, const standing *me) { return v->block == block && v->barrier == (uint16_t)me->barrier; }

static void note_read(byte_seen *b, const standing *me)
{
  const visit now = { block, (uint16_t)me->thread, (uint16_t)me->barrier, (uint16_t)me->warp_barrier };
  if (!is_now(&b->read[0], me)) {
    if (b->read[0].block != block) b->read_by = b->read[0].block; /* so that read_by is never this block */
    b->read[0] = now;
    b->read[1].block = 0;
    return;
  }
  for (int i = 0; i < 2; i++) {
    visit *v = &b->read[i];
    if (!is_now(v, me)) { *v = now; return; }
    if (THREAD_OF(v) / 32 != me->thread / 32) continue;
    if (v->warp_barrier != now.warp_barrier) *v = now;
    else if (v->thread != now.thread) v->thread |= SEVERAL;
    return;
  }
}

static void visit_byte(byte_seen *b, const span *s, const void *p, size_t bytes, bool write, const standing *me, const void *caller)
{
  if (!write) {
    if (b->write.block == 0 || (s != &spans[DEVICE_MEMORY] && b->write.block != block)) found("unset", p, bytes, write, NULL, caller);
    if (b->write.block == block && b->write.thread & ON_WAY) found("early", p, bytes, write, &b->write, caller);
    if (conflicts(&b->write, s, me)) found("race", p, bytes, write, &b->write, caller);
    note_read(b, me);
    return;
  }
  const visit before = { b->read_by, 0, 0, 0 };
  const visit *all[] = { &b->write, &b->read[0], &b->read[1], &before };
  for (int i = 0; i < 4; i++)
    if (conflicts(all[i], s, me)) found("race", p, bytes, write, all[i], caller);
  b->write = (visit){ block, (uint16_t)me->thread, (uint16_t)me->barrier, (uint16_t)me->warp_barrier };
}

static void access_at(const void *p, size_t bytes, bool write, const void *caller)
{
  const span *s = span_of(p);
  if (!s) return; /* a thread's own */
  if ((uintptr_t)p % bytes) found("crooked", p, bytes, write, NULL, caller);
  if (!write) (void)*(volatile const char *)p; /* out of bounds is found first */
  standing   me = emulator_standing();
  byte_seen *b = s->seen + ((uintptr_t)p - s->at);
  for (size_t i = 0; i < bytes; i++) visit_byte(&b[i], s, p, bytes, write, &me, caller);
}

/* A copy into shared memory, byte by byte: it may read less than it writes. */
void hazards_access(const void *p, size_t bytes, bool write)
{
  for (size_t i = 0; i < bytes; i++) access_at((const char *)p + i, 1, write, __builtin_return_address(0));
}

void hazards_on_way(const void *p, size_t bytes)
{
  const span *s = span_of(p);
  hazards_access(p, bytes, true);
  if (!s) return;
  byte_seen *b = s->seen + ((uintptr_t)p - s->at);
  for (size_t i = 0; i < bytes; i++) b[i].write.thread |= ON_WAY;
}

/* ---- what the compiler calls ---- */

#define ACCESSES(n)                                                                                          \
  void __tsan_read##n(void *p)  { access_at(p, n, false, __builtin_return_address(0)); }                     \
  void __tsan_write##n(void *p) { access_at(p, n, true, __builtin_return_address(0)); }
#define UNALIGNED(n)                                                                                         \
  void __tsan_unaligned_read##n(void *p)  { access_at(p, n, false, __builtin_return_address(0)); }           \
  void __tsan_unaligned_write##n(void *p) { access_at(p, n, true, __builtin_return_address(0)); }
ACCESSES(1) ACCESSES(2) ACCESSES(4) ACCESSES(8) ACCESSES(16)
UNALIGNED(2) UNALIGNED(4) UNALIGNED(8) UNALIGNED(16)
void __ubsan_handle_type_mismatch_v1(const void *type, const void *p)
{
  (void)type;
  if (span_of(p)) found("crooked", p, 16, false, NULL, __builtin_return_address(0));
}
void __tsan_init(void) {}
void __tsan_func_entry(void *caller) { (void)caller; }
void __tsan_func_exit(void *unused) { (void)unused; }
void __tsan_read_range(void *p, size_t n)  { hazards_access(p, n, false); }
void __tsan_write_range(void *p, size_t n) { hazards_access(p, n, true); }
