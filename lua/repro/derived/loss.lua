--- Derived operations that measure: losses and divergences.  `reduction` is "mean" (default), "sum" or "none".

local misuse = require "repro.misuse"

local loss = {}

local function reduced(x, reduction)
  if reduction == nil or reduction == "mean" then return x:mean() end
  if reduction == "sum" then return x:sum() end
  if reduction == "none" then return x end
  misuse("reduction must be \"mean\", \"sum\" or \"none\", got %s", tostring(reduction))
end

local function same_shape(name, x, y)
  local a, b = table.concat(x.shape, "x"), table.concat(y.shape, "x")
  if a ~= b then misuse("%s: prediction (%s) and target (%s) differ in shape", name, a, b) end
end

---L = mean (x - y)^2.
---@param x Tensor
---@param y Tensor of the same shape
---@param reduction? string
---@return Tensor
function loss.mse_loss(x, y, reduction)
  same_shape("mse_loss", x, y)
  return reduced((x - y):square(), reduction)
end

---L = mean |x - y|.
---@param x Tensor
---@param y Tensor of the same shape
---@param reduction? string
---@return Tensor
function loss.l1_loss(x, y, reduction)
  same_shape("l1_loss", x, y)
  return reduced((x - y):abs(), reduction)
end

---L = -mean sum_c q_c ln softmax(x)_c; q is 1 at the target and 0 elsewhere, or, with smoothing e,
---q = (1 - e) onehot + e / C.
---@param logits Tensor (B, C) or (B, C, ...)
---@param target Tensor int (B) or (B, ...) with classes from 1, or float probabilities of the shape of logits
---@param smoothing? number default 0
---@param reduction? string
---@return Tensor
function loss.cross_entropy(logits, target, smoothing, reduction)
  if logits.ndim < 2 then misuse "cross_entropy: logits must be (B, C) or (B, C, ...); unsqueeze a single example" end
  local log_p = logits:log_softmax(2)
  local nll
  if target.dtype == "float32" or target.dtype == "float64" then
    same_shape("cross_entropy", logits, target)
    nll = -(log_p * target):sum(2)
  elseif target.ndim ~= logits.ndim - 1 then
    misuse("cross_entropy: logits (%s) need a target of %d dimensions, got (%s)", table.concat(logits.shape, "x"),
         logits.ndim - 1, table.concat(target.shape, "x"))
  else
    nll = -log_p:gather(2, target:unsqueeze(2)):squeeze(2)
  end
  if smoothing and smoothing ~= 0 then nll = nll * (1 - smoothing) - log_p:mean(2) * smoothing end
  return reduced(nll, reduction)
end

---L = mean [ln(1 + e^x) - x y]: the cross-entropy of y with sigmoid(x), from the logit x.
---@param logits Tensor
---@param target Tensor of the same shape, in [0, 1]
---@param reduction? string
---@return Tensor
function loss.bce_with_logits(logits, target, reduction)
  same_shape("bce_with_logits", logits, target)
  return reduced(logits:softplus() - logits * target, reduction)
end

---KL(N(mu, e^s) || N(mu2, e^s2)) = 1/2 sum_d [s2 - s - 1 + (e^s + (mu - mu2)^2) / e^s2], per row.
---Source for mu2 = s2 = 0: Kingma, Welling 2014, arXiv:1312.6114, app. B.
---@param mu Tensor (..., D)
---@param s Tensor (..., D) logarithm of the variance
---@param mu2? Tensor default 0
---@param s2? Tensor default 0
---@return Tensor (...)
function loss.kl_normal(mu, s, mu2, s2)
  local distance = (mu2 and mu - mu2 or mu):square() + s:exp()
  local terms = s2 and distance * (-s2):exp() - (s - s2) or distance - s
  return (terms - 1):sum(-1) * 0.5
end

---InfoNCE: each query's positive is the key of its row; the other keys of the batch are negatives.
---    L = -1/B sum_i ln [ e^(s_ii) / sum_j e^(s_ij) ],  s_ij = <q_i, k_j> / (|q_i| |k_j| tau)
---Source: van den Oord et al. 2018, arXiv:1807.03748, eq. 4.
---@param q Tensor (B, D)
---@param k Tensor (B, D), or (M, D) with M >= B, the rest being further negatives
---@param tau? number|Tensor temperature, default 0.07
---@return Tensor scalar
function loss.info_nce(q, k, tau)
  if q.ndim ~= 2 or k.ndim ~= 2 or q:size(2) ~= k:size(2) or k:size(1) < q:size(1) then
    misuse("info_nce: queries (B, D) and keys (B or more, D) are needed, got (%s) and (%s)",
         table.concat(q.shape, "x"), table.concat(k.shape, "x"))
  end
  local s = q:unit():matmul(k:unit():t()) / (tau or 0.07)
  return (s:logsumexp(2) - s:diagonal()):mean()
end

return loss
