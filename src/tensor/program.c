#include "tensor/program.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "tensor/program_calls.h"
#include "tensor/program_memory.h"

rp_program *rp_program_open;
bool        rp_noting;
void      (*rp_program_where)(char *text, size_t room);

/* What a place of memory is, the same in every program that does the same: element `offset` bytes into the tensor made as
 * number `id` in the program, into input `id`, or into the storage at `id`. */
typedef struct spot { enum { MADE, INPUT, OUTSIDE } kind; int64_t id, offset; } spot;

typedef struct made { size_t at; int64_t block; } made;           /* a tensor made before the call at `at` */
typedef struct work { rp_opcode op; bool gradient; double flop; } work;
/* start: the serial of its gradient (0: none) when part `part` began, in which it is first seen, unless that forgets it first */
typedef struct leaf { rp_tensor *x; uint64_t start; bool cleared; int part; } leaf;
typedef struct piece { size_t from, to; void *graph; const rp_device *device; bool on_host; } piece;
typedef struct part { size_t end; rp_tensor **gradient; int64_t n_leaves, first_piece, n_pieces; bool ready; } part;

struct rp_program {
  char    *text; int64_t used, room, latest, n_calls; /* the calls, one after the other */
  made    *made; int64_t n_made, made_room;
  work    *work; int64_t n_work, work_room;
  leaf    *leaf; int64_t n_leaves, leaf_room;
  part    *part; int64_t n_parts, part_room;
  piece   *piece; int64_t n_pieces, piece_room;
  spot    *spot; int64_t n_spots, spot_room;          /* of every place of every call, in order, then of the results */
  char    *lines; int64_t n_lines, lines_room;
  rp_storage **held; int64_t n_held, held_room;       /* from outside, and what lives on of the program's own */
  rp_storage **written; int64_t n_written, written_room; /* of those, what the calls write */
  rp_tensor  **input; int64_t n_inputs, input_room;
  rp_storage  *kept;                                  /* dropped by others while the program was noted */
  rp_program_pool *pool;
  uint64_t serial;
  int32_t  row;                                       /* of work, that calls belong to now; -1: none */
  int      depth;
};

/* ---- beginning and end ---- */

rp_status rp_program_new(rp_program **out)
{
  rp_program *p = rp_new(sizeof *p);
  if (!p) return RP_ENOMEM;
  static uint64_t last;
  p->row = -1;
  p->serial = ++last;
  if (!(p->pool = program_pool_new())) { rp_delete(p); return RP_ENOMEM; }
  *out = p;
  return RP_OK;
}

static void forget_graphs(rp_program *p)
{
  for (int64_t i = 0; i < p->n_pieces; i++) if (p->piece[i].graph) p->piece[i].device->forget(p->piece[i].graph);
}

void rp_program_drop(rp_program *p)
{
  if (!p) return;
  if (rp_program_open == p) rp_program_abandon();
  forget_graphs(p);
  for (int64_t i = 0; i < p->n_parts; i++) {
    for (int64_t k = 0; k < p->part[i].n_leaves; k++) rp_tensor_drop(p->part[i].gradient[k]);
    rp_delete(p->part[i].gradient);
  }
  for (int64_t i = 0; i < p->n_leaves; i++) rp_tensor_drop(p->leaf[i].x);
  for (int64_t i = 0; i < p->n_inputs; i++) rp_tensor_drop(p->input[i]);
  for (int64_t i = 0; i < p->n_held; i++) rp_storage_drop(p->held[i]);
  void *lists[] = { p->text, p->made, p->work, p->leaf, p->part, p->piece, p->spot, p->lines, p->held, p->written, p->input };
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) rp_delete(lists[i]);
  program_pool_drop(p->pool);
  rp_delete(p);
}

static void note_from_now(bool on)
{
  rp_noting = on;
  rp_device_via(on ? &call_noting : NULL);
}

uint64_t rp_program_serial(void) { return rp_program_open ? rp_program_open->serial : 0; }

bool rp_program_owns(const rp_program *p, const rp_tensor *x)
{
  for (int64_t k = 0; k < p->n_inputs; k++) if (p->input[k]->storage == x->storage) return true;
  return x->storage->pool == p->pool;
}

void rp_program_start(rp_program *p)
{
  rp_program_draws_from(NULL, NULL);
  rp_program_open = p;
  note_from_now(true);
}

bool rp_program_pause(bool pause)
{
  bool was = rp_program_open && !rp_noting;
  if (rp_program_open) note_from_now(!pause);
  return was;
}

