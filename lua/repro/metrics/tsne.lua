--- t-SNE, exact: for a few hundred to a few thousand vectors.

local rp = require "repro"
local distance = require "repro.metrics.distance"
local features = require "repro.metrics.features"
local misuse = require "repro.misuse"
local options = require "repro.options"

local tsne = {}

-- p_(j|i) proportional to e^(-b_i d_ij), with b_i by bisection so that the entropy of each row is ln(perplexity).
local function conditional(d, perplexity)
  local n, target = d:size(1), rp.math.log(perplexity)
  local lo, hi, b = rp.zeros(n, 1, "float64"), rp.full({ n, 1 }, math.huge, "float64"), rp.ones(n, 1, "float64")
  d = d - d:min(2, true)                                      -- the largest weight of a row is 1
  local finite, p = rp.where(d:is_finite(), d, 0), nil
  b = b / finite:mean(2, true):maximum(1e-300)
  for _ = 1, 64 do
    p = (d * -b):exp()
    local sum = p:sum(2, true)
    local entropy = sum:log() + b * (p * finite):sum(2, true) / sum
    local high = entropy:gt(target)                           -- too many neighbours: a larger b
    lo, hi = rp.where(high, b, lo), rp.where(high, hi, b)
    b = rp.where(hi:is_finite(), (lo + hi) * 0.5, b * 2)
    p = p / sum
  end
  return p
end

-- (p_(j|i) + p_(i|j)) / (2 n), not below 1e-12.
local function joint(x, perplexity)
  local d = distance.squared_distances(x)
  d:diagonal():fill_(math.huge)
  local p = conditional(d, perplexity)
  return ((p + p:t()) / (2 * x:size(1))):maximum(1e-12)
end

-- The first coordinates along the principal axes, scaled so that the first has standard deviation 1e-4.
local function principal(x, dims)
  local centred = x - x:mean(1)
  local _, V = rp.linalg.eigh(centred:t():matmul(centred))
  local d = x:size(2)
  local y = centred:matmul(V:slice(2, d - dims + 1, d):flip(2))
  local deviation = y:select(2, 1):std(1, false, 0):item()
  return y * (deviation > 0 and 1e-4 / deviation or 0)
end

-- w_ij = 1 / (1 + |y_i - y_j|^2), 0 for i = j.
local function affinities(y)
  local square = y:square():sum(2, true)
  local w = ((square + square:t()) - y:matmul(y:t()) * 2 + 1):maximum(1):reciprocal()
  w:diagonal():zero_()
  return w
end

-- dKL(P || Q)/dy_i = 4 sum_j (p_ij - q_ij) w_ij (y_i - y_j),  q = w / sum w.
local function gradient(p, y)
  local w = affinities(y)
  local a = (p - w / w:sum()) * w
  return (a:sum(2, true) * y - a:matmul(y)) * 4
end

local function divergence(p, y)
  local w = affinities(y)
  local q = (w / w:sum()):maximum(1e-12)
  local terms = p * (p / q):log()
  terms:diagonal():zero_()
  return terms:sum():item()
end

-- Gradient descent with momentum and a gain for each coordinate (Jacobs 1988).
local function descend(p, y, o)
  local velocity, gain = rp.zeros_like(y), rp.ones_like(y)
  local early = math.min(250, o.steps)
  local exaggerated = p * o.exaggeration
  for step = 1, o.steps do
    local g = gradient(step <= early and exaggerated or p, y)
    local same = (velocity * g):lt(0)                         -- still downhill
    gain = rp.where(same, gain + 0.2, gain * 0.8):maximum(0.01)
    velocity = velocity * (step <= early and 0.5 or 0.8) - gain * g * o.rate
    y = y + velocity
  end
  return y - y:mean(1)
end

---An embedding in which near vectors stay near.  P from Gaussian kernels of the given perplexity; the first 250 steps
---with exaggerated P and momentum 0.5, then 0.8.  Steps run in float32, P is found in float64.
---    metrics.tsne(x, {perplexity = 30, dims = 2, steps = 1000, exaggeration = 12, rate = "auto", init = "pca", seed = 1})
---EQ: van der Maaten, Hinton 2008 (JMLR 9), eq. 1-5 and alg. 1
---@param x Tensor (n, d), n > 3 perplexity
---@param given? table rate: learning rate, "auto" is max(n / exaggeration / 4, 50) (Belkina et al. 2019); init: "pca", or
---  "random" for N(0, 1e-8) drawn from the seed
---@return Tensor (n, dims) float32, centred
---@return number divergence KL(P || Q)
function tsne.tsne(x, given)
  local o = options("tsne", given, { perplexity = 30, dims = 2, steps = 1000, exaggeration = 12, rate = "auto",
                                     init = "pca", seed = 1 })
  x = features.matrix("tsne", x)
  local n = x:size(1)
  if 3 * o.perplexity >= n then
    misuse("tsne: perplexity %g needs more than %g vectors, got %d", o.perplexity, 3 * o.perplexity, n)
  end
  if o.rate == "auto" then o.rate = math.max(n / o.exaggeration / 4, 50) end
  local p = joint(x, o.perplexity)
  local start
  if o.init == "pca" and x:size(2) >= o.dims then
    start = principal(x, o.dims)
  elseif o.init == "random" then
    start = rp.generator(o.seed, "tsne"):randn(n, o.dims, "float64") * 1e-4
  else
    misuse('tsne: init must be "pca" (for at least %d features) or "random", got %s', o.dims, tostring(o.init))
  end
  local y = descend(p:to("float32"), start:to("float32"), o)
  return y, divergence(p, y:to("float64"))
end

return tsne
