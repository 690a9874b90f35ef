#!/bin/sh
# The GPU's kernels without a GPU.  Their text, run on the CPU by the launch emulator, gives the CPU's bits for every
# operation, in ascending and in descending order of threads, at once and late, and reads and writes only what it may.  nvcc,
# where there is one, compiles them: its PTX, run in the same way, gives these bits too, a*b+c stays two roundings and fmaf
# one, nothing spills in the products' kernels, and these read shared memory 16 bytes at a time.
# The Makefile sets SRCDIR, NVCC, NVCC_ARCH, NVCC_FLAGS and CHECKED_FLAGS.
set -u
n=0
report() { # report NAME OFFENCES
  n=$((n + 1))
  if [ -z "$2" ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; printf '%s\n' "$2" | head -n 20 | sed 's/^/#   /'; fi
}

build() { MAKEFLAGS='' ${MAKE:-make} -s --no-print-directory -j2 "$@" 2>&1; }
said=$(build tests/cuda/emulator.so tests/cuda/emulator_checked.so) && said=''
report "the launch emulator is built" "$said"

# A GPU that is there is tested itself; the emulator in any case.
emulated() { # emulated NAME FILE [VARIABLE=VALUE]
  name=$1 file=$2; shift 2
  report "$name" "$(env REPRO_CUDA_DRIVER="$PWD/tests/cuda/emulator.so" EMULATOR_GUARD=wait "$@" ./repro test -q "$file" 2>&1 | tail -n 30 |
    awk '{ line[NR] = $0 } END { if (line[NR] !~ /^[1-9][0-9]* passed, 0 failed, 0 skipped$/) for (i = 1; i <= NR; i++) print line[i] }')"
}
emulated "every operation gives the CPU's bits in the launch emulator; no race, nothing unset, crooked or out of bounds" cuda \
  REPRO_CUDA_DRIVER="$PWD/tests/cuda/emulator_checked.so"
emulated "whatever the order of threads and blocks, and however late the work is done" cuda EMULATOR_ORDER=down EMULATOR_STREAM=late
emulated "compiled steps: the same bits, in graphs" compile EMULATOR_STREAM=late
emulated "whole runs leave the CPU's bits, and their checkpoints serve both" cuda_runs EMULATOR_STREAM=late
emulated "a device that is lost, and memory that runs out: nothing is lost that was kept" cuda_lost EMULATOR_STREAM=late EMULATOR_GUARD=call

# What --math fast asks of cuBLAS and cuRAND, with stand-ins for them, without cuRAND, and without any.
log=$(mktemp) || exit 1
emulated "--math fast: cuBLAS is asked for the right products, and the results are labelled" cuda_math \
  REPRO_CUBLAS="$PWD/tests/cuda/emulator.so" REPRO_CURAND="$PWD/tests/cuda/emulator.so" FAKE_CUBLAS_LOG="$log"
emulated "a resumed run has the modes that skipped parts had set" process_state \
  REPRO_CUBLAS="$PWD/tests/cuda/emulator.so" REPRO_CURAND="$PWD/tests/cuda/emulator.so"
emulated "without cuRAND random numbers stay ours, and that is said" cuda_math \
  REPRO_CUBLAS="$PWD/tests/cuda/emulator.so" REPRO_CURAND=/nowhere/libcurand.so
emulated "nor does one that cannot be opened do harm" cuda_math \
  REPRO_CUBLAS="$PWD/tests/cuda/emulator.so" REPRO_CURAND="$PWD/tests/cuda/emulator.so" FAKE_CURAND_FAILS=1
rm -f "$log"
script=$(mktemp --suffix=.lua) || exit 1
echo 'local rp = require "repro"' >"$script"
said=$(REPRO_CUDA_DRIVER="$PWD/tests/cuda/emulator.so" REPRO_CUBLAS=/nowhere/libcublas.so ./repro run "$script" --device cuda --math fast 2>&1)
code=$?
report "--math fast without cuBLAS: exit status 3, and what to install" \
  "$([ "$code" = 3 ] || echo "exit status $code")$(printf '%s' "$said" | grep -q 'libcublas12' || echo "$said")"
cat >"$script" <<'END'
local rp = require "repro"
local step = rp.compile(function() return rp.ones(3):exp() * rp.ones(3) end)
for _ = 1, 4 do step() end
END
said=$(REPRO_CUDA_DRIVER="$PWD/tests/cuda/emulator.so" EMULATOR_GRAPHS=0 ./repro run "$script" --device cuda 2>&1)
report "a graph that the driver refuses: an error that says so" \
  "$(printf '%s' "$said" | grep -q ':3: cuda:0: making a graph ready: out of memory' || echo "$said")"
