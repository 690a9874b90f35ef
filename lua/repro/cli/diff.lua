--- repro diff: what differs between two runs.
local compare = require "repro.compare"
local failure = require "repro.failure"
local first_difference = require "repro.first_difference"
local options = require "repro.cli.options"
local rundir = require "repro.rundir"

local diff = {
  name = "diff",
  usage = "RUNDIR RUNDIR",
  summary = "Shows where two runs part: the first step and tensor, the results, and the machines that made them.",
  details = [[
The first step and tensor are found if both runs were made with `repro run --trace`, which notes a hash of the loss, of
each gradient and of each parameter at every step of every optimiser.  The distance in units of the last place (ulp)
needs the tensors themselves: diff says which step to keep, and `repro run --trace-keep STEP` keeps it.  A trace changes no
result; it costs time, with models as small as those of papers/dcr.lua as much again as the run.
Compared are settings, checks, measured values to the last bit, figures by their pixels or text, and the log; then, for
information, the environments: version, compiler, system, CPU, instruction set, threads, device, hashes of script,
library, modules and data.
Times and memory are not compared.  Exit status: 0 the same results, 1 different ones.]],
}

local function read(directory)
  local result, message = rundir.read((directory:gsub("(.)/$", "%1")))
  if not result then failure.raise("usage", "diff: %s", message) end
  return result
end

--- Prints rows of differences in columns.
---@param rows table from compare.results
function diff.print(rows)
  local width = { 0, 0 }
  for _, row in ipairs(rows) do
    for i = 1, 2 do width[i] = math.max(width[i], utf8.len(row[i]) or #row[i]) end
  end
  for _, row in ipairs(rows) do
    local function pad(i) return row[i] .. (" "):rep(width[i] - (utf8.len(row[i]) or #row[i])) end
    io.stdout:write(pad(1), "  ", pad(2), "  ", row[3], "\n")
  end
end

local function print_environments(a, b)
  local rows = compare.environments(a, b)
  if #rows == 0 then return end
  io.stdout:write "the environments differ:\n"
  diff.print(rows)
end

--- Prints what differs between two results.
---@param a table from rundir.read
---@param b table
---@param same string what to say if nothing does
---@return boolean whether anything but the environment does
function diff.show(a, b, same)
  local lines, steps = first_difference.find(a, b)
  local rows = compare.results(a, b)
  if lines then io.stdout:write(table.concat(lines, "\n"), "\n") end
  if not lines and #rows == 0 then io.stdout:write(same, steps and (", %d steps traced"):format(steps) or "", "\n") end
  diff.print(rows)
  if #rows > 0 and not steps then
    io.stdout:write "for the first step and tensor that differ, make both runs with --trace\n"
  end
  print_environments(a, b)
  return lines ~= nil or #rows > 0
end

--- Runs the command.
---@return integer code
function diff.run(_, rest)
  options.expect(diff, rest, 2, 2)
  local a, b = read(rest[1]), read(rest[2])
  local same = ("the same to the last bit: %d checks, fingerprint %s"):format(#a.checks, a.hashes.measured:sub(1, 16))
  return diff.show(a, b, same) and 1 or 0
end

return diff
