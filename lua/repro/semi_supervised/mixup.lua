--- Convex combinations of examples.

local rp = require "repro"
local misuse = require "repro.misuse"

local exact = rp.math

local mixup = {}

-- Gamma(a, 1) for a >= 1.  Source: Marsaglia, Tsang 2000, ACM TOMS 26, sec. 3
local function gamma(a, g)
  local d = a - 1 / 3
  local c = 1 / math.sqrt(9 * d)
  while true do
    local x, u = g:randn(1, "float64"):item(), g:rand(1, "float64"):item()
    local v = (1 + c * x) ^ 3
    if v > 0 and exact.log(math.max(u, 1e-300)) < 0.5 * x * x + d - d * v + d * exact.log(v) then return d * v end
  end
end

-- The logarithm of a Gamma(a, 1): for a < 1 it is that of a + 1 plus ln(u) / a.
local function log_gamma_draw(a, g)
  if a >= 1 then return exact.log(gamma(a, g)) end
  local x = exact.log(gamma(a + 1, g))
  return x + exact.log(math.max(g:rand(1, "float64"):item(), 1e-300)) / a
end

---One draw from Beta(a, b), as X / (X + Y) with X, Y of Gamma(a), Gamma(b).  How many numbers it takes from g depends on them.
---@param a number above 0
---@param b number above 0
---@param g Generator
---@return number in [0, 1]
function mixup.beta(a, b, g)
  if not (a > 0 and b > 0) then misuse("beta: a = %s and b = %s must be above 0", tostring(a), tostring(b)) end
  local x, y = log_gamma_draw(a, g), log_gamma_draw(b, g)
  return 1 / (1 + exact.exp(y - x))
end

---mixup: a batch combined with itself in another order p,
---    x~_i = l x_i + (1 - l) x_p(i),   q~_i = l q_i + (1 - l) q_p(i),   l of Beta(alpha, alpha), one for the batch.
---EQ: Zhang et al. 2018, arXiv:1710.09412, eq. 1
---@param x Tensor (B, ...)
---@param q Tensor (B, C) targets: probabilities, or probabilities times a weight
---@param alpha number above 0; 1 makes l uniform
---@param g Generator
---@return Tensor x~ (B, ...)
---@return Tensor q~ (B, C)
---@return number l
---@return Tensor p (B) int64
function mixup.mixup(x, q, alpha, g)
  if x:size(1) ~= q:size(1) then misuse("mixup: %d examples and %d targets", x:size(1), q:size(1)) end
  local l, p = mixup.beta(alpha, alpha, g), g:randperm(x:size(1))
  return x * l + x:index_select(1, p) * (1 - l), q * l + q:index_select(1, p) * (1 - l), l, p
end

return mixup