rm -f "$script"

# What looks at every access finds each fault in kernels that have one.
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2086
said=$(options="$BASE_FLAGS -D_GNU_SOURCE -I$SRCDIR/src -I$SRCDIR/tests/cuda"
  $CC $options -O1 $CHECKED_FLAGS -c -o "$work/probe.o" "$SRCDIR/tests/cuda/hazard_probe.c" 2>&1 &&
  $CC $options -DHAZARDS -o "$work/hazards" "$SRCDIR"/tests/cuda/emulator.c "$SRCDIR"/tests/cuda/emulated_driver.c \
    "$SRCDIR/tests/cuda/hazards.c" "$work/probe.o" -ldl 2>&1 && "$work/hazards" 2>&1) && said=''
report "races, unset bytes, early reads, crooked vectors and reads out of bounds are found" "$said"

# ---- what is kept for a machine with a GPU ----
said=$(sh "$SRCDIR/bench/gpu.sh" -n 2>&1)
report "bench/gpu.sh takes 10 minutes at most, with tests, both sanitizers and times" "$(printf '%s\n' "$said" | awk '
  { line = line $0 "\n" } / at most$/ { total = $1 }
  END { if (!(total > 0 && total <= 600)) print "in total " total " s"
        n = split("test -q cuda|test -q cuda_runs|test -q cuda_math|known_answers|dcr.lua|memcheck|racecheck|peers.py", part, "|")
        for (i = 1; i <= n; i++) if (!index(line, part[i])) print "no " part[i] }')"

# ---- random words, beside cuRAND's: its generator on the CPU, and its functions for kernels compiled for the CPU ----
# shellcheck disable=SC2086
offence=$($CC $BASE_FLAGS -D_GNU_SOURCE -I"$SRCDIR/src" -o "$work/known_answers" "$SRCDIR/tests/cuda/known_answers.c" -ldl 2>&1)
for library in libcurand.so.10 libcurand.so ${NVCC:+"$(dirname "$NVCC")"/../lib64/libcurand.so}; do
  said=$("$work/known_answers" "$library" 2>&1); code=$?
  [ "$code" = 3 ] || break
done
if [ -z "$offence" ] && [ "$code" = 3 ]; then
  n=$((n + 1)); echo "ok $n - random words are cuRAND's # SKIP libcurand was not found (Debian, Ubuntu: libcurand10; or the CUDA toolkit)"
else
  report "random words are those of cuRAND's generator Philox4_32_10" "$offence$([ "$code" = 0 ] || echo "status $code: $said")"
fi
if [ -n "${NVCC-}" ] && echo '#include <curand_kernel.h>' | "$NVCC" -x cu -E - >"$work/log" 2>&1; then
  offence=$("$NVCC" -std=c++17 -I"$SRCDIR/src" -o "$work/for_kernels" "$SRCDIR/tests/cuda/known_answers.cu" 2>&1 && "$work/for_kernels") && offence=''
  report "and those of cuRAND's functions for kernels, for any seed, subsequence and offset" "$offence"
else
  n=$((n + 1)); echo "ok $n - random words of cuRAND's functions for kernels # SKIP nvcc or curand_kernel.h was not found"
fi

[ -n "${NVCC-}" ] || { n=$((n + 1)); echo "ok $n - the kernels as nvcc compiles them # SKIP no CUDA compiler was found"; echo "1..$n"; exit 0; }
flags="$NVCC_FLAGS -arch=$NVCC_ARCH -I$SRCDIR/src"
if echo '#include <cublas_v2.h>
#include <curand.h>' | "$NVCC" -x cu -E - >"$work/log" 2>&1; then
  offence=$("$NVCC" -std=c++17 -I"$SRCDIR/src" -c -o "$work/interface.o" "$SRCDIR/tests/cuda/interface.cu" 2>&1) && offence=''
  report "what is asked of NVIDIA's libraries is what their headers say" "$offence"
else
  n=$((n + 1)); echo "ok $n - what is asked of NVIDIA's libraries # SKIP the headers of cuBLAS and cuRAND were not found"
fi

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