/* What others have dropped while the program was noted, and it does not hold, goes now. */
static void release_kept(rp_program *p)
{
  rp_program_open = NULL;
  while (p->kept) {
    rp_storage *s = p->kept;
    p->kept = s->next;
    rp_storage_drop(s);
  }
}

void rp_program_abandon(void)
{
  rp_program *p = rp_program_open;
  note_from_now(false);
  if (p) release_kept(p);
}

/* ---- memory ---- */

rp_status rp_program_memory(rp_storage *s)
{
  rp_program *p = rp_program_open;
  RP_TRY(program_grow(&p->made, p->n_made, &p->made_room, sizeof *p->made));
  RP_TRY(program_pool_take(&s->block, p->pool, s->device, s->bytes ? s->bytes : 1));
  s->pool = p->pool;
  s->data = p->pool->block[s->block].data;
  p->made[p->n_made++] = (made){ (size_t)p->used, s->block };
  return RP_OK;
}

void rp_program_forget(rp_storage *s) { program_pool_give(s->pool, s->block); }

bool rp_program_holds(rp_storage *s)
{
  s->references = 1;
  s->next = rp_program_open->kept;
  rp_program_open->kept = s;
  return true;
}

rp_status rp_program_reads(const char *who)
{
  if (!rp_noting) return RP_OK;
  return rp_fail(RP_ESTATE, "%s in a compiled step: it is recorded, and later calls do not run its Lua; return the tensor and read it "
                 "afterwards, or do it in rp.live(function() ... end), which every call runs", who);
}

/* ---- inputs ---- */

rp_status rp_program_input(rp_program *p, rp_tensor **out, const rp_tensor *x)
{
  rp_tensor *t = NULL;
  RP_TRY(program_grow(&p->input, p->n_inputs, &p->input_room, sizeof *p->input));
  RP_TRY(rp_tensor_clone(&t, x, x->a.dtype));
  p->input[p->n_inputs++] = rp_tensor_keep(t);
  *out = t;
  return RP_OK;
}

static bool same_shape(const rp_array *a, const rp_array *b)
{
  return a->ndim == b->ndim && (a->ndim == 0 || memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) == 0);
}

bool rp_program_fits(const rp_program *p, int k, const rp_tensor *x)
{
  const rp_tensor *t = p->input[k];
  return x->a.dtype == t->a.dtype && x->storage->device == t->storage->device && same_shape(&x->a, &t->a);
}

rp_status rp_program_feed(rp_program *p, int k, const rp_tensor *x)
{
  rp_tensor *t = p->input[k];
  if (x->a.data == t->a.data) return RP_OK;
  const rp_device *was = rp_device_enter(t->storage->device);
  rp_status status = rp_device_now()->copy(&t->a, &x->a);
  rp_device_enter(was);
  return status;
}

/* ---- calls ---- */

/* The line that the script is at, kept once while it stays the same. */
static rp_status line_now(rp_program *p, uint32_t *at)
{
  char text[256] = "";
  if (rp_program_where) rp_program_where(text, sizeof text);
  int64_t n = (int64_t)strlen(text) + 1, last = p->n_lines - n;
  if (last >= 0 && memcmp(p->lines + last, text, (size_t)n) == 0 && (last == 0 || p->lines[last - 1] == 0)) { *at = (uint32_t)last; return RP_OK; }
  for (int64_t i = 0; i < n; i++) {
    RP_TRY(program_grow(&p->lines, p->n_lines, &p->lines_room, 1));
    p->lines[p->n_lines++] = text[i];
  }
  *at = (uint32_t)(p->n_lines - n);
  return RP_OK;
}

void *call_new(call_kind kind, size_t bytes)
{
  rp_program *p = rp_program_open;
  size_t      n = (bytes + 15) / 16 * 16;
  uint32_t    line = 0;
  if (n > UINT32_MAX) { rp_fail(RP_ENOMEM, "a tensor written in Lua is too large for a compiled step"); return NULL; }
  if (line_now(p, &line) != RP_OK) return NULL;
  while (p->used + (int64_t)n > p->room)
    if (program_grow(&p->text, p->room, &p->room, 1) != RP_OK) return NULL;
  call *c = (call *)(void *)(p->text + p->used);
  memset(c, 0, n);
  *c = (call){ .bytes = (uint32_t)n, .kind = (uint16_t)kind, .row = p->row, .line = line, .device = rp_device_home() };
  c->on_host = !c->device->alloc;
  p->latest = p->used;
  p->used += (int64_t)n;
  p->n_calls++;
  return c;
}

