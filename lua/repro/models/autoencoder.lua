--- The autoencoder whose latents Stable Diffusion models.
--- Source: Rombach et al. 2022, arXiv:2112.10752, sec. 3.1; names of tensors: diffusers, AutoencoderKL.

local Module = require "repro.nn.module"
local conv = require "repro.nn.conv"
local norm = require "repro.nn.norm"
local options = require "repro.options"
local outline = require "repro.models.weights".outline
local parts = require "repro.models.attention"
local resnet = require "repro.models.resnet"

local models = {}

-- x + attention(GroupNorm(x)), one head.
local PixelAttention = Module.class("PixelAttention", parts.Attention)

function PixelAttention:init(d, o)
  self.group_norm = norm.GroupNorm(o.groups, d, { eps = 1e-6 })
  parts.Attention.init(self, d, 1, { bias = true, init = o.init, generator = o.generator })
end

function PixelAttention:forward(x)
  return parts.image(parts.Attention.forward(self, parts.tokens(self.group_norm(x))), x) + x
end

local Middle = Module.class "UNetMidBlock2D"

function Middle:init(d, o)
  self.attentions = { PixelAttention(d, o) }
  self.resnets = { resnet.ResnetBlock(d, d, o), resnet.ResnetBlock(d, d, o) }
end

function Middle:forward(x) return self.resnets[2](self.attentions[1](self.resnets[1](x))) end

local Level = Module.class "AutoencoderLevel"

function Level:init(c_in, c_out, count, sampler, o)
  self.resnets = {}
  for k = 1, count do self.resnets[k] = resnet.ResnetBlock(k == 1 and c_in or c_out, c_out, o) end
  if sampler == "down" then self.downsamplers = { resnet.Downsample(c_out, true, o) } end
  if sampler == "up" then self.upsamplers = { resnet.Upsample(c_out, o) } end
end

function Level:forward(x)
  for _, block in ipairs(self.resnets) do x = block(x) end
  local sampler = self.downsamplers or self.upsamplers
  return sampler and sampler[1](x) or x
end

local Encoder = Module.class "Encoder"

function Encoder:init(s, o, window)
  local channels, n = s.channels, #s.channels
  self.conv_in = conv.Conv2d(s.in_channels, channels[1], 3, window)
  self.down_blocks = {}
  for i = 1, n do self.down_blocks[i] = Level(channels[math.max(i - 1, 1)], channels[i], s.per_level, i < n and "down", o) end
  self.mid_block = Middle(channels[n], o)
  self.conv_norm_out = norm.GroupNorm(s.groups, channels[n], { eps = 1e-6 })
  self.conv_out = conv.Conv2d(channels[n], 2 * s.latent_channels, 3, window)
end

function Encoder:forward(x)
  x = self.conv_in(x)
  for _, level in ipairs(self.down_blocks) do x = level(x) end
  return self.conv_out(self.conv_norm_out(self.mid_block(x)):silu())
end

local Decoder = Module.class "Decoder"

function Decoder:init(s, o, window)
  local channels, n = s.channels, #s.channels
  self.conv_in = conv.Conv2d(s.latent_channels, channels[n], 3, window)
  self.mid_block = Middle(channels[n], o)
  self.up_blocks = {}
  for i = n, 1, -1 do
    self.up_blocks[n + 1 - i] = Level(channels[math.min(i + 1, n)], channels[i], s.per_level + 1, i > 1 and "up", o)
  end
  self.conv_norm_out = norm.GroupNorm(s.groups, channels[1], { eps = 1e-6 })
  self.conv_out = conv.Conv2d(channels[1], s.in_channels, 3, window)
end

function Decoder:forward(z)
  z = self.mid_block(self.conv_in(z))
  for _, level in ipairs(self.up_blocks) do z = level(z) end
  return self.conv_out(self.conv_norm_out(z):silu())
end

---Images to Gaussians over latents, and latents to images.
---    rp.models.AutoencoderKL{in_channels = 3, latent_channels = 4, channels = {128, 256, 512, 512}, per_level = 2,
---                            groups = 32, init = "outline", generator = nil}
---Without arguments that of Stable Diffusion, vae/diffusion_pytorch_model.safetensors.
---@class AutoencoderKL: Module
local AutoencoderKL = Module.class "AutoencoderKL"
models.AutoencoderKL = AutoencoderKL
AutoencoderKL.old_names = {                                  -- of files written before diffusers 0.18
  { "%.query%.", ".to_q." }, { "%.key%.", ".to_k." }, { "%.value%.", ".to_v." }, { "%.proj_attn%.", ".to_out.0." },
}

local defaults = { in_channels = 3, latent_channels = 4, channels = { 128, 256, 512, 512 }, per_level = 2, groups = 32,
                   init = "outline", generator = false }

function AutoencoderKL:init(given)
  local s = options("AutoencoderKL", given, defaults)
  local w = { init = outline(s.init), generator = s.generator }
  local window = { padding = 1, init = w.init, generator = w.generator }
  local o = { groups = s.groups, eps = 1e-6, init = w.init, generator = w.generator }
  self.factor, self.latent_channels = 1 << (#s.channels - 1), s.latent_channels
  self.encoder = Encoder(s, o, window)
  self.decoder = Decoder(s, o, window)
  self.quant_conv = conv.Conv2d(2 * s.latent_channels, 2 * s.latent_channels, 1, w)
  self.post_quant_conv = conv.Conv2d(s.latent_channels, s.latent_channels, 1, w)
end

---@param x Tensor (B, in_channels, H, W) in [-1, 1]
---@return Tensor mean (B, latent_channels, H / factor, W / factor)
---@return Tensor log_var of the same shape, clamped to [-30, 20]
function AutoencoderKL:encode(x)
  local mean, log_var = self.quant_conv(self.encoder(x)):chunk(2, 2)
  return mean, log_var:clamp(-30, 20)
end

---@param z Tensor (B, latent_channels, h, w)
---@return Tensor (B, in_channels, factor h, factor w)
function AutoencoderKL:decode(z) return self.decoder(self.post_quant_conv(z)) end

---@param x Tensor
---@return Tensor the decoded mean
function AutoencoderKL:forward(x) return self:decode((self:encode(x))) end

return models
