#include "io/idx.h"

#include "io/element.h"
#include "io/reader.h"

static rp_status element_of(rp_element *e, const rp_reader *r, int type)
{
  switch (type) {
  case 0x08: *e = RP_FILE_U8;  return RP_OK;
  case 0x09: *e = RP_FILE_I8;  return RP_OK;
  case 0x0b: *e = RP_FILE_I16; return RP_OK;
  case 0x0c: *e = RP_FILE_I32; return RP_OK;
  case 0x0d: *e = RP_FILE_F32; return RP_OK;
  case 0x0e: *e = RP_FILE_F64; return RP_OK;
  }
  return rp_bad(r, 2, "expected an IDX type, one of 08 09 0b 0c 0d 0e, found %02x", (unsigned)type);
}

static rp_status read_idx(rp_tensor **out, rp_reader *r)
{
  unsigned char magic[4], size[4];
  int64_t shape[RP_MAX_DIMS];
  rp_element e = RP_FILE_U8;
  RP_TRY(rp_read(r, magic, 4, "IDX magic"));
  if (magic[0] || magic[1]) return rp_bad(r, 0, "expected an IDX file, which starts with two zero bytes");
  RP_TRY(element_of(&e, r, magic[2]));
  if (magic[3] < 1 || magic[3] > RP_MAX_DIMS) return rp_bad(r, 3, "expected 1 to %d dimensions, found %d", RP_MAX_DIMS, magic[3]);
  for (int d = 0; d < magic[3]; d++) {
    RP_TRY(rp_read(r, size, 4, "IDX size"));
    shape[d] = rp_be32(size);
  }
  return rp_read_tensor(out, r, e, true, magic[3], shape);
}

rp_status rp_idx_read(rp_tensor **out, const char *path)
{
  rp_reader *r = NULL;
  rp_tensor *t = NULL;
  RP_TRY(rp_reader_open(&r, path));
  rp_status status = read_idx(&t, r);
  if (!status) status = rp_reader_end(r);
  rp_reader_close(r);
  if (status) rp_tensor_drop(t);
  else *out = t;
  return status;
}
