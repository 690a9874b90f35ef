--- What every network is made of: a plain table that knows its tensors and parts in the order of their assignment.
---
---     local Denoiser = nn.class("Denoiser")
---     function Denoiser:init(d) self.first = nn.Linear(d, 64); self.last = nn.Linear(64, d) end
---     function Denoiser:forward(x) return self.last(self.first(x):silu()) end
---     local net = Denoiser(2)
---     local y = net(x)
---
--- Assigning a tensor to a field makes it a parameter, `self:buffer(name, tensor)` a tensor that is saved but not
--- trained, assigning a module or an array (nested arrays too) of modules makes parts.  Order is the order of the first
--- assignment, in arrays that of the index.  Assign members one by one: of `self.a, self.b = x, y` Lua leaves open
--- which is first.

local core = require "repro.core"
local misuse = require "repro.misuse"
local trace = require "repro.trace"

---@class Module
---@field training boolean whether dropout drops and batch normalisation uses the batch; set by train() and eval()
local Module = {}
Module.__index = Module

local is_tensor = core.is_tensor

---@param value any
---@return boolean
local function is_module(value) return type(value) == "table" and rawget(value, "_fields") ~= nil end

local function is_plain_table(value) return type(value) == "table" and getmetatable(value) == nil end

-- Calls visit(container, key, name, value) for a tensor or module, or for each one in an array of them.
local function look(value, container, key, name, visit)
  if is_tensor(value) or is_module(value) then
    visit(container, key, name, value)
  elseif is_plain_table(value) then
    for i = 1, #value do look(value[i], value, i, name .. "." .. i, visit) end
  end
end

