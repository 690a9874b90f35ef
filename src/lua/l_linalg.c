/* l_linalg.c: rp.linalg and rp.special: double-precision analysis of matrices, and special functions of numbers.
 *
 * A matrix of any element type is converted to contiguous float64 first.  Results are float64 tensors, or Lua numbers
 * where they are single values; positions are int64 and count from 1.  Nothing here has a gradient: an argument that
 * is part of a recorded graph is refused.
 *
 * Order of stack slots in every binding: arguments, boxes of results, boxes of converted arguments. */
#include <string.h>

#include "kernel/linalg.h"
#include "lua/l_tensor.h"
#include "tensor/program.h"

/* ---- arguments ------------------------------------------------------------------------------------------------ */

/* The tensor at index i, which must have no gradient to lose. */
static rp_tensor *check_plain(lua_State *L, int i, const char *who)
{
  rp_tensor *t = l_to_tensor(L, i);
  if (!t) l_error(L, "%s: argument %d is %s; a tensor is expected", who, i, i > lua_gettop(L) ? "missing" : luaL_typename(L, i));
  if (rp_recording() && (t->requires_grad || t->node))
    l_error(L, "%s: argument %d is part of a recorded graph, and %s has no gradient; pass x:detach()", who, i, who);
  return t;
}

static rp_tensor *check_matrix(lua_State *L, int i, const char *who)
{
  rp_tensor *t = check_plain(L, i, who);
  if (t->a.ndim != 2) l_error(L, "%s: argument %d has shape %s; a matrix (n,m) is expected", who, i, rp_shape(&t->a).s);
  return t;
}

static rp_tensor *check_square(lua_State *L, int i, const char *who)
{
  rp_tensor *t = check_matrix(L, i, who);
  if (t->a.shape[0] != t->a.shape[1])
    l_error(L, "%s: argument %d has shape %s; a square matrix (n,n) is expected", who, i, rp_shape(&t->a).s);
  return t;
}

/* Right-hand sides for the matrix A of argument 1: (m,k), or (m) for one. */
static rp_tensor *check_right(lua_State *L, int i, const char *who, const rp_tensor *A)
{
  rp_tensor *t = check_plain(L, i, who);
  if (t->a.ndim < 1 || t->a.ndim > 2 || t->a.shape[0] != A->a.shape[0])
    l_error(L, "%s: %s X = %s: the right-hand side must have shape (%lld) or (%lld,k)", who, rp_shape(&A->a).s,
            rp_shape(&t->a).s, (long long)A->a.shape[0], (long long)A->a.shape[0]);
  return t;
}

/* ---- boxes ------------------------------------------------------------------------------------------------------ */

/* Pushes x as contiguous float64 on the CPU, in one box: itself if it is that already. */
static const double *push_doubles(lua_State *L, rp_tensor *x)
{
  rp_status   status = RP_OK;
  rp_tensor **box = l_box(L), *wide = NULL;
  if (rp_program_reads("linear algebra") != RP_OK) l_raise(L);
  if (x->storage->device) L_RETRY(L, status, rp_tensor_host(box, x));
  else *box = rp_tensor_keep(x);
  if (status != RP_OK) l_raise(L);
  if ((*box)->a.dtype == RP_FLOAT64 && rp_is_contiguous(&(*box)->a)) return rp_data(*box);
  L_RETRY(L, status, rp_tensor_clone(&wide, *box, RP_FLOAT64));
  if (status != RP_OK) l_raise(L);
  rp_tensor_drop(*box);
  *box = wide;
  return rp_data(wide);
}

/* Pushes a new tensor for a result. */
static void *push_result(lua_State *L, rp_dtype dtype, int ndim, int64_t rows, int64_t columns)
{
  rp_status   status;
  int64_t     shape[2] = { rows, columns };
  rp_tensor **box = l_box(L);
  L_RETRY(L, status, rp_tensor_empty(box, dtype, ndim, shape));
  if (status != RP_OK) l_raise(L);
  l_account(L, *box);
  return rp_data(*box);
}

static double *push_matrix(lua_State *L, int64_t rows, int64_t columns) { return push_result(L, RP_FLOAT64, 2, rows, columns); }
static double *push_vector(lua_State *L, int64_t n) { return push_result(L, RP_FLOAT64, 1, n, 0); }

