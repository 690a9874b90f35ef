--- Normalising layers.

local Module = require "repro.nn.module"
local core = require "repro.core"
local misuse = require "repro.misuse"
local options = require "repro.options"

local layers = {}

-- A scale of 1 and a shift of 0, which training changes.
local function init_affine(self, shape)
  self.weight = core.ones(shape):requires_grad_()
  self.bias = core.zeros(shape):requires_grad_()
end

---y = (x - mean) / sqrt(var + eps) weight + bias over the last dimensions.
---    nn.LayerNorm(shape, {eps = 1e-5, affine = true}), shape a number or a list.
---Source: Ba, Kiros, Hinton 2016, arXiv:1607.06450.
---@class LayerNorm: Module
local LayerNorm = Module.class "LayerNorm"
layers.LayerNorm = LayerNorm

function LayerNorm:init(shape, given)
  local o = options("LayerNorm", given, { eps = 1e-5, affine = true })
  self.shape = type(shape) == "table" and shape or { shape }
  self.eps, self.n_dims, self.width = o.eps, #self.shape, self.shape[#self.shape]
  if o.affine then init_affine(self, self.shape) end
end

function LayerNorm:extra() return table.concat(self.shape, "x") end

function LayerNorm:forward(x)
  self:expect(x, -1, self.width)
  return x:layer_norm(self.n_dims, self.weight, self.bias, self.eps)
end

---y = x / sqrt(mean x^2 + eps) weight over the last dimension.  Source: Zhang, Sennrich 2019, arXiv:1910.07467, eq. 4.
---    nn.RMSNorm(d, {eps = 1e-6, affine = true})
---@class RMSNorm: Module
local RMSNorm = Module.class "RMSNorm"
layers.RMSNorm = RMSNorm

function RMSNorm:init(d, given)
  local o = options("RMSNorm", given, { eps = 1e-6, affine = true })
  self.width, self.eps = d, o.eps
  if o.affine then self.weight = core.ones(d):requires_grad_() end
end

function RMSNorm:extra() return tostring(self.width) end

function RMSNorm:forward(x)
  self:expect(x, -1, self.width)
  local y = x * (x:square():mean(-1, true) + self.eps):rsqrt()
  return self.weight and y * self.weight or y
end

---Standardised over groups of channels of each example.  Source: Wu, He 2018, arXiv:1803.08494.
---    nn.GroupNorm(groups, channels, {eps = 1e-5, affine = true})
---@class GroupNorm: Module
local GroupNorm = Module.class "GroupNorm"
layers.GroupNorm = GroupNorm

function GroupNorm:init(groups, channels, given)
  local o = options("GroupNorm", given, { eps = 1e-5, affine = true })
  if channels % groups ~= 0 then misuse("GroupNorm: %d channels cannot form %d equal groups", channels, groups) end
  self.groups, self.channels, self.eps = groups, channels, o.eps
  if o.affine then init_affine(self, { channels }) end
end

function GroupNorm:extra() return self.groups .. " groups of " .. self.channels // self.groups end

function GroupNorm:forward(x)
  self:expect(x, 2, self.channels)
  return x:group_norm(self.groups, self.weight, self.bias, self.eps)
end

---Standardised per channel: by the batch while training, by running statistics otherwise.  For (B, C) and (B, C, ...).
---    nn.BatchNorm(channels, {eps = 1e-5, momentum = 0.1, affine = true})
---Source: Ioffe, Szegedy 2015, arXiv:1502.03167.
---@class BatchNorm: Module
local BatchNorm = Module.class "BatchNorm"
layers.BatchNorm = BatchNorm

function BatchNorm:init(channels, given)
  local o = options("BatchNorm", given, { eps = 1e-5, momentum = 0.1, affine = true })
  self.channels, self.eps, self.momentum = channels, o.eps, o.momentum
  if o.affine then init_affine(self, { channels }) end
  self:buffer("running_mean", core.zeros(channels))
  self:buffer("running_var", core.ones(channels))
end

function BatchNorm:extra() return tostring(self.channels) end

function BatchNorm:forward(x)
  self:expect(x, 2, self.channels)
  return x:batch_norm(self.running_mean, self.running_var, self.weight, self.bias, self.training, self.momentum,
                      self.eps)
end

return layers
