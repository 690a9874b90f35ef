--- rp.plot: figures as SVG (for reports) and PNG, the same bytes on every machine.
--
--     local fig = rp.plot.figure{title = "Training"}
--     local ax = fig:axes{xlabel = "step", ylabel = "loss", yscale = "log"}
--     ax:line(steps, runs, {label = "two-stage"})        -- runs (S,T): mean and standard deviation over seeds
--     fig:save("loss.svg")
--
-- Data are tensors or Lua tables. Labels may hold formulas between dollar signs: "$\\sigma_t$".
-- An SVG figure scales with its container, takes the text colour of the page it stands in, and on its own follows the
-- reader's light or dark preference; a page may set the CSS variable --rp-paper to its background.
local arguments = require "repro.plot.arguments"
local colormap = require "repro.plot.colormap"
local Figure = require "repro.plot.figure"
local grid = require "repro.plot.grid"

local plot = {}

--- The categorical colours, "#rrggbb", told apart by colour-blind readers on light and on dark pages.
plot.palette = colormap.palette

--- Colour maps: "sequential" (default), "diverging", "gray". Returns the bytes of the colour at t in [0,1].
---@param name string
---@param t number
---@return integer r, integer g, integer b
function plot.color(name, t)
  return colormap.get(name, "plot.color")(math.min(math.max(t, 0), 1))
end

plot.figure = Figure.new
plot.image_grid = grid.figure

local FIGURE = { "title", "width", "height", "desc" }
local AXES = { "xlabel", "ylabel", "xunit", "yunit", "xscale", "yscale", "xlim", "ylim", "xticks", "yticks", "grid", "legend",
  "aspect", "frame" }

local function taken(options, names)
  local out = {}
  for _, name in ipairs(names) do out[name], options[name] = options[name], nil end
  return out
end

-- Splits the options of a one-line plot into those of the figure, the axes and the mark, and makes the first two.
local function single(where, options)
  if options ~= nil and type(options) ~= "table" then
    arguments.fail("%s: options must be a table such as {xlabel = \"step\"}, got a %s", where, type(options))
  end
  local rest = {}
  for key, value in pairs(options or {}) do rest[key] = value end
  local of_figure, of_axes = taken(rest, FIGURE), taken(rest, AXES)
  of_axes.title, of_figure.title = of_figure.title, nil
  local fig = Figure.new(of_figure)
  return fig, fig:axes(of_axes), next(rest) and rest or nil
end

--- A figure of one line; see Axes:line. Options of figure, axes and line in one table.
---@return Figure
function plot.line(x, y, options)
  if y == nil or arguments.is_options(y) then x, y, options = nil, x, y end
  local fig, ax, rest = single("plot.line", options)
  ax:line(x, y, rest)
  return fig
end

--- A figure of points; see Axes:scatter.
---@return Figure
function plot.scatter(x, y, options)
  local fig, ax, rest = single("plot.scatter", options)
  ax:scatter(x, y, rest)
  return fig
end

--- A figure of bars; see Axes:bars.
---@return Figure
function plot.bars(labels, heights, options)
  local fig, ax, rest = single("plot.bars", options)
  ax:bars(labels, heights, rest)
  return fig
end

--- A figure of one histogram; see Axes:histogram.
---@return Figure
function plot.histogram(list, options)
  local fig, ax, rest = single("plot.histogram", options)
  ax:histogram(list, rest)
  return fig
end

--- A figure of one heat map; see Axes:heatmap.
---@return Figure
function plot.heatmap(matrix, options)
  local fig, ax, rest = single("plot.heatmap", options)
  ax:heatmap(matrix, rest)
  return fig
end

--- A figure of one picture; see Axes:image.
---@return Figure
function plot.image(x, options)
  local fig, ax, rest = single("plot.image", options)
  ax:image(x, rest)
  return fig
end

--- A figure of one radar chart; see Axes:radar.
---@return Figure
function plot.radar(labels, series, options)
  local fig, ax, rest = single("plot.radar", options)
  ax:radar(labels, series, rest)
  return fig
end

return plot
