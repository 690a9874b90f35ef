/* banks_tile.h: what one tile asks of shared memory (included by tiles.h for banks.c). */
static void N(check)(const char *tile)
{
  const int whole = (int)sizeof(number), units = TM / VEC;
  int worst;
  WORST(NTHREADS, 16, ROW_OF(0), worst);
  report(tile, "reads of the first factor", worst, 1);
  WORST(NTHREADS, 16, COL_OF(0), worst);
  report(tile, "reads of the second factor", worst, 1);
  WORST(NTHREADS, whole, DEEP_TERM * A_LINE + DEEP_ROW, worst);
  report(tile, "copies where terms are adjacent", worst, whole / 4);
  WORST(NTHREADS, 16, (int)threadIdx.x / units * A_LINE + (int)threadIdx.x % units * VEC, worst);
  report(tile, "copies of 16 bytes", worst, 4);
  WORST(NTHREADS, whole, (int)threadIdx.x / TM * A_LINE + (int)threadIdx.x % TM, worst);
  report(tile, "copies of one number", worst, whole / 4);
}
