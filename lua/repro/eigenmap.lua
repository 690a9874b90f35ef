--- repro.eigenmap: a network that learns eigenfunctions from pairs of views, and the regulariser that this makes.
---
---     local eigenmap = rp.eigenmap
---     local b = eigenmap.pairs(flow, x0)                            -- two noisy views of each example
---     local v, h = net(b.x, b.t)                                    -- prediction, hidden states
---     local first, second = head(h, b.t):chunk(2)
---     local loss = (v - b.target):square():mean() + lambda * eigenmap.loss(first, second, {alpha = 1})
---
--- The operator is (T h)(x) = int k(x, x') h(x') p(x') dx' with k = p(x, x') / (p(x) p(x')), p(x, x') the density of a pair.
--- Source: Deng et al. 2022, arXiv:2210.12637 (Neural Eigenmap); Deng et al. 2022, arXiv:2205.00165 (NeuralEF, L2-BN).

local core = require "repro.core"
local derived = require "repro.derived"
local misuse = require "repro.misuse"
local nn = require "repro.nn"
local options = require "repro.options"

local eigenmap = { line = require("repro.eigenmap.line").line }

local function shape(x) return core.is_tensor(x) and "(" .. table.concat(x.shape, "x") .. ")" or type(x) end

---------------------------------------------------------------------------------------------------- the loss

---Outputs of a network as functions of mean square 1 (L2-BN), and then, with rows, each row as a vector of length 1:
---    psi_bj = f_bj / sqrt(1/n sum_c f_cj^2),     rows: psi_b / |psi_b|
---EQ: Deng et al. 2022, arXiv:2205.00165, sec. 3.3 (L2-BN).  Differentiable through both.  A function that is 0 stays 0.
---@param f Tensor (n, K), or (groups, n, K): each group by itself
---@param rows? boolean default false
---@param eps? number least mean square, default 1e-12
---@return Tensor of the shape of f
function eigenmap.normalise(f, rows, eps)
  if not core.is_tensor(f) or f.ndim ~= 2 and f.ndim ~= 3 then
    misuse("eigenmap.normalise: the outputs must be (n, K) or (groups, n, K), got %s", shape(f))
  end
  local psi = f * f:square():mean(-2, true):maximum(eps or 1e-12):rsqrt()
  return rows and derived.unit(psi) or psi
end

---R = 1/n sum_b psi(x_b) psi(x'_b)'.  EQ: Deng et al. 2022, arXiv:2210.12637, eq. 9
---@param psi Tensor (n, K), or (groups, n, K)
---@param twin Tensor of the same shape
---@return Tensor (K, K), or (groups, K, K)
function eigenmap.correlation(psi, twin)
  if shape(psi) ~= shape(twin) then
    misuse("eigenmap.correlation: the views must have one shape, got %s and %s", shape(psi), shape(twin))
  end
  return psi:transpose(-2, -1):matmul(twin) / psi:size(-2)
end

local function grouped(f, groups)
  if groups == 1 then return f end
  if f.ndim ~= 2 or f:size(1) % groups ~= 0 then
    misuse("eigenmap.loss: outputs %s are not %d groups of rows", shape(f), groups)
  end
  return f:reshape(groups, f:size(1) // groups, f:size(2))
end

---The loss of Neural Eigenmap for two views, from a network's plain outputs.
---    L = -sum_j R_jj + alpha sum_{i<j} S_ij^2,   R = psi' psi~ / n,  S the same with psi, the first view, as a constant
---EQ: Deng et al. 2022, arXiv:2210.12637, eq. 11.  At its minimum psi_1, psi_2, ... are the eigenfunctions of the operator with the
---largest eigenvalues, in order, and R_jj are these, if alpha > (l_i - l_j) / l_i^2 for all i < j; without rows.
---    eigenmap.loss(first, second, {alpha = 1, rows = false, groups = 1, normalise = true, detach = true})
---rows: rows of length 1, see normalise.  groups: rows are that many groups of one length, with a matrix R for each, and L is
---the mean over groups; for views of several times, whose operators differ.  normalise = false: the outputs are psi already.
---detach = false: the penalty's gradient goes through both views.
---@param first Tensor (n, K)
---@param second Tensor (n, K)
---@param given? table
---@return Tensor scalar
---@return table parts {trace = sum_j R_jj (number's tensor), penalty, R (K, K) or (groups, K, K)}
function eigenmap.loss(first, second, given)
  local o = options("eigenmap.loss", given, { alpha = 1, rows = false, groups = 1, normalise = true, detach = true })
  local psi, twin = grouped(first, o.groups), grouped(second, o.groups)
  if o.normalise then psi, twin = eigenmap.normalise(psi, o.rows), eigenmap.normalise(twin, o.rows) end
  local R = eigenmap.correlation(psi, twin)
  local trace = (psi * twin):sum() / (psi:numel() // psi:size(-1))
  if o.alpha == 0 then return -trace, { trace = trace, penalty = core.zeros_like(trace), R = R } end
  local S = o.detach and eigenmap.correlation(psi:detach(), twin) or R
  local penalty = derived.triu(S, 1):square():sum() / o.groups
  return penalty * o.alpha - trace, { trace = trace, penalty = penalty, R = R }
end

----------------------------------------------------------------------------------------------------- the pairs

---Two noisy views of each example at one time, stacked: first all first views, then all second ones.
---    x_t = a_t x_0 + s_t eps,   x'_t = a_t x_0 + s_t eps'
---    eigenmap.pairs(process, x0, {positives = "own"|"other", groups = nil})
---positives = "other": the second view is of the example before (the last one for the first), at the same time; a control
---that has everything but the relation.  groups: that many times are drawn and each is given to n / groups examples in a row,
---as `loss` wants them; without, each pair has a time of its own.
---@param process Process draws times and noise, and knows what is predicted
---@param x0 Tensor (n, ...)
---@param given? table
---@return table {x (2n, ...), t (2n), target (2n, ...), x0 (2n, ...)}
function eigenmap.pairs(process, x0, given)
  local o = options("eigenmap.pairs", given, { positives = "own", groups = false })
  local n = x0:size(1)
  if o.positives ~= "own" and o.positives ~= "other" then
    misuse("eigenmap.pairs: positives must be \"own\" or \"other\", got %s", tostring(o.positives))
  end
  if o.groups and (o.groups < 1 or n % o.groups ~= 0) then
    misuse("eigenmap.pairs: %d examples are not %s groups of one size", n, tostring(o.groups))
  end
  local t = process:draw_times(o.groups or n)
  if o.groups then t = t:repeat_interleave(n // o.groups) end
  local clean = core.concat(1, x0, o.positives == "own" and x0 or derived.roll(x0, 1, 1))
  local times = core.concat(1, t, t)
  local eps = process:noise(clean.shape):to(clean.dtype)
  local a, s = process:at(times, clean)
  return { x = (clean * a):addcmul(eps, s), t = times, target = process.kind.target(clean, eps, a, s), x0 = clean }
end

---What embeddings know of the example, and what of the time alone: the mean cosine of two views of one example, and that of
---views of two different examples at one time.  Equal ones say that the embedding is a function of time.
---    local own, other = eigenmap.agreement(function(x, t) return head(select(2, net(x, t)), t) end, process, x0)
---@param embed fun(x: Tensor, t: Tensor): Tensor (2n, K)
---@param process Process
---@param x0 Tensor (n, ...) examples
---@return number own
---@return number other
function eigenmap.agreement(embed, process, x0)
  local cosines = {}
  for k, positives in ipairs { "own", "other" } do
    local b = eigenmap.pairs(process, x0, { positives = positives })
    local first, second = derived.chunk(core.no_grad(embed, b.x, b.t), 2, 1)
    cosines[k] = derived.cosine_similarity(first, second, 2):mean():item()
  end
  return cosines[1], cosines[2]
end

------------------------------------------------------------------------------------------------------ the head

---The projection of hidden states to K functions: a layer norm that time modulates, as in a DiT, and two layers.
---    f = W_2 silu(W_1 [(1 + gamma(t)) LN(h) + beta(t)] + b_1) + b_2
---    eigenmap.Head(d, K, {hidden = d, tokens = "mean"|"each", time_features = 32, time_scale = 1000, generator = nil})
---The normalisation is that of eigenmap.loss.  Tokens are averaged, or each is an example.  gamma and beta are 0 at first.
---Source: Peebles, Xie 2023, arXiv:2212.09748, sec. 3.2 (modulation); Yu et al. 2024, arXiv:2410.06940, sec. 3.3 (head).
---@class EigenmapHead: Module
local Head = nn.class "EigenmapHead"
eigenmap.Head = Head

function Head:init(d, K, given)
  local o = options("eigenmap.Head", given, { hidden = d, tokens = "mean", time_features = 32, time_scale = 1000,
                                              generator = false })
  if o.tokens ~= "mean" and o.tokens ~= "each" then
    misuse("eigenmap.Head: tokens must be \"mean\" or \"each\", got %s", tostring(o.tokens))
  end
  self.tokens, self.K = o.tokens, K
  self.time = nn.TimeEmbedding(o.hidden, { features = o.time_features, scale = o.time_scale, generator = o.generator })
  self.norm = nn.LayerNorm(d, { affine = false })
  self.film = nn.FiLM(o.hidden, d, { init = "zeros", tokens = true, generator = o.generator })
  self.fc1 = nn.Linear(d, o.hidden, { generator = o.generator })
  self.fc2 = nn.Linear(o.hidden, K, { generator = o.generator })
end

---@param h Tensor hidden states (B, d) or (B, N, d)
---@param t Tensor (B)
---@return Tensor (B, K), or (B N, K) with tokens = "each"
function Head:forward(h, t)
  if h.ndim == 3 and self.tokens == "mean" then h = h:mean(2) end
  local f = self.fc2(self.fc1(self.film(self.norm(h), self.time(t):silu())):silu())
  return f.ndim == 3 and f:reshape(-1, self.K) or f
end

return eigenmap
