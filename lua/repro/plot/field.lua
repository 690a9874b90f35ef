--- Marks that fill the plane: heat map, picture, and the colour bar beside them.
local arguments = require "repro.plot.arguments"
local values = require "repro.plot.values"
local number = require "repro.plot.number"
local colormap = require "repro.plot.colormap"
local series = require "repro.plot.series"

local field = {}

local MOST_CELLS = 2500 -- more cells are drawn as one picture
local floor, min, max = math.floor, math.min, math.max
local char = string.char

local function check_range(where, range)
  if range == nil then return end
  if type(range) ~= "table" or type(range[1]) ~= "number" or type(range[2]) ~= "number" or range[1] >= range[2] then
    arguments.fail("%s: range must be {lo, hi} with lo < hi", where)
  end
end

-- lo and hi of the colours: given, symmetric about zero for a diverging map, or the extent of the values.
local function colour_range(where, flat, options)
  check_range(where, options.range)
  if options.range then return options.range[1], options.range[2] end
  local lo, hi = values.extent(flat)
  if not lo then return 0, 1 end
  if options.map == "diverging" then
    local m = max(math.abs(lo), math.abs(hi))
    lo, hi = -m, m
  end
  if lo == hi then return lo - 0.5, hi + 0.5 end
  return lo, hi
end

-- Heat map --------------------------------------------------------------------------------------------------------

local Heatmap = {}
Heatmap.__index = Heatmap

local function cell_text(flat, digits)
  if digits == true then
    if series.all_integers(flat) then digits = 0 else digits = 2 end
  end
  return function(v) return number.minus(number.fixed(v, digits)) end
end

local function set_labels(axes, where, name, labels, n)
  if not labels then return end
  labels = values.labels(labels, where .. ": " .. name .. "labels")
  if #labels ~= n then
    arguments.fail("%s: %slabels has %d labels but the matrix has %d %s; give one for each", where, name, #labels, n,
      name == "x" and "columns" or "rows")
  end
  axes:set_categories(name, labels, where)
end

