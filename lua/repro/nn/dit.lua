--- Diffusion transformer with adaLN-Zero, for images and volumes.
--- Source: Peebles, Xie 2023, arXiv:2212.09748, sec. 3.2; in three dimensions Mo et al. 2023, arXiv:2307.01831.

local Module = require "repro.nn.module"
local attention = require "repro.nn.attention"
local core = require "repro.core"
local embedding = require "repro.nn.embedding"
local initial = require "repro.nn.initial"
local linear = require "repro.nn.linear"
local modulated = require "repro.nn.modulated"
local patches = require "repro.nn.patches"
local misuse = require "repro.misuse"
local options = require "repro.options"

local layers = {}

---Widths, depths and heads of the paper's models (table 1 there).
layers.dit_sizes = {
  S = { width = 384, depth = 12, heads = 6 },
  B = { width = 768, depth = 12, heads = 12 },
  L = { width = 1024, depth = 24, heads = 16 },
  XL = { width = 1152, depth = 28, heads = 16 },
}

---x + g_1 attention((1 + s_1) N(x) + b_1), x + g_2 mlp((1 + s_2) N(x) + b_2), all six linear in the embedding and
---0 at first, so that the block starts as the identity.
---    nn.DiTBlock(d, heads, condition, {mlp_ratio = 4, mlp = "gelu"|"swiglu", norm = "layer"|"rms", qk_norm = false,
---                                      window = nil, generator = nil})
---window = {grid = {8, 8, 8}, size = 4}: tokens of a grid attend within windows of size^k.
---@class DiTBlock: Module
local DiTBlock = Module.class "DiTBlock"
layers.DiTBlock = DiTBlock

function DiTBlock:init(d, heads, condition, given)
  local o = options("DiTBlock", given, { mlp_ratio = 4, mlp = "gelu", norm = "layer", qk_norm = false,
                                         window = false, generator = false })
  local weights = { init = "xavier", generator = o.generator }
  self.window = o.window
  self.norm1 = modulated.norm(d, o.norm)
  self.attention = attention.MultiheadAttention(d, heads, { qk_norm = o.qk_norm, init = "xavier",
                                                            generator = o.generator })
  self.norm2 = modulated.norm(d, o.norm)
  self.mlp = attention.feed_forward(d, math.floor(d * o.mlp_ratio), o.mlp, weights)
  self.modulation = linear.Linear(condition, 6 * d, { init = "zeros" })
end

-- Attention of all tokens, or of those of each window.
local function attend(self, x, rotary)
  local window = self.window
  if not window then return (self.attention(x, nil, nil, nil, rotary)) end
  local y = self.attention(patches.to_windows(x, window.grid, window.size))
  return patches.from_windows(y, window.grid, window.size, x:size(1))
end

---@param x Tensor (B, N, d)
---@param e Tensor (B, condition), after the activation
---@param rotary? table angles by position
---@return Tensor (B, N, d)
function DiTBlock:forward(x, e, rotary)
  local b1, s1, g1, b2, s2, g2 = modulated.parts(self.modulation, e, 6)
  local h = attend(self, modulated.apply(self.norm1(x), s1, b1), rotary)
  x = x:addcmul(h, g1)
  return x:addcmul(self.mlp(modulated.apply(self.norm2(x), s2, b2)), g2)
end

---Patches, fixed sine positions, blocks modulated by time and condition, a modulated linear layer back to patches.
---    nn.DiT{size = 32, patch = 2, channels = 4, out = channels, dims = 2, width = 384, depth = 12, heads = 6,
---           mlp_ratio = 4, classes = nil, condition = nil, time_scale = 1, registers = 0, rotary = false,
---           mlp = "gelu", norm = "layer", qk_norm = false, window = nil, window_every = 3, generator = nil}
---model = "S" (B, L, XL) sets width, depth and heads as in the paper.
---classes: number of labels; label classes + 1 means "none", for classifier-free guidance.
---condition: width of a vector that a linear layer adds to the embedding.
---time_scale multiplies t before the sinusoids (1000 for t in [0, 1]).
---registers: tokens that are learned, attended to and dropped; rotary: positions turn queries and keys as well.
---window: side of the windows within which the tokens of every window_every-th block attend, from the first (Mo et al. 2023).
---Weights are Xavier uniform, embeddings N(0, 0.02^2), modulations and the last layer 0.
---@class DiT: Module
local DiT = Module.class "DiT"
layers.DiT = DiT

local defaults = { size = 32, patch = 2, channels = 4, out = false, dims = 2, width = 384, depth = 12, heads = 6,
  mlp_ratio = 4, classes = false, condition = false, time_scale = 1, registers = 0, rotary = false, mlp = "gelu",
  norm = "layer", qk_norm = false, window = false, window_every = 3, model = false, generator = false }

