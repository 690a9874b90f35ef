/* lanes.h: the canonical reduction of one block of a sequence, for one type (included by reduce.h).
 *
 * A block of at most RP_RB elements: lane l starts with x_l and takes x_(l+L), x_(l+2L), ... in order, L = RP_LANES.
 * Then lane i takes lane i + L/2 for i < L/2, lane i + L/4 for i < L/4, ... ; a lane that got no element takes no part.
 * A longer sequence: the results of its consecutive blocks are reduced in the same way, and so on.
 *
 * To take no part is to hold the identity: -0 for sums (x + -0 is x for every x, also for both zeros), 1, -inf, inf.
 * `number`, T(name), and for integers `unsigned_number` are defined by the includer. */

#if IS_FLOAT
#define PLUS(a, b)  ((a) + (b))
#define TIMES(a, b) ((a) * (b))
#define LOWEST      ((number)-__builtin_inf())
#define HIGHEST     ((number)__builtin_inf())
#define IS_NAN(a)   ((a) != (a))
#else /* integers wrap */
#define PLUS(a, b)  T(add)(a, b)
#define TIMES(a, b) T(mul)(a, b)
#define LOWEST      ((number)((unsigned_number)1 << (8 * sizeof(number) - 1)))
#define HIGHEST     (~LOWEST)
#define IS_NAN(a)   false
#endif

/* ---- one block whose elements lie in a row ---- */

#define HALVE(half, COMBINE) for (int l = 0; l < half; l++) lane[l] = COMBINE(lane[l], lane[l + half]);

/* All loops over lanes have the constant length the compiler needs to keep them in registers. */
#define BLOCK(name, arguments, X, IDENTITY, COMBINE)                                       \
  static number T(name)(arguments, int64_t n)                                              \
  {                                                                                        \
    number  lane[RP_LANES], rest[RP_LANES];                                                \
    int64_t i = 0;                                                                         \
    for (int l = 0; l < RP_LANES; l++) lane[l] = IDENTITY;                                 \
    for (; i + RP_LANES <= n; i += RP_LANES)                                               \
      for (int l = 0; l < RP_LANES; l++) lane[l] = COMBINE(lane[l], X(i + l));             \
    if (i < n) {                                                                           \
      for (int l = 0; l < RP_LANES; l++) rest[l] = IDENTITY;                               \
      for (int l = 0; i + l < n; l++) rest[l] = X(i + l);                                  \
      for (int l = 0; l < RP_LANES; l++) lane[l] = COMBINE(lane[l], rest[l]);              \
    }                                                                                      \
    _Static_assert(RP_LANES == 32, "the halvings below");                                  \
    HALVE(16, COMBINE) HALVE(8, COMBINE) HALVE(4, COMBINE) HALVE(2, COMBINE)               \
    return COMBINE(lane[0], lane[1]);                                                      \
  }

#define ONE(i)  x[i]
BLOCK(sum_block,  const number *x, ONE, (number)-0.0, PLUS)
BLOCK(prod_block, const number *x, ONE, 1,            TIMES)
BLOCK(max_block,  const number *x, ONE, LOWEST,       T(maximum))
BLOCK(min_block,  const number *x, ONE, HIGHEST,      T(minimum))
#if IS_FLOAT
#define BOTH    const number *x, const number *z
#define TERM(i) (x[i] * z[i])
BLOCK(dot_block, BOTH, TERM, (number)-0.0, PLUS)
#undef TERM
#endif
#undef ONE

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
WHOLE(total, T(sum_block), const number *x, CALL_X)
WHOLE(dot, T(dot_block), BOTH, CALL_XZ)
#undef CALL_X
#undef CALL_XZ
#undef BOTH

static number T(row_max)(const number *x, int64_t n)
{
  number m = T(max_block)(x, n < RP_RB ? n : RP_RB);
  for (int64_t at = RP_RB; at < n; at += RP_RB) m = T(maximum)(m, T(max_block)(x + at, n - at < RP_RB ? n - at : RP_RB));
  return m;
}
#endif

/* ---- many results at once, side by side ---- */

/* to[i] = to[i] o from[i] */
typedef void T(combine)(number *restrict to, const number *from, int64_t n);
#define COMBINER(name, COMBINE)                                                \
  static void T(name)(number *restrict to, const number *from, int64_t n)      \
  {                                                                            \
    for (int64_t i = 0; i < n; i++) to[i] = COMBINE(to[i], from[i]);           \
  }
COMBINER(combine_sum,  PLUS)
COMBINER(combine_prod, TIMES)
COMBINER(combine_max,  T(maximum))
COMBINER(combine_min,  T(minimum))

