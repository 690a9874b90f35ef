local rp = require "repro"
local nn, optim, metrics, diffusion = rp.nn, rp.optim, rp.metrics, rp.diffusion

local P = rp.paper{
  id = "drl", arxiv = "2105.14257", year = 2021,
  title = "Diffusion Based Representation Learning",
  authors = "Korbinian Abstreiter, Sarthak Mittal, Stefan Bauer, Bernhard Schölkopf, Arash Mehrjou",
  settings = {
    dataset = {"numerals", choices = {"numerals", "colour", "mnist", "cifar10"},
               help = "drawn digits, grey or coloured, or MNIST or CIFAR-10 from --data DIR"},
    seeds   = {smoke = 1, small = 3, paper = 3, min = 1, help = "independent runs, from the run's seed upwards"},
    n_train = {smoke = 500, small = 4000, paper = 60000, min = 64, help = "training images"},
    n_test  = {smoke = 200, small = 1000, paper = 10000, min = 20, help = "test images"},
    size    = {smoke = 14, small = 14, paper = 28, help = "pixels of a side: grey images are pooled from 28, colour from 32"},
    net     = {smoke = "mlp", small = "mlp", paper = "conv", choices = {"mlp", "conv"}, help = "networks of the long trainings"},
    steps   = {smoke = 40, small = 1500, paper = 80000, min = 1, help = "steps of a training"},
    batch   = {smoke = 64, small = 128, paper = 128, min = 2, help = "images in a step"},
    lr      = {2e-3, paper = 2e-4, help = "Adam's learning rate"},
    l1      = {1e-5, min = 0, help = "weight of the code's L1 norm, as in App. E"},
    kl      = {1e-7, min = 0, help = "weight of the code's KL divergence, as in App. E"},
  },
}

--[[
# Diffusion based representation learning

**Abstract.** A score network that is told a code $z = E_\phi(x_0)$ of the clean image denoises better. Training code and network
together (DRL) is representation learning: the code holds what the noisy image lacks. How noisy the images are therefore
decides what is encoded, from fine details at little noise to the whole image at much noise.

Letters are the paper's: $x_0$ an image in $\mathbb R^d$, $t \in [0, 1]$, $x_t$ the noisy image, $s_\theta$ the score network, $E_\phi$ the encoder,
$z \in \mathbb R^c$ the code, $\lambda(t)$ the weight of a time in the loss.
]]

--[[ ## Images
Splits `{x, y, width}`: images $(n, C, S, S)$ in $[0, 1]$, classes from 1, and of grey images the width of the strokes, measured on the
image before it is pooled. ]]
local function pooled(x, size)                    -- (n,C,S,S) -> (n,C,size,size)
  local factor = x:size(3) // size
  return factor > 1 and x:avg_pool2d(factor) or x
end

local function split_of(set, size)
  local part = {x = pooled(set.x, size), y = set.y}
  if set.x:size(2) == 1 then part.width = rp.data.stroke_width(set.x) end
  return part
end

local function load_images(what)                  -- {dataset, n_train, n_test, size, seed} -> {train, test, classes, sd}
  local set
  if what.dataset == "mnist" or what.dataset == "cifar10" then
    set = rp.data.load(what.dataset, {n_train = what.n_train, n_test = what.n_test})
  else
    local colour = what.dataset == "colour"
    local function draw(name, n)
      return rp.data.numerals{n = n, seed = what.seed or 1, name = name, size = colour and 32 or 28, colour = colour}
    end
    set = {train = draw("train", what.n_train), test = draw("test", what.n_test)}
    set.classes = set.train.classes
  end
  local train, test = split_of(set.train, what.size), split_of(set.test, what.size)
  return {train = train, test = test, classes = set.classes, note = set.note, sd = train.x:square():mean():sqrt():item()}
end

