/* program.h: a list of the calls of a device's table, noted while a script runs, to be made again without the script.
 *
 * While a program is noted, rp_device_now() gives a table that passes every call on and notes it.  New tensors lie in memory
 * of the program's own, so that the noted addresses mean the same in every run; memory from outside that a call touches is
 * held.  What a script computes on the host is not seen: reading elements there is refused, elements written there must be
 * announced (rp_program_wrote), and a block that is read though nothing noted has written it is found when the program ends.
 *
 * A program falls into parts, between which the caller does what differs from run to run. */
#ifndef RP_TENSOR_PROGRAM_H
#define RP_TENSOR_PROGRAM_H

#include "kernel/device.h"
#include "tensor/tensor.h"

typedef struct rp_program rp_program;

extern rp_program *rp_program_open; /* the one being written; NULL: none */
extern bool        rp_noting;       /* whether calls are noted now: a program is open and not paused */

rp_status rp_program_new(rp_program **out);
void      rp_program_drop(rp_program *p); /* NULL is allowed */

/* x as the program will find it at `out`: a contiguous copy, into which rp_program_feed copies in later runs. */
rp_status rp_program_input(rp_program *p, rp_tensor **out, const rp_tensor *x);

/* Whether x fits input k: its type, shape and device. */
bool      rp_program_fits(const rp_program *p, int k, const rp_tensor *x);
rp_status rp_program_feed(rp_program *p, int k, const rp_tensor *x);

/* A number for the program that is open, which no other has; 0: none is. */
uint64_t  rp_program_serial(void);

/* Whether x lies in the program's own memory or is one of its inputs, so that the next run changes it. */
bool      rp_program_owns(const rp_program *p, const rp_tensor *x);

void      rp_program_start(rp_program *p);
bool      rp_program_pause(bool pause);    /* returns the former state */
rp_status rp_program_part(void);           /* what follows is another part */

/* Ends the noting, of whose calls `results` are the results.  RP_ESTATE if elements are read that the host has written. */
rp_status rp_program_close(rp_program *p, rp_tensor *const *results, int n);
void      rp_program_abandon(void);        /* the open program is no longer written */

/* Gives back the program's own memory, after which it can be compared but not run. */
void      rp_program_thin(rp_program *p);

/* RP_OK if both do the same on the same memory; RP_ESTATE naming the first difference. */
rp_status rp_program_compare(const rp_program *p, const rp_program *q);

/* Runs one part.  RP_ESTATE if a gradient that the program expects, or expects to be absent, is not as it was. */
typedef void rp_program_watch(rp_opcode op, bool gradient, bool begins, double flop, double seconds);
int       rp_program_parts(const rp_program *p);
int64_t   rp_program_calls(const rp_program *p);
rp_status rp_program_run(rp_program *p, int part, rp_program_watch *watch); /* watch: told of every call, or NULL */

/* ---- from those who do what is noted ---- */

/* RP_ESTATE while calls are noted: `who` would read elements on the host. */
rp_status rp_program_reads(const char *who);

/* The host has filled x, contiguous and on the CPU: noted with the bytes themselves. */
rp_status rp_program_wrote(const rp_tensor *x);

/* to, on `device`, receives n bytes of the CPU's memory at `from`. */
rp_status rp_program_upload(const rp_device *device, void *to, const void *from, size_t n);

/* Where the next draw takes its stream from in later runs: next(context) gives seed and stream. */
typedef rp_draw rp_draw_source(void *context);
void rp_program_draws_from(rp_draw_source *next, void *context);

/* An operation, or its gradient, begins and ends: what is noted in between is its work. */
void rp_program_begin(rp_opcode op, bool gradient);
void rp_program_end(double flop);

/* A gradient is about to be added to the leaf x;  the gradient of x is taken away. */
rp_status rp_program_leaf(rp_tensor *x);
rp_status rp_program_cleared(rp_tensor *x);

/* The script's line, for messages: set by the room that knows it.  The text is copied. */
extern void (*rp_program_where)(char *text, size_t room);

/* ---- from tensor.c ---- */
rp_status rp_program_memory(rp_storage *s);   /* s->data, from the open program's memory */
void      rp_program_forget(rp_storage *s);   /* gives that back */
bool      rp_program_holds(rp_storage *s);    /* a storage that is not the program's, no longer referenced: kept for now */

#endif