local function with_model(given)
  if not (type(given) == "table" and given.model) then return given end
  local sizes = layers.dit_sizes[given.model]
  if not sizes then misuse("DiT: model must be S, B, L or XL, got %s", tostring(given.model)) end
  local merged = {}
  for key, value in pairs(given) do merged[key] = value end
  for key, value in pairs(sizes) do if merged[key] == nil then merged[key] = value end end
  return merged
end

-- Learned tokens ahead of the patches, and angles that leave them unturned.
local function init_registers(self, o, grid)
  if o.registers > 0 then
    self.registers = initial.normal({ 1, o.registers, o.width }, 0.02, o.generator):requires_grad_()
  end
  if not o.rotary then return end
  local cos, sin = embedding.rotary_angles(grid, o.width // o.heads)
  if o.registers > 0 then
    cos = core.concat(1, core.ones(o.registers, cos:size(2)), cos)
    sin = core.concat(1, core.zeros(o.registers, sin:size(2)), sin)
  end
  self:buffer("rotary_cos", cos)
  self:buffer("rotary_sin", sin)
end

-- The windows of a grid of tokens, where its sides are multiples of a window's.
local function window_of(o, grid)
  if not o.window then return nil end
  if o.rotary or o.registers > 0 then misuse "DiT: windows go with neither rotary positions nor registers" end
  for _, side in ipairs(grid) do
    if side % o.window ~= 0 then misuse("DiT: %d tokens along an axis do not divide into windows of %d", side, o.window) end
  end
  return { grid = grid, size = o.window }
end

function DiT:init(given)
  local o = options("DiT", with_model(given), defaults)
  local axes, grid = patches.patch_grid(o.size, o.patch, o.dims)
  local d, generator = o.width, o.generator
  self.axes, self.grid, self.patch, self.out, self.n_registers = axes, grid, o.patch, o.out or o.channels, o.registers
  self.classes = o.classes
  self.patches = patches.PatchEmbedding(o.channels, o.patch, d,
                                        { dims = #grid, init = "xavier", generator = generator })
  self:buffer("position", embedding.grid_positions(grid, d))
  init_registers(self, o, grid)
  self.time = embedding.TimeEmbedding(d, { features = 256, scale = o.time_scale, init = 0.02, generator = generator })
  if o.classes then self.label = linear.Embedding(o.classes + 1, d, { std = 0.02, generator = generator }) end
  if o.condition then self.condition = linear.Linear(o.condition, d, { init = 0.02, generator = generator }) end
  self.blocks = {}
  local window = window_of(o, grid)
  for i = 1, o.depth do
    self.blocks[i] = DiTBlock(d, o.heads, d, { mlp_ratio = o.mlp_ratio, mlp = o.mlp, norm = o.norm, qk_norm = o.qk_norm,
      window = (i - 1) % o.window_every == 0 and window or nil, generator = generator })
  end
  modulated.init_last(self, d, self.patches.fc.n_in // o.channels * self.out, o.norm)
end

---silu of the sum of the embeddings of time, label and condition.
---@param t Tensor (B)
---@param y? Tensor int labels (B), or (B, condition)
---@return Tensor (B, width)
function DiT:embed(t, y)
  local e = self.time(t)
  if self.label then
    if not y then misuse("%s: labels are missing; label %d means none", self:describe(), self.classes + 1) end
    e = e + self.label(y)
  elseif self.condition and y then
    e = e + self.condition(y)
  end
  return e:silu()
end

---@param x Tensor (B, channels, size, ...)
---@param t Tensor (B)
---@param y? Tensor int labels (B), or a condition (B, condition)
---@param tap? integer depth of the block whose tokens are wanted
---@return Tensor out (B, out, size, ...)
---@return Tensor? tokens (B, N, width) after block `tap`
function DiT:forward(x, t, y, tap)
  self:expect(x, 3, self.axes[1])
  local e, tapped = self:embed(t, y), nil
  local tokens = self.patches(x) + self.position
  local r = self.n_registers
  if r > 0 then tokens = core.concat(2, self.registers:expand(x:size(1), -1, -1), tokens) end
  local rotary = self.rotary_cos and { cos = self.rotary_cos, sin = self.rotary_sin } or nil
  for i, block in ipairs(self.blocks) do
    tokens = block(tokens, e, rotary)
    if i == tap then tapped = r > 0 and tokens:slice(2, r + 1, -1) or tokens end
  end
  if r > 0 then tokens = tokens:slice(2, r + 1, -1) end
  return patches.unpatchify(modulated.last(self, tokens, e), self.patch, self.grid, self.out), tapped
end

return layers
