#include "tensor/tensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/sha256.h"
#include "kernel/device.h"
#include "tensor/program.h"
#include "tensor/shape.h"

static uint64_t last_serial;

/* Set by the grad room: how a tensor lets go of its node. */
void (*rp_node_release)(struct rp_node *);

static rp_storage nothing = { .references = 1 }; /* what shells stand on; never freed */

static rp_tensor *new_tensor(const rp_array *a, rp_storage *storage)
{
  rp_tensor *t = rp_new(sizeof *t);
  if (!t) return NULL;
  t->references = 1;
  t->serial = ++last_serial;
  t->a = *a;
  t->storage = storage;
  return t;
}

static rp_storage *latest;

rp_storage *rp_storage_latest(void) { return latest; }

static void link_storage(rp_storage *s)
{
  s->before = latest;
  if (latest) latest->after = s;
  latest = s;
}

static void unlink_storage(rp_storage *s)
{
  if (s->before) s->before->after = s->after;
  if (s->after) s->after->before = s->before;
  else          latest = s->before;
}

static rp_status new_storage(rp_storage **out, size_t bytes)
{
  rp_storage *s = rp_new(sizeof *s);
  if (!s) return RP_ENOMEM;
  const rp_device *d = rp_device_home();
  s->references = 1;
  s->bytes = bytes;
  s->device = d->alloc ? d : NULL;
  if (rp_noting) { if (rp_program_memory(s) != RP_OK) s->data = NULL; }
  else s->data = d->alloc ? d->alloc(bytes ? bytes : 1) : rp_alloc(bytes ? bytes : 1);
  if (!s->data) { rp_delete(s); return RP_ENOMEM; }
  link_storage(s);
  *out = s;
  return RP_OK;
}

void rp_storage_drop(rp_storage *s)
{
  if (--s->references > 0) return;
  if (rp_program_open && rp_program_holds(s)) return;
  if (s->pool) rp_program_forget(s);
  else if (s->device) s->device->release(s->data, s->bytes ? s->bytes : 1);
  else rp_release(s->data);
  unlink_storage(s);
  rp_delete(s);
}

rp_status rp_tensor_empty(rp_tensor **out, rp_dtype dtype, int ndim, const int64_t *shape)
{
  rp_array a = { .dtype = dtype, .ndim = ndim };
  int64_t  count = 0;
  RP_TRY(rp_shape_check(&count, ndim, shape, rp_dtype_size(dtype)));
  if (ndim > 0) memcpy(a.shape, shape, (size_t)ndim * sizeof *shape);
  rp_row_major(&a);
  rp_storage *s = NULL;
  RP_TRY(new_storage(&s, (size_t)count * rp_dtype_size(dtype)));
  a.data = s->data;
  rp_tensor *t = new_tensor(&a, s);
  if (!t) { rp_storage_drop(s); return RP_ENOMEM; }
  *out = t;
  return RP_OK;
}

rp_status rp_tensor_full(rp_tensor **out, rp_dtype dtype, int ndim, const int64_t *shape, double value)
{
  rp_tensor *t = NULL;
  RP_TRY(rp_tensor_empty(&t, dtype, ndim, shape));
  rp_status status = RP_OK;
  t->storage->known = ndim == 0;
  if (ndim == 0 && dtype == RP_FLOAT32 && !t->storage->device && !rp_noting)
    *(float *)t->a.data = (float)value; /* numbers among tensors: no kernel */
  else status = rp_device_now()->fill(&t->a, value);
  if (status != RP_OK) { rp_tensor_drop(t); return status; }
  *out = t;
  return RP_OK;
}

rp_status rp_tensor_view(rp_tensor **out, const rp_tensor *base, const rp_array *a)
{
  rp_tensor *t = new_tensor(a, base->storage);
  if (!t) return RP_ENOMEM;
  base->storage->references++;
  *out = t;
  return RP_OK;
}

rp_status rp_tensor_shell(rp_tensor **out, const rp_tensor *x)
{
  rp_array a = x->a;
  a.data = NULL;
  rp_tensor *t = new_tensor(&a, &nothing);
  if (!t) return RP_ENOMEM;
  nothing.references++;
  *out = t;
  return RP_OK;
}

rp_tensor *rp_tensor_keep(rp_tensor *t)
{
  if (t) t->references++;
  return t;
}

void rp_tensor_drop(rp_tensor *t)
{
  if (!t || --t->references > 0) return;
  rp_tensor_drop(t->grad);
  if (t->node) rp_node_release(t->node);
  rp_storage_drop(t->storage);
  rp_delete(t);
}

int64_t rp_count(const rp_array *a)
{
  int64_t n = 1;
  for (int d = 0; d < a->ndim; d++) n *= a->shape[d];
  return n;
}

bool rp_is_contiguous(const rp_array *a)
{
  int64_t next = 1;
  for (int d = a->ndim - 1; d >= 0; d--) {
    if (a->shape[d] == 0) return true;
    if (a->shape[d] != 1 && a->stride[d] != next) return false;
    next *= a->shape[d];
  }
  return true;
}

rp_status rp_tensor_contiguous(rp_tensor **out, rp_tensor *x)
{
  if (rp_is_contiguous(&x->a)) { *out = rp_tensor_keep(x); return RP_OK; }
  return rp_tensor_clone(out, x, x->a.dtype);
}

rp_status rp_tensor_clone(rp_tensor **out, const rp_tensor *x, rp_dtype dtype)
{
  rp_tensor *t = NULL;
  const rp_device *was = rp_device_enter(x->storage->device);
  rp_status status = rp_tensor_empty(&t, dtype, x->a.ndim, x->a.shape);
  if (status == RP_OK) status = rp_device_now()->copy(&t->a, &x->a);
  rp_device_enter(was);
  if (status != RP_OK) { rp_tensor_drop(t); return status; }
  *out = t;
  return RP_OK;
}

