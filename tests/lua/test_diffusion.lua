local rp = require "repro"
local T = require "tap"
local diffusion = rp.diffusion

local function values(list, ...)
  local out = {}
  for i, k in ipairs { ... } do out[i] = ("%.6g"):format(list[k]) end
  return table.concat(out, " ")
end
local function largest(x) return x:abs():max():item() end

------------------------------------------------------------------------------------------------- schedules
local linear = diffusion.VP {}
T.eq(values(linear.betas, 1, 1000), "0.0001 0.02", "the linear schedule's ends")
T.near(linear.alphas_cumprod[1000], 4.0358e-5, 1e-9, "abar_T of DDPM")
local scaled = diffusion.VP { schedule = "scaled_linear" }
T.near(scaled.alphas_cumprod[1000], 0.0047, 1e-4, "abar_T of Stable Diffusion")
local cosine = diffusion.VP { schedule = "cosine", steps = 100 }
T.eq(cosine.betas[100], 0.999, "the cosine schedule's betas are at most 0.999")
T.ok(cosine.alphas_cumprod[50] > 0.48 and cosine.alphas_cumprod[50] < 0.5, "half the signal at half the time")
T.raises(function() diffusion.VP { schedule = "cosin" } end, "cosin.*cosine", "a misspelt schedule")
T.raises(function() diffusion.VP { predict = "velocity" } end, "not possible", "VP does not predict velocities")

------------------------------------------------------------------------------- parametrisations and losses
rp.seed(2)
local x0, eps = rp.randn(6, 3), rp.randn(6, 3)
local processes = {
  VP = { diffusion.VP, { "eps", "v", "x0", "score" }, rp.tensor({ 1, 50, 300, 600, 800, 900 }, "int64") },
  VE = { diffusion.VE, { "eps", "score", "x0" }, rp.tensor { 0.2, 0.3, 0.4, 0.5, 0.8, 1 } },
  Flow = { diffusion.Flow, { "velocity", "x0" }, rp.tensor { 0.1, 0.2, 0.4, 0.5, 0.8, 0.99 } },
}
for _, name in ipairs { "VP", "VE", "Flow" } do
  local class, kinds, t = table.unpack(processes[name])
  for _, predict in ipairs(kinds) do
    local process = class { predict = predict }
    local x = process:add_noise(x0, t, eps)
    local a, s = process:at(t, x0)
    local right = process.kind.target(x0, eps, a, s)
    local label = name .. " predicting " .. predict
    local size = largest(x)
    T.near(largest(process:convert(right, x, t, "x0") - x0), 0, 2e-5 * size, label .. " gives x0")
    if predict ~= "x0" then
      T.near(largest(process:convert(right, x, t, "eps") - eps), 0, 2e-5 * size, label .. " gives eps")
    end
    local loss = process:loss_at(function() return right end, x0, t, eps)
    T.near(loss:item(), 0, 0, label .. ": the target has loss 0")
    local expected = process:denoiser(function() return right:slice(1, 3, 3) end)
    local time = name == "VP" and 300 or t[3]:item()
    T.near(largest(expected(x:slice(1, 3, 3), time) - x0:slice(1, 3, 3)), 0, 2e-5 * size, label .. ": denoiser")
  end
end
local v_process = diffusion.VP { predict = "v" }
local t6 = processes.VP[3]
local a6, s6 = v_process:at(t6, x0)
T.near(largest(a6:square() + s6:square() - 1), 0, 1e-6, "a^2 + s^2 = 1")
local zero_loss = v_process:loss_at(function(x) return x * 0 end, x0, t6, eps)
T.near(zero_loss:item(), (eps * a6 - x0 * s6):square():mean():item(), 1e-6, "the v loss is E |v|^2 for a network that gives 0")
local ve_eps = diffusion.VE { predict = "eps" }:loss_at(function(x) return x * 0 end, x0, processes.VE[3], eps):item()
local ve_score = diffusion.VE { predict = "score" }:loss_at(function(x) return x * 0 end, x0, processes.VE[3], eps):item()
T.near(ve_score, ve_eps, 1e-5, "score matching weighted by s^2 is the noise's squared error")
local _, s_ve = diffusion.VE {}:coefficients(1)
T.near(s_ve, math.sqrt(50 ^ 2 - 0.01 ^ 2), 1e-9, "VE: s_1 = sqrt(s_max^2 - s_min^2)")

