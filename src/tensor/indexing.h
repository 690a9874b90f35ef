/* indexing.h: positions and layout, shared by the forward functions and the gradient rules. */
#ifndef RP_TENSOR_INDEXING_H
#define RP_TENSOR_INDEXING_H

#include "tensor/call.h"

/* *out receives index - 1 as contiguous int64, every element checked to lie in 1..size; RP_ERANGE, RP_EDTYPE. */
rp_status rp_positions(rp_tensor **out, rp_tensor *index, int64_t size, const char *who);

/* The products of the sizes before and after dim. */
void rp_split_at(int64_t *outer, int64_t *inner, const rp_array *a, int dim);

#endif
