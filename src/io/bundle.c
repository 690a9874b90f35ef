#include "io/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

rp_status rp_bundle_new(rp_bundle **out, int64_t n_items, int64_t n_notes)
{
  rp_bundle *b = rp_new(sizeof *b);
  if (!b) return RP_ENOMEM;
  b->items = rp_new((size_t)n_items * sizeof *b->items);
  b->notes = rp_new((size_t)n_notes * sizeof *b->notes);
  if (!b->items || !b->notes) { rp_bundle_free(b); return RP_ENOMEM; }
  b->n_items = n_items;
  b->n_notes = n_notes;
  *out = b;
  return RP_OK;
}

void rp_bundle_free(rp_bundle *b)
{
  if (!b) return;
  for (int64_t i = 0; i < b->n_items; i++) {
    rp_delete((char *)b->items[i].name);
    rp_tensor_drop(b->items[i].value);
  }
  for (int64_t i = 0; i < b->n_notes; i++) {
    rp_delete((char *)b->notes[i].key);
    rp_delete((char *)b->notes[i].text);
  }
  rp_delete(b->items);
  rp_delete(b->notes);
  rp_delete(b);
}

rp_status rp_copy_text(const char **out, const char *text, size_t n)
{
  char *copy = rp_new(n + 1);
  if (!copy) return RP_ENOMEM;
  memcpy(copy, text, n);
  *out = copy;
  return RP_OK;
}

static int compare(const void *a, const void *b)
{
  return strcmp(((const rp_named *)a)->name, ((const rp_named *)b)->name);
}

rp_status rp_sorted_by_name(rp_named **out, const rp_named *items, int64_t n)
{
  rp_named *sorted = rp_new((size_t)n * sizeof *sorted);
  if (!sorted) return RP_ENOMEM;
  if (n) {
    memcpy(sorted, items, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, compare);
  }
  for (int64_t i = 1; i < n; i++)
    if (!compare(&sorted[i - 1], &sorted[i])) {
      rp_fail(RP_EARG, "two tensors have the name '%s'", sorted[i].name);
      rp_delete(sorted);
      return RP_EARG;
    }
  *out = sorted;
  return RP_OK;
}
