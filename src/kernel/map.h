/* map.h: the pointwise kernels, forward and backward, of every row of ops.def. */
#ifndef RP_KERNEL_MAP_H
#define RP_KERNEL_MAP_H

#include "kernel/device.h"
#include "kernel/formulas.h"
#include "kernel/groups.h"
#include "kernel/walk.h"

/* y[i] = f(a[i], b[i], c[i]) over contiguous memory. */
typedef void map_loop(int64_t n, void *y, const void *a, const void *b, const void *c);

/* gin[i] = g[i] df/d(argument), `which` = 0, 1, 2; gin may be g. */
typedef void map_back_loop(int64_t n, int which, void *gin, const void *g, const void *a, const void *b,
                           const void *c, const void *y);

#define IN_GROUPS(type, calls, statement)                                                                 \
  do {                                                                                                    \
    enum { STEP = GROUP / sizeof(type) };                                                                 \
    int64_t at = 0;                                                                                       \
    for (; at + STEP <= n; at += STEP) {                                                                  \
      calls                                                                                               \
      LANEWISE for (int64_t i = at; i < at + STEP; i++) statement;                                        \
    }                                                                                                     \
    LANEWISE for (int64_t i = at; i < n; i++) statement;                                                  \
  } while (0)

#define LOOP(name, suffix, in_t, out_t, value)                                                            \
  static void name##_map_##suffix(int64_t n, void *y_, const void *a_, const void *b_, const void *c_)     \
  {                                                                                                       \
    out_t *restrict y = y_; const in_t *a = a_, *b = b_, *c = c_; (void)b; (void)c;                       \
    for (int64_t i = 0; i < n; i++) y[i] = value;                                                         \
  }
#define FLOAT_LOOP(name, suffix, type, value, calls)                                                      \
  static void name##_map_##suffix(int64_t n, void *y_, const void *a_, const void *b_, const void *c_)     \
  {                                                                                                       \
    type *restrict y = y_; const type *a = a_, *b = b_, *c = c_; (void)b; (void)c;                        \
    IN_GROUPS(type, call_for(y + at); calls, y[i] = value);                                               \
  }
#define CALLS1 call_for(a + at);
#define CALLS2 CALLS1 call_for(b + at);
#define CALLS3 CALLS2 call_for(c + at);
#define WRITE(type, partial) IN_GROUPS(type, call_for(gin + at); call_for(g + at);, gin[i] = g[i] * partial)
#define BACK(name, suffix, type, pick)                                                                    \
  static void name##_back_##suffix(int64_t n, int which, void *gin_, const void *g_, const void *a_,      \
                                   const void *b_, const void *c_, const void *y_)                        \
  {                                                                                                       \
    type *gin = gin_; const type *g = g_, *a = a_, *b = b_, *c = c_, *y = y_;                             \
    (void)which; (void)a; (void)b; (void)c; (void)y;                                                      \
    pick                                                                                                  \
  }

