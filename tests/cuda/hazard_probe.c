/* hazard_probe.c: kernels with one fault each, and two with none: what hazards.c finds in them.  Prints what is not as it should be. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cuda/driver.h"
#include "cuda/kernels/text.h"

typedef struct probe { int *out; const int *in; } probe;
typedef struct four { int v[4]; } ALIGNED16 four;
#define N 128 /* threads of a block; in and out hold two blocks' */
#define ME ((int)threadIdx.x)

KERNEL(right, probe)
{
  SHARED(int, line, N);
  COPY_f32((float *)&line[ME], (const float *)&p.in[THREAD], true);
  COPY_COMMIT();
  COPY_WAIT(0);
  SYNC();
  p.out[THREAD] = line[N - 1 - ME];
}
KERNEL(right_in_warps, probe)
{
  SHARED(int, line, N);
  line[ME] = p.in[THREAD];
  SYNC_WARP();
  p.out[THREAD] = line[ME ^ 1];
}
KERNEL(race_of_threads, probe)
{
  SHARED(int, line, N);
  line[ME] = 0;
  SYNC();
  line[ME] = p.in[THREAD];
  p.out[THREAD] = line[N - 1 - ME];
}
KERNEL(race_of_warps, probe)
{
  SHARED(int, line, N);
  line[ME] = 0;
  SYNC();
  line[ME] = p.in[THREAD];
  SYNC_WARP();
  p.out[THREAD] = line[N - 1 - ME];
}
KERNEL(race_after_reading, probe)
{
  SHARED(int, line, N);
  line[ME] = p.in[THREAD];
  SYNC();
  const int v = line[N - 1 - ME];
  line[ME] = v;
  p.out[THREAD] = v;
}
KERNEL(race_of_writes, probe) { p.out[0] = p.in[THREAD]; }
KERNEL(race_of_blocks, probe)
{
  p.out[THREAD] = 1;
  if (blockIdx.x == 1) p.out[THREAD] = p.out[ME];
}
KERNEL(race_of_reading_blocks, probe) { if (blockIdx.x == 0) p.out[THREAD] = p.in[ME]; else ((int *)(uintptr_t)p.in)[ME] = 1; }
KERNEL(unset_device, probe) { p.out[THREAD] = p.out[THREAD] + 1; }
KERNEL(unset_shared, probe)
{
  SHARED(int, line, N);
  if (blockIdx.x == 0) line[ME] = 1; /* the other block's is another */
  p.out[THREAD] = line[ME];
}
KERNEL(early_copy, probe)
{
  SHARED(int, line, N);
  COPY_f32((float *)&line[ME], (const float *)&p.in[THREAD], true);
  COPY_COMMIT();
  COPY_WAIT(1);
  SYNC();
  p.out[THREAD] = line[N - 1 - ME];
}
KERNEL(crooked_vector, probe) { if (ME < 2) p.out[THREAD] = (*(const four *)(const void *)(p.in + 4 * ME + 2)).v[0]; }
KERNEL(outside_memory, probe) { p.out[THREAD] = p.in[THREAD + 4096]; }

int cuMemAlloc_v2(uint64_t *p, size_t bytes);
int cuMemsetD8Async(uint64_t to, unsigned char v, size_t n, void *s);
int cuModuleGetFunction(void **f, void *m, const char *name);
int cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned bytes, void *s,
                   void **arguments, void **extra);

static void run(const char *name)
{
  uint64_t in = 0, out = 0;
  void    *f = NULL;
  if (cuMemAlloc_v2(&out, 2 * N * sizeof(int)) || cuMemAlloc_v2(&in, 2 * N * sizeof(int)) || cuModuleGetFunction(&f, NULL, name)) exit(3);
  cuMemsetD8Async(in, 1, 2 * N * sizeof(int), NULL);
  probe p = { (int *)(uintptr_t)out, (const int *)(uintptr_t)in };
  void *arguments[] = { &p };
  exit(cuLaunchKernel(f, 2, 1, 1, N, 1, 1, 0, NULL, arguments, NULL));
}

/* What is said of the kernel: its first words, or the signal. */
static int check(const char *name, const char *want)
{
  int  ends[2], status = 0;
  char said[512] = "";
  if (pipe(ends) != 0) return 1;
  if (fork() == 0) { dup2(ends[1], 2); run(name); }
  close(ends[1]);
  FILE *f = fdopen(ends[0], "r");
  if (!f || !fgets(said, sizeof said, f)) said[0] = 0;
  if (f) fclose(f);
  wait(&status);
  const char *got = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "nothing" : WIFSIGNALED(status) && WTERMSIG(status) == 11 ? "outside" : said;
  if (strstr(got, want)) return 0;
  printf("%s: expected '%s', got '%s'\n", name, want, got);
  return 1;
}

int main(void)
{
  return check("right", "nothing") + check("right_in_warps", "nothing") + check("race_of_threads", ": race: ")
       + check("race_of_warps", ": race: ") + check("race_after_reading", ": race: ") + check("race_of_writes", ": race: ")
       + check("race_of_blocks", ": race: ") + check("race_of_reading_blocks", ": race: ") + check("unset_device", ": unset: ")
       + check("unset_shared", ": unset: ") + check("early_copy", ": early: ") + check("crooked_vector", ": crooked: ")
       + check("outside_memory", "outside") > 0;
}
