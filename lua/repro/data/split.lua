--- Parts of data sets, always in a pinned order.

local rp = require "repro"
local misuse = require "repro.misuse"

local split = {}

-- The key of a tensor with a first dimension: "x" if there is one, else the first in alphabetical order.
local function leading(set)
  local name
  for key, value in pairs(set) do
    if rp.is_tensor(value) and value.ndim > 0 then
      if key == "x" then return key end
      if name == nil or tostring(key) < tostring(name) then name = key end
    end
  end
  return name
end

---How many examples a set has: the first dimension of x, or of its first tensor in alphabetical order.
---@param set table
---@return integer
function split.count(set)
  local key = type(set) == "table" and leading(set)
  if not key then misuse "a split is a table with tensors, such as {x = ..., y = ...}" end
  return set[key]:size(1)
end

-- A copy of the set with f applied to the tensors that have one row for each example.
local function each(set, f)
  local n, result = split.count(set), {}
  for key, value in pairs(set) do
    local rows = rp.is_tensor(value) and value.ndim > 0 and value:size(1) == n
    if rows then result[key] = f(value) else result[key] = value end
  end
  return result
end

---The examples at some positions.
---@param set table split
---@param index Tensor (m) int, or {first, last}
---@return table split; from a range the tensors are views
function split.subset(set, index)
  if rp.is_tensor(index) then return each(set, function(t) return t:index_select(1, index) end) end
  return each(set, function(t) return t:slice(1, index[1], index[2]) end)
end

---Two or more parts of a set, of the given sizes, in the order of generator(1, name): the same parts on every machine and
---whatever the seed of the run.
---@param set table
---@param sizes integer[] their sum is at most the size of the set
---@param name string names the order
---@return table ... one for each size
function split.split(set, sizes, name)
  local n, total = split.count(set), 0
  for _, size in ipairs(sizes) do total = total + size end
  if total > n then misuse("split %s: the parts have %d examples, the set has %d", name, total, n) end
  local order, parts, first = rp.generator(1, name):randperm(n), {}, 1
  for i, size in ipairs(sizes) do
    parts[i] = split.subset(set, order:slice(1, first, first + size - 1))
    first = first + size
  end
  return table.unpack(parts)
end

---The first n examples of the pinned order of `split`; all of them, as they are, without n.
function split.first(set, n, name)
  if not n then return set end
  return (split.split(set, { n }, name))
end

---Scales the examples of a split, and of others in the same way, to mean 0 and standard deviation 1 in each coordinate.
---    local train, test = data.standardise(set.train, set.test)
---@param first table split whose x give the mean and standard deviation (divisor n; 1 where it is 0)
---@param ... table splits
---@return table ... splits with the new x, and the mean and deviation
function split.standardise(first, ...)
  local mean = first.x:to("float64"):mean(1, true)
  local deviation = first.x:to("float64"):var(1, true, 0):sqrt()
  deviation = rp.where(deviation, deviation, 1)
  local results = {}
  for i, set in ipairs { first, ... } do
    local copy = each(set, function(t) return t end)
    copy.x = ((set.x:to("float64") - mean) / deviation):to("float32")
    copy.mean, copy.deviation = mean, deviation
    results[i] = copy
  end
  return table.unpack(results)
end

return split
