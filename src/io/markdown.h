/* markdown.h: CommonMark text to HTML, by cmark. */
#ifndef RP_IO_MARKDOWN_H
#define RP_IO_MARKDOWN_H

#include "base/error.h"

#define RP_MARKDOWN_LIMIT (1 << 24)

/* *out receives the HTML, *n_out bytes and a 0, given back with rp_delete.  text (n bytes, UTF-8) is borrowed.  HTML in the text
 * and links such as javascript: are left out.  RP_ERANGE for more than RP_MARKDOWN_LIMIT bytes; RP_ENOMEM. */
rp_status rp_markdown(char **out, size_t *n_out, const char *text, size_t n);

#endif
