/* products.h: the geometry of convolutions, shared by forward and gradient. */
#ifndef RP_TENSOR_PRODUCTS_H
#define RP_TENSOR_PRODUCTS_H

#include "tensor/call.h"

/* *k from the arguments of a conv or conv_transpose row, *nd its spatial dimensions (1..3); RP_ESHAPE, RP_EARG.
 * For conv_transpose *k is the convolution whose adjoint it is: k->in belongs to the result. */
rp_status rp_conv_plan(rp_conv *k, int *nd, const rp_call *c);
rp_status rp_conv_transpose_plan(rp_conv *k, int *nd, const rp_call *c);

/* The windows of x and of its padded copy that hold the same elements (make_shape: only y's shape).  See copies.c. */
rp_status rp_pad_windows(rp_array *in_y, rp_array *in_x, const rp_array *x, const rp_attr *pads, bool make_shape);

#endif
