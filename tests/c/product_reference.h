/* product_reference.h: products and convolutions written from their definitions, one number at a time
 * (included by test_matmul.c for float and double). */

typedef struct T(chain) { number sum, s; int64_t n; } T(chain);

/* One more term of a sum in blocks. */
static void T(chain_add)(T(chain) *c, number a, number b)
{
  if (c->n > 0 && c->n % RP_KB == 0) { c->sum = c->n == RP_KB ? c->s : c->sum + c->s; c->s = 0; }
  c->s = IS_F32 ? (number)fmaf((float)a, (float)b, (float)c->s) : (number)fma((double)a, (double)b, (double)c->s);
  c->n++;
}

static number T(chain_end)(const T(chain) *c) { return c->n <= RP_KB ? c->s : c->sum + c->s; }

static void T(gemm_reference)(const rp_gemm *g)
{
  for (int64_t b = 0; b < g->batch; b++)
    for (int64_t i = 0; i < g->m; i++)
      for (int64_t j = 0; j < g->n; j++) {
        const number *a = (const number *)g->a + b * g->a_batch + i * g->a_row;
        const number *x = (const number *)g->b + b * g->b_batch + j * g->b_col;
        T(chain) c = { 0, 0, 0 };
        for (int64_t k = 0; k < g->k; k++) T(chain_add)(&c, a[k * g->a_col], x[k * g->b_row]);
        number y = T(chain_end)(&c);
        if (g->bias) y += ((const number *)g->bias)[j];
        ((number *)g->c)[b * g->c_batch + i * g->c_row + j] = y;
      }
}

/* x(b, c, stride p + dilation q - padding), +0 outside */
static number T(conv_x)(const rp_conv *c, const number *x, int64_t b, int64_t channel, int64_t p, int64_t q)
{
  int64_t pd[3], qd[3], r[3];
  digits(c->out, p, pd);
  digits(c->kernel, q, qd);
  for (int d = 0; d < 3; d++) {
    r[d] = c->stride[d] * pd[d] + c->dilation[d] * qd[d] - c->padding[d];
    if (r[d] < 0 || r[d] >= c->in[d]) return 0;
  }
  return x[(((b * c->c_in + channel) * c->in[0] + r[0]) * c->in[1] + r[1]) * c->in[2] + r[2]];
}

static void T(conv_reference)(const rp_conv *c, number *y, const number *x, const number *w, const number *bias)
{
  int64_t P = product(c->out), K = product(c->kernel), C = c->c_in / c->groups, O = c->c_out / c->groups;
  for (int64_t b = 0; b < c->batch; b++)
    for (int64_t o = 0; o < c->c_out; o++)
      for (int64_t p = 0; p < P; p++) {
        T(chain) s = { 0, 0, 0 };
        for (int64_t i = 0; i < C * K; i++)
          T(chain_add)(&s, w[o * C * K + i], T(conv_x)(c, x, b, o / O * C + i / K, p, i % K));
        y[(b * c->c_out + o) * P + p] = bias ? T(chain_end)(&s) + bias[o] : T(chain_end)(&s);
      }
}

static void T(conv_weight_reference)(const rp_conv *c, number *gw, const number *x, const number *gy)
{
  int64_t P = product(c->out), K = product(c->kernel), C = c->c_in / c->groups, O = c->c_out / c->groups;
  for (int64_t o = 0; o < c->c_out; o++)
    for (int64_t j = 0; j < C * K; j++) {
      T(chain) s = { 0, 0, 0 };
      for (int64_t i = 0; i < c->batch * P; i++)
        T(chain_add)(&s, gy[(i / P * c->c_out + o) * P + i % P], T(conv_x)(c, x, i / P, o / O * C + j / K, i % P, j % K));
      gw[o * C * K + j] = T(chain_end)(&s);
    }
}

static void T(conv_input_reference)(const rp_conv *c, number *gx, const number *gy, const number *w)
{
  int64_t P = product(c->out), K = product(c->kernel), C = c->c_in / c->groups, O = c->c_out / c->groups, R = product(c->in);
  for (int64_t b = 0; b < c->batch; b++)
    for (int64_t ch = 0; ch < c->c_in; ch++)
      for (int64_t r = 0; r < R; r++) {
        number sum = 0;
        for (int64_t q = 0; q < K; q++) {
          int64_t p = reached_from(c, r, q), first = ch / C * O;
          if (p < 0) continue;
          T(chain) t = { 0, 0, 0 };
          for (int64_t o = first; o < first + O; o++)
            T(chain_add)(&t, w[(o * C + ch % C) * K + q], gy[(b * c->c_out + o) * P + p]);
          sum += T(chain_end)(&t);
        }
        gx[(b * c->c_in + ch) * R + r] = sum;
      }
}

/* The first position where a and b differ in bits, two NaNs being equal; n if there is none. */
static int64_t T(difference)(const number *a, const number *b, int64_t n)
{
  int64_t i = 0;
  while (i < n && (memcmp(a + i, b + i, sizeof *a) == 0 || (a[i] != a[i] && b[i] != b[i]))) i++;
  return i;
}

/* Numbers in [-1, 1]; `special`: every seventh is an infinity, a tiny number or -0. */
static void T(fill)(number *x, int64_t n, bool special)
{
  static const double odd[3] = { INFINITY, -1e-30, -0.0 };
  for (int64_t i = 0; i < n; i++) {
    double v = draw() * 2 - 1;
    if (special && draw() < 1.0 / 7) v = odd[(int)(draw() * 3)];
    x[i] = (number)v;
  }
}
