--- Wide residual networks.

local Module = require "repro.nn.module"
local conv = require "repro.nn.conv"
local embedding = require "repro.nn.embedding"
local linear = require "repro.nn.linear"
local misuse = require "repro.misuse"
local norm = require "repro.nn.norm"
local options = require "repro.options"
local residual = require "repro.nn.residual"

local layers = {}

local function normalisation(channels, o)
  if o.norm == "batch" then return norm.BatchNorm(channels) end
  if o.norm == "group" then return norm.GroupNorm(residual.group_count(channels, o.groups), channels) end
  misuse('WideResNet: norm must be "batch" or "group", got %s', tostring(o.norm))
end

local function convolution(c_in, c_out, kernel, stride, o)
  return conv.Conv2d(c_in, c_out, kernel, { stride = stride, padding = kernel // 2, bias = false, init = "he",
                                            generator = o.generator })
end

-- y = S(x) + conv2(relu(N(conv1(relu(N(x))) + W e))), conv1 with the stride; where widths differ S is a 1x1 convolution of
-- relu(N(x)), else x.
local Block = Module.class "WideBlock"

function Block:init(c_in, c_out, stride, o)
  self.norm1 = normalisation(c_in, o)
  self.conv1 = convolution(c_in, c_out, 3, stride, o)
  if o.time then self.add = linear.Linear(o.embedding, c_out, { generator = o.generator }) end
  self.norm2 = normalisation(c_out, o)
  self.conv2 = convolution(c_out, c_out, 3, 1, o)
  if c_in ~= c_out then self.skip = convolution(c_in, c_out, 1, stride, o) end
end

function Block:forward(x, e)
  local h = self.norm1(x):relu()
  local y = self.conv1(h)
  if self.add then y = y + self.add(e):unsqueeze(3):unsqueeze(4) end
  y = self.conv2(self.norm2(y):relu())
  return y + (self.skip and self.skip(h) or x)
end

---WRN-depth-widen: a 3x3 convolution, three groups of (depth - 4)/6 residual blocks with 16, 32 and 64 times `widen` channels,
---the second and third at half the size of the one before, a norm, the mean over pixels and, with `output`, a dense layer.
---    nn.WideResNet{depth = 28, widen = 2, n_in = 3, output = nil, norm = "batch"|"group", groups = 8,
---                  time = nil|"sinusoidal"|"fourier", time_scale = 1, embedding = 64, features = 16, generator = nil}
---norm = "group" makes what an image gives independent of the others of its batch.  With `time` an embedding of t is added to the
---channels between the two convolutions of each block.
---Source: Zagoruyko, Komodakis 2016, arXiv:1605.07146, sec. 2, table 1.
---@class WideResNet: Module
local WideResNet = Module.class "WideResNet"
layers.WideResNet = WideResNet

function WideResNet:init(given)
  local o = options("WideResNet", given, { depth = 28, widen = 2, n_in = 3, output = false, norm = "batch", groups = 8,
    time = false, time_scale = 1, embedding = 64, features = 16, generator = false })
  if (o.depth - 4) % 6 ~= 0 or o.depth < 10 then
    misuse("WideResNet: depth %s is not 6 n + 4 with n at least 1, such as 10, 16, 22, 28 or 40", o.depth)
  end
  if o.time then
    self.waves = embedding.TimeEmbedding(o.embedding, { features = o.features, kind = o.time, scale = o.time_scale,
                                                        generator = o.generator })
  end
  self.first = convolution(o.n_in, 16, 3, 1, o)
  self.blocks = {}
  local c = 16
  for group = 1, 3 do
    local width = (8 << group) * o.widen
    for i = 1, (o.depth - 4) // 6 do
      self.blocks[#self.blocks + 1] = Block(c, width, i == 1 and group > 1 and 2 or 1, o)
      c = width
    end
  end
  self.norm = normalisation(c, o)
  if o.output then self.last = linear.Linear(c, o.output, { generator = o.generator }) end
end

---@param x Tensor (B, n_in, H, W)
---@param t? Tensor (B), where the network depends on time
---@return Tensor (B, output), or (B, 64 widen) without `output`
function WideResNet:forward(x, t)
  local e = self.waves and self.waves(t):silu()
  local h = self.first(x)
  for _, block in ipairs(self.blocks) do h = block(h, e) end
  h = self.norm(h):relu():mean({ 3, 4 })
  return self.last and self.last(h) or h
end

return layers
