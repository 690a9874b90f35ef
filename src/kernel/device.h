/* device.h: the table that a device, or one instruction set of the CPU, fills.
 *
 * Kernels know pointers, sizes and strides.  Arguments have been checked: shapes agree, types are as stated, and
 * strides of inputs are already those of the output's shape (0 where an input repeats).
 * cpu.c is compiled once per instruction set and defines one table each time. */
#ifndef RP_KERNEL_DEVICE_H
#define RP_KERNEL_DEVICE_H

#include "kernel/array.h"

#define RP_CONTRACT 1 /* version of docs/NUMERICS.md: one more whenever a definition changes bits */
#define RP_KB    256  /* block length of summed products: part of the contract */
#define RP_LANES 32   /* interleaved lanes of a sum: part of the contract */
#define RP_RB    4096 /* block length of a long sum: part of the contract */

typedef enum rp_opcode {
#define MAP1(name, args, lo, hi, kind, formula) RP_OP_##name,
#define CMP1(name, args, lo, hi, formula) RP_OP_##name,
#define OP(name, args, n_out, formula) RP_OP_##name,
#include "kernel/ops.def"
  RP_N_OPS,
  RP_OP_custom = RP_N_OPS /* a function differentiated in Lua */
} rp_opcode;

/* A batch of matrix products  c[b] = a[b] b[b] + bias,  a (m x k), b (k x n), c (m x n), bias (n) or NULL.
 * Strides are in elements and arbitrary for a and b; c has unit column stride.  dtype float32 or float64.
 *   c_ij = ((s_0 + s_1) + s_2 ...) + bias_j,  s_r = the ascending fma chain from +0 over k in block r of RP_KB. */
typedef struct rp_gemm {
  rp_dtype    dtype;
  int64_t     batch, m, n, k;
  const void *a; int64_t a_batch, a_row, a_col;
  const void *b; int64_t b_batch, b_row, b_col;
  void       *c; int64_t c_batch, c_row;
  const void *bias;
  int64_t     inner, a_inner, b_inner; /* inner > 0: a[b] is at (b / inner) a_batch + (b % inner) a_inner, b[b] likewise */
} rp_gemm;

/* Where operand number b of a batch begins, in elements. */
static inline int64_t rp_gemm_at(const rp_gemm *g, int64_t b, int64_t batch, int64_t inner)
{
  return g->inner > 0 ? b / g->inner * batch + b % g->inner * inner : b * batch;
}

/* A convolution in up to three dimensions (leading sizes are 1 when there are fewer); all arrays contiguous.
 *   x (batch, c_in, in[0..2])   w (c_out, c_in/groups, kernel[0..2])   y (batch, c_out, out[0..2])   bias (c_out) */
typedef struct rp_conv {
  rp_dtype dtype;
  int64_t  batch, groups, c_in, c_out;
  int64_t  in[3], kernel[3], out[3], stride[3], padding[3], dilation[3];
} rp_conv;

/* A fused optimiser step over parameters of one type, float32 or float64, in the order given; see update.h. */
#define RP_SLICES 64 /* parameters of one call at most */
typedef struct rp_slice { /* contiguous arrays of n */
  int64_t n;
  void   *p, *g, *m, *v; /* parameter, gradient, first and second state; unused ones are NULL */
} rp_slice;
typedef struct rp_update {
  rp_dtype dtype;
  int      n_slices;
  const rp_slice *slice;
  double   lr, beta1, beta2, eps, weight_decay, scale; /* scale multiplies the gradient (clipping) */
  double   correction1, correction2;                   /* Adam's 1 - beta^t */
  bool     nesterov, decoupled;
} rp_update;

/* Rows of cols elements.  Arrays that hold one number per row are marked (rows). */
typedef struct rp_rows {
  rp_dtype dtype;
  int64_t  rows, cols;
  double   eps;
  void    *x, *y, *aux; /* y (rows) for logsumexp, prod, max, min; aux (rows) */
  void    *g, *gx;      /* g shaped like y */
} rp_rows;

typedef struct rp_draw { /* a fill of random numbers: element i is a function of (seed, stream, i) alone */
  uint64_t seed, stream;
  double   a, b;         /* parameters of the distribution */
} rp_draw;
typedef enum rp_distribution { RP_UNIFORM, RP_NORMAL, RP_INTEGERS, RP_BITS } rp_distribution;

