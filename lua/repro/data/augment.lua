--- Random changes of batches of images x (B, C, H, W), each image with its own draws from a generator.
---
---     local change = augment.chain{ {"shift", 1}, {"gain", 0.1}, {"offset", 0.3}, {"noise", 0.05} }
---     local twin = change(x, g)
---
--- Amounts of light are standard deviations of a normal distribution.

local rp = require "repro"
local misuse = require "repro.misuse"
local nearest = require "repro.nearest"

local augment = {}

local function check(who, x)
  if not rp.is_tensor(x) or x.ndim ~= 4 then
    misuse("augment.%s: images must be (B, C, H, W), got %s", who,
           rp.is_tensor(x) and "(" .. table.concat(x.shape, "x") .. ")" or "a " .. type(x))
  end
  return table.unpack(x.shape)
end

-- The window of size rows x columns of each image that starts `top` (B) rows and `left` (B) columns in (from 0).
local function window(x, top, left, rows, columns)
  local b, c, _, w = table.unpack(x.shape)
  local row = (top:unsqueeze(2) + rp.arange(1, rows, 1, "int64")):reshape(b, 1, rows, 1)
  local column = (left:unsqueeze(2) + rp.arange(1, columns, 1, "int64")):reshape(b, 1, 1, columns)
  x = x:gather(3, row:expand(b, c, rows, w):contiguous())
  return x:gather(4, column:expand(b, c, rows, columns):contiguous())
end

---Moved by up to `most` whole pixels in each direction; `fill` enters at the edge.
---@param x Tensor (B, C, H, W)
---@param most integer
---@param g Generator
---@param fill? number default 0
---@return Tensor
function augment.shift(x, most, g, fill)
  local b, _, h, w = check("shift", x)
  local by = g:randint(0, 2 * most, { b, 2 })
  return window(x:pad({ most, most, most, most }, fill or 0), by:select(2, 1), by:select(2, 2), h, w)
end

---Padded by `padding` pixels on each side and cut back to its size at a random place.
---    augment.crop(x, 4, g)      augment.crop(x, {padding = 2, size = 24, fill = 0}, g)
---@param x Tensor (B, C, H, W)
---@param how integer|{padding: integer, size: integer, fill: number} size: of the square that is cut out, default that of x
---@param g Generator
---@return Tensor
function augment.crop(x, how, g)
  local b, _, h, w = check("crop", x)
  if type(how) == "number" then how = { padding = how } end
  local padding = how.padding or 0
  local rows, columns = how.size or h, how.size or w
  local room_y, room_x = h + 2 * padding - rows, w + 2 * padding - columns
  if room_y < 0 or room_x < 0 then
    misuse("augment.crop: %dx%d does not fit into %dx%d", rows, columns, h + 2 * padding, w + 2 * padding)
  end
  local padded = padding > 0 and x:pad({ padding, padding, padding, padding }, how.fill or 0) or x
  return window(padded, g:randint(0, room_y, { b }), g:randint(0, room_x, { b }), rows, columns)
end

---Mirrored left to right with probability p.
---@param x Tensor (B, C, H, W)
---@param p? number default 0.5
---@param g Generator
---@return Tensor
function augment.flip(x, p, g)
  local b = check("flip", x)
  return rp.where(g:bernoulli(p or 0.5, { b, 1, 1, 1 }), x:flip(4), x)
end

---y = x (1 + s z), one z for each image.
---@param x Tensor (B, C, H, W)
---@param s number
---@param g Generator
---@return Tensor
function augment.gain(x, s, g)
  local b = check("gain", x)
  return x * (g:randn(b, 1, 1, 1) * s + 1)
end

---y = x + s z, one z for each image.
function augment.offset(x, s, g)
  local b = check("offset", x)
  return x + g:randn(b, 1, 1, 1) * s
end

---y = x + s z, one z for each image and channel.
function augment.cast(x, s, g)
  local b, c = check("cast", x)
  return x + g:randn(b, c, 1, 1) * s
end

---y = x + s (z_1 u + z_2 v), u and v running from -1 to 1 along columns and rows: light from one side.
function augment.gradient(x, s, g)
  local b, _, h, w = check("gradient", x)
  local z = g:randn(b, 2, 1, 1) * s
  return x + (z:slice(2, 1, 1) * rp.linspace(-1, 1, w) + z:slice(2, 2, 2) * rp.linspace(-1, 1, h):unsqueeze(2))
end

---y = x + s z, one z for each number.
function augment.noise(x, s, g)
  check("noise", x)
  return x + g:randn(x.shape) * s
end

---y = min(max(x, lo), hi).
---@param x Tensor
---@param range number[] {lo, hi}
function augment.clamp(x, range) return x:clamp(range[1], range[2]) end

local known = { "cast", "clamp", "crop", "flip", "gain", "gradient", "noise", "offset", "shift" }

---Several changes one after the other.
---@param list table[] {name, amount} each
---@return fun(x: Tensor, g: Generator): Tensor
function augment.chain(list)
  for i, step in ipairs(list) do
    if type(step) ~= "table" or step[1] == "chain" or not augment[step[1]] then
      local name = type(step) == "table" and step[1] or step
      misuse("augment.chain: entry %d: there is no change called %s%s", i, tostring(name), nearest.hint(tostring(name), known))
    end
  end
  return function(x, g)
    for _, step in ipairs(list) do x = augment[step[1]](x, step[2], g) end
    return x
  end
end

---The chain of the diffusion contrastive reconstruction experiments at small scale: moved by up to a pixel, with other light.
---@param x Tensor (B, C, H, W)
---@param g Generator
---@return Tensor
augment.relight = augment.chain { { "shift", 1 }, { "gain", 0.1 }, { "offset", 0.3 }, { "gradient", 0.4 }, { "cast", 0.3 },
                                  { "noise", 0.05 } }

return augment