void call_undo(void)
{
  rp_program *p = rp_program_open;
  p->used = p->latest;
  p->n_calls--;
}

void rp_program_begin(rp_opcode op, bool gradient)
{
  rp_program *p = rp_program_open;
  if (p->depth++ > 0 || program_grow(&p->work, p->n_work, &p->work_room, sizeof *p->work) != RP_OK) return;
  p->row = (int32_t)p->n_work;
  p->work[p->n_work++] = (work){ op, gradient, 0 };
}

void rp_program_end(double flop)
{
  rp_program *p = rp_program_open;
  if (p->depth == 0 || --p->depth > 0 || p->row < 0) return;
  p->work[p->row].flop = flop;
  p->row = -1;
}

/* ---- gradients of leaves ---- */

static uint64_t serial_of(const rp_tensor *g) { return g ? g->serial : 0; }

static rp_status add_leaf(rp_tensor *x, bool cleared)
{
  rp_program *p = rp_program_open;
  for (int64_t i = 0; i < p->n_leaves; i++) if (p->leaf[i].x == x) return RP_OK;
  RP_TRY(program_grow(&p->leaf, p->n_leaves, &p->leaf_room, sizeof *p->leaf));
  p->leaf[p->n_leaves++] = (leaf){ rp_tensor_keep(x), serial_of(x->grad), cleared, (int)p->n_parts };
  return RP_OK;
}

rp_status rp_program_leaf(rp_tensor *x)    { return rp_noting ? add_leaf(x, false) : RP_OK; }
rp_status rp_program_cleared(rp_tensor *x) { return rp_noting ? add_leaf(x, true) : RP_OK; }

static rp_status end_part(rp_program *p)
{
  part new_part = { .end = (size_t)p->used, .n_leaves = p->n_leaves };
  RP_TRY(program_grow(&p->part, p->n_parts, &p->part_room, sizeof *p->part));
  if (p->n_leaves && !(new_part.gradient = rp_new((size_t)p->n_leaves * sizeof *new_part.gradient))) return RP_ENOMEM;
  for (int64_t k = 0; k < p->n_leaves; k++) new_part.gradient[k] = rp_tensor_keep(p->leaf[k].x->grad);
  p->part[p->n_parts++] = new_part;
  return RP_OK;
}

rp_status rp_program_part(void) { return rp_program_open ? end_part(rp_program_open) : RP_OK; }

static rp_status check_leaves(const rp_program *p, int part)
{
  for (int64_t k = 0; k < p->n_leaves; k++) {
    const leaf *l = &p->leaf[k];
    if (l->part != part || l->cleared || serial_of(l->x->grad) == l->start) continue;
    return rp_fail(RP_ESTATE, "compiled step: a parameter of shape %s had %s gradient when the step was recorded, and has %s now; forget "
                   "gradients with optimiser:zero_grad() inside the step, or before every call", rp_shape(&l->x->a).s,
                   l->start ? "its own" : "no", !l->x->grad ? "none" : l->start ? "another" : "one");
  }
  return RP_OK;
}

static void set_gradients(rp_program *p, const part *t)
{
  for (int64_t k = 0; k < t->n_leaves; k++) {
    rp_tensor *x = p->leaf[k].x, *old = x->grad;
    if (old == t->gradient[k]) continue;
    x->grad = rp_tensor_keep(t->gradient[k]);
    rp_tensor_drop(old);
  }
}

/* ---- closing: whose memory is every address ---- */

typedef struct range { char *begin, *end; int64_t block; rp_storage *outside; bool held, written; } range;

static int by_begin(const void *a, const void *b)
{
  const range *p = a, *q = b;
  return p->begin < q->begin ? -1 : p->begin > q->begin;
}

/* Host and device addresses do not meet in one process (CUDA's are unified); *out (owned) by address. */
static rp_status all_ranges(range **out, int64_t *n, const rp_program *p)
{
  range  *list = NULL;
  int64_t room = 0;
  *n = 0;
  for (int64_t i = 0; i < p->pool->n; i++) {
    if (program_grow(&list, *n, &room, sizeof *list) != RP_OK) { rp_delete(list); return RP_ENOMEM; }
    const memory_block *b = &p->pool->block[i];
    list[(*n)++] = (range){ .begin = b->data, .end = b->data + b->bytes, .block = i };
  }
  for (rp_storage *s = rp_storage_latest(); s; s = s->before) {
    if (s->pool == p->pool) continue;
    if (program_grow(&list, *n, &room, sizeof *list) != RP_OK) { rp_delete(list); return RP_ENOMEM; }
    list[(*n)++] = (range){ .begin = s->data, .end = (char *)s->data + (s->bytes ? s->bytes : 1), .block = -1, .outside = s };
  }
  if (*n) qsort(list, (size_t)*n, sizeof *list, by_begin);
  *out = list;
  return RP_OK;
}

