/* tile_body.h: the register tile and the packing of its operands (included by tile.h for float and double). */

typedef struct T(tile) {
  int64_t        n;                         /* terms of the chain */
  const number  *a; int64_t a_row, a_term;  /* a(r, p) = a[r a_row + p a_term]; when packed the strides are implied */
  const number  *b; int64_t b_term, b_vec;  /* vector v of term p starts at b[p b_term + v b_vec] */
  const int64_t *b_at;                      /* or at b[b_at[p] + v b_vec] */
  number        *c; int64_t c_row;
  int            cols;                      /* columns written; b has whole vectors of them */
  bool           add;                       /* to what c holds */
  const number  *bias;                      /* NULL, or one for each column; where b_at is used, one for each row */
  const number  *from; int64_t from_row;    /* where b_at is used, with whole vectors: NULL, or what s is added to instead; */
  const number  *next; int64_t next_row;    /* NULL, or what will be written soon */
  soon          *soon; int64_t lines;       /* TILE_PACKED, TILE_BESIDE: what will be read soon, lines for TILE_PACE terms */
} T(tile);

/* The slow way out: some lanes only.  s is rows x vecs vectors. */
static __attribute__((noinline)) void T(tile_finish)(const T(tile) *t, int rows, int vecs, const number *s)
{
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vecs; v++) {
      int lanes = (int)min_int(LANES, t->cols - v * LANES);
      if (lanes <= 0) break;
      number *c = t->c + r * t->c_row + v * LANES;
      T(vec)  x = T(vec_load)(s + (r * vecs + v) * LANES);
      if (t->add)  x = T(vec_add)(T(vec_load_part)(c, lanes), x);
      if (t->bias) x = T(vec_add)(x, T(vec_load_part)(t->bias + v * LANES, lanes));
      T(vec_store_part)(c, x, lanes);
    }
}

/* One term of every sum. */
VEC_FN void T(tile_term)(T(vec) (*acc)[WIDE_VECS], const number *a, int64_t a_row, const number *b, int64_t b_vec, const int rows,
                         const int vecs)
{
  T(vec) bv[WIDE_VECS];
  UNROLL for (int v = 0; v < vecs; v++) bv[v] = T(vec_load)(b + v * b_vec);
  UNROLL for (int r = 0; r < rows; r++) {
    T(vec) ar = T(vec_set1)(a[r * a_row]);
    UNROLL for (int v = 0; v < vecs; v++) acc[r][v] = T(vec_fma)(ar, bv[v], acc[r][v]);
  }
}

/* Columns are packed.  What later tiles need is asked for little by little: a processor waits for few lines at once. */
VEC_FN void T(tile_terms_ahead)(T(vec) (*acc)[WIDE_VECS], const T(tile) *t, int64_t a_row, int64_t a_term, const int rows,
                                const int vecs)
{
  const number *a = t->a, *b = t->b;
  const int64_t n = t->n, next_rows = ceil_div(rows * TILE_PACE, n);
  soon          s = *t->soon;
  for (int64_t p = 0, r = 0; p < n;) {
    for (int64_t end = min_int(r + next_rows, rows); r < end; r++)
      UNROLL for (int v = 0; v < vecs; v++) __builtin_prefetch(t->next + r * t->next_row + v * LANES);
    for (int64_t i = 0; i < t->lines; i++) soon_next(&s);
    for (int64_t end = min_int(p + TILE_PACE, n); p < end; p++, a += a_term, b += vecs * LANES) {
      T(tile_term)(acc, a, a_row, b, LANES, rows, vecs);
      UNROLL for (int v = 0; v < vecs; v++) __builtin_prefetch(b + (TILE_AHEAD * vecs + v) * LANES);
    }
  }
  *t->soon = s;
}

