#include "io/npz.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/npy.h"
#include "io/zip.h"

/* ---- reading ---------------------------------------------------------------------------------------------- */

static rp_status read_member(rp_named *item, const rp_zip *z, int64_t i)
{
  const rp_part *m = &z->member[i];
  rp_reader *r = NULL;
  size_t n = strlen(m->name);
  if (n < 4 || strcmp(m->name + n - 4, ".npy"))
    return rp_bad(z->file, m->begin, "expected NPY arrays only, found the member '%s'", m->name);
  RP_TRY(rp_copy_text(&item->name, m->name, n - 4));
  RP_TRY(rp_zip_read(&r, z, i));
  rp_status status = rp_npy_read_from(&item->value, r);
  rp_reader_close(r);
  return status;
}

static rp_status check_names(const rp_bundle *b, const rp_zip *z)
{
  rp_named *sorted = NULL;
  rp_status status = rp_sorted_by_name(&sorted, b->items, b->n_items);
  if (status == RP_EARG) return rp_bad(z->file, 0, "two members have the same name");
  if (!status) rp_delete(sorted);
  return status;
}

static rp_status read_all(rp_bundle **out, const rp_zip *z)
{
  rp_bundle *b = NULL;
  rp_status status = RP_OK;
  RP_TRY(rp_bundle_new(&b, z->n, 0));
  for (int64_t i = 0; i < z->n && !status; i++) status = read_member(&b->items[i], z, i);
  if (!status) status = check_names(b, z);
  if (status) rp_bundle_free(b);
  else *out = b;
  return status;
}

rp_status rp_npz_read(rp_bundle **out, const char *path)
{
  rp_zip *z = NULL;
  RP_TRY(rp_zip_open(&z, path));
  rp_status status = read_all(out, z);
  rp_zip_close(z);
  return status;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

static rp_status add_array(rp_zip_writer *z, const char *name, rp_tensor *x)
{
  unsigned char header[RP_NPY_HEADER_MAX];
  rp_tensor *c = NULL;
  size_t room = strlen(name) + sizeof ".npy";
  char *member = rp_new(room);
  if (!member) return RP_ENOMEM;
  snprintf(member, room, "%s.npy", name);
  rp_status status = rp_tensor_host(&c, x);
  if (!status) {
    status = rp_zip_add(z, member, header, rp_npy_header(header, &c->a), rp_data(c),
                        rp_count(&c->a) * (int64_t)rp_dtype_size(c->a.dtype));
    rp_tensor_drop(c);
  }
  rp_delete(member);
  return status;
}

static rp_status write_archive(rp_writer *w, const rp_named *sorted, int64_t n)
{
  rp_zip_writer z = { 0 };
  rp_status status = rp_zip_start(&z, w, n);
  for (int64_t i = 0; i < n && !status; i++) status = add_array(&z, sorted[i].name, sorted[i].value);
  if (!status) status = rp_zip_end(&z);
  rp_zip_writer_free(&z);
  return status;
}

rp_status rp_npz_write(const char *path, const rp_named *items, int64_t n)
{
  rp_named *sorted = NULL;
  rp_writer *w = NULL;
  RP_TRY(rp_sorted_by_name(&sorted, items, n));
  rp_status status = rp_writer_open(&w, path);
  if (!status) status = rp_writer_close(w, write_archive(w, sorted, n));
  rp_delete(sorted);
  return status;
}
