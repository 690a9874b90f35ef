/* matmul_body.h: the matrix product for one type (included by matmul.h for float and double). */

/* rows x cols of one product of the batch: pointers to their first elements, strides as in g. */
typedef struct T(block) {
  const rp_gemm *g;
  int64_t        rows, cols;
  const number  *a, *b, *bias;
  number        *c;
} T(block);

/* The tile of terms p .. p + n - 1: it adds to what is there unless it is the first, and the last adds the bias. */
static T(tile) T(block_tile)(const T(block) *x, int64_t p, int64_t n, int64_t i, int64_t j, int64_t cols)
{
  T(tile) t = { .n = n, .c = x->c + i * x->g->c_row + j, .c_row = x->g->c_row, .cols = (int)cols, .add = p > 0 };
  if (x->bias && p + n == x->g->k) t.bias = x->bias + j;
  return t;
}

/* For operands that the caches hold: a is read where it lies; b too, unless its columns are not adjacent, do not fill
 * the vectors, or lie far apart: then a panel of it is packed on the stack. */
static void T(block_direct)(const T(block) *x, bool pack_b)
{
  const rp_gemm *g = x->g;
  number  panel[RP_KB * TILE_COLS] __attribute__((aligned(VEC_BYTES)));
  int64_t tiles = ceil_div(x->rows, TILE_ROWS), width;
  for (int64_t p = 0; p < g->k; p += RP_KB)
    for (int64_t j = 0; j < x->cols; j += width) {
      int64_t left = x->cols - j;
      bool    wide = x->rows <= WIDE_ROWS && !pack_b && left >= WIDE_VECS * LANES;
      width = wide ? WIDE_VECS * LANES : left > LANES ? TILE_COLS : LANES;
      T(tile) t = T(block_tile)(x, p, min_int(RP_KB, g->k - p), 0, j, min_int(width, left));
      t.a_row = g->a_row; t.a_term = g->a_col;
      t.b = x->b + p * g->b_row + j * g->b_col; t.b_term = g->b_row;
      if (pack_b || left < width) {
        T(pack)(panel, width, t.b, g->b_col, g->b_row, min_int(width, left), t.n);
        t.b = panel; t.b_term = width;
      }
      for (int64_t i = 0; i < tiles; i++) {
        int64_t first = part_begin(x->rows, tiles, i), rows = part_begin(x->rows, tiles, i + 1) - first;
        t.a = x->a + first * g->a_row + p * g->a_col;
        t.c = x->c + first * g->c_row + j;
        if (wide) T(tile_wide)(&t, (int)rows);
        else      T(tile_direct)(&t, (int)rows, (int)(width / LANES));
      }
    }
}

/* Few rows of a, and columns of b whose terms are adjacent. */
static void T(block_turned)(const T(block) *x)
{
  const rp_gemm *g = x->g;
  for (int64_t j = 0; j < x->cols; j += LANES)
    for (int64_t p = 0; p < g->k; p += RP_KB) {
      T(tile) t = T(block_tile)(x, p, min_int(RP_KB, g->k - p), 0, j, min_int(LANES, x->cols - j));
      t.a = x->a + p * g->a_col; t.a_row = g->a_row; t.a_term = g->a_col;
      t.b = x->b + j * g->b_col + p; t.b_vec = g->b_col;
      T(tile_turned)(&t, (int)x->rows);
    }
}

/* All tiles of the packed rows and columns. */
static void T(block_tiles)(const T(block) *x, int64_t p, int64_t n, int64_t i0, int64_t rows, int64_t j0, int64_t cols,
                           const number *a, const number *b)
{
  int64_t tiles = ceil_div(rows, TILE_ROWS), width;
  for (int64_t j = 0; j < cols; j += width) {
    width = cols - j > LANES ? TILE_COLS : LANES;
    T(tile) t = T(block_tile)(x, p, n, i0, j0 + j, min_int(width, cols - j));
    t.b = b + j * n;
    for (int64_t i = 0; i < tiles; i++) {
      int64_t first = part_begin(rows, tiles, i), end = part_begin(rows, tiles, i + 1);
      t.a = a + first * n;
      t.c = x->c + (i0 + first) * x->g->c_row + j0 + j;
      T(tile_packed)(&t, (int)(end - first), (int)(width / LANES));
    }
  }
}

