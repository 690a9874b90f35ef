--- Derived operations that arrange, pick or repeat elements.

local core = require "repro.core"
local misuse = require "repro.misuse"

local arrange = {}

---The dimension counted from 1; negative ones count from the end.
local function position(dim, ndim) return dim < 0 and dim + ndim + 1 or dim end

---The matrix transposed: the last two dimensions exchanged.
---@param x Tensor (..., n, m)
---@return Tensor (..., m, n), a view
function arrange.t(x)
  if x.ndim < 2 then misuse("t: a tensor with %d dimensions has no rows and columns; use unsqueeze first", x.ndim) end
  return x:transpose(-2, -1)
end

---Dimensions first..last merged into one.
---@param x Tensor
---@param first? integer default 1
---@param last? integer default -1
---@return Tensor
function arrange.flatten(x, first, last)
  local shape, merged = x.shape, {}
  first, last = position(first or 1, #shape), position(last or -1, #shape)
  for i = 1, first - 1 do merged[i] = shape[i] end
  merged[first] = 1
  for i = first, last do merged[first] = merged[first] * shape[i] end
  for i = last + 1, #shape do merged[#merged + 1] = shape[i] end
  return x:reshape(merged)
end

---Tensors of one shape side by side in a new dimension.
---@param dim integer position of the new dimension
---@param ... Tensor or one table of tensors
---@return Tensor
function arrange.stack(dim, ...)
  local tensors = { ... }
  if type(tensors[1]) == "table" then tensors = tensors[1] end
  if math.type(dim) ~= "integer" then
    misuse("stack: argument 1 is %s; the new dimension comes first: rp.stack(2, a, b)", type(dim))
  end
  if #tensors == 0 then misuse "stack: no tensors were given" end
  local raised = {}
  for i, x in ipairs(tensors) do raised[i] = x:unsqueeze(dim) end
  return core.concat(dim, table.unpack(raised))
end

---Consecutive pieces along one dimension.
---@param x Tensor
---@param sizes integer|integer[] one length for all (the last piece may be shorter), or a list of lengths
---@param dim? integer default 1
---@return Tensor ... the pieces, views, as separate results
function arrange.split(x, sizes, dim)
  dim = dim or 1
  local total, pieces, first = x:size(dim), {}, 1
  local function take(n)
    pieces[#pieces + 1] = x:slice(dim, first, first + n - 1)
    first = first + n
  end
  if type(sizes) == "number" then
    if sizes < 1 then misuse("split: pieces of length %d are impossible", sizes) end
    while first <= total do take(math.min(sizes, total - first + 1)) end
    return table.unpack(pieces)
  end
  local sum = 0
  for _, n in ipairs(sizes) do sum = sum + n end
  if sum ~= total then misuse("split: the lengths add up to %d but dimension %d has size %d", sum, dim, total) end
  for _, n in ipairs(sizes) do take(n) end
  return table.unpack(pieces)
end

---The tensor cut into n pieces along one dimension: of equal length, or with a shorter last one.
---@param x Tensor
---@param n integer
---@param dim? integer default 1
---@return Tensor ... the pieces, views, as separate results
function arrange.chunk(x, n, dim)
  dim = dim or 1
  if n < 1 then misuse("chunk: cannot cut into %d pieces", n) end
  return arrange.split(x, math.max(1, (x:size(dim) + n - 1) // n), dim)
end

---column - row for every element of an (n, m) matrix, int32.
local function offsets(n, m)
  return core.arange(1, m, 1, "int32") - core.arange(1, n, 1, "int32"):unsqueeze(2)
end

---The lower triangle: x_ij where j - i <= k, else 0.
---@param x Tensor (..., n, m)
---@param k? integer which diagonal is the last one kept, default 0
---@return Tensor
function arrange.tril(x, k) return core.where(offsets(x:size(-2), x:size(-1)):le(k or 0), x, 0) end

---The upper triangle: x_ij where j - i >= k, else 0.
---@param x Tensor (..., n, m)
---@param k? integer which diagonal is the first one kept, default 0
---@return Tensor
function arrange.triu(x, k) return core.where(offsets(x:size(-2), x:size(-1)):ge(k or 0), x, 0) end

local function roll_one(x, shift, dim)
  local n = x:size(dim)
  local s = n > 0 and shift % n or 0
  if s == 0 then return x end
  return core.concat(dim, x:slice(dim, n - s + 1, n), x:slice(dim, 1, n - s))
end

---Elements moved cyclically: y[i + shift] = x[i] along each dimension.
---@param x Tensor
---@param shifts integer|integer[]
---@param dims? integer|integer[] as many as shifts, default 1
---@return Tensor
function arrange.roll(x, shifts, dims)
  shifts = type(shifts) == "number" and { shifts } or shifts
  dims = type(dims) == "table" and dims or { dims or 1 }
  if #shifts ~= #dims then misuse("roll: %d shifts for %d dimensions", #shifts, #dims) end
  for i, shift in ipairs(shifts) do x = roll_one(x, shift, dims[i]) end
  return x
end

---Each slice along a dimension n times in a row: x_1 x_1 x_2 x_2 ...
---@param x Tensor
---@param n integer
---@param dim? integer default 1
---@return Tensor n times as long along dim
function arrange.repeat_interleave(x, n, dim)
  if math.type(n) ~= "integer" or n < 0 then misuse("repeat_interleave: n = %s times", tostring(n)) end
  dim = dim or 1
  if dim < 0 then dim = dim + x.ndim + 1 end
  local shape = x.shape
  table.insert(shape, dim + 1, n)
  local y = x:unsqueeze(dim + 1):expand(shape)
  shape[dim] = table.remove(shape, dim + 1) * shape[dim]
  return y:reshape(shape)
end

-- A compiled step reads no numbers; a selection refuses indices outside 1..n where they lie.
local function select_all(index, n)
  local places = core.arange(1, n, 1, "int64")
  local looks = index.dtype:find "^float" and { index:floor(), index:ceil() } or { index }
  for _, look in ipairs(looks) do places:index_select(1, look:to("int64"):reshape(-1)) end
end

---One row per index with 1 at that position and 0 elsewhere.
---@param index Tensor (...) of int32 or int64, each in 1..n
---@param n? integer number of classes, default the largest index
---@param dtype? string default "float32"
---@return Tensor (..., n)
function arrange.one_hot(index, n, dtype)
  local smallest, largest = 1, n or 1
  if n and core.is_noting() then
    select_all(index, n)
  elseif index:numel() > 0 then
    smallest, largest = index:min():item(), index:max():item()
  end
  n = n or largest
  if smallest < 1 or largest > n then
    misuse("one_hot: indices run from %d to %d, but must lie in 1..%d", smallest, largest, n)
  end
  return index:unsqueeze(-1):eq(core.arange(1, n, 1, index.dtype)):to(dtype or "float32")
end

---Rows of a table: y[..., :] = weight[index[...], :].
---@param index Tensor (...) of int32 or int64, from 1
---@param weight Tensor (n, d)
---@return Tensor (..., d)
function arrange.embedding(index, weight)
  if index.ndim == 1 then return weight:index_select(1, index) end
  local shape = index.shape
  shape[#shape + 1] = weight:size(2)
  return weight:index_select(1, index:reshape(-1)):reshape(shape)
end

---A square array without its diagonal: row i keeps its order.
---@param x Tensor (n, n, ...)
---@return Tensor (n, n - 1, ...)
function arrange.off_diagonal(x)
  local shape = x.shape
  local n = shape[1]
  if #shape < 2 or n ~= shape[2] then misuse("off_diagonal: (%s) is not square", table.concat(shape, "x")) end
  local function shaped(rows, columns)
    local s = { rows, columns }
    for i = 3, #shape do s[i] = shape[i] end
    return s
  end
  if n == 1 then return x:slice(2, 1, 0) end
  local flat = x:reshape(shaped(n * n, 1)):slice(1, 2)          -- starts after element (1, 1) ...
  return flat:reshape(shaped(n - 1, n + 1)):slice(2, 1, n)      -- ... so that every (n+1)-th is a diagonal one
             :reshape(shaped(n, n - 1))
end

---Elements replaced by a value where a mask holds.
---@param x Tensor
---@param mask Tensor broadcastable to x; non-zero means replace
---@param value number|Tensor
---@return Tensor
function arrange.masked_fill(x, mask, value) return core.where(mask, value, x) end

---Each element repeated `scale` times along every dimension after the second.
---@param x Tensor (B, C, ...)
---@param scale integer|integer[] per dimension, default 2
---@return Tensor (B, C, ... * scale)
function arrange.upsample_nearest(x, scale)
  scale = scale or 2
  local shape = x.shape
  local raised, expanded, result = { shape[1], shape[2] }, { shape[1], shape[2] }, { shape[1], shape[2] }
  for i = 3, #shape do
    local s = type(scale) == "table" and scale[i - 2] or scale
    raised[#raised + 1], raised[#raised + 2] = shape[i], 1
    expanded[#expanded + 1], expanded[#expanded + 2] = shape[i], s
    result[i] = shape[i] * s
  end
  return x:reshape(raised):expand(expanded):reshape(result)
end

return arrange
