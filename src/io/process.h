/* process.h: other programs, started without a shell and waited for. */
#ifndef RP_IO_PROCESS_H
#define RP_IO_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* The variable by which a confined process tells those it starts what to keep to (base/confine.h, rp_confine_text). */
#define RP_CONFINED "REPRO_CONFINED"

/* Starts a program (a confined process: only this program itself): its input is empty, its output and errors go to a file, which is made anew.
 *   pid   receives the process's number
 *   argv  borrows; argv[0] is the program's path, the last entry is NULL
 *   path  borrows
 * Returns RP_OK; RP_EIO if it cannot be started. */
rp_status rp_process_start(long *pid, char *const argv[], const char *path);

/* Waits until one of some processes ends, a signal arrives or the time is over.
 *   which  receives the index of the one that has ended, -1 if none has
 *   code   receives its exit status, or 128 and the signal that ended it
 * Returns RP_OK; RP_EIO if one of them is no child of this program. */
rp_status rp_process_wait(int *which, int *code, const long *pid, int n, double seconds);

/* Asks a child of this process to end (SIGTERM); one that is gone is no error, and another process is left alone. */
void rp_process_stop(long pid);

/* The path of this program, "" where the system does not tell. */
void rp_process_self(char *path, size_t room);

/* The cores that this program may use. */
int rp_process_cores(void);

#endif
