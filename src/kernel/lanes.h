/* lanes.h: the canonical reduction of one contiguous sequence, for one type (included by reduce.h).
 *
 * A block of at most RP_RB elements: lane l starts with x_l and takes x_(l+L), x_(l+2L), ... in order, L = RP_LANES.
 * Then lane i takes lane i + L/2 for i < L/2, lane i + L/4 for i < L/4, ... ; a lane that got no element takes no part.
 * A longer sequence: the results of its consecutive blocks are reduced in the same way, and so on.
 *
 * `number`, `vector` (L numbers), `mask` (L integers of the same width) and T(name) are defined by the includer. */

/* ---- one block ---- */
#define HALVE(lane, n, COMBINE)                                          \
  for (int half = RP_LANES / 2; half > 0; half /= 2)                     \
    for (int i = 0; i < half && i + half < (n); i++) lane[i] = COMBINE(lane[i], lane[i + half]);

#define BLOCK(name, arguments, FIRST, STEP_V, COMBINE)                   \
  static number T(name)(arguments, int64_t n)                            \
  {                                                                      \
    number  lane[RP_LANES];                                              \
    int64_t i = RP_LANES;                                                \
    if (n >= RP_LANES) {                                                 \
      vector acc = FIRST(0);                                             \
      for (; i + RP_LANES <= n; i += RP_LANES) { vector v = FIRST(i); acc = STEP_V(acc, v); } \
      memcpy(lane, &acc, sizeof lane);                                   \
      for (int l = 0; i + l < n; l++) lane[l] = COMBINE(lane[l], SCALAR(i + l)); \
    } else {                                                             \
      for (int l = 0; l < n; l++) lane[l] = SCALAR(l);                   \
    }                                                                    \
    HALVE(lane, n, COMBINE)                                              \
    return lane[0];                                                      \
  }

/* Macros, because vectors this wide have no portable way of being passed to functions. */
typedef vector T(loose) __attribute__((aligned(sizeof(number)), may_alias));
#define LOAD(p)       (*(const T(loose) *)(p))
#define PICK(m, a, b) ((vector)(((m) & (mask)(a)) | (~(m) & (mask)(b))))

#if IS_FLOAT
#define PLUS(a, b) ((a) + (b))
#define TIMES(a, b) ((a) * (b))
#define ADD_V PLUS
#define MUL_V TIMES
#define NAN_V(a) ((a) != (a))
#define IS_NAN(a) ((a) != (a))
#else /* integers wrap */
#define PLUS(a, b) T(add)(a, b)
#define TIMES(a, b) T(mul)(a, b)
#define ADD_V(a, b) ((vector)((unsigned_vector)(a) + (unsigned_vector)(b)))
#define MUL_V(a, b) ((vector)((unsigned_vector)(a) * (unsigned_vector)(b)))
#define NAN_V(a) ((a) ^ (a))
#define IS_NAN(a) false
#endif
#define MAX_V(a, b) PICK(((a) >= (b)) | NAN_V(a), a, b)
#define MIN_V(a, b) PICK(((a) <= (b)) | NAN_V(a), a, b)

#define LOAD_X(i)  LOAD(x + (i))
#define SCALAR(i)  (x[i])
BLOCK(sum_block, const number *x, LOAD_X, ADD_V, PLUS)
BLOCK(prod_block, const number *x, LOAD_X, MUL_V, TIMES)
BLOCK(max_block, const number *x, LOAD_X, MAX_V, T(maximum))
BLOCK(min_block, const number *x, LOAD_X, MIN_V, T(minimum))
#undef SCALAR
#if IS_FLOAT
#define LOAD_XZ(i) (LOAD(x + (i)) * LOAD(z + (i)))
#define SCALAR(i)  (x[i] * z[i])
#define BOTH const number *x, const number *z
BLOCK(dot_block, BOTH, LOAD_XZ, ADD_V, PLUS)
#undef LOAD_XZ
#undef SCALAR
#undef BOTH
#endif
#undef LOAD_X

