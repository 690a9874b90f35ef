/* pointwise.c: pointwise rows, copies and fills: merged walks over operands of any strides. */
#include <stdio.h>
#include <string.h>

#include "cuda/internal.h"

int64_t cu_count(const rp_array *a)
{
  int64_t n = 1;
  for (int d = 0; d < a->ndim; d++) n *= a->shape[d];
  return n;
}

const char *cu_suffix(rp_dtype t)
{
  static const char *const names[RP_N_DTYPES] = { "b8", "u8", "i32", "i64", "f32", "f64" };
  return names[t];
}

static bool continues(const cu_map *m, int n_ops, const int64_t *inner, int64_t size)
{
  for (int k = 0; k < n_ops; k++)
    if (m->stride[k][m->n - 1] != inner[k] * size) return false;
  return true;
}

/* Dimensions that lie in one run for every operand become one. */
static void merge(cu_map *m, int n_ops, const rp_array *const *ops)
{
  const rp_array *y = ops[0];
  m->n = 0;
  for (int d = 0; d < y->ndim; d++) {
    int64_t stride[CU_MAX_OPS];
    if (y->shape[d] == 1) continue;
    for (int k = 0; k < n_ops; k++) stride[k] = ops[k]->stride[d] * (int64_t)rp_dtype_size(ops[k]->dtype);
    bool join = m->n > 0 && continues(m, n_ops, stride, y->shape[d]);
    int  at = join ? m->n - 1 : m->n++;
    m->shape[at] = (uint32_t)(join ? m->shape[at] * y->shape[d] : y->shape[d]);
    for (int k = 0; k < n_ops; k++) m->stride[k][at] = stride[k];
  }
  if (m->n == 0) { m->n = 1; m->shape[0] = 1; for (int k = 0; k < n_ops; k++) m->stride[k][0] = 0; }
}

/* Whether four floats of every operand can be read at once. */
static bool by_fours(cu_map *m, int n_ops, const rp_array *const *ops)
{
  bool linear = m->n == 1;
  for (int k = 0; k < n_ops; k++) {
    m->repeated[k] = k > 0 && m->stride[k][0] == 0;
    linear = linear && ops[k]->dtype == RP_FLOAT32
          && (m->repeated[k] || (m->stride[k][0] == 4 && (uintptr_t)m->data[k] % 16 == 0));
  }
  return linear;
}

#define LARGEST ((int64_t)INT32_MAX) /* elements that one launch counts in 32 bits */

static rp_status walk(cu_part part, const char *kernel, cu_map *m, int n_ops, const rp_array *const *ops);

/* A walk too long for one launch: its longest dimension in two halves. */
static rp_status halves(cu_part part, const char *kernel, cu_map *m, int n_ops, const rp_array *const *ops)
{
  rp_array half[CU_MAX_OPS];
  const rp_array *list[CU_MAX_OPS];
  int longest = 0;
  for (int d = 1; d < ops[0]->ndim; d++) if (ops[0]->shape[d] > ops[0]->shape[longest]) longest = d;
  for (int part_of = 0; part_of < 2; part_of++) {
    for (int k = 0; k < n_ops; k++) {
      int64_t n = ops[k]->shape[longest], first = part_of ? n / 2 : 0;
      half[k] = *ops[k];
      half[k].shape[longest] = part_of ? n - n / 2 : n / 2;
      half[k].data = (char *)half[k].data + first * half[k].stride[longest] * (int64_t)rp_dtype_size(half[k].dtype);
      list[k] = &half[k];
    }
    RP_TRY(walk(part, kernel, m, n_ops, list));
  }
  return RP_OK;
}

static rp_status walk(cu_part part, const char *kernel, cu_map *m, int n_ops, const rp_array *const *ops)
{
  int64_t count = cu_count(ops[0]);
  if (count == 0) return RP_OK;
  if (count > LARGEST) return halves(part, kernel, m, n_ops, ops);
  m->count = (uint32_t)count;
  merge(m, n_ops, ops);
  for (int k = 0; k < n_ops; k++) m->data[k] = ops[k]->data;
  m->linear = by_fours(m, n_ops, ops);
  return cu_launch_over(part, kernel, m->linear ? (count + 3) / 4 : count, m);
}

static const char *const op_names[RP_N_OPS] = {
#define MAP1(name, args, lo, hi, kind, formula) [RP_OP_##name] = #name,
#define CMP1(name, args, lo, hi, formula)       [RP_OP_##name] = #name,
#include "kernel/ops.def"
};

static int count_inputs(const rp_array *in) { return in[1].data == NULL ? 1 : in[2].data == NULL ? 2 : 3; }

rp_status cu_map_run(rp_opcode op, const rp_array *out, const rp_array *in)
{
  const rp_array *ops[CU_MAX_OPS] = { out, &in[0], &in[1], &in[2] };
  cu_map m = { .which = 0 };
  char   kernel[64];
  snprintf(kernel, sizeof kernel, "%s_map_%s", op_names[op], cu_suffix(in[0].dtype));
  return walk(CU_MAP, kernel, &m, 1 + count_inputs(in), ops);
}

