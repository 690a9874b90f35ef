#!/bin/sh
# The module works from a stock Lua interpreter: `require "repro"` and `require "repro.core"`.
# The Makefile sets SRCDIR, LUA and MODULE.
set -u
case ${BASE_FLAGS-} in *-fsanitize=*) echo "1..0 # SKIP a stock Lua cannot load a module built with sanitizers"; exit 0 ;; esac
[ -x "${LUA:-none}" ] || { echo "1..0 # SKIP no stock Lua interpreter was found"; exit 0; }

LUA_PATH="$SRCDIR/lua/?.lua;$SRCDIR/lua/?/init.lua"
LUA_CPATH="${MODULE%repro/core.so}?.so"
export LUA_PATH LUA_CPATH
n=0

# says NAME EXPECTED SCRIPT: the script, run by stock Lua, prints what is expected.
says() {
  n=$((n + 1))
  got=$("$LUA" -e "$3" 2>&1)
  if [ "$got" = "$2" ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; printf '%s\n' "$got" | sed 's/^/#   /'; fi
}

says "repro.core loads" table 'print(type(require "repro.core"))'
says "repro loads" table 'print(type(require "repro"))'
says "a gradient comes out" 4.0 '
  local rp = require "repro"
  local x = rp.tensor({2.0}):requires_grad_()
  x:square():sum():backward()
  print(x.grad:item())'
says "an error is a Lua error" false '
  local rp = require "repro"
  print((pcall(rp.matmul, rp.zeros(3, 4), rp.zeros(5, 6))))'
echo "1..$n"
