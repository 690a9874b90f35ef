/* products.c: matrix products and convolutions: which tile, how many parts. */
#include <stdio.h>
#include <string.h>

#include "cuda/internal.h"

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* A tile of `size` x `size`: threads and shared memory as in kernels/tile.h. */
typedef struct tile { int size, threads; size_t shared; char suffix[8]; } tile;

static tile make_tile(rp_dtype dtype, int size)
{
  size_t e = rp_dtype_size(dtype), line = (size_t)size + 16 / e;
  tile   t = { .size = size, .threads = 256, .shared = CU_STAGES * CU_STEP * 2 * line * e };
  snprintf(t.suffix, sizeof t.suffix, "%s_%d", dtype == RP_FLOAT32 ? "f32" : "f64", size);
  return t;
}

/* The larger tile where it fills the device. */
static tile choose_tile(rp_dtype dtype, int64_t m, int64_t n, int64_t batch, int64_t k)
{
  int64_t large = ceil_div(m, 128) * ceil_div(n, 128) * batch * ceil_div(k, RP_KB);
  bool    fills = m > 64 && n > 64 && large >= cu_now.processors;
  return make_tile(dtype, dtype == RP_FLOAT32 && fills ? 128 : 64);
}

/* How many thread blocks share the terms of a tile, each a whole number of blocks of RP_KB, and how many each takes. */
static int64_t split(int64_t *blocks_each, int64_t tiles, int64_t k, int64_t results, size_t size)
{
  int64_t blocks = ceil_div(k, RP_KB), wanted = ceil_div(2 * cu_now.processors, tiles > 0 ? tiles : 1);
  int64_t parts = blocks < wanted ? blocks : wanted;
  *blocks_each = blocks;
  if (parts <= 1 || tiles >= cu_now.processors || (size_t)(results * blocks) * size > (size_t)1 << 28) return 1;
  *blocks_each = ceil_div(blocks, parts);
  return ceil_div(blocks, *blocks_each);
}

static bool aligned(const void *p, int64_t batch, int64_t apart, size_t size)
{
  int64_t whole = 16 / (int64_t)size;
  return (uintptr_t)p % 16 == 0 && batch % whole == 0 && apart % whole == 0;
}

static rp_status finish_parts(cu_gemm *g, rp_dtype dtype, int64_t batch)
{
  g->parts = batch;
  return cu_launch_over(CU_PRODUCTS, dtype == RP_FLOAT32 ? "gemm_finish_f32" : "gemm_finish_f64", batch * g->m * g->n, g);
}

rp_status cu_gemm_run(const rp_gemm *g)
{
  size_t  size = rp_dtype_size(g->dtype), bytes = 0;
  cu_gemm p = { .m = g->m, .n = g->n, .k = g->k, .inner = g->inner, .a_inner = g->a_inner, .b_inner = g->b_inner, .a = g->a, .a_batch = g->a_batch, .a_row = g->a_row, .a_col = g->a_col,
                .b = g->b, .b_batch = g->b_batch, .b_row = g->b_row, .b_col = g->b_col, .c = g->c, .c_batch = g->c_batch,
                .c_row = g->c_row, .bias = g->bias };
  char    kernel[32];
  if (g->batch <= 0 || g->m <= 0 || g->n <= 0) return RP_OK;
  if (g->k == 0) return finish_parts(&p, g->dtype, g->batch);
  if (cu_vendor_takes(g)) return cu_vendor_gemm(g);
  tile    t = choose_tile(g->dtype, g->m, g->n, g->batch, g->k);
  int64_t tiles = ceil_div(g->m, t.size) * ceil_div(g->n, t.size) * g->batch;
  p.wide_a = g->a_row == 1 && aligned(g->a, g->a_batch, g->a_col, size) && aligned(g->a, g->a_inner, 0, size);
  p.wide_b = g->b_col == 1 && aligned(g->b, g->b_batch, g->b_row, size) && aligned(g->b, g->b_inner, 0, size);
  p.parts = split(&p.blocks, tiles, g->k, g->batch * g->m * g->n, size);
  if (p.parts > 1) {
    bytes = (size_t)(g->batch * ceil_div(g->k, RP_KB) * g->m * g->n) * size;
    if (!(p.part = cu_alloc(bytes))) return RP_ENOMEM;
  }
  snprintf(kernel, sizeof kernel, "gemm_%s", t.suffix);
  rp_status status = cu_launch(CU_PRODUCTS, kernel, tiles * p.parts, t.threads, t.shared, &p);
  if (status == RP_OK && p.part) status = finish_parts(&p, g->dtype, g->batch);
  cu_release(p.part, bytes);
  return status;
}

