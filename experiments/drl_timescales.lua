local rp = require "repro"
local drl = require "papers.drl"

local P = rp.paper{
  id = "drl_timescales", arxiv = "2105.14257", year = 2021,
  title = "DRL trained at single times (App. D, Fig. 12)",
  authors = "after Korbinian Abstreiter and others",
  settings = {
    seeds   = {smoke = 1, small = 3, paper = 3, min = 1, help = "independent runs of each"},
    n_train = {smoke = 400, small = 4000, paper = 60000, min = 100, help = "training images"},
    n_test  = {smoke = 200, small = 1000, paper = 10000, min = 100, help = "test images"},
    steps   = {smoke = 30, small = 700, paper = 80000, min = 1, help = "steps of a training"},
    conv_steps = {smoke = 2, small = 300, paper = 80000, min = 1, help = "steps of a training of convolutional networks"},
    conv_batch = {32, paper = 128, min = 2, help = "images in a step of these; 128 of the others"},
    grey    = {"numerals", choices = {"numerals", "mnist"}, help = "the grey images"},
    colour  = {"colour", choices = {"colour", "cifar10"}, help = "the coloured images"},
    strong  = {1e-2, min = 0, help = "the strong weight of the code's L1 norm; the paper's is 1e-5"},
  },
}

--[[
# Which time tells the class?

**Question.** With $\lambda(t)$ zero but at a single $t$, the code holds what is missing at that noise. The paper finds almost no class at small
$t$, most at a middle range that differs between data sets, and less again towards $t = 1$ (App. D, Fig. 12). Here single times are
swept with the functions of `papers/drl.lua`, for grey and coloured images, multilayer and convolutional networks, and two
weights of the $L_1$ norm.

## 1  The sweep
Codes have two dimensions. Silhouette and accuracy of the 10 nearest neighbours are of test images; $R^2$ of the stroke width tells
what else is in the code. The decline towards $t = 1$ is given the chance to come from the norm: $\lambda = \sigma^2$ makes the whole loss at $t = 1$ not
more than $\mathbf E |x_0 - \bar x|^2 / 2500$, about 0.01, of which a code of two dimensions can save a third. ]]
local small = P.scale == "smoke"
local times = small and {0.1, 0.5} or {0.1, 0.3, 0.5, 0.7, 0.9, 1}
local conv_times = small and {0.5} or {0.1, 0.5}
local trainings = {{"grey", "mlp", 1e-5, times}, {"grey", "mlp", P.strong, times}, {"colour", "mlp", 1e-5, times},
                   {"grey", "conv", 1e-5, conv_times}}
