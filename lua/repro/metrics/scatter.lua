--- How tight the classes are, and how far apart.

local features = require "repro.metrics.features"
local misuse = require "repro.misuse"

local scatter = {}

-- Class means (K, d), the class of each example as 0/1 (n, K), and class sizes (K).
local function class_means(x, labels)
  local classes, position = labels:unique()
  local member = position:one_hot(classes:size(1), "float64")
  local counts = member:sum(1)
  return member:t():matmul(x) / counts:unsqueeze(2), member, counts, position
end

---Scatter within and between classes, each class with the same weight:
---    S_inner = 1/|Y| sum_y 1/n_y sum_(z in y) |z - mu_y|^2
---    S_inter = 1/(|Y| (|Y| - 1)) sum_(y != y') |mu_y - mu_y'|^2
---EQ: Han et al. 2026, arXiv:2603.04803, eq. 4 and 5
---@param z Tensor (n, d)
---@param labels Tensor (n) int, at least two classes
---@return number s_inner
---@return number s_inter
function scatter.scatter(z, labels)
  z = features.matrix("scatter", z)
  local mean, member, counts, position = class_means(z, features.labels("scatter", labels, z:size(1)))
  local k = counts:size(1)
  if k < 2 then misuse("scatter: %d class; at least 2 are needed", k) end
  local squares = (z - mean:index_select(1, position)):square():sum(2, true)
  local s_inner = (member * squares):sum(1) / counts
  -- sum over y != y' of |mu_y - mu_y'|^2 = 2 K sum_y |mu_y - mu|^2, mu the mean of the means
  local between = (mean - mean:mean(1)):square():sum():item() * 2 * k
  return s_inner:mean():item(), between / (k * (k - 1))
end

return scatter
