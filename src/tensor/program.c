#include "tensor/program.h"

#include <string.h>

#include "base/memory.h"
#include "tensor/program_state.h"

rp_program *rp_program_open;
bool        rp_noting;
void      (*rp_program_where)(char *text, size_t room);

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
void program_end(rp_program *p)
{
  note_from_now(false);
  rp_program_open = NULL;
  while (p->kept) {
    rp_storage *s = p->kept;
    p->kept = s->next;
    rp_storage_drop(s);
  }
}

void rp_program_abandon(void)
{
  if (rp_program_open) program_end(rp_program_open);
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
  if (s->pool == rp_program_open->pool) return false;
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

void rp_program_thin(rp_program *p)
{
  int64_t n = 0;
  p->is_thin = true;
  for (int64_t i = 0; i < p->n_held; i++)
    if (p->held[i]->pool == p->pool) rp_storage_drop(p->held[i]);
    else                             p->held[n++] = p->held[i];
  p->n_held = n;
  program_pool_trim(p->pool);
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

uint64_t program_gradient_of(const rp_tensor *x) { return x->grad ? x->grad->serial : 0; }

static rp_status add_leaf(rp_tensor *x, bool cleared)
{
  rp_program *p = rp_program_open;
  if (rp_program_owns(p, x)) return RP_OK; /* made in the step: nobody finds it before or after */
  for (int64_t i = 0; i < p->n_leaves; i++) if (p->leaf[i].x == x) return RP_OK;
  RP_TRY(program_grow(&p->leaf, p->n_leaves, &p->leaf_room, sizeof *p->leaf));
  p->leaf[p->n_leaves++] = (leaf){ rp_tensor_keep(x), program_gradient_of(x), cleared, (int)p->n_parts };
  return RP_OK;
}

rp_status rp_program_leaf(rp_tensor *x)    { return rp_noting ? add_leaf(x, false) : RP_OK; }
rp_status rp_program_cleared(rp_tensor *x) { return rp_noting ? add_leaf(x, true) : RP_OK; }

rp_status program_end_part(rp_program *p)
{
  part new_part = { .end = (size_t)p->used, .n_leaves = p->n_leaves };
  RP_TRY(program_grow(&p->part, p->n_parts, &p->part_room, sizeof *p->part));
  if (p->n_leaves && !(new_part.gradient = rp_new((size_t)p->n_leaves * sizeof *new_part.gradient))) return RP_ENOMEM;
  for (int64_t k = 0; k < p->n_leaves; k++) new_part.gradient[k] = rp_tensor_keep(p->leaf[k].x->grad);
  p->part[p->n_parts++] = new_part;
  return RP_OK;
}

rp_status rp_program_part(void) { return rp_program_open ? program_end_part(rp_program_open) : RP_OK; }
