/* cifar.h: CIFAR-10 and CIFAR-100, binary version (A. Krizhevsky, "Learning Multiple Layers of Features from Tiny
 * Images", 2009; www.cs.toronto.edu/~kriz/cifar.html).
 *
 *   CIFAR-10    records of 1 label (0-9) and 3072 pixels
 *   CIFAR-100   records of 1 coarse label (0-19), 1 fine label (0-99) and 3072 pixels
 *   the pixels  3 planes (red, green, blue) of 32 rows of 32 */
#ifndef RP_IO_CIFAR_H
#define RP_IO_CIFAR_H

#include "tensor/tensor.h"

/* images (N,3,32,32) uint8 and labels (N) int64, counted from 0, are received.  The file may be gzipped.
 * RP_EFORMAT: not a whole number of records, or a label out of range.  RP_EIO, RP_ENOMEM.  On failure nothing is received. */
rp_status rp_cifar10_read(rp_tensor **images, rp_tensor **labels, const char *path);
rp_status rp_cifar100_read(rp_tensor **images, rp_tensor **coarse, rp_tensor **fine, const char *path);

#endif
