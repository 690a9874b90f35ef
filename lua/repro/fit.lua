--- repro.fit: straight lines and power laws through points, and linear least squares, in double precision.
---
---     local law = rp.fit.power_law(variance, time)
---     print(law.exponent, law.r2, law.n, law.inverse.exponent)

local exact = require("repro.core").math
local core = require "repro.core"
local linalg = require "repro.linalg"
local misuse = require "repro.misuse"
local mean = require("repro.runs").mean

local fit = {}

-- Array of numbers from a tensor or an array, converted by f.
local function numbers(who, name, list, f)
  if type(list) == "userdata" then list = list:reshape(-1):totable() end
  if type(list) ~= "table" then misuse("%s: %s is a %s; a tensor or an array of numbers is expected", who, name, type(list)) end
  local out = {}
  for i, value in ipairs(list) do
    local y = type(value) == "number" and f(value) or nil
    if not y or y ~= y or y == math.huge or y == -math.huge then
      misuse("%s: %s[%d] is %s, which cannot be fitted", who, name, i, tostring(value))
    end
    out[i] = y
  end
  return out
end

-- Sums of squares and products about the means.
local function moments(x, y)
  local mx, my = mean(x), mean(y)
  local xx, xy, yy = 0.0, 0.0, 0.0
  for i = 1, #x do
    local dx, dy = x[i] - mx, y[i] - my
    xx, xy, yy = xx + dx * dx, xy + dx * dy, yy + dy * dy
  end
  return mx, my, xx, xy, yy
end

local function straight(who, x, y)
  if #x ~= #y then misuse("%s: %d values of x but %d of y", who, #x, #y) end
  if #x < 2 then misuse("%s: %d points; a line needs two at least", who, #x) end
  local mx, my, xx, xy, yy = moments(x, y)
  if xx == 0 then misuse("%s: all values of x are equal, so that the slope is undefined", who) end
  local slope, r2 = xy / xx, yy > 0 and xy * xy / (xx * yy) or 1.0
  local se = #x > 2 and math.sqrt(math.max(yy - slope * xy, 0) / (#x - 2) / xx) or 0 / 0
  return { slope = slope, intercept = my - slope * mx, r2 = r2, n = #x, se = se }
end

local function same(v) return v + 0.0 end

local function positive_log(v) return v > 0 and exact.log(v) or nil end

---y = slope x + intercept by least squares in y.
---@param x Tensor|number[] (n)
---@param y Tensor|number[] (n)
---@return table line {slope, intercept, r2 = squared correlation, n, se = standard error of the slope, NaN for n = 2}
function fit.line(x, y)
  return straight("fit.line", numbers("fit.line", "x", x, same), numbers("fit.line", "y", y, same))
end

---y = factor x^exponent by least squares on log y, and in `inverse` on log x: there the exponent is one over the slope of
---log x on log y, so that both estimate the same number and inverse.exponent = exponent / r2.  Where they differ much the
---points are no power law, or the law is badly determined.
---@param x Tensor|number[] (n) positive
---@param y Tensor|number[] (n) positive
---@return table law {exponent, factor, r2, n, se, inverse = {exponent, factor, se}}; se of the inverse exponent to first order
function fit.power_law(x, y)
  local log_x, log_y = numbers("fit.power_law", "x", x, positive_log), numbers("fit.power_law", "y", y, positive_log)
  local line = straight("fit.power_law", log_x, log_y)
  local law = { exponent = line.slope, factor = exact.exp(line.intercept), r2 = line.r2, n = line.n, se = line.se }
  if line.slope == 0 then return law end
  local back = straight("fit.power_law", log_y, log_x)
  law.inverse = { exponent = 1 / back.slope, factor = exact.exp(-back.intercept / back.slope),
                  se = back.se / (back.slope * back.slope) }
  return law
end

---Coefficients c that minimise |A c - b|^2.
---@param A Tensor (m, n), m >= n, of full column rank
---@param b Tensor (m)
---@return Tensor c (n) float64
---@return table quality {r2 = 1 - |A c - b|^2 / |b - mean b|^2, residual = |A c - b|, n = m}
function fit.least_squares(A, b)
  if not (core.is_tensor(A) and core.is_tensor(b)) then misuse "fit.least_squares takes tensors A (m, n) and b (m)" end
  local c = linalg.lstsq(A, b)
  local target = b:to "float64"
  local missed = (A:to("float64"):matmul(c:unsqueeze(2)):reshape(-1) - target):square():sum():item()
  local spread = (target - target:mean()):square():sum():item()
  return c, { r2 = 1 - missed / spread, residual = math.sqrt(missed), n = b:size(1) }
end

return fit
