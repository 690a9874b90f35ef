#include "kernel/device.h"

#include <stdlib.h>
#include <string.h>

extern const rp_device rp_cpu_baseline, rp_cpu_avx2, rp_cpu_avx512, rp_cpu_neon;

/* Narrowest first; the last that runs is the default. */
static const struct { const rp_device *table; const char *name; } built[] = {
#if defined(__aarch64__)
  { &rp_cpu_neon, "neon" },
#else
  { &rp_cpu_baseline, "baseline" },
#ifdef RP_HAVE_AVX2
  { &rp_cpu_avx2, "avx2" },
#endif
#ifdef RP_HAVE_AVX512
  { &rp_cpu_avx512, "avx512" },
#endif
#endif
};
enum { N_BUILT = sizeof built / sizeof *built };

static const rp_device *chosen, *entered, *between;

static bool runs(const char *name)
{
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (strcmp(name, "avx2") == 0) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (strcmp(name, "avx512") == 0)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
#endif
  (void)name;
  return true;
}

const char *rp_device_list(void)
{
  static char list[64];
  if (*list) return list;
  for (int i = 0; i < N_BUILT; i++)
    if (runs(built[i].name)) {
      if (*list) strcat(list, " ");
      strcat(list, built[i].name);
    }
  return list;
}

rp_status rp_device_choose(const char *isa)
{
  const rp_device *found = NULL;
  for (int i = 0; i < N_BUILT; i++)
    if (runs(built[i].name) && (!isa || strcmp(isa, built[i].name) == 0)) found = built[i].table;
  if (!found) return rp_fail(RP_EDEVICE, "instruction set '%s' is not available here; this CPU and build have: %s", isa, rp_device_list());
  chosen = found;
  return RP_OK;
}

const rp_device *rp_device_home(void) { return entered ? entered : rp_device_cpu(); }
const rp_device *rp_device_now(void) { return between ? between : rp_device_home(); }
void             rp_device_via(const rp_device *table) { between = table; }

const rp_device *rp_device_enter(const rp_device *d)
{
  const rp_device *was = entered;
  entered = d;
  return was;
}

const rp_device *rp_device_cpu(void)
{
  if (!chosen) {
    const char *wish = getenv("REPRO_ISA");
    if (!wish || !*wish || rp_device_choose(wish) != RP_OK) rp_device_choose(NULL);
  }
  return chosen;
}