-- EDM: the loss in the network's units is the weighted loss of the denoiser.
local edm = diffusion.EDM {}
local function network(x, c_noise) return x:tanh() + c_noise:unsqueeze(2) * 0.3 end
local sigma = rp.tensor { 0.01, 0.1, 0.5, 1, 10, 70 }
local loss = edm:loss_at(network, x0, sigma, eps)
local level = sigma:unsqueeze(2)
local estimate = edm:denoise(network, x0 + level * eps, sigma)
local weight = (level:square() + 0.25) / (level * 0.5):square()
T.near(loss:item(), ((estimate - x0):square() * weight):mean():item(), 1e-3 * loss:item(), "EDM's loss, both ways")
local c_skip, c_out, c_in, c_noise = edm:preconditioning(0.5)
T.near(c_skip, 0.5, 1e-12, "c_skip at sigma = sigma_data")
T.near(c_out, 0.5 * 0.5 / math.sqrt(0.5), 1e-12, "c_out")
T.near(c_in, 1 / math.sqrt(0.5), 1e-12, "c_in")
T.near(c_noise, math.log(0.5) / 4, 1e-12, "c_noise")
local one = edm:denoiser(network)(x0, 0.7)
T.near(largest(one - edm:denoise(network, x0, rp.full({ 6 }, 0.7))), 0, 1e-6, "the denoiser is denoise at one level")
local times = edm:times(18)
T.near(times[1], 80, 1e-9, "EDM's first noise level")
T.near(times[18], 0.002, 1e-12, "... its last above 0")
T.eq(times[19], 0, "... and 0")
T.near(times[2], 57.586, 1e-3, "... and the second of 18")

-- Drawn times.
rp.seed(4)
local drawn = diffusion.VP { steps = 10 }:draw_times(2000)
T.eq(drawn.dtype .. " " .. drawn:min():item() .. " " .. drawn:max():item(), "int64 1 10", "VP draws all its times")
T.near(edm:draw_times(4000):log():mean():item(), -1.2, 0.1, "EDM draws log-normal levels")
T.near(edm:draw_times(4000):log():std():item(), 1.2, 0.05, "... with P_std")
T.near(diffusion.Flow { draw = "logit_normal" }:draw_times(4000):mean():item(), 0.5, 0.02, "logit-normal times")
local seeded = diffusion.VP { generator = rp.generator(8) }
local l1 = seeded:loss(function(x) return x end, x0):item()
seeded = diffusion.VP { generator = rp.generator(8) }
T.eq(seeded:loss(function(x) return x end, x0):item(), l1, "a process with its own generator repeats")

--------------------------------------------------------------------------------------------------- samplers
-- Gaussian data N(0, lambda): D(x, t) = a lambda / (a^2 lambda + s^2) x, and the probability flow carries x with
-- factor sqrt(a'^2 lambda + s'^2) / sqrt(a^2 lambda + s^2).
local lambda = 0.3
local function gaussian(process)
  return function(x, t)
    local a, s = process:coefficients(t)
    return x * (a * lambda / (a * a * lambda + s * s))
  end
end
local function flow_error(process, method, steps)
  local x = rp.ones(1, 1, "float64")
  local a, s = process:coefficients(process.first)
  local y = diffusion.sample(process, gaussian(process), x, { method = method, steps = steps })
  return math.abs(y:item() - math.sqrt(lambda) / math.sqrt(a * a * lambda + s * s))
end
local all = { diffusion.VP { schedule = "cosine" }, diffusion.VE {}, edm, diffusion.Flow {} }
for _, process in ipairs(all) do
  local coarse, fine = flow_error(process, "euler", 40), flow_error(process, "euler", 160)
  T.ok(fine < coarse / 2.5, ("%s: Euler's error falls as 1/n (%.3g, %.3g)"):format(process.name, coarse, fine))
  local heun, heun_fine = flow_error(process, "heun", 40), flow_error(process, "heun", 160)
  T.ok(heun_fine < heun / 3 and heun_fine < fine,
       ("%s: Heun is better than Euler (%.3g, %.3g)"):format(process.name, heun, heun_fine))
  T.eq(flow_error(process, "ddim", 40), coarse, process.name .. ": Euler is DDIM with eta = 0")
