--- One plot of a figure: its marks, its scales, its legend.
local arguments = require "repro.plot.arguments"
local number = require "repro.plot.number"
local colormap = require "repro.plot.colormap"
local label = require "repro.plot.label"
local Scale = require "repro.plot.scale"
local series = require "repro.plot.series"
local new_line = require "repro.plot.line"
local new_scatter = require "repro.plot.scatter"
local new_errorbar = require "repro.plot.errorbar"
local new_bars = require "repro.plot.bars"
local new_histogram = require "repro.plot.histogram"
local new_rule = require "repro.plot.rule"
local new_note = require "repro.plot.note"
local field = require "repro.plot.field"
local legend = require "repro.plot.legend"
local frame = require "repro.plot.frame"
local radar = require "repro.plot.radar"

---@class Axes
local Axes = {}
Axes.__index = Axes

local OPTIONS = "row col title xlabel ylabel xunit yunit xscale yscale xlim ylim xticks yticks grid legend aspect frame"

local function new_axis(name, o)
  local where = "axes"
  return { name = name, label = o[name .. "label"], unit = o[name .. "unit"], limits = o[name .. "lim"],
    given_ticks = o[name .. "ticks"],
    kind = arguments.choice(where, name .. "scale", o[name .. "scale"], "linear log") or "linear" }
end

local function check_limits(axis)
  local l = axis.limits
  if l == nil then return end
  if type(l) ~= "table" then arguments.fail("axes: %slim must be {lo, hi}; either may be nil", axis.name) end
  local lo, hi = l[1], l[2]
  local function wrong(v) return v ~= nil and not (type(v) == "number" and number.drawable(v)) end
  if wrong(lo) or wrong(hi) or (lo and hi and lo >= hi) then
    arguments.fail("axes: %slim = {%s, %s}; use {lo, hi} with lo < hi", axis.name, tostring(lo), tostring(hi))
  end
  if axis.kind == "log" and ((lo and lo <= 0) or (hi and hi <= 0)) then
    arguments.fail("axes: %slim = {%s, %s} on a logarithmic scale; both must be positive", axis.name, tostring(lo), tostring(hi))
  end
end

--- New axes; see Figure:axes.
---@param options table
---@return Axes
function Axes.new(options)
  options = arguments.options("axes", options, OPTIONS)
  local self = setmetatable({ marks = {}, colours = 0, row = options.row or 1, col = options.col or 1,
    title = options.title, aspect = arguments.choice("axes", "aspect", options.aspect, "equal auto"),
    x = new_axis("x", options), y = new_axis("y", options), grid = options.grid }, Axes)
  self.legend_option = options.legend == true and "auto" or options.legend == false and "none" or options.legend
  arguments.choice("axes", "legend", self.legend_option, legend.places)
  if options.frame ~= nil then self.bare = not options.frame end
  check_limits(self.x)
  check_limits(self.y)
  return self
end

--- The next categorical colour, or the one given.
function Axes:colour(given, where)
  if given ~= nil then return colormap.parse(given, where) end
  self.colours = self.colours + 1
  return colormap.category(self.colours)
end

-- Series beyond the palette repeat its colours with another dash.
local CYCLE = { "solid", "dashed", "dotted", "dashdot" }

