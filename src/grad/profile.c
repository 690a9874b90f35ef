#include "grad/profile.h"

#include <string.h>
#include <time.h>

rp_cost     rp_costs[RP_N_OPS + 1][2];
static bool counting;
static int  depth; /* an operation that runs inside a gradient counts for the gradient */

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void rp_profile(bool on)
{
  if (on) memset(rp_costs, 0, sizeof rp_costs);
  counting = on;
  depth = 0;
}

bool rp_profiling(void) { return counting; }

void rp_cost_note(rp_opcode op, bool gradient, bool begins, double flop, double seconds)
{
  rp_cost *cost = &rp_costs[op][gradient];
  cost->seconds += seconds;
  if (!begins) return;
  cost->calls++;
  cost->flop += flop;
}

double rp_cost_start(void)
{
  if (!counting) return 0;
  depth++;
  return now();
}

double rp_flop_of(rp_opcode op, rp_tensor *const *in, const rp_tensor *y)
{
  bool convolves = op == RP_OP_conv || op == RP_OP_conv_transpose;
  if (!convolves && op != RP_OP_matmul && op != RP_OP_linear) return 0;
  const rp_array *x = &in[0]->a, *w = &in[1]->a, *each = op == RP_OP_conv_transpose ? x : &y->a;
  double terms = !convolves ? (double)x->shape[x->ndim - 1] : w->shape[0] ? (double)(rp_count(w) / w->shape[0]) : 0;
  return 2 * (double)rp_count(each) * terms;
}

void rp_cost_add(rp_opcode op, bool gradient, double start, rp_tensor *const *in, const rp_tensor *y, int products)
{
  if (!counting || depth == 0 || --depth > 0) return; /* depth 0: begun before the count */
  rp_costs[op][gradient].calls++;
  rp_costs[op][gradient].seconds += now() - start;
  if (y && products > 0) rp_costs[op][gradient].flop += products * rp_flop_of(op, in, y);
}
