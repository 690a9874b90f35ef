--- Two sets of vectors: are they from one distribution?

local rp = require "repro"
local distance = require "repro.metrics.distance"
local features = require "repro.metrics.features"
local misuse = require "repro.misuse"
local options = require "repro.options"

local two_sample = {}

---------------------------------------------------------------------------------------- maximum mean discrepancy

local function kernel(o, d)
  if o.kernel == "rbf" then
    if type(o.gamma) ~= "number" then misuse "mmd: the rbf kernel needs {gamma = number}" end
    return function(a, b) return (distance.squared_distances(a, b) * -o.gamma):exp() end
  elseif o.kernel == "polynomial" then
    return function(a, b)
      local base = a:matmul(b:t()) * (o.gamma or 1 / d) + o.offset
      local y = base
      for _ = 2, o.degree do y = y * base end
      return y
    end
  end
  misuse('mmd: kernel must be "rbf" or "polynomial", got %s', tostring(o.kernel))
end

local function mmd_of(x, y, k, unbiased)
  local n, m = x:size(1), y:size(1)
  local xx, yy, xy = k(x, x), k(y, y), k(x, y):mean():item()
  if not unbiased then return xx:mean():item() + yy:mean():item() - 2 * xy end
  local function off_diagonal(kk, size) return (kk:sum() - kk:trace()):item() / (size * (size - 1)) end
  return off_diagonal(xx, n) + off_diagonal(yy, m) - 2 * xy
end

---Squared maximum mean discrepancy, E k(x, x') + E k(y, y') - 2 E k(x, y).
---    metrics.mmd(x, y, {kernel = "rbf", gamma = 0.5})             k = e^(-gamma |x - y|^2)
---    metrics.mmd(x, y, {kernel = "polynomial", degree = 3, offset = 1, gamma = 1 / d})     k = (gamma <x, y> + offset)^degree
---Holds three matrices (n, n), (m, m), (n, m); for large sets see kid.
---EQ: Gretton et al. 2012 (JMLR 13), eq. 3 (unbiased) and 5 (biased)
---@param x Tensor (n, d)
---@param y Tensor (m, d)
---@param given? table unbiased: default true, without the pairs i = j; may then be negative
---@return number
function two_sample.mmd(x, y, given)
  local o = options("mmd", given, { kernel = "rbf", gamma = false, degree = 3, offset = 1, unbiased = true })
  local a, b = features.samples("mmd", x, y, 2)
  return mmd_of(a, b, kernel(o, a:size(2)), o.unbiased)
end

---Kernel Inception distance: the unbiased MMD with the kernel (<x, y> / d + 1)^3, averaged over subsets drawn without
---replacement, or once over everything if subsets = 0.
---    metrics.kid(real, fake, {subsets = 100, size = 1000, seed = 1})
---EQ: Binkowski et al. 2018, arXiv:1801.01401, sec. 4
---@param real Tensor (n, d)
---@param fake Tensor (m, d)
---@param given? {subsets: integer, size: integer, seed: integer} size: at most the smaller set
---@return number mean
---@return number deviation standard deviation over subsets (divisor: their number)
function two_sample.kid(real, fake, given)
  local o = options("kid", given, { subsets = 100, size = 1000, seed = 1 })
  local x, y = features.samples("kid", real, fake, 2)
  local k = kernel({ kernel = "polynomial", degree = 3, offset = 1 }, x:size(2))
  if o.subsets == 0 then return mmd_of(x, y, k, true), 0 end
  local size, g, values = math.min(o.size, x:size(1), y:size(1)), rp.generator(o.seed, "kid"), {}
  for i = 1, o.subsets do
    local rows_x, rows_y = g:randperm(x:size(1)):slice(1, 1, size), g:randperm(y:size(1)):slice(1, 1, size)
    values[i] = mmd_of(x:index_select(1, rows_x), y:index_select(1, rows_y), k, true)
  end
  local t = rp.tensor(values, "float64")
  return t:mean():item(), t:std(nil, false, 0):item()
end

------------------------------------------------------------------------------------------------ nearest neighbour

