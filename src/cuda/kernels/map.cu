/* map.cu: y = f(a, b, c), one kernel for each pointwise row of ops.def and working type.
 *
 * Floats that lie in rows are taken four at a time; the rest of them, and every other case, one by one. */
#include "cuda/kernels/text.h"
#include "cuda/kernels/map.h"

#define ONE_BY_ONE(in_t, out_t, OPS, VALUE, first)                                   \
  for (int64_t i = (first) + THREAD; i < p.count; i += THREADS) {                    \
    char *at[OPS];                                                                   \
    find(at, &p, OPS, (uint32_t)i);                                                  \
    AT(out_t, 0) = VALUE;                                                            \
  }
#define LOOP(name, s, in_t, out_t, OPS, VALUE)                                       \
  KERNEL(name##_map_##s, cu_map) { ONE_BY_ONE(in_t, out_t, OPS, VALUE(name, s, in_t), 0) }
#define LOOP_FOUR(name, OPS, FETCH, VALUE, FOUR)                                     \
  KERNEL(name##_map_f32, cu_map)                                                     \
  {                                                                                  \
    int64_t whole = p.linear ? p.count / 4 * 4 : 0;                                  \
    for (int64_t i = 4 * THREAD; i < whole; i += 4 * THREADS) {                      \
      FETCH                                                                          \
      four y;                                                                        \
      UNROLLED for (int j = 0; j < 4; j++) y.v[j] = FOUR(name);                      \
      *(four *)(void *)(p.data[0] + 4 * i) = y;                                      \
    }                                                                                \
    ONE_BY_ONE(float, float, OPS, VALUE(name, f32, float), whole)                    \
  }

#define FETCH1 four a = fetch_four(&p, 1, (uint32_t)i);
#define FETCH2 FETCH1 four b = fetch_four(&p, 2, (uint32_t)i);
#define FETCH3 FETCH2 four c = fetch_four(&p, 3, (uint32_t)i);
#define FOUR1(name) name##_f32(a.v[j])
#define FOUR2(name) name##_f32(a.v[j], b.v[j])
#define FOUR3(name) name##_f32(a.v[j], b.v[j], c.v[j])
#define VALUE1(name, s, t) name##_##s(AT(const t, 1))
#define VALUE2(name, s, t) name##_##s(AT(const t, 1), AT(const t, 2))
#define VALUE3(name, s, t) name##_##s(AT(const t, 1), AT(const t, 2), AT(const t, 3))

#define DEFINE_F(name, A, OPS) LOOP_FOUR(name, OPS, FETCH##A, VALUE##A, FOUR##A) LOOP(name, f64, double, double, OPS, VALUE##A)
#define DEFINE_N(name, A, OPS) DEFINE_F(name, A, OPS) \
  LOOP(name, i32, int32_t, int32_t, OPS, VALUE##A) LOOP(name, i64, int64_t, int64_t, OPS, VALUE##A)
#define TESTS(name, A, OPS)                                                              \
  LOOP(name, f32, float, bool, OPS, VALUE##A)   LOOP(name, f64, double, bool, OPS, VALUE##A) \
  LOOP(name, i32, int32_t, bool, OPS, VALUE##A) LOOP(name, i64, int64_t, bool, OPS, VALUE##A)

#define MAP1(name, args, lo, hi, kind, formula) DEFINE_##kind(name, 1, 2)
#define MAP2(name, args, lo, hi, kind, formula) DEFINE_##kind(name, 2, 3)
#define MAP3(name, args, lo, hi, kind, formula) DEFINE_##kind(name, 3, 4)
#define CMP1(name, args, lo, hi, formula) TESTS(name, 1, 2)
#define CMP2(name, args, lo, hi, formula) TESTS(name, 2, 3)
#include "kernel/ops.def"
