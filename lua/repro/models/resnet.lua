--- Residual blocks, halving and doubling of Stable Diffusion's networks; names of tensors: diffusers.

local Module = require "repro.nn.module"
local conv = require "repro.nn.conv"
local linear = require "repro.nn.linear"
local norm = require "repro.nn.norm"

local layers = {}

---y = shortcut(x) + conv2(silu(norm2(conv1(silu(norm1(x))) + W silu(e)))), shortcut a 1x1 convolution where channels change.
---Source: Rombach et al. 2022, arXiv:2112.10752, appendix E; Ho et al. 2020.
---    ResnetBlock(c_in, c_out, {groups, eps, time = width of e or nil, init, generator})
---@class ResnetBlock2D: Module
local ResnetBlock = Module.class "ResnetBlock2D"
layers.ResnetBlock = ResnetBlock

function ResnetBlock:init(c_in, c_out, o)
  local window = { padding = 1, init = o.init, generator = o.generator }
  self.norm1 = norm.GroupNorm(o.groups, c_in, { eps = o.eps })
  self.conv1 = conv.Conv2d(c_in, c_out, 3, window)
  if o.time then self.time_emb_proj = linear.Linear(o.time, c_out, { init = o.init, generator = o.generator }) end
  self.norm2 = norm.GroupNorm(o.groups, c_out, { eps = o.eps })
  self.conv2 = conv.Conv2d(c_out, c_out, 3, window)
  if c_in ~= c_out then self.conv_shortcut = conv.Conv2d(c_in, c_out, 1, { init = o.init, generator = o.generator }) end
end

---@param x Tensor (B, c_in, H, W)
---@param e? Tensor (B, time)
---@return Tensor (B, c_out, H, W)
function ResnetBlock:forward(x, e)
  local y = self.conv1(self.norm1(x):silu())
  if e then y = y + self.time_emb_proj(e:silu()):unsqueeze(3):unsqueeze(4) end
  y = self.conv2(self.norm2(y):silu())
  return (self.conv_shortcut and self.conv_shortcut(x) or x) + y
end

---Half the size by a 3x3 convolution; one_sided pads right and below only, as the autoencoder does.
---@class Downsample2D: Module
local Downsample = Module.class "Downsample2D"
layers.Downsample = Downsample

function Downsample:init(channels, one_sided, o)
  self.one_sided = one_sided
  self.conv = conv.Conv2d(channels, channels, 3, { stride = 2, padding = one_sided and 0 or 1, init = o.init,
                                                   generator = o.generator })
end

function Downsample:forward(x)
  return self.conv(self.one_sided and x:pad { 0, 1, 0, 1 } or x)
end

---Twice the size by repetition, then a 3x3 convolution.
---@class Upsample2D: Module
local Upsample = Module.class "Upsample2D"
layers.Upsample = Upsample

function Upsample:init(channels, o)
  self.conv = conv.Conv2d(channels, channels, 3, { padding = 1, init = o.init, generator = o.generator })
end

function Upsample:forward(x) return self.conv(x:upsample_nearest(2)) end

return layers
