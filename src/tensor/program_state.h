/* program_state.h: what a program consists of; for the files program*.c. */
#ifndef RP_TENSOR_PROGRAM_STATE_H
#define RP_TENSOR_PROGRAM_STATE_H

#include "tensor/program_calls.h"
#include "tensor/program_memory.h"

/* What a place of memory is, the same in every program that does the same: element `offset` bytes into the tensor made as
 * number `id` in the program, into input `id`, or into the storage at `id`. */
typedef struct spot { enum { MADE, INPUT, OUTSIDE } kind; int64_t id, offset; } spot;

typedef struct made { size_t at; int64_t block; } made;           /* a tensor made before the call at `at` */
typedef struct work { rp_opcode op; bool gradient; double flop; } work;
/* start: the serial of its gradient (0: none) when part `part` began, in which it is first seen, unless that forgets it first */
typedef struct leaf { rp_tensor *x; uint64_t start; bool cleared; int part; } leaf;
/* Calls that go together; graph: of those on the device, NULL where they are made one by one. */
typedef struct piece { size_t from, to; int64_t n_device; void *graph; const rp_device *device; bool on_host; } piece;
typedef struct part { size_t end; rp_tensor **gradient; int64_t n_leaves, first_piece, n_pieces; bool ready; } part;

struct rp_program {
  char    *text; int64_t used, room, latest, n_calls; /* the calls, one after the other */
  made    *made; int64_t n_made, made_room;
  work    *work; int64_t n_work, work_room;
  leaf    *leaf; int64_t n_leaves, leaf_room;
  part    *part; int64_t n_parts, part_room;
  piece   *piece; int64_t n_pieces, piece_room;
  spot    *spot; int64_t n_spots, spot_room;          /* of every place of every call, in order, then of the results */
  char    *lines; int64_t n_lines, lines_room;
  rp_storage **held; int64_t n_held, held_room;       /* from outside, and what lives on of the program's own */
  rp_storage **written; int64_t n_written, written_room; /* of those, what the calls write */
  rp_tensor  **input; int64_t n_inputs, input_room;
  rp_storage  *kept;                                  /* dropped by others while the program was noted */
  rp_program_pool *pool;
  uint64_t serial;
  int32_t  row;                                       /* of work, that calls belong to now; -1: none */
  int      depth;
  bool     is_thin; /* without its memory */
};

static inline call *program_call_at(const rp_program *p, int64_t at) { return (call *)(void *)(p->text + at); }

/* "paper.lua:12: ", where the script was when it was noted. */
static inline const char *program_line_of(const rp_program *p, const call *c) { return p->lines + c->line; }

uint64_t  program_gradient_of(const rp_tensor *x); /* its serial; 0: none */
rp_status program_end_part(rp_program *p);
void      program_end(rp_program *p); /* no more is noted, and what was kept for it goes */

#endif
