--- Entropic optimal transport between uniform measures in the log domain, many problems at a time.
---
---     OT_eps(mu, nu) = min_pi <pi, C> + eps KL(pi | mu x nu) = mean_i f_i + mean_j g_j,
---     pi_ij = e^((f_i + g_j - C_ij) / eps) / (N M)
---
--- Potentials have no gradient.  `eps` is a number or a tensor of one element or of one per problem.

local rp = require "repro"
local misuse = require "repro.misuse"
local options = require "repro.options"

local sinkhorn = {}

-- eps as a factor for (G, N, M).
local function wide(who, eps, C)
  if type(eps) == "number" then
    if eps <= 0 or eps ~= eps then misuse("%s: eps = %g is not positive", who, eps) end
    return eps
  end
  local n = rp.is_tensor(eps) and eps:numel()
  if not n or n ~= 1 and n ~= C:size(1) then
    misuse("%s: eps is a number or a tensor of 1 or %d elements", who, C:size(1))
  end
  return eps:reshape(-1, 1, 1)
end

local function costs(who, C)
  if not rp.is_tensor(C) or C.ndim ~= 3 then misuse("%s: C is a tensor (G, N, M)", who) end
  return C:detach()
end

local function start(who, given, C, dim, eps)               -- a potential over eps as (G, N, 1) or (G, 1, M)
  if not given then return nil end
  local n = C:size(dim)
  if given:numel() ~= C:size(1) * n then
    misuse("%s: a first potential of shape (%s) for %d problems of %d points", who, table.concat(given.shape, ", "), C:size(1), n)
  end
  return (given:detach():unsqueeze(dim == 2 and 3 or 2)) / eps
end

-- One half of an iteration: the potential over eps that makes one marginal right.
local function half(A, other, dim)
  return math.log(A:size(dim)) - (other and A + other or A):logsumexp(dim, true)
end

---Iterations of Sinkhorn's algorithm,
---    f_i = -eps (LSE_j [(g_j - C_ij) / eps] - ln M),     g_j = -eps (LSE_i [(f_i - C_ij) / eps] - ln N),
---from g = 0 or the g given.  After the last, column sums of the coupling are right.
---EQ: Cuturi 2013; in the log domain Peyre, Cuturi 2019, arXiv:1803.00567, sec. 4.4
---@param C Tensor (G, N, M), +inf for forbidden pairs
---@param eps number|Tensor
---@param given? {iterations: integer, g: Tensor} default 4 iterations
---@return Tensor f (G, N)
---@return Tensor g (G, M)
function sinkhorn.sinkhorn(C, eps, given)
  local o = options("sinkhorn", given, { iterations = 4, g = false })
  if math.type(o.iterations) ~= "integer" or o.iterations < 1 then misuse("sinkhorn: iterations = %s", tostring(o.iterations)) end
  return rp.no_grad(function()
    C = costs("sinkhorn", C)
    eps = wide("sinkhorn", eps, C)
    local A, u = C / -eps, nil
    local v = start("sinkhorn", o.g, C, 3, eps)
    for _ = 1, o.iterations do
      u = half(A, v, 3)
      v = half(A, u, 2)
    end
    return (u * eps):squeeze(3), (v * eps):squeeze(2)
  end)
end

---The self term: with a symmetric C one potential serves both sides,
---    f_i = (f_i - eps (LSE_j [(f_j - C_ij) / eps] - ln N)) / 2.
---EQ: Feydy et al. 2019, arXiv:1810.08278, sec. 3.1
---@param C Tensor (G, N, N) symmetric; +inf on the diagonal forbids that a point is matched with itself
---@param eps number|Tensor
---@param given? {iterations: integer, f: Tensor} default 2 iterations
---@return Tensor f (G, N)
function sinkhorn.sinkhorn_self(C, eps, given)
  local o = options("sinkhorn_self", given, { iterations = 2, f = false })
  if math.type(o.iterations) ~= "integer" or o.iterations < 1 then
    misuse("sinkhorn_self: iterations = %s", tostring(o.iterations))
  end
  return rp.no_grad(function()
    C = costs("sinkhorn_self", C)
    if C:size(2) ~= C:size(3) then misuse("sinkhorn_self: %d by %d costs are not of a cloud with itself", C:size(2), C:size(3)) end
    eps = wide("sinkhorn_self", eps, C)
    local A = C / -eps
    local u = start("sinkhorn_self", o.f, C, 2, eps)
    for _ = 1, o.iterations do
      local new = half(A, u and u:transpose(2, 3), 3)
      u = u and (u + new) / 2 or new / 2
    end
    return (u * eps):squeeze(3)
  end)
end

-- The concave function of v that is to be maximised, h = mean_i u_i + mean_j v_j with u the best for v; and that u.
local function dual(A, v)
  local u = half(A, v, 2)
  return (u:mean() + v:mean()):item(), u
end

