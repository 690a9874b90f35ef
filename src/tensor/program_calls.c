#include "tensor/program_calls.h"

#include <string.h>

/* ---- noting ---- */

/* Sizes beyond ndim are not set by everyone. */
static rp_array tidy(const rp_array *a)
{
  rp_array t = { .data = a->data, .dtype = a->dtype, .ndim = a->ndim };
  for (int d = 0; d < a->ndim; d++) { t.shape[d] = a->shape[d]; t.stride[d] = a->stride[d]; }
  return t;
}

static int count_inputs(const rp_array *in) { return in[1].data == NULL ? 1 : in[2].data == NULL ? 2 : 3; }

static const rp_device *under(void) { return rp_device_home(); }

/* What was noted is taken back if the call itself failed. */
static rp_status noted(rp_status status)
{
  if (status != RP_OK) call_undo();
  return status;
}

static rp_status note_map(rp_opcode op, const rp_array *out, const rp_array *in)
{
  map_call *c = call_new(CALL_MAP, sizeof *c);
  if (!c) return RP_ENOMEM;
  c->op = (int)op; c->out = tidy(out);
  for (int k = 0; k < count_inputs(in); k++) c->in[k] = tidy(&in[k]);
  return noted(under()->map(op, out, in));
}

static rp_status note_map_back(rp_opcode op, int which, const rp_array *gin, const rp_array *g, const rp_array *in, const rp_array *y)
{
  map_call *c = call_new(CALL_MAP_BACK, sizeof *c);
  if (!c) return RP_ENOMEM;
  c->op = (int)op; c->which = which; c->out = tidy(gin); c->g = tidy(g); c->y = tidy(y);
  for (int k = 0; k < count_inputs(in); k++) c->in[k] = tidy(&in[k]);
  return noted(under()->map_back(op, which, gin, g, in, y));
}

static array_call *note_arrays(call_kind kind, const rp_array *out, const rp_array *in)
{
  array_call *c = call_new(kind, sizeof *c);
  if (!c) return NULL;
  c->out = tidy(out);
  if (in) c->in = tidy(in);
  return c;
}

static rp_status note_copy(const rp_array *out, const rp_array *in)
{
  return note_arrays(CALL_COPY, out, in) ? noted(under()->copy(out, in)) : RP_ENOMEM;
}

static rp_status note_add(const rp_array *out, const rp_array *in)
{
  return note_arrays(CALL_ADD, out, in) ? noted(under()->add(out, in)) : RP_ENOMEM;
}

static rp_status note_fill(const rp_array *out, double value)
{
  array_call *c = note_arrays(CALL_FILL, out, NULL);
  if (!c) return RP_ENOMEM;
  c->value = value;
  return noted(under()->fill(out, value));
}

static rp_status note_reduce(rp_opcode op, const rp_array *out, const rp_array *in, int n)
{
  array_call *c = note_arrays(CALL_REDUCE, out, in);
  if (!c) return RP_ENOMEM;
  c->op = (int)op; c->n = n;
  return noted(under()->reduce(op, out, in, n));
}

static bool note_rows(call_kind kind, rp_opcode op, const rp_rows *r)
{
  row_call *c = call_new(kind, sizeof *c);
  if (!c) return false;
  c->op = (int)op; c->r = *r;
  return true;
}

static rp_status note_row(rp_opcode op, const rp_rows *r) { return note_rows(CALL_ROW, op, r) ? noted(under()->row(op, r)) : RP_ENOMEM; }
static rp_status note_row_back(rp_opcode op, const rp_rows *r)
{
  return note_rows(CALL_ROW_BACK, op, r) ? noted(under()->row_back(op, r)) : RP_ENOMEM;
}

static rp_status note_gemm(const rp_gemm *g)
{
  gemm_call *c = call_new(CALL_GEMM, sizeof *c);
  if (!c) return RP_ENOMEM;
  c->g = *g;
  return noted(under()->gemm(g));
}

static bool note_conv_of(call_kind kind, const rp_conv *k, void *out, const void *a, const void *b, const void *bias)
{
  conv_call *c = call_new(kind, sizeof *c);
  if (!c) return false;
  c->k = *k; c->out = out; c->a = a; c->b = b; c->bias = bias;
  return true;
}

static rp_status note_conv(const rp_conv *k, void *y, const void *x, const void *w, const void *bias)
{
  return note_conv_of(CALL_CONV, k, y, x, w, bias) ? noted(under()->conv(k, y, x, w, bias)) : RP_ENOMEM;
}

