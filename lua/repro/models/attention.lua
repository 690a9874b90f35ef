--- Attention with separate projections, as the published models name them.

local Module = require "repro.nn.module"
local linear = require "repro.nn.linear"

---(B, L, n e) -> (B, n, L, e).
local function split(x, heads)
  return x:reshape(x:size(1), x:size(2), heads, x:size(3) // heads):transpose(2, 3)
end

---softmax(Q K' / sqrt e) V with n heads of e features.  Source: Vaswani et al. 2017, arXiv:1706.03762, sec. 3.2.2.
---@param q Tensor (B, L, n e)
---@param k Tensor (B, S, n e)
---@param v Tensor (B, S, n e)
---@param heads integer n
---@param causal? boolean
---@return Tensor (B, L, n e)
local function attend(q, k, v, heads, causal)
  local y = split(q, heads):scaled_dot_product_attention(split(k, heads), split(v, heads), nil, causal)
  return y:transpose(2, 3):reshape(q.shape)
end

---Attention of Stable Diffusion: to_q, to_k, to_v, to_out.0; on itself or on a context.
---    Attention(d, heads, {context = d, bias = false, init, generator})
---@class Attention: Module
local Attention = Module.class "Attention"

function Attention:init(d, heads, o)
  local inner = { bias = o.bias or false, init = o.init, generator = o.generator }
  self.heads = heads
  self.to_q = linear.Linear(d, d, inner)
  self.to_k = linear.Linear(o.context or d, d, inner)
  self.to_v = linear.Linear(o.context or d, d, inner)
  self.to_out = { linear.Linear(d, d, { init = o.init, generator = o.generator }) }
end

---@param x Tensor (B, L, d)
---@param context? Tensor (B, S, context), default x
---@return Tensor (B, L, d)
function Attention:forward(x, context)
  context = context or x
  return self.to_out[1](attend(self.to_q(x), self.to_k(context), self.to_v(context), self.heads))
end

---The (B, C, H, W) of an image as tokens (B, H W, C), and back.
local function tokens(x) return x:flatten(3):transpose(2, 3) end
local function image(y, like) return y:transpose(2, 3):reshape(like.shape) end

return { Attention = Attention, attend = attend, tokens = tokens, image = image }
