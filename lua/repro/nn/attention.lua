--- Attention and transformer blocks.

local Module = require "repro.nn.module"
local activation = require "repro.nn.activation"
local core = require "repro.core"
local linear = require "repro.nn.linear"
local norm = require "repro.nn.norm"
local misuse = require "repro.misuse"
local options = require "repro.options"

local layers = {}

---x turned by position: (x_i, x_{i+e/2}) by the angle whose cosine and sine stand in `rotary`.
local function turned(x, rotary)
  local half = x:size(-1) // 2
  local swapped = core.concat(-1, -x:slice(-1, half + 1, 2 * half), x:slice(-1, 1, half))
  return (x * rotary.cos):addcmul(swapped, rotary.sin)
end

---Attention with several heads; self-attention without a context, cross-attention with one.
---    nn.MultiheadAttention(d, heads, {context = nil, bias = true, qk_norm = false, init = "kaiming", last_init = init,
---                                     generator = nil})
---context is the width of the other sequence; qk_norm puts an RMSNorm on each head's queries and keys.
---Source: Vaswani et al. 2017, arXiv:1706.03762, sec. 3.2.2.
---@class MultiheadAttention: Module
local MultiheadAttention = Module.class "MultiheadAttention"
layers.MultiheadAttention = MultiheadAttention

function MultiheadAttention:init(d, heads, given)
  local o = options("MultiheadAttention", given, { context = false, bias = true, qk_norm = false, init = "kaiming",
    last_init = false, generator = false })
  if d % heads ~= 0 then misuse("MultiheadAttention: width %d does not divide into %d heads", d, heads) end
  self.d, self.heads = d, heads
  local weights = { bias = o.bias, init = o.init, generator = o.generator }
  if o.context then
    self.q = linear.Linear(d, d, weights)
    self.kv = linear.Linear(o.context, 2 * d, weights)
  else
    self.qkv = linear.Linear(d, 3 * d, weights)
  end
  if o.qk_norm then
    self.q_norm = norm.RMSNorm(d // heads)
    self.k_norm = norm.RMSNorm(d // heads)
  end
  self.out = linear.Linear(d, d, { bias = o.bias, init = o.last_init or o.init, generator = o.generator })
end

function MultiheadAttention:extra() return self.heads .. " heads of " .. self.d // self.heads end

---(B, L, n d) -> n tensors (B, heads, L, e), views.
local function split_heads(x, n, heads)
  local batch, length, width = x:size(1), x:size(2), x:size(3)
  local y = x:reshape(batch, length, n, heads, width // (n * heads)):permute(3, 1, 4, 2, 5)
  local parts = {}
  for i = 1, n do parts[i] = y:select(1, i) end
  return table.unpack(parts)
end

---@param x Tensor (B, L, d)
---@param context? Tensor (B, S, context) for cross-attention
---@param mask? Tensor broadcastable to (B, heads, L, S), see scaled_dot_product_attention
---@param causal? boolean
---@param rotary? {cos: Tensor, sin: Tensor} angles by position
---@return Tensor y (B, L, d)
---@return Tensor weights (B, heads, L, S)
function MultiheadAttention:forward(x, context, mask, causal, rotary)
  local q, k, v
  if self.qkv then
    q, k, v = split_heads(self.qkv(x), 3, self.heads)
  else
    if not context then misuse("%s: the context is missing", self:describe()) end
    q = split_heads(self.q(x), 1, self.heads)
    k, v = split_heads(self.kv(context), 2, self.heads)
  end
  if self.q_norm then q, k = self.q_norm(q), self.k_norm(k) end
  if rotary then q, k = turned(q, rotary), turned(k, rotary) end
  local y, weights = q:scaled_dot_product_attention(k, v, mask, causal)
  return self.out(y:transpose(2, 3):reshape(x:size(1), x:size(2), self.d)), weights
end

---The feed-forward part of a transformer block: "gelu" and other activations, or "swiglu".
---@param d integer
---@param hidden integer
---@param kind string
---@param weights table init and generator
---@return Module
local function feed_forward(d, hidden, kind, weights)
  if kind == "swiglu" then return linear.SwiGLU(d, hidden, weights) end
  return linear.MLP({ d, hidden, d }, { activation = activation(kind), init = weights.init,
                                        generator = weights.generator })
end
layers.feed_forward = feed_forward

---x + attention(LN(x)), [x + cross(LN(x), context),] x + mlp(LN(x)).
---    nn.TransformerBlock(d, heads, {mlp_ratio = 4, activation = "gelu", context = nil, dropout = 0, init = "kaiming",
---                                   generator = nil})
---Source: Dosovitskiy et al. 2021, arXiv:2010.11929, eq. 2-3 (norm first, after Vaswani et al. 2017).
---@class TransformerBlock: Module
local TransformerBlock = Module.class "TransformerBlock"
layers.TransformerBlock = TransformerBlock

function TransformerBlock:init(d, heads, given)
  local o = options("TransformerBlock", given, { mlp_ratio = 4, activation = "gelu", context = false, dropout = 0,
    init = "kaiming", generator = false })
  local weights = { init = o.init, generator = o.generator }
  self.norm1 = norm.LayerNorm(d)
  self.attention = layers.MultiheadAttention(d, heads, weights)
  if o.context then
    self.norm_context = norm.LayerNorm(d)
    self.cross = layers.MultiheadAttention(d, heads, { context = o.context, init = o.init, generator = o.generator })
  end
  self.norm2 = norm.LayerNorm(d)
  self.mlp = feed_forward(d, math.floor(d * o.mlp_ratio), o.activation, weights)
  self.dropout = linear.Dropout(o.dropout, { generator = o.generator })
end

---@param x Tensor (B, L, d)
---@param context? Tensor (B, S, context)
---@param mask? Tensor for the self-attention
---@param causal? boolean
---@return Tensor (B, L, d)
function TransformerBlock:forward(x, context, mask, causal)
  x = x + self.dropout((self.attention(self.norm1(x), nil, mask, causal)))
  if self.cross then x = x + self.dropout((self.cross(self.norm_context(x), context))) end
  return x + self.dropout(self.mlp(self.norm2(x)))
end

return layers
