/* npy.h: one array in NumPy's format (NumPy Enhancement Proposal 1; numpy.lib.format).
 *
 * Read: versions 1, 2 and 3; bool, signed and unsigned integers of 1 to 8 bytes, floats of 2, 4 and 8 bytes, either byte order
 * and either memory order; types we lack are widened (element.h).  Written: version 1, little-endian, row-major, the bytes
 * that numpy.save writes.  Arrays of objects, structures, strings and complex numbers are refused. */
#ifndef RP_IO_NPY_H
#define RP_IO_NPY_H

#include "io/reader.h"
#include "io/writer.h"
#include "tensor/tensor.h"

/* *out receives a new tensor.  The file may be gzipped.  RP_EIO, RP_EFORMAT, RP_ENOMEM. */
rp_status rp_npy_read(rp_tensor **out, const char *path);

/* x borrowed, any strides.  RP_EIO, RP_ENOMEM. */
rp_status rp_npy_write(const char *path, rp_tensor *x);

/* The same from an open reader, to its end. */
rp_status rp_npy_read_from(rp_tensor **out, rp_reader *r);

/* The bytes before the elements of a contiguous array.  Returns how many there are. */
#define RP_NPY_HEADER_MAX 320
int rp_npy_header(unsigned char header[RP_NPY_HEADER_MAX], const rp_array *a);

#endif
