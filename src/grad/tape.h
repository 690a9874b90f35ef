/* tape.h: automatic differentiation in reverse.
 *
 * rp_apply runs an operation and, while recording, leaves a node behind: what was computed, from what.  Every output
 * owns its node and every node its inputs, so a graph lives as long as something can still be differentiated.
 * A backward pass visits nodes from the newest to the oldest and adds gradients in that order, which is therefore
 * the same in every run.  Gradients are not themselves differentiated. */
#ifndef RP_GRAD_TAPE_H
#define RP_GRAD_TAPE_H

#include "grad/parts.h"
#include "tensor/call.h"

/* The gradient of an operation defined elsewhere (in Lua).  grad fills gin[i], each a new reference shaped like in[i],
 * or leaves it NULL for zero; g[k] is NULL where no gradient arrived.  release frees context once. */
typedef struct rp_custom {
  rp_status (*grad)(void *context, rp_tensor *const *g, int n_out, rp_tensor **gin, int n_in);
  void      (*release)(void *context);
  void       *context;
} rp_custom;

typedef struct rp_node {
  int64_t     references;
  uint64_t    sequence;               /* order of recording */
  rp_opcode   op;
  int         n_in, n_out, n_attr;
  rp_tensor **in;                     /* kept; NULL for a missing optional one; a shell if no gradient reads its elements */
  uint64_t   *version;                /* of each input's storage when it was read */
  bool       *needs;                  /* which inputs want a gradient */
  rp_tensor  *out[RP_MAX_OUT];        /* the results without their history, or shells */
  rp_tensor  *saved[RP_MAX_SAVED];
  rp_attr    *attr;
  rp_custom   custom;                 /* for RP_OP_custom */
  rp_tensor  *g[RP_MAX_OUT];          /* during a pass: the gradient that has arrived so far */
  rp_covered  covered[RP_MAX_OUT];    /* what of it has been written */
  bool        queued, consumed;
  bool        reaches, wanted;        /* for rp_gradients: a target lies before it; it made a target */
} rp_node;

/* Runs the operation: brings pointwise inputs to one type, fills c->out, records if any input is to be differentiated.
 * On success the caller owns c->out[0..n_out-1].  Errors: those of the operation. */
rp_status rp_apply(rp_call *c);

/* The same for n_in inputs and one output, without attributes. */
rp_status rp_apply_simple(rp_tensor **out, rp_opcode op, rp_tensor *const *in, int n_in);

/* Makes out (fresh leaves) depend on in through custom.  Takes over custom.context, also on failure. */
rp_status rp_record_custom(rp_tensor *const *out, int n_out, rp_tensor *const *in, int n_in, rp_custom custom);

bool rp_recording(void);
bool rp_recording_set(bool on); /* returns the former state */

/* Tensors of at least this many bytes whose elements no gradient reads are not kept by the graph; returns the former
 * bound.  For tests. */
size_t rp_shells_from(size_t bytes);

/* Adds d y / d p, times seed (shaped like y; NULL: ones, y a scalar), into p.grad of every leaf p that requires a
 * gradient.  Unless retain, what the graph saved is freed on the way, and a second pass is RP_ESTATE. */
rp_status rp_backward(rp_tensor *y, rp_tensor *seed, bool retain);

/* out[i] receives d y / d x[i] (zeros if y does not depend on it); x may be leaves or intermediate results.
 * No .grad is touched. */
rp_status rp_gradients(rp_tensor **out, rp_tensor *y, rp_tensor *seed, rp_tensor *const *x, int n_x, bool retain);

/* x without its history, on the same storage. */
rp_status rp_detach(rp_tensor **out, rp_tensor *x);

#define RP_MAX_READ 4 /* inputs of which a rule can read the elements; those after them are never read */

/* The gradient rule of each structured row: gin[i] receives the gradient of in[i] where n->needs[i]. */
typedef rp_status rp_rule(const rp_node *n, rp_tensor **gin);
#define OP(name, args, n_out, formula) rp_rule rp_rule_##name; extern const unsigned char rp_reads_##name[RP_MAX_READ];
#define NOGRAD(name, args, n_out, formula)
#include "kernel/ops.def"
rp_rule rp_rule_pointwise;

/* g summed over what was repeated to make it from the shape of x. */
rp_status rp_sum_to(rp_tensor **out, rp_tensor *g, const rp_array *x);

#endif
