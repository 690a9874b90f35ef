--- Where a loss on distributions wants each generated sample to go.

local rp = require "repro"
local cost = require "repro.transport.cost"
local misuse = require "repro.misuse"
local options = require "repro.options"
local sinkhorn = require "repro.transport.sinkhorn"

local drift = {}

local defaults = { method = "sinkhorn", taus = false, iterations = 4, self_iterations = 2, mask = true, normalise = true,
                   warm = false }
local usual = { sinkhorn = { 0.02, 0.05, 0.2 }, mmd = { 0.25, 1, 4 } }

-- The options of transport.drift and of matching_loss, checked.
function drift.options(who, given, more)
  local all = {}
  for _, t in ipairs { defaults, more or {} } do for key, value in pairs(t) do all[key] = value end end
  local o = options(who, given, all)
  if not usual[o.method] and o.method ~= "energy" then
    misuse('%s: method must be "sinkhorn", "mmd" or "energy", got %s', who, tostring(o.method))
  end
  if o.method == "energy" then o.taus = { 1 } end
  o.taus = o.taus or usual[o.method]
  if type(o.taus) ~= "table" or #o.taus == 0 then misuse("%s: taus is a list such as {0.05}", who) end
  return o
end

-- Potentials of the last call under `key`, if they fit.
local function remembered(o, key, shape)
  local was = o.warm and o.warm[key]
  return was and was.shape[1] == shape[1] and was.shape[2] == shape[2] and was or false
end

-- T(h) - h under Sinkhorn's coupling with y, or with h itself.
local function transported(C, h, y, eps, o, key)
  local potential
  if y then
    local _, g = sinkhorn.sinkhorn(C, eps, { iterations = o.iterations, g = remembered(o, key, { C:size(1), C:size(3) }) })
    potential = g
  else
    potential = sinkhorn.sinkhorn_self(C, eps, { iterations = o.self_iterations, f = remembered(o, key, { C:size(1), C:size(2) }) })
  end
  if o.warm then o.warm[key] = potential end
  return sinkhorn.barycentres(C, potential, eps, y or h) - h
end

-- mean_j k_ij (y_j - h_i), with k the derivative of a kernel of the squared distance, up to a factor.
local function attracted(k, h, y)
  local n = y:size(2)
  return k:matmul(y) / n - h * (k:sum(3, true) / n)
end

local function gauss(C, h, y, eps) return attracted((C / -eps):exp(), h, y or h) end

local function energy(C, h, y)                              -- kernel -|h - y|: unit vectors towards y
  return attracted(rp.where(C:gt(0):logical_and(C:is_finite()), C:maximum(1e-12):rsqrt(), 0), h, y or h)
end

local pulls = { sinkhorn = transported, mmd = gauss, energy = energy }

-- eps of a temperature: tau std(C) for transport, tau mean(C) for a kernel; C is towards the real samples of the class.
function drift.width(o, tau, C)
  if o.method == "sinkhorn" then return (C:std(nil, false, 0) * tau):maximum(1e-8 * tau) end
  return (C:mean() * tau):maximum(1e-8 * tau)
end

local function normalised(V) return V / (V:square():mean({ 2, 3 }, true) + 1e-8):sqrt() end

-- The sum over temperatures, from clouds (G, ., D) and their squared distances {within, p, r}.
function drift.total(h, p, r, w, d, o, name)
  local sum
  for t, tau in ipairs(o.taus) do
    local eps, pull = drift.width(o, tau, d.p), pulls[o.method]
    local function key(of) return ("%s.%d.%s"):format(name or "", t, of) end
    local V = pull(d.p, h, p, eps, o, key "p")
    if r then V = V * (w + 1) - pull(d.r, h, r, eps, o, key "r") * w end
    V = V - pull(d.within, h, nil, eps, o, key "h")
    if o.normalise then V = normalised(V) end
    sum = sum and sum + V or V
  end
  return sum
end

---V = sum_t V_t / sqrt(mean V_t^2 + 1e-8), the mean over the points and coordinates of a problem, with
---    V_t = (1 + w) T_hp - w T_hr - T_hh,
---T the barycentres under entropic couplings at eps_t = tau_t std(C), C the squared distances from h to p in all G problems.  In
---the self term no point is matched with itself.  -V_t is N / 2 times the gradient of (1 + w) S_eps(h, p) - w S_eps(h, r), except
---that few iterations are made.
---    transport.drift(h, p, r, w, {method = "sinkhorn", taus = {0.02, 0.05, 0.2}, iterations = 4, self_iterations = 2,
---                                 mask = true, normalise = true, warm = nil})
---    transport.drift(h, p, r, w, {method = "mmd", taus = {0.25, 1, 4}})
---method "mmd" has the gradient of a squared maximum mean discrepancy in the place of the divergence's, with the Gaussian kernels
---e^(-|a - b|^2 / eps_t), eps_t = tau_t mean(C); "energy" that of the energy distance, kernel -|a - b|, which has no width.
---@param h Tensor (G, N, D) generated
---@param p Tensor (G, M, D) real, of the class
---@param r? Tensor (G, U, D) real, of any class
---@param w? number|Tensor (G) weight of guidance, 0 without r
---@param given? table warm: a table that keeps potentials from call to call as first guesses, by number of the point
---@return Tensor (G, N, D), without gradient
---Source: the authors' description of semantic transport, arXiv:2606.00514, sec. 3.2, app. C
function drift.drift(h, p, r, w, given)
  local o = drift.options("drift", given)
  h, p = cost.clouds("drift", h:detach(), p:detach())
  if r then h, r = cost.clouds("drift", h, r:detach()) end
  if r and not w then misuse "drift: a weight of guidance is needed beside r" end
  return rp.no_grad(function()
    local d = { p = cost.squared_distances(h, p), within = cost.squared_distances(h, nil, o.mask),
                r = r and cost.squared_distances(h, r) }
    if rp.is_tensor(w) then w = w:reshape(-1, 1, 1) end
    return drift.total(h, p, r, w, d, o)
  end)
end

return drift
