/* matmul.h: batched matrix products, c[b] = a[b] b[b] + bias.
 *
 *   c_ij = ((s_0 + s_1) + s_2 ...) + bias_j,   s_r = fma(a_ip, b_pj, ... fma(a_i(p0+1), b_(p0+1)j, fma(a_ip0, b_p0j, +0)))
 *
 * where p runs upwards through block r of the summed index, p0 = r RP_KB .. min(k, p0 + RP_KB) - 1.  c starts as s_0, not
 * as 0 + s_0.  k = 0 gives c_ij = +0, then + bias_j.  Nothing is skipped: 0 times infinity is NaN wherever it occurs.
 * Packing, tiling and threads choose where a chain is computed, never its order.
 *
 * Packing: Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication". */
#ifndef RP_KERNEL_MATMUL_H
#define RP_KERNEL_MATMUL_H

#include "base/memory.h"
#include "base/pool.h"
#include "kernel/tile.h"

#define PACK_COLS     1024            /* columns packed at a time: with RP_KB terms half of a large second-level cache */
#define PACK_TILES    10              /* and tiles of rows */
#define SPAN_COLS     (8 * TILE_COLS) /* of a row of b that are packed together */
#define SPAN_TERMS    32              /* of a transposed a that are packed together */
#define FEW_COLS      128             /* for which rows of a are not packed */
#define TURN_ROWS     8               /* rows whose multiply-adds take as long as turning the columns */
#define PRODUCT_GRAIN 500000          /* multiply-adds below which another thread does not pay */
#define NEAR_BYTES    (3 << 18)       /* of a, b and c that a second-level cache keeps while they are used */
#define RUN_BYTES     (1 << 18)       /* rows of a that are taken through all columns of b before the next */

/* How a batch of products is cut into shares for the threads. */
typedef struct product {
  const rp_gemm *g;
  int64_t row_tiles, col_parts, part_cols; /* of one product */
  int64_t units, shares;                   /* units = batch * col_parts * row_tiles */
  int64_t run_tiles;                       /* of rows done as one block at most */
  int64_t chunk_cols, chunk_terms;         /* of b that are packed at a time */
  bool    direct, pack_a, pack_b;          /* operands are read where they lie, but for panels of b; else: rows packed */
  bool    far;                             /* a batch no cache holds: the next product is asked for in advance */
  char   *scratch;                         /* packed operands, share_bytes for each share; NULL: the direct way */
  size_t  share_bytes;
} product;

#define BODY "kernel/matmul_body.h"
#include "kernel/both_floats.h"

static void product_shares(void *context, int64_t begin, int64_t end)
{
  const product *w = context;
  for (int64_t s = begin; s < end; s++) {
    if (w->g->dtype == RP_FLOAT32) product_share_f32(w, s);
    else                           product_share_f64(w, s);
  }
}

/* Whether packing pays.  Rows whose stride is a multiple of 2 KB crowd the same cache sets, and terms that are not
 * adjacent take a cache line each: then a must be smaller to be read where it lies. */
static void product_way(product *w)
{
  const rp_gemm *g = w->g;
  int64_t size = (int64_t)rp_dtype_size(g->dtype), lanes = VEC_BYTES / size, block = min_int(g->k, RP_KB);
  int64_t b_bytes = g->n * g->k * size, bytes = g->m * (g->k + g->n) * size + b_bytes;
  bool    easy = g->a_col == 1 && g->a_row * size % 2048 != 0;
  w->direct = g->m <= TILE_ROWS || g->n <= TILE_VECS * lanes || bytes <= (easy ? NEAR_BYTES : NEAR_BYTES / 4);
  w->pack_a = g->a_col != 1 || g->n > FEW_COLS;
  /* rows of b that are short follow each other closely */
  w->pack_b = g->b_col != 1 || (b_bytes > NEAR_BYTES / 3 && g->m > 4 * TILE_ROWS && g->b_row * size > 512);
  w->run_tiles = w->row_tiles;
  if (!w->direct) return;
  w->run_tiles = RUN_BYTES / (TILE_ROWS * (block + 1) * size) + 1;
  w->far = g->batch > 1 && (double)g->batch * (double)bytes > 2 * NEAR_BYTES && g->m > TILE_ROWS && g->n >= TILE_VECS * lanes;
}

