#include "grad/tape.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "grad/profile.h"
#include "grad/rules.h"
#include "tensor/program.h"
#include "tensor/shape.h"

static bool     recording = true;
static uint64_t last_sequence;

bool rp_recording(void) { return recording; }

bool rp_recording_set(bool on)
{
  bool was = recording;
  recording = on;
  return was;
}

/* ---- nodes ---- */

static void drop_contents(rp_node *n)
{
  for (int i = 0; i < n->n_in; i++) { rp_tensor *t = n->in[i]; n->in[i] = NULL; rp_tensor_drop(t); }
  for (int k = 0; k < RP_MAX_OUT; k++) { rp_tensor_drop(n->out[k]); rp_tensor_drop(n->g[k]); n->out[k] = n->g[k] = NULL; }
  for (int k = 0; k < RP_MAX_SAVED; k++) { rp_tensor_drop(n->saved[k]); n->saved[k] = NULL; }
  if (n->custom.release) n->custom.release(n->custom.context);
  n->custom = (rp_custom){ 0 };
}

static void free_node(rp_node *n)
{
  drop_contents(n);
  rp_delete(n);
}

/* Freeing a node frees its inputs, which free their nodes, ...: a list in place of recursion, for graphs of any depth. */
static void release_node(rp_node *n)
{
  static rp_node *waiting;
  static bool     busy;
  if (--n->references > 0) return;
  n->sequence = (uint64_t)(uintptr_t)waiting; /* no longer needed: now the link of the list */
  waiting = n;
  if (busy) return;
  busy = true;
  while (waiting) {
    rp_node *next = waiting;
    waiting = (rp_node *)(uintptr_t)next->sequence;
    free_node(next);
  }
  busy = false;
}

__attribute__((constructor)) static void install(void) { rp_node_release = release_node; }

/* A node and its lists are one block: the lists follow it, the most strictly aligned first. */
static rp_node *new_node(rp_opcode op, rp_tensor *const *in, int n_in, int n_out, int n_attr)
{
  const size_t n_list = (size_t)n_in;
  rp_node *n = rp_new(sizeof *n + (size_t)n_attr * sizeof *n->attr + n_list * (sizeof *n->in + sizeof *n->version + sizeof *n->needs));
  if (!n) return NULL;
  n->references = 1;
  n->op = op; n->n_in = n_in; n->n_out = n_out; n->n_attr = n_attr;
  n->attr = (rp_attr *)(n + 1);
  n->version = (uint64_t *)(n->attr + n_attr);
  n->in = (rp_tensor **)(n->version + n_in);
  n->needs = (bool *)(n->in + n_in);
  for (int i = 0; i < n_in; i++) n->needs[i] = in[i] && in[i]->requires_grad;
  n->sequence = ++last_sequence;
  return n;
}

/* What the gradients that n will be asked for read: bits RP_IN(i) and RP_OUT. */
static unsigned reads_of(const rp_node *n)
{
  static const unsigned char *const structured[RP_N_OPS] = {
#define OP(name, args, n_out, formula) [RP_OP_##name] = rp_reads_##name,
#define NOGRAD(name, args, n_out, formula)
#include "kernel/ops.def"
  };
  unsigned reads = 0;
  if (n->op == RP_OP_custom) return ~0u;
  for (int i = 0; i < n->n_in; i++) {
    if (!n->needs[i]) continue;
    reads |= !structured[n->op] ? rp_reads_pointwise(n->op, i) : i < RP_MAX_READ ? structured[n->op][i] : 0;
  }
  return reads;
}

static size_t shells_from = 16384; /* a shell costs a little time, which the memory of smaller tensors is not worth */

size_t rp_shells_from(size_t bytes)
{
  size_t was = shells_from;
  shells_from = bytes;
  return was;
}

static bool is_large(const rp_tensor *t) { return t->storage->bytes >= shells_from; }

static bool is_same(const rp_tensor *a, const rp_tensor *b)
{
  return a == b || (a->node && a->node == b->node && a->output == b->output);
}

/* Inputs whose elements no gradient reads are held as shells, unless they are leaves that gather a gradient. */
static rp_status hold_inputs(rp_node *n, rp_tensor *const *in, unsigned reads)
{
  for (int i = 0; i < n->n_in; i++) {
    if (!in[i]) continue;
    bool read = i < RP_MAX_READ ? (reads & RP_IN(i)) != 0 : n->op == RP_OP_custom;
    if (read || !is_large(in[i]) || (in[i]->requires_grad && !in[i]->node)) {
      n->in[i] = rp_tensor_keep(in[i]);
      n->version[i] = in[i]->storage->version;
      continue;
    }
    RP_TRY(rp_tensor_shell(&n->in[i], in[i]));
    n->in[i]->requires_grad = in[i]->requires_grad;
    n->in[i]->output = in[i]->output;
    if ((n->in[i]->node = in[i]->node)) in[i]->node->references++;
  }
  return RP_OK;
}

