local rp = require "repro"
local nn, optim, metrics, diffusion = rp.nn, rp.optim, rp.metrics, rp.diffusion

local P = rp.paper{
  id = "drl", arxiv = "2105.14257", year = 2021,
  title = "Diffusion Based Representation Learning",
  authors = "Korbinian Abstreiter, Sarthak Mittal, Stefan Bauer, Bernhard Schölkopf, Arash Mehrjou",
  settings = {
    dataset = {"numerals", choices = {"numerals", "mnist"}, help = "drawn digits, or MNIST from --data DIR"},
    colours = {"colour", choices = {"colour", "cifar10"}, help = "drawn digits in colour, or CIFAR-10 from --data DIR"},
    seeds   = {smoke = 1, small = 3, paper = 3, min = 1, help = "independent runs, from the run's seed upwards"},
    n_train = {smoke = 400, small = 4000, paper = 60000, min = 100, help = "training images"},
    n_test  = {smoke = 200, small = 1000, paper = 10000, min = 100, help = "test images"},
    size    = {smoke = 14, small = 14, paper = 28, help = "side of the grey images, pooled from 28"},
    tint_size = {smoke = 8, small = 8, paper = 32, help = "side of the coloured images, pooled from 32"},
    net     = {smoke = "mlp", small = "mlp", paper = "conv", choices = {"mlp", "conv"}, help = "the networks of all sections but one"},
    steps   = {smoke = 40, small = 1500, paper = 80000, min = 1, help = "steps of a training"},
    conv_steps = {smoke = 2, small = 250, paper = 80000, min = 1, help = "steps of the trainings of convolutional networks, Sec. 7"},
    batch   = {smoke = 64, small = 128, paper = 128, min = 2, help = "images in a step"},
    lr      = {2e-3, paper = 2e-4, help = "Adam's learning rate"},
    l1      = {1e-5, min = 0, help = "weight of the code's L1 norm (App. E)"},
    kl      = {1e-7, min = 0, help = "weight of the code's KL divergence (App. E)"},
    samples = {smoke = 60, small = 1000, paper = 10000, min = 20, help = "samples that a Fréchet distance is of"},
    sampling = {smoke = 10, small = 60, paper = 1000, min = 2, help = "steps of a sampler from t = 1"},
  },
}

--[[
# Diffusion based representation learning

**Abstract.** A score network that is told a code $z = E_\phi(x_0)$ of the clean image denoises better. Training code and network
together (DRL) is representation learning: the code comes to hold what the noisy image lacks. How noisy the images are
decides what that is, from fine details at little noise to the whole image at much.

This script is the whole method at a small scale: the loss and its constant in closed form, DRL and its probabilistic form
(VDRL), codes that depend on time, the emphasis of high noise, single times, codes that are swapped, an adversary that chooses
the times, the initial noise. Long sweeps are in `experiments/drl_*.lua`, which call its functions. Letters are the paper's:
$x_0 \in \mathbb R^d$ an image, $t \in [0, 1]$, $x_t$ the noisy image, $s_\theta$ the score network, $E_\phi$ the encoder, $z \in \mathbb R^c$
the code, $\lambda(t)$ the weight of a time in the loss.

## 1  The loss and its constant (Sec. 1.1, 2.1)
The noise is added by $dx = \sqrt{d\sigma^2 / dt}\, dw$ with $\sigma(t) = \sigma_{\min} (\sigma_{\max} / \sigma_{\min})^t$, $\sigma_{\min} = 0.01$,
$\sigma_{\max} = 50$. What it does in time $t$ is Gaussian,
$$ p_{0t}(x_t | x_0) = \mathcal N(x_0, s_t^2 I), \qquad s_t^2 = \sigma^2(t) - \sigma^2(0) . $$ ]]
local ve = diffusion.VE{sigma_min = 0.01, sigma_max = 50, predict = "x0"}
local _, s_half = ve:coefficients(0.5)
P:exact("kernel", s_half, math.sqrt(0.01 * 50 - 0.01 * 0.01), 1e-12, {where = "Sec. 1.1", text = "s(1/2)^2 = s_min s_max - s_min^2"})

--[[ The variance is the integral of $g^2 = d\sigma^2/dt = 2 \sigma^2 \ln(\sigma_{\max} / \sigma_{\min})$, here by 200,000 midpoints. ]]
local mid = (rp.arange(1, 200000, 1, "float64") - 0.5) / 200000
local g2 = (mid * (2 * ve.rate)):exp() * (2 * ve.rate * 1e-4)
P:exact("kernel.sde", math.sqrt(g2:mean():item()) / select(2, ve:coefficients(1)), 1, 1e-9,
        {where = "Eq. 1", text = "the kernel's variance is the integral of g^2"})

