/* main.c: runs the C suites.
 *
 * REPRO_SUITE=name runs one of them.  CK_FORK, CK_VERBOSITY, CK_RUN_CASE, CK_TAP_LOG_FILE_NAME and so on are the
 * Check library's; its summary is the last line. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The suites, in the order of the rooms: X stands for the function X_suite in test_X.c. */
#define SUITES(X) \
  X(base) X(tensor) X(analysis) X(linalg) X(linalg_bits) X(io) X(damage) X(formats) X(matmul) X(confine)

#define DECLARE(name) Suite *name##_suite(void);
SUITES(DECLARE)

typedef struct entry { const char *name; Suite *(*make)(void); } entry;
#define ENTRY(name) { #name, name##_suite },
static const entry suites[] = { SUITES(ENTRY) };
static const size_t n_suites = sizeof suites / sizeof suites[0];

static int explain_unknown(const char *name)
{
  fprintf(stderr, "REPRO_SUITE=%s: no such suite; there are", name);
  for (size_t i = 0; i < n_suites; i++) fprintf(stderr, " %s", suites[i].name);
  fputc('\n', stderr);
  return 2;
}

int main(void)
{
  const char *only = getenv("REPRO_SUITE");
  SRunner    *runner = srunner_create(NULL);
  int         chosen = 0;
  for (size_t i = 0; i < n_suites; i++) {
    if (only && *only && strcmp(only, suites[i].name) != 0) continue;
    srunner_add_suite(runner, suites[i].make());
    chosen++;
  }
  if (!chosen) { srunner_free(runner); return explain_unknown(only); }
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? 1 : 0;
}
