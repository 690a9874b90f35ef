--- What propagated labels say of the examples without one, and how surely.

local rp = require "repro"
local features = require "repro.metrics.features"
local known = require "repro.semi_supervised.known"
local misuse = require "repro.misuse"
local options = require "repro.options"

local pseudo_label = {}

-- Rows that sum to 1; a row of zeros says nothing and becomes uniform.
local function shares(F)
  local p = F:maximum(0)
  local sum = p:sum(2, true)
  return rp.where(sum:gt(0), p / rp.where(sum:gt(0), sum, 1), 1 / F:size(2))
end

---Scales the columns of P until the classes of largest share are as frequent as `prior` says: `rounds` times
---    P_ic <- P_ic clamp(prior_c / f_c, 1 - step, 1 + step), rows brought back to sum 1,   f_c the share of rows with argmax c.
---EQ: Sellars et al. 2021, arXiv:2106.04527, sec. 3, "distribution alignment", with a bound on each change
---    semi_supervised.align(P, prior, {rounds = 100, step = 0.01})
---@param P Tensor (n, C) of rows that sum to 1
---@param prior Tensor (C) of shares that sum to 1
---@param given? {rounds: integer, step: number}
---@return Tensor (n, C) float64
function pseudo_label.align(P, prior, given)
  local o = options("align", given, { rounds = 100, step = 0.01 })
  P, prior = features.matrix("align", P), prior:detach():to("float64")
  local c = P:size(2)
  if prior.ndim ~= 1 or prior:size(1) ~= c then misuse("align: a prior of %s for %d classes", features.shape(prior), c) end
  for _ = 1, o.rounds do
    local f = P:argmax(2):one_hot(c, "float64"):mean(1)
    P = shares(P * (prior / (f + 1e-7)):clamp(1 - o.step, 1 + o.step))
  end
  return P
end

-- w_i = 1 - H(P_i) / ln C, with 0 ln 0 = 0; it can be -1e-16 for a uniform row, which is 0.
local function certainty(P)
  local entropy = -(P * P:maximum(1e-300):log()):sum(2)
  return (1 - entropy / rp.math.log(P:size(2))):clamp(0, 1)
end

---The class of largest share of each row, with how sure it is and what each class should weigh:
---    P_i = max(F_i, 0) / sum_c max(F_ic, 0),   y_i = argmax_c P_ic,   w_i = 1 - H(P_i) / ln C,
---    class_weight_c = n / (C n_c), n_c the number of examples of class c, labelled ones included (0 if there is none).
---Examples with a label keep it and have w_i = 1.  With align = true the shares of the others are first scaled so that their
---classes are as frequent as among the labels, or as `prior` says.
---EQ: Iscen et al. 2019, arXiv:1904.04717, eq. 7-8
---    semi_supervised.pseudo_labels(F, labels, {align = false, prior = nil})
---@param F Tensor (n, C)
---@param labels Tensor (n) int, 0 where unknown
---@param given? {align: boolean, prior: Tensor}
---@return table {y (n) int64, weight (n), class_weight (C), shares (n, C)} float64 but for y
function pseudo_label.pseudo_labels(F, labels, given)
  local o = options("pseudo_labels", given, { align = false, prior = false })
  F = features.matrix("pseudo_labels", F)
  local n, c = F:size(1), F:size(2)
  local y = known.labels("pseudo_labels", labels, n, c)
  local P, own = shares(F), known.targets(y, c)
  if o.align or o.prior then
    local free = known.positions(y:eq(0))
    local prior = o.prior or own:sum(1) / own:sum()
    if free:size(1) > 0 then
      local aligned = pseudo_label.align(P:index_select(1, free), prior)
      P = rp.zeros(n, c, "float64"):scatter_add(1, free:unsqueeze(2):expand(free:size(1), c):contiguous(), aligned)
    end
  end
  P = rp.where(y:gt(0):unsqueeze(2), own, P)
  local guess = P:argmax(2)
  local count = guess:one_hot(c, "float64"):sum(1)
  local class_weight = rp.where(count:gt(0), n / (count:maximum(1) * c), 0)
  return { y = guess, weight = certainty(P), class_weight = class_weight, shares = P }
end

return pseudo_label
