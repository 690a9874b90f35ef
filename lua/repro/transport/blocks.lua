--- Feature maps as blocks, and the loss that matches them.

local rp = require "repro"
local cost = require "repro.transport.cost"
local drift = require "repro.transport.drift"
local misuse = require "repro.misuse"
local nn = require "repro.nn"

local blocks = {}

---Blocks of one list of feature maps.  A map (B, C, H, W) gives three: each location by itself (B, H W, C), the spatial mean and
---the unbiased spatial standard deviation (B, 1, C), the latter two if H W > 1; features (B, C) give one (B, 1, C).
---With `images` (B, C, H, W) there is one more, norm_x = sqrt(mean over pixels of x^2 + 1e-6) per channel; a code (B, D) counts as
---one channel of D pixels.
---Source: the authors' description of semantic transport, arXiv:2606.00514, app. D
---@param maps Tensor[]
---@param images? Tensor
---@return {name: string, x: Tensor}[] x (B, L, C)
function blocks.feature_blocks(maps, images)
  local list = {}
  local function add(name, x) list[#list + 1] = { name = name, x = x } end
  for i, map in ipairs(maps) do
    if map.ndim == 2 then
      add(("map%d"):format(i), map:unsqueeze(2))
    elseif map.ndim == 4 then
      local here = map:flatten(3):transpose(2, 3)           -- (B, H W, C)
      add(("map%d.here"):format(i), here)
      if here:size(2) > 1 then
        add(("map%d.mean"):format(i), here:mean(2, true))
        add(("map%d.std"):format(i), (here:var(2, true, 1) + 1e-12):sqrt())
      end
    else
      misuse("feature_blocks: map %d has shape (%s); expected (B, C) or (B, C, H, W)", i, table.concat(map.shape, ", "))
    end
  end
  if images then
    local x = images.ndim == 2 and images:unsqueeze(2) or images:flatten(3)
    add("norm_x", (x:square():mean(3) + 1e-6):sqrt():unsqueeze(2))
  end
  return list
end

---The blocks of many samples, `size` of them at a time and without a graph, as nn.in_parts.
---    local bank = transport.in_parts(function(x) return transport.feature_blocks(phi(x), x) end, 500, images)
---@param fn fun(x: Tensor): {name: string, x: Tensor}[] of samples (m, ...)
---@param size integer
---@param x Tensor (n, ...)
---@return {name: string, x: Tensor}[] x (n, L, C)
function blocks.in_parts(fn, size, x)
  local names = {}
  local list = { nn.in_parts(function(part)
    local xs = {}
    for i, block in ipairs(fn(part)) do names[i], xs[i] = block.name, block.x end
    return table.unpack(xs)
  end, size, x) }
  for i, all in ipairs(list) do list[i] = { name = names[i], x = all } end
  return list
end

-- (K n, L, C) -> (K L, n, C): a problem for each class and location.
function blocks.problems(x, classes)
  local n, l, c = x:size(1) // classes, x:size(2), x:size(3)
  return x:reshape(classes, n, l, c):permute(1, 3, 2, 4):reshape(classes * l, n, c)
end

local function check(gen, pos, unc, o)
  if math.type(o.classes) ~= "integer" or o.classes < 1 then misuse "matching_loss: classes = the number of classes is needed" end
  if #gen ~= #pos or unc and #unc ~= #gen then
    misuse("matching_loss: %d blocks of generated samples, %d of real ones, %d unconditional", #gen, #pos, unc and #unc or #gen)
  end
  for _, list in ipairs { gen, pos, unc } do
    if list[1].x:size(1) % o.classes ~= 0 then
      misuse("matching_loss: %d samples are not equally many of %d classes", list[1].x:size(1), o.classes)
    end
  end
end

-- One block: {h, p, r} divided by their scale, and the drift.
local function of_block(h, p, r, w, o, name)
  local d = { p = cost.squared_distances(h:detach(), p), within = cost.squared_distances(h:detach(), nil, o.mask),
              r = r and cost.squared_distances(h:detach(), r) }
  local s = cost.scale(d.within, d.p, d.r, w, h:size(3))
  for _, key in ipairs { "p", "within", "r" } do d[key] = d[key] and d[key] / s:square() end
  local V = drift.total(h:detach() / s, p / s, r and r / s, w and w:reshape(-1, 1, 1), d, o, name)
  return s, V
end

---L = (1 / blocks) sum over blocks of mean |h - sg(h + V)|^2, h the features of the generated samples over their scale (see
---transport.scale), V = transport.drift of every class and location.  The gradient by h is -2 V / (number of elements).  The
---value is the mean square of V, which says nothing about progress.
---    transport.matching_loss(gen, pos, unc, {classes = K, alpha = alpha, method = "sinkhorn", taus = {0.05}, warm = nil, ...})
---@param gen {name: string, x: Tensor}[] from feature_blocks, samples (K N) ordered by class
---@param pos {name: string, x: Tensor}[] real samples (K M) of the same classes, without gradient
---@param unc? {name: string, x: Tensor}[] real samples (K U) of any class
---@param given table classes: K; alpha: Tensor (K), needed with unc; the rest as for transport.drift
---@return Tensor of no dimension
---Source: the authors' description of semantic transport, arXiv:2606.00514, sec. 3.2
function blocks.matching_loss(gen, pos, unc, given)
  local o = drift.options("matching_loss", given, { classes = false, alpha = false })
  check(gen, pos, unc, o)
  if unc and not o.alpha then misuse "matching_loss: alpha (K) is needed beside unconditional samples" end
  local total
  for i, block in ipairs(gen) do
    local l = block.x:size(2)
    local h = blocks.problems(block.x, o.classes)
    local s, V = rp.no_grad(function()
      local p = blocks.problems(pos[i].x:detach(), o.classes)
      local r = unc and blocks.problems(unc[i].x:detach(), o.classes)
      local w = r and (o.alpha:detach() - 1):repeat_interleave(l)
      return of_block(h, p, r, w, o, block.name)
    end)
    h = h / s
    local loss = (h - (h:detach() + V)):square():mean()
    total = total and total + loss or loss
  end
  return total / #gen
end

return blocks
