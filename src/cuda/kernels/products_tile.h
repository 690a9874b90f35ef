/* products_tile.h: the kernels for one tile (included by tiles.h for products.cu). */
#include "cuda/kernels/gemm.h"
#include "cuda/kernels/conv.h"