---Leave-one-out accuracy of the 1-nearest-neighbour classifier that tells x from y: 1/2 if they have one distribution, 1
---if they are apart, below 1/2 if one repeats the other.  Of equally near neighbours the first counts, x before y.
---EQ: Lopez-Paz, Oquab 2017, arXiv:1610.06545, sec. 2; for generators Xu et al. 2018, arXiv:1806.07755
---@param x Tensor (n, d)
---@param y Tensor (m, d)
---@return number over both sets
---@return number of_x accuracy over x
---@return number of_y accuracy over y
function two_sample.one_nn_accuracy(x, y)
  local a, b = features.samples("one_nn_accuracy", x, y, 2)
  local n, m = a:size(1), b:size(1)
  local _, index = distance.nearest(rp.concat(1, a, b), nil, 1)
  local is_x = index:reshape(-1):le(n):to("float64")
  local of_x, of_y = is_x:slice(1, 1, n):mean():item(), 1 - is_x:slice(1, n + 1, n + m):mean():item()
  return (of_x * n + of_y * m) / (n + m), of_x, of_y
end

------------------------------------------------------------------------------------------------------ Wasserstein

-- The quantile functions of n and m points are steps; between the merged breakpoints i/n and j/m both are constant.
-- Positions (from 1) in either sorted set and the length of each interval.
local function quantile_steps(n, m)
  local i, j, at, index_x, index_y, length = 1, 1, 0, {}, {}, {}
  while i <= n and j <= m do                                   -- in units of 1 / (n m)
    local end_x, end_y = i * m, j * n
    local stop = math.min(end_x, end_y)
    index_x[#index_x + 1], index_y[#index_y + 1], length[#length + 1] = i, j, (stop - at) / (n * m)
    at = stop
    if end_x == stop then i = i + 1 end
    if end_y == stop then j = j + 1 end
  end
  return rp.tensor(index_x, "int64"), rp.tensor(index_y, "int64"), rp.tensor(length, "float64")
end

-- W_p^p for each column of x (n, c) and y (m, c).
local function wasserstein_columns(x, y, p)
  local a, b = x:sort(1), y:sort(1)
  local gap
  if a:size(1) == b:size(1) then
    gap = (a - b):abs()
    return (p == 1 and gap or p == 2 and gap:square() or gap ^ p):mean(1)
  end
  local index_x, index_y, length = quantile_steps(a:size(1), b:size(1))
  gap = (a:index_select(1, index_x) - b:index_select(1, index_y)):abs()
  return ((p == 1 and gap or p == 2 and gap:square() or gap ^ p) * length:unsqueeze(2)):sum(1)
end

local function root(value, p)
  if p == 1 then return value end
  if p == 2 then return math.sqrt(value) end
  return value == 0 and 0 or rp.math.pow(value, 1 / p)
end

---W_p between two sets of numbers, exact: the L_p distance of their quantile functions.
---@param x Tensor (n)
---@param y Tensor (m)
---@param p? number default 1
---@return number
function two_sample.wasserstein(x, y, p)
  if x.ndim ~= 1 or y.ndim ~= 1 then misuse "wasserstein: two tensors (n) and (m) are needed" end
  p = p or 1
  local a, b = x:detach():to("float64"):unsqueeze(2), y:detach():to("float64"):unsqueeze(2)
  return root(wasserstein_columns(a, b, p):item(), p)
end

---Sliced Wasserstein distance, (mean over directions of W_p^p)^(1/p), with directions uniform on the sphere.
---EQ: Bonneel et al. 2015 (J. Math. Imaging Vis. 51), sec. 2.3
---@param x Tensor (n, d)
---@param y Tensor (m, d)
---@param given? {directions: integer, p: number, seed: integer} default 256, 2, 1
---@return number
function two_sample.sliced_wasserstein(x, y, given)
  local o = options("sliced_wasserstein", given, { directions = 256, p = 2, seed = 1 })
  local a, b = features.samples("sliced_wasserstein", x, y, 1)
  local g = rp.generator(o.seed, "sliced_wasserstein")
  local directions = g:randn(a:size(2), o.directions, "float64"):unit(1)
  return root(wasserstein_columns(a:matmul(directions), b:matmul(directions), o.p):mean():item(), o.p)
end

return two_sample
