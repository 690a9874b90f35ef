/* The three system calls have no wrapper in the C library, and the header is often older than the kernel: what it lacks is
 * defined here.  The numbers are part of the kernel's interface: Documentation/userspace-api/landlock.rst. */
#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/confine.h"

#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

enum { VERSION_FLAG = 1, RULE_PATH_BENEATH = 1 };

#define EXECUTE    (1u << 0)
#define WRITE_FILE (1u << 1)
#define READ_FILE  (1u << 2)
#define READ_DIR   (1u << 3)
#define REFER      (1u << 13)
#define TRUNCATE   (1u << 14)
#define IOCTL_DEV  (1u << 15)
#define FIRST_13   ((1u << 13) - 1)

/* Made in a run directory are files and folders; no devices, sockets, pipes or links. */
#define REMOVE_AND_MAKE ((1u << 4) | (1u << 5) | (1u << 7) | (1u << 8))

typedef struct ruleset { uint64_t fs, net, scoped; } ruleset; /* struct landlock_ruleset_attr */
typedef struct __attribute__((packed)) beneath { uint64_t access; int32_t folder; } beneath;

int rp_landlock_version(const char **why)
{
  long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, VERSION_FLAG);
  if (version > 0) return (int)version;
  if (why) *why = errno == EOPNOTSUPP ? "Landlock is switched off on this kernel" : "this kernel has no Landlock";
  return 0;
}

/* What each version can refuse. */
static ruleset refusable(int version)
{
  ruleset r = { FIRST_13, 0, 0 };
  if (version >= 2) r.fs |= REFER;
  if (version >= 3) r.fs |= TRUNCATE;
  if (version >= 4) r.net = 3;    /* binding and connecting by TCP */
  if (version >= 5) r.fs |= IOCTL_DEV;
  if (version >= 6) r.scoped = 3; /* abstract UNIX sockets, signals */
  return r;
}

static size_t known_size(int version)
{
  return version >= 6 ? sizeof(ruleset) : version >= 4 ? offsetof(ruleset, scoped) : offsetof(ruleset, net);
}

static uint64_t access_of(int rights)
{
  uint64_t access = 0;
  if (rights & (RP_READ | RP_CLAIM)) access |= READ_FILE | READ_DIR;
  if (rights & (RP_WRITE | RP_CLAIM)) access |= WRITE_FILE | REMOVE_AND_MAKE | REFER | TRUNCATE;
  if (rights & RP_SYSTEM) access |= EXECUTE | READ_FILE | READ_DIR;
  if ((rights & RP_SYSTEM) && (rights & RP_WRITE)) access |= IOCTL_DEV;
  return access;
}

static rp_status add_rule(int rules, const ruleset *refused, const char *path, int rights)
{
  struct stat s;
  int folder = open(*path ? path : "/", O_PATH | O_CLOEXEC);
  if (folder < 0) return errno == ENOENT ? RP_OK : rp_fail(RP_EIO, "%s: cannot open: %s", path, strerror(errno));
  beneath rule = { access_of(rights) & refused->fs, folder };
  if (!fstat(folder, &s) && !S_ISDIR(s.st_mode)) rule.access &= EXECUTE | READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV;
  long failed = rule.access ? syscall(SYS_landlock_add_rule, rules, RULE_PATH_BENEATH, &rule, 0) : 0;
  int  reason = errno;
  close(folder);
  return failed ? rp_fail(RP_EIO, "%s: Landlock refuses the rule: %s", path, strerror(reason)) : RP_OK;
}

/* The leak checker of a sanitised build reads /proc when the process ends. */
#if defined(__SANITIZE_ADDRESS__)
#define CHECKED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECKED 1
#endif
#endif

static rp_status add_rules(int rules, const ruleset *refused)
{
  int         rights;
  const char *path;
#ifdef CHECKED
  RP_TRY(add_rule(rules, refused, "/proc", RP_READ));
#endif
  for (int i = 0; (path = rp_confine_path(i, &rights)); i++) RP_TRY(add_rule(rules, refused, path, rights));
  return RP_OK;
}

static rp_status enforce(int rules)
{
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_landlock_restrict_self, rules, 0))
    return rp_fail(RP_EIO, "Landlock refuses to confine this process: %s", strerror(errno));
  return RP_OK;
}

rp_status rp_landlock_restrict(void)
{
  int version = rp_landlock_version(NULL);
  if (!version) return RP_OK;
  ruleset refused = refusable(version);
  int     rules = (int)syscall(SYS_landlock_create_ruleset, &refused, known_size(version), 0);
  if (rules < 0) return rp_fail(RP_EIO, "Landlock refuses its rules: %s", strerror(errno));
  rp_status status = add_rules(rules, &refused);
  if (!status) status = enforce(rules);
  close(rules);
  return status;
}

#else

int rp_landlock_version(const char **why)
{
  if (why) *why = "only Linux has Landlock";
  return 0;
}

rp_status rp_landlock_restrict(void) { return RP_OK; }

#endif