/* Multiply-adds, and what it takes to turn columns whose terms are adjacent: as long as TURN_ROWS rows. */
static double product_work(const rp_gemm *g)
{
  double rows = (double)g->m + (g->b_row == 1 && g->b_col != 1 ? TURN_ROWS : 0);
  return (double)g->batch * rows * (double)g->n * (double)(g->k + 1);
}

/* Rows are shared out, in equal numbers of tiles; columns too, if rows are too few, or if there are more columns than
 * rows: it costs less then to pack the rows again than the columns. */
static product product_plan(const rp_gemm *g)
{
  int64_t lanes = VEC_BYTES / (int64_t)rp_dtype_size(g->dtype), panel = g->m <= WIDE_ROWS ? WIDE_VECS * lanes : 2 * lanes;
  product w = { .g = g, .row_tiles = ceil_div(g->m, TILE_ROWS), .col_parts = 1, .part_cols = g->n };
  double  work = product_work(g);
  w.shares = work < 2 * PRODUCT_GRAIN ? 1 : (int64_t)(work / PRODUCT_GRAIN);
  w.shares = min_int(w.shares, rp_threads());
  product_way(&w);
  if (w.shares > 1) {
    int64_t panels = ceil_div(g->n, panel), rows = w.row_tiles * g->batch, parts = 1;
    if (rows < 4 * w.shares) parts = ceil_div(4 * w.shares, rows);
    else if (g->batch == 1 && !w.direct && g->n > g->m) parts = w.shares;
    else if (g->batch == 1) w.row_tiles = ceil_div(w.row_tiles, w.shares) * w.shares;
    w.part_cols = ceil_div(panels, min_int(panels, parts)) * panel;
    w.col_parts = ceil_div(g->n, w.part_cols);
  }
  w.units = g->batch * w.col_parts * w.row_tiles;
  w.shares = min_int(w.shares, w.units);
  return w;
}

/* Columns are packed in chunks of one block of terms; of all terms if columns are few and c is large, so that c is not
 * read again. */
static rp_status product_memory(product *w)
{
  const rp_gemm *g = w->g;
  int64_t size = (int64_t)rp_dtype_size(g->dtype), panel = TILE_VECS * VEC_BYTES / size;
  if (g->k == 0 || w->direct) return RP_OK;
  w->chunk_cols = ceil_div(ceil_div(w->part_cols, ceil_div(w->part_cols, PACK_COLS)), panel) * panel;
  bool all = w->chunk_cols * g->k <= PACK_COLS * RP_KB && g->m * w->chunk_cols * size > NEAR_BYTES;
  w->chunk_terms = all ? g->k : min_int(g->k, RP_KB);
  w->share_bytes = (size_t)ceil_div((PACK_TILES * TILE_ROWS * RP_KB + w->chunk_cols * w->chunk_terms) * size, 64) * 64;
  w->scratch = rp_alloc((size_t)w->shares * w->share_bytes);
  return w->scratch ? RP_OK : RP_ENOMEM;
}

/* One column out of many rows is one row out of many columns: c^T = b^T a^T, whose columns fill the vectors. */
static rp_gemm product_turned(const rp_gemm *g)
{
  rp_gemm t = *g;
  t.m = 1;            t.n = g->m;
  t.a = g->b;         t.a_batch = g->b_batch; t.a_inner = g->b_inner; t.a_row = 0;        t.a_col = g->b_row;
  t.b = g->a;         t.b_batch = g->a_batch; t.b_inner = g->a_inner; t.b_row = g->a_col; t.b_col = g->a_row;
  t.c_row = 0;
  t.bias = NULL; /* there is one for all columns: product_bias adds it */
  return t;
}

static rp_status gemm(const rp_gemm *g)
{
  if (g->batch <= 0 || g->m <= 0 || g->n <= 0) return RP_OK;
  bool    turn = g->n == 1 && g->m > 1 && g->c_row == 1;
  rp_gemm turned = turn ? product_turned(g) : *g;
  product w = product_plan(&turned);
  RP_TRY(product_memory(&w));
  if (w.shares == 1) product_shares(&w, 0, 1);
  else               rp_parallel(w.shares, 1, product_shares, &w);
  rp_release(w.scratch);
  if (turn && g->bias) {
    if (g->dtype == RP_FLOAT32) product_bias_f32(g);
    else                        product_bias_f64(g);
  }
  return RP_OK;
}

#endif