--[[ ## The networks
The network is Karras and others' preconditioned denoiser: with $s$ the noise level of $x_t$, $r^2 = s^2 + s_d^2$ and $s_d$ the root
mean square of a pixel,
$$ D_\theta(x_t, t, z) = \frac{s_d^2}{r^2} x_t + \frac{s\,s_d}{r} F_\theta(x_t / r, t, z), \qquad s_\theta = (D_\theta - x_t) / s^2 . $$
The code joins the embedding of time, which every residual block adds to its channels. ]]
local d_e = 64                                    -- width of the embedding

local MlpF = nn.class "MlpF"
function MlpF:init(o)
  self.time = nn.TimeEmbedding(d_e, {features = 16, kind = "fourier", scale = 1, generator = o.g})
  if o.code > 0 then self.code = nn.MLP({o.code, d_e, d_e}, {activation = "silu", generator = o.g}) end
  self.first = nn.Linear(o.d, o.width, {generator = o.g})
  self.blocks = {}
  for i = 1, 2 do self.blocks[i] = nn.ResidualMLP(o.width, {condition = d_e, modulate = "add", generator = o.g}) end
  self.norm = nn.LayerNorm(o.width)
  self.last = nn.Linear(o.width, o.d, {init = "zeros"})
end
function MlpF:forward(x, t, z)                    -- x (B,C,S,S), t (B), z (B,c) or nil -> (B,C,S,S)
  local e = self.time(t)
  if self.code then e = e + self.code(z) end
  local h = self.first(x:flatten(2))
  for _, block in ipairs(self.blocks) do h = block(h, e) end
  return self.last(self.norm(h):silu()):reshape(x.shape)
end

local ConvF = nn.class "ConvF"                    -- DDPM++'s form: a U-Net, residual sums scaled by 1/sqrt 2
function ConvF:init(o)
  if o.code > 0 then self.code = nn.MLP({o.code, d_e, d_e, d_e, d_e}, {activation = "silu", generator = o.g}) end
  self.unet = nn.UNet{n_in = o.C, size = o.S, channels = o.channels, multipliers = o.multipliers, blocks = o.blocks,
                      condition = o.code > 0 and d_e or false, time = "fourier", time_scale = 1, modulate = "add",
                      groups = 8, skip_scale = math.sqrt(0.5), generator = o.g}
end
function ConvF:forward(x, t, z) return (self.unet(x, t, self.code and self.code(z))) end

local ve = diffusion.VE{sigma_min = 0.01, sigma_max = 50, predict = "x0"}

local ScoreNet = nn.class "ScoreNet"
function ScoreNet:init(o)
  self.F, self.sd = o.net == "conv" and ConvF(o) or MlpF(o), o.sd
end
function ScoreNet:forward(x, t, z)                -- D_theta, with which rp.diffusion.sample works
  local _, s = ve:at(t, x)
  local c_in = (s:square() + self.sd * self.sd):rsqrt()
  return (x * (c_in:square() * (self.sd * self.sd))):addcmul(self.F(x * c_in, t, z), s * c_in * self.sd)
end

--[[ The encoder: two hidden layers, which time modulates where the code is to depend on it, or the down-sampling half of the U-Net and
three dense layers (App. E). A probabilistic encoder gives the mean and the logarithm of the variance. ]]
local MlpEncoder = nn.class "MlpEncoder"
function MlpEncoder:init(o)
  self.fc1 = nn.Linear(o.d, o.width, {generator = o.g})
  self.fc2 = nn.Linear(o.width, o.width, {generator = o.g})
  self.fc3 = nn.Linear(o.width, o.n_out, {generator = o.g})
  if o.time then
    self.waves = nn.TimeEmbedding(d_e, {features = 16, kind = "fourier", scale = 1, generator = o.g})
    self.film1 = nn.FiLM(d_e, o.width, {generator = o.g})
    self.film2 = nn.FiLM(d_e, o.width, {generator = o.g})
  end
