/* elements.h: random numbers and optimiser steps for one float type (included by elements.cu). */

#if IS_F32
#define PER_BLOCK 4
#define UNIT(w, j) T(unit_of)((w).word[j], 0)
#else
#define PER_BLOCK 2
#define UNIT(w, j) T(unit_of)((w).word[2 * (j)], (w).word[2 * (j) + 1])
#endif

/* Uniform numbers from a on, less than b, from those of (0,1] that are there. */
KERNEL(T(draw_between), cu_draw)
{
  number *out = (number *)(void *)p.out;
  for (int64_t i = THREAD; i < p.n; i += THREADS) out[i] = T(uniform_of)(out[i] < 1 ? out[i] : 0, (number)p.how.a, (number)p.how.b);
}

KERNEL(T(draw), cu_draw)
{
  const number a = (number)p.how.a, b = (number)p.how.b;
  number      *out = (number *)(void *)p.out;
  for (int64_t block = THREAD; block * PER_BLOCK < p.n; block += THREADS) {
    rp_philox_block w = rp_philox(p.how.seed, p.how.stream, (uint64_t)block);
    number v[PER_BLOCK];
    if (p.kind == RP_NORMAL) {
      UNROLLED for (int j = 0; j < PER_BLOCK; j += 2) {
        number s, c, r = T(radius_of)(UNIT(w, j));
        T(sincos2pi)(UNIT(w, j + 1), &s, &c);
        v[j] = T(normal_of)(r, c, a, b);
        v[j + 1] = T(normal_of)(r, s, a, b);
      }
    } else {
      UNROLLED for (int j = 0; j < PER_BLOCK; j++) v[j] = T(uniform_of)(UNIT(w, j), a, b);
    }
    UNROLLED for (int j = 0; j < PER_BLOCK; j++)
      if (block * PER_BLOCK + j < p.n) out[block * PER_BLOCK + j] = v[j];
  }
}

/* Runs the statements for number e of slice s, over the numbers i of all slices. */
#define EACH_NUMBER(...)                                                                                   \
  int64_t begin = 0;                                                                                       \
  for (int64_t i = THREAD, k = 0; i < p.total; i += THREADS) {                                             \
    while (i - begin >= p.slice[k].n) begin += p.slice[k++].n;                                             \
    const rp_slice *s = &p.slice[k];                                                                       \
    const int64_t   e = i - begin;                                                                         \
    __VA_ARGS__;                                                                                           \
  }
#define OF(field) ((number *)s->field + e)

KERNEL(T(sgd), cu_update)
{
  const T(sgd_rates) rates = T(sgd_rates_of)(&p.u);
  EACH_NUMBER(if (s->v) T(sgd_momentum)(rates, OF(p), *OF(g), OF(v)); else T(sgd_plain)(rates, OF(p), *OF(g)))
}

KERNEL(T(adam), cu_update)
{
  const T(adam_rates) rates = T(adam_rates_of)(&p.u);
  EACH_NUMBER(T(adam_one)(rates, OF(p), *OF(g), OF(m), OF(v)))
}

KERNEL(T(ema), cu_update)
{
  const T(ema_rates) rates = T(ema_rates_of)(&p.u);
  EACH_NUMBER(T(ema_one)(rates, OF(m), *OF(p)))
}

#undef PER_BLOCK
#undef UNIT
#undef EACH_NUMBER
#undef OF
