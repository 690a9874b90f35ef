--- Samplers: from noise to data with the estimate D(x, t) of x_0.
---
---     diffusion.sample(process, denoise, x, {method = "heun", steps = 20, ...})
---
--- All but Heun's second evaluation and the corrector are steps x' = A x + B D + std z with numbers A, B, std:
---
---   euler                the probability-flow equation; in the chart of process.lua it is DDIM with eta = 0
---   heun                 the same, second order; `churn` adds noise first
---                        EQ: Karras et al. 2022, arXiv:2206.00364, alg. 1-2
---   euler_maruyama       the reverse stochastic equation
---                        EQ: Song et al. 2021, arXiv:2011.13456, alg. 2-3
---   predictor_corrector  the same followed by Langevin steps
---                        EQ: Song et al. 2021, arXiv:2011.13456, alg. 4-5
---   ddim                 eta = 0 deterministic .. 1 ancestral
---                        EQ: Song et al. 2021, arXiv:2010.02502, eq. 12, 16
---   ancestral            x' ~ q(x' | x, x_0 = D); variance "posterior" or, for VP, "beta"
---                        EQ: Ho et al. 2020, arXiv:2006.11239, eq. 6-7
---   probability_flow     another name of heun

local core = require "repro.core"
local misuse = require "repro.misuse"
local nearest = require "repro.nearest"
local options = require "repro.options"

---DDIM for any Gaussian kernel: std = eta s' sqrt(1 - (a s' / (a' s))^2), x' = a' D + sqrt(s'^2 - std^2) eps + std z.
---@return number A
---@return number B
---@return number std
local function ddim_weights(process, t, to, eta)
  local a, s = process:coefficients(t)
  local a2, s2 = process:coefficients(to)
  local shrink = a * s2 / (a2 * s)
  local std = eta * s2 * math.sqrt(math.max(1 - shrink * shrink, 0))
  local direction = math.sqrt(math.max(s2 * s2 - std * std, 0))
  return direction / s, a2 - a * direction / s, std
end

---The same with eta = 1; "beta" replaces the posterior's variance by 1 - (a / a')^2.
local function ancestral_weights(process, t, to, o)
  local A, B, std = ddim_weights(process, t, to, 1)
  local _, s2 = process:coefficients(to)
  if o.variance == "beta" and process.name ~= "VP" then misuse "sample: variance \"beta\" belongs to the VP process" end
  if o.variance == "beta" and s2 > 0 then
    local ratio = process:coefficients(t) / process:coefficients(to)
    std = math.sqrt(math.max(1 - ratio * ratio, 0))
  end
  return A, B, std
end

local function add_noise(x, std, run)
  if std == 0 then return x end
  return x:addcmul(run.noise(x.shape), std)
end

---One step x' = A x + B D + std z.
local function linear_step(weights)
  return function(run, x, t, to)
    local A, B, std = weights(run.process, t, to, run.options)
    return add_noise((x * A):addcmul(run.denoise(x, t), B), std, run)
  end
end

---gamma = min(churn / N, sqrt 2 - 1) where churn_min <= sigma <= churn_max; sigma is raised to (1 + gamma) sigma.
local function churned(run, x, sigma)
  local o = run.options
  if o.churn == 0 or sigma < o.churn_min or sigma > o.churn_max then return x, sigma end
  if run.process.name ~= "EDM" then misuse "sample: churn needs the EDM process, whose time is the noise level" end
  local raised = sigma * (1 + math.min(o.churn / o.steps, math.sqrt(2) - 1))
  return add_noise(x, math.sqrt(raised * raised - sigma * sigma) * o.churn_noise, run), raised
end

---Heun's step in the chart (c, tau): y = x / c, two slopes averaged; Euler's where the end has no noise.
local function heun_step(run, x, t, to)
  x, t = churned(run, x, t)
  local estimate = run.denoise(x, t)
  local _, s2 = run.process:coefficients(to)
  if s2 == 0 then return estimate end
  local c, tau, ux, ud = run.process:chart(t)
  local c2, tau2, ux2, ud2 = run.process:chart(to)
  local h, y, slope = tau2 - tau, x / c, (x * ux):addcmul(estimate, ud)
  local guess = y:addcmul(slope, h) * c2
  local slope2 = (guess * ux2):addcmul(run.denoise(guess, to), ud2)
  return y:addcmul(slope + slope2, h / 2) * c2
end

---Mean length of the examples, as a number.
local function mean_length(x)
  return x:reshape(x:size(1), -1):norm(2):mean():item()
end

---x + e score + sqrt(2 e) z, e = 2 f (snr |z| / |score|)^2, lengths averaged over the batch.
local function langevin(run, x, t)
  local a, s = run.process:coefficients(t)
  local score = (run.denoise(x, t) * a - x) / (s * s)
  local z = run.noise(x.shape)
  local ratio = run.options.snr * mean_length(z) / mean_length(score)
  local e = 2 * run.process:corrector_factor(t) * ratio * ratio
  return x:addcmul(score, e):addcmul(z, math.sqrt(2 * e))
end

local euler_maruyama = linear_step(function(process, t, to)
  local _, s2 = process:coefficients(to)
  if s2 == 0 then return ddim_weights(process, t, to, 0) end   -- the last step is the estimate itself
  return process:stochastic(t, to)
end)

