#include "tensor/call.h"

const rp_op_info rp_ops[RP_N_OPS] = {
#define POINTWISE(n, args, l, h, k, text, a, f) \
  [RP_OP_##n] = { .name = #n, .arguments = args, .formula = text, .form = f, .arity = a, .kind = k, \
                  .has_gradient = f == RP_MAP, .n_out = 1, .lo = l, .hi = h, .forward = rp_forward_pointwise },
#define MAP1(n, args, lo, hi, kind, text) POINTWISE(n, args, lo, hi, #kind[0], text, 1, RP_MAP)
#define MAP2(n, args, lo, hi, kind, text) POINTWISE(n, args, lo, hi, #kind[0], text, 2, RP_MAP)
#define MAP3(n, args, lo, hi, kind, text) POINTWISE(n, args, lo, hi, #kind[0], text, 3, RP_MAP)
#define CMP1(n, args, lo, hi, text)       POINTWISE(n, args, lo, hi, 'N', text, 1, RP_TEST)
#define CMP2(n, args, lo, hi, text)       POINTWISE(n, args, lo, hi, 'N', text, 2, RP_TEST)
#define STRUCTURED(n, args, outs, text, gradient) \
  [RP_OP_##n] = { .name = #n, .arguments = args, .formula = text, .form = RP_STRUCTURED, \
                  .has_gradient = gradient, .n_out = outs, .forward = rp_forward_##n },
#define OP(n, args, outs, text)     STRUCTURED(n, args, outs, text, true)
#define NOGRAD(n, args, outs, text) STRUCTURED(n, args, outs, text, false)
#include "kernel/ops.def"
};

rp_dtype rp_working_dtype(const rp_op_info *info, rp_dtype t)
{
  if (info->kind == 'F' && t < RP_FLOAT32) return RP_FLOAT32;
  return t < RP_INT32 ? RP_INT32 : t;
}

void rp_call_undo(rp_call *c)
{
  for (int k = 0; k < RP_MAX_OUT; k++) { rp_tensor_drop(c->out[k]); c->out[k] = NULL; }
  for (int k = 0; k < RP_MAX_SAVED; k++) { rp_tensor_drop(c->saved[k]); c->saved[k] = NULL; }
}
