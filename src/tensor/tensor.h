/* tensor.h: shape, strides and a counted storage.
 *
 * A tensor is a window on a storage: several may share one.  Both are counted; rp_tensor_drop gives a
 * reference back.  Elements are row-major when contiguous.  Dimensions and indices count from 0 here, from 1 in Lua.
 * Every function that makes a tensor takes `rp_tensor **out` first: on success *out receives a reference that the
 * caller owns; on failure it is untouched. */
#ifndef RP_TENSOR_TENSOR_H
#define RP_TENSOR_TENSOR_H

#include "kernel/array.h"

struct rp_node; /* grad/tape.h: how the tensor came about */

typedef struct rp_storage {
  int64_t  references;
  uint64_t version; /* counts writes, so that the tape notices a saved value that was overwritten */
  size_t   bytes;
  void    *data;    /* 64-byte aligned */
  const struct rp_device *device; /* whose memory this is; NULL: the CPU's */
  bool     known;   /* one number that a script wrote down */
  struct rp_program_pool *pool; /* of the program that noted how it came about, and which block; NULL: none */
  int64_t  block;
  struct rp_storage *before, *after; /* among all storages */
  struct rp_storage *next;           /* among those that a program keeps */
} rp_storage;

rp_storage *rp_storage_latest(void); /* from which `before` leads to all others */
void        rp_storage_drop(rp_storage *s);

typedef struct rp_tensor {
  int64_t         references;
  uint64_t        serial;   /* order of creation, from 1 */
  rp_storage     *storage;
  rp_array        a;        /* where the elements are */
  bool            requires_grad;
  struct rp_tensor *grad;   /* owned; NULL until a backward pass reached it */
  struct rp_node *node;     /* owned; NULL for a leaf */
  int             output;   /* which of the node's outputs this is */
} rp_tensor;

/* New contiguous tensors, on the device entered (rp_device_enter).  shape (ndim) borrowed.  RP_ESHAPE for a negative size, more than RP_MAX_DIMS
 * dimensions, or more bytes than can be counted; RP_ENOMEM. */
rp_status rp_tensor_empty(rp_tensor **out, rp_dtype dtype, int ndim, const int64_t *shape); /* undefined contents */
rp_status rp_tensor_full (rp_tensor **out, rp_dtype dtype, int ndim, const int64_t *shape, double value);

/* A window on the storage of base with its own shape and strides; a.data is taken from `a`. */
rp_status rp_tensor_view(rp_tensor **out, const rp_tensor *base, const rp_array *a);

/* The shape and type of x without its elements (a.data is NULL) and without its history. */
rp_status rp_tensor_shell(rp_tensor **out, const rp_tensor *x);

rp_tensor *rp_tensor_keep(rp_tensor *t); /* one more reference; returns t; NULL is allowed */
void       rp_tensor_drop(rp_tensor *t); /* one fewer; NULL is allowed */

extern void (*rp_node_release)(struct rp_node *); /* set by the grad room */

int64_t rp_count(const rp_array *a);          /* number of elements */
bool    rp_is_contiguous(const rp_array *a);  /* row-major without gaps */

/* The elements of contiguous tensors on the CPU, for files and bindings. */
static inline void *rp_data(rp_tensor *t) { return t->a.data; }

/* x itself (one more reference) or its elements on another device (NULL: the CPU); outside the tape. */
rp_status rp_tensor_move(rp_tensor **out, rp_tensor *x, const struct rp_device *device);

/* x itself or a copy, contiguous and on the CPU; waits for a GPU. */
rp_status rp_tensor_host(rp_tensor **out, rp_tensor *x);

/* x itself (one more reference) or a contiguous copy; outside the tape. */
rp_status rp_tensor_contiguous(rp_tensor **out, rp_tensor *x);

/* out[...] = in[...], any types (converted as by `to`), in broadcast to out's shape; outside the tape. */
rp_status rp_tensor_copy(rp_tensor *out, const rp_tensor *in);

/* A contiguous copy of x with its elements converted to dtype. */
rp_status rp_tensor_clone(rp_tensor **out, const rp_tensor *x, rp_dtype dtype);

/* The elements converted to dtype; x itself if it has it. */
rp_status rp_tensor_cast(rp_tensor **out, rp_tensor *x, rp_dtype dtype);

const char *rp_dtype_name(rp_dtype t);               /* "float32" */
bool        rp_dtype_parse(rp_dtype *out, const char *name);

/* "(2x3x4)", "()" for a scalar: rp_shape(&t->a).s in a message. */
typedef struct rp_shape_text { char s[RP_MAX_DIMS * 21 + 3]; } rp_shape_text;
rp_shape_text rp_shape(const rp_array *a);

/* SHA-256 over dtype, shape and little-endian contiguous elements with NaNs made canonical. */
rp_status rp_tensor_hash(char hex[65], rp_tensor *const *tensors, int n);

#endif