static range *range_of(range *list, int64_t n, const char *at)
{
  int64_t lo = 0, hi = n;
  while (lo < hi) {
    int64_t mid = lo + (hi - lo) / 2;
    if (list[mid].begin <= at) lo = mid + 1; else hi = mid;
  }
  return lo > 0 && at <= list[lo - 1].end ? &list[lo - 1] : NULL;
}

/* What each block holds, while the calls are gone through: the tensor made as number `made`, -1 for none. */
typedef struct holder { int64_t made; bool written; } holder;

static spot spot_of(const rp_program *p, const range *r, const holder *holders, const char *at)
{
  spot s = { .offset = at - r->begin };
  if (r->block >= 0) { s.kind = MADE; s.id = holders[r->block].made; return s; }
  s.kind = OUTSIDE;
  s.id = (int64_t)(uintptr_t)r->outside;
  for (int64_t k = 0; k < p->n_inputs; k++) if (p->input[k]->storage == r->outside) { s.kind = INPUT; s.id = k; }
  return s;
}

static const char *line_of(const rp_program *p, const call *c) { return p->lines + c->line; }

static rp_status unseen(const rp_program *p, const call *c)
{
  return rp_fail(RP_ESTATE, "%scompiled step: a %s reads elements that were made on the host inside the step (a file, linear algebra, "
                 "or a tensor freed since); make them outside of it, or in rp.live(function() ... end)", line_of(p, c), call_name(c));
}

static rp_status place_call(rp_program *p, call *c, range *list, int64_t n, holder *holders)
{
  call_place at[CALL_PLACES];
  const int  n_places = call_places(c, at);
  for (int k = 0; k < n_places; k++) {
    range *r = range_of(list, n, *at[k].at);
    if (!r) return unseen(p, c);
    if (r->block >= 0 && at[k].reads && !holders[r->block].written) return unseen(p, c);
    if (r->block < 0) { r->held = true; r->written |= at[k].writes; }
    RP_TRY(program_grow(&p->spot, p->n_spots, &p->spot_room, sizeof *p->spot));
    p->spot[p->n_spots++] = spot_of(p, r, holders, *at[k].at);
  }
  for (int k = 0; k < n_places; k++)
    if (at[k].writes) {
      range *r = range_of(list, n, *at[k].at);
      if (r->block >= 0) holders[r->block].written = true;
    }
  return RP_OK;
}

static call *call_at(const rp_program *p, int64_t at) { return (call *)(void *)(p->text + at); }

static rp_status place_calls(rp_program *p, range *list, int64_t n, holder *holders)
{
  int64_t made_at = 0;
  for (int64_t at = 0; at < p->used; at += call_at(p, at)->bytes) {
    for (; made_at < p->n_made && p->made[made_at].at <= (size_t)at; made_at++)
      holders[p->made[made_at].block] = (holder){ made_at, false };
    RP_TRY(place_call(p, call_at(p, at), list, n, holders));
  }
  return RP_OK;
}

static rp_status place_results(rp_program *p, rp_tensor *const *results, int n_results, range *list, int64_t n, const holder *holders)
{
  for (int i = 0; i < n_results; i++) {
    range *r = range_of(list, n, results[i]->a.data);
    if (!r) continue;
    RP_TRY(program_grow(&p->spot, p->n_spots, &p->spot_room, sizeof *p->spot));
    p->spot[p->n_spots++] = spot_of(p, r, holders, results[i]->a.data);
  }
  return RP_OK;
}

static rp_status hold(rp_program *p, rp_storage *s, bool written)
{
  RP_TRY(program_grow(&p->held, p->n_held, &p->held_room, sizeof *p->held));
  s->references++;
  p->held[p->n_held++] = s;
  if (!written) return RP_OK;
  RP_TRY(program_grow(&p->written, p->n_written, &p->written_room, sizeof *p->written));
  p->written[p->n_written++] = s;
  return RP_OK;
}