/* Returns the n results that start at stack slot `first`, or raises. */
static int results(lua_State *L, rp_status status, int first, int n)
{
  if (status != RP_OK) return l_raise(L);
  lua_settop(L, first + n - 1);
  return n;
}

/* ---- factorisations --------------------------------------------------------------------------------------------- */

static int eigh(lua_State *L) /* A [, vectors = true] -> w (n) ascending, V (n,n) with columns */
{
  rp_status status;
  int64_t   n = check_square(L, 1, "eigh")->a.shape[0];
  bool      vectors = lua_isnoneornil(L, 2) || lua_toboolean(L, 2);
  lua_settop(L, 2);
  double *w = push_vector(L, n), *V = vectors ? push_matrix(L, n, n) : NULL;
  const double *A = push_doubles(L, l_to_tensor(L, 1));
  L_RETRY(L, status, rp_eigh(w, V, A, n));
  return results(L, status, 3, vectors ? 2 : 1);
}

static int qr(lua_State *L) /* A (m,n) -> Q (m,k), R (k,n), k = min(m,n) */
{
  rp_status status;
  const rp_tensor *x = check_matrix(L, 1, "qr");
  int64_t   m = x->a.shape[0], n = x->a.shape[1], k = m < n ? m : n;
  lua_settop(L, 1);
  double *Q = push_matrix(L, m, k), *R = push_matrix(L, k, n);
  const double *A = push_doubles(L, l_to_tensor(L, 1));
  L_RETRY(L, status, rp_qr(Q, R, A, m, n));
  return results(L, status, 2, 2);
}

static int svd(lua_State *L) /* A (m,n) -> U (m,k), s (k) descending, V (n,k) */
{
  rp_status status;
  const rp_tensor *x = check_matrix(L, 1, "svd");
  int64_t   m = x->a.shape[0], n = x->a.shape[1], k = m < n ? m : n;
  lua_settop(L, 1);
  double *U = push_matrix(L, m, k), *s = push_vector(L, k), *V = push_matrix(L, n, k);
  const double *A = push_doubles(L, l_to_tensor(L, 1));
  L_RETRY(L, status, rp_svd(U, s, V, A, m, n));
  return results(L, status, 2, 3);
}

/* A (n,n) -> (n,n) */
static int of_square(lua_State *L, const char *who, rp_status (*f)(double *, const double *, int64_t))
{
  rp_status status;
  int64_t   n = check_square(L, 1, who)->a.shape[0];
  lua_settop(L, 1);
  double *X = push_matrix(L, n, n);
  const double *A = push_doubles(L, l_to_tensor(L, 1));
  L_RETRY(L, status, f(X, A, n));
  return results(L, status, 2, 1);
}

static int cholesky(lua_State *L) { return of_square(L, "cholesky", rp_cholesky); }
static int inverse(lua_State *L)  { return of_square(L, "inverse", rp_inverse); }
static int sqrtm(lua_State *L)    { return of_square(L, "sqrtm", rp_sqrtm); }

/* ---- systems ---------------------------------------------------------------------------------------------------- */

static int solve(lua_State *L) /* A (n,n), B (n,k) or (n) -> X of B's shape */
{
  rp_status status;
  rp_tensor *a = check_square(L, 1, "solve"), *b = check_right(L, 2, "solve", a);
  int64_t   n = a->a.shape[0], k = b->a.ndim == 2 ? b->a.shape[1] : 1;
  lua_settop(L, 2);
  double *X = push_result(L, RP_FLOAT64, b->a.ndim, n, k);
  const double *A = push_doubles(L, a), *B = push_doubles(L, b);
  L_RETRY(L, status, rp_solve(X, A, B, n, k));
  return results(L, status, 3, 1);
}

static int lstsq(lua_State *L) /* A (m,n), B (m,k) or (m) -> X (n,k) or (n) */
{
  rp_status status;
  rp_tensor *a = check_matrix(L, 1, "lstsq"), *b = check_right(L, 2, "lstsq", a);
  int64_t   m = a->a.shape[0], n = a->a.shape[1], k = b->a.ndim == 2 ? b->a.shape[1] : 1;
  lua_settop(L, 2);
  double *X = push_result(L, RP_FLOAT64, b->a.ndim, n, k);
  const double *A = push_doubles(L, a), *B = push_doubles(L, b);
  L_RETRY(L, status, rp_lstsq(X, A, B, m, n, k));
  return results(L, status, 3, 1);
}

