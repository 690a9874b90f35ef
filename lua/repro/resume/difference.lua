--- What a loop has changed: the difference between all that it could reach before and what it can reach now, as a record
--- that JSON can hold and a list of storages.
---
--- Values:     true, 1, 0.5, "text"    as they are
---             {"f", "nan"}  {"h", hexadecimal}    numbers and strings that JSON has not
---             {"k", i}      object i of the graph before     {"n", i}    new object i
---             {"l", "repro.nn", "Linear"}    of the package  {"0"}       nil
--- Record:     frame    {place, value} ...           tables    {i, {key, value} ...} ...    functions {i, {place, value} ...} ...
---             tensors  {i, requires_grad, grad} ... generators {i, seed, name, ordinal} ... storages  {i ...}
---             new      {"t", metatable, {key, value} ...}  {"x", storage, shape, strides, offset, requires_grad, grad, age}
---                      {"g", seed, name, ordinal}  {"s"}
---             results  value           process  {name, value} ...
--- The storage of object i is the tensor "k" .. i, that of new object i is "n" .. i: all its elements as a vector.
local rp = require "repro"
local graph = require "repro.resume.graph"
local library = require "repro.resume.library"
local process = require "repro.resume.process"

local core = rp.core
local flat = core.memory_of.flat

local Difference = {}
Difference.__index = Difference

-- ---- values ---------------------------------------------------------------------------------------------------------

-- Whether two values have the same bits.
local function same(a, b)
  if not rawequal(a, b) then return false end
  if type(a) ~= "number" then return true end
  return math.type(a) == math.type(b) and (a ~= 0 or 1 / a == 1 / b)
end

local function encode_number(x)
  if math.type(x) == "integer" or x == x and x ~= math.huge and x ~= -math.huge then return x end
  return { "f", x ~= x and "nan" or x > 0 and "inf" or "-inf" }
end

local function encode_string(text)
  if utf8.len(text) and not text:find("\0", 1, true) then return text end
  return { "h", (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) }
end

local function encode_path(path)
  return { "l", table.unpack(path) }
end

-- The number of an object: {"k", i} if the graph before has it, {"n", i} otherwise.
function Difference:reference(object)
  local known = self.before.by[object.id]
  if known then return { "k", known.index } end
  return { "n", assert(self.number[object]) }
end

function Difference:encode(value, owner)
  local kind = type(value)
  if value == nil then return { "0" } end
  if kind == "boolean" then return value end
  if kind == "number" then return encode_number(value) end
  if kind == "string" then return encode_string(value) end
  local object = self.now:find(value)
  if object then return self:reference(object) end
  local path = library.path(value)
  if path then return encode_path(path) end
  self.now:refuse(owner, ("leads to a %s that cannot be kept"):format(kind))
  return { "0" }
end

-- ---- objects that were there before ---------------------------------------------------------------------------------

local change = {}

