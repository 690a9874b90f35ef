/* pointwise.c: the forward of every MAP and CMP row.  Inputs have been brought to one working type by the caller. */
#include "tensor/call.h"
#include "tensor/shape.h"

static bool all_same_shape(const rp_array *const *a, int n)
{
  for (int k = 1; k < n; k++) if (!rp_same_shape(a[0], a[k])) return false;
  return true;
}

rp_status rp_forward_pointwise(rp_call *c)
{
  const rp_op_info *info = &rp_ops[c->op];
  const rp_array   *a[3];
  rp_array in[3] = { { .data = NULL } };
  int      ndim = 0;
  int64_t  shape[RP_MAX_DIMS];
  for (int k = 0; k < c->n_in; k++) a[k] = &c->in[k]->a;
  if (all_same_shape(a, c->n_in)) {
    for (int k = 0; k < c->n_in; k++) in[k] = *a[k];
    RP_TRY(rp_tensor_empty(&c->out[0], info->form == RP_TEST ? RP_BOOL : in[0].dtype, a[0]->ndim, a[0]->shape));
    return rp_device_now()->map(c->op, &c->out[0]->a, in);
  }
  RP_TRY(rp_broadcast_shape(&ndim, shape, a, c->n_in, info->name));
  for (int k = 0; k < c->n_in; k++) RP_TRY(rp_broadcast_to(&in[k], a[k], ndim, shape, info->name));
  RP_TRY(rp_tensor_empty(&c->out[0], info->form == RP_TEST ? RP_BOOL : in[0].dtype, ndim, shape));
  return rp_device_now()->map(c->op, &c->out[0]->a, in);
}
