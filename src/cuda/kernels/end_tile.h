/* end_tile.h: forgets the names of one size of tile (included by products.cu). */
#undef N
#undef TM
#undef TN
#undef RM
#undef RN
#undef VEC
#undef TX
#undef NTHREADS
#undef A_LINE
#undef B_LINE
#undef STAGE
#undef ROW_OF
#undef COL_OF
