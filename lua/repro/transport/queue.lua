--- Real samples kept by class, and weights of guidance.

local rp = require "repro"
local misuse = require "repro.misuse"
local options = require "repro.options"

local queue = {}

---The last `size` samples of every class, and the last `all` of any.
---    local q = transport.Queue{classes = 10, size = 128, all = 1000, shape = {3, 16, 16}}
---    q:push(x, y);   q:of_class(list, n, g);   q:any(count, g)
---@class Queue
---@field count integer[] samples held, by class
local Queue = {}
Queue.__index = Queue

---@param given {classes: integer, size: integer, all: integer, shape: integer[]}
---@return Queue
function queue.Queue(given)
  local o = options("Queue", given, { classes = false, size = 128, all = 1000, shape = false })
  if not (o.classes and o.shape) then misuse "Queue: {classes = ..., shape = {...}} are needed" end
  local self = setmetatable({ classes = o.classes, size = o.size, all = o.all, pushed = {}, pushed_any = 0 }, Queue)
  for c = 1, o.classes do self.pushed[c] = 0 end
  self.own = rp.zeros({ o.classes * o.size, table.unpack(o.shape) })
  self.mixed = rp.zeros({ o.all, table.unpack(o.shape) })
  return self
end

-- The rows of x into a ring of `size` rows from row `first` of the store, after `pushed` others: at most two copies.
local function put(store, first, size, pushed, x)
  local n = x:size(1)
  if n > size then
    x, pushed, n = x:slice(1, n - size + 1, n), pushed + n - size, size
  end
  local at = pushed % size
  local fit = math.min(n, size - at)
  store:slice(1, first + at, first + at + fit - 1):copy_(x:slice(1, 1, fit))
  if fit < n then store:slice(1, first, first + n - fit - 1):copy_(x:slice(1, fit + 1, n)) end
end

---Adds samples; the oldest make room.
---@param x Tensor (B, ...)
---@param y Tensor (B) int, classes from 1
function Queue:push(x, y)
  local order = y:argsort()
  local labels, count = y:totable(), {}
  for c = 1, self.classes do count[c] = 0 end
  for _, c in ipairs(labels) do
    if c < 1 or c > self.classes then misuse("Queue:push: class %d of %d", c, self.classes) end
    count[c] = count[c] + 1
  end
  rp.no_grad(function()
    local sorted, first = x:detach():index_select(1, order), 1
    for c, n in ipairs(count) do
      if n > 0 then
        put(self.own, (c - 1) * self.size + 1, self.size, self.pushed[c], sorted:slice(1, first, first + n - 1))
        self.pushed[c], first = self.pushed[c] + n, first + n
      end
    end
    put(self.mixed, 1, self.all, self.pushed_any, x:detach())
    self.pushed_any = self.pushed_any + #labels
  end)
end

-- For each of k rows, n of the numbers 1..held[row]: without repetition where there are enough, else with.
local function choose(held, n, g)
  local most, least = 0, math.huge
  for _, count in ipairs(held) do most, least = math.max(most, count), math.min(least, count) end
  local counts = rp.tensor(held):unsqueeze(2)
  if least < n then return ((g:rand(#held, n) * counts):floor():minimum(counts - 1) + 1):to "int64" end
  local taken = rp.arange(1, most):unsqueeze(1):gt(counts)
  return rp.where(taken, 2, g:rand(#held, most)):argsort(2):slice(2, 1, n)
end

---n samples of each class in a list; without repetition if all of these classes have n.
---@param list integer[] classes
---@param n integer
---@param g Generator
---@return Tensor (#list n, ...) ordered by class
function Queue:of_class(list, n, g)
  local held, first = {}, {}
  for k, c in ipairs(list) do
    held[k], first[k] = math.min(self.pushed[c] or 0, self.size), (c - 1) * self.size
    if held[k] == 0 then misuse("Queue:of_class: nothing of class %d has been pushed", c) end
  end
  local rows = choose(held, n, g) + rp.tensor(first, "int64"):unsqueeze(2)
  return self.own:index_select(1, rows:reshape(-1))
end

---k times n samples of any class.
---@param k integer
---@param n integer
---@param g Generator
---@return Tensor (k n, ...)
function Queue:any(k, n, g)
  local held, counts = math.min(self.pushed_any, self.all), {}
  if held == 0 then misuse "Queue:any: nothing has been pushed" end
  for i = 1, k do counts[i] = held end
  return self.mixed:index_select(1, choose(counts, n, g):reshape(-1))
end

---Weights of guidance from p(alpha) ~ alpha^-power on [low, high], by the inverse of its distribution function:
---    alpha = (low^(1-k) + u (high^(1-k) - low^(1-k)))^(1/(1-k)),     k = power > 1, u uniform.
---    transport.guidance(n, g, {low = 1, high = 4, power = 5})
---@param n integer
---@param g Generator
---@param given? table low = high = 1 is no guidance
---@return Tensor (n)
function queue.guidance(n, g, given)
  local o = options("guidance", given, { low = 1, high = 4, power = 5 })
  if not (o.power > 1 and o.low > 0 and o.high >= o.low) then
    misuse("guidance: power %g above 1 and 0 < low <= high are needed, got %g and %g", o.power, o.low, o.high)
  end
  local k = 1 - o.power
  local a, b = rp.math.pow(o.low, k), rp.math.pow(o.high, k)
  return ((g:rand(n) * (b - a) + a):pow(1 / k)):clamp(o.low, o.high)
end

return queue