end
function MlpEncoder:forward(x, t)
  local e = self.waves and self.waves(t):silu()
  local h = self.fc1(x:flatten(2))
  h = self.fc2((e and self.film1(h, e) or h):silu())
  return self.fc3((e and self.film2(h, e) or h):silu())
end

local Encoder = nn.class "Encoder"
function Encoder:init(o)                          -- o.code = c; o.probabilistic, o.time: truth values
  self.code, self.probabilistic, self.time = o.code, o.probabilistic or false, o.time or false
  o.n_out = o.code * (o.probabilistic and 2 or 1)
  if o.net == "conv" then
    self.body = nn.ConvEncoder{n_in = o.C, size = o.S, channels = o.channels, multipliers = o.multipliers, blocks = o.blocks,
      output = o.n_out, hidden = o.width, time = o.time and "fourier" or false, time_scale = 1, modulate = "add", groups = 8,
      skip_scale = math.sqrt(0.5), generator = o.g}
  else
    self.body = MlpEncoder(o)
  end
end
function Encoder:forward(x, t)                    -- x (B,C,S,S), t (B) if it depends on time -> mean (B,c), log variance or nil
  local out = self.body(x, t)
  if not self.probabilistic then return out end
  return out:chunk(2, 2)
end

local function sizes(o, x, g)                     -- what the constructors take, from the options of a training and images x
  return {net = o.net or P.net, C = x:size(2), S = x:size(3), d = x:numel() // x:size(1), code = o.code, time = o.time,
          probabilistic = o.probabilistic, width = o.width or 128, channels = o.channels or (P.scale == "paper" and 32 or 16),
          multipliers = o.multipliers or {1, 2}, blocks = o.blocks or (P.scale == "paper" and 2 or 1), g = g}
end

--[[ ## Training (Eq. 7-9)
With $n$ the noise of $x_t = x_0 + s n$ the paper's weight $\lambda = \sigma^2$ makes the loss, in terms of the network's own output,
$$ s^2 |s_\theta - \nabla \log p_{0t}|^2 = \frac{|D_\theta - x_0|^2}{s^2} = \frac{s_d^2}{r^2}\,|F_\theta - F^*|^2, \qquad
   F^* = \frac{s\,x_0 / s_d - s_d\,n}{r} . $$ ]]
local weights = {                                 -- of |F - F*|^2, from s (B) and s_d
  sigma2 = function(s, sd) return (s:square() / (sd * sd) + 1):reciprocal() end,         -- the paper's lambda
  unit = function(s) return rp.ones_like(s) end,                                         -- EDM's: 1 / c_out^2
  importance = function(s, sd) return (s:square() / (sd * sd) + 1):reciprocal() * s end, -- lambda under a uniform sigma
}

local draws = {                                   -- times (n) from a generator
  uniform = function(n, g) return g:rand(n) * (1 - 1e-5) + 1e-5 end,
  sigma = function(n, g) return ve:times_of(g:rand(n) * (ve.sigma_max - ve.sigma_min) + ve.sigma_min) end,
}

local function drawer(times)                      -- "uniform", "sigma", a number or a function(n, g)
  if type(times) == "number" then return function(n) return rp.full({n}, times) end end
  return type(times) == "function" and times or draws[times or "uniform"]
end

-- sum over pixels of |F - F*|^2 (B), for noise n at times t
local function errors(score, x0, t, n, z, blind)
  local sd, s = score.sd, select(2, ve:at(t, x0))
  local c_in = (s:square() + sd * sd):rsqrt()
  local x_in = (x0 + n * s) * c_in
  local target = x0 * (s * c_in / sd) - n * (c_in * sd)
  return (score.F(blind and rp.zeros_like(x_in) or x_in, t, z) - target):square():flatten(2):sum(2), s:reshape(-1)
end

