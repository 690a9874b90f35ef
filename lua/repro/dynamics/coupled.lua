--- Modes that pull on each other: linear equations dx/da = c - S x.

local core = require "repro.core"
local linalg = require "repro.linalg"
local misuse = require "repro.misuse"

local coupled = {}

---x(a) = x* + e^{-a S} (x0 - x*), S x* = c, for a symmetric S with positive eigenvalues.  It is
---   the weights and the bias of a denoiser of data with mean mu (prop. D.2): S = diag(sigma^2 + lambda_k, 0) + q q',
---     q = (u_k . mu, 1), rows W u_k and b - mu of x0, rows lambda_k u_k and 0 of c, a = 2 eta tau;
---   a circular filter of any width (prop. 5.4): S = sigma^2 I + S_patch, c = S_patch e_0, a = 2 N eta tau.
---@param S Tensor (n, n)
---@param c Tensor (n) or (n, d)
---@param x0 Tensor of c's shape
---@param a number
---@return Tensor x float64, of c's shape
function coupled.linear_flow(S, c, x0, a)
  if not (core.is_tensor(S) and core.is_tensor(c) and core.is_tensor(x0)) then
    misuse "dynamics.linear_flow takes tensors S (n, n), c and x0 (n) or (n, d), and a number a"
  end
  local rates, V = linalg.eigh(S)
  if rates[1]:item() <= 0 then
    misuse("dynamics.linear_flow: S has the eigenvalue %.6g; all must be positive for a fixed point", rates[1]:item())
  end
  local best = linalg.solve(S, c)
  local gap = x0:to "float64" - best
  local flat = gap:reshape(gap:size(1), -1)
  local decay = (rates * -a):exp():unsqueeze(2)
  return best + V:matmul(V:t():matmul(flat) * decay):reshape(gap.shape)
end

return coupled
