#!/bin/sh
# The compiler keeps the arithmetic that was written: seen in the instructions, not in the flags.
#   - with the project's flags, a*b+c is two roundings and fmaf(a, b, c) is one, for every instruction set
#   - the built kernels use their own instruction set and nothing else uses a wider one
#   - no mathematics of the C library reaches a result, and no start-up code turns subnormals off
# The Makefile sets CC, BASE_FLAGS, KERNEL_FLAGS, ISAS, AVX2_FLAGS and AVX512_FLAGS.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n=0

report() { # report NAME OFFENCES
  n=$((n + 1))
  if [ -z "$2" ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; printf '%s\n' "$2" | head -n 8 | sed 's/^/#   /'; fi
}

command -v objdump >/dev/null 2>&1 || { echo "1..0 # SKIP objdump was not found, so no instruction was looked at"; exit 0; }

cat > "$work/probe.c" <<'PROBE'
#include <math.h>
float  plain_f(float a, float b, float c)     { return a * b + c; }
double plain_d(double a, double b, double c)  { return a * b - c; }
void   plain_row(float *restrict y, const float *restrict a, const float *restrict b, int n)
{
  for (int i = 0; i < n; i++) y[i] += a[i] * b[i];
}
float  fused_f(float a, float b, float c)     { return fmaf(a, b, c); }
double fused_d(double a, double b, double c)  { return fma(a, b, c); }
PROBE

fma_pattern='vfn?m(add|sub)|[[:space:]](fn?madd|fn?msub|fmla|fmls)[[:space:]]'

# body FUNCTION: its instructions, calls resolved
body() { objdump -dr --no-show-raw-insn "$work/probe.o" | awk -v f="$1" '
  /^[0-9a-f]+ <.*>:$/ { gsub(/[<>:_]/, "", $2); sub(/_/, "", f); here = ($2 == f); next } here'; }

# probe NAME FLAGS: a compilation unit under these flags
probe() {
  # shellcheck disable=SC2086
  if ! $CC $2 -c "$work/probe.c" -o "$work/probe.o" 2>"$work/log"; then report "$1: the probe compiles" "$(cat "$work/log")"; return; fi
  fused=''
  for f in plainf plaind plainrow; do fused="$fused$(body $f | grep -E "$fma_pattern")"; done
  report "$1: a*b+c is a product and a sum" "$fused"
  unfused=''
  for f in fusedf fusedd; do body $f | grep -qE "$fma_pattern|fmaf?" || unfused="$unfused $f"; done
  report "$1: fmaf is one operation" "$unfused"
}

probe "flags of base, tensor, grad, io, lua" "$BASE_FLAGS"
for lib in $ISAS; do
  case $lib in
  *avx2*)   probe "kernel flags, avx2"   "$KERNEL_FLAGS $AVX2_FLAGS" ;;
  *avx512*) probe "kernel flags, avx512" "$KERNEL_FLAGS $AVX512_FLAGS" ;;
  *)        probe "kernel flags, $lib"   "$KERNEL_FLAGS" ;;
  esac
done

# uses LIBRARY PATTERN: the first instructions in it that match, outside of functions named for an instruction set
uses() { objdump -d --no-show-raw-insn "$1" 2>/dev/null | awk -v pattern="$2" '
  /^[0-9a-f]+ <.*>:$/ { free = $2 ~ /_avx(2|512)[>.]/; name = $2 }
  !free && $0 ~ pattern { print name, $0; if (++seen == 3) exit }'; }

for lib in $ISAS; do
  case $lib in
  *baseline*) report "$lib has no AVX" "$(uses "$lib" '%[yz]mm|[[:space:]]vfmadd')" ;;
  *avx2*)     report "$lib has fused multiply-adds" "$([ -n "$(uses "$lib" 'vfmadd')" ] || echo none)"
              report "$lib has no AVX-512" "$(uses "$lib" '%zmm|%k[0-7]')" ;;
  *avx512*)   report "$lib has fused multiply-adds on 512 bits" "$([ -n "$(uses "$lib" 'vfmadd.*%zmm')" ] || echo none)" ;;
  esac
done
for lib in libbase.a libkernel.a libtensor.a libgrad.a libio.a libbinding.a; do
  [ -f $lib ] && report "$lib runs on any CPU of its architecture" "$(uses $lib '%[yz]mm|[[:space:]]vfmadd')"
done

libm='(exp|exp2|expm1|log|log2|log10|log1p|pow|sin|cos|tan|sincos|sinh|cosh|tanh|asin|acos|atan|atan2|erf|erfc|tgamma|lgamma|cbrt|hypot)[fl]?'
for lib in $ISAS libkernel.a libtensor.a libgrad.a; do
  report "$lib calls no function of libm but exact ones" "$(nm -u "$lib" 2>/dev/null | grep -E "[[:space:]]_?$libm(@.*)?\$")"
done
for binary in ./repro "$MODULE"; do
  report "$binary leaves subnormals on" "$(nm "$binary" 2>/dev/null | grep -iE 'set_fast_math|crtfastmath')"
done
echo "1..$n"
