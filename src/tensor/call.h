/* call.h: one call of an operation of ops.def, as the tape records it.
 *
 * forward[op] checks the arguments, allocates the outputs and runs the kernels; it knows nothing of gradients. */
#ifndef RP_TENSOR_CALL_H
#define RP_TENSOR_CALL_H

#include "kernel/device.h"
#include "tensor/tensor.h"

#define RP_MAX_OUT   3
#define RP_MAX_SAVED 2
#define RP_MAX_ATTR  5
#define RP_MAX_LIST  16

/* One argument that is not a tensor, in the order of the row: a number, flag, dtype (i[0]), list (i[0..n-1]), or
 * real (f).  n = -1: not given (all dimensions). */
typedef struct rp_attr {
  int     n;
  int64_t i[RP_MAX_LIST];
  double  f;
} rp_attr;

typedef struct rp_call {
  rp_opcode   op;
  int         n_in, n_attr, n_out;
  rp_tensor **in;                   /* borrowed; NULL where an optional tensor is missing */
  rp_attr     attr[RP_MAX_ATTR];
  rp_tensor  *out[RP_MAX_OUT];      /* received */
  rp_tensor  *saved[RP_MAX_SAVED];  /* received: what the gradient needs besides inputs and outputs */
} rp_call;

typedef enum rp_form { RP_MAP, RP_TEST, RP_STRUCTURED } rp_form;

typedef struct rp_op_info {
  const char *name, *arguments, *formula;
  rp_form     form;
  int         arity;          /* pointwise rows: number of tensors; 0 otherwise */
  char        kind;           /* pointwise rows: 'F' or 'N' */
  bool        has_gradient;
  int         n_out;
  double      lo, hi;         /* pointwise rows: where tests draw inputs */
  rp_status (*forward)(rp_call *c);
} rp_op_info;

extern const rp_op_info rp_ops[RP_N_OPS];

/* One function per structured row, one for all pointwise rows. */
#define OP(name, args, n_out, formula) rp_status rp_forward_##name(rp_call *c);
#include "kernel/ops.def"
rp_status rp_forward_pointwise(rp_call *c);

/* The type in which a pointwise row works on inputs whose latest type in the order of promotion is t. */
rp_dtype rp_working_dtype(const rp_op_info *info, rp_dtype t);

/* Drops what a failed forward left in out and saved. */
void rp_call_undo(rp_call *c);

#endif
