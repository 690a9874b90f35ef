--- Lines across a plot at one value.
local arguments = require "repro.plot.arguments"
local number = require "repro.plot.number"
local series = require "repro.plot.series"
local colormap = require "repro.plot.colormap"
local clip = require "repro.plot.clip"
local marker = require "repro.plot.marker"

local Rule = {}
Rule.__index = Rule

local function new_rule(_, where, direction, at, options)
  if type(at) ~= "number" or not number.drawable(at) then
    arguments.fail("%s: expected one finite number, got %s", where, tostring(at))
  end
  return setmetatable({ direction = direction, at = at, label = options.label, width = options.width or 1.2,
    color = options.color and colormap.parse(options.color, where) or "muted",
    style = arguments.choice(where, "style", options.style, marker.styles) or "dashed" }, Rule)
end

function Rule:limits()
  return self.direction == "h" and { y = { self.at, self.at } } or { x = { self.at, self.at } }
end

function Rule:line(view)
  local box = view.box
  if self.direction == "h" then
    local y = view.y:map(self.at)
    return clip.inside(box.left, y, box) and { box.left, y, box.right, y } or nil
  end
  local x = view.x:map(self.at)
  return clip.inside(x, box.top, box) and { x, box.top, x, box.bottom } or nil
end

function Rule:draw(view)
  local line = self:line(view)
  local dots = self.style == "dotted" or self.style == "dashdot"                -- a dot is nothing but its round ends
  if line then
    view.canvas:lines({ line }, { color = self.color, width = self.width, dash = marker.dash(self.style, self.width),
                                  butt = not dots })
  end
end

function Rule:keys()
  return { { label = self.label, color = self.color, line = self.style, width = self.width } }
end

function Rule:obstacles(view, add)
  local line = self:line(view)
  if line then series.add_along(line, add) end
end

return new_rule