static int det(lua_State *L) /* A (n,n) -> number */
{
  double    d = 0;
  rp_status status;
  int64_t   n = check_square(L, 1, "det")->a.shape[0];
  const double *A = push_doubles(L, l_to_tensor(L, 1));
  L_RETRY(L, status, rp_det(&d, A, n));
  if (status != RP_OK) return l_raise(L);
  lua_pushnumber(L, d);
  return 1;
}

static int logdet(lua_State *L) /* A (n,n) -> sign, log|det A| */
{
  double    sign = 0, log_abs = 0;
  rp_status status;
  int64_t   n = check_square(L, 1, "logdet")->a.shape[0];
  const double *A = push_doubles(L, l_to_tensor(L, 1));
  L_RETRY(L, status, rp_logdet(&sign, &log_abs, A, n));
  if (status != RP_OK) return l_raise(L);
  lua_pushnumber(L, sign);
  lua_pushnumber(L, log_abs);
  return 2;
}

static int trace_sqrt_product(lua_State *L) /* A, B (n,n) -> tr (A^1/2 B A^1/2)^1/2 */
{
  double    t = 0;
  rp_status status;
  rp_tensor *a = check_square(L, 1, "trace_sqrt_product"), *b = check_square(L, 2, "trace_sqrt_product");
  int64_t   n = a->a.shape[0];
  if (b->a.shape[0] != n)
    return l_error(L, "trace_sqrt_product: the shapes %s and %s differ", rp_shape(&a->a).s, rp_shape(&b->a).s);
  const double *A = push_doubles(L, a), *B = push_doubles(L, b);
  L_RETRY(L, status, rp_trace_sqrt_product(&t, A, B, n));
  if (status != RP_OK) return l_raise(L);
  lua_pushnumber(L, t);
  return 1;
}

/* ---- assignment, clustering ------------------------------------------------------------------------------------- */

/* C (n,m) -> the column of each row (n), from 1, 0 for a row left out; the sum of the chosen entries.
 * (0 is no position, so a row left out cannot be taken for one: index_select and gather refuse it.) */
static int assignment(lua_State *L)
{
  double    cost = 0;
  rp_status status;
  const rp_tensor *x = check_matrix(L, 1, "assignment");
  int64_t   n = x->a.shape[0], m = x->a.shape[1];
  lua_settop(L, 1);
  int64_t *column = push_result(L, RP_INT64, 1, n, 0);
  const double *C = push_doubles(L, l_to_tensor(L, 1));
  L_RETRY(L, status, rp_assignment(column, &cost, C, n, m));
  if (status != RP_OK) return l_raise(L);
  for (int64_t i = 0; i < n; i++) column[i]++;
  lua_pop(L, 1);
  lua_pushnumber(L, cost);
  return 2;
}

/* The integer (or number) in field `name` of the options at index i, which must be a table if given. */
static bool option(lua_State *L, int i, const char *name)
{
  if (lua_type(L, i) != LUA_TTABLE) return false;
  if (lua_getfield(L, i, name) != LUA_TNIL) return true;
  lua_pop(L, 1);
  return false;
}

static int64_t integer_option(lua_State *L, int i, const char *name, int64_t otherwise)
{
  int ok = 0;
  if (!option(L, i, name)) return otherwise;
  int64_t v = lua_tointegerx(L, -1, &ok);
  if (!ok || lua_type(L, -1) != LUA_TNUMBER) l_error(L, "kmeans: %s is %s; an integer is expected", name, luaL_tolstring(L, -1, NULL));
  lua_pop(L, 1);
  return v;
}

