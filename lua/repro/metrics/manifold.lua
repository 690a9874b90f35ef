--- Generated against real samples by balls around each sample that reach to its k-th neighbour.

local rp = require "repro"
local distance = require "repro.metrics.distance"
local features = require "repro.metrics.features"

local manifold = {}

-- The squared radius around each x: to its k-th nearest other x.
local function radii(x, k)
  local d = distance.nearest(x, nil, k)
  return d:select(2, k)
end

-- inside[i] (n): whether x_i lies in any ball of y; count (n): in how many.
local function balls_around(x, y, radius)
  local counts = {}
  distance.each_chunk(x, y, function(d) counts[#counts + 1] = d:le(radius):to("float64"):sum(2) end)
  return rp.concat(1, counts)
end

local function share(mask) return mask:to("float64"):mean():item() end

---Improved precision and recall: the share of generated samples inside a ball of a real one, and the share of real
---samples inside a ball of a generated one.
---EQ: Kynkaanniemi et al. 2019, arXiv:1904.06991, eq. 1-3
---@param real Tensor (n, d)
---@param fake Tensor (m, d)
---@param k? integer default 3
---@return number precision
---@return number recall
function manifold.precision_recall(real, fake, k)
  k = k or 3
  local x, y = features.samples("precision_recall", real, fake, k + 1)
  return share(balls_around(y, x, radii(x, k)):gt(0)), share(balls_around(x, y, radii(y, k)):gt(0))
end

---Density, the mean number of real balls around a generated sample divided by k, and coverage, the share of real balls
---that hold a generated sample.
---EQ: Naeem et al. 2020, arXiv:2002.09797, eq. 3 and 4
---@param real Tensor (n, d)
---@param fake Tensor (m, d)
---@param k? integer default 5
---@return number density, at least 0, about 1 for equal distributions
---@return number coverage in [0, 1]
function manifold.density_coverage(real, fake, k)
  k = k or 5
  local x, y = features.samples("density_coverage", real, fake, k + 1)
  local radius = radii(x, k)
  local density = balls_around(y, x, radius):mean():item() / k
  local nearest = distance.nearest(x, y, 1):squeeze(2)
  return density, share(nearest:le(radius))
end

return manifold
