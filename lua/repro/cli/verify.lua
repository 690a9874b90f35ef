--- repro verify: whether a run directory is whole, and whether running again gives the same bits.
local compare = require "repro.compare"
local diff = require "repro.cli.diff"
local failure = require "repro.failure"
local files = require "repro.files"
local options = require "repro.cli.options"
local rp = require "repro"
local rundir = require "repro.rundir"
local workers = require "repro.sweep.workers"

local verify = {
  name = "verify",
  usage = "RUNDIR [--rerun]",
  summary = "Checks that the files of a run are those its result.json describes; --rerun runs it again and compares.",
  details = "The second run goes to RUNDIR/rerun.  Exit status: 0 all is the same, 1 something differs.",
  options = {
    { name = "rerun", help = "run the script again, with the same scale, seed and settings" },
    { name = "data", value = "DIR", help = "where real data lies; otherwise REPRO_DATA" },
  },
}

local function setting_text(value)
  if type(value) ~= "table" then return tostring(value) end
  local items = {}
  for i, item in ipairs(value) do items[i] = tostring(item) end
  return table.concat(items, ",")
end

local function check_script(result)
  if not (result.script and files.exists(result.script)) then
    failure.raise("usage", "verify: the script %s is not here; run this where the run was made", tostring(result.script))
  end
  if rp.io.sha256(result.script) ~= result.hashes.script then
    failure.raise("usage", "verify: %s has changed since the run", result.script)
  end
end

-- In a process of its own: the script must not see the run that its results are compared with, while this one does.
local function run_apart(result, words)
  local log = result.directory .. "/rerun.log"
  local task = { words = table.move(words, 1, #words, 2, { rp.core.process.self() }), output = log }
  local failed = workers.run({ task }, { jobs = 1, progress = function() end })[1]
  if failed and failed.code ~= 1 then failure.raise("usage", "verify: the second run: %s", failed.message) end -- 1: a check fails
  io.stderr:write(files.read(log) or "")
  os.remove(log)
end

-- Where other runs follow in this process.
local function run_here(words)
  local run = require "repro.cli.run"
  local parsed, rest = options.parse(run, table.move(words, 2, #words, 1, {}))
  parsed.shared = true
  run.run(parsed, rest, words)
end

-- The same run, into another directory; gives its result.
local function run_again(result, given)
  check_script(result)
  if result.math then
    failure.raise("usage", "verify: --rerun: the run was computed with --math %s, whose bits nobody promises; run it with "
      .. "--math exact", result.math)
  end
  local target = result.directory .. "/rerun"
  local words = { "run", result.script, "--scale", result.scale, "--seed", tostring(result.seed), "-o", target, "-q" }
  for _, row in ipairs(result.settings) do
    if row.changed then table.move({ "--set", row.name .. "=" .. setting_text(row.value) }, 1, 2, #words + 1, words) end
  end
  if result.only then table.move({ "--only", result.only }, 1, 2, #words + 1, words) end
  if result.hashes.trace then words[#words + 1] = "--trace" end
  if given.data then table.move({ "--data", given.data }, 1, 2, #words + 1, words) end
  if given.shared or not rp.core.process.self() then run_here(words) else run_apart(result, words) end
  return assert(rundir.read(target))
end

--- Runs the command.
---@return integer code
function verify.run(given, rest)
  options.expect(verify, rest, 1, 1)
  local result, message = rundir.read((rest[1]:gsub("(.)/$", "%1")))
  if not result then failure.raise("usage", "verify: %s", message) end
  local problems, n = compare.files(result)
  for _, problem in ipairs(problems) do io.stdout:write(problem, "\n") end
  if #problems > 0 then return 1 end
  io.stdout:write(("%s: %d things verified, fingerprint %s\n"):format(result.directory, n, result.hashes.measured:sub(1, 16)))
  if not given.rerun then return 0 end
  return diff.show(result, run_again(result, given), "the second run is the same to the last bit") and 1 or 0
end

return verify
