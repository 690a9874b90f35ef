--- The Sinkhorn divergence with converged potentials, and its gradient.

local rp = require "repro"
local cost = require "repro.transport.cost"
local options = require "repro.options"
local sinkhorn = require "repro.transport.sinkhorn"

local divergence = {}

-- A tensor of the given values (G) whose gradient by x is `slope` of x's shape.
local function with_gradient(values, x, slope)
  local carrier = (x * slope):sum({ 2, 3 })
  return values + (carrier - carrier:detach())
end

-- OT_eps and where it sends x and y.
local function solved(x, y, eps, o)
  local own = y == nil
  local C = cost.squared_distances(x, y, own and o.mask)
  local f, g, report = sinkhorn.solve(C, eps, { tol = o.tol, most = o.most, symmetric = own })
  local part = { value = f:mean(2) + g:mean(2), report = report }
  part.x_to = sinkhorn.barycentres(C, g, eps, own and x or y)
  if not own then part.y_to = sinkhorn.barycentres(C:transpose(2, 3), f, eps, x) end
  return part
end

local function worst(...)                                   -- the report of the least converged problem
  local r
  for _, part in ipairs { ... } do
    if not r or part.report.error > r.error then r = part.report end
  end
  return r
end

---OT_eps(x, y) = min_pi <pi, |x_i - y_j|^2> + eps KL(pi | mu x nu), mu and nu uniform on the points, with converged potentials.
---Gradient by the envelope theorem: the coupling counts as constant, d/dx_i = (2 / N) (x_i - T(x_i)).
---    transport.entropic_cost(x, y, eps, {tol = 1e-10, most = 100, mask = false})
---@param x Tensor (G, N, D) float64 for the tolerance to mean something; (N, D) for G = 1
---@param y? Tensor (G, M, D); nil: x itself, with mask = true no point with itself
---@param eps number|Tensor
---@param given? table
---@return Tensor (G)
---@return {iterations: integer, error: number, converged: boolean}
function divergence.entropic_cost(x, y, eps, given)
  local o = options("entropic_cost", given, { tol = 1e-10, most = 100, mask = false })
  local own = y == nil
  x, y = cost.clouds("entropic_cost", x, own and x or y)
  local part = rp.no_grad(solved, x:detach(), not own and y:detach() or nil, eps, o)
  local n, m = x:size(2), y:size(2)
  local value = with_gradient(part.value, x, (x:detach() - part.x_to) * ((own and 4 or 2) / n))
  if not own then value = with_gradient(value, y, (y:detach() - part.y_to) * (2 / m)) end
  return value, part.report
end

---S_eps(x, y) = OT_eps(x, y) - OT_eps(x, x) / 2 - OT_eps(y, y) / 2: not negative, 0 if and only if the measures are equal,
---|mean x - mean y|^2 as eps grows, W_2^2 as it falls.  d/dx_i = (2 / N) (T_xx(x_i) - T_xy(x_i)).
---    transport.divergence(x, y, eps, {tol = 1e-10, most = 100, mask = false})
---mask = true forbids within x and within y that a point is matched with itself, as a loss on batches does; then S may be
---negative and is not 0 for equal clouds.
---EQ: Feydy et al. 2019, arXiv:1810.08278, eq. 3 and thm. 1
---@param x Tensor (G, N, D), or (N, D) for G = 1
---@param y Tensor (G, M, D)
---@param eps number|Tensor
---@param given? table
---@return Tensor (G), differentiable in x and y
---@return {iterations: integer, error: number, converged: boolean} of the problem that converged least
function divergence.divergence(x, y, eps, given)
  local o = options("divergence", given, { tol = 1e-10, most = 100, mask = false })
  x, y = cost.clouds("divergence", x, y)
  local a, b = x:detach(), y:detach()
  local xy, xx, yy = solved(a, b, eps, o), solved(a, nil, eps, o), solved(b, nil, eps, o)
  local value = xy.value - xx.value / 2 - yy.value / 2
  value = with_gradient(value, x, (xx.x_to - xy.x_to) * (2 / x:size(2)))
  value = with_gradient(value, y, (yy.x_to - xy.y_to) * (2 / y:size(2)))
  return value, worst(xy, xx, yy)
end

return divergence
