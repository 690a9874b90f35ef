local rp = require "repro"
local nn, optim, diffusion, eigenmap = rp.nn, rp.optim, rp.diffusion, rp.eigenmap
local mean, show, lazy, map, rows_of = rp.runs.mean, rp.runs.text, rp.runs.lazy, rp.runs.map, rp.runs.rows

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
    steps    = {smoke = 40, small = 3000, paper = 20000, min = 1, help = "Fig. 1: steps of a training"},
    batch    = {smoke = 64, small = 256, paper = 256, min = 16, help = "Fig. 1: noisy points in a step, of all methods"},
    lr       = {1e-2, help = "Fig. 1: Adam's learning rate, falling as a cosine"},
    lambda   = {3e-3, min = 0, help = "Fig. 1: weight of L_s, Eq. 15"},
    samples  = {smoke = 200, small = 2000, paper = 10000, min = 10, help = "Fig. 1: generated points"},
    -- Table 1 and Fig. 2, images
    image_data   = {"numerals", paper = "cifar10", choices = {"numerals", "digits", "mnist", "cifar10", "latents"},
                    help = "drawn digits, real images from --data DIR, or latents of Stable Diffusion's autoencoder"},
    image_size   = {smoke = 8, small = 12, paper = 32, min = 8, help = "side of the images; larger ones are pooled"},
    image_train  = {smoke = 200, small = 4000, paper = 50000, min = 20, help = "training images"},
    image_test   = {smoke = 60, small = 1000, paper = 10000, min = 20, help = "unseen images"},
    image_model  = {"tiny", paper = "S", choices = {"tiny", "S", "B", "L", "XL"}, help = "DiT: tiny is 3 blocks of image_width"},
    image_patch  = {0, paper = 2, min = 0, help = "side of a patch; 0: a quarter of the image's"},
    image_width  = {32, help = "width of the tiny DiT"},
    image_depth  = {3, min = 1, help = "blocks of the tiny DiT"},
    image_tap    = {2, paper = 8, min = 1, help = "the block whose tokens are regularised"},
    image_steps  = {smoke = 8, small = 600, paper = 70000, min = 4, help = "steps of a training"},
    image_batch  = {smoke = 16, small = 64, paper = 256, min = 4, help = "noisy images in a step, of all methods"},
    image_lr     = {5e-3, paper = 1e-4, help = "Adam's learning rate"},
    image_lambda = {0.01, min = 0, help = "weight of L_s, Eq. 15"},
    image_K      = {16, paper = 256, min = 1, help = "eigenfunctions"},
    image_decay  = {smoke = 0.9, small = 0.99, paper = 0.9999, min = 0, max = 1, help = "of the averaged weights, images and clouds"},
    image_samples = {smoke = 40, small = 500, paper = 50000, min = 8, help = "generated images that are judged"},
    image_sampler = {"euler", choices = {"euler", "euler_maruyama"}, help = "ODE (pixels) or SDE (latents)"},
    image_sampling = {smoke = 4, small = 20, paper = 250, min = 2, help = "steps of a sampler, images and clouds"},
    image_judge  = {"own", choices = {"own", "files"}, help = "features: a network of our own, or the Inception network's from files"},
    image_judge_steps = {smoke = 20, small = 300, paper = 5000, min = 1, help = "steps of the judge's and of the teacher's training"},
    -- Table 2 and Fig. 3, point clouds
    cloud_data   = {"drawn", paper = "files", choices = {"drawn", "files"}, help = "drawn shapes, or ShapeNet's from --data DIR"},
    cloud_kinds  = {{"chair", "airplane", "car"}, help = "categories"},
    cloud_net    = {"points", paper = "voxel", choices = {"points", "voxel"}, help = "set transformer, or DiT-3D S/4"},
    cloud_width  = {32, help = "width of the set transformer"},
    cloud_tap    = {2, paper = 8, min = 1, help = "the block whose tokens are regularised"},
    cloud_points = {smoke = 16, small = 64, paper = 2048, min = 8, help = "points of a cloud"},
    cloud_train  = {smoke = 30, small = 400, paper = 5000, min = 8, help = "training clouds"},
    cloud_samples = {smoke = 8, small = 32, paper = 1000, min = 4, help = "generated clouds, and as many test clouds"},
    cloud_steps  = {smoke = 4, small = 300, paper = 10000, min = 2, help = "steps of a training"},
    cloud_batch  = {smoke = 8, small = 16, paper = 128, min = 4, help = "noisy clouds in a step, of all methods"},
    cloud_lr     = {5e-3, paper = 1e-4, help = "Adam's learning rate"},
    cloud_lambda = {0.01, min = 0, help = "weight of L_s, Eq. 15"},
    cloud_emd_points = {64, paper = 512, min = 8, help = "points of a cloud that the exact earth mover's distance is of, at most"},
    cloud_K      = {16, paper = 256, min = 1, help = "eigenfunctions"},
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
Eight points of the line, equally likely, $x_k = (2k - 9)/4$. All that follows is exact there (`rp.eigenmap.line`): $p_t$ is a mixture of
eight Gaussians and integrals over $x$ are sums over nodes (the trapezoidal rule, which for such functions is exact but for rounding).
The score is Eq. 54, the velocity $\mathbf E[\epsilon - x_0 | x_t] = (x - \mathbf E[x_0 | x]) / t$. ]]
local atoms, n_atom = (rp.arange(1, 8, 1, "float64") * 2 - 9) / 4, 8
local line = eigenmap.line(atoms)

local places = rp.linspace(-2, 2, 41, "float64")
do
  local x, t = places:clone():requires_grad_(), rp.full({41}, 0.3, "float64"):requires_grad_()
  local p, v, score = line:log_density(x, t):exp(), line:velocity(x, t), line:score(x, t)
  local slope = rp.grad(line:log_density(x, t):sum(), {x})[1]
  P:exact("eq54", largest(score - slope), 0, 1e-11, {where = "Eq. 54", text = "the closed-form score is the slope of log p_t"})
  P:exact("eq19", largest(v + (x + score * t) / (1 - t)), 0, 1e-12,
          {where = "Eq. 19", text = "E[eps - x_0 | x_t] = -(x + t score) / (1 - t)"})
  local converted = diffusion.Flow{}:convert(v:unsqueeze(2), x:unsqueeze(2), t, "score"):squeeze(2)
  P:exact("eq19.library", largest(converted - score), 0, 1e-12,
          {where = "Eq. 19", text = "rp.diffusion.Flow turns the velocity into this score"})
  local rate = rp.grad(p:sum(), {t})[1]
  local flux = rp.grad((p * v):sum(), {x})[1]
  P:exact("eq19.transport", largest(rate + flux), 0, 1e-10, {where = "Eq. 19", text = "the velocity moves p_t: dp/dt + d(pv)/dx = 0"})
  local current = rp.grad((p * x / (t - 1) - p * score * t / (1 - t)):sum(), {x})[1]       -- f x p - g^2/2 dp/dx
  P:exact("eq17", largest(rate + current), 0, 1e-10, {where = "Eq. 17", text = "so does the stochastic equation (Fokker-Planck)"})
end

--[[ The two samplers of Sec. 5.1, Euler for the ordinary equation and Euler-Maruyama for the stochastic one, here with the exact
velocity: nearly every sample ends on a point, and every point has its share. ]]
local function on_atoms(method)                   -- share of samples within 0.02 of a point, least and largest share of a point
  local flow = diffusion.Flow{generator = rp.generator(P.seed, "bed." .. method)}
  local function velocity(x, t) return line:velocity(x:squeeze(2), t[1]:item()):unsqueeze(2) end
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
local function bed_at(t, nodes) return line:at(t, {nodes = nodes or P.nodes}) end     -- lambda falling, psi(x), M, nodes, weights
local function kernel(x, y) return line:kernel(x, y, 0.3) end

local bed = bed_at(0.3)
local psi_nodes = bed.psi(bed.x)
local weighted_nodes = psi_nodes * bed.w:unsqueeze(2)
P:exact("markov", largest(bed.M:sum(2) - 1), 0, 1e-12, {where = "Sec. 4.1", text = "M is a Markov matrix"})
P:exact("lambda.0", bed.lambda[1], 1, 1e-12, {where = "Eq. 13", text = "the largest eigenvalue is 1"})
P:exact("psi.0", largest(psi_nodes:select(2, 1):abs() - 1), 0, 1e-11, {where = "Eq. 13", text = "... and its eigenfunction constant"})
P:exact("eq40", largest(weighted_nodes:t():matmul(psi_nodes) - rp.eye(n_atom, "float64")), 0, 1e-9,
        {where = "Eq. 40", text = "the eigenfunctions are orthonormal under p_t"})
P:exact("eq13", largest(kernel(places, bed.x):matmul(weighted_nodes) - bed.psi(places) * bed.lambda), 0, 1e-9,
        {where = "Eq. 13", text = "K psi = lambda psi, the integral over all nodes"})
P:exact("eq39", largest((bed.psi(places) * bed.lambda):matmul(bed.psi(places):t()) - kernel(places, places)), 0, 1e-10,
        {where = "Eq. 39", text = "Mercer's expansion, of eight terms"})
do                                                -- without A and M: the kernel itself on 401 nodes
  local few = bed_at(0.3, 401)
  local root = few.w:sqrt()
  local all = rp.linalg.eigh(kernel(few.x, few.x) * root:unsqueeze(2) * root, false)
  P:exact("spectrum", largest(all:slice(1, -8, -1):index_select(1, rp.arange(8, 1, -1, "int64")) - bed.lambda), 0, 1e-10,
          {where = "Eq. 13", text = "the eigenvalues of the integral operator are those of M"})
  P:exact("spectrum.rank", largest(all:slice(1, 1, 393)), 0, 1e-10, {where = "Eq. 13", text = "... and the others are 0"})
end

--[[ The paper's analysis "is insensitive to the specific parameterization" of the kernel. It is: dividing $x$ by $s(t)$ changes neither a posterior nor a
ratio of densities, so that the spectrum depends on $\sigma(t)$ alone. Here a kernel that only adds noise, at $\sigma = t/(1 - t)$. ]]
do
  local x, sigma_t = rp.linspace(-12, 12, P.nodes, "float64"), 0.3 / 0.7
  local log_joint = ((x:unsqueeze(2) - atoms) / sigma_t):square() * -0.5 - math.log(sigma_t * math.sqrt(2 * math.pi) * n_atom)
  local A, w = log_joint:softmax(2), log_joint:logsumexp(2):exp() * (24 / (x:size(1) - 1))
  local rising = rp.linalg.eigh((A * w:unsqueeze(2)):t():matmul(A) * n_atom, false)
  P:exact("spectrum.sigma", largest(rising:index_select(1, rp.arange(8, 1, -1, "int64")) - bed.lambda), 0, 1e-11,
          {where = "Sec. 4.1", text = "the spectrum depends on sigma(t) alone"})
