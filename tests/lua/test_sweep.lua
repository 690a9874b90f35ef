--- Sweeps: cells, keys, what makes one run again, failures, interruption; bits alone, side by side, in any order.
-- luacheck: ignore 122 311
local T = require "tap"
local command = require "command"
local rp = require "repro"
local files = require "repro.files"
local grid = require "repro.sweep.grid"
local record = require "repro.sweep.record"
local workers = require "repro.sweep.workers"

local shell = command.shell

-- ---- cells ---------------------------------------------------------------------------------------------------------
local cells, names = grid.cells({ grid = { b = { 1, 2 }, a = { "x", true } }, seeds = 2 }, 5)
T.eq(names, { "a", "b" }, "settings in the order of names")
T.eq({ #cells, cells[1].name, cells[2].name, cells[8].name }, { 8, "a=x,b=1,seed=5", "a=x,b=1,seed=6", "a=true,b=2,seed=6" },
  "every combination with every seed")
cells = grid.cells({ list = { { a = 1 }, { b = 0.1 } }, seeds = { 3 } }, 1)
T.eq({ cells[1].name, cells[2].name }, { "a=1,seed=3", "b=0.1,seed=3" }, "a list")
cells = grid.cells({ grid = { s = { "a b", "a/b", 1 / 3, 1 / 3 + 1e-12 } } }, 1)
T.eq({ cells[2].name, cells[4].name }, { "s=a_b,seed=1~2", "s=0.333333,seed=1~2" }, "names that would be the same get numbers")
T.raises(function() grid.cells({ grid = { a = { 1, 1 } } }, 1) end, "is there twice", "a cell that is there twice")
T.raises(function() grid.cells({ grid = { a = { {} } } }, 1) end, "a: the values are numbers", "a value of a wrong kind")
T.raises(function() grid.cells({ grid = { a = {} } }, 1) end, "there are no cells", "an empty list of values")
T.raises(function() grid.cells({ seeds = 0 }, 1) end, "1 or more", "no seeds")

-- ---- what the key of a script is -------------------------------------------------------------------------------------
local text = [==[
local P = rp.paper{ id = "x", title = "A" }
local function f(x) return x end
local s = rp.sweep{ name = "s", grid = {a = {1}},
  run = function(cell) return f(cell.a) end }
P:table("t", s:table{"a"})
]==]
local hash = record.script_hash(text, 3)
local function same(old, new, line) return record.script_hash(text:gsub(old, new, 1), line or 3) == hash end
T.ok(same("local function", "-- a remark\nlocal  function", 4), "comments and blanks do not count")
T.ok(same('P:table%("t"', 'P:table("u"'), "nor what comes after the sweep")
T.ok(same("{1}", "{1, 2}"), "nor the grid: a longer one keeps its cells")
T.ok(same('title = "A"', 'title = "B"'), "nor the header")
T.ok(not same("return x end", "return x + 1 end"), "the code before it does")
T.ok(not same("f%(cell.a%)", "f(cell.b)"), "its function does")
T.eq({ workers.share(8, 100, 4) }, { 1, 100 }, "threads asked for stay")
local jobs, threads = workers.share(8, nil, 100)
T.ok(jobs * threads <= rp.core.process.cores(), "processes times threads is not above the cores")

-- ---- by the program itself -------------------------------------------------------------------------------------------
local program = command.needs_program "sweeps in processes"
if not program then return T.done() end
local directory = command.folder()
local script, module = directory .. "/small.lua", directory .. "/part.lua"
local function write(code) files.write(script, code) end
local code = [==[
local rp = require "repro"
local part = require "part"
local P = rp.paper{ id = "small_sweep", settings = { steps = 3, fail = "", data = "" } }
P:exact("before", 1, 1)
local s = rp.sweep{ name = "s", grid = {x = {1, 2, 3}}, seeds = 2, run = function(cell)
  if P.fail ~= "" and cell.x == 2 and cell.seed == 2 then error("boom " .. P.fail) end
  if P.data ~= "" then rp.io.read_npy(P.data) end
  P:log{step = cell.x}
  local y = rp.randn(64):sum() * cell.x * part.scale
  for _ = 1, P.steps do y = y + rp.randn(1) end
  return {y = y, draw = math.random(), odd = {0/0, math.huge}, name = "x", threads = 1}
end }
P:table("Table 1", s:table{"y"}, "A caption.")
P:figure("Figure 1", s:plot{x = "x", y = "y"})
P:exact("cells", #s:cells(), 6)
P:exact("odd", s:cells()[1].result.odd[2], math.huge)
P:claim("mean", "They differ", s:mean("y", {x = 1}) ~= s:mean("y", {x = 2}))
]==]
write(code)
files.write(module, "return { scale = 2 }\n")
-- Runs the script; gives exit code and output.
local function run(options)
  local answer = shell(("cd '%s' && '%s' run small.lua %s 2>&1; echo \"code $?\""):format(directory, program, options))
  return tonumber(answer:match "code (%d+)$"), answer
end
local function contains(part, name, answer) T.ok(answer:find(part, 1, true), name, answer) end
local function hashes(place)
  local list = {}
  for _, name in ipairs(files.list(directory .. "/" .. place .. "/cells/s")) do
    local saved = files.read(("%s/%s/cells/s/%s/cell.json"):format(directory, place, name))
    if saved then list[#list + 1] = name .. " " .. rp.io.json_decode(saved).sha256 end
  end
  return list
end
local status, answer = run "-o one --jobs 1"
T.eq(status, 0, "a sweep, one cell at a time")
contains("6 cells, 0 finished before, 6 to run, 1 at once", "says what it does", answer)
T.eq(#hashes "one", 6, "and leaves its cells")
local result = rp.io.json_decode(files.read(directory .. "/one/result.json"))
T.eq({ result.outputs[2].type, result.outputs[2].cells }, { "sweep", 6 }, "result.json has the sweep")
T.eq(result.outputs[3].rows[1][1], "1", "and its table")
status, answer = run "-o four --jobs 4"
T.eq({ status, hashes "four" }, { 0, hashes "one" }, "four at once: the same bits")
status, answer = run "-o alone --cell s/x=3,seed=2"
T.eq({ status, hashes("alone")[1] }, { 0, hashes("one")[6] }, "a cell alone: the same bits")
contains('"y": ', "prints what it measured", answer)
status, answer = run "-o alone --cell s/x=4,seed=2"
contains('has no cell x=4,seed=2; did you mean', "a cell that is not there", answer)
T.eq(select(1, run "--cell x=4"), 2, "a cell without its sweep")
status, answer = run "-o one --explain"
contains("all 6 cells are finished and nothing they depend on has changed", "a second run runs nothing", answer)
T.eq(rp.io.json_decode(files.read(directory .. "/one/result.json")).hashes.measured, result.hashes.measured, "and measures the same")
status, answer = run "-o one --explain --set steps=4"
contains("x=1,seed=1: setting steps changed: 3 -> 4", "a setting", answer)
run "-o one"
files.write(module, "-- a remark\nreturn { scale = 2 }\n")
status, answer = run "-o one --explain"
contains("all 6 cells are finished", "a remark in a module", answer)
files.write(module, "return { scale = 3 }\n")
status, answer = run "-o one --explain"
contains("x=1,seed=1: module ./part.lua changed", "a module", answer)
write((code:gsub("{1, 2, 3}", "{1, 2, 3, 4}"):gsub('"cells", #s:cells%(%), 6', '"cells", #s:cells(), 8')))
status, answer = run "-o one --explain"
contains("x=4,seed=1: not run before", "a longer grid", answer)
contains("8 cells, 6 finished before, 2 to run", "keeps its cells", answer)
write((code:gsub("rp.randn%(1%)", "rp.randn(2):sum()")))
status, answer = run "-o one --explain"
contains("x=1,seed=1: script changed", "the code of the script", answer)
write(code)
rp.io.write_npy(directory .. "/d.npy", rp.ones(2))
run "-o data --set data=d.npy"
rp.io.write_npy(directory .. "/d.npy", rp.zeros(2))
status, answer = run "-o data --set data=d.npy --explain"
contains("x=1,seed=1: data d.npy changed", "data", answer)
T.eq(shell(("'%s' verify '%s/data' | grep -c 'verified'"):format(program, directory)), "1", "verify looks at the cells")
local path = directory .. "/data/cells/s/x=1,seed=1/cell.json"
files.write(path, (files.read(path):gsub('"name": "x"', '"name": "y"')))
answer = shell(("'%s' verify '%s/data'; echo code $?"):format(program, directory))
contains("cells/s/x=1,seed=1/cell.json: its result does not have the hash it states\ncode 1", "and finds one that was edited", answer)
status, answer = run "-o data --set data=d.npy --explain"
contains("x=1,seed=1: its result does not have the hash it states", "a result that was edited", answer)
files.write(path, "{")
status, answer = run "-o data --set data=d.npy --explain"
contains("x=1,seed=1: its cell.json cannot be read", "a broken file", answer)

-- ---- links -----------------------------------------------------------------------------------------------------------
files.write(directory .. "/project/part.lua", "return { scale = 5 }\n")
files.write(directory .. "/project/scripts/small.lua", code)
os.execute(("cd '%s' && mkdir away && ln -s project/scripts short && ln -s away out"):format(directory))
answer = shell(("cd '%s' && '%s' run short/small.lua -o out/linked 2>&1; echo \"code $?\""):format(directory, program))
contains("code 0", "a script in a folder behind a link, with a module in the folder above; a run directory behind another", answer)
T.eq(#hashes "away/linked", 6, "its cells find both")

-- ---- files replaced while the sweep runs: the first cell waits until that is done --------------------------------------
local lua = debug.getinfo(require "repro.sweep", "S").source:match "^@(.*)/repro/sweep%.lua$"
local waits = code:gsub('  if P.data', '  while cell.x == 1 and cell.seed == 1 and not rp.io.exists "go" do end\n  if P.data')
local function replaced(where, commands, environment, by)
  os.remove(directory .. "/go")
  write(waits)
  files.write(module, "return { scale = 2 }\n")
  answer = shell(([[cd '%s' && { %s '%s' run small.lua -o %s 2>&1 & pid=$!;
    while ! test -e %s/cells/s/x=1,seed=1/log.jsonl && kill -0 $pid; do sleep 0.05; done; %s; touch go; wait $pid; echo code $?; }]]):format(
    directory, environment or "", by or program, where, where, commands))
end
replaced("new", "echo 'return { scale = 9 }' > part.new; mv part.new part.lua; echo 'error()' > small.new; mv small.new small.lua")
contains("code 0", "script and module replaced while a sweep runs", answer)
write(code)
files.write(module, "return { scale = 2 }\n")
run "-o base"
T.eq(hashes "new", hashes "base", "all cells have the bits of the text that it began with")
result = rp.io.json_decode(files.read(directory .. "/new/result.json"))
T.eq(result.hashes.script, files.sha256(waits), "so says result.json")
T.eq(files.exists(directory .. "/new/cells/s/texts.json"), false, "and nothing is left lying")
os.execute(("cp '%s' '%s/repro' && cp '%s' '%s/other'"):format(program, directory, program, directory))
replaced("built", "mv other repro", ("REPRO_LUA='%s'"):format(lua), directory .. "/repro")
contains("code 0", "the program built anew while a sweep runs", answer)
T.eq(hashes "built", hashes "base", "its cells are run by the one that began")
write(waits)
files.write(module, "return { scale = 9 }\n")
status, answer = run "-o new --explain"
contains("x=1,seed=1: module ./part.lua changed", "the next run takes the new text", answer)
os.execute(("cp -r '%s' '%s/lua'"):format(lua, directory))
replaced("library", "echo '-- new' >> lua/repro/nn/linear.lua", "REPRO_LUA='" .. directory .. "/lua'")
contains("code 3", "the library replaced while a sweep runs", answer)
contains("sweep s: the Lua files of repro were replaced while it ran, after 0 of 6 cells; run it again", "is said once", answer)
T.eq(select(2, answer:gsub("were replaced", "")), 1, "and not for every cell")
T.eq(#hashes "library", 0, "no cell of mixed texts counts")
write(code)
files.write(module, "return { scale = 2 }\n")

-- ---- kill -9 in a cell: what it had trained is not trained again ---------------------------------------------------------
local trains = [==[
local rp = require "repro"
local P = rp.paper{ id = "small_sweep" }
local before = P:once("before", function() return rp.randn(3) end)
local s = rp.sweep{ name = "s", grid = {x = {1, 2}}, run = function(cell)
  local w = rp.zeros(4)
  for k in P:training(40, "cell") do
    w:add_(rp.randn(4) * cell.x + before:sum())
    P:log{step = k, w = w:sum()}
    while k == 20 and cell.x == 1 and not rp.io.exists "go" do end
  end
  return {w = w:hash(), draw = math.random()}
end }
P:exact("cells", #s:cells(), 2)
]==]
write(trains)
os.execute("touch '" .. directory .. "/go'")
T.eq(select(1, run "-o straight"), 0, "cells that train")
local function kill_cell()
  return shell(([[cd '%s' && rm -f go && { '%s' run small.lua -o killed --cell s/x=1,seed=1 --checkpoint-every 5 >/dev/null 2>&1 & pid=$!;
    while test "$(wc -l < killed/cells/s/x=1,seed=1/log.jsonl || echo 0)" -lt 20 && kill -0 $pid; do sleep 0.05; done 2>/dev/null;
    kill -9 $pid; wait $pid; touch go; }; ls killed/cells/s/*/ | grep -c '^checkpoint.safetensors']]):format(directory, program))
end
local cell_of = "/cells/s/x=1,seed=1/"
T.eq(kill_cell(), "1", "a cell that is killed leaves its checkpoint")
status, answer = run "-o killed"
T.eq(status, 0, "the sweep runs it again")
T.contains(files.read(directory .. "/killed" .. cell_of .. "output.txt"), "resumed after 1 loops that had ended and step 15 of 40 of cell",
  "and it goes on where it was")
T.eq(hashes "killed", hashes "straight", "with the same bits")
T.eq(files.read(directory .. "/killed" .. cell_of .. "log.jsonl"), files.read(directory .. "/straight" .. cell_of .. "log.jsonl"),
  "and the same log")
T.eq(shell("ls '" .. directory .. "'/killed/cells/s/*/ | grep -c checkpoint"), "0", "a finished cell has no checkpoint")
os.execute("rm -r '" .. directory .. "/killed'")
kill_cell()
write((trains:gsub("randn%(4%)", "rand(4)")))
status, answer = run "-o killed"
T.eq(status, 0, "a cell whose code has changed")
T.ok(not files.read(directory .. "/killed" .. cell_of .. "output.txt"):find "resumed", "begins at its beginning")
write(code)

-- ---- a cell that fails, and Ctrl-C ---------------------------------------------------------------------------------
status, answer = run "-o bad --set fail=now --jobs 2"
T.eq(status, 2, "a cell that fails")
contains("1 of 6 cells failed; the others are kept", "does not lose the others", answer)
contains("x=2,seed=2: small.lua:6: boom now", "and says why", answer)
status, answer = run "-o bad --set fail=now --explain"
contains("6 cells, 5 finished before, 1 to run", "only the failed one is run again", answer)
write((code:gsub('name = "s", grid', 'name = "s", allow_failures = true, grid'):gsub('if P.data', 'if cell.x == 3 then while true do end end if P.data')))
answer = shell(([[cd '%s' && { '%s' run small.lua -o stop --jobs 1 2>&1 & pid=$!;
  while ! test -e stop/cells/s/x=3,seed=1/log.jsonl && kill -0 $pid; do sleep 0.05; done; kill -INT $pid; wait $pid; echo code $?; }]]):format(
  directory, program))
contains("code 5", "Ctrl-C", answer)
local finished = 0
for _, name in ipairs(files.list(directory .. "/stop/cells/s")) do
  if files.exists(directory .. "/stop/cells/s/" .. name .. "/cell.json") then finished = finished + 1 end
end
T.eq(finished, 4, "leaves the finished cells")
T.eq(shell("pgrep -f 'run smal[l].lua.*-o stop' || echo none"), "none", "and no process behind")

os.execute("rm -rf '" .. directory .. "'")
T.done()