static rp_kmeans_options kmeans_options(lua_State *L, int i)
{
  static const char *const known[] = { "seed", "stream", "n_init", "max_iter", "tol" };
  if (!lua_isnoneornil(L, i) && lua_type(L, i) != LUA_TTABLE)
    l_error(L, "kmeans: options must be a table such as {seed = 1}, got a %s", luaL_typename(L, i));
  if (lua_type(L, i) == LUA_TTABLE)
    for (lua_pushnil(L); lua_next(L, i); lua_pop(L, 1)) {
      bool found = false;
      for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        found = found || (lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), known[k]) == 0);
      if (!found) l_error(L, "kmeans: unknown option '%s'; known: seed, stream, n_init, max_iter, tol", luaL_tolstring(L, -2, NULL));
    }
  rp_kmeans_options o = { (uint64_t)integer_option(L, i, "seed", 1), (uint64_t)integer_option(L, i, "stream", 0),
                          integer_option(L, i, "n_init", 10), integer_option(L, i, "max_iter", 300), 1e-4 };
  if (option(L, i, "tol")) {
    if (lua_type(L, -1) != LUA_TNUMBER) l_error(L, "kmeans: tol is %s; a number is expected", luaL_typename(L, -1));
    o.tol = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  return o;
}

/* X (n,d), k [, {seed = 1, stream = 0, n_init = 10, max_iter = 300, tol = 1e-4}] -> centres (k,d), labels (n) from 1, inertia */
static int kmeans(lua_State *L)
{
  double    inertia = 0;
  rp_status status;
  const rp_tensor *x = check_matrix(L, 1, "kmeans");
  int64_t   n = x->a.shape[0], d = x->a.shape[1];
  if (!lua_isinteger(L, 2)) return l_error(L, "kmeans: k (argument 2) is %s; an integer is expected", luaL_typename(L, 2));
  int64_t   k = lua_tointeger(L, 2);
  rp_kmeans_options options = kmeans_options(L, 3);
  if (k < 1 || k > n) return l_error(L, "kmeans: k = %lld for %lld points; 1 to %lld is possible", (long long)k, (long long)n, (long long)n);
  lua_settop(L, 3);
  double  *centres = push_matrix(L, k, d);
  int64_t *labels = push_result(L, RP_INT64, 1, n, 0);
  int32_t *narrow = push_result(L, RP_INT32, 1, n, 0);
  const double *X = push_doubles(L, l_to_tensor(L, 1));
  L_RETRY(L, status, rp_kmeans(centres, narrow, &inertia, X, n, d, k, &options));
  if (status != RP_OK) return l_raise(L);
  for (int64_t i = 0; i < n; i++) labels[i] = narrow[i] + 1;
  lua_settop(L, 5);
  lua_pushnumber(L, inertia);
  return 3;
}

int l_open_linalg(lua_State *L)
{
  static const luaL_Reg functions[] = {
    { "eigh", eigh }, { "qr", qr }, { "cholesky", cholesky }, { "svd", svd }, { "solve", solve }, { "inverse", inverse },
    { "det", det }, { "logdet", logdet }, { "lstsq", lstsq }, { "sqrtm", sqrtm },
    { "trace_sqrt_product", trace_sqrt_product }, { "assignment", assignment }, { "kmeans", kmeans }, { NULL, NULL } };
  luaL_newlib(L, functions);
  return 1;
}

/* ---- special functions of Lua numbers --------------------------------------------------------------------------- */

static const struct { const char *name; double (*f)(double); } specials[] = {
  { "ei", rp_ei }, { "e1", rp_e1 }, { "erf", rp_erf }, { "erfc", rp_erfc }, { "erfinv", rp_erfinv },
  { "lgamma", rp_lgamma }, { "digamma", rp_digamma } };

static int special(lua_State *L) /* upvalue 1: which */
{
  lua_Integer i = lua_tointeger(L, lua_upvalueindex(1));
  if (lua_type(L, 1) != LUA_TNUMBER)
    return l_error(L, "%s: argument 1 is %s; a number is expected", specials[i].name,
                   lua_isnone(L, 1) ? "missing" : l_to_tensor(L, 1) ? "a tensor" : luaL_typename(L, 1));
  lua_pushnumber(L, specials[i].f(lua_tonumber(L, 1)));
  return 1;
}

int l_open_special(lua_State *L)
{
  int n = (int)(sizeof specials / sizeof *specials);
  lua_createtable(L, 0, n);
  for (int i = 0; i < n; i++) {
    lua_pushinteger(L, i);
    lua_pushcclosure(L, special, 1);
    lua_setfield(L, -2, specials[i].name);
  }
  return 1;
}
