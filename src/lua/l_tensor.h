/* l_tensor.h: what the bindings share.
 *
 * A tensor in Lua is a userdata holding one rp_tensor pointer, its *box*.  Order in every binding: check all arguments
 * while owning nothing; push an empty box; let the library fill it; raise or return.  No library function raises. */
#ifndef RP_LUA_L_TENSOR_H
#define RP_LUA_L_TENSOR_H

#include <lauxlib.h>
#include <lua.h>

#include "grad/tape.h"

/* Pushes a box whose *box is NULL; its metatable frees what the box holds. */
rp_tensor **l_box(lua_State *L);

/* Tells the collector of the bytes a filled box holds, so that Lua frees tensors in time.  May run the collector. */
void l_account(lua_State *L, const rp_tensor *t);

/* A graph has been differentiated: its tensors, if they are many bytes, are collected. */
void l_graph_done(lua_State *L);

/* The tensor at index i; NULL if it is none. */
rp_tensor *l_to_tensor(lua_State *L, int i);

/* The tensor at index i, or an error that names the running function's argument. */
rp_tensor *l_check_tensor(lua_State *L, int i);

/* "paper.lua:12: ": the first line of Lua that is not the library's. */
void l_where(lua_State *L, char *text, size_t room);

/* Raises rp_message(), or the given text, with the line of the script that led here (library files are skipped). */
int l_raise(lua_State *L);
int l_error(lua_State *L, const char *fmt, ...);

/* Runs `status = call` again once after a full collection if memory ran out. */
#define L_RETRY(L, status, call)                                     \
  do {                                                               \
    status = (call);                                                 \
    if (status == RP_ENOMEM) { lua_gc(L, LUA_GCCOLLECT); status = (call); } \
  } while (0)

/* The same for what makes new tensors: they lie on the default device (l_device.c). */
#define L_MAKE(L, status, call)                                      \
  do {                                                               \
    const rp_device *was_ = rp_device_enter(l_default_device());     \
    status = (call);                                                 \
    rp_device_enter(was_);                                           \
    if (status != RP_ENOMEM) break;                                  \
    lua_gc(L, LUA_GCCOLLECT);                                        \
    rp_device_enter(l_default_device());                             \
    status = (call);                                                 \
    rp_device_enter(was_);                                           \
  } while (0)
const rp_device *l_default_device(void); /* NULL: the CPU */

/* Moves the tensor of a box, made on the CPU, to the default device. */
rp_status l_settle(rp_tensor **box);

/* Integers from a table at i, or from the arguments i, i+1, ... up to `last`; at most room of them. */
int l_check_integers(lua_State *L, int i, int last, int64_t *out, int room, const char *what);

/* A shape from arguments i .. last as above. */
int l_check_shape(lua_State *L, int i, int last, int64_t shape[RP_MAX_DIMS]);

/* A dtype name at i, or `otherwise` if there is none. */
rp_dtype l_opt_dtype(lua_State *L, int i, rp_dtype otherwise);

/* The number nearest to Lua's idea of the first element of t: integer, float or boolean. */
void l_push_element(lua_State *L, const void *element, rp_dtype dtype);

/* Raises if status is a failure; else accounts for the filled box on top of the stack and returns 1. */
int l_done(lua_State *L, rp_status status, rp_tensor **box);

int l_push_shape(lua_State *L, const rp_tensor *x); /* an array of sizes */

/* Keeps the value on top of the stack, and takes it off, for as long as the compiled step that is recorded (l_program.c). */
void l_program_keep(lua_State *L);

/* Whether the run has limits, which nothing in Lua may then change (l_limits.c). */
bool l_is_limited(void);

/* Leaves the metatable of tensors on the stack, with its finaliser. */
void l_make_metatable(lua_State *L);

/* Each adds its functions to the table on top of the stack. */
void l_open_tensor(lua_State *L);
void l_open_index(lua_State *L);
void l_open_ops(lua_State *L);
void l_open_device(lua_State *L);
void l_open_random(lua_State *L);
void l_open_grad(lua_State *L);
void l_open_optim(lua_State *L);
void l_open_program(lua_State *L);
void l_open_storage(lua_State *L);
void l_open_process(lua_State *L);
void l_open_system(lua_State *L);
int  l_open_io(lua_State *L);       /* leaves a new table */
int  l_open_linalg(lua_State *L);   /* leaves a new table */
int  l_open_special(lua_State *L);  /* leaves a new table */
int  l_open_math(lua_State *L);     /* leaves a new table */
int  l_open_bench(lua_State *L);    /* leaves a new table */
int  l_open_confine(lua_State *L);  /* leaves a new table */
int  l_open_fetch(lua_State *L);    /* leaves a new table */
void l_open_limits(lua_State *L);

#endif
