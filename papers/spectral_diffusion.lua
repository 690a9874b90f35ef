local rp = require "repro"
local nn, optim, diffusion, eigenmap, contrastive, metrics = rp.nn, rp.optim, rp.diffusion, rp.eigenmap, rp.contrastive, rp.metrics

local P = rp.paper{
  id = "spectral_diffusion", year = 2025,
  title = "Revisiting Spectral Representations in Generative Diffusion Models",
  authors = "Anonymous (under review)",
  settings = {
    seeds    = {smoke = 1, small = 3, paper = 3, min = 1, help = "independent runs, from the run's seed upwards"},
    alpha    = {1.0, min = 0, help = "weight of the penalty in L_s, Eq. 14"},
    -- Sec. 4.1, one dimension
    nodes    = {smoke = 1001, small = 4001, paper = 4001, min = 101, help = "quadrature nodes of the one-dimensional test bed"},
    em_steps = {smoke = 60, small = 2000, paper = 2000, min = 1, help = "steps of an eigenmap on the test bed"},
    em_pairs = {smoke = 128, small = 1024, paper = 1024, min = 8, help = "pairs in a step of it"},
    -- Fig. 1, two dimensions
    steps    = {smoke = 40, small = 2000, paper = 20000, min = 1, help = "Fig. 1: steps of a training"},
    batch    = {smoke = 64, small = 256, paper = 256, min = 16, help = "Fig. 1: noisy points in a step, of all methods"},
    lr       = {3e-3, help = "Fig. 1: Adam's learning rate, falling as a cosine"},
    lambda   = {3e-3, min = 0, help = "Fig. 1: weight of L_s, Eq. 15"},
    samples  = {smoke = 200, small = 2000, paper = 10000, min = 10, help = "Fig. 1: generated points"},
    -- Table 1 and Fig. 2, images
    -- Table 2 and Fig. 3, point clouds
  },
}

--[[
# Spectral representations in diffusion models

**Abstract.** Two noisy views of one clean example are a positive pair, and a network that is trained on such pairs learns the
eigenfunctions of the noise's own kernel. The paper adds this *Neural Eigenmap* loss to the hidden states of a diffusion model while
it is trained, explains why by diffusion distances (App. B) and score distillation (App. C), and reports better samples of images and
point clouds with no encoder from outside.

This script is all of it at a small scale: each formula against a case that can be computed exactly, the regulariser with the controls
that the paper lacks, two-dimensional data (Fig. 1), images (Table 1, Fig. 2) and point clouds (Table 2, Fig. 3). Some of what is printed is
false; then the failing number stands beside what holds instead. Letters are the paper's: $x_0$ data, $x_t$ a noisy view,
$t \in [0, 1]$, $\kappa_t$ the kernel, $\mathcal K_t$ its operator with eigenvalues $\lambda_{t,l}$ and eigenfunctions
$\psi_{t,l}$, $R$ the matrix of correlations of two views, $\alpha$ the weight of its upper triangle, $\lambda$ that of the regulariser.

## 1  Rectified flow (Sec. 2, App. A) ]]

--[[ ## 2  The operator of the noise (Sec. 3, Sec. 4.1, Eq. 7-13) ]]

--[[ ## 3  Diffusion distance (App. B) ]]

--[[ ## 4  Learning the eigenfunctions (Eq. 9-11, 14) ]]

--[[ ## 5  Score distillation (Sec. 4.2, App. C) ]]

--[[ ## 6  The regulariser and its controls (Sec. 4.1, Eq. 15)
A network gives the velocity and the hidden states of a tapped layer, `v, h = net(x, t, ...)`; the head, two layers that time
modulates, turns the states into $K$ functions. A step of `batch` noisy examples is `batch / 2` clean ones, each seen in two views (the
paper halves the base batch), except for the vanilla model, which sees `batch` clean ones. Then
$$ \mathcal L = \mathcal L_{diff} + \lambda \mathcal L_s . $$
What a gain is due to only controls can say:

- *pairs*: two views of each example and $\lambda = 0$, which is what halving the base batch costs;
- *shuffled*: $\mathcal L_s$ on views of two **different** examples at one time, so that nothing is left of the kernel;
- *no penalty*: $\alpha = 0$, so that nothing is left of the eigenfunctions;
- *by time*: the views in groups of one time with a matrix $R$ for each, as Eq. 14 has it, in the place of one $R$ over all times. ]]
local methods = {
  vanilla      = {name = "vanilla", views = 1, lambda = 0},
  pairs        = {name = "pairs, λ = 0", views = 2, lambda = 0},
  ours         = {name = "ours", views = 2, lambda = 1},
  shuffled     = {name = "shuffled positives", views = 2, lambda = 1, positives = "other"},
  no_penalty   = {name = "no penalty, α = 0", views = 2, lambda = 1, alpha = 0},
  by_time      = {name = "ours, R by time", views = 2, lambda = 1, groups = 8},
}

-- x0: `batch` clean examples for the vanilla model, batch / 2 for the others; o = {lambda, alpha, rows}; ... a condition for the
-- network, of as many rows as it has inputs.  -> the loss, L_diff, and L_s or nil
local function objective(flow, net, head, x0, method, o, ...)
  if method.views == 1 then
    local loss = flow:loss(net, x0, ...)
    return loss, loss
  end
  local b = eigenmap.pairs(flow, x0, {positives = method.positives or "own", groups = method.groups or false})
  local v, h = net(b.x, b.t, ...)
  local l_diff = (v - b.target):square():mean()
  if method.lambda == 0 then return l_diff, l_diff end
  local first, second = head(h, b.t):chunk(2)
  local l_s = eigenmap.loss(first, second, {alpha = method.alpha or o.alpha, rows = o.rows ~= false, groups = method.groups or 1})
  return l_diff + l_s * (o.lambda * method.lambda), l_diff, l_s
end

--[[ ## 7  Two dimensions (Fig. 1) ]]

--[[ ## 8  Images (Sec. 5.1, Table 1, Fig. 2) ]]

--[[ ## 9  Point clouds (Sec. 5.2, Table 2, Fig. 3) ]]

--[[ ## 10  Verdict ]]

if not P.main then return {objective = objective, methods = methods} end
