--- What the metrics take: features as (n, d) float64 and labels as (n) int64, checked once.

local rp = require "repro"
local misuse = require "repro.misuse"

local features = {}

local function shape(x) return "(" .. table.concat(x.shape, "x") .. ")" end
features.shape = shape

-- Features as every metric takes them.
--   who string the function that asks, for messages
--   x any (n, ...)
--   returns Tensor (n, d) float64, contiguous, without a gradient
function features.matrix(who, x)
  if not rp.is_tensor(x) then misuse("%s: features must be a tensor (n, d), got a %s", who, type(x)) end
  if x.ndim < 1 then misuse("%s: features must have shape (n, d), got a scalar", who) end
  x = x:detach()
  if x.ndim ~= 2 then x = x:reshape(x:size(1), x:numel() // math.max(x:size(1), 1)) end
  return x:to("float64"):contiguous()
end

-- Two sets of features of one width.
--   returns Tensor (n, d)
--   returns Tensor (m, d)
function features.pair(who, x, y)
  local a, b = features.matrix(who, x), features.matrix(who, y)
  if a:size(2) ~= b:size(2) then misuse("%s: features %s and %s differ in width", who, shape(x), shape(y)) end
  return a, b
end

-- Two sets of at least `least` vectors each.
function features.samples(who, x, y, least)
  local a, b = features.pair(who, x, y)
  if a:size(1) < least or b:size(1) < least then
    misuse("%s: sets of %d and %d vectors are too small; at least %d are needed", who, a:size(1), b:size(1), least)
  end
  return a, b
end

local integer_types = { int32 = true, int64 = true, uint8 = true, bool = true }

-- Labels as every metric takes them.
--   who string
--   y any integer tensor (n) or array of integers
--   n? integer how many there must be
--   returns Tensor (n) int64
function features.labels(who, y, n)
  if type(y) == "table" then y = rp.tensor(y, "int64") end
  if not rp.is_tensor(y) or y.ndim ~= 1 or not integer_types[y.dtype] then
    misuse("%s: labels must be a tensor (n) of integers, got %s", who,
           rp.is_tensor(y) and y.dtype .. shape(y) or "a " .. type(y))
  end
  if n and y:size(1) ~= n then misuse("%s: %d labels for %d examples", who, y:size(1), n) end
  return y:to("int64"):contiguous()
end

-- Training and test sets of a classifier.  Classes are the distinct training labels in ascending order.
--   returns table {x, position (of each label among the classes), classes (C), n_classes, test_x, test_y}
function features.classification(who, x, y, test_x, test_y)
  local set = {}
  set.x, set.test_x = features.pair(who, x, test_x)
  set.classes, set.position = features.labels(who, y, set.x:size(1)):unique()
  set.n_classes = set.classes:size(1)
  if test_y ~= nil then set.test_y = features.labels(who, test_y, set.test_x:size(1)) end
  if set.n_classes < 2 then misuse("%s: the training labels have %d class; at least 2 are needed", who, set.n_classes) end
  return set
end

-- Share of equal elements of two label tensors (n).
--   returns number
function features.agreement(a, b) return a:eq(b):to("float64"):mean():item() end

-- The mean and the standard deviation (divisor n; 1 where it is 0) of each coordinate.
--   returns Tensor mean (d)
--   returns Tensor deviation (d)
function features.moments(x)
  local deviation = x:var(1, false, 0):sqrt()
  return x:mean(1), rp.where(deviation, deviation, 1)
end

return features
