--- Attributes of handwriting, measured on the image, and pairs of images that differ in one of them.

local rp = require "repro"
local misuse = require "repro.misuse"

local ink = {}

---What the columns of `data.stroke_shape` are.
ink.stroke_names = { "stroke width", "slant", "size", "aspect" }

---Four numbers of each drawing, from its moments about the centre of the ink and from its outline:
---    stroke width 2 M / sum |grad|,   slant -m_xy / m_yy,   size m_xx + m_yy,   aspect m_xx / m_yy
---@param drawing Tensor (n, 1, H, W) or (n, H, W), ink in [0, 1] on 0, none of them empty
---@return Tensor (n, 4)
function ink.stroke_shape(drawing)
  if drawing.ndim == 4 and drawing:size(2) == 1 then drawing = drawing:squeeze(2) end
  if drawing.ndim ~= 3 then
    misuse("stroke_shape: drawings are (n, 1, H, W) or (n, H, W), got (%s)", table.concat(drawing.shape, "x"))
  end
  local h, w = drawing:size(2), drawing:size(3)
  local col, row = rp.arange(1, w), rp.arange(1, h):unsqueeze(2)
  local mass = drawing:sum({ 2, 3 }, true)
  local dx, dy = col - (drawing * col):sum({ 2, 3 }, true) / mass, row - (drawing * row):sum({ 2, 3 }, true) / mass
  local function moment(f) return ((drawing * f):sum({ 2, 3 }, true) / mass):reshape(-1) end
  local xx, yy, xy = moment(dx:square()), moment(dy:square()), moment(dx * dy)
  local right = drawing:slice(3, 2, w):slice(2, 1, h - 1) - drawing:slice(3, 1, w - 1):slice(2, 1, h - 1)
  local down = drawing:slice(2, 2, h):slice(3, 1, w - 1) - drawing:slice(2, 1, h - 1):slice(3, 1, w - 1)
  local outline = (right:square() + down:square()):sqrt():sum({ 2, 3 })
  return rp.stack(2, mass:reshape(-1) * 2 / outline, -xy / yy, xx + yy, xx / yy)
end

---Pairs of examples of one class whose attributes are equal but for the k-th, which is 0 in the first and 1 in the second.
---No example is in two pairs; they are found in the order of the split.
---@param split {x: Tensor, y: Tensor, attribute: Tensor} x (n, ...), y (n) int, attribute (n, A) of 0 and 1
---@param k integer
---@param limit? integer the largest number of pairs, default all there are
---@return Tensor zero (m, ...)
---@return Tensor one (m, ...)
function ink.pairs_differing(split, k, limit)
  local y, bits, waiting, zero, one = split.y:totable(), split.attribute:totable(), {}, {}, {}
  limit = limit or math.huge
  for i, row in ipairs(bits) do
    local rest = { y[i] }
    for j, bit in ipairs(row) do rest[j + 1] = j == k and 0 or bit // 1 end
    local key = table.concat(rest, " ")
    local other = waiting[key .. "/" .. 1 - row[k] // 1]
    if other and #zero < limit then
      waiting[key .. "/" .. 1 - row[k] // 1] = nil
      local first = row[k] == 0 and i or other
      zero[#zero + 1], one[#one + 1] = first, first == i and other or i
    else
      waiting[key .. "/" .. row[k] // 1] = i
    end
  end
  if #zero == 0 then misuse("pairs_differing: no two examples differ in attribute %d alone", k) end
  return split.x:index_select(1, rp.tensor(zero, "int64")), split.x:index_select(1, rp.tensor(one, "int64"))
end

return ink
