--- The legend: its size, where it hides least, and its drawing.
local label = require "repro.plot.label"
local marker = require "repro.plot.marker"

local legend = {}

local SIZE, ROW, KEY, GAP, PAD = 11, 16, 20, 6, 6

legend.places = "auto top right left bottom none top-right top-left bottom-right bottom-left"

--- The keys of all labelled marks.
---@param mark_list table[]
---@return table[]
function legend.entries(mark_list)
  local out = {}
  for _, mark in ipairs(mark_list) do
    for _, key in ipairs(mark:keys()) do
      if key.label and key.label ~= "" then out[#out + 1] = key end
    end
  end
  return out
end

local function entry_width(key)
  return KEY + GAP + label.width(key.label, SIZE)
end

--- Width and height of the box of a legend in one column.
function legend.column_size(entries)
  local width = 0
  for _, key in ipairs(entries) do width = math.max(width, entry_width(key)) end
  return width + 2 * PAD, #entries * ROW + 2 * PAD - 3
end

--- Breaks the entries into rows no wider than `width`: returns rows of entries.
function legend.rows(entries, width)
  local rows, used = { {} }, 0
  for _, key in ipairs(entries) do
    local w = entry_width(key) + 14
    if used > 0 and used + w - 14 > width then
      rows[#rows + 1] = {}
      used = 0
    end
    local row = rows[#rows]
    row[#row + 1] = key
    used = used + w
  end
  return rows
end

--- Height of the strip of a legend in rows.
function legend.strip_height(entries, width)
  return #legend.rows(entries, width) * ROW + 4
end

local function draw_key(canvas, x, y, key)
  local middle = x + KEY / 2
  if key.patch then
    canvas:rectangle(x + 3, y - 5, KEY - 6, 10, { color = key.color, alpha = key.patch })
    if key.outlined then
      canvas:lines({ { x + 3, y + 5, x + 3, y - 5, x + KEY - 3, y - 5, x + KEY - 3, y + 5 } }, { color = key.color, width = 1.3 })
    end
  end
  if key.band then canvas:rectangle(x, y - 5, KEY, 10, { color = key.color, alpha = 0.2 }) end
  if key.whisker then canvas:segment(middle, y - 6, middle, y + 6, { color = key.color, width = 1.3 }) end
  if key.line then
    canvas:segment(x + 1, y, x + KEY - 1, y, { color = key.color, width = key.width, dash = marker.dash(key.line, key.width) })
  end
  if key.marker then marker.draw(canvas, { middle, y }, key.marker, 3.4, { color = key.color }) end
end

local function draw_entry(canvas, x, y, key)
  draw_key(canvas, x, y, key)
  canvas:text(x + KEY + GAP, y + 0.36 * SIZE, key.label, { size = SIZE, color = "ink" })
end

--- Draws the legend in rows from (x, y), the top left corner of the strip.
function legend.draw_strip(canvas, entries, x, y, width)
  for i, row in ipairs(legend.rows(entries, width)) do
    local at = x
    for _, key in ipairs(row) do
      draw_entry(canvas, at, y + (i - 0.5) * ROW, key)
      at = at + entry_width(key) + 14
    end
  end
end

--- Draws the legend in one column in a box at (x, y); `backed` puts the page's colour behind it.
function legend.draw_column(canvas, entries, x, y, backed)
  local width, height = legend.column_size(entries)
  if backed then canvas:rectangle(x, y, width, height, { color = "paper", alpha = 0.82, radius = 3 }) end
  for i, key in ipairs(entries) do draw_entry(canvas, x + PAD, y + PAD - 1.5 + (i - 0.5) * ROW, key) end
end

local CORNERS = { "top-right", "top-left", "bottom-right", "bottom-left", "right", "left", "top", "bottom" }

local function corner_position(place, box, width, height)
  local m = 5
  local x, y = (box.left + box.right - width) / 2, (box.top + box.bottom - height) / 2
  if place:find("left") then x = box.left + m elseif place:find("right") then x = box.right - m - width end
  if place:find("top") then y = box.top + m elseif place:find("bottom") then y = box.bottom - m - height end
  return x, y
end

local function hidden(points, x, y, width, height)
  local count = 0
  for i = 1, #points - 1, 2 do
    local px, py = points[i], points[i + 1]
    if px > x - 3 and px < x + width + 3 and py > y - 3 and py < y + height + 3 then count = count + 1 end
  end
  return count
end

--- Position of the legend inside the box that hides the fewest of the points: x, y and how many are hidden.
---@param entries table[]
---@param box table
---@param points number[]
---@param place string|nil only this corner
function legend.best_corner(entries, box, points, place)
  local width, height = legend.column_size(entries)
  local best_x, best_y, least
  for _, corner in ipairs(place and { place } or CORNERS) do
    local x, y = corner_position(corner, box, width, height)
    local count = hidden(points, x, y, width, height)
    if not least or count < least then best_x, best_y, least = x, y, count end
  end
  return best_x, best_y, least, width, height
end

return legend
