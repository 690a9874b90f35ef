--- Convolutional U-Net with time and condition embeddings, and its down-sampling half as an encoder.
--- Sources: Ronneberger et al. 2015, arXiv:1505.04597; Ho et al. 2020, arXiv:2006.11239, app. B; Song et al. 2021,
--- arXiv:2011.13456, app. H (skip_scale 1/sqrt 2, "DDPM++").

local Module = require "repro.nn.module"
local attention = require "repro.nn.attention"
local conv = require "repro.nn.conv"
local core = require "repro.core"
local embedding = require "repro.nn.embedding"
local linear = require "repro.nn.linear"
local norm = require "repro.nn.norm"
local residual = require "repro.nn.residual"
local misuse = require "repro.misuse"
local options = require "repro.options"

local layers = {}

---x + attention over the pixels of GN(x), its last layer 0 at first.
---    nn.SpatialAttention(channels, {heads = 1, groups = 32, skip_scale = 1, generator = nil})
---@class SpatialAttention: Module
local SpatialAttention = Module.class "SpatialAttention"
layers.SpatialAttention = SpatialAttention

function SpatialAttention:init(channels, given)
  local o = options("SpatialAttention", given, { heads = 1, groups = 32, skip_scale = 1, generator = false })
  self.norm = norm.GroupNorm(residual.group_count(channels, o.groups), channels)
  self.attention = attention.MultiheadAttention(channels, o.heads, { last_init = "zeros", generator = o.generator })
  self.skip_scale = o.skip_scale
end

---@param x Tensor (B, C, H, W)
---@return Tensor (B, C, H, W)
function SpatialAttention:forward(x)
  local shape = x.shape
  local tokens = self.norm(x):reshape(shape[1], shape[2], -1):transpose(2, 3)
  local y = x + self.attention(tokens):transpose(2, 3):reshape(shape)
  return self.skip_scale == 1 and y or y * self.skip_scale
end

---A residual block followed, where asked, by attention.
---@class Stage: Module
local Stage = Module.class "Stage"

function Stage:init(c_in, c_out, has_attention, o)
  self.block = residual.ResidualConv(c_in, c_out, { condition = o.width, modulate = o.modulate, groups = o.groups,
    dropout = o.dropout, skip_scale = o.skip_scale, generator = o.generator })
  if has_attention then
    self.attention = SpatialAttention(c_out, { heads = o.heads, groups = o.groups, skip_scale = o.skip_scale,
                                               generator = o.generator })
  end
end

function Stage:forward(x, e)
  x = self.block(x, e)
  return self.attention and self.attention(x) or x
end

local function contains(list, value)
  for _, v in ipairs(list) do
    if v == value then return true end
  end
  return false
end

---The down-sampling half: a first convolution, then per resolution `blocks` stages and, but for the last, a convolution
---with stride 2.  Keeps in `widths` the channels of every map that it returns.
---@class DownPath: Module
local DownPath = Module.class "DownPath"

