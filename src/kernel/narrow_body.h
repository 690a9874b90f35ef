/* narrow_body.h: rows too short for vectors of their own, NARROW_ROWS of them side by side (included by rows.h for float
 * and double).
 *
 * Element c of row r of a group lies at t[c * NARROW_ROWS + r]: one loop over a group is one loop over vectors, and lane
 * l of the reductions of lanes.h is a vector across the rows.  The order within a row, and so the bits, are the same. */
#define AT(c)       ((c) * NARROW_ROWS)
#define EACH_ROW(n) for (int64_t c = 0; c < (n); c++) for (int r = 0; r < NARROW_ROWS; r++)

/* to[c * to_row + r] = from[r * from_row + c] for r < rows, c < cols: squares of vectors at a time. */
static void T(turn)(number *restrict to, int64_t to_row, const number *from, int64_t from_row, int64_t rows, int64_t cols)
{
  for (int64_t r = 0; r < rows; r += LANES)
    for (int64_t c = 0; c < cols; c += LANES) {
      const int     n_rows = (int)min_int(LANES, rows - r), n_cols = (int)min_int(LANES, cols - c);
      const number *x = from + r * from_row + c, *row[LANES];
      number       *y = to + c * to_row + r, square[LANES * LANES];
      T(vec)        v[LANES];
      if (n_rows == LANES && n_cols == LANES) {
        for (int i = 0; i < LANES; i++) row[i] = x + i * from_row;
        T(load_turned)(v, row, 0);
        UNROLL for (int i = 0; i < LANES; i++) T(vec_store)(y + i * to_row, v[i]);
      } else {
        for (int i = 0; i < LANES; i++) {
          row[i] = square + i * LANES;
          T(vec_store)(square + i * LANES, i < n_rows ? T(vec_load_part)(x + i * from_row, n_cols) : T(vec_set1)(0));
        }
        T(load_turned)(v, row, 0);
        UNROLL for (int i = 0; i < LANES; i++) if (i < n_cols) T(vec_store_part)(y + i * to_row, v[i], n_rows);
      }
    }
}

/* The canonical reduction of n vectors: lanes take every RP_LANES-th, and are halved. */
#define NARROW_REDUCTION(name, COMBINE)                                                                      \
  static void T(name)(number *restrict out, const number *t, int64_t n)                                      \
  {                                                                                                          \
    number lane[RP_LANES * NARROW_ROWS];                                                                     \
    const int64_t lanes = min_int(n, RP_LANES);                                                              \
    memcpy(lane, t, (size_t)AT(lanes) * sizeof *t);                                                          \
    for (int64_t c = RP_LANES; c < n; c++)                                                                   \
      for (int r = 0; r < NARROW_ROWS; r++)                                                                  \
        lane[AT(c % RP_LANES) + r] = COMBINE(lane[AT(c % RP_LANES) + r], t[AT(c) + r]);                      \
    for (int64_t half = RP_LANES / 2; half > 0; half /= 2)                                                   \
      for (int64_t l = 0; l < half && l + half < lanes; l++)                                                 \
        for (int r = 0; r < NARROW_ROWS; r++) lane[AT(l) + r] = COMBINE(lane[AT(l) + r], lane[AT(l + half) + r]); \
    memcpy(out, lane, NARROW_ROWS * sizeof *out);                                                            \
  }
#define PLUS(a, b) ((a) + (b))
NARROW_REDUCTION(narrow_sum, PLUS)
NARROW_REDUCTION(narrow_max, T(maximum))
#undef PLUS
#undef NARROW_REDUCTION

/* e = e^(t - m), m being the shift of softmax, s the sums. */
static void T(narrow_exp)(number *e, const number *t, number *restrict m, number *restrict s, int64_t n)
{
  T(narrow_max)(m, t, n);
  for (int r = 0; r < NARROW_ROWS; r++) m[r] = m[r] - m[r] == 0 || m[r] != m[r] ? m[r] : 0;
  EACH_ROW(n) e[AT(c) + r] = T(exp)(t[AT(c) + r] - m[r]);
  T(narrow_sum)(s, e, n);
}

static void T(narrow_softmax)(number *t, int64_t n)
{
  number m[NARROW_ROWS], s[NARROW_ROWS];
  T(narrow_exp)(t, t, m, s, n);
  for (int r = 0; r < NARROW_ROWS; r++) s[r] = 1 / s[r];
  EACH_ROW(n) t[AT(c) + r] = t[AT(c) + r] * s[r];
}

/* out may be NULL: then t becomes log_softmax, otherwise out = logsumexp. */
static void T(narrow_log_softmax)(number *t, number *e, number *out, int64_t n)
{
  number m[NARROW_ROWS], s[NARROW_ROWS];
  T(narrow_exp)(e, t, m, s, n);
  for (int r = 0; r < NARROW_ROWS; r++) s[r] = T(log)(s[r]);
  if (out) for (int r = 0; r < NARROW_ROWS; r++) out[r] = m[r] + s[r];
  else     EACH_ROW(n) t[AT(c) + r] = (t[AT(c) + r] - m[r]) - s[r];
}

