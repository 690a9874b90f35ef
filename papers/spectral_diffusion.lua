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
$\psi_{t,l}$, $R$ the matrix of correlations of two views, $\alpha$ the weight of its upper triangle, $\lambda$ that of the regulariser. ]]

--[[ ## 1  Rectified flow (Sec. 2, App. A)
$x_t = (1 - t) x_0 + t \epsilon$ is a perturbation kernel with $s(t) = 1 - t$ and $\sigma(t) = t / (1 - t)$. By Eq. 2
$$ f(t) = \frac{\dot s}{s} = -\frac{1}{1 - t}, \qquad g^2(t) = 2 s^2 \dot\sigma \sigma = \frac{2t}{1 - t}, $$
here with the derivatives from the tape; and by Eq. 3 $s$ and $\sigma$ are integrals of $f$ and $g$ again. ]]
local function f64(t) return rp.tensor(t, "float64") end
local function largest(x) return x:abs():max():item() end

local ts = (rp.arange(1, 19, 1, "float64") / 20):requires_grad_()
local s, sigma = 1 - ts, ts / (1 - ts)
local ds, dsigma = rp.grad(s:sum(), {ts})[1], rp.grad(sigma:sum(), {ts})[1]
P:exact("eq2.f", largest(ds / s + 1 / (1 - ts)), 0, 1e-12, {where = "Eq. 2, 17", text = "f(t) = -1/(1-t)"})
P:exact("eq2.g", largest(s:square() * dsigma * sigma * 2 - ts * 2 / (1 - ts)), 0, 1e-12, {where = "Eq. 2, 17", text = "g(t)^2 = 2t/(1-t)"})

local function f_of(t) return -1 / (1 - t) end
local function g2_of(t) return 2 * t / (1 - t) end
local function integral(rate, t, y0) return rp.ode.solve(rate, 0, t, y0, {rtol = 1e-12, atol = 1e-14}) end
P:exact("eq3.s", math.exp(integral(f_of, 0.7, 0.0)), 0.3, 1e-10, {where = "Eq. 3", text = "s = exp of the integral of f"})
P:exact("eq3.sigma", math.sqrt(integral(function(t) return g2_of(t) / (1 - t) ^ 2 end, 0.7, 0.0)), 0.7 / 0.3, 1e-9,
        {where = "Eq. 3", text = "sigma^2 = the integral of g^2 / s^2"})

--[[ The kernel is $\mathcal N((1 - t) x_0, t^2 I)$. The text prints $t I$ for its covariance (Sec. 4.1, App. A); the variance of Eq. 17 obeys
$\dot v = 2 f v + g^2$. ]]
local variance = integral(function(t, v) return 2 * f_of(t) * v + g2_of(t) end, 0.5, 0.0)
P:exact("kernel", variance, 0.25, 1e-11, {where = "Eq. 17", text = "the kernel's variance at t = 1/2 is t^2"})
P:exact("misprint.kernel", math.abs(variance - 0.5), {op = ">=", bound = 0.2}, {where = "Sec. 4.1", text = "... and not t, as printed"})

--[[ ### A test bed
Eight points of the line, equally likely, $x_k = (2k - 9)/4$. All that follows is exact there: $p_t$ is a mixture of eight Gaussians
and integrals over $x$ are sums over nodes (the trapezoidal rule, which for such functions is exact but for rounding). The score is
Eq. 54, the velocity $\mathbf E[\epsilon - x_0 | x_t] = (x - \mathbf E[x_0 | x]) / t$. ]]
local atoms = (rp.arange(1, 8, 1, "float64") * 2 - 9) / 4
local n_atom = 8

local function joint_log(x, t)                    -- x (n), t number or (n) -> log [p_0(x_k) p(x | x_k)], (n,8)
  if not rp.is_tensor(t) then t = rp.full({1}, t, "float64") end
  t = t:unsqueeze(2)
  local z = (x:unsqueeze(2) - (1 - t) * atoms) / t
  return z:square() * -0.5 - t:log() - (math.log(2 * math.pi) / 2 + math.log(n_atom))
end
local function log_density(x, t) return joint_log(x, t):logsumexp(2) end
local function posterior(x, t) return joint_log(x, t):softmax(2) end             -- p(x_k | x), (n,8)
local function bed_score(x, t)                    -- Eq. 54
  return (posterior(x, t) * ((atoms * (1 - t)) - x:unsqueeze(2))):sum(2) / (t * t)