/* ---- convolution ---- */

static rp_status start_conv(cu_conv *p, const rp_conv *c)
{
  *p = (cu_conv){ .c = *c, .c_in = c->c_in / c->groups, .c_out = c->c_out / c->groups, .parts = 1 };
  p->pixels = c->out[0] * c->out[1] * c->out[2];
  p->positions = c->kernel[0] * c->kernel[1] * c->kernel[2];
  int64_t in = 1;
  for (int d = 0; d < 3; d++) in *= c->in[d] + c->dilation[d] * c->kernel[d] + 2 * c->padding[d]; /* with its shifts, an image counts in 32 bits */
  if (p->c_in * in > INT32_MAX || p->pixels > INT32_MAX)
    return rp_fail(RP_EDEVICE, "conv: one image of %lld channels and %lld pixels is too large for the GPU's kernels; use the CPU for it",
                   (long long)p->c_in, (long long)(c->in[0] * c->in[1] * c->in[2]));
  return RP_OK;
}

static rp_status make_terms(cu_conv *p, size_t *bytes)
{
  cu_term *term = NULL;
  p->terms = ceil_div(p->c_in * p->positions, 128) * 128;
  *bytes = (size_t)p->terms * (sizeof(cu_term) + sizeof(cu_place)) + (size_t)p->spots * sizeof(cu_term);
  if (!(term = cu_alloc(*bytes))) return RP_ENOMEM;
  cu_conv with = *p;
  with.out = (char *)term;
  p->term = term;
  p->spot = term + p->terms;
  p->place = (const cu_place *)(const void *)(p->spot + p->spots);
  return cu_launch_over(CU_PRODUCTS, "conv_terms", p->terms > p->spots ? p->terms : p->spots, &with);
}

static void drop_terms(const cu_conv *p, size_t bytes) { cu_release((void *)(uintptr_t)p->term, bytes); }

/* w (group, o, c, q) as (group, q, o, c), in which the rows and terms of conv_input lie side by side. */
static rp_status turn_weights(cu_conv *p, char **turned, size_t *bytes)
{
  rp_array to = { .dtype = p->c.dtype, .ndim = 4, .shape = { p->c.groups, p->positions, p->c_out, p->c_in } }, from = to;
  const int64_t of_turned[4] = { p->positions * p->c_out * p->c_in, p->c_out * p->c_in, p->c_in, 1 };
  const int64_t of_w[4] = { p->positions * p->c_out * p->c_in, 1, p->c_in * p->positions, p->positions };
  memcpy(to.stride, of_turned, sizeof of_turned);
  memcpy(from.stride, of_w, sizeof of_w);
  *bytes = (size_t)(p->c.groups * of_turned[0]) * rp_dtype_size(p->c.dtype);
  if (*bytes == 0) return RP_OK;
  if (!(*turned = cu_alloc(*bytes))) return RP_ENOMEM;
  from.data = (void *)(uintptr_t)p->w;
  to.data = *turned;
  p->w = *turned;
  p->wide_w = p->c_in * (int64_t)rp_dtype_size(p->c.dtype) % 16 == 0;
  return cu_copy(&to, &from);
}

