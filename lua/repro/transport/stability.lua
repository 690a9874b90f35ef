--- How much a matching depends on the batch, and whether it keeps classes together.

local cost = require "repro.transport.cost"
local drift = require "repro.transport.drift"
local metrics = require "repro.metrics"
local misuse = require "repro.misuse"
local options = require "repro.options"
local problems = require("repro.transport.blocks").problems
local rp = require "repro"
local sinkhorn = require "repro.transport.sinkhorn"

local stability = {}

-- Where generated samples (K N, L, C) are sent among real ones (K M, L, C) of their class: (K, N, L C).
local function targets(h, p, o)
  local x, y = problems(h, o.classes), problems(p, o.classes)
  local C = cost.squared_distances(x, y)
  local eps = drift.width({ method = "sinkhorn" }, o.tau, C)
  local _, g = sinkhorn.sinkhorn(C, eps, { iterations = o.iterations })
  local T = sinkhorn.barycentres(C, g, eps, y)
  local k, l, c = o.classes, h:size(2), h:size(3)
  return T:reshape(k, l, -1, c):permute(1, 3, 2, 4):reshape(k, -1, l * c)
end

---Matching stability under resampling: the same generated samples are matched with several independent batches of real samples,
---and the intraclass correlation of the targets T(h_i) says which share of their variance belongs to the sample, not to the
---batch. It is taken within each class, over all locations of a block together, and averaged over classes and blocks.
---    transport.resample_icc(gen, draws, {classes = K, tau = 0.05, iterations = 4})
---@param gen {name: string, x: Tensor}[] from feature_blocks, samples (K N) ordered by class
---@param draws {name: string, x: Tensor}[][] two or more batches of real samples (K M) of the same classes
---@param given table
---@return number from about 0 to 1; scales of features do not matter
---@return number[] by block
function stability.resample_icc(gen, draws, given)
  local o = options("resample_icc", given, { classes = false, tau = 0.05, iterations = 4 })
  if not o.classes or #draws < 2 then misuse "resample_icc: {classes = K} and two or more batches of real samples are needed" end
  local by_block, total = {}, 0.0
  for b, block in ipairs(gen) do
    local list, sum = {}, 0.0
    for k, draw in ipairs(draws) do list[k] = rp.no_grad(targets, block.x:detach(), draw[b].x:detach(), o) end
    local all = rp.stack(3, list)                            -- (K, N, batches, L C)
    for c = 1, o.classes do sum = sum + metrics.icc(all[c]) end
    by_block[b] = sum / o.classes
    total = total + by_block[b]
  end
  return total / #gen, by_block
end

-- Mean over blocks of the squared distances, each block's divided by their mean: (n, m).
local function joint_cost(gen, real)
  local sum
  for b, block in ipairs(gen) do
    local C = cost.squared_distances(block.x:detach():flatten(2), real[b].x:detach():flatten(2))
    C = C / C:mean()
    sum = sum and sum + C or C
  end
  return sum / #gen
end

---Mass of a coupling within classes: generated and real samples of several classes are matched without their labels, with the
---cost averaged over blocks (each scaled to mean 1) and eps = tau std(C), to convergence.
---    local share, pi = transport.class_mass(gen, gen_y, real, real_y, {tau = 0.05})
---@param gen {name: string, x: Tensor}[] from feature_blocks, samples (n)
---@param gen_y Tensor (n) int
---@param real {name: string, x: Tensor}[] samples (m)
---@param real_y Tensor (m) int
---@param given? table
---@return number sum of pi_ij over pairs of one class; 1 / classes by chance for equal numbers
---@return Tensor pi (n, m) float64, of sum 1
function stability.class_mass(gen, gen_y, real, real_y, given)
  local o = options("class_mass", given, { tau = 0.05 })
  return rp.no_grad(function()
    local C = joint_cost(gen, real):to "float64"
    local eps = C:std(nil, false, 0):item() * o.tau
    local f, g = sinkhorn.solve(C, eps, { tol = 1e-6 })
    local pi = sinkhorn.coupling(C, f, g, eps)[1]
    local same = gen_y:unsqueeze(2):eq(real_y:unsqueeze(1)):to "float64"
    return (pi * same):sum():item(), pi
  end)
end

return stability
