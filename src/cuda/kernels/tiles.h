/* tiles.h: the tiles of matrix products.  For each the file EACH_TILE is included, which sees number, T(name), N(name), TM, TN,
 * RM, RN and what tile.h makes of them; and for each type of numbers EACH_NUMBER, if there is one, which sees number and T(name). */
#define STEP   CU_STEP
#define STAGES CU_STAGES

#define number  float
#define T(name) name##_f32
#ifdef EACH_NUMBER
#include EACH_NUMBER
#endif

#define N(name) name##_f32_128
#define TM 128
#define TN 128
#define RM 8
#define RN 8
#include "cuda/kernels/tile.h"
#include EACH_TILE
#include "cuda/kernels/end_tile.h"

#define N(name) name##_f32_64
#define TM 64
#define TN 64
#define RM 4
#define RN 4
#include "cuda/kernels/tile.h"
#include EACH_TILE
#include "cuda/kernels/end_tile.h"
#undef number
#undef T

#define number  double
#define T(name) name##_f64
#ifdef EACH_NUMBER
#include EACH_NUMBER
#endif

#define N(name) name##_f64_64
#define TM 64
#define TN 64
#define RM 4
#define RN 4
#include "cuda/kernels/tile.h"
#include EACH_TILE
#include "cuda/kernels/end_tile.h"
#undef number
#undef T
