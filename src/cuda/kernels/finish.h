/* finish.h: the ordered addition of the sums of blocks, for one type (included by tiles.h for products.cu). */

/* c = ((s_0 + s_1) + s_2 ...) + bias; with k = 0, +0 + bias. */
KERNEL(T(gemm_finish), cu_gemm)
{
  const int64_t blocks = (p.k + RP_KB - 1) / RP_KB, one = p.m * p.n, batches = p.parts; /* of products here */
  for (int64_t i = THREAD; i < batches * one; i += THREADS) {
    int64_t batch = i / one, at = i % one, row = at / p.n, col = at % p.n;
    const number *s = (const number *)(const void *)p.part + batch * blocks * one + at;
    number sum = blocks ? s[0] : 0;
    for (int64_t r = 1; r < blocks; r++) sum = sum + s[r * one];
    if (p.bias) sum = sum + ((const number *)(const void *)p.bias)[col];
    ((number *)(void *)p.c)[batch * p.c_batch + row * p.c_row + col] = sum;
  }
}
