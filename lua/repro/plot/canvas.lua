--- The drawing list: what a figure is made of, before any file format.
-- Coordinates are units of the figure (one CSS pixel at its natural width), y downwards. Colours are "#rrggbb", "ink" (the
-- page's text colour), "muted" (ink, fainter) or "paper" (the page's background). Both writers draw the list in order.
local Canvas = {}
Canvas.__index = Canvas

--- An empty list for a figure of the given size.
---@param width number
---@param height number
---@return Canvas
function Canvas.new(width, height)
  return setmetatable({ width = width, height = height, items = {} }, Canvas)
end

local function push(self, kind, item)
  item.kind = kind
  self.items[#self.items + 1] = item
end

--- Open lines: style = {color=, width=, dash={on, off, ...}|nil, alpha=|nil, butt=true|nil}.
---@param lines number[][] each {x1, y1, x2, y2, ...}; two numbers alone are a dot
---@param style table
function Canvas:lines(lines, style)
  if #lines > 0 then push(self, "lines", { lines = lines, style = style }) end
end

--- One straight line.
function Canvas:segment(x0, y0, x1, y1, style)
  self:lines({ { x0, y0, x1, y1 } }, style)
end

--- Filled polygons, painted as one shape: style = {color=, alpha=|nil, outline=width|nil}.
---@param polygons number[][]
---@param style table
function Canvas:polygons(polygons, style)
  if #polygons > 0 then push(self, "polygons", { polygons = polygons, style = style }) end
end

--- Filled discs of one radius, painted as one shape.
---@param points number[]
---@param radius number
---@param style table {color=, alpha=|nil}
function Canvas:dots(points, radius, style)
  if #points > 0 then push(self, "dots", { points = points, radius = radius, style = style }) end
end

--- A filled rectangle with sharp edges.
function Canvas:rectangle(x, y, width, height, style)
  if width > 0 and height > 0 then push(self, "rectangle", { x = x, y = y, width = width, height = height, style = style }) end
end

--- A label at the baseline point (x, y): style = {size=, color=, anchor="start"|"middle"|"end", bold=|nil, turn=degrees|nil
--- (counter-clockwise), alpha=|nil}.
---@param x number
---@param y number
---@param text string markup of label.lua
---@param style table
function Canvas:text(x, y, text, style)
  if text ~= "" then push(self, "text", { x = x, y = y, text = text, style = style }) end
end

--- A picture of sharp pixels: bytes row by row, `channels` 1 (gray) or 3 (red, green, blue).
---@param picture table {width=, height=, channels=, bytes=string}
function Canvas:image(x, y, width, height, picture)
  push(self, "image", { x = x, y = y, width = width, height = height, picture = picture })
end

--- Begins a group; a title names it to screen readers and on hovering.
---@param title string|nil
function Canvas:open(title)
  push(self, "open", { title = title })
end

--- Ends the group.
function Canvas:close()
  push(self, "close", {})
end

return Canvas
