/* png.h: images in the PNG format (ISO/IEC 15948), by libpng. */
#ifndef RP_IO_PNG_H
#define RP_IO_PNG_H

#include "tensor/tensor.h"

/* A decoded image takes at most this many bytes. */
#define RP_PNG_LIMIT ((int64_t)1 << 30)

/* *out receives a new tensor (H,W,C): rows from the top, C = 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
 * uint8 for up to 8 bits a sample (1, 2 and 4 bits are scaled to 0..255); int32, 0..65535, for 16.  A palette
 * becomes its colours; a transparent colour (tRNS) becomes alpha.  Samples are as stored: gamma and colour profile are ignored.
 * The file may be interlaced.  RP_EIO, RP_EFORMAT, RP_ENOMEM. */
rp_status rp_png_read(rp_tensor **out, const char *path);

/* Writes x (H,W) or (H,W,C), borrowed, any strides:
 *   uint8            8 bits a sample
 *   int32 0..65535   16 bits a sample
 *   float 0..1       8 bits a sample, floor(255 x + 1/2)
 * The file holds no date and no text, so the same x and the same version of libpng and zlib make the same bytes.
 * RP_ESHAPE, RP_EDTYPE; RP_ERANGE for a value outside its range or NaN; RP_EIO, RP_ENOMEM. */
rp_status rp_png_write(const char *path, rp_tensor *x);

/* The same in memory, from samples (height,width,channels) of 8 bits, borrowed.  *out receives n bytes, given back with
 * rp_release.  RP_ESHAPE, RP_ENOMEM. */
rp_status rp_png_encode(unsigned char **out, size_t *n, const unsigned char *samples, int64_t height, int64_t width, int channels);

#endif