rp_status rp_detach(rp_tensor **out, rp_tensor *x) { return rp_tensor_view(out, x, &x->a); }

/* Results of float type point to the node; the node keeps them without history. */
static rp_status attach(rp_node *n, rp_tensor *const *out, unsigned reads)
{
  for (int k = 0; k < n->n_out; k++)
    RP_TRY((reads & RP_OUT) || !is_large(out[k]) ? rp_detach(&n->out[k], out[k]) : rp_tensor_shell(&n->out[k], out[k]));
  for (int k = 0; k < n->n_out; k++) {
    if (!rp_is_float(out[k]->a.dtype)) continue;
    out[k]->node = n;
    out[k]->output = k;
    out[k]->requires_grad = true;
    n->references++;
  }
  return RP_OK;
}

static bool wants_gradient(rp_tensor *const *in, int n_in)
{
  for (int i = 0; i < n_in; i++)
    if (in[i] && in[i]->requires_grad) return true;
  return false;
}

static rp_status record(rp_call *c)
{
  rp_node *n = new_node(c->op, c->in, c->n_in, c->n_out, c->n_attr);
  if (!n) return RP_ENOMEM;
  if (c->n_attr > 0) memcpy(n->attr, c->attr, (size_t)c->n_attr * sizeof *n->attr);
  unsigned  reads = reads_of(n);
  rp_status status = hold_inputs(n, c->in, reads);
  if (status == RP_OK) status = attach(n, c->out, reads);
  if (status == RP_OK)
    for (int k = 0; k < RP_MAX_SAVED; k++) { n->saved[k] = c->saved[k]; c->saved[k] = NULL; }
  release_node(n); /* the outputs hold it now */
  return status;
}

/* ---- applying an operation ---- */

/* The device of the inputs; single numbers of the CPU go with any in a pointwise operation. */
static rp_status device_of(const rp_device **out, const rp_call *c)
{
  const rp_tensor *first = NULL;
  for (int i = 0; i < c->n_in; i++) {
    const rp_tensor *x = c->in[i];
    if (!x || (x->a.ndim == 0 && !x->storage->device && rp_ops[c->op].form != RP_STRUCTURED)) continue;
    if (!first) first = x;
    if (x->storage->device != first->storage->device)
      return rp_fail(RP_EDEVICE, "%s: one tensor is on %s, another on %s; bring them together with x:to(\"%s\")", rp_ops[c->op].name,
                     first->storage->device ? first->storage->device->name : "cpu", x->storage->device ? x->storage->device->name : "cpu",
                     first->storage->device ? first->storage->device->name : x->storage->device->name);
  }
  *out = first ? first->storage->device : NULL;
  return RP_OK;
}

/* What a device refused, with the operation and the shapes it was given. */
static rp_status refused(const rp_call *c)
{
  char why[512], shapes[256] = "";
  int  used = 0;
  snprintf(why, sizeof why, "%s", rp_message());
  for (int i = 0; i < c->n_in && i < 3 && used < (int)sizeof shapes; i++)
    if (c->in[i]) used += snprintf(shapes + used, sizeof shapes - (size_t)used, "%s%s", used ? ", " : "", rp_shape(&c->in[i]->a).s);
  return rp_fail(RP_EDEVICE, "%s of %s: %s", rp_ops[c->op].name, shapes, why);
}

static rp_status run(rp_call *c)
{
  const rp_op_info *info = &rp_ops[c->op];
  const double   start = rp_cost_start();
  const rp_device  *device = NULL;
  c->n_out = info->n_out;
  RP_TRY(device_of(&device, c));
  const rp_device *was = rp_device_enter(device);
  if (rp_noting) rp_program_begin(c->op, false);
  rp_status status = info->forward(c);
  if (rp_noting) rp_program_end(status == RP_OK ? rp_flop_of(c->op, c->in, c->out[0]) : 0);
  if (start > 0) rp_cost_add(c->op, false, start, c->in, c->out[0], 1);
  rp_device_enter(was);
  if (status == RP_EDEVICE) refused(c);
  if (status == RP_OK && recording && info->has_gradient && wants_gradient(c->in, c->n_in)) status = record(c);
  if (status != RP_OK) { rp_call_undo(c); return status; }
  for (int k = 0; k < RP_MAX_SAVED; k++) { rp_tensor_drop(c->saved[k]); c->saved[k] = NULL; }
  return RP_OK;
}