--[[ **Denoising score matching** (Eq. 4) compares the network with the score of the kernel, **explicit score matching** (Eq. 3)
with the score of $p_t$. They differ by a constant (Eq. 5, App. B), the least that Eq. 4 can reach:
$$ J_t^{DSM}(\theta) = \mathbf E |s_\theta - \nabla \log p_t|^2 + c_t, \qquad c_t = \mathbf E |\nabla \log p_{0t} - \nabla \log p_t|^2 . $$
On a mixture of Gaussians $p_t$ is one too, and every term is an integral over two normal variables, the place within a
component and the noise. The trapezoidal rule is exact for them but for rounding. The mixture has four components: two
classes, far apart, with two details each, near to each other. ]]
local means, v0 = rp.tensor({-4.5, -3.5, 3.5, 4.5}, "float64"), 0.01
local h, grid = 1 / 16, rp.arange(-136, 136, 1, "float64") / 16                -- -8.5 ... 8.5
local phi = (grid:square() * -0.5):exp() * (h / math.sqrt(2 * math.pi))        -- weights of a normal variable

local function mixture_score(x, s, part)          -- d/dx log p_t for x of any shape; part = the components that are meant
  local gap = part - x:unsqueeze(-1)
  local r = (gap:square() / (-2 * (v0 + s * s))):softmax(-1)
  return (r * gap):sum(-1) / (v0 + s * s)
end

local function over_mixture(f, s, part)           -- E f(x_0, x_t), every component equally likely
  local x0 = part:reshape(-1, 1, 1) + grid:unsqueeze(2) * math.sqrt(v0)        -- (K, U, 1)
  local inside = f(x0, x0 + grid * s):matmul(phi:unsqueeze(2)):squeeze(3)      -- over the noise: (K, U)
  return (inside:mean(1) * phi):sum():item()
end

local function a_network(x, s) return x * (-1 / (1 + s * s)) + (x * 0.7):sin() * (0.3 / s) end   -- some s_theta

local function identity_of_losses(s)              -- Eq. 4, Eq. 3 and c_t, times lambda = s^2
  local function kernel(x0, x) return (x0 - x) / (s * s) end
  local function mean(f) return s * s * over_mixture(f, s, means) end
  return mean(function(x0, x) return (a_network(x, s) - kernel(x0, x)):square() end),
         mean(function(_, x) return (a_network(x, s) - mixture_score(x, s, means)):square() end),
         mean(function(x0, x) return (kernel(x0, x) - mixture_score(x, s, means)):square() end),
         mean(function(_, x) return mixture_score(x, s, means):square() end)
end
for _, t in ipairs{0.2, 0.5, 0.8, 1} do
  local dsm, esm, constant, fisher = identity_of_losses(select(2, ve:coefficients(t)))
  P:exact("eq5.t" .. t, dsm, esm + constant, 1e-12, {where = "Eq. 5", text = "DSM = ESM + c"})
  P:exact("constant.t" .. t, constant, 1 - fisher, 1e-12, {where = "Eq. 5", text = "s^2 c = d - s^2 E|grad log p_t|^2"})
end

--[[ ### What a code is worth (Sec. 2.2, 2.3)
The same integral with the classes apart is the least loss of a network that is told the class (Eq. 6). What the code saves,
$s_t^2 (c_t - c_t^{code})$ with $\lambda = \sigma^2$, is what its training sees. A code that says everything about $x_0$ saves all of
$c_t$. The figure is the paper's hypothesis in closed form: **details pay at little noise, classes at much, and at each time a
code that has room for one of them gains by another.** ]]
local function least(s, parts)                    -- s^2 c_t if the network is told in which part of the mixture x_0 is
  local sum = 0
  for _, part in ipairs(parts) do
    sum = sum + over_mixture(function(x0, x) return ((x0 - x) / (s * s) - mixture_score(x, s, part)):square() end, s, part)
  end
  return s * s * sum / #parts
end
local function at(list) return means:index_select(1, rp.tensor(list, "int64")) end
local codes_by_hand = {{"no code", {means}}, {"the class", {at{1, 2}, at{3, 4}}}, {"the detail", {at{1, 3}, at{2, 4}}},
                       {"both", {at{1}, at{2}, at{3}, at{4}}}}
local worth_t, saved = {}, {{}, {}, {}}
for i = 1, P.scale == "smoke" and 11 or 41 do
  worth_t[i] = 0.2 + (i - 1) * 0.8 / (P.scale == "smoke" and 10 or 40)
  local _, s = ve:coefficients(worth_t[i])
  local none = least(s, codes_by_hand[1][2])
  for k = 1, 3 do saved[k][i] = none - least(s, codes_by_hand[k + 1][2]) end
