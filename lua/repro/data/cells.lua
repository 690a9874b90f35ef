--- Cells: counts of transcripts of cell types, as single-cell sequencing gives them.
---
--- Cell i of type y has  count_g ~ Poisson(depth_i e^(m_yg + phase_i u_g + batch_i v_g + s z) / sum_g of the same),  z ~ N(0, 1)
--- for each number: over-dispersed counts of an expression profile.  Types come in pairs that share half of their marker
--- genes; phase and batch and depth are nuisances.  The normalised expression is x_g = ln(1 + 10^4 count_g / sum count).

local rp = require "repro"
local misuse = require "repro.misuse"
local options = require "repro.options"

local cells = {}

---Numbers of the Poisson distribution with the given means, by inversion: the least k with u <= P(X <= k), u uniform.
---    data.poisson(mean, g)
---@param mean Tensor (...) at least 0, at most 500
---@param g Generator
---@return Tensor (...) float64 whole numbers
function cells.poisson(mean, g)
  mean = mean:to "float64"
  if mean:numel() > 0 and not (mean:min():item() >= 0 and mean:max():item() <= 500) then
    misuse "poisson: means must lie in 0..500"
  end
  local u = g:rand(mean.shape):to "float64"
  local mass = (-mean):exp()
  local below, count, k = mass, rp.zeros_like(mean), 0
  while true do
    local more = u:gt(below):logical_and(mass:gt(1e-300):logical_or(mean:gt(k)))      -- past the mode a mass of 0 stays so
    if not more:any():item() then return count end
    k = k + 1
    count = count + more:to "float64"
    mass = mass * mean / k
    below = below + mass
  end
end

-- What all cells of a seed share: log expression of the types (types, genes) and the loadings of phase and batch (genes).
local function draw_types(o)
  local g = rp.generator(o.seed, "cells.types")
  local base = g:randn(o.genes) * 1.2
  local order = g:randperm(o.genes):totable()
  local lift, markers, half = rp.zeros(o.types, o.genes), o.markers, o.markers // 2
  local strength = (g:randn(o.types, markers) * 0.25 + o.lift):totable()
  for k = 1, o.types do
    local pair = (k - 1) // 2
    for j = 1, markers do                                   -- the first half belongs to the pair
      local block, within = 3 * pair, j
      if j > half then block, within = 3 * pair + 1 + (k - 1) % 2, j - half end
      local at = block * half + within
      lift[{ k, order[at] }] = strength[k][j]
    end
  end
  return { mean = lift + base, phase = g:randn(o.genes) * o.phase, batch = g:randn(o.genes) * o.batch }
end

---n cells of `types` types in equal numbers, in random order.
---    data.cells{n = 1000, types = 6, genes = 120, seed = 1, name = "train", markers = 10, lift = 2, phase = 0.5, batch = 0.3,
---               depth = 400, noise = 0.3}
---markers: genes that a type expresses e^lift times as much, half of them shared by a pair of types; phase, batch: standard
---deviations of the loadings of a phase, uniform in [-1, 1], and of two batches; depth: median number of transcripts,
---log-normal of deviation 0.3; noise: s.
---@param given? table
---@return table {x (n, genes) float32 normalised, counts (n, genes) float32, y (n), phase (n), batch (n) int64 1 or 2, depth (n)}
function cells.cells(given)
  local o = options("cells", given, { n = 1000, types = 6, genes = 120, seed = 1, name = "train", markers = 10, lift = 2,
                                      phase = 0.5, batch = 0.3, depth = 400, noise = 0.3 })
  if math.type(o.n) ~= "integer" or o.n < 1 then misuse("cells: n = %s cells", tostring(o.n)) end
  local needed = 3 * ((o.types + 1) // 2) * (o.markers // 2)
  if o.markers % 2 ~= 0 or needed > o.genes then
    misuse("cells: %d types with %d markers, an even number, need %d genes; there are %d", o.types, o.markers, needed, o.genes)
  end
  local shared, g = draw_types(o), rp.generator(o.seed, "cells." .. o.name)
  local set = { y = (g:randperm(o.n) - 1) % o.types + 1, phase = g:rand(o.n) * 2 - 1, batch = g:randint(1, 2, { o.n }) }
  set.depth = (g:randn(o.n) * 0.3):exp() * o.depth
  local level = shared.mean:index_select(1, set.y) + set.phase:unsqueeze(2) * shared.phase
  level = level + (set.batch:to("float32") * 2 - 3):unsqueeze(2) * shared.batch + g:randn(o.n, o.genes) * o.noise
  set.counts = cells.poisson((level:softmax(2) * set.depth:unsqueeze(2)):clamp(0, 500), g):to "float32"
  set.x = (set.counts / set.counts:sum(2, true):maximum(1) * 1e4):log1p()
  return set
end

return cells
