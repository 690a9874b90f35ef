/* driver.h: the part of NVIDIA's driver interface that is used, opened at run time from libcuda.so.1, so that a program
 * built anywhere starts anywhere.  Types and numbers are those of the driver's binary interface (tests/cuda/interface.cu
 * compares them with NVIDIA's header). */
#ifndef RP_CUDA_DRIVER_H
#define RP_CUDA_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int      cu_result; /* 0: success */
typedef int      cu_device;
typedef uint64_t cu_pointer;
typedef struct cu_context_ *cu_context;
typedef struct cu_module_  *cu_module;
typedef struct cu_function_ *cu_function;
typedef struct cu_stream_  *cu_stream;
typedef struct cu_event_   *cu_event;
typedef struct cu_graph_   *cu_graph;
typedef struct cu_exec_    *cu_graph_exec;

#define CU_STREAM_ALONE 1
#define CU_EVENT_NO_TIMING   2
#define CU_ATTRIBUTE_PROCESSORS 16
#define CU_ATTRIBUTE_MAJOR   75
#define CU_ATTRIBUTE_MINOR   76
#define CU_ATTRIBUTE_SHARED_OPTIN 97
#define CU_FUNCTION_DYNAMIC_SHARED 8
#define CU_CAPTURE_RELAXED   2 /* memory may be asked for meanwhile */

/* field, symbol, arguments */
#define CU_FUNCTIONS(F)                                                                             \
  F(init,            cuInit,                       (unsigned flags))                                \
  F(version,         cuDriverGetVersion,           (int *version))                                  \
  F(error_name,      cuGetErrorName,               (cu_result e, const char **text))                \
  F(error_text,      cuGetErrorString,             (cu_result e, const char **text))                \
  F(device_count,    cuDeviceGetCount,             (int *n))                                        \
  F(device_get,      cuDeviceGet,                  (cu_device *d, int i))                           \
  F(device_name,     cuDeviceGetName,              (char *name, int room, cu_device d))             \
  F(device_bytes,    cuDeviceTotalMem_v2,          (size_t *bytes, cu_device d))                    \
  F(device_attribute, cuDeviceGetAttribute,        (int *v, int attribute, cu_device d))            \
  F(context_retain,  cuDevicePrimaryCtxRetain,     (cu_context *c, cu_device d))                    \
  F(context_use,     cuCtxSetCurrent,              (cu_context c))                                  \
  F(module_load,     cuModuleLoadData,             (cu_module *m, const void *image))               \
  F(module_function, cuModuleGetFunction,          (cu_function *f, cu_module m, const char *name)) \
  F(function_set,    cuFuncSetAttribute,           (cu_function f, int attribute, int value))       \
  F(launch,          cuLaunchKernel,               (cu_function f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, \
                                                    unsigned by, unsigned bz, unsigned shared, cu_stream s,            \
                                                    void **arguments, void **extra))                \
  F(memory_alloc,    cuMemAlloc_v2,                (cu_pointer *p, size_t bytes))                   \
  F(memory_free,     cuMemFree_v2,                 (cu_pointer p))                                  \
  F(memory_info,     cuMemGetInfo_v2,              (size_t *unused, size_t *total))                 \
  F(host_alloc,      cuMemAllocHost_v2,            (void **p, size_t bytes))                        \
  F(host_free,       cuMemFreeHost,                (void *p))                                       \
  F(to_device,       cuMemcpyHtoDAsync_v2,         (cu_pointer to, const void *from, size_t bytes, cu_stream s)) \
  F(to_host,         cuMemcpyDtoHAsync_v2,         (void *to, cu_pointer from, size_t bytes, cu_stream s))       \
  F(inside,          cuMemcpyDtoDAsync_v2,         (cu_pointer to, cu_pointer from, size_t bytes, cu_stream s))  \
  F(set_bytes,       cuMemsetD8Async,              (cu_pointer to, unsigned char v, size_t n, cu_stream s))      \
  F(stream_new,      cuStreamCreate,               (cu_stream *s, unsigned flags))                  \
  F(stream_wait,     cuStreamSynchronize,          (cu_stream s))                                   \
  F(capture_begin,   cuStreamBeginCapture_v2,      (cu_stream s, int mode))                         \
  F(capture_end,     cuStreamEndCapture,           (cu_stream s, cu_graph *g))                      \
  F(graph_ready,     cuGraphInstantiateWithFlags,   (cu_graph_exec *e, cu_graph g, unsigned long long flags))     \
  F(graph_launch,    cuGraphLaunch,                (cu_graph_exec e, cu_stream s))                  \
  F(graph_free,      cuGraphDestroy,               (cu_graph g))                                    \
  F(exec_free,       cuGraphExecDestroy,           (cu_graph_exec e))                               \
  F(event_new,       cuEventCreate,                (cu_event *e, unsigned flags))                   \
  F(event_record,    cuEventRecord,                (cu_event e, cu_stream s))                       \
  F(event_wait,      cuEventSynchronize,           (cu_event e))

typedef struct cu_driver {
#define CU_FIELD(field, symbol, arguments) cu_result (*field) arguments;
  CU_FUNCTIONS(CU_FIELD)
#undef CU_FIELD
  bool needs_no_image; /* a stand-in that brings its own kernels: the launch emulator of the tests */
} cu_driver;

/* The driver, opened once; NULL with the reason in *why.  REPRO_CUDA_DRIVER names another library than libcuda.so.1. */
const cu_driver *cu_driver_open(const char **why);

#endif