# ---- what nvcc makes of the kernels, run by the emulator in the place of their text ----
# The PTX of one architecture is that of others too: the first is run and, with PTX_ALL=1 (make check-exhaustive), what differs from it.
same_ptx() { # same_ptx ARCH FIRST
  for part in elements sums map_back products map; do
    # shellcheck disable=SC2086
    "$NVCC" $NVCC_FLAGS "-arch=$1" "-I$SRCDIR/src" -ptx -o "$work/other.ptx" "$SRCDIR/src/cuda/kernels/$part.cu" 2>"$work/log" >&2 || return 1
    grep -v '^\.target' "$work/other.ptx" >"$work/other"
    grep -v '^\.target' "tests/cuda/$2_$part.ptx" | cmp -s - "$work/other" || return 1
  done
}
run_ptx() { # run_ptx ARCH
  if build "PTX_ARCH=$1" "tests/cuda/emulator_$1.so" >"$work/log"; then
    emulated "every operation gives the CPU's bits in the PTX that nvcc makes of the kernels, $1" cuda \
      EMULATOR_ORDER=down EMULATOR_STREAM=late REPRO_CUDA_DRIVER="$PWD/tests/cuda/emulator_$1.so"
  else
    report "the PTX that nvcc makes of the kernels is understood to the last bit, $1" "$(tail -n 20 "$work/log")"
  fi
}
# That this finds a fault: with the multiply-adds of one part rounded twice, and with additions that ptxas may fuse.
find_faults() { # find_faults ARCH
  cat >"$work/draw.lua" <<'END'
local rp = require "repro"
local function drawn(device)
  rp.device(device)
  return rp.generator(1, "numbers"):randn(1000):hash()
end
print(drawn "cuda" == drawn "cpu" and "the same" or "others")
END
  drawn() { REPRO_CUDA_DRIVER=$1 ./repro run -q "$work/draw.lua" --device cuda 2>&1 | tail -n 1; }
  said=$(drawn "$PWD/tests/cuda/emulator_$1.so")
  [ "$said" = "the same" ] || { report "normal numbers in PTX" "$said"; return; }
  twice='{ .reg .f32 tmp; mul.rn.f32 tmp, \2, \3; add.rn.f32 \1, tmp, \4; }'
  sed -E "s/fma\.rn\.f32[[:space:]]+([^ ,]+), ([^ ,]+), ([^ ,]+), ([^ ;]+);/$twice/" "tests/cuda/$1_elements.ptx" >"$work/twice.ptx"
  # shellcheck disable=SC2046,SC2086
  said=$(options="$BASE_FLAGS -D_GNU_SOURCE -g0 -w -I$SRCDIR/src -I$SRCDIR/tests/cuda"
    python3 "$SRCDIR/tests/cuda/ptx.py" "$work/twice.ptx" 2>&1 >"$work/twice.c" && $CC $options -O1 -c -o "$work/twice.o" "$work/twice.c" 2>&1 &&
    $CC -shared $options -o "$work/twice.so" $(printf "$SRCDIR/tests/cuda/%s.c " emulator emulated_driver fake_cublas fake_curand) \
      $(printf "tests/cuda/$1_%s.o " map map_back sums products) "$work/twice.o" -lm 2>&1 && drawn "$work/twice.so")
  report "it shows where one part rounds its multiply-adds twice" "$([ "$said" = others ] || echo "$said")"
  # shellcheck disable=SC2086
  "$NVCC" $NVCC_FLAGS -fmad=true "-arch=$1" "-I$SRCDIR/src" -ptx -o "$work/fused.ptx" "$SRCDIR/src/cuda/kernels/elements.cu" 2>"$work/log" >&2
  said=$(python3 "$SRCDIR/tests/cuda/ptx.py" "$work/fused.ptx" 2>&1 >"$work/fused.c")
  report "and additions that -fmad=true lets ptxas fuse are not understood" \
    "$(printf '%s' "$said" | grep -qE 'instruction (add|sub|mul)\.f(32|64)$' || echo "it said: $said")"
}
if command -v python3 >/dev/null; then
  first=
  for arch in ${CUDA_ARCHITECTURES:-$NVCC_ARCH}; do
    if [ -z "$first" ]; then run_ptx "$arch"; first=$arch
    elif same_ptx "$arch" "$first"; then report "the PTX for $arch is that for $first" ""
    elif [ -n "${PTX_ALL-}" ]; then run_ptx "$arch"
    else n=$((n + 1)); echo "ok $n - the PTX for $arch, which is another # SKIP make check-exhaustive runs it"
    fi
  done
  find_faults "$first"
else
  n=$((n + 1)); echo "ok $n - the PTX that nvcc makes, run on the CPU # SKIP python3 was not found"
fi

