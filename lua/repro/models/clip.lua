--- CLIP: an image tower and a text tower.
--- Source: Radford et al. 2021, arXiv:2103.00020, sec. 2.4; names of tensors: transformers, CLIPModel.

local Module = require "repro.nn.module"
local activation = require "repro.nn.activation"
local attend = require "repro.models.attention".attend
local core = require "repro.core"
local initial = require "repro.nn.initial"
local layers = require "repro.nn.linear"
local conv = require "repro.nn.conv"
local misuse = require "repro.misuse"
local norm = require "repro.nn.norm"
local options = require "repro.options"
local outline = require "repro.models.weights".outline

local models = {}

------------------------------------------------------------------------------------------------- blocks

local SelfAttention = Module.class "CLIPAttention"

function SelfAttention:init(d, heads, o)
  self.heads = heads
  for _, name in ipairs { "k_proj", "v_proj", "q_proj", "out_proj" } do self[name] = layers.Linear(d, d, o) end
end

function SelfAttention:forward(x, causal)
  return self.out_proj(attend(self.q_proj(x), self.k_proj(x), self.v_proj(x), self.heads, causal))
end

local FeedForward = Module.class "CLIPMLP"

function FeedForward:init(d, hidden, act, o)
  self.activation = activation(act)
  self.fc1 = layers.Linear(d, hidden, o)
  self.fc2 = layers.Linear(hidden, d, o)
end

function FeedForward:forward(x) return self.fc2(self.activation(self.fc1(x))) end

-- x + attention(LN(x)), then x + mlp(LN(x)).
local Layer = Module.class "CLIPEncoderLayer"

function Layer:init(c, o)
  self.self_attn = SelfAttention(c.width, c.heads, o)
  self.layer_norm1 = norm.LayerNorm(c.width)
  self.mlp = FeedForward(c.width, c.hidden, c.activation, o)
  self.layer_norm2 = norm.LayerNorm(c.width)
end

function Layer:forward(x, causal)
  x = x + self.self_attn(self.layer_norm1(x), causal)
  return x + self.mlp(self.layer_norm2(x))
end

local Encoder = Module.class "CLIPEncoder"

function Encoder:init(c, o)
  if c.width % c.heads ~= 0 then misuse("CLIP: width %d does not divide into %d heads", c.width, c.heads) end
  self.layers = {}
  for i = 1, c.depth do self.layers[i] = Layer(c, o) end
end

function Encoder:forward(x, causal)
  for _, layer in ipairs(self.layers) do x = layer(x, causal) end
  return x
end

-------------------------------------------------------------------------------------------------- image

local VisionEmbeddings = Module.class "CLIPVisionEmbeddings"

function VisionEmbeddings:init(c, o)
  if c.size % c.patch ~= 0 then misuse("CLIP: images of %d pixels do not divide into patches of %d", c.size, c.patch) end
  local d, side = c.width, c.size // c.patch
  self.class_embedding = initial.weight("CLIP", o.init, { d }, d, d, o.generator)
  self.patch_embedding = conv.Conv2d(3, d, c.patch, { stride = c.patch, bias = false, init = o.init, generator = o.generator })
  self.position_embedding = layers.Embedding(side * side + 1, d, { std = o.init, generator = o.generator })
end

function VisionEmbeddings:forward(x)
  local patches = self.patch_embedding(x):flatten(3):transpose(2, 3)
  local d = patches:size(3)
  local class = self.class_embedding:reshape(1, 1, d):expand(x:size(1), 1, d)
  return core.concat(2, class, patches) + self.position_embedding.weight
end

---The image tower: patches and a class token, a norm, blocks, a norm of the class token.
---@class CLIPVisionTransformer: Module
local Vision = Module.class "CLIPVisionTransformer"

function Vision:init(c, o)
  self.size, self.width = c.size, c.width
  self.embeddings = VisionEmbeddings(c, o)
  self.pre_layrnorm = norm.LayerNorm(c.width)                -- the name as published
  self.encoder = Encoder(c, o)
  self.post_layernorm = norm.LayerNorm(c.width)
end

---@param x Tensor (B, 3, size, size), normalised by models.clip_pixels
---@return Tensor (B, width) the class token after the last norm
---@return Tensor (B, N, width) the patch tokens, before it
function Vision:forward(x)
  self:expect(x, 2, 3)
  self:expect(x, 3, self.size)
  self:expect(x, 4, self.size)
  local y = self.encoder(self.pre_layrnorm(self.embeddings(x)))
  return self.post_layernorm(y:select(2, 1)), y:slice(2, 2, -1)
end

--------------------------------------------------------------------------------------------------- text

local TextEmbeddings = Module.class "CLIPTextEmbeddings"

function TextEmbeddings:init(c, o)
  self.token_embedding = layers.Embedding(c.vocabulary, c.width, { std = o.init, generator = o.generator })
  self.position_embedding = layers.Embedding(c.length, c.width, { std = o.init, generator = o.generator })
end

function TextEmbeddings:forward(index)
  return self.token_embedding(index) + self.position_embedding.weight:slice(1, 1, index:size(2))
end

---The text tower: words and positions, causal blocks, a norm; the feature is that of the word with the largest index, which
---ends every text.
---@class CLIPTextTransformer: Module
local Text = Module.class "CLIPTextTransformer"

