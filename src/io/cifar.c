#include "io/cifar.h"

#include <inttypes.h>

#include "io/reader.h"

enum { PIXELS = 3 * 32 * 32, MAX_LABELS = 2 };

/* What a record holds before its pixels. */
typedef struct layout {
  const char *name;
  int         n_labels, classes[MAX_LABELS];
} layout;

typedef struct batch {
  int64_t    n;
  rp_tensor *images, *labels[MAX_LABELS];
} batch;

static rp_status allocate(batch *b, const layout *f)
{
  int64_t shape[] = { b->n, 3, 32, 32 };
  RP_TRY(rp_tensor_empty(&b->images, RP_UINT8, 4, shape));
  for (int k = 0; k < f->n_labels; k++) RP_TRY(rp_tensor_empty(&b->labels[k], RP_INT64, 1, shape));
  return RP_OK;
}

static rp_status read_record(batch *b, const layout *f, rp_reader *r, int64_t i)
{
  unsigned char label[MAX_LABELS];
  int64_t at = rp_at(r);
  RP_TRY(rp_read(r, label, f->n_labels, "labels"));
  for (int k = 0; k < f->n_labels; k++) {
    if (label[k] >= f->classes[k])
      return rp_bad(r, at + k, "expected a label from 0 to %d, found %d: not a %s file", f->classes[k] - 1, label[k], f->name);
    ((int64_t *)rp_data(b->labels[k]))[i] = label[k];
  }
  return rp_read(r, (unsigned char *)rp_data(b->images) + i * PIXELS, PIXELS, "pixels");
}

static rp_status read_batch(batch *b, const layout *f, rp_reader *r)
{
  int64_t record = f->n_labels + PIXELS;
  b->n = rp_length(r) / record;
  if (b->n == 0)
    return rp_bad(r, 0, "expected %s records of %" PRId64 " bytes; the file has %" PRId64, f->name, record, rp_length(r));
  if (rp_length(r) % record)
    return rp_bad(r, b->n * record, "expected %s records of %" PRId64 " bytes; %" PRId64 " bytes are left over", f->name, record,
                  rp_length(r) % record);
  RP_TRY(allocate(b, f));
  for (int64_t i = 0; i < b->n; i++) RP_TRY(read_record(b, f, r, i));
  return rp_reader_end(r);
}

static rp_status read_file(batch *b, const layout *f, const char *path)
{
  rp_reader *r = NULL;
  RP_TRY(rp_reader_open(&r, path));
  rp_status status = read_batch(b, f, r);
  rp_reader_close(r);
  if (!status) return RP_OK;
  rp_tensor_drop(b->images);
  for (int k = 0; k < f->n_labels; k++) rp_tensor_drop(b->labels[k]);
  return status;
}

rp_status rp_cifar10_read(rp_tensor **images, rp_tensor **labels, const char *path)
{
  static const layout cifar10 = { "CIFAR-10", 1, { 10 } };
  batch b = { 0 };
  RP_TRY(read_file(&b, &cifar10, path));
  *images = b.images;
  *labels = b.labels[0];
  return RP_OK;
}

rp_status rp_cifar100_read(rp_tensor **images, rp_tensor **coarse, rp_tensor **fine, const char *path)
{
  static const layout cifar100 = { "CIFAR-100", 2, { 20, 100 } };
  batch b = { 0 };
  RP_TRY(read_file(&b, &cifar100, path));
  *images = b.images;
  *coarse = b.labels[0];
  *fine = b.labels[1];
  return RP_OK;
}
