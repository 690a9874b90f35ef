--- repro.contrastive: losses that compare examples with each other.
---
--- Similarities come from Gram matrices: one product instead of B^2 vectors.

local core = require "repro.core"
local misuse = require "repro.misuse"
local derived = require "repro.derived"

local contrastive = {}

local function shape(x) return table.concat(x.shape, "x") end

---------------------------------------------------------------------------------- between two sets of features

---One-sided InfoNCE; see info_nce of the derived operations.
contrastive.info_nce = derived.info_nce

---s_ij = <a_i, b_j> / (|a_i| |b_j|).
---@param a Tensor (B, D)
---@param b Tensor (M, D)
---@return Tensor (B, M)
function contrastive.cosine_matrix(a, b)
  if not core.is_tensor(a) or not core.is_tensor(b) then
    misuse("contrastive: features must be tensors, got a %s and a %s", type(a), type(b))
  end
  if a.ndim ~= 2 or b.ndim ~= 2 or a:size(2) ~= b:size(2) then
    misuse("contrastive: features must be (B, D) and (M, D), got (%s) and (%s)", shape(a), shape(b))
  end
  return derived.unit(a):matmul(derived.t(derived.unit(b)))
end

local function paired(name, a, b)
  local s = contrastive.cosine_matrix(a, b)
  if s:size(1) ~= s:size(2) then misuse("%s: %d and %d examples do not form pairs", name, s:size(1), s:size(2)) end
  return s
end

---CLIP's symmetric loss: InfoNCE from images to texts and from texts to images, averaged.
---EQ: Radford et al. 2021, arXiv:2103.00020, fig. 3
---@param image Tensor (B, D)
---@param text Tensor (B, D)
---@param tau? number|Tensor temperature, default 0.07
---@return Tensor scalar
function contrastive.clip_loss(image, text, tau)
  local s = paired("clip_loss", image, text) / (tau or 0.07)
  return ((s:logsumexp(2) + s:logsumexp(1)) * 0.5 - s:diagonal()):mean()
end

---SigLIP: every pair is a yes-or-no question.
---    L = 1/B sum_ij ln(1 + e^(-z_ij (t s_ij + b))),   z_ij = 1 if i = j, else -1
---EQ: Zhai et al. 2023, arXiv:2303.15343, alg. 1
---@param image Tensor (B, D)
---@param text Tensor (B, D)
---@param t? number|Tensor inverse temperature, default 10
---@param b? number|Tensor bias, default -10
---@return Tensor scalar
function contrastive.siglip_loss(image, text, t, b)
  local s = paired("siglip_loss", image, text) * (t or 10) + (b or -10)
  local sign = 1 - core.eye(s:size(1), s.dtype) * 2              -- -z_ij
  return (s * sign):softplus():sum() / s:size(1)
end

---------------------------------------------------------------------------------- within one set of features

---A square matrix with -inf on its diagonal.
local function without_self(s)
  return core.where(core.eye(s:size(1), s.dtype), -math.huge, s)
end

---SimCLR's NT-Xent: two views of each example; the positive of a view is the other one, all else is negative.
---EQ: Chen et al. 2020, arXiv:2002.05709, eq. 1
---@param a Tensor (B, D) first views
---@param b Tensor (B, D) second views
---@param tau? number|Tensor temperature, default 0.5
---@return Tensor scalar
function contrastive.nt_xent(a, b, tau)
  if shape(a) ~= shape(b) then misuse("nt_xent: the views (%s) and (%s) differ in shape", shape(a), shape(b)) end
  local n = a:size(1)
  local z = core.concat(1, a, b)
  local s = contrastive.cosine_matrix(z, z) / (tau or 0.5)
  local positive = s:diagonal(1, 2, n):sum() * 2                 -- s is symmetric: (i, i + B) and (i + B, i)
  return (without_self(s):logsumexp(2):sum() - positive) / (2 * n)
end

---InfoNCE with the examples of the same label as positives, together in the numerator:
---    L = mean_i -ln [ sum_{j in P(i)} e^(s_ij) / sum_{k != i} e^(s_ik) ],  over the i that have a positive
---EQ: Han et al. 2026, arXiv:2603.04803, eq. 7
---@param z Tensor (B, D)
---@param label Tensor (B) int
---@param tau? number|Tensor temperature, default 0.07
---@return Tensor scalar, 0 if no example has a positive
function contrastive.label_info_nce(z, label, tau)
  local n = z:size(1)
  local s = without_self(contrastive.cosine_matrix(z, z) / (tau or 0.07))
  local positive = label:unsqueeze(2):eq(label):logical_and(core.eye(n):eq(0))
  local alone = positive:to("float32"):sum(2, true):eq(0)
  local numerator = core.where(positive:logical_or(alone), s, -math.huge)  -- an example without positives gives 0
  local total = (s:logsumexp(2) - numerator:logsumexp(2)):sum()
  return total / math.max(n - alone:to("float32"):sum():item(), 1)
