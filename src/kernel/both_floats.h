/* both_floats.h: includes the file named by BODY twice, for float and for double.  No guard: it is used many times. */
#define number  float
#define T(name) name##_f32
#define IS_F32  1
#include BODY
#undef number
#undef T
#undef IS_F32
#define number  double
#define T(name) name##_f64
#define IS_F32  0
#include BODY
#undef number
#undef T
#undef IS_F32
#undef BODY
