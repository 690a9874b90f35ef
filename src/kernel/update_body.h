/* update_body.h: optimiser steps, one element at a time (included by update.h and the CUDA kernels for float and double). */

/* The numbers of a step that are the same for all elements. */
typedef struct T(sgd_rates) { number lr, mu, wd, scale; bool nesterov; } T(sgd_rates);
typedef struct T(adam_rates) { number b1, b2, a1, a2, scale, eps, l2, keep, step, root; } T(adam_rates);
typedef struct T(ema_rates) { number decay, rest; } T(ema_rates);

RP_FN T(sgd_rates) T(sgd_rates_of)(const rp_update *u)
{
  T(sgd_rates) k;
  k.lr = (number)u->lr; k.mu = (number)u->beta1; k.wd = (number)u->weight_decay; k.scale = (number)u->scale;
  k.nesterov = u->nesterov;
  return k;
}

/* g' = scale g + weight_decay p;  v = momentum v + g';  p = p - lr (nesterov ? g' + momentum v : v) */
RP_FN void T(sgd_momentum)(T(sgd_rates) k, number *p, number g, number *v)
{
  number d = T(fma)(k.wd, *p, k.scale * g), w = T(fma)(k.mu, *v, d);
  *v = w;
  *p = T(fma)(-k.lr, k.nesterov ? T(fma)(k.mu, w, d) : w, *p);
}

/* The same without momentum: p = p - lr g' */
RP_FN void T(sgd_plain)(T(sgd_rates) k, number *p, number g) { *p = T(fma)(-k.lr, T(fma)(k.wd, *p, k.scale * g), *p); }

RP_FN T(adam_rates) T(adam_rates_of)(const rp_update *u)
{
  T(adam_rates) k;
  k.b1 = (number)u->beta1; k.b2 = (number)u->beta2; k.a1 = (number)(1 - u->beta1); k.a2 = (number)(1 - u->beta2);
  k.scale = (number)u->scale; k.eps = (number)u->eps;
  k.l2 = u->decoupled ? 0 : (number)u->weight_decay;
  k.keep = u->decoupled ? (number)(1 - u->lr * u->weight_decay) : 1;
  k.step = (number)(u->lr / u->correction1); k.root = (number)(1 / u->correction2);
  return k;
}

/* Adam (Kingma & Ba 2015, algorithm 1); decoupled: AdamW (Loshchilov & Hutter 2019, algorithm 2).
 *   m = b1 m + (1 - b1) g';  v = b2 v + (1 - b2) g'^2;  p = p - lr (m / c1) / (sqrt(v / c2) + eps)
 *   g' = scale g + weight_decay p, or, decoupled, g' = scale g and first p = p - lr weight_decay p */
RP_FN void T(adam_one)(T(adam_rates) k, number *p, number g, number *m, number *v)
{
  number d = T(fma)(k.l2, *p, k.scale * g);
  number a = T(fma)(k.b1, *m, k.a1 * d), b = T(fma)(k.b2, *v, k.a2 * d * d);
  *m = a; *v = b;
  *p = k.keep * *p - k.step * a / (T(sqrt)(b * k.root) + k.eps);
}

RP_FN T(ema_rates) T(ema_rates_of)(const rp_update *u)
{
  T(ema_rates) k;
  k.decay = (number)u->beta1; k.rest = (number)(1 - u->beta1);
  return k;
}

/* m = decay m + (1 - decay) p */
RP_FN void T(ema_one)(T(ema_rates) k, number *m, number p) { *m = T(fma)(k.decay, *m, k.rest * p); }
