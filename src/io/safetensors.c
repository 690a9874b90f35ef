#include "io/safetensors.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/element.h"
#include "io/reader.h"
#include "io/writer.h"

#define METADATA "__metadata__"

static const struct { const char *name; rp_element element; } types[] = {
  { "BOOL", RP_FILE_BOOL }, { "U8", RP_FILE_U8 },   { "I8", RP_FILE_I8 },   { "I16", RP_FILE_I16 }, { "U16", RP_FILE_U16 },
  { "F16", RP_FILE_F16 },   { "BF16", RP_FILE_BF16 }, { "I32", RP_FILE_I32 }, { "U32", RP_FILE_U32 }, { "F32", RP_FILE_F32 },
  { "F64", RP_FILE_F64 },   { "I64", RP_FILE_I64 }, { "U64", RP_FILE_U64 },
};

/* ---- the header of a file --------------------------------------------------------------------------------- */

typedef struct entry {
  const char *name; /* borrowed from the JSON */
  rp_element  element;
  int         ndim;
  int64_t     shape[RP_MAX_DIMS], begin, end;
} entry;

typedef struct contents {
  rp_reader *r;
  json_t    *json;  /* owned */
  int64_t    n, data; /* entries; the byte at which the tensors start */
  entry     *item;  /* owned */
} contents;

static rp_status parse_json(contents *x, const char *text, int64_t n)
{
  json_error_t e;
  if (text[0] != '{') return rp_bad(x->r, 8, "expected the JSON header to start with '{'");
  x->json = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, &e);
  if (x->json) return RP_OK;
  if (!e.text[0] || json_error_code(&e) == json_error_out_of_memory)
    return rp_fail(RP_ENOMEM, "%s: out of memory", rp_reader_name(x->r));
  return rp_bad(x->r, 8 + e.position, "the JSON header: %s", e.text);
}

static rp_status load_header(contents *x)
{
  unsigned char word[8];
  RP_TRY(rp_read(x->r, word, 8, "header length"));
  uint64_t n = rp_le32(word) | (uint64_t)rp_le32(word + 4) << 32;
  if (n < 2 || n > RP_SAFETENSORS_HEADER_LIMIT)
    return rp_bad(x->r, 0, "expected a header length from 2 to %d, found %" PRIu64 ": not a safetensors file, or a damaged one",
                  RP_SAFETENSORS_HEADER_LIMIT, n);
  RP_TRY(rp_expect(x->r, (int64_t)n, "header"));
  char *text = rp_alloc((size_t)n);
  if (!text) return RP_ENOMEM;
  rp_status status = rp_read(x->r, text, (int64_t)n, "header");
  if (!status) status = parse_json(x, text, (int64_t)n);
  rp_release(text);
  x->data = 8 + (int64_t)n;
  return status;
}

static rp_status parse_type(const contents *x, entry *e, const json_t *type)
{
  const char *name = json_string_value(type);
  for (size_t i = 0; name && i < sizeof types / sizeof *types; i++)
    if (!strcmp(name, types[i].name)) { e->element = types[i].element; return RP_OK; }
  return rp_bad(x->r, 8, "tensor '%s': the dtype %s is not supported; expected BOOL, U8, I8, I16, U16, I32, U32, I64, U64, "
                "F16, BF16, F32 or F64", e->name, name ? name : "that is no string");
}

static rp_status parse_shape(const contents *x, entry *e, const json_t *shape)
{
  if (!json_is_array(shape)) return rp_bad(x->r, 8, "tensor '%s': expected the shape as an array of sizes", e->name);
  if (json_array_size(shape) > RP_MAX_DIMS)
    return rp_bad(x->r, 8, "tensor '%s': %zu dimensions; at most %d are supported", e->name, json_array_size(shape), RP_MAX_DIMS);
  e->ndim = (int)json_array_size(shape);
  for (int d = 0; d < e->ndim; d++) {
    const json_t *size = json_array_get(shape, (size_t)d);
    e->shape[d] = json_integer_value(size);
    if (!json_is_integer(size) || e->shape[d] < 0)
      return rp_bad(x->r, 8, "tensor '%s': expected dimension %d to be a size", e->name, d + 1);
  }
  return RP_OK;
}