typedef struct rp_device {
  const char *name; /* "avx512" */

  /* pointwise: in[] strides fit out's shape; types equal the working type (out is bool for tests) */
  rp_status (*map)(rp_opcode op, const rp_array *out, const rp_array *in);
  /* gin (contiguous, out's shape) = g * (partial of op by argument `which`); y is the forward result; gin may be g */
  rp_status (*map_back)(rp_opcode op, int which, const rp_array *gin, const rp_array *g, const rp_array *in, const rp_array *y);
  rp_status (*copy)(const rp_array *out, const rp_array *in); /* converts types */
  rp_status (*add)(const rp_array *out, const rp_array *in);  /* out += in, same float type */
  rp_status (*fill)(const rp_array *out, double value);

  /* sum, mean, prod, max, min, argmax, argmin: the last n dimensions of in are reduced to the contiguous out */
  rp_status (*reduce)(rp_opcode op, const rp_array *out, const rp_array *in, int n);

  /* contiguous rows: softmax, log_softmax, logsumexp, standardize (aux receives 1/sqrt(var + eps) per row), cumsum;
   * backward of these and of prod, max and min.  gx is written, not added to; it may be g where both have x's shape */
  rp_status (*row)(rp_opcode op, const rp_rows *r);
  rp_status (*row_back)(rp_opcode op, const rp_rows *r);

  rp_status (*gemm)(const rp_gemm *g);
  rp_status (*conv)(const rp_conv *c, void *y, const void *x, const void *w, const void *bias);
  rp_status (*conv_input)(const rp_conv *c, void *gx, const void *gy, const void *w);
  rp_status (*conv_weight)(const rp_conv *c, void *gw, const void *x, const void *gy);

  /* by index: x (outer, size, inner) contiguous, positions int64 from 0, already checked */
  rp_status (*gather)(const rp_array *y, const rp_array *x, const int64_t *index, int64_t outer, int64_t size,
                      int64_t n, int64_t inner, bool rows);
  rp_status (*scatter_add)(const rp_array *y, const rp_array *x, const int64_t *index, int64_t outer, int64_t size,
                           int64_t n, int64_t inner, bool rows);
  /* at[i], counted from 1, becomes counted from 0; RP_ERANGE naming `who` (kept: a constant) for one outside 1..size,
   * which a GPU reports when it is next waited for */
  rp_status (*positions)(int64_t *at, int64_t n, int64_t size, const char *who);
  rp_status (*shift)(int64_t *at, int64_t n, int64_t by); /* at[i] += by */
  /* the first `first` elements of each sorted row, and their positions from 0; what stands behind them is not defined */
  rp_status (*sort)(const rp_array *y, int64_t *order, const rp_array *x, int64_t rows, int64_t cols, int64_t first,
                    bool descending);
  /* of x (n > 0), sorted, the element order[i] of the unsorted one at i: the distinct values in y (with room for n), how many
   * there are, the place of each unsorted element among them from 1, and how often each value occurs; each NaN is distinct */
  rp_status (*distinct)(const rp_array *y, int64_t *n_distinct, int64_t *inverse, int64_t *count, const rp_array *x, const int64_t *order);

  rp_status (*draw)(rp_distribution d, const rp_array *out, const rp_draw *how);
  rp_status (*sgd)(const rp_update *u);
  rp_status (*adam)(const rp_update *u);
  rp_status (*ema)(const rp_update *u); /* m = beta1 m + (1 - beta1) p */

  /* memory that the CPU cannot reach; all NULL for the CPU, whose tensors rp_alloc serves.  Work is done in the order it
   * was asked for; download and finish wait for it */
  void     *(*alloc)(size_t n);
  void      (*release)(void *block, size_t n); /* n as at alloc */
  rp_status (*upload)(void *to, const void *from, size_t n);   /* from the CPU; `from` may change on return */
  rp_status (*download)(void *to, const void *from, size_t n); /* to the CPU */
  rp_status (*finish)(void);

  /* calls noted once to be launched as a whole, NULL where calls cost nothing: between capture and captured nothing is done */
  bool      (*captures)(void);        /* whether that can be had now */
  rp_status (*capture)(void);
  rp_status (*captured)(void **graph);
  rp_status (*launch)(void *graph);
  void      (*forget)(void *graph);   /* NULL: what was captured is not wanted */
} rp_device;

/* The CPU's table: the widest instruction set it runs, or the one that REPRO_ISA names. */
const rp_device *rp_device_cpu(void);

/* Where operations work and new tensors lie: on the device entered, or the CPU.  rp_device_enter(NULL) is the CPU; it returns
 * what was entered before, to be entered again afterwards. */
const rp_device *rp_device_now(void);
const rp_device *rp_device_enter(const rp_device *d);

/* A table through which every call of an operation goes from now on (tensor/program.h); NULL: none.  rp_device_home() is the
 * device entered itself, whose memory new tensors take. */
void             rp_device_via(const rp_device *table);
const rp_device *rp_device_home(void);
rp_status        rp_device_choose(const char *isa); /* NULL: the default; RP_EDEVICE if unknown or not runnable */
const char      *rp_device_list(void);              /* "baseline avx2 avx512": those built in that this CPU runs */

#endif
