--- Puts a recorded difference (difference.lua) back: everything is read and compared first, then everything is set.
local rp = require "repro"
local failure = require "repro.failure"
local library = require "repro.resume.library"
local process = require "repro.resume.process"

local core = rp.core
local flat, window, set_grad = core.memory_of.flat, core.memory_of.window, core.memory_of.set_grad

local function refuse(message, ...)
  failure.raise("usage", "the checkpoint does not fit the script: " .. message, ...)
end

local Restorer = {}
Restorer.__index = Restorer

function Restorer:known(i, kind)
  local object = self.before.objects[i]
  if not object or kind and object.kind ~= kind then refuse("there is no %s number %s", kind or "object", tostring(i)) end
  return object.value
end

local numbers = { nan = string.unpack("<d", "\0\0\0\0\0\0\xf8\x7f"), inf = math.huge, ["-inf"] = -math.huge }

local decode = {
  ["0"] = function() return nil end,
  f = function(_, row) return numbers[row[2]] end,
  h = function(_, row) return (row[2]:gsub("%x%x", function(hex) return string.char(tonumber(hex, 16)) end)) end,
  k = function(self, row) return self:known(row[2]) end,
  n = function(self, row) return self.made[row[2]] end,
  l = function(_, row) return library.at(table.move(row, 2, #row, 1, {})) or refuse("no %s", table.concat(row, ".", 2)) end,
}

function Restorer:value(row)
  if type(row) ~= "table" then return row end
  return (decode[row[1]] or refuse("a value of kind %s", tostring(row[1])))(self, row)
end

function Restorer:item(name)
  return self.storages[name] or refuse("no tensor %s", name)
end

-- ---- new objects ----------------------------------------------------------------------------------------------------

local make = {}

function make.t() return {} end

-- On the device where new tensors are made, or, if it did not lie there, on the CPU.
function make.s(self, row, i) return self:item("n" .. i):to(row[2] and core.device() or "cpu") end

function make.g(_, row)
  local generator = rp.generator(0)
  generator:restore { seed = row[2], name = row[3], ordinal = row[4] }
  return generator
end

local function make_tensor(self, row)
  local storage = row[2]
  local vector = storage[1] == "n" and self.made[storage[2]] or flat(self:known(storage[2], "storage"))
  return window(vector, row[3], row[4], row[5])
end

-- Tensors come last and the oldest first: a table with tensors as keys is visited by their age.
local function make_all(self, rows)
  local tensors = {}
  for i, row in ipairs(rows) do
    if row[1] == "x" then tensors[#tensors + 1] = i
    else self.made[i] = (make[row[1]] or refuse("an object of kind %s", tostring(row[1])))(self, row, i) end
  end
  table.sort(tensors, function(a, b) return rows[a][8] < rows[b][8] end)
  for _, i in ipairs(tensors) do self.made[i] = make_tensor(self, rows[i]) end
end

-- ---- what is to be done ---------------------------------------------------------------------------------------------

function Restorer:later(action) self.actions[#self.actions + 1] = action end

function Restorer:set_entries(t, entries)
  for _, entry in ipairs(entries) do
    local key, value = self:value(entry[1]), self:value(entry[2])
    self:later(function() rawset(t, key, value) end)
  end
end

function Restorer:set_tensor(x, requires_grad, gradient)
  local g = self:value(gradient)
  self:later(function()
    if x.is_leaf then x.requires_grad = requires_grad end
    set_grad(x, g)
  end)
end

local function plan_new(self, rows)
  for i, row in ipairs(rows) do
    local object = self.made[i]
    if row[1] == "t" then
      local meta = self:value(row[2])
      self:set_entries(object, row[3])
      self:later(function() setmetatable(object, meta) end)
    elseif row[1] == "x" then
      self:set_tensor(object, row[6], row[7])
    end
  end
end

local function plan_functions(self, rows)
  for _, row in ipairs(rows) do
    local fn = self:known(row[1], "function")
    for _, entry in ipairs(row[2]) do
      local value = self:value(entry[2])
      self:later(function() debug.setupvalue(fn, entry[1], value) end)
    end
  end
end

local function plan_storages(self, rows)
  for _, i in ipairs(rows) do
    local own, kept = flat(self:known(i, "storage")), self:item("k" .. i)
    if own.dtype ~= kept.dtype or #own ~= #kept then
      refuse("a tensor has %d elements of %s here, and %d of %s there", #own, own.dtype, #kept, kept.dtype)
    end
    self:later(function() own:copy_(kept) end)
  end
end

local function plan_generators(self, rows)
  for _, row in ipairs(rows) do
    local generator = self:known(row[1], "generator")
    self:later(function() generator:restore { seed = row[2], name = row[3], ordinal = row[4] } end)
  end
end

--- Puts a difference back.
---@param before Graph what the loop can reach where it begins
---@param record table from difference
---@param storages table name -> vector
---@param set_local function(place, value)
---@return any results
local function restore(before, record, storages, set_local)
  local self = setmetatable({ before = before, storages = storages, made = {}, actions = {} }, Restorer)
  process.restore(record.process)                          -- first: new tensors lie where the unit had them made
  make_all(self, record.new)
  plan_new(self, record.new)
  for _, row in ipairs(record.tables) do self:set_entries(self:known(row[1], "table"), row[2]) end
  plan_functions(self, record.functions)
  plan_storages(self, record.storages)
  for _, row in ipairs(record.tensors) do self:set_tensor(self:known(row[1], "tensor"), row[2], row[3]) end
  plan_generators(self, record.generators)
  for _, entry in ipairs(record.frame) do
    local value = self:value(entry[2])
    self:later(function() set_local(entry[1], value) end)
  end
  core.no_grad(function()
    for _, action in ipairs(self.actions) do action() end
  end)
  return self:value(record.results)
end

return restore
