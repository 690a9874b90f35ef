--- Activations by name.

local misuse = require "repro.misuse"
local nearest = require "repro.nearest"

---@type table<string, fun(x: Tensor): Tensor>
local activations = {
  relu = function(x) return x:relu() end,
  leaky_relu = function(x) return x:leaky_relu(0.01) end,
  elu = function(x) return x:elu(1) end,
  gelu = function(x) return x:gelu() end,
  quick_gelu = function(x) return x * (x * 1.702):sigmoid() end, -- Hendrycks, Gimpel 2016, arXiv:1606.08415, sec. 2
  silu = function(x) return x:silu() end,
  tanh = function(x) return x:tanh() end,
  sigmoid = function(x) return x:sigmoid() end,
  softplus = function(x) return x:softplus() end,
  identity = function(x) return x end,
}

local names = {}
for name in pairs(activations) do names[#names + 1] = name end
table.sort(names)

---@param name string|function
---@return fun(x: Tensor): Tensor the activation of that name, or the function itself
return function(name)
  if type(name) == "function" then return name end
  local found = activations[name]
  if not found then misuse("there is no activation '%s'%s", tostring(name), nearest.hint(tostring(name), names)) end
  return found
end