static void T(pack_rows)(number *out, const T(block) *x, int64_t i0, int64_t rows, int64_t p, int64_t n)
{
  const rp_gemm *g = x->g;
  int64_t tiles = ceil_div(rows, TILE_ROWS);
  for (int64_t i = 0; i < tiles; i++) {
    int64_t first = part_begin(rows, tiles, i), count = part_begin(rows, tiles, i + 1) - first;
    T(pack)(out + first * n, count, x->a + (i0 + first) * g->a_row + p * g->a_col, g->a_row, g->a_col, count, n);
  }
}

static void T(pack_columns)(number *out, const T(block) *x, int64_t j0, int64_t cols, int64_t p, int64_t n)
{
  const rp_gemm *g = x->g;
  for (int64_t j = 0, width; j < cols; j += width) {
    width = cols - j > LANES ? TILE_COLS : LANES;
    T(pack)(out + j * n, width, x->b + p * g->b_row + (j0 + j) * g->b_col, g->b_col, g->b_row, min_int(width, cols - j), n);
  }
}

/* For the rest: PACK_COLS columns of one block of terms are packed, then PACK_ROWS rows at a time; the rows stay in
 * the second-level cache, one panel of columns in the first. */
static void T(block_packed)(const T(block) *x, number *scratch)
{
  int64_t k = x->g->k, col_parts = ceil_div(x->cols, PACK_COLS), row_parts = ceil_div(x->rows, PACK_ROWS);
  number *a = scratch, *b = scratch + min_int(x->rows, PACK_ROWS) * RP_KB;
  for (int64_t u = 0; u < col_parts; u++) {
    int64_t j = u * PACK_COLS, cols = min_int(PACK_COLS, x->cols - j);
    for (int64_t p = 0; p < k; p += RP_KB) {
      int64_t n = min_int(RP_KB, k - p);
      T(pack_columns)(b, x, j, cols, p, n);
      for (int64_t v = 0; v < row_parts; v++) {
        int64_t i = part_begin(x->rows, row_parts, v), rows = part_begin(x->rows, row_parts, v + 1) - i;
        T(pack_rows)(a, x, i, rows, p, n);
        T(block_tiles)(x, p, n, i, rows, j, cols, a, b);
      }
    }
  }
}

/* An empty sum is +0. */
static void T(block_empty)(const T(block) *x)
{
  for (int64_t i = 0; i < x->rows; i++)
    for (int64_t j = 0; j < x->cols; j++) x->c[i * x->g->c_row + j] = x->bias ? 0 + x->bias[j] : 0;
}

static void T(product_run)(const product *w, int64_t batch, int64_t i, int64_t rows, int64_t j, int64_t cols, void *scratch)
{
  const rp_gemm *g = w->g;
  T(block) x = { g, rows, cols, NULL, NULL, g->bias ? (const number *)g->bias + j : NULL,
                 (number *)g->c + batch * g->c_batch + i * g->c_row + j };
  if (g->k == 0) { T(block_empty)(&x); return; }
  x.a = (const number *)g->a + batch * g->a_batch + i * g->a_row;
  x.b = (const number *)g->b + batch * g->b_batch + j * g->b_col;
  if (scratch) T(block_packed)(&x, scratch);
  else if (rows <= TURNED_ROWS && g->b_row == 1 && g->b_col != 1) T(block_turned)(&x);
  else T(block_direct)(&x, w->pack_b);
}

/* The units of share s: batch, then part of the columns, then rows.  Neighbouring rows are done as one block. */
static void T(product_share)(const product *w, int64_t s)
{
  int64_t unit = part_begin(w->units, w->shares, s), end = part_begin(w->units, w->shares, s + 1);
  char   *scratch = w->scratch ? w->scratch + (size_t)s * w->share_bytes : NULL;
  while (unit < end) {
    int64_t tile = unit % w->row_tiles, part = unit / w->row_tiles % w->col_parts, batch = unit / w->row_tiles / w->col_parts;
    int64_t tiles = min_int(min_int(w->row_tiles - tile, end - unit), w->run_tiles);
    int64_t i = part_begin(w->g->m, w->row_tiles, tile), rows = part_begin(w->g->m, w->row_tiles, tile + tiles) - i;
    int64_t j = part * w->part_cols;
    T(product_run)(w, batch, i, rows, j, min_int(w->part_cols, w->g->n - j), scratch);
    unit += tiles;
  }
}

/* c + bias for products of one column. */
static void T(product_bias)(const rp_gemm *g)
{
  const number bias = *(const number *)g->bias;
  for (int64_t b = 0; b < g->batch; b++) {
    number *c = (number *)g->c + b * g->c_batch;
    for (int64_t i = 0; i < g->m; i++) c[i] += bias;
  }
}
