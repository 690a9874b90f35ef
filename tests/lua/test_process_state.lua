--- What belongs to the process and to no object: a unit that sets it and is skipped by a resumed run has set it all the same.
-- luacheck: ignore 122
local T = require "tap"
local command = require "command"
local rp = require "repro"
local files = require "repro.files"

local directory = command.folder()
local target = directory .. "/run"

-- Runs a script to its end, and again with the run broken behind the loop and resumed; gives what both measured as "shown".
local function both_ways(name, text)
  local path = directory .. "/" .. name .. ".lua"
  files.write(path, [==[
local rp = require "repro"
local P = rp.paper{ id = "state" }
local shown
]==] .. text .. [==[
for k in P:training(3, "last") do
  if rawget(rp, "stop_at") == k then error("stopped", 0) end
end
P:pinned("shown", tostring(shown()))
]==])
  local function measured(...)
    local code, _, err = command.run("run", path, "-o", target, "-q", ...)
    if code ~= 0 then return ("exit code %d: %s"):format(code, err) end
    return rp.io.json_decode(files.read(target .. "/result.json")).checks[1].measured, err
  end
  local straight = measured()
  rp.stop_at = 2
  local _, _, said = command.run("run", path, "-o", target, "-q", "--checkpoint-every", "1")
  rp.stop_at = nil
  return straight, measured "--resume", said
end

local function same(name, wanted, text)
  local straight, resumed, said = both_ways(name, text)
  T.eq({ straight, resumed }, { wanted, wanted }, name)
  T.ok(not said:find("not kept", 1, true), name .. ": nothing had to be left out", said)
end

local threads, isa = rp.threads(), rp.isa()
same("threads", "3", [[ P:once("set", function() rp.threads(3) end) function shown() return rp.threads() end ]])
rp.threads(threads)
same("threads set in a loop", "2", [[
for k in P:training(4, "loop") do rp.threads(k % 2 + 2) end
function shown() return rp.threads() end ]])
rp.threads(threads)
same("instruction set", "baseline", [[ P:once("set", function() rp.isa "baseline" end) function shown() return rp.isa() end ]])
rp.isa(isa)
same("what is put back is no change", tostring(threads), [[
P:once("set", function() local was = rp.threads(); rp.threads(was + 1); rp.threads(was) end)
function shown() return rp.threads() end ]])
same("from how many bytes on shells are made", "7", [[
P:once("set", function() rp.core.shells_from(7) end)
function shown() local was = rp.core.shells_from(16384); return was end ]])
same("a step as it is written", "true", [[
P:once("set", function() rp.core.in_step(true) end)
function shown() local was = rp.core.in_step(false); return was end ]])
same("a global", "5", [[ P:once("set", function() five = 5 end) function shown() return five end ]])
same("something kept in math", "1.5", [[ P:once("set", function() math.mine = 1.5 end) function shown() return math.mine end ]])
same("a function of string replaced by another", "abc", [[
P:once("set", function() string.upper = string.lower end)
function shown() return string.upper "ABC" end ]])
same("io.stderr in a variable", "4", [[
local out, n = io.stderr, 0
for k in P:training(4, "loop") do n = k end
function shown() return n, out end ]])

files.write(directory .. "/counter.lua", "local M = { n = 0 } function M.add() M.n = M.n + 1 end return M\n")
same("a module that was required before", "3", [[
require "counter"
for _ in P:training(3, "loop") do require("counter").add() end
function shown() return require("counter").n end ]])
local straight, resumed, said = both_ways("a module first required inside", [[
for _ in P:training(3, "loop") do require("counter").add() end
function shown() return require("counter").n end ]])
T.eq({ straight, resumed }, { "3", "3" }, "a module first required inside a unit: it runs again")
T.contains(said, "`require.counter.add` is of a module that is first required inside the loop; require it before", "and that is said")
straight, resumed, said = both_ways("in the package", [[
P:once("set", function() rp.mine = (rawget(rp, "mine") or 0) + 1 end)
function shown() local n = rp.mine; rp.mine = nil; return n > 0 end ]])
rp.mine = nil
T.eq({ straight, resumed }, { "true", "true" }, "something kept in a table of the package: the unit runs again")
T.contains(said, "`rp.mine` belongs to the package; keep it in a table of the script", "and that is said")

-- ---- the mode of a GPU's libraries and the device, on a GPU or its emulator ------------------------------------------
if rp.core.cuda() then
  same("device", "cuda:0 cpu", [[
P:once("set", function() rp.device "cuda" end)
function shown() local was = rp.device "cpu"; return was .. " " .. rp.device() end ]])
  if rp.device "cuda" and rp.core.cuda_math "fast" then
    rp.core.cuda_math "exact"
    rp.device "cpu"
    same("math mode", "tf32", [[
rp.device "cuda"
P:once("set", function() rp.core.cuda_math "tf32" end)
function shown() local was = rp.core.cuda_math(); rp.core.cuda_math "exact"; rp.device "cpu"; return was end ]])
  else
    T.skip("no cuBLAS", "math mode")
  end
  rp.device "cpu"
else
  T.skip("no GPU", "device and math mode")
end

-- ---- files that a skipped unit has read -------------------------------------------------------------------------------
rp.io.write_npy(directory .. "/x.npy", rp.arange(1, 4))
local reads = [[
local path = "]] .. directory .. [[/x.npy"
local sum = P:once("read", function() return rp.io.read_npy(path):sum():item() end)
function shown() return sum end ]]
local function inputs_now()
  local list = {}
  for _, row in ipairs(rp.io.json_decode(files.read(target .. "/provenance.json")).data_files) do
    list[#list + 1] = row.path:match "[^/]+$" .. " " .. row.sha256
  end
  return table.concat(list, "\n")
end
same("a file read", "10.0", reads)
local after = inputs_now()
T.contains(after, "x.npy", "a file that only a skipped unit has read is an input of the run")
command.run("run", directory .. "/a file read.lua", "-o", target, "-q")
T.eq(after, inputs_now(), "as in a run straight through")
rp.stop_at = 2
command.run("run", directory .. "/a file read.lua", "-o", target, "-q", "--checkpoint-every", "1")
rp.stop_at = nil
rp.io.write_npy(directory .. "/x.npy", rp.arange(2, 5))
local code, _, err = command.run("run", directory .. "/a file read.lua", "-o", target, "-q", "--resume")
T.eq(code, 4, "a file that has changed since: exit code")
T.contains(err, "x.npy has changed since", "and it is named")
rp.io.remove(directory .. "/x.npy")
T.contains(select(3, command.run("run", directory .. "/a file read.lua", "-o", target, "-q", "--resume")),
  "x.npy is not there any more", "one that is gone, too")

os.execute("rm -r '" .. directory .. "'")
T.done()
