--- A figure: a grid of axes, laid out once and written as SVG or as pixels.
local arguments = require "repro.plot.arguments"
local label = require "repro.plot.label"
local Axes = require "repro.plot.axes"
local Canvas = require "repro.plot.canvas"
local svg = require "repro.plot.svg"
local io_core = require("repro.core").io
local paint = require "repro.plot.paint"

---@class Figure
local Figure = {}
Figure.__index = Figure

local TITLE_SIZE, TITLE_LINE, GAP = 14, 19, 10
local max = math.max

local function check_size(name, value, least, most, whole)
  if type(value) ~= "number" or not (value >= least and value <= most) or (whole and math.type(value) ~= "integer") then
    arguments.fail("figure: %s = %s; use %s from %s to %s", name, tostring(value), whole and "an integer" or "a number", least,
      most)
  end
end

local function default_width(cols)
  return cols == 1 and 480 or cols == 2 and 720 or 260 * cols
end

--- An empty figure.
---@param options table|nil {title=, width=480, height=, rows= as many as needed, cols=1,
---  desc= description for readers who do not see it}
---@return Figure
function Figure.new(options)
  options = arguments.options("figure", options, "title width height rows cols desc")
  local self = setmetatable({ title = options.title, desc = options.desc, rows = options.rows or 1, cols = options.cols or 1,
    cells = {} }, Figure)
  check_size("rows", self.rows, 1, 50, true)
  check_size("cols", self.cols, 1, 50, true)
  self.width = options.width or default_width(self.cols)
  self.row_height = not options.height and (self.cols == 1 and 310 or 280) or nil
  self.height = options.height or self.row_height * self.rows
  self.grows = options.rows == nil and self.cols > 1       -- rows are added as axes need them
  check_size("width", self.width, 40, 10000)
  check_size("height", self.height, 40, 10000)
  return self
end

