--- Labels spread over a graph.

local rp = require "repro"
local known = require "repro.semi_supervised.known"
local misuse = require "repro.misuse"
local options = require "repro.options"

local propagation = {}

-- Conjugate gradients for every column by itself; a column that has reached its tolerance stays as it is.
local function solve(apply, Y, o)
  local F, r = rp.zeros_like(Y), Y
  local p, rr = r, (r * r):sum(1)
  local goal = rr * (o.tol * o.tol)
  local steps = 0
  while steps < o.max_iter and rr:gt(goal):any():item() do
    local open = rr:gt(goal):to("float64")
    local q = apply(p)
    local curvature = (p * q):sum(1)
    local step = open * rr / rp.where(curvature:gt(0), curvature, 1)
    F, r = F + p * step, r - q * step
    local next_rr = (r * r):sum(1)
    p = r + p * (next_rr / rp.where(rr:gt(0), rr, 1))
    rr, steps = next_rr, steps + 1
  end
  return F, steps
end

---The F that minimises the Laplacian energy of the graph and stays near the labels, up to a factor:
---    (I - mu W) F = Y,   Y_ic = 1 if i has label c, else 0
---by conjugate gradients, every class for itself, to |Y - (I - mu W) F| <= tol |Y|.
---EQ: Zhou et al. 2003, NIPS 16, eq. 4;  EQ: Iscen et al. 2019, arXiv:1904.04717, eq. 6
---    semi_supervised.propagate(W, labels, {mu = 0.99, tol = 1e-6, max_iter = 500, classes = nil})
---@param W Graph of n examples
---@param labels Tensor (n) int, 0 where unknown
---@param given? {mu: number, tol: number, max_iter: integer, classes: integer} classes: default the largest label
---@return Tensor F (n, C) float64
---@return table {iterations, residual: the largest |Y - (I - mu W) F| / |Y| of a class, converged}
function propagation.propagate(W, labels, given)
  local o = options("propagate", given, { mu = 0.99, tol = 1e-6, max_iter = 500, classes = false })
  if type(o.mu) ~= "number" or o.mu < 0 or o.mu >= 1 then misuse("propagate: mu = %s lies outside [0, 1)", tostring(o.mu)) end
  if type(W) ~= "table" or not W.product then misuse("propagate: a graph is expected, such as knn_graph makes") end
  local y, c = known.labels("propagate", labels, W.n, o.classes or nil)
  local Y = known.targets(y, c)
  local function apply(p) return p - W:product(p) * o.mu end
  local F, steps = solve(apply, Y, o)
  local wanted, left = Y:square():sum(1), (Y - apply(F)):square():sum(1)
  local residual = (left / rp.where(wanted:gt(0), wanted, 1)):max():sqrt():item()
  return F, { iterations = steps, residual = residual, converged = residual <= 2 * o.tol }
end

return propagation
