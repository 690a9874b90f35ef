--- The denoiser of Stable Diffusion.
--- Source: Rombach et al. 2022, arXiv:2112.10752, sec. 3.3 and appendix E; names of tensors: diffusers, UNet2DConditionModel.

local Module = require "repro.nn.module"
local conv = require "repro.nn.conv"
local core = require "repro.core"
local linear = require "repro.nn.linear"
local misuse = require "repro.misuse"
local norm = require "repro.nn.norm"
local options = require "repro.options"
local outline = require "repro.models.weights".outline
local parts = require "repro.models.attention"
local resnet = require "repro.models.resnet"

local models = {}

------------------------------------------------------------------------------------------- transformer

-- a * gelu(b), (a, b) = W x.  Source: Shazeer 2020, arXiv:2002.05202, sec. 2.
local GEGLU = Module.class "GEGLU"

function GEGLU:init(d, hidden, o) self.proj = linear.Linear(d, 2 * hidden, o) end

function GEGLU:forward(x)
  local a, b = self.proj(x):chunk(2, -1)
  return a * b:gelu()
end

local FeedForward = Module.class "FeedForward"

function FeedForward:init(d, o)
  self.net = { GEGLU(d, 4 * d, o), false, linear.Linear(4 * d, d, o) }          -- the published list has dropout between
end

function FeedForward:forward(x) return self.net[3](self.net[1](x)) end

-- Attention among the pixels, attention to the condition, a feed-forward part; each on a norm and added.
local TransformerBlock = Module.class "BasicTransformerBlock"

function TransformerBlock:init(d, heads, o)
  self.norm1 = norm.LayerNorm(d)
  self.attn1 = parts.Attention(d, heads, { init = o.init, generator = o.generator })
  self.norm2 = norm.LayerNorm(d)
  self.attn2 = parts.Attention(d, heads, { context = o.context, init = o.init, generator = o.generator })
  self.norm3 = norm.LayerNorm(d)
  self.ff = FeedForward(d, { init = o.init, generator = o.generator })
end

function TransformerBlock:forward(x, c)
  x = x + self.attn1(self.norm1(x))
  x = x + self.attn2(self.norm2(x), c)
  return x + self.ff(self.norm3(x))
end

local Transformer = Module.class "Transformer2DModel"

function Transformer:init(d, heads, o)
  local w = { init = o.init, generator = o.generator }
  self.norm = norm.GroupNorm(o.groups, d, { eps = 1e-6 })
  self.proj_in = linear.Linear(d, d, w)
  self.transformer_blocks = { TransformerBlock(d, heads, o) }
  self.proj_out = linear.Linear(d, d, w)
end

function Transformer:forward(x, c)
  local y = self.proj_in(parts.tokens(self.norm(x)))
  for _, block in ipairs(self.transformer_blocks) do y = block(y, c) end
  return parts.image(self.proj_out(y), x) + x
end

------------------------------------------------------------------------------------------------- levels

-- Residual blocks, each followed by a transformer where `heads` is given, then half or twice the size.
local Level = Module.class "UNetLevel"

