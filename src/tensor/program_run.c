/* program_run.c: making the calls of a program again. */
#include <stdio.h>
#include <time.h>

#include "tensor/program_state.h"

/* ---- gradients of leaves ---- */

static rp_status check_leaves(const rp_program *p, int part)
{
  for (int64_t k = 0; k < p->n_leaves; k++) {
    const leaf *l = &p->leaf[k];
    if (l->part != part || l->cleared || program_gradient_of(l->x) == l->start) continue;
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
  snprintf(why, sizeof why, "%s", rp_message());
  return rp_fail(status, "compiled step, %s%s: %s", program_line_of(p, c), call_name(c), why);
}

static rp_status run_calls(const rp_program *p, size_t from, size_t to)
{
  for (size_t at = from; at < to; ) {
    call *c = program_call_at(p, (int64_t)at);
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
    call  *c = program_call_at(p, (int64_t)at);
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
  for (size_t at = e->from; e->on_host && at < e->to; at += program_call_at(p, (int64_t)at)->bytes)
    if (program_call_at(p, (int64_t)at)->on_host) RP_TRY(run_calls(p, at, at + program_call_at(p, (int64_t)at)->bytes));
  return e->device->launch(e->graph);
}

/* What a graph cannot hold: what differs from run to run, and what waits for the host's memory. */
static bool stands_alone(const call *c) { return c->kind == CALL_DRAW || c->kind == CALL_UPLOAD; }

static rp_status capture(const rp_program *p, piece *e)
{
  rp_status status = e->device->capture();
  if (status != RP_OK) return status;
  for (size_t at = e->from; at < e->to && status == RP_OK; at += program_call_at(p, (int64_t)at)->bytes)
    if (!program_call_at(p, (int64_t)at)->on_host) status = run_calls(p, at, at + program_call_at(p, (int64_t)at)->bytes);
  if (status == RP_OK) return e->device->captured(&e->graph);
  e->device->captured(NULL);
  return status;
}

/* The calls from `from` on that go together. */
static piece next_piece(const rp_program *p, size_t from, size_t end)
{
  piece  e = { .from = from, .to = from };
  for (int64_t n = 0; e.to < end; n++) {
    const call *c = program_call_at(p, (int64_t)e.to);
    if (stands_alone(c) && n > 0) break;
    if (!c->on_host && !e.device) e.device = c->device;
    if (!c->on_host && e.device != c->device) break;
    e.on_host |= c->on_host;
    e.n_device += !c->on_host;
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
    if (e.device && e.n_device > 1 && e.device->captures && e.device->captures()) RP_TRY(capture(p, &e));
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
  if (p->is_thin) return rp_fail(RP_ESTATE, "compiled step: this recording was kept for comparison only");
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
