/* power.c: pow of the whole program.
 *
 * Lua computes x^y by the C library's pow, whose last bit differs between systems, and no metamethod of a number can say
 * otherwise.  A symbol of the program itself comes before that of a library, for a liblua linked statically (the linker
 * looks no further) and for a shared one (the dynamic linker of ELF systems looks in the program first, which exports
 * this one).  libpng, which corrects gamma by pow, gets it too.  `rp.core.build.power` says whether it took effect. */
#include "kernel/formulas.h"

__attribute__((visibility("default"))) double pow(double x, double y);

double pow(double x, double y) { return pow_f64(x, y); }
