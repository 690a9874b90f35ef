--- When a mode has emerged, and how far a distribution still is.

local exact = require("repro.core").math
local misuse = require "repro.misuse"

local emergence = {}

---The level whose first passage is the emergence of a mode: the harmonic mean 2 x y / (x + y) or the geometric mean sqrt(x y)
---of the variance at the start and the target.
---@param first number
---@param target number
---@param criterion "harmonic"|"geometric"
---@return number
function emergence.mean_level(first, target, criterion)
  if criterion == "harmonic" then return 2 * first * target / (first + target) end
  if criterion ~= "geometric" then
    misuse("dynamics.mean_level: the criterion is \"harmonic\" or \"geometric\", not '%s'", tostring(criterion))
  end
  return math.sqrt(first * target)
end

---The least a in [low, high] at which v(a) passes `level`: a scan with `per_decade` points, then bisection to the last bits.
---@param v fun(a: number): number continuous
---@param level number
---@param given? {low: number, high: number, per_decade: integer} default 1e-12, 1e12, 8
---@return number|nil a nil if v does not pass
function emergence.first_passage(v, level, given)
  local o = require "repro.options"("dynamics.first_passage", given, { low = 1e-12, high = 1e12, per_decade = 8 })
  local ratio = exact.pow(10, 1 / o.per_decade)
  local low, above = o.low, v(o.low) > level
  local high = low
  repeat
    low, high = high, math.min(high * ratio, o.high)
    if (v(high) > level) ~= above then
      for _ = 1, 100 do
        local middle = math.sqrt(low * high)
        if middle <= low or middle >= high then break end
        if (v(middle) > level) == above then low = middle else high = middle end
      end
      return high
    end
  until high >= o.high
  return nil
end

---A mode's part of KL(N(m1, v1) || N(m2, v2)): (v1/v2 - 1 - ln(v1/v2)) / 2 + (m1 - m2)^2 / (2 v2).    EQ: eq. 71
---@param v1 number
---@param v2 number
---@param gap? number m1 - m2, default 0
---@return number
function emergence.kl(v1, v2, gap)
  local ratio, shift = v1 / v2, gap or 0
  return (ratio - 1 - exact.log(ratio)) / 2 + shift * shift / (2 * v2)
end

return emergence
