/* rows_body.h: operations on one contiguous row of n numbers (included for float and double by rows.h, where a thread
 * does a row, and by cuda/kernels/rows.h, where a block of threads does it together).
 *
 *   EACH(i, n)  runs over i = 0 .. n-1, in any order, each i by one thread and always the same one
 *   ALONE       the statement is one thread's: a chain in which each number needs the one before
 * total, dot and row_max are the canonical reductions of lanes.h; they see what every EACH before them wrote. */

/* The shift of softmax: the maximum, but 0 when that is infinite, so that e^(x - m) is 0 or inf and not NaN. */
ROW_FN number T(row_shift)(const number *x, int64_t n)
{
  number m = T(row_max)(x, n);
  return m - m == 0 || m != m ? m : 0;
}

ROW_FN void T(exp_shifted)(number *restrict e, const number *x, number m, int64_t n)
{
  EACH(i, n) e[i] = T(exp)(x[i] - m);
}

ROW_FN void T(softmax_row)(number *y, const number *x, int64_t n)
{
  T(exp_shifted)(y, x, T(row_shift)(x, n), n);
  number r = 1 / T(total)(y, n);
  EACH(i, n) y[i] = y[i] * r;
}

/* ln sum_i e^(x_i); e is scratch for n numbers. */
ROW_FN number T(logsumexp_row)(number *e, const number *x, int64_t n)
{
  number m = T(row_shift)(x, n);
  T(exp_shifted)(e, x, m, n);
  return m + T(log)(T(total)(e, n));
}

ROW_FN void T(log_softmax_row)(number *y, const number *x, int64_t n)
{
  number m = T(row_shift)(x, n);
  T(exp_shifted)(y, x, m, n);
  number log_s = T(log)(T(total)(y, n));
  EACH(i, n) y[i] = (x[i] - m) - log_s;
}

ROW_FN number T(standardize_row)(number *y, const number *x, int64_t n, number eps)
{
  number mean = T(total)(x, n) / (number)n;
  EACH(i, n) y[i] = x[i] - mean;
  number r = 1 / T(sqrt)(T(dot)(y, y, n) / (number)n + eps);
  EACH(i, n) y[i] = y[i] * r;
  return r;
}

ROW_FN void T(cumsum_row)(number *y, const number *x, int64_t n)
{
  number s = 0;
  ALONE for (int64_t i = 0; i < n; i++) y[i] = s = i ? s + x[i] : x[i];
}

/* ---- backward: gx from g; gx may be g for softmax, log_softmax and standardize ---- */

ROW_FN void T(softmax_row_back)(number *gx, const number *g, const number *y, int64_t n)
{
  number s = T(dot)(g, y, n);
  EACH(i, n) gx[i] = y[i] * (g[i] - s);
}

ROW_FN void T(log_softmax_row_back)(number *gx, const number *g, const number *y, int64_t n)
{
  number s = T(total)(g, n);
  EACH(i, n) gx[i] = g[i] - T(exp)(y[i]) * s;
}

ROW_FN void T(logsumexp_row_back)(number *restrict gx, number g, const number *x, number y, int64_t n)
{
  EACH(i, n) gx[i] = g * T(exp)(x[i] - y);
}

/* gx = r (g - mean(g) - y mean(g y)), r = 1 / sqrt(var + eps) */
ROW_FN void T(standardize_row_back)(number *gx, const number *g, const number *y, number r, int64_t n)
{
  number a = T(total)(g, n) / (number)n, b = T(dot)(g, y, n) / (number)n;
  EACH(i, n) gx[i] = r * ((g[i] - a) - y[i] * b);
}

ROW_FN void T(cumsum_row_back)(number *gx, const number *g, int64_t n)
{
  number s = 0;
  ALONE for (int64_t i = n - 1; i >= 0; i--) gx[i] = s = i < n - 1 ? s + g[i] : g[i];
}

/* gx_i = g times the product of the others, from products before and after i (a zero among them does no harm). */
ROW_FN void T(prod_row_back)(number *restrict gx, number g, const number *x, int64_t n)
{
  number before = g, after = 1;
  ALONE for (int64_t i = 0; i < n; i++) { gx[i] = before; before = before * x[i]; }
  ALONE for (int64_t i = n - 1; i >= 0; i--) { gx[i] = gx[i] * after; after = after * x[i]; }
}

ROW_FN void T(extreme_row_back)(number *gx, number g, const number *x, number y, int64_t n)
{
  int64_t at = 0;
  while (at < n - 1 && !(x[at] == y || (y != y && x[at] != x[at]))) at++;
  EACH(i, n) gx[i] = i == at ? g : 0;
}

ROW_FN void T(rows_forward)(rp_opcode op, const rp_rows *r, int64_t begin, int64_t end, number *scratch)
{
  const int64_t n = r->cols;
  for (int64_t i = begin; i < end; i++) {
    const number *x = (const number *)r->x + i * n;
    number       *y = (number *)r->y + i * n, v;
    switch (op) {
      case RP_OP_softmax:     T(softmax_row)(y, x, n); break;
      case RP_OP_log_softmax: T(log_softmax_row)(y, x, n); break;
      case RP_OP_logsumexp:   v = T(logsumexp_row)(scratch, x, n); ALONE ((number *)r->y)[i] = v; break;
      case RP_OP_standardize: v = T(standardize_row)(y, x, n, (number)r->eps); ALONE ((number *)r->aux)[i] = v; break;
      default:                T(cumsum_row)(y, x, n); break;
    }
  }
}

ROW_FN void T(rows_backward)(rp_opcode op, const rp_rows *r, int64_t begin, int64_t end)
{
  const int64_t n = r->cols;
  for (int64_t i = begin; i < end; i++) {
    const number *x = (const number *)r->x + i * n, *y = (const number *)r->y, *g = (const number *)r->g;
    number *gx = (number *)r->gx + i * n;
    switch (op) {
      case RP_OP_softmax:     T(softmax_row_back)(gx, g + i * n, y + i * n, n); break;
      case RP_OP_log_softmax: T(log_softmax_row_back)(gx, g + i * n, y + i * n, n); break;
      case RP_OP_logsumexp:   T(logsumexp_row_back)(gx, g[i], x, y[i], n); break;
      case RP_OP_standardize: T(standardize_row_back)(gx, g + i * n, y + i * n, ((const number *)r->aux)[i], n); break;
      case RP_OP_cumsum:      T(cumsum_row_back)(gx, g + i * n, n); break;
      case RP_OP_prod:        T(prod_row_back)(gx, g[i], x, n); break;
      default:                T(extreme_row_back)(gx, g[i], x, y[i], n); break;
    }
  }
}
