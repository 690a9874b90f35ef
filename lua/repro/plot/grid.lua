--- Grids of pictures, such as samples of a generative model.
local arguments = require "repro.plot.arguments"
local values = require "repro.plot.values"
local number = require "repro.plot.number"
local label = require "repro.plot.label"
local frame = require "repro.plot.frame"
local field = require "repro.plot.field"
local Figure = require "repro.plot.figure"

local grid = {}

local Tiles = {}
Tiles.__index = Tiles

local SIZE, LABEL_ROOM = 9.5, 13
local MARGIN = 20 -- what the layout leaves on both sides together

-- The number of columns that makes the grid about square.
local function square_columns(n)
  local c = 1
  while c * c < n do c = c + 1 end
  return c
end

local function read_labels(where, labels, n)
  if labels == nil then return nil end
  labels = values.labels(labels, where .. ": labels")
  if #labels ~= n then
    arguments.fail("%s: %d labels but %d images; give one for each", where, #labels, n)
  end
  for i = 1, n do labels[i] = type(labels[i]) == "number" and number.short(labels[i], 4) or labels[i] end
  return labels
end

function Tiles:limits()
  return { x = { 0, self.span_x }, y = { 0, self.span_y }, x_pad = 0, y_pad = 0, grid = false }
end

function Tiles:draw(view)
  local unit = view.x:map(1) - view.x:map(0)
  for i, picture in ipairs(self.pictures) do
    local x = view.x:map((i - 1) % self.columns * (picture.width + self.gap))
    local y = view.y:map((i - 1) // self.columns * self.pitch)
    view.canvas:image(x, y, picture.width * unit, picture.height * unit, picture)
    if self.labels then
      view.canvas:text(x + picture.width * unit / 2, y + picture.height * unit + SIZE + 1, self.labels[i],
        { size = SIZE, color = "ink", anchor = "middle" })
    end
  end
end

function Tiles:keys() return {} end
function Tiles:obstacles() end

local function read_pictures(where, images, options)
  local flat, shape = values.flat(images, where)
  if #shape < 3 or shape[1] == 0 then
    arguments.fail("%s: got shape %s; use (N,H,W), (N,1,H,W) or (N,3,H,W) with N at least 1", where, values.describe(shape))
  end
  local each = field.image_shape(where, shape, 2)
  local lo, hi = field.picture_range(where, images, flat, options.range)
  local pictures, stride = {}, each[1] * each[2] * each[3]
  for i = 1, shape[1] do pictures[i] = field.picture(flat, (i - 1) * stride, each, lo, hi) end
  return pictures
end

--- A figure of many pictures.
---@param images Tensor|table (N,H,W), (N,1,H,W) or (N,3,H,W)
---@param options table|nil {columns=, gap= pixels of the pictures, range={lo, hi}, labels= (N), title=, width=, desc=}
---@return Figure
function grid.figure(images, options)
  local where = "image_grid"
  options = arguments.options(where, options, "columns gap range labels title width desc")
  local pictures = read_pictures(where, images, options)
  local n, first = #pictures, pictures[1]
  local columns = options.columns or square_columns(n)
  if math.type(columns) ~= "integer" or columns < 1 then
    arguments.fail("%s: columns = %s; use an integer of at least 1", where, tostring(columns))
  end
  columns = math.min(columns, n)
  local rows, gap = (n - 1) // columns + 1, options.gap or math.max(1, first.width // 14)
  local self = setmetatable({ pictures = pictures, columns = columns, gap = gap,
    labels = read_labels(where, options.labels, n) }, Tiles)
  local width = options.width or math.min(480, columns * 96 + MARGIN)
  self.span_x = columns * first.width + (columns - 1) * gap
  local unit = (width - MARGIN) / self.span_x
  if not options.width and unit >= 0.5 then -- whole pixels at the usual two pixels to a unit
    unit = math.floor(2 * unit) / 2
    width = unit * self.span_x + MARGIN
  end
  self.pitch = first.height + (self.labels and LABEL_ROOM / unit or 0) + gap
  self.span_y = rows * self.pitch - gap
  local lines = options.title and #label.wrap(options.title, frame.title_size, width - MARGIN, true) or 0
  local title_room = lines > 0 and lines * frame.title_line + 4 or 0
  local fig = Figure.new { width = width, height = math.max(self.span_y * unit + 16 + title_room, 40), title = nil,
    desc = options.desc or string.format("%d pictures of %d x %d in %d columns", n, first.width, first.height, columns) }
  local ax = fig:axes { title = options.title, frame = false, aspect = "equal" }
  ax.y.reversed = true
  ax.marks[1] = self
  return fig
end

return grid
