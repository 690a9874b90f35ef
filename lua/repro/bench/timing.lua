--- Times of a function: repeats long enough for the clock, of which the median and the least are kept.
local core = require "repro.core"
local clock = core.clock

local function run(fn, n)
  local start = clock()
  for _ = 1, n do fn() end
  core.synchronize() -- a GPU runs behind
  return (clock() - start) / n
end

--- Seconds per call.
---@param fn fun()
---@param budget? number seconds to spend in all, default 0.15
---@return {median: number, best: number, repeats: integer}
return function(fn, budget)
  budget = budget or 0.15
  fn() -- memory is taken, threads are awake
  core.synchronize()
  local n, once = 1, run(fn, 1)
  while once * n < budget / 20 do
    n = n * 2
    once = run(fn, n)
  end
  local times = {}
  local stop = clock() + budget
  repeat times[#times + 1] = run(fn, n) until clock() > stop and #times >= 3
  table.sort(times)
  return { median = times[(#times + 1) // 2], best = times[1], repeats = #times }
end
