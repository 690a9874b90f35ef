#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char message[1024];

rp_status rp_fail(rp_status code, const char *fmt, ...)
{
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(message, sizeof message, fmt, ap);
  va_end(ap);
  return code;
}

const char *rp_message(void) { return message; }
