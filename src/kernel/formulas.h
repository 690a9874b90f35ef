/* formulas.h: every scalar function of the contract, in every type it exists in: name_f32, name_f64, name_i32, name_i64.
 *
 * The one text that CPU kernels, CUDA kernels and tests include. */
#ifndef RP_KERNEL_FORMULAS_H
#define RP_KERNEL_FORMULAS_H

#include <stdbool.h>

#include "kernel/scalar.h"

#define IS_FLOAT 1
#define number   float
#define T(name)  name##_f32
#include "kernel/arithmetic.h"
#include "kernel/pointwise.h"
#undef number
#undef T
#define number   double
#define T(name)  name##_f64
#include "kernel/arithmetic.h"
#include "kernel/pointwise.h"
#undef number
#undef T
#undef IS_FLOAT

#define IS_FLOAT 0
#define number   int32_t
#define unsigned_number uint32_t
#define T(name)  name##_i32
#define fabs_i32(x) (x) /* the float branch of abs, never taken */
#include "kernel/arithmetic.h"
#undef number
#undef unsigned_number
#undef T
#define number   int64_t
#define unsigned_number uint64_t
#define T(name)  name##_i64
#define fabs_i64(x) (x)
#include "kernel/arithmetic.h"
#undef number
#undef unsigned_number
#undef T
#undef IS_FLOAT
#undef fabs_i32
#undef fabs_i64

#endif
