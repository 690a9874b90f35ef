--- Low-rank adapters on linear layers.
--- Source: Hu et al. 2022, arXiv:2106.09685, eq. 3 and sec. 4.1.

local Module = require "repro.nn.module"
local core = require "repro.core"
local initial = require "repro.nn.initial"
local linear = require "repro.nn.linear"
local misuse = require "repro.misuse"
local options = require "repro.options"

local layers = {}

---y = x W' + b + (alpha / rank) x A' B', W and b frozen; A (rank, n_in) Kaiming uniform, B (n_out, rank) 0 at first.
---@class LoRALinear: Module
local LoRALinear = Module.class "LoRALinear"
layers.LoRALinear = LoRALinear

---@param base Linear
---@param rank integer
---@param alpha? number default rank
---@param generator? Generator
function LoRALinear:init(base, rank, alpha, generator)
  if rank < 1 then misuse("lora: rank %d is too small", rank) end
  self.base, self.rank, self.factor = base:requires_grad_(false), rank, (alpha or rank) / rank
  self.n_in, self.n_out, self.training = base.n_in, base.n_out, base.training
  self.a = initial.weight("lora", "kaiming", { rank, base.n_in }, base.n_in, rank, generator)
  self.b = initial.weight("lora", "zeros", { base.n_out, rank }, rank, base.n_out)
  if base.weight.dtype ~= "float32" then self:to(base.weight.dtype) end
end

function LoRALinear:extra() return ("%d -> %d, rank %d"):format(self.n_in, self.n_out, self.rank) end

---@param x Tensor (..., n_in)
---@return Tensor (..., n_out)
function LoRALinear:forward(x)
  self:expect(x, -1, self.n_in)
  return self.base(x):addcmul(x:linear(self.a):linear(self.b), self.factor)
end

---@return Linear the base layer with W + (alpha / rank) B A as its weight
function LoRALinear:merge()
  core.no_grad(function() self.base.weight:add_(self.b:matmul(self.a), self.factor) end)
  self.base:requires_grad_(true)
  return self.base
end

---Replaces parts of the tree for which change(part, name) returns something else.
local function rewrite(module, change, prefix)
  Module.each_member(module, function(container, key, name, part)
    if not Module.is_module(part) then return end
    local new = change(part, prefix .. name)
    if new ~= part then
      rawset(container, key, new)
      rawset(new, "_owner", module)
    else
      rewrite(part, change, prefix .. name .. ".")
    end
  end)
end

---Freezes a network and puts an adapter on each of its linear layers.
---    nn.lora(module, rank, alpha, {only = function(name, linear) return boolean end, generator = nil})
---@param module Module
---@param rank integer
---@param alpha? number default rank; the adapter is scaled alpha / rank
---@param given? {only: function, generator: Generator}
---@return Module module itself, or the adapter if module is a Linear; module:trainable() are the adapters' parameters
function layers.lora(module, rank, alpha, given)
  local o = options("lora", given, { only = false, generator = false })
  if getmetatable(module) == linear.Linear then return LoRALinear(module, rank, alpha, o.generator) end
  module:requires_grad_(false)
  local n = 0
  rewrite(module, function(part, name)
    if getmetatable(part) == LoRALinear then misuse("lora: '%s' has an adapter already; merge_lora first", name) end
    if getmetatable(part) ~= linear.Linear or (o.only and not o.only(name, part)) then return part end
    n = n + 1
    return LoRALinear(part, rank, alpha, o.generator)
  end, "")
  if n == 0 then misuse("lora: %s has no linear layer to adapt", module:describe()) end
  return module
end

---Adds every adapter's product to its layer's weight and removes the adapters; all parameters can be trained again.
---@param module Module
---@return Module module itself, or the Linear if module is an adapter
function layers.merge_lora(module)
  if getmetatable(module) == LoRALinear then return module:merge() end
  rewrite(module, function(part)
    return getmetatable(part) == LoRALinear and part:merge() or part
  end, "")
  return module:requires_grad_(true)
end

return layers
