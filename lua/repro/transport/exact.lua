--- Transport without entropy, for reference.

local rp = require "repro"
local cost = require "repro.transport.cost"

local exact = {}

local function common_multiple(a, b)
  local x, y = a, b
  while y ~= 0 do x, y = y, x % y end
  return a // x * b
end

---W_2^2 between uniform measures on N and M points, min_pi <pi, |x_i - y_j|^2>, and a coupling that attains it.  The linear
---program has an integral solution once each x_i is written lcm / N times and each y_j lcm / M times: it is an assignment.
---Source: Birkhoff; Jonker, Volgenant 1987 (rp.linalg.assignment).  For N = M up to a thousand points.
---@param x Tensor (N, D)
---@param y Tensor (M, D)
---@return number
---@return Tensor (N, M) float64, of sum 1
function exact.exact_cost(x, y)
  x, y = cost.clouds("exact_cost", x:detach(), y:detach())
  local n, m = x:size(2), y:size(2)
  local size = common_multiple(n, m)
  local C = cost.squared_distances(x:to "float64", y:to "float64")[1]
  local row = (rp.arange(0, size - 1, 1, "int64") // (size // n)) + 1
  local column = (rp.arange(0, size - 1, 1, "int64") // (size // m)) + 1
  local chosen, total = rp.linalg.assignment(C:index_select(1, row):index_select(2, column))
  local pairs_of = (row - 1) * m + column:index_select(1, chosen)
  local plan = rp.zeros(n * m, "float64"):scatter_add(1, pairs_of, rp.full({ size }, 1 / size, "float64"))
  return total / size, plan:reshape(n, m)
end

return exact
