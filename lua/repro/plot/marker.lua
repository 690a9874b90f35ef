--- Marker shapes for points, and dash patterns for lines.
local arguments = require "repro.plot.arguments"

local marker = {}

marker.names = "circle square triangle diamond cross plus"
marker.order = { "circle", "square", "triangle", "diamond", "cross", "plus" }
marker.styles = "solid dashed dotted dashdot none"

-- Dash patterns in multiples of the line's width.
local DASHES = { dashed = { 3.5, 2.5 }, dotted = { 0.01, 2.2 }, dashdot = { 4, 2.2, 0.01, 2.2 } }

--- The dash pattern of a style for a line width; nil for a solid line.
---@param style string|nil
---@param width number
---@return number[]|nil
function marker.dash(style, width)
  local pattern = DASHES[style]
  if not pattern then return nil end
  local out = {}
  for i = 1, #pattern do out[i] = pattern[i] * width end
  return out
end

-- Shapes of about equal area for a radius of 1, y downwards.
local POLYGONS = {
  square = { -0.89, -0.89, 0.89, -0.89, 0.89, 0.89, -0.89, 0.89 },
  triangle = { 0, -1.25, 1.2, 0.85, -1.2, 0.85 },
  diamond = { 0, -1.25, 1.25, 0, 0, 1.25, -1.25, 0 },
}
local LINES = {
  cross = { { -0.8, -0.8, 0.8, 0.8 }, { -0.8, 0.8, 0.8, -0.8 } },
  plus = { { -1.05, 0, 1.05, 0 }, { 0, -1.05, 0, 1.05 } },
}

local function placed(shape, x, y, r)
  local out = {}
  for i = 1, #shape - 1, 2 do out[i], out[i + 1] = x + r * shape[i], y + r * shape[i + 1] end
  return out
end

--- Draws one marker at each point.
---@param canvas Canvas
---@param points number[] {x1, y1, x2, y2, ...}
---@param name string one of marker.names
---@param radius number
---@param style table {color=, alpha=}
function marker.draw(canvas, points, name, radius, style)
  if name == "circle" then return canvas:dots(points, radius, style) end
  local shapes = {}
  for i = 1, #points - 1, 2 do
    if POLYGONS[name] then shapes[#shapes + 1] = placed(POLYGONS[name], points[i], points[i + 1], radius)
    else
      for _, line in ipairs(LINES[name]) do shapes[#shapes + 1] = placed(line, points[i], points[i + 1], radius) end
    end
  end
  if POLYGONS[name] then return canvas:polygons(shapes, style) end
  canvas:lines(shapes, { color = style.color, alpha = style.alpha, width = 0.55 * radius })
end

--- Checks a marker option: a name, true for a circle, nil for none.
---@param value any
---@param where string
---@return string|nil
function marker.check(value, where)
  if value == true then return "circle" end
  return arguments.choice(where, "marker", value, marker.names) or nil
end

return marker
