/* kmeans.c: Lloyd's algorithm with k-means++ seeding.
 *
 * Threads share the search for nearest centres, one output per point; every sum over points runs alone, in ascending
 * order. */
#include "base/philox.h"
#include "base/pool.h"
#include "kernel/linalg_core.h"

enum { TILE = 32 };

typedef struct clustering {
  const double *X;           /* (n,d) borrowed */
  int64_t       n, d, k;
  double       *centres;     /* (k,d) */
  double       *transposed;  /* (d,k) the same, so that the distances to neighbouring centres vectorise */
  double       *sums;        /* (k,d) */
  double       *distance;    /* (n) squared, to the point's own centre */
  double       *difference;  /* (d) */
  int64_t      *count;       /* (k) points in each cluster */
  int32_t      *labels, *previous; /* (n) */
} clustering;

/* Uniform in [0,1): 53 bits of draw c of a restart. */
static double uniform(const rp_kmeans_options *o, int64_t block)
{
  rp_philox_block b = rp_philox(o->seed, o->stream, (uint64_t)block);
  return ((double)(b.word[0] >> 5) * 0x1p26 + (double)(b.word[1] >> 6)) * 0x1p-53;
}

/* The point at which the running sum of distances first exceeds u times the whole; any point, uniformly, if every
 * point already is a centre. */
static int64_t draw_point(const clustering *c, double u)
{
  double total = 0.0, running = 0.0;
  int64_t last = -1;
  for (int64_t i = 0; i < c->n; i++) total += c->distance[i];
  if (total == 0.0) return (int64_t)(u * (double)c->n);
  for (int64_t i = 0; i < c->n; i++) {
    if (c->distance[i] == 0.0) continue;
    last = i;
    running += c->distance[i];
    if (running > u * total) return i;
  }
  return last;
}

/* distance_i = min(distance_i, |x_i - x_chosen|^2) */
static void shorten(clustering *c, int64_t chosen)
{
  for (int64_t i = 0; i < c->n; i++) {
    const double *x = c->X + i * c->d, *y = c->X + chosen * c->d;
    for (int64_t j = 0; j < c->d; j++) c->difference[j] = x[j] - y[j];
    double square = linalg_dot(c->difference, c->difference, c->d);
    if (square < c->distance[i]) c->distance[i] = square;
  }
}

/* k-means++: the first centre is any point, each next one a point drawn in proportion to its squared distance from the
 * centres so far. */
static void seed_centres(clustering *c, const rp_kmeans_options *o, int64_t restart)
{
  for (int64_t i = 0; i < c->n; i++) c->distance[i] = INFINITY;
  for (int64_t l = 0; l < c->k; l++) {
    double  u = uniform(o, restart * c->k + l);
    int64_t chosen = l == 0 ? (int64_t)(u * (double)c->n) : draw_point(c, u);
    linalg_copy(c->centres + l * c->d, c->X + chosen * c->d, c->d);
    if (l + 1 < c->k) shorten(c, chosen);
  }
}

/* Labels and distances of points begin .. end-1: |x - c|^2 is summed over coordinates in ascending order. */
static void label_points(void *context, int64_t begin, int64_t end)
{
  clustering *c = context;
  for (int64_t i = begin; i < end; i++) {
    const double *x = c->X + i * c->d;
    double least = INFINITY;
    for (int64_t l = 0; l < c->k; l += TILE) {
      double  square[TILE] = { 0 };
      int64_t width = c->k - l < TILE ? c->k - l : TILE;
      for (int64_t j = 0; j < c->d; j++) {
        const double *restrict row = c->transposed + j * c->k + l;
        for (int64_t t = 0; t < width; t++) square[t] += (x[j] - row[t]) * (x[j] - row[t]);
      }
      for (int64_t t = 0; t < width; t++)
        if (square[t] < least) {
          least = square[t];
          c->labels[i] = (int32_t)(l + t);
        }
    }
    c->distance[i] = least;
  }
}

/* Every point to its nearest centre; 1 if a label differs from before. */
static int assign(clustering *c)
{
  memcpy(c->previous, c->labels, (size_t)c->n * sizeof *c->labels);
  linalg_transpose(c->transposed, c->centres, c->k, c->d);
  rp_parallel(c->n, 65536 / (c->d * c->k + 1) + 1, label_points, c);
  return memcmp(c->previous, c->labels, (size_t)c->n * sizeof *c->labels) != 0;
}

/* The point farthest from its centre among clusters of two points or more; -1 if all such lie on their centres. */
static int64_t farthest(const clustering *c)
{
  int64_t best = -1;
  for (int64_t i = 0; i < c->n; i++)
    if (c->count[c->labels[i]] > 1 && c->distance[i] > (best < 0 ? 0.0 : c->distance[best])) best = i;
  return best;
}

