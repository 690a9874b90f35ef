/* update_loops.h: the steps of update_body.h over a range of one parameter (included by update.h for float and double). */

static void T(sgd_range)(const rp_update *u, const rp_slice *s, int64_t begin, int64_t end)
{
  number *restrict p = s->p, *restrict v = s->v;
  const number *g = s->g;
  const T(sgd_rates) k = T(sgd_rates_of)(u);
  if (v) for (int64_t i = begin; i < end; i++) T(sgd_momentum)(k, &p[i], g[i], &v[i]);
  else   for (int64_t i = begin; i < end; i++) T(sgd_plain)(k, &p[i], g[i]);
}

static void T(adam_range)(const rp_update *u, const rp_slice *s, int64_t begin, int64_t end)
{
  number *restrict p = s->p, *restrict m = s->m, *restrict v = s->v;
  const number *g = s->g;
  const T(adam_rates) k = T(adam_rates_of)(u);
  for (int64_t i = begin; i < end; i++) T(adam_one)(k, &p[i], g[i], &m[i], &v[i]);
}

static void T(ema_range)(const rp_update *u, const rp_slice *s, int64_t begin, int64_t end)
{
  number *restrict m = s->m;
  const number *p = s->p;
  const T(ema_rates) k = T(ema_rates_of)(u);
  for (int64_t i = begin; i < end; i++) T(ema_one)(k, &m[i], p[i]);
}
