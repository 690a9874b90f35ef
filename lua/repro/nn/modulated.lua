--- adaLN: normalised tokens that are scaled and shifted by what is linear in an embedding, and the last layer of networks of such
--- blocks.  EQ: Peebles, Xie 2023, arXiv:2212.09748, sec. 3.2

local linear = require "repro.nn.linear"
local norm = require "repro.nn.norm"

local modulated = {}

---A norm without weights of its own.
---@param d integer
---@param kind? "layer"|"rms"
---@return Module
function modulated.norm(d, kind)
  if kind == "rms" then return norm.RMSNorm(d, { affine = false }) end
  return norm.LayerNorm(d, { affine = false, eps = 1e-6 })
end

---The parts of fc(e) (B, n d) as n tensors (B, 1, d).
---@param fc Module
---@param e Tensor (B, condition)
---@param n integer
---@return Tensor ...
function modulated.parts(fc, e, n) return fc(e):unsqueeze(2):chunk(n, -1) end

---(1 + scale) x + shift.
---@param x Tensor (B, N, d)
---@param scale Tensor (B, 1, d)
---@param shift Tensor (B, 1, d)
---@return Tensor (B, N, d)
function modulated.apply(x, scale, shift) return shift:addcmul(x, scale + 1) end

---Gives a network its last layer, 0 at first: fields last_norm, last_modulation, last.
---@param net Module
---@param d integer width of tokens and embedding
---@param n_out integer
---@param kind? "layer"|"rms"
function modulated.init_last(net, d, n_out, kind)
  net.last_norm = modulated.norm(d, kind)
  net.last_modulation = linear.Linear(d, 2 * d, { init = "zeros" })
  net.last = linear.Linear(d, n_out, { init = "zeros" })
end

---@param net Module of init_last
---@param tokens Tensor (B, N, d)
---@param e Tensor (B, d)
---@return Tensor (B, N, n_out)
function modulated.last(net, tokens, e)
  local shift, scale = modulated.parts(net.last_modulation, e, 2)
  return net.last(modulated.apply(net.last_norm(tokens), scale, shift))
end

return modulated