static rp_status note_conv_input(const rp_conv *k, void *gx, const void *gy, const void *w)
{
  return note_conv_of(CALL_CONV_INPUT, k, gx, gy, w, NULL) ? noted(under()->conv_input(k, gx, gy, w)) : RP_ENOMEM;
}

static rp_status note_conv_weight(const rp_conv *k, void *gw, const void *x, const void *gy)
{
  return note_conv_of(CALL_CONV_WEIGHT, k, gw, x, gy, NULL) ? noted(under()->conv_weight(k, gw, x, gy)) : RP_ENOMEM;
}

static bool note_index(call_kind kind, const rp_array *y, const rp_array *x, const int64_t *index, int64_t outer, int64_t size,
                       int64_t n, int64_t inner, bool rows)
{
  index_call *c = call_new(kind, sizeof *c);
  if (!c) return false;
  c->y = tidy(y); c->x = tidy(x); c->index = index; c->outer = outer; c->size = size; c->n = n; c->inner = inner; c->rows = rows;
  return true;
}

static rp_status note_gather(const rp_array *y, const rp_array *x, const int64_t *index, int64_t outer, int64_t size, int64_t n,
                             int64_t inner, bool rows)
{
  if (!note_index(CALL_GATHER, y, x, index, outer, size, n, inner, rows)) return RP_ENOMEM;
  return noted(under()->gather(y, x, index, outer, size, n, inner, rows));
}

static rp_status note_scatter_add(const rp_array *y, const rp_array *x, const int64_t *index, int64_t outer, int64_t size, int64_t n,
                                  int64_t inner, bool rows)
{
  if (!note_index(CALL_SCATTER_ADD, y, x, index, outer, size, n, inner, rows)) return RP_ENOMEM;
  return noted(under()->scatter_add(y, x, index, outer, size, n, inner, rows));
}

static bool note_position(call_kind kind, int64_t *at, int64_t n, int64_t value, const char *who)
{
  position_call *c = call_new(kind, sizeof *c);
  if (!c) return false;
  c->at = at; c->n = n; c->value = value; c->who = who;
  return true;
}

static rp_status note_positions(int64_t *at, int64_t n, int64_t size, const char *who)
{
  return note_position(CALL_POSITIONS, at, n, size, who) ? noted(under()->positions(at, n, size, who)) : RP_ENOMEM;
}

static rp_status note_shift(int64_t *at, int64_t n, int64_t by)
{
  return note_position(CALL_SHIFT, at, n, by, NULL) ? noted(under()->shift(at, n, by)) : RP_ENOMEM;
}

static rp_status note_sort(const rp_array *y, int64_t *order, const rp_array *x, int64_t rows, int64_t cols, int64_t first,
                           bool descending)
{
  sort_call *c = call_new(CALL_SORT, sizeof *c);
  if (!c) return RP_ENOMEM;
  c->y = tidy(y); c->x = tidy(x); c->order = order; c->rows = rows; c->cols = cols; c->first = first; c->descending = descending;
  return noted(under()->sort(y, order, x, rows, cols, first, descending));
}

static rp_draw_source *source;
static void           *source_context;

void rp_program_draws_from(rp_draw_source *next, void *context) { source = next; source_context = context; }

static rp_status note_draw(rp_distribution d, const rp_array *out, const rp_draw *how)
{
  draw_call *c = call_new(CALL_DRAW, sizeof *c);
  if (!c) return RP_ENOMEM;
  c->distribution = (int)d; c->out = tidy(out); c->how = *how; c->next = source; c->context = source_context;
  source = NULL;
  return noted(under()->draw(d, out, how));
}

static rp_status no_update(const rp_update *u)
{
  (void)u;
  return rp_fail(RP_ESTATE, "an optimiser's step by hand in a compiled step: its numbers change from call to call; use rp.optim, or "
                 "wrap it in rp.live(function() ... end)");
}

static rp_status no_distinct(const rp_array *y, int64_t *n_distinct, int64_t *inverse, int64_t *count, const rp_array *x, const int64_t *order)
{
  (void)y; (void)n_distinct; (void)inverse; (void)count; (void)x; (void)order;
  return rp_fail(RP_ESTATE, "unique: reading a tensor in a compiled step: how many values there are changes from call to call; wrap it in "
                 "rp.live(function() ... end), or do it outside");
}

