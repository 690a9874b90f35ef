/* operations.h: every operation of ops.def on fixed inputs, forward and gradient. */
#ifndef RP_TEST_OPERATIONS_H
#define RP_TEST_OPERATIONS_H

#include <math.h>

#include "inputs.h"

/* ---- pointwise rows ---- */

static void pointwise_case(rp_opcode op, rp_dtype dtype, const char *what, rp_tensor **in)
{
  char       label[96];
  rp_tensor *leaf[3];
  int        n_leaf = 0;
  rp_call    c = { .op = op, .n_in = rp_ops[op].arity, .in = in };
  for (int k = 0; k < c.n_in; k++)
    if (rp_is_float(dtype) && rp_ops[op].has_gradient) { in[k]->requires_grad = true; leaf[n_leaf++] = in[k]; }
  snprintf(label, sizeof label, "%s %s %s", rp_ops[op].name, rp_dtype_name(dtype), what);
  MUST(rp_apply(&c));
  print_call(label, &c, leaf, n_leaf);
  for (int k = 0; k < c.n_in; k++) rp_tensor_drop(in[k]);
}

static void pointwise_plain(rp_opcode op, rp_dtype dtype)
{
  static const int64_t shape[3][2] = { { 7, 331 }, { 331 }, { 7, 1 } }; /* the second and third are repeated */
  static const int     ndim[3] = { 2, 1, 2 };
  rp_tensor *in[3];
  for (int k = 0; k < rp_ops[op].arity; k++) in[k] = between(dtype, ndim[k], shape[k], rp_ops[op].lo, rp_ops[op].hi);
  pointwise_case(op, dtype, "plain", in);
}

/* All pairs of special values; the third argument runs through them at another pace. */
static void pointwise_special(rp_opcode op, rp_dtype dtype)
{
  static const double special[] = { 0.0, -0.0, 1, -1, 0.5, -0.5, 2, 3, -3, 1e-40, -1e-40, 1e-310, 88.5, -103.9, 700, 1e30, -1e30,
                                    3.4e38, 1e300, 0x1p-126, 0x1p-149, INFINITY, -INFINITY, NAN };
  enum { N = sizeof special / sizeof *special };
  int64_t    n = N * N;
  rp_tensor *in[3];
  for (int k = 0; k < rp_ops[op].arity; k++) {
    rp_tensor *wide = NULL;
    MUST(rp_tensor_empty(&wide, RP_FLOAT64, 1, &n));
    for (int i = 0; i < N * N; i++) ((double *)rp_data(wide))[i] = special[k == 0 ? i / N : k == 1 ? i % N : (i * 7 + i / N) % N];
    MUST(rp_tensor_clone(&in[k], wide, dtype));
    rp_tensor_drop(wide);
  }
  pointwise_case(op, dtype, "special", in);
}

static void all_pointwise(void)
{
  static const rp_dtype dtypes[] = { RP_FLOAT32, RP_FLOAT64, RP_INT32, RP_INT64, RP_UINT8, RP_BOOL };
  for (int op = 0; op < RP_N_OPS; op++) {
    if (rp_ops[op].form == RP_STRUCTURED) continue;
    for (size_t t = 0; t < sizeof dtypes / sizeof *dtypes; t++) pointwise_plain((rp_opcode)op, dtypes[t]);
    pointwise_special((rp_opcode)op, RP_FLOAT32);
    pointwise_special((rp_opcode)op, RP_FLOAT64);
    pointwise_special((rp_opcode)op, RP_INT32);
  }
}

/* ---- structured rows ---- */

#define I(v)       { .n = 1, .i = { v } }
#define R(v)       { .n = 1, .f = v }
#define ALL        { .n = -1 }
#define LIST2(a, b) { .n = 2, .i = { a, b } }
#define LIST(n_, ...) { .n = n_, .i = { __VA_ARGS__ } }

typedef struct structured {
  rp_opcode   op;
  const char *inputs; /* see input() */
  int         n_attr;
  rp_attr     attr[RP_MAX_ATTR];
} structured;

