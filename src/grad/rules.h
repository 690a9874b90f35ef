/* rules.h: what gradient rules share.  A rule reads n->in, n->out, n->saved, n->attr and n->g, and fills gin. */
#ifndef RP_GRAD_RULES_H
#define RP_GRAD_RULES_H

#include "grad/tape.h"
#include "tensor/shape.h"

/* Runs an operation outside the tape; one output. */
rp_status rp_run(rp_tensor **out, rp_opcode op, rp_tensor *const *in, int n_in, const rp_attr *attr, int n_attr);

/* x seen with another shape of as many elements. */
rp_status rp_reshaped(rp_tensor **out, rp_tensor *x, int ndim, const int64_t *shape);

/* Zeros shaped like x. */
rp_status rp_zeros_like(rp_tensor **out, const rp_tensor *x);

#endif
