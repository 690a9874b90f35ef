/* internal.h: what the files of this room share. */
#ifndef RP_CUDA_INTERNAL_H
#define RP_CUDA_INTERNAL_H

#include "cuda/args.h"
#include "cuda/cuda.h"
#include "cuda/driver.h"

/* Kernels are compiled in parts, each loaded when one of its kernels is first used. */
typedef enum cu_part { CU_MAP, CU_MAP_BACK, CU_SUMS, CU_ELEMENTS, CU_PRODUCTS, CU_N_PARTS } cu_part;

typedef struct cu_state {
  const cu_driver *d;   /* NULL: not open */
  int        index, processors, shared_bytes;
  cu_context context;
  cu_stream  stream;
  bool       synchronous, lost, capturing;
  rp_cuda_math_mode math, used;
  int64_t    launches, uploads, downloads, waits;
} cu_state;
extern cu_state cu_now;

/* RP_OK, or RP_EDEVICE naming `what` and the driver's error; some errors lose the device for good. */
rp_status cu_check(cu_result e, const char *what);

/* Runs `threads` threads in each of `blocks` blocks; args is the kernel's one argument. */
rp_status cu_launch(cu_part part, const char *kernel, int64_t blocks, int threads, size_t shared, const void *args);

/* The same for n independent items, 256 threads to a block, as many blocks as keep the device busy. */
rp_status cu_launch_over(cu_part part, const char *kernel, int64_t n, const void *args);

/* Device memory; released blocks serve later requests of their size, in stream order. */
void *cu_alloc(size_t bytes);
void  cu_release(void *p, size_t bytes);

/* Blocks that one graph keeps for itself.  Between cu_blocks_use(b) and cu_blocks_use(NULL) what is released goes to b, and
 * is looked for there first. */
typedef struct cu_blocks cu_blocks;
cu_blocks *cu_blocks_new(void);
void       cu_blocks_use(cu_blocks *b);
void       cu_blocks_free(cu_blocks *b); /* they serve everyone again */

/* Graphs: the entries of the device table; graph.c. */
bool      cu_captures(void);
rp_status cu_capture(void);
rp_status cu_captured(void **graph);
rp_status cu_graph_launch(void *graph);
void      cu_graph_forget(void *graph);

rp_status cu_upload(void *to, const void *from, size_t bytes);
rp_status cu_download(void *to, const void *from, size_t bytes);
rp_status cu_finish(void);      /* waits; reports positions found out of range */
rp_status cu_faults(void);      /* ... that are known already */
void      cu_positions_again(void); /* positions were looked at that no call counted */

/* The kernels' images, by part; NULL where the build had no nvcc. */
const void *cu_image(cu_part part);

int64_t cu_count(const rp_array *a);
const char *cu_suffix(rp_dtype t); /* "f32" */

/* The library that an environment variable names, or else the first that is there of a list that ends with NULL. */
void *cu_vendor_library(const char *variable, const char *const *names);
void  cu_vendor_used(void); /* what is computed now has the bits of the mode in force */

/* Whether cuRAND is to draw these numbers, and can; who draws, once it has been tried to open it; vendor_random.c. */
bool        cu_vendor_draws(rp_distribution d);
rp_status   cu_vendor_draw(rp_distribution d, const rp_array *out, const rp_draw *how);
const char *cu_vendor_open_random(void);

/* Whether cuBLAS is to compute this product, and can; vendor.c. */
bool      cu_vendor_takes(const rp_gemm *g);
rp_status cu_vendor_gemm(const rp_gemm *g);

/* Entries of the device table. */
rp_status cu_map_run(rp_opcode op, const rp_array *out, const rp_array *in);
rp_status cu_map_back_run(rp_opcode op, int which, const rp_array *gin, const rp_array *g, const rp_array *in,
                          const rp_array *y);
rp_status cu_copy(const rp_array *out, const rp_array *in);
rp_status cu_add(const rp_array *out, const rp_array *in);
rp_status cu_fill(const rp_array *out, double value);
rp_status cu_reduce_run(rp_opcode op, const rp_array *out, const rp_array *in, int n);
rp_status cu_row(rp_opcode op, const rp_rows *r);
rp_status cu_row_back(rp_opcode op, const rp_rows *r);
rp_status cu_gemm_run(const rp_gemm *g);
rp_status cu_conv_run(const rp_conv *c, void *y, const void *x, const void *w, const void *bias);
rp_status cu_conv_input(const rp_conv *c, void *gx, const void *gy, const void *w);
rp_status cu_conv_weight(const rp_conv *c, void *gw, const void *x, const void *gy);
rp_status cu_gather(const rp_array *y, const rp_array *x, const int64_t *index, int64_t outer, int64_t size, int64_t n,
                    int64_t inner, bool rows);
rp_status cu_scatter_add(const rp_array *y, const rp_array *x, const int64_t *index, int64_t outer, int64_t size, int64_t n,
                         int64_t inner, bool rows);
rp_status cu_sort_run(const rp_array *y, int64_t *order, const rp_array *x, int64_t rows, int64_t cols, int64_t first, bool descending);
rp_status cu_distinct_run(const rp_array *y, int64_t *n_distinct, int64_t *inverse, int64_t *count, const rp_array *x, const int64_t *order);
rp_status cu_positions_run(int64_t *at, int64_t n, int64_t size, const char *who);
rp_status cu_shift(int64_t *at, int64_t n, int64_t by);
rp_status cu_draw_run(rp_distribution d, const rp_array *out, const rp_draw *how);
rp_status cu_sgd(const rp_update *u);
rp_status cu_adam(const rp_update *u);
rp_status cu_ema(const rp_update *u);

#endif