static rp_status convert(rp_tensor **out, rp_tensor *x, rp_dtype dtype)
{
  if (x->a.dtype == dtype) { *out = rp_tensor_keep(x); return RP_OK; }
  rp_call c = { .op = RP_OP_to, .n_in = 1, .in = &x, .n_attr = 1, .attr = { { .n = 1, .i = { dtype } } } };
  RP_TRY(run(&c));
  *out = c.out[0];
  return RP_OK;
}

/* A number of the CPU among tensors of a device, there. */
static rp_status settle(rp_tensor **slot, const rp_device *device)
{
  rp_tensor *x = *slot, *there = NULL;
  double     value = 0;
  if (!device || x->storage->device == device) return RP_OK;
  if (x->requires_grad && recording)
    return rp_fail(RP_EDEVICE, "a number on the cpu that requires a gradient, among tensors on %s: move it with x:to(\"%s\")", device->name, device->name);
  rp_array wide = { .data = &value, .dtype = RP_FLOAT64 };
  if (rp_noting && !(x->storage->known && x->storage->pool && x->storage->version == 0))
    return rp_fail(RP_ESTATE, "compiled step: a number on the cpu among tensors on %s; later calls would not see it change: move it with x:to(\"%s\")",
                   device->name, device->name);
  if (x->a.dtype == RP_INT64) RP_TRY(rp_tensor_move(&there, x, device));
  else { /* a fill needs no copy across */
    RP_TRY(rp_device_cpu()->copy(&wide, &x->a));
    const rp_device *was = rp_device_enter(device);
    rp_status status = rp_tensor_full(&there, x->a.dtype, 0, NULL, value);
    rp_device_enter(was);
    RP_TRY(status);
  }
  rp_tensor_drop(x);
  *slot = there;
  return RP_OK;
}

/* Pointwise rows work in one type; the conversions are recorded like any other operation. */
static rp_status run_pointwise(rp_call *c)
{
  rp_tensor *in[3] = { NULL }, **given = c->in;
  rp_dtype   latest = RP_BOOL;
  const rp_device *device = NULL;
  rp_status  status = device_of(&device, c);
  for (int i = 0; i < c->n_in; i++) if (given[i]->a.dtype > latest) latest = given[i]->a.dtype;
  latest = rp_working_dtype(&rp_ops[c->op], latest);
  for (int i = 0; i < c->n_in && status == RP_OK; i++) status = convert(&in[i], given[i], latest);
  for (int i = 0; i < c->n_in && status == RP_OK; i++) status = settle(&in[i], device);
  c->in = in;
  if (status == RP_OK) status = run(c);
  c->in = given;
  for (int i = 0; i < 3; i++) rp_tensor_drop(in[i]);
  return status;
}

rp_status rp_apply(rp_call *c)
{
  return rp_ops[c->op].form == RP_STRUCTURED ? run(c) : run_pointwise(c);
}

rp_status rp_apply_simple(rp_tensor **out, rp_opcode op, rp_tensor *const *in, int n_in)
{
  rp_tensor *copy[3] = { NULL };
  memcpy(copy, in, (size_t)n_in * sizeof *in);
  rp_call c = { .op = op, .n_in = n_in, .in = copy };
  RP_TRY(rp_apply(&c));
  *out = c.out[0];
  return RP_OK;
}

rp_status rp_record_custom(rp_tensor *const *out, int n_out, rp_tensor *const *in, int n_in, rp_custom custom)
{
  if (!recording || !wants_gradient(in, n_in)) { custom.release(custom.context); return RP_OK; }
  rp_node *n = new_node(RP_OP_custom, in, n_in, n_out, 0);
  if (!n) { custom.release(custom.context); return RP_ENOMEM; }
  n->custom = custom;
  rp_status status = hold_inputs(n, in, ~0u);
  if (status == RP_OK) status = attach(n, out, ~0u);
  release_node(n);
  return status;
}

/* ---- the backward pass ---- */

static rp_rule *const rules[RP_N_OPS] = {
#define MAP1(name, args, lo, hi, kind, formula) [RP_OP_##name] = rp_rule_pointwise,
#define OP(name, args, n_out, formula) [RP_OP_##name] = rp_rule_##name,
#define NOGRAD(name, args, n_out, formula)
#include "kernel/ops.def"
};

