/* image.c: the kernels' images, put into the program as they are.  The build gives RP_CUDA_IMAGES, the folder they lie in, and
 * RP_CUDA_ARCHITECTURES; without them there are none. */
#include "cuda/internal.h"

#ifdef RP_CUDA_IMAGES
#define IMAGE(part)                                                          \
  __asm__(".pushsection .rodata\n.balign 64\n.globl cu_image_" #part "\n"     \
          ".hidden cu_image_" #part "\ncu_image_" #part ":\n"                 \
          ".incbin \"" RP_CUDA_IMAGES "/" #part ".fatbin\"\n.popsection\n");  \
  extern const char cu_image_##part[];
IMAGE(map)
IMAGE(map_back)
IMAGE(sums)
IMAGE(elements)
IMAGE(products)

const void *cu_image(cu_part part)
{
  const char *const images[CU_N_PARTS] = { cu_image_map, cu_image_map_back, cu_image_sums, cu_image_elements, cu_image_products };
  return images[part];
}

const char *rp_cuda_architectures(void) { return RP_CUDA_ARCHITECTURES; }
#else
const void *cu_image(cu_part part) { (void)part; return NULL; }

const char *rp_cuda_architectures(void) { return ""; }
#endif