static rp_status hold_all(rp_program *p, const range *list, int64_t n)
{
  for (int64_t i = 0; i < n; i++)
    if (list[i].held) RP_TRY(hold(p, list[i].outside, list[i].written));
  for (rp_storage *s = rp_storage_latest(); s; s = s->before)
    if (s->pool == p->pool) RP_TRY(hold(p, s, true));
  return RP_OK;
}

rp_status rp_program_close(rp_program *p, rp_tensor *const *results, int n_results)
{
  range    *list = NULL;
  int64_t   n = 0;
  holder   *holders = NULL;
  note_from_now(false);
  rp_status status = end_part(p);
  if (status == RP_OK) status = all_ranges(&list, &n, p);
  if (status == RP_OK && !(holders = rp_new((size_t)(p->pool->n + 1) * sizeof *holders))) status = RP_ENOMEM;
  if (status == RP_OK) status = place_calls(p, list, n, holders);
  if (status == RP_OK) status = place_results(p, results, n_results, list, n, holders);
  if (status == RP_OK) status = hold_all(p, list, n);
  rp_delete(list);
  rp_delete(holders);
  release_kept(p);
  return status;
}

/* ---- comparing ---- */

static rp_status differ(const rp_program *p, const call *c, const rp_program *q, const call *d, int64_t i, const char *how)
{
  return rp_fail(RP_ESTATE, "compiled step: two calls in a row did not do the same, so a third cannot be known: call %lld of the device is %s%s%s "
                 "the first time, %s%s%s the second%s; what changes from call to call must come in as an argument, as a tensor, or "
                 "happen in rp.live(function() ... end)", (long long)i, c ? line_of(p, c) : "", c ? "a " : "", c ? call_name(c) : "missing",
                 d ? line_of(q, d) : "", d ? "a " : "", d ? call_name(d) : "missing", how);
}

static bool same_spots(const spot *a, const spot *b, int n)
{
  for (int k = 0; k < n; k++) if (a[k].kind != b[k].kind || a[k].id != b[k].id || a[k].offset != b[k].offset) return false;
  return true;
}

static rp_status compare_calls(const rp_program *p, const rp_program *q)
{
  int64_t a = 0, b = 0, spots = 0, i = 1;
  for (; a < p->used && b < q->used; i++) {
    call       *c = call_at(p, a), *d = call_at(q, b);
    call_place  at[CALL_PLACES];
    int64_t     left[CALL_NUMBERS], right[CALL_NUMBERS];
    const int   n = call_numbers(c, left), places = call_places(c, at);
    if (c->kind != d->kind) return differ(p, c, q, d, i, "");
    if (n != call_numbers(d, right) || memcmp(left, right, (size_t)n * sizeof *left) != 0)
      return differ(p, c, q, d, i, " with other numbers or shapes");
    if (places != call_places(d, at) || !same_spots(p->spot + spots, q->spot + spots, places))
      return differ(p, c, q, d, i, " with other tensors");
    spots += places;
    a += c->bytes; b += d->bytes;
  }
  if (a < p->used || b < q->used) return differ(p, a < p->used ? call_at(p, a) : NULL, q, b < q->used ? call_at(q, b) : NULL, i, "");
  return RP_OK;
}

static bool same_leaves(const rp_program *p, const rp_program *q)
{
  if (p->n_leaves != q->n_leaves) return false;
  for (int64_t k = 0; k < p->n_leaves; k++)
    if (p->leaf[k].x != q->leaf[k].x || p->leaf[k].cleared != q->leaf[k].cleared ||
        (!p->leaf[k].cleared && p->leaf[k].start != q->leaf[k].start)) return false;
  return true;
}

rp_status rp_program_compare(const rp_program *p, const rp_program *q)
{
  RP_TRY(compare_calls(p, q));
  if (!same_leaves(p, q))
    return rp_fail(RP_ESTATE, "compiled step: the gradients at its beginning were not the same in two calls in a row; forget them with "
                   "optimiser:zero_grad() inside the step, or before every call");
  if (p->n_parts != q->n_parts || p->n_spots != q->n_spots || !same_spots(p->spot, q->spot, (int)p->n_spots))
    return rp_fail(RP_ESTATE, "compiled step: two calls in a row gave other results or called rp.live another number of times");
  for (int64_t i = 0; i < p->n_parts; i++)
    for (int64_t k = 0; k < p->part[i].n_leaves && k < q->part[i].n_leaves; k++)
      if (!p->part[i].gradient[k] != !q->part[i].gradient[k])
        return rp_fail(RP_ESTATE, "compiled step: a parameter had a gradient after one call and none after the next");
  return RP_OK;
}

/* ---- running ---- */

