/* npy.c: a magic word, a version, the length of a header, the header (a Python dictionary as text), the elements. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/element.h"
#include "io/npy.h"

#define MAGIC "\x93NUMPY"
#define HEADER_LIMIT 65535 /* what version 1 can say; longer ones describe structures, which are refused anyway */

typedef struct header {
  rp_element element;
  bool       is_big_endian, is_fortran;
  int        ndim;
  int64_t    shape[RP_MAX_DIMS];
} header;

/* ---- the dictionary --------------------------------------------------------------------------------------- */

typedef struct scanner {
  const rp_reader *r;
  const char *text; /* ends with a 0 */
  int64_t     at;   /* next character; the file has it at base + at */
  int64_t     base;
} scanner;

static rp_status unexpected(const scanner *s, const char *expected)
{
  return rp_bad(s->r, s->base + s->at, "expected %s in the header, found '%.16s'", expected, s->text + s->at);
}

static void skip_space(scanner *s)
{
  while (strchr(" \t\r\n", s->text[s->at]) && s->text[s->at]) s->at++;
}

static bool accept(scanner *s, char c)
{
  skip_space(s);
  if (s->text[s->at] != c) return false;
  s->at++;
  return true;
}

static rp_status want(scanner *s, char c)
{
  char expected[] = { '\'', c, '\'', 0 };
  return accept(s, c) ? RP_OK : unexpected(s, expected);
}

static rp_status scan_string(scanner *s, char *to, size_t room, const char *what)
{
  skip_space(s);
  char quote = s->text[s->at];
  if (quote != '\'' && quote != '"') return unexpected(s, what);
  const char *begin = s->text + s->at + 1, *end = strchr(begin, quote);
  if (!end || (size_t)(end - begin) >= room) return unexpected(s, what);
  memcpy(to, begin, (size_t)(end - begin));
  to[end - begin] = 0;
  s->at += end - begin + 2;
  return RP_OK;
}

static rp_status scan_bool(scanner *s, bool *to)
{
  skip_space(s);
  const char *p = s->text + s->at;
  *to = !strncmp(p, "True", 4);
  if (!*to && strncmp(p, "False", 5)) return unexpected(s, "True or False");
  s->at += *to ? 4 : 5;
  return RP_OK;
}

static rp_status scan_size(scanner *s, int64_t *to)
{
  int64_t n = 0;
  skip_space(s);
  if (s->text[s->at] < '0' || s->text[s->at] > '9') return unexpected(s, "a size");
  for (; s->text[s->at] >= '0' && s->text[s->at] <= '9'; s->at++)
    if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, s->text[s->at] - '0', &n))
      return unexpected(s, "a smaller size");
  *to = n;
  return RP_OK;
}

/* (), (3,), (3, 4), (3, 4,); "(3)" is a number in Python and no shape. */
static rp_status scan_shape(scanner *s, header *h)
{
  bool has_comma = false;
  RP_TRY(want(s, '('));
  for (h->ndim = 0; !accept(s, ')'); h->ndim++) {
    if (h->ndim && !has_comma) return unexpected(s, "',' or ')'");
    if (h->ndim == RP_MAX_DIMS) return rp_bad(s->r, s->base + s->at, "more than %d dimensions", RP_MAX_DIMS);
    RP_TRY(scan_size(s, &h->shape[h->ndim]));
    has_comma = accept(s, ',');
  }
  return h->ndim == 1 && !has_comma ? unexpected(s, "',' after the only size") : RP_OK;
}