end
local fig = rp.plot.figure{width = 560, height = 300, desc = "What a code of the class or of the detail saves, over time"}
local ax = fig:axes{xlabel = "$t$", ylabel = "$\\sigma^2 (c_t - c_t^{code})$", legend = true}
for k = 1, 3 do ax:line(worth_t, saved[k], {label = codes_by_hand[k + 1][1]}) end
P:figure("What a code is worth", fig, "The loss that a code saves on a mixture of two classes, 8 apart, with two details each, 1 apart.")

local function peak(list)                         -- the time of the largest saving
  local best = 1
  for i, value in ipairs(list) do if value > list[best] then best = i end end
  return worth_t[best]
end
P:exact("worth.order", peak(saved[2]) < peak(saved[1]), true, {where = "Sec. 2.3", text = "the detail pays at less noise than the class"})
local _, s_1 = ve:coefficients(1)
P:exact("worth.all", least(s_1, codes_by_hand[4][2]), v0 / (v0 + s_1 * s_1), 1e-12,
        {where = "Sec. 2.3", text = "told its component, what is left is v / (v + s^2)"})

--[[ ### At $t = 1$ it is reconstruction (Prop. 1, App. C)
$s^2 |s_\theta - \nabla \log p_{0t}|^2 = |D_\theta - x_0|^2 / s^2$ with $s_\theta = (D_\theta - x_t) / s^2$: Eq. 22-24 at any time. What makes $t = 1$
special is that $x_1$ says nothing: the best $D(x_1)$ is hardly better than the mean. For the mixture, of variance $V = 16.26$, it
leaves $s^4 c_1$, and $s^4 c_1 \le V s^2 / (V + s^2)$, what the best *linear* guess leaves. ]]
local V = means:square():mean():item() + v0
local left = s_1 ^ 2 * least(s_1, {means})
P:exact("prop1.rest", left / V, s_1 * s_1 / (V + s_1 * s_1), 1e-4, {where = "App. C", text = "share of the variance that is left to the code at t = 1"})
P:exact("prop1.linear", left <= V * s_1 ^ 2 / (V + s_1 ^ 2), true, {where = "App. C", text = "a linear guess is no better than the best"})
P:note("At $t = 1$ the noisy number tells %.2g of the variance: for a code, %.2f%% of the work is reconstruction.", 1 - left / V, 100 * left / V)

