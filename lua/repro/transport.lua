--- repro.transport: entropic optimal transport between batches of point clouds, and the loss of one-step generators made of it.
---
---     local S = transport.divergence(x, y, 0.1)                          -- x (G, N, D), y (G, M, D): G values, differentiable
---     local V = transport.drift(h, p, r, w, {taus = {0.05}})             -- where each generated sample is to go
---     local blocks = transport.feature_blocks(phi(images), images)       -- what of the features is matched
---     local loss = transport.matching_loss(gen, pos, unc, {classes = 10, alpha = alpha})
---
---   squared_distances, scale          costs                                                transport/cost.lua
---   sinkhorn, sinkhorn_self, solve, coupling, barycentres     potentials and couplings      transport/sinkhorn.lua
---   entropic_cost, divergence         values with converged potentials, and gradients       transport/divergence.lua
---   exact_cost                        without entropy                                       transport/exact.lua
---   drift                             the direction of the loss, or of an MMD               transport/drift.lua
---   feature_blocks, in_parts, matching_loss    of feature maps to the loss                  transport/blocks.lua
---   resample_icc, class_mass          matching stability, and classes in a coupling        transport/stability.lua
---   Queue, guidance                   real samples by class, weights of guidance            transport/queue.lua
---
--- All problems of a batch are solved together.  Points have equal weights.

local transport = {}

for _, part in ipairs { "cost", "sinkhorn", "divergence", "exact", "drift", "blocks", "queue", "stability" } do
  for name, value in pairs(require("repro.transport." .. part)) do transport[name] = value end
end
-- Used between the parts only.
transport.clouds, transport.total, transport.options, transport.width, transport.problems = nil, nil, nil, nil, nil

return transport
