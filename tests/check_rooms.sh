#!/bin/sh
# The law of rooms: base < kernel < cuda < tensor < grad < io < lua < main; a room includes only itself and rooms before it.
# Only the lua room and main.c include Lua's headers.  Every C file is in the Makefile, and every file has a name that says what is in it.
set -u
cd "${SRCDIR:-.}" || exit 1
rooms='base kernel cuda tensor grad io lua'
n=0

# report NAME OFFENCES: one TAP line; the offences, if any, below it.
report() {
  n=$((n + 1))
  if [ -z "$2" ]; then echo "ok $n - $1"; return; fi
  echo "not ok $n - $1"; printf '%s\n' "$2" | sed 's/^/#   /'
}

includes() { grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]+["<]' "$@" /dev/null; }

allowed=''
for room in $rooms; do
  allowed="$allowed${allowed:+|}$room"
  files=$(find "src/$room" -type f 2>/dev/null | sort)
  if [ -z "$files" ]; then report "room $room has sources" "src/$room is empty"; continue; fi
  # shellcheck disable=SC2086
  report "room $room includes only rooms before it" \
    "$(includes $files | grep '"' | grep -vE "include[[:space:]]+\"($allowed)/")"
  [ "$room" = lua ] && continue
  # shellcheck disable=SC2086
  report "room $room does not know Lua" "$(includes $files | grep -E '[<"](lua|lauxlib|lualib)[a-z0-9./]*h[>"]')"
done

unlisted=$(find src -name '*.c' | sort | while read -r f; do grep -qF "$f" Makefile.am || echo "$f"; done)
report "every C file is listed in Makefile.am" "$unlisted"
report "no file is called utils, common, helpers or misc" \
  "$(find src lua tests papers experiments -type f 2>/dev/null | grep -iE '/(utils?|commons?|helpers?|misc)\.[a-z]+$')"
echo "1..$n"
