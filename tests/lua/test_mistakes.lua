--- Mistakes of those who write a paper's script: each is named with its line and what to do.
-- luacheck: ignore 122
local T = require "tap"
local command = require "command"
local rp = require "repro"
local files = require "repro.files"

local directory = command.folder()
local path, target = directory .. "/script.lua", directory .. "/run"

-- Runs a script with a statement in line 3; gives exit code and stderr.
local function run(statement, ...)
  files.write(path, 'local rp = require "repro"\nlocal P = rp.paper{ id = "m", settings = { lr = 0.5 } }\n' .. statement .. "\n")
  local code, _, err = command.run("run", path, "-o", target, "-q", ...)
  return code, err
end

local function refused(statement, message, ...)
  local code, err = run(statement, ...)
  T.eq(code, 2, statement .. ": exit code")
  T.contains(err, message, statement)
end

refused('P.exact("a", 1, 1, {where = "Eq. 1"})', "script.lua:3: P.exact is called with a colon: P:exact(...)")
refused('P.pinned("a", 1)', "script.lua:3: P.pinned is called with a colon: P:pinned(...)")
refused('P.claim("a", "It holds", true)', "script.lua:3: P.claim is called with a colon: P:claim(...)")
refused('P.table("T", {"a"}, {{1}})', "script.lua:3: P.table is called with a colon: P:table(...)")
refused('P.log{loss = 1}', "script.lua:3: P.log is called with a colon: P:log(...)")
refused('for _ in P.training(3) do end', "script.lua:3: P.training is called with a colon: P:training(...)")
refused('P:log("loss")', "script.lua:3: P:log takes a table such as {step = 1}, not a string")
refused('P:note(5)', "script.lua:3: P:note takes a text, not a number")
refused('P:table("T", {"a", "b"}, {1, 2})', 'script.lua:3: P:table "T": row 1 is a number; rows are arrays, one value for each of the 2 columns')
refused('P:table("T", {"a", "b"}, {{1, 2}, {1, 2, 3}})', 'script.lua:3: P:table "T": row 2 has a value at 3, and the header names 2 columns')
refused('P:table("T", {"a", {}}, {{1, 2}})', 'script.lua:3: P:table "T": the header holds numbers, strings and truth values, not a table')
refused('P:table("T", {"a"}, {{print}})', 'script.lua:3: P:table "T": row 1 holds numbers, strings and truth values, not a function')
refused('P:exact("a", 1, 1)', "--set lr=1e400: expected a number", "--set", "lr=1e400")

local code, err
T.eq(run 'P:table("T", {"a", 2}, {{1}, {nil, rp.ones(1)}})', 0, "a row may be short, a head a number, a value a tensor of one")
T.eq(rp.io.json_decode(files.read(target .. "/result.json")).outputs[1].rows, { { "1", "" }, { "", "1" } }, "as they are shown")

T.eq(run 'for _, name in ipairs{"Figure ä", "Figure ö", "figure"} do P:figure(name, rp.rand(4, 4)) end', 0, "names of other scripts")
local hashes = {}
for i, output in ipairs(rp.io.json_decode(files.read(target .. "/result.json")).outputs) do
  T.eq(rp.io.sha256(target .. "/" .. output.path), output.sha256, output.name .. " is not overwritten by another")
  hashes[i] = output.path
end
T.eq(hashes, { "figures/figure.png", "figures/figure-2.png", "figures/figure-3.png" }, "each has a file of its own")

code, err = run 'local x = 1\n--[[ prose\n that is open\nlocal y = 2\n--[[ more prose ]]\nP:exact("a", x + y, 3)'
T.eq(code, 2, "prose that is not closed")
T.contains(err, "script.lua:4: the prose that begins here has another --[[ in line 7; is a ]] missing?", "is named beside the error")

files.write(path, "\xEF\xBB\xBFprint(1)\n")
code, err = select(1, command.run("run", path)), select(3, command.run("run", path))
T.eq(code, 2, "a byte order mark")
T.contains(err, "script.lua:1: the file begins with a byte order mark; save it as UTF-8 without one", "is named")

-- ---- two runs in one directory -----------------------------------------------------------------------------------------
if command.needs_program "two runs at once" then
  files.write(path, [==[
local rp = require "repro"
local P = rp.paper{ id = "m" }
P:log{step = 1}
while not rp.io.exists "go" do end
P:exact("a", 1, 1)
]==])
  local words = ("'%s' run script.lua -q -o two"):format(command.program)
  local text = command.shell(([[cd '%s' && { %s & pid=$!; while ! test -s two/log.jsonl && kill -0 $pid; do sleep 0.02; done;
    %s 2>&1; echo "code $?"; touch go; wait $pid; echo "code $?"; cat two/log.jsonl; %s >/dev/null; echo "code $?"; }]]):format(directory, words,
    words, words))
  T.contains(text, "another run is writing to two; wait for its end, or give this one another directory with -o\ncode 3\n",
    "a second run in a directory that another one writes to")
  T.contains(text, '\ncode 0\n{ "step": 1 }\ncode 0', "the first one ends as ever, and the directory is free again")
end

-- ---- a program that was put elsewhere --------------------------------------------------------------------------------
if command.needs_program "the program elsewhere" then
  local away = directory .. "/prefix"
  os.execute(("mkdir -p '%s/bin' '%s/share/lua/5.4' && cp '%s' '%s/bin/repro'"):format(away, away, command.program, away))
  if not files.exists "/usr/local/share/lua/5.4/repro/init.lua" then
    T.contains(command.shell(("'%s/bin/repro' info 2>&1; echo code $?"):format(away)),
      "set REPRO_LUA to the folder that holds repro/init.lua\ncode 3", "a program without its Lua files says what to do")
  end
  local lua = debug.getinfo(require "repro.sweep", "S").source:match "^@(.*)/repro/sweep%.lua$"
  T.contains(command.shell(("REPRO_LUA=nowhere '%s/bin/repro' info 2>&1; echo code $?"):format(away)),
    "repro: its Lua files are not in nowhere; set REPRO_LUA", "so does one that is led astray")
  os.execute(("ln -s '%s/repro' '%s/share/lua/5.4/repro'"):format(lua, away))
  files.write(path, 'print(require "repro".version)\n')
  T.eq(command.shell(("'%s/bin/repro' run '%s' --trust 2>&1"):format(away, path)), rp.version, "it finds those in its own prefix")
end

os.execute("rm -r '" .. directory .. "'")
T.done()
