/* every_type.h: includes the file named by BODY for float, double, int32_t and int64_t; IS_FLOAT says which kind, and an
 * integer has its unsigned_number.  No guard: it is used many times. */
#define IS_FLOAT 1
#define number  float
#define T(name) name##_f32
#include BODY
#undef number
#undef T
#define number  double
#define T(name) name##_f64
#include BODY
#undef number
#undef T
#undef IS_FLOAT
#define IS_FLOAT 0
#define number  int32_t
#define unsigned_number uint32_t
#define T(name) name##_i32
#include BODY
#undef number
#undef unsigned_number
#undef T
#define number  int64_t
#define unsigned_number uint64_t
#define T(name) name##_i64
#include BODY
#undef number
#undef unsigned_number
#undef T
#undef IS_FLOAT
#undef BODY
