--- Bars over categories, side by side when there are several series.
local values = require "repro.plot.values"
local number = require "repro.plot.number"
local series = require "repro.plot.series"

local GROUP = 0.78 -- share of a category that its bars fill
local ceil, min, max = math.ceil, math.min, math.max

local Bars = {}
Bars.__index = Bars

local function new_bars(axes, where, labels, heights, options)
  local self = setmetatable({ where = where, label = options.label }, Bars)
  self.heights = values.vector(heights, where .. ": heights")
  labels = labels == nil and {} or values.labels(labels, where .. ": labels")
  for i = #labels + 1, labels[1] == nil and #self.heights or 0 do labels[i] = tostring(i) end
  series.check_lengths(where, { "labels", "heights" }, { #labels, #self.heights })
  series.check_some(where, self.heights)
  axes:set_categories("x", labels, where)
  if options.errors then self.bounds = series.interval(where, "error", self.heights, options.errors) end
  self.color = axes:colour(options.color, where)
  self.digits = options.values == true and (series.all_integers(self.heights) and 0 or 2) or options.values
  axes.bar_series = axes.bar_series or {}
  axes.bar_series[#axes.bar_series + 1] = self
  self.index, self.series = #axes.bar_series, axes.bar_series
  return self
end

function Bars:limits(axes)
  local log = axes.y.kind == "log"
  local lo, hi = values.extent(self.heights, log)
  if self.bounds then
    local lower, upper = values.extent(self.bounds[1], log), select(2, values.extent(self.bounds[2], log))
    lo, hi = lower and min(lo or lower, lower) or lo, upper and max(hi or upper, upper) or hi
  end
  if not log then lo, hi = min(lo or 0, 0), max(hi or 0, 0) end
  if not log and self.digits then hi = hi + 0.05 * (hi - lo) end -- room for the numbers on top
  return { x = { 0.5, #self.heights + 0.5 }, y = { lo, hi }, x_pad = 0, y_from_zero = true, x_grid = false }
end

-- Left edge and width of the i-th bar, in positions.
function Bars:slot(view, i)
  local unit = (view.x:map(2) - view.x:map(1)) * GROUP
  local width = unit / #self.series
  return view.x:map(i) - unit / 2 + (self.index - 1) * width, width
end

function Bars:rectangles(view, visit)
  local base = view.y:clamped(view.y.kind == "log" and view.y.lo or 0)
  for i, height in ipairs(self.heights) do
    local y = view.y:clamped(height)
    local left, width = self:slot(view, i)
    if y == y and left > view.box.left - width and left < view.box.right then visit(i, left, width, y, base) end
  end
end

function Bars:draw(view)
  local canvas, lines = view.canvas, {}
  canvas:open(self.label)
  self:rectangles(view, function(_, left, width, y, base)
    local gap = min(1, 0.08 * width)
    canvas:rectangle(left + gap / 2, min(y, base), width - gap, math.abs(base - y), { color = self.color })
  end)
  self:rectangles(view, function(i, left, width, y, base)
    local above = y
    if self.bounds then
      series.whiskers(view, left + width / 2, self.bounds[1][i], self.bounds[2][i], lines)
      local edge = view.y:clamped(self.bounds[y > base and 1 or 2][i])
      if edge == edge then above = edge end
    end
    if self.digits then
      local text = number.minus(number.fixed(self.heights[i], self.digits))
      canvas:text(left + width / 2, y > base and above + 11 or above - 4, text, { size = 9.5, color = "ink", anchor = "middle" })
    end
  end)
  canvas:lines(lines, { color = "ink", width = 1.1, alpha = 0.8 })
  canvas:close()
end

function Bars:keys()
  return { { label = self.label, color = self.color, patch = 1 } }
end

function Bars:obstacles(view, add)
  self:rectangles(view, function(i, left, width, y, base)
    if self.bounds then y = min(y, view.y:clamped(self.bounds[2][i])) end
    local steps = max(1, ceil(math.abs(base - y) / 8))
    for k = 0, steps do
      local at = y + (base - y) * k / steps
      add(left, at)
      add(left + width / 2, k == 0 and self.digits and at - 12 or at)
      add(left + width, at)
    end
  end)
end

return new_bars
