/* png.c: libpng reports errors by longjmp.  It jumps only inside decode() and encode(), which own nothing and change no
 * local variable: all that must be given back is in a job of the caller. */
#include "io/png.h"

#include <inttypes.h>
#include <math.h>
#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "base/memory.h"
#include "io/reader.h"
#include "io/writer.h"

#define SIDE_LIMIT 1000000 /* libpng's own */

typedef struct job {
  png_structp png;
  png_infop   info;
  rp_status   status; /* of the call of ours that failed inside libpng; RP_OK if libpng itself complains */
  rp_reader  *reader; /* reading */
  rp_tensor  *image;  /* reading: owned */
  const char *path;   /* writing */
  rp_writer  *writer;
  unsigned char *samples; /* writing: (H,W,C) big-endian; owned */
  unsigned char *memory;  /* encoding: the bytes so far; owned */
  size_t      used, room;
  int64_t     height, width, channels;
  int         bytes;  /* of a sample: 1 or 2 */
} job;

/* ---- what libpng calls ------------------------------------------------------------------------------------ */

static void on_error(png_structp png, png_const_charp why)
{
  job *j = png_get_error_ptr(png);
  if (!j->status)
    j->status = j->reader ? rp_bad(j->reader, rp_at(j->reader), "PNG: %s", why) : rp_fail(RP_EIO, "%s: PNG: %s", j->path, why);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp why)
{
  (void)png;
  (void)why;
}

static png_voidp take(png_structp png, png_alloc_size_t n)
{
  void *p = rp_new(n);
  job *j = png_get_mem_ptr(png);
  if (!p && !j->status) j->status = RP_ENOMEM;
  return p;
}

static void give(png_structp png, png_voidp p)
{
  (void)png;
  rp_delete(p);
}

static void on_read(png_structp png, png_bytep to, size_t n)
{
  job *j = png_get_io_ptr(png);
  j->status = rp_read(j->reader, to, (int64_t)n, "PNG data");
  if (j->status) png_error(png, "read");
}

static rp_status append(job *j, const void *bytes, size_t n)
{
  if (j->used + n > j->room) {
    size_t room = 2 * j->room + n + 4096;
    unsigned char *more = rp_alloc(room);
    if (!more) return RP_ENOMEM;
    if (j->used) memcpy(more, j->memory, j->used);
    rp_release(j->memory);
    j->memory = more;
    j->room = room;
  }
  memcpy(j->memory + j->used, bytes, n);
  j->used += n;
  return RP_OK;
}

static void on_write(png_structp png, png_bytep bytes, size_t n)
{
  job *j = png_get_io_ptr(png);
  j->status = j->writer ? rp_write(j->writer, bytes, (int64_t)n) : append(j, bytes, n);
  if (j->status) png_error(png, "write");
}

static void on_flush(png_structp png) { (void)png; }

