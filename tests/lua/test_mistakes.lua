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

T.eq(run 'P:table("T", {"a", 2}, {{1}, {nil, rp.ones(1)}})', 0, "a row may be short, a head a number, a value a tensor of one")
T.eq(rp.io.json_decode(files.read(target .. "/result.json")).outputs[1].rows, { { "1", "" }, { "", "1" } }, "as they are shown")

T.eq(run 'for _, name in ipairs{"Figure ä", "Figure ö", "figure"} do P:figure(name, rp.rand(4, 4)) end', 0, "names of other scripts")
local hashes = {}
for i, output in ipairs(rp.io.json_decode(files.read(target .. "/result.json")).outputs) do
  T.eq(rp.io.sha256(target .. "/" .. output.path), output.sha256, output.name .. " is not overwritten by another")
  hashes[i] = output.path
end
T.eq(hashes, { "figures/figure.png", "figures/figure-2.png", "figures/figure-3.png" }, "each has a file of its own")

files.write(path, "\xEF\xBB\xBFprint(1)\n")
local code, _, err = command.run("run", path)
T.eq(code, 2, "a byte order mark")
T.contains(err, "script.lua:1: the file begins with a byte order mark; save it as UTF-8 without one", "is named")

os.execute("rm -r '" .. directory .. "'")
T.done()
