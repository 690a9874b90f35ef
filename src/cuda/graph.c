/* graph.c: launches noted once and launched as a whole: CUDA graphs, captured from the stream.
 *
 * While a graph is captured the kernels' own scratch memory comes from lists of its own, which stay with it: every launch
 * uses the same addresses.  Captured work reads its arguments as they were; what changes from launch to launch is not captured. */
#include "cuda/internal.h"

typedef struct graph { cu_graph_exec exec; cu_blocks *scratch; } graph;

static cu_blocks *scratch; /* of the graph being captured */

/* With a wait after every kernel, or with cuBLAS, whose memory is its own, launches stay single. */
bool cu_captures(void) { return !cu_now.synchronous && !cu_now.lost && cu_now.math == RP_CUDA_EXACT; }

rp_status cu_capture(void)
{
  cu_blocks *blocks = cu_blocks_new();
  if (!blocks) return RP_ENOMEM;
  rp_status status = cu_check(cu_now.d->capture_begin(cu_now.stream, CU_CAPTURE_RELAXED), "capturing a graph");
  if (status != RP_OK) { cu_blocks_free(blocks); return status; }
  scratch = blocks;
  cu_now.capturing = true;
  cu_blocks_use(blocks);
  return RP_OK;
}

static rp_status instantiate(void **out, cu_graph g)
{
  graph *made = rp_new(sizeof *made);
  if (!made) return RP_ENOMEM;
  rp_status status = cu_check(cu_now.d->graph_ready(&made->exec, g, 0), "making a graph ready");
  if (status != RP_OK) { rp_delete(made); return status; }
  made->scratch = scratch;
  *out = made;
  return RP_OK;
}

rp_status cu_captured(void **out)
{
  cu_graph  g = NULL;
  cu_result e = cu_now.d->capture_end(cu_now.stream, &g);
  rp_status status = RP_OK;
  cu_now.capturing = false;
  cu_blocks_use(NULL);
  if (out) status = cu_check(e, "capturing a graph");
  if (out && status == RP_OK) status = instantiate(out, g);
  if (!out || status != RP_OK) cu_blocks_free(scratch);
  if (g) cu_now.d->graph_free(g);
  scratch = NULL;
  return status;
}

rp_status cu_graph_launch(void *p)
{
  graph *g = p;
  RP_TRY(cu_check(cu_now.d->graph_launch(g->exec, cu_now.stream), "launching a graph"));
  cu_now.launches++;
  cu_positions_again();
  return RP_OK;
}

void cu_graph_forget(void *p)
{
  graph *g = p;
  if (!cu_now.lost) {
    cu_now.d->stream_wait(cu_now.stream);
    cu_now.d->exec_free(g->exec);
  }
  cu_blocks_free(g->scratch);
  rp_delete(g);
}
