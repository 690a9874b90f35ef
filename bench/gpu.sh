#!/bin/sh
# gpu.sh [FOLDER]: all that needs an NVIDIA GPU, in one go of less than 8 minutes.  Run it in the build directory:
#
#     ./configure --with-cuda && make && SRCDIR=. bench/gpu.sh          in the source tree
#     SRCDIR=../repro ../repro/bench/gpu.sh                             beside it
#
# 1. every operation, whole runs, compiled steps and --math fast against the CPU   ./repro test cuda cuda_runs compile cuda_math
# 2. the DCR paper, whose pinned numbers are the CPU's                 ./repro run papers/dcr.lua --scale smoke --device cuda
# 3. compute-sanitizer: memory, then races in shared memory            CUDA_TEST=short compute-sanitizer --tool memcheck ./repro test cuda
# 4. times, beside the card's limits, cuBLAS and PyTorch               bench/peers.py --device cuda --write docs/PERFORMANCE.md
#
# Prints a line for each step; what each one said lies in FOLDER (gpu-report).  What a machine lacks is skipped, and said.
# A step that meets its limit of time has failed.  Exit status: 0 nothing failed, 1 something did, 3 there is no GPU.
set -u
: "${SRCDIR:=.}"
out=${1:-gpu-report} failed=0
mkdir -p "$out" || exit 3
[ -x ./repro ] || { echo "gpu.sh: no ./repro here; run it in the build directory, after make" >&2; exit 3; }
./repro info >"$out/info.log" 2>&1
printf 'print(require("repro").core.cuda().name)\n' >"$out/card.lua"
card=$(./repro run "$out/card.lua" --device cuda 2>&1) || { echo "gpu.sh: $card" >&2; exit 3; }
echo "$card, $(date -u +%Y-%m-%d), $(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | head -n 1)"

# step NAME SECONDS COMMAND...: runs it, at most so long.
step() {
  name=$1 limit=$2 started=$(date +%s); shift 2
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
step fast 20 ./repro test -q cuda_math
step dcr 60 ./repro run "$SRCDIR/papers/dcr.lua" --scale smoke --device cuda -q -o "$out/dcr"

sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)
if [ -n "$sanitizer" ]; then
  CUDA_TEST=short; export CUDA_TEST
  step memcheck 75 "$sanitizer" --tool memcheck --error-exitcode 9 ./repro test -q cuda
  step racecheck 75 "$sanitizer" --tool racecheck --error-exitcode 9 ./repro test -q cuda
  unset CUDA_TEST
else
  skip memcheck "compute-sanitizer was not found; it comes with the CUDA toolkit"
  skip racecheck "compute-sanitizer was not found"
fi

if python3 -c 'import torch; assert torch.cuda.is_available()' 2>"$out/torch.log"; then
  step bench 120 python3 "$SRCDIR/bench/peers.py" --device cuda --rounds 2 --milliseconds 20 --write "$SRCDIR/docs/PERFORMANCE.md"
else
  skip peers "PyTorch with CUDA was not found: the table has no column for it, and docs/PERFORMANCE.md stays as it is"
  step bench 90 ./repro bench --device cuda --milliseconds 40
fi
exit "$failed"
