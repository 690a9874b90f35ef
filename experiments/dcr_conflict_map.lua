local rp = require "repro"

local P = rp.paper{
  id = "dcr_conflict_map", arxiv = "2603.04803", year = 2026,
  title = "When do contrast and reconstruction conflict, and when does DCR pay?",
  authors = "after Boyu Han and others",
  settings = {
    rows    = {smoke = 3, small = 16, paper = 16, min = 3, help = "rows of the map, from the first"},
    seeds   = {smoke = 1, small = 2, paper = 5, min = 1, help = "independent runs of each row"},
    v_steps = {smoke = 100, small = 1200, paper = 1200, help = "steps of denoiser training"},
  },
}

--[[
# A map of gradient conflict

**Question.** The DCR paper reports that under the naive sum 86.3% of the steps have opposed gradients of $\mathcal L_{con}$ and
$\mathcal L_{rec}$, ever more of them as training goes on (Sec. 4.1, Fig. 2c), and that DCR is therefore better at classes and at
details. `papers/dcr.lua` sees opposed gradients in fewer than half of the steps. Which part of the set-up decides that?

**Method.** One factor at a time is moved from the default of `papers/dcr.lua`; a few combinations follow. Each row trains its own
world, then the naive sum and DCR on the same batches, and measures the cosine of Eq. 11 *in two places*: at the feature $z$, as the
paper writes it, and at the encoder's weights $\phi$, which is where the step is taken:
$$ \cos(\nabla_z \mathcal L_{con}, \nabla_z \mathcal L_{rec}), \qquad \cos(\nabla_\phi \mathcal L_{con}, \nabla_\phi \mathcal L_{rec}). $$

## 1  The rows
A row is a set of settings of `papers/dcr.lua`, as `--set` would give them; `twin` is the strength of the augmentation. DCR's cost
grows with the square of the batch, so the row with the largest leaves it out. ]]
local cells = {}
local function row(name, settings)
  if #cells == P.rows then return end
  local cell = {row = name}
  for key, value in pairs(settings) do cell[key] = value end
  cells[#cells + 1] = cell
end

row("default", {})
row("batch 64, 8 noises", {batch = 64, noises = 8, naive_only = true})
row("temperature 0.5", {tau = 0.5})
row("batch 32", {batch = 32})
row("4 noises an image", {noises = 4})
row("classes as positives", {positives = "class"})
row("twin 3 times as strong", {twin = 3})
row("feature of 128", {feature = 128})
row("4 times the steps", {steps_2 = 1600})
row("64 images only", {pool = 64})
row("twice the data", {n_train = 16000})
row("LoRA of rank 4", {lora = 4})
row("vision transformer", {encoder = "vit", clip_steps = 200})
row("denoiser of width 256", {width = 256})
row("noise prediction", {prediction = "eps"})
row("classes, batch 32, temperature 0.5", {positives = "class", batch = 32, tau = 0.5})

--[[ ## 2  Measuring at both places
The script of the paper trains by the losses in its table `losses`, and keeps the cosine at $z$ itself. The two losses of interest are
replaced by themselves, watched at the weights too: the naive sum at every second step, DCR, whose gradient costs most, at
every sixteenth. ]]
local every = {naive = 2, dcr = 16}

local function watch(dcr, at_phi)
  for _, name in ipairs{"naive", "dcr"} do
    local plain, k = dcr.losses[name], 0
    dcr.losses[name] = function(m, b, z, z_twin, record)
      local loss = plain(m, b, z, z_twin, record)
      k = k + 1
      if k % every[name] == 0 then
        local first = name == "dcr" and loss or dcr.con_loss(z, z_twin, b.y)
        rp.conflict{losses = {first, dcr.losses.rec(m, b, z)}, at = rp.conflict.layers(m.f), into = at_phi[name]}
      end
      return loss
    end
  end
end

local function at_feature(record)                 -- the steps that the paper's script has recorded
  local steps = {}
  for k, seen in ipairs(record) do steps[k] = {cosine = seen.cos, norms = {seen.ratio or 1, 1}} end
  return rp.conflict.summary(steps)
end

local tiny = P.scale == "smoke" and {n_train = 500, n_test = 100, n_pairs = 10, steps_1 = 8, steps_2 = 16} or {}
local own = {row = true, seed = true, twin = true, naive_only = true}          -- what a cell holds beside the paper's settings

local function measure(cell)
  local set = {v_steps = P.v_steps}
  for key, value in pairs(tiny) do set[key] = value end
  for key, value in pairs(cell) do
    if not own[key] then set[key] = value end
  end
  local dcr = rp.paper.require("papers.dcr", set)
  local at_phi, out = {naive = {}, dcr = {}}, {}
  watch(dcr, at_phi)
  local world = dcr.new_world(cell.seed, {plain = true})  -- not every step measures at the weights
  world.twin = dcr.twins(cell.twin or 1)
  local models, names = {original = world}, cell.naive_only and {"naive"} or {"naive", "dcr"}
  local function abilities(name)
    local e = dcr.evaluate(models[name])
    for _, key in ipairs{"nmi", "acc", "ari", "mmvp"} do out[name .. "_" .. key] = e[key] end
  end
  abilities "original"
  for _, name in ipairs(names) do
    models[name] = dcr.stage_2(world, cell.seed, name, {1, 1})
    abilities(name)
    local z, phi = at_feature(models[name].record), rp.conflict.summary(at_phi[name])
    out[name .. "_z"], out[name .. "_phi"] = z.fraction_negative, phi.fraction_negative
    out[name .. "_cos_z"], out[name .. "_cos_phi"] = z.cosine, phi.cosine
    out[name .. "_ratio"], out[name .. "_first"], out[name .. "_last"] = z.ratio, phi.parts[1], phi.parts[4]
    out[name .. "_cosines"] = phi.cosines
    out[name .. "_layers"] = {}
    for i, layer in ipairs(phi.layers) do out[name .. "_layers"][i] = {layer.name, layer.fraction_negative} end
  end
  out.weights = models.naive.f:hash()
  return out
end

local sweep = rp.sweep{name = "map", list = cells, seeds = P.seeds, run = measure}

--[[ ## 3  The map
Means over the seeds. *Opposed* is the share of steps whose cosine is below zero; the ratio is $|g_{con}|/|g_{rec}|$ at $z$. ]]
local function mean(metric, name) return sweep:mean(metric, {row = name}) end

local function table_of(columns)
  local rows = {}
  for i, cell in ipairs(cells) do
    rows[i] = {cell.row}
    for j, column in ipairs(columns) do
      local absent = cell.naive_only and column[1]:find "^dcr"
      rows[i][j + 1] = absent and "" or (column[2] or "%.3f"):format(mean(column[1], cell.row))
    end
  end
  return rows
end

P:table("Table 1", {"Row", "opposed at z", "mean cos at z", "ratio at z", "opposed at weights", "first quarter", "last quarter",
                    "mean cos at weights", "DCR opposed at z", "DCR opposed at weights"},
        table_of{{"naive_z"}, {"naive_cos_z", "%+.3f"}, {"naive_ratio", "%.2f"}, {"naive_phi"}, {"naive_first", "%.2f"},
                 {"naive_last", "%.2f"}, {"naive_cos_phi", "%+.3f"}, {"dcr_z"}, {"dcr_phi"}},
        "Conflict of the naive sum, and of DCR's loss with reconstruction.")
P:table("Table 2", {"Row", "NMI", "naive", "DCR", "ACC", "naive", "DCR", "ARI", "naive", "DCR", "MMVP-like", "naive", "DCR"},
        table_of{{"original_nmi"}, {"naive_nmi"}, {"dcr_nmi"}, {"original_acc"}, {"naive_acc"}, {"dcr_acc"},
                 {"original_ari"}, {"naive_ari"}, {"dcr_ari"}, {"original_mmvp"}, {"naive_mmvp"}, {"dcr_mmvp"}},
        "Abilities: the original, after the naive sum, after DCR.")

--[[ Where in the encoder: the share of opposed steps, layer by layer from the image to the feature. ]]
local function layer_rows(name)
  local rows = {}
  for _, cell in ipairs(sweep:cells()) do
    if cell.values.row == name then
      for i, layer in ipairs(cell.result.naive_layers) do
        rows[i] = rows[i] or {layer[1]}
        table.insert(rows[i], ("%.3f"):format(layer[2]))
        table.insert(rows[i], ("%.3f"):format(cell.result.dcr_layers[i][2]))
      end
    end
  end
  return rows
end
local header = {"layer"}
for s = 1, P.seeds do
  header[2 * s], header[2 * s + 1] = "naive, seed " .. P.seed + s - 1, "DCR, seed " .. P.seed + s - 1
end
P:table("Table 3", header, layer_rows("default"), "The default row: opposed steps by layer (2 and 4 are convolutions, 7 and 9 linear).")

local figure = rp.plot.figure{title = "Cosines at the weights", width = 620, height = 340,
                              desc = "Histograms of the cosine of the two gradients at the encoder's weights"}
local axes = figure:axes{xlabel = "$\\cos(g_{con}, g_{rec})$ at the weights", ylabel = "density", legend = true}
for _, name in ipairs{"default", "batch 64, 8 noises"} do
  local all = {}
  for _, cell in ipairs(sweep:cells()) do
    if cell.values.row == name then table.move(cell.result.naive_cosines, 1, #cell.result.naive_cosines, #all + 1, all) end
  end
  axes:histogram(all, {label = name, bins = 40, density = true})
end
P:figure("Figure 1", figure, "All steps of all seeds under the naive sum.")

--[[ ## 4  The claims
First the paper's, at the feature and at the weights; a map is a test only of what is said before it is drawn. ]]
local both = {}                                    -- the rows that ran DCR too
for _, cell in ipairs(cells) do
  if not cell.naive_only then both[#both + 1] = cell end
end
local function most(metric, list)                  -- over rows
  local best, at = -math.huge
  for _, cell in ipairs(list) do
    local value = mean(metric, cell.row)
    if value > best then best, at = value, cell.row end
  end
  return best, at
end
local function rows_where(list, f)                 -- share of the rows
  local n = 0
  for _, cell in ipairs(list) do n = n + (f(cell.row) and 1 or 0) end
  return n / #list
end
local most_z, where_z = most("naive_z", cells)
local most_phi, where_phi = most("naive_phi", cells)
P:note("The largest share of opposed steps at the feature is %.3f (%s), at the weights %.3f (%s).", most_z, where_z, most_phi, where_phi)

P:claim("feature", "At the feature most steps of the naive sum are in conflict (60% at least), by default",
        {value = mean("naive_z", "default"), op = ">=", bound = 0.6}, {where = "Sec. 4.1, Fig. 2c"})
P:claim("feature.anywhere", "... or 86.3% of them in some row of the map", {value = most_z, op = ">=", bound = 0.863},
        {where = "Sec. 4.1"})
P:claim("weights", "At the encoder's weights most steps are in conflict (60% at least), by default",
        {value = mean("naive_phi", "default"), op = ">=", bound = 0.6}, {where = "Sec. 4.1"})
P:claim("weights.everywhere", "... and in every row more than half",
        {value = rows_where(cells, function(name) return mean("naive_phi", name) > 0.5 end), op = ">=", bound = 1}, {where = "Sec. 4.1"})
P:claim("weights.anywhere", "... 86.3% of them in some row", {value = most_phi, op = ">=", bound = 0.863}, {where = "Sec. 4.1"})
P:claim("grows", "Conflict grows: at the weights more of the last quarter of the steps than of the first, by default",
        {value = mean("naive_last", "default") - mean("naive_first", "default"), op = ">", bound = 0}, {where = "Fig. 2c"})
P:claim("noise", "Conflict is hidden by noise: with batch 64 and 8 noises an image more steps oppose at the weights, by 0.05",
        {value = mean("naive_phi", "batch 64, 8 noises") - mean("naive_phi", "default"), op = ">=", bound = 0.05}, {where = "Sec. 4.1"})
P:claim("dcr.feature", "DCR's gradient opposes reconstruction at the feature in at most 1% of the steps, in every row",
        {value = most("dcr_z", both), op = "<=", bound = 0.01}, {where = "Sec. 4.2"})
P:claim("dcr.weights", "... and at the weights in at most 5%, by default", {value = mean("dcr_phi", "default"), op = "<=", bound = 0.05},
        {where = "Sec. 4.2"})
local function above(name)
  return mean("dcr_nmi", name) > mean("naive_nmi", name) and mean("dcr_mmvp", name) > mean("naive_mmvp", name)
end
P:claim("dcr.both", "DCR is above the naive sum at both abilities (NMI and MMVP-like) in most rows (60% at least)",
        {value = rows_where(both, above), op = ">=", bound = 0.6}, {where = "Table 4a"})
local conflicted, calm = {0, 0}, {0, 0}            -- mean gain of DCR in NMI over rows of much and of little conflict
local middle = {}
for i, cell in ipairs(both) do middle[i] = mean("naive_phi", cell.row) end
table.sort(middle)
for _, cell in ipairs(both) do
  local group = mean("naive_phi", cell.row) >= middle[#middle // 2 + 1] and conflicted or calm
  group[1], group[2] = group[1] + mean("dcr_nmi", cell.row) - mean("naive_nmi", cell.row), group[2] + 1
end
P:claim("pays", "DCR gains more over the naive sum (NMI) in the half of the rows with more conflict at the weights",
        {value = conflicted[1] / conflicted[2] - calm[1] / calm[2], op = ">", bound = 0}, {where = "Sec. 4.1"})

--[[ ## 5  What it shows
**Where the cosine is taken decides.** At the feature the two gradients are nearly orthogonal, mean cosine within 0.04 of zero, and opposed in
a quarter to somewhat over half of the steps, whichever *one* factor is moved. At the encoder's weights *the same losses on the
same steps* are opposed in two thirds of the steps by default. The gradient at $z$ has a row for each image, and the rows of two
losses meet image by image, each with the noise of one $t$ and one $\epsilon$; at the weights the rows are pulled back and
added, and what the images share remains. The transformer is the exception: a quarter of its steps are opposed at the feature, half of them at the weights.

**Noise hides it.** With 64 images and eight noises an image, nine steps in ten are opposed at the weights, as many as in the paper
(86.3%), while at the feature it is as rare as before. A softer temperature, which spreads $\mathcal L_{con}$ over all pairs
instead of the nearest, has nearly the same effect. It does not grow with the steps: in most rows the first quarter has more of
it than the last.

**The regime of the paper** is the last row: Eq. 7 as it is printed, with all images of a class as positives, a batch of 32 and a
temperature of 0.5. There 77% of the steps are opposed at the feature and 92% at the weights, with a mean cosine of -0.17. Labels bring
the difference together with a batch in which each class has several images; alone, at batch 16 and temperature 0.1, they do not.
But in that regime the naive sum, which is told the classes, keeps them better than DCR (NMI 0.88 against 0.72), and both see as
many details (0.37 and 0.38): conflict is pervasive and no obstacle to the ability that the stronger loss asks for.

**What does not bring it about:** a wider feature, four times the steps, a transformer, LoRA, a denoiser of width 256, noise prediction, classes
as positives alone, a stronger twin, twice the data, 64 images to learn by heart: at the feature 56% at most.

**DCR** opposes reconstruction at the feature in at most 3% of the steps in most rows, in 6 to 7% with the softer temperature or more steps, in
17% when the denoiser predicts noise; at the weights in up to a fifth, there too. It is rare, not absent. DCR
is above the naive sum at both abilities in 11 of 15 rows: classes as positives, LoRA and a stronger twin trade one
ability for the other. That conflict is what makes DCR pay can hardly be seen: in the half of the rows with more of it DCR gains
0.017 more in NMI, but with the softer temperature, the second most opposed, its lead is 0.01.

The figures of this section are means over two seeds. ]]
P:pinned("default.z", mean("naive_z", "default"), {small = 0.37625, smoke = 0.25})
P:pinned("default.phi", mean("naive_phi", "default"), {small = 0.665, smoke = 0.375})
P:pinned("default.dcr_nmi", mean("dcr_nmi", "default"), {small = 0.7161968050276841, smoke = 0.6800908761324621})
P:pinned("default.dcr_mmvp", mean("dcr_mmvp", "default"), {small = 0.3994444444444445, smoke = 0.30000000000000004})
