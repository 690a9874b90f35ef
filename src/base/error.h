/* error.h: how a library function fails.
 *
 * It returns RP_OK, or `return rp_fail(RP_ESHAPE, "matmul: (3x4) by (5x6): inner sizes 4 and 5 differ")`.
 * It never exits, prints, jumps or calls Lua, and on failure its outputs are untouched. */
#ifndef RP_BASE_ERROR_H
#define RP_BASE_ERROR_H

#include "base/target.h"

typedef enum rp_status {
  RP_OK = 0,
  RP_EARG,    /* an argument that no shape or type could make right */
  RP_ESHAPE,  /* sizes that do not fit each other */
  RP_EDTYPE,  /* an element type the operation does not take */
  RP_ERANGE,  /* an index or value outside its range */
  RP_ENOMEM,  /* memory could not be had */
  RP_EDEVICE, /* the device is missing, lost, or not the one needed */
  RP_EIO,     /* the operating system refused to read or write */
  RP_EFORMAT, /* a file is not what its name or header promises */
  RP_ESTATE,  /* the right call at the wrong time (a graph already consumed) */
  RP_ELUA     /* a Lua function called from C raised; its message is kept */
} rp_status;

/* Records the message for this thread and returns code.  At most 1023 bytes are kept. */
RP_COLD rp_status rp_fail(rp_status code, const char *fmt, ...) RP_FORMAT(2, 3);

/* The message of the latest rp_fail on this thread, "" if none.  Borrowed until the next failure. */
const char *rp_message(void);

/* Passes a failure on: if the call fails, return its status. */
#define RP_TRY(call) do { rp_status rp_try_ = (call); if (rp_try_ != RP_OK) return rp_try_; } while (0)

#endif
