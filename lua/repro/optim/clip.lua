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

local function scale_to(gs, norm, max)
  if norm <= max then return end
  core.no_grad(function()
    for _, g in ipairs(gs) do g:mul_(max / norm) end
  end)
end

---Scales all gradients so that their common norm is at most `max`.
---@param params Tensor[]|Module
---@param max number
---@return number norm before; a tensor in a compiled step
function clip.clip_grad_norm(params, max)
  local gs = gradients(params)
  local norm = core.grad_norm(gs)
  if core.is_noting() then core.program_live(function() scale_to(gs, norm:item(), max) end) else scale_to(gs, norm, max) end
  return core.in_step() and core.full({}, norm, "float64") or norm
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
