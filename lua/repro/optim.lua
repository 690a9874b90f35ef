--- repro.optim: optimisers, averages of weights, gradient clipping, learning-rate schedules.
---
---     local optimiser = optim.AdamW(net, {lr = 1e-3, schedule = optim.warmup(100)})
---     loss:backward()
---     optimiser:step{clip = 1}          -- one fused pass over all parameters; returns the norm of the gradient
---     optimiser:zero_grad()

local optim = {}

for _, part in ipairs { "optimiser", "average", "clip", "schedule" } do
  for name, value in pairs(require("repro.optim." .. part)) do optim[name] = value end
end

return optim
