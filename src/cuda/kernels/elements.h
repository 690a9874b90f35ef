/* elements.h: random numbers and optimiser steps for one float type (included by elements.cu). */

#if IS_F32
#define PER_BLOCK 4
#define UNIT(w, j) T(unit_of)((w).word[j], 0)
#else
#define PER_BLOCK 2
#define UNIT(w, j) T(unit_of)((w).word[2 * (j)], (w).word[2 * (j) + 1])
#endif

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

#define UPDATED(field) ((number *)p.u.field)

KERNEL(T(sgd), cu_update)
{
  const T(sgd_rates) k = T(sgd_rates_of)(&p.u);
  for (int64_t i = THREAD; i < p.u.n; i += THREADS) {
    if (p.u.v) T(sgd_momentum)(k, UPDATED(p) + i, UPDATED(g)[i], UPDATED(v) + i);
    else       T(sgd_plain)(k, UPDATED(p) + i, UPDATED(g)[i]);
  }
}

KERNEL(T(adam), cu_update)
{
  const T(adam_rates) k = T(adam_rates_of)(&p.u);
  for (int64_t i = THREAD; i < p.u.n; i += THREADS)
    T(adam_one)(k, UPDATED(p) + i, UPDATED(g)[i], UPDATED(m) + i, UPDATED(v) + i);
}

KERNEL(T(ema), cu_update)
{
  const T(ema_rates) k = T(ema_rates_of)(&p.u);
  for (int64_t i = THREAD; i < p.u.n; i += THREADS) T(ema_one)(k, UPDATED(m) + i, UPDATED(p)[i]);
}

#undef PER_BLOCK
#undef UNIT
#undef UPDATED