local cells = {}
for _, row in ipairs(trainings) do
  for _, t in ipairs(row[4]) do cells[#cells + 1] = {images = row[1], net = row[2], l1 = row[3], t = t} end
end

local large = P.scale == "paper"
local function images(cell)
  local side = cell.images == "colour" and (large and 32 or 8) or large and 28 or 14
  return drl.load{dataset = P[cell.images], n_train = P.n_train, n_test = P.n_test, size = side, seed = P.seed}
end

local sweep = rp.sweep{
  name = "times", list = cells, seeds = P.seeds,
  run = function(cell)
    local data, conv = images(cell), cell.net == "conv"
    local model = drl.train{data = data, seed = cell.seed, code = 2, times = cell.t, l1 = cell.l1, net = cell.net,
      steps = conv and P.conv_steps or P.steps, batch = conv and P.conv_batch or 128,
      multipliers = large and data.train.x:size(2) == 3 and {1, 1, 1} or nil}
    local judged = drl.judge_codes(model.encoder, data)
    return {silhouette = judged.silhouette, knn = judged.knn, width = judged.width or 0, size = judged.z:abs():mean():item(),
            weights = model.encoder:hash()}
  end,
}
P:table("Figure 12, in numbers", sweep:table{{"silhouette", format = "%.3f"}, {"knn", label = "kNN accuracy", format = "%.3f"},
                                             {"width", label = "stroke width: R^2", format = "%.2f"},
                                             {"size", label = "mean |z|", format = "%.2f"}},
        "Means over seeds (range). The stroke width of coloured images is not measured: 0.")

local function of(row, t) return {images = row[1], net = row[2], l1 = row[3], t = t} end
local function curve(row, metric)                 -- (seeds, times)
  local runs = {}
  for i, t in ipairs(row[4]) do
    for s, value in ipairs(sweep:values(metric, of(row, t))) do
      runs[s] = runs[s] or {}
      runs[s][i] = value
    end
  end
  return runs
end
for _, metric in ipairs{{"silhouette", "silhouette"}, {"knn", "kNN accuracy"}} do
  local figure = rp.plot.figure{width = 600, height = 340, desc = metric[2] .. " over the single time of training"}
  local ax = figure:axes{xlabel = "$t$", ylabel = metric[2], legend = true}
  for _, row in ipairs(trainings) do
    local label = ("%s, %s"):format(row[1], row[2] == "conv" and "convolutional" or "MLP") .. (row[3] ~= 1e-5 and ", strong L1" or "")
    ax:line(row[4], curve(row, metric[1]), {label = label, marker = "circle"})
  end
  P:figure("Figure 12, " .. metric[2], figure, "Means; band: standard deviation over seeds.")
end

--[[ ## 2  The claims ]]
local function gain(row, metric, a, b) return sweep:mean(metric, of(row, a)) - sweep:mean(metric, of(row, b)) end
local function fall(row, metric)                  -- highest mean before the last time, minus that at the last
  local best = -math.huge
  for i = 1, #row[4] - 1 do best = math.max(best, sweep:mean(metric, of(row, row[4][i]))) end
  return best - sweep:mean(metric, of(row, row[4][#row[4]]))
end
local low = -math.huge
for _, value in ipairs(sweep:values("silhouette", of(trainings[1], 0.1))) do low = math.max(low, value) end
P:claim("low", "Little noise leaves almost no class in the code: silhouette at t = 0.1 at most 0 in every run",
        {value = low, op = "<=", bound = 0},
        {where = "App. D"})
P:claim("rise", "Silhouette rises from t = 0.1 to 0.5 by 0.2 at least, grey images",
        {value = gain(trainings[1], "silhouette", 0.5, 0.1), op = ">=", bound = 0.2}, {where = "Fig. 12, left"})
P:claim("rise.colour", "... and coloured images", {value = gain(trainings[3], "silhouette", 0.5, 0.1), op = ">=", bound = 0.2},
        {where = "Fig. 12, right"})
if not small then
  P:claim("rise.conv", "... and grey images with convolutional networks",
          {value = gain(trainings[4], "silhouette", 0.5, 0.1), op = ">=", bound = 0.2}, {where = "Fig. 12, left"})
  P:claim("fall", "It declines again: silhouette at t = 1 is 0.05 below the highest at least, the paper's L1, grey images",
          {value = fall(trainings[1], "silhouette"), op = ">=", bound = 0.05}, {where = "Fig. 12, left"})
  P:claim("fall.colour", "... coloured images", {value = fall(trainings[3], "silhouette"), op = ">=", bound = 0.05},
          {where = "Fig. 12, right"})
  P:claim("fall.strong", "... grey images, strong L1", {value = fall(trainings[2], "silhouette"), op = ">=", bound = 0.05},
          {where = "Fig. 12, left"})
  P:claim("width", "The stroke width leaves the code: its R^2 at t = 0.5 is 0.2 below that at t = 0.1 at least",
          {value = gain(trainings[1], "width", 0.5, 0.1), op = "<=", bound = -0.2}, {where = "Sec. 2.3"})
end

--[[ ### What is found
Grey images, multilayer networks: the left panel of Fig. 12. At $t = 0.1$ neighbours hardly tell the class (0.15; chance is 0.1), from 0.5 on they do
(0.42 to 0.49), and at $t = 1$ nothing is left. But the decline has another cause than the paper gives, that noisy images become alike
when $t$ gets large. At $t = 0.9$, where they are alike, the class is told best. At $t = 1$ the code is *zero*: with $\lambda = \sigma^2$ the
whole loss is smaller than what the norm of weight $10^{-5}$ asks for, and a norm a thousand times as heavy empties the code from
0.7 on. With a weight that does not vanish there is no decline (`papers/drl.lua`, Fig. 3).

The silhouette stays near or below zero throughout: ten classes in two dimensions overlap. The stroke width does not leave the code before
$t = 1$; what changes is what is there beside it.

Coloured images, 8x8 pixels: the class, which goes with the hue of the ground only loosely, is told by at most 0.2 of the neighbours at any time: no
rise. Convolutional networks after 300 steps, 0.4% of the paper's, are at another place: at $t = 0.1$ the code tells the class better (0.34)
than at 0.5 (0.22), where it holds the stroke width. A convolution sees edges in the noisy image itself, and so may lack other
things at little noise than a multilayer network; longer trainings than two cores allow would tell.

## 3  Our own numbers, to the last bit ]]
P:pinned("weights.grey", sweep:cells()[1].result.weights, {smoke = "bc8a330754f5392d", small = "aeed3fd30cdb68d5"})
P:pinned("grey.silhouette", sweep:mean("silhouette", of(trainings[1], 0.5)), {smoke = -0.21043651543927772, small = -0.038588364899783144})
P:pinned("colour.silhouette", sweep:mean("silhouette", of(trainings[3], 0.5)), {smoke = -0.22188326676227896, small = -0.1251366889144676})
P:pinned("conv.silhouette", sweep:mean("silhouette", of(trainings[4], 0.5)), {smoke = -0.13914334505732692, small = -0.14984489062489834})
