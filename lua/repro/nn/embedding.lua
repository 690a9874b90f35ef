--- Embeddings of times and positions.

local Module = require "repro.nn.module"
local core = require "repro.core"
local linear = require "repro.nn.linear"
local initial = require "repro.nn.initial"
local misuse = require "repro.misuse"
local options = require "repro.options"
local exact = core.math

local layers = {}

---(sin or cos first) of the outer product of t and the frequencies, side by side.
local function waves(t, frequency)
  local angle = t:to(frequency.dtype):reshape(-1, 1) * frequency
  return angle:cos(), angle:sin()
end

---The geometric series 1, ..., max_period^(-(n-1)/n), double precision.
local function frequencies(n, max_period)
  local list, rate = {}, exact.log(max_period) / n
  for i = 1, n do list[i] = exact.exp(-rate * (i - 1)) end
  return list
end

---e = (cos w_1 t, ..., cos w_h t, sin w_1 t, ..., sin w_h t), w_i = max_period^(-(i-1)/h), h = d / 2.
---Source: Vaswani et al. 2017, arXiv:1706.03762, sec. 3.5, in the order of Ho et al. 2020.
---    nn.SinusoidalEmbedding(d, {max_period = 10000, scale = 1}); scale multiplies t, for times in [0, 1].
---@class SinusoidalEmbedding: Module
local SinusoidalEmbedding = Module.class "SinusoidalEmbedding"
layers.SinusoidalEmbedding = SinusoidalEmbedding

function SinusoidalEmbedding:init(d, given)
  local o = options("SinusoidalEmbedding", given, { max_period = 10000, scale = 1 })
  if d % 2 ~= 0 then misuse("SinusoidalEmbedding: width %d is odd", d) end
  self.d = d
  local list = frequencies(d // 2, o.max_period)
  for i, w in ipairs(list) do list[i] = w * o.scale end
  self:buffer("frequency", core.tensor(list))
end

---@param t Tensor (B)
---@return Tensor (B, d)
function SinusoidalEmbedding:forward(t)
  return core.concat(2, waves(t, self.frequency))
end

---e = (sin 2 pi w_i t, cos 2 pi w_i t), w_i ~ N(0, scale^2), fixed.
---Source: Tancik et al. 2020, arXiv:2006.10739; for time Song et al. 2021, arXiv:2011.13456.
---    nn.FourierEmbedding(d, {scale = 16, generator = nil})
---@class FourierEmbedding: Module
local FourierEmbedding = Module.class "FourierEmbedding"
layers.FourierEmbedding = FourierEmbedding

function FourierEmbedding:init(d, given)
  local o = options("FourierEmbedding", given, { scale = 16, generator = false })
  if d % 2 ~= 0 then misuse("FourierEmbedding: width %d is odd", d) end
  self.d = d
  self:buffer("frequency", initial.normal({ d // 2 }, 2 * math.pi * o.scale, o.generator))
end

---@param t Tensor (B)
---@return Tensor (B, d)
function FourierEmbedding:forward(t)
  local cos, sin = waves(t, self.frequency)
  return core.concat(2, sin, cos)
end

---An embedding of t followed by an MLP: Linear, SiLU, Linear.
---    nn.TimeEmbedding(width, {features = width, kind = "sinusoidal"|"fourier", max_period = 10000, scale = nil,
---                             hidden = width, init = "kaiming", generator = nil})
---@class TimeEmbedding: Module
local TimeEmbedding = Module.class "TimeEmbedding"
layers.TimeEmbedding = TimeEmbedding

function TimeEmbedding:init(width, given)
  local o = options("TimeEmbedding", given, { features = width, kind = "sinusoidal", max_period = 10000,
    scale = false, hidden = width, init = "kaiming", generator = false })
  if o.kind == "fourier" then
    self.waves = FourierEmbedding(o.features, { scale = o.scale or 16, generator = o.generator })
  elseif o.kind == "sinusoidal" then
    self.waves = SinusoidalEmbedding(o.features, { max_period = o.max_period, scale = o.scale or 1 })
  else
    misuse("TimeEmbedding: kind must be \"sinusoidal\" or \"fourier\", got %s", tostring(o.kind))
  end
  local weights = { init = o.init, generator = o.generator }
  self.fc1 = linear.Linear(o.features, o.hidden, weights)
  self.fc2 = linear.Linear(o.hidden, width, weights)
end

---@param t Tensor (B)
---@return Tensor (B, width)
function TimeEmbedding:forward(t) return self.fc2(self.fc1(self.waves(t)):silu()) end

---Numbers of the angles p w_i of one position coordinate, cos and sin apart, appended to a row.
local function append_waves(row, p, list)
  for _, w in ipairs(list) do row[#row + 1] = exact.sin(p * w) end
  for _, w in ipairs(list) do row[#row + 1] = exact.cos(p * w) end
end

---Coordinates (from 0) of the cells of a grid in row-major order.
---@param grid integer[] cells along each axis
---@return integer[][]
local function cells(grid)
  local list = { {} }
  for _, n in ipairs(grid) do
    local longer = {}
    for _, cell in ipairs(list) do
      for p = 0, n - 1 do
        local c = table.move(cell, 1, #cell, 1, {})
        c[#c + 1] = p
        longer[#longer + 1] = c
      end
    end
    list = longer
  end
  return list
end

---Fixed positions of a grid: each axis gets an equal share of the width as sines and cosines; a remainder is 0.
---Source: the two-dimensional form of Vaswani et al. 2017, as used by Dosovitskiy et al. 2021 and Peebles, Xie 2023.
---@param grid integer[] cells along each axis
---@param width integer
---@return Tensor (prod grid, width)
function layers.grid_positions(grid, width)
  local list, rows = frequencies(width // (2 * #grid), 10000), {}
  for i, cell in ipairs(cells(grid)) do
    local row = {}
    for _, p in ipairs(cell) do append_waves(row, p, list) end
    for j = #row + 1, width do row[j] = 0 end
    rows[i] = row
  end
  return core.tensor(rows)
end

---Rotary positions of a grid: cos and sin (prod grid, e) of the angles by which pairs of a head's e features turn.
---Source: Su et al. 2021, arXiv:2104.09864, eq. 34, with an equal share of the pairs for each axis.
---@param grid integer[]
---@param e integer features per head, divisible by 2 #grid
---@return Tensor cos (N, e)
---@return Tensor sin (N, e)
function layers.rotary_angles(grid, e)
  if e % (2 * #grid) ~= 0 then misuse("rotary positions: %d features per head do not divide by %d", e, 2 * #grid) end
  local list, cos, sin = frequencies(e // (2 * #grid), 10000), {}, {}
  for i, cell in ipairs(cells(grid)) do
    local c, s = {}, {}
    for _, p in ipairs(cell) do
      for _, w in ipairs(list) do c[#c + 1], s[#s + 1] = exact.cos(p * w), exact.sin(p * w) end
    end
    table.move(c, 1, #c, #c + 1)
    table.move(s, 1, #s, #s + 1)
    cos[i], sin[i] = c, s
  end
  return core.tensor(cos), core.tensor(sin)
end

return layers
