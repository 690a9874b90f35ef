--- Layers on vectors: Linear, Embedding, Dropout, Sequential, MLP, SwiGLU.

local Module = require "repro.nn.module"
local activation = require "repro.nn.activation"
local initial = require "repro.nn.initial"
local misuse = require "repro.misuse"
local options = require "repro.options"

local layers = {}

-------------------------------------------------------------------------------------------------- Linear

---y = x W' + b.
---    nn.Linear(n_in, n_out, {bias = true, init = "kaiming", generator = nil})
---Weight (n_out, n_in), bias (n_out); see initial.lua for init.
---@class Linear: Module
local Linear = Module.class "Linear"
layers.Linear = Linear

---@param n_in integer
---@param n_out integer
---@param given? {bias: boolean, init: string|number|function, generator: Generator}
function Linear:init(n_in, n_out, given)
  if math.type(n_in) ~= "integer" or math.type(n_out) ~= "integer" then
    misuse("Linear: two integers are needed, nn.Linear(n_in, n_out), got %s and %s", tostring(n_in), tostring(n_out))
  end
  local o = options("Linear", given, { bias = true, init = "kaiming", generator = false })
  self.n_in, self.n_out = n_in, n_out
  self.weight = initial.weight("Linear", o.init, { n_out, n_in }, n_in, n_out, o.generator)
  if o.bias then self.bias = initial.bias(o.init, n_out, n_in, o.generator) end
end

function Linear:extra() return self.n_in .. " -> " .. self.n_out end

---@param x Tensor (..., n_in)
---@return Tensor (..., n_out)
function Linear:forward(x)
  self:expect(x, -1, self.n_in)
  return x:linear(self.weight, self.bias)
end

----------------------------------------------------------------------------------------------- Embedding

---y = row index of a table, N(0, std^2) at first.
---    nn.Embedding(n, d, {std = 1, generator = nil})
---@class Embedding: Module
local Embedding = Module.class "Embedding"
layers.Embedding = Embedding

---@param n integer number of rows
---@param d integer width
---@param given? {std: number, generator: Generator}
function Embedding:init(n, d, given)
  local o = options("Embedding", given, { std = 1, generator = false })
  self.n, self.d = n, d
  self.weight = initial.weight("Embedding", o.std, { n, d }, d, n, o.generator)
end

function Embedding:extra() return self.n .. " x " .. self.d end

---@param index Tensor (...) int, from 1
---@return Tensor (..., d)
function Embedding:forward(index) return index:embedding(self.weight) end

------------------------------------------------------------------------------------------------- Dropout

---While training each element is 0 with probability p, else x / (1 - p).
---    nn.Dropout(p, {generator = nil})
---@class Dropout: Module
local Dropout = Module.class "Dropout"
layers.Dropout = Dropout

---@param p? number default 0.5
---@param given? {generator: Generator}
function Dropout:init(p, given)
  self.p, self.generator = p or 0.5, options("Dropout", given, { generator = false }).generator
end

function Dropout:extra() return ("p = %g"):format(self.p) end

function Dropout:forward(x)
  if not self.training or self.p == 0 then return x end
  return x:dropout(self.p, true, self.generator or nil)
end

---------------------------------------------------------------------------------------------- Sequential

---Parts one after the other; a part is a module, a function, or the name of an activation.
---    nn.Sequential{nn.Linear(2, 64), "silu", nn.Linear(64, 2)}
---@class Sequential: Module
local Sequential = Module.class "Sequential"
layers.Sequential = Sequential

---@param parts (Module|function|string)[]
function Sequential:init(parts)
  if type(parts) ~= "table" or Module.is_module(parts) then misuse "Sequential: pass one table, nn.Sequential{a, b}" end
  for i, part in ipairs(parts) do self[i] = Module.is_module(part) and part or activation(part) end
end

function Sequential:forward(x, ...)
  for i = 1, #self do x = self[i](x, ...) end
  return x
end

----------------------------------------------------------------------------------------------------- MLP

---Linear layers with an activation between them: widths {d_0, d_1, ..., d_n} give n layers.
---    nn.MLP({64, 128, 10}, {activation = "relu", dropout = 0, bias = true, init = "kaiming", last_init = init})
---@class MLP: Module
local MLP = Module.class "MLP"
layers.MLP = MLP

---@param widths integer[]
---@param given? table
function MLP:init(widths, given)
  local o = options("MLP", given, { activation = "relu", dropout = 0, bias = true, init = "kaiming",
                                    last_init = false, generator = false })
  if type(widths) ~= "table" or #widths < 2 then misuse "MLP: at least two widths are needed, nn.MLP{n_in, n_out}" end
  self.activation, self.layers = activation(o.activation), {}
  self.dropout = Dropout(o.dropout, { generator = o.generator })
  for i = 1, #widths - 1 do
    local init = i == #widths - 1 and o.last_init or o.init
    self.layers[i] = Linear(widths[i], widths[i + 1], { bias = o.bias, init = init, generator = o.generator })
  end
end

---@param x Tensor (..., widths[1])
---@param tap? integer hidden layer that is wanted as well, 1 .. n - 1
---@return Tensor (..., widths[#widths])
---@return Tensor? h (..., widths[tap + 1]) after the activation
function MLP:forward(x, tap)
  local linear, tapped = self.layers, nil
  for i = 1, #linear - 1 do
    x = self.dropout(self.activation(linear[i](x)))
    if i == tap then tapped = x end
  end
  if not tap then return linear[#linear](x) end
  if not tapped then misuse("%s: there is no hidden layer %s", self:describe(), tostring(tap)) end
  return linear[#linear](x), tapped
end

---y = W3 (silu(W1 x) * W2 x), W1 and W2 in one product.  Source: Shazeer 2020, arXiv:2002.05202, eq. 6.
---    nn.SwiGLU(d, hidden, {bias = true, init = "kaiming", generator = nil})
---@class SwiGLU: Module
local SwiGLU = Module.class "SwiGLU"
layers.SwiGLU = SwiGLU

function SwiGLU:init(d, hidden, given)
  local o = options("SwiGLU", given, { bias = true, init = "kaiming", generator = false })
  self.hidden = hidden
  self.up = Linear(d, 2 * hidden, o)
  self.down = Linear(hidden, d, o)
end

function SwiGLU:forward(x)
  local gate, value = self.up(x):chunk(2, -1)
  return self.down(gate:silu() * value)
end

return layers