static rp_status conv_launch(const char *name, const cu_conv *p, const tile *t, int64_t rows, int64_t columns)
{
  char kernel[32];
  snprintf(kernel, sizeof kernel, "%s_%s", name, t->suffix);
  return cu_launch(CU_PRODUCTS, kernel, ceil_div(rows, t->size) * ceil_div(columns, t->size) * p->c.groups * p->parts, t->threads,
                   t->shared, p);
}

rp_status cu_conv_run(const rp_conv *c, void *y, const void *x, const void *w, const void *bias)
{
  cu_conv p;
  size_t  bytes = 0;
  RP_TRY(start_conv(&p, c));
  p.out = y; p.x = x; p.w = w; p.bias = bias;
  int64_t columns = c->batch * p.pixels, k = p.c_in * p.positions;
  if (columns * p.c_out == 0) return RP_OK;
  if (k == 0) return rp_fail(RP_ESHAPE, "conv: no input channels");
  tile t = choose_tile(c->dtype, p.c_out, columns, c->groups, 1);
  t.shared += (size_t)(CU_MASKS(p.positions) * t.size) * sizeof(uint32_t);
  if (t.shared > (size_t)cu_now.shared_bytes)
    return rp_fail(RP_EDEVICE, "conv: a kernel of %lld positions is too large for the GPU's kernels; use the CPU for it", (long long)p.positions);
  rp_status status = make_terms(&p, &bytes);
  if (status == RP_OK) status = conv_launch("conv", &p, &t, p.c_out, columns);
  drop_terms(&p, bytes);
  return status;
}

rp_status cu_conv_input(const rp_conv *c, void *gx, const void *gy, const void *w)
{
  cu_conv p;
  char   *turned = NULL;
  size_t  bytes = 0;
  RP_TRY(start_conv(&p, c));
  p.out = gx; p.gy = gy; p.w = w;
  int64_t columns = c->batch * c->in[0] * c->in[1] * c->in[2];
  if (columns * p.c_in == 0) return RP_OK;
  tile t = make_tile(c->dtype, 64);
  rp_status status = turn_weights(&p, &turned, &bytes);
  if (status == RP_OK) status = conv_launch("conv_input", &p, &t, p.c_in, columns);
  cu_release(turned, bytes);
  return status;
}

rp_status cu_conv_weight(const rp_conv *c, void *gw, const void *x, const void *gy)
{
  cu_conv p;
  size_t  bytes = 0, part_bytes = 0, size = rp_dtype_size(c->dtype);
  RP_TRY(start_conv(&p, c));
  p.out = gw; p.x = x; p.gy = gy; p.spots = p.pixels;
  int64_t columns = p.c_in * p.positions, k = c->batch * p.pixels, one = p.c_out * columns;
  if (c->groups * one == 0) return RP_OK;
  if (k == 0)
    return cu_check(cu_now.d->set_bytes((cu_pointer)(uintptr_t)gw, 0, (size_t)(c->groups * one) * size, cu_now.stream), "conv_weight");
  tile    t = choose_tile(c->dtype, p.c_out, columns, c->groups, k);
  int64_t tiles = ceil_div(p.c_out, t.size) * ceil_div(columns, t.size) * c->groups;
  p.parts = split(&p.blocks, tiles, k, c->groups * one, size);
  rp_status status = make_terms(&p, &bytes);
  if (status == RP_OK && p.parts > 1) {
    part_bytes = (size_t)(c->groups * one * ceil_div(k, RP_KB)) * size;
    if (!(p.part = cu_alloc(part_bytes))) status = RP_ENOMEM;
  }
  if (status == RP_OK) status = conv_launch("conv_weight", &p, &t, p.c_out, columns);
  if (status == RP_OK && p.part) {
    cu_gemm g = { .m = p.c_out, .n = columns, .k = k, .c = gw, .c_batch = one, .c_row = columns, .part = p.part };
    status = finish_parts(&g, c->dtype, c->groups);
  }
  cu_release(p.part, part_bytes);
  drop_terms(&p, bytes);
  return status;
}
