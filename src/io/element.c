/* element.c: bytes into elements, in place.
 *
 * A narrow type is read into the last bytes of the tensor and widened from the first element to the last: element i is
 * written at d i .. d (i+1) and read at (d-s) n + s i, and d (i+1) <= (d-s) n + s (i+1) for all i < n, so that nothing is
 * overwritten before it is read (s, d: bytes of an element in the file and in the tensor). */
#include <inttypes.h>
#include <string.h>

#include "io/element.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files and hashes are defined for little-endian memory");

static const struct { unsigned char size, dtype; } element[RP_N_FILE_ELEMENTS] = {
  [RP_FILE_BOOL] = { 1, RP_BOOL },    [RP_FILE_U8]   = { 1, RP_UINT8 },   [RP_FILE_I8]  = { 1, RP_INT32 },
  [RP_FILE_I16]  = { 2, RP_INT32 },   [RP_FILE_U16]  = { 2, RP_INT32 },   [RP_FILE_I32] = { 4, RP_INT32 },
  [RP_FILE_U32]  = { 4, RP_INT64 },   [RP_FILE_I64]  = { 8, RP_INT64 },   [RP_FILE_U64] = { 8, RP_INT64 },
  [RP_FILE_F16]  = { 2, RP_FLOAT32 }, [RP_FILE_BF16] = { 2, RP_FLOAT32 }, [RP_FILE_F32] = { 4, RP_FLOAT32 },
  [RP_FILE_F64]  = { 8, RP_FLOAT64 },
};

int rp_element_size(rp_element e) { return element[e].size; }
rp_dtype rp_element_dtype(rp_element e) { return (rp_dtype)element[e].dtype; }

rp_element rp_element_of(rp_dtype t)
{
  static const unsigned char of[RP_N_DTYPES] = {
    [RP_BOOL]  = RP_FILE_BOOL, [RP_UINT8]   = RP_FILE_U8,  [RP_INT32]   = RP_FILE_I32,
    [RP_INT64] = RP_FILE_I64,  [RP_FLOAT32] = RP_FILE_F32, [RP_FLOAT64] = RP_FILE_F64,
  };
  return (rp_element)of[t];
}

rp_status rp_elements_bytes(int64_t *n, const rp_reader *r, int64_t at, rp_element e, int ndim, const int64_t *shape)
{
  int64_t bytes = element[e].size;
  bool is_empty = false;
  if (ndim > RP_MAX_DIMS) return rp_bad(r, at, "%d dimensions; at most %d are supported", ndim, RP_MAX_DIMS);
  for (int d = 0; d < ndim; d++) {
    if (shape[d] < 0) return rp_bad(r, at, "dimension %d has the size %" PRId64, d + 1, shape[d]);
    is_empty |= shape[d] == 0;
    /* A size of 0 must not hide what the others come to: strides are made of them. */
    if (__builtin_mul_overflow(bytes, shape[d] ? shape[d] : 1, &bytes))
      return rp_bad(r, at, "the sizes multiply to more bytes than can be counted");
  }
  *n = is_empty ? 0 : bytes;
  return RP_OK;
}

/* ---- byte order ------------------------------------------------------------------------------------------- */

static void reverse_bytes(void *data, int64_t n, int size)
{
  unsigned char *p = data;
  for (int64_t i = 0; i < n; i++, p += size)
    for (int a = 0, b = size - 1; a < b; a++, b--) {
      unsigned char t = p[a];
      p[a] = p[b];
      p[b] = t;
    }
}

/* ---- widening --------------------------------------------------------------------------------------------- */