end

---------------------------------------------------------------------- diffusion contrastive reconstruction

---Predictions for every noisy input under every condition, in one call of the network: p_ij = net(x_i, t_i, c_j).
---@param net fun(x: Tensor, t: Tensor, c: Tensor): Tensor
---@param x Tensor (B, ...)
---@param t Tensor (B)
---@param c Tensor (M, K)
---@return Tensor (B, M, D), predictions flattened
function contrastive.pairwise(net, x, t, c)
  local n, m = x:size(1), c:size(1)
  local cs = c:unsqueeze(1):expand(n, m, c:size(2)):reshape(n * m, c:size(2))
  return net(x:repeat_interleave(m), t:repeat_interleave(m), cs):reshape(n, m, -1)
end

local function flat(x) return x.ndim == 2 and x or x:reshape(x:size(1), -1) end

---DCR: for each noisy input the anchor is the prediction under its own condition, the positives are the prediction
---under its twin's condition and the true target, the negatives are the predictions under the other conditions.
---    s(a, b) = <a, b> / (|a| |b| tau)
---    ln Z_i = ln [ e^s(p_ii, q_i) + e^s(p_ii, r_i) + sum_{j != i} e^s(p_ii, p_ij) ]
---    L = 1/B sum_i [ ln Z_i - s(p_ii, q_i) / 2 - s(p_ii, r_i) / 2 ]
---EQ: Han et al. 2026, arXiv:2603.04803, eq. 12
---@param p Tensor (B, B, D) predictions for input i under condition j
---@param q Tensor (B, D) or (B, ...) predictions under the twins' conditions
---@param r Tensor (B, D) or (B, ...) the true noise or velocity
---@param tau? number|Tensor temperature, default 0.1
---@return Tensor scalar
---@return Tensor s (B, B + 1): the similarities s_q, s_r and those to the negatives, divided by tau
function contrastive.dcr_loss(p, q, r, tau)
  if p.ndim ~= 3 or p:size(1) ~= p:size(2) then misuse("dcr_loss: p must be (B, B, D), got (%s)", shape(p)) end
  tau, q, r = tau or 0.1, derived.unit(flat(q)), derived.unit(flat(r))
  if shape(q) ~= shape(r) or q:size(1) ~= p:size(1) or q:size(2) ~= p:size(3) then
    misuse("dcr_loss: p is (%s), so q and r must be (%dx%d); they are (%s) and (%s)", shape(p), p:size(1), p:size(3),
           shape(q), shape(r))
  end
  local own = derived.unit(p:diagonal():t())                                    -- (B, D)
  local length = p:square():sum(3):maximum(1e-24):rsqrt()                       -- (B, B)
  local s_p = p:matmul(own:unsqueeze(3)):squeeze(3) * length                    -- (B, B)
  local s = core.concat(2, derived.dot(own, q, 2, true), derived.dot(own, r, 2, true), derived.off_diagonal(s_p)) / tau
  local positive = s:slice(2, 1, 2):sum(2) * 0.5
  return (s:logsumexp(2) - positive):mean(), s
end

---REPA: hidden states of a denoiser, projected, brought into line with what a frozen encoder says of the clean image.
---    L = -1/(B N) sum_bn <z_bn, y_bn> / (|z_bn| |y_bn|)
---EQ: Yu et al. 2024, arXiv:2410.06940, eq. 8.  The encoder's features are a constant.
---@param z Tensor (B, D) or (B, N, D) projected hidden states
---@param y Tensor of the same shape: features of the clean images
---@return Tensor scalar in [-1, 1]
function contrastive.repa_loss(z, y)
  if not core.is_tensor(z) or not core.is_tensor(y) or shape(z) ~= shape(y) then
    misuse("repa_loss: states and features must have one shape, got (%s) and (%s)",
           core.is_tensor(z) and shape(z) or type(z), core.is_tensor(y) and shape(y) or type(y))
  end
  return -derived.cosine_similarity(z, y:detach(), -1):mean()
end

return contrastive
