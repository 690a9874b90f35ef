--- Distances between all pairs of vectors, as one matrix product, and nearest neighbours.

local rp = require "repro"
local features = require "repro.metrics.features"
local misuse = require "repro.misuse"

local distance = {}

-- Distances held at a time: 4 million, 32 MB.
local CHUNK = 4194304

---The function that takes x (n, d) to the squared distances (n, m) from the rows of y, as the product
---[x, |x|^2, 1] [-2 y, 1, |y|^2]', with both relative to the mean of y, so that a common offset costs no digits.
---@param y Tensor (m, d) float64
---@return fun(x: Tensor): Tensor
function distance.towards(y)
  local centre = y:mean(1)
  local z = y - centre
  local right = rp.concat(2, z * -2, rp.ones(y:size(1), 1, "float64"), z:square():sum(2, true)):t()
  return function(x)
    x = x - centre
    local left = rp.concat(2, x, x:square():sum(2, true), rp.ones(x:size(1), 1, "float64"))
    return left:matmul(right):maximum(0)
  end
end

---Calls visit(d, first) with the squared distances d (rows, m) of some consecutive rows of x, which start at `first`.
---@param x Tensor (n, d) float64
---@param y Tensor (m, d) float64
---@param visit fun(d: Tensor, first: integer)
function distance.each_chunk(x, y, visit)
  local n, m = x:size(1), y:size(1)
  if n == 0 or m == 0 then return end
  local from, rows = distance.towards(y), math.max(1, CHUNK // m)
  for first = 1, n, rows do visit(from(x:slice(1, first, math.min(first + rows - 1, n))), first) end
end

---d_ij = |x_i - y_j|^2, by |x|^2 + |y|^2 - 2 <x, y>, not below 0.  The error is a few 2^-52 times the squared distances
---from the mean of y: equal vectors can be that far from 0.
---@param x Tensor (n, d)
---@param y? Tensor (m, d) default x; then the diagonal is exactly 0
---@return Tensor (n, m) float64
function distance.squared_distances(x, y)
  local a, b = features.pair("squared_distances", x, y == nil and x or y)
  local d = distance.towards(b)(a)
  if y == nil then d:diagonal():zero_() end
  return d
end

local function scaled(who, x, metric)
  if metric == nil or metric == "euclidean" then return x end
  if metric == "cosine" then return x:unit() end
  misuse('%s: metric must be "euclidean" or "cosine", got %s', who, tostring(metric))
end

---The k nearest vectors of y for each x, nearest first; among equally near ones the first.
---@param x Tensor (n, d)
---@param y? Tensor (m, d) default x without the vector itself
---@param k integer
---@param metric? "euclidean"|"cosine" default "euclidean"; with "cosine" vectors are scaled to length 1 first, so that
---  d = 2 - 2 cos
---@return Tensor d (n, k) float64, squared distances
---@return Tensor index (n, k) int64
function distance.nearest(x, y, k, metric)
  local a, b = features.pair("nearest", x, y == nil and x or y)
  a, b = scaled("nearest", a, metric), scaled("nearest", b, metric)
  local most = y == nil and b:size(1) - 1 or b:size(1)
  if math.type(k) ~= "integer" or k < 1 or k > most then
    misuse("nearest: k = %s neighbours of %d vectors", tostring(k), most)
  end
  local values, positions = {}, {}
  distance.each_chunk(a, b, function(d, first)
    if y == nil then d:diagonal(1, 2, first - 1):fill_(math.huge) end
    if k == 1 then
      values[#values + 1], positions[#positions + 1] = d:min(2, true), d:argmin(2, true)
    else
      values[#values + 1], positions[#positions + 1] = d:topk(k, 2, false)
    end
  end)
  return rp.concat(1, values), rp.concat(1, positions)
end

return distance