/* rows, vecs and kind are constants wherever this is inlined. */
VEC_FN void T(tile_run)(const T(tile) *t, const int rows, const int vecs, const tile_kind kind)
{
  T(vec)         acc[TILE_ROWS][WIDE_VECS];
  const number  *a = t->a, *b = t->b;
  const int64_t *at = t->b_at;
  const bool     at_terms = kind == TILE_SHIFTED || kind == TILE_APART, a_lies = kind == TILE_DIRECT || kind == TILE_BESIDE;
  const int64_t  a_row = a_lies ? t->a_row : kind == TILE_APART ? TILE_PITCH : 1;
  const int64_t  a_term = a_lies ? t->a_term : kind == TILE_APART ? 1 : rows;
  const int64_t  b_vec = kind == TILE_SHIFTED ? t->b_vec : LANES;
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int v = 0; v < vecs; v++) acc[r][v] = T(vec_set1)(0);
  if (at_terms && t->next) { /* large and far away: it comes while the sums are formed */
    UNROLL for (int r = 0; r < rows; r++)
      UNROLL for (int v = 0; v < vecs; v++) __builtin_prefetch(t->next + r * t->next_row + v * LANES, 1);
  }
  if (kind == TILE_PACKED || kind == TILE_BESIDE) T(tile_terms_ahead)(acc, t, a_row, a_term, rows, vecs);
  else for (int64_t p = 0, n = t->n; p < n; p++) {
    T(tile_term)(acc, a, a_row, at_terms ? b + at[p] : b, b_vec, rows, vecs);
    a += a_term;
    if (!at_terms) b += t->b_term;
  }
  if (at_terms) {
    const number *from = t->from;
    number       *c = t->c;
    if (from) {
      UNROLL for (int r = 0; r < rows; r++, from += t->from_row)
        UNROLL for (int v = 0; v < vecs; v++) acc[r][v] = T(vec_add)(T(vec_load)(from + v * LANES), acc[r][v]);
    }
    if (t->bias) {
      UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vecs; v++) acc[r][v] = T(vec_add)(acc[r][v], T(vec_set1)(t->bias[r]));
    }
    UNROLL for (int r = 0; r < rows; r++, c += t->c_row)
      UNROLL for (int v = 0; v < vecs; v++) T(vec_store)(c + v * LANES, acc[r][v]);
  } else if (t->cols == vecs * LANES) {
    number       *c = t->c;
    const int64_t c_row = t->c_row;
    if (t->add) {
      UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vecs; v++) acc[r][v] = T(vec_add)(T(vec_load)(c + r * c_row + v * LANES), acc[r][v]);
    }
    if (t->bias) {
      UNROLL for (int v = 0; v < vecs; v++) {
        T(vec) bias = T(vec_load)(t->bias + v * LANES);
        UNROLL for (int r = 0; r < rows; r++) acc[r][v] = T(vec_add)(acc[r][v], bias);
      }
    }
    UNROLL for (int r = 0; r < rows; r++)
      UNROLL for (int v = 0; v < vecs; v++) T(vec_store)(c + r * c_row + v * LANES, acc[r][v]);
  } else {
    number s[TILE_ROWS * WIDE_VECS * LANES];
    UNROLL for (int r = 0; r < rows; r++)
      UNROLL for (int v = 0; v < vecs; v++) T(vec_store)(s + (r * vecs + v) * LANES, acc[r][v]);
    T(tile_finish)(t, rows, vecs, s);
  }
}

/* One function for each shape of tile: a switch chooses it. */
#if TILE_ROWS > 12
#define ROWS_13_14(R) R(13) R(14)
#else
#define ROWS_13_14(R)
#endif
#if TILE_ROWS > 6
#define ROWS_7_12(R) R(7) R(8) R(9) R(10) R(11) R(12)
#else
#define ROWS_7_12(R)
#endif
#if TILE_ROWS > 4
#define ROWS_5_6(R) R(5) R(6)
#else
#define ROWS_5_6(R)
#endif
#define EACH_ROWS(R) R(1) R(2) R(3) R(4) ROWS_5_6(R) ROWS_7_12(R) ROWS_13_14(R)

#define ONE_VEC(r)  case r: T(tile_run)(t, r, 1, kind); break;
#define TWO_VECS(r) case r: T(tile_run)(t, r, 2, kind); break;
VEC_FN void T(tile_switch)(const T(tile) *t, int rows, int vecs, const tile_kind kind)
{
  if (vecs == 2) switch (rows) { EACH_ROWS(TWO_VECS) }
  else           switch (rows) { EACH_ROWS(ONE_VEC) }
}
#undef ONE_VEC
#undef TWO_VECS
#undef EACH_ROWS
#undef ROWS_5_6
#undef ROWS_7_12
#undef ROWS_13_14

