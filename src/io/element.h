/* element.h: element types as files hold them, and how they become ours.
 *
 *   in the file        bool u8    i8    i16   u16   i32   u32   i64   u64   f16     bf16    f32     f64
 *   in the tensor      bool uint8 int32 int32 int32 int32 int64 int64 int64 float32 float32 float32 float64
 *
 * Every conversion is exact; a u64 above 2^63-1 is refused. */
#ifndef RP_IO_ELEMENT_H
#define RP_IO_ELEMENT_H

#include "io/reader.h"
#include "tensor/tensor.h"

typedef enum rp_element {
  RP_FILE_BOOL, RP_FILE_U8, RP_FILE_I8, RP_FILE_I16, RP_FILE_U16, RP_FILE_I32, RP_FILE_U32, RP_FILE_I64, RP_FILE_U64,
  RP_FILE_F16, RP_FILE_BF16, RP_FILE_F32, RP_FILE_F64, RP_N_FILE_ELEMENTS
} rp_element;

int      rp_element_size(rp_element e);  /* bytes in the file */
rp_dtype rp_element_dtype(rp_element e);
rp_element rp_element_of(rp_dtype t);    /* the one that holds t as it is */

/* *n receives the bytes that elements of this shape take in the file.  RP_EFORMAT (at byte `at`) for a negative size, more than
 * RP_MAX_DIMS dimensions, or more bytes than can be counted. */
rp_status rp_elements_bytes(int64_t *n, const rp_reader *r, int64_t at, rp_element e, int ndim, const int64_t *shape);

/* *out receives a new contiguous tensor with the next elements of r.  Whether the file holds them all is asked before memory is
 * taken.  RP_EFORMAT, RP_EIO, RP_ENOMEM. */
rp_status rp_read_tensor(rp_tensor **out, rp_reader *r, rp_element e, bool is_big_endian, int ndim, const int64_t *shape);

/* Little-endian bytes of numbers in headers. */
static inline uint32_t rp_le16(const unsigned char *p) { return p[0] | (uint32_t)p[1] << 8; }
static inline uint32_t rp_le32(const unsigned char *p) { return rp_le16(p) | rp_le16(p + 2) << 16; }
static inline uint32_t rp_be32(const unsigned char *p)
{
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

#endif
