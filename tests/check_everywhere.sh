#!/bin/sh
# check_everywhere.sh [--all]: one training, papers/dcr.lua, gives the same bits everywhere.  Compared are all measured
# values, the log, the figures, and a hash of every loss, gradient and parameter at every step (repro diff says where two
# runs part).
#
#   smoke   the paper at scale smoke; its pinned numbers are those in the script, so they must pass
#   tiny    the same with a few steps of everything, where a run is slow or there are many
#
# Without --all: this build, tiny on every instruction set with 1, 2, 3 and 7 threads, smoke on the widest; tiny on AArch64
# under qemu.  --all: smoke on every instruction set; gcc and clang at -O2 and -O3, smoke and tiny; smoke under qemu too
# (about 20 minutes).  EVERYWHERE=native leaves AArch64 out.  EVERYWHERE_REFERENCE=DIR: runs of another build, left there
# by the first one to come, are compared as well.
#
# AArch64 needs gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user, and a few arm64 libraries of Debian, which apt-get
# downloads into everywhere/arm64 of the build directory without installing anything.
set -u
source=$(cd "${SRCDIR:-$(dirname "$0")/..}" && pwd)
here=$PWD
all=no; [ "${1-}" = --all ] && all=yes
jobs=$(nproc 2>/dev/null || echo 2)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work" "$here/everywhere/source"' EXIT
runs=${EVERYWHERE_REFERENCE:-$work/runs}
mkdir -p "$runs"
n=0
export REPRO_LUA="$source/lua"
tiny='--set n_train=192 --set n_test=80 --set n_pairs=8 --set clip_steps=2 --set v_steps=3 --set steps_1=2 --set steps_2=2
      --set width=32 --set latent=16'

ok()   { n=$((n + 1)); echo "ok $n - $1"; }
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }
fail() { n=$((n + 1)); echo "not ok $n - $1"; head -n 12 "$2" | sed 's/^/#   /'; }

# ---- a run -----------------------------------------------------------------------------------------------------------

# run NAME SIZE ISA THREADS COMMAND...: compares a run with the first one of its size, or becomes that
run() {
  name="$1, $3, threads $4: $2"; size=$2 isa=$3 threads=$4; shift 4
  case $size in tiny) settings=$tiny ;; *) settings= ;; esac
  rm -rf "$work/run"
  # shellcheck disable=SC2086  # the settings are words
  if ! REPRO_ISA=$isa "$@" run "$source/papers/dcr.lua" --scale smoke --threads "$threads" $settings --trace -q -o "$work/run" \
      >"$work/out" 2>&1; then
    fail "$name passes its checks" "$work/out"
  elif [ $size = smoke ] &&
       ! tr -d '\n' <"$work/run/result.json" | grep -q '"kind": "pinned", *"status": "pass"'; then
    echo "no pinned number was compared" >"$work/out"; fail "$name has the pinned bits" "$work/out"
  elif ! [ -d "$runs/$size" ]; then
    cp -R "$work/run" "$runs/$size"; echo "$name" >"$runs/$size.name"
    ok "$name: $(sed 's/^[^:]*: //; s/ *[0-9.]* s, peak.*//' "$work/out"), $(wc -l <"$work/run/trace/steps.jsonl") steps"
  elif "$here/repro" diff "$runs/$size" "$work/run" >"$work/out" 2>&1; then ok "$name: the same bits"
  else fail "$name: the same bits as $(cat "$runs/$size.name")" "$work/out"
  fi
}

# run_all LABEL PROGRAM THREADS: tiny on each instruction set that this CPU has, smoke on the last, with --all on each
run_all() {
  isas=$("$2" info --json 2>"$work/out" | sed -n 's/.*"isas": "\([^"]*\)".*/\1/p')
  [ -n "$isas" ] || { fail "$1: starts" "$work/out"; return; }
  for isa in $isas; do
    for threads in $3; do run "$1" tiny "$isa" "$threads" "$2"; done
    [ $all = no ] || run "$1" smoke "$isa" 2 "$2"
  done
  [ $all = yes ] || run "$1" smoke "$isa" 2 "$2"
}

# ---- other builds ------------------------------------------------------------------------------------------------------

