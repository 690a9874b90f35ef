/* map_back.cu: gin = g df/d(argument), one kernel for each differentiable pointwise row and float type. */
#include "cuda/kernels/text.h"
#include "cuda/kernels/map.h"

#define BACK(name, s, type, OPS, PICK)                                               \
  KERNEL(name##_back_##s, cu_map)                                                    \
  {                                                                                  \
    for (int64_t i = THREAD; i < p.count; i += THREADS) {                            \
      char *at[OPS]; /* gin g y a b c */                                             \
      find(at, &p, OPS, (uint32_t)i);                                                \
      AT(type, 0) = AT(const type, 1) * (PICK(name, s, type));                       \
    }                                                                                \
  }

#define PICK1(name, s, t) name##_d_##s(AT(const t, 3), AT(const t, 2))
#define ARG2(t) (AT(const t, 3), AT(const t, 4), AT(const t, 2))
#define ARG3(t) (AT(const t, 3), AT(const t, 4), AT(const t, 5), AT(const t, 2))
#define PICK2(name, s, t) p.which == 0 ? name##_da_##s ARG2(t) : name##_db_##s ARG2(t)
#define PICK3(name, s, t) p.which == 0 ? name##_da_##s ARG3(t) : p.which == 1 ? name##_db_##s ARG3(t) : name##_dc_##s ARG3(t)

#define BOTH(name, A, OPS) BACK(name, f32, float, OPS, PICK##A) BACK(name, f64, double, OPS, PICK##A)
#define MAP1(name, args, lo, hi, kind, formula) BOTH(name, 1, 4)
#define MAP2(name, args, lo, hi, kind, formula) BOTH(name, 2, 5)
#define MAP3(name, args, lo, hi, kind, formula) BOTH(name, 3, 6)
#include "kernel/ops.def"
