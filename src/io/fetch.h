/* fetch.h: one HTTP transfer into a file, begun anew or gone on with. */
#ifndef RP_IO_FETCH_H
#define RP_IO_FETCH_H

#include <stdbool.h>

#include "base/error.h"

typedef struct rp_fetch {
  const char *url;     /* http or https */
  const char *path;    /* the file that receives the bytes */
  int64_t     from;    /* bytes that are in the file already, from an earlier transfer */
  const char *etag;    /* of that transfer, or NULL: the server sends the rest only if this still fits (If-Range) */
  int64_t     most;    /* more bytes than this are refused; 0: any number */
  double      connect; /* seconds until there is a connection */
  double      stall;   /* seconds during which fewer than 1000 bytes a second are too few */
  const char *agent;
  bool (*progress)(void *context, int64_t now, int64_t total); /* false ends the transfer; total 0: not known */
  void *context;
  /* what came of it */
  long    status;      /* of HTTP; 206 and 200 are good, others leave the file alone */
  int64_t begin;       /* `from` if the server went on there, 0 if it began anew and the file with it */
  int64_t length;      /* bytes in the file now */
  char    new_etag[128];
} rp_fetch;

/* Runs it.  RP_OK also for a status that is not good; RP_EIO if the transfer broke off or the file cannot be written, and what
 * came so far is kept; RP_ESTATE if there is no libcurl, or progress ended it. */
rp_status rp_fetch_run(rp_fetch *f);

/* The version of libcurl, which is loaded when it is first needed; NULL with a message if there is none. */
const char *rp_fetch_library(void);

#endif
