--- The shape of a cloud of features, and how far it follows another.

local rp = require "repro"
local features = require "repro.metrics.features"
local misuse = require "repro.misuse"
local options = require "repro.options"

local geometry = {}

---Effective rank of features: e^H(p), p_i = l_i / sum l, l_i the eigenvalues of their covariance; d if all are equal, 1 if one
---direction has all the variance.  EQ: Roy, Vetterli 2007 (EUSIPCO), eq. 4, of the covariance's spectrum
---@param x Tensor (n, d), n >= 2
---@return number from 1 to d
function geometry.effective_rank(x)
  x = features.matrix("effective_rank", x)
  if x:size(1) < 2 then misuse("effective_rank: %d vectors have no covariance", x:size(1)) end
  local centred = x - x:mean(1)
  local wide = x:size(2) > x:size(1)                         -- the same spectrum, but for zeros
  local l = rp.linalg.eigh(wide and centred:matmul(centred:t()) or centred:t():matmul(centred)):maximum(0)
  local total = l:sum():item()
  if total == 0 then misuse "effective_rank: all vectors are equal" end
  local p = l / total
  return rp.math.exp(-(p * rp.where(p:gt(0), p, 1):log()):sum():item())
end

---Intraclass correlation of n things measured k times: the share of the variance that is between things,
---    ICC(1,1) = (MSB - MSW) / (MSB + (k - 1) MSW),
---    MSB = k/(n - 1) sum_i |m_i - m|^2,   MSW = sum_ij |y_ij - m_i|^2 / (n (k - 1)),
---1 if a repetition changes nothing, about 0 if a thing is as far from itself as from others.
---EQ: Shrout, Fleiss 1979 (Psychol. Bull. 86), p. 423, with squared distances of vectors
---@param y Tensor (n, k) or (n, k, d), n and k >= 2
---@return number from -1/(k - 1) to 1
function geometry.icc(y)
  if not rp.is_tensor(y) or y.ndim < 2 or y.ndim > 3 then misuse "icc: measurements must be a tensor (n, k) or (n, k, d)" end
  y = y:detach():to "float64"
  if y.ndim == 2 then y = y:unsqueeze(3) end
  local n, k = y:size(1), y:size(2)
  if n < 2 or k < 2 then misuse("icc: %d things measured %d times; at least 2 are needed of both", n, k) end
  local mean = y:mean(2, true)
  local between = (mean - mean:mean(1, true)):square():sum():item() * k / (n - 1)
  local within = (y - mean):square():sum():item() / (n * (k - 1))
  local all = between + (k - 1) * within
  if all == 0 then misuse "icc: all measurements are equal" end
  return (between - within) / all
end

---How well features x tell features v linearly: R^2 on the test set of ridge regression,
---    min_W,b 1/n sum_i |v_i - W x_i - b|^2 + ridge |W|^2,     R^2 = 1 - sum |v - prediction|^2 / sum |v - mean v|^2,
---with x standardised by the training set.
---    metrics.linear_r2(train_x, train_v, test_x, test_v, {ridge = 1e-3})
---@param train_x Tensor (n, d)
---@param train_v Tensor (n, c)
---@param test_x Tensor (m, d)
---@param test_v Tensor (m, c)
---@param given? table
---@return number at most 1; below 0 where the mean would do better
function geometry.linear_r2(train_x, train_v, test_x, test_v, given)
  local o = options("linear_r2", given, { ridge = 1e-3 })
  local x, other = features.pair("linear_r2", train_x, test_x)
  local v, wanted = features.pair("linear_r2", train_v, test_v)
  if x:size(1) ~= v:size(1) or other:size(1) ~= wanted:size(1) then
    misuse("linear_r2: %d and %d values for %d and %d vectors", v:size(1), wanted:size(1), x:size(1), other:size(1))
  end
  local mean, deviation = features.moments(x)
  x, other = (x - mean) / deviation, (other - mean) / deviation
  local n, centre = x:size(1), v:mean(1)
  local W = rp.linalg.solve(x:t():matmul(x) / n + rp.eye(x:size(2), "float64") * o.ridge, x:t():matmul(v - centre) / n)
  local missed = (wanted - centre - other:matmul(W)):square():sum():item()
  local spread = (wanted - wanted:mean(1)):square():sum():item()
  if spread == 0 then misuse "linear_r2: all vectors of the test set are equal" end
  return 1 - missed / spread
end

-- Ranks from 1; equal values share the mean of theirs.
local function ranks(list)
  local order, rank = {}, {}
  for i = 1, #list do order[i] = i end
  table.sort(order, function(a, b) return list[a] < list[b] or (list[a] == list[b] and a < b) end)
  local i = 1
  while i <= #order do
    local j = i
    while j < #order and list[order[j + 1]] == list[order[i]] do j = j + 1 end
    for k = i, j do rank[order[k]] = (i + j) / 2 end
    i = j + 1
  end
  return rank
end

---Spearman's correlation: Pearson's of the ranks, where equal values share the mean of theirs.
---EQ: Spearman 1904 (Am. J. Psychol. 15)
---@param x number[] (n), n >= 2
---@param y number[] (n)
---@return number from -1 to 1; NaN if all of x or of y are equal
function geometry.spearman(x, y)
  if #x ~= #y or #x < 2 then misuse("spearman: lists of %d and %d numbers", #x, #y) end
  local a, b = ranks(x), ranks(y)
  local middle, xx, xy, yy = (#x + 1) / 2, 0.0, 0.0, 0.0
  for i = 1, #x do
    local u, v = a[i] - middle, b[i] - middle
    xx, xy, yy = xx + u * u, xy + u * v, yy + v * v
  end
  return xy / math.sqrt(xx * yy)
end

return geometry