# cuobjdump comes with the toolkit, or with Triton's Python package.
triton=$(python3 -c 'import importlib.util as u; print(u.find_spec("triton").submodule_search_locations[0])' 2>/dev/null)
cuobjdump=
for file in "$(command -v cuobjdump)" "$(dirname "$NVCC")/cuobjdump" "$triton/backends/nvidia/bin/cuobjdump"; do
  [ -n "$cuobjdump" ] || [ ! -x "$file" ] || cuobjdump=$file
done
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

# ---- all kernels, and the program's part that holds them ----
for part in map map_back sums elements products; do
  # shellcheck disable=SC2086
  "$NVCC" $flags -fatbin -o "$work/$part.fatbin" "$SRCDIR/src/cuda/kernels/$part.cu" 2>"$work/log" >&2
  report "cuda/kernels/$part.cu compiles for $NVCC_ARCH" "$([ -s "$work/$part.fatbin" ] || tail -n 20 "$work/log")"
done
# shellcheck disable=SC2086
report "the kernels are put into the program" "$($CC $BASE_FLAGS -I"$SRCDIR/src" -DRP_CUDA_IMAGES="\"$work\"" \
  -DRP_CUDA_ARCHITECTURES="\"$NVCC_ARCH\"" -c -o "$work/image.o" "$SRCDIR/src/cuda/image.c" 2>&1 &&
  test "$(wc -c <"$work/image.o")" -gt "$(wc -c <"$work/sums.fatbin")" || echo "image.o is too small")"

# ---- the products' kernels, for every architecture ----
# in_memory LOG: kernels of which ptxas keeps something in local memory, spilled registers or arrays, for want of registers
in_memory() { awk -v q="'" '/Compiling entry|Function properties/ { split($0, w, q); f = w[2] != "" ? w[2] : $NF }
                            /stack frame/ && !/ 0 bytes stack frame, 0 bytes spill stores/ { sub(/^ */, ""); print f ": " $0 }' "$1"; }
for arch in ${CUDA_ARCHITECTURES:-$NVCC_ARCH}; do
  # shellcheck disable=SC2086
  "$NVCC" $NVCC_FLAGS "-arch=$arch" "-I$SRCDIR/src" -Xptxas -v -cubin -o "$work/products.$arch" "$SRCDIR/src/cuda/kernels/products.cu" 2>"$work/ptxas" >&2
  report "the kernels of products compile for $arch" "$([ -s "$work/products.$arch" ] || tail -n 20 "$work/ptxas")"
  report "none keeps registers in memory, $arch" "$(in_memory "$work/ptxas")$(grep -q 'stack frame' "$work/ptxas" || echo 'ptxas said nothing')"
  if [ -n "$cuobjdump" ] && command -v python3 >/dev/null; then
    "$cuobjdump" -sass "$work/products.$arch" >"$work/sass"
    said=$(python3 "$SRCDIR/tests/cuda/sass.py" "$arch" "$work/sass" 2>&1); code=$?
    report "a step of their main loops is made of FFMA and of reads of 16 bytes, $arch" "$([ "$code" = 0 ] || echo "$said")"
    printf '%s\n' "$said" | sed 's/^/# /'
    lone=$(awk '/Function : (gemm|conv)_.*f32/ { here = $3 } /Function : / && !/f32/ { here = "" } here && /FMUL/ { print here; here = "" }' "$work/sass")
    report "and none multiplies alone, $arch" "$lone"
  else
    n=$((n + 1)); echo "ok $n - the instructions of their main loops, $arch # SKIP cuobjdump or python3 was not found"
  fi
done
# Those of the other parts, where they were built.
if [ -n "$cuobjdump" ] && [ -s src/cuda/map.fatbin ]; then
  report "no kernel of this build keeps anything in memory for want of registers" "$(for part in map map_back sums elements products; do
    "$cuobjdump" -res-usage "src/cuda/$part.fatbin" 2>/dev/null |
      awk '/arch =/ { a = $3 } /Function/ { f = $2; n++ } /STACK:/ && !/STACK:0 / { print a, f, $0 } END { if (!n) print "no kernels in '$part'" }'
  done)"
fi
# shellcheck disable=SC2086
offence=$($CC $KERNEL_FLAGS -D_GNU_SOURCE -I"$SRCDIR/src" -I"$SRCDIR/tests/cuda" -o "$work/banks" "$SRCDIR/tests/cuda/banks.c" -lm 2>&1 && "$work/banks") && offence=''
report "reads of shared memory meet no bank twice" "$offence"
echo "1..$n"