function Text:init(c, o)
  self.length, self.width = c.length, c.width
  self.embeddings = TextEmbeddings(c, o)
  self.encoder = Encoder(c, o)
  self.final_layer_norm = norm.LayerNorm(c.width)
end

---@param index Tensor (B, L) int, words from 1, L at most `length`; a text ends with the last word of the vocabulary
---@return Tensor (B, width)
---@return Tensor (B, L, width)
function Text:forward(index)
  if index:size(2) > self.length then
    misuse("%s: %d words are more than the %d there are places for", self:describe(), index:size(2), self.length)
  end
  local y = self.final_layer_norm(self.encoder(self.embeddings(index), true))
  local last = index:argmax(2, true):unsqueeze(3):expand(y:size(1), 1, self.width)
  return y:gather(2, last):squeeze(2), y
end

--------------------------------------------------------------------------------------------------- both

local defaults = {
  vision = { size = 224, patch = 14, width = 1024, depth = 24, heads = 16, hidden = 4096, activation = "quick_gelu" },
  text = { vocabulary = 49408, length = 77, width = 768, depth = 12, heads = 12, hidden = 3072, activation = "quick_gelu" },
}

---Both towers of CLIP and their projections to one space; without arguments those of OpenAI's ViT-L/14.
---    rp.models.CLIP{vision = {size = 224, patch = 14, width = 1024, depth = 24, heads = 16, hidden = 4096,
---                             activation = "quick_gelu"},
---                   text = {vocabulary = 49408, length = 77, width = 768, depth = 12, heads = 12, hidden = 3072,
---                           activation = "quick_gelu"},
---                   projection = 768, init = "outline", generator = nil}
---Weights: Hugging Face's openai/clip-vit-large-patch14, model.safetensors.  Inputs are images as clip_pixels makes them.
---@class CLIP: Module
local CLIP = Module.class "CLIPModel"
models.CLIP = CLIP
CLIP.ignored_names = { "position_ids$" }                     -- a list 0, 1, 2, ... that old files hold

function CLIP:init(given)
  local o = options("CLIP", given, { vision = {}, text = {}, projection = 768, init = "outline", generator = false })
  local vision, text = options("CLIP.vision", o.vision, defaults.vision), options("CLIP.text", o.text, defaults.text)
  local w = { init = outline(o.init), generator = o.generator }
  local plain = { bias = false, init = w.init, generator = o.generator }
  self.size, self.projection = vision.size, o.projection
  self.logit_scale = core.full({}, core.math.log(1 / 0.07)):requires_grad_()
  self.text_model = Text(text, w)
  self.vision_model = Vision(vision, w)
  self.visual_projection = layers.Linear(vision.width, o.projection, plain)
  self.text_projection = layers.Linear(text.width, o.projection, plain)
end

---@param x Tensor (B, 3, size, size), see clip_pixels
---@return Tensor (B, projection)
function CLIP:encode_image(x) return self.visual_projection((self.vision_model(x))) end

---@param index Tensor (B, L) int, see models.Tokenizer
---@return Tensor (B, projection)
function CLIP:encode_text(index) return self.text_projection((self.text_model(index))) end

local mean, std = { 0.48145466, 0.4578275, 0.40821073 }, { 0.26862954, 0.26130258, 0.27577711 }

---(x - mean) / std with the constants of CLIP's training images.
---@param x Tensor (B, 3, H, W) in [0, 1]
---@return Tensor
function models.clip_pixels(x)
  return (x - core.tensor(mean, x.dtype):reshape(3, 1, 1)) / core.tensor(std, x.dtype):reshape(3, 1, 1)
end

---The image tower with its projection, on images as other networks see them: in [-1, 1], of the tower's size or a multiple of it,
---which is averaged down.
---    rp.models.CLIPVision(clip)  shares the tensors of a CLIP
---@class CLIPVision: Module
local CLIPVision = Module.class "CLIPVision"
models.CLIPVision = CLIPVision

function CLIPVision:init(clip)
  self.size = clip.size
  self.vision_model = clip.vision_model
  self.visual_projection = clip.visual_projection
end

---@param x Tensor (B, 3, k size, k size) in [-1, 1]
---@return Tensor (B, projection)
function CLIPVision:forward(x)
  local k = x:size(3) // self.size
  if x:size(3) ~= k * self.size or x:size(4) ~= x:size(3) then
    misuse("%s: images of %dx%d are not squares of a multiple of %d", self:describe(), x:size(3), x:size(4), self.size)
  end
  if k > 1 then x = x:avg_pool2d(k) end
  return CLIP.encode_image(self, models.clip_pixels(x / 2 + 0.5))
end

---The text tower with its projection.
---    rp.models.CLIPText(clip)  shares the tensors of a CLIP
---@class CLIPText: Module
local CLIPText = Module.class "CLIPText"
models.CLIPText = CLIPText

function CLIPText:init(clip)
  self.text_model = clip.text_model
  self.text_projection = clip.text_projection
end

---@param index Tensor (B, L) int, see models.Tokenizer
---@return Tensor (B, projection)
function CLIPText:forward(index) return CLIP.encode_text(self, index) end

return models