static const structured cases[] = {
  { RP_OP_reshape, "6x35", 1, { LIST2(14, -1) } },
  { RP_OP_reshape, "t6x35", 1, { LIST2(14, -1) } },
  { RP_OP_permute, "3x4x50", 1, { LIST(3, 3, 1, 2) } },
  { RP_OP_transpose, "3x40x5", 2, { I(1), I(3) } },
  { RP_OP_unsqueeze, "3x40", 1, { I(2) } },
  { RP_OP_squeeze, "3x1x40", 1, { I(2) } },
  { RP_OP_slice, "5x90", 4, { I(2), I(3), I(-2), I(3) } },
  { RP_OP_select, "5x90", 2, { I(1), I(-2) } },
  { RP_OP_expand, "70x1", 1, { LIST(3, 5, 70, 33) } },
  { RP_OP_unfold, "4x300", 3, { I(2), I(7), I(3) } },
  { RP_OP_diagonal, "5x40x6", 3, { I(1), I(3), I(1) } },
  { RP_OP_flip, "5x40", 1, { LIST2(1, 2) } },
  { RP_OP_clone, "t40x70", 0, { I(0) } },
  { RP_OP_contiguous, "t40x70", 0, { I(0) } },
  { RP_OP_to, "40x70", 1, { I(RP_FLOAT32) } },
  { RP_OP_to, "40x70", 1, { I(RP_FLOAT64) } },
  { RP_OP_to, "40x70", 1, { I(RP_INT32) } },
  { RP_OP_to, "40x70", 1, { I(RP_UINT8) } },
  { RP_OP_concat, "3x50 3x1 3x40", 1, { I(2) } },
  { RP_OP_pad, "4x30", 2, { LIST(4, 1, 2, -1, 1), R(0.5) } },

  { RP_OP_sum, "1x1", 2, { ALL, I(0) } },
  { RP_OP_sum, "3x31", 2, { I(2), I(0) } },
  { RP_OP_sum, "3x33", 2, { I(2), I(0) } },
  { RP_OP_sum, "3x5000", 2, { I(2), I(0) } },
  { RP_OP_sum, "5000x3", 2, { I(1), I(1) } },
  { RP_OP_sum, "70x33x41", 2, { LIST2(1, 3), I(0) } },
  { RP_OP_sum, "t90x70", 2, { ALL, I(0) } },
  { RP_OP_sum, "100000", 2, { ALL, I(0) } },
  { RP_OP_mean, "77x701", 2, { I(1), I(0) } },
  { RP_OP_mean, "77x701", 2, { I(2), I(0) } },
  { RP_OP_prod, "30x20", 2, { I(2), I(0) } },
  { RP_OP_prod, "r9x5", 2, { I(1), I(1) } },
  { RP_OP_max, "r30x5003", 2, { I(2), I(0) } },
  { RP_OP_max, "r300x53", 2, { I(1), I(0) } },
  { RP_OP_min, "r30x503", 2, { ALL, I(1) } },
  { RP_OP_argmax, "r30x503", 2, { I(2), I(0) } },
  { RP_OP_argmin, "r30x503", 2, { I(1), I(0) } },
  { RP_OP_cumsum, "5x300", 1, { I(-1) } },
  { RP_OP_cumsum, "300x5", 1, { I(1) } },
  { RP_OP_softmax, "9x10", 1, { I(-1) } },
  { RP_OP_softmax, "3x4500", 1, { I(2) } },
  { RP_OP_softmax, "70x9", 1, { I(1) } },
  { RP_OP_log_softmax, "40x10", 1, { I(-1) } },
  { RP_OP_log_softmax, "3x4500", 1, { I(2) } },
  { RP_OP_logsumexp, "40x10", 2, { I(2), I(0) } },
  { RP_OP_logsumexp, "70x90", 2, { ALL, I(1) } },
  { RP_OP_standardize, "12x256", 2, { I(1), R(1e-5) } },
  { RP_OP_standardize, "3x17x300", 2, { I(2), R(1e-3) } },

  { RP_OP_matmul, "5x1 1x7", 0, { I(0) } },
  { RP_OP_matmul, "37x600 600x45", 0, { I(0) } },
  { RP_OP_matmul, "t130x257 t257x70", 0, { I(0) } },
  { RP_OP_matmul, "300 300x17", 0, { I(0) } },
  { RP_OP_matmul, "17x300 300", 0, { I(0) } },
  { RP_OP_matmul, "300 300", 0, { I(0) } },
  { RP_OP_matmul, "6x16x64 6x64x16", 0, { I(0) } },
  { RP_OP_matmul, "4x1x9x30 3x30x8", 0, { I(0) } },
  { RP_OP_matmul, "2x40x30 30x10", 0, { I(0) } },
  { RP_OP_linear, "300x70 33x70 33", 0, { I(0) } },
  { RP_OP_linear, "4x5x700 10x700 -", 0, { I(0) } },
  { RP_OP_linear, "300x70 1x70 1", 0, { I(0) } },
  { RP_OP_conv, "3x5x40 7x5x3 7", 4, { I(2), I(1), I(1), I(1) } },
  { RP_OP_conv, "2x33x14x13 20x33x3x3 20", 4, { I(1), I(1), I(1), I(1) } },
  { RP_OP_conv, "2x8x17x15 10x4x3x5 -", 4, { LIST2(2, 3), LIST2(1, 2), LIST2(2, 1), I(2) } },
  { RP_OP_conv, "2x6x8x8 7x6x1x1 7", 4, { I(1), I(0), I(1), I(1) } },
  { RP_OP_conv, "1x3x6x7 270x3x2x2 -", 4, { I(1), I(0), I(1), I(1) } },
  { RP_OP_conv, "2x4x12x9 4x1x3x3 4", 4, { I(3), I(1), I(1), I(4) } },
  { RP_OP_conv, "1x2x5x6x7 3x2x2x3x2 3", 4, { I(1), I(1), I(1), I(1) } },
  { RP_OP_conv_transpose, "2x5x9 5x3x4 3", 5, { I(2), I(1), I(1), I(1), I(1) } },
  { RP_OP_conv_transpose, "2x8x7x6 8x5x3x3 -", 5, { I(2), I(1), I(0), I(1), I(1) } },
  { RP_OP_conv_transpose, "1x4x5x5 4x3x2x2 6", 5, { I(1), I(0), I(0), I(2), I(2) } },

  { RP_OP_index_select, "9x40 i9:200", 1, { I(1) } },
  { RP_OP_index_select, "9x40 i40:200", 1, { I(2) } },
  { RP_OP_gather, "9x40 i9:60x40", 1, { I(1) } },
  { RP_OP_scatter_add, "9x40 i40:9x300 9x300", 1, { I(2) } },
  { RP_OP_sort, "r7x300", 2, { I(2), I(0) } },
  { RP_OP_sort, "r300x7", 2, { I(1), I(1) } },
  { RP_OP_topk, "r7x300", 3, { I(20), I(2), I(1) } },
  { RP_OP_topk, "r7x300", 3, { I(20), I(2), I(0) } },
  { RP_OP_unique, "r7x300", 0, { I(0) } },
};

