--- Images and volumes as sequences of patches, and back.

local Module = require "repro.nn.module"
local linear = require "repro.nn.linear"
local misuse = require "repro.misuse"
local options = require "repro.options"

local layers = {}

---@param size integer|integer[] cells along each axis
---@param patch integer
---@param dims integer number of axes when size is a number
---@return integer[] size per axis
---@return integer[] patches per axis
function layers.patch_grid(size, patch, dims)
  local axes, grid = {}, {}
  for i = 1, type(size) == "table" and #size or dims do
    axes[i] = type(size) == "table" and size[i] or size
    if axes[i] % patch ~= 0 then misuse("a size of %d does not divide into patches of %d", axes[i], patch) end
    grid[i] = axes[i] // patch
  end
  return axes, grid
end

---(B, C, S_1, ..., S_k) -> (B, N, C p^k): patches in row-major order, each as (C, p, ..., p).
---@param x Tensor
---@param p integer
---@return Tensor
function layers.patchify(x, p)
  local s = x.shape
  local k = #s - 2
  local cut, order, n, width = { s[1], s[2] }, { 1 }, 1, s[2]
  for i = 1, k do
    cut[2 * i + 1], cut[2 * i + 2] = s[i + 2] // p, p
    order[1 + i] = 2 * i + 1
    n, width = n * (s[i + 2] // p), width * p
  end
  order[k + 2] = 2
  for i = 1, k do order[k + 2 + i] = 2 * i + 2 end
  return x:reshape(cut):permute(order):reshape(s[1], n, width)
end

---The inverse of patchify.
---@param y Tensor (B, N, C p^k)
---@param p integer
---@param grid integer[] patches along each axis
---@param channels integer
---@return Tensor (B, C, S_1, ..., S_k)
function layers.unpatchify(y, p, grid, channels)
  local k, batch = #grid, y:size(1)
  local cut, order, shape = { batch }, { 1, k + 2 }, { batch, channels }
  for i = 1, k do
    cut[1 + i], cut[k + 2 + i] = grid[i], p
    order[2 * i + 1], order[2 * i + 2] = 1 + i, k + 2 + i
    shape[i + 2] = grid[i] * p
  end
  cut[k + 2] = channels
  return y:reshape(cut):permute(order):reshape(shape)
end

---Tokens of a grid gathered into windows of w^k neighbours: (B, N, d) -> (B N / w^k, w^k, d), windows in row-major order.
---@param x Tensor (B, N, d)
---@param grid integer[] tokens along each axis, multiples of w
---@param w integer
---@return Tensor
function layers.to_windows(x, grid, w)
  local k, cut, order = #grid, { x:size(1) }, { 1 }
  for i = 1, k do
    cut[2 * i], cut[2 * i + 1] = grid[i] // w, w
    order[1 + i], order[1 + k + i] = 2 * i, 2 * i + 1
  end
  cut[2 * k + 2], order[2 * k + 2] = x:size(3), 2 * k + 2
  return x:reshape(cut):permute(order):reshape(-1, math.tointeger(w ^ k), x:size(3))
end

---The inverse of to_windows.
---@param y Tensor (B N / w^k, w^k, d)
---@param grid integer[]
---@param w integer
---@param batch integer B
---@return Tensor (B, N, d)
function layers.from_windows(y, grid, w, batch)
  local k, cut, order = #grid, { batch }, { 1 }
  for i = 1, k do
    cut[1 + i], cut[1 + k + i] = grid[i] // w, w
    order[2 * i], order[2 * i + 1] = 1 + i, 1 + k + i
  end
  cut[2 * k + 2], order[2 * k + 2] = y:size(3), 2 * k + 2
  return y:reshape(cut):permute(order):reshape(batch, -1, y:size(3))
end

---Each patch mapped linearly to a token; the same as a convolution whose stride is its kernel.
---    nn.PatchEmbedding(channels, patch, width, {dims = 2, bias = true, init = "kaiming", generator = nil})
---Source: Dosovitskiy et al. 2021, arXiv:2010.11929, eq. 1.
---@class PatchEmbedding: Module
local PatchEmbedding = Module.class "PatchEmbedding"
layers.PatchEmbedding = PatchEmbedding

function PatchEmbedding:init(channels, patch, width, given)
  local o = options("PatchEmbedding", given, { dims = 2, bias = true, init = "kaiming", generator = false })
  self.channels, self.patch = channels, patch
  local n = channels
  for _ = 1, o.dims do n = n * patch end
  self.fc = linear.Linear(n, width, { bias = o.bias, init = o.init, generator = o.generator })
end

---@param x Tensor (B, channels, S_1, ..., S_k)
---@return Tensor (B, N, width)
function PatchEmbedding:forward(x)
  self:expect(x, 2, self.channels)
  return self.fc(layers.patchify(x, self.patch))
end

return layers
