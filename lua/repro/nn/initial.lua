--- Initial values of weights.
---
--- Every one is drawn from the default generator, or from the generator given, in the order in which layers are made:
--- the same script and seed give the same weights.  fan_in is the number of inputs one output sums over.

local core = require "repro.core"
local misuse = require "repro.misuse"

local initial = {}

---U(-bound, bound).
---@param shape integer[]
---@param bound number
---@param generator? Generator
---@return Tensor
function initial.uniform(shape, bound, generator)
  local u = generator and generator:rand(shape) or core.rand(shape)
  return u * (2 * bound) - bound
end

---N(0, std^2).
---@param shape integer[]
---@param std number
---@param generator? Generator
---@return Tensor
function initial.normal(shape, std, generator)
  return (generator and generator:randn(shape) or core.randn(shape)) * std
end

---U(-b, b) with b = 1 / sqrt(fan_in): what PyTorch calls kaiming_uniform with a = sqrt 5, its default for linear and
---convolutional layers.
function initial.kaiming(shape, fan_in, _, generator)
  return initial.uniform(shape, 1 / math.sqrt(fan_in), generator)
end

---N(0, 2 / fan_in).  Source: He et al. 2015, arXiv:1502.01852, eq. 10.
function initial.he(shape, fan_in, _, generator)
  return initial.normal(shape, math.sqrt(2 / fan_in), generator)
end

---U(-b, b) with b = sqrt(6 / (fan_in + fan_out)).  Source: Glorot, Bengio 2010 (AISTATS), eq. 16.
function initial.xavier(shape, fan_in, fan_out, generator)
  return initial.uniform(shape, math.sqrt(6 / (fan_in + fan_out)), generator)
end

---0, for the last layer of a residual branch.
function initial.zeros(shape) return core.zeros(shape) end

---A weight by the name of its rule, a standard deviation, or a function (shape, fan_in, fan_out, generator).
---@param who string for the message
---@param rule string|number|function
---@param shape integer[]
---@param fan_in integer
---@param fan_out integer
---@param generator? Generator
---@return Tensor with requires_grad
function initial.weight(who, rule, shape, fan_in, fan_out, generator)
  local known = { kaiming = true, he = true, xavier = true, zeros = true }
  if type(rule) == "number" then
    return initial.normal(shape, rule, generator):requires_grad_()
  elseif type(rule) ~= "function" and not known[rule] then
    misuse("%s: init must be \"kaiming\", \"he\", \"xavier\", \"zeros\", a standard deviation or a function, got %s",
           who, tostring(rule))
  end
  local draw = type(rule) == "function" and rule or initial[rule]
  return draw(shape, fan_in, fan_out, generator):requires_grad_()
end

---The bias that goes with a rule: U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for "kaiming", else 0.
---@param rule string|number|function
---@param n integer
---@param fan_in integer
---@param generator? Generator
---@return Tensor with requires_grad
function initial.bias(rule, n, fan_in, generator)
  if rule == "kaiming" then return initial.uniform({ n }, 1 / math.sqrt(fan_in), generator):requires_grad_() end
  return core.zeros(n):requires_grad_()
end

return initial
