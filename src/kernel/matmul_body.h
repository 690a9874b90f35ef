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

/* Has a tile ask for lines of the first of two operands that has any left. */
static void T(ask)(T(tile) *t, soon *first, soon *second, int64_t lines)
{
  t->soon = first->left > 0 ? first : second;
  t->lines = t->soon->left > 0 ? lines : 0;
  t->soon->left -= t->lines * ceil_div(t->n, TILE_PACE);
}

/* A matrix that will be needed soon, unless it is empty or its rows and columns are apart. */
static soon T(soon_of)(const number *x, int64_t rows, int64_t row, int64_t cols, int64_t col)
{
  const int64_t size = (int64_t)sizeof *x;
  if (rows <= 0 || cols <= 0 || (row != 1 && col != 1)) return (soon){ 0 };
  return col == 1 ? soon_of(x, rows, cols * size, row * size) : soon_of(x, cols, rows * size, col * size);
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
static void T(panel_tile)(const T(block) *x, T(panel) *w, int64_t p, int64_t tiles, int64_t i, soon *next, int64_t lines)
{
  int64_t first = part_begin(x->rows, tiles, i), rows = part_begin(x->rows, tiles, i + 1) - first;
  w->t.a = x->a + first * x->g->a_row + p * x->g->a_col;
  w->t.c = w->c + first * x->g->c_row;
  w->t.next = w->t.c; w->t.next_row = w->t.c_row;
  if (next) {
    T(ask)(&w->t, next[0].left > 0 ? next : next + 1, next + 2, lines);
    T(tile_beside)(&w->t, (int)rows, (int)(w->width / LANES));
  } else if (w->wide) T(tile_wide)(&w->t, (int)rows);
  else T(tile_direct)(&w->t, (int)rows, (int)(w->width / LANES));
}

/* For operands that the caches hold: a is read where it lies; b too, unless its columns are not adjacent, do not fill
 * the vectors, or lie far apart: then a panel of it is packed on the stack.  next: NULL, or a, b and c of the product
 * that follows in the batch, which are asked for meanwhile. */
static void T(block_direct)(const T(block) *x, bool pack_b, soon *next)
{
  const rp_gemm *g = x->g;
  number   packed[RP_KB * TILE_COLS] __attribute__((aligned(VEC_BYTES)));
  int64_t  tiles = ceil_div(x->rows, TILE_ROWS), lines = 0;
  T(panel) w;
  int64_t  paces = tiles * ceil_div(x->cols, TILE_COLS) * ceil_div(g->k, TILE_PACE);
  if (next) lines = ceil_div(next[0].left + next[1].left + next[2].left, paces);
  for (int64_t p = 0; p < g->k; p += RP_KB)
    for (int64_t j = 0; j < x->cols; j += w.width) {
      w = T(panel_at)(x, p, j, pack_b || next, packed);
      for (int64_t i = 0; i < tiles; i++) T(panel_tile)(x, &w, p, tiles, i, next, lines);
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
    width = g->b_col == 1 ? min_int(cols - j, SPAN_COLS) / TILE_COLS * TILE_COLS : 0;
    for (int64_t p = 0; p < n && width > 0; p++)
      for (int64_t i = 0; i < width; i += TILE_COLS)
        for (int v = 0; v < TILE_VECS; v++)
          T(vec_store)(out + (j + i) * n + p * TILE_COLS + v * LANES, T(vec_load)(b + p * g->b_row + j + i + v * LANES));
    if (width > 0) continue;
    width = cols - j > LANES ? TILE_COLS : LANES;
    T(pack)(out + j * n, width, b + j * g->b_col, g->b_col, g->b_row, min_int(width, cols - j), n);
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

/* A chunk of b, packed: columns j .. j + cols - 1 of terms p .. p + n - 1.  It stays in the second-level cache. */
typedef struct T(chunk) {
  int64_t j, cols, p, n;
  const number *b;
  soon    next;            /* the chunk after it */
  int64_t share;           /* lines of that asked for with each group of tiles of each block */
} T(chunk);

/* Tiles begin .. end - 1 of `tiles`, and their rows. */
typedef struct T(group) { int64_t tiles, begin, end, first, rows; } T(group);

static T(group) T(group_of)(const T(block) *x, int64_t begin)
{
  T(group) r = { .tiles = ceil_div(x->rows, TILE_ROWS), .begin = begin };
  r.end = min_int(r.tiles, begin + PACK_TILES);
  r.first = part_begin(x->rows, r.tiles, begin);
  r.rows = part_begin(x->rows, r.tiles, r.end) - r.first;
  return r;
}

/* A group, packed in a (NULL: where it lies), by n terms of a chunk from p on.  Each tile stays in the first-level cache
 * while the columns stream past it.  Meanwhile c of the next tile is asked for, what a is needed next, and the share of
 * the next chunk. */
static void T(group_run)(const T(block) *x, T(chunk) *k, const T(group) *r, int64_t p, int64_t n, const number *a,
                         soon next_a)
{
  const rp_gemm *g = x->g;
  const number  *b = k->b + (p - k->p) * ceil_div(k->cols, LANES) * LANES;
  const int64_t  paces = (r->end - r->begin) * ceil_div(k->cols, TILE_COLS) * ceil_div(n, TILE_PACE);
  const int64_t  lines = ceil_div(next_a.left + min_int(k->share, k->next.left), paces);
  for (int64_t i = r->begin; i < r->end; i++) {
    int64_t first = part_begin(x->rows, r->tiles, i), rows = part_begin(x->rows, r->tiles, i + 1) - first;
    for (int64_t j = 0, width; j < k->cols; j += width) {
      width = k->cols - j > LANES ? TILE_COLS : LANES;
      T(tile) t = T(block_tile)(x, p, n, first, k->j + j, min_int(width, k->cols - j));
      t.a = a ? a + (first - r->first) * n : x->a + first * g->a_row + p * g->a_col;
      t.a_row = g->a_row; t.a_term = g->a_col;
      t.b = b + j * n;
      t.next_row = t.c_row;
      t.next = j + width < k->cols ? t.c + width : i + 1 < r->end ? x->c + (first + rows) * t.c_row + k->j : t.c;
      T(ask)(&t, &next_a, &k->next, lines);
      if (a) T(tile_packed)(&t, (int)rows, (int)(width / LANES));
      else   T(tile_beside)(&t, (int)rows, (int)(width / LANES));
    }
  }
}

/* What is needed of a when a group has had the terms before p: its next terms in the chunk, else the next group, else the
 * first one for the next chunk. */
static soon T(next_rows)(const T(block) *x, const T(chunk) *k, const T(group) *r, int64_t p)
{
  const rp_gemm *g = x->g;
  T(group) next = *r;
  if (p == k->p + k->n) {
    next = T(group_of)(x, r->end < r->tiles ? r->end : 0);
    if (next.begin > 0) p = k->p;
  }
  return T(soon_of)(x->a + next.first * g->a_row + p * g->a_col, next.rows, g->a_row, min_int(RP_KB, g->k - p), g->a_col);
}

/* All rows by a chunk, a group after the other. */
static void T(chunk_run)(const T(block) *x, T(chunk) *k, number *a)
{
  T(group) r = T(group_of)(x, 0);
  k->share = ceil_div(k->next.left, ceil_div(r.tiles, PACK_TILES) * ceil_div(k->n, RP_KB));
  for (; r.begin < r.tiles; r = T(group_of)(x, r.end))
    for (int64_t p = k->p, n; p < k->p + k->n; p += n) {
      n = min_int(RP_KB, k->p + k->n - p);
      if (a) T(pack_rows)(a, x, r.tiles, r.begin, r.end, p, n);
      T(group_run)(x, k, &r, p, n, a, T(next_rows)(x, k, &r, p + n));
    }
}

/* For operands that the caches do not hold. */
static void T(block_packed)(const product *w, const T(block) *x, number *scratch)
{
  const rp_gemm *g = x->g;
  const int64_t  cols = w->chunk_cols, terms = w->chunk_terms;
  number        *b = scratch + PACK_TILES * TILE_ROWS * RP_KB;
  for (int64_t j = 0; j < x->cols; j += cols)
    for (int64_t p = 0; p < g->k; p += terms) {
      T(chunk) k = { .j = j, .cols = min_int(cols, x->cols - j), .p = p, .n = min_int(terms, g->k - p), .b = b };
      for (int64_t q = 0; q < k.n; q += RP_KB)
        T(pack_columns)(b + q * ceil_div(k.cols, LANES) * LANES, x->b + (p + q) * g->b_row + j * g->b_col, g, k.cols,
                        min_int(RP_KB, k.n - q));
      bool    down = p + terms < g->k;
      int64_t next_p = down ? p + terms : 0, next_j = down ? j : j + cols;
      k.next = T(soon_of)(x->b + next_p * g->b_row + next_j * g->b_col, min_int(terms, g->k - next_p), g->b_row,
                          min_int(cols, x->cols - next_j), g->b_col);
      T(chunk_run)(x, &k, w->pack_a ? scratch : NULL);
    }
}

/* An empty sum is +0. */
static void T(block_empty)(const T(block) *x)
{
  for (int64_t i = 0; i < x->rows; i++)
    for (int64_t j = 0; j < x->cols; j++) x->c[i * x->g->c_row + j] = x->bias ? 0 + x->bias[j] : 0;
}

/* Part of one product. */
static T(block) T(block_at)(const product *w, int64_t batch, int64_t i, int64_t rows, int64_t j, int64_t cols)
{
  const rp_gemm *g = w->g;
  T(block) x = { g, rows, cols, g->a, g->b, g->bias ? (const number *)g->bias + j : NULL,
                 (number *)g->c + batch * g->c_batch + i * g->c_row + j };
  if (g->k == 0) return x;
  x.a += rp_gemm_at(g, batch, g->a_batch, g->a_inner) + i * g->a_row;
  x.b += rp_gemm_at(g, batch, g->b_batch, g->b_inner) + j * g->b_col;
  return x;
}

static void T(block_run)(const product *w, const T(block) *x, soon *next, void *scratch)
{
  const rp_gemm *g = w->g;
  if (g->k == 0) T(block_empty)(x);
  else if (scratch) T(block_packed)(w, x, scratch);
  else if (x->rows <= TURNED_ROWS && g->b_row == 1 && g->b_col != 1) T(block_turned)(x);
  else T(block_direct)(x, w->pack_b, next);
}

/* The units of share s: batch, then part of the columns, then rows.  Neighbouring rows are done as one block. */
static void T(product_share)(const product *w, int64_t s)
{
  const rp_gemm *g = w->g;
  int64_t unit = part_begin(w->units, w->shares, s), end = part_begin(w->units, w->shares, s + 1);
  char   *scratch = w->scratch ? w->scratch + (size_t)s * w->share_bytes : NULL;
  while (unit < end) {
    int64_t tile = unit % w->row_tiles, part = unit / w->row_tiles % w->col_parts, batch = unit / w->row_tiles / w->col_parts;
    int64_t tiles = min_int(min_int(w->row_tiles - tile, end - unit), w->run_tiles);
    int64_t i = part_begin(g->m, w->row_tiles, tile), rows = part_begin(g->m, w->row_tiles, tile + tiles) - i;
    int64_t j = part * w->part_cols;
    T(block) x = T(block_at)(w, batch, i, rows, j, min_int(w->part_cols, g->n - j));
    soon     next[3] = { { 0 } };
    unit += tiles;
    if (w->far && unit < end) {
      T(block) y = T(block_at)(w, unit / w->row_tiles / w->col_parts, 0, g->m, 0, g->n);
      next[0] = T(soon_of)(y.a, g->m, g->a_row, g->k, g->a_col);
      next[1] = T(soon_of)(y.b, g->k, g->b_row, g->n, g->b_col);
      next[2] = T(soon_of)(y.c, g->m, g->c_row, g->n, 1);
    }
    T(block_run)(w, &x, w->far ? next : NULL, scratch);
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
