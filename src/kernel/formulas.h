/* formulas.h: every scalar function of the contract, in every type it exists in: name_f32, name_f64, name_i32, name_i64.
 *
 * The one text that CPU kernels, CUDA kernels and tests include. */
#ifndef RP_KERNEL_FORMULAS_H
#define RP_KERNEL_FORMULAS_H

#include <stdbool.h>

#include "kernel/scalar.h"

#define fabs_i32(x) (x) /* the float branch of abs, never taken */
#define fabs_i64(x) (x)
#define BODY "kernel/arithmetic.h"
#include "kernel/every_type.h"
#define BODY "kernel/pointwise.h"
#include "kernel/both_floats.h"
#undef fabs_i32
#undef fabs_i64

#endif
