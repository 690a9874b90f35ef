--- Points with error bars.
local arguments = require "repro.plot.arguments"
local values = require "repro.plot.values"
local series = require "repro.plot.series"
local marker = require "repro.plot.marker"

local Errorbar = {}
Errorbar.__index = Errorbar

local function new_errorbar(axes, where, x, y, err, options)
  local self = setmetatable({ where = where, label = options.label }, Errorbar)
  self.y = values.vector(y, where .. ": y")
  self.x = series.positions(axes, x, #self.y, where)
  series.check_lengths(where, { "x", "y" }, { #self.x, #self.y })
  series.check_some(where, self.y)
  if err == nil then arguments.fail("%s: no errors given; pass a half-width for each point, or {lower, upper}", where) end
  self.bounds = series.interval(where, "error", self.y, err)
  self.color = axes:colour(options.color, where)
  self.marker, self.size = marker.check(options.marker, where) or "circle", options.size or 3.2
  return self
end

function Errorbar:limits(axes)
  local log = axes.y.kind == "log"
  local lo, hi = values.extent(self.y, log)
  local lower, upper = values.extent(self.bounds[1], log), select(2, values.extent(self.bounds[2], log))
  lo, hi = series.joined(lo, hi, lower, upper or lower)
  return { x = { values.extent(self.x, axes.x.kind == "log") }, y = { lo, hi },
    x_integer = series.all_integers(self.x), x_pad = 0.05 }
end

function Errorbar:whiskers(view)
  local lines = {}
  for i = 1, #self.x do series.whiskers(view, view.x:map(self.x[i]), self.bounds[1][i], self.bounds[2][i], lines) end
  return lines
end

function Errorbar:draw(view)
  view.canvas:open(self.label)
  view.canvas:lines(self:whiskers(view), { color = self.color, width = 1.3 })
  marker.draw(view.canvas, series.visible(view, self.x, self.y), self.marker, self.size, { color = self.color })
  view.canvas:close()
end

function Errorbar:keys()
  return { { label = self.label, color = self.color, marker = self.marker, whisker = true } }
end

function Errorbar:obstacles(view, add)
  for _, line in ipairs(self:whiskers(view)) do series.add_along(line, add) end
end

return new_errorbar