end

local function times_of(n, from, to) return rp.linspace(from, to, n, "float64"):totable() end
if P.main then
  local figure = rp.plot.figure{rows = 1, cols = 3, width = 900, height = 280, desc = "Spectrum over time, and eigenfunctions at two times"}
  local at = times_of(P.scale == "smoke" and 10 or 40, 0.04, 0.98)
  local spectra = rp.tensor(map(at, function(t) return bed_at(t).lambda:maximum(0):totable() end))
  local ax = figure:axes{title = "eigenvalues", xlabel = "$t$", ylabel = "$\\lambda_{t,l}$", legend = false}
  for l = 1, n_atom do ax:line(at, spectra:select(2, l)) end
  local x = rp.linspace(-2.5, 2.5, 201, "float64")
  for _, t in ipairs{0.1, 0.4} do
    local psi = bed_at(t).psi(x)
    local panel = figure:axes{title = ("eigenfunctions, t = %g"):format(t), xlabel = "$x$", legend = t == 0.4}
    for l = 1, 4 do panel:line(x, psi:select(2, l), {label = ("l = %d"):format(l - 1)}) end
  end
  P:figure("Spectrum", figure, "The test bed: eigenvalues against time, and the first four eigenfunctions at a small and a larger time.")
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
  local d20 = differences(line:posterior(places, here.t)):square():sum(2) * n_atom
  local d21 = (differences(line:kernel(places, here.x, here.t)):square() * here.w):sum(2)
  local dpsi = differences(here.psi(places)):square()
  return d20, d21, (dpsi * here.lambda):sum(2), (dpsi * here.lambda:square()):sum(2)
end
local d20, d21, sum20, sum21 = distances(bed)
local k_pp = kernel(places, places)
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
local bounds, n_held = {}, 0
for i, t in ipairs{0.05, 0.1, 0.2, 0.3, 0.5, 0.8} do
  local holds
  holds, bounds[i] = bounds_hold(t)
  n_held = n_held + (holds and 1 or 0)
end
P:exact("bounds", n_held, 6, 0, {where = "App. B", text = "lambda_min <= Eq. 21 / Eq. 20 <= lambda_1 at six times"})
P:exact("bounds.small", largest(bed_at(0.03).M - rp.eye(n_atom, "float64")), 0, 1e-3,
        {where = "App. B", text = "at t = 0.03 noise overlaps nothing: M = I"})
P:table("Two distances", {"t", "least eigenvalue", "Eq. 21 / Eq. 20, over pairs", "second eigenvalue", "least diagonal element of M"},
        bounds)

--[[ ### They collapse as noise grows (Sec. 4.1)
Over independent $x, x' \sim p_t$ the mean squared distances are $2 \sum_{l \ge 1} \lambda_{t,l}$ and $2 \sum_{l \ge 1} \lambda_{t,l}^2$, since the
eigenfunctions have mean 0 and variance 1. ]]
local function mean_distances(here)
  local rest = here.lambda:slice(1, 2, n_atom)
  return 2 * rest:sum():item(), 2 * rest:square():sum():item()
end
do
  local few = bed_at(0.3, 401)
  local A = line:posterior(few.x, 0.3)
  local gram = A:matmul(A:t())
  local squared = (gram:diagonal():unsqueeze(2) + gram:diagonal() - gram * 2) * n_atom
  P:exact("collapse.mean", (squared * rp.outer(few.w, few.w)):sum():item(), (mean_distances(few)), 1e-9,
          {where = "App. B", text = "the mean of Eq. 20 over pairs"})
end
local times = times_of(P.scale == "smoke" and 10 or 48, 0.02, 0.98)
local by_time = map(times, function(t) return {mean_distances(bed_at(t))} end)
local mean_20, mean_21 = rp.runs.column(by_time, 1), rp.runs.column(by_time, 2)
local function never_rises(list)
  for i = 2, #list do
    if list[i] > list[i - 1] + 1e-12 then return false end
  end
  return true
