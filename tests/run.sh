#!/bin/sh
# run.sh [--valgrind]: runs every suite, or those named in SUITES, and adds up what each one reports.  LUA_TESTS names
# files of the suite lua.
#
# A suite prints TAP ("ok 1 - ...", "not ok 2 - ...", "# SKIP reason") or the summary of the Check library.
# It also fails if it exits with another status than its results explain, stops short of its plan, or tests nothing.
# Suites run side by side, CHECK_JOBS at once (default: one a processor).  Output of each: tests/log/NAME.log.
# Last line: "N passed, N failed", and ", N skipped" if any were.
# The Makefile runs this in the build directory and sets SRCDIR and the rest of the environment.
set -u
one=''
case ${1-} in --suite=*) one=${1#--suite=}; shift ;; esac # how run.sh calls itself
: "${SRCDIR:?run this through make check}"
valgrind='' lua_tests=${LUA_TESTS-} all_suites='c lua cuda everywhere aarch64 rooms flags scalar module pages' # the long ones first
if [ "${1-}" = --valgrind ]; then
  command -v valgrind >/dev/null 2>&1 || { echo "make check-valgrind needs valgrind" >&2; exit 3; }
  valgrind="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite"
  CK_FORK=no CK_DEFAULT_TIMEOUT=0; export CK_FORK CK_DEFAULT_TIMEOUT
  all_suites='c lua'
  # test_bits and test_contract are about values on every instruction set: too long here, and valgrind, which emulates the
  # processor, gives a zero from the instruction -(a b) + c the other sign.
  lua_tests=${LUA_TESTS:-$(cd "$SRCDIR/tests/lua" && find . -name 'test_*.lua' ! -name test_bits.lua ! -name test_contract.lua |
    sed 's|^./||' | sort)}
fi
# In a build with sanitizers a block that cannot be had is refused as by any other allocator.
ASAN_OPTIONS=allocator_may_return_null=1:${ASAN_OPTIONS-} UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS-}
export ASAN_OPTIONS UBSAN_OPTIONS
case ${BASE_FLAGS-} in
*-fsanitize=*) CK_FORK=no; export CK_FORK # a fork is slow there
               all_suites='c lua scalar' ;; # the others look at no code of this build
esac
mkdir -p tests/log

# count LOG: prints "passed failed skipped" as far as the output tells.
count() {
  awk '
    /^1\.\.[0-9]+/                  { plan += substr($1, 4); if ($1 == "1..0") { skip++; print_skip = 1 } }
    /^ok / || /^ok$/                { if (tolower($0) ~ /# *skip/) skip++; else pass++; tap++ }
    /^not ok/                       { if (tolower($0) ~ /# *todo/) skip++; else fail++; tap++ }
    /^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+/ {
      gsub(/[^0-9 ]/, " "); fail += $3 + $4; pass += $2 - $3 - $4 }
    END { if (plan > tap) fail += plan - tap; print pass + 0, fail + 0, skip + 0 }' "$1"
}

# explain LOG: what failed, with the comments below it; and where nothing says so, how the output ends.
explain() {
  awk '/^not ok|^[^ ]*:[0-9]+:[FE]:/ { print; on = 1; next } on && /^ *#/ { print; next } { on = 0 }' "$1" |
    head -n 60 | sed 's/^/    /'
  grep -qE '^[^ ]*:[0-9]+:[FE]:|^not ok [0-9]' "$1" || tail -n 15 "$1" | sed 's/^/    | /'
  echo "    all of it: $1"
}

# suite NAME COMMAND...: runs one suite and prints its line; the lines that explain a failure or a skip follow.
# Its counts are left in tests/log/NAME.count.
suite() {
  name=$1 log=tests/log/$1.log; shift
  started=$(date +%s)
  "$@" >"$log" 2>&1 </dev/null
  status=$?
  # shellcheck disable=SC2046
  set -- $(count "$log")
  passed=$1 failed=$2 skipped=$3
  if [ "$failed" = 0 ] && [ "$status" != 0 ]; then
    failed=1; echo "not ok - $name ended with status $status" >>"$log"
  elif [ $((passed + failed + skipped)) = 0 ]; then
    failed=1; echo "not ok - $name tested nothing" >>"$log"
  fi
  {
    printf '%-10s %5d passed, %d failed, %d skipped  %4d s\n' \
      "$name" "$passed" "$failed" "$skipped" $(($(date +%s) - started))
    if [ "$failed" != 0 ]; then explain "$log"; fi
    grep -iE '# *skip' "$log" | sed 's/^/    /' | head -n 10
  } >"$log.told"
  cat "$log.told"; rm -f "$log.told" # at once: another suite may be printing too
  echo "$passed $failed $skipped" >"tests/log/$name.count"
}

# shellcheck disable=SC2086  # $valgrind and $lua_tests are words
run() {
  case $1 in
  c)   if [ -x tests/c/suites ]; then suite c $valgrind tests/c/suites
       else suite c echo "1..0 # SKIP no C test ran: the Check library was not found; install it (Debian, Ubuntu: check) and run ./configure"; fi ;;
  lua) suite lua $valgrind ./repro test $lua_tests ;;
  *)   suite "$1" sh "$SRCDIR/tests/check_$1.sh" ;;
  esac
}
if [ "$one" ]; then run "$one"; exit 0; fi

# Suites run side by side, as many as there are processors, the first ones first.
suites=${SUITES:-$all_suites}
for name in $suites; do rm -f "tests/log/$name.count"; done
# shellcheck disable=SC2086  # $suites are words
printf '%s\n' $suites | xargs -P "${CHECK_JOBS:-$(nproc 2>/dev/null || echo 2)}" -I '{}' sh "$0" --suite='{}' "$@"

for name in $suites; do
  if [ -f "tests/log/$name.count" ]; then cat "tests/log/$name.count"; else echo "0 1 0"; fi # it never ended: a failure
done | awk '{ passed += $1; failed += $2; skipped += $3 }
  END { printf "\n%d passed, %d failed%s\n", passed, failed, skipped ? ", " skipped " skipped" : ""; exit failed > 0 }'
