--- A classifier, trained by the same steps, to compare with.

local Module = require "repro.nn.module"
local misuse = require "repro.misuse"
local options = require "repro.options"

local supervised = {}

---Classifier of labels y: z = E(v), v a random view of x,
---    L = cross-entropy of the logits h(z).
---The code of an image is z of the image itself.
---    unsupervised.Supervised(encoder, head, {views = nil})      with unsupervised.train(..., {labels = y})
---@class Supervised: Module
local Supervised = Module.class "Supervised"
supervised.Supervised = Supervised

function Supervised:init(encoder, head, given)
  self.view = options("Supervised", given, { views = false }).views
  self.encoder = encoder
  self.head = head
end

function Supervised:encode(x) return self.encoder(x) end

---@param x Tensor (B, ...)
---@return Tensor logits (B, classes)
function Supervised:forward(x) return self.head(self.encoder(x)) end

---@param x Tensor (B, ...)
---@param g Generator
---@param y Tensor (B) int, from 1
---@return Tensor scalar
function Supervised:loss(x, g, y)
  if not y then misuse "Supervised: labels are missing; train with {labels = y}" end
  return self:forward(self.view and self.view(x, g) or x):cross_entropy(y)
end

return supervised
