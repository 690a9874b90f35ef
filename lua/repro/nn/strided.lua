--- A small convolutional encoder without residual sums, for experiments on two cores.

local Module = require "repro.nn.module"
local activation = require "repro.nn.activation"
local conv = require "repro.nn.conv"
local embedding = require "repro.nn.embedding"
local linear = require "repro.nn.linear"
local misuse = require "repro.misuse"
local options = require "repro.options"
local residual = require "repro.nn.residual"

local layers = {}

---Convolutions of stride 2, each halving the size (rounded up), a dense layer and a dense layer to the code; every hidden
---layer ends in an activation, before which, if `time` is given, FiLM by an embedding of t scales and shifts its channels.
---    nn.StridedEncoder{n_in = 3, size = 32, channels = {16, 32}, kernels = {3, 3}, hidden = 128, output = 128,
---                      activation = "silu", time = nil|"sinusoidal"|"fourier", time_scale = 1, embedding = 64, features = 16,
---                      generator = nil}
---kernels: odd sides of the convolutions, 3 where none is given.
---@class StridedEncoder: Module
local StridedEncoder = Module.class "StridedEncoder"
layers.StridedEncoder = StridedEncoder

function StridedEncoder:init(given)
  local o = options("StridedEncoder", given, { n_in = 3, size = 32, channels = { 16, 32 }, kernels = {}, hidden = 128,
    output = 128, activation = "silu", time = false, time_scale = 1, embedding = 64, features = 16, generator = false })
  self.size, self.act = o.size, activation(o.activation)
  local weights = { generator = o.generator }
  if o.time then
    self.waves = embedding.TimeEmbedding(o.embedding, { features = o.features, kind = o.time, scale = o.time_scale,
                                                        generator = o.generator })
  end
  local function film(width) return o.time and residual.FiLM(o.embedding, width, weights) or nil end
  local c, side, convs, films = o.n_in, o.size, {}, {}
  for i, width in ipairs(o.channels) do
    local kernel = o.kernels[i] or 3
    if kernel % 2 == 0 then misuse("StridedEncoder: a kernel of %d; the side must be odd", kernel) end
    convs[i] = conv.Conv2d(c, width, kernel, { stride = 2, padding = kernel // 2, generator = o.generator })
    films[i] = film(width)
    c, side = width, (side + 1) // 2
  end
  self.convs = convs
  self.films = films
  self.dense = linear.Linear(c * side * side, o.hidden, weights)
  if o.time then self.film = film(o.hidden) end
  self.last = linear.Linear(o.hidden, o.output, weights)
end

---What every layer makes of x, after its activation: (B, channels[i], h, w) of the convolutions, (B, hidden), (B, output).
---@param x Tensor (B, n_in, size, size)
---@param t? Tensor (B), where the encoder depends on time
---@return Tensor[] taps
function StridedEncoder:taps(x, t)
  self:expect(x, 3, self.size)
  local e, taps = self.waves and self.waves(t):silu(), {}
  for i, layer in ipairs(self.convs) do
    x = layer(x)
    x = self.act(e and self.films[i](x, e) or x)
    taps[i] = x
  end
  local h = self.dense(x:flatten(2))
  h = self.act(e and self.film(h, e) or h)
  local n = #taps
  taps[n + 1], taps[n + 2] = h, self.last(h)
  return taps
end

---@param x Tensor (B, n_in, size, size)
---@param t? Tensor (B), where the encoder depends on time
---@return Tensor code (B, output)
function StridedEncoder:forward(x, t)
  local taps = self:taps(x, t)
  return taps[#taps]
end

return layers
