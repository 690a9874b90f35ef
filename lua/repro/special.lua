--- repro.special: special functions of Lua numbers, in our own double precision (relative error below 1e-14, that of
--- hyp2f1 where it says so).

local core = require("repro.core").special
local misuse = require "repro.misuse"
local pow = require("repro.core").math.pow

local special = {}

---Ei(x) = PV int_(-inf)^x e^t / t dt; -inf at 0.
---@param x number
---@return number
special.ei = core.ei

---E1(x) = int_x^inf e^(-t) / t dt = -Ei(-x); inf at 0, NaN for x < 0.
---@param x number
---@return number
special.e1 = core.e1

---erf(x) = 2/sqrt(pi) int_0^x e^(-t^2) dt.
---@param x number
---@return number
special.erf = core.erf

---erfc(x) = 2/sqrt(pi) int_x^inf e^(-t^2) dt.
---@param x number
---@return number
special.erfc = core.erfc

---The inverse of erf; infinities at -1 and 1, NaN outside.
---@param y number
---@return number
special.erfinv = core.erfinv

---ln |Gamma(x)|; inf at 0, -1, -2, ...
---@param x number
---@return number
special.lgamma = core.lgamma

---psi(x) = d/dx ln Gamma(x); NaN at -1, -2, ...
---@param x number
---@return number
special.digamma = core.digamma

-- sum_n (a)_n (b)_n / ((c)_n n!) z^n and its derivative, |z| <= 1/2, until a term no longer changes either sum.
local function gauss_series(a, b, c, z)
  local term, sum, slope, still = 1.0, 1.0, 0.0, 0
  for n = 0, 100000 do
    local ratio = (a + n) * (b + n) / ((c + n) * (n + 1))
    local of_slope = term * ratio * (n + 1)                -- n + 1 times the next coefficient, times z^n
    term = term * ratio * z
    local next_sum, next_slope = sum + term, slope + of_slope
    still = next_sum == sum and next_slope == slope and still + 1 or 0
    if still == 3 then break end
    sum, slope = next_sum, next_slope
  end
  return sum, slope
end

-- Taylor series of a solution of z (1-z) f'' + (c - (a+b+1) z) f' - a b f = 0 around z, summed at z + h.
local function taylor_step(a, b, c, z, h, f, slope)
  local u0, u1 = f, slope * h                              -- u_n h^n
  local sum, derivative, still = u0 + u1, u1, 0
  local scale = h / (z * (1 - z))
  for n = 0, 100000 do
    local u2 = ((n + a) * (n + b) * u0 * h - (n + 1) * ((1 - 2 * z) * n + c - (a + b + 1) * z) * u1) * scale
               / ((n + 1) * (n + 2))
    local next_sum, next_derivative = sum + u2, derivative + (n + 2) * u2
    still = next_sum == sum and next_derivative == derivative and still + 1 or 0
    if still == 3 then break end
    sum, derivative, u0, u1 = next_sum, next_derivative, u1, u2
  end
  return sum, derivative / h
end

---Gauss's 2F1(a, b; c; z) = sum_n (a)_n (b)_n / ((c)_n n!) z^n for real arguments, z < 1.  Series to |z| = 1/2; from there
---to 1 by Taylor series of the hypergeometric equation, each of which halves the way to 1, so that no combination of
---a, b, c is degenerate; below -1/2 by 2F1(a, b; c; z) = (1-z)^-a 2F1(a, c-b; c; z/(z-1)) (A&S 15.3.4).  At z = 1 the
---limit, infinite if c <= a + b.  NaN for z > 1.  Relative error about 1e-14 for |a|, |b|, |c| up to 10, away from zeros.
---@param a number
---@param b number
---@param c number not 0, -1, -2, ...
---@param z number
---@return number
function special.hyp2f1(a, b, c, z)
  for i, x in ipairs { a, b, c, z } do
    if type(x) ~= "number" then misuse("hyp2f1: argument %d is a %s; a number is expected", i, type(x)) end
  end
  a, b, c, z = a + 0.0, b + 0.0, c + 0.0, z + 0.0
  if c <= 0 and c == math.floor(c) then misuse("hyp2f1: c = %g; the series has no value for c = 0, -1, -2, ...", c) end
  if z ~= z or z > 1 then return 0 / 0 end
  if z < -0.5 then return pow(1 - z, -a) * special.hyp2f1(a, c - b, c, z / (z - 1)) end
  if z <= 0.5 then return (gauss_series(a, b, c, z)) end
  if z == 1 then
    if c <= a + b then return math.huge end
    z = 1 - 0x1p-53
  end
  local at, f, slope = 0.5, gauss_series(a, b, c, 0.5)
  while at < z do
    local step = math.min(z - at, (1 - at) / 2)
    f, slope = taylor_step(a, b, c, at, step, f, slope)
    at = at + step
  end
  return f
end

return special
