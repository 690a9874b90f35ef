/* vendor_random.c: uniform and normal numbers by NVIDIA's cuRAND, for --math fast.
 *
 * The generator is Philox4_32_10 in the order that cuRAND promises to keep; a draw has a key of its own, made from its seed and
 * stream, and begins at offset 0, so that it depends on them alone and a run on one machine can be repeated.  The numbers are
 * not the contract's.  Whole numbers and bits stay ours.  The library is opened at run time; REPRO_CURAND names another. */
#include <dlfcn.h>
#include <stdio.h>

#include "base/philox.h"
#include "cuda/internal.h"
#include "cuda/vendor.h"

static struct {
#define FIELD(field, symbol, arguments) rand_result (*field) arguments;
  RAND_FUNCTIONS(FIELD)
  rand_handle handle; /* NULL: not open */
} rng;

static char by[512]; /* who draws, and why it is not cuRAND */

static bool find_all(void *library)
{
#define FIND(field, symbol, arguments)                                                                             \
  *(void **)&rng.field = dlsym(library, #symbol);                                                                   \
  if (!rng.field) { snprintf(by, sizeof by, "random numbers by repro: cuRAND has no %s", #symbol); return false; }
  RAND_FUNCTIONS(FIND)
  return true;
}

static rand_result open_generator(void)
{
  rand_handle h = NULL;
  rand_result e = rng.create(&h, PHILOX4_32_10);
  if (e == 0) e = rng.stream(h, cu_now.stream);
  if (e == 0) e = rng.order(h, LASTING_ORDER);
  if (e == 0) rng.handle = h;
  return e;
}

const char *cu_vendor_open_random(void)
{
  static const char *const names[] = { "libcurand.so.10", "libcurand.so", NULL };
  int version = 0;
  if (rng.handle) return by;
  void *library = cu_vendor_library("REPRO_CURAND", names);
  if (!library) {
    snprintf(by, sizeof by, "random numbers by repro: NVIDIA's cuRAND was not found (%s); install it (Debian, Ubuntu: libcurand10; from "
             "NVIDIA: cuda-libraries; pip: nvidia-curand) and let LD_LIBRARY_PATH name its folder", dlerror());
    return by;
  }
  if (!find_all(library)) return by;
  rand_result e = open_generator();
  if (e != 0) snprintf(by, sizeof by, "random numbers by repro: opening cuRAND failed with status %d", e);
  else if (rng.version(&version) == 0)
    snprintf(by, sizeof by, "random numbers by cuRAND %d.%d.%d", version / 1000, version % 1000 / 100, version % 100);
  return by;
}

bool cu_vendor_draws(rp_distribution d)
{
  return cu_now.math != RP_CUDA_EXACT && rng.handle && (d == RP_UNIFORM || d == RP_NORMAL);
}

static rand_result generate(rp_distribution d, bool wide, void *out, size_t n, const rp_draw *how)
{
  const rp_philox_block key = rp_philox(how->seed, how->stream, UINT64_MAX); /* a block that no draw of ours comes to */
  rand_result e = rng.seed(rng.handle, (unsigned long long)key.word[1] << 32 | key.word[0]);
  if (e == 0) e = rng.offset(rng.handle, 0);
  if (e != 0) return e;
  if (d == RP_NORMAL) return wide ? rng.normal_d(rng.handle, out, n, how->a, how->b) : rng.normal(rng.handle, out, n, (float)how->a, (float)how->b);
  return wide ? rng.uniform_d(rng.handle, out, n) : rng.uniform(rng.handle, out, n);
}

/* cuRAND makes normal numbers in pairs, and uniform ones in (0,1], of which 1 is taken for 0. */
rp_status cu_vendor_draw(rp_distribution d, const rp_array *out, const rp_draw *how)
{
  const bool   wide = out->dtype == RP_FLOAT64;
  const size_t n = (size_t)cu_count(out), size = rp_dtype_size(out->dtype), odd = d == RP_NORMAL && n % 2 ? 1 : 0;
  void *to = out->data;
  cu_vendor_used();
  if (cu_now.lost) return cu_check(0, "cuRAND");
  if (n == 0) return RP_OK;
  if (odd && !(to = cu_alloc((n + 1) * size))) return RP_ENOMEM;
  rand_result e = generate(d, wide, to, n + odd, how);
  rp_status   status = e == 0 ? RP_OK : rp_fail(RP_EDEVICE, "cuRAND: %s failed with status %d", d == RP_NORMAL ? "curandGenerateNormal" : "curandGenerateUniform", e);
  cu_now.launches++;
  if (odd && status == RP_OK)
    status = cu_check(cu_now.d->inside((cu_pointer)(uintptr_t)out->data, (cu_pointer)(uintptr_t)to, n * size, cu_now.stream), "cuRAND");
  if (odd) cu_release(to, (n + 1) * size);
  cu_draw args = { .out = out->data, .n = (int64_t)n, .kind = (int)d, .how = *how };
  if (status == RP_OK && d == RP_UNIFORM) status = cu_launch_over(CU_ELEMENTS, wide ? "draw_between_f64" : "draw_between_f32", args.n, &args);
  return status != RP_OK || !cu_now.synchronous ? status : cu_check(cu_now.d->stream_wait(cu_now.stream), "cuRAND");
}
