--- Contrast of two views of an image.

local Module = require "repro.nn.module"
local augment = require "repro.data.augment"
local contrastive = require "repro.contrastive"
local options = require "repro.options"

local simclr = {}

---SimCLR: z = E(x), projected by h; two views of each image are pulled together, away from all others,
---    L = NT-Xent(h(E(v)), h(E(v'))) at temperature tau.
---The code of an image is z of the image itself.  EQ: Chen et al. 2020, arXiv:2002.05709, alg. 1
---    unsupervised.SimCLR(encoder, projector, {views = unsupervised.views.gauss(0.3), tau = 0.5})
---`views` is a function of (x, g) that makes one random view.
---@class SimCLR: Module
local SimCLR = Module.class "SimCLR"
simclr.SimCLR = SimCLR

function SimCLR:init(encoder, projector, given)
  local o = options("SimCLR", given, { views = simclr.views.augmented(), tau = 0.5 })
  self.view, self.tau = o.views, o.tau
  self.encoder = encoder
  self.projector = projector
end

function SimCLR:encode(x) return self.encoder(x) end

---@param x Tensor (B, C, H, W)
---@param g Generator
---@return Tensor scalar
function SimCLR:loss(x, g)
  local function project(v) return self.projector(self.encoder(v)) end
  local first = self.view(x, g)
  return contrastive.nt_xent(project(first), project(self.view(x, g)), self.tau)
end

---Kinds of views.
simclr.views = {}

---The handicapped SimCLR of "Diffusion based representation learning", sec. 4.1.2: x + s eps, noise alone.
---@param s? number default 0.3
---@return fun(x: Tensor, g: Generator): Tensor
function simclr.views.gauss(s) return augment.chain { { "noise", s or 0.3 } } end

---Domain knowledge for small images: moved by up to `most` pixels, other light, a little noise, mirrored if flip = true.
---    unsupervised.views.augmented{most = 2, gain = 0.2, offset = 0.2, cast = 0, gradient = 0, noise = 0.05, flip = false}
---@param given? table
---@return fun(x: Tensor, g: Generator): Tensor
function simclr.views.augmented(given)
  local o = options("views.augmented", given, { most = 2, gain = 0.2, offset = 0.2, cast = 0, gradient = 0, noise = 0.05,
                                                flip = false })
  local steps = { { "shift", o.most } }
  for _, name in ipairs { "gain", "offset", "gradient", "cast", "noise" } do
    if o[name] > 0 then steps[#steps + 1] = { name, o[name] } end
  end
  if o.flip then steps[#steps + 1] = { "flip", 0.5 } end
  return augment.chain(steps)
end

return simclr