static rp_status scan_descr(scanner *s, header *h)
{
  static const struct { char code[3]; rp_element element; } known[] = {
    { "b1", RP_FILE_BOOL }, { "u1", RP_FILE_U8 },  { "i1", RP_FILE_I8 },  { "u2", RP_FILE_U16 }, { "i2", RP_FILE_I16 },
    { "u4", RP_FILE_U32 },  { "i4", RP_FILE_I32 }, { "u8", RP_FILE_U64 }, { "i8", RP_FILE_I64 }, { "f2", RP_FILE_F16 },
    { "f4", RP_FILE_F32 },  { "f8", RP_FILE_F64 },
  };
  char text[32];
  skip_space(s);
  int64_t at = s->base + s->at;
  RP_TRY(scan_string(s, text, sizeof text, "an element type such as '<f4' (structures are not supported)"));
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (!text[0] || strcmp(text + 1, known[i].code)) continue;
    bool is_byte = rp_element_size(known[i].element) == 1;
    if (text[0] != '<' && text[0] != '>' && !(is_byte && text[0] == '|')) break;
    h->element = known[i].element;
    h->is_big_endian = text[0] == '>' && !is_byte;
    return RP_OK;
  }
  return rp_bad(s->r, at, "the element type '%s' is not supported; expected |b1, or < or > before u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8",
                text);
}

enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7 };

static rp_status scan_entry(scanner *s, header *h, int *seen)
{
  char key[32];
  skip_space(s);
  int64_t at = s->base + s->at;
  RP_TRY(scan_string(s, key, sizeof key, "'descr', 'fortran_order' or 'shape'"));
  int which = !strcmp(key, "descr") ? DESCR : !strcmp(key, "fortran_order") ? ORDER : !strcmp(key, "shape") ? SHAPE : 0;
  if (!which) return rp_bad(s->r, at, "expected 'descr', 'fortran_order' or 'shape' in the header, found '%s'", key);
  if (*seen & which) return rp_bad(s->r, at, "the header says '%s' twice", key);
  *seen |= which;
  RP_TRY(want(s, ':'));
  return which == DESCR ? scan_descr(s, h) : which == ORDER ? scan_bool(s, &h->is_fortran) : scan_shape(s, h);
}

