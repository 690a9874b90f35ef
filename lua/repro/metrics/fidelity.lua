--- Distances between the distributions of real and generated features by their first two moments.

local rp = require "repro"
local features = require "repro.metrics.features"
local misuse = require "repro.misuse"

local fidelity = {}

---Mean and covariance (divisor n - 1) of features.
---@param x Tensor (n, d), n >= 2
---@return Tensor mean (d) float64
---@return Tensor covariance (d, d) float64
function fidelity.gaussian(x)
  x = features.matrix("gaussian", x)
  local n = x:size(1)
  if n < 2 then misuse("gaussian: %d vectors have no covariance", n) end
  local mean = x:mean(1)
  local centred = x - mean
  return mean, centred:t():matmul(centred) / (n - 1)
end

---d^2 = |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr (S1 S2)^(1/2): the squared Frechet (2-Wasserstein) distance between two
---Gaussians, 0 if rounding makes it negative.  Errors: shapes that do not fit, a covariance with a negative eigenvalue.
---EQ: Dowson, Landau 1982 (J. Multivariate Anal. 12), eq. 4
---@param mean1 Tensor (d)
---@param covariance1 Tensor (d, d)
---@param mean2 Tensor (d)
---@param covariance2 Tensor (d, d)
---@return number
function fidelity.frechet_between(mean1, covariance1, mean2, covariance2)
  local cross = rp.linalg.trace_sqrt_product(covariance1, covariance2)
  local shift = (mean1:to("float64") - mean2:to("float64")):square():sum():item()
  local spread = covariance1:to("float64"):trace():item() + covariance2:to("float64"):trace():item()
  return math.max(0, shift + (spread - 2 * cross))
end

---Frechet distance between the Gaussians fitted to two sets of features; with features of the Inception network this is
---FID.  The first set may be the statistics {mean, covariance} of `gaussian`, computed once.
---EQ: Heusel et al. 2017, arXiv:1706.08500, eq. 6
---@param real Tensor|table (n, d), or {mean, covariance}
---@param fake Tensor|table (m, d), or {mean, covariance}
---@return number
function fidelity.frechet_distance(real, fake)
  local function statistics(x)
    if type(x) == "table" and rp.is_tensor(x[2]) then return x[1], x[2] end
    return fidelity.gaussian(x)
  end
  local mean1, covariance1 = statistics(real)
  local mean2, covariance2 = statistics(fake)
  if mean1:size(1) ~= mean2:size(1) then
    misuse("frechet_distance: features of width %d and %d", mean1:size(1), mean2:size(1))
  end
  return fidelity.frechet_between(mean1, covariance1, mean2, covariance2)
end

---Inception score of class probabilities p_i = p(y | x_i):  exp( 1/n sum_i KL(p_i || mean p) ), from 1 to C.
---EQ: Salimans et al. 2016, arXiv:1606.03498, sec. 4
---@param probabilities Tensor (n, C), rows that add up to 1
---@return number
function fidelity.inception_score(probabilities)
  local p = features.matrix("inception_score", probabilities)
  local ratio = rp.where(p:gt(0), p / p:mean(1), 1)            -- 0 ln 0 = 0
  return rp.math.exp((p * ratio:log()):sum(2):mean():item())
end

return fidelity
