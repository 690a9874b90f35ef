--- Finitely many points of a line under rectified flow, exactly: what a network of rp.eigenmap is to learn, and the flow's own
--- network too.
---
---     local line = rp.eigenmap.line(rp.linspace(-1, 1, 8, "float64"))
---     local here = line:at(0.3)                                  -- the operator of the noise at t = 0.3
---     print(here.lambda, here.psi(x))                            -- its eigenvalues, falling, and its eigenfunctions
---
--- x_t = (1 - t) x_0 + t eps with x_0 one of n points, equally likely, so that p_t is a mixture of n Gaussians.  With
--- (A c)(x) = E[c(x_0) | x] and its adjoint (A* h)(x_0) = E[h(x) | x_0] the operator of pairs of views is K_t = A A*, and
--- M_t = A* A is a Markov matrix on the points with its eigenvalues.  All in double precision.

local core = require "repro.core"
local exact = core.math
local linalg = require "repro.linalg"
local misuse = require "repro.misuse"
local options = require "repro.options"

local Line = {}
Line.__index = Line

---log [p_0(x_k) p_t(x | x_k)] for all points.
---@param x Tensor (m) float64
---@param t number|Tensor a time in (0, 1], or one for each x
---@return Tensor (m, n)
function Line:log_joint(x, t)
  if not core.is_tensor(t) then t = core.full({ 1 }, t, "float64") end
  t = t:unsqueeze(2)
  local z = (x:unsqueeze(2) - (1 - t) * self.points) / t
  return z:square() * -0.5 - t:log() - (exact.log(2 * math.pi) / 2 + exact.log(self.n))
end

---log p_t(x).
---@param x Tensor (m) float64
---@param t number|Tensor
---@return Tensor (m)
function Line:log_density(x, t) return self:log_joint(x, t):logsumexp(2) end

---p(x_k | x): A, on functions of the points.
---@param x Tensor (m) float64
---@param t number|Tensor
---@return Tensor (m, n)
function Line:posterior(x, t) return self:log_joint(x, t):softmax(2) end

---E[x_0 | x].
---@param x Tensor (m) float64
---@param t number|Tensor
---@return Tensor (m)
function Line:denoised(x, t) return (self:posterior(x, t) * self.points):sum(2) end

---The slope of log p_t: [(1 - t) E[x_0 | x] - x] / t^2.  Source: Scarvelis et al. 2023, arXiv:2310.12395.
---@param x Tensor (m) float64
---@param t number|Tensor
---@return Tensor (m)
function Line:score(x, t) return (self:denoised(x, t) * (1 - t) - x) / (t * t) end

---E[eps - x_0 | x] = (x - E[x_0 | x]) / t.
---@param x Tensor (m) float64
---@param t number|Tensor
---@return Tensor (m)
function Line:velocity(x, t) return (x - self:denoised(x, t)) / t end

---kappa_t(x, y) = p_t(x, y) / (p_t(x) p_t(y)), p_t(x, y) the density of two views of one point.
---@param x Tensor (m) float64
---@param y Tensor (l) float64
---@param t number
---@return Tensor (m, l)
function Line:kernel(x, y, t)
  return self:posterior(x, t):matmul(self:posterior(y, t):t()) * self.n
end

---@class LineOperator
---@field t number
---@field x Tensor (nodes) at which integrals are taken
---@field w Tensor (nodes) p_t(x) dx: sums with these weights are expectations (the trapezoidal rule)
---@field M Tensor (n, n)
---@field lambda Tensor (n) eigenvalues, falling from 1
---@field psi fun(x: Tensor): Tensor eigenfunctions (m, n) of mean square 1, in that order
local Operator = {}
Operator.__index = Operator

---E[f(x)] under p_t.
---@param f Tensor (nodes, K) functions at the nodes
---@return Tensor (K)
function Operator:mean(f) return (f * self.w:unsqueeze(2)):sum(1) end

---The operator of the noise at a time.
---    line:at(0.3, {nodes = 4001, reach = 10})      nodes from -reach to reach
---@param t number in (0, 1]
---@param given? {nodes: integer, reach: number}
---@return LineOperator
function Line:at(t, given)
  local o = options("eigenmap.line: at", given, { nodes = 4001, reach = 10 })
  if t <= 0 or t > 1 then misuse("eigenmap.line: at: t = %s is not in (0, 1]", tostring(t)) end
  local x = core.linspace(-o.reach, o.reach, o.nodes, "float64")
  local A = self:posterior(x, t)
  local w = self:log_density(x, t):exp() * (2 * o.reach / (o.nodes - 1))
  local M = (A * w:unsqueeze(2)):t():matmul(A) * self.n
  local rising, V = linalg.eigh(M)
  local order = core.arange(self.n, 1, -1, "int64")
  local lambda, v = rising:index_select(1, order), V:index_select(2, order) * math.sqrt(self.n)
  local root = lambda:maximum(1e-300):sqrt()
  local function psi(at) return self:posterior(at, t):matmul(v) / root end
  return setmetatable({ t = t, x = x, w = w, M = M, lambda = lambda, psi = psi }, Operator)
end

---@param points Tensor (n) float64
---@return table line
local function line(points)
  if not core.is_tensor(points) or points.ndim ~= 1 or points.dtype ~= "float64" then
    misuse "eigenmap.line: the points are a tensor (n) of float64"
  end
  return setmetatable({ points = points, n = points:size(1) }, Line)
end

return { line = line }