rp_status cu_map_back_run(rp_opcode op, int which, const rp_array *gin, const rp_array *g, const rp_array *in,
                          const rp_array *y)
{
  const rp_array *ops[CU_MAX_OPS] = { gin, g, y, &in[0], &in[1], &in[2] };
  cu_map m = { .which = which };
  char   kernel[64];
  snprintf(kernel, sizeof kernel, "%s_back_%s", op_names[op], cu_suffix(gin->dtype));
  return walk(CU_MAP_BACK, kernel, &m, 3 + count_inputs(in), ops);
}

rp_status cu_add(const rp_array *out, const rp_array *in)
{
  const rp_array both[3] = { *out, *in, { .data = NULL } };
  return cu_map_run(RP_OP_add, out, both);
}

/* ---- copies ---- */

static bool in_one_run(const rp_array *a)
{
  int64_t next = 1;
  for (int d = a->ndim - 1; d >= 0; d--) {
    if (a->shape[d] != 1 && a->stride[d] != next) return false;
    next *= a->shape[d];
  }
  return true;
}

static bool is_turned(const rp_array *out, const rp_array *in)
{
  int d = out->ndim;
  return d >= 2 && out->dtype == in->dtype && rp_dtype_size(out->dtype) >= 4 && out->stride[d - 1] == 1
      && in->stride[d - 2] == 1 && in->stride[d - 1] != 1 && out->shape[d - 1] >= 8 && out->shape[d - 2] >= 8;
}

static rp_status turn(const rp_array *out, const rp_array *in)
{
  int     d = out->ndim;
  cu_turn t = { .x = in->data, .y = out->data, .outer = 1, .rows = out->shape[d - 2], .cols = out->shape[d - 1],
                .x_col = in->stride[d - 1], .y_row = out->stride[d - 2] };
  merge_dims(&t.x_at, in, 0, 0);
  merge_dims(&t.y_at, out, 0, 0);
  t.x_at.n = t.y_at.n = d > 2 ? d - 2 : 1;
  for (int k = 0; k < d - 2; k++) { /* side by side, not merged: both must count alike */
    t.outer *= out->shape[k];
    t.x_at.shape[k] = t.y_at.shape[k] = out->shape[k];
    t.x_at.stride[k] = in->stride[k];
    t.y_at.stride[k] = out->stride[k];
  }
  int64_t squares = t.outer * ((t.rows + 31) / 32) * ((t.cols + 31) / 32);
  return cu_launch(CU_ELEMENTS, rp_dtype_size(out->dtype) == 4 ? "turn_4" : "turn_8", squares < 65536 ? squares : 65536, 256, 0, &t);
}

rp_status cu_copy(const rp_array *out, const rp_array *in)
{
  const rp_array *ops[CU_MAX_OPS] = { out, in };
  cu_map  m = { .which = 0 };
  char    kernel[64];
  size_t  bytes = (size_t)cu_count(out) * rp_dtype_size(out->dtype);
  if (bytes == 0) return RP_OK;
  if (out->dtype == in->dtype && in_one_run(out) && in_one_run(in))
    return cu_check(cu_now.d->inside((cu_pointer)(uintptr_t)out->data, (cu_pointer)(uintptr_t)in->data, bytes, cu_now.stream), "copy");
  if (is_turned(out, in)) return turn(out, in);
  snprintf(kernel, sizeof kernel, "copy_%s_%s", cu_suffix(in->dtype), cu_suffix(out->dtype));
  return walk(CU_ELEMENTS, kernel, &m, 2, ops);
}

/* The value is converted here as a copy converts it: from float64, by the CPU's own kernel. */
rp_status cu_fill(const rp_array *out, double value)
{
  _Alignas(8) char element[8] = { 0 };
  const rp_array given = { .data = &value, .dtype = RP_FLOAT64 }, converted = { .data = element, .dtype = out->dtype };
  size_t size = rp_dtype_size(out->dtype), bytes = (size_t)cu_count(out) * size;
  if (bytes == 0) return RP_OK;
  RP_TRY(rp_device_cpu()->copy(&converted, &given));
  bool same = true;
  for (size_t i = 1; i < size; i++) same = same && element[i] == element[0];
  if (same && in_one_run(out))
    return cu_check(cu_now.d->set_bytes((cu_pointer)(uintptr_t)out->data, (unsigned char)element[0], bytes, cu_now.stream), "fill");
  const rp_array *ops[CU_MAX_OPS] = { out };
  cu_map m = { .which = 0 };
  memcpy(&m.value, element, sizeof element);
  return walk(CU_ELEMENTS, size == 1 ? "fill_1" : size == 4 ? "fill_4" : "fill_8", &m, 1, ops);
}
