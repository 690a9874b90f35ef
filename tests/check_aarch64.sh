#!/bin/sh
# check_aarch64.sh [--all]: one list of hashes (tests/aarch64/driver.c: every operation and gradient, random numbers, two
# trainings, linear algebra) from every compiler, instruction set and number of threads, and from AArch64 under qemu.
#
# Compared are the libraries of this build; the same sources built by the other compiler at -O2; and by a cross compiler
# for AArch64 at -O2.  --all: gcc, clang and both cross compilers at -O2 and -O3.
# The Makefile sets SRCDIR, CC, BASE_FLAGS, ISAS, AVX2_FLAGS and AVX512_FLAGS; without ISAS there is no build to look at.
set -u
source=${SRCDIR:-$(dirname "$0")/..}
avx2=${AVX2_FLAGS:--mavx2 -mfma}
avx512=${AVX512_FLAGS:--mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512}
levels=-O2
[ "${1-}" = --all ] && levels='-O2 -O3'
flags="-std=c11 -D_GNU_SOURCE -I$source/src -ffp-contract=off -fno-math-errno -fno-trapping-math -pthread -w"
jobs=$(nproc 2>/dev/null || echo 2)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n=0

ok()   { n=$((n + 1)); echo "ok $n - $1"; }
fail() { n=$((n + 1)); echo "not ok $n - $1"; head -n 10 "$2" | sed 's/^/#   /'; }

# ---- building ----------------------------------------------------------------------------------------------------

# plan NAME COMPILER LEVEL ISAS: adds the commands that compile the four rooms to $work/commands, the long ones first
plan() {
  name=$1 compiler=$2 level=$3 isas=$4
  mkdir "$work/$name"; built="$built $name"
  echo "$compiler" >"$work/$name/compiler"
  have=
  for isa in $isas; do
    case $isa in avx2) of=$avx2 have="$have -DRP_HAVE_AVX2" ;; avx512) of=$avx512 have="$have -DRP_HAVE_AVX512" ;; *) of= ;; esac
    echo "$compiler $flags $level $of -DRP_ISA_NAME=$isa -c $source/src/kernel/cpu.c -o $work/$name/cpu_$isa.o" >>"$work/long"
  done
  for file in "$source"/src/base/*.c "$source"/src/kernel/*.c "$source"/src/tensor/*.c "$source"/src/grad/*.c \
              "$source"/tests/aarch64/driver.c; do
    case $file in */kernel/cpu.c) continue ;; esac
    room=$(basename "$(dirname "$file")")
    echo "$compiler $flags $level $have -c $file -o $work/$name/${room}_$(basename "$file" .c).o" >>"$work/short"
  done
}

# Runs all planned commands, then links; a build that fails is reported by run.
build() {
  [ -f "$work/short" ] || return 0
  # shellcheck disable=SC2016  # $0 is for the inner shell
  cat "$work/long" "$work/short" | xargs -P "$jobs" -I '{}' sh -c '{} 2>>"$0" || echo "failed: {}" >>"$0"' "$work/log"
  for name in $built; do
    # shellcheck disable=SC2046  # the compiler is words
    $(cat "$work/$name/compiler") -static -pthread -o "$work/$name/driver" "$work/$name"/*.o -lm 2>>"$work/log"
  done
}

# ---- running -----------------------------------------------------------------------------------------------------

# compare LABEL: what was printed to $work/new against the first output of all
compare() {
  if ! [ -f "$work/first" ]; then
    mv "$work/new" "$work/first"; first=$1
    ok "$1: $(wc -l <"$work/first") hashes"
  elif cmp -s "$work/first" "$work/new"; then ok "$1: the same bits"
  else
    diff "$work/first" "$work/new" | grep '^[<>]' >"$work/difference"
    fail "$1: the same bits as $first" "$work/difference"
  fi
}

# run LABEL DRIVER ISA THREADS [EMULATOR]
run() {
  # shellcheck disable=SC2086  # the emulator may be absent
  if REPRO_ISA=$3 ${5-} "$2" "$4" >"$work/new" 2>"$work/errors"; then compare "$1, $3, threads $4"
  else cat "$work/log" >>"$work/errors" 2>/dev/null; fail "$1, $3, threads $4: runs" "$work/errors"; fi
}

# run_all LABEL DRIVER THREADS: every instruction set that this CPU has
run_all() {
  isas=$("$2" isas 2>"$work/errors") || { cat "$work/log" >>"$work/errors" 2>/dev/null; fail "$1: builds" "$work/errors"; return; }
  for isa in $isas; do
    for threads in $3; do run "$1" "$2" "$isa" "$threads"; done
  done
}

# ---- which builds ------------------------------------------------------------------------------------------------

version() { "$1" --version 2>/dev/null | head -n 1; }
has() { command -v "$1" >/dev/null 2>&1; }
built=
case $(uname -m) in x86_64) isas='baseline avx2 avx512' ;; aarch64|arm64) isas=neon ;; *) isas=baseline ;; esac

if [ -n "${ISAS-}" ]; then
  # shellcheck disable=SC2086
  ${CC:-cc} ${BASE_FLAGS-} -D_GNU_SOURCE -I"$source/src" "$source/tests/aarch64/driver.c" libgrad.a libtensor.a libkernel.a $ISAS \
    libbase.a -lm -o "$work/own" 2>"$work/log"
  run_all "this build ($(version "${CC%% *}"))" "$work/own" "1 3"
fi
case ${BASE_FLAGS-} in *-fsanitize=*) echo "1..$n"; exit 0 ;; esac # the builds below are not those under test

natives='gcc clang'
if [ -n "${ISAS-}" ] && [ "$levels" = -O2 ]; then
  case $(version "${CC%% *}") in *clang*) natives=gcc ;; *) natives=clang ;; esac
fi
for compiler in $natives; do
  has "$compiler" || { n=$((n + 1)); echo "ok $n - $compiler: the same bits # SKIP $compiler was not found"; continue; }
  for level in $levels; do plan "$compiler$level" "$compiler" "$level" "$isas"; done
done

crosses=
cross=aarch64-linux-gnu-gcc needs='gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user'
echo '#include <math.h>
int main(void) { return fma(2, 3, 1) != 7; }' >"$work/probe.c"
if ! has $cross || ! has qemu-aarch64 || ! $cross -static "$work/probe.c" -o "$work/probe" -lm 2>/dev/null || ! qemu-aarch64 "$work/probe"; then
  n=$((n + 1))
  echo "ok $n - AArch64: the same bits # SKIP nothing was built for AArch64: the cross compiler or qemu was not found (Debian: $needs)"
else
  for level in $levels; do plan "aarch64-gcc$level" $cross "$level" neon; crosses="$crosses aarch64-gcc$level"; done
  if [ "$levels" != -O2 ] && clang --target=aarch64-linux-gnu -static "$work/probe.c" -o "$work/probe" -lm 2>/dev/null; then
    for level in $levels; do
      plan "aarch64-clang$level" "clang --target=aarch64-linux-gnu" "$level" neon; crosses="$crosses aarch64-clang$level"
    done
  fi
fi

build
for name in $built; do
  case " $crosses " in
  *" $name "*) run "$name under qemu" "$work/$name/driver" neon 2 qemu-aarch64 ;;
  *)           run_all "$name" "$work/$name/driver" 2 ;;
  esac
done
echo "1..$n"
