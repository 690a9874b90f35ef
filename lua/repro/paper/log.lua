--- log.jsonl of a run, which also holds its directory: no other run writes there meanwhile.
local rp = require "repro"
local failure = require "repro.failure"

local log = {}

local lock                                                -- the file, open a second time

local function open(directory, mode)
  local file, message = io.open(directory .. "/log.jsonl", mode)
  if not file then failure.raise("environment", "%s", message) end
  return file
end

--- Takes the directory for this run; what lies in it stays as it is.
---@param directory string
function log.take(directory)
  log.release()
  lock = open(directory, "ab")
  if not rp.system.lock(lock) then
    log.release()
    failure.raise("environment", "another run is writing to %s; wait for its end, or give this one another directory with -o",
      directory)
  end
end

--- Leaves it to others.
function log.release()
  if lock then lock:close() end
  lock = nil
end

--- Begins it anew.
---@param run table a field log holds the file from now on
function log.open(run) run.log = open(run.directory, "wb") end

--- One that lost lines would still have a hash: better to stop.
---@param run table
---@param text string
function log.write(run, text)
  local done, message = run.log:write(text)
  if done then done, message = run.log:flush() end
  if not done then failure.raise("environment", "%s/log.jsonl: cannot write: %s", run.directory, message) end
  if run.lines then run.lines[#run.lines + 1] = text end  -- of a loop whose state may be kept
end

return log
