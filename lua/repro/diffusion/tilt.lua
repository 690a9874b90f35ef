--- A straight line as the density of times in [0, 1], which an adversary can tilt.
---
---     p_alpha(t) = 2 alpha t + (1 - alpha),   alpha in [-1, 1]
---     EQ: Abstreiter et al. 2021, arXiv:2105.14257, app. I
---
--- alpha = 0 is uniform; the slope is 2 alpha.  The mean of a loss l(t) under it is E_t l + alpha E_t (2t - 1) l, t uniform: linear
--- in alpha, so that what raises it is the sign of one number, the covariance of the loss with time.

local core = require "repro.core"
local misuse = require "repro.misuse"

local tilt = {}

---@param t Tensor (n) in [0, 1]
---@param alpha number|Tensor in [-1, 1]
---@return Tensor (n)
function tilt.tilted_density(t, alpha) return t * (alpha * 2) + (1 - alpha) end

---Times with the density p_alpha, by its quantile: alpha t^2 + (1 - alpha) t = u has the root
---    t = 2 u / (b + sqrt(b^2 + 4 alpha u)),   b = 1 - alpha
---@param n integer
---@param alpha number in [-1, 1]
---@param generator? Generator default the global one
---@return Tensor (n) float32
function tilt.tilted_times(n, alpha, generator)
  if type(alpha) ~= "number" or not (alpha >= -1 and alpha <= 1) then
    misuse("tilted_times: alpha = %s is outside [-1, 1], where it gives a density", tostring(alpha))
  end
  local u = generator and generator:rand(n) or core.rand(n)
  local b = 1 - alpha
  local root = (u * (4 * alpha) + b * b):maximum(0):sqrt()
  return u * 2 / (root + b):maximum(1e-12)
end

return tilt
