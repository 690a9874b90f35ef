--- Vision transformers as Hugging Face's ViTModel and ViTMAEModel name their weights, read as frozen featurizers.
--- Sources: Dosovitskiy et al. 2021, arXiv:2010.11929; He et al. 2022, arXiv:2111.06377.

local Module = require "repro.nn.module"
local attend = require "repro.models.attention".attend
local conv = require "repro.nn.conv"
local core = require "repro.core"
local initial = require "repro.nn.initial"
local layers = require "repro.nn.linear"
local misuse = require "repro.misuse"
local norm = require "repro.nn.norm"
local options = require "repro.options"
local outline = require "repro.models.weights".outline

local models = {}

-- A part that holds parts under the published names and nothing else.
local Group = Module.class "Group"
function Group:init(parts)
  for _, part in ipairs(parts) do self[part[1]] = part[2] end
end

local function dense(n_in, n_out, o) return Group { { "dense", layers.Linear(n_in, n_out, o) } } end

local Layer = Module.class "ViTLayer"

function Layer:init(c, o)
  local d, eps = c.width, { eps = c.eps }
  self.heads = c.heads
  local function square() return layers.Linear(d, d, o) end
  local inner = Group { { "query", square() }, { "key", square() }, { "value", square() } }
  self.attention = Group { { "attention", inner }, { "output", dense(d, d, o) } }
  self.intermediate = dense(d, c.hidden, o)
  self.output = dense(c.hidden, d, o)
  self.layernorm_before = norm.LayerNorm(d, eps)
  self.layernorm_after = norm.LayerNorm(d, eps)
end

-- The tokens after the layer, and its keys (B, L, width).
function Layer:forward(x)
  local h, qkv = self.layernorm_before(x), self.attention.attention
  local key = qkv.key(h)
  x = x + self.attention.output.dense(attend(qkv.query(h), key, qkv.value(h), self.heads))
  return x + self.output.dense(self.intermediate.dense(self.layernorm_after(x)):gelu()), key
end

local Embeddings = Module.class "ViTEmbeddings"

function Embeddings:init(c, o)
  if c.size % c.patch ~= 0 then misuse("ViTEncoder: images of %d pixels do not divide into patches of %d", c.size, c.patch) end
  local d, n = c.width, (c.size // c.patch) * (c.size // c.patch)
  self.cls_token = initial.weight("ViTEncoder", o.init, { 1, 1, d }, d, d, o.generator)
  self.position_embeddings = initial.weight("ViTEncoder", o.init, { 1, n + 1, d }, d, d, o.generator)
  self.patch_embeddings = Group { { "projection", conv.Conv2d(3, d, c.patch, { stride = c.patch, init = o.init,
                                                                               generator = o.generator }) } }
end

function Embeddings:forward(x)
  local patches = self.patch_embeddings.projection(x):flatten(3):transpose(2, 3)
  return core.concat(2, self.cls_token:expand(x:size(1), 1, -1), patches) + self.position_embeddings
end

---A vision transformer without its head; without arguments the ViT-H/14 of masked autoencoders.
---    rp.models.ViTEncoder{size = 224, patch = 14, width = 1280, depth = 32, heads = 16, hidden = 5120, eps = 1e-12,
---                         init = "outline", generator = nil}
---Weights: Hugging Face's facebook/vit-mae-huge (load with prefix = "vit."), or any model of the class ViTModel.  What a file
---holds beside the encoder (decoder, pooler, classifier) is left out.
---@class ViTEncoder: Module
local ViTEncoder = Module.class "ViTEncoder"
models.ViTEncoder = ViTEncoder
ViTEncoder.ignored_names = { "^decoder%.", "^pooler%.", "^classifier%." }

function ViTEncoder:init(given)
  local o = options("ViTEncoder", given, { size = 224, patch = 14, width = 1280, depth = 32, heads = 16, hidden = 5120,
                                           eps = 1e-12, init = "outline", generator = false })
  if o.width % o.heads ~= 0 then misuse("ViTEncoder: width %d does not divide into %d heads", o.width, o.heads) end
  local w = { init = outline(o.init), generator = o.generator }
  self.size, self.grid = o.size, o.size // o.patch
  self.embeddings = Embeddings(o, w)
  local list = {}
  for i = 1, o.depth do list[i] = Layer(o, w) end
  self.encoder = Group { { "layer", list } }
  self.layernorm = norm.LayerNorm(o.width, { eps = o.eps })
end

---@param x Tensor (B, 3, size, size), normalised as in training
---@return Tensor (B, width) the class token after the last norm
---@return Tensor (B, N, width) the patch tokens after it
function ViTEncoder:forward(x)
  self:expect(x, 3, self.size)
  x = self.embeddings(x)
  for _, layer in ipairs(self.encoder.layer) do x = layer(x) end
  x = self.layernorm(x)
  return x:select(2, 1), x:slice(2, 2, -1)
end

---The keys of the attention of every `step`-th layer as feature maps, as dense descriptors of an image.
---EQ: Amir et al. 2021, arXiv:2112.05814, sec. 3
---@param x Tensor (B, 3, size, size)
---@param step? integer default 8
---@return Tensor[] (B, width, grid, grid) each
function ViTEncoder:taps(x, step)
  self:expect(x, 3, self.size)
  local taps = {}
  x = self.embeddings(x)
  for i, layer in ipairs(self.encoder.layer) do
    local y, key = layer(x)
    x = y
    if i % (step or 8) == 0 then
      taps[#taps + 1] = key:slice(2, 2, -1):transpose(2, 3):reshape(x:size(1), -1, self.grid, self.grid)
    end
  end
  return taps
end

return models
