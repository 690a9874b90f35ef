/* npz.h: several named arrays: a ZIP archive of NPY files, as numpy.savez makes.
 *
 * Read: stored or deflated members, CRC-32 checked.  Written: stored, sorted by name, dated 1980-01-01, so that equal tensors
 * make equal bytes.  At most 4 GiB. */
#ifndef RP_IO_NPZ_H
#define RP_IO_NPZ_H

#include "io/bundle.h"

/* *out receives a bundle without notes, in the archive's order.  RP_EIO, RP_EFORMAT, RP_ENOMEM. */
rp_status rp_npz_read(rp_bundle **out, const char *path);

/* items borrowed; RP_EARG for a name given twice; RP_ERANGE beyond 4 GiB or 65534 arrays; RP_EIO, RP_ENOMEM. */
rp_status rp_npz_write(const char *path, const rp_named *items, int64_t n);

#endif
