--- What a run leaves behind: provenance, the crate, JUnit, TAP; equal bytes from equal runs; other people's tools.
-- luacheck: ignore 122
local T = require "tap"
local command = require "command"
local rp = require "repro"
local files = require "repro.files"
local junit = require "repro.report.junit"
local tap = require "repro.report.tap"

local run = command.run

local here = debug.getinfo(1, "S").source:match "^@(.*)/lua/test_rundir%.lua$"
local directory = command.folder()

local script = directory .. "/odd.lua"
files.write(directory .. "/part.lua", "return { two = 2 }\n")
rp.io.write_npy(directory .. "/x.npy", rp.arange(1, 4))
files.write(script, [==[
local rp = require "repro"
local part = require "part"
local P = rp.paper{ id = "odd", title = "Odd <text> & \"quotes\"", authors = "A, B", arxiv = "1234.56789", year = 2026,
                    settings = { n = 3, path = "", sizes = {{1, 2}} } }
local x = rp.io.read_npy(P.path)
P:exact("a<b", part.two, 2, {where = "Eq. 1", text = "a < b & \"c\" # d"})
P:claim("miss", "It holds", {value = 1, op = ">=", bound = 2}, {where = "Table 2"})
P:pinned("sum", x:sum())
P:quoted("theirs", 0.5, {ours = 0.25})
P:not_run("large", "too large")
P:exact("bad", 1, 2)
for i = 1, P.n do P:log{step = i, loss = 1 / i} end
local figure = rp.plot.figure{title = "T"}
figure:axes{xlabel = "x", ylabel = "y"}:line({1, 2, 3}, {1, 4, 9})
P:figure("Figure 1: odd & name", figure, "A caption with $x$.")
P:table("Table 1", {"a"}, {{1}})
]==])
local target = directory .. "/run"
local function run_odd(...)
  return run("run", script, "--set", "path=" .. directory .. "/x.npy", "-o", target, "--junit", directory .. "/j.xml",
    "--tap", directory .. "/out.tap", ...)
end

-- ---- two runs give the same bytes, with the clock, the memory and the date held still -------------------------------
local function contents(path, list, below)
  for _, name in ipairs(files.list(path)) do
    local text = files.read(path .. "/" .. name)
    if text then list[#list + 1] = below .. name .. "\n" .. text else contents(path .. "/" .. name, list, below .. name .. "/") end
  end
  return list
end
local clock, memory, getenv = rp.clock, rp.memory, os.getenv
rp.clock = function() return 0 end
rp.memory = function() return { live = 0, peak = 0 } end
os.getenv = function(name) if name == "SOURCE_DATE_EPOCH" then return "1700000000" end return getenv(name) end
T.eq(run_odd(), 1, "a run whose check fails")
local first = contents(target, {}, "")
T.eq(#first, 7, "it leaves its files")
T.eq(run_odd(), 1, "a second run")
T.eq(contents(target, {}, ""), first, "two runs give the same bytes: only time and memory could differ")
rp.clock, rp.memory, os.getenv = clock, memory, getenv
local p = rp.io.json_decode(files.read(target .. "/provenance.json"))
T.eq(p.date, "2023-11-14T22:13:20Z", "SOURCE_DATE_EPOCH dates the run")

-- ---- provenance ------------------------------------------------------------------------------------------------------
for _, key in ipairs { "version", "commit", "build", "library_sha256", "isa", "threads", "device", "math", "machine",
                       "environment", "command", "script", "script_sha256", "modules", "data_files", "scale", "seed", "settings" } do
  T.ok(p[key] ~= nil, "provenance has " .. key)
end
for _, key in ipairs { "compiler", "flags", "configure" } do T.ok(p.build[key], "provenance has build." .. key) end
T.eq(p.modules, { { name = directory:match "[^/]+$" .. "/part.lua", path = directory .. "/part.lua", sha256 = rp.io.sha256(directory .. "/part.lua") } }, "the modules it required")
T.eq(p.data_files, { { name = directory:match "[^/]+$" .. "/x.npy", path = directory .. "/x.npy", sha256 = rp.io.sha256(directory .. "/x.npy") } }, "the data it read")
T.eq(p.script_sha256, rp.io.sha256(script), "the script")

-- ---- the crate ---------------------------------------------------------------------------------------------------------
local crate = rp.io.json_decode(files.read(target .. "/ro-crate-metadata.json"))
local by_id = {}
for _, entity in ipairs(crate["@graph"]) do by_id[entity["@id"]] = entity end
T.eq(by_id["ro-crate-metadata.json"].about["@id"], "./", "the crate describes itself")
T.eq(by_id["#run"]["@type"], "CreateAction", "the run is an action")
local missing = {}
for _, part in ipairs(by_id["./"].hasPart) do
  if not (by_id[part["@id"]] and files.exists(target .. "/" .. part["@id"])) then missing[#missing + 1] = part["@id"] end
end
T.eq(missing, {}, "its parts are there")
T.eq(#by_id["#run"].object, 7, "it took a module, data, scale, seed, three settings")

-- ---- JUnit and TAP --------------------------------------------------------------------------------------------------
local xml = files.read(directory .. "/j.xml")
for _, part in ipairs { 'tests="6" failures="1" errors="0" skipped="4"', 'name="a&lt;b"', '<failure message="fail, measured 1',
                        '<skipped message="not reproduced, measured 1, expected ≥ 2">Table 2: It holds</skipped>' } do
  T.ok(xml:find(part, 1, true), "JUnit has " .. part, xml)
end
local text = files.read(directory .. "/out.tap")
for _, part in ipairs { "TAP version 14\n1..6\nok 1 - a<b (Eq. 1)\n", 'text: "a < b & \\"c\\" # d"',
                        "\nnot ok 2 - miss (Table 2) # TODO not reproduced\n", "\nok 4 - theirs # SKIP quoted\n", "\nnot ok 6 - bad\n" } do
  T.ok(text:find(part, 1, true), "TAP has [" .. part:gsub("\n", "/"):gsub("#", "%%") .. "]", text)
end
local broken = { id = "x", scale = "small", seed = 1, status = "error", error = "boom # \1", checks = {}, hashes = { measured = "" },
                 cost = { seconds = 1 } }
T.ok(tap.encode(broken):find("Bail out! boom \\# ", 1, true), "a script that breaks bails out")
T.ok(junit.encode(broken):find('<error message="boom # ?"/>', 1, true), "and is an error of JUnit")

-- ---- by other tools ------------------------------------------------------------------------------------------------
local function python(arguments) return command.output("python3 " .. arguments .. " 2>&1") end
if python "-c 'print(1)'" ~= "1\n" then
  T.skip("there is no python3", "other tools read the run directory")
else
  T.eq(python(("-c \"import sys, xml.dom.minidom as m; print(len(m.parse('%s/j.xml').getElementsByTagName('testcase')))\""):format(directory)),
    "6\n", "an XML reader reads the JUnit file")
  local seen = 0
  for line in python(("'%s/check_rundir.py' '%s'"):format(here, target)):gmatch "[^\n]+" do
    local ok, name, reason = line:match "^(o?n?o?t? ?ok) %d+ %- ([^#]*)#? ?S?K?I?P?%s*(.*)$"
    if ok then seen = seen + 1 end
    if ok and reason ~= "" then T.skip(reason, name) elseif ok then T.ok(ok == "ok", name) end
    if line:find "^#" then T.note(line) end
  end
  T.eq(seen, 4, "the checks by other tools were made")
end

os.execute("rm -rf '" .. directory .. "'")
T.done()