end
local function bed_velocity(x, t)
  return (x - (posterior(x, t) * atoms):sum(2)) / t
end

local places = rp.linspace(-2, 2, 41, "float64")
do
  local x, t = places:clone():requires_grad_(), rp.full({41}, 0.3, "float64"):requires_grad_()
  local by_tape = rp.grad(log_density(x, t):sum(), {x})[1]
  P:exact("eq54", largest(bed_score(places, 0.3) - by_tape), 0, 1e-11, {where = "Eq. 54", text = "the closed-form score is the slope of log p_t"})
  local v = bed_velocity(places, 0.3)
  P:exact("eq19", largest(v + (places + bed_score(places, 0.3) * 0.3) / 0.7), 0, 1e-12,
          {where = "Eq. 19", text = "E[eps - x_0 | x_t] = -(x + t score) / (1 - t)"})
  local flow = diffusion.Flow{}
  P:exact("eq19.library", largest(flow:convert(v:unsqueeze(2), places:unsqueeze(2), t:detach(), "score"):squeeze(2) - bed_score(places, 0.3)),
          0, 1e-12, {where = "Eq. 19", text = "rp.diffusion.Flow turns the velocity into this score"})
  local p = log_density(x, t):exp()
  local slopes = rp.grad(p:sum(), {x, t})
  local T, X = t, x:unsqueeze(2)
  local mean = (joint_log(x, t):softmax(2) * atoms):sum(2)
  local flux = rp.grad((p * (x - mean) / T):sum(), {x})[1]
  P:exact("eq19.transport", largest(slopes[2] + flux), 0, 1e-10, {where = "Eq. 19", text = "the velocity moves p_t: dp/dt + d(pv)/dx = 0"})
  local score = (joint_log(x, t):softmax(2) * (atoms * (1 - T:unsqueeze(2)) - X)):sum(2) / T:square()
  local drift = rp.grad((p * x / (T - 1) - p * score * (T / (1 - T))):sum(), {x})[1]
  P:exact("eq17", largest(slopes[2] + drift), 0, 1e-10, {where = "Eq. 17", text = "so does the stochastic equation (Fokker-Planck)"})
end

--[[ The two samplers of Sec. 5.1, Euler for the ordinary equation and Euler-Maruyama for the stochastic one, here with the exact
velocity: nearly every sample ends on a point, and every point has its share. ]]
local function on_atoms(method)                   -- share of samples within 0.02 of a point, least and largest share of a point
  local flow = diffusion.Flow{generator = rp.generator(P.seed, "bed." .. method)}
  local function velocity(x, t) return bed_velocity(x:squeeze(2), t[1]:item()):unsqueeze(2) end
  local x = diffusion.sample(flow, flow:denoiser(velocity), flow:prior{4000, 1}:to "float64", {method = method, steps = 100})
  local gap = (x - atoms):abs()
  local share = gap:le(0.02):to("float64"):mean(1) * n_atom
  return share:mean():item(), share:min():item(), share:max():item()
end
for _, method in ipairs{"euler", "euler_maruyama"} do
  local near, least, most = on_atoms(method)
  P:exact("sampler." .. method, near, {op = ">=", bound = 0.99}, {where = "Sec. 5.1", text = method .. ": samples within 0.02 of a point"})
  P:exact("sampler." .. method .. ".share", math.max(1 - least, most - 1), {op = "<=", bound = 0.15},
          {where = "Sec. 5.1", text = "... and every point has its eighth, within the noise of 4,000 samples"})
end

