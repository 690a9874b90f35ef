--- Learning-rate schedules: functions from the number of a step (1 is the first) to a factor of the learning rate.

local core = require "repro.core"
local misuse = require "repro.misuse"

local exact = core.math
local schedule = {}

---f(k) = 1.
---@return fun(k: integer): number
function schedule.constant() return function() return 1 end end

---f(k) = min(1, k / n).
---@param n integer
---@return fun(k: integer): number
function schedule.warmup(n)
  return function(k) return k < n and k / n or 1 end
end

local function progress(k, total) return math.min((k - 1) / total, 1) end

---f(k) = floor + (1 - floor) (1 + cos(pi (k - 1) / total)) / 2.
---Source: Loshchilov, Hutter 2017, arXiv:1608.03983, eq. 5.
---@param total integer steps until the factor is `floor`
---@param floor? number default 0
---@return fun(k: integer): number
function schedule.cosine(total, floor)
  floor = floor or 0
  return function(k) return floor + (1 - floor) * (1 + exact.cos(math.pi * progress(k, total))) / 2 end
end

---f(k) = 1 - (1 - floor) (k - 1) / total.
---@param total integer steps until the factor is `floor`
---@param floor? number default 0
---@return fun(k: integer): number
function schedule.linear(total, floor)
  return function(k) return 1 - (1 - (floor or 0)) * progress(k, total) end
end

---f(k) = gamma^floor((k - 1) / every).
---@param every integer
---@param gamma? number default 0.1
---@return fun(k: integer): number
function schedule.step(every, gamma)
  return function(k)
    local factor = 1
    for _ = 1, (k - 1) // every do factor = factor * (gamma or 0.1) end
    return factor
  end
end

---f(k) = g(k) h(k) ...
---@param ... fun(k: integer): number
---@return fun(k: integer): number
function schedule.product(...)
  local parts = { ... }
  return function(k)
    local factor = 1
    for _, part in ipairs(parts) do factor = factor * part(k) end
    return factor
  end
end

---One schedule after the other, each counting its own steps from 1: chain(100, warmup(100), cosine(900)) follows the
---first for 100 steps.  Arguments alternate: length, schedule, length, schedule, ..., last schedule.
---@param ... integer|fun(k: integer): number
---@return fun(k: integer): number
function schedule.chain(...)
  local parts = { ... }
  if #parts % 2 == 0 then misuse "chain: give length, schedule, length, schedule, ..., last schedule" end
  return function(k)
    local i = 1
    while i < #parts and k > parts[i] do
      k = k - parts[i]
      i = i + 2
    end
    return (parts[i + 1] or parts[i])(k)
  end
end

return schedule
