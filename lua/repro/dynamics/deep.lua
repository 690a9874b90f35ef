--- L factors, aligned and equal: dc/d tau = kappa [lambda - (sigma^2 + lambda) c] c^{2 - 2/L} of the product c.
---
--- kappa = 2 eta L for L untied layers that start equal, 2 eta L^2 for tied ones (every layer the same tensor).
--- EQ: app. F.3, which drops the factor 2.

local exact = require("repro.core").math
local misuse = require "repro.misuse"
local special = require "repro.special"

local deep = {}

-- Int dc / ([A - B c] c^{2-2/L}) where c < A/B.
local function from_below(c, A, B, L)
  if L == 1 then return -exact.log(A - B * c) / B end
  if L == 2 then return exact.log(c / (A - B * c)) / A end
  if L == math.huge then return B / (A * A) * exact.log(c / (A - B * c)) - 1 / (A * c) end
  local beta = 2 / L - 1
  return exact.pow(c, beta) / (A * beta) * special.hyp2f1(1, beta, beta + 1, B * c / A)
end

-- The same where c > A/B: the series in A / (B c).
local function from_above(c, A, B, L)
  if L == 1 then return -exact.log(B * c - A) / B end
  if L == 2 then return exact.log(c / (B * c - A)) / A end
  if L == math.huge then return B / (A * A) * exact.log(c / (B * c - A)) - 1 / (A * c) end
  local gamma = 2 - 2 / L
  return exact.pow(c, -gamma) / (B * gamma) * special.hyp2f1(1, gamma, gamma + 1, A / (B * c))
end

---F with F(c(tau)) - F(c(0)) = kappa tau on either side of c* = lambda / (lambda + sigma^2).  For L > 2 and c < c*
---    F = L / ((2-L) lambda) c^{2/L-1} 2F1(1, 2/L-1; 2/L; (lambda + sigma^2) c / lambda);
---for L -> inf, F = (lambda + sigma^2)/lambda^2 ln[c / |lambda - (lambda + sigma^2) c|] - 1/(lambda c).
---@param c number > 0, not c*
---@param lambda number
---@param sigma number
---@param L integer 1, 2, 3, ... or math.huge
---@return number F on this side, up to a constant
function deep.deep_time(c, lambda, sigma, L)
  if L < 1 then misuse("dynamics.deep_time: L = %s; the number of layers is 1 or more", tostring(L)) end
  local B = lambda + sigma * sigma
  return (B * c < lambda and from_below or from_above)(c, lambda, B, L)
end

---c(tau), by bisection of the implicit solution on ln |c - c*|.
---@param lambda number
---@param sigma number
---@param c0 number > 0
---@param time number kappa tau
---@param L integer 1, 2, ... or math.huge
---@return number
function deep.deep_weight(lambda, sigma, c0, time, L)
  local best = lambda / (lambda + sigma * sigma)
  if c0 == best or time == 0 then return c0 + 0.0 end
  local start = deep.deep_time(c0, lambda, sigma, L)
  local low, high = 0.0, 36.0                              -- c = c* + (c0 - c*) e^{-u}; at 36 the gap is below rounding
  for _ = 1, 60 do
    local u = (low + high) / 2
    local c = best + (c0 - best) * exact.exp(-u)
    if c ~= best and deep.deep_time(c, lambda, sigma, L) - start < time then low = u else high = u end
  end
  return best + (c0 - best) * exact.exp(-(low + high) / 2)
end

return deep