static T(combine) *T(combiner)(rp_opcode op)
{
  return op == RP_OP_prod ? T(combine_prod) : op == RP_OP_max ? T(combine_max) : op == RP_OP_min ? T(combine_min) : T(combine_sum);
}

/* Element `at` of every result of a strip: where it lies if they are adjacent, else brought together in buffer. */
static const number *T(across)(const strip *s, int64_t at, number *buffer)
{
  const number *x = (const number *)s->data + at;
  if (s->runs == 1 && s->stride == 1) return x + s->start[0];
  for (int64_t i = 0, c = 0; i < s->runs; c += s->length[i++]) {
    const number *from = x + s->start[i];
    if (s->stride == 2) for (int64_t k = 0; k < s->length[i]; k++) buffer[c + k] = from[2 * k]; /* windows of two */
    else                for (int64_t k = 0; k < s->length[i]; k++) buffer[c + k] = from[k * s->stride];
  }
  return buffer;
}

/* out[c * apart] = elements begin .. begin+n-1 of result c, one block of n <= RP_RB.
 * Lane l of result c is lane[l * width + c], so a level of halving, or L elements of results that lie without gaps
 * in memory, are one loop. */
static void T(reduce_strip)(rp_opcode op, number *out, int64_t apart, const strip *s, const places *reduced, int64_t begin, int64_t n)
{
  number lane[RP_LANES * COLUMNS], buffer[COLUMNS];
  const int64_t w = s->width;
  const bool    gapless = s->runs == 1 && s->stride == 1 && reduced->n == 1 && reduced->stride[0] == w;
  const int64_t step = gapless ? RP_LANES : 1;
  T(combine)   *combine = T(combiner)(op);
  for (int64_t k = 0; k < n; k += step) {
    int64_t       m = (n - k < step ? n - k : step) * w;
    const number *from = T(across)(s, place(reduced, begin + k), buffer);
    if (from != buffer && !gapless) /* pieces of long rows: left alone, the processor does not see which come next */
      for (int64_t c = 0; c < w; c += 64 / (int64_t)sizeof *from)
        __builtin_prefetch(from + ROWS_AHEAD * reduced->stride[reduced->n - 1] + c);
    if (k < RP_LANES) memcpy(lane + k * w, from, (size_t)m * sizeof *from);
    else              combine(lane + k % RP_LANES * w, from, m);
  }
  for (int half = RP_LANES / 2; half > 0; half /= 2)
    if (half < n) combine(lane, lane + half * w, (n - half < half ? n - half : half) * w);
  for (int64_t c = 0; c < w; c++) out[c * apart] = lane[c];
}

/* The first of n elements that is `value`, or NaN if that is; one of them is. */
static int64_t T(first_equal)(const number *x, int64_t n, number value)
{
  int64_t at = 0;
  for (; at + RP_LANES <= n; at += RP_LANES) {
    int any = 0;
    for (int l = 0; l < RP_LANES; l++) any |= (x[at + l] == value) | (IS_NAN(value) & IS_NAN(x[at + l]));
    if (any) break;
  }
  while (x[at] != value && !(IS_NAN(value) && IS_NAN(x[at]))) at++;
  return at;
}

/* The position of the first extreme element; a NaN counts as the extreme.  Of long rows the first block is looked for whose
 * extreme is that of all, and in it the element. */
static int64_t T(arg_extreme)(rp_opcode op, const number *x, int64_t n)
{
  const bool largest = op == RP_OP_argmax;
  number     best = n ? x[0] : 0;
  int64_t    from = 0, length = n < ARG_BLOCK ? n : ARG_BLOCK;
  if (n < ARG_SHORT) {
    for (int64_t i = 1; i < n && !IS_NAN(best); i++)
      if ((largest ? x[i] > best : x[i] < best) || IS_NAN(x[i])) { best = x[i]; from = i; }
    return from;
  }
  for (int64_t at = 0; at < n && !IS_NAN(best); at += ARG_BLOCK) {
    int64_t m = n - at < ARG_BLOCK ? n - at : ARG_BLOCK;
    number  v = largest ? T(max_block)(x + at, m) : T(min_block)(x + at, m);
    if ((largest ? v > best : v < best) || IS_NAN(v)) { best = v; from = at; length = m; }
  }
  return from + T(first_equal)(x + from, length, best);
}

#undef BLOCK
#undef WHOLE
#undef HALVE
#undef COMBINER
#undef PLUS
#undef TIMES
#undef LOWEST
#undef HIGHEST
#undef IS_NAN
