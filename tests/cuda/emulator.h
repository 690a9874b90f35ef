/* emulator.h: the launch emulator's parts to each other: emulator.c runs kernels, emulated_driver.c is the driver's library
 * around it, hazards.c watches what kernels read and write (only in emulator_checked.so, built with -DHAZARDS). */
#ifndef RP_TESTS_EMULATOR_H
#define RP_TESTS_EMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emulated.h"

#define EXPORT __attribute__((visibility("default")))

#define MAX_THREADS 1024
#define SHARED_MAX  (227 << 10)

typedef struct kernel { const char *name; emulated_call *call; size_t bytes; /* of its argument */ } kernel;

const kernel *emulator_find(const char *name); /* NULL: there is none */
void emulator_run(const kernel *k, unsigned blocks, unsigned threads, size_t shared_bytes, const void *argument);

_Noreturn void emulator_stop(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool emulator_is(const char *variable, const char *value); /* whether the environment says so */

/* Where a thread stands: how many barriers of its block and exchanges of its warp it has come to. */
typedef struct standing { int thread; uint64_t barrier, warp_barrier; } standing;
standing emulator_standing(void);

#ifdef HAZARDS
void hazards_launch(const char *name);
void hazards_block(void);
void hazards_access(const void *p, size_t bytes, bool write);
void hazards_on_way(const void *p, size_t bytes); /* where a copy will arrive */
void hazards_written(const void *p, size_t bytes, const void *from); /* by a copy, from there; or NULL: with known values */
void hazards_forget(const void *p, size_t bytes);
void hazards_piece(const void *p, size_t bytes); /* where device memory lies */
#else
static inline void hazards_launch(const char *name) { (void)name; }
static inline void hazards_block(void) {}
static inline void hazards_access(const void *p, size_t bytes, bool write) { (void)p; (void)bytes; (void)write; }
static inline void hazards_on_way(const void *p, size_t bytes) { (void)p; (void)bytes; }
static inline void hazards_written(const void *p, size_t bytes, const void *from) { (void)p; (void)bytes; (void)from; }
static inline void hazards_forget(const void *p, size_t bytes) { (void)p; (void)bytes; }
static inline void hazards_piece(const void *p, size_t bytes) { (void)p; (void)bytes; }
#endif

#endif
