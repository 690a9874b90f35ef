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

/* Asks for piece `part` of `parts` of n rows of `length` numbers, `apart` from each other. */
static void T(fetch)(const number *x, int64_t n, int64_t apart, int64_t length, int64_t part, int64_t parts)
{
  int64_t end = part_begin(n, parts, part + 1), line = 64 / (int64_t)sizeof *x;
  for (int64_t r = part_begin(n, parts, part); r < end; r++)
    for (int64_t q = 0; q < length; q += line) __builtin_prefetch(x + r * apart + q);
}

/* The same of rows of a in a block of n terms. */
static void T(fetch_rows)(const T(block) *x, int64_t first, int64_t rows, int64_t p, int64_t n, int64_t part, int64_t parts)
{
  const rp_gemm *g = x->g;
  const number  *a = x->a + first * g->a_row + p * g->a_col;
  if (g->a_col == 1)      T(fetch)(a, rows, g->a_row, n, part, parts);
  else if (g->a_row == 1) T(fetch)(a, n, g->a_col, rows, part, parts);
}

/* One panel of columns from j on, read where it lies or packed. */
typedef struct T(panel) { T(tile) t; number *c; int64_t width; bool wide; } T(panel);

static T(panel) T(panel_at)(const T(block) *x, int64_t p, int64_t j, bool pack_b, number *packed)
{
  const rp_gemm *g = x->g;
  int64_t  left = x->cols - j, n = min_int(RP_KB, g->k - p);
  T(panel) w = { .wide = x->rows <= WIDE_ROWS && !pack_b && left >= WIDE_VECS * LANES };
  w.width = w.wide ? WIDE_VECS * LANES : left > LANES ? TILE_COLS : LANES;
  w.t = T(block_tile)(x, p, n, 0, j, min_int(w.width, left));
  w.t.a_row = g->a_row; w.t.a_term = g->a_col;
  w.c = w.t.c;
  w.t.b = x->b + p * g->b_row + j * g->b_col; w.t.b_term = g->b_row;
  if (pack_b || left < w.width) {
    T(pack)(packed, w.width, w.t.b, g->b_col, g->b_row, min_int(w.width, left), n);
    w.t.b = packed; w.t.b_term = w.width;
  }
  return w;
}

/* Row tile i of a panel. */
static void T(panel_tile)(const T(block) *x, T(panel) *w, int64_t p, int64_t tiles, int64_t i)
{
  int64_t first = part_begin(x->rows, tiles, i), rows = part_begin(x->rows, tiles, i + 1) - first;
  w->t.a = x->a + first * x->g->a_row + p * x->g->a_col;
  w->t.c = w->c + first * x->g->c_row;
  if (w->wide) T(tile_wide)(&w->t, (int)rows);
  else         T(tile_direct)(&w->t, (int)rows, (int)(w->width / LANES));
}

/* For operands that the caches hold: a is read where it lies; b too, unless its columns are not adjacent, do not fill
 * the vectors, or lie far apart: then a panel of it is packed on the stack. */
static void T(block_direct)(const T(block) *x, bool pack_b)
{
  const rp_gemm *g = x->g;
  number   packed[RP_KB * TILE_COLS] __attribute__((aligned(VEC_BYTES)));
  int64_t  tiles = ceil_div(x->rows, TILE_ROWS);
  T(panel) w;
  for (int64_t p = 0; p < g->k; p += RP_KB)
    for (int64_t j = 0; j < x->cols; j += w.width) {
      w = T(panel_at)(x, p, j, pack_b, packed);
      for (int64_t i = 0; i < tiles; i++) T(panel_tile)(x, &w, p, tiles, i);
    }
}

/* The same for so few columns that a block of b stays in the first-level cache while rows of a are read once, and in
 * long streams. */