/* A max-heap of nodes by sequence: the newest first. */
typedef struct heap { rp_node **at; int64_t n, room; } heap;

static rp_status push(heap *h, rp_node *n)
{
  if (n->queued) return RP_OK;
  if (h->n == h->room) {
    int64_t   room = h->room ? 2 * h->room : 256;
    rp_node **at = rp_new((size_t)room * sizeof *at);
    if (!at) return RP_ENOMEM;
    if (h->n) memcpy(at, h->at, (size_t)h->n * sizeof *at);
    rp_delete(h->at);
    h->at = at; h->room = room;
  }
  n->queued = true;
  n->references++;
  int64_t i = h->n++;
  for (; i > 0 && h->at[(i - 1) / 2]->sequence < n->sequence; i = (i - 1) / 2) h->at[i] = h->at[(i - 1) / 2];
  h->at[i] = n;
  return RP_OK;
}

static rp_node *pop(heap *h)
{
  rp_node *top = h->at[0], *last = h->at[--h->n];
  int64_t  i = 0;
  for (;;) {
    int64_t child = 2 * i + 1;
    if (child >= h->n) break;
    if (child + 1 < h->n && h->at[child + 1]->sequence > h->at[child]->sequence) child++;
    if (h->at[child]->sequence <= last->sequence) break;
    h->at[i] = h->at[child];
    i = child;
  }
  h->at[i] = last;
  top->queued = false;
  return top;
}

static void drop_gradients(rp_node *n)
{
  for (int k = 0; k < RP_MAX_OUT; k++) { rp_tensor_drop(n->g[k]); n->g[k] = NULL; n->covered[k] = (rp_covered){ 0 }; }
}

static void empty_heap(heap *h)
{
  while (h->n > 0) {
    rp_node *n = pop(h);
    drop_gradients(n);
    release_node(n);
  }
  rp_delete(h->at);
}

bool rp_is_exclusive(const rp_tensor *t)
{
  return t->references == 1 && t->storage->references == 1 && rp_is_contiguous(&t->a);
}

/* *slot = g, or *slot += g.  g is received.  `own` asks for memory that nothing else shares. */
static rp_status accumulate(rp_tensor **slot, rp_tensor *g, bool own)
{
  rp_status status = RP_OK;
  if (!*slot) {
    if (!own || rp_is_exclusive(g)) { *slot = g; return RP_OK; }
    status = rp_tensor_clone(slot, g, g->a.dtype);
  } else {
    rp_tensor *sum = *slot;
    if (!own && !rp_is_exclusive(sum)) {
      sum = NULL;
      status = rp_tensor_clone(&sum, *slot, (*slot)->a.dtype);
      if (status == RP_OK) { rp_tensor_drop(*slot); *slot = sum; }
    }
    if (status == RP_OK) {
      const rp_device *was = rp_device_enter(sum->storage->device);
      sum->storage->version++;
      status = rp_device_now()->add(&sum->a, &g->a);
      rp_device_enter(was);
    }
  }
  rp_tensor_drop(g);
  return status;
}

/* A pass: where gradients of targets go, or (n_x = 0) into the leaves. */
typedef struct pass {
  heap              waiting;
  rp_tensor *const *x;
  rp_tensor       **out;
  int               n_x;
  bool              retain;
} pass;

/* Where a leaf or a node gathers what arrives for `to`; NULL if nobody asks. */
static rp_tensor **slot_of(const pass *p, rp_tensor *to)
{
  if (to->node) return p->n_x && !to->node->reaches && !to->node->wanted ? NULL : &to->node->g[to->output];
  if (!p->n_x) return &to->grad;
  for (int i = 0; i < p->n_x; i++) if (p->x[i] == to) return &p->out[i];
  return NULL;
}

/* Completes a gradient of which only parts have been written. */
static rp_status cover_all(rp_node *n, int k)
{
  if (!n->g[k] || n->covered[k].to == 0) return RP_OK;
  const rp_device *was = rp_device_enter(n->g[k]->storage->device);
  rp_status status = rp_cover_all(n->g[k], &n->covered[k]);
  rp_device_enter(was);
  return status;
}