local function regulariser(o, mean, log_variance) -- of a code (B,c)
  if log_variance then return mean:kl_normal(log_variance):mean() * (o.kl or P.kl) end
  return mean:abs():sum(2):mean() * (o.l1 or P.l1)
end

local function encode_batch(encoder, x0, t, g)    -- -> z, mean, log variance
  local mean, log_variance = encoder(x0, t)
  if not log_variance then return mean, mean end
  return mean:addcmul((log_variance * 0.5):exp(), g:randn(mean.shape)), mean, log_variance
end

--[[ `train` makes a model. Options: `data` {train, sd}, `seed`, `steps`, `code` ($c$, 0 for none), `time` (the code depends on time, Eq. 9),
`probabilistic` (VDRL, Eq. 8), `times` and `weight` ($\lambda$), `net`, `l1`, `kl`, `encoder` (one to go on with), `score` (likewise),
`frozen` (the encoder is left as it is), `blind` (the network sees the code alone: an autoencoder), `name`. ]]
local function train(o)
  local x, g = o.data.train.x, rp.generator(o.seed, "drl." .. (o.stream or "training"))
  local given = sizes(o, x, rp.generator(o.seed, "drl.weights"))
  given.sd = o.data.sd
  local score = o.score or ScoreNet(given)
  local encoder = o.encoder or o.code > 0 and Encoder(given) or nil
  local groups = {{params = score:parameters()}}
  if encoder and not o.frozen then groups[2] = {params = encoder:parameters()} end
  local steps, batch = o.steps or P.steps, o.batch or P.batch
  local warm = math.min(100, steps // 10 + 1)
  local step = optim.Adam(groups, {lr = o.lr or P.lr, schedule = optim.chain(warm, optim.warmup(warm), optim.linear(steps - warm, 0.05))})
  local draw, weight = drawer(o.times), type(o.weight) == "function" and o.weight or weights[o.weight or "sigma2"]
  local losses = {}
  for k in P:training(steps, o.name or "training") do
    local x0 = x:index_select(1, g:randint(1, x:size(1), {batch}))
    local t, n = draw(batch, g), g:randn(x0.shape)
    local z, mean, log_variance
    if encoder then z, mean, log_variance = encode_batch(encoder, x0, t, g) end
    local e, s = errors(score, x0, t, n, z, o.blind)
    local loss = (e * weight(s, score.sd, t)):mean()
    if encoder and not o.frozen then loss = loss + regulariser(o, mean, log_variance) end
    step:zero_grad()
    loss:backward()
    step:step{clip = o.clip}
    losses[k] = loss:item()
    P:watch(loss)
  end
  return {score = score, encoder = encoder, losses = losses, seed = o.seed}
end

local function codes(encoder, x, t)               -- the means of the codes of images, without a graph
  local parts = {}
  for i, part in ipairs{x:split(500)} do
    local times = t and rp.full({part:size(1)}, t)
    parts[i] = rp.no_grad(function() return (encoder(part, times)) end)
  end
  return rp.concat(1, table.unpack(parts))
end

if not P.main then
  return {load = load_images, MlpF = MlpF, ConvF = ConvF, ScoreNet = ScoreNet, Encoder = Encoder, sizes = sizes, ve = ve,
          weights = weights, draws = draws, errors = errors, regulariser = regulariser, encode_batch = encode_batch,
          train = train, codes = codes}
end

--[[ ## The perturbation kernel (Sec. 1.1)
$\sigma(t) = \sigma_{\min} (\sigma_{\max} / \sigma_{\min})^t$ and $p_{0t}(x_t | x_0) = \mathcal N(x_0, [\sigma^2(t) - \sigma^2(0)] I)$. ]]
local half = 0.01 * math.sqrt(5000)               -- sigma(1/2), the geometric mean
P:exact("kernel", select(2, ve:coefficients(0.5)), math.sqrt(half * half - 1e-4), 1e-12, {where = "Sec. 1.1", text = "s(1/2)"})
