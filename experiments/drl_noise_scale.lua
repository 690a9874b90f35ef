local rp = require "repro"
local drl = require "papers.drl"

local P = rp.paper{
  id = "drl_noise_scale", arxiv = "2105.14257", year = 2021,
  title = "The initial noise of sampling (Sec. 3.2, Table 3, Fig. 4 and 11)",
  authors = "after Korbinian Abstreiter and others",
  settings = {
    seeds    = {smoke = 1, small = 3, paper = 3, min = 1, help = "independent trainings of each"},
    n_train  = {smoke = 400, small = 4000, paper = 50000, min = 100, help = "training images"},
    n_test   = {smoke = 200, small = 1000, paper = 10000, min = 100, help = "test images"},
    steps    = {smoke = 30, small = 1500, paper = 300000, min = 1, help = "steps of a training"},
    conv_steps = {smoke = 2, small = 500, paper = 300000, min = 1, help = "steps of a training of convolutional networks"},
    conv_batch = {32, paper = 128, min = 2, help = "images in a step of these; 128 of the others"},
    samples  = {smoke = 40, small = 1000, paper = 50000, min = 20, help = "samples that a Fréchet distance is of"},
    conv_samples = {smoke = 20, small = 250, paper = 50000, min = 20, help = "the same for convolutional networks"},
    sampling = {smoke = 8, small = 60, paper = 1000, min = 2, help = "steps of the sampler from t = 1, fewer from less noise"},
    conv_sampling = {smoke = 6, small = 30, paper = 1000, min = 2, help = "the same for convolutional networks"},
    grey     = {"numerals", choices = {"numerals", "mnist"}, help = "the grey images"},
    colour   = {"colour", choices = {"colour", "cifar10"}, help = "the coloured images"},
  },
}