local methods = {
  euler = linear_step(function(process, t, to) return ddim_weights(process, t, to, 0) end),
  ddim = linear_step(function(process, t, to, o) return ddim_weights(process, t, to, o.eta) end),
  ancestral = linear_step(ancestral_weights),
  euler_maruyama = euler_maruyama,
  heun = heun_step,
  predictor_corrector = function(run, x, t, to)
    x = euler_maruyama(run, x, t, to)
    local _, s2 = run.process:coefficients(to)
    for _ = 1, s2 > 0 and run.options.corrections or 0 do x = langevin(run, x, to) end
    return x
  end,
}
methods.probability_flow = heun_step

local method_names = {}
for name in pairs(methods) do method_names[#method_names + 1] = name end
table.sort(method_names)

local defaults = { method = "heun", steps = 20, times = false, from = false, eta = 0, variance = "posterior",
  snr = 0.16, corrections = 1, churn = 0, churn_min = 0, churn_max = math.huge, churn_noise = 1, clip = false,
  generator = false, callback = false }

---What a run of a sampler needs: the process, its options, and where noise and estimates come from.
local function prepare(process, denoise, o)
  if type(denoise) ~= "function" then misuse("sample: the estimate must be a function, got a %s", type(denoise)) end
  local generator = o.generator or process.generator
  local run = { process = process, options = o, denoise = denoise }
  function run.noise(shape) return generator and generator:randn(shape) or core.randn(shape) end
  if o.clip then
    function run.denoise(x, t) return denoise(x, t):clamp(-o.clip, o.clip) end
  end
  return run
end

local function integrate(run, x, times)
  local step = methods[run.options.method]
  if not step then
    misuse("sample: there is no method '%s'%s", tostring(run.options.method),
           nearest.hint(tostring(run.options.method), method_names))
  end
  for i = 1, #times - 1 do
    x = step(run, x, times[i], times[i + 1])
    if run.options.callback then run.options.callback(i, times[i + 1], x) end
  end
  return x
end

local sampler = {}

---Runs a sampler from noise x to data, without recording gradients.
---    {method = "heun", steps = 20, times = nil, from = nil, clip = nil, generator = nil, callback = nil,
---     eta = 0 (ddim), variance = "posterior" (ancestral), snr = 0.16, corrections = 1 (predictor_corrector),
---     churn = 0, churn_min = 0, churn_max = inf, churn_noise = 1 (heun)}
---times: decreasing times to use in the place of process:times(steps, from); from: the time of x, default the noisiest;
---clip: limits the estimates of x_0 to [-clip, clip]; callback(i, t, x) after each step.
---@param process Process
---@param denoise fun(x: Tensor, t: number): Tensor from process:denoiser(model, ...)
---@param x Tensor noise at time `from`, such as process:prior(shape)
---@param given? table
---@return Tensor
function sampler.sample(process, denoise, x, given)
  if type(process) ~= "table" then misuse "sample: a process is needed, such as diffusion.EDM{}" end
  local o = options("sample", given, defaults)
  return core.no_grad(integrate, prepare(process, denoise, o), x, o.times or process:times(o.steps, o.from or nil))
end

---Samples of a model, some at a time: noise, the estimate, and a sampler in one.
---    diffusion.generate(process, net, {500, 1, 12, 12}, {method = "euler", steps = 20, batch = 250}, labels)
---@param process Process
---@param model fun(x: Tensor, t: Tensor, ...): Tensor
---@param shape integer[] of all samples
---@param given? table batch: default 250; the rest as for sample
---@param condition? Tensor (n, ...) one row for each sample, given to the model after t
---@return Tensor of that shape
function sampler.generate(process, model, shape, given, condition)
  local o, batch, parts = {}, 250, {}
  for key, value in pairs(given or {}) do
    if key == "batch" then batch = value else o[key] = value end
  end
  for first = 1, shape[1], batch do
    local last = math.min(first + batch - 1, shape[1])
    local noise = process:prior { last - first + 1, table.unpack(shape, 2) }
    parts[#parts + 1] = sampler.sample(process, process:denoiser(model, condition and condition:slice(1, first, last)), noise, o)
  end
  return core.concat(1, parts)
end

---Follows the probability flow from data to noise: the code of which sample (heun or euler, same times) gives x0 again.
---@param process Process
---@param denoise fun(x: Tensor, t: number): Tensor
---@param x0 Tensor taken as a sample at the last time above 0
---@param given? table as for sample; only heun and euler
---@return Tensor
function sampler.encode(process, denoise, x0, given)
  local o = options("encode", given, defaults)
  if o.method ~= "heun" and o.method ~= "euler" and o.method ~= "probability_flow" then
    misuse("encode: the method must be heun or euler, got %s", tostring(o.method))
  end
  local times, rising = o.times or process:times(o.steps, o.from or nil), {}
  for i = #times, 1, -1 do
    local _, s = process:coefficients(times[i])
    if s > 0 then rising[#rising + 1] = times[i] end
  end
  return core.no_grad(integrate, prepare(process, denoise, o), x0, rising)
end

---Classifier-free guidance: D = D_without + w (D_with - D_without).
---EQ: Ho & Salimans 2022, arXiv:2207.12598, eq. 6 (with w counted so that 1 is no guidance)
---@param with fun(x: Tensor, t: number): Tensor
---@param without fun(x: Tensor, t: number): Tensor
---@param w number
---@return fun(x: Tensor, t: number): Tensor
function sampler.guided(with, without, w)
  return function(x, t) return without(x, t):lerp(with(x, t), w) end
end

return sampler
