--- Batches of a split in a pinned order.
---
---     local batches = data.loader(set.train, {batch = 128, seed = P.seed})
---     for batch in batches:epoch() do ... batch.x, batch.y ... end        -- once through the data
---     for batch, step in batches:steps(1000) do ... end                   -- or so many batches, epoch after epoch
---
--- The order of epoch e is that of generator(seed, name .. e), so where a loader stands is two numbers: its state, which can
--- be saved and restored.

local rp = require "repro"
local misuse = require "repro.misuse"
local options = require "repro.options"
local split = require "repro.data.split"

---@class Loader
---@field n integer number of examples
---@field per_epoch integer number of batches of an epoch
local Loader = {}
Loader.__index = Loader

local loader = {}

---@param set table split
---@param given? {batch: integer, shuffle: boolean, drop_last: boolean, seed: integer, name: string, transform: function}
---  batch: default 128; shuffle: default true; drop_last: leave out a last batch that is smaller, default true if
---  shuffled; transform(batch, generator) returns the batch to serve, drawing from a generator of this batch's own
---@return Loader
function loader.loader(set, given)
  local o = options("data.loader", given, { batch = 128, shuffle = true, drop_last = "auto", seed = 1, name = "loader",
                                            transform = false })
  local self = setmetatable(o, Loader)
  self.set, self.n = set, split.count(set)
  if math.type(o.batch) ~= "integer" or o.batch < 1 then misuse("data.loader: batch = %s", tostring(o.batch)) end
  if o.drop_last == "auto" then o.drop_last = o.shuffle end
  self.per_epoch = o.drop_last and self.n // o.batch or (self.n + o.batch - 1) // o.batch
  if self.per_epoch == 0 then misuse("data.loader: %d examples make no batch of %d", self.n, o.batch) end
  self.at_epoch, self.at_batch = 1, 0
  return self
end

-- The order of the current epoch, made once.
function Loader:order()
  if self.order_of ~= self.at_epoch then
    self.order_of = self.at_epoch
    self.permutation = rp.generator(self.seed, self.name .. ".order." .. self.at_epoch):randperm(self.n)
  end
  return self.permutation
end

---The next batch; the one after the last of an epoch is the first of the next epoch.
---@return table batch split with the tensors' rows of this batch, and index (b): their positions in the set
function Loader:next()
  if self.at_batch == self.per_epoch then self.at_epoch, self.at_batch = self.at_epoch + 1, 0 end
  self.at_batch = self.at_batch + 1
  local first = (self.at_batch - 1) * self.batch + 1
  local last = math.min(first + self.batch - 1, self.n)
  local batch
  if self.shuffle then
    local index = self:order():slice(1, first, last)
    batch = split.subset(self.set, index)
    batch.index = index
  else
    batch = split.subset(self.set, { first, last })
    batch.index = rp.arange(first, last, 1, "int64")
  end
  if not self.transform then return batch end
  return self.transform(batch, rp.generator(self.seed, ("%s.transform.%d.%d"):format(self.name, self.at_epoch, self.at_batch)))
end

---Iterates over what is left of the current epoch, or over the next one if none is left.
---@return fun(): table?, integer? batch and its number in the epoch
function Loader:epoch()
  local epoch
  return function()
    if epoch and self.at_batch == self.per_epoch then return nil end
    local batch = self:next()
    epoch = self.at_epoch
    return batch, self.at_batch
  end
end

---Iterates over n batches.
---@param n integer
---@return fun(): table?, integer? batch and its number from 1
function Loader:steps(n)
  local k = 0
  return function()
    if k == n then return nil end
    k = k + 1
    return self:next(), k
  end
end

---@return table state {epoch, batch}: whole numbers
function Loader:state() return { epoch = self.at_epoch, batch = self.at_batch } end

---Goes on where a loader with the same set and options stood.
---@param state table from state()
---@return Loader self
function Loader:restore(state)
  if type(state) ~= "table" or not math.tointeger(state.epoch) or not math.tointeger(state.batch) then
    misuse "Loader:restore: give what state() returned, {epoch = ..., batch = ...}"
  end
  if state.batch < 0 or state.batch > self.per_epoch or state.epoch < 1 then
    misuse("Loader:restore: batch %d of epoch %d; an epoch has %d", state.batch, state.epoch, self.per_epoch)
  end
  self.at_epoch, self.at_batch = math.tointeger(state.epoch), math.tointeger(state.batch)
  return self
end

return loader