function Level:init(widths, heads, sampler, o)               -- widths = {{c_in, c_out}, ...}
  self.resnets, self.attentions = {}, {}
  for i, pair in ipairs(widths) do
    self.resnets[i] = resnet.ResnetBlock(pair[1], pair[2], o)
    if heads then self.attentions[i] = Transformer(pair[2], heads, o) end
  end
  local last = widths[#widths][2]
  if sampler == "down" then self.downsamplers = { resnet.Downsample(last, false, o) } end
  if sampler == "up" then self.upsamplers = { resnet.Upsample(last, o) } end
end

function Level:block(i, x, e, c)
  x = self.resnets[i](x, e)
  return self.attentions[i] and self.attentions[i](x, c) or x
end

function Level:down(x, e, c, kept)                           -- keeps what the way up will need
  for i = 1, #self.resnets do
    x = self:block(i, x, e, c)
    kept[#kept + 1] = x
  end
  if self.downsamplers then
    x = self.downsamplers[1](x)
    kept[#kept + 1] = x
  end
  return x
end

function Level:up(x, e, c, kept)
  for i = 1, #self.resnets do x = self:block(i, core.concat(2, x, table.remove(kept)), e, c) end
  return self.upsamplers and self.upsamplers[1](x) or x
end

local Middle = Module.class "UNetMidBlock2DCrossAttn"

function Middle:init(d, heads, o)
  self.attentions = { Transformer(d, heads, o) }
  self.resnets = { resnet.ResnetBlock(d, d, o), resnet.ResnetBlock(d, d, o) }
end

function Middle:forward(x, e, c)
  return self.resnets[2](self.attentions[1](self.resnets[1](x, e), c), e)
end

local TimeEmbedding = Module.class "TimestepEmbedding"

function TimeEmbedding:init(d_in, d, o)
  self.linear_1 = linear.Linear(d_in, d, o)
  self.linear_2 = linear.Linear(d, d, o)
end

function TimeEmbedding:forward(x) return self.linear_2(self.linear_1(x):silu()) end

----------------------------------------------------------------------------------------------- the whole

local function down_widths(channels, i, per_level)
  local list = {}
  for k = 1, per_level do list[k] = { k == 1 and channels[math.max(i - 1, 1)] or channels[i], channels[i] } end
  return list
end

-- The way up joins to each input what the way down kept: the same level's outputs, at last the one that came into it.
local function up_widths(channels, i, per_level)
  local out, before, list = channels[i], channels[math.min(i + 1, #channels)], {}
  for k = 1, per_level + 1 do
    local kept = k == per_level + 1 and channels[math.max(i - 1, 1)] or out
    list[k] = { (k == 1 and before or out) + kept, out }
  end
  return list
end

-- w_i = 10000^(-(i - 1) / n).
local function frequencies(n)
  local list = {}
  for i = 1, n do list[i] = core.math.exp(-core.math.log(10000) * (i - 1) / n) end
  return core.tensor(list, "float64")
end

---A convolutional network with skips, attention among pixels and to a condition.
---    rp.models.UNet2DConditionModel{in_channels = 4, out_channels = 4, channels = {320, 640, 1280, 1280},
---        heads = {5, 10, 20, 20}, per_level = 2, context = 1024, groups = 32, init = "outline", generator = nil}
---Without arguments that of Stable Diffusion 2.1, unet/diffusion_pytorch_model.safetensors.  All levels but the last attend.
---@class UNet2DConditionModel: Module
local UNet = Module.class "UNet2DConditionModel"
models.UNet2DConditionModel = UNet

local defaults = { in_channels = 4, out_channels = 4, channels = { 320, 640, 1280, 1280 }, heads = { 5, 10, 20, 20 },
                   per_level = 2, context = 1024, groups = 32, init = "outline", generator = false }

function UNet:init(given)
  local s = options("UNet2DConditionModel", given, defaults)
  local channels, heads, n = s.channels, s.heads, #s.channels
  if #heads ~= n then misuse("UNet2DConditionModel: %d levels and %d numbers of heads", n, #heads) end
  local w = { init = outline(s.init), generator = s.generator }
  local window = { padding = 1, init = w.init, generator = w.generator }
  local o = { groups = s.groups, eps = 1e-5, time = 4 * channels[1], context = s.context, init = w.init, generator = w.generator }
  self.context, self.factor = s.context, 1 << (n - 1)
  rawset(self, "frequencies", frequencies(channels[1] // 2))                      -- no part: files have no such tensor
  self.conv_in = conv.Conv2d(s.in_channels, channels[1], 3, window)
  self.time_embedding = TimeEmbedding(channels[1], 4 * channels[1], w)
  self.down_blocks, self.up_blocks = {}, {}
  for i = 1, n do
    self.down_blocks[i] = Level(down_widths(channels, i, s.per_level), i < n and heads[i], i < n and "down", o)
  end
  for i = n, 1, -1 do
    self.up_blocks[n + 1 - i] = Level(up_widths(channels, i, s.per_level), i < n and heads[i], i > 1 and "up", o)
  end
  self.mid_block = Middle(channels[n], heads[n], o)
  self.conv_norm_out = norm.GroupNorm(s.groups, channels[1], { eps = 1e-5 })
  self.conv_out = conv.Conv2d(channels[1], s.out_channels, 3, window)
end

---@param x Tensor (B, in_channels, H, W); H and W divide by 2 for each level but one
---@param t Tensor (B) times, 0 (cleanest) .. 999
---@param c Tensor (B, L, context)
---@return Tensor (B, out_channels, H, W)
function UNet:forward(x, t, c)
  self:expect(c, 3, self.context)
  if x:size(3) % self.factor ~= 0 or x:size(4) % self.factor ~= 0 then
    misuse("%s: an input of %dx%d cannot be halved %d times", self:describe(), x:size(3), x:size(4), #self.down_blocks - 1)
  end
  local angle = t:to("float64"):reshape(-1, 1) * self.frequencies
  local e = self.time_embedding(core.concat(2, angle:cos(), angle:sin()):to(x.dtype))
  x = self.conv_in(x)
  local kept = { x }
  for _, level in ipairs(self.down_blocks) do x = level:down(x, e, c, kept) end
  x = self.mid_block(x, e, c)
  for _, level in ipairs(self.up_blocks) do x = level:up(x, e, c, kept) end
  return self.conv_out(self.conv_norm_out(x):silu())
end

return models
