--- Point clouds: distances between two clouds, and between sets of clouds.

local rp = require "repro"
local distance = require "repro.metrics.distance"
local features = require "repro.metrics.features"
local misuse = require "repro.misuse"
local options = require "repro.options"

local clouds = {}

---CD = mean_i min_j |x_i - y_j|^2 + mean_j min_i |x_i - y_j|^2.
---EQ: Fan, Su, Guibas 2017, arXiv:1612.00603, eq. 1, with means for sums
---@param x Tensor (n, 3)
---@param y Tensor (m, 3)
---@return number
function clouds.chamfer(x, y)
  local a, b = features.samples("chamfer", x, y, 1)
  local d = distance.squared_distances(a, b)
  return d:min(2):mean():item() + d:min(1):mean():item()
end

---EMD = min over one-to-one assignments of mean_i |x_i - y_s(i)|, exact.
---EQ: Fan, Su, Guibas 2017, arXiv:1612.00603, eq. 2, with the mean for the sum
---@param x Tensor (n, 3)
---@param y Tensor (n, 3)
---@return number
function clouds.earth_mover(x, y)
  local a, b = features.samples("earth_mover", x, y, 1)
  if a:size(1) ~= b:size(1) then misuse("earth_mover: clouds of %d and %d points", a:size(1), b:size(1)) end
  local _, cost = rp.linalg.assignment(distance.squared_distances(a, b):sqrt())
  return cost / a:size(1)
end

---Distances between two sets of clouds; within one set, if both are the same tensor, each pair once.
---@param a Tensor (N, n, 3)
---@param b Tensor (M, n, 3)
---@param kind? "chamfer"|"earth_mover" default "chamfer"
---@return Tensor (N, M) float64
function clouds.cloud_distances(a, b, kind)
  kind = kind or "chamfer"
  if kind ~= "chamfer" and kind ~= "earth_mover" then
    misuse('cloud_distances: kind must be "chamfer" or "earth_mover", got %s', tostring(kind))
  end
  if a.ndim ~= 3 or b.ndim ~= 3 then misuse "cloud_distances: sets of clouds have shape (N, n, 3)" end
  local rows, once = {}, rawequal(a, b)
  for i = 1, a:size(1) do
    rows[i] = {}
    for j = 1, b:size(1) do
      rows[i][j] = not once and clouds[kind](a[i], b[j]) or j < i and rows[j][i] or j == i and 0 or clouds[kind](a[i], b[j])
    end
  end
  return rp.tensor(rows, "float64")
end

-- Leave-one-out 1-NN accuracy from the three blocks of distances; generated clouds come first.
local function one_nn(gg, gr, rr)
  local n, m = gg:size(1), rr:size(1)
  local all = rp.concat(1, rp.concat(2, gg, gr), rp.concat(2, gr:t(), rr))
  all:diagonal():fill_(math.huge)
  local is_g = all:argmin(2):le(n):to("float64")
  return (is_g:slice(1, 1, n):sum():item() + m - is_g:slice(1, n + 1, n + m):sum():item()) / (n + m)
end

---Scores of generated against reference clouds from their distances:
---  cov     share of reference clouds that are the nearest of some generated one
---  mmd     mean over reference clouds of the distance to the nearest generated one
---  one_nn  leave-one-out 1-nearest-neighbour accuracy, 1/2 at best
---EQ: Achlioptas et al. 2018, arXiv:1707.02392, sec. 2; Yang et al. 2019, arXiv:1906.12320, eq. 17
---@param gr Tensor (N, M) generated to reference
---@param gg Tensor (N, N) generated to generated
---@param rr Tensor (M, M) reference to reference
---@return table {cov, mmd, one_nn}
function clouds.cloud_scores(gr, gg, rr)
  local n, m = gr:size(1), gr:size(2)
  if gg:size(1) ~= n or gg:size(2) ~= n or rr:size(1) ~= m or rr:size(2) ~= m then
    misuse("cloud_scores: (N, M), (N, N), (M, M) are needed, got %s, %s, %s", features.shape(gr), features.shape(gg),
           features.shape(rr))
  end
  gr, gg, rr = features.matrix("cloud_scores", gr), features.matrix("cloud_scores", gg), features.matrix("cloud_scores", rr)
  return { cov = gr:argmin(2):unique():size(1) / m, mmd = gr:min(1):mean():item(), one_nn = one_nn(gg, gr, rr) }