static void T(tile_packed)(const T(tile) *t, int rows, int vecs)  { T(tile_switch)(t, rows, vecs, TILE_PACKED); }
static void T(tile_beside)(const T(tile) *t, int rows, int vecs)  { T(tile_switch)(t, rows, vecs, TILE_BESIDE); }
static void T(tile_direct)(const T(tile) *t, int rows, int vecs)  { T(tile_switch)(t, rows, vecs, TILE_DIRECT); }
static void T(tile_shifted)(const T(tile) *t, int rows, int vecs) { T(tile_switch)(t, rows, vecs, TILE_SHIFTED); }
static void T(tile_apart)(const T(tile) *t, int rows, int vecs)   { T(tile_switch)(t, rows, vecs, TILE_APART); }

/* At most WIDE_ROWS rows, WIDE_VECS vectors, operands as for TILE_DIRECT: reads long pieces of the rows of b. */
static void T(tile_wide)(const T(tile) *t, int rows)
{
  switch (rows) {
    case 1: T(tile_run)(t, 1, WIDE_VECS, TILE_DIRECT); break;
#if WIDE_ROWS > 1
    case 2: T(tile_run)(t, 2, WIDE_VECS, TILE_DIRECT); break;
#endif
#if WIDE_ROWS > 2
    case 3: T(tile_run)(t, 3, WIDE_VECS, TILE_DIRECT); break;
#endif
  }
}

/* ---- columns whose terms are adjacent ---- */

/* The square x[i][at .. at + LANES - 1], i < LANES, turned: v[p] holds x[i][at + p] in lane i.  Vector by vector the
 * pieces of 16 bytes come from the rows i, i + PIECE, ...; perfect shuffles inside the pieces then turn PIECE vectors. */
VEC_FN void T(load_turned)(T(vec) *v, const number *const *x, int64_t at)
{
  UNROLL for (int q = 0; q < LANES; q += PIECE) {
    T(vec) w[PIECE];
    UNROLL for (int i = 0; i < PIECE; i++) v[q + i] = T(vec_load_pieces)(x + i, at + q);
    UNROLL for (int step = 1; step < PIECE; step *= 2) {
      UNROLL for (int i = 0; i < PIECE / 2; i++) {
        w[2 * i]     = T(vec_zip_lo)(v[q + i], v[q + i + PIECE / 2]);
        w[2 * i + 1] = T(vec_zip_hi)(v[q + i], v[q + i + PIECE / 2]);
      }
      UNROLL for (int i = 0; i < PIECE; i++) v[q + i] = w[i];
    }
  }
}

/* The first of LANES items `item` apart; from n on, the last again: what their lanes hold is not used. */
VEC_FN void T(item_starts)(const number **start, const number *x, int64_t item, int64_t n)
{
  for (int i = 0; i < LANES; i++) start[i] = x + (i < n ? i : n - 1) * item;
}

/* A tile of one vector of columns, b_vec apart, whose terms are adjacent: transposed in registers, never stored. */
VEC_FN void T(tile_turned_run)(const T(tile) *t, const int rows)
{
  T(vec)  acc[TURNED_ROWS], v[LANES];
  int64_t p = 0;
  const number *column[LANES];
  T(item_starts)(column, t->b, t->b_vec, t->cols);
  UNROLL for (int r = 0; r < rows; r++) acc[r] = T(vec_set1)(0);
  for (; p + LANES <= t->n; p += LANES) {
    T(load_turned)(v, column, p);
    UNROLL for (int i = 0; i < LANES; i++)
      UNROLL for (int r = 0; r < rows; r++)
        acc[r] = T(vec_fma)(T(vec_set1)(t->a[r * t->a_row + (p + i) * t->a_term]), v[i], acc[r]);
  }
  for (; p < t->n; p++) {
    number across[LANES];
    for (int i = 0; i < LANES; i++) across[i] = column[i][p];
    UNROLL for (int r = 0; r < rows; r++)
      acc[r] = T(vec_fma)(T(vec_set1)(t->a[r * t->a_row + p * t->a_term]), T(vec_load)(across), acc[r]);
  }
  number s[TURNED_ROWS * LANES];
  UNROLL for (int r = 0; r < rows; r++) T(vec_store)(s + r * LANES, acc[r]);
  T(tile_finish)(t, rows, 1, s);
}