--[[
# How much noise does sampling have to begin with?

**Question.** $\sigma(1) = 50$ covers the whole data set. The paper starts at $t_{init} < 1$ instead, from a Gaussian $s\,n$ or from a uniform image
plus a Gaussian, $u + s\,n$, and finds equally good images from $t_{init} = 0.7$, but with the uniform part only (Table 3). Here an unconditional
score network of `papers/drl.lua` is trained, and sampled from every start with both priors.

The uniform part stands for the data's own spread: at $t$ the noisy data have mean $\bar x$ and standard deviation
$\sqrt{s_t^2 + v}$, a Gaussian start has 0 and $s_t$, the other has $\frac12$ and $\sqrt{s_t^2 + \frac1{12}}$. So it should help where $\bar x$ is near $\frac12$ and hurt where
pixels are mostly 0: coloured images are one case, grey digits the other.

## 1  The sweep ]]
local small, large = P.scale == "smoke", P.scale == "paper"
local starts = small and {0.5, 1} or {0.5, 0.6, 0.7, 0.8, 0.9, 1}
local priors = {{"gauss", "Gaussian"}, {"uniform", "uniform + Gaussian"}}
local trainings = {{"colour", "mlp", 8}, {"grey", "mlp", 14}, {"colour", "conv", 16}}
if large then trainings = {{"colour", "conv", 32}, {"grey", "conv", 28}} end
local cells = {}
for i, row in ipairs(trainings) do cells[i] = {images = row[1], net = row[2], size = row[3]} end

local function prepare(cell)                      -- -> data, model, draw(t, prior, n)
  local data = drl.load{dataset = P[cell.images], n_train = P.n_train, n_test = P.n_test, size = cell.size, seed = P.seed}
  local conv = cell.net == "conv"
  local model = drl.train{data = data, seed = cell.seed, code = 0, net = cell.net, width = large and 256 or 192,
    batch = conv and P.conv_batch or 128,
    steps = conv and P.conv_steps or P.steps, multipliers = large and cell.size == 32 and {1, 2, 2, 2} or nil, blocks = large and 8 or nil}
  local function draw(t, prior, n)
    return drl.sample(model.score, {shape = {n, data.train.x:size(2), cell.size, cell.size}, from = t, seed = cell.seed,
      steps = conv and P.conv_sampling or P.sampling, centre = prior == "uniform" and {0, 1} or nil})
  end
  return data, model, draw
end

local sweep = rp.sweep{
  name = "starts", list = cells, seeds = P.seeds,
  run = function(cell)
    local data, model, draw = prepare(cell)
    local critic, result = drl.train_critic(data, cell.seed, small and 30 or 400), {weights = model.score:hash()}
    local n = cell.net == "conv" and P.conv_samples or P.samples
    for _, prior in ipairs(priors) do
      for _, t in ipairs(starts) do
        result[prior[1] .. t], result[prior[1] .. t .. ".is"] = drl.quality(critic, data, draw(t, prior[1], n))
      end
    end
    result.real = drl.quality(critic, data, data.train.x:slice(1, 1, math.min(n, data.train.x:size(1))))
    result.mean = data.train.x:mean():item()
    return result
  end,
}

local function ratio(cell, t) return sweep:mean("gauss" .. t, cell) / sweep:mean("uniform" .. t, cell) end
local function title(cell) return ("%s images, %s, %dx%d"):format(cell.images, cell.net == "conv" and "convolutional" or "MLP",
        cell.size, cell.size) end
for _, cell in ipairs(cells) do
  local rows = {}
  for i, t in ipairs(starts) do
    rows[i] = {t, rp.runs.text(sweep:values("gauss" .. t, cell), "%.2f"), rp.runs.text(sweep:values("uniform" .. t, cell), "%.2f"),
               ("%.2f"):format(ratio(cell, t))}
  end
  P:table("Table 3: " .. title(cell), {"t_init", "Gaussian", "uniform + Gaussian", "ratio"}, rows,
          ("FD to the test images, mean over seeds (range). That of as many training images: %.2f. Mean pixel: %.2f."):format(
            sweep:mean("real", cell), sweep:mean("mean", cell)))
end

local figure = rp.plot.figure{width = 600, height = 340, desc = "Ratio of the Frechet distances of the two priors over the start"}
local ax = figure:axes{xlabel = "$t_{init}$", ylabel = "FD Gaussian / FD uniform + Gaussian", yscale = "log", legend = true}
for _, cell in ipairs(cells) do
  local list = {}
  for i, t in ipairs(starts) do list[i] = ratio(cell, t) end
  ax:line(starts, list, {label = title(cell), marker = "circle"})
end
ax:hline(1)
P:figure("Ratios", figure, "Above 1 the uniform part helps, below it hurts.")

--[[ ### Fig. 4 and 11: samples
Of the first cell of the sweep's coloured images, trained here once more. ]]
if P:wants("Figure 11") then
  local cell, n, rows = cells[1], 12, {}
  local _, _, draw = prepare{images = cell.images, net = cell.net, size = cell.size, seed = P.seed}
  for _, prior in ipairs(priors) do
    for _, t in ipairs(starts) do rows[#rows + 1] = draw(t, prior[1], n) end
  end
  P:figure("Figure 11", rp.plot.image_grid(rp.concat(1, table.unpack(rows)), {columns = n, width = 480,
          desc = "samples by start and prior"}),
           ("Rows: t_init from %g to 1 with the Gaussian prior, then with the uniform part."):format(starts[1]))
end

--[[ ## 2  The claims ]]
local colour, grey, conv = cells[1], cells[2], cells[3] or cells[1]
P:claim("help", "At t_init = 0.5 the uniform part helps: FD of the Gaussian prior at least twice as large, coloured images",
        {value = ratio(colour, 0.5), op = ">=", bound = 2}, {where = "Table 3: 218.95 / 25.02"})
P:claim("help.conv", "... with a convolutional network", {value = ratio(conv, 0.5), op = ">=", bound = 2}, {where = "Table 3"})
P:claim("grey", "... and for grey digits", {value = ratio(grey, 0.5), op = ">=", bound = 2}, {where = "Sec. 3.2"})
P:claim("same", "From t_init = 1 the priors are alike: FDs within 10%",
        {value = math.abs(ratio(colour, 1) - 1), op = "<=", bound = 0.1}, {where = "Table 3: 3.01, 2.99"})
if not small then
  P:claim("help.7", "At t_init = 0.7 the uniform part still helps: FD of the Gaussian prior at least 1.05 times as large, coloured images",
          {value = ratio(colour, 0.7), op = ">=", bound = 1.05}, {where = "Table 3: 12.57 / 2.98"})
  for _, cell in ipairs(conv ~= colour and {colour, conv} or {colour}) do
    P:claim("short." .. cell.net, "A start at 0.7 with the uniform part does as well as one at 1: FD at most 10% above, " .. title(cell),
            {value = sweep:mean("uniform0.7", cell) / sweep:mean("uniform1", cell), op = "<=", bound = 1.1}, {where = "Sec. 4.3"})
    local worst = 0
    for _, t in ipairs{0.8, 0.9} do
      for _, prior in ipairs(priors) do
        worst = math.max(worst, sweep:mean(prior[1] .. t, cell) / sweep:mean(prior[1] .. "1", cell))
      end
    end
    P:claim("flat." .. cell.net, "From 0.8 on the start does not matter: FD at most 10% above that from 1, both priors, " .. title(cell),
            {value = worst, op = "<=", bound = 1.1}, {where = "Table 3"})
  end
end
for _, row in ipairs{{0.5, 218.95, 25.02}, {0.7, 12.57, 2.98}, {1, 3.01, 2.99}} do
  if not small or row[1] ~= 0.7 then
    P:quoted("paper.gauss." .. row[1], row[2], {where = "Table 3", ours = sweep:mean("gauss" .. row[1], colour)})
    P:quoted("paper.uniform." .. row[1], row[3], {where = "Table 3", ours = sweep:mean("uniform" .. row[1], colour)})
  end
end

--[[ ### What is found
On coloured images Table 3 holds in all its parts, for both kinds of networks: below $t_{init} = 0.7$ the Gaussian start is too dark, and the
uniform part mends it; from 0.7 on the priors are alike and the start does not matter. Starting *lower* with the uniform part is even
better for the convolutional network, whose samples from high noise are its weakest: FD 47 from 0.5, 53 from 1. On grey digits, whose
mean pixel is 0.16, the uniform part is the worse start: its mean $\frac12$ is farther off than the Gaussian's 0. There the start from 0.6 or
0.7 without it does as well as any. So the choice is that of a prior that resembles $p_t$; the paper's suits CIFAR-10.

## 3  Our own numbers, to the last bit ]]
P:pinned("weights", sweep:cells()[1].result.weights, {smoke = "fb0d599cec4b7b04", small = "12273d63922c3aae"})
P:pinned("gauss", sweep:mean("gauss0.5", colour), {smoke = 4.482752614196356, small = 32.48829042554499})
P:pinned("uniform", sweep:mean("uniform0.5", colour), {smoke = 3.3116141038717135, small = 6.709278302055391})
P:pinned("conv", sweep:mean("uniform1", conv), {smoke = 22.752802509820867, small = 53.02235064014644})
