local rp = require "repro"
local dcr = require "papers.dcr"

local P = rp.paper{
  id = "dcr_augmentation", arxiv = "2603.04803", year = 2026,
  title = "How strong should the twin of DCR be?",
  authors = "after Boyu Han and others",
  settings = {
    seeds   = {smoke = 1, small = 3, paper = 5, min = 1, help = "independent runs of each strength"},
    v_steps = {smoke = 100, small = 1200, paper = 1200, help = "steps of denoiser training"},
  },
}

--[[
# The strength of the twin

**Question.** The positive $q_i$ of Eq. 12 is the prediction under the condition of an augmented twin. The paper takes common
augmentations and does not vary them. Here all amounts of `papers/dcr.lua` (shift, gain, offset, gradient, cast, noise) are multiplied by
one number $s$: at $s = 0$ the twin is the image itself, and the positive says nothing.

## 1  The sweep ]]
local sweep = rp.sweep{
  name = "strength", grid = {s = {0, 0.5, 1, 2, 4}}, seeds = P.seeds,
  run = function(cell)
    local world = {seed = cell.seed, twin = dcr.twins(cell.s)}
    world.f, world.text = dcr.pretrain(cell.seed)
    world.v = dcr.train_denoiser(world.text, cell.seed, 128, P.v_steps)
    world.h = dcr.stage_1(world, cell.seed)
    local model = dcr.stage_2(world, cell.seed, "dcr")
    local e = dcr.evaluate(model)
    return {nmi = e.nmi, acc = e.acc, mmvp = e.mmvp, weights = model.f:hash()}
  end,
}
P:table("Table 1", sweep:table{{"nmi", label = "NMI"}, {"acc", label = "ACC"}, {"mmvp", label = "MMVP-like"}},
        "Mean over seeds (range).")
P:figure("Figure 1", sweep:plot{x = "s", y = {"nmi", "mmvp"}, xlabel = "strength of the twin", ylabel = "score"},
         "Means over seeds; the band is their range.")

--[[ ## 2  What it shows
If the twin matters as a positive, the abilities at $s = 1$ differ from those at $s = 0$. ]]
local function gain(metric) return sweep:mean(metric, {s = 1}) - sweep:mean(metric, {s = 0}) end
P:claim("twin.d", "An augmented twin improves D-ability (NMI) over the image itself", {value = gain("nmi"), op = ">", bound = 0},
        {where = "Eq. 12"})
P:claim("twin.p", "... and does not harm P-ability", {value = gain("mmvp"), op = ">=", bound = -0.01}, {where = "Eq. 12"})
