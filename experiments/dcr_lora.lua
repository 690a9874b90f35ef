local rp = require "repro"

local P = rp.paper{
  id = "dcr_lora", arxiv = "2603.04803", year = 2026,
  title = "DCR through low-rank adapters",
  authors = "after Boyu Han and others",
  settings = {
    seeds = {smoke = 1, small = 3, paper = 5, min = 1, help = "independent runs of each cell"},
    ranks = {smoke = {1, 16}, small = {1, 2, 4, 8, 16}, paper = {1, 2, 4, 8, 16, 32}, help = "ranks of the adapters"},
    rates = {smoke = {1e-3}, small = {1e-4, 1e-3}, paper = {1e-4, 3e-4, 1e-3}, help = "learning rates of stage 2"},
  },
}

--[[
# How much rank does DCR need?

**Question.** In stage 2 the paper trains LoRA adapters of rank 16 on the image encoder (Hu et al. 2022), not its weights:
$$ y = W x + b + \tfrac{\alpha}{r} B A x, \qquad A \in \mathbb R^{r \times n}, \; B = 0 \text{ at the start}, $$
here with $\alpha = r$. The paper does not vary the rank. Here it runs from 1 to 16 on the two linear layers of the encoder of
`papers/dcr.lua` (512 to 96 to 32; its convolutions have none and stay frozen), beside training all weights, at two learning rates. An
adapter starts at $B = 0$, so that at first only $B$ moves: at equal rates it goes less far than the weights themselves. How far an
encoder has gone is told by its features: $|z' - z| / |z|$ over the test images.

## 1  The sweep
One world a seed; the first row is its encoder before stage 2. ]]
local metrics = {{"nmi", "NMI"}, {"acc", "ACC"}, {"mmvp", "MMVP-like"}, {"moved", "features moved by"}, {"trained", "trained weights"}}

local function measured(dcr, world, model)
  local z, e, trained = dcr.embed(world.f, dcr.data.test.x), dcr.evaluate(model), 0
  for _, p in ipairs(model.f:trainable()) do trained = trained + p:numel() end
  return {nmi = e.nmi, acc = e.acc, mmvp = e.mmvp, trained = trained, weights = model.f:hash(),
          moved = ((e.z - z):square():sum() / z:square():sum()):sqrt():item()}
end

local ranks = {0, table.unpack(P.ranks)}
local function name_of(rank) return "rank " .. rank end

local sweep = rp.sweep{
  name = "rank", grid = {rate = P.rates}, seeds = P.seeds,
  run = function(cell)
    local dcr = require "papers.dcr"
    local world = dcr.new_world(cell.seed)
    local result = {original = measured(dcr, world, world)}
    world.lr_2 = cell.rate
    for _, rank in ipairs(ranks) do
      world.lora = rank
      result[name_of(rank)] = measured(dcr, world, dcr.stage_2(world, cell.seed, "dcr"))
    end
    return result
  end,
}

local function row(method, rate, label)
  local list = {label, rate and ("%g"):format(rate) or "–"}
  for j, metric in ipairs(metrics) do
    local form = metric[1] == "trained" and "%.0f" or "%.3f"
    list[j + 2] = metric[1] == "trained" and form:format(sweep:mean(method .. ".trained", {rate = rate}))
                  or sweep:text(method .. "." .. metric[1], {rate = rate or P.rates[1]}, form)
  end
  return list
