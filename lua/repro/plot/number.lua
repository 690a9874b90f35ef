--- Decimal printing and powers of ten for figures.
-- Everything here is integer arithmetic or an operation that IEEE 754 rounds correctly, so a figure is the same bytes
-- on every machine and in every locale.
local number = {}

local loaded, core = pcall(require, "repro.core")
local exact = loaded and type(core) == "table" and core.math or math

--- Functions whose result may differ in the last bit between C libraries: the project's own when its core is loaded.
number.log, number.exp, number.sin, number.cos = exact.log, exact.exp, exact.sin, exact.cos

local floor, abs = math.floor, math.abs
local LARGEST = 1e300 -- beyond it a difference of two values may overflow

--- True for a number that can be drawn: not NaN, not infinite, not within a factor of overflow.
---@param x number
---@return boolean
function number.drawable(x)
  return x == x and x < LARGEST and x > -LARGEST
end

--- 10^k for an integer k, correctly rounded.
---@param k integer
---@return number
function number.pow10(k)
  return tonumber("1e" .. k)
end

--- Largest integer k with 10^k <= x, for x > 0. Bisection over correctly rounded powers: no logarithm.
---@param x number
---@return integer
function number.floor_log10(x)
  local lo, hi = -324, 309
  while hi - lo > 1 do
    local mid = (lo + hi) // 2
    if number.pow10(mid) <= x then lo = mid else hi = mid end
  end
  return lo
end

local function digits_of(scaled, digits)
  local text = string.format("%d", scaled)
  if digits == 0 then return text end
  text = string.rep("0", digits + 1 - #text) .. text
  return text:sub(1, -digits - 1) .. "." .. text:sub(-digits)
end

--- x with `digits` decimals, halves away from zero. Never "-0", never a comma.
---@param x number
---@param digits integer
---@return string
function number.fixed(x, digits)
  if x ~= x then return "nan" end
  if x == math.huge or x == -math.huge then return x > 0 and "inf" or "-inf" end
  local scaled = abs(x) * number.pow10(digits)
  if scaled >= 2 ^ 53 then return string.format("%.0f", x) end
  scaled = floor(scaled + 0.5)
  return (x < 0 and scaled > 0 and "-" or "") .. digits_of(scaled, digits)
end

--- As `fixed`, without trailing zeros.
---@param x number
---@param digits integer
---@return string
function number.short(x, digits)
  local text = number.fixed(x, digits)
  if not text:find(".", 1, true) then return text end
  return (text:gsub("0+$", ""):gsub("%.$", ""))
end

--- A coordinate of a drawing: two decimals are a fiftieth of a pixel on the densest telephone.
---@param x number
---@return string
function number.coordinate(x)
  return number.short(x, 2)
end

--- x with n significant digits, as a reader would write it: 0.0123, 1234, 1.2e-7.
---@param x number
---@param n integer
---@return string
function number.significant(x, n)
  if x == 0 or not number.drawable(x) then return number.fixed(x, 0) end
  local e = number.floor_log10(abs(x))
  if e < -4 or e >= 7 then
    return number.short(e > 0 and x / number.pow10(e) or x * number.pow10(-e), n - 1) .. "e" .. e
  end
  return number.short(x, math.max(0, n - 1 - e))
end

--- The text with a typographic minus sign, for labels.
---@param text string
---@return string
function number.minus(text)
  return (text:gsub("^%-", "−"))
end

return number
