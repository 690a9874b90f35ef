/* libcurl is opened when it is needed and not linked: with the libraries it brings it would take longer to load than all the
 * rest of the program. */
#include "io/fetch.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#ifdef RP_HAVE_CURL
#include <curl/curl.h>

static struct {
  void *library;
  CURL *(*init)(void);
  void (*cleanup)(CURL *);
  CURLcode (*setopt)(CURL *, CURLoption, ...);
  CURLcode (*perform)(CURL *);
  CURLcode (*getinfo)(CURL *, CURLINFO, ...);
  const char *(*text)(CURLcode);
  char *(*version)(void);
  struct curl_slist *(*append)(struct curl_slist *, const char *);
  void (*free_list)(struct curl_slist *);
} curl;

static void *open_library(void)
{
  static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib", "libcurl.so", "libcurl.dylib" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library) return library;
  }
  return NULL;
}

static bool find(void *out, const char *name)
{
  void *symbol = dlsym(curl.library, name);
  memcpy(out, &symbol, sizeof symbol);
  return symbol != NULL;
}

const char *rp_fetch_library(void)
{
  if (curl.version) return curl.version();
  curl.library = open_library();
  if (!curl.library) {
    rp_fail(RP_ESTATE, "libcurl was not found; install it (Debian and Ubuntu: libcurl4) and try again");
    return NULL;
  }
  bool all = find(&curl.init, "curl_easy_init") && find(&curl.cleanup, "curl_easy_cleanup") &&
             find(&curl.setopt, "curl_easy_setopt") && find(&curl.perform, "curl_easy_perform") &&
             find(&curl.getinfo, "curl_easy_getinfo") && find(&curl.text, "curl_easy_strerror") &&
             find(&curl.append, "curl_slist_append") && find(&curl.free_list, "curl_slist_free_all") &&
             find(&curl.version, "curl_version");
  if (all) return curl.version();
  curl.version = NULL;
  rp_fail(RP_ESTATE, "the libcurl of this system lacks functions that repro needs");
  return NULL;
}

/* ---- one transfer --------------------------------------------------------------------------------------------- */

typedef struct transfer {
  rp_fetch *f;
  CURL     *handle;
  int       fd;         /* -1 until bytes of a good answer come */
  int64_t   range;      /* where the server says that its part begins, -1: it does not say */
  bool      is_stopped;
  char      why[256];   /* what ended it, if we did */
} transfer;

static size_t on_header(char *text, size_t one, size_t n, void *context)
{
  transfer *t = context;
  (void)one;
  if (n > 5 && strncasecmp(text, "HTTP/", 5) == 0) { t->range = -1; t->f->new_etag[0] = 0; } /* after a redirection */
  if (n > 6 && strncasecmp(text, "ETag:", 5) == 0) {
    size_t end = n, skip = text[5] == ' ' ? 6 : 5;
    while (end > skip && (text[end - 1] == '\r' || text[end - 1] == '\n' || text[end - 1] == ' ')) end--;
    if (end - skip < sizeof t->f->new_etag) snprintf(t->f->new_etag, sizeof t->f->new_etag, "%.*s", (int)(end - skip), text + skip);
  }
  long long begin;
  char      line[128];
  snprintf(line, sizeof line, "%.*s", (int)n, text);
  if (strncasecmp(line, "Content-Range:", 14) == 0 && sscanf(line + 14, " bytes %lld-", &begin) == 1) t->range = begin;
  return n;
}

static bool refuse(transfer *t, const char *why)
{
  snprintf(t->why, sizeof t->why, "%s", why);
  return false;
}

/* Opens the file where the server's answer begins. */
static bool begin_file(transfer *t, long status)
{
  if (status == 206 && t->range != t->f->from) return refuse(t, "the server sent another part than was asked for");
  t->f->begin = status == 206 ? t->f->from : 0;
  t->fd = open(t->f->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (t->fd < 0 || ftruncate(t->fd, t->f->begin) || lseek(t->fd, t->f->begin, SEEK_SET) < 0) return refuse(t, strerror(errno));
  t->f->length = t->f->begin;
  return true;
}

static bool write_bytes(transfer *t, const char *bytes, size_t n)
{
  if (t->f->most && t->f->length + (int64_t)n > t->f->most) return refuse(t, "the server sends more bytes than the file has");
  while (n) {
    ssize_t k = write(t->fd, bytes, n);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0) return refuse(t, strerror(errno));
    bytes += k;
    n -= (size_t)k;
    t->f->length += k;
  }
  return true;
}

