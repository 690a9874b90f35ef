--- A latent diffusion model as one denoiser of flat vectors, in the form that losses and samplers of this package take.

local Module = require "repro.nn.module"
local misuse = require "repro.misuse"
local options = require "repro.options"

local models = {}

---The autoencoder's latents, scaled and flattened, and the network that denoises them.
---    rp.models.LatentDiffusion{unet = nil, vae = nil, size = 64, scale = 0.18215}
---size is the side of the latent maps, scale what makes their standard deviation about 1 (Rombach et al. 2022, appendix G).
---Stable Diffusion 2.1 goes with rp.diffusion.VP{steps = 1000, schedule = "scaled_linear", predict = "v"}, whose times count
---from 1: 1 is time 0 of the network.
---@class LatentDiffusion: Module
local LatentDiffusion = Module.class "LatentDiffusion"
models.LatentDiffusion = LatentDiffusion

function LatentDiffusion:init(given)
  local o = options("LatentDiffusion", given, { unet = false, vae = false, size = 64, scale = 0.18215 })
  if not (o.unet and o.vae) then misuse "LatentDiffusion: give {unet = ..., vae = ...}" end
  if o.size % o.unet.factor ~= 0 then
    misuse("LatentDiffusion: latents of side %d cannot be halved to 1/%d by the network; the nearest sides are %d and %d", o.size,
      o.unet.factor, o.size // o.unet.factor * o.unet.factor, (o.size // o.unet.factor + 1) * o.unet.factor)
  end
  self.unet, self.vae = o.unet, o.vae
  self.size, self.scale, self.channels = o.size, o.scale, o.vae.latent_channels
  self.width = self.channels * o.size * o.size
end

---scale mean, or with a generator scale (mean + e^(log_var / 2) n), n ~ N(0, I).
---@param x Tensor (B, 3, H, W) in [-1, 1], H = W = size times the autoencoder's factor
---@param generator? Generator
---@return Tensor (B, width)
function LatentDiffusion:encode(x, generator)
  local side = self.size * self.vae.factor
  self:expect(x, 3, side)
  self:expect(x, 4, side)
  local z, log_var = self.vae:encode(x)
  if generator then z = z + (log_var / 2):exp() * generator:randn(z.shape) end
  return z:reshape(x:size(1), self.width) * self.scale
end

---@param z Tensor (B, width)
---@return Tensor (B, 3, H, W)
function LatentDiffusion:decode(z)
  return self.vae:decode((z / self.scale):reshape(z:size(1), self.channels, self.size, self.size))
end

---@param x Tensor (B, width) noisy latents
---@param t Tensor (B) int, 1 .. 1000
---@param c Tensor (B, context), one token, or (B, L, context)
---@return Tensor (B, width) what the network predicts
function LatentDiffusion:forward(x, t, c)
  self:expect(x, 2, self.width)
  local map = x:reshape(x:size(1), self.channels, self.size, self.size)
  return self.unet(map, t - 1, c.ndim == 2 and c:unsqueeze(2) or c):reshape(x.shape)
end

return models
