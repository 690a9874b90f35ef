/* idx.h: the IDX format of the MNIST family (Y. LeCun, C. Cortes, C. Burges, "The MNIST database").
 *
 *   2 zero bytes, a type byte, the number of dimensions, each size as a big-endian 32-bit number, the elements, big-endian
 *   type  08 unsigned byte -> uint8   09 signed byte -> int32   0B short -> int32   0C int -> int32
 *         0D float -> float32         0E double -> float64 */
#ifndef RP_IO_IDX_H
#define RP_IO_IDX_H

#include "tensor/tensor.h"

/* *out receives a new tensor.  The file may be gzipped.  RP_EIO, RP_EFORMAT, RP_ENOMEM. */
rp_status rp_idx_read(rp_tensor **out, const char *path);

#endif