/* scale = 1 / sqrt(var + eps) */
static void T(narrow_standardize)(number *t, number *squares, number *scale, int64_t n, number eps)
{
  number s[NARROW_ROWS];
  T(narrow_sum)(s, t, n);
  for (int r = 0; r < NARROW_ROWS; r++) s[r] = s[r] / (number)n;
  EACH_ROW(n) t[AT(c) + r] = t[AT(c) + r] - s[r];
  EACH_ROW(n) squares[AT(c) + r] = t[AT(c) + r] * t[AT(c) + r];
  T(narrow_sum)(s, squares, n);
  for (int r = 0; r < NARROW_ROWS; r++) scale[r] = 1 / T(sqrt)(s[r] / (number)n + eps);
  EACH_ROW(n) t[AT(c) + r] = t[AT(c) + r] * scale[r];
}

/* ---- backward: g becomes gx; p is room for products ---- */

static void T(narrow_softmax_back)(number *g, const number *y, number *p, int64_t n)
{
  number s[NARROW_ROWS];
  EACH_ROW(n) p[AT(c) + r] = g[AT(c) + r] * y[AT(c) + r];
  T(narrow_sum)(s, p, n);
  EACH_ROW(n) g[AT(c) + r] = y[AT(c) + r] * (g[AT(c) + r] - s[r]);
}

static void T(narrow_log_softmax_back)(number *g, const number *y, int64_t n)
{
  number s[NARROW_ROWS];
  T(narrow_sum)(s, g, n);
  EACH_ROW(n) g[AT(c) + r] = g[AT(c) + r] - T(exp)(y[AT(c) + r]) * s[r];
}

static void T(narrow_standardize_back)(number *g, const number *y, number *p, const number *scale, int64_t n)
{
  number a[NARROW_ROWS], b[NARROW_ROWS];
  EACH_ROW(n) p[AT(c) + r] = g[AT(c) + r] * y[AT(c) + r];
  T(narrow_sum)(a, g, n);
  T(narrow_sum)(b, p, n);
  for (int r = 0; r < NARROW_ROWS; r++) { a[r] = a[r] / (number)n; b[r] = b[r] / (number)n; }
  EACH_ROW(n) g[AT(c) + r] = scale[r] * ((g[AT(c) + r] - a[r]) - y[AT(c) + r] * b[r]);
}

/* ---- groups of rows ---- */

static void T(narrow_forward)(rp_opcode op, const rp_rows *r, int64_t begin, int64_t end)
{
  const int64_t n = r->cols;
  number t[AT(NARROW_COLS)] = { 0 }, u[AT(NARROW_COLS)], aux[NARROW_ROWS];
  for (int64_t rows; begin < end; begin += rows) {
    rows = min_int(NARROW_ROWS, end - begin);
    T(turn)(t, NARROW_ROWS, (const number *)r->x + begin * n, n, rows, n);
    switch (op) {
      case RP_OP_softmax:     T(narrow_softmax)(t, n); break;
      case RP_OP_log_softmax: T(narrow_log_softmax)(t, u, NULL, n); break;
      case RP_OP_logsumexp:   T(narrow_log_softmax)(t, u, aux, n); break;
      default:                T(narrow_standardize)(t, u, aux, n, (number)r->eps); break;
    }
    if (op == RP_OP_logsumexp) { memcpy((number *)r->y + begin, aux, (size_t)rows * sizeof *aux); continue; }
    if (op == RP_OP_standardize) memcpy((number *)r->aux + begin, aux, (size_t)rows * sizeof *aux);
    T(turn)((number *)r->y + begin * n, n, t, NARROW_ROWS, n, rows);
  }
}

static void T(narrow_backward)(rp_opcode op, const rp_rows *r, int64_t begin, int64_t end)
{
  const int64_t n = r->cols;
  number g[AT(NARROW_COLS)] = { 0 }, y[AT(NARROW_COLS)] = { 0 }, p[AT(NARROW_COLS)], scale[NARROW_ROWS] = { 0 };
  for (int64_t rows; begin < end; begin += rows) {
    rows = min_int(NARROW_ROWS, end - begin);
    T(turn)(g, NARROW_ROWS, (const number *)r->g + begin * n, n, rows, n);
    T(turn)(y, NARROW_ROWS, (const number *)r->y + begin * n, n, rows, n);
    if (op == RP_OP_standardize) memcpy(scale, (const number *)r->aux + begin, (size_t)rows * sizeof *scale);
    switch (op) {
      case RP_OP_softmax:     T(narrow_softmax_back)(g, y, p, n); break;
      case RP_OP_log_softmax: T(narrow_log_softmax_back)(g, y, n); break;
      default:                T(narrow_standardize_back)(g, y, p, scale, n); break;
    }
    T(turn)((number *)r->gx + begin * n, n, g, NARROW_ROWS, n, rows);
  }
}

#undef AT
#undef EACH_ROW
