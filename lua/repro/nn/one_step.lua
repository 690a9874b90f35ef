--- A diffusion transformer that makes an image in one step.

local DiT = require("repro.nn.dit").DiT
local Module = require "repro.nn.module"
local linear = require "repro.nn.linear"
local misuse = require "repro.misuse"

local layers = {}

---u_1 = g(u_0, class, alpha, style): the network of nn.DiT, whose time is the strength alpha of guidance, with style codes:
---some entries of a codebook, drawn at random, whose mean joins the embedding.
---    nn.OneStepDiT{styles = 64, style_codes = 32, and what nn.DiT takes}
---Its blocks are modulated by  time(alpha) + label(class) + mean_k codebook(style_k).  The codebook is N(0, 0.02^2) at first.
---Unlike a denoiser's, the last layer must not be 0 at first, or no noise would come through: it is Xavier uniform.
---@class OneStepDiT: DiT
local OneStepDiT = Module.class("OneStepDiT", DiT)
layers.OneStepDiT = OneStepDiT

function OneStepDiT:init(given)
  local o, rest = given or {}, {}
  for key, value in pairs(o) do
    if key ~= "styles" and key ~= "style_codes" then rest[key] = value end
  end
  if not rest.classes then misuse "OneStepDiT: the number of classes is missing" end
  DiT.init(self, rest)
  self.n_styles, self.n_codes = o.styles or 64, o.style_codes or 32
  if self.n_styles < 1 or self.n_codes < 1 then misuse("OneStepDiT: %d codes of %d styles", self.n_codes, self.n_styles) end
  local g, last = rest.generator or nil, self.last
  self.codebook = linear.Embedding(self.n_styles, last.n_in, { std = 0.02, generator = g })
  self.last = linear.Linear(last.n_in, last.n_out, { init = "xavier", generator = g })
end

-- What DiT:forward adds to the tokens' modulation; y = {class, style}.
function OneStepDiT:embed(alpha, y)
  return self.time(alpha):add(self.label(y.class)):add(self.codebook(y.style):mean(2)):silu()
end

---Noise and style codes for n images.
---@param n integer
---@param g Generator
---@return Tensor u0 (n, channels, size, size)
---@return Tensor style (n, style_codes) int64
function OneStepDiT:draw(n, g)
  return g:randn(n, self.patches.channels, self.axes[1], self.axes[2]), g:randint(1, self.n_styles, { n, self.n_codes })
end

---@param u0 Tensor (B, channels, size, size)
---@param class Tensor (B) int from 1
---@param alpha Tensor (B) guidance, at least 1
---@param style Tensor (B, style_codes) int
---@return Tensor u1 (B, out, size, size)
function OneStepDiT:forward(u0, class, alpha, style)
  return (DiT.forward(self, u0, alpha, { class = class, style = style }))
end

return layers
