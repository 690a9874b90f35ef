--- Diffusion transformers of point clouds: on the points themselves, and on a grid of voxels around them.

local Module = require "repro.nn.module"
local core = require "repro.core"
local dit = require "repro.nn.dit"
local embedding = require "repro.nn.embedding"
local linear = require "repro.nn.linear"
local modulated = require "repro.nn.modulated"
local options = require "repro.options"
local misuse = require "repro.misuse"

local layers = {}

---A set transformer: each point a token, no positions, DiT blocks modulated by time; equivariant to the order of the points.
---    nn.PointTransformer{channels = 3, width = 64, depth = 4, heads = 4, mlp_ratio = 4, time_scale = 1, generator = nil}
---Source: Lee et al. 2019, arXiv:1810.00825 (attention on sets); Peebles, Xie 2023, arXiv:2212.09748, sec. 3.2 (the blocks).
---@class PointTransformer: Module
local PointTransformer = Module.class "PointTransformer"
layers.PointTransformer = PointTransformer

function PointTransformer:init(given)
  local o = options("PointTransformer", given, { channels = 3, width = 64, depth = 4, heads = 4, mlp_ratio = 4, time_scale = 1,
                                                 generator = false })
  local d, weights = o.width, { init = "xavier", generator = o.generator }
  self.channels = o.channels
  self.first = linear.Linear(o.channels, d, weights)
  self.time = embedding.TimeEmbedding(d, { features = 256, scale = o.time_scale, init = 0.02, generator = o.generator })
  self.blocks = {}
  for i = 1, o.depth do
    self.blocks[i] = dit.DiTBlock(d, o.heads, d, { mlp_ratio = o.mlp_ratio, generator = o.generator })
  end
  modulated.init_last(self, d, o.channels)
end

---@param x Tensor (B, N, channels)
---@param t Tensor (B)
---@param _ nil in the place of the labels of nn.DiT: there are none
---@param tap? integer depth of the block whose tokens are wanted
---@return Tensor (B, N, channels)
---@return Tensor? tokens (B, N, width) after block `tap`
function PointTransformer:forward(x, t, _, tap)
  self:expect(x, 3, self.channels)
  local e, tokens, tapped = self.time(t):silu(), self.first(x), nil
  for i, block in ipairs(self.blocks) do
    tokens = block(tokens, e)
    if i == tap then tapped = tokens end
  end
  return modulated.last(self, tokens, e), tapped
end

------------------------------------------------------------------------------------------------------ voxels

-- Coordinates 0 .. R - 1 of points (B, N, 3) in the cube around each cloud: centred, scaled by twice its radius.
local function voxel_coordinates(x, R)
  local centred = x - x:mean(2, true)
  local radius = centred:square():sum(3, true):sqrt():max(2, true)
  return ((centred / (radius * 2) + 0.5) * R):clamp(0, R - 1)
end

-- Rows b R^3 + (i R + j) R + k of cells, counted from 1.
local function rows_of(cell, R)
  local flat = (cell:select(3, 1) * R + cell:select(3, 2)) * R + cell:select(3, 3)
  local first = (core.arange(0, cell:size(1) - 1, 1, "int64") * (R * R * R)):unsqueeze(2)
  return (flat:to "int64" + first + 1):reshape(-1)
end

---The mean of the features of the points in each of R^3 cells of the cube around a cloud; 0 where there are none.
---Not differentiated.  EQ: Liu et al. 2019, arXiv:1907.03739, eq. 3
---@param x Tensor (B, N, 3) coordinates
---@param features Tensor (B, N, C)
---@param R integer
---@return Tensor grid (B, C, R, R, R)
---@return Tensor coordinates (B, N, 3) in [0, R - 1], for devoxelise
function layers.voxelise(x, features, R)
  return core.no_grad(function()
    local at = voxel_coordinates(x, R)
    local B, N, C = features:size(1), features:size(2), features:size(3)
    local rows = rows_of((at + 0.5):floor():clamp(0, R - 1), R)
    local index = rows:unsqueeze(2):expand(-1, C + 1)
    local ones = core.ones(B * N, 1)
    local source = core.concat(2, features:reshape(B * N, C), ones)
    local sums = core.zeros(B * R * R * R, C + 1):scatter_add(1, index:contiguous(), source)
    local mean = sums:slice(2, 1, C) / sums:slice(2, C + 1, C + 1):maximum(1)
    return mean:reshape(B, R, R, R, C):permute(1, 5, 2, 3, 4):contiguous(), at
  end)
end

---Features of a grid at points, linear along each axis; differentiable in the grid.
---EQ: Liu et al. 2019, arXiv:1907.03739, sec. 3.2 (trilinear devoxelisation)
---@param grid Tensor (B, C, R, R, R)
---@param at Tensor (B, N, 3) from voxelise
---@return Tensor (B, N, C)
function layers.devoxelise(grid, at)
  local B, C, R, N = grid:size(1), grid:size(2), grid:size(3), at:size(2)
  local flat = grid:permute(1, 3, 4, 5, 2):reshape(B * R * R * R, C)
  local low = at:floor():clamp(0, R - 2)
  local part, sum = at - low, nil
  for corner = 0, 7 do
    local offset = { corner // 4, corner // 2 % 2, corner % 2 }
    local weight = nil
    for k, o in ipairs(offset) do
      local w = part:select(3, k)
      w = o == 1 and w or 1 - w
      weight = weight and weight * w or w
    end
    local y = flat:index_select(1, rows_of(low + core.tensor(offset), R)) * weight:reshape(B * N, 1)
    sum = sum and sum + y or y
  end
  return sum:reshape(B, N, C)
end

---DiT-3D: points to voxels, a DiT on patches of voxels, voxels to points.
---    nn.VoxelDiT{model = "S", size = 32, patch = 4, window = 4, time_scale = 1, ...}; options as nn.DiT with dims = 3
---Source: Mo et al. 2023, arXiv:2307.01831, sec. 3.
---@class VoxelDiT: Module
local VoxelDiT = Module.class "VoxelDiT"
layers.VoxelDiT = VoxelDiT

function VoxelDiT:init(given)
  if type(given) ~= "table" then misuse "VoxelDiT: give options, such as {model = \"S\", size = 32, patch = 4}" end
  local o = { dims = 3, channels = 3, size = 32, patch = 4 }
  for key, value in pairs(given) do o[key] = value end
  self.resolution = o.size
  self.dit = dit.DiT(o)
end

---@param x Tensor (B, N, 3)
---@param t Tensor (B)
---@param y? Tensor int labels (B), where the DiT has classes
---@param tap? integer
---@return Tensor (B, N, 3)
---@return Tensor? tokens (B, (size / patch)^3, width) after block `tap`
function VoxelDiT:forward(x, t, y, tap)
  self:expect(x, 3, 3)
  local grid, at = layers.voxelise(x, x, self.resolution)
  local out, tapped = self.dit(grid, t, y, tap)
  return layers.devoxelise(out, at), tapped
end

return layers