end

local n = 4000
for _, process in ipairs(all) do
  for _, case in ipairs { { "euler_maruyama", 200 }, { "predictor_corrector", 100 }, { "ancestral", 200 } } do
    rp.seed(6)
    local x = diffusion.sample(process, gaussian(process), process:prior { n, 1 }, { method = case[1], steps = case[2] })
    local var = x:square():mean():item()
    T.near(var, lambda, 0.12 * lambda, ("%s, %s: variance %.3f of %.1f"):format(process.name, case[1], var, lambda))
  end
end
rp.seed(6)
local vp = diffusion.VP { steps = 100, schedule = "cosine" }
local beta = diffusion.sample(vp, gaussian(vp), vp:prior { n, 1 }, { method = "ancestral", steps = 100, variance = "beta" })
T.near(beta:square():mean():item(), lambda, 0.12 * lambda, "ancestral steps with variance beta")
local churned = diffusion.sample(edm, gaussian(edm), edm:prior { n, 1 }, { steps = 40, churn = 20 })
T.near(churned:square():mean():item(), lambda, 0.12 * lambda, "Heun with churn")

-- DDPM's posterior as the paper writes it.
local process = diffusion.VP {}
local ts = 600
local xt = rp.randn(1, 1, "float64")
local abar, abar1, b = process.alphas_cumprod[ts], process.alphas_cumprod[ts - 1], process.betas[ts]
local d = gaussian(process)(xt, ts):item()
local mean = math.sqrt(abar1) * b / (1 - abar) * d + math.sqrt(1 - b) * (1 - abar1) / (1 - abar) * xt:item()
local std = math.sqrt((1 - abar1) / (1 - abar) * b)
local stepped = diffusion.sample(process, gaussian(process), xt,
                                 { method = "ancestral", times = { ts, ts - 1 }, generator = rp.generator(1) }):item()
local z = rp.generator(1):randn(1, 1):item()
T.near(stepped, mean + std * z, 1e-10, "one ancestral step is q(x_{t-1} | x_t, x_0)")

-- There and back; guidance; callback; clipping.
for _, p in ipairs(all) do
  local data = rp.tensor({ { 0.4 }, { -0.7 } }, "float64")
  local code = diffusion.encode(p, gaussian(p), data, { steps = 200 })
  local back = diffusion.sample(p, gaussian(p), code, { steps = 200 })
  T.near(largest(back - data), 0, 0.02, p.name .. ": encode and sample are inverse")
