--- The frame of Cartesian axes: the room that ticks, labels, legend and colour bar need, and their drawing.
local label = require "repro.plot.label"
local legend = require "repro.plot.legend"
local field = require "repro.plot.field"
local Scale = require "repro.plot.scale"

local frame = {}

local TICK_SIZE, LABEL_SIZE, TITLE_SIZE = 10.5, 12, 13
local TICK, PAD, TITLE_LINE, LABEL_LINE = 4, 4, 17, 16
local GRID = { color = "ink", alpha = 0.11, width = 1, butt = true }
local AXIS = { color = "ink", alpha = 0.55, width = 1, butt = true }
local TURN = 40
local SIN, COS = 0.643, 0.766 -- of TURN degrees, for the room that turned labels need

local max, min, floor = math.max, math.min, math.floor

frame.title_size, frame.title_line, frame.label_size, frame.tick_size = TITLE_SIZE, TITLE_LINE, LABEL_SIZE, TICK_SIZE

-- Category labels, thinned when there is no room for all.
local function category_ticks(axis, length, least)
  local n = #axis.categories
  local stride, major = max(1, math.ceil(least * n / max(length, 1))), {}
  for i = 1, n, stride do major[#major + 1] = { value = i, label = tostring(axis.categories[i]) } end
  return { major = major, minor = {}, exponent = 0, categories = true }
end

local function widest(ticks)
  local width = 0
  for _, tick in ipairs(ticks.major) do width = max(width, label.width(tick.label, TICK_SIZE)) end
  return width
end

-- Horizontal ticks whose labels do not touch: fewer until they fit.
local function x_ticks(axis, length)
  if axis.categories then return category_ticks(axis, length, 12) end
  local count = max(2, min(10, floor(length / 36)))
  while true do
    local ticks = axis.scale:ticks(count)
    local spacing = length / max(#ticks.major - 1, 1)
    if count <= 2 or widest(ticks) + 10 <= spacing or #ticks.major <= 2 then return ticks end
    count = count - 1
  end
end

local function y_ticks(axis, length)
  if axis.categories then return category_ticks(axis, length, 12) end
  return axis.scale:ticks(max(2, min(9, floor(length / 30))))
end

local function with_unit(axis, exponent)
  local power = exponent ~= 0 and "$10^{" .. exponent .. "}$" or nil
  local unit = axis.unit
  local inside = power and unit and power .. " " .. unit or power or unit
  local name = axis.label or ""
  if not inside then return name end
  if name == "" then return power and not unit and "$×10^{" .. exponent .. "}$" or inside end
  return name .. " (" .. inside .. ")"
end

-- Whether category labels must be turned to fit.
local function must_turn(axis, ticks, length)
  if not ticks.categories or #ticks.major < 2 then return false end
  return widest(ticks) + 8 > length / #axis.categories * max(1, ticks.major[2].value - ticks.major[1].value)
end

local function x_room(ax, ticks, length)
  local turned = must_turn(ax.x, ticks, length)
  local height = turned and widest(ticks) * SIN + TICK_SIZE * COS or TICK_SIZE
  return TICK + 2 + height + 2, turned
end

local function overhang(ax, ticks, length, turned)
  local last, first = ticks.major[#ticks.major], ticks.major[1]
  if not last then return 0, 0 end
  local span = ax.x.hi - ax.x.lo
  local function inset(v) return ax.x.kind == "linear" and (v - ax.x.lo) / span * length or nil end
  local first_half, last_half = label.width(first.label, TICK_SIZE) / 2, label.width(last.label, TICK_SIZE) / 2
  local a, b = inset(first.value), inset(last.value)
  if turned then return max(0, 2 * first_half * COS - a), 0 end
  return max(0, first_half - (a or 0)), max(0, last_half - (b and length - b or 0))
end

local function bar_room(ax)
  local bar = ax:colour_bar()
  if not bar then return 0 end
  local ticks = Scale.new("linear", bar.lo, bar.hi):ticks(5)
  return 10 + field.bar_width + TICK + 2 + widest(ticks) + (bar.label and LABEL_LINE or 0) + (ticks.exponent ~= 0 and 14 or 0)
end

--- Lines of the title for a width.
function frame.title_lines(ax, width)
  return ax.title and label.wrap(ax.title, TITLE_SIZE, width, true) or {}
end

--- Margins {left=, right=, top=, bottom=} around a box of about the given size; also remembers the ticks.
---@param ax Axes
---@param width number of the box
---@param height number
---@return table
function frame.margins(ax, width, height)
  local m = { left = PAD, right = PAD + 4, top = PAD, bottom = PAD }
  local lines = frame.title_lines(ax, width)
  if #lines > 0 then m.top = m.top + #lines * TITLE_LINE + 4 elseif not ax.bare then m.top = m.top + 6 end
  if ax.legend_place == "strip" then m.top = m.top + legend.strip_height(ax.entries, width) end
  local bar = bar_room(ax)
  ax.x.ticks, ax.y.ticks = x_ticks(ax.x, width), y_ticks(ax.y, height)
  ax.x.text, ax.y.text = with_unit(ax.x, ax.x.ticks.exponent), with_unit(ax.y, ax.y.ticks.exponent)
  if ax.bare then
    if ax.x.text ~= "" then m.bottom = m.bottom + LABEL_LINE end
    if ax.y.text ~= "" then m.left = m.left + LABEL_LINE + 4 end
    m.right = m.right + bar
    return m
  end
  local room, turned = x_room(ax, ax.x.ticks, width)
  ax.x.turned = turned
  m.bottom = m.bottom + room + (ax.x.text ~= "" and LABEL_LINE + 2 or 0)
  m.left = m.left + TICK + 3 + widest(ax.y.ticks) + (ax.y.text ~= "" and LABEL_LINE + 4 or 0)
  local before, after = overhang(ax, ax.x.ticks, width, turned)
  m.left, m.right = max(m.left, before + PAD), max(m.right, after + PAD) + bar
  return m
end

-- The box with equal units on both axes, inside the given one.
function frame.fit_aspect(ax, box)
  if ax.aspect ~= "equal" then return box end
  local w, h = box.right - box.left, box.bottom - box.top
  local unit = min(w / (ax.x.hi - ax.x.lo), h / (ax.y.hi - ax.y.lo))
  local nw, nh = unit * (ax.x.hi - ax.x.lo), unit * (ax.y.hi - ax.y.lo)
  local left = box.left + (w - nw) / 2
  return { left = left, right = left + nw, top = box.top, bottom = box.top + nh }
end

--- Points the scales of the axes at a box.
function frame.place(ax, box)
  ax.x.scale:place(box.left, box.right)
  if ax.y.reversed then ax.y.scale:place(box.top, box.bottom) else ax.y.scale:place(box.bottom, box.top) end
end

local function grid_lines(ax, box)
  local lines = {}
  if ax.y.grid then
    for _, tick in ipairs(ax.y.ticks.major) do
      local y = ax.y.scale:map(tick.value)
      lines[#lines + 1] = { box.left, y, box.right, y }
    end
  end
  if ax.x.grid then
    for _, tick in ipairs(ax.x.ticks.major) do
      local x = ax.x.scale:map(tick.value)
      lines[#lines + 1] = { x, box.top, x, box.bottom }
    end
  end
  return lines
end

--- Draws what lies under the data: the grid.
function frame.draw_under(ax, canvas, box)
  if not ax.bare then canvas:lines(grid_lines(ax, box), GRID) end
end

local function tick_marks(ax, box)
  local lines = {}
  local function vertical(v, length) local x = ax.x.scale:map(v); lines[#lines + 1] = { x, box.bottom, x, box.bottom + length } end
  local function horizontal(v, length) local y = ax.y.scale:map(v); lines[#lines + 1] = { box.left - length, y, box.left, y } end
  for _, tick in ipairs(ax.x.ticks.major) do vertical(tick.value, TICK) end
  for _, v in ipairs(ax.x.ticks.minor) do vertical(v, TICK / 2) end
  for _, tick in ipairs(ax.y.ticks.major) do horizontal(tick.value, TICK) end
  for _, v in ipairs(ax.y.ticks.minor) do horizontal(v, TICK / 2) end
  return lines
end

local function draw_tick_labels(ax, canvas, box)
  local style = { size = TICK_SIZE, color = "ink", anchor = "middle", alpha = 0.85 }
  local turned = { size = TICK_SIZE, color = "ink", anchor = "end", alpha = 0.85, turn = TURN }
  for _, tick in ipairs(ax.x.ticks.major) do
    local x = ax.x.scale:map(tick.value)
    if ax.x.turned then canvas:text(x + 4, box.bottom + TICK + 2 + TICK_SIZE * 0.7, tick.label, turned)
    else canvas:text(x, box.bottom + TICK + 1 + TICK_SIZE * 0.9, tick.label, style) end
  end
  local at_end = { size = TICK_SIZE, color = "ink", anchor = "end", alpha = 0.85 }
  for _, tick in ipairs(ax.y.ticks.major) do
    canvas:text(box.left - TICK - 3, ax.y.scale:map(tick.value) + 0.36 * TICK_SIZE, tick.label, at_end)
  end
end

local function draw_axis_labels(ax, canvas, box)
  local style = { size = LABEL_SIZE, color = "ink", anchor = "middle" }
  local upright = { size = LABEL_SIZE, color = "ink", anchor = "middle", turn = 90 }
  if ax.x.text ~= "" then
    local room = ax.bare and 0 or x_room(ax, ax.x.ticks, box.right - box.left)
    canvas:text((box.left + box.right) / 2, box.bottom + room + 12, ax.x.text, style)
  end
  if ax.y.text ~= "" then
    local room = ax.bare and 2 or TICK + 3 + widest(ax.y.ticks)
    canvas:text(box.left - room - 7, (box.top + box.bottom) / 2, ax.y.text, upright)
  end
end

local function draw_title(ax, canvas, box, top)
  for i, line in ipairs(frame.title_lines(ax, max(box.right - box.left, 1))) do
    canvas:text(box.left, top + PAD + (i - 1) * TITLE_LINE + 13, line, { size = TITLE_SIZE, color = "ink", bold = true })
  end
end

local function draw_bar(ax, canvas, box)
  local bar = ax:colour_bar()
  if not bar then return end
  local x = box.right + 10
  canvas:image(x, box.top, field.bar_width, box.bottom - box.top, field.bar_picture(bar.map))
  local scale = Scale.new("linear", bar.lo, bar.hi):place(box.bottom, box.top)
  local ticks = scale:ticks(5)
  local right = x + field.bar_width
  for _, tick in ipairs(ticks.major) do
    local y = scale:map(tick.value)
    canvas:segment(right, y, right + TICK - 1, y, AXIS)
    canvas:text(right + TICK + 1, y + 0.36 * TICK_SIZE, tick.label, { size = TICK_SIZE, color = "ink", alpha = 0.85 })
  end
  local text = with_unit({ label = bar.label }, ticks.exponent)
  if text ~= "" then
    canvas:text(right + TICK + 2 + widest(ticks) + 13, (box.top + box.bottom) / 2, text,
      { size = LABEL_SIZE, color = "ink", anchor = "middle", turn = 90 })
  end
end

--- Draws what lies over the data: axes, ticks, labels, title, colour bar. `top` is the upper edge of the cell.
function frame.draw_over(ax, canvas, box, top)
  if not ax.bare then
    local lines = tick_marks(ax, box)
    table.insert(lines, 1, { box.left, box.top, box.left, box.bottom, box.right, box.bottom })
    canvas:lines(lines, AXIS)
    draw_tick_labels(ax, canvas, box)
  end
  draw_axis_labels(ax, canvas, box)
  draw_title(ax, canvas, box, top)
  draw_bar(ax, canvas, box)
end

return frame
