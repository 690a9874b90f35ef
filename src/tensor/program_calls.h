/* program_calls.h: the calls of a program: how they are noted, made again, and what memory they touch. */
#ifndef RP_TENSOR_PROGRAM_CALLS_H
#define RP_TENSOR_PROGRAM_CALLS_H

#include "tensor/program.h"

typedef enum call_kind { CALL_MAP, CALL_MAP_BACK, CALL_COPY, CALL_ADD, CALL_FILL, CALL_REDUCE, CALL_ROW, CALL_ROW_BACK, CALL_GEMM,
  CALL_CONV, CALL_CONV_INPUT, CALL_CONV_WEIGHT, CALL_GATHER, CALL_SCATTER_ADD, CALL_POSITIONS, CALL_SHIFT, CALL_SORT, CALL_DRAW,
  CALL_UPLOAD, CALL_WRITE } call_kind;

typedef struct call { /* the head of each; its arguments follow */
  uint32_t         bytes;
  uint16_t         kind;
  bool             on_host; /* done by the CPU */
  int32_t          row;     /* which operation it is work of, -1: none */
  uint32_t         line;    /* where in the program's text of lines */
  const rp_device *device;
} call;

typedef struct map_call      { call c; int op, which; rp_array out, g, y, in[3]; } map_call;
typedef struct array_call    { call c; int op, n; double value; rp_array out, in; } array_call;
typedef struct row_call      { call c; int op; rp_rows r; } row_call;
typedef struct gemm_call     { call c; rp_gemm g; } gemm_call;
typedef struct conv_call     { call c; rp_conv k; void *out; const void *a, *b, *bias; } conv_call;
typedef struct index_call    { call c; rp_array y, x; const int64_t *index; int64_t outer, size, n, inner; bool rows; } index_call;
typedef struct position_call { call c; int64_t *at, n, value; const char *who; } position_call;
typedef struct sort_call     { call c; rp_array y, x; int64_t *order, rows, cols, first; bool descending; } sort_call;
typedef struct draw_call     { call c; int distribution; rp_array out; rp_draw how; rp_draw_source *next; void *context; } draw_call;
typedef struct copy_call     { call c; void *to; const void *from; size_t n; } copy_call; /* a write's bytes follow */

/* A place of memory that a call touches. */
typedef struct call_place { void **at; bool reads, writes; } call_place;
#define CALL_PLACES 6
int call_places(call *c, call_place at[CALL_PLACES]);

/* Everything else that a call is given, as numbers; returns how many. */
#define CALL_NUMBERS 160
int call_numbers(const call *c, int64_t out[CALL_NUMBERS]);

const char *call_name(const call *c); /* "gemm" */
rp_status   call_make(call *c);       /* makes the call */

/* The table that notes and passes on. */
extern const rp_device call_noting;

/* Room for a call at the end of the open program, filled but for the arguments; NULL if there is no memory. */
void *call_new(call_kind kind, size_t bytes);
void  call_undo(void);                /* takes the latest back */

#endif