static rp_status deliver(pass *p, rp_tensor *to, rp_tensor *g)
{
  rp_tensor **slot = slot_of(p, to);
  if (!slot) { rp_tensor_drop(g); return RP_OK; }
  if (to->node && *slot) {
    rp_status status = cover_all(to->node, to->output);
    if (status != RP_OK) { rp_tensor_drop(g); return status; }
  }
  if (slot == &to->grad && rp_program_leaf(to) != RP_OK) { rp_tensor_drop(g); return RP_ENOMEM; }
  RP_TRY(accumulate(slot, g, slot == &to->grad));
  return to->node ? push(&p->waiting, to->node) : RP_OK;
}

/* The gradient of a part of `to` goes straight to its place in what is gathered for it; false if it cannot. */
static bool deliver_part(pass *p, const rp_node *n, rp_status *status)
{
  rp_tensor  *to = n->in[0];
  rp_tensor **slot = slot_of(p, to);
  rp_covered  all = { 0 };
  if (n->op != RP_OP_slice && n->op != RP_OP_select && n->op != RP_OP_diagonal) return false;
  if (!slot || (*slot ? !rp_takes_parts(*slot) : !to->node)) return false;
  if (slot == &to->grad && (*status = rp_program_leaf(to)) != RP_OK) return true;
  *status = rp_add_part(slot, to->node ? &to->node->covered[to->output] : &all, n->op, n->attr, n->n_attr, to, n->g[0]);
  if (*status == RP_OK && to->node) *status = push(&p->waiting, to->node);
  return true;
}

static rp_status check_node(const rp_node *n)
{
  const char *name = n->op == RP_OP_custom ? "custom function" : rp_ops[n->op].name;
  if (n->consumed)
    return rp_fail(RP_ESTATE, "backward: the graph through %s was freed by an earlier pass; keep it with y:backward(nil, true)", name);
  for (int i = 0; i < n->n_in; i++)
    if (n->in[i] && n->in[i]->storage->version != n->version[i])
      return rp_fail(RP_ESTATE, "backward: input %d of %s, %s, was changed in place after it was used; clone it before the change", i + 1,
                     name, rp_shape(&n->in[i]->a).s);
  return RP_OK;
}

static const rp_device *device_of_gradient(const rp_node *n)
{
  for (int k = 0; k < n->n_out; k++) if (n->g[k]) return n->g[k]->storage->device;
  return NULL;
}

static rp_status visit(pass *p, rp_node *n)
{
  rp_tensor *inline_gin[8] = { NULL }, **gin = inline_gin;
  rp_status  status = RP_OK;
  for (int k = 0; k < n->n_out; k++) RP_TRY(cover_all(n, k));
  for (int i = 0; i < p->n_x; i++) /* all that reaches it has arrived */
    if (p->x[i]->node == n) p->out[i] = rp_tensor_keep(n->g[p->x[i]->output]);
  if (p->n_x && !n->reaches) return RP_OK;
  RP_TRY(check_node(n));
  if (n->n_in > 8 && !(gin = rp_new((size_t)n->n_in * sizeof *gin))) return RP_ENOMEM;
  const rp_device *was = rp_device_enter(device_of_gradient(n));
  const double start = rp_cost_start();
  if (rp_noting) rp_program_begin(n->op, true);
  if (n->op == RP_OP_custom) status = n->custom.grad(n->custom.context, n->g, n->n_out, gin, n->n_in);
  else if (!deliver_part(p, n, &status)) status = rules[n->op](n, gin);
  rp_device_enter(was);
  const int products = n->n_in < 2 ? 0 : n->needs[0] + n->needs[1];
  if (rp_noting) rp_program_end(products && n->g[0] ? products * rp_flop_of(n->op, n->in, n->g[0]) : 0);
  if (start > 0) rp_cost_add(n->op, true, start, n->in, n->g[0], products);
  drop_gradients(n);
  for (int i = 0; i < n->n_in; i++) {
    if (!gin[i]) continue;
    if (status == RP_OK && n->needs[i]) status = deliver(p, n->in[i], gin[i]);
    else rp_tensor_drop(gin[i]);
  }
  if (gin != inline_gin) rp_delete(gin);
  if (status == RP_OK && !p->retain) { drop_contents(n); n->consumed = true; }
  return status;
}

static rp_status full_like(rp_tensor **out, const rp_tensor *x, double value)
{
  const rp_device *was = rp_device_enter(x->storage->device);
  rp_status status = rp_tensor_full(out, x->a.dtype, x->a.ndim, x->a.shape, value);
  rp_device_enter(was);
  return status;
}