end
local guided = diffusion.guided(function(x) return x * 2 end, function(x) return x end, 3)
T.near(guided(rp.ones(1)):item(), 4, 1e-6, "guidance extrapolates")
local seen = {}
diffusion.sample(edm, gaussian(edm), rp.ones(1, 1), { steps = 5, callback = function(i, t) seen[i] = t end })
T.eq(#seen .. " " .. seen[5], "5 0", "the callback sees every step")
T.near(diffusion.sample(edm, function(x) return x * 0 + 9 end, rp.ones(1, 1), { steps = 3, clip = 1 }):item(), 1, 1e-6, "clip")
T.eq(vp:times(10)[1] .. " " .. vp:times(10)[11] .. " " .. #vp:times(100), "100 0 101", "VP's times")
T.eq(diffusion.VE {}:times(4, 0.8)[1], 0.8, "sampling may start below the noisiest time")
local tracked = rp.ones(1, 1):requires_grad_()
T.ok(not diffusion.sample(edm, gaussian(edm), tracked, { steps = 2 }).requires_grad, "sampling records nothing")
T.raises(function() diffusion.sample(edm, gaussian(edm), tracked, { method = "huen" }) end, "huen.*heun", "a misspelt method")
T.raises(function() diffusion.sample(edm, gaussian(edm), tracked, { step = 2 }) end, "steps", "a misspelt option")
T.raises(function() vp:times(200) end, "200 steps", "more steps than times")

-- A small training run: two points in the plane, velocities.
rp.seed(12)
local net = rp.nn.MLP({ 3, 64, 64, 2 }, { activation = "silu" })
local flow = diffusion.Flow {}
local function model(x, t) return net(rp.concat(2, x, t:unsqueeze(2))) end
local optimiser = rp.optim.Adam(net, { lr = 1e-2, schedule = rp.optim.cosine(300) })
for _ = 1, 300 do
  local side = rp.randint(0, 1, { 128 }):to("float32") * 2 - 1
  local step_loss = flow:loss(model, rp.stack(2, side, side * -0.5))
  optimiser:zero_grad()
  step_loss:backward()
  optimiser:step { clip = 1 }
end
local samples = diffusion.sample(flow, flow:denoiser(model), flow:prior { 256, 2 }, { method = "euler", steps = 20 })
local to_nearest = (samples:abs() - rp.tensor { 1, 0.5 }):square():sum(2):sqrt():mean():item()
T.ok(to_nearest < 0.15, ("a trained flow finds its two points (mean distance %.3f)"):format(to_nearest))

-- ---- samples of a model, some at a time
local function to_label(x, t, label)                         -- velocity of a flow to the point `label`
  return (x - label:reshape(-1, 1)) / t:reshape(-1, 1)
end
local wanted = rp.arange(1, 7):to "float32"
local straight = rp.diffusion.Flow { generator = rp.generator(1, "generate") }
local by_condition = rp.diffusion.generate(straight, to_label, { 7, 2 }, { method = "euler", steps = 4, batch = 3 }, wanted)
T.near(by_condition, wanted:unsqueeze(2):expand(7, 2), 1e-5, "generate: each sample has its own condition, also in the last batch")
T.eq(rp.diffusion.generate(straight, function(x, t) return x / t:reshape(-1, 1) end, { 5, 2 }, { method = "euler", steps = 2 }).shape, { 5, 2 },
  "... or none")
T.raises(function() rp.diffusion.generate(straight, to_label, { 2, 2 }, { stpes = 3 }, wanted) end, "steps", "... options as for sample")

T.done()

-- times with a straight density
local tilted = diffusion.tilted_times(40000, -0.6, rp.generator(1, "tilt"))
T.ok(tilted:min():item() >= 0 and tilted:max():item() <= 1, "tilted_times: in [0, 1]")
T.near(tilted:to("float64"):mean():item(), 0.5 - 0.6 / 6, 0.005, "tilted_times: mean 1/2 + alpha / 6")
for _, alpha in ipairs { -1, -0.5, 0, 0.5, 1 } do   -- the distribution function alpha t^2 + (1 - alpha) t at the quantile is u
  local t = diffusion.tilted_times(1000, alpha, rp.generator(2, "tilt"))
  local u = rp.generator(2, "tilt"):rand(1000)
  T.near(t:square() * alpha + t * (1 - alpha), u, 1e-5, "tilted_times: quantile, alpha = " .. alpha)
  local middle = (rp.arange(1, 100, 1, "float64") - 0.5) / 100
  T.near(diffusion.tilted_density(middle, alpha):mean():item(), 1, 1e-12, "tilted_density: a density, alpha = " .. alpha)
end
T.raises(function() diffusion.tilted_times(3, 1.5) end, "where it gives a density", "tilted_times: not a density")

-- variance-exploding times by noise, and priors about a box
local exploding = diffusion.VE { generator = rp.generator(1, "prior") }
T.near(exploding:times_of(0.01 * math.sqrt(5000)), 0.5, 1e-12, "VE: the time of the middle noise")
T.near(exploding:times_of(rp.tensor({ 0.01, 50 }, "float64")), rp.tensor({ 0, 1 }, "float64"), 1e-12, "VE: times of the ends")
local start = exploding:prior({ 20000 }, 0.5, { 2, 6 }):to "float64"
local _, s_start = exploding:coefficients(0.5)
T.near(start:mean():item(), 4, 0.05, "prior: middle of the box")
T.near(start:var():item(), s_start ^ 2 + 16 / 12, 0.05, "prior: variances of noise and box add up")
