--- One step of the pair of orders 5 and 4 of Dormand and Prince.
--- EQ: Dormand, Prince 1980, J. Comp. Appl. Math. 6; Hairer, Norsett, Wanner I, table II.5.2

local pow = require("repro.core").math.pow

local C = { 0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1 }
local A = {
  {},
  { 1 / 5 },
  { 3 / 40, 9 / 40 },
  { 44 / 45, -56 / 15, 32 / 9 },
  { 19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729 },
  { 9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656 },
  { 35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84 },
}
-- Weights of order 5 minus those of order 4.
local E = { 71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40 }

local function combine(y, h, weights, k)
  local out = {}
  for i = 1, #y do
    local sum = 0.0
    for j = 1, #weights do sum = sum + weights[j] * k[j][i] end
    out[i] = y[i] + h * sum
  end
  return out
end

---@param problem table {f, size}
---@return fun(t: number, y: number[], h: number): boolean, number[]?, number accepted, y at t + h, the next step
return function(problem)
  local zero
  return function(t, y, h)
    if not zero then
      zero = {}
      for i = 1, #y do zero[i] = 0.0 end
    end
    local k, z = {}, y
    for j = 1, 7 do
      z = combine(y, h, A[j], k)
      k[j] = problem.f(t + C[j] * h, z)
    end
    local size = problem.size(combine(zero, h, E, k), y, z)
    local factor = math.min(5, math.max(0.2, 0.9 * pow(math.max(size, 1e-12), -0.2)))
    if size > 1 then return false, nil, h * math.min(factor, 1) end
    return true, z, h * factor
  end
end
