--- Scattered points: of one colour, by class, or by value through a colour map.
local arguments = require "repro.plot.arguments"
local values = require "repro.plot.values"
local number = require "repro.plot.number"
local series = require "repro.plot.series"
local colormap = require "repro.plot.colormap"
local marker = require "repro.plot.marker"

local Scatter = {}
Scatter.__index = Scatter

local function sorted_classes(labels, where)
  local seen, classes = {}, {}
  for i = 1, #labels do
    local v = labels[i]
    if v ~= v then arguments.fail("%s: class of point %d is NaN; use integers or strings", where, i) end
    if not seen[v] then seen[v], classes[#classes + 1] = true, v end
  end
  table.sort(classes, function(a, b)
    if type(a) == "number" and type(b) == "number" then return a < b end
    return tostring(a) < tostring(b)
  end)
  return classes
end

local function class_name(names, class)
  if names and names[class] ~= nil then return tostring(names[class]) end
  return type(class) == "number" and number.short(class, 6) or class
end

local function groups_by_class(axes, self, labels, options)
  local groups, index = {}, {}
  for k, class in ipairs(sorted_classes(labels, self.where)) do
    local shape = options.marker or marker.order[(k - 1) // #colormap.palette % #marker.order + 1]
    groups[k] = { x = {}, y = {}, label = class_name(options.names, class), marker = shape, color = axes:colour(nil, self.where) }
    index[class] = groups[k]
  end
  for i = 1, #labels do
    local group = index[labels[i]]
    group.x[#group.x + 1], group.y[#group.y + 1] = self.x[i], self.y[i]
  end
  return groups
end

local LEVELS = 64

-- Points with a value are grouped by the level of their colour: few elements, whatever the number of points.
local function groups_by_value(self, v, options)
  local lo, hi = values.extent(v)
  if not lo then arguments.fail("%s: values has no finite number to colour by", self.where) end
  if options.range then lo, hi = options.range[1], options.range[2] end
  if hi <= lo then hi = lo + 1 end
  local map, groups, index = colormap.get(options.map, self.where), {}, {}
  for k = 1, LEVELS do
    groups[k] = { x = {}, y = {}, marker = options.marker or "circle", color = colormap.hex(map((k - 0.5) / LEVELS)) }
  end
  for i = 1, #v do
    if number.drawable(v[i]) then
      local k = math.min(math.max(math.floor((v[i] - lo) / (hi - lo) * LEVELS) + 1, 1), LEVELS)
      local group = groups[k]
      group.x[#group.x + 1], group.y[#group.y + 1] = self.x[i], self.y[i]
    end
  end
  for k = 1, LEVELS do
    if #groups[k].x > 0 then index[#index + 1] = groups[k] end
  end
  return index, { lo = lo, hi = hi, map = map, label = options.label }
end

local function per_point(colour)
  return values.is_tensor(colour) or type(colour) == "table"
end

local function new_scatter(axes, where, x, y, options)
  local self = setmetatable({ where = where }, Scatter)
  self.y = values.vector(y, where .. ": y")
  self.x = series.positions(axes, x, #self.y, where)
  series.check_lengths(where, { "x", "y" }, { #self.x, #self.y })
  series.check_some(where, self.y)
  options.marker = marker.check(options.marker, where)
  self.size, self.alpha = options.size or (#self.x > 1500 and 1.6 or #self.x > 300 and 2.2 or 3), options.alpha or 0.85
  local classes, v = options.classes, options.values
  if classes == nil and v == nil and per_point(options.color) then
    local labels = values.labels(options.color, where .. ": color")
    if type(labels[1]) == "number" and not series.all_integers(labels) then v = labels else classes = labels end
  end
  if classes then
    classes = values.labels(classes, where .. ": classes")
    series.check_lengths(where, { "x", "classes" }, { #self.x, #classes })
    self.groups = groups_by_class(axes, self, classes, options)
  elseif v then
    v = values.vector(v, where .. ": values")
    series.check_lengths(where, { "x", "values" }, { #self.x, #v })
    self.groups, self.bar = groups_by_value(self, v, options)
  else
    self.groups = { { x = self.x, y = self.y, label = options.label, marker = options.marker or "circle",
      color = axes:colour(options.color, where) } }
  end
  return self
end

function Scatter:limits(axes)
  return { x = { values.extent(self.x, axes.x.kind == "log") }, y = { values.extent(self.y, axes.y.kind == "log") },
    x_integer = series.all_integers(self.x), x_pad = 0.04 }
end

function Scatter:draw(view)
  for _, group in ipairs(self.groups) do
    view.canvas:open(group.label)
    marker.draw(view.canvas, series.visible(view, group.x, group.y), group.marker, self.size,
      { color = group.color, alpha = self.alpha })
    view.canvas:close()
  end
end

function Scatter:keys()
  local keys = {}
  for _, group in ipairs(self.bar and {} or self.groups) do
    keys[#keys + 1] = { label = group.label, color = group.color, marker = group.marker }
  end
  return keys
end

function Scatter:obstacles(view, add)
  local points = series.visible(view, self.x, self.y)
  for i = 1, #points - 1, 2 do add(points[i], points[i + 1]) end
end

return new_scatter