function field.heatmap(axes, where, matrix, options)
  local rows, n_rows, n_columns = values.matrix(matrix, where)
  local flat = {}
  for i = 1, n_rows do table.move(rows[i], 1, n_columns, #flat + 1, flat) end
  local self = setmetatable({ rows = rows, n_rows = n_rows, n_columns = n_columns, label = options.label,
    map = colormap.get(options.map, where) }, Heatmap)
  self.lo, self.hi = colour_range(where, flat, options)
  if options.values then self.text = cell_text(flat, options.values) end
  set_labels(axes, where, "x", options.xlabels, n_columns)
  set_labels(axes, where, "y", options.ylabels, n_rows)
  axes.y.reversed, axes.x.integer, axes.y.integer = true, true, true
  axes.aspect = axes.aspect or (n_rows == n_columns and "equal" or nil)
  local wants_bar = options.colorbar
  if wants_bar == nil then wants_bar = not options.values end
  if wants_bar then self.bar = { lo = self.lo, hi = self.hi, map = self.map, label = options.label } end
  return self
end

function Heatmap:limits()
  return { x = { 0.5, self.n_columns + 0.5 }, y = { 0.5, self.n_rows + 0.5 }, x_pad = 0, y_pad = 0, grid = false }
end

function Heatmap:share(v)
  return min(max((v - self.lo) / (self.hi - self.lo), 0), 1)
end

function Heatmap:picture()
  local parts = {}
  for i = 1, self.n_rows do
    for j = 1, self.n_columns do
      local v = self.rows[i][j]
      parts[#parts + 1] = v == v and char(self.map(self:share(v))) or "\128\128\128"
    end
  end
  return { width = self.n_columns, height = self.n_rows, channels = 3, bytes = table.concat(parts) }
end

-- Size of the numbers so that the longest fits its cell; nil when it would not be legible.
function Heatmap:text_size(cell_width, cell_height)
  local longest = 1
  for i = 1, self.n_rows do
    for j = 1, self.n_columns do longest = max(longest, utf8.len(self.text(self.rows[i][j])) or 1) end
  end
  local size = min(11, cell_width / (0.57 * longest + 0.35), 0.62 * cell_height)
  return size >= 4.5 and size or nil
end

function Heatmap:draw_cells(view)
  local canvas, text_size = view.canvas, nil
  local w, h = view.x:map(2) - view.x:map(1), view.y:map(2) - view.y:map(1)
  if self.text then text_size = self:text_size(w, h) end
  for i = 1, self.n_rows do
    for j = 1, self.n_columns do
      local v = self.rows[i][j]
      local x, y = view.x:map(j), view.y:map(i)
      local r, g, b = 128, 128, 128
      if v == v then
        r, g, b = self.map(self:share(v))
        canvas:rectangle(x - w / 2, y - h / 2, w, h, { color = colormap.hex(r, g, b) })
      end
      if text_size then
        local colour = v == v and colormap.contrasting(r, g, b) or "muted"
        canvas:text(x, y + 0.36 * text_size, v == v and self.text(v) or "–",
          { size = text_size, color = colour, anchor = "middle" })
      end
    end
  end
end

function Heatmap:draw(view)
  view.canvas:open(self.label)
  if self.n_rows * self.n_columns <= MOST_CELLS then self:draw_cells(view)
  else
    local box = view.box
    view.canvas:image(box.left, box.top, box.right - box.left, box.bottom - box.top, self:picture())
  end
  view.canvas:close()
end

function Heatmap:keys() return {} end
function Heatmap:obstacles() end

-- Pictures --------------------------------------------------------------------------------------------------------

--- The value range that shows as black to white: {0, 255} for uint8, otherwise from the least to the greatest value.
---@return number, number
function field.picture_range(where, x, flat, range)
  check_range(where, range)
  if range then return range[1], range[2] end
  if values.is_tensor(x) and x.dtype == "uint8" then return 0, 255 end
  local lo, hi = values.extent(flat)
  if not lo or lo == hi then return 0, math.max(hi or 1, 1) end
  return lo, hi
end

--- A picture of `channels` planes of flat values that begin after `offset`.
---@param flat number[]
---@param offset integer
---@param shape integer[] {channels, height, width}
---@param lo number
---@param hi number
---@param map function|nil for one channel; nil is gray
---@return table
function field.picture(flat, offset, shape, lo, hi, map)
  local channels, height, width = shape[1], shape[2], shape[3]
  local plane, factor, parts = height * width, 1 / (hi - lo), {}
  local function share(i)
    local t = (flat[i] - lo) * factor
    return t ~= t and 0 or t < 0 and 0 or t > 1 and 1 or t
  end
  for i = offset + 1, offset + plane do
    if channels == 3 then
      parts[#parts + 1] = char(floor(share(i) * 255 + 0.5), floor(share(i + plane) * 255 + 0.5),
        floor(share(i + 2 * plane) * 255 + 0.5))
    elseif map then parts[#parts + 1] = char(map(share(i)))
    else parts[#parts + 1] = char(floor(share(i) * 255 + 0.5)) end
  end
  return { width = width, height = height, channels = (channels == 3 or map) and 3 or 1, bytes = table.concat(parts) }
end

local Image = {}
Image.__index = Image

--- {channels, height, width} of an image's shape, or an error that names what is accepted.
function field.image_shape(where, shape, first)
  local rest = table.move(shape, first, #shape, 1, {})
  if #rest == 2 then table.insert(rest, 1, 1) end
  if #rest ~= 3 or (rest[1] ~= 1 and rest[1] ~= 3) or rest[2] < 1 or rest[3] < 1 then
    arguments.fail("%s: got shape %s; use (H,W), (1,H,W) or (3,H,W)%s", where, values.describe(shape),
      first == 2 and " for each image, after the first dimension that counts them" or
      "; for channels last, move them first with x:permute(3, 1, 2)")
  end
  return rest
end

function field.image(axes, where, x, options)
  local flat, shape = values.flat(x, where)
  shape = field.image_shape(where, shape, 1)
  local lo, hi = field.picture_range(where, x, flat, options.range)
  local map = options.map and options.map ~= "gray" and colormap.get(options.map, where) or nil
  axes.y.reversed, axes.aspect, axes.bare = true, axes.aspect or "equal", axes.bare == nil and true or axes.bare
  local bar = options.colorbar and { lo = lo, hi = hi, map = colormap.get(options.map or "gray", where), label = options.label }
  return setmetatable({ picture = field.picture(flat, 0, shape, lo, hi, map), label = options.label, bar = bar }, Image)
end

function Image:limits()
  return { x = { 0.5, self.picture.width + 0.5 }, y = { 0.5, self.picture.height + 0.5 }, x_pad = 0, y_pad = 0, grid = false }
end

function Image:draw(view)
  local x0, x1 = view.x:map(0.5), view.x:map(self.picture.width + 0.5)
  local y0, y1 = view.y:map(0.5), view.y:map(self.picture.height + 0.5)
  view.canvas:image(x0, y0, x1 - x0, y1 - y0, self.picture)
end

function Image:keys() return {} end
function Image:obstacles() end

-- Colour bar ------------------------------------------------------------------------------------------------------

local BAR_WIDTH, BAR_STEPS = 10, 96

--- A vertical picture of a colour map, its greatest value on top.
---@return table
function field.bar_picture(map)
  local parts = {}
  for i = BAR_STEPS, 1, -1 do parts[#parts + 1] = char(map((i - 0.5) / BAR_STEPS)) end
  return { width = 1, height = BAR_STEPS, channels = 3, bytes = table.concat(parts) }
end

field.bar_width = BAR_WIDTH

return field