rp_status rp_program_upload(const rp_device *device, void *to, const void *from, size_t n)
{
  if (rp_noting) {
    copy_call *c = call_new(CALL_UPLOAD, sizeof *c);
    if (!c) return RP_ENOMEM;
    c->c.device = device; c->c.on_host = false;
    c->to = to; c->from = from; c->n = n;
    return noted(device->upload(to, from, n));
  }
  return device->upload(to, from, n);
}

rp_status rp_program_wrote(const rp_tensor *x)
{
  size_t n = (size_t)rp_count(&x->a) * rp_dtype_size(x->a.dtype);
  if (!rp_noting) return RP_OK;
  copy_call *c = call_new(CALL_WRITE, sizeof *c + n);
  if (!c) return RP_ENOMEM;
  c->to = x->a.data; c->n = n;
  memcpy(c + 1, x->a.data, n);
  return RP_OK;
}

const rp_device call_noting = {
  .name = "program", .map = note_map, .map_back = note_map_back, .copy = note_copy, .add = note_add, .fill = note_fill,
  .reduce = note_reduce, .row = note_row, .row_back = note_row_back, .gemm = note_gemm, .conv = note_conv,
  .conv_input = note_conv_input, .conv_weight = note_conv_weight, .gather = note_gather, .scatter_add = note_scatter_add,
  .positions = note_positions, .shift = note_shift, .sort = note_sort, .distinct = no_distinct, .draw = note_draw, .sgd = no_update, .adam = no_update,
  .ema = no_update };

/* ---- making a call again ---- */

static rp_status draw_again(draw_call *c)
{
  rp_draw how = c->how;
  if (c->next) {
    rp_draw now = c->next(c->context);
    how.seed = now.seed; how.stream = now.stream;
  }
  return c->c.device->draw((rp_distribution)c->distribution, &c->out, &how);
}

rp_status call_make(call *c)
{
  const rp_device *d = c->device;
  map_call   *m = (map_call *)c;
  array_call *a = (array_call *)c;
  row_call   *r = (row_call *)c;
  conv_call  *v = (conv_call *)c;
  index_call *i = (index_call *)c;
  position_call *p = (position_call *)c;
  sort_call  *s = (sort_call *)c;
  copy_call  *b = (copy_call *)c;
  switch ((call_kind)c->kind) {
    case CALL_MAP:         return d->map((rp_opcode)m->op, &m->out, m->in);
    case CALL_MAP_BACK:    return d->map_back((rp_opcode)m->op, m->which, &m->out, &m->g, m->in, &m->y);
    case CALL_COPY:        return d->copy(&a->out, &a->in);
    case CALL_ADD:         return d->add(&a->out, &a->in);
    case CALL_FILL:        return d->fill(&a->out, a->value);
    case CALL_REDUCE:      return d->reduce((rp_opcode)a->op, &a->out, &a->in, a->n);
    case CALL_ROW:         return d->row((rp_opcode)r->op, &r->r);
    case CALL_ROW_BACK:    return d->row_back((rp_opcode)r->op, &r->r);
    case CALL_GEMM:        return d->gemm(&((gemm_call *)c)->g);
    case CALL_CONV:        return d->conv(&v->k, v->out, v->a, v->b, v->bias);
    case CALL_CONV_INPUT:  return d->conv_input(&v->k, v->out, v->a, v->b);
    case CALL_CONV_WEIGHT: return d->conv_weight(&v->k, v->out, v->a, v->b);
    case CALL_GATHER:      return d->gather(&i->y, &i->x, i->index, i->outer, i->size, i->n, i->inner, i->rows);
    case CALL_SCATTER_ADD: return d->scatter_add(&i->y, &i->x, i->index, i->outer, i->size, i->n, i->inner, i->rows);
    case CALL_POSITIONS:   return d->positions(p->at, p->n, p->value, p->who);
    case CALL_SHIFT:       return d->shift(p->at, p->n, p->value);
    case CALL_SORT:        return d->sort(&s->y, s->order, &s->x, s->rows, s->cols, s->first, s->descending);
    case CALL_DRAW:        return draw_again((draw_call *)c);
    case CALL_UPLOAD:      return d->upload(b->to, b->from, b->n);
    case CALL_WRITE:       memcpy(b->to, b + 1, b->n); return RP_OK;
  }
  return RP_OK;
}

/* ---- what a call touches, and the rest of it ---- */

enum { READS = 1, WRITES = 2, BOTH = 3 };

static void touch(call_place *list, int *n, const void *pointer_at, int how)
{
  void **at = (void **)(uintptr_t)pointer_at;
  if (*at) list[(*n)++] = (call_place){ at, (how & READS) != 0, (how & WRITES) != 0 };
}

