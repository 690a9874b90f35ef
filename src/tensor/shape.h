/* shape.h: sizes and strides: checking, broadcasting, resolving dimensions. */
#ifndef RP_TENSOR_SHAPE_H
#define RP_TENSOR_SHAPE_H

#include "tensor/tensor.h"

/* *count = the number of elements; RP_ESHAPE if a size is negative, there are too many dimensions, or it overflows. */
rp_status rp_shape_check(int64_t *count, int ndim, const int64_t *shape, size_t element);

void rp_row_major(rp_array *a); /* the strides of a contiguous array */

/* *out = a with the strides that repeat it to shape; RP_ESHAPE naming `who`. */
rp_status rp_broadcast_to(rp_array *out, const rp_array *a, int ndim, const int64_t *shape, const char *who);

/* The common shape of n arrays (NumPy's rule); RP_ESHAPE naming `who` and the shapes. */
rp_status rp_broadcast_shape(int *ndim, int64_t *shape, const rp_array *const *a, int n, const char *who);

bool rp_same_shape(const rp_array *a, const rp_array *b);

/* dim from 1, negative from the end, to 0 .. ndim-1; RP_ERANGE naming `who`. */
rp_status rp_dim(int *out, int64_t dim, int ndim, const char *who);

/* position from 1, negative from the end, to 0 .. size-1; RP_ERANGE naming `who`. */
rp_status rp_position(int64_t *out, int64_t position, int64_t size, const char *who);

/* A set of dimensions (n < 0: all) as flags; RP_ERANGE for one out of range, RP_EARG for one named twice. */
rp_status rp_dim_set(bool flag[RP_MAX_DIMS], const int64_t *dims, int n, int ndim, const char *who);

/* a with its flagged dimensions last, both groups in order; returns how many are flagged. */
int rp_flagged_last(rp_array *out, const rp_array *a, const bool flag[RP_MAX_DIMS]);

#endif