--[[ ## 2  Images
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

--[[ ## 3  The networks (App. E)
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

--[[ ## 4  Training (Eq. 7-9)
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
`frozen` (the encoder is left as it is), `blind` (the network sees the code alone: an autoencoder), `each` (called after each step), `name`. ]]
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
    if o.each then o.each(k, score, g) end
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

local function columns_of(image_sets)              -- pictures of several sets side by side, for an image grid: row by row
  local rows = {}
  for i = 1, image_sets[1]:size(1) do
    for _, set in ipairs(image_sets) do rows[#rows + 1] = set:slice(1, i, i) end
  end
  return rp.concat(1, table.unpack(rows))
end

--[[ ## 5  Sampling and measuring
The samplers run the reverse equation (Eq. 2) from $t_{init}$, by default 1, with steps of equal size in $t$: Euler-Maruyama,
predictor-corrector, or the probability flow, which has no noise of its own. The start is $s\,n$, or $u + s\,n$ with
$u$ uniform in $[0, 1]^d$ (Sec. 3.2). ]]
local function sample(score, o)                   -- {shape, z, seed, from, centre, method, steps = from t = 1, x = start} -> images
  local from = o.from or 1
  local process = diffusion.VE{sigma_min = 0.01, sigma_max = 50, predict = "x0", generator = rp.generator(o.seed, "drl.sample")}
  local x = o.x or process:prior(o.shape, from, o.centre)
  local steps = math.max(2, math.floor((o.steps or P.sampling) * from + 0.5))
  return diffusion.sample(process, process:denoiser(score, o.z), x, {method = o.method or "euler_maruyama", steps = steps, from = from}):clamp(0, 1)
end

--[[ Of a code is measured what it says of the class and of the stroke width: accuracy of the 10 nearest neighbours, silhouette of the
classes, and the share $R^2$ of the width's variance that the mean over the 10 nearest explains. ]]
local function judge_codes(encoder, data, t)      -- -> {knn, width, silhouette, z}
  local z, z_test = codes(encoder, data.train.x, t), codes(encoder, data.test.x, t)
  return {z = z_test, knn = metrics.knn_accuracy(z, data.train.y, z_test, data.test.y, {k = 10}),
          silhouette = metrics.silhouette(z_test, data.test.y),
          width = data.train.width and metrics.knn_r2(z, data.train.width, z_test, data.test.width, {k = 10})}
end

--[[ Samples are judged by a classifier of the training images, in the place of the Inception network: its features give a Fréchet
distance (FD) to the test images, its probabilities an inception score. ]]
local function train_critic(data, seed, steps)    -- -> function(images): features (n,64), probabilities (n,10)
  local g, x, y = rp.generator(seed, "drl.critic"), data.train.x, data.train.y
  local d = x:numel() // x:size(1)
  local body = nn.Sequential{function(v) return v:flatten(2) end, nn.Linear(d, 128, {generator = g}), "relu", nn.Linear(128, 64, {generator = g}), "relu"}
  local head = nn.Linear(64, #data.classes, {generator = g})
  local step = optim.Adam({{params = body:parameters()}, {params = head:parameters()}}, {lr = 1e-3})
  for _ in P:training(steps or 400, "critic") do
    local i = g:randint(1, x:size(1), {128})
    local loss = head(body(x:index_select(1, i))):cross_entropy(y:index_select(1, i))
    step:zero_grad()
    loss:backward()
    step:step()
    P:watch(loss)
  end
  return function(images)
    return rp.no_grad(function()
      local f = body(images)
      return f, head(f):softmax(2)
    end)
  end
end

local function quality(critic, data, images)      -- -> FD to the test images, inception score
  local fake, probabilities = critic(images)
  return metrics.frechet_distance((critic(data.test.x)), fake), metrics.inception_score(probabilities)
end

--[[ ### The adversary (Sec. 3.1, App. I)
$\lambda = \lambda'_\alpha \sigma^2$ with $\lambda'_\alpha(t) = 2 \alpha t + (1 - \alpha)$, $\alpha \in [-1, 1]$, used as the density of $t$. Steps of the network and of
$\alpha$ alternate; a step of the network takes $t$ from $\lambda'_\alpha$, or, with probability $p_{KL}$, uniformly. With $\ell(t)$ the loss at $t$,
$$ \partial_\alpha \int \lambda'_\alpha \ell\, dt = \int (2 t - 1)\, \ell(t)\, dt . $$ ]]
local function train_adversary(o)                 -- o as for train, and p_kl -> model with alphas (steps), the adversary's record
  local alpha, alphas = rp.zeros(1):requires_grad_(), {}
  local step = optim.Adam({{params = {alpha}}}, {lr = 0.01})
  local x, given = o.data.train.x, {}
  for key, value in pairs(o) do given[key] = value end
  given.p_kl = nil
  function given.times(n, g)
    if g:rand(1):item() < o.p_kl then return draws.uniform(n, g) end
    return diffusion.tilted_times(n, alpha:item(), g):clamp(1e-5, 1)
  end
  function given.each(k, score, g)                -- the adversary's step: uphill, on times of its own
    local x0 = x:index_select(1, g:randint(1, x:size(1), {o.batch or P.batch}))
    local t, n = draws.uniform(x0:size(1), g), g:randn(x0.shape)
    local e, s = rp.no_grad(errors, score, x0, t, n)
    local l = e * weights.sigma2(s, score.sd)
    step:zero_grad()
    local worst = -(diffusion.tilted_density(t, alpha) * l):mean()
    worst:backward()
    step:step()
    rp.no_grad(function() alpha:copy_(alpha:clamp(-1, 1)) end)
    alphas[k] = alpha:item()
  end
  local model = train(given)
  model.alphas = alphas
  return model
end

local function loss_over_time(score, x, ts, seed) -- sigma^2-weighted loss at each time, per pixel
  local list = {}
  for i, t in ipairs(ts) do
    local g = rp.generator(seed, "drl.loss." .. i)
    local e, s = rp.no_grad(errors, score, x, rp.full({x:size(1)}, t), g:randn(x.shape))
    list[i] = (e * weights.sigma2(s, score.sd)):mean():item() * x:size(1) / x:numel()
  end
  return list
end

local function mean(list)
  local sum = 0
  for _, v in ipairs(list) do sum = sum + v end
  return sum / #list
end

if not P.main then
  return {load = load_images, MlpF = MlpF, ConvF = ConvF, ScoreNet = ScoreNet, Encoder = Encoder, sizes = sizes, ve = ve,
          weights = weights, draws = draws, errors = errors, regulariser = regulariser, encode_batch = encode_batch,
          train = train, codes = codes, sample = sample, judge_codes = judge_codes, train_critic = train_critic, quality = quality,
          train_adversary = train_adversary, loss_over_time = loss_over_time, columns_of = columns_of, mean = mean}
end
