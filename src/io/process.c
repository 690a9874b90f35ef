#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

#include "base/confine.h"
#include "base/memory.h"
#include "io/process.h"

extern char **environ;

static int redirect(posix_spawn_file_actions_t *actions, const char *path)
{
  int e = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  if (!e) e = posix_spawn_file_actions_addopen(actions, 1, path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (!e) e = posix_spawn_file_actions_adddup2(actions, 1, 2);
  return e;
}

/* What runs the program at the path: itself, where it is that, as it was when it started, though it be built anew meanwhile. */
static const char *program_of(const char *path)
{
  char self[4096];
  rp_process_self(self, sizeof self);
  return self[0] && strcmp(path, self) == 0 ? "/proc/self/exe" : path;
}

static rp_status start(long *pid, char *const argv[], const char *path, char *const variables[])
{
  const char *program = program_of(argv[0]);
  posix_spawn_file_actions_t actions;
  pid_t child = 0;
  int   e = posix_spawn_file_actions_init(&actions);
  if (e) return rp_fail(RP_EIO, "%s: cannot be started: %s", argv[0], strerror(e));
  e = redirect(&actions, path);
  if (!e) e = posix_spawn(&child, program, &actions, NULL, argv, variables);
  posix_spawn_file_actions_destroy(&actions);
  if (e) return rp_fail(RP_EIO, "%s: cannot be started with its output in %s: %s", argv[0], path, strerror(e));
  *pid = child;
  return RP_OK;
}

/* Those of this process and RP_CONFINED with the given text; the array and the entry are given back with rp_delete. */
static char **with_rules(const char *text)
{
  size_t n = 0, room = strlen(text) + sizeof RP_CONFINED + 1;
  while (environ[n]) n++;
  char **all = rp_new((n + 2) * sizeof *all), *entry = rp_new(room);
  if (!all || !entry) { rp_delete(all); rp_delete(entry); return NULL; }
  snprintf(entry, room, RP_CONFINED "=%s", text);
  all[0] = entry;
  for (size_t i = 0, k = 1; i < n; i++)
    if (strncmp(environ[i], RP_CONFINED "=", sizeof RP_CONFINED) != 0) all[k++] = environ[i];
  return all;
}

/* The output lies where this process may write, by a path that the new one needs no rights to follow. */
static rp_status start_confined(long *pid, char *const argv[], const char *path)
{
  rp_place place;
  if (program_of(argv[0]) == argv[0]) return rp_fail(RP_EARG, "%s: a script starts no other programs", argv[0]);
  RP_TRY(rp_place_find(&place, path, RP_WRITE)); /* checks that no link is on the way; made below */
  rp_place_leave(&place);
  char *text = rp_confine_text(), **variables = text ? with_rules(text) : NULL;
  rp_status status = variables ? start(pid, argv, path, variables) : RP_ENOMEM;
  if (variables) rp_delete(variables[0]);
  rp_delete(variables);
  rp_delete(text);
  return status;
}

rp_status rp_process_start(long *pid, char *const argv[], const char *path)
{
  return rp_is_confined() ? start_confined(pid, argv, path) : start(pid, argv, path, environ);
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

void rp_process_stop(long pid)
{
  siginfo_t info;
  if (pid > 0 && !waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT)) kill((pid_t)pid, SIGTERM);
}

void rp_process_self(char *path, size_t room)
{
  static const char gone[] = " (deleted)"; /* what the system adds */
  ssize_t n = readlink("/proc/self/exe", path, room - 1);
  size_t  length = n > 0 ? (size_t)n : 0, added = sizeof gone - 1;
  path[length] = 0;
  if (length > added && strcmp(path + length - added, gone) == 0) path[length - added] = 0;
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