end
P:claim("collapse", "As t increases and noise dominates, eigenspace distances progressively collapse: they never rise, and Eq. 21 falls to "
        .. "less than a hundredth",
        never_rises(mean_20) and never_rises(mean_21) and mean_21[#times] < mean_21[1] / 100, {where = "Sec. 4.1"})
local figure = rp.plot.figure{width = 520, height = 300, desc = "Mean squared diffusion distances against time"}
figure:axes{xlabel = "$t$", ylabel = "mean squared distance", legend = true}
      :line(times, mean_20, {label = "Eq. 20"}):line(times, mean_21, {label = "Eq. 21"})
P:figure("Distances over time", figure, "Both distances fall with noise, Eq. 21 faster.")

--[[ ## 4  Learning the eigenfunctions (Eq. 9-11, 14)
For outputs $\psi$ of a network with mean square 1 (L2-BN) and $R = \frac1n \sum_b \psi(x_b) \psi(x_b')^\top$ over pairs of views,
$$ \mathcal L_s = -\mathrm{Tr}\, R + \alpha \sum_{i < j} R_{ij}^2, \qquad \text{in the penalty the first view is a constant}. $$
`rp.eigenmap.loss` is this loss. On the true eigenfunctions $R$ is diagonal, with the eigenvalues: ]]
do
  local R = weighted_nodes:t():matmul(kernel(bed.x, bed.x):matmul(weighted_nodes))    -- over pairs: p(x, x') = kappa p p
  P:exact("eq10", largest(R - rp.eye(n_atom, "float64") * bed.lambda), 0, 1e-9,
          {where = "Eq. 10", text = "R of the eigenfunctions is diag(lambda)"})
end

--[[ ### How large must α be?
Let $\psi_1, \dots, \psi_{j-1}$ be learned, and write the next as $\psi = \sum_l c_l \psi_l$, $|c| = 1$. Then $R_{jj} = \sum_l \lambda_l c_l^2$ and
$R_{ij} = \lambda_i c_i$, so that what is maximised is
$$ \sum_{i<j} (\lambda_i - \alpha \lambda_i^2)\, c_i^2 + \sum_{l \ge j} \lambda_l c_l^2 . $$
The maximum is all at the largest coefficient: $\psi_j$ is learned if and only if $\lambda_j > \lambda_i - \alpha \lambda_i^2$ for all earlier $i$,
$$ \alpha > \alpha_j = \max_{i<j} \frac{\lambda_i - \lambda_j}{\lambda_i^2} . $$
Below it an earlier function is learned again. The threshold is never above $1/\lambda_{j-1}$ and grows without bound as eigenvalues fall,
that is, with noise: no $\alpha$ is large enough for all $t$. (The paper does not give its $\alpha$.) ]]
local n_function = 4
local function threshold(lambda, j)
  local early = lambda:slice(1, 1, j - 1)
  return ((early - lambda[j]) / early:square()):max():item()
end
local function learned_next(lambda, j, alpha)     -- the eigenfunction that is the maximum, given the first j - 1
  local early = lambda:slice(1, 1, j - 1)
  return rp.concat(1, early - early:square() * alpha, lambda:slice(1, j, n_atom)):argmax():item()
end
local right, again = true, true
for j = 2, n_function do
  local a = threshold(bed.lambda, j)
  right = right and learned_next(bed.lambda, j, a * 1.001) == j
  again = again and learned_next(bed.lambda, j, a * 0.999) < j
end
P:exact("alpha.above", right, true, {where = "Eq. 9", text = "just above the threshold the next eigenfunction is the maximum"})
P:exact("alpha.below", again, true, {where = "Eq. 9", text = "just below it an earlier one is"})
local alpha_needed = threshold(bed.lambda, n_function)
P:note("At $t = 0.3$ the first %d functions (eigenvalues %s) need $\\alpha > %.2f$; at $t = 0.5$, $%.2f$; at $t = 0.8$, $%.0f$.",
       n_function, ("%.3f, %.3f, %.3f, %.3f"):format(table.unpack(bed.lambda:totable(), 1, n_function)), alpha_needed,
       threshold(bed_at(0.5).lambda, n_function), threshold(bed_at(0.8).lambda, n_function))

--[[ ### A network finds them
A perceptron with two hidden layers of 64 and four outputs, at $t = 0.3$, on fresh pairs. Five ways: as above with $\alpha = 2$; with $\alpha$
at half its threshold; with the rows scaled to length 1 as well, which the paper adds to stabilise training; without a penalty; and with
such rows and a large $\alpha$.
A learned function is compared with the exact one by its correlation under $p_t$. ]]
local Mlp = nn.class "Mlp"                        -- of x and, where it has waves, of t -> output, the hidden layer `tap` (the last one)
function Mlp:init(widths, o)                      -- o = {waves, activation, g}
  if o.waves then self.waves, widths[1] = nn.SinusoidalEmbedding(o.waves, {scale = 1000}), widths[1] + o.waves end
  self.net = nn.MLP(widths, {activation = o.activation or "silu", generator = o.g})
end
function Mlp:forward(x, t, _, tap)
  return self.net(self.waves and rp.concat(2, x, self.waves(t)) or x, tap or #self.net.layers - 1)
end

-- The loop of all trainings: o = {name, steps, adam, clip, average, visit(step)}, loss_of() -> the loss of a batch that it draws.
local function descend(o, loss_of)
  local step = rp.compile(function()
    local loss = loss_of()
    o.adam:zero_grad()
    loss:backward()
    o.adam:step{clip = o.clip}
    if o.average then o.average:update() end
    return loss
  end)
  for k in P:training(o.steps, o.name) do
    P:watch(step())
    if o.visit then o.visit(k) end
  end
  step:reset()                                    -- what was recorded is not needed any more
end

local atoms32 = atoms:to("float32"):unsqueeze(2)
local function train_eigenmap(o)                  -- {name, alpha, rows, t = a number or nil for all times, groups} -> network
  local g = rp.generator(P.seed, "eigenmap")
  local net = Mlp({1, 64, 64, n_function}, {waves = not o.t and 16, g = g})
  local flow = diffusion.Flow{t_min = o.t or 0, t_max = o.t or 1, generator = g}
  local adam = optim.Adam(net, {lr = 3e-3, schedule = optim.cosine(P.em_steps)})
  descend({name = o.name, steps = P.em_steps, adam = adam}, function()
    local b = eigenmap.pairs(flow, atoms32:index_select(1, g:randint(1, n_atom, {P.em_pairs})), {groups = o.groups or false})
    local first, second = net(b.x, b.t):chunk(2)
    return (eigenmap.loss(first, second, {alpha = o.alpha, rows = o.rows or false, groups = o.groups or 1}))
  end)
  return net
end

local function outputs(net, here)                 -- at the nodes, (nodes,K)
  return rp.no_grad(function() return (net(here.x:to("float32"):unsqueeze(2), rp.full({here.x:size(1)}, here.t))) end):to("float64")
end
local function compare(net, here, rows)           -- psi learned (nodes,K) of mean square 1, |correlations| with the exact ones
  local f = outputs(net, here)
  f = f / here:mean(f:square()):sqrt()
  if rows then f = f:unit() end
  local length = here:mean(f:square()):sqrt()
  return f / length, (here:mean(f * here.psi(here.x):slice(2, 1, n_function)) / length):abs()
end

local ways = {
  {"alpha = 2", {alpha = 2}},
  {"alpha at half its threshold", {alpha = alpha_needed / 2}},
  {"alpha = 2, rows of length 1", {alpha = 2, rows = true}},
  {"alpha = 0", {alpha = 0}},
  {"alpha = 128, rows of length 1", {alpha = 128, rows = true}},
}
local learned = lazy(function(k)
  local name, o = ways[k][1], ways[k][2]
  local net = train_eigenmap{name = "eigenmap, " .. name, t = bed.t, alpha = o.alpha, rows = o.rows}
  local psi, correlations = compare(net, bed, o.rows)
  return {net = net, hash = net:hash(), psi = psi, correlations = correlations:totable()}
end)
local function least(list) return (rp.runs.range(list)) end

--[[ Distances: those of the learned embedding $\xi = R_{jj} \psi_j$, with $R_{jj}$ by quadrature, against Eq. 47, whose sum has terms beyond the
first four. ]]
local function learned_distances()                -- relative differences of squared distances, in the mean: to Eq. 47; of its own rest
  local psi = learned[1].psi
  local weighted = psi * bed.w:unsqueeze(2)
  local R = (weighted * kernel(bed.x, bed.x):matmul(weighted)):sum(1)
  local node = ((places + 10) * ((bed.x:size(1) - 1) / 20)):round():to("int64") + 1
  local embedded = differences(psi:index_select(1, node) * R):square():sum(2)
  local terms = differences(bed.psi(bed.x:index_select(1, node)) * bed.lambda):square()
  local exact = terms:sum(2)
  return ((embedded - exact):abs():sum() / exact:sum()):item(), (terms:slice(2, n_function + 1, n_atom):sum() / exact:sum()):item()
end
if P.main then
  P:table("Learned eigenfunctions", {"", "first", "second", "third", "fourth"},
          rows_of(ways, {1, 2, 3, 4}, function(way) return way[1] end,
                  function(_, j, k) return ("%.3f"):format(learned[k].correlations[j]) end),
          "Correlation of each learned function with the exact eigenfunction of its place.")
  P:claim("recovery", "Neural Eigenmap finds the eigenfunctions of K_t: |correlation| of each of four at least 0.98",
          {value = least(learned[1].correlations), op = ">=", bound = 0.98}, {where = "Eq. 14"})
  P:claim("recovery.rows", "... and with each embedding scaled to length 1, which is how the paper trains, |correlation| at least 0.98 too",
          {value = least(learned[3].correlations), op = ">=", bound = 0.98}, {where = "Sec. 4.1, Implementation Details"})
  P:claim("recovery.distance", "Distances of the learned embedding approximate the diffusion distance (Eq. 47): within 5% in the "
          .. "mean over pairs",
          {value = (learned_distances()), op = "<=", bound = 0.05}, {where = "App. B"})
  P:note("Mean relative difference from Eq. 47: %.3f; the sum's terms beyond the first four are %.3f of it.", learned_distances())
end

--[[ Rows of length 1 ask that $\sum_j \psi_j(x)^2$ be the same at every $x$, which no set of a few eigenfunctions obeys, and they divide $R$ by
$K$, the penalty by $K^2$, and so $\alpha$ by $K$. A large $\alpha$ brings the functions nearer to eigenfunctions (the fourth from a correlation of
0.29 to 0.79 at $\alpha = 128$, and tried 0.84 at 512), and none makes them so.

### One time for each pair
Eq. 14 is an expectation over $t$ of a loss with an $R$ for each $t$. A batch in which each pair has a time of its own, as in training a
diffusion model, has *one* $R$ over all times, and L2-BN over all times. Both views have the same $t$. So the operator of these pairs
acts on functions of $x$ *and* $t$, it is $\mathcal K_t$ for each $t$, and **every function of $t$ alone is an eigenfunction with eigenvalue 1.**
There are infinitely many: $K$ of them, orthonormal, give $R = I$ and $\mathcal L_s = -K$, the least value that L2-BN permits, whatever $\alpha$,
with nothing in them of the data. ]]
do
  local t = (rp.arange(1, 1000, 1, "float64") - 0.5) / 1000
  local psi = (t:unsqueeze(2) * (rp.arange(1, n_function, 1, "float64") * math.pi)):cos()
  P:exact("time.least", (eigenmap.loss(psi, psi, {alpha = 1e6})), -n_function, 1e-9,
          {where = "Eq. 14", text = "K functions of t alone reach the least possible loss, -K"})
  local sum = 0
  for i = 1, 50 do sum = sum - bed_at((i - 0.5) / 50, 1001).lambda:slice(1, 1, n_function):sum():item() / 50 end
  P:exact("time.exact", sum, {op = ">=", bound = -n_function + 0.5},
          {where = "Eq. 14", text = "... which the eigenfunctions of each K_t do not: minus the mean sum of four eigenvalues"})
end

--[[ A network that is given $t$ finds this, with one $R$ over all times, and the eigenfunctions with one $R$ for each of 16 times in a batch. The
mean square of a function at a time has a part that is the same for all $x$, $\mathbf E[\psi | t]^2$: all of it for a function of time, and for
eigenfunctions all of the first one's and nothing of the others'. ]]
local function constant_share(net)               -- mean over functions and times of E[psi | t]^2 / E[psi^2 | t]
  local sum = 0
  for i = 1, 40 do
    local here = bed_at((i - 0.5) / 40, 1001)
    local f = outputs(net, here)
    sum = sum + (here:mean(f):square() / here:mean(f:square())):mean():item() / 40
  end
  return sum
end
local over_times = lazy(function(groups)          -- 1: one R over all times -> {constant share, correlations at three times}
  local net = train_eigenmap{name = ("eigenmap, R for each of %d times"):format(groups), alpha = 2, groups = groups > 1 and groups}
  return {share = constant_share(net),
          correlations = map({0.2, 0.3, 0.5}, function(t) return select(2, compare(net, bed_at(t))):totable() end)}
end)
local function second_function(groups)            -- the least |correlation| over the three times
  return least(rp.runs.column(over_times[groups].correlations, 2))
end
if P.main then
  P:table("Functions of time", {"", "constant share (eigenfunctions: 0.25)", "t = 0.2", "t = 0.3", "t = 0.5"},
          rows_of({1, 16}, {1, 2, 3}, function(groups)
            return {groups == 1 and "one R over all times" or "one R for each of 16 times", ("%.3f"):format(over_times[groups].share)}
          end, function(groups, k) return ("%.3f, %.3f, %.3f, %.3f"):format(table.unpack(over_times[groups].correlations[k])) end),
          "Share of a function's mean square at a time that is the same for all x, and correlations with the exact eigenfunctions.")
  P:claim("time.mixed", "psi(x, t) are eigenfunctions of each K_t: with a time for each pair, |correlation| of the first that is not "
          .. "constant at least 0.9 at three times", {value = second_function(1), op = ">=", bound = 0.9}, {where = "Sec. 4.1"})
  P:claim("time.groups", "... with an R for each time, as Eq. 14 has it", {value = second_function(16), op = ">=", bound = 0.9},
          {where = "Eq. 14"})
end

--[[ ## 5  Score distillation (Sec. 4.2, App. C)
**Duality.** Garrido and others exchange products over dimensions for products over examples. For any matrix $Z$ of $B$ rows $z_i$ and $K$ columns
$z_{\cdot j}$ it is an identity, since $|Z^\top Z|_F = |Z Z^\top|_F$:
$$ \sum_{i \ne j} (Z^\top Z)_{ij}^2 + \sum_j |z_{\cdot j}|^4 = \sum_{i \ne j} (Z Z^\top)_{ij}^2 + \sum_i |z_i|^4 . $$
With rows and columns normalised the fourth powers are constants, and orthogonal functions are examples that repel. ]]
local function off_squares(M) return M:square():sum() - M:diagonal():square():sum() end
local function by_dimension(Z) return off_squares(Z:t():matmul(Z)) end
local function by_example(Z) return off_squares(Z:matmul(Z:t())) end
local function without_squares(Z) local M = Z:matmul(Z:t()) return M:sum() - M:diagonal():sum() end
local g5 = rp.generator(P.seed, "duality")
local Y = g5:randn(32, 8, "float64")
P:exact("duality", relative(by_dimension(Y) + Y:square():sum(1):square():sum(), by_example(Y) + Y:square():sum(2):square():sum()), 0, 1e-12,
        {where = "Eq. 48, Garrido et al.", text = "sums of squared products over dimensions and over examples"})

--[[ **Eq. 48 has no squares** on the products of its negatives, and that is another loss:
$\sum_{i \ne j} z_i^\top z_j = |\sum_i z_i|^2 - \sum_i |z_i|^2$ only asks that the mean be 0. With unit rows the whole of Eq. 48 is then least, $-2B$, for
an embedding that knows one bit: half of the examples at $u$, the other half at $-u$. The squared form has its *greatest* value there. ]]
do
  local B = 32
  local bit = rp.concat(1, rp.ones(B // 2, 1, "float64"), -rp.ones(B // 2, 1, "float64"))
  local u = rp.concat(2, bit, rp.zeros(B, 7, "float64"))
  P:exact("misprint.eq48", -(u * u):sum() + without_squares(u), -2 * B, 1e-12,
          {where = "Eq. 48", text = "as printed, an embedding of rank one reaches the least value"})
  P:exact("eq48.squares", by_example(u), B * (B - 1), 1e-12, {where = "Eq. 48", text = "... and with squares the greatest"})
end
local function flat(list)
  return rp.concat(1, table.unpack(map(list, function(x) return x:reshape(-1):to("float64") end)))
end
local function cosine(a, b) return rp.cosine_similarity(a:reshape(-1), b:reshape(-1), 1):item() end
do
  local y = Y:clone():requires_grad_()
  local function both(v)                          -- rows of length 1 and columns of one length, by turns
    for _ = 1, 50 do v = eigenmap.normalise(v, true) end
    return v
  end
  local function slope(f) return rp.grad(f(both(y)), {y})[1] end
  local by_columns = slope(by_dimension)
  P:exact("eq48.gradient.squares", cosine(by_columns, slope(by_example)), 1, 1e-9,
          {where = "Eq. 48", text = "cosine of the gradients, over dimensions and over examples, rows and columns normalised"})
  P:exact("misprint.eq48.gradient", cosine(by_columns, slope(without_squares)), {op = "<=", bound = 0.5},
          {where = "Eq. 48", text = "... and without squares, as printed"})
end

--[[ **From Eq. 49 to Eq. 50-51.** For unit vectors $a^\top b / \tau = 1 / \tau - |a - b|^2 / (2 \tau)$: the two are the same number if the
distances are divided by $2\tau$. They are divided by $\tau$ in the text, which is another temperature. ]]
local function others(m) return m + rp.where(rp.eye(m:size(1), "float64"):gt(0), -math.huge, 0) end     -- exponents; none for oneself
local function inner_form(z, twin, tau)           -- Eq. 49
  return -(z * twin):sum() / tau + others(z:matmul(z:t()) / tau):logsumexp(2):sum()
end
local function repulsion(z, rest, tau)            -- Eq. 51 (n), rest = the rows z again, perhaps as constants
  return others((z:unsqueeze(2) - rest):square():sum(3) / -tau):logsumexp(2)
end
local function distance_form(z, twin, tau)        -- Eq. 50-51
  return (z - twin):square():sum() / tau + repulsion(z, z, tau):sum()
end
local z, twin = Y:unit(), (Y + g5:randn(32, 8, "float64") * 0.5):unit()
local tau = 0.5
P:exact("eq50", (inner_form(z, twin, tau) - distance_form(z, twin, 2 * tau)):item(), 0, 1e-10,
        {where = "Eq. 50-51", text = "Eq. 49 at tau is Eq. 50-51 at 2 tau"})
P:exact("misprint.eq50", math.abs((inner_form(z, twin, tau) - distance_form(z, twin, tau)):item()), {op = ">=", bound = 1},
        {where = "Eq. 50-51", text = "... and not at tau, as printed"})

--[[ **Gradients** (Eq. 52, 53), with the positives and the negatives as constants:
$$ \nabla_{\psi_i} \mathcal L_s^+ = \frac2\tau (\psi_i - \psi_i'), \qquad
   \nabla_{\psi_i} \mathcal L_s^- = \frac2\tau \sum_{k \ne i} w_{ik} (\psi_k - \psi_i), \quad w_{i\cdot} = \mathrm{softmax}(-|\psi_i - \psi_\cdot|^2 / \tau) . $$
The second is the score of a Gaussian mixture of variance $\tau/2$ around the negatives, Eq. 54 with $\tau = 2t^2$. Where the negatives are
not constants, each example is a negative of the others and the gradient has a second half. ]]
local free = z:clone():requires_grad_()
local plus = rp.grad((free - twin):square():sum() / tau, {free})[1]
local minus = rp.grad(repulsion(free, z, tau):sum(), {free})[1]
local gaps = z - z:unsqueeze(2)                   -- (n,n,8): psi_k - psi_i
local weights = others(gaps:square():sum(3) / -tau):softmax(2)
P:exact("eq52", largest(plus - (z - twin) * (2 / tau)), 0, 1e-12, {where = "Eq. 52", text = "gradient of the positives' part"})
P:exact("eq53", largest(minus - (weights:unsqueeze(3) * gaps):sum(2) * (2 / tau)), 0, 1e-12,
        {where = "Eq. 53", text = "gradient of the negatives' part, negatives as constants"})
P:exact("eq53.detach", largest(minus - rp.grad(repulsion(free, free, tau):sum(), {free})[1]), {op = ">=", bound = 0.1},
        {where = "Eq. 53", text = "... which is not the gradient if they are not"})
do
  local t = math.sqrt(tau / 2)
  local log_p = others((free:unsqueeze(2) - z):square():sum(3) / (-2 * t * t)):logsumexp(2)
  P:exact("eq53.score", largest(minus - rp.grad(log_p:sum(), {free})[1]), 0, 1e-12,
          {where = "Eq. 53, 54", text = "it is the score of a mixture of variance tau / 2 around the negatives"})
end

--[[ **Eq. 58.** So the gradient of this surrogate in the weights is that of a score distillation, $J^\top (\nabla \log p_- - \nabla \log p_+)$, with
$J$ the network's Jacobian. Here for a network in double precision: the left side by the tape through the loss, the right one through the
scores. ]]
local function double(net) rp.no_grad(function() net:to "float64" end) return net end
local function views_of(n, t, seed)               -- two views (n,1) of points of the bed
  local g = rp.generator(seed, "views")
  local x0 = atoms:index_select(1, g:randint(1, n_atom, {n})):unsqueeze(2)
  return x0 * (1 - t) + g:randn(n, 1, "float64") * t, x0 * (1 - t) + g:randn(n, 1, "float64") * t
end
local function gradients_of(net, tau_s)           -- of Eq. 14 (rows of length 1) and of the surrogate, in the weights
  local x, x_twin = views_of(P.scale == "smoke" and 256 or 1024, bed.t, P.seed)
  local params = net:parameters()
  local f, f_twin = (net(x)), (net(x_twin))
  local psi, psi_twin = eigenmap.normalise(f, true), eigenmap.normalise(f_twin, true)
  local surrogate = (psi - psi_twin:detach()):square():sum() / tau_s + repulsion(psi, psi:detach(), tau_s):sum()
  local fixed = psi:detach():requires_grad_()
  local score_minus = rp.grad(repulsion(fixed, psi:detach(), tau_s):sum(), {fixed})[1]
  local score_plus = (psi_twin - psi):detach() * (2 / tau_s)
  return flat(rp.grad(eigenmap.loss(f, f_twin, {alpha = 2, rows = true}), params)), flat(rp.grad(surrogate, params)),
         flat(rp.grad(psi, params, score_minus - score_plus))
end
local start = double(Mlp({1, 64, 64, n_function}, {g = rp.generator(P.seed, "eigenmap")}))
local _, by_loss, by_scores = gradients_of(start, tau)
P:exact("eq58", largest(by_loss - by_scores) / largest(by_loss), 0, 1e-10,
        {where = "Eq. 58", text = "gradient of the surrogate = score distillation, in the weights"})

--[[ **Proposition 4.1** says this of Eq. 14 itself. Its gradient is another one: the first views meet no negatives at all there, since the penalty
holds them constant, and products over dimensions are not softmax weights. The best cosine over seven temperatures is below; other $\alpha$ were
tried from 0 to 1000. At the start 0 is best (0.98), which leaves no negatives; after training all cosines are negative, since the
surrogate drives all examples apart, those of one point too. ]]
local function closest(net)
  local best, at = -1, 0
  for _, tau_s in ipairs{0.05, 0.1, 0.2, 0.5, 1, 2, 5} do
    local eq14, eq50 = gradients_of(net, tau_s)
    local c = cosine(eq14, eq50)
    if c > best then best, at = c, tau_s end
  end
  return best, at
end
local before_after = lazy(function(k) return {closest(k == 1 and start or double(learned[3].net))} end)
if P.main then
  P:claim("prop41", "Proposition 4.1: minimising Eq. 14 is, in gradient, score distillation (cosine at least 0.99 at some "
          .. "temperature, before and after training)", {value = math.min(before_after[1][1], before_after[2][1]), op = ">=", bound = 0.99},
                  {where = "Prop. 4.1"})
  P:note("Cosine of the gradients of Eq. 14 and Eq. 50-51 in the weights: %.3f at the start ($\\tau = %g$), %.3f after training "
         .. "($\\tau = %g$).", before_after[1][1], before_after[1][2], before_after[2][1], before_after[2][2])
end

P:not_run("mode_seeking",
        "a reading of Eq. 16 for which the paper gives no measure: \"mode-seeking dynamics\" that tighten clusters in representation space",
          {where = "Sec. 4.2"})

--[[ ## 6  The regulariser and its controls (Sec. 4.1, Eq. 15)
A network gives the velocity and the hidden states of a tapped layer, `v, h = net(x, t, ...)`; the head, two layers that time
modulates, turns the states into $K$ functions. A step of `batch` noisy examples is `batch / 2` clean ones, each seen in two views (the
paper halves the base batch), except for the vanilla model, which sees `batch` clean ones. Then
$$ \mathcal L = \mathcal L_{diff} + \lambda \mathcal L_s . $$
What a gain is due to only controls can say:

- *pairs*: two views of each example and $\lambda = 0$, which is what halving the base batch costs;
- *shuffled*: $\mathcal L_s$ on views of two **different** examples at one time, so that nothing is left of the kernel;
- *no penalty*: $\alpha = 0$, so that nothing is left of the eigenfunctions;
- *by time*: the views in groups of one time with a matrix $R$ for each, as Eq. 14 has it, in the place of one $R$ over all times.

REPA, on images, is vanilla with $0.5$ times the alignment of the tapped tokens, through a projector, with those of a teacher. ]]
local methods = {
  vanilla      = {name = "vanilla", views = 1, lambda = 0},
  pairs        = {name = "pairs, λ = 0", views = 2, lambda = 0},
  ours         = {name = "ours", views = 2, lambda = 1},
  shuffled     = {name = "shuffled positives", views = 2, lambda = 1, positives = "other"},
  no_penalty   = {name = "no penalty, α = 0", views = 2, lambda = 1, alpha = 0},
  by_time      = {name = "ours, R by time", views = 2, lambda = 1, groups = 8},
  repa         = {name = "REPA", views = 1, lambda = 0, repa = 0.5},
}
local function name_of(method) return methods[method].name end

-- x0: `batch` clean examples for the vanilla model, batch / 2 for the others; o = {lambda, alpha, rows}; ... a condition for the
-- network, of as many rows as it has inputs.  -> the loss
local function objective(flow, net, head, x0, method, o, ...)
  if method.views == 1 then return (flow:loss(net, x0, ...)) end
  local b = eigenmap.pairs(flow, x0, {positives = method.positives or "own", groups = method.groups or false})
  local v, h = net(b.x, b.t, ...)
  local l_diff = (v - b.target):square():mean()
  if method.lambda == 0 then return l_diff end
  local first, second = head(h, b.t):chunk(2)
  local l_s = eigenmap.loss(first, second, {alpha = method.alpha or o.alpha, rows = o.rows ~= false, groups = method.groups or 1})
  return l_diff + l_s * (o.lambda * method.lambda)
end

local function batch_of(o, method)                -- -> x0, labels of all inputs if there are any, the rows of x0
  local i = o.g:randint(1, o.x:size(1), {o.batch // method.views})
  local y = o.y and o.y:index_select(1, i)
  if y and method.views == 2 then y = rp.concat(1, y, method.positives == "other" and y:roll(1, 1) or y) end
  return o.x:index_select(1, i), y, i
end

-- Trains o.net on examples o.x (and labels o.y), o = {name, method, net, head, tap, flow, g: of the batches, batch, steps, lr, schedule,
-- lambda, alpha, rows, clip} and, on images and clouds, {decay of the averaged weights, with which at the steps `marks` visit(mark, step)
-- is called; teacher's tokens, projector}.
local function train(o)
  local method, hidden = methods[o.method], nil   -- hidden: the tapped states of the latest pass, for REPA
  local function tapped(x, t, y)
    local v, h = o.net(x, t, y, o.tap)
    hidden = h
    return v, h
  end
  local trained = {{params = o.net:parameters()}}
  if method.lambda > 0 then trained[2] = {params = o.head:parameters()} end
  if method.repa then trained[2] = {params = o.projector:parameters()} end
  local average, mark = o.marks and optim.EMA(o.net, {decay = o.decay, warm_up = true}), 1
  descend({name = o.name, steps = o.steps, clip = o.clip, average = average,
           adam = optim.Adam(trained, {lr = o.lr, schedule = o.schedule}), visit = function(k)
    if not average or k ~= o.marks[mark] then return end
    average:use(o.visit, mark, k)
    mark = mark + 1
  end}, function()
    local x0, y, i = batch_of(o, method)
    local loss = objective(o.flow, tapped, o.head, x0, method, o, y)
    if not method.repa then return loss end
    return loss + rp.contrastive.repa_loss(o.projector(hidden), o.teacher:index_select(1, i)) * method.repa
  end)
end

--[[ ## 7  Two dimensions (Fig. 1)
Data on curves and squares, without noise of their own, so that a sample that lies off them is the model's error: an *outlier* is
a sample more than 0.05 away. The network is a perceptron of four hidden layers of 64 (ReLU) with 16 sinusoids of the time, the tapped layer the last
hidden one, $K = 16$; samples come from Euler's method in 100 steps. ]]
local sets = {
  {name = "spirals", title = "two spirals", data = "spirals"}, {name = "checkerboard", title = "checkerboard", data = "checkerboard"},
  {name = "rings", title = "rings", data = "rings"}, {name = "moons", title = "two moons", data = "two_moons"},
}
for _, set in ipairs(sets) do sets[set.name] = set end
local function draw(set, n, seed, name) return rp.data[set.data]{n = n, seed = seed, name = name, noise = 0}.x end
for _, set in ipairs(sets) do
  P:exact("sets." .. set.name, largest(rp.data.distance_from(set.data, draw(set, 500, P.seed))), 0, 2e-3,
          {where = "Fig. 1", text = set.title .. ": the data's own distance from the set"})
end

-- o = {set, method, lr, seed, and what differs from the settings: lambda, alpha, rows, steps, batch, tap, pool = training points}
local function judge_2d(o)                        -- -> {x, hash, outliers, agreement of two views of one example, of two}
  local method, g, steps = methods[o.method], rp.generator(o.seed, "2d"), o.steps or P.steps
  local function flow(name) return diffusion.Flow{generator = rp.generator(o.seed, "2d." .. name)} end
  local net = Mlp({2, 64, 64, 64, 64, 2}, {waves = 16, activation = "relu", g = g})
  local head = eigenmap.Head(64, 16, {hidden = 64, generator = rp.generator(o.seed, "2d.head")})
  train{name = o.set.name .. ", " .. method.name, method = o.method, x = draw(o.set, o.pool or 20000, o.seed), net = net, head = head,
        tap = o.tap, flow = flow "noise", g = g, batch = o.batch or P.batch, steps = steps, lr = o.lr, schedule = optim.cosine(steps),
        lambda = o.lambda or P.lambda, alpha = o.alpha or P.alpha, rows = o.rows}
  local sampler = flow "samples"
  local x = diffusion.sample(sampler, sampler:denoiser(net), sampler:prior{P.samples, 2}, {method = "euler", steps = 100})
  local function embed(at, t) return head(select(2, net(at, t, nil, o.tap)), t) end
  return {x = x, hash = net:hash(), outliers = rp.data.distance_from(o.set.data, x):gt(0.05):to("float32"):mean():item(),
          agreement = method.lambda > 0 and {eigenmap.agreement(embed, flow "agreement", draw(o.set, 2000, o.seed, "test"))}}
end
local runs_2d = lazy(function(key)                -- "set method lr lambda seed"
  local name, method, lr, weight, seed = key:match "(%S+) (%S+) (%S+) (%S+) (%S+)"
  return judge_2d{set = sets[name], method = method, lr = tonumber(lr), lambda = tonumber(weight), seed = math.tointeger(seed)}
end)
local function run_2d(name, method, i, lr, weight)
  return runs_2d[("%s %s %g %g %d"):format(name, method, lr or P.lr, weight or P.lambda, P.seed + i - 1)]
end

local function outliers(name, method, lr, weight) -- one share for each seed
  return P:over_seeds(function(_, i) return run_2d(name, method, i, lr, weight).outliers end)
end
local order = {"vanilla", "pairs", "ours", "shuffled", "no_penalty", "by_time"}
local few = {vanilla = true, pairs = true, ours = true}                           -- on rings and moons, which the paper does not show

local function figure_1()
  local figure = rp.plot.figure{rows = #sets, cols = 4, width = 820, height = 820, desc = "Data and samples of three methods on four sets"}
  local function panel(title, x) figure:axes{title = title, legend = false}:scatter(x:select(2, 1), x:select(2, 2), {size = 1}) end
  for _, set in ipairs(sets) do
    panel(set.title, draw(set, P.samples, P.seed))
    for _, method in ipairs{"vanilla", "pairs", "ours"} do panel(name_of(method), run_2d(set.name, method, 1).x) end
  end
  return figure
end
local function gains(name, than)                  -- outliers with another method less those with ours, of each seed
  local ours = outliers(name, "ours")
  return map(outliers(name, than), function(share, i) return share - ours[i] end)
end
local fig_1 = {                                   -- id, statement, fewer than which, in what, by how much
  {"", "Our method produces a cleaner, more compact sample distribution than the baseline, with fewer outliers: by 0.02 at least (%s)",
   "vanilla", mean, ">=", 0.02, "Fig. 1"},
  {".every", "... in every seed", "vanilla", least, ">", 0, "Fig. 1"},
  {".pairs", "... because of the regulariser: fewer than with the same pairs and a weight of 0, by 0.02 at least",
   "pairs", mean, ">=", 0.02, "Fig. 1, Eq. 15"},
  {".relation", "... because the views are of one example: fewer than with views of different ones, by 0.02 at least",
   "shuffled", mean, ">=", 0.02, "Fig. 1, Sec. 4.1"},
}
if P.main then
  P:figure("Figure 1", figure_1(), "Data, and samples of one seed.")
  P:table("Outliers", {"", "two spirals", "checkerboard", "rings", "two moons"},
          rows_of(order, sets, name_of, function(method, set, _, j)
            return (j <= 2 or few[method]) and show(outliers(set.name, method)) or "not run"
          end),
          "Share of samples more than 0.05 from the data's set; mean over seeds (range).")
  for j, set in ipairs(sets) do
    for _, c in ipairs(fig_1) do
      local id = "fig1." .. set.name .. c[1]
      if P:wants(id) and (j <= 2 or few[c[3]]) then
        P:claim(id, c[2]:format(set.title), {value = c[4](gains(set.name, c[3])), op = c[5], bound = c[6]}, {where = c[7]})
      end
    end
  end
end

--[[ ### The learning rate and the weight
A regulariser changes the size of the steps, so the comparison is made again with each side at the learning rate that is best for it, and
with the better of two weights $\lambda$ for the regulariser (the paper gives neither). ]]
local rates, weights_2d = {3e-3, 1e-2, 2e-2}, {3e-3, 3e-1}
local sides = {{"vanilla", "vanilla"}, {"ours, λ = 0.003", "ours", weights_2d[1]}, {"ours, λ = 0.3", "ours", weights_2d[2]},
               {"shuffled positives, λ = 0.3", "shuffled", weights_2d[2]}}
local function best(method, weight)               -- the least mean over the rates, on the spirals
  return least(map(rates, function(lr) return mean(outliers("spirals", method, lr, weight)) end))
end
if P.main then
  P:table("Learning rates", {"", "0.003", "0.01", "0.02"},
          rows_of(sides, rates, function(side) return side[1] end, function(side, lr)
            return show(outliers("spirals", side[2], lr, side[3]))
          end), "Share of outliers on two spirals against Adam's learning rate.")
  P:claim("fig1.tuned", "... with each side at its best learning rate, and ours at the better of two weights (two spirals)",
          {value = best "vanilla" - math.min(best("ours", weights_2d[1]), best("ours", weights_2d[2])), op = ">=", bound = 0.02},
          {where = "Fig. 1"})
end

--[[ ### What the embedding knows
If the embedding told examples apart, two views of one example would be closer than views of two examples at one time. ]]
local function agreements(method, k)              -- of each seed; k = 1: of one example, 2: of two
  return P:over_seeds(function(_, i) return run_2d("spirals", method, i).agreement[k] end)
end
if P.main then
  P:table("Agreement", {"", "two views of one example", "views of two examples at one time"},
          rows_of({"ours", "shuffled", "no_penalty", "by_time"}, {1, 2}, name_of, function(method, k)
            return show(agreements(method, k), "%.4f")
          end),
          "Mean cosine of embeddings on two spirals, new data.")
  P:claim("embedding", "The hidden states are aligned with spectral representations of the data: embeddings of two views of one example "
          .. "agree more than those of two examples at one time, by 0.1 in the cosine",
          {value = mean(agreements("ours", 1)) - mean(agreements("ours", 2)), op = ">=", bound = 0.1}, {where = "Sec. 4.1"})
end

--[[ ## 8  Images and clouds of points: what is trained and judged (Sec. 5)
One function for both: Adam, an exponential average of the weights, samples from it at the marks of the training. ]]
local function given(o, kind)                     -- o, and the settings KIND_... for what it does not say
  return setmetatable({}, {__index = function(_, key)
    if o[key] ~= nil then return o[key] end
    return P[kind .. "_" .. key]
  end})
end

-- world = {kind, name, x, y, shape of all samples, range, marks(steps), new_net(g), width of a token, scores(samples, name), teacher(net)},
-- changed = {method, seed} and what differs from the settings -> {marks = {scores and step, ...}, samples = {of each mark}, weights}
local function run(world, changed)
  local o, method = given(changed, world.kind), methods[changed.method]
  local function stream(name) return rp.generator(o.seed, "spectral." .. name) end
  local net, g, out = world.new_net(stream "net"), stream "batches", {marks = {}, samples = {}}
  local teacher = method.repa and world.teacher(net)
  local labels = world.y and world.y:index_select(1, stream("labels"):randint(1, world.y:size(1), {world.shape[1]}))
  train{name = ("%s: %s"):format(world.name, method.name), method = o.method, x = world.x, y = world.y, net = net, tap = o.tap,
        head = eigenmap.Head(world.width, o.K, {generator = stream "head"}), flow = diffusion.Flow{generator = g}, g = g,
        batch = o.batch, steps = o.steps, lr = o.lr, schedule = optim.warmup(math.min(50, o.steps // 10 + 1)), clip = 1,
        lambda = o.lambda, alpha = P.alpha, decay = P.image_decay, marks = world.marks(o.steps), teacher = teacher,
        projector = teacher and nn.MLP({world.width, 2 * world.width, teacher:size(3)},
                                       {activation = "silu", generator = stream "projector"}),
        visit = function(mark, step)
    local flow = diffusion.Flow{generator = stream "samples"}
    local x = diffusion.generate(flow, net, world.shape, {method = P.image_sampler, steps = P.image_sampling}, labels)
    if world.range then x = x:clamp(table.unpack(world.range)) end
    out.samples[mark], out.marks[mark] = x, world.scores(x, ("%s-%d-%d"):format(o.method, o.seed, step))
    out.marks[mark].step = step
  end}
  out.weights = net:hash()
  return out
end

--[[ ### Images
are drawn digits by default; `--set image_data=digits`, `mnist` or `cifar10` takes real ones from `--data DIR`, `latents` the authors' route, latents
of Stable Diffusion's autoencoder in `DIR/latents.npy` $(n, 4, 32, 32)$ and `DIR/labels.npy`. The network is a DiT with labels, tapped after
`image_tap` of its blocks. REPA's teacher is a vision transformer trained to name the classes, whose patches are those of the DiT. The judge,
in the place of the Inception network, is a convolutional network (`rp.metrics.image_judge`), so the teacher is not what the samples are judged
by: the Frechet distance (FD) of the codes is to the training images, as FID is; sFD is that of the first maps, where places count.
With `--set image_judge=files` the samples of every mark are written to `RUN/samples/NAME.npy`, and what the Inception network says of
them is read from `DIR/inception/NAME.npy` $(n, 2048)$, of real images from `real.npy` there. ]]
local function train_teacher(x, y, classes, patch, seed)   -- -> patch tokens (n,N,32) of all training images
  local g = rp.generator(seed, "spectral.teacher")
  local vit = nn.ViT{size = x:size(3), patch = patch, channels = x:size(2), width = 32, depth = 2, heads = 4, mlp_ratio = 2,
                     output = classes, pool = "mean", generator = g}
  descend({name = "teacher", steps = P.image_judge_steps, adam = optim.Adam(vit, {lr = 2e-3})}, function()
    local i = g:randint(1, x:size(1), {128})
    return (vit(x:index_select(1, i))):cross_entropy(y:index_select(1, i))
  end)
  return nn.in_parts(function(part) return (select(2, vit(part))) end, 500, x)
end

local function image_world(seed)
  local data = rp.data.labelled_images{name = P.image_data, side = P.image_size, n_train = P.image_train, n_test = P.image_test,
                                       seed = seed, range = {-1, 1}}
  local x, y = data.train.x, data.train.y
  local side, channels, tiny = x:size(3), x:size(2), P.image_model == "tiny"
  local size = tiny and {width = P.image_width, depth = P.image_depth, heads = 4} or nn.dit_sizes[P.image_model]
  local w = {kind = "image", name = "images", x = x, y = y, shape = {P.image_samples, channels, side, side},
             range = not data.latent and {-1, 1} or nil, width = size.width, unseen = data.test.x, note = data.note}
  function w.marks(steps) return map({1, 2, 3, 4}, function(k) return math.max(k, steps * k // 4) end) end
  function w.new_net(g)
    return nn.DiT{size = side, patch = P.image_patch > 0 and P.image_patch or side // 4, channels = channels, classes = #data.classes,
                  width = size.width, depth = size.depth, heads = size.heads, time_scale = 1000, generator = g}
  end
  function w.teacher(net)
    w.tokens = w.tokens or train_teacher(x, y, #data.classes, net.patch, P.seed)
    return w.tokens
  end
  if P.image_judge == "files" then
    w.judge = rp.metrics.file_judge{directory = P.directory, features = "codes (n, 2048) of the Inception network"}
    function w.scores(samples, name) return w.judge:scores(samples, name) end
  else
    local judge = rp.metrics.image_judge(x, y, {steps = P.image_judge_steps, seed = seed})
    local real = judge:see(x)
    function w.scores(samples) return judge:scores(real, judge:see(samples)) end
  end
  return w
end

--[[ **Sizes.** Weights of a DiT of width $d$ and $L$ blocks, patches of $p$ values, $n$ classes and one for none:
$L (18 d^2 + 15 d)$ in the blocks, $3 d^2 + d(2 p + n + 262) + p$ around them (a time embedding from 256 waves, the last modulation). ]]
local function dit_count(d, L, p, n) return L * (18 * d * d + 15 * d) + 3 * d * d + d * (2 * p + n + 262) + p end
local small_dit = nn.DiT{size = 8, patch = 2, channels = 3, width = 16, depth = 3, heads = 2, classes = 5}
P:exact("image.count", small_dit:count(), dit_count(16, 3, 12, 5), {where = "Sec. 5.1", text = "number of weights by formula"})
for _, row in ipairs{{"S/2", "S", 12, 10, "13M"}, {"L/4", "L", 48, 1000, "558M"}, {"XL/2", "XL", 16, 1000, "681M"}} do
  local size = nn.dit_sizes[row[2]]
  P:quoted("image.count." .. row[2], row[5], {where = "Sec. 5.1", text = "weights of DiT-" .. row[1],
           ours = ("%.1fM"):format(dit_count(size.width, size.depth, row[3], row[4]) / 1e6)})
end

--[[ ### Clouds of points
Chairs, airplanes and cars are drawn (`rp.data.shapes`); all clouds of a category are moved by its mean and divided by one standard deviation,
as ShapeNet's are. `--set cloud_data=files` reads `DIR/shapenet/KIND_train.npy` and `KIND_test.npy` $(n, \ge N, 3)$. The network is a set
transformer; `--set cloud_net=voxel` is DiT-3D: points to $32^3$ voxels, a DiT on patches of $4^3$ with windows of $4^3$ tokens in every
third block, voxels to points. 1-NNA (a half is best) and COV compare as many generated clouds with test clouds, by Chamfer distance (CD)
and by the exact earth mover's distance (EMD); the marks are half of the training and all of it, as the paper's 5K and 10K. ]]
local function new_cloud_net(g)
  if P.cloud_net == "voxel" then return nn.VoxelDiT{model = "S", size = 32, patch = 4, window = 4, time_scale = 1000, generator = g} end
  return nn.PointTransformer{width = P.cloud_width, depth = 3, heads = 4, time_scale = 1000, generator = g}
end
local cloud_worlds = lazy(function(kind)
  local data = rp.data.cloud_set{kind = kind, source = P.cloud_data, n_train = P.cloud_train, n_test = P.cloud_samples,
                                 points = P.cloud_points, seed = P.seed}
  local judge = rp.metrics.cloud_judge(data.test, {emd_points = P.cloud_emd_points})
  return {kind = "cloud", name = kind, x = data.train, shape = data.test.shape, new_net = new_cloud_net,
          width = P.cloud_net == "voxel" and nn.dit_sizes.S.width or P.cloud_width,
          marks = function(steps) return {math.max(1, steps // 2), steps} end,
          scores = function(samples) return judge:scores(samples) end}
end)

if not P.main then return {sets = sets, judge_2d = judge_2d, image_world = image_world, cloud_worlds = cloud_worlds, run = run} end

--[[ ## 9  Images (Sec. 5.1, Table 1, Fig. 2)
The world (images, judge, teacher) is that of the run's seed; a seed is a training of its own. ]]
local world = lazy(image_world)
local image_runs = lazy(function(method)
  return P:over_seeds(function(seed) return run(world[P.seed], {method = method, seed = seed}) end)
end)
local arms = {"vanilla", "pairs", "ours", "repa"}
local function runs_of(method)                    -- of each seed; files that are missing are asked for all at once
  if P.image_judge == "files" then
    for _, arm in ipairs(arms) do local _ = image_runs[arm] end
    world[P.seed].judge:check()
  end
  return image_runs[method]
end
local function at_mark(method, key, mark)         -- of each seed; the last mark by default
  return map(runs_of(method), function(one) return one.marks[mark or #one.marks][key] end)
end
local function last(method, key) return mean(at_mark(method, key)) end

local keys, headings = {"fd", "sfd", "is", "precision", "recall"}, {"Model", "FD", "sFD", "IS", "precision", "recall"}
if P.image_judge == "files" then keys, headings = {"fd", "precision", "recall"}, {"Model", "FD", "precision", "recall"} end
local function table_1()
  local rows = rows_of(arms, keys, name_of, function(method, key) return show(at_mark(method, key)) end)
  local w = world[P.seed]
  if P.image_judge == "files" then return rows end
  local floor = w.scores(w.unseen)
  rows[#rows + 1] = {"unseen images", table.unpack(map(keys, function(key) return ("%.3f"):format(floor[key]) end))}
  return rows
end
P:table("Table 1", headings, table_1(),
        "Averaged weights after the last step; mean over seeds (range). FD, sFD: lower is better. " .. (world[P.seed].note or ""))

local function figure_2()
  local figure = rp.plot.figure{width = 560, height = 320, desc = "Frechet distance over training iterations"}
  local ax = figure:axes{xlabel = "iteration", ylabel = "FD", yscale = "log", legend = true}
  for i, method in ipairs(arms) do
    local steps, y, low, high = rp.runs.column(runs_of(method)[1].marks, "step"), {}, {}, {}
    for k in ipairs(steps) do
      local list = at_mark(method, "fd", k)
      y[k], low[k], high[k] = mean(list), rp.runs.range(list)
    end
    ax:line(steps, y, {label = name_of(method), marker = ({"circle", "square", "triangle", "diamond"})[i], band = {low, high}})
  end
  return figure
end
P:figure("Figure 2", figure_2(), "FD against iterations; means over seeds, the band is their range.")
local function first_samples()
  return rp.concat(1, table.unpack(map(arms, function(method)
    local samples = runs_of(method)[1].samples
    return samples[#samples]:slice(1, 1, 16)
  end)))
end
if P.image_data ~= "latents" then
  P:figure("Samples", rp.plot.image_grid(first_samples(), {columns = 16, range = {-1, 1}, width = 640, desc = "Samples of four models"}),
           "Samples of seed 1, a row for each model: vanilla, pairs, ours, REPA; columns have one noise and label.")
end

--[[ Bounds were fixed before the first run: the least relative gain of FID in Table 1 is 5% (FFHQ). ]]
local function fd_gain(a, b) return 1 - last(a, "fd") / last(b, "fd") end     -- relative, of a over b
local function difference(key) return last("ours", key) - last("vanilla", key) end
local function share_below(key)                   -- the share of seeds in which ours is below vanilla
  local vanilla = at_mark("vanilla", key)
  return mean(map(at_mark("ours", key), function(x, i) return x < vanilla[i] and 1 or 0 end))
end
P:claim("image.fid", "The regulariser improves FID over the baseline, by 5% at least",
        {value = fd_gain("ours", "vanilla"), op = ">=", bound = 0.05}, {where = "Table 1"})
P:claim("image.fid.every", "... in every training", {value = share_below "fd", op = ">=", bound = 1}, {where = "Table 1"})
P:claim("image.sfid", "... and sFID", {value = difference "sfd", op = "<", bound = 0}, {where = "Table 1"})
P:claim("image.recall", "... and recall", {value = difference "recall", op = ">", bound = 0}, {where = "Table 1"})
P:claim("image.precision", "... and precision (four of the five data sets)",
        {value = difference "precision", op = ">", bound = 0}, {where = "Table 1"})
local function gain_at(mark) return 1 - mean(at_mark("ours", "fd", mark)) / mean(at_mark("vanilla", "fd", mark)) end
P:claim("image.late", "It is consistently better in the second half of training",
        {value = math.min(gain_at(3), gain_at(4)), op = ">", bound = 0}, {where = "Sec. 5.1, Fig. 2"})
P:claim("image.repa", "REPA attains the best results",
        {value = math.min(fd_gain("repa", "ours"), fd_gain("repa", "vanilla")), op = ">", bound = 0}, {where = "Sec. 5.1, Table 1"})
P:claim("image.between", "... and ours ranks between the baseline and REPA",
        last("repa", "fd") < last("ours", "fd") and last("ours", "fd") < last("vanilla", "fd"),
        {where = "Sec. 5.1", measured = ("%.3f, %.3f, %.3f"):format(last("repa", "fd"), last("ours", "fd"), last("vanilla", "fd"))})
P:claim("image.pairs", "What improves is due to the regulariser: better than pairs with a weight of 0",
        {value = fd_gain("ours", "pairs"), op = ">", bound = 0}, {where = "Eq. 15"})
--[[ ### What was found
The baseline is ahead in every training: FD 8.0 against 9.7, and 9.4 with pairs alone. Two views of each image are half as many images in a
batch; that costs, and the regulariser gives nothing back. `experiments/spectral_images.lua` looks for a regime in which it pays, at three
seeds each: another learning rate, a larger weight, four times the batch, three times the steps, a hundred images that can be memorised. In
none is it ahead. FD is 3% above the baseline's with the large batch, where half of it is still many images, and 33% above it in the long
trainings; shuffled positives, which know nothing of the kernel, do as well as true ones. REPA, whose teacher knows the classes, is 9% below the
baseline here and 12% there, so the tapped layer is one where alignment can help. Tried with two seeds, where the baseline has an FD of 8.1, pairs
9.8 and ours 10.0: REPA's weight $\lambda = 0.5$ gives 10.1, each token an example in the place of their mean 10.5, both together 9.6, and
$\alpha = 100$ 11.2.

### As printed
The authors' Table 1; the relative gains of FID that the text counts are the table's. The Inception score falls with the regulariser on two of
the five, by 23% on ImageNet 64, and precision on one. ]]
local printed_1 = {                               -- data, model, FID, sFID, IS, precision, recall
  {"ImageNet 64, L/4", "vanilla", 9.441, 7.653, 102.069, 0.871, 0.393}, {"", "ours", 7.994, 7.372, 78.366, 0.858, 0.397},
  {"ImageNet 256, XL/2", "vanilla", 2.508, 5.630, 247.891, 0.822, 0.566}, {"", "ours", 2.298, 5.510, 257.741, 0.824, 0.570},
  {"CIFAR-10, S/2", "vanilla", 11.588, 10.680, 9.042, 0.719, 0.384}, {"", "ours", 8.742, 6.836, 9.174, 0.735, 0.405},
  {"CelebA, S/2", "vanilla", 28.806, 20.569, 3.431, 0.685, 0.453}, {"", "ours", 25.678, 20.061, 3.388, 0.702, 0.472},
  {"FFHQ 64, S/2", "vanilla", 13.766, 21.982, 2.997, 0.731, 0.331}, {"", "ours", 13.074, 21.915, 2.998, 0.737, 0.340},
}
local function printed_gains(k, sign)             -- relative, of column k; sign 1: higher is better
  return rp.tensor(map({1, 3, 5, 7, 9}, function(i) return sign * (printed_1[i + 1][k] / printed_1[i][k] - 1) end), "float64")
end
P:exact("image.printed", (printed_gains(3, -1) * 100):round(), rp.tensor({15, 8, 25, 11, 5}, "float64"), 0,
        {where = "Sec. 5.1", text = "gains of FID in per cent: 15, 8, 25, 11, 5"})
P:exact("image.printed.is", printed_gains(5, 1):lt(0):sum(), 2, 0, {where = "Table 1", text = "the Inception score falls on two of five"})
P:table("Table 1, as printed", {"Data", "Model", "FID", "sFID", "IS", "precision", "recall"}, printed_1,
        "REPA on ImageNet 256: 1.745, 5.459, 296.726, 0.807, 0.615.")
P:quoted("image.cifar.vanilla", 11.588,
         {where = "Table 1", ours = last("vanilla", "fd"), text = "FID on CIFAR-10, vanilla; ours: FD on our images"})
P:quoted("image.cifar.ours", 8.742, {where = "Table 1", ours = last("ours", "fd"), text = "... with the regulariser"})
P:not_run("image.data", "CelebA, FFHQ and ImageNet are given to the same code by --set image_data=latents, as pixels or latents in a file; "
          .. "70,000 to 400,000 iterations need a GPU", {where = "Table 1"})

--[[ ### Our own numbers ]]
P:pinned("image.weights", runs_of("ours")[1].weights, {smoke = "777ea7020956280a", small = "ba5f9569679bd7ec"})
P:pinned("image.fd.vanilla", last("vanilla", "fd"), {smoke = 0.3369873749185379, small = 8.048441674138127})
P:pinned("image.fd.pairs", last("pairs", "fd"), {smoke = 0.3393162447951972, small = 9.422281062212875})
P:pinned("image.fd.ours", last("ours", "fd"), {smoke = 0.3393332463841233, small = 9.653937182553912})
P:pinned("image.fd.repa", last("repa", "fd"), {smoke = 0.3463436295675191, small = 7.319103148020626})

--[[ ## 10  Point clouds (Sec. 5.2, Table 2, Fig. 3)
The marks, early and late, stand for the paper's 5K and 10K iterations. ]]
local kinds, cloud_arms, marks = P.cloud_kinds, {"vanilla", "ours"}, {"early", "late"}
local cloud_runs = lazy(function(kind)            -- [method][seed]
  return lazy(function(method)
    return P:over_seeds(function(seed) return run(cloud_worlds[kind], {method = method, seed = seed}) end)
  end)
end)
local function cloud_list(kind, method, mark, key) return rp.runs.column(cloud_runs[kind][method], "marks", mark, key) end
local one_nns, covs = {"one_nn_cd", "one_nn_emd"}, {"cov_cd", "cov_emd"}
local cells = {}                                  -- kind, mark and method of each row of the table
for _, kind in ipairs(kinds) do
  for mark = 1, 2 do
    for _, method in ipairs(cloud_arms) do cells[#cells + 1] = {kind, mark, method} end
  end
end
P:table("Table 2", {"Category", "mark", "Model", "1-NNA, CD", "1-NNA, EMD", "COV, CD", "COV, EMD"},
        rows_of(cells, {one_nns[1], one_nns[2], covs[1], covs[2]}, function(c) return {c[1], marks[c[2]], name_of(c[3])} end,
                function(c, key) return show(cloud_list(c[1], c[3], c[2], key)) end),
        "Early: half of the steps; late: all of them. Mean over seeds (range).")

--[[ The noise of the metric: sets of as many clouds that are both drawn by us, so that 1-NNA should be a half. ]]
local function noise_rows()
  return rows_of(kinds, {}, function(kind)
    local n = P.cloud_samples
    local many = rp.data.shapes{kind = kind, n = 2 * n, points = P.cloud_points, seed = P.seed, name = "noise"}.x
    local s = rp.metrics.cloud_noise(rp.metrics.cloud_distances(many, many, "chamfer"), n, {draws = 200, seed = P.seed})
    return {kind, ("%.3f ± %.3f"):format(s.one_nn.mean, s.one_nn.sd), ("%.3f ± %.3f"):format(s.cov.mean, s.cov.sd)}
  end)
end
P:table("Noise of the metric", {"Category", "1-NNA, CD", "COV, CD"}, noise_rows(),
        ("Two sets of %d clouds of one distribution: mean and standard deviation of 200 draws."):format(P.cloud_samples))

local function figure_3()
  local figure = rp.plot.figure{cols = 4, width = 780, height = 200 * #kinds, desc = "Generated point clouds, seen from the side"}
  for _, kind in ipairs(kinds) do
    for _, method in ipairs(cloud_arms) do
      for i = 1, 2 do
        local cloud = cloud_runs[kind][method][1].samples[1][i]
        local x, y, z = cloud:select(2, 1), cloud:select(2, 2), cloud:select(2, 3)
        figure:axes{title = kind .. ", " .. name_of(method), legend = false}:scatter(x + y * 0.4, z + y * 0.25, {size = 2})
      end
    end
  end
  return figure
end
P:figure("Figure 3", figure_3(), "Clouds at the early mark, one noise in each pair of columns.")

--[[ Bounds were fixed before the first run: Table 2 has the regulariser ahead in each of its 24 comparisons. ]]
local function over_comparisons(keys_of, f)        -- the mean of f(kind, key) over categories and distances
  local list = {}
  for _, kind in ipairs(kinds) do
    for _, key in ipairs(keys_of) do list[#list + 1] = f(kind, key) end
  end
  return mean(list)
end
local function ahead(mark, keys_of, sign)         -- the share of comparisons of means over seeds in which ours is ahead
  return over_comparisons(keys_of, function(kind, key)
    return sign * (mean(cloud_list(kind, "ours", mark, key)) - mean(cloud_list(kind, "vanilla", mark, key))) > 0 and 1 or 0
  end)
end
local function average(method, mark)              -- 1-NNA
  return over_comparisons(one_nns, function(kind, key) return mean(cloud_list(kind, method, mark, key)) end)
end
for mark, name in ipairs(marks) do
  P:claim("cloud.one_nn." .. name, ("1-NNA is lower with the regulariser, %s, by both distances in all categories"):format(name),
          {value = ahead(mark, one_nns, -1), op = ">=", bound = 1}, {where = "Table 2"})
  P:claim("cloud.cov." .. name, ("COV is higher with the regulariser, %s, by both distances in all categories"):format(name),
          {value = ahead(mark, covs, 1), op = ">=", bound = 1}, {where = "Table 2"})
end
P:claim("cloud.gain", "Early, the average 1-NNA falls by 0.11 at least (the least gain of Table 2 at 5K, airplane)",
        {value = average("vanilla", 1) - average("ours", 1), op = ">=", bound = 0.11}, {where = "Table 2"})
P:claim("cloud.faster", "With the regulariser half of the training is as good as all of it without (average 1-NNA)",
        {value = average("ours", 1) - average("vanilla", 2), op = "<=", bound = 0}, {where = "Sec. 5.2"})
--[[ ### What was found
No gain: the differences are smaller than those between seeds, and late the baseline is ahead. `experiments/spectral_point_clouds.lua` trains longer,
compares 40 clouds instead of 32 and has the controls, on three categories with three seeds each: average 1-NNA 0.847 for the baseline and 0.860 with
the regulariser at the early mark, 0.753 and 0.792 at the late one, where pairs with $\lambda = 0$ and shuffled positives have 0.771; coverage is the
same for all. One score of 40 clouds has a standard deviation of 0.06 to 0.08 by chance alone; the paper's gain early, 0.11 to 0.27,
would have shown.

### As printed
The authors' Table 2. What the text counts (31, 28, 65 and 123% on chairs) is the table's. That training further "further improves" holds in
10 of 12 comparisons, not for 1-NNA of airplanes; there the baseline's own 1-NNA gets *worse* from 5K to 10K, by more than half of the
late gap. ]]
local printed_2 = {                               -- category, mark, model, 1-NNA by CD and EMD, COV by CD and EMD
  {"chair", "5K", "vanilla", 0.850, 0.875, 0.295, 0.221}, {"", "", "ours", 0.583, 0.627, 0.488, 0.493},
  {"chair", "10K", "vanilla", 0.565, 0.545, 0.504, 0.511}, {"", "", "ours", 0.520, 0.527, 0.517, 0.543},
  {"airplane", "5K", "vanilla", 0.714, 0.668, 0.522, 0.519}, {"", "", "ours", 0.601, 0.556, 0.561, 0.523},
  {"airplane", "10K", "vanilla", 0.852, 0.785, 0.397, 0.389}, {"", "", "ours", 0.607, 0.562, 0.570, 0.600},
  {"car", "5K", "vanilla", 0.788, 0.738, 0.378, 0.482}, {"", "", "ours", 0.605, 0.586, 0.458, 0.549},
  {"car", "10K", "vanilla", 0.730, 0.682, 0.427, 0.427}, {"", "", "ours", 0.582, 0.500, 0.505, 0.573},
}
local function printed_row(i) return rp.tensor({table.unpack(printed_2[i], 4, 7)}, "float64") end
local better = rp.tensor({-1, -1, 1, 1}, "float64")
P:exact("cloud.printed", ((printed_row(2) / printed_row(1) - 1) * better * 100):round(), rp.tensor({31, 28, 65, 123}, "float64"), 0,
        {where = "Sec. 5.2", text = "relative gains on chairs at 5K in per cent"})
local function wins(first, last, by, step)        -- how many numbers are better `step` rows below the rows first, first + by, ...
  local n = 0
  for i = first, last, by do n = n + ((printed_row(i + step) - printed_row(i)) * better):gt(0):sum():item() end
  return n
end
P:exact("cloud.printed.ahead", wins(1, 11, 2, 1), 24, 0, {where = "Table 2", text = "the regulariser is ahead in all 24 comparisons"})
P:exact("cloud.printed.further", wins(2, 10, 4, 2), 10, 0, {where = "Sec. 5.2", text = "with longer training it improves in 10 of 12"})
P:table("Table 2, as printed", {"Category", "iteration", "Model", "1-NNA, CD", "1-NNA, EMD", "COV, CD", "COV, EMD"}, printed_2)
P:not_run("cloud.data", "ShapeNet, 10,000 iterations of DiT-3D S/4 on 2,048 points: --scale paper on a GPU, with --data DIR",
          {where = "Table 2"})

--[[ ### Our own numbers ]]
P:pinned("cloud.weights", cloud_runs[kinds[1]].ours[1].weights, {smoke = "7266a7c5a7cab0f2", small = "c7d5f25f77a8cc64"})
P:pinned("cloud.one_nn.vanilla", average("vanilla", 2), {smoke = 0.6875, small = 0.7708333333333334})
P:pinned("cloud.one_nn.ours", average("ours", 2), {smoke = 0.7083333333333334, small = 0.7942708333333335})

--[[ ## 11  Verdict

**The mathematics.** App. A holds. Of App. B both sums over the spectrum hold, Eq. 20 and Eq. 21, and their equality does not: they are the
diffusion distances of $\mathcal K_t^{1/2}$ and of $\mathcal K_t$, and their ratio lies between the least and the second eigenvalue. Of App. C
Eq. 52-54 and 58 hold, for the surrogate of Eq. 50-51 with its negatives held constant; Eq. 48 lacks squares, the step to Eq. 50 a factor of 2,
and Proposition 4.1 is true of the surrogate alone: the gradient of Eq. 14 goes elsewhere, after training nearly the opposite way.

**The eigenmap** does find the eigenfunctions of the noise's kernel, four of four, and with them the diffusion distances to within 8%,
of which 3 are what four functions leave out. It needs three things for that: $\alpha$ above $(\lambda_i - \lambda_j)/\lambda_i^2$, which grows without bound with the
noise; no scaling of the rows, which also divides $\alpha$ by $K$; and an $R$ for each time. The training that the paper describes has the rows
scaled, and a batch with a time for each example has one $R$ for all times, whose leading eigenfunctions are functions of time alone. That is what
the networks learn, on the line and in two dimensions: two views of one example agree no more than views of two examples at one time.

**Fig. 1.** There are no fewer outliers with the regulariser, on any of the four sets: on two spirals 30% against 25% of the vanilla model, and
29% with the same pairs and $\lambda = 0$. Halving the clean batch is what costs, and the regulariser gives nothing back; shuffled positives do as
well as true ones. Other learning rates and a weight a hundred times larger change nothing of that. With an $R$ for each time, where the
embeddings do tell examples apart (by 0.1 in the cosine), there are more outliers, not fewer. `experiments/spectral_toys.lua` changes one thing
at a time: rows, $\lambda$, $\alpha$, the layer, the data, the batch, the steps. The picture of Fig. 1, fewer outliers than vanilla, is there with four times
the batch, 18% against 24%, and the pairs with $\lambda = 0$ have it too. (With SiLU and 2,000 steps two spirals went from 43% to 40% at a
rate of 0.01, which the pairs did as well, and to 34% with $\lambda = 0.3$; at each side's best rate, 0.02, both had 28%.)

**Images and clouds.** REPA, whose teacher knows the classes, is ahead of the baseline on drawn digits; the regulariser is behind it, with the
pairs alone. On clouds of points the differences are within the noise of the metric. What the paper reports at its sizes may have causes that
these sizes do not have; that the embeddings of Eq. 14, trained as described, are eigenfunctions of $\mathcal K_t$ is not among them.

### Our own numbers, to the last bit ]]
P:pinned("eigenmap.weights", learned[1].hash, {smoke = "9945a6c07f56240e", small = "e8791bbbae853976"})
P:pinned("eigenmap.least", least(learned[1].correlations), {smoke = 0.025425865595102896, small = 0.9951218530519867})
P:pinned("eigenmap.rows", least(learned[3].correlations), {smoke = 0.0742466137126092, small = 0.28599277645907273})
P:pinned("time.share", over_times[1].share, {smoke = 0.9659428115925035, small = 0.9940091548808528})
P:pinned("fig1.weights", run_2d("spirals", "ours", 1).hash, {smoke = "e6aa1834c290f57c", small = "73a914c249db9cb9"})
P:pinned("fig1.outliers.vanilla", mean(outliers("spirals", "vanilla")), {smoke = 0.845, small = 0.252})
P:pinned("fig1.outliers.pairs", mean(outliers("spirals", "pairs")), {smoke = 0.815, small = 0.29433334})
P:pinned("fig1.outliers.ours", mean(outliers("spirals", "ours")), {smoke = 0.795, small = 0.29733333985010785})
P:pinned("fig1.outliers.shuffled", mean(outliers("spirals", "shuffled")), {smoke = 0.805, small = 0.27666666110356647})