static void touch_array(call_place *list, int *n, rp_array *a, int how)
{
  if (rp_count(a) > 0) touch(list, n, &a->data, how);
}

static int places_of_map(map_call *m, call_place *at)
{
  int n = 0;
  for (int k = 0; k < 3; k++) if (m->in[k].data) touch_array(at, &n, &m->in[k], READS);
  if (m->c.kind == CALL_MAP_BACK) {
    touch_array(at, &n, &m->g, READS);
    touch_array(at, &n, &m->y, READS);
  }
  touch_array(at, &n, &m->out, WRITES);
  return n;
}

static int places_of_rows(row_call *c, call_place *at)
{
  int  n = 0;
  bool forward = c->c.kind == CALL_ROW;
  if (c->r.rows == 0 || c->r.cols == 0) return 0;
  touch(at, &n, &c->r.x, READS);
  if (!forward) {
    touch(at, &n, &c->r.y, READS);
    touch(at, &n, &c->r.aux, READS);
    touch(at, &n, &c->r.g, READS);
    touch(at, &n, &c->r.gx, WRITES);
    return n;
  }
  touch(at, &n, &c->r.y, WRITES);
  touch(at, &n, &c->r.aux, WRITES);
  return n;
}

static int places_of_index(index_call *c, call_place *at)
{
  int n = 0;
  touch_array(at, &n, &c->x, READS);
  if (c->n > 0) touch(at, &n, &c->index, READS);
  touch_array(at, &n, &c->y, c->c.kind == CALL_GATHER ? WRITES : BOTH);
  return n;
}

static int places_of_products(call *c, call_place *at)
{
  int n = 0;
  if (c->kind == CALL_GEMM) {
    rp_gemm *g = &((gemm_call *)c)->g;
    if (g->batch == 0 || g->m == 0 || g->n == 0) return 0;
    if (g->k > 0) { touch(at, &n, &g->a, READS); touch(at, &n, &g->b, READS); }
    touch(at, &n, &g->bias, READS);
    touch(at, &n, &g->c, WRITES);
    return n;
  }
  conv_call *v = (conv_call *)c;
  touch(at, &n, &v->a, READS);
  touch(at, &n, &v->b, READS);
  touch(at, &n, &v->bias, READS);
  touch(at, &n, &v->out, WRITES);
  return n;
}

int call_places(call *c, call_place at[CALL_PLACES])
{
  int n = 0;
  array_call    *a = (array_call *)c;
  position_call *p = (position_call *)c;
  sort_call     *s = (sort_call *)c;
  copy_call     *b = (copy_call *)c;
  switch ((call_kind)c->kind) {
    case CALL_MAP: case CALL_MAP_BACK: return places_of_map((map_call *)c, at);
    case CALL_ROW: case CALL_ROW_BACK: return places_of_rows((row_call *)c, at);
    case CALL_GATHER: case CALL_SCATTER_ADD: return places_of_index((index_call *)c, at);
    case CALL_GEMM: case CALL_CONV: case CALL_CONV_INPUT: case CALL_CONV_WEIGHT: return places_of_products(c, at);
    case CALL_COPY: case CALL_ADD: case CALL_FILL: case CALL_REDUCE:
      if (a->in.data) touch_array(at, &n, &a->in, READS);
      touch_array(at, &n, &a->out, c->kind == CALL_ADD ? BOTH : WRITES);
      break;
    case CALL_POSITIONS: case CALL_SHIFT:
      if (p->n > 0) touch(at, &n, &p->at, BOTH);
      break;
    case CALL_SORT:
      touch_array(at, &n, &s->x, READS);
      touch_array(at, &n, &s->y, WRITES);
      touch(at, &n, &s->order, WRITES);
      break;
    case CALL_DRAW: touch_array(at, &n, &((draw_call *)c)->out, WRITES); break;
    case CALL_UPLOAD: touch(at, &n, &b->from, READS); touch(at, &n, &b->to, WRITES); break;
    case CALL_WRITE: if (b->n > 0) touch(at, &n, &b->to, WRITES); break;
  }
  return n;
}

static void put(int64_t **to, int64_t v) { *(*to)++ = v; }

static void put_real(int64_t **to, double v)
{
  int64_t bits;
  memcpy(&bits, &v, sizeof bits);
  put(to, bits);
}

static void put_array(int64_t **to, const rp_array *a)
{
  put(to, a->dtype); put(to, a->ndim);
  for (int d = 0; d < a->ndim; d++) { put(to, a->shape[d]); put(to, a->stride[d]); }
}