--- The style of the line whose colour was just taken.
function Axes:line_style()
  return CYCLE[(math.max(self.colours, 1) - 1) // #colormap.palette % #CYCLE + 1]
end

--- Names the positions 1..n of an axis.
function Axes:set_categories(name, labels, where)
  local axis = self[name]
  if axis.categories then series.check_lengths(where, { "the axis", "labels" }, { #axis.categories, #labels }) end
  axis.categories = axis.categories or labels
end

local function series_name(self, method, options)
  local given = type(options) == "table" and options.label
  return given and string.format("ax:%s '%s'", method, given) or string.format("ax:%s (series %d)", method, #self.marks + 1)
end

local function insert(self, mark)
  if self.radar_chart then arguments.fail("these axes hold a radar chart; add other axes for other marks") end
  self.marks[#self.marks + 1] = mark
  return self
end

--- A line. y (T) is one series; y (S,T) is S runs, drawn as their mean with a band of one standard deviation.
--- NaN and infinite values leave a gap.
---@param x Tensor|table|nil (T) ascending or not; strings make categories; nil counts from 1
---@param y Tensor|table (T) or (S,T)
---@param options table|nil {label=, color=, style="solid|dashed|dotted|dashdot|none", width=, marker=, size=,
---  band= half-width (T) or {lower, upper}; with runs "std" (default), "range" or "none"}
---@return Axes
function Axes:line(x, y, options)
  if y == nil or arguments.is_options(y) then x, y, options = nil, x, y end
  local where = series_name(self, "line", options)
  options = arguments.options(where, options, "label color style width marker size band")
  return insert(self, new_line(self, where, x, y, options))
end

--- Points.
---@param x Tensor|table (N)
---@param y Tensor|table (N)
---@param options table|nil {label=, color= one colour, or classes or values for each point, size= radius, alpha=, marker=,
---  classes= (N) labels, names= class -> name, values= (N) numbers for a colour map, map=, range=}
---@return Axes
function Axes:scatter(x, y, options)
  local where = series_name(self, "scatter", options)
  options = arguments.options(where, options, "label color size alpha marker classes names values map range")
  local copy = {}
  for _, key in ipairs { "label", "color", "size", "alpha", "marker", "classes", "names", "values", "map", "range" } do
    copy[key] = options[key]
  end
  return insert(self, new_scatter(self, where, x, y, copy))
end

--- Points with error bars.
---@param x Tensor|table|nil (N)
---@param y Tensor|table (N)
---@param err Tensor|table (N) half-widths, or {lower, upper} bounds
---@param options table|nil {label=, color=, marker=, size=}
---@return Axes
function Axes:errorbar(x, y, err, options)
  local where = series_name(self, "errorbar", options)
  options = arguments.options(where, options, "label color marker size")
  return insert(self, new_errorbar(self, where, x, y, err, options))
end

--- Bars over categories; several calls stand side by side.
---@param labels table|nil (N) strings
---@param heights Tensor|table (N)
---@param options table|nil {label=, color=, errors= (N) or {lower, upper}, values= true or digits}
---@return Axes
function Axes:bars(labels, heights, options)
  if heights == nil or arguments.is_options(heights) then labels, heights, options = nil, labels, heights end
  local where = series_name(self, "bars", options)
  options = arguments.options(where, options, "label color errors values")
  return insert(self, new_bars(self, where, labels, heights, options))
end

--- A histogram; several on the same axes share their bins.
---@param list Tensor|table any shape
---@param options table|nil {label=, color=, bins= count, range={lo, hi}, density= true for unit area}
---@return Axes
function Axes:histogram(list, options)
  local where = series_name(self, "histogram", options)
  options = arguments.options(where, options, "label color bins range density")
  return insert(self, new_histogram(self, where, list, options))
end

--- A matrix as colours, row 1 on top.
---@param matrix Tensor|table (R,C)
---@param options table|nil {xlabels= (C), ylabels= (R), values= true or digits, map=, range=, colorbar=, label= of the bar}
---@return Axes
function Axes:heatmap(matrix, options)
  local where = series_name(self, "heatmap", options)
  options = arguments.options(where, options, "xlabels ylabels values map range colorbar label")
  return insert(self, field.heatmap(self, where, matrix, options))
end

--- A picture.
---@param x Tensor|table (H,W), (1,H,W) or (3,H,W)
---@param options table|nil {range={lo, hi} shown as black to white, map= for one channel, colorbar=, label=}
---@return Axes
function Axes:image(x, options)
  local where = series_name(self, "image", options)
  options = arguments.options(where, options, "range map colorbar label")
  return insert(self, field.image(self, where, x, options))
end

--- A horizontal line across the plot at y.
---@param y number
---@param options table|nil {label=, color=, style=, width=}
---@return Axes
function Axes:hline(y, options)
  local where = series_name(self, "hline", options)
  return insert(self, new_rule(self, where, "h", y, arguments.options(where, options, "label color style width")))
end

--- A vertical line across the plot at x.
---@param x number
---@param options table|nil {label=, color=, style=, width=}
---@return Axes
function Axes:vline(x, options)
  local where = series_name(self, "vline", options)
  return insert(self, new_rule(self, where, "v", x, arguments.options(where, options, "label color style width")))
end

--- Text at a point of the plot.
---@param x number
---@param y number
---@param text string $...$ for formulas
---@param options table|nil {color=, anchor="start|middle|end", size=}
---@return Axes
function Axes:text(x, y, text, options)
  local where = series_name(self, "text", nil)
  return insert(self, new_note(self, where, x, y, text, arguments.options(where, options, "color anchor size")))
end

--- A radar chart, which fills the axes alone.
---@param labels string[] one for each spoke, three at least
---@param list table[] the series, each {label=, values= (K), color=}
---@param options table|nil {range={lo, hi} for all spokes, ranges={{lo, hi}...} for each}
---@return Axes
function Axes:radar(labels, list, options)
  if #self.marks > 0 or self.radar_chart then arguments.fail("ax:radar needs axes of its own; add axes with fig:axes{...}") end
  options = arguments.options("ax:radar", options, "range ranges")
  self.radar_chart = radar.new(self, labels, list, options)
  return self
end

-- Limits ----------------------------------------------------------------------------------------------------------

local function merge(total, name, interval)
  if not interval then return end
  for i = 1, 2 do
    local v, held = interval[i], total[name][i]
    if v and (held == nil or (i == 1 and v < held) or (i == 2 and v > held)) then total[name][i] = v end
  end
end

local function gather(self)
  local total = { x = {}, y = {}, x_pad = 0, y_pad = 0, x_integer = nil, y_integer = nil, x_grid = true, grid = true }
  local any_y_pad = #self.marks == 0
  for _, mark in ipairs(self.marks) do
    local l = mark:limits(self)
    merge(total, "x", l.x)
    merge(total, "y", l.y)
    total.x_pad = math.max(total.x_pad, l.x_pad or 0)
    if l.y_pad ~= 0 then any_y_pad = true end
    if l.x and l.y then
      if total.x_integer ~= false then total.x_integer = l.x_integer or false end
      if total.y_integer ~= false then total.y_integer = l.y_integer or false end
    end
    if l.grid == false then total.grid = false end
    if l.x_grid == false then total.x_grid = false end
    total.from_zero = total.from_zero or l.y_from_zero
  end
  total.y_pad = any_y_pad and 0.05 or 0
  return total
end

local function finish_axis(axis, interval, pad, from_zero, integer)
  local lo, hi = Scale.limits(axis.kind, interval[1], interval[2], pad, from_zero)
  local given = axis.limits or {}
  if given[1] then lo = given[1] end
  if given[2] then hi = given[2] end
  if lo >= hi then -- only one end was given, beyond the data
    local step = axis.kind == "log" and math.abs(lo) * 9 or math.max(math.abs(lo), 1)
    if given[1] then hi = lo + step else lo = axis.kind == "log" and hi / 10 or hi - step end
  end
  axis.lo, axis.hi = lo, hi
  axis.scale = Scale.new(axis.kind, lo, hi, { integer = axis.integer or integer, ticks = axis.given_ticks })
end

--- Computes bins, limits and scales from the marks.
function Axes:prepare()
  if self.radar_chart then return end
  for _, mark in ipairs(self.marks) do
    if mark.prepare then mark:prepare(self) end
  end
  local total = gather(self)
  finish_axis(self.x, total.x, total.x_pad, false, total.x_integer)
  finish_axis(self.y, total.y, total.y_pad, total.from_zero, total.y_integer)
  local grid = self.grid == nil and total.grid or self.grid
  self.x.grid, self.y.grid = grid and total.x_grid and not self.x.categories, grid
  self.entries = legend.entries(self.marks)
  self.legend_place = nil
end

--- The colour bar of the first mark that has one.
function Axes:colour_bar()
  for _, mark in ipairs(self.marks) do
    if mark.bar then return mark.bar end
  end
end

-- Layout and drawing ----------------------------------------------------------------------------------------------

function Axes:margins(width, height)
  if self.radar_chart then return self.radar_chart:margins(width, height) end
  return frame.margins(self, width, height)
end

local function obstacle_points(self, view)
  local points = {}
  local function add(x, y) points[#points + 1], points[#points + 2] = x, y end
  for _, mark in ipairs(self.marks) do mark:obstacles(view, add) end
  return points
end

local MOST_HIDDEN = 0.004 -- share of the drawing that a legend inside the plot may cover

--- Decides whether the legend stands inside the plot or in a strip above it, for a box of about the final size.
function Axes:decide_legend(box)
  if self.radar_chart or #self.entries == 0 or self.legend_option == "none" then return end
  local place = self.legend_option or "auto"
  if place == "top" or place == "strip" then self.legend_place = "strip"
  elseif place ~= "auto" then self.legend_place = "inside"
  else
    box = frame.fit_aspect(self, box)
    frame.place(self, box)
    local points = obstacle_points(self, { x = self.x.scale, y = self.y.scale, box = box })
    local _, _, least, w, h = legend.best_corner(self.entries, box, points)
    local small = w < 0.6 * (box.right - box.left) and h < 0.6 * (box.bottom - box.top)
    self.legend_place = small and least <= MOST_HIDDEN * #points / 2 and "inside" or "strip"
  end
end

local function draw_legend(self, view, box)
  if self.legend_place == "strip" then
    local width = box.right - box.left
    legend.draw_strip(view.canvas, self.entries, box.left, box.top - legend.strip_height(self.entries, width), width)
  elseif self.legend_place == "inside" then
    local place = self.legend_option ~= "auto" and self.legend_option or nil
    local x, y, least = legend.best_corner(self.entries, box, obstacle_points(self, view), place)
    legend.draw_column(view.canvas, self.entries, x, y, least > 0)
  end
end

--- Draws the axes into a box of the canvas.
---@param canvas Canvas
---@param box table
---@param top number upper edge of the cell, where the title stands
function Axes:draw(canvas, box, top)
  if self.radar_chart then return self.radar_chart:draw(canvas, box, top) end
  box = frame.fit_aspect(self, box)
  frame.place(self, box)
  local view = { canvas = canvas, x = self.x.scale, y = self.y.scale, box = box }
  frame.draw_under(self, canvas, box)
  for _, mark in ipairs(self.marks) do mark:draw(view) end
  frame.draw_over(self, canvas, box, top)
  draw_legend(self, view, box)
end

local function axis_sentence(axis)
  if axis.categories then return string.format("%d categories", #axis.categories) end
  local name = axis.label and label.plain(axis.label) or axis.name
  return string.format("%s from %s to %s%s", name, number.significant(axis.lo, 3), number.significant(axis.hi, 3),
    axis.kind == "log" and " (logarithmic)" or "")
end

--- A sentence for readers who do not see the picture.
---@return string
function Axes:describe()
  local title = self.title and label.plain(self.title) .. ": " or ""
  if self.radar_chart then return title .. self.radar_chart:describe() end
  if self.bare then return title .. "picture" end
  local names = {}
  for _, key in ipairs(self.entries) do names[#names + 1] = label.plain(key.label) end
  return title .. axis_sentence(self.x) .. "; " .. axis_sentence(self.y) ..
    (#names > 0 and "; series: " .. table.concat(names, ", ") or "")
end

return Axes
