local rp = require "repro"

local P = rp.paper{
  id = "dcr_cost", arxiv = "2603.04803", year = 2026,
  title = "What a step of DCR costs (Table 8)",
  authors = "after Boyu Han and others",
  settings = {
    steps = {smoke = 3, small = 40, paper = 200, min = 1, help = "steps of stage 2 that are timed"},
    batch = {smoke = 16, small = 64, paper = 16, min = 2, help = "images in a step"},
  },
}

--[[
# Time, memory, trainable parameters

**Question.** Table 8 of the DCR paper gives hours, GPU memory and trainable parameters for six encoders, and says that DCR adds little
to the encoder's own passes. What does a step of stage 2 cost, and where does it go?

## 1  What is counted
A cell trains a fresh encoder against a fresh denoiser: a step costs the same whatever the weights are. Its time and peak memory
are the sweep's own record of the cell. The same cell without any step is subtracted from the time, so that drawing images and
building networks do not count; memory has a floor, that of the principal components of the images, which is why the batch is 64
and not the paper's 16. *Time and memory differ from machine to machine and are not checked*; parameters and the number of
the denoiser's predictions are exact. ]]
local encoders = {cnn = {encoder = "cnn"}, ["vit 16"] = {encoder = "vit"}, ["vit 32"] = {encoder = "vit", side = 32},
                  ["vit 16, LoRA 4"] = {encoder = "vit", lora = 4}}
local names, losses = {"cnn", "vit 16", "vit 32", "vit 16, LoRA 4"}, {"rec", "naive", "dcr"}
local cells = {}
for _, encoder in ipairs(names) do
  cells[#cells + 1] = {encoder = encoder, loss = "rec", steps = 0}
  for _, loss in ipairs(losses) do cells[#cells + 1] = {encoder = encoder, loss = loss, steps = P.steps} end
end

local function settings_of(cell)
  local set = {n_train = 256, n_test = 20, n_pairs = 1, clip_steps = 0, v_steps = 0, steps_1 = 0, steps_2 = cell.steps, batch = P.batch}
  for key, value in pairs(encoders[cell.encoder]) do set[key] = value end
  return set
end

local function count(tensors)
  local n = 0
  for _, x in ipairs(tensors) do n = n + x:numel() end
  return n
end

local sweep = rp.sweep{
  name = "cost", list = cells,
  run = function(cell)
    local dcr = rp.paper.require("papers.dcr", settings_of(cell))
    local world = dcr.new_world(cell.seed, {plain = true})  -- every step as it is written, so that its predictions are counted
    local v, predictions = world.v, 0
    world.v = function(x, t, c)                    -- the frozen denoiser, counting what it is asked
      predictions = predictions + x:size(1)
      return v(x, t, c)
    end
    local model = dcr.stage_2(world, cell.seed, cell.loss, {1, 1})
    return {all = count(world.f:parameters()), trained = count(model.f:trainable()), predictions = predictions}
  end,
}

--[[ ## 2  Table 8 ]]
local function cell_of(encoder, loss, steps)
  for _, cell in ipairs(sweep:cells()) do
    local v = cell.values
    if v.encoder == encoder and v.loss == loss and v.steps == steps then return cell end
  end
end
local rows, milliseconds = {}, {}
for _, encoder in ipairs(names) do
  for _, loss in ipairs(losses) do
    local none, some = cell_of(encoder, "rec", 0), cell_of(encoder, loss, P.steps)
    local ms = 1000 * (some.cost.seconds - none.cost.seconds) / P.steps
    milliseconds[encoder .. loss] = ms
    rows[#rows + 1] = {encoder, loss, ("%d"):format(some.result.all), ("%d"):format(some.result.trained),
                       ("%.2f"):format(ms), ("%.1f"):format(some.cost.peak_bytes / 1e6), ("%d"):format(some.result.predictions // P.steps)}
  end
end
P:table("Table 8", {"Encoder", "loss", "parameters", "trained", "ms a step", "peak MB", "predictions a step"}, rows,
        ("Stage 2 at batch %d, on this machine."):format(P.batch))
P:note("A step of DCR takes %.1f times one of reconstruction alone with the convolutional network, %.1f times with the transformer, %.1f "
       .. "times with the transformer at larger input: the larger the encoder, the smaller the share of the predictions for the negatives.",
       milliseconds["cnndcr"] / milliseconds["cnnrec"], milliseconds["vit 16dcr"] / milliseconds["vit 16rec"],
       milliseconds["vit 32dcr"] / milliseconds["vit 32rec"])

--[[ Measured once on two cores, one thread: 12 times with the convolutional network, 5.5 with the transformer, 1.8 with the transformer at
larger input. *Minimal overhead* needs an encoder that costs much more than the frozen denoiser times the batch. ]]

--[[ ## 3  What does not depend on the machine
Reconstruction and the naive sum ask the frozen denoiser for $B$ predictions a step; DCR for $B$ under the own and $B(B-1)$ under the other
conditions, and $B$ under the twins'. LoRA of rank $r$ trains $r (n_{in} + n_{out})$ numbers for each linear layer. ]]
local function predictions(encoder, loss) return sweep:mean("predictions", {encoder = encoder, loss = loss, steps = P.steps}) / P.steps end
P:exact("predictions.rec", predictions("cnn", "rec"), P.batch, {where = "Eq. 8"})
P:exact("predictions.naive", predictions("cnn", "naive"), P.batch, {where = "Eq. 9"})
P:exact("predictions.dcr", predictions("cnn", "dcr"), P.batch * P.batch + P.batch, {where = "Eq. 12"})

local function trained(encoder) return sweep:mean("trained", {encoder = encoder, loss = "dcr", steps = P.steps}) end
local width, depth, hidden, patch, feature = 48, 2, 96, 4 * 4 * 3, 32          -- the transformer of papers/dcr.lua
local block = 3 * width + width + (width + width) + (width + hidden) + (hidden + width)  -- qkv, out, both layers of the MLP
local lora = 4 * ((patch + width) + depth * block + (width + feature))
P:exact("lora", trained "vit 16, LoRA 4", lora, {where = "App. E.1", text = "r (n_in + n_out) over the linear layers"})
P:exact("larger", trained "vit 32" - trained "vit 16", (64 - 16) * width,
        {where = "Table 8", text = "a larger input adds only positions"})

--[[ The paper trains LoRA adapters of rank 16 and everything that they need: 350.5 million of ViT-L's 427.6 million parameters. ]]
P:claim("overhead", "DCR introduces minimal overhead: fewer than twice the denoiser's predictions of reconstruction alone",
        {value = predictions("cnn", "dcr") / predictions("cnn", "rec"), op = "<", bound = 2}, {where = "App. F.3"})
P:quoted("paper.trained", 350.5e6, {where = "Table 8", ours = trained "vit 16", text = "trained parameters, OpenAI ViT-L@224"})
