#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

#include "io/process.h"

extern char **environ;

static int redirect(posix_spawn_file_actions_t *actions, const char *path)
{
  int e = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  if (!e) e = posix_spawn_file_actions_addopen(actions, 1, path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (!e) e = posix_spawn_file_actions_adddup2(actions, 1, 2);
  return e;
}

rp_status rp_process_start(long *pid, char *const argv[], const char *path)
{
  posix_spawn_file_actions_t actions;
  pid_t child = 0;
  int   e = posix_spawn_file_actions_init(&actions);
  if (e) return rp_fail(RP_EIO, "%s: cannot be started: %s", argv[0], strerror(e));
  e = redirect(&actions, path);
  if (!e) e = posix_spawn(&child, argv[0], &actions, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (e) return rp_fail(RP_EIO, "%s: cannot be started with its output in %s: %s", argv[0], path, strerror(e));
  *pid = child;
  return RP_OK;
}

/* (waitpid itself would be taken up again after a signal, and Ctrl-C would wait for the child.) */
static bool nap(double *left)
{
  struct timespec t = { 0, 5000000 };
  if (*left <= 0) return false;
  *left -= 0.005;
  return nanosleep(&t, NULL) == 0;
}

rp_status rp_process_wait(int *which, int *code, const long *pid, int n, double seconds)
{
  *which = -1;
  do {
    for (int i = 0; i < n; i++) {
      int   status;
      pid_t done = waitpid((pid_t)pid[i], &status, WNOHANG);
      if (done < 0 && errno != EINTR) return rp_fail(RP_EIO, "process %ld: %s", pid[i], strerror(errno));
      if (done <= 0) continue;
      *which = i;
      *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      return RP_OK;
    }
  } while (nap(&seconds));
  return RP_OK;
}

void rp_process_stop(long pid) { kill((pid_t)pid, SIGTERM); }

void rp_process_self(char *path, size_t room)
{
  ssize_t n = readlink("/proc/self/exe", path, room - 1);
  path[n > 0 ? n : 0] = 0;
}

int rp_process_cores(void)
{
#ifdef __linux__
  cpu_set_t set;
  if (!sched_getaffinity(0, sizeof set, &set)) return CPU_COUNT(&set);
#endif
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? (int)n : 1;
}
