/* markdown.c: cmark ends the program when its allocator fails.  Ours jumps out instead: every block it gave is in a list,
 * and the list is given back whole.  cmark holds nothing else, no file and no lock. */
#include "io/markdown.h"

#include <cmark.h>
#include <setjmp.h>
#include <string.h>

#include "base/memory.h"

/* A block is also far smaller than cmark's own limit of 2^30 bytes, at which it would end the program. */
#define BLOCK_LIMIT ((size_t)1 << 28)

typedef struct block {
  struct block *before, *after;
  size_t n, pad; /* the data follow, aligned to 16 bytes */
} block;

typedef struct arena {
  block   list; /* a ring */
  jmp_buf escape;
} arena;

static _Thread_local arena *current; /* cmark's allocator has no argument of its own */

static void *take(size_t n)
{
  block *b = NULL;
  if (n <= BLOCK_LIMIT) b = rp_new(sizeof *b + n);
  else rp_fail(RP_ENOMEM, "markdown: the text needs a block of %zu bytes; at most %zu are allowed", n, BLOCK_LIMIT);
  if (!b) longjmp(current->escape, 1);
  b->n = n;
  b->before = &current->list;
  b->after = current->list.after;
  b->before->after = b->after->before = b;
  return b + 1;
}

static void give(void *p)
{
  if (!p) return;
  block *b = (block *)p - 1;
  b->before->after = b->after;
  b->after->before = b->before;
  rp_delete(b);
}

static void *on_calloc(size_t n, size_t size)
{
  size_t bytes;
  if (__builtin_mul_overflow(n, size, &bytes)) bytes = SIZE_MAX;
  return take(bytes); /* zeroed by rp_new */
}

static void *on_realloc(void *p, size_t n)
{
  void *q = take(n);
  if (p) {
    size_t old = ((block *)p - 1)->n;
    memcpy(q, p, old < n ? old : n);
    give(p);
  }
  return q;
}

/* Returns the HTML in the arena, or NULL if memory ran out. */
static const char *render(arena *a, cmark_mem *memory, const char *text, size_t n)
{
  if (setjmp(a->escape)) return NULL;
  cmark_parser *parser = cmark_parser_new_with_mem(CMARK_OPT_DEFAULT, memory);
  cmark_parser_feed(parser, text, n);
  return cmark_render_html(cmark_parser_finish(parser), CMARK_OPT_DEFAULT);
}

static rp_status copy(char **out, size_t *n_out, const char *html)
{
  size_t n = strlen(html);
  char *text = rp_new(n + 1);
  if (!text) return RP_ENOMEM;
  memcpy(text, html, n);
  *out = text;
  *n_out = n;
  return RP_OK;
}

rp_status rp_markdown(char **out, size_t *n_out, const char *text, size_t n)
{
  cmark_mem memory = { on_calloc, on_realloc, give };
  arena a;
  if (n > RP_MARKDOWN_LIMIT)
    return rp_fail(RP_ERANGE, "markdown: %zu bytes of text; at most %d are supported", n, RP_MARKDOWN_LIMIT);
  a.list.before = a.list.after = &a.list;
  current = &a;
  const char *html = render(&a, &memory, text, n);
  rp_status status = html ? copy(out, n_out, html) : RP_ENOMEM;
  while (a.list.after != &a.list) give(a.list.after + 1);
  current = NULL;
  return status;
}
