local rp = require "repro"
local drl = require "papers.drl"

local P = rp.paper{
  id = "drl_adversarial", arxiv = "2105.14257", year = 2021,
  title = "Adversarial weights of time (Sec. 3.1, 4.2, Table 2, Fig. 17 and 18)",
  authors = "after Korbinian Abstreiter and others",
  settings = {
    dataset  = {"numerals", choices = {"numerals", "colour", "mnist", "cifar10"}, help = "the images"},
    net      = {smoke = "mlp", small = "mlp", paper = "conv", choices = {"mlp", "conv"}, help = "the score network"},
    seeds    = {smoke = 1, small = 3, paper = 3, min = 1, help = "independent runs of each"},
    n_train  = {smoke = 400, small = 4000, paper = 50000, min = 100, help = "training images"},
    n_test   = {smoke = 200, small = 1000, paper = 10000, min = 100, help = "test images"},
    base     = {smoke = 20, small = 1500, paper = 600000, min = 1, help = "steps before the adversary"},
    steps    = {smoke = 20, small = 600, paper = 50000, min = 1, help = "steps with the adversary"},
    batch    = {smoke = 64, small = 128, paper = 128, min = 2, help = "images in a step"},
    lr       = {5e-4, paper = 2e-4, help = "learning rate with the adversary"},
    samples  = {smoke = 40, small = 1000, paper = 50000, min = 20, help = "samples that a Fréchet distance is of"},
    sampling = {smoke = 8, small = 60, paper = 1000, min = 2, help = "steps of the sampler"},
  },
}

