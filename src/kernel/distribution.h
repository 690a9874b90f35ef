/* distribution.h: one random number from the words of a Philox block (included by both_floats.h for float and double).
 *
 * float:  from one word w:          u = (w >> 8) 2^-24
 * double: from a pair of words:     u = ((w1 2^32 + w0) >> 11) 2^-53
 * A uniform number is a + u (b - a).  Normal numbers come in pairs from two uniform ones (Box and Muller 1958):
 *     r = sqrt(-2 ln(1 - u1)),  z1 = r cos(2 pi u2),  z2 = r sin(2 pi u2);   a + b z */

/* Word j of a block in double is the pair 2j, 2j + 1; in float w1 is not looked at. */
RP_FN number T(unit_of)(uint32_t w0, uint32_t w1)
{
#if IS_F32
  (void)w1;
  return (number)(w0 >> 8) * 0x1p-24f;
#else
  return (number)(int64_t)(((uint64_t)w1 << 32 | w0) >> 11) * 0x1p-53;
#endif
}

RP_FN number T(uniform_of)(number u, number a, number b)          { return T(fma)(u, b - a, a); }
RP_FN number T(radius_of)(number u)                               { return T(sqrt)(-2 * T(log)(1 - u)); }
RP_FN number T(normal_of)(number r, number c, number a, number b) { return T(fma)(r * c, b, a); }