--- Adds axes to the cell (row, col); without them, to the next cell that is free.
---@param options table|nil {row=, col=, title=, xlabel=, ylabel=, xunit=, yunit=, xscale="linear|log", yscale=, xlim={lo, hi},
---  ylim=, xticks={value or {value, label}...}, yticks=, grid=, legend= auto, top, none or a corner such as "bottom-right",
---  aspect="equal", frame= false for none}
---@return Axes
function Figure:axes(options)
  local ax = Axes.new(options)
  if not (options and (options.row or options.col)) then
    local n = #self.cells
    ax.row, ax.col = n // self.cols + 1, n % self.cols + 1
    if self.grows and ax.row > self.rows then
      self.rows, self.height = ax.row, self.row_height and self.row_height * ax.row or self.height
    end
  end
  if not (ax.row >= 1 and ax.row <= self.rows and ax.col >= 1 and ax.col <= self.cols) then
    arguments.fail("axes: row %d, col %d lies outside the figure's %d x %d cells; set rows and cols in plot.figure{...}",
      ax.row, ax.col, self.rows, self.cols)
  end
  for _, other in ipairs(self.cells) do
    if other.row == ax.row and other.col == ax.col then
      arguments.fail("axes: row %d, col %d already has axes", ax.row, ax.col)
    end
  end
  self.cells[#self.cells + 1] = ax
  return ax
end

-- Layout ----------------------------------------------------------------------------------------------------------

local function title_lines(self)
  return self.title and label.wrap(self.title, TITLE_SIZE, self.width - 16, true) or {}
end

local function sum(list)
  local total = 0
  for i = 1, #list do total = total + list[i] end
  return total
end

-- Greatest margin of each row and column of cells, so that their boxes align.
local function collect_margins(self, boxes)
  local m = { left = {}, right = {}, top = {}, bottom = {} }
  for c = 1, self.cols do m.left[c], m.right[c] = 0, 0 end
  for r = 1, self.rows do m.top[r], m.bottom[r] = 0, 0 end
  for _, ax in ipairs(self.cells) do
    local own = ax:margins(boxes.width, boxes.height)
    m.left[ax.col], m.right[ax.col] = max(m.left[ax.col], own.left), max(m.right[ax.col], own.right)
    m.top[ax.row], m.bottom[ax.row] = max(m.top[ax.row], own.top), max(m.bottom[ax.row], own.bottom)
  end
  return m
end

local function box_size(self, m, top)
  local w = self.width - 8 - GAP * (self.cols - 1) - sum(m.left) - sum(m.right)
  local h = self.height - top - 4 - GAP * (self.rows - 1) - sum(m.top) - sum(m.bottom)
  return { width = max(w / self.cols, 20), height = max(h / self.rows, 20) }
end

-- The box of a cell and the upper edge of the cell.
local function cell_box(m, boxes, top, row, col)
  local x, y = 4, top
  for c = 1, col - 1 do x = x + m.left[c] + boxes.width + m.right[c] + GAP end
  for r = 1, row - 1 do y = y + m.top[r] + boxes.height + m.bottom[r] + GAP end
  local left, upper = x + m.left[col], y + m.top[row]
  return { left = left, right = left + boxes.width, top = upper, bottom = upper + boxes.height }, y
end

-- Ticks depend on the size of the boxes and the boxes on the width of the ticks' labels: three rounds settle both.
local function layout(self, top)
  local boxes = { width = 0.8 * self.width / self.cols, height = 0.75 * self.height / self.rows }
  local m
  for round = 1, 3 do
    m = collect_margins(self, boxes)
    boxes = box_size(self, m, top)
    if round == 1 then
      for _, ax in ipairs(self.cells) do ax:decide_legend((cell_box(m, boxes, top, ax.row, ax.col))) end
    end
  end
  return m, boxes
end

--- The drawing list of the figure.
---@return Canvas
function Figure:canvas()
  if #self.cells == 0 then arguments.fail("figure has no axes; add some with fig:axes{...}") end
  local canvas = Canvas.new(self.width, self.height)
  local lines = title_lines(self)
  for i, line in ipairs(lines) do
    canvas:text(8, 4 + i * TITLE_LINE, line, { size = TITLE_SIZE, color = "ink", bold = true })
  end
  local top = 4 + (#lines > 0 and #lines * TITLE_LINE + 6 or 0)
  for _, ax in ipairs(self.cells) do ax:prepare() end
  local m, boxes = layout(self, top)
  for _, ax in ipairs(self.cells) do ax:draw(canvas, cell_box(m, boxes, top, ax.row, ax.col)) end
  return canvas
end

-- Writing ---------------------------------------------------------------------------------------------------------

local function description(self)
  if self.desc then return self.desc end
  local parts = {}
  for i, ax in ipairs(self.cells) do parts[i] = ax:describe() end
  return table.concat(parts, ". ") .. "."
end

local function plain_title(self)
  local title = self.title or (#self.cells > 0 and self.cells[1].title) or "Figure"
  return label.plain((title:gsub("\n", " ")))
end

--- The figure as SVG text: scales to its container, follows the page's text colour and the reader's dark preference.
---@return string
function Figure:svg()
  local canvas = self:canvas()
  return svg.write(canvas, plain_title(self), description(self))
end

local function draw(self, scale, theme)
  scale = scale or 2
  check_size("scale", scale, 0.1, 20)
  theme = arguments.choice("fig:png", "theme", theme, paint.themes) or "light"
  return paint.draw(self:canvas(), scale, theme)
end

--- The figure as pixels.
---@param scale number|nil pixels per unit, 2 by default
---@param theme "light"|"dark"|nil
---@return Tensor uint8 (H,W,3); a nested table where the tensor core is not loaded
function Figure:png(scale, theme)
  local raster = draw(self, scale, theme)
  local loaded, rp = pcall(require, "repro")
  if loaded and type(rp) == "table" and rp.tensor then
    return rp.tensor(raster:flat(), "uint8"):reshape(raster.height, raster.width, 3)
  end
  return raster:nested()
end

-- Writes bytes through the project's atomic writer when it is loaded, otherwise to a temporary file that is then renamed.
local function write_file(path, bytes)
  local loaded, io_module = pcall(function() return require("repro").io end)
  if loaded and type(io_module) == "table" and io_module.write_text then return io_module.write_text(path, bytes) end
  local temporary = path .. ".part"
  local file, message = io.open(temporary, "wb")
  if not file then arguments.fail("fig:save: %s", message) end
  local written, problem = file:write(bytes)
  file:close()
  if not written then arguments.fail("fig:save: %s: %s", path, problem) end
  local renamed, reason = os.rename(temporary, path)
  if not renamed then arguments.fail("fig:save: %s", reason) end
end

--- Writes the figure to a file whose name ends in .svg or .png. The same figure gives the same
--- drawing on every machine (an SVG to the byte; the bytes of a PNG depend on the version of zlib).
---@param path string
---@param options table|nil for .png: {scale=2, theme="light"|"dark"}
---@return Figure
function Figure:save(path, options)
  options = arguments.options("fig:save", options, "scale theme")
  local extension = type(path) == "string" and path:lower():match("%.(%a+)$")
  if extension == "svg" then write_file(path, self:svg())
  elseif extension == "png" then
    local raster = draw(self, options.scale, options.theme)
    write_file(path, io_core.encode_png { width = raster.width, height = raster.height, channels = 3, bytes = raster:bytes() })
  else arguments.fail("fig:save: cannot tell the format of '%s'; end the name in .svg or .png", tostring(path)) end
  return self
end

return Figure
