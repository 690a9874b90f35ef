/* parts.h: the gradient of a tensor of which parts were taken (slice, select, diagonal).
 *
 *   gx = +0;  gx[part] += g, in the order of arrival
 *
 * Parts mostly lie side by side (chunks; queries, keys and values), so that memory is cleared only where none has come to
 * lie when the gradient is used. */
#ifndef RP_GRAD_PARTS_H
#define RP_GRAD_PARTS_H

#include "tensor/call.h"

/* Of a gradient that is being gathered: positions from .. to-1 of dimension dim have been written, the others not yet.
 * to = 0: all have. */
typedef struct rp_covered { int dim; int64_t from, to; } rp_covered;

/* Whether parts can be added in gx itself: nobody else sees it, and no two elements share a place. */
bool rp_takes_parts(const rp_tensor *gx);

/* Adds g to the part op(x, attr) of *gx, which has x's shape and takes parts; a NULL *gx is made. */
rp_status rp_add_part(rp_tensor **gx, rp_covered *covered, rp_opcode op, const rp_attr *attr, int n_attr, const rp_tensor *x, const rp_tensor *g);

/* Clears what has not been written. */
rp_status rp_cover_all(rp_tensor *gx, rp_covered *covered);

#endif
