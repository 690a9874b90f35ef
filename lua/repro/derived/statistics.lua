--- Derived operations that summarise or compare: moments, norms, order statistics, similarities.
--- Reductions take (x, dims, keepdim, ...) in this order; dims is a number, a table, or nil for all.

local core = require "repro.core"
local misuse = require "repro.misuse"

local statistics = {}

---Number of elements reduced over dims.
local function count(x, dims)
  if dims == nil then return x:numel() end
  if type(dims) == "number" then return x:size(dims) end
  local n = 1
  for _, dim in ipairs(dims) do n = n * x:size(dim) end
  return n
end

---y = 1/(n - correction) sum_i (x_i - mean)^2.
---@param x Tensor
---@param dims? integer|integer[] default all
---@param keepdim? boolean default false
---@param correction? number default 1 (unbiased); 0 divides by n
---@return Tensor
function statistics.var(x, dims, keepdim, correction)
  local n = count(x, dims) - (correction or 1)
  if n <= 0 then misuse("var: %d elements are too few for correction %g", count(x, dims), correction or 1) end
  local centred = x - x:mean(dims, true)
  return centred:square():sum(dims, keepdim or false) / n
end

---y = sqrt(var(x)).  The gradient is infinite where the variance is 0.
---@param x Tensor
---@param dims? integer|integer[] default all
---@param keepdim? boolean default false
---@param correction? number default 1
---@return Tensor
function statistics.std(x, dims, keepdim, correction)
  return statistics.var(x, dims, keepdim, correction):sqrt()
end

---sqrt(s) with gradient 0 at s = 0, for sums of squares.
local function root(s) return core.where(s, core.where(s, s, 1):sqrt(), 0) end

---y = (sum_i |x_i|^p)^(1/p); p = math.huge gives max_i |x_i|.  The gradient at 0 is 0.
---@param x Tensor
---@param dims? integer|integer[] default all
---@param keepdim? boolean default false
---@param p? number default 2
---@return Tensor
function statistics.norm(x, dims, keepdim, p)
  p, keepdim = p or 2, keepdim or false
  if p == 2 then return root(x:square():sum(dims, keepdim)) end
  if p == 1 then return x:abs():sum(dims, keepdim) end
  if p == math.huge then return x:abs():max(dims, keepdim) end
  if p <= 0 then misuse("norm: p = %g is not positive", p) end
  local total = (x:abs() ^ p):sum(dims, keepdim)
  return core.where(total, core.where(total, total, 1) ^ (1 / p), 0)
end

---y = sum_k a_k b_k along one dimension.
---@param a Tensor
---@param b Tensor broadcast with a
---@param dim? integer default -1
---@param keepdim? boolean default false
---@return Tensor
function statistics.dot(a, b, dim, keepdim) return (a * b):sum(dim or -1, keepdim or false) end

---1 / max(|x|, eps) along one dimension, which stays with size 1.
local function inverse_length(x, dim, eps)
  return x:square():sum(dim, true):maximum(eps * eps):rsqrt()
end

---y = x / max(|x|, eps): vectors scaled to unit length.
---@param x Tensor
---@param dim? integer default -1
---@param eps? number default 1e-12
---@return Tensor
function statistics.unit(x, dim, eps) return x * inverse_length(x, dim or -1, eps or 1e-12) end

---y = <a, b> / (max(|a|, eps) max(|b|, eps)) along one dimension.
---@param a Tensor
---@param b Tensor broadcast with a
---@param dim? integer default -1
---@param eps? number default 1e-8
---@return Tensor
function statistics.cosine_similarity(a, b, dim, eps)
  dim, eps = dim or -1, eps or 1e-8
  local cosine = statistics.dot(a, b, dim, true) * inverse_length(a, dim, eps) * inverse_length(b, dim, eps)
  return cosine:squeeze(dim)
end

---y_ij = a_i b_j.
---@param a Tensor (n)
---@param b Tensor (m)
---@return Tensor (n, m)
function statistics.outer(a, b)
  if a.ndim ~= 1 or b.ndim ~= 1 then
    misuse("outer: two vectors are needed, got %d and %d dimensions", a.ndim, b.ndim)
  end
  return a:unsqueeze(2) * b
end

---y = sum_i x_ii.
---@param x Tensor (n, m)
---@return Tensor scalar
function statistics.trace(x)
  if x.ndim ~= 2 then misuse("trace: a matrix is needed, got %d dimensions", x.ndim) end
  return x:diagonal():sum()
end

---Whether any element differs from 0 (NaN does).
---@param x Tensor
---@param dims? integer|integer[] default all
---@param keepdim? boolean default false
---@return Tensor bool
function statistics.any(x, dims, keepdim) return x:ne(0):sum(dims, keepdim or false):ne(0) end

---Whether no element is 0.
---@param x Tensor
---@param dims? integer|integer[] default all
---@param keepdim? boolean default false
---@return Tensor bool
function statistics.all(x, dims, keepdim) return x:eq(0):sum(dims, keepdim or false):eq(0) end

---The positions (from 1) that sort x along dim; equal elements keep their order.
---@param x Tensor
---@param dim? integer default -1
---@param descending? boolean default false
---@return Tensor int64
function statistics.argsort(x, dim, descending)
  local _, order = x:sort(dim or -1, descending or false)
  return order
end

---The q-quantile with linear interpolation between order statistics: position 1 + q (n - 1) of the sorted
---elements (Hyndman and Fan's type 7, the default of NumPy and R).  NaN counts as larger than every number.
---@param x Tensor
---@param q number in [0, 1]
---@param dim? integer default all elements
---@param keepdim? boolean default false
---@return Tensor
function statistics.quantile(x, q, dim, keepdim)
  if not (q >= 0 and q <= 1) then misuse("quantile: q = %g lies outside [0, 1]", q) end
  if dim == nil then x, dim, keepdim = x:reshape(-1), 1, false end
  local n = x:size(dim)
  if n == 0 then misuse "quantile: of no elements" end
  local sorted = x:sort(dim)
  local place = q * (n - 1)
  local below = math.floor(place)
  local lower = sorted:slice(dim, below + 1, below + 1)
  local upper = sorted:slice(dim, math.min(below + 2, n), math.min(below + 2, n))
  local y = place == below and lower or lower:lerp(upper, place - below)
  return keepdim and y or y:squeeze(dim)
end

---The middle value: the mean of the two middle ones if their number is even.
---@param x Tensor
---@param dim? integer default all elements
---@param keepdim? boolean default false
---@return Tensor
function statistics.median(x, dim, keepdim) return statistics.quantile(x, 0.5, dim, keepdim) end

return statistics