static rp_status parse_offsets(const contents *x, entry *e, const json_t *offsets)
{
  const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
  if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
    return rp_bad(x->r, 8, "tensor '%s': expected the data_offsets as two integers", e->name);
  e->begin = json_integer_value(begin);
  e->end = json_integer_value(end);
  if (e->begin < 0 || e->end < e->begin || e->end > rp_length(x->r) - x->data)
    return rp_bad(x->r, 8, "tensor '%s': its bytes %" PRId64 " to %" PRId64 " lie outside the %" PRId64 " bytes of data", e->name,
                  e->begin, e->end, rp_length(x->r) - x->data);
  return RP_OK;
}

static rp_status parse_entry(const contents *x, entry *e, const char *name, const json_t *json)
{
  int64_t bytes = 0;
  e->name = name;
  if (json_object_size(json) != 3) return rp_bad(x->r, 8, "tensor '%s': expected dtype, shape and data_offsets", name);
  RP_TRY(parse_type(x, e, json_object_get(json, "dtype")));
  RP_TRY(parse_shape(x, e, json_object_get(json, "shape")));
  RP_TRY(parse_offsets(x, e, json_object_get(json, "data_offsets")));
  RP_TRY(rp_elements_bytes(&bytes, x->r, 8, e->element, e->ndim, e->shape));
  if (bytes != e->end - e->begin)
    return rp_bad(x->r, 8, "tensor '%s': %" PRId64 " bytes between its data_offsets, expected %" PRId64 " for its shape", name,
                  e->end - e->begin, bytes);
  return RP_OK;
}

static int by_place(const void *a, const void *b)
{
  const entry *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  if (x->end != y->end) return x->end < y->end ? -1 : 1;
  return strcmp(x->name, y->name);
}

static rp_status check_places(const contents *x)
{
  int64_t at = 0;
  for (int64_t i = 0; i < x->n; at = x->item[i++].end)
    if (x->item[i].begin != at)
      return rp_bad(x->r, x->data + x->item[i].begin, "tensor '%s' %s: expected it to start at byte %" PRId64, x->item[i].name,
                    x->item[i].begin < at ? "overlaps the one before" : "leaves a hole before it", x->data + at);
  if (x->data + at != rp_length(x->r))
    return rp_bad(x->r, x->data + at, "expected the end of the file, but %" PRId64 " bytes follow the last tensor",
                  rp_length(x->r) - x->data - at);
  return RP_OK;
}

