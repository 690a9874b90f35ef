--- Squared distances between batches of point clouds, and the scale of a block of features.

local rp = require "repro"
local misuse = require "repro.misuse"

local cost = {}

-- Two batches of clouds, (G, N, D) and (G, M, D); single clouds (N, D) count as batches of one.
function cost.clouds(who, x, y)
  if not (rp.is_tensor(x) and rp.is_tensor(y)) then misuse("%s: two tensors are expected", who) end
  if x.ndim == 2 and y.ndim == 2 then x, y = x:unsqueeze(1), y:unsqueeze(1) end
  if x.ndim ~= 3 or y.ndim ~= 3 or x:size(1) ~= y:size(1) or x:size(3) ~= y:size(3) then
    misuse("%s: clouds of shapes (%s) and (%s); expected (G, N, D) and (G, M, D)", who, table.concat(x.shape, ", "),
      table.concat(y.shape, ", "))
  end
  if x:size(2) == 0 or y:size(2) == 0 then misuse("%s: a cloud without points", who) end
  return x, y
end

---C_ij = |x_i - y_j|^2 for G pairs of clouds, as |x_i|^2 + |y_j|^2 - 2 <x_i, y_j>, not below 0, about the mean of y.
---Differentiable.  With y = nil the distances within x, whose diagonal is exactly 0; `mask` puts +inf there.
---@param x Tensor (G, N, D), or (N, D) for G = 1
---@param y? Tensor (G, M, D) default x
---@param mask? boolean
---@return Tensor (G, N, M)
function cost.squared_distances(x, y, mask)
  local own = y == nil
  x, y = cost.clouds("squared_distances", x, own and x or y)
  local centre = y:detach():mean(2, true)
  local a = x - centre
  local b = own and a or y - centre
  local d = (a:matmul(b:transpose(2, 3)) * -2 + a:square():sum(3, true) + b:square():sum(3):unsqueeze(2)):maximum(0)
  if not own then return d end
  local diagonal = rp.eye(x:size(2), x.dtype):unsqueeze(1)
  return rp.where(diagonal:gt(0), mask and math.huge or 0, d)
end

---What the features of a block are divided by, so that generated samples are at distances of about sqrt(C) from others:
---    s = max(floor, [sum |h_i - h_j| + sum |h_i - p_j| + sum_c w_c sum |h_i - r_j|]
---                   / (N [K L (N + M) + L U sum_c w_c] sqrt C)),     w_c = (alpha_c - 1) (N - 1) / U
---from squared distances, within h, to p and to r, of K classes times L locations.  One number for all of them, without gradient.
---Source: the authors' description of semantic transport, arXiv:2606.00514, app. D
---@param within Tensor (G, N, N), diagonal 0 or +inf
---@param to_p Tensor (G, N, M)
---@param to_r? Tensor (G, N, U)
---@param guidance? Tensor (G) alpha_c - 1 of each problem
---@param width integer C
---@param floor? number default 1e-3
---@return Tensor of no dimension
function cost.scale(within, to_p, to_r, guidance, width, floor)
  return rp.no_grad(function()
    local groups, n, m = table.unpack(to_p.shape)
    local near = rp.where(within:is_finite(), within, 0)
    local sum, count = near:sqrt():sum() + to_p:sqrt():sum(), groups * (n + m)
    if to_r then
      local w = guidance * ((n - 1) / to_r:size(3))
      sum = sum + (to_r:sqrt():sum({ 2, 3 }) * w):sum()
      count = w:sum() * to_r:size(3) + count
    end
    return (sum / (count * n) / math.sqrt(width)):maximum(floor or 1e-3)
  end)
end

return cost
