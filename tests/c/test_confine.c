/* base/confine.h and base/landlock.h: what a confined process is refused, by its own rules and by the kernel.  Each test
 * confines a process of its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "base/confine.h"
#include "base/landlock.h"
#include "io/directory.h"
#include "io/reader.h"
#include "io/writer.h"

static char folder[] = "/tmp/repro-confine-XXXXXX", path[4][256];

static void make_folder(void)
{
  strcpy(folder + sizeof folder - 7, "XXXXXX");
  ck_assert(mkdtemp(folder));
  snprintf(path[0], sizeof path[0], "%s/in", folder);
  snprintf(path[1], sizeof path[1], "%s/out.txt", folder);
  snprintf(path[2], sizeof path[2], "%s/in/link", folder);
  snprintf(path[3], sizeof path[3], "%s/in/file", folder);
  ck_assert_int_eq(mkdir(path[0], 0777), 0);
  ck_assert_int_eq(rp_write_file(path[1], "secret", 6), RP_OK);
  ck_assert_int_eq(symlink(path[1], path[2]), 0);
}

static void remove_folder(void)
{
  for (int i = 3; i > 0; i--) unlink(path[i]);
  rmdir(path[0]);
  rmdir(folder);
}

#define WANT(what) do { if (!(what)) { fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #what, rp_message()); _exit(1); } } while (0)

static void in_a_process(void (*body)(void))
{
  int status = -1;
  make_folder();
  pid_t child = fork();
  if (child == 0) { body(); _exit(0); }
  ck_assert(waitpid(child, &status, 0) == child);
  remove_folder();
  ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the confined process found something amiss (above)");
}

static void by_its_own_rules(void)
{
  char *text = NULL;
  int64_t n = 0;
  bool was;
  WANT(!rp_confine_allow(path[0], NULL, RP_READ | RP_WRITE) && !rp_confine());
  WANT(rp_confine_allow("/", NULL, RP_READ) == RP_ESTATE && rp_confine() == RP_ESTATE);
  WANT(!rp_write_file(path[3], "fine", 4) && !rp_read_file(&text, &n, path[3]) && n == 4);
  WANT(rp_read_file(&text, &n, path[1]) == RP_EIO && strstr(rp_message(), "outside the folders"));
  WANT(rp_read_file(&text, &n, path[2]) == RP_EIO && strstr(rp_message(), "symbolic link"));
  WANT(rp_write_file(path[1], "x", 1) == RP_EIO && strstr(rp_message(), "outside the run directory"));
  WANT(rp_write_file(path[2], "x", 1) == RP_EIO);
  WANT(rp_remove(path[1], &was) == RP_EIO && rp_rename(path[3], path[1]) == RP_EIO && !rp_exists(path[1]));
  rp_confine_lift();
  WANT(!rp_is_confined() && !rp_read_file(&text, &n, path[1]));
}

static void by_the_kernel(void)
{
  char elsewhere[300];
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9) };
  snprintf(elsewhere, sizeof elsewhere, "%s/new", folder);
  WANT(!rp_confine_allow(path[0], NULL, RP_READ | RP_WRITE) && !rp_confine() && !rp_confine_kernel());
  int fd = open(path[3], O_RDWR | O_CREAT, 0666); /* not by rp_place_find: the kernel alone decides */
  WANT(fd >= 0 && write(fd, "fine", 4) == 4);
  WANT(open(path[1], O_RDONLY) < 0 && errno == EACCES);
  WANT(open(path[2], O_RDONLY) < 0 && errno == EACCES);
  WANT(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
  WANT(open(elsewhere, O_WRONLY | O_CREAT, 0666) < 0 && errno == EACCES);
  WANT(unlink(path[1]) < 0 && mkdir(elsewhere, 0777) < 0 && rename(path[3], elsewhere) < 0);
  WANT(execl("/bin/true", "true", (char *)NULL) < 0 && errno == EACCES);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd >= 0 && rp_landlock_version(NULL) >= 4)
    WANT(connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno == EACCES);
}

START_TEST(own_rules) { in_a_process(by_its_own_rules); }
END_TEST

START_TEST(kernel_rules)
{
  const char *why = NULL;
  if (rp_landlock_version(&why)) in_a_process(by_the_kernel);
  else ck_assert(why && *why);
}
END_TEST

Suite *confine_suite(void);

Suite *confine_suite(void)
{
  Suite *s = suite_create("confine");
  TCase *c = tcase_create("confine");
  tcase_add_test(c, own_rules);
  tcase_add_test(c, kernel_rules);
  suite_add_tcase(s, c);
  return s;
}
