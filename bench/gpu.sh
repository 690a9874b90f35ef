#!/bin/sh
# gpu.sh [-n] [FOLDER]: all that needs an NVIDIA GPU, in one go of less than 10 minutes.  Run it in the build directory:
#
#     ./configure --with-cuda && make && SRCDIR=. bench/gpu.sh          in the source tree
#     SRCDIR=../repro ../repro/bench/gpu.sh                             beside it
#
# 1. every operation, whole runs, compiled steps and --math fast against the CPU   ./repro test cuda cuda_runs compile cuda_math
# 2. random words beside those of the cuRAND that is here              tests/cuda/known_answers.c
# 3. the DCR paper, whose pinned numbers are the CPU's                 ./repro run papers/dcr.lua --scale smoke --device auto
# 4. compute-sanitizer: memory, then races in shared memory            CUDA_TEST=short compute-sanitizer --tool memcheck ./repro test cuda
# 5. times, beside the card's limits, cuBLAS and PyTorch               bench/peers.py --device cuda --write docs/PERFORMANCE.md
#
# Prints a line for each step; what each one said lies in FOLDER (gpu-report).  What a machine lacks is skipped, and said.
# A step that meets its limit of time has failed.  Exit status: 0 nothing failed, 1 something did, 3 there is no GPU.
# -n only lists the steps and their limits in seconds, and the sum of these.
set -u
: "${SRCDIR:=.}" "${CC:=cc}"
list='' total=0 failed=0
if [ "${1-}" = -n ]; then list=1; shift; fi
out=${1:-gpu-report}
if [ -z "$list" ]; then
  mkdir -p "$out" || exit 3
  [ -x ./repro ] || { echo "gpu.sh: no ./repro here; run it in the build directory, after make" >&2; exit 3; }
  ./repro info >"$out/info.log" 2>&1
  printf 'print(require("repro").core.cuda().name)\n' >"$out/card.lua"
  card=$(./repro run "$out/card.lua" --device cuda 2>&1) || { echo "gpu.sh: $card" >&2; exit 3; }
  echo "$card, $(date -u +%Y-%m-%d), $(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | head -n 1)"
fi

# step NAME SECONDS COMMAND...: runs it, at most so long.
step() {
  name=$1 limit=$2 started=$(date +%s); shift 2
  total=$((total + limit))
  if [ -n "$list" ]; then echo "$limit s  $name: $*"; return; fi
  timeout "$limit" "$@" >"$out/$name.log" 2>&1 </dev/null
  status=$? took=$(($(date +%s) - started))
  case $status in
  0)   echo "ok       $name  $took s  $(tail -n 1 "$out/$name.log" | cut -c 1-100)" ;;
  124) echo "not ok   $name  met its limit of $limit s: $out/$name.log"; failed=1 ;;
  *)   echo "not ok   $name  status $status after $took s: $out/$name.log"; failed=1; grep '^not ok' "$out/$name.log" | head -n 5 ;;
  esac
}
skip() { echo "skipped  $1  $2"; }

step operations 60 ./repro test -q cuda
step runs 60 ./repro test -q cuda_runs
step compiled 30 ./repro test -q compile
step fast 40 ./repro test -q cuda_math
# shellcheck disable=SC2016  # for the inner shell
step words 15 sh -c '"$1" -std=c11 -D_GNU_SOURCE "-I$2/src" -o "$3/words" "$2/tests/cuda/known_answers.c" -ldl &&
  for library in libcurand.so.10 libcurand.so /usr/local/cuda/lib64/libcurand.so; do
    "$3/words" $library; code=$?; [ $code = 3 ] || exit $code
  done; exit 3' words "$CC" "$SRCDIR" "$out"
step dcr 60 ./repro run "$SRCDIR/papers/dcr.lua" --scale smoke --device auto -o "$out/dcr"

sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)
if [ -n "$sanitizer$list" ]; then
  CUDA_TEST=short; export CUDA_TEST
  step memcheck 100 "${sanitizer:-compute-sanitizer}" --tool memcheck --error-exitcode 9 ./repro test -q cuda
  step racecheck 100 "${sanitizer:-compute-sanitizer}" --tool racecheck --error-exitcode 9 ./repro test -q cuda
  unset CUDA_TEST
else
  skip memcheck "compute-sanitizer was not found; it comes with the CUDA toolkit"
  skip racecheck "compute-sanitizer was not found"
fi

if [ -n "$list" ] || python3 -c 'import torch; assert torch.cuda.is_available()' 2>"$out/torch.log"; then
  step bench 120 python3 "$SRCDIR/bench/peers.py" --device cuda --rounds 2 --milliseconds 20 --write "$SRCDIR/docs/PERFORMANCE.md"
else
  skip peers "PyTorch with CUDA was not found: the table has no column for it, and docs/PERFORMANCE.md stays as it is"
  step bench 90 ./repro bench --device cuda --milliseconds 40
fi
[ -z "$list" ] || echo "$total s at most"
exit "$failed"
