--- Autoencoders, plain and variational.

local Module = require "repro.nn.module"
local misuse = require "repro.misuse"
local options = require "repro.options"
local rp = require "repro"

local autoencoder = {}

-- -ln p(x | y) of each example, up to a constant: (B).
local likelihoods = {}

-- 1/(2 sd^2) |x - y|^2
function likelihoods.gauss(y, x, o) return (y - x):square():reshape(x:size(1), -1):sum(2) / (2 * o.sd * o.sd) end

-- sum_d ln(1 + e^y) - x y: binary cross-entropy of the logits y
function likelihoods.bernoulli(y, x) return (y:softplus() - x * y):reshape(x:size(1), -1):sum(2) end

local function check(who, o)
  if not likelihoods[o.likelihood] then
    misuse('%s: likelihood must be "gauss" or "bernoulli", got %s', who, tostring(o.likelihood))
  end
end

local function distortion(model, z, x)
  local y = model.decoder(z)
  if y:numel() ~= x:numel() then
    misuse("%s: the decoder gives %d numbers for an image of %d", model.class_name, y:numel() // x:size(1), x:numel() // x:size(1))
  end
  return likelihoods[model.o.likelihood](y:reshape(x.shape), x, model.o)
end

---Autoencoder: z = E(x),
---    L = 1/(B d) sum_i -ln p(x_i | D(z_i)) + l1 sum_i |z_i|_1 / B,   d numbers in an image
---with p normal, of deviation sd (the default, sqrt(1/2), makes it the mean squared error), or Bernoulli of logits D(z).
---    unsupervised.AE(encoder, decoder, {likelihood = "gauss", sd = sqrt(1/2), l1 = 0})
---@class AE: Module
local AE = Module.class "AE"
autoencoder.AE = AE

function AE:init(encoder, decoder, given)
  self.o = options("AE", given, { likelihood = "gauss", sd = math.sqrt(0.5), l1 = 0 })
  check("AE", self.o)
  self.encoder = encoder
  self.decoder = decoder
end

---@param x Tensor (B, ...)
---@return Tensor (B, c)
function AE:encode(x) return self.encoder(x) end

---@param x Tensor (B, ...)
---@return Tensor scalar
function AE:loss(x)
  local z = self.encoder(x)
  local loss = distortion(self, z, x):mean() / (x:numel() // x:size(1))
  return self.o.l1 > 0 and loss + z:abs():sum() * (self.o.l1 / x:size(1)) or loss
end

---Variational autoencoder: E(x) = (mu, s), q(z | x) = N(mu, e^s), z = mu + e^(s/2) eps,
---    L = 1/(B d) sum_i [ -ln p(x_i | D(z_i)) + beta KL(q(z | x_i) || N(0, I)) ]
---The code of an image is mu.  EQ: Kingma, Welling 2014, arXiv:1312.6114, eq. 10
---    unsupervised.VAE(encoder, decoder, {likelihood = "gauss", sd = 0.1, beta = 1})
---@class VAE: Module
local VAE = Module.class "VAE"
autoencoder.VAE = VAE

function VAE:init(encoder, decoder, given)
  self.o = options("VAE", given, { likelihood = "gauss", sd = 0.1, beta = 1 })
  check("VAE", self.o)
  self.encoder = encoder
  self.decoder = decoder
end

---@param x Tensor (B, ...)
---@return Tensor mu (B, c)
---@return Tensor s (B, c) logarithm of the variance, within -10..10
function VAE:posterior(x)
  local mu, s = self.encoder(x):chunk(2, 2)
  return mu, s:clamp(-10, 10)
end

function VAE:encode(x) return (self:posterior(x)) end

---@param x Tensor (B, ...)
---@param g Generator
---@return Tensor scalar
function VAE:loss(x, g)
  local mu, s = self:posterior(x)
  local z = mu + (s * 0.5):exp() * g:randn(mu.shape)
  return (distortion(self, z, x) + rp.kl_normal(mu, s) * self.o.beta):mean() / (x:numel() // x:size(1))
end

return autoencoder
