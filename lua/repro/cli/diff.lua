--- repro diff: what differs between two runs.
local compare = require "repro.compare"
local failure = require "repro.failure"
local options = require "repro.cli.options"
local rundir = require "repro.rundir"

local diff = {
  name = "diff",
  usage = "RUNDIR RUNDIR",
  summary = "Shows what differs between two runs: settings, checks, measured values to the last bit, figures, log.",
  details = "Times and memory are not compared.  Exit status: 0 the same, 1 different.",
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

--- Runs the command.
---@return integer code
function diff.run(_, rest)
  options.expect(diff, rest, 2, 2)
  local a, b = read(rest[1]), read(rest[2])
  local rows = compare.results(a, b)
  if #rows == 0 then
    io.stdout:write(("the same to the last bit: %d checks, fingerprint %s\n"):format(#a.checks, a.hashes.measured:sub(1, 16)))
    return 0
  end
  diff.print(rows)
  return 1
end

return diff