--[[
# Does the worst weight of time make better samples?

**Question.** An adversary chooses $\lambda'_\alpha(t) = 2 \alpha t + (1 - \alpha)$, $\alpha \in [-1, 1]$, to make the loss large, and the network is trained on
times drawn from it; a share $p_{KL}$ of the steps keeps $t$ uniform. The paper reports a better FID for every $p_{KL} < 1$ than for
$p_{KL} = 1$, which is ordinary training (Table 2). Here all start from the same network, trained without the adversary.

## 1  The sweep ]]
local small = P.scale == "smoke"
local shares = small and {0, 1} or {0, 0.05, 0.5, 0.95, 1}
local loss_times = {}
for i = 1, 20 do loss_times[i] = i / 20 end
local side = (P.dataset == "colour" or P.dataset == "cifar10") and (P.scale == "paper" and 32 or 8) or P.scale == "paper" and 28 or 14

local sweep = rp.sweep{
  name = "shares", grid = {p_kl = shares}, seeds = P.seeds,
  run = function(cell)
    local data = drl.load{dataset = P.dataset, n_train = P.n_train, n_test = P.n_test, size = side, seed = P.seed}
    local base = drl.train{data = data, seed = cell.seed, code = 0, net = P.net, width = P.scale == "paper" and 256 or 192, steps = P.base,
                           batch = P.batch}
    local model = drl.train_adversary{data = data, seed = cell.seed, code = 0, net = P.net, score = base.score, p_kl = cell.p_kl,
                                      steps = P.steps, batch = P.batch, lr = P.lr, stream = "adversary"}
    local critic = drl.train_critic(data, cell.seed, small and 30 or 400)
    local x = drl.sample(model.score, {shape = {P.samples, data.train.x:size(2), side, side}, seed = cell.seed, steps = P.sampling})
    local fd, is = drl.quality(critic, data, x)
    local first = 0                               -- the first step at which alpha is as low as it gets
    for k, alpha in ipairs(model.alphas) do
      if first == 0 and alpha <= -0.999 then first = k end
    end
    return {fd = fd, is = is, alpha = model.alphas[#model.alphas], first = first, alphas = model.alphas,
            losses = drl.loss_over_time(model.score, data.test.x, loss_times, cell.seed), weights = model.score:hash()}
  end,
}
P:table("Table 2", sweep:table{{"fd", label = "FD", format = "%.2f"}, {"is", label = "inception score", format = "%.3f"},
                               {"alpha", label = "alpha at the end", format = "%.3f"}, {"first",
                                       label = "first step with alpha < -0.999", format = "%.0f"}})

--[[ ### Fig. 17 and 18 ]]
local of_share = {}                               -- p_kl -> the results of its seeds
for _, cell in ipairs(sweep:cells()) do
  local p = cell.values.p_kl
  of_share[p] = of_share[p] or {}
  table.insert(of_share[p], cell.result)
end
local function curves(p, key)                     -- (seeds, T)
  local runs = {}
  for s, result in ipairs(of_share[p]) do runs[s] = result[key] end
  return runs
end
local fig18 = rp.plot.figure{width = 560, height = 300, desc = "alpha over the steps"}
local ax18 = fig18:axes{xlabel = "step", ylabel = "$\\alpha$", legend = true}
for _, p in ipairs(shares) do if p < 1 then ax18:line(nil, curves(p, "alphas"), {label = ("$p_{KL} = %g$"):format(p)}) end end
P:figure("Figure 18", fig18, "The adversary's parameter; band: standard deviation over seeds.")
local fig17 = rp.plot.figure{cols = 2, width = 760, height = 300, desc = "Density of t, and the loss relative to ordinary training"}
local line = {}
for i, t in ipairs(loss_times) do line[i] = 2 - 2 * t end
fig17:axes{title = "density of t", xlabel = "$t$", ylabel = "$\\lambda'_\\alpha(t)$"}:line(loss_times, line)
local ax17 = fig17:axes{title = "loss", xlabel = "$t$", ylabel = "loss / loss of $p_{KL} = 1$", legend = true}
local function relative(p)                        -- (seeds, T): loss over that of p_KL = 1 of the same seed
  local runs = {}
  for s, result in ipairs(of_share[p]) do
    runs[s] = {}
    for i in ipairs(loss_times) do runs[s][i] = result.losses[i] / of_share[1][s].losses[i] end
  end
  return runs
end
for _, p in ipairs(shares) do if p < 1 then ax17:line(loss_times, relative(p), {label = ("$p_{KL} = %g$"):format(p)}) end end
ax17:hline(1)
P:figure("Figure 17", fig17, "Left: the density at alpha = -1. Right: loss of test images; band: standard deviation over seeds.")

--[[ ## 2  The claims ]]
local worst_alpha, latest, best_fd = -1, 0, math.huge
for _, p in ipairs(shares) do
  if p < 1 then
    for _, value in ipairs(sweep:values("alpha", {p_kl = p})) do worst_alpha = math.max(worst_alpha, value) end
    for _, value in ipairs(sweep:values("first", {p_kl = p})) do latest = math.max(latest, value == 0 and math.huge or value) end
    best_fd = math.min(best_fd, sweep:mean("fd", {p_kl = p}))
  end
end
P:claim("alpha", "For every p_KL < 1 alpha ends at -1", {value = worst_alpha, op = "<=", bound = -0.999}, {where = "Fig. 18"})
P:claim("alpha.soon", "... within 300 steps", {value = latest, op = "<=", bound = 300}, {where = "Fig. 18"})
P:claim("fd", "Training with the adversary improves the FID: the best p_KL < 1 below p_KL = 1 by 2% at least",
        {value = best_fd / sweep:mean("fd", {p_kl = 1}), op = "<=", bound = 0.98}, {where = "Table 2"})
if not small then
  local worst_fd = -math.huge
  for _, p in ipairs(shares) do if p < 1 then worst_fd = math.max(worst_fd, sweep:mean("fd", {p_kl = p})) end end
  P:claim("fd.every", "... every p_KL < 1 is below p_KL = 1",
          {value = worst_fd / sweep:mean("fd", {p_kl = 1}), op = "<", bound = 1}, {where = "Table 2"})
  P:claim("is", "The inception score of p_KL <= 0.5 is above that of p_KL = 1",
          {value = math.min(sweep:mean("is", {p_kl = 0}), sweep:mean("is", {p_kl = 0.05}), sweep:mean("is",
                  {p_kl = 0.5})) - sweep:mean("is", {p_kl = 1}),
           op = ">", bound = 0}, {where = "Table 2"})
end
local at_low = {}
for s, list in ipairs(relative(0)) do at_low[s] = list[2] end
P:claim("loss.low", "The adversary's times lower the loss at little noise, t = 0.1, in the mean",
        {value = rp.runs.mean(at_low), op = "<", bound = 1}, {where = "Fig. 17b"})
for i, p in ipairs{0, 0.05, 0.5, 0.95, 1} do
  if of_share[p] then
    P:quoted("paper.fid." .. p, ({3.40, 3.36, 3.33, 3.37, 3.62})[i], {where = "Table 2", ours = sweep:mean("fd", {p_kl = p})})
    P:quoted("paper.is." .. p, ({9.73, 9.77, 9.79, 9.50, 9.44})[i], {where = "Table 2", ours = sweep:mean("is", {p_kl = p})})
  end
end

--[[ ### What is found
The adversary does what Fig. 18 shows, in 101 steps in every run and for every $p_{KL}$: $\ell(t)$ falls with $t$, because its greater part, the constant
of Eq. 5, does, so $\alpha$ goes to $-1$ whatever the network knows. The network follows: at $t = 0.1$ its loss is 0.7% lower than without. Samples
are no better for it. FD is 67.1 for $p_{KL} = 0$, 65.9 for 0.95, 66.3 for 1, and single seeds differ by ten; the best share is better by half
a percent, where Table 2 has 8%. What little noise gains, the noisier times lose, and a network this small is limited by them; the
paper's had been trained for 600,000 steps before.

## 3  Our own numbers, to the last bit ]]
P:pinned("weights.adversary", of_share[0][1].weights, {small = "25bf0f4db7c2fb28", smoke = "6938968ba90ad820"})
P:pinned("weights.ordinary", of_share[1][1].weights, {small = "3d2914a5d4e2f1dd", smoke = "ff542e965e9ba4d5"})
P:pinned("fd.adversary", sweep:mean("fd", {p_kl = 0}), {small = 67.08062098977813, smoke = 3.5134805090682946})
P:pinned("fd.ordinary", sweep:mean("fd", {p_kl = 1}), {small = 66.29704546957963, smoke = 3.514355974529831})
