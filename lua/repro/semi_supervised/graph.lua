--- The graph of nearest neighbours.

local rp = require "repro"
local distance = require "repro.metrics.distance"
local features = require "repro.metrics.features"
local misuse = require "repro.misuse"
local options = require "repro.options"

---A symmetric matrix with few entries: those at (a_e, b_e) and (b_e, a_e), a_e < b_e, are w_e.
---@class Graph
---@field n integer
---@field a Tensor (m) int64
---@field b Tensor (m) int64
---@field w Tensor (m) float64
local Graph = {}
Graph.__index = Graph

---W F.  The sum of each row is in the order of the edges.
---@param F Tensor (n, C) float64
---@return Tensor (n, C)
function Graph:product(F)
  local m, c = self.a:size(1), F:size(2)
  local w = self.w:unsqueeze(2)
  local function to(index) return index:unsqueeze(2):expand(m, c):contiguous() end
  local y = rp.zeros(self.n, c, "float64"):scatter_add(1, to(self.a), F:index_select(1, self.b) * w)
  return y:scatter_add(1, to(self.b), F:index_select(1, self.a) * w)
end

---@return Tensor (n, n) float64
function Graph:dense() return self:product(rp.eye(self.n, "float64")) end

local graph = {}

-- The pairs i < j of which one is among the nearest of the other, each once, and how often (1 or 2).
local function edges_of(index)
  local n, k = table.unpack(index.shape)
  local i = rp.arange(1, n, 1, "int64"):repeat_interleave(k)
  local j = index:reshape(-1)
  local key, _, count = ((i:minimum(j) - 1) * n + (i:maximum(j) - 1)):unique()
  return key // n + 1, key % n + 1, count:to("float64")
end

local function weights_of(v, a, b, count, o)
  local s = (v:index_select(1, a) * v:index_select(1, b)):sum(2):maximum(0)
  local w = o.power == 1 and s or s ^ o.power
  return o.symmetry == "sum" and w * count or w
end

local function check(o, n)
  if math.type(o.k) ~= "integer" or o.k < 1 or o.k > n - 1 then
    misuse("knn_graph: k = %s neighbours of %d vectors", tostring(o.k), n)
  end
  if o.symmetry ~= "max" and o.symmetry ~= "sum" then
    misuse('knn_graph: symmetry must be "max" or "sum", got %s', tostring(o.symmetry))
  end
  if type(o.power) ~= "number" or o.power <= 0 then misuse("knn_graph: power = %s, but it must be above 0", tostring(o.power)) end
end

---The normalised graph of nearest neighbours by cosine, v_i = z_i / |z_i|:
---    A_ij = max(<v_i, v_j>, 0)^power if j is among the k nearest of i, else 0
---    S = max(A, A')  or  A + A',     W = D^(-1/2) S D^(-1/2),  D = diag(S 1)
---The diagonal is 0; a row without weight stays 0.  EQ: Iscen et al. 2019, arXiv:1904.04717, sec. 4 ("sum", power 3, k 50);
---EQ: Sellars et al. 2021, arXiv:2106.04527, sec. 3 ("max", power 1, k 50)
---    semi_supervised.knn_graph(z, {k = 50, power = 1, symmetry = "max"})
---@param z Tensor (n, d)
---@param given? {k: integer, power: number, symmetry: string}
---@return Graph with n, a, b, w, product(F), dense()
function graph.knn_graph(z, given)
  local o = options("knn_graph", given, { k = 50, power = 1, symmetry = "max" })
  local v = features.matrix("knn_graph", z):unit()
  local n = v:size(1)
  check(o, n)
  local _, index = distance.nearest(v, nil, o.k)
  local a, b, count = edges_of(index)
  local w = weights_of(v, a, b, count, o)
  local degree = rp.zeros(n, "float64"):scatter_add(1, a, w):scatter_add(1, b, w)
  local scale = rp.where(degree:gt(0), degree, 1):rsqrt()
  w = w * scale:index_select(1, a) * scale:index_select(1, b)
  return setmetatable({ n = n, a = a, b = b, w = w }, Graph)
end

return graph
