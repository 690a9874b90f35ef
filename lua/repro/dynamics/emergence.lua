--- When a mode has emerged, and how far a distribution still is.

local exact = require("repro.core").math
local fit = require "repro.fit"
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

---The first passage of a curve that is known at some steps; between two of them log curve is linear in log step.
---@param steps number[] rising; a passage between step 0 and the next is a share of that step, 0.01 at least
---@param curve number[] positive
---@param level number
---@return number|nil step nil if it does not pass
function emergence.crossing(steps, curve, level)
  for k = 2, #steps do
    local before, after = curve[k - 1] - level, curve[k] - level
    if before * after <= 0 and before ~= after then
      local part = exact.log(level / curve[k - 1]) / exact.log(curve[k] / curve[k - 1])
      if steps[k - 1] == 0 then return math.max(part, 0.01) end
      return steps[k - 1] * exact.pow(steps[k] / steps[k - 1], part)
    end
  end
  return nil
end

---Power laws of the times at which modes emerge, of those that rise and of those that fall.  Modes that start within a factor 2 of
---their target are left out.
---@param modes table list of {lambda = target, first = variance at the start, passage = fun(level): number|nil}
---@param criterion "harmonic"|"geometric"
---@param least? integer modes that make a law, default 5
---@return table {rising = {lambdas, times, missing = modes that never pass, fit = fit.power_law of times on lambdas}, falling}
function emergence.laws(modes, criterion, least)
  local out = { rising = { {}, {}, missing = 0 }, falling = { {}, {}, missing = 0 } }
  for _, mode in ipairs(modes) do
    local l, first = mode.lambda, mode.first
    local branch = out[l > first and "rising" or "falling"]
    if math.max(l / first, first / l) > 2 then
      local at = mode.passage(emergence.mean_level(first, l, criterion))
      if at then branch[1][#branch[1] + 1], branch[2][#branch[2] + 1] = l, at else branch.missing = branch.missing + 1 end
    end
  end
  for _, branch in pairs(out) do
    if #branch[1] >= (least or 5) then branch.fit = fit.power_law(branch[1], branch[2]) end
  end
  return out
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