end
local function rows()
  local list = {row("original", nil, "original")}
  for _, rate in ipairs(P.rates) do
    for _, rank in ipairs(ranks) do
      list[#list + 1] = row(name_of(rank), rate, rank == 0 and "all weights" or "rank " .. rank)
    end
  end
  return list
end
P:table("Table 1", {"trained", "rate", "NMI", "ACC", "MMVP-like", "features moved by", "trained weights"}, rows(),
        "Mean over seeds (range).")

local function draw(ax, metric, rate, marker, style)
  local y, low, high = {}, {}, {}
  for i, rank in ipairs(P.ranks) do
    local list = sweep:values(name_of(rank) .. "." .. metric, {rate = rate})
    y[i] = sweep:mean(name_of(rank) .. "." .. metric, {rate = rate})
    low[i], high[i] = rp.runs.range(list)
  end
  ax:line(P.ranks, y, {label = ("LoRA, rate %g"):format(rate), marker = marker, band = {low, high}})
  ax:hline(sweep:mean(name_of(0) .. "." .. metric, {rate = rate}), {label = ("all weights, rate %g"):format(rate), style = style})
end

local function figure()
  local fig = rp.plot.figure{cols = 2, width = 760, height = 320, desc = "NMI and MMVP over the rank, one line for each learning rate"}
  for _, metric in ipairs{{"nmi", "NMI"}, {"mmvp", "MMVP-like"}} do
    local ax = fig:axes{xlabel = "rank", ylabel = metric[2], xscale = "log", legend = metric[1] == "nmi"}
    for k, rate in ipairs(P.rates) do draw(ax, metric[1], rate, ({"circle", "square", "triangle"})[k], k == 1 and "dashed" or "dotted") end
  end
  return fig
end
P:figure("Figure 1", figure(), "Means over seeds; the band is their range.")

--[[ Is it the rank, or how far the encoder goes? Every row again, over the distance that its features moved. ]]
local function over_distance()
  local fig = rp.plot.figure{cols = 2, width = 760, height = 320, desc = "NMI and MMVP over the distance that features moved"}
  for _, metric in ipairs{{"nmi", "NMI"}, {"mmvp", "MMVP-like"}} do
    local ax = fig:axes{xlabel = "features moved by", ylabel = metric[2], legend = metric[1] == "nmi"}
    local x, y = {{}, {}}, {{}, {}}
    for _, rate in ipairs(P.rates) do
      for _, rank in ipairs(ranks) do
        local k = rank == 0 and 2 or 1
        table.insert(x[k], sweep:mean(name_of(rank) .. ".moved", {rate = rate}))
        table.insert(y[k], sweep:mean(name_of(rank) .. "." .. metric[1], {rate = rate}))
      end
    end
    ax:scatter(x[1], y[1], {label = "LoRA", size = 4})
    ax:scatter(x[2], y[2], {label = "all weights", size = 4})
    ax:hline(sweep:mean("original." .. metric[1], {rate = P.rates[1]}), {label = "original", style = "dashed"})
  end
  return fig
end
P:figure("Figure 2", over_distance(), "Means over seeds.")

--[[ What they show, at scale small. At the rate at which all weights learn, $10^{-4}$, no adapter has gone anywhere after 400 steps: features
move by less than 0.3 of their size, P-ability not at all. At $10^{-3}$ adapters trade as all weights do, further along the same line: with
the rank, features move further, P-ability rises and D-ability falls. Up to rank 2 D-ability is even a little above the original and
P-ability below it. Rank 16 at $10^{-3}$ (NMI 0.70, MMVP-like 0.33) ends a little below all weights at $10^{-4}$ (0.72, 0.39), though
its features moved further: rate and rank set how far the encoder goes, and for the same way all weights get more. At $10^{-3}$ they go
so far that P-ability is 0.57 and D-ability is lost. Low rank is thus a brake here, not an advantage of its own.

## 2  Claims
The paper's own choice is rank 16. The comparisons with training all weights are this experiment's. ]]
local rate = P.rates[#P.rates]                    -- the largest, at which adapters move the features
local function at(rank, metric) return sweep:mean((rank and name_of(rank) or "original") .. "." .. metric, {rate = rate}) end
P:claim("rank16.p", "DCR through LoRA of rank 16 improves P-ability over the original",
        {value = at(16, "mmvp") - at(nil, "mmvp"), op = ">=", bound = 0.05}, {where = "Table 1, Sec. 5.1"})
P:claim("rank16.d", "... and D-ability (NMI)", {value = at(16, "nmi") - at(nil, "nmi"), op = ">", bound = 0}, {where = "Table 2, Sec. 5.1"})
P:claim("rank16.full.p", "Rank 16 gives the P-ability of training all weights, within 0.02",
        {value = at(16, "mmvp") - at(0, "mmvp"), op = ">=", bound = -0.02}, {where = "Sec. 5.1"})
P:claim("rank16.full.d", "... and at least its D-ability (NMI), within 0.02",
        {value = at(16, "nmi") - at(0, "nmi"), op = ">=", bound = -0.02}, {where = "Sec. 5.1"})
P:claim("rank.p", "A higher rank gives more P-ability: rank 16 above rank 1",
        {value = at(16, "mmvp") - at(1, "mmvp"), op = ">", bound = 0},
        {where = "Sec. 5.1"})
P:claim("rank.d", "A higher rank costs D-ability (NMI): rank 16 below rank 1",
        {value = at(16, "nmi") - at(1, "nmi"), op = "<", bound = 0},
        {where = "Sec. 5.1"})
P:claim("moved", "Adapters move the features less than training all weights at the same rate",
        {value = at(16, "moved") - at(0, "moved"), op = "<", bound = 0}, {where = "Hu et al. 2022, sec. 4.1"})

--[[ ### Our own numbers, to the last bit ]]
P:pinned("rank16.nmi", at(16, "nmi"), {smoke = 0.6882901321395506, small = 0.7036760095342919})
P:pinned("rank16.mmvp", at(16, "mmvp"), {smoke = 0.40555555555555556, small = 0.3248148148148149})
P:pinned("all.nmi", at(0, "nmi"), {smoke = 0.48039284246469516, small = 0.527402827272867})
P:pinned("all.mmvp", at(0, "mmvp"), {smoke = 0.4749999999999999, small = 0.5685185185185185})
