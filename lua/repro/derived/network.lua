--- Derived operations that layers are made of: normalisation, dropout, attention.

local core = require "repro.core"
local misuse = require "repro.misuse"

local network = {}

-------------------------------------------------------------------------------------------- normalisation

---bias + x weight, either of which may be absent.
local function affine(x, weight, bias)
  if weight and bias then return core.addcmul(bias, x, weight) end
  if weight then return x * weight end
  return bias and x + bias or x
end

---y = (x - mean) / sqrt(var + eps) weight + bias over the last n_dims dimensions of each example.
---Source: Ba, Kiros, Hinton 2016, arXiv:1607.06450, eq. 3-4.
---@param x Tensor (..., features)
---@param n_dims? integer default 1
---@param weight? Tensor (features)
---@param bias? Tensor (features)
---@param eps? number default 1e-5
---@return Tensor
function network.layer_norm(x, n_dims, weight, bias, eps)
  return affine(x:standardize(n_dims or 1, eps or 1e-5), weight, bias)
end

---A per-channel vector (C) shaped to broadcast with (B, C, ...) of ndim dimensions.
local function per_channel(v, ndim)
  if not v or ndim == 2 then return v end
  local shape = { v:size(1) }
  for i = 2, ndim - 1 do shape[i] = 1 end
  return v:reshape(shape)
end

---Standardised over each of `groups` groups of channels of each example, then scaled per channel.
---Source: Wu, He 2018, arXiv:1803.08494, eq. 1-2, 6.
---@param x Tensor (B, C, ...)
---@param groups integer divides C
---@param weight? Tensor (C)
---@param bias? Tensor (C)
---@param eps? number default 1e-5
---@return Tensor
function network.group_norm(x, groups, weight, bias, eps)
  local shape, ndim = x.shape, x.ndim
  if shape[2] % groups ~= 0 then misuse("group_norm: %d channels cannot form %d equal groups", shape[2], groups) end
  local y = x:reshape(shape[1], groups, -1):standardize(1, eps or 1e-5):reshape(shape)
  return affine(y, per_channel(weight, ndim), per_channel(bias, ndim))
end

---running = (1 - momentum) running + momentum batch, in place.
local function track(running, batch, momentum)
  running:mul_(1 - momentum):add_(batch:reshape(-1), momentum)
end

---Standardised per channel over the batch (training) or with running statistics.
---Training moves the running statistics, in place: running = (1 - momentum) running + momentum batch, the variance
---with divisor n - 1 there and n in the output.  Source: Ioffe, Szegedy 2015, arXiv:1502.03167, alg. 1.
---@param x Tensor (B, C, ...)
---@param running_mean? Tensor (C)
---@param running_var? Tensor (C)
---@param weight? Tensor (C)
---@param bias? Tensor (C)
---@param training? boolean default false
---@param momentum? number default 0.1
---@param eps? number default 1e-5
---@return Tensor
function network.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)
  local ndim = x.ndim
  weight, bias, eps = per_channel(weight, ndim), per_channel(bias, ndim), eps or 1e-5
  if not training then
    local scale = (per_channel(running_var, ndim) + eps):rsqrt()
    if weight then scale = scale * weight end
    return affine(x - per_channel(running_mean, ndim), scale, bias)
  end
  local dims = { 1 }
  for i = 3, ndim do dims[#dims + 1] = i end
  local n = x:numel() // x:size(2)
  if n < 2 then misuse("batch_norm: training needs more than one value per channel, got shape (%s)",
                     table.concat(x.shape, "x")) end
  local mean = x:mean(dims, true)
  local centred = x - mean
  local var = centred:square():mean(dims, true)
  if running_mean then
    core.no_grad(function()
      track(running_mean, mean:detach(), momentum or 0.1)
      track(running_var, var:detach() * (n / (n - 1)), momentum or 0.1)
    end)
  end
  local scale = (var + eps):rsqrt()
  if ndim > 2 then scale = scale:squeeze(1) end
  return affine(centred, weight and scale * weight or scale, bias)
end

---------------------------------------------------------------------------------------- dropout, attention

---Training: each element is 0 with probability p and x / (1 - p) otherwise; else x itself.
---Source: Srivastava et al. 2014 (JMLR 15), with the scale moved from testing to training.
---@param x Tensor
---@param p? number default 0.5
---@param training? boolean default true
---@param generator? Generator default: the default generator
---@return Tensor
function network.dropout(x, p, training, generator)
  p = p or 0.5
  if not (p >= 0 and p <= 1) then misuse("dropout: p = %g lies outside [0, 1]", p) end
  if training == false or p == 0 then return x end
  if p == 1 then return x * 0 end
  local shape = x.shape
  local keep = generator and generator:bernoulli(1 - p, shape) or core.bernoulli(1 - p, shape)
  return x * (keep:to(x.dtype) * (1 / (1 - p)))
end

---y = softmax(scale Q K' + mask) V.  Source: Vaswani et al. 2017, arXiv:1706.03762, eq. 1.
---A mask of bool says with true which positions take part (a row without any gives NaN); another is added to scores.
---@param q Tensor (..., L, E)
---@param k Tensor (..., S, E)
---@param v Tensor (..., S, D)
---@param mask? Tensor broadcastable to (..., L, S)
---@param causal? boolean position i sees positions up to i; default false
---@param scale? number default 1/sqrt(E)
---@return Tensor y (..., L, D)
---@return Tensor weights (..., L, S), the softmax
function network.scaled_dot_product_attention(q, k, v, mask, causal, scale)
  local scores = (q * (scale or 1 / math.sqrt(q:size(-1)))):matmul(k:transpose(-2, -1))
  if causal then
    local rows, columns = scores:size(-2), scores:size(-1)
    local seen = core.arange(1, columns, 1, "int32"):le(core.arange(1, rows, 1, "int32"):unsqueeze(2))
    scores = core.where(seen, scores, -math.huge)
  end
  if mask then
    scores = mask.dtype == "bool" and core.where(mask, scores, -math.huge) or scores + mask
  end
  local weights = scores:softmax(-1)
  return weights:matmul(v), weights
end

return network
