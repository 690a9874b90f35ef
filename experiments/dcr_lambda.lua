local rp = require "repro"
local dcr = require "papers.dcr"

local P = rp.paper{
  id = "dcr_lambda", arxiv = "2603.04803", year = 2026,
  title = "DCR against the naive sum over a sweep of weights (Remark 1)",
  authors = "after Boyu Han and others",
  settings = {
    weights = {smoke = 2, small = 5, paper = 7, min = 2, help = "values of lambda_rec, a factor of 10^(1/2) apart, around 1"},
    v_steps = {smoke = 100, small = 1200, paper = 1200, help = "steps of denoiser training"},
  },
}

--[[
# Can a weight reconcile the naive sum?

**Question.** Remark 1 of the DCR paper says that no weighting $\lambda_{con} \mathcal L_{con} + \lambda_{rec} \mathcal L_{rec}$ gives both abilities at
once. Here $\lambda_{rec}$ is swept, everything else is as in `papers/dcr.lua`, whose functions this script calls. One world (encoder,
text tower, denoiser, projector) serves all runs.

## 1  One world ]]
local f, text = dcr.pretrain(P.seed)
local world = {f = f, text = text, seed = P.seed}
world.v = dcr.train_denoiser(text, P.seed, 128, P.v_steps)
world.h = dcr.stage_1(world, P.seed)

--[[ ## 2  The sweep
NMI and accuracy of clusters tell D-ability; the share of MMVP-like pairs told apart tells P-ability. ]]
local rows, curve = {}, {lambda = {}, nmi = {}, mmvp = {}}
local function add(name, e)
  rows[#rows + 1] = {name, ("%.3f"):format(e.nmi), ("%.3f"):format(e.acc), ("%.3f"):format(e.mmvp)}
end
add("original", dcr.evaluate(world))
for i = 1, P.weights do
  local lambda = math.pow(10, (i - (P.weights + 1) / 2) / 2)
  local e = dcr.evaluate(dcr.stage_2(world, P.seed, "naive", {1, lambda}))
  curve.lambda[i], curve.nmi[i], curve.mmvp[i] = lambda, e.nmi, e.mmvp
  add(("naive, λ_rec = %.3g"):format(lambda), e)
  P:progress(i, P.weights, "weights")
end
local best = dcr.evaluate(dcr.stage_2(world, P.seed, "dcr"))
add("DCR", best)
P:table("abilities", {"method", "NMI", "ACC", "MMVP"}, rows, "Both abilities over the weight of reconstruction.")

local figure = rp.plot.figure{title = "The naive sum over its weight", width = 560, height = 320}
local axes = figure:axes{xlabel = "$\\lambda_{rec}$", ylabel = "score", xscale = "log", legend = true}
axes:line(curve.lambda, curve.nmi, {label = "NMI, naive", marker = "circle"})
axes:line(curve.lambda, curve.mmvp, {label = "MMVP, naive", marker = "square"})
axes:hline(best.nmi, {label = "NMI, DCR", style = "dashed"})
axes:hline(best.mmvp, {label = "MMVP, DCR", style = "dotted"})
P:figure("sweep", figure, "Each point is one training of stage 2.")

--[[ ## 3  The claim
No weight is at least as good as DCR at both abilities. ]]
local dominating = 0
for i = 1, P.weights do
  if curve.nmi[i] >= best.nmi and curve.mmvp[i] >= best.mmvp then dominating = dominating + 1 end
end
P:claim("no weight dominates", "No weighting of the naive sum reaches DCR in both abilities", {value = dominating, op = "<=", bound = 0},
        {where = "Remark 1", text = "weights at least as good as DCR in NMI and MMVP"})
