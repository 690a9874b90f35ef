local rp = require "repro"

local P = rp.paper{
  id = "dcr_prediction", arxiv = "2603.04803", year = 2026,
  title = "DCR on a denoiser of noise and on one of velocity",
  authors = "after Boyu Han and others",
  settings = {
    seeds   = {smoke = 1, small = 3, paper = 5, min = 1, help = "independent runs of each cell"},
    batches = {smoke = 4, small = 40, paper = 100, min = 1, help = "batches over which similarities of predictions are averaged"},
  },
}

--[[
# Noise or velocity?

**Question.** The paper writes DCR with a denoiser that predicts the noise $\epsilon$ (Eq. 12); the authors' public code, and Stable
Diffusion 2.1, predict the velocity $v = \alpha_t \epsilon - \sigma_t x$. Does the choice matter? Here the world of `papers/dcr.lua` is made
with either, and each method starts from it.

## 1  Both abilities ]]
local methods, metrics = {"original", "rec", "naive", "dcr"}, {{"nmi", "NMI"}, {"acc", "ACC"}, {"ari", "ARI"}, {"mmvp", "MMVP-like"}}

local function abilities(dcr, world, method, seed)
  local model = method == "original" and world or dcr.stage_2(world, seed, method, {1, 1})
  local e = dcr.evaluate(model)
  return {nmi = e.nmi, acc = e.acc, ari = e.ari, mmvp = e.mmvp, weights = model.f:hash()}
end

--[[ ## 2  What the loss sees
The anchor of Eq. 12 is compared with the target $r_i$ and with the predictions $p_{ij}$ under other images' conditions. Where $x_t$ is mostly
noise, a prediction of noise is nearly $x_t$ itself under *any* condition: then negatives are as near as the positive, and the loss can
teach little. A prediction of velocity is there nearly $-x$, which the condition must tell. The cosines are averaged over batches of the
world before stage 2, by quarters of $t$. ]]
local function add_similarities(sums, o, p)       -- o: noisy latents, times, targets; p (B,B,D)
  local own = p:diagonal():t():unit()                                         -- (B,D)
  local target = rp.dot(own, o.r:unit(), 2):totable()
  local others = rp.off_diagonal(rp.dot(own:unsqueeze(2), p:unit())):mean(2):totable()
  for i, t in ipairs(o.t:totable()) do
    local sum = sums[(t - 1) // 250 + 1]
    sum.target, sum.others, sum.n = sum.target + target[i], sum.others + others[i], sum.n + 1
  end
end

local function similarities(dcr, world, seed)     -- -> target_1 .. target_4, others_1 .. others_4
  local g, sums, result = rp.generator(seed, "similarities"), {}, {}
  for q = 1, 4 do sums[q] = {target = 0, others = 0, n = 0} end
  for _ = 1, P.batches do
    local b = dcr.draw_batch(g)
    local o, c = b.noisy[1], rp.no_grad(function() return world.h(dcr.embed(world.f, b.x)) end)
    add_similarities(sums, o, rp.no_grad(rp.contrastive.pairwise, world.v, o.x_t, o.t, c))
  end
  for q, sum in ipairs(sums) do
    result["target_" .. q], result["others_" .. q] = sum.target / sum.n, sum.others / sum.n
  end
  return result
end

local sweep = rp.sweep{
  name = "prediction", grid = {prediction = {"eps", "v"}}, seeds = P.seeds,
  run = function(cell)
    local dcr = rp.paper.require("papers.dcr", {prediction = cell.prediction})
    local world = dcr.new_world(cell.seed)
    local result = {seen = similarities(dcr, world, cell.seed)}
    for _, method in ipairs(methods) do result[method] = abilities(dcr, world, method, cell.seed) end
    return result
  end,
}

local function ability_rows()
  local list = {}
  for _, prediction in ipairs{"eps", "v"} do
    for _, method in ipairs(methods) do
      local row = {prediction, method}
      for j, metric in ipairs(metrics) do row[j + 2] = sweep:text(method .. "." .. metric[1], {prediction = prediction}) end
      list[#list + 1] = row
    end
  end
  return list
end
P:table("Table 1", {"prediction", "method", "NMI", "ACC", "ARI", "MMVP-like"}, ability_rows(), "Mean over seeds (range).")

local function rows()
  local list = {}
  for _, prediction in ipairs{"eps", "v"} do
    for q = 1, 4 do
      local where = {prediction = prediction}
      list[#list + 1] = {prediction, ("%d to %d"):format(250 * q - 249, 250 * q),
                         sweep:text("seen.target_" .. q, where), sweep:text("seen.others_" .. q, where)}
    end
  end
  return list
end
P:table("Table 2", {"prediction", "t", "cosine to the target", "cosine to other conditions' predictions"}, rows(),
        "Of the anchor, means over batches and seeds.")

--[[ What the table shows, at scale small: between conditions predictions of noise have a cosine of 0.98 or more at *every* time, 0.999 in the
last quarter, where those of velocity fall to 0.50. With either, negatives are nearer to the anchor than the true target is. Yet the
choice costs DCR little: with $\epsilon$ it raises P-ability as much and keeps nearly as much D-ability, as a difference of 0.02 in a
cosine is one of 0.2 after division by $\tau = 0.1$. What changes more is reconstruction alone, which loses about half as much D-ability
with $\epsilon$ as with $v$. With neither does DCR raise D-ability above the original, as the paper reports it does.

## 3  Claims
The paper's claims are about $\epsilon$; the same with $v$ stands below them. ]]
local function at(prediction, metric) return sweep:mean(metric, {prediction = prediction}) end
local function gain(prediction, a, b, metric) return at(prediction, a .. "." .. metric) - at(prediction, b .. "." .. metric) end
P:claim("eps.p", "With eps DCR improves P-ability over the original",
        {value = gain("eps", "dcr", "original", "mmvp"), op = ">=", bound = 0.05}, {where = "Table 1"})
P:claim("eps.d", "With eps DCR improves D-ability (NMI) over the original",
        {value = gain("eps", "dcr", "original", "nmi"), op = ">", bound = 0}, {where = "Table 2"})
P:claim("eps.rec", "With eps DCR has better D-ability (NMI) than reconstruction alone",
        {value = gain("eps", "dcr", "rec", "nmi"), op = ">=", bound = 0.02}, {where = "Table 2"})
P:claim("v.p", "With v DCR improves P-ability over the original",
        {value = gain("v", "dcr", "original", "mmvp"), op = ">=", bound = 0.05}, {where = "Table 1"})
P:claim("v.d", "With v DCR improves D-ability (NMI) over the original",
        {value = gain("v", "dcr", "original", "nmi"), op = ">", bound = 0}, {where = "Table 2"})
P:claim("v.rec", "With v DCR has better D-ability (NMI) than reconstruction alone",
        {value = gain("v", "dcr", "rec", "nmi"), op = ">=", bound = 0.02}, {where = "Table 2"})
P:claim("same.p", "The choice does not matter to DCR's P-ability: a difference of at most 0.02",
        {value = math.abs(at("eps", "dcr.mmvp") - at("v", "dcr.mmvp")), op = "<=", bound = 0.02}, {where = "Eq. 12 and the public code"})
P:claim("same.d", "... nor to its D-ability (NMI)",
        {value = math.abs(at("eps", "dcr.nmi") - at("v", "dcr.nmi")), op = "<=", bound = 0.02}, {where = "Eq. 12 and the public code"})
P:claim("noise.eps", "At high noise eps hardly depends on the condition: cosine of 0.95 or more to predictions under others",
        {value = at("eps", "seen.others_4"), op = ">=", bound = 0.95}, {where = "Sec. 2 here"})
P:claim("noise.v", "... and v does: below 0.9 there", {value = at("v", "seen.others_4"), op = "<=", bound = 0.9}, {where = "Sec. 2 here"})

--[[ ### Our own numbers, to the last bit ]]
P:pinned("eps.nmi", at("eps", "dcr.nmi"), {smoke = 0.6698470240620794, small = 0.7101156916625883})
P:pinned("eps.mmvp", at("eps", "dcr.mmvp"), {smoke = 0.4361111111111111, small = 0.37148148148148147})
P:pinned("v.nmi", at("v", "dcr.nmi"), {smoke = 0.6739220917213344, small = 0.7213400127611437})
P:pinned("v.mmvp", at("v", "dcr.mmvp"), {smoke = 0.41666666666666663, small = 0.3866666666666667})