--[[ ## 2  The operator of the noise (Sec. 3, Sec. 4.1, Eq. 7-13)
Two views of one example have the density $p_t(x, x') = \mathbf E_{x_0} p(x|x_0) p(x'|x_0)$, and
$$ \kappa_t(x, x') = \frac{p_t(x, x')}{p_t(x) p_t(x')}, \qquad (\mathcal K_t h)(x) = \int \kappa_t(x, x') h(x') p_t(x') dx' . $$
With $A$ the conditional expectation $(A c)(x) = \mathbf E[c(x_0) | x]$ and $A^*$ its adjoint, $(A^* h)(x_0) = \mathbf E[h(x) | x_0]$,
$$ \mathcal K_t = A A^*, \qquad M_t = A^* A, \quad M_t(x_k, x_l) = \int p(x | x_k)\, p(x_l | x)\, dx . $$
$M_t$ takes a data point, adds noise, and draws a data point from the posterior: a Markov matrix on the *data*. So $\mathcal K_t$ has at most
as many eigenvalues other than 0 as there are examples, they are those of $M_t$, the largest is 1 with a constant eigenfunction, and
$\psi_{t,l} = A v_l / \sqrt{\lambda_{t,l}}$ for $M_t v_l = \lambda_{t,l} v_l$. ]]
local function bed_at(t, nodes)                   -- the spectrum at a time: lambda (8) falling, psi(x), weights of the nodes
  local x = rp.linspace(-10, 10, nodes or P.nodes, "float64")
  local A = posterior(x, t)
  local w = log_density(x, t):exp() * (20 / (x:size(1) - 1))                      -- p_t(x) dx
  local M = (A * w:unsqueeze(2)):t():matmul(A) * n_atom
  local rising, V = rp.linalg.eigh(M)
  local order = rp.arange(n_atom, 1, -1, "int64")
  local lambda, v = rising:index_select(1, order), V:index_select(2, order) * math.sqrt(n_atom)
  local root = lambda:maximum(1e-300):sqrt()
  return {t = t, x = x, w = w, M = M, lambda = lambda, psi = function(at) return posterior(at, t):matmul(v) / root end}
end
local function kernel(x, y, t)                    -- kappa_t, (n,m)
  return posterior(x, t):matmul(posterior(y, t):t()) * n_atom
end

local bed = bed_at(0.3)
local psi_nodes = bed.psi(bed.x)
P:exact("markov", largest(bed.M:sum(2) - 1), 0, 1e-12, {where = "Sec. 4.1", text = "M is a Markov matrix"})
P:exact("lambda.0", bed.lambda[1], 1, 1e-12, {where = "Eq. 13", text = "the largest eigenvalue is 1"})
P:exact("psi.0", largest(psi_nodes:select(2, 1):abs() - 1), 0, 1e-11, {where = "Eq. 13", text = "... and its eigenfunction constant"})
P:exact("eq40", largest((psi_nodes * bed.w:unsqueeze(2)):t():matmul(psi_nodes) - rp.eye(n_atom, "float64")), 0, 1e-9,
        {where = "Eq. 40", text = "the eigenfunctions are orthonormal under p_t"})
P:exact("eq13", largest(kernel(places, bed.x, 0.3):matmul(psi_nodes * bed.w:unsqueeze(2)) - bed.psi(places) * bed.lambda), 0, 1e-9,
        {where = "Eq. 13", text = "K psi = lambda psi, the integral over all nodes"})
P:exact("eq39", largest((bed.psi(places) * bed.lambda):matmul(bed.psi(places):t()) - kernel(places, places, 0.3)), 0, 1e-10,
        {where = "Eq. 39", text = "Mercer's expansion, of eight terms"})
do                                                -- without A and M: the kernel itself on 401 nodes
  local few = bed_at(0.3, 401)
  local root = few.w:sqrt()
  local all = rp.linalg.eigh(kernel(few.x, few.x, 0.3) * root:unsqueeze(2) * root, false)
  P:exact("spectrum", largest(all:slice(1, -8, -1):index_select(1, rp.arange(8, 1, -1, "int64")) - bed.lambda), 0, 1e-10,
          {where = "Eq. 13", text = "the eigenvalues of the integral operator are those of M"})
  P:exact("spectrum.rank", largest(all:slice(1, 1, 393)), 0, 1e-10, {where = "Eq. 13", text = "... and the others are 0"})
end

local function times_of(n, from, to)
  local list = {}
  for i = 1, n do list[i] = from + (to - from) * (i - 1) / (n - 1) end
  return list
end
local function eigen_figure()
  local figure = rp.plot.figure{rows = 1, cols = 3, width = 900, height = 280, desc = "Spectrum over time, and eigenfunctions at two times"}
  local at, rows = times_of(P.scale == "smoke" and 10 or 40, 0.04, 0.98), {}
  for l = 1, n_atom do rows[l] = {} end
  for i, t in ipairs(at) do
    for l, value in ipairs(bed_at(t).lambda:totable()) do rows[l][i] = math.max(value, 0) end
  end
  local ax = figure:axes{title = "eigenvalues", xlabel = "$t$", ylabel = "$\\lambda_{t,l}$", legend = false}
  for l = 1, n_atom do ax:line(at, rows[l]) end
  local x = rp.linspace(-2.5, 2.5, 201, "float64")
  for _, t in ipairs{0.1, 0.4} do
    local here = bed_at(t)
    local panel = figure:axes{title = ("eigenfunctions, t = %g"):format(t), xlabel = "$x$", legend = t == 0.4}
    for l = 1, 4 do panel:line(x, here.psi(x):select(2, l), {label = ("l = %d"):format(l - 1)}) end
  end
  return figure
