#include "cuda/driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static char reason[512];

static bool find_all(cu_driver *d, void *library, const char *name)
{
#define CU_FIND(field, symbol, arguments)                                                                     \
  *(void **)&d->field = dlsym(library, #symbol);                                                               \
  if (!d->field) { snprintf(reason, sizeof reason, "%s has no %s: the driver is too old", name, #symbol); return false; }
  CU_FUNCTIONS(CU_FIND)
#undef CU_FIND
  d->needs_no_image = dlsym(library, "rp_emulated_launches") != NULL;
  return true;
}

static bool open_library(cu_driver *d)
{
  const char *name = getenv("REPRO_CUDA_DRIVER");
  if (!name || !*name) name = "libcuda.so.1";
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library) { snprintf(reason, sizeof reason, "no NVIDIA driver: %s", dlerror()); return false; }
  if (!find_all(d, library, name)) return false;
  setenv("CUDA_MODULE_LOADING", "LAZY", 0); /* kernels as they are needed: read when the driver starts */
  cu_result e = d->init(0);
  if (e == 0) return true;
  const char *text = "";
  if (d->error_text(e, &text) != 0 || !text) text = "unknown error";
  snprintf(reason, sizeof reason, "the NVIDIA driver does not start: %s", text);
  return false;
}

const cu_driver *cu_driver_open(const char **why)
{
  static cu_driver driver;
  static int       state; /* 0: not tried, 1: there, -1: not there */
  if (state == 0) state = open_library(&driver) ? 1 : -1;
  *why = reason;
  return state == 1 ? &driver : NULL;
}
