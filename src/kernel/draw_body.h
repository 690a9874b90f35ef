/* draw_body.h: random numbers from the words of BLOCKS consecutive Philox blocks (included by draw.h twice): four floats or
 * two doubles from each; the formulas are in distribution.h. */

#if IS_F32
#define PER_BLOCK 4
static number T(unit)(const words *w, int i, int j) { return T(unit_of)(w->word[j][i], 0); }
#else
#define PER_BLOCK 2
static number T(unit)(const words *w, int i, int j) { return T(unit_of)(w->word[2 * j][i], w->word[2 * j + 1][i]); }
#endif

static void T(uniform_blocks)(number out[BLOCKS][PER_BLOCK], const words *w, number a, number b)
{
  for (int i = 0; i < BLOCKS; i++)
    for (int j = 0; j < PER_BLOCK; j++) out[i][j] = T(uniform_of)(T(unit)(w, i, j), a, b);
}

static void T(normal_blocks)(number out[BLOCKS][PER_BLOCK], const words *w, number a, number b)
{
  for (int j = 0; j < PER_BLOCK; j += 2) {
    number r[BLOCKS], s[BLOCKS], c[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) r[i] = T(radius_of)(T(unit)(w, i, j));
    for (int i = 0; i < BLOCKS; i++) T(sincos2pi)(T(unit)(w, i, j + 1), &s[i], &c[i]);
    for (int i = 0; i < BLOCKS; i++) { out[i][j] = T(normal_of)(r[i], c[i], a, b); out[i][j + 1] = T(normal_of)(r[i], s[i], a, b); }
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