int     rp_program_parts(const rp_program *p) { return (int)p->n_parts; }
int64_t rp_program_calls(const rp_program *p) { return p->n_calls; }

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static rp_status refused(rp_status status, const rp_program *p, const call *c)
{
  char why[768];
  strncpy(why, rp_message(), sizeof why - 1);
  why[sizeof why - 1] = 0;
  return rp_fail(status, "compiled step, %s%s: %s", line_of(p, c), call_name(c), why);
}

static rp_status run_calls(const rp_program *p, size_t from, size_t to)
{
  for (size_t at = from; at < to; ) {
    call *c = call_at(p, (int64_t)at);
    rp_status status = call_make(c);
    if (status != RP_OK) return refused(status, p, c);
    at += c->bytes;
  }
  return RP_OK;
}

static rp_status run_watched(const rp_program *p, size_t from, size_t to, rp_program_watch *watch)
{
  int32_t row = -1;
  for (size_t at = from; at < to; ) {
    call  *c = call_at(p, (int64_t)at);
    double start = now();
    rp_status status = call_make(c);
    if (status != RP_OK) return refused(status, p, c);
    const work *w = c->row >= 0 ? &p->work[c->row] : NULL;
    if (w) watch(w->op, w->gradient, c->row != row, w->flop, now() - start);
    row = c->row;
    at += c->bytes;
  }
  return RP_OK;
}

/* Host calls between those of a graph come first: they touch other memory. */
static rp_status run_piece(const rp_program *p, const piece *e)
{
  if (!e->graph) return run_calls(p, e->from, e->to);
  for (size_t at = e->from; e->on_host && at < e->to; at += call_at(p, (int64_t)at)->bytes)
    if (call_at(p, (int64_t)at)->on_host) RP_TRY(run_calls(p, at, at + call_at(p, (int64_t)at)->bytes));
  return e->device->launch(e->graph);
}

/* What a graph cannot hold: what differs from run to run, and what waits for the host's memory. */
static bool stands_alone(const call *c) { return c->kind == CALL_DRAW || c->kind == CALL_UPLOAD; }

static rp_status capture(const rp_program *p, piece *e)
{
  rp_status status = e->device->capture();
  if (status != RP_OK) return status;
  for (size_t at = e->from; at < e->to && status == RP_OK; at += call_at(p, (int64_t)at)->bytes)
    if (!call_at(p, (int64_t)at)->on_host) status = run_calls(p, at, at + call_at(p, (int64_t)at)->bytes);
  if (status == RP_OK) return e->device->captured(&e->graph);
  e->device->captured(NULL);
  return status;
}

/* The calls from `from` on that go together. */
static piece next_piece(const rp_program *p, size_t from, size_t end)
{
  piece  e = { .from = from, .to = from };
  for (int64_t n = 0; e.to < end; n++) {
    const call *c = call_at(p, (int64_t)e.to);
    if (stands_alone(c) && n > 0) break;
    if (!c->on_host && !e.device) e.device = c->device;
    if (!c->on_host && e.device != c->device) break;
    e.on_host |= c->on_host;
    e.to += c->bytes;
    if (stands_alone(c)) { e.device = NULL; break; }
  }
  return e;
}

static rp_status cut(rp_program *p, int which)
{
  part  *t = &p->part[which];
  size_t at = which ? p->part[which - 1].end : 0;
  t->first_piece = p->n_pieces;
  while (at < t->end) {
    piece e = next_piece(p, at, t->end);
    RP_TRY(program_grow(&p->piece, p->n_pieces, &p->piece_room, sizeof *p->piece));
    if (e.device && e.device->captures && e.device->captures()) RP_TRY(capture(p, &e));
    p->piece[p->n_pieces++] = e;
    at = e.to;
  }
  t->n_pieces = p->n_pieces - t->first_piece;
  t->ready = true;
  return RP_OK;
}

rp_status rp_program_run(rp_program *p, int which, rp_program_watch *watch)
{
  part *t = &p->part[which];
  RP_TRY(check_leaves(p, which));
  if (watch) RP_TRY(run_watched(p, which ? p->part[which - 1].end : 0, t->end, watch));
  else {
    if (!t->ready) RP_TRY(cut(p, which));
    for (int64_t i = 0; i < t->n_pieces; i++) RP_TRY(run_piece(p, &p->piece[t->first_piece + i]));
  }
  for (int64_t i = 0; i < p->n_written; i++) p->written[i]->version++;
  set_gradients(p, t);
  return RP_OK;
}