#define PICK1(name, s, t) WRITE(t, name##_d_##s(a[i], y[i]));
#define PICK2(name, s, t) if (which == 0) WRITE(t, name##_da_##s(a[i], b[i], y[i])); \
                          else            WRITE(t, name##_db_##s(a[i], b[i], y[i]));
#define PICK3(name, s, t) if (which == 0)      WRITE(t, name##_da_##s(a[i], b[i], c[i], y[i])); \
                          else if (which == 1) WRITE(t, name##_db_##s(a[i], b[i], c[i], y[i])); \
                          else                 WRITE(t, name##_dc_##s(a[i], b[i], c[i], y[i]));

#define VALUE1(name, s) name##_##s(a[i])
#define VALUE2(name, s) name##_##s(a[i], b[i])
#define VALUE3(name, s) name##_##s(a[i], b[i], c[i])

#define FLOATS(name, V, P, C)                                                       \
  FLOAT_LOOP(name, f32, float, V(name, f32), C)  FLOAT_LOOP(name, f64, double, V(name, f64), C) \
  BACK(name, f32, float, P(name, f32, float))    BACK(name, f64, double, P(name, f64, double))
#define INTS(name, V)                                                               \
  LOOP(name, i32, int32_t, int32_t, V(name, i32)) LOOP(name, i64, int64_t, int64_t, V(name, i64))
#define DEFINE_F(name, V, P, C) FLOATS(name, V, P, C)
#define DEFINE_N(name, V, P, C) FLOATS(name, V, P, C) INTS(name, V)
#define TESTS(name, V)                                                                  \
  LOOP(name, f32, float, bool, V(name, f32))   LOOP(name, f64, double, bool, V(name, f64)) \
  LOOP(name, i32, int32_t, bool, V(name, i32)) LOOP(name, i64, int64_t, bool, V(name, i64))

#define MAP1(name, args, lo, hi, kind, formula) DEFINE_##kind(name, VALUE1, PICK1, CALLS1)
#define MAP2(name, args, lo, hi, kind, formula) DEFINE_##kind(name, VALUE2, PICK2, CALLS2)
#define MAP3(name, args, lo, hi, kind, formula) DEFINE_##kind(name, VALUE3, PICK3, CALLS3)
#define CMP1(name, args, lo, hi, formula) TESTS(name, VALUE1)
#define CMP2(name, args, lo, hi, formula) TESTS(name, VALUE2)
#include "kernel/ops.def"

/* Rows that are computed in groups, groups.h. */
#define WHOLE_GROUPS(name, s)                                                                       \
  static void name##_groups_##s(int64_t n, void *y, const void *a, const void *b, const void *c)          \
  {                                                                                                       \
    (void)b; (void)c;                                                                                     \
    name##_many_##s(n, y, a);                                                                             \
  }
#define TURNS_BACK(name, derivative, sign, s, type, size)                                                 \
  static void name##_groups_back_##s(int64_t n, int which, void *gin_, const void *g_, const void *a_,    \
                                     const void *b, const void *c, const void *y)                         \
  {                                                                                                       \
    type *gin = gin_, d[size]; const type *a = a_, *g = g_; (void)which; (void)b; (void)c; (void)y;       \
    EACH_GROUP(size, n, CALL_FOR_GROUP(a) CALL_FOR_GROUP(g) derivative##_group_##s(m, d, a + at);         \
               LANEWISE for (int64_t i = 0; i < m; i++) gin[at + i] = g[at + i] * (sign d[i]););          \
  }
WHOLE_GROUPS(sin, f32)  TURNS_BACK(sin, cos, +, f32, float, TURNS_F32)
WHOLE_GROUPS(cos, f32)  TURNS_BACK(cos, sin, -, f32, float, TURNS_F32)
WHOLE_GROUPS(sin, f64) TURNS_BACK(sin, cos, +, f64, double, TURNS_F64)
WHOLE_GROUPS(cos, f64) TURNS_BACK(cos, sin, -, f64, double, TURNS_F64)
WHOLE_GROUPS(log, f64)

/* One line per pointwise row: its loops by working type (int32, int64, float32, float64) and its gradient loops. */
typedef struct map_row { map_loop *forward[4]; map_back_loop *backward[2]; } map_row;
#define ROW_F(name) { { NULL, NULL, name##_map_f32, name##_map_f64 }, { name##_back_f32, name##_back_f64 } }
#define ROW_N(name) { { name##_map_i32, name##_map_i64, name##_map_f32, name##_map_f64 }, \
                      { name##_back_f32, name##_back_f64 } }
static const map_row map_rows[] = {
#define MAP1(name, args, lo, hi, kind, formula) [RP_OP_##name] = ROW_##kind(name),
#define CMP1(name, args, lo, hi, formula) \
  [RP_OP_##name] = { { name##_map_i32, name##_map_i64, name##_map_f32, name##_map_f64 }, { NULL, NULL } },
#include "kernel/ops.def"
};

static map_loop *forward_loop(rp_opcode op, rp_dtype dtype)
{
  const bool wide = dtype == RP_FLOAT64;
  if (rp_is_float(dtype) && op == RP_OP_sin) return wide ? sin_groups_f64 : sin_groups_f32;
  if (rp_is_float(dtype) && op == RP_OP_cos) return wide ? cos_groups_f64 : cos_groups_f32;
  if (wide && op == RP_OP_log) return log_groups_f64;
  return map_rows[op].forward[dtype - RP_INT32];
}

static map_back_loop *backward_loop(rp_opcode op, rp_dtype dtype)
{
  const bool wide = dtype == RP_FLOAT64;
  if (op == RP_OP_sin) return wide ? sin_groups_back_f64 : sin_groups_back_f32;
  if (op == RP_OP_cos) return wide ? cos_groups_back_f64 : cos_groups_back_f32;
  return map_rows[op].backward[dtype - RP_FLOAT32];
}

/* Operands of a walk over a row's forward or backward: which slots hold what. */
typedef struct map_context {
  map_loop      *forward;
  map_back_loop *backward;
  int            n_in, which;
} map_context;

static void map_piece(const void *context, int64_t n, char *const *p)
{
  const map_context *m = context;
  m->forward(n, p[0], p[1], m->n_in > 1 ? p[2] : NULL, m->n_in > 2 ? p[3] : NULL);
}

static void map_back_piece(const void *context, int64_t n, char *const *p)
{
  const map_context *m = context; /* p = gin, g, y, a [, b [, c]] */
  m->backward(n, m->which, p[0], p[1], p[3], m->n_in > 1 ? p[4] : NULL, m->n_in > 2 ? p[5] : NULL, p[2]);
}

/* in[] of null data are absent. */
static int count_inputs(const rp_array *in) { return in[1].data == NULL ? 1 : in[2].data == NULL ? 2 : 3; }

static rp_status map(rp_opcode op, const rp_array *out, const rp_array *in)
{
  const rp_array *ops[WALK_MAX_OPS] = { out, &in[0], &in[1], &in[2] };
  map_context m = { .forward = forward_loop(op, in[0].dtype), .n_in = count_inputs(in) };
  walk w;
  walk_start(&w, 1 + m.n_in, ops);
  walk_run(&w, map_piece, &m);
  return RP_OK;
}

static rp_status map_back(rp_opcode op, int which, const rp_array *gin, const rp_array *g, const rp_array *in, const rp_array *y)
{
  const rp_array *ops[WALK_MAX_OPS] = { gin, g, y, &in[0], &in[1], &in[2] };
  map_context m = { .backward = backward_loop(op, gin->dtype), .n_in = count_inputs(in), .which = which };
  walk w;
  walk_start(&w, 3 + m.n_in, ops);
  walk_run(&w, map_back_piece, &m);
  return RP_OK;
}

#endif