static void T(block_streamed)(const T(block) *x, bool pack_b)
{
  const rp_gemm *g = x->g;
  number   packed[NARROW_PANELS][RP_KB * TILE_COLS] __attribute__((aligned(VEC_BYTES)));
  T(panel) w[NARROW_PANELS];
  int64_t  tiles = ceil_div(x->rows, TILE_ROWS);
  for (int64_t p = 0; p < g->k; p += RP_KB) {
    int panels = 0;
    for (int64_t j = 0; j < x->cols; j += w[panels++].width) w[panels] = T(panel_at)(x, p, j, pack_b, packed[panels]);
    for (int64_t i = 0; i < tiles; i++)
      for (int v = 0; v < panels; v++) T(panel_tile)(x, &w[v], p, tiles, i);
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

/* Columns of a block of terms, packed panel after panel.  Adjacent columns are read in pieces of SPAN_COLS, longer than
 * a panel, because memory is read best in long pieces. */
static void T(pack_columns)(number *out, const number *b, const rp_gemm *g, int64_t cols, int64_t n)
{
  for (int64_t j = 0, width; j < cols; j += width) {
    width = cols - j > LANES ? TILE_COLS : LANES;
    if (g->b_col == 1 && cols - j >= SPAN_COLS) {
      for (int64_t p = 0; p < n; p++)
        for (int v = 0; v < SPAN_COLS / LANES; v++)
          T(vec_store)(out + (j + v / TILE_VECS * TILE_COLS) * n + p * TILE_COLS + v % TILE_VECS * LANES,
                       T(vec_load)(b + p * g->b_row + j + v * LANES));
      width = SPAN_COLS;
    } else T(pack)(out + j * n, width, b + j * g->b_col, g->b_col, g->b_row, min_int(width, cols - j), n);
  }
}

/* Rows of tiles begin .. end - 1 of a block of terms, tile after tile.  SPAN_TERMS terms are taken from all of them before
 * the next, because in a transposed matrix they share cache lines and pages. */
static void T(pack_rows)(number *out, const T(block) *x, int64_t tiles, int64_t begin, int64_t end, int64_t p, int64_t n)
{
  const rp_gemm *g = x->g;
  int64_t start = part_begin(x->rows, tiles, begin), span = g->a_row == 1 ? SPAN_TERMS : n;
  for (int64_t q = 0; q < n; q += span)
    for (int64_t i = begin; i < end; i++) {
      int64_t first = part_begin(x->rows, tiles, i), rows = part_begin(x->rows, tiles, i + 1) - first;
      T(pack)(out + (first - start) * n + q * rows, rows, x->a + first * g->a_row + (p + q) * g->a_col, g->a_row, g->a_col,
              rows, min_int(span, n - q));
    }
}

/* Tiles begin .. end - 1 of the rows, packed in a, by the packed columns j0 .. j0 + cols - 1. */
static void T(block_tiles)(const T(block) *x, int64_t p, int64_t n, int64_t tiles, int64_t begin, int64_t end, const number *a,
                           int64_t j0, int64_t cols, const number *b)
{
  int64_t start = part_begin(x->rows, tiles, begin), panels = ceil_div(cols, TILE_COLS), parts = panels * (end - begin), part = 0;
  int64_t next = part_begin(x->rows, tiles, end), next_rows = part_begin(x->rows, tiles, min_int(tiles, 2 * end - begin)) - next;
  for (int64_t i = begin; i < end; i++) {
    int64_t first = part_begin(x->rows, tiles, i), rows = part_begin(x->rows, tiles, i + 1) - first;
    for (int64_t j = 0, width; j < cols; j += width) {
      width = cols - j > LANES ? TILE_COLS : LANES;
      T(tile) t = T(block_tile)(x, p, n, first, j0 + j, min_int(width, cols - j));
      t.a = a + (first - start) * n;
      t.b = b + j * n;
      T(fetch_rows)(x, next, next_rows, p, n, part++, parts);
      T(tile_packed)(&t, (int)rows, (int)(width / LANES));
    }
  }
}

/* For the rest: PACK_COLS columns of one block of terms are packed and stay in the second-level cache; the rows of a few
 * tiles at a time are packed, and each tile stays in the first while the columns stream past it. */
static void T(block_packed)(const T(block) *x, number *scratch)
{
  const rp_gemm *g = x->g;
  number  *a = scratch, *b = scratch + PACK_TILES * TILE_ROWS * RP_KB;
  int64_t tiles = ceil_div(x->rows, TILE_ROWS), parts = ceil_div(x->cols, PACK_COLS);
  int64_t width = ceil_div(ceil_div(x->cols, parts), TILE_COLS) * TILE_COLS;
  for (int64_t j = 0; j < x->cols; j += width) {
    int64_t cols = min_int(width, x->cols - j);
    for (int64_t p = 0; p < g->k; p += RP_KB) {
      int64_t n = min_int(RP_KB, g->k - p);
      T(pack_columns)(b, x->b + p * g->b_row + j * g->b_col, g, cols, n);
      for (int64_t i = 0; i < tiles; i += PACK_TILES) {
        int64_t end = min_int(tiles, i + PACK_TILES);
        T(pack_rows)(a, x, tiles, i, end, p, n);
        T(block_tiles)(x, p, n, tiles, i, end, a, j, cols, b);
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
  x.a = (const number *)g->a + rp_gemm_at(g, batch, g->a_batch, g->a_inner) + i * g->a_row;
  x.b = (const number *)g->b + rp_gemm_at(g, batch, g->b_batch, g->b_inner) + j * g->b_col;
  if (scratch) T(block_packed)(&x, scratch);
  else if (rows <= TURNED_ROWS && g->b_row == 1 && g->b_col != 1) T(block_turned)(&x);
  else if (w->streamed) T(block_streamed)(&x, w->pack_b);
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