function DownPath:init(o)
  local c, resolution = o.channels * o.multipliers[1], o.size
  self.first = conv.Conv2d(o.n_in, c, 3, { padding = 1, generator = o.generator })
  self.levels = {}
  self.halvings = {}
  self.widths = { c }
  for level, multiplier in ipairs(o.multipliers) do
    self.levels[level] = {}
    for i = 1, o.blocks do
      self.levels[level][i] = Stage(c, o.channels * multiplier, contains(o.attention, resolution), o)
      c = o.channels * multiplier
      self.widths[#self.widths + 1] = c
    end
    if level < #o.multipliers then
      self.halvings[level] = conv.Conv2d(c, c, 3, { stride = 2, padding = 1, generator = o.generator })
      self.widths[#self.widths + 1] = c
      resolution = resolution // 2
    end
  end
  self.n_out, self.resolution = c, resolution
end

---@return Tensor h the map of lowest resolution
---@return Tensor[] skips every map on the way, h included
function DownPath:forward(x, e)
  local h = self.first(x)
  local skips = { h }
  for level, stages in ipairs(self.levels) do
    for _, stage in ipairs(stages) do
      h = stage(h, e)
      skips[#skips + 1] = h
    end
    if self.halvings[level] then
      h = self.halvings[level](h)
      skips[#skips + 1] = h
    end
  end
  return h, skips
end

---Options that the U-Net and its encoder share.
local shared = { n_in = 3, size = 32, channels = 64, multipliers = { 1, 2, 2 }, blocks = 2, attention = {}, heads = 1,
  embedding = false, condition = false, time = "sinusoidal", time_scale = false, modulate = "film", groups = 32,
  dropout = 0, skip_scale = 1, generator = false }

local function with(defaults, more)
  local merged = {}
  for key, value in pairs(defaults) do merged[key] = value end
  for key, value in pairs(more) do merged[key] = value end
  return merged
end

local function check_size(who, o)
  local factor = 1 << (#o.multipliers - 1)
  if o.size % factor ~= 0 then
    misuse("%s: a size of %d cannot be halved %d times; pad the images to a multiple of %d", who, o.size,
           #o.multipliers - 1, factor)
  end
end

---The embedding of time and condition that every stage receives.
---@class StageEmbedding: Module
local StageEmbedding = Module.class "StageEmbedding"

function StageEmbedding:init(o)
  self.width = o.width
  if o.time then
    self.time = embedding.TimeEmbedding(o.width, { features = o.channels, kind = o.time, scale = o.time_scale,
                                                   generator = o.generator })
  end
  if o.condition then self.condition = linear.Linear(o.condition, o.width, { generator = o.generator }) end
end

---@return Tensor? (B, width), nil if there is neither time nor condition
function StageEmbedding:forward(t, condition)
  local e = self.time and self.time(t)
  if self.condition and condition then
    local c = self.condition(condition)
    e = e and e + c or c
  end
  return e and e:silu()
end

---U-Net.
---    nn.UNet{n_in = 3, n_out = n_in, size = 32, channels = 64, multipliers = {1, 2, 2}, blocks = 2, attention = {16},
---            heads = 1, embedding = 4 channels, condition = nil, time = "sinusoidal"|"fourier", time_scale = nil,
---            modulate = "film"|"add", groups = 32, dropout = 0, skip_scale = 1, generator = nil}
---attention lists the resolutions that get it; condition is the width of a vector embedded linearly and added to the
---embedding of time.
---@class UNet: Module
local UNet = Module.class "UNet"
layers.UNet = UNet

function UNet:init(given)
  local o = options("UNet", given, with(shared, { n_out = false }))
  check_size("UNet", o)
  o.width = o.embedding or 4 * o.channels
  self.size = o.size
  self.embedding = StageEmbedding(o)
  self.down = DownPath(o)
  self.middle1 = Stage(self.down.n_out, self.down.n_out, true, o)
  self.middle2 = Stage(self.down.n_out, self.down.n_out, false, o)
  self:init_up(o)
  self.norm = norm.GroupNorm(residual.group_count(self.up_width, o.groups), self.up_width)
  self.last = conv.Conv2d(self.up_width, o.n_out or o.n_in, 3, { padding = 1, init = "zeros" })
end

-- One more stage per resolution than on the way down: each takes one of the maps kept there.
function UNet:init_up(o)
  local c, resolution, next_skip = self.down.n_out, self.down.resolution, #self.down.widths
  self.levels = {}
  self.doublings = {}
  for level = #o.multipliers, 1, -1 do
    local stages = {}
    for i = 1, o.blocks + 1 do
      local width = o.channels * o.multipliers[level]
      stages[i] = Stage(c + self.down.widths[next_skip], width, contains(o.attention, resolution), o)
      c, next_skip = width, next_skip - 1
    end
    self.levels[#self.levels + 1] = stages
    if level > 1 then
      self.doublings[#self.doublings + 1] = conv.Conv2d(c, c, 3, { padding = 1, generator = o.generator })
      resolution = resolution * 2
    end
  end
  self.up_width = c
end

---@param x Tensor (B, n_in, size, size)
---@param t Tensor (B)
---@param condition? Tensor (B, condition)
---@return Tensor out (B, n_out, size, size)
---@return Tensor middle (B, C, h, w): the map of lowest resolution after the middle stages
function UNet:forward(x, t, condition)
  self:expect(x, 3, self.size)
  local e = self.embedding(t, condition)
  local h, skips = self.down(x, e)
  h = self.middle2(self.middle1(h, e), e)
  local middle, top = h, #skips
  for level, stages in ipairs(self.levels) do
    for _, stage in ipairs(stages) do
      h = stage(core.concat(2, h, skips[top]), e)
      top = top - 1
    end
    if self.doublings[level] then h = self.doublings[level](h:upsample_nearest(2)) end
  end
  return self.last(self.norm(h):silu()), middle
end

---The down-sampling half of a U-Net and dense layers to a code.
---    nn.ConvEncoder{output = 128, hidden = 256, time = nil, ... as UNet}
---With time = "sinusoidal" it takes a time as well.  Source of the use: Abstreiter et al. 2021 (diffusion based
---representation learning, arXiv:2105.14257), app. E: three dense layers.
---@class ConvEncoder: Module
local ConvEncoder = Module.class "ConvEncoder"
layers.ConvEncoder = ConvEncoder

function ConvEncoder:init(given)
  local o = options("ConvEncoder", given, with(shared, { output = 128, hidden = 256, time = false }))
  check_size("ConvEncoder", o)
  local embedded = o.time or o.condition
  o.width = embedded and (o.embedding or 4 * o.channels) or false
  if embedded then self.embedding = StageEmbedding(o) end
  self.down = DownPath(o)
  self.norm = norm.GroupNorm(residual.group_count(self.down.n_out, o.groups), self.down.n_out)
  local n = self.down.n_out * self.down.resolution * self.down.resolution
  self.dense = linear.MLP({ n, o.hidden, o.hidden, o.output }, { activation = "silu", generator = o.generator })
end

---@param x Tensor (B, n_in, size, size)
---@param t? Tensor (B)
---@param condition? Tensor (B, condition)
---@return Tensor (B, output)
function ConvEncoder:forward(x, t, condition)
  local e = self.embedding and self.embedding(t, condition)
  return self.dense(self.norm((self.down(x, e))):silu():flatten(2))
end

return layers
