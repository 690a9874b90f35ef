/* profile.h: where a program's time goes, operation by operation. */
#ifndef RP_GRAD_PROFILE_H
#define RP_GRAD_PROFILE_H

#include "kernel/device.h"
#include "tensor/tensor.h"

/* Calls of an operation, the seconds spent in it, by the wall clock, its kernels included, and the multiplications and
 * additions of matrix products and convolutions (0 for other operations). */
typedef struct rp_cost { int64_t calls; double seconds, flop; } rp_cost;

/* [op][0] forward, [op][1] gradient; the last row stands for functions differentiated in Lua. */
extern rp_cost rp_costs[RP_N_OPS + 1][2];

/* Clears the table and starts counting, or stops; off at first. */
void rp_profile(bool on);

/* The time to hand to rp_cost_add; 0 while nothing is counted. */
double rp_cost_start(void);

/* Whether anything is counted; one call of a compiled step's operation, for the table. */
bool rp_profiling(void);
void rp_cost_note(rp_opcode op, bool gradient, bool begins, double flop, double seconds);

/* Multiplications and additions of one product of that size. */
double rp_flop_of(rp_opcode op, rp_tensor *const *in, const rp_tensor *y);

/* Ends what began at start.  in, y: the operands and the first result; products: how many products of that size were made. */
void rp_cost_add(rp_opcode op, bool gradient, double start, rp_tensor *const *in, const rp_tensor *y, int products);

#endif
