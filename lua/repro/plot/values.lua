--- Reads what a script hands to a plot: a tensor of any type or a (nested) Lua table, into flat Lua arrays.
local arguments = require "repro.plot.arguments"
local number = require "repro.plot.number"

local values = {}
local drawable = number.drawable

--- True for a tensor (userdata with a shape).
---@param x any
---@return boolean
function values.is_tensor(x)
  return type(x) == "userdata" and type(x.shape) == "table"
end

--- "(3x4)" for {3, 4}.
---@param shape integer[]
---@return string
function values.describe(shape)
  return "(" .. table.concat(shape, "x") .. ")"
end

local function shape_of_table(x)
  local shape = {}
  while type(x) == "table" do
    shape[#shape + 1] = #x
    x = x[1]
  end
  return shape
end

local function to_number(v, where)
  if v == true then return 1 end
  if v == false then return 0 end
  if type(v) ~= "number" then arguments.fail("%s: expected numbers, found %s", where, type(v)) end
  return v
end

local function flatten_table(x, shape, depth, out, where)
  if type(x) ~= "table" then
    arguments.fail("%s: rows of unequal depth; expected shape %s", where, values.describe(shape))
  end
  if #x ~= shape[depth] then
    arguments.fail("%s: rows of unequal length (%d and %d); give a rectangular table", where, shape[depth], #x)
  end
  for i = 1, #x do
    if depth < #shape then flatten_table(x[i], shape, depth + 1, out, where)
    else out[#out + 1] = to_number(x[i], where) end
  end
end

local function flatten_tensor(x, where)
  if x.ndim == 0 then return { to_number(x:item(), where) }, {} end
  local out = x:detach():reshape(-1):totable()
  if out[1] ~= nil and type(out[1]) ~= "number" then
    for i = 1, #out do out[i] = to_number(out[i], where) end
  end
  return out, x.shape
end

--- All elements in row-major order, and the shape.
---@param x Tensor|table
---@param where string what the values are, for messages
---@return number[], integer[]
function values.flat(x, where)
  if values.is_tensor(x) then return flatten_tensor(x, where) end
  if type(x) ~= "table" then arguments.fail("%s: expected a tensor or a table of numbers, got %s", where, type(x)) end
  local shape, out = shape_of_table(x), {}
  flatten_table(x, shape, 1, out, where)
  return out, shape
end

--- The elements of a one-dimensional tensor or table. Raises for another number of dimensions.
---@param x Tensor|table
---@param where string
---@return number[]
function values.vector(x, where)
  local out, shape = values.flat(x, where)
  if #shape ~= 1 then
    arguments.fail("%s: expected one dimension, got shape %s; select a row or flatten it with x:reshape(-1)", where,
      values.describe(shape))
  end
  return out
end

--- Rows of a two-dimensional tensor or table: {{...}, ...}, its row count and its column count.
---@param x Tensor|table
---@param where string
---@return number[][], integer, integer
function values.matrix(x, where)
  local flat, shape = values.flat(x, where)
  if #shape ~= 2 then
    arguments.fail("%s: expected a matrix (two dimensions), got shape %s", where, values.describe(shape))
  end
  if #flat == 0 then
    arguments.fail("%s: no values in shape %s; pass at least one row and column", where, values.describe(shape))
  end
  local rows, n = {}, shape[2]
  for i = 1, shape[1] do rows[i] = table.move(flat, (i - 1) * n + 1, i * n, 1, {}) end
  return rows, shape[1], n
end

--- Number of dimensions without reading the elements.
---@param x any
---@return integer
function values.ndim(x)
  if values.is_tensor(x) then return #x.shape end
  return #shape_of_table(x)
end

--- Labels: strings and numbers of a table, or the elements of an integer tensor.
---@param x Tensor|table
---@param where string
---@return (string|number)[]
function values.labels(x, where)
  if values.is_tensor(x) then return values.vector(x, where) end
  if type(x) ~= "table" then arguments.fail("%s: expected a table of labels, got %s", where, type(x)) end
  local out = {}
  for i = 1, #x do
    if type(x[i]) ~= "string" and type(x[i]) ~= "number" then
      arguments.fail("%s: label %d is a %s; use strings or numbers", where, i, type(x[i]))
    end
    out[i] = x[i]
  end
  return out
end

--- Least and greatest drawable element (positive ones only when `positive`); nil when there is none.
---@param x number[]
---@param positive boolean|nil
---@return number|nil, number|nil
function values.extent(x, positive)
  local lo, hi
  for i = 1, #x do
    local v = x[i]
    if drawable(v) and (not positive or v > 0) then
      if not lo or v < lo then lo = v end
      if not hi or v > hi then hi = v end
    end
  end
  return lo, hi
end

--- Mean and sample standard deviation over the rows of each column, drawable elements only (NaN where there is none;
--- deviation 0 where there is one).
---@param rows number[][] (S,T)
---@return number[] mean, number[] deviation, number[] least, number[] greatest
function values.column_statistics(rows)
  local mean, deviation, least, greatest = {}, {}, {}, {}
  for j = 1, #rows[1] do
    local n, sum, lo, hi = 0, 0.0, math.huge, -math.huge
    for i = 1, #rows do
      local v = rows[i][j]
      if drawable(v) then n, sum, lo, hi = n + 1, sum + v, math.min(lo, v), math.max(hi, v) end
    end
    local m, squares = n > 0 and sum / n or 0 / 0, 0.0
    for i = 1, #rows do
      local v = rows[i][j]
      if drawable(v) then squares = squares + (v - m) * (v - m) end
    end
    mean[j], deviation[j], least[j], greatest[j] = m, n > 1 and math.sqrt(squares / (n - 1)) or 0.0, lo, hi
  end
  return mean, deviation, least, greatest
end

return values
