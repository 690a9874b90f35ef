/* driver.c [THREADS]: one line with a hash for every operation and gradient, for random numbers, two short trainings and
 * the linear algebra.  Two builds that print the same lines compute the same bits.
 *
 * It needs the rooms base, kernel, tensor and grad alone, so that it can be built for another processor without the
 * libraries that the program uses.  REPRO_ISA chooses the instruction set, as for the program; `driver isas` lists them. */
#include "base/memory.h"
#include "base/pool.h"
#include "kernel/linalg.h"
#include "operations.h"

/* ---- random numbers ---- */

static void all_draws(void)
{
  static const struct { const char *name; rp_distribution kind; rp_dtype dtype; double a, b; } kinds[] = {
    { "uniform float32", RP_UNIFORM, RP_FLOAT32, -1.5, 2 }, { "uniform float64", RP_UNIFORM, RP_FLOAT64, -1.5, 2 },
    { "normal float32", RP_NORMAL, RP_FLOAT32, 0.1, 3 },    { "normal float64", RP_NORMAL, RP_FLOAT64, 0.1, 3 },
    { "integers", RP_INTEGERS, RP_INT64, -7, 1000 },        { "bits", RP_BITS, RP_INT64, 0, 0 } };
  const int64_t n = 10007;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    rp_tensor *x = drawn(kinds[i].kind, kinds[i].dtype, 1, &n, kinds[i].a, kinds[i].b);
    print_tensors(kinds[i].name, &x, 1);
    rp_tensor_drop(x);
  }
}

/* ---- training ---- */

enum { MOST = 8 };

typedef struct model { rp_tensor *p[MOST], *m[MOST], *v[MOST]; int n; } model;

static rp_tensor *parameter(model *net, double scale, int ndim, const int64_t *shape)
{
  int k = net->n++;
  net->p[k] = drawn(RP_NORMAL, RP_FLOAT32, ndim, shape, 0, scale);
  net->p[k]->requires_grad = true;
  MUST(rp_tensor_full(&net->m[k], RP_FLOAT32, ndim, shape, 0));
  MUST(rp_tensor_full(&net->v[k], RP_FLOAT32, ndim, shape, 0));
  return net->p[k];
}

static void adam_step(model *net, int step)
{
  double b1 = 1, b2 = 1;
  for (int i = 0; i < step; i++) { b1 *= 0.9; b2 *= 0.999; }
  for (int k = 0; k < net->n; k++) {
    rp_tensor *p = net->p[k];
    rp_slice   s = { .n = rp_count(&p->a), .p = rp_data(p), .g = rp_data(p->grad), .m = rp_data(net->m[k]), .v = rp_data(net->v[k]) };
    rp_update  u = { .dtype = RP_FLOAT32, .n_slices = 1, .slice = &s, .lr = 3e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.01,
                     .scale = 1, .correction1 = 1 - b1, .correction2 = 1 - b2, .decoupled = true };
    MUST(rp_device_now()->adam(&u));
    p->storage->version++;
    rp_tensor_drop(p->grad);
    p->grad = NULL;
  }
}

/* *x = op(*x, b, c), the former *x dropped. */
static void then(rp_tensor **x, rp_opcode op, rp_tensor *b, rp_tensor *c, int n_in, int n_attr, const rp_attr *attr)
{
  rp_tensor *in[3] = { *x, b, c };
  rp_call    call = { .op = op, .n_in = n_in, .in = in, .n_attr = n_attr };
  if (n_attr) memcpy(call.attr, attr, (size_t)n_attr * sizeof *attr);
  MUST(rp_apply(&call));
  rp_tensor_drop(*x);
  *x = call.out[0];
}

/* -mean log softmax(y)_label */
static rp_tensor *cross_entropy(rp_tensor *y, rp_tensor *label)
{
  static const rp_attr along[1] = { I(2) }, mean_of[2] = { ALL, I(0) };
  then(&y, RP_OP_log_softmax, NULL, NULL, 1, 1, along);
  then(&y, RP_OP_gather, label, NULL, 2, 1, along);
  then(&y, RP_OP_mean, NULL, NULL, 1, 2, mean_of);
  then(&y, RP_OP_neg, NULL, NULL, 1, 0, NULL);
  return y;
}