static float float_of_bits(uint32_t bits)
{
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* IEEE 754 binary16: sign 1, exponent 5 (bias 15), fraction 10. */
static float float_of_half(uint16_t h)
{
  uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff;
  if (exponent == 31) return float_of_bits(sign | 0x7f800000u | fraction << 13);
  if (exponent > 0) return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
  float x = (float)fraction * 0x1p-24f; /* subnormal or zero */
  return sign ? -x : x;
}

static float float_of_bfloat(uint16_t h) { return float_of_bits((uint32_t)h << 16); }

/* to[i] = CONVERT(from[i]).  memcpy, because `from` ends where `to` ends. */
#define WIDEN(name, wide, narrow, CONVERT)                               \
  static void name(unsigned char *to, const unsigned char *from, int64_t n) \
  {                                                                      \
    for (int64_t i = 0; i < n; i++) {                                    \
      narrow x;                                                          \
      memcpy(&x, from + i * (int64_t)sizeof x, sizeof x);                \
      wide y = CONVERT(x);                                               \
      memcpy(to + i * (int64_t)sizeof y, &y, sizeof y);                  \
    }                                                                    \
  }

WIDEN(widen_i8,   int32_t, int8_t,   (int32_t))
WIDEN(widen_i16,  int32_t, int16_t,  (int32_t))
WIDEN(widen_u16,  int32_t, uint16_t, (int32_t))
WIDEN(widen_u32,  int64_t, uint32_t, (int64_t))
WIDEN(widen_f16,  float,   uint16_t, float_of_half)
WIDEN(widen_bf16, float,   uint16_t, float_of_bfloat)

static void widen(rp_element e, unsigned char *to, const unsigned char *from, int64_t n)
{
  switch (e) {
  case RP_FILE_I8:   widen_i8(to, from, n); break;
  case RP_FILE_I16:  widen_i16(to, from, n); break;
  case RP_FILE_U16:  widen_u16(to, from, n); break;
  case RP_FILE_U32:  widen_u32(to, from, n); break;
  case RP_FILE_F16:  widen_f16(to, from, n); break;
  case RP_FILE_BF16: widen_bf16(to, from, n); break;
  default: break; /* held as it is */
  }
}

/* ---- values that no element of ours can hold ---------------------------------------------------------------- */

static rp_status check_bool(const rp_reader *r, int64_t at, const unsigned char *x, int64_t n)
{
  for (int64_t i = 0; i < n; i++)
    if (x[i] > 1) return rp_bad(r, at + i, "expected a bool, 0 or 1, and found %d", x[i]);
  return RP_OK;
}

static rp_status check_u64(const rp_reader *r, int64_t at, const unsigned char *bytes, int64_t n)
{
  for (int64_t i = 0; i < n; i++) {
    uint64_t x;
    memcpy(&x, bytes + 8 * i, 8);
    if (x > INT64_MAX) return rp_bad(r, at + 8 * i, "%" PRIu64 " does not fit an int64", x);
  }
  return RP_OK;
}

static rp_status fill(rp_tensor *t, rp_reader *r, rp_element e, bool is_big_endian)
{
  int64_t n = rp_count(&t->a), size = element[e].size, at = rp_at(r);
  unsigned char *to = rp_data(t), *from = to + n * ((int64_t)rp_dtype_size(t->a.dtype) - size);
  RP_TRY(rp_read(r, from, n * size, "elements"));
  if (is_big_endian) reverse_bytes(from, n, (int)size);
  if (e == RP_FILE_BOOL) return check_bool(r, at, from, n);
  if (e == RP_FILE_U64) return check_u64(r, at, from, n);
  widen(e, to, from, n);
  return RP_OK;
}

rp_status rp_read_tensor(rp_tensor **out, rp_reader *r, rp_element e, bool is_big_endian, int ndim, const int64_t *shape)
{
  rp_tensor *t = NULL;
  int64_t bytes = 0;
  RP_TRY(rp_elements_bytes(&bytes, r, rp_at(r), e, ndim, shape));
  RP_TRY(rp_expect(r, bytes, "elements"));
  RP_TRY(rp_tensor_empty(&t, rp_element_dtype(e), ndim, shape));
  rp_status status = fill(t, r, e, is_big_endian);
  if (status) rp_tensor_drop(t);
  else *out = t;
  return status;
}
