/* assignment.c: minimal-cost linear assignment by shortest augmenting paths.
 *
 * Invariant after each row: u_i + v_j <= c_ij for all pairs, with equality on the matched ones; so the matching is
 * optimal among those of the rows entered so far.  A new row is joined by Dijkstra's search over the reduced costs
 * c_ij - u_i - v_j, from the row to the nearest free column, through matched columns and their rows. */
#include "kernel/linalg_core.h"

typedef struct search {
  const double *C;            /* (n,m), n <= m */
  int64_t       n, m;
  double       *u, *v;        /* duals of rows (n) and columns (m) */
  double       *distance;     /* (m) the shortest path found to each column */
  int64_t      *col_of, *row_of; /* (n) and (m), -1 where free */
  int64_t      *from;         /* (m) the row before each column on that path */
  int64_t      *open;         /* (m) the columns whose distance is not final, ascending, in its first n_open */
  int64_t      *final;        /* (m) the others, in the order in which they became final */
  int64_t       n_open, n_final;
} search;

/* Shortens paths to the open columns by way of row i, which lies at `reached` from the start. */
static void relax(search *s, int64_t i, double reached)
{
  const double *row = s->C + i * s->m;
  double base = reached - s->u[i];
  for (int64_t t = 0; t < s->n_open; t++) {
    int64_t j = s->open[t];
    double  path = base + (row[j] - s->v[j]);
    if (path < s->distance[j]) {
      s->distance[j] = path;
      s->from[j] = i;
    }
  }
}

/* Takes the nearest open column out of the list and returns it; -1 if none can be reached.  On a tie a free column
 * comes first, as it ends the search, then the lowest. */
static int64_t take_nearest(search *s)
{
  int64_t best = -1;
  double  least = INFINITY;
  for (int64_t t = 0; t < s->n_open; t++) {
    int64_t j = s->open[t];
    int closer = s->distance[j] < least;
    int freer = best >= 0 && s->distance[j] == least && s->row_of[j] < 0 && s->row_of[s->open[best]] >= 0;
    if (closer || freer) {
      best = t;
      least = s->distance[j];
    }
  }
  if (best < 0) return -1;
  int64_t j = s->open[best];
  memmove(s->open + best, s->open + best + 1, (size_t)(--s->n_open - best) * sizeof *s->open);
  s->final[s->n_final++] = j;
  return j;
}

/* The free column nearest to row `start`, or -1; then final[] holds the columns passed, it last. */
static int64_t find_path(search *s, int64_t start)
{
  s->n_open = s->m;
  s->n_final = 0;
  for (int64_t j = 0; j < s->m; j++) {
    s->open[j] = j;
    s->distance[j] = INFINITY;
  }
  double reached = 0.0;
  for (int64_t i = start, j;; i = s->row_of[j]) {
    relax(s, i, reached);
    if ((j = take_nearest(s)) < 0) return -1;
    reached = s->distance[j];
    if (s->row_of[j] < 0) return j;
  }
}

/* Restores the invariant: what lies nearer than the end of the path moves by the difference. */
static void update_duals(search *s, int64_t start, double reached)
{
  s->u[start] += reached;
  for (int64_t t = 0; t + 1 < s->n_final; t++) {
    int64_t j = s->final[t];
    double  gap = reached - s->distance[j];
    s->u[s->row_of[j]] += gap;
    s->v[j] -= gap;
  }
}

static void augment(search *s, int64_t start, int64_t j)
{
  for (int64_t i = -1; i != start;) {
    i = s->from[j];
    s->row_of[j] = i;
    int64_t next = s->col_of[i];
    s->col_of[i] = j;
    j = next;
  }
}

/* The number of rows that could be matched: n unless forbidden pairs stand in the way. */
static int64_t match(search *s)
{
  for (int64_t i = 0; i < s->n; i++) s->col_of[i] = -1, s->u[i] = 0.0;
  for (int64_t j = 0; j < s->m; j++) s->row_of[j] = -1, s->v[j] = 0.0;
  for (int64_t i = 0; i < s->n; i++) {
    int64_t end = find_path(s, i);
    if (end < 0) return i;
    update_duals(s, i, s->distance[end]);
    augment(s, i, end);
  }
  return s->n;
}

/* Finite or +infinity throughout, and sums along a path cannot overflow. */
static rp_status check_costs(const double *C, int64_t n_rows, int64_t n_cols)
{
  double low = 0.0, high = 0.0;
  RP_TRY(linalg_check_size("assignment", "C", n_rows, n_cols));
  for (int64_t i = 0; i < n_rows * n_cols; i++) {
    if (isnan(C[i]) || C[i] == -INFINITY)
      return rp_fail(RP_ERANGE, "assignment: C(%lld,%lld) is %s", (long long)(i / n_cols) + 1,
                     (long long)(i % n_cols) + 1, isnan(C[i]) ? "nan" : "-inf");
    if (C[i] == INFINITY) continue;
    low = C[i] < low ? C[i] : low;
    high = C[i] > high ? C[i] : high;
  }
  if (!isfinite((high - low) * 4.0 * (double)(n_rows + n_cols)))
    return rp_fail(RP_ERANGE, "assignment: costs from %.9g to %.9g overflow when added", low, high);
  return RP_OK;
}

static double total(const double *C, const int64_t *col_of_row, int64_t n_rows, int64_t n_cols)
{
  double sum = 0.0;
  for (int64_t i = 0; i < n_rows; i++)
    if (col_of_row[i] >= 0) sum += C[i * n_cols + col_of_row[i]];
  return sum;
}

rp_status rp_assignment(int64_t *col_of_row, double *cost, const double *C, int64_t n_rows, int64_t n_cols)
{
  RP_TRY(check_costs(C, n_rows, n_cols));
  int64_t n = n_rows <= n_cols ? n_rows : n_cols, m = n_rows <= n_cols ? n_cols : n_rows;
  int64_t matched = -1;
  double  *real = linalg_new(n * m + n + 2 * m);
  int64_t *whole = rp_alloc((size_t)(n + 4 * m + 1) * sizeof *whole);
  if (real && whole) {
    double *u = real + n * m, *v = u + n, *distance = v + m;
    int64_t *col_of = whole, *row_of = col_of + n, *from = row_of + m, *open = from + m, *final = open + m;
    search s = { real, n, m, u, v, distance, col_of, row_of, from, open, final, 0, 0 };
    if (n_rows <= n_cols) linalg_copy(real, C, n * m);
    else linalg_transpose(real, C, n_rows, n_cols);
    matched = match(&s);
    const int64_t *found = n_rows <= n_cols ? col_of : row_of;
    for (int64_t i = 0; matched == n && i < n_rows; i++) col_of_row[i] = found[i];
    if (matched == n && cost) *cost = total(C, col_of_row, n_rows, n_cols);
  }
  rp_release(whole);
  rp_release(real);
  if (matched < 0) return RP_ENOMEM;
  if (matched < n)
    return rp_fail(RP_ERANGE, "assignment: the forbidden pairs of C (%lldx%lld) leave no complete assignment",
                   (long long)n_rows, (long long)n_cols);
  return RP_OK;
}
