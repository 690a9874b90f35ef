--- Conditioning and residual blocks: FiLM, ResidualMLP, ResidualConv.

local Module = require "repro.nn.module"
local activation = require "repro.nn.activation"
local conv = require "repro.nn.conv"
local linear = require "repro.nn.linear"
local norm = require "repro.nn.norm"
local misuse = require "repro.misuse"
local options = require "repro.options"

local layers = {}

---y = (1 + gamma(e)) x + beta(e), gamma and beta linear in e, channel by channel.
---Source: Perez et al. 2018, arXiv:1709.07871, eq. 2 (with gamma counted from 1).
---    nn.FiLM(d_condition, channels, {init = "kaiming", generator = nil}); init = "zeros" starts as the identity.
---x is (B, channels), (B, channels, ...) or, with tokens = true, (B, N, channels).
---@class FiLM: Module
local FiLM = Module.class "FiLM"
layers.FiLM = FiLM

function FiLM:init(d_condition, channels, given)
  local o = options("FiLM", given, { init = "kaiming", tokens = false, generator = false })
  self.channels, self.tokens = channels, o.tokens
  self.affine = linear.Linear(d_condition, 2 * channels, { init = o.init, generator = o.generator })
end

function FiLM:extra() return self.affine:extra() end

---@param x Tensor (B, C, ...)
---@param e Tensor (B, d_condition)
---@return Tensor of x's shape
function FiLM:forward(x, e)
  local parameters, ndim = self.affine(e), x.ndim
  if ndim > 2 then
    local shape = { parameters:size(1), 2 * self.channels }
    if self.tokens then table.insert(shape, 2, 1) else for i = 3, ndim do shape[i] = 1 end end
    parameters = parameters:reshape(shape)
  end
  local gamma, beta = parameters:chunk(2, self.tokens and -1 or 2)
  return beta:addcmul(x, gamma + 1)
end

---Options of a residual block's modulation by an embedding e: "film" after the second norm, "add" to the hidden layer.
local function check_modulate(who, o)
  if o.modulate ~= "film" and o.modulate ~= "add" then
    misuse("%s: modulate must be \"film\" or \"add\", got %s", who, tostring(o.modulate))
  end
end

---y = x + fc2(act(M(fc1(act(LN(x))), e))), M the modulation: "film": (1 + gamma(e)) LN(h) + beta(e); "add": h + W e.
---Without a condition M is the identity.
---    nn.ResidualMLP(d, {hidden = d, condition = nil, modulate = "film", activation = "silu", dropout = 0,
---                       init = "kaiming", last_init = "zeros", generator = nil})
---@class ResidualMLP: Module
local ResidualMLP = Module.class "ResidualMLP"
layers.ResidualMLP = ResidualMLP

function ResidualMLP:init(d, given)
  local o = options("ResidualMLP", given, { hidden = d, condition = false, modulate = "film", activation = "silu",
    dropout = 0, init = "kaiming", last_init = "zeros", generator = false })
  check_modulate("ResidualMLP", o)
  local weights = { init = o.init, generator = o.generator }
  self.activation = activation(o.activation)
  self.norm = norm.LayerNorm(d)
  self.fc1 = linear.Linear(d, o.hidden, weights)
  if o.condition and o.modulate == "film" then
    self.norm2 = norm.LayerNorm(o.hidden, { affine = false })
    self.film = FiLM(o.condition, o.hidden, weights)
  elseif o.condition then
    self.add = linear.Linear(o.condition, o.hidden, weights)
  end
  self.dropout = linear.Dropout(o.dropout, { generator = o.generator })
  self.fc2 = linear.Linear(o.hidden, d, { init = o.last_init, generator = o.generator })
end

---@param x Tensor (B, d)
---@param e? Tensor (B, condition)
---@return Tensor (B, d)
function ResidualMLP:forward(x, e)
  local h = self.fc1(self.activation(self.norm(x)))
  if self.film then h = self.film(self.norm2(h), e) elseif self.add then h = h + self.add(e) end
  return x + self.fc2(self.dropout(self.activation(h)))
end

---The largest number of groups up to `most` that divides the channels.
local function group_count(channels, most)
  local groups = math.min(most, channels)
  while channels % groups ~= 0 do groups = groups - 1 end
  return groups
end
layers.group_count = group_count

---y = (S(x) + conv2(drop(silu(M(conv1(silu(GN(x))), e))))) skip_scale, S the identity or a 1x1 convolution, M as in
---ResidualMLP with GroupNorm.
---Sources: Ho et al. 2020, arXiv:2006.11239, app. B; Song et al. 2021, arXiv:2011.13456, app. H.
---    nn.ResidualConv(c_in, c_out, {condition = nil, modulate = "film", groups = 32, dropout = 0, skip_scale = 1,
---                                  last_init = "zeros", generator = nil})
---@class ResidualConv: Module
local ResidualConv = Module.class "ResidualConv"
layers.ResidualConv = ResidualConv

function ResidualConv:init(c_in, c_out, given)
  local o = options("ResidualConv", given, { condition = false, modulate = "film", groups = 32, dropout = 0,
    skip_scale = 1, last_init = "zeros", generator = false })
  check_modulate("ResidualConv", o)
  local film = o.condition and o.modulate == "film"
  self.norm1 = norm.GroupNorm(group_count(c_in, o.groups), c_in)
  self.conv1 = conv.Conv2d(c_in, c_out, 3, { padding = 1, generator = o.generator })
  if film then
    self.film = FiLM(o.condition, c_out, { generator = o.generator })
  elseif o.condition then
    self.add = linear.Linear(o.condition, c_out, { generator = o.generator })
  end
  self.norm2 = norm.GroupNorm(group_count(c_out, o.groups), c_out)
  self.dropout = linear.Dropout(o.dropout, { generator = o.generator })
  self.conv2 = conv.Conv2d(c_out, c_out, 3, { padding = 1, init = o.last_init, generator = o.generator })
  if c_in ~= c_out then self.skip = conv.Conv2d(c_in, c_out, 1, { generator = o.generator }) end
  self.skip_scale = o.skip_scale
end

---@param x Tensor (B, c_in, H, W)
---@param e? Tensor (B, condition)
---@return Tensor (B, c_out, H, W)
function ResidualConv:forward(x, e)
  local h = self.conv1(self.norm1(x):silu())
  if self.add then h = h + self.add(e):unsqueeze(3):unsqueeze(4) end
  h = self.norm2(h)
  if self.film then h = self.film(h, e) end
  local y = self.conv2(self.dropout(h:silu())) + (self.skip and self.skip(x) or x)
  return self.skip_scale == 1 and y or y * self.skip_scale
end

return layers
