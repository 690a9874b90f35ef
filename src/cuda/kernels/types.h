/* types.h: includes the file named by TEXT once for each of the types of EACH_FLOAT or all four.  No guard. */
#define number   float
#define T(name)  name##_f32
#define IS_FLOAT 1
#include TEXT
#undef number
#undef T
#define number   double
#define T(name)  name##_f64
#include TEXT
#undef number
#undef T
#undef IS_FLOAT
#ifndef ONLY_FLOATS
#define IS_FLOAT 0
#define number  int32_t
#define unsigned_number uint32_t
#define T(name) name##_i32
#include TEXT
#undef number
#undef unsigned_number
#undef T
#define number  int64_t
#define unsigned_number uint64_t
#define T(name) name##_i64
#include TEXT
#undef number
#undef unsigned_number
#undef T
#undef IS_FLOAT
#endif
#undef ONLY_FLOATS
#undef TEXT
