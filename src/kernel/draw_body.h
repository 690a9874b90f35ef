/* draw_body.h: random numbers from the words of BLOCKS consecutive Philox blocks (included by draw.h twice).
 *
 * float:  four numbers per block, one from each word w:        u = (w >> 8) 2^-24
 * double: two numbers per block, one from each pair of words:  u = ((w1 2^32 + w0) >> 11) 2^-53
 * A uniform number is a + u (b - a).  Normal numbers come in pairs from two uniform ones (Box and Muller 1958):
 *     r = sqrt(-2 ln(1 - u1)),  z1 = r cos(2 pi u2),  z2 = r sin(2 pi u2);   a + b z */

#if IS_F32
#define PER_BLOCK 4
static number T(unit)(const words *w, int i, int j) { return (number)(w->word[j][i] >> 8) * 0x1p-24f; }
#else
#define PER_BLOCK 2
static number T(unit)(const words *w, int i, int j)
{
  uint64_t v = (uint64_t)w->word[2 * j + 1][i] << 32 | w->word[2 * j][i];
  return (number)(int64_t)(v >> 11) * 0x1p-53;
}
#endif

static void T(uniform_blocks)(number out[BLOCKS][PER_BLOCK], const words *w, number a, number b)
{
  for (int i = 0; i < BLOCKS; i++)
    for (int j = 0; j < PER_BLOCK; j++) out[i][j] = T(fma)(T(unit)(w, i, j), b - a, a);
}

static void T(normal_blocks)(number out[BLOCKS][PER_BLOCK], const words *w, number a, number b)
{
  for (int j = 0; j < PER_BLOCK; j += 2) {
    number r[BLOCKS], s[BLOCKS], c[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) r[i] = T(sqrt)(-2 * T(log)(1 - T(unit)(w, i, j)));
    for (int i = 0; i < BLOCKS; i++) T(sincos2pi)(T(unit)(w, i, j + 1), &s[i], &c[i]);
    for (int i = 0; i < BLOCKS; i++) { out[i][j] = T(fma)(r[i] * c[i], b, a); out[i][j + 1] = T(fma)(r[i] * s[i], b, a); }
  }
}

static void T(draw_pieces)(const draw_job *job, int64_t begin, int64_t end)
{
  for (int64_t piece = begin; piece < end; piece++) {
    words   w;
    number  out[BLOCKS][PER_BLOCK];
    int64_t at = piece * BLOCKS * PER_BLOCK, rest = job->n - at;
    draw_words(&w, job->how, (uint64_t)(piece * BLOCKS));
    if (job->kind == RP_NORMAL) T(normal_blocks)(out, &w, (number)job->how->a, (number)job->how->b);
    else                        T(uniform_blocks)(out, &w, (number)job->how->a, (number)job->how->b);
    memcpy((number *)job->out + at, out, sizeof(number) * (size_t)(rest < BLOCKS * PER_BLOCK ? rest : BLOCKS * PER_BLOCK));
  }
}
#undef PER_BLOCK
