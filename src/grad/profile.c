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

double rp_cost_start(void)
{
  if (!counting) return 0;
  depth++;
  return now();
}

void rp_cost_add(rp_opcode op, bool gradient, double start)
{
  if (!counting || depth == 0 || --depth > 0) return; /* depth 0: begun before the count */
  rp_costs[op][gradient].calls++;
  rp_costs[op][gradient].seconds += now() - start;
}
