#!/bin/sh
# The scalar text of the kernels (src/kernel/*.h) compiles for the GPU, and there too a*b+c is two roundings
# and fmaf one.  Needs nvcc, not a GPU: only what the compiler wrote is read.
# The Makefile sets SRCDIR, NVCC and NVCC_ARCH.
set -u
[ -n "${NVCC-}" ] || { echo "1..0 # SKIP no CUDA compiler was found, so nothing was compiled for a GPU"; exit 0; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
flags="-std=c++17 -arch=$NVCC_ARCH -fmad=false -prec-div=true -prec-sqrt=true -ftz=false -I$SRCDIR/src"
n=0
report() { # report NAME OFFENCES
  n=$((n + 1))
  if [ -z "$2" ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; printf '%s\n' "$2" | head -n 20 | sed 's/^/#   /'; fi
}

# shellcheck disable=SC2086
offence=$("$NVCC" $flags -cubin -o "$work/probe.cubin" "$SRCDIR/tests/cuda/scalar_probe.cu" 2>&1 >/dev/null) && offence=''
report "the scalar text compiles for $NVCC_ARCH" "$offence"
[ -z "$offence" ] || { echo "1..$n"; exit 1; }
# shellcheck disable=SC2086
"$NVCC" $flags -ptx -o "$work/probe.ptx" "$SRCDIR/tests/cuda/scalar_probe.cu"

# body KERNEL: its PTX
body() { awk -v f="$1(" 'index($0, ".entry " f) { here = 1 } here { print } here && /^}/ { exit }' "$work/probe.ptx"; }
has()  { body "$1" | grep -qE "$2" || echo "no $2 in $1"; }
hasnt() { body "$1" | grep -E "$2"; }

report "PTX: a*b+c is mul.rn and add.rn" "$(has plain 'mul\.rn\.f32')$(has plain 'add\.rn\.f32')$(hasnt plain 'fma')"
report "PTX: fmaf is fma.rn" "$(has fused 'fma\.rn\.f32')$(hasnt fused '(mul|add)\.f32')"
report "PTX: nothing flushes subnormals or approximates" "$(grep -E '\.ftz|\.approx\.f' "$work/probe.ptx")"

cuobjdump=$(command -v cuobjdump || echo "$(dirname "$NVCC")/cuobjdump")
n=$((n + 1))
if [ -x "$cuobjdump" ]; then
  "$cuobjdump" -sass "$work/probe.cubin" >"$work/sass"
  in_sass() { awk -v f="Function : $1" 'index($0, "Function :") { here = index($0, f) } here' "$work/sass" | grep -cE "$2"; }
  if [ "$(in_sass plain FMUL)" -gt 0 ] && [ "$(in_sass plain FADD)" -gt 0 ] && [ "$(in_sass plain FFMA)" = 0 ] &&
     [ "$(in_sass fused FFMA)" -gt 0 ]; then
    echo "ok $n - SASS: FMUL and FADD for a*b+c, FFMA for fmaf"
  else echo "not ok $n - SASS: FMUL and FADD for a*b+c, FFMA for fmaf"; fi
else
  echo "ok $n - SASS: FMUL and FADD for a*b+c, FFMA for fmaf # SKIP cuobjdump was not found; PTX was read instead"
fi
echo "1..$n"
