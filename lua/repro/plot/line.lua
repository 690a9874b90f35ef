--- Lines, with bands and markers; several runs become their mean and a band.
local arguments = require "repro.plot.arguments"
local values = require "repro.plot.values"
local series = require "repro.plot.series"
local clip = require "repro.plot.clip"
local marker = require "repro.plot.marker"

local LINE_WIDTH = 1.8

local Line = {}
Line.__index = Line

local function several_runs(where, y, band)
  local rows, count = values.matrix(y, where .. ": y")
  local mean, deviation, least, greatest = values.column_statistics(rows)
  arguments.choice(where, "band", type(band) == "string" and band or nil, "std range none")
  if band == "none" or band == false or count == 1 then return mean, nil end
  if band == "range" then return mean, { least, greatest } end
  if band ~= nil and band ~= "std" then
    arguments.fail("%s: y has %d rows (runs), so band must be \"std\", \"range\" or \"none\"", where, count)
  end
  return mean, { series.plus(mean, deviation, -1), series.plus(mean, deviation, 1) }
end

local function new_line(axes, where, x, y, options)
  local self = setmetatable({ where = where, label = options.label }, Line)
  if values.ndim(y) == 2 then self.y, self.band = several_runs(where, y, options.band)
  else
    self.y = values.vector(y, where .. ": y")
    if type(options.band) == "string" then
      arguments.fail("%s: band = \"%s\" needs y with one row per run (S,T); y has one dimension", where, options.band)
    end
    if options.band then self.band = series.interval(where, "band", self.y, options.band) end
  end
  self.x = series.positions(axes, x, #self.y, where)
  series.check_lengths(where, { "x", "y" }, { #self.x, #self.y })
  series.check_some(where, self.y)
  self.color, self.width = axes:colour(options.color, where), options.width or LINE_WIDTH
  self.style = arguments.choice(where, "style", options.style, marker.styles) or axes:line_style()
  self.marker, self.size = marker.check(options.marker, where), options.size or 3
  return self
end

function Line:limits(axes)
  local xlo, xhi = values.extent(self.x, axes.x.kind == "log")
  local log = axes.y.kind == "log"
  local ylo, yhi = values.extent(self.y, log)
  if self.band then
    local lower, upper = values.extent(self.band[1], log), select(2, values.extent(self.band[2], log))
    if log and lower and ylo then lower = math.max(lower, ylo / 10) end -- mean - std near zero says nothing on this scale
    ylo, yhi = series.joined(ylo, yhi, lower, upper or lower)
  end
  return { x = { xlo, xhi }, y = { ylo, yhi }, x_integer = series.all_integers(self.x), x_pad = self.marker and 0.03 or 0 }
end

-- Polygons of the band: one for each stretch where both edges are defined.
function Line:band_polygons(view)
  local out, upper, lower = {}, {}, {}
  local function flush()
    for i = #lower - 1, 1, -2 do upper[#upper + 1], upper[#upper + 2] = lower[i], lower[i + 1] end
    local polygon = #upper >= 6 and clip.polygon(upper, view.box) or {}
    if #polygon > 0 then out[#out + 1] = polygon end
    upper, lower = {}, {}
  end
  for i = 1, #self.x do
    local px, lo, hi = view.x:map(self.x[i]), view.y:clamped(self.band[1][i]), view.y:clamped(self.band[2][i])
    if px == px and lo == lo and hi == hi then
      upper[#upper + 1], upper[#upper + 2] = px, hi
      lower[#lower + 1], lower[#lower + 2] = px, lo
    else flush() end
  end
  flush()
  return out
end

function Line:pieces(view)
  local points = series.to_points(view, self.x, self.y)
  if #self.x > 4 * (view.box.right - view.box.left) and series.ascending(self.x) then points = clip.thin(points) end
  return clip.polyline(points, view.box)
end

function Line:draw(view)
  view.canvas:open(self.label)
  if self.band then view.canvas:polygons(self:band_polygons(view), { color = self.color, alpha = 0.2 }) end
  if self.style ~= "none" then
    view.canvas:lines(self:pieces(view), { color = self.color, width = self.width, dash = marker.dash(self.style, self.width) })
  end
  if self.marker then
    marker.draw(view.canvas, series.visible(view, self.x, self.y), self.marker, self.size, { color = self.color })
  end
  view.canvas:close()
end

function Line:keys()
  return { { label = self.label, color = self.color, line = self.style ~= "none" and self.style or nil, width = self.width,
    marker = self.marker, band = self.band ~= nil } }
end

function Line:obstacles(view, add)
  for _, line in ipairs(self:pieces(view)) do series.add_along(line, add) end
  for _, polygon in ipairs(self.band and self:band_polygons(view) or {}) do series.add_along(polygon, add) end
end

return new_line