static void structured_case(const structured *s, rp_dtype dtype, int number)
{
  char        label[96];
  rp_tensor  *in[8], *leaf[8], *made;
  const char *text = s->inputs;
  int         n_leaf = 0;
  rp_call     c = { .op = s->op, .in = in, .n_attr = s->n_attr };
  memcpy(c.attr, s->attr, sizeof c.attr);
  for (; *text; text += *text == ' ') {
    in[c.n_in++] = input(&text, dtype, &made);
    if (made && rp_ops[s->op].has_gradient) leaf[n_leaf++] = made;
    else rp_tensor_drop(made);
  }
  snprintf(label, sizeof label, "%s %d %s", rp_ops[s->op].name, number, rp_dtype_name(dtype));
  MUST(rp_apply(&c));
  print_call(label, &c, leaf, n_leaf);
  for (int i = 0; i < c.n_in; i++) rp_tensor_drop(in[i]);
  for (int i = 0; i < n_leaf; i++) rp_tensor_drop(leaf[i]);
}

static void all_structured(void)
{
  bool seen[RP_N_OPS] = { false };
  int  number = 0;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    number = seen[cases[i].op] ? number + 1 : 1;
    seen[cases[i].op] = true;
    structured_case(&cases[i], RP_FLOAT32, number);
    structured_case(&cases[i], RP_FLOAT64, number);
  }
  for (int op = 0; op < RP_N_OPS; op++)
    if (!seen[op] && rp_ops[op].form == RP_STRUCTURED) {
      fprintf(stderr, "operations.h has no case of %s\n", rp_ops[op].name);
      exit(1);
    }
}

#endif
