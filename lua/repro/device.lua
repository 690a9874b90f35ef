--- What runs on the CPU by design (files, linear algebra) gives its results on the device that was chosen for new tensors.
local core = require "repro.core"

local device = {}

-- Tensors among values, in tables of names too, on the default device.
local function settled(value, where)
  if core.is_tensor(value) then return core.to(value, where) end
  if type(value) == "table" and getmetatable(value) == nil then
    for key, item in next, value do
      if core.is_tensor(item) then value[key] = core.to(item, where) end
    end
  end
  return value
end

local function settle_all(...)
  local where = core.device()
  if where == "cpu" then return ... end
  local results = table.pack(...)
  for i = 1, results.n do results[i] = settled(results[i], where) end
  return table.unpack(results, 1, results.n)
end

local function follow(library, pattern)
  for name, fn in next, library do
    if type(fn) == "function" and name:find(pattern) then
      library[name] = function(...) return settle_all(fn(...)) end
    end
  end
end

local following = false

--- Where new tensors are made from now on; without an argument only tells.
---@param name? string "cpu", "cuda" or "cuda:1"
---@return string former
function device.choose(name)
  local rp = require "repro"
  local was = core.device(name)
  if name and name ~= "cpu" and not following then
    following = true
    follow(rp.io, "^read_")
    follow(rp.linalg, ".")
  end
  return was
end

--- For `--device auto`: a GPU if there is one that computes, which is then where new tensors are made, or else the CPU.
---@return string name "cuda" or "cpu"
---@return string why the card's name, or why there is none
function device.automatic()
  local rp = require "repro"
  local card, why = core.cuda()
  if not card then return "cpu", why end
  local ok, message = pcall(function()
    device.choose "cuda"
    return (rp.ones(1) + 1):item()
  end)
  if ok then return "cuda", card.name end
  device.choose "cpu"
  return "cpu", (tostring(message):gsub("^[^:]*:%d+: ", ""))
end

return device
