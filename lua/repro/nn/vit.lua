--- Vision transformer.

local Module = require "repro.nn.module"
local attention = require "repro.nn.attention"
local core = require "repro.core"
local initial = require "repro.nn.initial"
local linear = require "repro.nn.linear"
local norm = require "repro.nn.norm"
local patches = require "repro.nn.patches"
local misuse = require "repro.misuse"
local options = require "repro.options"

---Patches, a class token, learned positions, blocks, a final norm, and optionally a projection of the class token.
---    nn.ViT{size = 32, patch = 4, channels = 3, width = 192, depth = 6, heads = 3, mlp_ratio = 4, output = nil,
---           activation = "gelu", dropout = 0, pre_norm = false, pool = "cls"|"mean", init = 0.02, generator = nil}
---output is the width of the projection; pre_norm is the extra norm before the blocks of CLIP's image tower, whose
---other settings are activation = "quick_gelu" and patch_bias = false.  Weights are N(0, init^2), biases 0.
---Source: Dosovitskiy et al. 2021, arXiv:2010.11929, eq. 1-4; Radford et al. 2021, arXiv:2103.00020, sec. 2.4.
---@class ViT: Module
local ViT = Module.class "ViT"

function ViT:init(given)
  local o = options("ViT", given, { size = 32, patch = 4, channels = 3, width = 192, depth = 6, heads = 3,
    mlp_ratio = 4, output = false, activation = "gelu", dropout = 0, pre_norm = false, patch_bias = true,
    pool = "cls", init = 0.02, generator = false })
  if o.pool ~= "cls" and o.pool ~= "mean" then
    misuse("ViT: pool must be \"cls\" or \"mean\", got %s", tostring(o.pool))
  end
  local axes, grid = patches.patch_grid(o.size, o.patch, 2)
  local n_tokens = 1 + grid[1] * grid[2]
  self.axes, self.pool, self.width = axes, o.pool, o.width
  self.patches = patches.PatchEmbedding(o.channels, o.patch, o.width,
                                        { bias = o.patch_bias, init = o.init, generator = o.generator })
  self.cls = initial.normal({ 1, 1, o.width }, 0.02, o.generator):requires_grad_()
  self.position = initial.normal({ 1, n_tokens, o.width }, 0.02, o.generator):requires_grad_()
  if o.pre_norm then self.pre_norm = norm.LayerNorm(o.width) end
  self.blocks = {}
  for i = 1, o.depth do
    self.blocks[i] = attention.TransformerBlock(o.width, o.heads, { mlp_ratio = o.mlp_ratio,
      activation = o.activation, dropout = o.dropout, init = o.init, generator = o.generator })
  end
  self.norm = norm.LayerNorm(o.width)
  if o.output then
    self.projection = linear.Linear(o.width, o.output, { bias = false, init = o.init, generator = o.generator })
  end
end

---@param x Tensor (B, channels, size, size)
---@return Tensor feature (B, output or width): the class token, or the mean of the patch tokens
---@return Tensor tokens (B, N, width): the patch tokens after the final norm, without the class token
function ViT:forward(x)
  self:expect(x, 3, self.axes[1])
  local batch = x:size(1)
  local tokens = core.concat(2, self.cls:expand(batch, 1, self.width), self.patches(x)) + self.position
  if self.pre_norm then tokens = self.pre_norm(tokens) end
  for _, block in ipairs(self.blocks) do tokens = block(tokens) end
  tokens = self.norm(tokens)
  local rest = tokens:slice(2, 2, -1)
  local feature = self.pool == "cls" and tokens:select(2, 1) or rest:mean(2)
  return self.projection and self.projection(feature) or feature, rest
end

return { ViT = ViT }
