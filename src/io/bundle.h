/* bundle.h: tensors with names, and notes: what an NPZ or safetensors file holds. */
#ifndef RP_IO_BUNDLE_H
#define RP_IO_BUNDLE_H

#include "tensor/tensor.h"

typedef struct rp_named { const char *name; rp_tensor *value; } rp_named;
typedef struct rp_note  { const char *key, *text; } rp_note;

/* A bundle owns its names, its notes and one reference to each tensor. */
typedef struct rp_bundle {
  int64_t   n_items, n_notes;
  rp_named *items; /* names differ */
  rp_note  *notes; /* keys differ */
} rp_bundle;

/* *out receives a bundle of so many empty places (NULL name and value), to be filled by the reader.  RP_ENOMEM. */
rp_status rp_bundle_new(rp_bundle **out, int64_t n_items, int64_t n_notes);
void      rp_bundle_free(rp_bundle *b); /* NULL is allowed */

/* *out receives a copy of n bytes as a string, given back with rp_delete.  RP_ENOMEM. */
rp_status rp_copy_text(const char **out, const char *text, size_t n);

/* *out receives the items (borrowed names and tensors) in ascending byte order of their names, given back with rp_delete.
 * RP_EARG if two have the same name. */
rp_status rp_sorted_by_name(rp_named **out, const rp_named *items, int64_t n);

#endif
