/* elements.h: what copying and sorting ask of single elements, in every type: conversion and order.
 *
 *   TO_of_FROM(x)    x converted: float to integer towards zero, NaN to 0; towards narrower types saturating
 *   before_T(a, b, descending)   whether a comes strictly before b: NaN is last in both directions */
#ifndef RP_KERNEL_ELEMENTS_H
#define RP_KERNEL_ELEMENTS_H

#include <stdbool.h>

#include "base/target.h"

/* ---- conversion ---- */

RP_FN uint8_t u8_within(int64_t v)  { return v < 0 ? 0 : v > 255 ? 255 : (uint8_t)v; }
RP_FN int32_t i32_within(int64_t v) { return v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : (int32_t)v; }

RP_FN uint8_t u8_from(double v)  { return v != v ? 0 : v <= 0.0 ? 0 : v >= 255.0 ? 255 : (uint8_t)v; }
RP_FN int32_t i32_from(double v) { return v != v ? 0 : v <= -2147483648.0 ? INT32_MIN : v >= 2147483647.0 ? INT32_MAX : (int32_t)v; }
RP_FN int64_t i64_from(double v)
{
  return v != v ? 0 : v >= 9223372036854775808.0 ? INT64_MAX : v < -9223372036854775808.0 ? INT64_MIN : (int64_t)v;
}

#define FROM_FLOAT(from, type)                                                   \
  RP_FN uint8_t b8_of_##from(type x)  { return x != 0; }                         \
  RP_FN uint8_t u8_of_##from(type x)  { return u8_from((double)x); }             \
  RP_FN int32_t i32_of_##from(type x) { return i32_from((double)x); }            \
  RP_FN int64_t i64_of_##from(type x) { return i64_from((double)x); }            \
  RP_FN float   f32_of_##from(type x) { return (float)x; }                       \
  RP_FN double  f64_of_##from(type x) { return (double)x; }
#define FROM_INT(from, type)                                                     \
  RP_FN uint8_t b8_of_##from(type x)  { return x != 0; }                         \
  RP_FN uint8_t u8_of_##from(type x)  { return u8_within((int64_t)x); } \
  RP_FN int32_t i32_of_##from(type x) { return i32_within((int64_t)x); } \
  RP_FN int64_t i64_of_##from(type x) { return (int64_t)x; }                     \
  RP_FN float   f32_of_##from(type x) { return (float)x; }                       \
  RP_FN double  f64_of_##from(type x) { return (double)x; }
FROM_INT(b8, uint8_t)
FROM_INT(u8, uint8_t)
FROM_INT(i32, int32_t)
FROM_INT(i64, int64_t)
FROM_FLOAT(f32, float)
FROM_FLOAT(f64, double)
#undef FROM_FLOAT
#undef FROM_INT

/* CONVERT(TO, type, FROM, type) for every pair of element types. */
#define EACH_TO(CONVERT, from_name, from)                                                    \
  CONVERT(b8, uint8_t, from_name, from)  CONVERT(u8, uint8_t, from_name, from)               \
  CONVERT(i32, int32_t, from_name, from) CONVERT(i64, int64_t, from_name, from)              \
  CONVERT(f32, float, from_name, from)   CONVERT(f64, double, from_name, from)
#define EACH_CONVERSION(CONVERT)                                                             \
  EACH_TO(CONVERT, b8, uint8_t)  EACH_TO(CONVERT, u8, uint8_t) EACH_TO(CONVERT, i32, int32_t) \
  EACH_TO(CONVERT, i64, int64_t) EACH_TO(CONVERT, f32, float)  EACH_TO(CONVERT, f64, double)

/* ---- order ---- */

#define BEFORE(suffix, type)                                             \
  RP_FN bool before_##suffix(type a, type b, bool descending)            \
  {                                                                      \
    if (a != a || b != b) return b != b && a == a;                       \
    return descending ? a > b : a < b;                                   \
  }
BEFORE(f32, float)
BEFORE(f64, double)
BEFORE(i32, int32_t)
BEFORE(i64, int64_t)
#undef BEFORE

#endif