static void put_gemm(int64_t **to, const rp_gemm *g)
{
  const int64_t all[] = { g->dtype, g->batch, g->m, g->n, g->k, g->a_batch, g->a_row, g->a_col, g->b_batch, g->b_row, g->b_col,
                          g->c_batch, g->c_row, g->inner, g->a_inner, g->b_inner, g->bias != NULL };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) put(to, all[i]);
}

static void put_conv(int64_t **to, const conv_call *v)
{
  const rp_conv *k = &v->k;
  put(to, k->dtype); put(to, k->batch); put(to, k->groups); put(to, k->c_in); put(to, k->c_out); put(to, v->bias != NULL);
  for (int d = 0; d < 3; d++) {
    put(to, k->in[d]); put(to, k->kernel[d]); put(to, k->out[d]); put(to, k->stride[d]); put(to, k->padding[d]); put(to, k->dilation[d]);
  }
}

/* Two of eight bytes and their SHA would do as well; the bytes themselves are few. */
static void put_bytes(int64_t **to, const copy_call *b)
{
  uint64_t h = 14695981039346656037u;
  for (size_t i = 0; i < b->n; i++) h = (h ^ ((const unsigned char *)(b + 1))[i]) * 1099511628211u;
  put(to, (int64_t)b->n);
  put(to, (int64_t)h);
}

static void put_draw(int64_t **to, const draw_call *d)
{
  put(to, d->distribution); put_array(to, &d->out);
  put_real(to, d->how.a); put_real(to, d->how.b);
  put(to, (int64_t)(uintptr_t)d->context);
  if (!d->next) { put(to, (int64_t)d->how.seed); put(to, (int64_t)d->how.stream); }
}

int call_numbers(const call *c, int64_t out[CALL_NUMBERS])
{
  int64_t *to = out;
  const map_call      *m = (const map_call *)c;
  const array_call    *a = (const array_call *)c;
  const row_call      *r = (const row_call *)c;
  const index_call    *i = (const index_call *)c;
  const position_call *p = (const position_call *)c;
  const sort_call     *s = (const sort_call *)c;
  put(&to, c->kind); put(&to, (int64_t)(uintptr_t)c->device);
  switch ((call_kind)c->kind) {
    case CALL_MAP: case CALL_MAP_BACK:
      put(&to, m->op); put(&to, m->which); put_array(&to, &m->out); put_array(&to, &m->g); put_array(&to, &m->y);
      for (int k = 0; k < 3; k++) put_array(&to, &m->in[k]);
      break;
    case CALL_COPY: case CALL_ADD: case CALL_FILL: case CALL_REDUCE:
      put(&to, a->op); put(&to, a->n); put_real(&to, a->value); put_array(&to, &a->out); put_array(&to, &a->in);
      break;
    case CALL_ROW: case CALL_ROW_BACK:
      put(&to, r->op); put(&to, r->r.dtype); put(&to, r->r.rows); put(&to, r->r.cols); put_real(&to, r->r.eps);
      break;
    case CALL_GEMM: put_gemm(&to, &((const gemm_call *)c)->g); break;
    case CALL_CONV: case CALL_CONV_INPUT: case CALL_CONV_WEIGHT: put_conv(&to, (const conv_call *)c); break;
    case CALL_GATHER: case CALL_SCATTER_ADD:
      put_array(&to, &i->y); put_array(&to, &i->x);
      put(&to, i->outer); put(&to, i->size); put(&to, i->n); put(&to, i->inner); put(&to, i->rows);
      break;
    case CALL_POSITIONS: case CALL_SHIFT: put(&to, p->n); put(&to, p->value); break;
    case CALL_SORT: put_array(&to, &s->y); put_array(&to, &s->x); put(&to, s->rows); put(&to, s->cols); put(&to, s->first);
                             put(&to, s->descending); break;
    case CALL_DRAW: put_draw(&to, (const draw_call *)c); break;
    case CALL_UPLOAD: put(&to, (int64_t)((const copy_call *)c)->n); break;
    case CALL_WRITE: put_bytes(&to, (const copy_call *)c); break;
  }
  return (int)(to - out);
}

const char *call_name(const call *c)
{
  static const char *const names[] = { "pointwise operation", "pointwise gradient", "copy", "addition", "fill", "reduction", "row operation",
    "row gradient", "matrix product", "convolution", "convolution's input gradient", "convolution's weight gradient", "gather", "scatter_add",
    "index", "index", "sort", "random draw", "upload", "tensor from Lua" };
  return names[c->kind];
}