static rp_status no_png(const job *j)
{
  return j->status ? j->status : rp_fail(RP_ENOMEM, "PNG: libpng could not start");
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

/* The size that the header declares, against what the file can hold: a bit of the file makes at most 1032 of the image. */
static rp_status check_size(const job *j)
{
  int64_t width = png_get_image_width(j->png, j->info), height = png_get_image_height(j->png, j->info);
  int64_t bits = (int64_t)png_get_bit_depth(j->png, j->info) * png_get_channels(j->png, j->info);
  if (width * bits / 8 * height / RP_DEFLATE_RATIO > rp_length(j->reader))
    return rp_bad(j->reader, 16, "the image is said to be %" PRId64 " by %" PRId64 ", more than %" PRId64 " bytes can hold", width,
                  height, rp_length(j->reader));
  if (width * height > RP_PNG_LIMIT / 16)
    return rp_bad(j->reader, 16, "the image is said to be %" PRId64 " by %" PRId64 "; at most %" PRId64 " pixels are supported",
                  width, height, RP_PNG_LIMIT / 16);
  return RP_OK;
}

static rp_status prepare(job *j)
{
  png_read_info(j->png, j->info);
  RP_TRY(check_size(j));
  png_set_expand(j->png); /* palette to colours, fewer than 8 bits to 8, tRNS to alpha */
  if (png_get_bit_depth(j->png, j->info) == 16) png_set_swap(j->png);
  png_set_interlace_handling(j->png);
  png_read_update_info(j->png, j->info);
  j->width = png_get_image_width(j->png, j->info);
  j->height = png_get_image_height(j->png, j->info);
  j->channels = png_get_channels(j->png, j->info);
  j->bytes = png_get_bit_depth(j->png, j->info) / 8;
  if ((int64_t)png_get_rowbytes(j->png, j->info) != j->width * j->channels * j->bytes)
    return rp_bad(j->reader, rp_at(j->reader), "PNG: a row has %zu bytes", png_get_rowbytes(j->png, j->info));
  int64_t shape[] = { j->height, j->width, j->channels };
  return rp_tensor_empty(&j->image, j->bytes == 2 ? RP_INT32 : RP_UINT8, 3, shape);
}

/* 16-bit samples come in the second half of the tensor and are widened from its first element on: element i is written at
 * byte 4i, read at 2n + 2i, and 4i + 4 <= 2n + 2i + 2 for all i < n. */
static void widen_16(rp_tensor *t)
{
  int64_t n = rp_count(&t->a);
  unsigned char *to = rp_data(t), *from = to + 2 * n;
  for (int64_t i = 0; i < n; i++) {
    uint16_t x;
    memcpy(&x, from + 2 * i, sizeof x);
    int32_t y = x;
    memcpy(to + 4 * i, &y, sizeof y);
  }
}

static rp_status decode(job *j)
{
  if (setjmp(png_jmpbuf(j->png))) return j->status;
  png_set_read_fn(j->png, j, on_read);
  png_set_keep_unknown_chunks(j->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1); /* skip dates, texts, profiles */
  png_set_crc_action(j->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_set_benign_errors(j->png, 0);
  png_set_check_for_invalid_index(j->png, 1);
  RP_TRY(prepare(j));
  int64_t row = j->width * j->channels * j->bytes;
  unsigned char *rows = rp_data(j->image);
  if (j->bytes == 2) rows += row * j->height;
  memset(rows, 0, (size_t)(row * j->height)); /* an interlaced pass reads back what it does not write */
  for (int pass = png_get_interlace_type(j->png, j->info) == PNG_INTERLACE_ADAM7 ? 7 : 1; pass > 0; pass--)
    for (int64_t y = 0; y < j->height; y++) png_read_row(j->png, rows + y * row, NULL);
  png_read_end(j->png, NULL);
  if (j->bytes == 2) widen_16(j->image);
  return rp_reader_end(j->reader);
}

rp_status rp_png_read(rp_tensor **out, const char *path)
{
  job j = { 0 };
  RP_TRY(rp_reader_open(&j.reader, path));
  j.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &j, on_error, on_warning, &j, take, give);
  if (j.png) j.info = png_create_info_struct(j.png);
  rp_status status = j.info ? decode(&j) : no_png(&j);
  png_destroy_read_struct(&j.png, &j.info, NULL);
  rp_reader_close(j.reader);
  if (status) rp_tensor_drop(j.image);
  else *out = j.image;
  return status;
}

/* ---- writing: values to samples --------------------------------------------------------------------------- */

static rp_status bad_value(const job *j, int64_t i, double x, const char *expected)
{
  int64_t c = i % j->channels, p = i / j->channels;
  return rp_fail(RP_ERANGE, "write_png: row %" PRId64 ", column %" PRId64 ", channel %" PRId64 " is %.9g; expected %s",
                 p / j->width + 1, p % j->width + 1, c + 1, x, expected);
}

static rp_status convert_int(job *j, const int32_t *x, int64_t n)
{
  for (int64_t i = 0; i < n; i++) {
    if (x[i] < 0 || x[i] > 65535) return bad_value(j, i, x[i], "0 to 65535");
    j->samples[2 * i] = (unsigned char)(x[i] >> 8);
    j->samples[2 * i + 1] = (unsigned char)x[i];
  }
  return RP_OK;
}

static rp_status convert_float(job *j, const rp_tensor *t, int64_t n)
{
  for (int64_t i = 0; i < n; i++) {
    double x = t->a.dtype == RP_FLOAT32 ? ((const float *)t->a.data)[i] : ((const double *)t->a.data)[i];
    if (!(x >= 0 && x <= 1)) return bad_value(j, i, x, "0 to 1 (x:clamp(0, 1) brings it there, but for NaN)");
    j->samples[i] = (unsigned char)floor(255 * x + 0.5);
  }
  return RP_OK;
}

static rp_status convert(job *j, const rp_tensor *t)
{
  int64_t n = rp_count(&t->a);
  j->bytes = t->a.dtype == RP_INT32 ? 2 : 1;
  j->samples = rp_alloc((size_t)(n * j->bytes));
  if (!j->samples) return RP_ENOMEM;
  if (t->a.dtype == RP_INT32) return convert_int(j, t->a.data, n);
  if (rp_is_float(t->a.dtype)) return convert_float(j, t, n);
  memcpy(j->samples, t->a.data, (size_t)n);
  return RP_OK;
}

static rp_status check_image(job *j, const rp_array *a)
{
  if (a->dtype != RP_UINT8 && a->dtype != RP_INT32 && !rp_is_float(a->dtype))
    return rp_fail(RP_EDTYPE, "write_png: expected uint8, int32 (16 bits a sample) or a float type, not %s",
                   rp_dtype_name(a->dtype));
  j->channels = a->ndim == 3 ? a->shape[2] : 1;
  if (a->ndim < 2 || a->ndim > 3 || j->channels < 1 || j->channels > 4)
    return rp_fail(RP_ESHAPE, "write_png: expected (H,W) or (H,W,C) with C from 1 to 4, not %s", rp_shape(a).s);
  j->height = a->shape[0];
  j->width = a->shape[1];
  if (j->height < 1 || j->width < 1 || j->height > SIDE_LIMIT || j->width > SIDE_LIMIT)
    return rp_fail(RP_ESHAPE, "write_png: expected sides from 1 to %d, not %s", SIDE_LIMIT, rp_shape(a).s);
  return RP_OK;
}

/* ---- writing: the file ------------------------------------------------------------------------------------ */

static rp_status encode(job *j)
{
  static const int colour[] = { 0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA };
  if (setjmp(png_jmpbuf(j->png))) return j->status;
  png_set_write_fn(j->png, j, on_write, on_flush);
  png_set_compression_level(j->png, 6);
  png_set_IHDR(j->png, j->info, (png_uint_32)j->width, (png_uint_32)j->height, 8 * j->bytes, colour[j->channels],
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(j->png, j->info);
  for (int64_t y = 0; y < j->height; y++) png_write_row(j->png, j->samples + y * j->width * j->channels * j->bytes);
  png_write_end(j->png, NULL);
  return RP_OK;
}

static rp_status run_encoder(job *j)
{
  j->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, j, on_error, on_warning, j, take, give);
  if (j->png) j->info = png_create_info_struct(j->png);
  rp_status status = j->info ? encode(j) : no_png(j);
  png_destroy_write_struct(&j->png, &j->info);
  return status;
}

static rp_status write_image(job *j)
{
  RP_TRY(rp_writer_open(&j->writer, j->path));
  return rp_writer_close(j->writer, run_encoder(j));
}

rp_status rp_png_encode(unsigned char **out, size_t *n, const unsigned char *samples, int64_t height, int64_t width, int channels)
{
  job j = { .path = "encode_png", .height = height, .width = width, .channels = channels, .bytes = 1,
            .samples = (unsigned char *)(uintptr_t)samples };
  if (height < 1 || width < 1 || height > SIDE_LIMIT || width > SIDE_LIMIT || channels < 1 || channels > 4)
    return rp_fail(RP_ESHAPE, "encode_png: no image is %" PRId64 "x%" PRId64 " with %d channels", height, width, channels);
  rp_status status = run_encoder(&j);
  if (status) { rp_release(j.memory); return status; }
  *out = j.memory;
  *n = j.used;
  return RP_OK;
}

rp_status rp_png_write(const char *path, rp_tensor *x)
{
  job j = { .path = path };
  rp_tensor *c = NULL;
  RP_TRY(check_image(&j, &x->a));
  RP_TRY(rp_tensor_host(&c, x));
  rp_status status = convert(&j, c);
  if (!status) status = write_image(&j);
  rp_release(j.samples);
  rp_tensor_drop(c);
  return status;
}