static void T(tile_turned)(const T(tile) *t, int rows)
{
  switch (rows) {
    case 1: T(tile_turned_run)(t, 1); break;
    case 2: T(tile_turned_run)(t, 2); break;
    case 3: T(tile_turned_run)(t, 3); break;
    case 4: T(tile_turned_run)(t, 4); break;
#if TURNED_ROWS > 4
    case 5: T(tile_turned_run)(t, 5); break;
    case 6: T(tile_turned_run)(t, 6); break;
    case 7: T(tile_turned_run)(t, 7); break;
    case 8: T(tile_turned_run)(t, 8); break;
#endif
  }
}

/* ---- packing: out[p width + i] = x[i item + p term] for i < items, anything up to width, for p < n ---- */

static __attribute__((noinline)) void T(pack_square)(number *out, int64_t width, const number *const *row, int64_t at, int lanes)
{
  T(vec) v[LANES];
  T(load_turned)(v, row, at);
  if (lanes == LANES) { UNROLL for (int p = 0; p < LANES; p++) T(vec_store)(out + p * width, v[p]); }
  else                { UNROLL for (int p = 0; p < LANES; p++) T(vec_store_part)(out + p * width, v[p], lanes); }
}

static void T(pack_scattered)(number *out, int64_t width, const number *x, int64_t item, int64_t term, int64_t items, int64_t n)
{
  for (int64_t p = 0; p < n; p++, out += width, x += term) {
    for (int64_t i = 0; i < items; i++) out[i] = x[i * item];
    for (int64_t i = items; i < width; i++) out[i] = 0;
  }
}

static void T(pack_terms)(number *out, int64_t width, const number *x, int64_t item, int64_t items, int64_t n)
{
  int64_t whole = n / LANES * LANES;
  for (int64_t i = 0; i < width && whole > 0; i += LANES) {
    const number *row[LANES];
    int lanes = (int)min_int(LANES, width - i);
    T(item_starts)(row, x + i * item, item, items - i);
    for (int64_t p = 0; p < whole; p += LANES) T(pack_square)(out + p * width + i, width, row, p, lanes);
  }
  T(pack_scattered)(out + whole * width, width, x + whole, item, 1, items, n - whole);
}

/* The same of one vector of items: PACK_TURN terms are read before they are written, because a load that follows a store to the
 * same place in another page waits for it. */
static void T(pack_one)(number *out, int64_t width, const number *x, int64_t term, int items, int64_t n)
{
  T(vec) v[PACK_TURN];
  int64_t p = 0;
  for (; p + PACK_TURN <= n; p += PACK_TURN, x += PACK_TURN * term) {
    UNROLL for (int i = 0; i < PACK_TURN; i++) v[i] = T(vec_load_part)(x + i * term, items);
    UNROLL for (int i = 0; i < PACK_TURN; i++, out += width) T(vec_store_part)(out, v[i], (int)width);
  }
  for (; p < n; p++, x += term, out += width) T(vec_store_part)(out, T(vec_load_part)(x, items), (int)width);
}

static void T(pack_items)(number *out, int64_t width, const number *x, int64_t term, int64_t items, int64_t n)
{
  if (width <= LANES) { T(pack_one)(out, width, x, term, (int)items, n); return; }
  for (int64_t p = 0; p < n; p++, out += width, x += term)
    for (int64_t i = 0; i < width; i += LANES) {
      int use = (int)min_int(LANES, items - i), lanes = (int)min_int(LANES, width - i);
      if (use == LANES) T(vec_store)(out + i, T(vec_load)(x + i));
      else T(vec_store_part)(out + i, T(vec_load_part)(x + i, use < 0 ? 0 : use), lanes);
    }
}

static void T(pack)(number *out, int64_t width, const number *x, int64_t item, int64_t term, int64_t items, int64_t n)
{
  if (item == 1)      T(pack_items)(out, width, x, term, items, n);
  else if (term == 1) T(pack_terms)(out, width, x, item, items, n);
  else                T(pack_scattered)(out, width, x, item, term, items, n);
}
