/* program_close.c: the end of the noting: whose memory is every address that was noted; and whether two programs do the same. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tensor/program_state.h"

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

static rp_status unseen(const rp_program *p, const call *c)
{
  return rp_fail(RP_ESTATE, "%scompiled step: a %s reads elements that were made on the host inside the step (a file, linear algebra, "
                 "or a tensor freed since); make them outside of it, or in rp.live(function() ... end)", program_line_of(p, c), call_name(c));
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

static rp_status place_calls(rp_program *p, range *list, int64_t n, holder *holders)
{
  int64_t made_at = 0;
  for (int64_t at = 0; at < p->used; at += program_call_at(p, at)->bytes) {
    for (; made_at < p->n_made && p->made[made_at].at <= (size_t)at; made_at++)
      holders[p->made[made_at].block] = (holder){ made_at, false };
    RP_TRY(place_call(p, program_call_at(p, at), list, n, holders));
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

/* In-place changes of an argument would reach the caller's tensor in the first call and a copy of it in the others. */
static rp_status check_inputs(const rp_program *p, const range *list, int64_t n)
{
  for (int64_t k = 0; k < p->n_inputs; k++)
    for (int64_t i = 0; i < n; i++)
      if (list[i].outside == p->input[k]->storage && list[i].written)
        return rp_fail(RP_ESTATE, "compiled step: tensor argument %lld is changed in place, which later calls would do to a copy; clone it first, or "
                       "let the step find the tensor in a variable", (long long)k + 1);
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
  rp_program_pause(true);
  rp_status status = program_end_part(p);
  if (status == RP_OK) status = all_ranges(&list, &n, p);
  if (status == RP_OK && !(holders = rp_new((size_t)(p->pool->n + 1) * sizeof *holders))) status = RP_ENOMEM;
  if (status == RP_OK) status = place_calls(p, list, n, holders);
  if (status == RP_OK) status = place_results(p, results, n_results, list, n, holders);
  if (status == RP_OK) status = check_inputs(p, list, n);
  if (status == RP_OK) status = hold_all(p, list, n);
  rp_delete(list);
  rp_delete(holders);
  program_end(p);
  return status;
}

/* ---- comparing ---- */

static rp_status differ(const rp_program *p, const call *c, const rp_program *q, const call *d, int64_t i, const char *how)
{
  return rp_fail(RP_ESTATE, "compiled step: two calls in a row did not do the same, so a third cannot be known: call %lld of the device is %s%s%s "
                 "the first time, %s%s%s the second%s; what changes from call to call must come in as an argument, as a tensor, or "
                 "happen in rp.live(function() ... end)", (long long)i, c ? program_line_of(p, c) : "", c ? "a " : "", c ? call_name(c) : "missing",
                 d ? program_line_of(q, d) : "", d ? "a " : "", d ? call_name(d) : "missing", how);
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
    call       *c = program_call_at(p, a), *d = program_call_at(q, b);
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
  if (a < p->used || b < q->used) return differ(p, a < p->used ? program_call_at(p, a) : NULL, q, b < q->used ? program_call_at(q, b) : NULL, i, "");
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