-- A new field joins the order; the table itself stays plain.
local function assign(self, key, value)
  rawset(self, key, value)
  local fields = self._fields
  for i = 1, #fields do
    if fields[i] == key then return end
  end
  fields[#fields + 1] = key
end

---Calls visit(container, key, name, value) for each tensor and module held directly, in order.
local function each_member(self, visit)
  for _, key in ipairs(self._fields) do look(rawget(self, key), self, key, tostring(key), visit) end
end

---Calls visit(owner, container, key, name, tensor) for every tensor in the tree; names are dotted paths.
local function each_tensor(self, visit, prefix)
  prefix = prefix or ""
  each_member(self, function(container, key, name, value)
    if is_tensor(value) then
      visit(self, container, key, prefix .. name, value)
    else
      rawset(value, "_owner", self)
      each_tensor(value, visit, prefix .. name .. ".")
    end
  end)
end

---------------------------------------------------------------------------------------------------- classes

-- Tells the direct parts who holds them, so that messages can name them.
local function own_parts(self)
  each_member(self, function(_, _, _, part)
    if is_module(part) then rawset(part, "_owner", self) end
  end)
end

local function construct(class, ...)
  local object = setmetatable({ _fields = {}, _buffers = {}, training = true }, class)
  object:init(...)
  own_parts(object)
  return object
end

---A new kind of module; call the result to make one.
---@param name string shown in messages
---@param parent? table class to inherit from, default Module
---@return table class define class:init(...) and class:forward(...) on it
function Module.class(name, parent)
  local class = { class_name = name, __newindex = assign }
  class.__index = class
  class.__call = function(self, ...) return self:forward(...) end
  class.__tostring = function(self) return self:outline() end
  return setmetatable(class, { __index = parent or Module, __call = construct })
end

function Module.init() end

function Module:forward() misuse("%s has no forward function", self:describe()) end

---A tensor that is saved with the module but is not trained.
---@param name string
---@param tensor Tensor
function Module:buffer(name, tensor)
  self._buffers[name] = true
  self[name] = tensor
end

-------------------------------------------------------------------------------------------------- traversal

---@return {name: string, module: table}[] this module (name "") and all in it, outer before inner
function Module:modules()
  local list = {}
  local function add(module, name)
    list[#list + 1] = { name = name, module = module, name, module }
    each_member(module, function(_, _, key, value)
      if is_module(value) then add(value, name == "" and key or name .. "." .. key) end
    end)
  end
  add(self, "")
  return list
end

---Parameters with their dotted names; one that is shared appears once.
---@return {name: string, tensor: Tensor}[] entries are also entry[1], entry[2]
function Module:named_parameters()
  local list, seen = {}, {}
  each_tensor(self, function(owner, _, key, name, tensor)
    if owner._buffers[key] or seen[tensor] then return end
    seen[tensor] = true
    list[#list + 1] = { name = name, tensor = tensor, name, tensor }
  end)
  return list
end

---@return Tensor[] all parameters, frozen ones too
function Module:parameters()
  local list = {}
  for i, entry in ipairs(self:named_parameters()) do
    list[i] = entry.tensor
    trace.name(entry.tensor, entry.name)
  end
  return list
end

---@return Tensor[] the parameters with requires_grad
function Module:trainable()
  local list = {}
  for _, parameter in ipairs(self:parameters()) do
    if parameter.requires_grad then list[#list + 1] = parameter end
  end
  return list
end

---@param trainable_only? boolean
---@return integer number of scalars in the parameters
function Module:count(trainable_only)
  local n = 0
  for _, parameter in ipairs(trainable_only and self:trainable() or self:parameters()) do n = n + parameter:numel() end
  return n
end

-------------------------------------------------------------------------------------------- saving, loading

---@return table<string, Tensor> parameters and buffers by name, sharing their memory
function Module:state_dict()
  local state = {}
  each_tensor(self, function(_, _, _, name, tensor) state[name] = tensor:detach() end)
  return state
end

local function listed(names)
  table.sort(names)
  local shown = table.concat(names, ", ", 1, math.min(#names, 8))
  return #names > 8 and shown .. (" and %d more"):format(#names - 8) or shown
end

---Copies tensors into the parameters and buffers of the same names.  Nothing is changed if anything is wrong.
---@param state table<string, Tensor>
---@param strict? boolean default true: names that are missing or unknown are an error
---@return Module self
function Module:load_state_dict(state, strict)
  local own, missing, unknown, copies = {}, {}, {}, {}
  each_tensor(self, function(_, _, _, name, tensor)
    own[name] = tensor
    local value = state[name]
    if value == nil then missing[#missing + 1] = name; return end
    local want, got = table.concat(tensor.shape, "x"), table.concat(value.shape, "x")
    if want ~= got then misuse("load_state_dict: '%s' has shape (%s) here and (%s) in the state", name, want, got) end
    copies[#copies + 1] = { tensor, value }
  end)
  for name in pairs(state) do
    if own[name] == nil then unknown[#unknown + 1] = name end
  end
  if strict ~= false and #missing > 0 then misuse("load_state_dict: the state lacks %s", listed(missing)) end
  if strict ~= false and #unknown > 0 then misuse("load_state_dict: nothing here is called %s", listed(unknown)) end
  core.no_grad(function()
    for _, copy in ipairs(copies) do copy[1]:copy_(copy[2]) end
  end)
  return self
end

---@return string SHA-256 over all parameters and buffers in order
function Module:hash()
  local tensors = {}
  each_tensor(self, function(_, _, _, _, tensor) tensors[#tensors + 1] = tensor end)
  return core.hash(table.unpack(tensors))
end

---------------------------------------------------------------------------------------------------- changing

---@param flag? boolean default true
---@return Module self
function Module:train(flag)
  for _, entry in ipairs(self:modules()) do entry.module.training = flag ~= false end
  return self
end

---@return Module self, with train(false)
function Module:eval() return self:train(false) end

---Lets all parameters be trained (true, the default) or freezes them (false).
---@param flag? boolean
---@return Module self
function Module:requires_grad_(flag)
  for _, parameter in ipairs(self:parameters()) do parameter:requires_grad_(flag ~= false) end
  return self
end

---Forgets the gradients of all parameters.
function Module:zero_grad()
  for _, parameter in ipairs(self:parameters()) do parameter.grad = nil end
end

---Replaces each tensor f(tensor), shared ones once.
local function replace(self, f)
  local done = {}
  each_tensor(self, function(_, container, key, _, tensor)
    if not done[tensor] then done[tensor] = f(tensor) end
    rawset(container, key, done[tensor])
  end)
end

---Converts floating-point parameters and buffers.  An optimiser made before keeps the old ones: convert first.
---@param dtype "float32"|"float64"
---@return Module self
function Module:to(dtype)
  replace(self, function(tensor)
    if tensor.dtype == dtype or not tensor.dtype:match "^float" then return tensor end
    return tensor:detach():to(dtype):requires_grad_(tensor.requires_grad)
  end)
  return self
end

local function copy_table(t, copies)
  if copies[t] then return copies[t] end
  local result = {}
  copies[t] = result
  for key, value in pairs(t) do
    result[key] = key ~= "_owner" and type(value) == "table" and copy_table(value, copies) or value
  end
  result._owner = nil
  return setmetatable(result, getmetatable(t))
end

---@return Module an independent copy: own parameters with the same values
function Module:clone()
  local result = copy_table(self, {})
  replace(result, function(tensor) return tensor:detach():clone():requires_grad_(tensor.requires_grad) end)
  return result
end

---------------------------------------------------------------------------------------------------- messages

-- The dotted path from the outermost module, as far as the owners are known.
local function path(self)
  local owner = rawget(self, "_owner")
  if not owner then return nil end
  local own
  each_member(owner, function(_, _, name, value) if value == self then own = own or name end end)
  local above = path(owner)
  return above and own and above .. "." .. own or own
end

---Sizes and options for messages and outlines; a class gives its own.
---@return string
function Module.extra() return "" end

---@return string such as "Linear 'encoder.fc2' (512 -> 96)"
function Module:describe()
  local where, extra = path(self), self:extra()
  return self.class_name .. (where and " '" .. where .. "'" or "") .. (extra ~= "" and " (" .. extra .. ")" or "")
end

---@return string the tree of parts, one per line
function Module:outline(indent, name)
  indent = indent or ""
  local extra = self:extra()
  local lines = { indent .. (name and name .. ": " or "") .. self.class_name .. (extra ~= "" and " " .. extra or "") }
  each_member(self, function(_, _, key, value)
    if is_module(value) then lines[#lines + 1] = value:outline(indent .. "  ", key) end
  end)
  return table.concat(lines, "\n")
end

---Raises unless x is a tensor whose dimension `dim` has the given size.
---@param x any
---@param dim integer
---@param size integer
function Module:expect(x, dim, size)
  if not is_tensor(x) then misuse("%s: the input is a %s, not a tensor", self:describe(), type(x)) end
  local ndim = x.ndim
  if (dim > 0 and dim or -dim) <= ndim and x:size(dim) == size then return end
  misuse("%s: expected size %d in the %s dimension, got input of shape (%s)", self:describe(), size,
         dim == -1 and "last" or dim == 2 and "channel" or tostring(dim), table.concat(x.shape, "x"))
end

Module.is_module = is_module
Module.is_tensor = is_tensor
Module.each_member = each_member

return Module
