--- Text at a point of a plot.
local arguments = require "repro.plot.arguments"
local colormap = require "repro.plot.colormap"

local Note = {}
Note.__index = Note

local function new_note(_, where, x, y, text, options)
  if type(x) ~= "number" or type(y) ~= "number" then
    arguments.fail("%s: expected ax:text(x, y, text), got %s, %s", where, type(x), type(y))
  end
  return setmetatable({ x = x, y = y, text = tostring(text), size = options.size or 11,
    color = options.color and colormap.parse(options.color, where) or "ink",
    anchor = arguments.choice(where, "anchor", options.anchor, "start middle end") or "middle" }, Note)
end

function Note:limits(axes)
  local function allowed(v, axis) return (axis.kind == "linear" or v > 0) and v or nil end
  local x, y = allowed(self.x, axes.x), allowed(self.y, axes.y)
  return { x = { x, x }, y = { y, y } }
end

function Note:draw(view)
  local x, y = view.x:map(self.x), view.y:map(self.y)
  if x == x and y == y then
    view.canvas:text(x, y + 0.36 * self.size, self.text, { size = self.size, color = self.color, anchor = self.anchor })
  end
end

function Note:keys() return {} end

function Note:obstacles(view, add)
  local x, y = view.x:map(self.x), view.y:map(self.y)
  if x == x and y == y then add(x, y) end
end

return new_note
