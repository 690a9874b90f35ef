/* rules.h: what gradient rules share.  A rule reads n->in, n->out, n->saved, n->attr and n->g, and fills gin. */
#ifndef RP_GRAD_RULES_H
#define RP_GRAD_RULES_H

#include "grad/tape.h"
#include "tensor/shape.h"

/* RULE(name, what the gradient of input 0 reads, what that of input 1 reads, ...) { body }: what is not read is not kept. */
#define RULE(name, ...) \
  const unsigned char rp_reads_##name[RP_MAX_READ] = { __VA_ARGS__ }; \
  rp_status rp_rule_##name(const rp_node *n, rp_tensor **gin)
#define RP_IN(i) (1u << (i)) /* the elements of input i */
#define RP_OUT   (1u << 7)   /* the elements of the result */

/* The same for a pointwise row. */
unsigned rp_reads_pointwise(rp_opcode op, int which);

/* Runs an operation outside the tape; one output. */
rp_status rp_run(rp_tensor **out, rp_opcode op, rp_tensor *const *in, int n_in, const rp_attr *attr, int n_attr);

/* x seen with another shape of as many elements. */
rp_status rp_reshaped(rp_tensor **out, rp_tensor *x, int ndim, const int64_t *shape);

/* Nobody else sees t's elements, so they may be overwritten. */
bool rp_is_exclusive(const rp_tensor *t);

/* Zeros shaped like x. */
rp_status rp_zeros_like(rp_tensor **out, const rp_tensor *x);

#endif