# A copy of the sources without a build in it.
copy_source() {
  [ -d everywhere/source ] && return 0
  mkdir -p everywhere && ${MAKE:-make} -s --no-print-directory distdir=everywhere/source distdir >"$work/out" 2>&1
}

# build NAME CONFIGURE-ARGUMENTS...: makes $work/NAME/repro
build() {
  name=$1; shift
  mkdir -p "$work/$name"
  (cd "$work/$name" && "$here/everywhere/source/configure" -q --with-cuda=no "$@" && ${MAKE:-make} -s -j"$jobs" repro) >"$work/out" 2>&1
}

other_compilers() {
  for compiler in gcc clang; do
    command -v $compiler >/dev/null 2>&1 || { skip "$compiler: the same bits" "$compiler was not found"; continue; }
    for level in -O2 -O3; do
      if build "$compiler$level" CC=$compiler CFLAGS="-g $level"; then run_all "$compiler $level" "$work/$compiler$level/repro" 2
      else fail "$compiler $level: builds" "$work/out"; fi
    done
  done
}

# ---- AArch64 -------------------------------------------------------------------------------------------------------------

arm=$here/everywhere/arm64
packages='liblua5.4-dev libpng-dev zlib1g-dev libjansson-dev libcmark-dev'

# The libraries, unpacked; with lists and a cache of their own, so that the system's packages stay as they are.
fetch_libraries() {
  [ -f "$arm/done" ] && return 0
  command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || return 1
  rm -rf "$arm"; mkdir -p "$arm/lists/partial" "$arm/cache/archives/partial"
  set -- -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User= -o Acquire::Languages=none \
    -o Dir::State::lists="$arm/lists" -o Dir::Cache="$arm/cache" -o Dir::State::status=/dev/null -o Debug::NoLocking=1
  # shellcheck disable=SC2086
  apt-get "$@" update >"$work/out" 2>&1 && (cd "$arm/cache" && apt-get "$@" download $packages) >>"$work/out" 2>&1 || return 1
  for package in "$arm"/cache/*.deb; do dpkg-deb -x "$package" "$arm/root" || return 1; done
  rm -rf "$arm/lists" "$arm/cache"; touch "$arm/done"
}

on_aarch64() {
  cross=aarch64-linux-gnu-gcc
  for tool in $cross qemu-aarch64; do
    command -v $tool >/dev/null 2>&1 || { skip "AArch64: the same bits" "$tool was not found"; return; }
  done
  fetch_libraries || { skip "AArch64: the same bits" "arm64 libraries could not be had from apt-get ($packages)"; return; }
  copy_source || { fail "AArch64: the sources are copied" "$work/out"; return; }
  usr=$arm/root/usr
  if ! PKG_CONFIG_LIBDIR=$usr/lib/aarch64-linux-gnu/pkgconfig PKG_CONFIG_SYSROOT_DIR=$arm/root \
      build aarch64 --host=aarch64-linux-gnu CC=$cross --without-curl --without-libedit CFLAGS=-g0 \
      CPPFLAGS="-I$usr/include -I$usr/include/aarch64-linux-gnu" LDFLAGS="-static -L$usr/lib/aarch64-linux-gnu"; then
    fail "AArch64: builds" "$work/out"; return
  fi
  printf '#!/bin/sh\nexec qemu-aarch64 "%s/aarch64/repro" "$@"\n' "$work" >"$work/emulated"; chmod +x "$work/emulated"
  if "$work/emulated" info 2>&1 | grep -q '^power  *own$'; then ok "AArch64: x^y is our own in a program linked statically"
  else "$work/emulated" info >"$work/out" 2>&1; fail "AArch64: x^y is our own in a program linked statically" "$work/out"; fi
  run "AArch64 under qemu" tiny neon 2 "$work/emulated"
  [ $all = no ] || run "AArch64 under qemu" smoke neon 2 "$work/emulated"
}

# ---- all of it -------------------------------------------------------------------------------------------------------------

run_all "this build ($(./repro info --json | sed -n 's/.*"compiler": "\([^"]*\)".*/\1/p'))" "$here/repro" "1 2 3 7"
if [ $all = yes ]; then
  if copy_source; then other_compilers; else fail "the sources are copied" "$work/out"; fi
fi
[ "${EVERYWHERE-}" = native ] || on_aarch64
echo "1..$n"
