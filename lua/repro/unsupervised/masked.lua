--- Reconstruction of what is hidden.

local Module = require "repro.nn.module"
local misuse = require "repro.misuse"
local options = require "repro.options"

local masked = {}

---Masked autoencoder: a share of the patches of an image is hidden, that is, set to `fill`, and the loss is that of the hidden
---pixels alone,
---    L = sum_(hidden) |x - D(E(x with patches hidden))|^2 / (hidden pixels times channels).
---The code of an image is that of the whole image.  The encoder is any network; it sees hidden patches as such.
---EQ: He et al. 2022, arXiv:2111.06377, sec. 3
---    unsupervised.MaskedAE(encoder, decoder, {patch = 4, ratio = 0.5, fill = 0})
---@class MaskedAE: Module
local MaskedAE = Module.class "MaskedAE"
masked.MaskedAE = MaskedAE

function MaskedAE:init(encoder, decoder, given)
  self.o = options("MaskedAE", given, { patch = 4, ratio = 0.5, fill = 0 })
  if not (self.o.ratio > 0 and self.o.ratio < 1) then
    misuse("MaskedAE: ratio %s is not between 0 and 1", tostring(self.o.ratio))
  end
  self.encoder = encoder
  self.decoder = decoder
end

---@param x Tensor (B, C, H, W)
---@return Tensor (B, c)
function MaskedAE:encode(x) return self.encoder(x) end

---1 where a pixel is hidden: round(ratio n) of the n patches of each image.
---@param x Tensor (B, C, H, W)
---@param g Generator
---@return Tensor (B, 1, H, W)
function MaskedAE:mask(x, g)
  local b, _, h, w = table.unpack(x.shape)
  local p = self.o.patch
  if h % p ~= 0 or w % p ~= 0 then misuse("MaskedAE: images of %dx%d do not divide into patches of %d", h, w, p) end
  local n = (h // p) * (w // p)
  local least = math.max(1, math.min(n - 1, math.floor(self.o.ratio * n + 0.5)))
  local rank = g:rand(b, n):argsort(2):argsort(2)
  return rank:le(least):to(x.dtype):reshape(b, 1, h // p, w // p):upsample_nearest(p)
end

---@param x Tensor (B, C, H, W)
---@param g Generator
---@return Tensor scalar
function MaskedAE:loss(x, g)
  local hidden = self:mask(x, g)
  local y = self.decoder(self.encoder(x * (1 - hidden) + hidden * self.o.fill))
  if y:numel() ~= x:numel() then
    misuse("MaskedAE: the decoder gives %d numbers for an image of %d", y:numel() // x:size(1), x:numel() // x:size(1))
  end
  return ((y:reshape(x.shape) - x):square() * hidden):sum() / (hidden:sum() * x:size(2))
end

return masked