-- Newton's method for one problem A (N, M) from v (1, M): v, the largest |relative error of a column sum|, and the steps made.
-- With R_ij = pi_ij N, whose rows add up to 1, and s its column means, the gradient of h is 1/M - s, minus its Hessian
-- diag(s) - R'R / N, to which 1 1'/M^2 is added: h does not change if all v do.  Steps are at most 4 and halved until h grows.
local function newton(A, v, tol, most)
  local n, m = A:size(1), A:size(2)
  local value, u = dual(A, v)
  for steps = 0, most do
    local R = (A + u + v):exp() / m
    local s = R:mean(1)
    local miss = s * -1 + 1 / m
    local error = miss:abs():max():item() * m
    if error <= tol or steps == most then return v, error, steps end
    local H = rp.eye(m, "float64") * (s + 1e-14) - R:t():matmul(R) / n + 1 / (m * m)
    local step = rp.linalg.solve(H, miss):unsqueeze(1)
    step = step * math.min(1, 4 / step:abs():max():item())
    local t, from, before = 2, v, value
    repeat
      t = t / 2
      v = from + step * t
      value, u = dual(A, v)
    until value >= before - 1e-12 or t < 1e-6
  end
end

---Potentials to convergence in float64: iterations with eps falling to its value from the largest cost by `fall` a time, 20 at
---that value, and then Newton's method for the dual of each problem, because iterations alone need a number that grows like
---e^(max C / eps) where parts of the clouds are far apart.
---    local f, g, report = transport.solve(C, eps, {tol = 1e-10, most = 100, fall = 0.5, symmetric = false})
---@param C Tensor (G, N, M) as for sinkhorn
---@param eps number|Tensor
---@param given? table tol: largest relative error of a marginal; most: steps of Newton's method; symmetric = true: C is of a cloud
---with itself, and g = f
---@return Tensor f (G, N) float64
---@return Tensor g (G, M) float64
---@return {iterations: integer, error: number, converged: boolean} Newton's steps of the problem that took most
function sinkhorn.solve(C, eps, given)
  local o = options("solve", given, { tol = 1e-10, most = 100, fall = 0.5, symmetric = false })
  C = costs("solve", C):to "float64"
  if o.symmetric and C:size(2) ~= C:size(3) then misuse("solve: %d by %d costs are not symmetric", C:size(2), C:size(3)) end
  if o.fall <= 0 or o.fall >= 1 then misuse("solve: fall = %g lies outside (0, 1)", o.fall) end
  return rp.no_grad(function()
    local goal = wide("solve", rp.is_tensor(eps) and eps:to "float64" or eps, C)
    local largest = rp.where(C:is_finite(), C, 0):max():item()
    local least = rp.is_tensor(goal) and goal:min():item() or goal
    local factor, g = 1, nil
    while least * factor < largest do factor = factor / o.fall end
    while factor >= 1 do
      g = select(2, sinkhorn.sinkhorn(C, goal * factor, { iterations = factor > 1 and 5 or 20, g = g or false }))
      factor = factor > 1 and math.max(factor * o.fall, 1) or 0
    end
    local A, v, rows = C / -goal, g:unsqueeze(2) / goal, {}
    local report = { iterations = 0, error = 0 }
    for k = 1, C:size(1) do
      local error, steps
      rows[k], error, steps = newton(A[k], v[k], o.tol, o.most)
      report.error, report.iterations = math.max(report.error, error), math.max(report.iterations, steps)
    end
    report.converged = report.error <= o.tol
    v = rp.stack(1, rows)
    local f = (half(A, v, 3) * goal):squeeze(3)
    g = (v * goal):squeeze(2)
    if o.symmetric then f = (f + g) / 2 end
    return f, o.symmetric and f or g, report
  end)
end

---pi_ij = e^((f_i + g_j - C_ij) / eps) / (N M); its sum is 1.
---@param C Tensor (G, N, M)
---@param f Tensor (G, N)
---@param g Tensor (G, M)
---@param eps number|Tensor
---@return Tensor (G, N, M)
function sinkhorn.coupling(C, f, g, eps)
  return rp.no_grad(function()
    local A = f:unsqueeze(3) + g:unsqueeze(2) - costs("coupling", C)
    return (A / wide("coupling", eps, C)):exp() / (C:size(2) * C:size(3))
  end)
end

---T(x_i) = sum_j softmax_j((g_j - C_ij) / eps) y_j, where mass at x_i goes on average.  Rows add up to 1 exactly.
---@param C Tensor (G, N, M)
---@param g Tensor (G, M)
---@param eps number|Tensor
---@param y Tensor (G, M, D)
---@return Tensor (G, N, D)
function sinkhorn.barycentres(C, g, eps, y)
  return rp.no_grad(function()
    C = costs("barycentres", C)
    return ((g:unsqueeze(2) - C) / wide("barycentres", eps, C)):softmax(3):matmul(y:detach())
  end)
end

return sinkhorn