static rp_tensor *perceptron(const model *net, rp_tensor *x)
{
  static const rp_attr norm[2] = { I(1), R(1e-5) };
  rp_tensor *y = rp_tensor_keep(x);
  then(&y, RP_OP_linear, net->p[0], net->p[1], 3, 0, NULL);
  then(&y, RP_OP_gelu, NULL, NULL, 1, 0, NULL);
  then(&y, RP_OP_standardize, NULL, NULL, 1, 2, norm);
  then(&y, RP_OP_linear, net->p[2], net->p[3], 3, 0, NULL);
  then(&y, RP_OP_tanh, NULL, NULL, 1, 0, NULL);
  then(&y, RP_OP_linear, net->p[4], net->p[5], 3, 0, NULL);
  return y;
}

static rp_tensor *convolutional(const model *net, rp_tensor *x)
{
  static const rp_attr same[4] = { I(1), I(1), I(1), I(1) }, half[4] = { I(2), I(1), I(1), I(1) };
  static const rp_attr flat[1] = { LIST2(16, -1) };
  rp_tensor *y = rp_tensor_keep(x);
  then(&y, RP_OP_conv, net->p[0], net->p[1], 3, 4, same);
  then(&y, RP_OP_silu, NULL, NULL, 1, 0, NULL);
  then(&y, RP_OP_conv, net->p[2], net->p[3], 3, 4, half);
  then(&y, RP_OP_relu, NULL, NULL, 1, 0, NULL);
  then(&y, RP_OP_reshape, NULL, NULL, 1, 1, flat);
  then(&y, RP_OP_linear, net->p[4], net->p[5], 3, 0, NULL);
  return y;
}

static void train(const char *name, model *net, rp_tensor *(*forward)(const model *, rp_tensor *), rp_tensor *x, rp_tensor *label, int steps)
{
  char text[64];
  for (int step = 1; step <= steps; step++) {
    rp_tensor *loss = cross_entropy(forward(net, x), label);
    MUST(rp_backward(loss, NULL, false));
    adam_step(net, step);
    snprintf(text, sizeof text, "%s, loss of step %d", name, step);
    if (step % 5 == 1) print_tensors(text, &loss, 1);
    rp_tensor_drop(loss);
  }
  snprintf(text, sizeof text, "%s, parameters at the end", name);
  print_tensors(text, net->p, net->n);
  rp_tensor_drop(x);
  rp_tensor_drop(label);
  for (int k = 0; k < net->n; k++) { rp_tensor_drop(net->p[k]); rp_tensor_drop(net->m[k]); rp_tensor_drop(net->v[k]); }
}

#define SHAPE(...) (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / 8), (int64_t[]){ __VA_ARGS__ }

static void all_training(void)
{
  model      net = { .n = 0 };
  rp_tensor *x, *label; /* C does not say which argument of a call is drawn first */
  parameter(&net, 0.2, SHAPE(128, 30)); parameter(&net, 0.1, SHAPE(128));
  parameter(&net, 0.1, SHAPE(96, 128)); parameter(&net, 0.1, SHAPE(96));
  parameter(&net, 0.1, SHAPE(10, 96));  parameter(&net, 0.1, SHAPE(10));
  x = drawn(RP_NORMAL, RP_FLOAT32, SHAPE(300, 30), 0, 1);
  label = drawn(RP_INTEGERS, RP_INT64, SHAPE(300, 1), 1, 10);
  train("perceptron", &net, perceptron, x, label, 21);
  net = (model){ .n = 0 };
  parameter(&net, 0.2, SHAPE(16, 3, 3, 3));   parameter(&net, 0.1, SHAPE(16));
  parameter(&net, 0.1, SHAPE(32, 16, 3, 3));  parameter(&net, 0.1, SHAPE(32));
  parameter(&net, 0.03, SHAPE(10, 32 * 36));  parameter(&net, 0.1, SHAPE(10));
  x = drawn(RP_NORMAL, RP_FLOAT32, SHAPE(16, 3, 12, 12), 0, 1);
  label = drawn(RP_INTEGERS, RP_INT64, SHAPE(16, 1), 1, 10);
  train("convolutional", &net, convolutional, x, label, 6);
}

