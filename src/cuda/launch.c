/* launch.c: kernels by name, launches, and what went wrong. */
#include <stdio.h>
#include <string.h>

#include "cuda/internal.h"

cu_state cu_now;

static char loss[512]; /* why the device was lost */

/* Errors after which nothing on the device can be trusted; the others leave it usable. */
static bool is_fatal(cu_result e) { return (e >= 700 && e < 900) || e == 214 || e == 4 || e == 999; }

rp_status cu_check(cu_result e, const char *what)
{
  const char *text = NULL, *name = NULL;
  if (cu_now.lost) return rp_fail(RP_EDEVICE, "cuda:%d was lost earlier: %s", cu_now.index, loss);
  if (e == 0) return RP_OK;
  if (cu_now.d->error_text(e, &text) != 0 || !text) text = "unknown error";
  if (cu_now.d->error_name(e, &name) != 0 || !name) name = "?";
  if (is_fatal(e)) {
    cu_now.lost = true;
    snprintf(loss, sizeof loss, "%s: %s (%s)", what, text, name);
    return rp_fail(RP_EDEVICE, "cuda:%d is lost: %s%s", cu_now.index, loss,
                   cu_now.synchronous ? "" : "; kernels run behind the script: set REPRO_CUDA_SYNC=1 to find the operation");
  }
  return rp_fail(RP_EDEVICE, "cuda:%d: %s: %s (%s)", cu_now.index, what, text, name);
}

/* ---- kernels by name ---- */

#define SLOTS 4096 /* more than twice the number of kernels */

typedef struct slot { char name[40]; cu_function function; int shared; } slot;

static slot      slots[SLOTS];
static cu_module modules[CU_N_PARTS];

static uint32_t hash(const char *name)
{
  uint32_t h = 2166136261u;
  for (; *name; name++) h = (h ^ (uint8_t)*name) * 16777619u;
  return h;
}

static rp_status load_part(cu_part part)
{
  const void *image = cu_image(part);
  if (modules[part]) return RP_OK;
  if (!image && !cu_now.d->needs_no_image)
    return rp_fail(RP_EDEVICE, "this build holds no kernels for a GPU: nvcc was not there when it was configured");
  return cu_check(cu_now.d->module_load(&modules[part], image ? image : ""), "loading the kernels");
}

static rp_status find_kernel(slot **out, cu_part part, const char *name)
{
  uint32_t at = hash(name) % SLOTS;
  for (; slots[at].name[0]; at = (at + 1) % SLOTS)
    if (strcmp(slots[at].name, name) == 0) { *out = &slots[at]; return RP_OK; }
  RP_TRY(load_part(part));
  if (strlen(name) >= sizeof slots[at].name) return rp_fail(RP_EARG, "kernel name %s is too long", name);
  RP_TRY(cu_check(cu_now.d->module_function(&slots[at].function, modules[part], name), name));
  snprintf(slots[at].name, sizeof slots[at].name, "%s", name);
  *out = &slots[at];
  return RP_OK;
}

#define PLAIN_SHARED (48 << 10) /* bytes of shared memory that need no permission */

rp_status cu_launch(cu_part part, const char *kernel, int64_t blocks, int threads, size_t shared, const void *args)
{
  slot *k = NULL;
  void *arguments[1] = { (void *)(uintptr_t)args };
  if (cu_now.lost) return cu_check(0, kernel);
  if (blocks <= 0) return RP_OK;
  if (blocks > INT32_MAX) return rp_fail(RP_EDEVICE, "%s: %lld thread blocks are more than a launch takes", kernel, (long long)blocks);
  RP_TRY(find_kernel(&k, part, kernel));
  if (shared > PLAIN_SHARED && (size_t)k->shared < shared) {
    RP_TRY(cu_check(cu_now.d->function_set(k->function, CU_FUNCTION_DYNAMIC_SHARED, (int)shared), kernel));
    k->shared = (int)shared;
  }
  RP_TRY(cu_check(cu_now.d->launch(k->function, (unsigned)blocks, 1, 1, (unsigned)threads, 1, 1, (unsigned)shared, cu_now.stream,
                                   arguments, NULL), kernel));
  cu_now.launches++;
  if (!cu_now.synchronous) return RP_OK;
  RP_TRY(cu_check(cu_now.d->stream_wait(cu_now.stream), kernel));
  return strcmp(kernel, "positions") == 0 ? cu_faults() : RP_OK;
}

rp_status cu_launch_over(cu_part part, const char *kernel, int64_t n, const void *args)
{
  int64_t blocks = (n + 255) / 256, most = (int64_t)cu_now.processors * 64;
  return n > 0 ? cu_launch(part, kernel, blocks < most ? blocks : most, 256, 0, args) : RP_OK;
}
