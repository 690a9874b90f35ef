local rp = require "repro"
local dcr = require "papers.dcr"

local P = rp.paper{
  id = "dcr_lambda", arxiv = "2603.04803", year = 2026,
  title = "DCR against the naive sum over a sweep of weights (Remark 1)",
  authors = "after Boyu Han and others",
  settings = {
    weights = {smoke = 2, small = 5, paper = 9, min = 2, help = "values of lambda_rec, a factor of 10^(1/2) apart, around 1"},
    seeds   = {smoke = 1, small = 3, paper = 5, min = 1, help = "independent runs of each"},
    v_steps = {smoke = 100, small = 1200, paper = 1200, help = "steps of denoiser training"},
  },
}

--[[
# Can a weight reconcile the naive sum?

**Question.** Remark 1 of the DCR paper says that no weighting $\lambda_{con} \mathcal L_{con} + \lambda_{rec} \mathcal L_{rec}$ gives both abilities at
once. Here $\lambda_{rec}$ is swept, everything else is as in `papers/dcr.lua`, whose functions this script calls. Each cell of the
sweep trains its own world (encoder, text tower, denoiser, projector); cells of one seed get the same one, to the last bit.

## 1  The sweep
NMI and accuracy of clusters tell D-ability; the share of MMVP-like pairs told apart tells P-ability. ]]
local cells = {{method = "original"}, {method = "dcr"}}
for i = 1, P.weights do cells[i + 2] = {method = "naive", lambda = math.pow(10, (i - (P.weights + 1) / 2) / 2)} end

local sweep = rp.sweep{
  name = "weights", list = cells, seeds = P.seeds,
  run = function(cell)
    local world = {seed = cell.seed}
    world.f, world.text = dcr.pretrain(cell.seed)
    world.v = dcr.train_denoiser(world.text, cell.seed, 128, P.v_steps)
    world.h = dcr.stage_1(world, cell.seed)
    local model = cell.method == "original" and world or dcr.stage_2(world, cell.seed, cell.method, {1, cell.lambda})
    local e = dcr.evaluate(model)
    return {nmi = e.nmi, acc = e.acc, mmvp = e.mmvp, weights = model.f:hash()}
  end,
}
P:table("abilities", sweep:table{{"nmi", label = "NMI"}, {"acc", label = "ACC"}, {"mmvp", label = "MMVP-like"}})

--[[ Means over the seeds, and their range. ]]
local function curve(metric)                      -- over lambda: means, and the range over seeds
  local x, mean, low, high = {}, {}, {}, {}
  for _, cell in ipairs(cells) do
    if cell.lambda then
      local list = sweep:values(metric, cell)
      local i = #x + 1
      x[i], mean[i] = cell.lambda, sweep:mean(metric, cell)
      low[i], high[i] = rp.runs.range(list)
    end
  end
  return x, mean, {low, high}
end

local figure = rp.plot.figure{title = "The naive sum over its weight", width = 560, height = 340}
local axes = figure:axes{xlabel = "$\\lambda_{rec}$", ylabel = "score", xscale = "log", legend = true}
for _, metric in ipairs{{"nmi", "NMI", "circle", "dashed"}, {"mmvp", "MMVP-like", "square", "dotted"}} do
  local x, mean, band = curve(metric[1])
  axes:line(x, mean, {label = metric[2] .. ", naive", marker = metric[3], band = band})
  axes:hline(sweep:mean(metric[1], {method = "dcr"}), {label = metric[2] .. ", DCR", style = metric[4]})
end
P:figure("Figure 1", figure, "Each point is the mean of the trainings of one weight; the band is the range over seeds.")

--[[ ## 2  The claim
No weight is at least as good as DCR at both abilities, in the mean. ]]
local dominating = 0
for _, cell in ipairs(cells) do
  local better = cell.lambda ~= nil
  for _, metric in ipairs{"nmi", "mmvp"} do
    better = better and sweep:mean(metric, cell) >= sweep:mean(metric, {method = "dcr"})
  end
  if better then dominating = dominating + 1 end
end
P:claim("no weight dominates", "No weighting of the naive sum reaches DCR in both abilities", {value = dominating, op = "<=", bound = 0},
        {where = "Remark 1"})