/* ---- linear algebra ---- */

enum { N = 24, M = 33 };

static void factorisations(double *A, double *S)
{
  static double w[M], U[M * M], V[M * M], t;
  MUST(rp_eigh(w, V, S, N));                   print_numbers("eigh", w, N); print_numbers("eigh, vectors", V, N * N);
  MUST(rp_qr(U, V, A, M, N));                  print_numbers("qr", U, M * N); print_numbers("qr, R", V, N * N);
  MUST(rp_cholesky(U, S, N));                  print_numbers("cholesky", U, N * N);
  MUST(rp_svd(U, w, V, A, M, N));              print_numbers("svd", w, N); print_numbers("svd, vectors", V, N * N);
  MUST(rp_sqrtm(U, S, N));                     print_numbers("sqrtm", U, N * N);
  MUST(rp_trace_sqrt_product(&t, S, U, N));    print_numbers("trace_sqrt_product", &t, 1);
}

static void systems(double *A, double *S)
{
  static double X[M * M], pair[2];
  MUST(rp_solve(X, S, A, N, N));               print_numbers("solve", X, N * N);
  MUST(rp_inverse(X, S, N));                   print_numbers("inverse", X, N * N);
  MUST(rp_det(pair, S, N));                    print_numbers("det", pair, 1);
  MUST(rp_logdet(&pair[0], &pair[1], S, N));   print_numbers("logdet", pair, 2);
  MUST(rp_lstsq(X, A, A + 5, M - 1, N, 1));    print_numbers("lstsq", X, N);
}

static void choices(double *A)
{
  static double centres[5 * 3], cost, found[300];
  int64_t column[M];
  int32_t label[M * N / 3];
  rp_kmeans_options o = { .seed = 3, .n_init = 3, .max_iter = 50, .tol = 1e-4 };
  MUST(rp_assignment(column, &cost, A, M, N));
  for (int i = 0; i < M; i++) found[i] = (double)column[i];
  found[M] = cost;
  print_numbers("assignment", found, M + 1);
  MUST(rp_kmeans(centres, label, &cost, A, M * N / 3, 3, 5, &o));
  for (int i = 0; i < M * N / 3; i++) found[i] = label[i];
  print_numbers("kmeans", centres, 15); print_numbers("kmeans, labels", found, M * N / 3); print_numbers("kmeans, inertia", &cost, 1);
}

static void special_functions(void)
{
  static const struct { const char *name; double (*f)(double); double lo, hi; } functions[] = {
    { "ei", rp_ei, -50, 50 }, { "e1", rp_e1, 0, 50 }, { "erfc", rp_erfc, -6, 28 }, { "erfinv", rp_erfinv, -1, 1 },
    { "lgamma", rp_lgamma, -20, 200 }, { "digamma", rp_digamma, -20, 200 } };
  static double y[2001];
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    for (int k = 0; k <= 2000; k++) y[k] = functions[i].f(functions[i].lo + (functions[i].hi - functions[i].lo) * k / 2000.0);
    print_numbers(functions[i].name, y, 2001);
  }
}

static void all_linalg(void)
{
  static double S[N * N];
  rp_tensor *x = drawn(RP_NORMAL, RP_FLOAT64, SHAPE(M, N), 0, 1);
  double    *A = rp_data(x);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++)
      for (int k = 0; k < M; k++) S[i * N + j] += A[k * N + i] * A[k * N + j];
  factorisations(A, S);
  systems(A, S);
  choices(A);
  special_functions();
  rp_tensor_drop(x);
}

int main(int argc, char **argv)
{
  const char *wish = getenv("REPRO_ISA");
  if (argc > 1 && strcmp(argv[1], "isas") == 0) { puts(rp_device_list()); return 0; }
  if (argc > 1) rp_threads_set(atoi(argv[1]));
  if (wish && *wish) MUST(rp_device_choose(wish));
  all_draws();
  all_pointwise();
  all_structured();
  all_training();
  all_linalg();
  return 0;
}
