/* confine.h: the folders to which this process keeps, once a script of somebody else is about to run.
 *
 * Folders and files are allowed first; rp_confine then makes them the only ones, for the rest of the process.  Every room
 * that opens a file asks rp_place_find where it is.  Below an allowed folder no symbolic link is followed, whoever made it:
 * the path is walked folder by folder, so a link put in its way while it is walked does not help either.
 * rp_confine_kernel has the kernel see to the same rules (base/landlock.h), for code that does not ask. */
#ifndef RP_BASE_CONFINE_H
#define RP_BASE_CONFINE_H

#include <stdbool.h>

#include "base/error.h"

typedef enum rp_right {
  RP_READ = 1,   /* files are read, folders listed */
  RP_WRITE = 2,  /* files are made, replaced, removed; folders made */
  RP_CLAIM = 4,  /* one folder directly below may be claimed for writing (rp_confine_claim) */
  RP_SYSTEM = 8  /* for the kernel only: what libraries and drivers need; rp_place_find does not know it */
} rp_right;

/* Allows an existing folder with all below it, or a file; links on the way to it are followed now, and never again.
 * rights is a sum of rp_right.  named, if not NULL: the name, absolute, under which it is known as well, by its text alone.
 * A path that does not exist is left out.  RP_ESTATE once confined; RP_EARG: too many; RP_EIO. */
rp_status rp_confine_allow(const char *path, const char *named, int rights);

/* From now on only what was allowed.  RP_ESTATE if confined already; RP_EIO: no current folder. */
rp_status rp_confine(void);

/* Has the kernel see to it as well, and to later claims (rp_landlock_restrict). */
rp_status rp_confine_kernel(void);

/* Takes everything back: for a process that runs several scripts, all of them trusted.  The kernel's part stays. */
void rp_confine_lift(void);

bool rp_is_confined(void);

/* Makes the folder, directly below one allowed with RP_CLAIM, if it is missing, and allows reading and writing there; the
 * claim is then used up.  Does nothing where writing is allowed already or the process is not confined.  RP_EIO. */
rp_status rp_confine_claim(const char *path);

/* What a process started by this one must keep to: the note, then for each allowed path two lines, "RIGHTS PATH" and its
 * other name, RIGHTS of the letters r, w, c, s.  NULL with a message if memory is lacking; given back with rp_delete. */
char *rp_confine_text(void);

/* A line for rp_confine_text, at most 255 bytes; for the limits of a run. */
void rp_confine_note(const char *line);

/* Whether path lies in a folder with these rights, by its text; true if not confined. */
bool rp_is_allowed(const char *path, int rights);

/* Whether path is a folder above something that is allowed, and so is there, by its text. */
bool rp_is_above_allowed(const char *path);

/* Where a file is, for openat and its kin: `name` relative to the folder `dir`. */
typedef struct rp_place {
  int         dir;
  int         nofollow; /* O_NOFOLLOW, which every open of the name must add, or 0 */
  bool        owned;    /* dir is closed by rp_place_leave */
  bool        alone;    /* the file itself is allowed, not its folder: no other file can be made beside it */
  const char *name;     /* points into path or text */
  char        text[256];
} rp_place;

/* *out receives the place of path, if it may be used so; given back with rp_place_leave.  path is borrowed until then.
 * RP_EIO: outside what is allowed, or a folder on the way is missing or a link. */
rp_status rp_place_find(rp_place *out, const char *path, int rights);
void      rp_place_leave(rp_place *place);

/* out receives path or, where ".." after a link makes it another one than its text says, what it is without links; false if
 * there is no such file or too little room. */
bool rp_plain_path(char *out, size_t room, const char *path);

/* Whether a folder is one for everybody's files: the home folder or one above it, or one like /tmp where anybody may make
 * files.  A script that lies there gets no right to its surroundings. */
bool rp_is_common_folder(const char *path);

/* Allowed paths, for rp_confine_kernel: the i-th, from 0, or NULL; *rights receives its rights. */
const char *rp_confine_path(int i, int *rights);

#endif