static rp_status run_pass(pass *p, rp_tensor *y, rp_tensor *seed)
{
  rp_tensor *g = rp_tensor_keep(seed);
  bool       was = rp_recording_set(false);
  rp_status  status = RP_OK;
  if (!g) status = full_like(&g, y, 1);
  if (status == RP_OK) status = deliver(p, y, g);
  while (status == RP_OK && p->waiting.n > 0) {
    rp_node *n = pop(&p->waiting);
    status = visit(p, n);
    drop_gradients(n);
    release_node(n);
  }
  empty_heap(&p->waiting);
  rp_recording_set(was);
  return status;
}

static rp_status check_start(const rp_tensor *y, const rp_tensor *seed)
{
  if (!y->requires_grad)
    return rp_fail(RP_ESTATE, "backward: this tensor depends on none that requires a gradient; mark parameters with p:requires_grad_()");
  if (!seed && rp_count(&y->a) != 1)
    return rp_fail(RP_ESHAPE, "backward: y has shape %s; give the gradient to start from, or reduce y to one number", rp_shape(&y->a).s);
  if (seed && (!rp_same_shape(&y->a, &seed->a) || y->a.dtype != seed->a.dtype))
    return rp_fail(RP_ESHAPE, "backward: the gradient to start from is %s %s, y is %s %s", rp_shape(&seed->a).s,
                   rp_dtype_name(seed->a.dtype), rp_shape(&y->a).s, rp_dtype_name(y->a.dtype));
  return RP_OK;
}

rp_status rp_backward(rp_tensor *y, rp_tensor *seed, bool retain)
{
  pass p = { .retain = retain };
  RP_TRY(check_start(y, seed));
  return run_pass(&p, y, seed);
}

/* Marks the nodes from which some x[i] can be reached: all ancestors of y are listed newest first, then judged
 * oldest first. */
static rp_status mark_reaching(rp_tensor *y, rp_tensor *const *x, int n_x)
{
  heap      all = { 0 };
  rp_status status = y->node ? push(&all, y->node) : RP_OK;
  rp_node **list = NULL;
  int64_t   n_list = 0, room = 0;
  while (status == RP_OK && all.n > 0) {
    rp_node *n = pop(&all);
    if (n_list == room) {
      int64_t   more = room ? 2 * room : 256;
      rp_node **bigger = rp_new((size_t)more * sizeof *bigger);
      if (!bigger) { status = RP_ENOMEM; release_node(n); break; }
      if (n_list) memcpy(bigger, list, (size_t)n_list * sizeof *list);
      rp_delete(list);
      list = bigger; room = more;
    }
    list[n_list++] = n;
    for (int i = 0; i < n->n_in && status == RP_OK; i++)
      if (n->in[i] && n->in[i]->node) status = push(&all, n->in[i]->node);
  }
  for (int64_t i = n_list; i-- > 0; ) {
    rp_node *n = list[i];
    n->reaches = false;
    for (int j = 0; j < n->n_in; j++) {
      if (!n->in[j]) continue;
      for (int k = 0; k < n_x; k++) n->reaches |= is_same(n->in[j], x[k]);
      n->reaches |= n->in[j]->node && n->in[j]->node->reaches;
    }
  }
  for (int64_t i = 0; i < n_list; i++) release_node(list[i]);
  rp_delete(list);
  empty_heap(&all);
  return status;
}

rp_status rp_gradients(rp_tensor **out, rp_tensor *y, rp_tensor *seed, rp_tensor *const *x, int n_x, bool retain)
{
  pass p = { .x = x, .out = rp_new((size_t)n_x * sizeof *out + 1), .n_x = n_x, .retain = retain };
  if (!p.out) return RP_ENOMEM;
  rp_status status = check_start(y, seed);
  if (status == RP_OK) status = mark_reaching(y, x, n_x);
  for (int i = 0; i < n_x; i++) if (x[i]->node) x[i]->node->wanted = true;
  if (status == RP_OK) status = run_pass(&p, y, seed);
  for (int i = 0; i < n_x; i++) if (x[i]->node) x[i]->node->wanted = false;
  for (int i = 0; i < n_x; i++) /* a leaf named twice was found once */
    for (int j = 0; j < i && !p.out[i]; j++) if (x[i] == x[j]) p.out[i] = rp_tensor_keep(p.out[j]);
  for (int i = 0; i < n_x && status == RP_OK; i++)
    if (!p.out[i]) status = full_like(&p.out[i], x[i], 0);
  for (int i = 0; i < n_x; i++)
    if (status == RP_OK) out[i] = p.out[i]; else rp_tensor_drop(p.out[i]);
  rp_delete(p.out);
  return status;
}