static rp_status scan_dictionary(scanner *s, header *h, int64_t n)
{
  int  seen = 0;
  bool has_comma = true;
  if (n == 0 || s->text[n - 1] != '\n') return rp_bad(s->r, s->base + n, "expected the header to end with a new line");
  RP_TRY(want(s, '{'));
  while (!accept(s, '}')) {
    if (!has_comma) return unexpected(s, "',' or '}'");
    RP_TRY(scan_entry(s, h, &seen));
    has_comma = accept(s, ',');
  }
  if (seen != ALL) return unexpected(s, "'descr', 'fortran_order' and 'shape'");
  skip_space(s);
  return s->at == n ? RP_OK : unexpected(s, "only spaces after '}'");
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static rp_status scan_text(header *h, rp_reader *r, int64_t n)
{
  scanner s = { .r = r, .base = rp_at(r) };
  char *text = rp_new((size_t)n + 1);
  if (!text) return RP_ENOMEM;
  s.text = text;
  rp_status status = rp_read(r, text, n, "header");
  if (!status) status = scan_dictionary(&s, h, n);
  rp_delete(text);
  return status;
}

static rp_status read_header(header *h, rp_reader *r)
{
  unsigned char word[8], length[4] = { 0 };
  RP_TRY(rp_read(r, word, 8, "NPY magic and version"));
  if (memcmp(word, MAGIC, 6)) return rp_bad(r, 0, "expected an NPY file, which starts with \\x93NUMPY");
  if (word[6] < 1 || word[6] > 3 || word[7] != 0)
    return rp_bad(r, 6, "NPY version %d.%d is not supported; expected 1.0, 2.0 or 3.0", word[6], word[7]);
  RP_TRY(rp_read(r, length, word[6] == 1 ? 2 : 4, "header length"));
  int64_t n = rp_le32(length);
  if (n > HEADER_LIMIT)
    return rp_bad(r, 8, "the header is said to have %" PRId64 " bytes; at most %d are supported", n, HEADER_LIMIT);
  RP_TRY(rp_expect(r, n, "header"));
  return scan_text(h, r, n);
}

/* Column-major elements of shape (a,b,c) are row-major ones of (c,b,a). */
static rp_status read_fortran(rp_tensor **out, rp_reader *r, const header *h)
{
  rp_tensor *reversed = NULL, *window = NULL;
  int64_t shape[RP_MAX_DIMS];
  for (int d = 0; d < h->ndim; d++) shape[d] = h->shape[h->ndim - 1 - d];
  RP_TRY(rp_read_tensor(&reversed, r, h->element, h->is_big_endian, h->ndim, shape));
  rp_array a = reversed->a;
  for (int d = 0; d < h->ndim; d++) {
    a.shape[d]  = h->shape[d];
    a.stride[d] = reversed->a.stride[h->ndim - 1 - d];
  }
  rp_status status = rp_tensor_view(&window, reversed, &a);
  rp_tensor_drop(reversed);
  if (status) return status;
  status = rp_tensor_contiguous(out, window);
  rp_tensor_drop(window);
  return status;
}

rp_status rp_npy_read_from(rp_tensor **out, rp_reader *r)
{
  header h = { 0 };
  rp_tensor *t = NULL;
  RP_TRY(read_header(&h, r));
  if (h.is_fortran && h.ndim > 1) RP_TRY(read_fortran(&t, r, &h));
  else RP_TRY(rp_read_tensor(&t, r, h.element, h.is_big_endian, h.ndim, h.shape));
  rp_status status = rp_reader_end(r);
  if (status) rp_tensor_drop(t);
  else *out = t;
  return status;
}

rp_status rp_npy_read(rp_tensor **out, const char *path)
{
  rp_reader *r = NULL;
  RP_TRY(rp_reader_open(&r, path));
  rp_status status = rp_npy_read_from(out, r);
  rp_reader_close(r);
  return status;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

/* NumPy leaves room for the first size to grow to 21 digits, and pads to 64 bytes so that the elements are aligned. */
int rp_npy_header(unsigned char header[RP_NPY_HEADER_MAX], const rp_array *a)
{
  static const char descr[RP_N_DTYPES][4] = { "|b1", "|u1", "<i4", "<i8", "<f4", "<f8" };
  char *text = (char *)header + 10;
  int n = snprintf(text, RP_NPY_HEADER_MAX - 10, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr[a->dtype]), first = 0;
  for (int d = 0; d < a->ndim; d++) {
    int k = snprintf(text + n, (size_t)(RP_NPY_HEADER_MAX - 10 - n), "%s%" PRId64, d ? ", " : "", a->shape[d]);
    if (d == 0) first = k;
    n += k;
  }
  n += snprintf(text + n, (size_t)(RP_NPY_HEADER_MAX - 10 - n), "%s), }", a->ndim == 1 ? "," : "");
  int grown = a->ndim ? n + 21 - first : n, total = (10 + grown + 1 + 63) / 64 * 64;
  memset(text + n, ' ', (size_t)(total - 10 - n));
  header[total - 1] = '\n';
  memcpy(header, MAGIC "\x01", 8); /* version 1, and the 0 that ends the string */
  header[8] = (unsigned char)(total - 10);
  header[9] = (unsigned char)((total - 10) >> 8);
  return total;
}

static rp_status write_array(rp_writer *w, rp_tensor *x)
{
  unsigned char header[RP_NPY_HEADER_MAX];
  RP_TRY(rp_write(w, header, rp_npy_header(header, &x->a)));
  return rp_write(w, rp_data(x), rp_count(&x->a) * (int64_t)rp_dtype_size(x->a.dtype));
}

rp_status rp_npy_write(const char *path, rp_tensor *x)
{
  rp_tensor *c = NULL;
  rp_writer *w = NULL;
  RP_TRY(rp_tensor_host(&c, x));
  rp_status status = rp_writer_open(&w, path);
  if (!status) status = rp_writer_close(w, write_array(w, c));
  rp_tensor_drop(c);
  return status;
}