/* ---- from device to device ---- */

/* to = from, contiguous and of one shape and type, one of them on the CPU. */
static rp_status cross(rp_tensor *to, const rp_tensor *from)
{
  size_t bytes = (size_t)rp_count(&to->a) * rp_dtype_size(to->a.dtype);
  if (bytes == 0) return RP_OK;
  if (to->storage->device) return rp_program_upload(to->storage->device, to->a.data, from->a.data, bytes);
  RP_TRY(rp_program_reads("a copy to the CPU"));
  return from->storage->device->download(to->a.data, from->a.data, bytes);
}

static rp_status moved(rp_tensor **out, rp_tensor *x, const rp_device *device)
{
  rp_tensor *whole = NULL, *t = NULL;
  RP_TRY(rp_tensor_contiguous(&whole, x));
  const rp_device *was = rp_device_enter(device);
  rp_status status = rp_tensor_empty(&t, x->a.dtype, x->a.ndim, x->a.shape);
  rp_device_enter(was);
  if (status == RP_OK) status = cross(t, whole);
  rp_tensor_drop(whole);
  if (status == RP_OK) *out = t; else rp_tensor_drop(t);
  return status;
}

rp_status rp_tensor_move(rp_tensor **out, rp_tensor *x, const rp_device *device)
{
  rp_tensor *host = NULL;
  if (x->storage->device == device) { *out = rp_tensor_keep(x); return RP_OK; }
  if (!device || !x->storage->device) return moved(out, x, device);
  RP_TRY(moved(&host, x, NULL)); /* between two devices by way of the CPU */
  rp_status status = moved(out, host, device);
  rp_tensor_drop(host);
  return status;
}

rp_status rp_tensor_host(rp_tensor **out, rp_tensor *x)
{
  RP_TRY(rp_program_reads("reading a tensor"));
  return x->storage->device ? moved(out, x, NULL) : rp_tensor_contiguous(out, x);
}

rp_status rp_tensor_cast(rp_tensor **out, rp_tensor *x, rp_dtype dtype)
{
  if (x->a.dtype == dtype) { *out = rp_tensor_keep(x); return RP_OK; }
  return rp_tensor_clone(out, x, dtype);
}

rp_status rp_tensor_copy(rp_tensor *out, const rp_tensor *in)
{
  rp_array a;
  RP_TRY(rp_broadcast_to(&a, &in->a, out->a.ndim, out->a.shape, "copy_"));
  out->storage->version++;
  const rp_device *home = out->storage->device;
  rp_tensor view = *in, *here = NULL;
  view.a = a;
  if (in->storage->device != home) { /* the elements themselves cross, not their repetitions */
    view.a = in->a;
    RP_TRY(rp_tensor_move(&here, &view, home));
    view.a = here->a;
    RP_TRY(rp_broadcast_to(&a, &view.a, out->a.ndim, out->a.shape, "copy_"));
  }
  const rp_device *was = rp_device_enter(home);
  rp_status status = rp_device_now()->copy(&out->a, &a);
  rp_device_enter(was);
  rp_tensor_drop(here);
  return status;
}

static const char *const dtype_names[RP_N_DTYPES] = { "bool", "uint8", "int32", "int64", "float32", "float64" };

const char *rp_dtype_name(rp_dtype t) { return dtype_names[t]; }

bool rp_dtype_parse(rp_dtype *out, const char *name)
{
  for (int t = 0; t < RP_N_DTYPES; t++)
    if (strcmp(name, dtype_names[t]) == 0) { *out = (rp_dtype)t; return true; }
  return false;
}

/* ---- hashes ---- */

static void add_floats(rp_sha256 *s, const rp_array *a, int64_t n)
{
  for (int64_t i = 0; i < n; i++) {
    if (a->dtype == RP_FLOAT32) {
      uint32_t bits;
      memcpy(&bits, (const char *)a->data + 4 * i, 4);
      if ((bits & 0x7fffffffu) > 0x7f800000u) bits = 0x7fc00000u;
      rp_sha256_add(s, &bits, 4);
    } else {
      uint64_t bits;
      memcpy(&bits, (const char *)a->data + 8 * i, 8);
      if ((bits & 0x7fffffffffffffffu) > 0x7ff0000000000000u) bits = 0x7ff8000000000000u;
      rp_sha256_add(s, &bits, 8);
    }
  }
}

static rp_status add_tensor(rp_sha256 *s, rp_tensor *x)
{
  rp_tensor *t = NULL;
  char       head[16 + sizeof(rp_shape_text)];
  RP_TRY(rp_tensor_host(&t, x));
  int64_t n = rp_count(&t->a);
  snprintf(head, sizeof head, "%s %s\n", dtype_names[t->a.dtype], rp_shape(&t->a).s);
  rp_sha256_add(s, head, strlen(head));
  if (rp_is_float(t->a.dtype)) add_floats(s, &t->a, n);
  else rp_sha256_add(s, t->a.data, (size_t)n * rp_dtype_size(t->a.dtype));
  rp_tensor_drop(t);
  return RP_OK;
}

rp_status rp_tensor_hash(char hex[65], rp_tensor *const *tensors, int n)
{
  rp_sha256 s;
  rp_sha256_start(&s);
  for (int i = 0; i < n; i++) RP_TRY(add_tensor(&s, tensors[i]));
  rp_sha256_end(&s, hex);
  return RP_OK;
}
