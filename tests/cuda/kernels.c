/* kernels.c: the kernels' text, all of it, compiled for the emulator: -DPART='"cuda/kernels/map.cu"' and so on. */
#include PART
