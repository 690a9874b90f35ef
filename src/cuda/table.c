/* table.c: opening a GPU, and the table of its functions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/internal.h"

static char device_name[16];

static const rp_device table = {
  .name = device_name,
  .map = cu_map_run, .map_back = cu_map_back_run, .copy = cu_copy, .add = cu_add, .fill = cu_fill,
  .reduce = cu_reduce_run, .row = cu_row, .row_back = cu_row_back,
  .gemm = cu_gemm_run, .conv = cu_conv_run, .conv_input = cu_conv_input, .conv_weight = cu_conv_weight,
  .gather = cu_gather, .scatter_add = cu_scatter_add, .sort = cu_sort_run, .positions = cu_positions_run, .shift = cu_shift, .distinct = cu_distinct_run,
  .draw = cu_draw_run, .sgd = cu_sgd, .adam = cu_adam, .ema = cu_ema,
  .alloc = cu_alloc, .release = cu_release, .upload = cu_upload, .download = cu_download, .finish = cu_finish,
  .captures = cu_captures, .capture = cu_capture, .captured = cu_captured, .launch = cu_graph_launch, .forget = cu_graph_forget,
};

int rp_cuda_count(const char **why)
{
  int n = 0;
  const cu_driver *d = cu_driver_open(why);
  if (!d) return 0;
  if (d->device_count(&n) == 0 && n > 0) return n;
  *why = "the NVIDIA driver sees no GPU";
  return 0;
}

static rp_status no_such(int i, int n, const char *why)
{
  if (n == 0) return rp_fail(RP_EDEVICE, "no GPU can be used: %s", why);
  return rp_fail(RP_EDEVICE, "there is no cuda:%d; this machine has cuda:0%s%.0d", i, n > 1 ? " to cuda:" : "", n > 1 ? n - 1 : 0);
}

rp_status rp_cuda_describe(rp_cuda_card *card, int i)
{
  const char *why = "";
  int         n = rp_cuda_count(&why);
  cu_device   device = 0;
  memset(card, 0, sizeof *card);
  if (i < 0 || i >= n) return no_such(i, n, why);
  const cu_driver *d = cu_driver_open(&why);
  bool ok = d->device_get(&device, i) == 0 && d->device_name(card->name, sizeof card->name, device) == 0
         && d->device_bytes(&card->bytes, device) == 0 && d->version(&card->driver) == 0
         && d->device_attribute(&card->major, CU_ATTRIBUTE_MAJOR, device) == 0
         && d->device_attribute(&card->minor, CU_ATTRIBUTE_MINOR, device) == 0
         && d->device_attribute(&card->processors, CU_ATTRIBUTE_PROCESSORS, device) == 0;
  return ok ? RP_OK : rp_fail(RP_EDEVICE, "the driver does not describe cuda:%d", i);
}

static rp_status start(int i)
{
  const cu_driver *d = cu_now.d;
  const char *sync = getenv("REPRO_CUDA_SYNC");
  cu_device   device = 0;
  cu_now.index = i;
  cu_now.synchronous = sync && *sync && strcmp(sync, "0") != 0;
  RP_TRY(cu_check(d->device_get(&device, i), "opening"));
  RP_TRY(cu_check(d->device_attribute(&cu_now.processors, CU_ATTRIBUTE_PROCESSORS, device), "opening"));
  RP_TRY(cu_check(d->device_attribute(&cu_now.shared_bytes, CU_ATTRIBUTE_SHARED_OPTIN, device), "opening"));
  RP_TRY(cu_check(d->context_retain(&cu_now.context, device), "opening"));
  RP_TRY(cu_check(d->context_use(cu_now.context), "opening"));
  return cu_check(d->stream_new(&cu_now.stream, CU_STREAM_ALONE), "opening");
}

rp_status rp_cuda_open(const rp_device **out, int i)
{
  static bool open;
  const char *why = "";
  int         n = rp_cuda_count(&why);
  if (i < 0 || i >= n) return no_such(i, n, why);
  if (open && cu_now.index != i)
    return rp_fail(RP_EDEVICE, "cuda:%d cannot be used beside cuda:%d: one GPU serves a process; choose it with --device cuda:%d", i, cu_now.index, i);
  if (!open) {
    cu_now.d = cu_driver_open(&why);
    RP_TRY(start(i));
    snprintf(device_name, sizeof device_name, "cuda:%d", i);
    open = true;
  }
  *out = &table;
  return RP_OK;
}

rp_status rp_cuda_finish(void) { return cu_now.d ? cu_finish() : RP_OK; }

const char *rp_cuda_stays(void)
{
  return "linear algebra in double precision (eigenvalues, SVD, QR, Cholesky, square roots, assignment), k-means and special "
         "functions; categorical draws, whose weights are checked first; reading and writing files";
}
