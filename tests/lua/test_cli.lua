--- The command line: its messages, exit codes and files, run in this process with the streams caught.
-- luacheck: ignore 122 311
local T = require "tap"
local command = require "command"
local rp = require "repro"
local cli = require "repro.cli"
local files = require "repro.files"

local run, shell, program = command.run, command.shell, command.program

local directory = command.folder()

local function script(name, text)
  local path = directory .. "/" .. name .. ".lua"
  files.write(path, text)
  return path
end

local contains = T.contains

-- ---- README: "you will get these very digits" ---------------------------------------------------------------------
do
  local readme = files.read(debug.getinfo(1, "S").source:sub(2):gsub("[^/]*$", "") .. "../../README.md")
  if not readme then
    T.skip("no README.md beside the tests", "README's example")
  else
    local example, printed = readme:match "```lua\n(.-)```\n+    %$ ./repro run spiral%.lua\n(.-)\n\n"
    local said = {}
    for line in printed:gmatch "[^\n]+" do said[#said + 1] = line:gsub("^    ", "") .. "\n" end
    local code, out = run("run", script("spiral", example))
    T.eq({ code, out }, { 0, table.concat(said) }, "README's example prints what README says")
  end
end

-- ---- overview, help, info -------------------------------------------------------------------------------------
local code, out, err = run()
T.eq(code, 2, "no command is a usage error")
contains(out, "usage: repro COMMAND", "and shows the overview")
T.eq(run "--help", 0, "--help")
code, out = run "--version"
T.eq({ code, out }, { 0, "repro " .. rp.version .. "\n" }, "--version")
for _, row in ipairs(cli.commands) do
  code, out = run(row[1], "--help")
  T.eq(code, 0, row[1] .. " --help")
  contains(out, "usage: repro " .. row[1], row[1] .. " --help shows its usage")
end
code, out, err = run "rnu"
T.eq({ code, err }, { 2, 'repro: unknown command rnu; did you mean "run"?\n' }, "an unknown command")
code, out, err = run "x.lua"
contains(err, "to run a script: repro run x.lua", "a script without a command")
code, out = run("info", "--json")
T.eq(rp.io.json_decode(out).version, rp.version, "info --json is JSON")
T.eq(run "info", 0, "info")
code, out = run("help", "gelu")
contains(out, "rp.gelu(x)", "help of an operation")
code, out = run("help", "P:claim")
contains(out, "A statement of the paper", "help of a method of P")
code, out = run("help", "nn.Linear")
contains(out, "y = x W' + b", "help of a layer")
code, out, err = run("help", "glu")
T.eq(code, 2, "help of nothing")
contains(err, 'did you mean "', "names the nearest")
code = run("help", "--annotations", directory .. "/repro.d.lua")
T.eq(code, 0, "annotations are written")
T.ok(loadfile(directory .. "/repro.d.lua", "t", {}), "and are Lua")
contains(files.read(directory .. "/repro.d.lua"), "function Tensor:gelu() end", "with a method for each operation")
T.eq(run "list", 0, "list")
code, out = run("list", "--json")
T.eq(type(rp.io.json_decode(out)), "table", "list --json is JSON")

-- ---- options ----------------------------------------------------------------------------------------------------
local good = script("good", [==[
local rp = require "repro"
local P = rp.paper{ id = "good", title = "Good", settings = { steps = {smoke = 1, small = 2}, kind = {"a", choices = {"a", "b"}} } }
print("hello")
P:exact("one", 1, 1)
P:claim("two", "A claim", false)
P:pinned("three", rp.arange(1, P.steps):sum(), {small = 3})
]==])
local target = directory .. "/out"
local function run_good(...) return run("run", good, "-o", target, ...) end
code, out, err = run_good()
T.eq({ code, err }, { 0, "" }, "a run that passes")
contains(out, "hello\n", "print goes to stdout")
contains(out, "good (small, seed 1): 2 passed, 0 failed, 1 not reproduced", "the verdict")
contains(out, target .. "/report.html", "and where the report is")
for _, name in ipairs { "result.json", "report.html", "report.md", "log.jsonl", "provenance.json" } do
  T.ok(files.exists(target .. "/" .. name), name .. " is written")
end
T.eq(rp.io.json_decode(files.read(target .. "/provenance.json")).isa, rp.isa(), "provenance.json is JSON")
code, out, err = run_good("--json")
T.eq(rp.io.json_decode(out).counts.pass, 2, "--json prints result.json alone")
contains(err, "hello", "and the script's print goes to stderr")
code, out = run_good("-q")
T.eq(select(2, out:gsub("\n", "")), 2, "-q prints the script's line and the verdict")
code, out = run_good("--scale", "smoke")
contains(out, "1 not pinned", "another scale")
code, out = run_good("--scale=smoke", "--seed=3")
contains(out, "good (smoke, seed 3)", "--name=value")
code, out = run_good("--set", "steps=4")
contains(out, "1 not pinned", "a changed setting is not compared with pins")
code, out = run_good("--only", "two")
T.eq(code, 0, "--only")
contains(out, "only two", "says so")

-- ---- --only leaves out what it does not need ------------------------------------------------------------------
local costly = script("costly", [==[
local rp = require "repro"
local P = rp.paper{ id = "costly" }
local seen = {}
local function train(name) seen[#seen + 1] = name return #seen end
P:exact("a", train "a", 1, 0, {where = "Eq. 1"})
P:figure("Figure 1", train "figure" and "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'/>")
P:note("%d", train "note")
if P:wants("b") then train "wanted" end
P:claim("b", "b holds", {value = train "b", op = ">=",
        bound = 0}, {where = "Table 2"})
local kept = P:exact("kept", train "kept" and 1, 1)
for _, name in ipairs{"x", "y"} do P:quoted("paper." .. name, train("paper." .. name)) end
P:table("Table 1", {"seen"}, {{table.concat(seen, " ")}})
print(table.concat(seen, " "))
]==])
local function only(id) return run("run", costly, "-o", target, "--only", id) end
code, out, err = only "b"
T.eq(code, 0, "--only of a claim")
contains(err, "--only b: 5 other checks, figures, tables and notes left out, those in lines 11 are parts", "says what it leaves out")
T.eq(#rp.io.json_decode(files.read(target .. "/result.json")).outputs, 1, "and gives that claim alone")
T.ok(not out:find("kept", 1, true), "and ends there")
code, out = only "kept"
T.eq(out:match "^[^\n]*", "✓ pass            kept   1         1", "what the others would measure is not measured")
code, out = only "paper.y"
T.eq(out:match "^[^\n]*", "kept paper.x paper.y", "computed ids are told by how they begin")
code, out = only "paper"
T.eq(#rp.io.json_decode(files.read(target .. "/result.json")).checks, 2, "an id asks for those below it")
code, out = only "Table 1"
T.eq(rp.io.json_decode(files.read(target .. "/result.json")).outputs[1].rows, { { "kept" } }, "--only of a table")
code, out, err = only "Figure 2"
contains(err, 'no such check, figure or table; did you mean "Figure 1"?', "--only of a figure that is not there")
T.eq(only "nothing.at.all", 2, "--only of nothing")
local plan = require("repro.only").plan(require("repro.literate").parse(files.read(costly), "x"), "b")
T.eq(#plan.text, #files.read(costly), "the text keeps its length, so lines keep their numbers")

-- ---- list ---------------------------------------------------------------------------------------------------------
code, out = run("list", costly)
contains(out, "not run here yet", "list of a script that has not been run")
contains(out, "  claim           b     Table 2", "shows its checks and their places")
code, out = run("list", costly, "--json")
local listed = rp.io.json_decode(out)[1]
T.eq({ listed.id, #listed.checks, listed.checks[1].where, listed.checks[2].text }, { "costly", 3, "Eq. 1", "b holds" },
  "list --json has the checks")
T.eq(select(1, run("list", "no_such_paper")), 2, "list of nothing")

local function refused(part, name, wanted, ...)
  local c, _, message = run_good(...)
  T.eq(c, wanted, name)
  contains(message, part, name .. ": message")
end
refused('unknown option --scael; did you mean "--scale"?', "a misspelt option", 2, "--scael", "small")
refused('did you mean "smoke"?', "a misspelt scale", 2, "--scale", "smok")
refused("--seed x: expected a whole number", "a seed that is none", 2, "--seed", "x")
refused("--seed needs a value", "an option without its value", 2, "--seed")
refused("--json takes no value", "a value that is not wanted", 2, "--json=1")
refused("unexpected argument extra", "an argument too many", 2, "extra")
refused('no such setting; did you mean "steps"?', "a misspelt setting", 2, "--set", "stpes=1")
refused("expected a whole number", "a setting of a wrong type", 2, "--set", "steps=1.5")
refused("is not one of a, b", "a setting outside its choices", 2, "--set", "kind=c")
refused("expected KEY=VALUE", "a setting without =", 2, "--set", "steps")
refused('no such check, figure or table; did you mean "three"?', "a misspelt check", 2, "--only", "tree")
refused("outside 0..256", "too many threads", 2, "--threads", "1000")
refused("--threads 0: expected a whole number, 1 or more", "no threads", 2, "--threads", "0")
if not rp.core.cuda() then
  code, out, err = run("run", good, "--device", "auto")
  T.eq(code, 0, "--device auto without a GPU takes the CPU: " .. err)
  contains(err, "--device auto: cpu (", "and says so")
  refused("no GPU can be used", "--device cuda without CUDA", 3, "--device", "cuda")
  refused("--math fast", "--math fast without CUDA", 3, "--math", "fast")
end
code, out, err = run("run", directory .. "/goood.lua")
T.eq(code, 2, "a missing script")
contains(err, 'did you mean "' .. good .. '"?', "names the nearest")

-- ---- scripts that fail ------------------------------------------------------------------------------------------
local function fails(name, text, wanted, part)
  local path = script(name, text)
  local c, _, message = run("run", path, "-o", directory .. "/fail")
  T.eq(c, wanted, name)
  contains(message, "repro: " .. path .. part, name .. ": message")
  T.ok(not message:find("stack traceback", 1, true), name .. ": no stack")
  T.eq(select(2, message:gsub("\n", "")), 1, name .. ": one line")
end
fails("syntax", "local x = = 1\n", 2, ":1: unexpected symbol near '='")
fails("raised", "local function f()\n  error('boom')\nend\nf()\n", 2, ":2: boom")
fails("shape", "local rp = require 'repro'\nlocal x = rp.zeros(2, 3)\nlocal y = x:matmul(rp.zeros(4, 5))\n", 2, ":3: matmul")
fails("nil_argument", "local rp = require 'repro'\nlocal x = rp.relu(nil)\n", 2, ":2: relu")
fails("library", "local rp = require 'repro'\nlocal x = rp.nn.Linear(2, 'x')\n", 2, ":2: Linear")
fails("index", "local t\nlocal x = t.y\n", 2, ":2: attempt to index a nil value")
fails("argument", "local rp = require 'repro'\nlocal x = rp.ones(3)\nlocal y = rp.mse_loss(x)\n", 2,
      ":3: rp.mse_loss: attempt to index a nil value (local 'y'); it is called as rp.mse_loss(x, y, reduction)")
fails("clock", "\nlocal t = os.time()\n", 2, ":2: os.time is not available to a script")
fails("module", "local m = require 'no_such_module'\n", 2, ":1: require: no module no_such_module")
fails("table_error", "error({})\n", 2, ":1: table")
local failed = script("failed", "local rp = require 'repro'\nlocal P = rp.paper{id = 'failed'}\nP:exact('a', 1, 2)\n")
code, out = run("run", failed, "-o", target)
T.eq(code, 1, "a check that fails")
contains(out, "✗ fail", "is shown")
local half = script("half", "local rp = require 'repro'\nlocal P = rp.paper{id = 'half'}\nP:exact('a', 1, 1)\nerror('stop')\n")
code = run("run", half, "-o", target)
T.eq({ code, rp.io.json_decode(files.read(target .. "/result.json")).status }, { 2, "error" }, "a broken run leaves what it has")
code, out, err = run("run", half, "-o", target, "--traceback")
contains(err, "stack traceback", "--traceback")
local data = script("data", "require('repro')\nlocal failure = require 'repro.failure'\nfailure.raise('data', 'no such data')\n")
code, out, err = run("run", data)
T.eq({ code, err }, { 4, "repro: " .. data .. ":3: no such data\n" }, "missing data")
local stopped = script("stopped", "local rp = require 'repro'\nlocal P = rp.paper{id = 's'}\nP:exact('a', 1, 1)\nerror('interrupted')\n")
code, out, err = run("run", stopped, "-o", target)
T.eq(code, 5, "an interrupted run")
contains(err, "partial results are in " .. target, "says where its results are")
local plain = script("plain", "print(1 + 1)\n")
T.eq({ run("run", plain) }, { 0, "2\n", "" }, "a script that is no paper")
code, out, err = run("run", plain, "--set", "a=1")
T.eq(code, 2, "--set for a script that is no paper")

-- ---- pin, weave, new ----------------------------------------------------------------------------------------------
local changed = files.read(good):gsub("small = 3", "small = 4")
files.write(good, changed)
T.eq(run_good(), 1, "a pinned number that changed fails")
code, out, err = run("pin", good, "--from", target)
T.eq(code, 2, "pin asks, and without a terminal writes nothing")
contains(out, "+ P:pinned(\"three\", rp.arange(1, P.steps):sum(), {small = 3.0})", "after showing the change")
T.eq(files.read(good), changed, "nothing is written")
T.eq(run("pin", good, "--from", target, "--yes"), 0, "pin --yes")
T.eq(run_good(), 0, "the pins it wrote pass")
T.eq({ run("pin", good, "--from", target, "--yes") }, { 0, "nothing to change\n", "" }, "pinning twice changes nothing")
run_good("--seed", "2")
code, out, err = run("pin", good, "--from", target)
contains(err, "not the default one (seed 2)", "a run of another seed is not pinned")
code, out, err = run("pin", good, "--from", directory .. "/nowhere")
contains(err, "no result.json", "pin without a run")
T.eq(run("weave", good, "-o", directory .. "/good.html"), 0, "weave")
contains(files.read(directory .. "/good.html"), "<!DOCTYPE html>", "writes a page")
T.eq(run("weave", good, "-o", directory .. "/good.md", "--run", target), 0, "weave to Markdown")
contains(files.read(directory .. "/good.md"), "| verdict |", "with the numbers of a run")
code, out, err = run("weave", good, "-o", directory .. "/good.pdf")
contains(err, "ends in .html or .md", "weave to something else")
T.eq(run("new", "fresh", "-o", directory .. "/fresh.lua"), 0, "new")
code, out = run("run", directory .. "/fresh.lua", "-o", target, "--scale", "small")
T.eq(code, 0, "the skeleton runs")
contains(out, "3 passed, 0 failed", "and passes")
code, out, err = run("new", "fresh", "-o", directory .. "/fresh.lua")
contains(err, "exists already", "new does not overwrite")
code, out, err = run("new", "a/b")
contains(err, "a name is made of", "new with a wrong name")

-- ---- verify, diff ---------------------------------------------------------------------------------------------------
run_good()
code, out = run("verify", target)
T.eq(code, 0, "verify")
contains(out, "7 things verified, fingerprint", "says what it looked at")
code, out = run("verify", target .. "/", "--rerun")
T.eq(code, 0, "verify --rerun")
contains(out, "the same to the last bit", "the second run has the same bits")
code, out = run("diff", target, target .. "/rerun")
T.eq(code, 0, "diff of equal runs")
run("run", good, "-o", directory .. "/other", "--set", "steps=5")
code, out = run("diff", target, directory .. "/other")
T.eq(code, 1, "diff of different runs")
contains(out, "setting steps", "shows the setting")
contains(out, "not pinned 15.0", "and what was measured")
local function altered(name, edit, part, what)
  local before = files.read(target .. "/" .. name)
  files.write(target .. "/" .. name, edit(before))
  local c, answer = run("verify", target)
  T.eq(c, 1, what)
  contains(answer, part, what .. ": message")
  files.write(target .. "/" .. name, before)
end
local function with(old, new)
  return function(text)
    local changed_text, n = text:gsub(old, new)
    assert(n > 0, old)
    return changed_text
  end
end
altered("result.json", with('"scale": "small"', '"scale": "medium"'), 'result.json.scale: "medium" is none of smoke, small, paper',
  "a scale that is none")
altered("result.json", with('"seed": 1', '"sead": 1'), "result.json: sead is not described", "a field that is not described")
altered("result.json", with('"seed": 1,', '"seed": "1",'), 'result.json.seed: "1" is not of type integer', "a field of a wrong type")
altered("ro-crate-metadata.json", with('"name": "report.md"', '"name": "gone.md"'), "there is no file gone.md", "a crate that lists too much")
altered("ro-crate-metadata.json", function() return "{" end, "it is no crate", "a crate that is none")
rp.io.remove(target .. "/report.md")
code, out = run("verify", target)
contains(out, "report.md: missing", "a file that is gone")
run_good()
files.write(target .. "/log.jsonl", "{}\n")
code, out = run("verify", target)
T.eq({ code, out }, { 1, "log.jsonl: its SHA-256 is not the one in result.json\n" }, "a file that was changed")
files.write(target .. "/result.json", files.read(target .. "/result.json"):gsub('"measured": 3', '"measured": 4'))
code, out = run("verify", target)
contains(out, "do not have the fingerprint", "a number that was changed")
files.write(target .. "/result.json", "{")
code, out, err = run("verify", target)
T.eq(code, 2, "a result.json that is none")
contains(err, "result.json", "is named")
code, out, err = run("run", good, "-o", good .. "/inside")
T.eq(code, 3, "a run directory that cannot be made")

-- ---- requiring a paper ------------------------------------------------------------------------------------------------
script("library_paper", [==[
local rp = require "repro"
local P = rp.paper{ id = "inner", settings = { steps = {smoke = 1, small = 2} } }
local M = { steps = P.steps }
if not P.main then return M end
error("trained")
]==])
local outer = script("outer", [==[
local inner = require "library_paper"
local P = require("repro").paper{ id = "outer" }
P:exact("steps", inner.steps, 2)
P:exact("main", P.main, true)
]==])
T.eq(run("run", outer, "-o", target), 0, "a paper that another requires only gives its functions")

-- ---- the program itself: Ctrl-C, exit code, start-up ------------------------------------------------------------------
local endless = script("endless", [==[
local P = require("repro").paper{ id = "endless" }
P:exact("before", 1, 1)
io.stderr:write("started\n")
while true do end
]==])
if program:find "/repro$" then
  -- (--foreground: otherwise timeout signals its group as well, and a second Ctrl-C ends the program at once)
  local text = shell(("timeout --foreground --preserve-status -s INT 1 '%s' run '%s' -o '%s' 2>&1; echo code $?"):format(program, endless, target))
  contains(text, "endless.lua:4: interrupted", "Ctrl-C is reported with its line")
  contains(text, "code 5", "and its exit code")
  T.eq(rp.io.json_decode(files.read(target .. "/result.json")).status, "interrupted", "what was measured is kept")
  T.eq(shell(("'%s' run '%s' -o '%s' >/dev/null; echo $?"):format(program, failed, target)), "1", "the exit code of a failed check")
  T.eq(shell(("NO_COLOR=1 '%s' info | head -c 7"):format(program)), "version", "info")
else
  T.skip("this is not the program repro (" .. program .. ")", "Ctrl-C and exit codes of the program")
end

os.execute("rm -rf '" .. directory .. "'")
T.done()