end
if P.main and P:wants("Spectrum") then
  P:figure("Spectrum", eigen_figure(), "The test bed: eigenvalues against time, and the first four eigenfunctions at a small and a larger time.")
end

--[[ ## 3  Diffusion distance (App. B)
Eq. 20 is the distance of Coifman and Lafon between what two points say of the data, Eq. 21 that between their rows of the kernel:
$$ D_t^2(x, x') = \int \Big[\frac{p(x | y)}{p_t(x)} - \frac{p(x' | y)}{p_t(x')}\Big]^2 p_0(y)\, dy, \qquad
   D_{\kappa_t}^2(x, x') = \int [\kappa_t(x, y) - \kappa_t(x', y)]^2 p_t(y)\, dy . $$
Mercer's expansion gives both. Eq. 24 and Eq. 47 hold:
$$ D_t^2 = \kappa_t(x, x) + \kappa_t(x', x') - 2 \kappa_t(x, x') = \sum_l \lambda_{t,l} (\Delta\psi_{t,l})^2, \qquad
   D_{\kappa_t}^2 = \sum_l \lambda_{t,l}^2 (\Delta\psi_{t,l})^2 . $$ ]]
local first_of, second_of = {}, {}               -- all pairs of places
for a = 1, places:size(1) do
  for b = a + 1, places:size(1) do first_of[#first_of + 1], second_of[#second_of + 1] = a, b end
end
first_of, second_of = rp.tensor(first_of, "int64"), rp.tensor(second_of, "int64")
local function differences(rows) return rows:index_select(1, first_of) - rows:index_select(1, second_of) end

local function distances(here)                    -- squared, of all pairs: Eq. 20, Eq. 21, and their sums over the spectrum
  local d20 = differences(posterior(places, here.t)):square():sum(2) * n_atom
  local d21 = (differences(kernel(places, here.x, here.t)):square() * here.w):sum(2)
  local dpsi = differences(here.psi(places)):square()
  return d20, d21, (dpsi * here.lambda):sum(2), (dpsi * here.lambda:square()):sum(2)
end
local d20, d21, sum20, sum21 = distances(bed)
local k_pp = kernel(places, places, bed.t)
local function relative(a, b) return largest(a / b - 1) end
local d24 = k_pp:diagonal():index_select(1, first_of) + k_pp:diagonal():index_select(1, second_of)
            - k_pp:reshape(-1):index_select(1, (first_of - 1) * places:size(1) + second_of) * 2
P:exact("eq24", relative(d24, d20), 0, 1e-9, {where = "Eq. 24", text = "Eq. 20 = k(x,x) + k(x',x') - 2 k(x,x')"})
P:exact("eq20.spectrum", relative(sum20, d20), 0, 1e-9, {where = "Eq. 20", text = "... = the sum of lambda (psi(x) - psi(x'))^2"})
P:exact("eq47", relative(sum21, d21), 0, 1e-9, {where = "Eq. 47", text = "Eq. 21 = the sum of lambda^2 (psi(x) - psi(x'))^2"})

--[[ So the two are **not equal**, as App. B has it (Eq. 37-38), where some eigenvalue is neither 0 nor 1. The error is in Eq. 32: the integral
$\int p(w | y)\, p(y | u)\, dy$ adds noise to $u$ and then draws from the posterior. That is $M_t(u, w)$, not $\delta(w - u)$;
the Chapman-Kolmogorov equation does not say that going forth and back is standing still. What holds follows from the two sums, for
$\lambda_{min}$ the least and $\lambda_1$ the second eigenvalue (the constant function drops out):
$$ \lambda_{min} \le \frac{D_{\kappa_t}^2(x, x')}{D_t^2(x, x')} \le \lambda_1 < 1 . $$
Both are diffusion distances, of different steps: Eq. 20 that of the operator $\mathcal K_t^{1/2}$, for which an embedding is
$\sqrt{\lambda_{t,l}}\, \psi_{t,l}$, Eq. 21 that of $\mathcal K_t$ with the paper's $\xi_t = \lambda_{t,l} \psi_{t,l}$. They agree where noise
overlaps nothing, $M_t = I$. ]]
local ratio = d21 / d20
P:exact("misprint.eq38", largest(ratio - 1), {op = ">=", bound = 0.1}, {where = "Eq. 38", text = "Eq. 20 = Eq. 21 is off by more than 10%"})
P:exact("misprint.eq32", largest(bed.M - rp.eye(n_atom, "float64")), {op = ">=", bound = 0.1},
        {where = "Eq. 32", text = "I_2 p_0 = M is not the identity"})
local function bounds_hold(t)                     -- over pairs whose distance is not rounding
  local here = bed_at(t)
  local a, b = distances(here)
  local apart = a:gt(1e-9)
  local least, most = rp.where(apart, b / a, math.huge):min():item(), rp.where(apart, b / a, 0):max():item()
  local from, to = math.max(here.lambda[n_atom]:item(), 0), here.lambda[2]:item()
  return least >= from - 1e-9 and most <= to + 1e-9,
         {("%.2f"):format(t), ("%.4f"):format(from), ("%.4f to %.4f"):format(least, most), ("%.4f"):format(to),
          ("%.3f"):format(here.M:diagonal():min():item())}
end
local rows_of_bounds, all_hold = {}, true
for i, t in ipairs{0.05, 0.1, 0.2, 0.3, 0.5, 0.8} do
  local holds, row = bounds_hold(t)
  all_hold, rows_of_bounds[i] = all_hold and holds, row
end
P:exact("bounds", all_hold, true, {where = "App. B", text = "lambda_min <= Eq. 21 / Eq. 20 <= lambda_1 at six times"})
P:exact("bounds.small", largest(bed_at(0.03).M - rp.eye(n_atom, "float64")), 0, 1e-3, {where = "App. B", text = "at t = 0.03 noise overlaps nothing: M = I"})
P:table("Two distances", {"t", "least eigenvalue", "Eq. 21 / Eq. 20, over pairs", "second eigenvalue", "least diagonal element of M"}, rows_of_bounds)

--[[ ### They collapse as noise grows (Sec. 4.1)
Over independent $x, x' \sim p_t$ the mean squared distances are $2 \sum_{l \ge 1} \lambda_{t,l}$ and $2 \sum_{l \ge 1} \lambda_{t,l}^2$, since the
eigenfunctions have mean 0 and variance 1. ]]
local function mean_distances(here)
  local rest = here.lambda:slice(1, 2, n_atom)
  return 2 * rest:sum():item(), 2 * rest:square():sum():item()
end
do
  local few = bed_at(0.3, 401)
  local A, weights = posterior(few.x, 0.3), few.w
  local w2 = rp.outer(weights, weights)
  local gram = A:matmul(A:t())
  local squared = (gram:diagonal():unsqueeze(2) + gram:diagonal() - gram * 2) * n_atom
  P:exact("collapse.mean", (squared * w2):sum():item(), (mean_distances(few)), 1e-9, {where = "App. B", text = "the mean of Eq. 20 over pairs"})
end
local collapse = {t = times_of(P.scale == "smoke" and 10 or 48, 0.02, 0.98), d20 = {}, d21 = {}}
local falls = true
for i, t in ipairs(collapse.t) do
  collapse.d20[i], collapse.d21[i] = mean_distances(bed_at(t))
  falls = falls and (i == 1 or collapse.d20[i] <= collapse.d20[i - 1] + 1e-12 and collapse.d21[i] <= collapse.d21[i - 1] + 1e-12)
end
P:claim("collapse", "As t increases and noise dominates, eigenspace distances progressively collapse: to less than a hundredth, and never rise",
        falls and collapse.d21[#collapse.t] < collapse.d21[1] / 100, {where = "Sec. 4.1"})
if P.main and P:wants("Distances over time") then
  local figure = rp.plot.figure{width = 520, height = 300, desc = "Mean squared diffusion distances against time"}
  figure:axes{xlabel = "$t$", ylabel = "mean squared distance", legend = true}
        :line(collapse.t, collapse.d20, {label = "Eq. 20"}):line(collapse.t, collapse.d21, {label = "Eq. 21"})
  P:figure("Distances over time", figure, "Both distances fall with noise, Eq. 21 faster.")
end

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