static void fill_empty(clustering *c)
{
  memset(c->count, 0, (size_t)c->k * sizeof *c->count);
  for (int64_t i = 0; i < c->n; i++) c->count[c->labels[i]]++;
  for (int64_t l = 0; l < c->k; l++) {
    int64_t i;
    if (c->count[l] > 0 || (i = farthest(c)) < 0) continue;
    c->count[c->labels[i]]--;
    c->count[l] = 1;
    c->labels[i] = (int32_t)l;
    c->distance[i] = 0.0;
  }
}

/* Centres become the means of their points (one without points stays); returns the sum of squared shifts. */
static double move_centres(clustering *c)
{
  double shift = 0.0;
  linalg_zero(c->sums, c->k * c->d);
  for (int64_t i = 0; i < c->n; i++) linalg_axpy(c->sums + c->labels[i] * c->d, 1.0, c->X + i * c->d, c->d);
  for (int64_t l = 0; l < c->k; l++) {
    if (c->count[l] == 0) continue;
    for (int64_t j = 0; j < c->d; j++) {
      double mean = c->sums[l * c->d + j] / (double)c->count[l], step = mean - c->centres[l * c->d + j];
      c->centres[l * c->d + j] = mean;
      shift += step * step;
    }
  }
  return shift;
}

/* One run from its seeding; returns the inertia.  Labels are those of the final centres. */
static double run(clustering *c, const rp_kmeans_options *o, int64_t restart, double least_shift)
{
  double inertia = 0.0;
  seed_centres(c, o, restart);
  memset(c->labels, 0, (size_t)c->n * sizeof *c->labels);
  assign(c);
  for (int64_t step = 0; step < o->max_iter; step++) {
    fill_empty(c);
    double shift = move_centres(c);
    if (!assign(c) || shift <= least_shift) break;
  }
  for (int64_t i = 0; i < c->n; i++) inertia += c->distance[i];
  return inertia;
}

/* The variance of a coordinate, averaged over coordinates; mean (d) is scratch. */
static double mean_variance(const double *X, double *mean, int64_t n, int64_t d)
{
  double sum = 0.0;
  linalg_zero(mean, d);
  for (int64_t i = 0; i < n; i++) linalg_axpy(mean, 1.0, X + i * d, d);
  for (int64_t j = 0; j < d; j++) mean[j] /= (double)n;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < d; j++) sum += (X[i * d + j] - mean[j]) * (X[i * d + j] - mean[j]);
  return d > 0 ? sum / ((double)n * (double)d) : 0.0;
}

static rp_status check_arguments(const double *X, int64_t n, int64_t d, int64_t k, const rp_kmeans_options *o)
{
  RP_TRY(linalg_check("kmeans", "X", X, n, d));
  if (k < 1 || k > n || k > INT32_MAX)
    return rp_fail(RP_ERANGE, "kmeans: %lld clusters of %lld points: k must be from 1 to n", (long long)k,
                   (long long)n);
  RP_TRY(linalg_check_size("kmeans", "the table of centres", k, d));
  if (o->n_init < 1 || o->max_iter < 1)
    return rp_fail(RP_ERANGE, "kmeans: n_init %lld and max_iter %lld must be at least 1", (long long)o->n_init,
                   (long long)o->max_iter);
  if (!(o->tol >= 0.0)) return rp_fail(RP_ERANGE, "kmeans: tol %.9g must not be negative", o->tol);
  double span = 2.0 * linalg_max_abs(X, n * d);
  if (!isfinite(span * span * (double)d * (double)n))
    return rp_fail(RP_ERANGE, "kmeans: squared distances between entries up to %.9g overflow", span / 2.0);
  return RP_OK;
}

/* Runs all restarts and keeps the best in the outputs. */
static void search(clustering *c, const rp_kmeans_options *o, double *centres, int32_t *labels, double *inertia)
{
  double least = INFINITY, least_shift = o->tol * mean_variance(c->X, c->difference, c->n, c->d);
  for (int64_t restart = 0; restart < o->n_init; restart++) {
    double found = run(c, o, restart, least_shift);
    if (!(found < least)) continue;
    least = found;
    linalg_copy(centres, c->centres, c->k * c->d);
    memcpy(labels, c->labels, (size_t)c->n * sizeof *labels);
  }
  if (inertia) *inertia = least;
}

rp_status rp_kmeans(double *centres, int32_t *labels, double *inertia, const double *X, int64_t n, int64_t d,
                    int64_t k, const rp_kmeans_options *options)
{
  RP_TRY(check_arguments(X, n, d, k, options));
  double  *real = linalg_new(3 * k * d + n + d);
  int64_t *count = rp_alloc((size_t)k * sizeof *count);
  int32_t *whole = rp_alloc((size_t)(2 * n) * sizeof *whole);
  rp_status status = real && count && whole ? RP_OK : RP_ENOMEM;
  if (status == RP_OK) {
    double *transposed = real + k * d, *sums = transposed + k * d, *distance = sums + k * d;
    clustering c = { X, n, d, k, real, transposed, sums, distance, distance + n, count, whole, whole + n };
    search(&c, options, centres, labels, inertia);
  }
  rp_release(whole);
  rp_release(count);
  rp_release(real);
  return status;
}
