--- Gradient clipping outside an optimiser; optimiser:step{clip = c} does the first without an extra pass.

local core = require "repro.core"

local clip = {}

local function gradients(params)
  if type(params.parameters) == "function" then params = params:parameters() end
  local gs = {}
  for _, p in ipairs(params) do
    local g = p.grad
    if g then gs[#gs + 1] = g end
  end
  return gs
end

---Scales all gradients so that their common norm is at most `max`.
---@param params Tensor[]|Module
---@param max number
---@return number norm before
function clip.clip_grad_norm(params, max)
  local gs = gradients(params)
  local norm = core.grad_norm(gs)
  if norm > max then
    core.no_grad(function()
      for _, g in ipairs(gs) do g:mul_(max / norm) end
    end)
  end
  return norm
end

---Limits every element of every gradient to [-max, max].
---@param params Tensor[]|Module
---@param max number
function clip.clip_grad_value(params, max)
  core.no_grad(function()
    for _, g in ipairs(gradients(params)) do g:copy_(g:clamp(-max, max)) end
  end)
end

return clip