/* The reduction of a block for the opcode of a row of ops.def. */
static number T(reduce_block)(rp_opcode op, const number *x, int64_t n)
{
  switch (op) {
    case RP_OP_prod: return T(prod_block)(x, n);
    case RP_OP_max:  return T(max_block)(x, n);
    case RP_OP_min:  return T(min_block)(x, n);
    default:         return T(sum_block)(x, n);
  }
}

/* ---- a sequence of any length, on this thread ---- */
#define WHOLE(name, block, arguments, call)                              \
  static number T(name)(arguments, int64_t n)                            \
  {                                                                      \
    if (n <= RP_RB) return n > 0 ? block(call(0), n) : 0;                \
    number part[RP_RB], upper[RP_RB]; /* blocks, and blocks of blocks: enough for RP_RB^3 elements */ \
    int64_t n_part = 0, n_upper = 0;                                     \
    for (int64_t at = 0; at < n; at += RP_RB) {                          \
      if (n_part == RP_RB) { upper[n_upper++] = T(sum_block)(part, RP_RB); n_part = 0; } \
      part[n_part++] = block(call(at), n - at < RP_RB ? n - at : RP_RB); \
    }                                                                    \
    if (n_upper == 0) return T(sum_block)(part, n_part);                 \
    upper[n_upper++] = T(sum_block)(part, n_part);                       \
    return T(sum_block)(upper, n_upper);                                 \
  }
#if IS_FLOAT
#define CALL_X(at)  x + (at)
#define CALL_XZ(at) x + (at), z + (at)
#define BOTH const number *x, const number *z
WHOLE(total, T(sum_block), const number *x, CALL_X)
WHOLE(dot, T(dot_block), BOTH, CALL_XZ)
#undef CALL_X
#undef CALL_XZ
#undef BOTH
#endif

/* ---- many columns at once: element k of column c is x[k * stride + c]; one block of n <= RP_RB, width <= COLUMNS ---- */
static void T(reduce_columns)(rp_opcode op, number *out, const number *x, int64_t stride, int64_t n, int64_t width)
{
  number lane[RP_LANES][COLUMNS];
  for (int64_t k = 0; k < n; k++) {
    number       *to = lane[k % RP_LANES];
    const number *from = x + k * stride;
    if (k < RP_LANES) { memcpy(to, from, (size_t)width * sizeof *to); continue; }
    switch (op) {
      case RP_OP_prod: for (int64_t c = 0; c < width; c++) to[c] = TIMES(to[c], from[c]); break;
      case RP_OP_max:  for (int64_t c = 0; c < width; c++) to[c] = T(maximum)(to[c], from[c]); break;
      case RP_OP_min:  for (int64_t c = 0; c < width; c++) to[c] = T(minimum)(to[c], from[c]); break;
      default:         for (int64_t c = 0; c < width; c++) to[c] = PLUS(to[c], from[c]); break;
    }
  }
  for (int half = RP_LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half && i + half < n; i++)
      for (int64_t c = 0; c < width; c++) {
        number pair[2] = { lane[i][c], lane[i + half][c] };
        lane[i][c] = op == RP_OP_prod ? TIMES(pair[0], pair[1]) : op == RP_OP_max ? T(maximum)(pair[0], pair[1])
                   : op == RP_OP_min ? T(minimum)(pair[0], pair[1]) : PLUS(pair[0], pair[1]);
      }
  memcpy(out, lane[0], (size_t)width * sizeof *out);
}

/* The position of the first extreme element; a NaN counts as the extreme. */
static int64_t T(arg_extreme)(rp_opcode op, const number *x, int64_t n)
{
  number  best = n ? x[0] : 0;
  int64_t at = 0;
  for (int64_t i = 1; i < n && !IS_NAN(best); i++) {
    bool better = op == RP_OP_argmax ? x[i] > best : x[i] < best;
    if (better || IS_NAN(x[i])) { best = x[i]; at = i; }
  }
  return at;
}

#undef BLOCK
#undef WHOLE
#undef HALVE
#undef PLUS
#undef TIMES
#undef ADD_V
#undef MUL_V
#undef MAX_V
#undef MIN_V
#undef NAN_V
#undef LOAD
#undef PICK
#undef IS_NAN
