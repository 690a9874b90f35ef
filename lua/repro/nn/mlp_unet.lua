--- The multilayer perceptron in the manner of a U-Net's blocks, for vectors.
--- Source: "Spectral bias in the learning dynamics of diffusion models" (Wang, Pehlevan 2025), app. I.2; the blocks
--- follow Song et al. 2021 and Karras et al. 2022, arXiv:2206.00364.

local Module = require "repro.nn.module"
local embedding = require "repro.nn.embedding"
local linear = require "repro.nn.linear"
local norm = require "repro.nn.norm"
local options = require "repro.options"

local layers = {}

---h = fc0(silu(LN(x))), (s, b) = W e, y = S(x) + fc1(silu((1 + s) LN(h) + b)), S the identity or a linear layer.
---    nn.MLPUNetBlock(d_in, d_out, d_embedding, {dropout = 0, last_init = "kaiming", generator = nil})
---@class MLPUNetBlock: Module
local MLPUNetBlock = Module.class "MLPUNetBlock"
layers.MLPUNetBlock = MLPUNetBlock

function MLPUNetBlock:init(d_in, d_out, d_embedding, given)
  local o = options("MLPUNetBlock", given, { dropout = 0, last_init = "kaiming", generator = false })
  local weights = { generator = o.generator }
  self.norm0 = norm.LayerNorm(d_in)
  self.fc0 = linear.Linear(d_in, d_out, weights)
  self.affine = linear.Linear(d_embedding, 2 * d_out, weights)
  self.norm1 = norm.LayerNorm(d_out)
  self.fc1 = linear.Linear(d_out, d_out, { init = o.last_init, generator = o.generator })
  if d_in ~= d_out then self.skip = linear.Linear(d_in, d_out, weights) end
  self.dropout = linear.Dropout(o.dropout, weights)
end

---@param x Tensor (B, d_in)
---@param e Tensor (B, d_embedding)
---@return Tensor (B, d_out)
function MLPUNetBlock:forward(x, e)
  local scale, shift = self.affine(e):chunk(2, 2)
  local h = self.norm1(self.fc0(self.norm0(x):silu()))
  h = shift:addcmul(h, scale + 1):silu()
  return self.fc1(self.dropout(h)) + (self.skip and self.skip(x) or x)
end

---`layers` - 1 blocks and a linear layer; t enters through Fourier features of standard deviation 1.
---    nn.MLPUNet(d, {layers = 5, hidden = 64, embedding = 64, scale = 1, dropout = 0, last_init = "kaiming",
---                   generator = nil})
---@class MLPUNet: Module
local MLPUNet = Module.class "MLPUNet"
layers.MLPUNet = MLPUNet

function MLPUNet:init(d, given)
  local o = options("MLPUNet", given, { layers = 5, hidden = 64, embedding = 64, scale = 1, dropout = 0,
                                        last_init = "kaiming", generator = false })
  self.embedding = embedding.FourierEmbedding(o.embedding, { scale = o.scale, generator = o.generator })
  self.blocks = {}
  for i = 1, o.layers - 1 do
    self.blocks[i] = MLPUNetBlock(i == 1 and d or o.hidden, o.hidden, o.embedding,
                                  { dropout = o.dropout, last_init = o.last_init, generator = o.generator })
  end
  self.last = linear.Linear(o.hidden, d, { generator = o.generator })
end

---@param x Tensor (B, d)
---@param t Tensor (B), such as ln(sigma) / 4
---@return Tensor (B, d)
function MLPUNet:forward(x, t)
  local e = self.embedding(t)
  for _, block in ipairs(self.blocks) do x = block(x, e) end
  return self.last(x)
end

return layers