end

---@class CloudJudge
---@field test Tensor (M, n, 3)
local Judge = {}
Judge.__index = Judge

local function measured(self, x, short)
  return short == "emd" and x:slice(2, 1, math.min(self.emd_points, x:size(2))) or x
end

---Scores of generated clouds by both distances.
---@param samples Tensor (N, n, 3)
---@return table {one_nn_cd, one_nn_emd, cov_cd, cov_emd, mmd_cd, mmd_emd}
function Judge:scores(samples)
  local out = {}
  for _, row in ipairs(self.kinds) do
    local short, kind = row[1], row[2]
    local a, b = measured(self, samples, short), measured(self, self.test, short)
    local s = clouds.cloud_scores(clouds.cloud_distances(a, b, kind), clouds.cloud_distances(a, a, kind), self.within[short])
    for name, value in pairs(s) do out[name .. "_" .. short] = value end
  end
  return out
end

---What generated clouds are compared with: test clouds, the distances between which are found once.
---    local judge = metrics.cloud_judge(test, {emd_points = 512});  judge:scores(samples).one_nn_cd
---@param test Tensor (M, n, 3)
---@param given? {emd_points: integer} the earth mover's distance is of the first so many points, default all; its cost grows
---  with their third power
---@return CloudJudge
function clouds.cloud_judge(test, given)
  local o = options("cloud_judge", given, { emd_points = math.huge })
  local self = setmetatable({ test = test, emd_points = o.emd_points, within = {},
                              kinds = { { "cd", "chamfer" }, { "emd", "earth_mover" } } }, Judge)
  for _, row in ipairs(self.kinds) do
    local x = measured(self, test, row[1])
    self.within[row[1]] = clouds.cloud_distances(x, x, row[2])
  end
  return self
end

---What cloud_scores gives for two sets of one distribution, by the distances within a large set: `draws` times two disjoint
---sets of n of its clouds are scored.  The standard deviation is the least difference that a single score can tell.
---    metrics.cloud_noise(distances, 40, {draws = 200, seed = 1})
---@param distances Tensor (M, M) of cloud_distances(a, a), M >= 2 n
---@param n integer
---@param given? {draws: integer, seed: integer}
---@return table {cov = {mean, sd}, mmd = {mean, sd}, one_nn = {mean, sd}} divisor of sd: draws
function clouds.cloud_noise(distances, n, given)
  local o = options("cloud_noise", given, { draws = 200, seed = 1 })
  local M = distances:size(1)
  if 2 * n > M then misuse("cloud_noise: two sets of %d clouds cannot be drawn from %d", n, M) end
  local g, lists = rp.generator(o.seed, "cloud_noise"), { cov = {}, mmd = {}, one_nn = {} }
  for i = 1, o.draws do
    local order = g:randperm(M)
    local one, two = order:slice(1, 1, n), order:slice(1, n + 1, 2 * n)
    local from_one, from_two = distances:index_select(1, one), distances:index_select(1, two)
    local s = clouds.cloud_scores(from_one:index_select(2, two), from_one:index_select(2, one), from_two:index_select(2, two))
    lists.cov[i], lists.mmd[i], lists.one_nn[i] = s.cov, s.mmd, s.one_nn
  end
  local result = {}
  for _, name in ipairs { "cov", "mmd", "one_nn" } do
    local t = rp.tensor(lists[name], "float64")
    result[name] = { mean = t:mean():item(), sd = t:std(nil, false, 0):item() }
  end
  return result
end

return clouds
