/* landlock.h: the kernel's part of base/confine.h, where it is Linux with Landlock (5.13 and later). */
#ifndef RP_BASE_LANDLOCK_H
#define RP_BASE_LANDLOCK_H

#include "base/error.h"

/* The version of the kernel's interface; 0 if there is none, and then *why (may be NULL) receives the reason. */
int rp_landlock_version(const char **why);

/* Has the kernel refuse this thread, and those it starts from now on, all files but those allowed in base/confine.h, and,
 * where the kernel can, TCP connections and signals to other processes.  It cannot be taken back; each further call can only
 * narrow.  Does nothing where there is no Landlock.  RP_EIO if the kernel declines. */
rp_status rp_landlock_restrict(void);

#endif
