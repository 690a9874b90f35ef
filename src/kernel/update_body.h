/* update_body.h: optimiser steps over one parameter (included by update.h for float and double). */

/* g' = scale g + weight_decay p;  v = momentum v + g';  p = p - lr (nesterov ? g' + momentum v : v) */
static void T(sgd_range)(const rp_update *u, int64_t begin, int64_t end)
{
  number *restrict p = u->p, *restrict v = u->v;
  const number *g = u->g;
  const number lr = (number)u->lr, mu = (number)u->beta1, wd = (number)u->weight_decay, scale = (number)u->scale;
  for (int64_t i = begin; i < end; i++) {
    number d = T(fma)(wd, p[i], scale * g[i]);
    if (v) { v[i] = T(fma)(mu, v[i], d); d = u->nesterov ? T(fma)(mu, v[i], d) : v[i]; }
    p[i] = T(fma)(-lr, d, p[i]);
  }
}

/* Adam (Kingma & Ba 2015, algorithm 1); decoupled: AdamW (Loshchilov & Hutter 2019, algorithm 2).
 *   m = b1 m + (1 - b1) g';  v = b2 v + (1 - b2) g'^2;  p = p - lr (m / c1) / (sqrt(v / c2) + eps)
 *   g' = scale g + weight_decay p, or, decoupled, g' = scale g and first p = p - lr weight_decay p */
static void T(adam_range)(const rp_update *u, int64_t begin, int64_t end)
{
  number *restrict p = u->p, *restrict m = u->m, *restrict v = u->v;
  const number *g = u->g;
  const number b1 = (number)u->beta1, b2 = (number)u->beta2, a1 = (number)(1 - u->beta1), a2 = (number)(1 - u->beta2);
  const number scale = (number)u->scale, eps = (number)u->eps;
  const number l2 = u->decoupled ? 0 : (number)u->weight_decay;
  const number keep = u->decoupled ? (number)(1 - u->lr * u->weight_decay) : 1;
  const number step = (number)(u->lr / u->correction1), root = (number)(1 / u->correction2);
  for (int64_t i = begin; i < end; i++) {
    number d = T(fma)(l2, p[i], scale * g[i]);
    m[i] = T(fma)(b1, m[i], a1 * d);
    v[i] = T(fma)(b2, v[i], a2 * d * d);
    p[i] = keep * p[i] - step * m[i] / (T(sqrt)(v[i] * root) + eps);
  }
}

/* m = decay m + (1 - decay) p */
static void T(ema_range)(const rp_update *u, int64_t begin, int64_t end)
{
  number *restrict m = u->m;
  const number *p = u->p, decay = (number)u->beta1, rest = (number)(1 - u->beta1);
  for (int64_t i = begin; i < end; i++) m[i] = T(fma)(decay, m[i], rest * p[i]);
}
