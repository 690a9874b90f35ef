--- Gradients against finite differences.
local rp = require "repro"

-- A fixed vector per output, so that every element of the Jacobian counts.
local function weights_like(y)
  local g = rp.generator(20, "gradcheck")
  return g:randn(y.shape, "float64")
end

local function as_list(...)
  local list = {}
  for i = 1, select("#", ...) do
    local y = select(i, ...)
    if rp.is_tensor(y) and (y.dtype == "float64") then list[#list + 1] = y end
  end
  return list
end

-- The sum over all outputs of <w, y>, as a tensor.
local function projected(fn, inputs)
  local total
  for _, y in ipairs(as_list(fn(table.unpack(inputs)))) do
    local part = (y * weights_like(y)):sum()
    total = total and total + part or part
  end
  if not total then error("gradcheck: the function returned no float64 tensor", 3) end
  return total
end

local function check_inputs(inputs)
  for i, x in ipairs(inputs) do
    if not rp.is_tensor(x) or x.dtype ~= "float64" then
      error(("gradcheck: input %d is %s; a float64 tensor is expected"):format(i, rp.is_tensor(x) and x.dtype or type(x)), 3)
    end
  end
end

-- (f(x + h e_k) - f(x - h e_k)) / 2h for the k-th element of the flat view of x.
local function central(fn, inputs, flat, k, h)
  local x = flat[k]:item()
  local values = {}
  for i, shifted in ipairs { x + h, x - h } do
    flat[k] = shifted
    values[i] = projected(fn, inputs):item()
  end
  flat[k] = x
  return (values[1] - values[2]) / (2 * h)
end

--- Compares the gradient of fn with central differences, element by element.
---
---     |g - d| <= tol (1 + |d|),   d = (f(x + eps e) - f(x - eps e)) / 2 eps
---
---@param fn function of the inputs, to one or several float64 tensors of any shape
---@param inputs Tensor[] float64; left as they were
---@param options? table {eps = 1e-6, tol = 1e-6}
---@return boolean ok
---@return string? message the first element that differs: input, position, both values
local function gradcheck(fn, inputs, options)
  local eps, tol = options and options.eps or 1e-6, options and options.tol or 1e-6
  check_inputs(inputs)
  local leaves = {}
  for i, x in ipairs(inputs) do leaves[i] = x:clone():detach():requires_grad_() end
  local y = projected(fn, leaves)
  if not y.requires_grad then return false, "the result does not depend on any input" end
  local gradients = rp.grad(y, leaves)
  return rp.no_grad(function()
    local moving = {}
    for i, x in ipairs(inputs) do moving[i] = x:clone():detach() end
    for i, x in ipairs(moving) do
      local flat, g = x:reshape(-1), gradients[i]:reshape(-1)
      for k = 1, #flat do
        local d, got = central(fn, moving, flat, k, eps), g[k]:item()
        local near = math.abs(got - d) <= tol * (1 + math.abs(d)) -- false for NaN
        if not near then
          return false, ("input %d, element %d: gradient %.10g, finite difference %.10g"):format(i, k, got, d)
        end
      end
    end
    return true
  end)
end

return gradcheck
