--- Everything that a piece of a script can reach and change: the local variables of a function, the variables its
--- functions share, and from there tables, tensors with their storages and gradients, generators.
---
--- Objects are numbered in the order in which they are met, tables by key in a defined order, so that a second run of the same
--- script numbers them alike.  The package itself is not entered: what of it a run can change is in resume/process.lua, but for
--- the two generators that are roots of every graph, and so are the modules that the script has required.
local rp = require "repro"
local library = require "repro.resume.library"
local process = require "repro.resume.process"

local core = rp.core
local storage_of = core.memory_of.storage

---@class Graph
---@field objects table[] {kind, value, id, index, content, via, key} in the order of discovery
---@field by table identity -> object
---@field refused string|nil why the state cannot be kept, if it cannot
local Graph = {}
Graph.__index = Graph

local function is_weak(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and rawget(meta, "__mode") ~= nil
end

local function userdata_kind(value)
  if core.is_tensor(value) then return "tensor", core.serial(value) end
  local meta = getmetatable(value)
  if type(meta) == "table" and meta.__name == "repro.generator" then return "generator", value end
  return "foreign", value
end

-- Kind and identity of a value that is part of the state; nil for numbers, strings and what belongs to the package.
local function kind_of(value)
  local type_of = type(value)
  if type_of == "table" then
    if library.is_own(value) or is_weak(value) then return nil end
    return "table", value
  elseif type_of == "function" then
    if library.is_own_function(value) then return nil end
    return "function", value
  elseif type_of == "userdata" then
    if library.is_own(value) then return nil end
    return userdata_kind(value)
  elseif type_of == "thread" then
    return "foreign", value
  end
  return nil
end

---@return table|nil object that stands for a value in this graph
function Graph:find(value)
  local _, id = kind_of(value)
  return id ~= nil and self.by[id] or nil
end

---@return boolean whether a value is, or would be, an object of a graph
function Graph.is_object(value)
  return kind_of(value) ~= nil
end

local function push(self, kind, id, value, via, key)
  local object = { kind = kind, value = value, id = id, via = via, key = key, index = #self.objects + 1 }
  self.objects[object.index], self.by[id] = object, object
  return object
end

function Graph:add(value, via, key)
  local kind, id = kind_of(value)
  if kind and not self.by[id] then push(self, kind, id, value, via, key) end
end

-- ---- how an object was reached, for messages ------------------------------------------------------------------------

local function step_text(key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then return "." .. key end
  return ("[%s]"):format(type(key) == "string" and ("%q"):format(key) or tostring(key))
end

---@return string such as "record.best[3]"
function Graph.path(object)
  local text = ""
  while object.via and object.via.kind ~= "frame" do
    if object.via.kind == "function" then return tostring(object.key) .. text end
    text = step_text(object.key) .. text
    object = object.via
  end
  return tostring(object.key) .. text
end

function Graph:refuse(object, why)
  self.refused = self.refused or ("`%s` %s"):format(Graph.path(object), why)
end

-- ---- the content of an object, and what it leads to -----------------------------------------------------------------

local ranks = { number = 1, string = 2, boolean = 3 }

local function less(a, b)
  if a.rank ~= b.rank then return a.rank < b.rank end
  return a.place < b.place
end

local function place_of(self, key)
  local rank = ranks[type(key)]
  if rank then return rank, type(key) == "boolean" and (key and 1 or 0) or key end
  if core.is_tensor(key) then return 4, core.serial(key) end
  local known = self:find(key)
  if known then return 5, known.index end
  return nil
end

--- Keys of a table in a defined order; nil if they have none.
function Graph:keys(t)
  local keys, entries, n = {}, {}, 0
  for key in next, t do n = n + 1; keys[n] = key end
  local sequence = true
  for i = 1, n do sequence = sequence and keys[i] == i end
  if sequence then return keys end
  for i, key in ipairs(keys) do
    local rank, place = place_of(self, key)
    if not rank then return nil end
    entries[i] = { rank = rank, place = place, key = key }
  end
  table.sort(entries, less)
  for i, entry in ipairs(entries) do keys[i] = entry.key end
  return keys
end

local enter = {}

function enter.table(self, object)
  local t, content = object.value, {}
  local keys = self:keys(t)
  if not keys then
    self:refuse(object, "is a table with keys that have no order between runs")
    return {}
  end
  for _, key in ipairs(keys) do
    local value = rawget(t, key)
    content[key] = value
    self:add(key, object, key)
    self:add(value, object, key)
  end
  if self.lines then self:sign("table", #keys, table.concat(keys, " ", 1, self.words(keys))) end
  return content
end

--- Number of leading strings in a list.
function Graph.words(list)
  local n = 0
  while type(list[n + 1]) == "string" do n = n + 1 end
  return n
end

enter["function"] = function(self, object)
  local content, i = { n = 0 }, 1
  while true do
    local name, value = debug.getupvalue(object.value, i)
    if not name then break end
    content[i], content.n = value, i
    self:add(value, object, name)
    i = i + 1
  end
  if self.lines then self:sign("function", debug.getinfo(object.value, "S").linedefined, content.n) end
  return content
end

function enter.frame(self, object)
  local frame = object.value
  for i, slot in ipairs(frame.slots) do self:add(frame.values[slot], object, frame.names[i]) end
  self:sign("frame", table.concat(frame.names, " "))
  return frame.values
end

function enter.tensor(self, object)
  local x = object.value
  local id, version, offset, strides, is_live = storage_of(x)
  local storage = self.by[id] or push(self, "storage", id, x, object, "storage")
  storage.version = storage.version or version
  local grad = x.grad
  if grad then self:add(grad, object, "grad") end
  if self.lines then self:sign("tensor", x.dtype, table.concat(x.shape, "x")) end
  return { storage = storage, offset = offset, strides = strides, is_live = is_live, requires_grad = x.requires_grad,
           is_leaf = x.is_leaf, grad = grad and core.serial(grad) or nil }
end

function enter.storage() return nil end

function enter.generator(self, object)
  local state = object.value:state()
  self:sign("generator", state.seed, state.name, state.ordinal)
  return state
end

function enter.foreign(self, object)
  local what = type(object.value) == "thread" and "is a coroutine" or "is a file or other object of the C side"
  self:refuse(object, what .. ", whose state cannot be kept")
end

function Graph:sign(...)
  local lines = self.lines                                 -- nil where no fingerprint is asked for
  if lines then lines[#lines + 1] = table.concat({ ... }, " ") end
end

local function explore(self)
  local i = 1
  while self.objects[i] do
    local object = self.objects[i]
    object.content = enter[object.kind](self, object)
    i = i + 1
  end
end

local Graphs = { path = Graph.path }

--- All that can be reached from the variables of a function, and from more values.
---@param frame table {slots, names, values} from frames.read, or arguments in that form
---@param more table|nil {name = value}: tables that are met last
---@param is_signed boolean|nil whether a fingerprint of the graph is made
---@return Graph
function Graphs.reach(frame, more, is_signed)
  library.refresh()
  local self = setmetatable({ objects = {}, by = {}, lines = is_signed and {} or nil }, Graph)
  local root = push(self, "frame", "frame", frame, nil, nil)
  root.key = "the loop"
  self:add(frame.fn, root, "the function")
  self:add(core.default_generator, root, "the default generator")
  for _, fn in ipairs(library.random_state()) do push(self, "function", fn, fn, root, "math.random") end
  local modules = library.modules()
  if modules then push(self, "table", modules, modules, root, "require") end
  if more then self:add(more, root, "results") end
  explore(self)
  if self.lines then
    self.process, self.tables = process.read(), process.tables()
    self.signature = rp.io.sha256_text(table.concat(self.lines, "\n"))
    self.lines = nil
  end
  return self
end

return Graphs
