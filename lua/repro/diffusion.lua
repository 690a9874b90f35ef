--- repro.diffusion: noising processes, their losses, and samplers.
---
---     local process = diffusion.VP{schedule = "cosine", predict = "v"}     -- or VE, EDM, Flow
---     local loss = process:loss(net, x0, condition)                        -- net(x_t, t, condition)
---     local denoise = process:denoiser(net, condition)
---     local x = diffusion.sample(process, denoise, process:prior{64, 2}, {method = "ddim", steps = 50})
---
--- Every process has Gaussian kernels x_t = a_t x_0 + s_t eps; see diffusion/process.lua.

local diffusion = {}

for _, part in ipairs { "parametrisation", "schedule", "vp", "ve", "edm", "flow", "tilt", "sampler" } do
  for name, value in pairs(require("repro.diffusion." .. part)) do diffusion[name] = value end
end

return diffusion