static size_t on_bytes(char *bytes, size_t one, size_t n, void *context)
{
  transfer *t = context;
  long      status = 0;
  (void)one;
  curl.getinfo(t->handle, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200 && status != 206) return n; /* a page that explains an error */
  if (t->fd < 0 && !begin_file(t, status)) return 0;
  return write_bytes(t, bytes, n) ? n : 0;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up, curl_off_t up_now)
{
  transfer *t = context;
  (void)up; (void)up_now;
  int64_t before = t->fd < 0 ? 0 : t->f->begin;
  t->is_stopped = t->f->progress && !t->f->progress(t->f->context, before + now, total > 0 ? before + total : 0);
  return t->is_stopped;
}

static struct curl_slist *set_up(transfer *t, char *range, size_t room)
{
  rp_fetch *f = t->f;
  struct curl_slist *headers = NULL;
  CURL *h = t->handle;
  curl.setopt(h, CURLOPT_URL, f->url);
#if LIBCURL_VERSION_NUM >= 0x075500
  curl.setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
  curl.setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
  curl.setopt(h, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  curl.setopt(h, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  curl.setopt(h, CURLOPT_FOLLOWLOCATION, 1L);
  curl.setopt(h, CURLOPT_MAXREDIRS, 10L);
  curl.setopt(h, CURLOPT_NOSIGNAL, 1L);
  curl.setopt(h, CURLOPT_USERAGENT, f->agent);
  curl.setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)(f->connect * 1000));
  curl.setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1000L);
  curl.setopt(h, CURLOPT_LOW_SPEED_TIME, (long)(f->stall < 1 ? 1 : f->stall));
  curl.setopt(h, CURLOPT_HEADERFUNCTION, on_header);
  curl.setopt(h, CURLOPT_HEADERDATA, t);
  curl.setopt(h, CURLOPT_WRITEFUNCTION, on_bytes);
  curl.setopt(h, CURLOPT_WRITEDATA, t);
  curl.setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl.setopt(h, CURLOPT_XFERINFODATA, t);
  curl.setopt(h, CURLOPT_NOPROGRESS, 0L);
  if (f->from <= 0) return NULL;
  snprintf(range, room, "Range: bytes=%lld-", (long long)f->from);
  headers = curl.append(NULL, range);
  if (f->etag) {
    snprintf(range, room, "If-Range: %s", f->etag);
    headers = curl.append(headers, range);
  }
  curl.setopt(h, CURLOPT_HTTPHEADER, headers);
  return headers;
}

static rp_status outcome(const transfer *t, CURLcode code)
{
  if (t->is_stopped) return rp_fail(RP_ESTATE, "%s: stopped", t->f->url);
  if (t->why[0]) return rp_fail(RP_EIO, "%s: %s", t->f->url, t->why);
  if (code == CURLE_OPERATION_TIMEDOUT && t->f->status)
    return rp_fail(RP_EIO, "%s: fewer than 1000 bytes a second for %g seconds", t->f->url, t->f->stall);
  if (code != CURLE_OK) return rp_fail(RP_EIO, "%s: %s", t->f->url, curl.text(code));
  return RP_OK;
}

rp_status rp_fetch_run(rp_fetch *f)
{
  char     line[512];
  transfer t = { f, NULL, -1, -1, false, "" };
  f->status = 0;
  f->begin = f->length = f->from;
  f->new_etag[0] = 0;
  if (!rp_fetch_library()) return RP_ESTATE;
  if (!(t.handle = curl.init())) return rp_fail(RP_ENOMEM, "%s: libcurl cannot start", f->url);
  struct curl_slist *headers = set_up(&t, line, sizeof line);
  CURLcode code = curl.perform(t.handle);
  curl.getinfo(t.handle, CURLINFO_RESPONSE_CODE, &f->status);
  rp_status status = outcome(&t, code);
  curl.free_list(headers);
  curl.cleanup(t.handle);
  bool failed = t.fd >= 0 && (fsync(t.fd) != 0) && !status;
  if (t.fd >= 0 && close(t.fd) && !status) failed = true;
  return failed ? rp_fail(RP_EIO, "%s: %s", f->path, strerror(errno)) : status;
}

#else

const char *rp_fetch_library(void)
{
  rp_fail(RP_ESTATE, "this repro was built without libcurl; install it with its headers (Debian and Ubuntu: "
          "libcurl4-openssl-dev) and run ./setup again");
  return NULL;
}

rp_status rp_fetch_run(rp_fetch *f)
{
  (void)f;
  rp_fetch_library();
  return RP_ESTATE;
}

#endif
