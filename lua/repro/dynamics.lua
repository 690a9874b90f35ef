--- repro.dynamics: how a linear denoiser learns, mode by mode, in closed form, and what it generates on the way.
---
---     local w = rp.dynamics.weight_one_layer(lambda, sigma, Q, a)           -- u' W(tau) u
---     local v = rp.dynamics.variance_one_layer(lambda, Q, a)                -- u' Cov(samples) u
---     local a = rp.dynamics.first_passage(function(a) return rp.dynamics.variance_one_layer(lambda, 0.1, a) end, level)
---
--- Letters, in all functions: lambda is the data's variance along an eigenvector u of its covariance, sigma the noise level,
--- Q the weight along u at the start, tau the time of the gradient flow on the expected loss, eta its rate, and
--- a = 2 eta tau.  Variances are those of the probability flow from sigma_T to sigma_0 of EDM, dx = (x - D) d sigma / sigma.
---
---   optimum, weight_*, overlap_*      weights at one noise level                     dynamics/weight.lua
---   deep_*                            L factors                                      dynamics/deep.lua
---   variance_*, sampled_variance      what the denoisers generate                    dynamics/variance.lua
---   linear_flow                       coupled modes: bias and weights, convolutions  dynamics/coupled.lua
---   first_passage, crossing, mean_level, laws, kl     when modes emerge; how far they are        dynamics/emergence.lua
---
--- Source: "An analytical framework for the learning dynamics of diffusion models" (spectral bias; Wang, Pehlevan 2025), corrected
--- where papers/spectral_bias.lua shows that the print is wrong.  Numbers in, numbers out, in double precision.

local dynamics = {}

for _, part in ipairs { "weight", "deep", "variance", "coupled", "emergence" } do
  for name, value in pairs(require("repro.dynamics." .. part)) do dynamics[name] = value end
end

return dynamics
