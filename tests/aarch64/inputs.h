/* inputs.h: numbers for the driver, the same everywhere, and the line that it prints for a case. */
#ifndef RP_TEST_INPUTS_H
#define RP_TEST_INPUTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grad/tape.h"
#include "tensor/shape.h"

/* The driver needs everything to work: it stops at the first failure. */
#define MUST(call)                                                                                  \
  do {                                                                                              \
    if ((call) != RP_OK) { fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, rp_message()); exit(1); } \
  } while (0)

static uint64_t draws; /* each tensor has a stream of its own */

/* a + b z for the standard normal z, or uniform between a and b, or integers from a to b. */
static rp_tensor *drawn(rp_distribution kind, rp_dtype dtype, int ndim, const int64_t *shape, double a, double b)
{
  rp_tensor *x = NULL;
  rp_draw    how = { 20240229, ++draws, a, b };
  MUST(rp_tensor_empty(&x, dtype, ndim, shape));
  MUST(rp_device_now()->draw(kind, &x->a, &how));
  return x;
}

/* The same in any type. */
static rp_tensor *between(rp_dtype dtype, int ndim, const int64_t *shape, double a, double b)
{
  rp_tensor *whole, *x = NULL;
  if (rp_is_float(dtype)) return drawn(RP_UNIFORM, dtype, ndim, shape, a, b);
  whole = drawn(RP_INTEGERS, RP_INT64, ndim, shape, a < 0 ? -9 : 0, 9);
  MUST(rp_tensor_cast(&x, whole, dtype));
  rp_tensor_drop(whole);
  return x;
}

/* "3x40" at *text, which moves past it. */
static int read_shape(const char **text, int64_t *shape)
{
  int ndim = 0;
  while (**text >= '0' && **text <= '9') {
    char *end;
    shape[ndim++] = strtoll(*text, &end, 10);
    *text = *end == 'x' ? end + 1 : end;
  }
  return ndim;
}

static rp_tensor *applied(rp_opcode op, rp_tensor *x, int n_attr, const rp_attr *attr)
{
  rp_call c = { .op = op, .n_in = 1, .in = &x, .n_attr = n_attr };
  memcpy(c.attr, attr, (size_t)n_attr * sizeof *attr);
  MUST(rp_apply(&c));
  return c.out[0];
}

/* One input from its description, which ends at a space:
 *   3x40    normal numbers            t3x40   the same as the transpose of a (40x3) leaf
 *   r3x40   rounded ones, with ties   i7:3x40 positions from 1 to 7
 *   -       none
 * *leaf receives what a gradient is taken of; NULL if nothing is. */
static rp_tensor *input(const char **text, rp_dtype dtype, rp_tensor **leaf)
{
  static const rp_attr last_two[2] = { { .n = 1, .i = { -2 } }, { .n = 1, .i = { -1 } } };
  int64_t shape[RP_MAX_DIMS];
  char    kind = **text >= '0' && **text <= '9' ? 'n' : *(*text)++;
  long    most = kind == 'i' ? strtol(*text, (char **)(uintptr_t)text, 10) : 0;
  int     ndim;
  *leaf = NULL;
  if (kind == '-') return NULL;
  if (kind == 'i') (*text)++;
  ndim = read_shape(text, shape);
  if (kind == 'i') return drawn(RP_INTEGERS, RP_INT64, ndim, shape, 1, (double)most);
  if (kind == 't') { int64_t n = shape[ndim - 1]; shape[ndim - 1] = shape[ndim - 2]; shape[ndim - 2] = n; }
  rp_tensor *x = drawn(RP_NORMAL, dtype, ndim, shape, 0, 1);
  if (kind == 'r') {
    rp_tensor *rough = x;
    MUST(rp_apply_simple(&x, RP_OP_round, &rough, 1));
    rp_tensor_drop(rough);
  }
  x->requires_grad = true;
  *leaf = rp_tensor_keep(x);
  if (kind != 't') return x;
  rp_tensor *turned = applied(RP_OP_transpose, x, 2, last_two);
  rp_tensor_drop(x);
  return turned;
}

/* label, hash */
static void print_tensors(const char *label, rp_tensor *const *x, int n)
{
  char hex[65];
  MUST(rp_tensor_hash(hex, x, n));
  printf("%-44s %.32s\n", label, hex);
}

static void print_numbers(const char *label, const double *x, int64_t n)
{
  rp_tensor *t = NULL;
  MUST(rp_tensor_empty(&t, RP_FLOAT64, 1, &n));
  if (n) memcpy(rp_data(t), x, (size_t)n * sizeof *x);
  print_tensors(label, &t, 1);
  rp_tensor_drop(t);
}

/* The outputs of a call and, for a normal gradient of the first one, the gradients of the leaves, in one line.
 * Drops the outputs. */
static void print_call(const char *label, rp_call *c, rp_tensor *const *leaf, int n_leaf)
{
  rp_tensor *all[RP_MAX_OUT + 8] = { NULL };
  int        n = c->n_out;
  memcpy(all, c->out, (size_t)n * sizeof *all);
  if (n_leaf && c->out[0]->requires_grad) {
    rp_tensor *g = drawn(RP_NORMAL, all[0]->a.dtype, all[0]->a.ndim, all[0]->a.shape, 0, 1);
    MUST(rp_gradients(all + n, all[0], g, leaf, n_leaf, false));
    rp_tensor_drop(g);
    n += n_leaf;
  }
  print_tensors(label, all, n);
  for (int i = 0; i < n; i++) rp_tensor_drop(all[i]);
}

#endif
