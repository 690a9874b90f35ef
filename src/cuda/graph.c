/* graph.c: a step recorded once and replayed as one launch. */
#include "cuda/internal.h"

struct rp_cuda_graph { cu_graph graph; cu_graph_exec exec; };

rp_status rp_cuda_record_begin(void)
{
  if (!cu_now.d) return rp_fail(RP_ESTATE, "no GPU is in use");
  if (cu_now.recording) return rp_fail(RP_ESTATE, "a step is being recorded already");
  RP_TRY(cu_finish());
  RP_TRY(cu_check(cu_now.d->capture_begin(cu_now.stream, CU_CAPTURE_THREAD_LOCAL), "recording"));
  cu_now.recording = true;
  return RP_OK;
}

void rp_cuda_record_abandon(void)
{
  cu_graph g = NULL;
  if (!cu_now.recording) return;
  cu_now.recording = false;
  cu_now.d->capture_end(cu_now.stream, &g);
  if (g) cu_now.d->graph_free(g);
}

rp_status rp_cuda_record_end(rp_cuda_graph **out)
{
  if (!cu_now.recording) return rp_fail(RP_ESTATE, "no step is being recorded");
  rp_cuda_graph *g = rp_new(sizeof *g);
  if (!g) { rp_cuda_record_abandon(); return RP_ENOMEM; }
  cu_now.recording = false;
  rp_status status = cu_check(cu_now.d->capture_end(cu_now.stream, &g->graph), "recording");
  if (status == RP_OK) status = cu_check(cu_now.d->graph_make(&g->exec, g->graph, 0), "recording");
  if (status == RP_OK) *out = g; else rp_cuda_graph_drop(g);
  return status;
}

rp_status rp_cuda_replay(rp_cuda_graph *g)
{
  cu_now.launches++;
  return cu_check(cu_now.d->graph_launch(g->exec, cu_now.stream), "replaying a recorded step");
}

void rp_cuda_graph_drop(rp_cuda_graph *g)
{
  if (!g) return;
  if (g->exec) cu_now.d->graph_exec_free(g->exec);
  if (g->graph) cu_now.d->graph_free(g->graph);
  rp_delete(g);
}
