--- Where the time of a computation goes, operation by operation.
local core = require "repro.core"

local Profile = {}
Profile.__index = Profile

--- The costliest operations as a table of text; gradients are marked with a prime.
function Profile:__tostring()
  local lines = { ("%-22s %8s %12s %7s %9s"):format("operation", "calls", "seconds", "share", "GFLOP/s") }
  for _, row in ipairs(self) do
    local rate = row.flop > 0 and (" %9.1f"):format(row.flop / row.seconds / 1e9) or ""
    lines[#lines + 1] = ("%-22s %8d %12.6f %6.1f%%%s"):format(row.name .. (row.gradient and "'" or ""), row.calls, row.seconds,
                                                              100 * row.seconds / self.seconds, rate)
  end
  local rest = self.seconds - self.counted
  lines[#lines + 1] = ("%-22s %8s %12.6f %6.1f%%"):format("(the rest)", "", rest, 100 * rest / self.seconds)
  return table.concat(lines, "\n")
end

--- Runs fn(...) and returns what each operation cost, the costliest first, then fn's results.
---
---     print(rp.profile(function() for i = 1, 100 do step() end end))
---
--- A row is {name, gradient (bool), calls, seconds, flop}, flop the multiplications and additions of matrix products and
--- convolutions; `seconds` of the whole is all the time fn took, `counted` that of the rows, `flop` their sum.
--- What is left is Lua, the tape, optimisers and everything else.  Only times: no result is changed.
---@param fn function
---@return table profile {row, ..., seconds, counted, flop}, prints as a table
local function profile(fn, ...)
  core.profile_start()
  local start = core.clock()
  local results = table.pack(pcall(fn, ...))
  local seconds = core.clock() - start
  local rows = core.profile_stop()
  if not results[1] then error(results[2], 0) end
  table.sort(rows, function(a, b)
    if a.seconds ~= b.seconds then return a.seconds > b.seconds end
    return a.name < b.name or a.name == b.name and not a.gradient and b.gradient
  end)
  rows.seconds, rows.counted, rows.flop = seconds, 0, 0
  for _, row in ipairs(rows) do rows.counted, rows.flop = rows.counted + row.seconds, rows.flop + row.flop end
  return setmetatable(rows, Profile), table.unpack(results, 2, results.n)
end

return profile
