--- Weights of published models: outlines without memory, published names, reading and writing safetensors.

local Module = require "repro.nn.module"
local core = require "repro.core"
local failure = require "repro.failure"
local misuse = require "repro.misuse"
local options = require "repro.options"

local weights = {}

-- One zero seen as a tensor of any shape: it has a size and no memory.
local function hollow(shape)
  local one = {}
  for i = 1, #shape do one[i] = 1 end
  return core.zeros(one):expand(shape)
end

---A rule of nn/initial.lua for the option `init` of a model: "outline" makes tensors that take no memory, anything else is
---as for every layer.
---@param init string|number|function
---@return string|number|function
function weights.outline(init)
  if init == "outline" then return hollow end
  return init
end

---The published name of a tensor: lists count from 0 there.
local function published(name)
  return (("." .. name):gsub("%.(%d+)%f[.\0]", function(n) return (".%d"):format(n - 1) end):sub(2))
end

local function walk(module, prefix, visit)
  Module.each_member(module, function(container, key, name, value)
    if Module.is_module(value) then
      walk(value, prefix .. name .. ".", visit)
    else
      visit(container, key, published(prefix .. name), value, module)
    end
  end)
end

---The tensors of a model under their published names, in the order of their making.
---@param module Module
---@return {name: string, tensor: Tensor}[] entries are also entry[1], entry[2]
function weights.parts(module)
  local list = {}
  walk(module, "", function(_, _, name, tensor) list[#list + 1] = { name = name, tensor = tensor, name, tensor } end)
  return list
end

local function shape(x) return table.concat(x.shape, "x") end

local function some(names)
  table.sort(names)
  return table.concat(names, ", ", 1, math.min(#names, 6)) .. (#names > 6 and (" and %d more"):format(#names - 6) or "")
end

-- All tensors of one or several files (a model in shards), with the file of each.
local function read_files(paths)
  local rp = require "repro"                               -- whose readers note what they read
  local state, file_of = {}, {}
  for _, path in ipairs(type(paths) == "table" and paths or { paths }) do
    if not core.io.exists(path) then failure.raise("data", "load: there is no file %s", path) end
    local ok, tensors = pcall(rp.io.read_safetensors, path)
    if not ok then failure.raise("data", "%s", failure.plain(tensors)) end
    for name, tensor in pairs(tensors) do                  -- names are unique; the order does not matter
      if state[name] then failure.raise("data", "load: '%s' is in %s and in %s", name, file_of[name], path) end
      state[name], file_of[name] = tensor, path
    end
  end
  return state, file_of
end

-- State under the model's own names: without the prefix and what is to be ignored, old names made new.
local function renamed(state, o)
  local result = {}
  for name, tensor in pairs(state) do
    local own = name:sub(1, #o.prefix) == o.prefix and name:sub(#o.prefix + 1) or nil
    for _, pattern in ipairs(own and o.ignore or {}) do
      if own and own:find(pattern) then own = nil end
    end
    if own then
      for _, pair in ipairs(o.rename) do own = own:gsub(pair[1], pair[2]) end
      result[own] = { tensor = tensor, name = name }
    end
  end
  return result
end

-- What each place of the model receives; raises before anything is changed.
local function matched(module, found, file_of, files)
  local places, missing = {}, {}
  walk(module, "", function(container, key, name, tensor)
    local entry = found[name]
    if not entry then missing[#missing + 1] = name; return end
    if shape(entry.tensor) ~= shape(tensor) then
      failure.raise("data", "load: %s: '%s' has shape (%s), and %s needs (%s): it is of another model or another size",
        file_of[entry.name], entry.name, shape(entry.tensor), module:describe(), shape(tensor))
    elseif not entry.tensor.dtype:find "^float" then
      failure.raise("data", "load: %s: '%s' is of type %s; weights are floating-point numbers", file_of[entry.name], entry.name,
        entry.tensor.dtype)
    end
    found[name] = nil
    places[#places + 1] = { container, key, entry.tensor }
  end)
  if #missing > 0 then
    failure.raise("data", "load: %s lacks %d tensor%s of %s: %s", files, #missing, #missing == 1 and "" or "s", module:describe(),
      some(missing))
  end
  return places
end

---Reads the weights of a model from safetensors files.  Nothing is changed if anything is wrong.
---    rp.models.load(module, path, {prefix = "", ignore = nil, rename = nil, strict = true, trainable = false})
---The file's tensors take the place of the model's: float32 whatever the file has, trained only if trainable.  The names of
---tensors must begin with prefix, others are left out, as are those in which a Lua pattern of ignore is found; rename is a
---list of {pattern, replacement} applied in turn.  A model's class gives its own ignore and rename where old files differ.
---strict = false allows tensors that the model does not have.
---Errors (kind "data"): a file that is not there or is damaged, a tensor missing or unknown, a shape that differs.
---@param module Module
---@param path string|string[] a file, or the shards of one model
---@param given? table
---@return Module module
function weights.load(module, path, given)
  local o = options("models.load", given, { prefix = "", ignore = module.ignored_names or {}, rename = module.old_names or {},
                                            strict = true, trainable = false })
  local state, file_of = read_files(path)
  local files = type(path) == "table" and table.concat(path, ", ") or path
  local found = renamed(state, o)
  local places = matched(module, found, file_of, files)
  local unknown = {}
  for _, entry in pairs(found) do unknown[#unknown + 1] = entry.name end
  if o.strict and #unknown > 0 then
    failure.raise("data", "load: %s has %d tensor%s that %s has no place for: %s", files, #unknown, #unknown == 1 and "" or "s",
      module:describe(), some(unknown))
  end
  for _, place in ipairs(places) do
    rawset(place[1], place[2], place[3]:to("float32"):requires_grad_(o.trainable))
  end
  return module
end

---Writes the weights of a model under the published names; `load` reads them.
---@param module Module
---@param path string replaced whole or left alone
---@param notes? table<string, string> metadata
function weights.save(module, path, notes)
  local state = {}
  for _, part in ipairs(weights.parts(module)) do
    if state[part.name] then misuse("models.save: %s has two tensors called '%s'", module:describe(), part.name) end
    state[part.name] = part.tensor:detach()
  end
  core.io.write_safetensors(path, state, notes)
end

return weights
