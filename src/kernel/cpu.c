/* cpu.c: every kernel of the CPU, compiled once per instruction set.
 *
 * The build defines RP_ISA_NAME (baseline, avx2, avx512 or neon) and the compiler flags that go with it.  The
 * formulas do not differ between the tables, nor do the bits. */
#include "kernel/map.h"
#include "kernel/rows.h"
#include "kernel/index.h"
#include "kernel/matmul.h"
#include "kernel/conv.h"
#include "kernel/draw.h"
#include "kernel/update.h"

#define PASTE2(a, b) a##b
#define PASTE(a, b)  PASTE2(a, b)
#define TEXT2(a)     #a
#define TEXT(a)      TEXT2(a)

const rp_device PASTE(rp_cpu_, RP_ISA_NAME) = {
  .name = TEXT(RP_ISA_NAME),
  .map = map, .map_back = map_back, .copy = copy, .add = add, .fill = fill,
  .reduce = reduce, .row = row, .row_back = row_back,
  .gemm = gemm, .conv = conv, .conv_input = conv_input, .conv_weight = conv_weight,
  .gather = gather, .scatter_add = scatter_add, .positions = positions, .shift = shift, .sort = sort, .distinct = distinct,
  .draw = draw, .sgd = sgd, .adam = adam, .ema = ema,
};