function change.table(self, object, before)
  local entries, now = {}, object.content
  for _, key in ipairs(self.now:keys(object.value) or {}) do
    if not same(now[key], before[key]) then
      entries[#entries + 1] = { self:encode(key, object), self:encode(now[key], object) }
    end
  end
  for _, key in ipairs(self.now:keys(before) or {}) do
    if now[key] == nil then entries[#entries + 1] = { self:encode(key, object), { "0" } } end
  end
  return entries
end

change["function"] = function(self, object, before)
  local entries, now = {}, object.content
  for i = 1, now.n do
    if not same(now[i], before[i]) then entries[#entries + 1] = { i, self:encode(now[i], object) } end
  end
  return entries
end

function change.frame(self, object, before)
  local entries, now = {}, object.content
  for _, slot in ipairs(object.value.slots) do
    if slot > 0 and not same(now[slot], before[slot]) then
      entries[#entries + 1] = { slot, self:encode(now[slot], object) }
    end
  end
  return entries
end

local collect = {}

function collect.table(self, object, known)
  local entries = change.table(self, object, known.content)
  if #entries > 0 then table.insert(self.record.tables, { known.index, entries }) end
end

collect["function"] = function(self, object, known)
  local entries = change["function"](self, object, known.content)
  if #entries > 0 then table.insert(self.record.functions, { known.index, entries }) end
end

function collect.frame(self, object, known)
  self.record.frame = change.frame(self, object, known.content)
end

function Difference:gradient(object)
  local serial = object.content.grad
  return serial and self:reference(self.now.by[serial]) or { "0" }
end

function Difference:check_graph(object)
  if object.content.is_live then
    self.now:refuse(object, "holds a graph that has not been differentiated; keep x:detach() or x:item() of it")
  end
end

function collect.tensor(self, object, known)
  local now, before = object.content, known.content
  if now.grad ~= before.grad or now.requires_grad ~= before.requires_grad then
    self:check_graph(object)
    table.insert(self.record.tensors, { known.index, now.requires_grad, self:gradient(object) })
  end
end

function collect.storage(self, object, known)
  if object.version ~= known.version then
    table.insert(self.record.storages, known.index)
    self.storages["k" .. known.index] = flat(object.value):to "cpu"
  end
end

function collect.generator(self, object, known)
  local now, before = object.content, known.content
  if now.seed ~= before.seed or now.name ~= before.name or now.ordinal ~= before.ordinal then
    table.insert(self.record.generators, { known.index, now.seed, now.name, now.ordinal })
  end
end

function collect.foreign() end

-- ---- objects that are new -------------------------------------------------------------------------------------------

local describe = {}

function describe.table(self, object)
  local meta = getmetatable(object.value)
  local entries = {}
  for i, key in ipairs(self.now:keys(object.value) or {}) do
    entries[i] = { self:encode(key, object), self:encode(object.content[key], object) }
  end
  return { "t", self:encode(meta, object), entries }
end

function describe.tensor(self, object)
  local content, x = object.content, object.value
  self:check_graph(object)
  return { "x", self:reference(content.storage), x.shape, content.strides, content.offset,
           content.is_leaf and content.requires_grad, self:gradient(object), core.serial(x) }
end

function describe.storage(self, object, i)
  self.storages["n" .. i] = flat(object.value):to "cpu"
  return { "s", object.value.device == core.device() }
end

function describe.generator(_, object)
  return { "g", object.content.seed, object.content.name, object.content.ordinal }
end

describe["function"] = function(self, object)
  local is_required = graph.path(object):find "^require"
  self.now:refuse(object, is_required and "is of a module that is first required inside the loop; require it before"
    or "is a function made inside the loop")
  return { "0" }
end

function describe.foreign() return { "0" } end

-- ---- the whole ------------------------------------------------------------------------------------------------------

local function number_new(self)
  local list = {}
  for _, object in ipairs(self.now.objects) do
    if not self.before.by[object.id] then
      list[#list + 1] = object
      self.number[object] = #list
    end
  end
  return list
end

--- What has changed since a graph was made.
---@param before Graph
---@param frame table the variables now
---@param results table|nil more values to keep
---@return table|nil record nil if something cannot be kept
---@return table|string storages name -> vector on the script's own memory, or a copy of what a GPU holds; or why not
local function difference(before, frame, results)
  local self = setmetatable({ before = before, now = graph.reach(frame, results), number = {}, storages = {} }, Difference)
  local record = { frame = {}, tables = {}, functions = {}, tensors = {}, generators = {}, storages = {}, new = {} }
  self.record = record
  local new = number_new(self)
  for _, object in ipairs(self.now.objects) do
    local known = before.by[object.id]
    if known then collect[object.kind](self, object, known) end
  end
  for i, object in ipairs(new) do record.new[i] = describe[object.kind](self, object, i) end
  record.results = self:encode(results, self.now.objects[1])
  record.process = process.difference(before.process, process.read())
  local refused = before.refused or self.now.refused
  local changed = not refused and process.changed(before.tables)
  if changed then refused = ("`%s` belongs to the package; keep it in a table of the script"):format(changed) end
  if refused then return nil, refused end
  return record, self.storages
end

return difference
