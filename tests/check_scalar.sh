#!/bin/sh
# check_scalar.sh [--all]: the scalar functions keep their error bounds, and built for another instruction set they
# give the same bits.  Samples the floats; --all takes every one.
set -u
sweep=tests/exhaustive/scalar_sweep
sampling='--stride 4099'
[ "${1-}" = --all ] && sampling=''
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n=0

# shellcheck disable=SC2086  # $sampling is words
./$sweep $sampling >"$work/first" 2>"$work/errors"
status=$?
while read -r line; do
  case $line in
  function*) continue ;;
  *\ ok*)     n=$((n + 1)); echo "ok $n - $line" ;;
  *skipped*) n=$((n + 1)); echo "ok $n - $line # SKIP" ;;
  *)         n=$((n + 1)); echo "not ok $n - $line" ;;
  esac
done <"$work/first"
n=$((n + 1))
if [ $status = 0 ] && [ $n -gt 1 ]; then echo "ok $n - every bound holds"
else echo "not ok $n - scalar_sweep ended with status $status: $(head -n 3 "$work/errors")"; fi

for isa in avx2 avx512; do
  [ -x ./${sweep}_$isa ] || continue
  n=$((n + 1))
  # shellcheck disable=SC2086
  ./${sweep}_$isa $sampling >"$work/$isa" 2>&1
  case $? in
  132) echo "ok $n - same bits when built for $isa # SKIP this CPU does not run $isa" ;;
  *)   if cmp -s "$work/first" "$work/$isa"; then echo "ok $n - same bits when built for $isa"
       else echo "not ok $n - same bits when built for $isa"; diff "$work/first" "$work/$isa" | head -n 10 | sed 's/^/#   /'; fi ;;
  esac
done
echo "1..$n"
