--- Runs the cells of a sweep, each in a process of its own, several at once.
local rp = require "repro"
local failure = require "repro.failure"
local files = require "repro.files"

local workers = {}

--- How many processes and threads: their product is not above the cores, unless one process asks for more threads.
---@param jobs integer asked for
---@param threads integer|nil asked for
---@param n integer number of cells to run
---@return integer jobs
---@return integer threads of each
function workers.share(jobs, threads, n)
  local cores = rp.core.process.cores()
  if threads then return math.max(1, math.min(jobs, n, cores // threads)), threads end
  jobs = math.max(1, math.min(jobs, n, cores))
  return jobs, math.max(1, cores // jobs)
end

-- The last thing a process said, as far as it is an error.
local function last_words(path, code)
  local text = files.read(path) or ""
  local message
  for line in text:gmatch "[^\n]+" do message = line:match "^repro: (.*)" or message end
  if message then return message end
  if code > 128 then return ("ended by signal %d; its output is in %s"):format(code - 128, path) end
  return ("exit status %d; its output is in %s"):format(code, path)
end

local function stop_all(running)
  local pids = {}
  for pid in next, running do
    rp.core.process.stop(pid)
    pids[#pids + 1] = pid
  end
  local begun, is_told_again = rp.clock(), false
  while #pids > 0 and rp.clock() < begun + 10 do
    if not is_told_again and rp.clock() > begun + 5 then   -- the step in progress may be a long one
      is_told_again = true
      for _, pid in ipairs(pids) do rp.core.process.stop(pid) end
    end
    local ok, pid = pcall(rp.core.process.wait, pids, 0.2)
    for i = #pids, 1, -1 do
      if not ok or pids[i] == pid then table.remove(pids, i) end
    end
  end
end

local function pids_of(running)
  local pids = {}
  for pid in next, running do pids[#pids + 1] = pid end
  return pids
end

local function run_all(tasks, options, running)
  local failed, next_task, active, done = {}, 1, 0, 0
  local is_on = true
  while is_on and next_task <= #tasks or active > 0 do
    while is_on and next_task <= #tasks and active < options.jobs do
      local task = tasks[next_task]
      next_task, active = next_task + 1, active + 1
      files.make_directory(files.directory(task.output))
      running[rp.core.process.start(task.words, task.output)] = task
    end
    local pid, code = rp.core.process.wait(pids_of(running), 0.5)
    if pid then
      local task = running[pid]
      running[pid], active, done = nil, active - 1, done + 1
      is_on = is_on and (code == 0 or options.go_on == nil or options.go_on())
      if code ~= 0 then failed[#failed + 1] = { task = task, code = code, message = last_words(task.output, code) } end
    end
    options.progress(done, #tasks)
  end
  return failed
end

--- Runs tasks; a failed one does not stop the others.  An interruption stops those that run, and is raised again.
---@param tasks table array of {words, output = path of what it prints}
---@param options table {jobs, progress = function(done, total), go_on = function() -> whether to start more when one has failed}
---@return table failed array of {task, code, message}
function workers.run(tasks, options)
  local running = {}
  local ok, result = pcall(run_all, tasks, options, running)
  if not ok then
    stop_all(running)
    error(result, 0)
  end
  return result
end

local kinds = { [1] = "check", [2] = "usage", [3] = "environment", [4] = "data", [5] = "interrupted" }

--- Raises what failed.
---@param name string of the sweep
---@param failed table from workers.run
---@param total integer
function workers.refuse(name, failed, total)
  local lines = { ("sweep %s: %d of %d cells failed; the others are kept and are not run again"):format(name, #failed, total) }
  local kind = kinds[failed[1].code] or "usage"
  for _, one in ipairs(failed) do
    lines[#lines + 1] = ("  %s: %s"):format(one.task.cell.name, one.message)
    if kinds[one.code] ~= kind then kind = "usage" end
  end
  failure.raise(kind, "%s", table.concat(lines, "\n"))
end

return workers
