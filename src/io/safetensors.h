/* safetensors.h: named tensors in the safetensors format (huggingface/safetensors, format description).
 *
 *   8 bytes    N, little-endian: the length of the header
 *   N bytes    JSON: {"name": {"dtype": "F32", "shape": [2,3], "data_offsets": [begin, end]}, "__metadata__": {"key": "text"}}
 *   the rest   the tensors, row-major, little-endian, without holes or overlaps, offsets counted from here
 *
 * Read: BOOL U8 I8 I16 U16 I32 U32 I64 U64 F16 BF16 F32 F64; types we lack are widened (element.h).  Written: the
 * header padded with spaces to a multiple of 8, wide types before narrow ones (int64, float64, float32, int32, uint8, bool) and
 * equal types by name, so that every tensor is aligned and equal tensors make equal bytes. */
#ifndef RP_IO_SAFETENSORS_H
#define RP_IO_SAFETENSORS_H

#include "io/bundle.h"

#define RP_SAFETENSORS_HEADER_LIMIT 100000000

/* *out receives a bundle in the order of the data, with the metadata as notes in the header's order.
 * RP_EIO, RP_EFORMAT, RP_ENOMEM. */
rp_status rp_safetensors_read(rp_bundle **out, const char *path);

/* items and notes borrowed; names, keys and texts are UTF-8.  RP_EARG for a name or key given twice or not UTF-8;
 * RP_EIO, RP_ENOMEM. */
rp_status rp_safetensors_write(const char *path, const rp_named *items, int64_t n_items, const rp_note *notes, int64_t n_notes);

#endif