static rp_status parse_entries(contents *x)
{
  const char *name;
  json_t *value;
  x->item = rp_new((json_object_size(x->json) + 1) * sizeof *x->item);
  if (!x->item) return RP_ENOMEM;
  json_object_foreach(x->json, name, value) {
    if (strcmp(name, METADATA)) RP_TRY(parse_entry(x, &x->item[x->n++], name, value));
  }
  if (x->n) qsort(x->item, (size_t)x->n, sizeof *x->item, by_place);
  return check_places(x);
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static rp_status read_notes(rp_bundle *b, const contents *x, json_t *notes)
{
  const char *key;
  json_t *text;
  int64_t i = 0;
  json_object_foreach(notes, key, text) {
    if (!json_is_string(text)) return rp_bad(x->r, 8, METADATA ": expected the value of '%s' to be a string", key);
    RP_TRY(rp_copy_text(&b->notes[i].key, key, strlen(key)));
    RP_TRY(rp_copy_text(&b->notes[i++].text, json_string_value(text), json_string_length(text)));
  }
  return RP_OK;
}

static rp_status read_items(rp_bundle *b, const contents *x)
{
  for (int64_t i = 0; i < x->n; i++) {
    const entry *e = &x->item[i];
    RP_TRY(rp_copy_text(&b->items[i].name, e->name, strlen(e->name)));
    RP_TRY(rp_read_tensor(&b->items[i].value, x->r, e->element, false, e->ndim, e->shape));
  }
  return rp_reader_end(x->r);
}

static rp_status read_bundle(rp_bundle **out, contents *x)
{
  rp_bundle *b = NULL;
  RP_TRY(load_header(x));
  RP_TRY(parse_entries(x));
  json_t *notes = json_object_get(x->json, METADATA);
  if (notes && !json_is_object(notes)) return rp_bad(x->r, 8, "expected " METADATA " to be an object");
  RP_TRY(rp_bundle_new(&b, x->n, (int64_t)json_object_size(notes)));
  rp_status status = read_notes(b, x, notes);
  if (!status) status = read_items(b, x);
  if (status) rp_bundle_free(b);
  else *out = b;
  return status;
}

rp_status rp_safetensors_read(rp_bundle **out, const char *path)
{
  contents x = { 0 };
  RP_TRY(rp_reader_open_raw(&x.r, path));
  rp_status status = read_bundle(out, &x);
  json_decref(x.json);
  rp_delete(x.item);
  rp_reader_close(x.r);
  return status;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

/* The place of a type in the file, as the format's own library orders them. */
static int rank(rp_dtype t)
{
  static const unsigned char of[RP_N_DTYPES] = {
    [RP_INT64] = 0, [RP_FLOAT64] = 1, [RP_FLOAT32] = 2, [RP_INT32] = 3, [RP_UINT8] = 4, [RP_BOOL] = 5,
  };
  return of[t];
}

static const char *type_name(rp_dtype t)
{
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (types[i].element == rp_element_of(t)) return types[i].name;
  return NULL;
}

static int by_rank(const void *a, const void *b)
{
  const rp_named *x = a, *y = b;
  int difference = rank(x->value->a.dtype) - rank(y->value->a.dtype);
  return difference ? difference : strcmp(x->name, y->name);
}

static int by_key(const void *a, const void *b) { return strcmp(((const rp_note *)a)->key, ((const rp_note *)b)->key); }

static json_t *integers(const int64_t *x, int n)
{
  json_t *array = json_array();
  for (int i = 0; i < n && array; i++)
    if (json_array_append_new(array, json_integer(x[i]))) { json_decref(array); return NULL; }
  return array;
}

static json_t *describe(const rp_array *a, int64_t begin, int64_t end)
{
  json_t *object = json_object();
  int64_t offsets[2] = { begin, end };
  if (object && !json_object_set_new(object, "dtype", json_string(type_name(a->dtype))) &&
      !json_object_set_new(object, "shape", integers(a->shape, a->ndim)) &&
      !json_object_set_new(object, "data_offsets", integers(offsets, 2)))
    return object;
  json_decref(object);
  return NULL;
}

static rp_status no_memory(void) { return rp_fail(RP_ENOMEM, "safetensors: out of memory for the header"); }

static rp_status put_text(json_t *object, const char *key, const char *text)
{
  if (json_object_get(object, key)) return rp_fail(RP_EARG, "safetensors: the metadata key '%s' is given twice", key);
  if (json_object_set_new(object, key, json_string(text)))
    return rp_fail(RP_EARG, "safetensors: the metadata key '%s' or its text is not UTF-8, or memory ran out", key);
  return RP_OK;
}

static rp_status put_notes(json_t *header, const rp_note *sorted, int64_t n)
{
  if (n == 0) return RP_OK;
  json_t *notes = json_object();
  if (!notes || json_object_set_new(header, METADATA, notes)) return no_memory();
  for (int64_t i = 0; i < n; i++) RP_TRY(put_text(notes, sorted[i].key, sorted[i].text));
  return RP_OK;
}

static rp_status put_items(json_t *header, const rp_named *sorted, int64_t n)
{
  int64_t at = 0;
  for (int64_t i = 0; i < n; i++) {
    const rp_array *a = &sorted[i].value->a;
    int64_t end = at + rp_count(a) * (int64_t)rp_dtype_size(a->dtype);
    if (!strcmp(sorted[i].name, METADATA)) return rp_fail(RP_EARG, "safetensors: no tensor can have the name " METADATA);
    if (json_object_set_new(header, sorted[i].name, describe(a, at, end)))
      return rp_fail(RP_EARG, "safetensors: the name '%s' is not UTF-8, or memory ran out", sorted[i].name);
    at = end;
  }
  return RP_OK;
}

/* 8 bytes of length, the JSON, and spaces up to a multiple of 8. */
static rp_status write_header(rp_writer *w, const json_t *header)
{
  size_t n = json_dumpb(header, NULL, 0, JSON_COMPACT), padded = (n + 7) / 8 * 8;
  if (n == 0) return no_memory();
  if (padded > RP_SAFETENSORS_HEADER_LIMIT)
    return rp_fail(RP_ERANGE, "safetensors: the header would be longer than %d bytes", RP_SAFETENSORS_HEADER_LIMIT);
  char *text = rp_alloc(8 + padded);
  if (!text) return RP_ENOMEM;
  memset(text, ' ', 8 + padded);
  for (int i = 0; i < 8; i++) text[i] = (char)(padded >> 8 * i);
  rp_status status = json_dumpb(header, text + 8, n, JSON_COMPACT) == n ? rp_write(w, text, 8 + (int64_t)padded) : no_memory();
  rp_release(text);
  return status;
}

static rp_status write_data(rp_writer *w, const rp_named *sorted, int64_t n)
{
  for (int64_t i = 0; i < n; i++) {
    rp_tensor *c = NULL;
    RP_TRY(rp_tensor_host(&c, sorted[i].value));
    rp_status status = rp_write(w, rp_data(c), rp_count(&c->a) * (int64_t)rp_dtype_size(c->a.dtype));
    rp_tensor_drop(c);
    RP_TRY(status);
  }
  return RP_OK;
}

static rp_status make_header(json_t **out, const rp_named *sorted, int64_t n, const rp_note *notes, int64_t n_notes)
{
  json_t *header = json_object();
  if (!header) return no_memory();
  rp_status status = put_notes(header, notes, n_notes);
  if (!status) status = put_items(header, sorted, n);
  if (status) json_decref(header);
  else *out = header;
  return status;
}

static rp_status write_sorted(const char *path, const rp_named *items, int64_t n, const rp_note *notes, int64_t n_notes)
{
  json_t *header = NULL;
  rp_writer *w = NULL;
  RP_TRY(make_header(&header, items, n, notes, n_notes));
  rp_status status = rp_writer_open(&w, path);
  if (!status) {
    status = write_header(w, header);
    if (!status) status = write_data(w, items, n);
    status = rp_writer_close(w, status);
  }
  json_decref(header);
  return status;
}

rp_status rp_safetensors_write(const char *path, const rp_named *items, int64_t n_items, const rp_note *notes, int64_t n_notes)
{
  rp_named *sorted = NULL;
  RP_TRY(rp_sorted_by_name(&sorted, items, n_items));
  rp_note *keys = rp_new((size_t)n_notes * sizeof *keys);
  if (!keys) { rp_delete(sorted); return RP_ENOMEM; }
  if (n_notes) {
    memcpy(keys, notes, (size_t)n_notes * sizeof *keys);
    qsort(keys, (size_t)n_notes, sizeof *keys, by_key);
  }
  if (n_items) qsort(sorted, (size_t)n_items, sizeof *sorted, by_rank);
  rp_status status = write_sorted(path, sorted, n_items, keys, n_notes);
  rp_delete(keys);
  rp_delete(sorted);
  return status;
}
