--- Radar charts: one spoke for each quantity, one closed line for each series, the first spoke on top, then clockwise.
local arguments = require "repro.plot.arguments"
local values = require "repro.plot.values"
local number = require "repro.plot.number"
local label = require "repro.plot.label"
local legend = require "repro.plot.legend"
local Scale = require "repro.plot.scale"

local radar = {}

local Radar = {}
Radar.__index = Radar

local SIZE, TITLE_SIZE, TITLE_LINE, ROW = 11, 13, 17, 14
local GRID = { color = "ink", alpha = 0.16, width = 1 }
local max, min = math.max, math.min

local function read_series(axes, labels, series)
  local out = {}
  if type(series) ~= "table" or #series == 0 then
    arguments.fail("ax:radar: no series; pass a table such as {{label = \"DCR\", values = {...}}}")
  end
  for i, s in ipairs(series) do
    local where = string.format("ax:radar '%s'", type(s) == "table" and s.label or "series " .. i)
    arguments.options(where, s, "label values color")
    if s.values == nil then arguments.fail("%s: no values; pass values = {...}, one for each of %d spokes", where, #labels) end
    local v = values.vector(s.values, where .. ": values")
    if #v ~= #labels then
      arguments.fail("%s: %d values but %d labels; give one value for each spoke", where, #v, #labels)
    end
    out[i] = { label = s.label, values = v, color = axes:colour(s.color, where) }
  end
  return out
end

-- A common range: from zero (or below) to a round number at or above the greatest value.
local function common_range(series)
  local lo, hi
  for _, s in ipairs(series) do
    local a, b = values.extent(s.values)
    if a then lo, hi = min(lo or a, a), max(hi or b, b) end
  end
  lo, hi = min(lo or 0, 0), max(hi or 1, 0)
  if lo == hi then hi = lo + 1 end
  local m, e = Scale.nice((hi - lo) / 4)
  local step = e < 0 and m / number.pow10(-e) or m * number.pow10(e)
  return math.floor(lo / step + 1e-9) * step, math.ceil(hi / step - 1e-9) * step
end

local function check_pair(range, what)
  if type(range) ~= "table" or type(range[1]) ~= "number" or type(range[2]) ~= "number" or range[1] >= range[2] then
    arguments.fail("ax:radar: %s must be {lo, hi} with lo < hi", what)
  end
  return { range[1], range[2] }
end

local function read_ranges(labels, series, options)
  local out = {}
  if options.ranges then
    if #options.ranges ~= #labels then
      arguments.fail("ax:radar: %d ranges but %d labels; give one range for each spoke", #options.ranges, #labels)
    end
    for i = 1, #labels do out[i] = check_pair(options.ranges[i], "ranges[" .. i .. "]") end
    return out, false
  end
  local range = options.range and check_pair(options.range, "range") or { common_range(series) }
  for i = 1, #labels do out[i] = range end
  return out, true
end

--- A radar chart.
---@param axes Axes for colours and the title
---@param labels string[]
---@param series table[]
---@param options table
---@return table
function radar.new(axes, labels, series, options)
  labels = values.labels(labels, "ax:radar: labels")
  if #labels < 3 then arguments.fail("ax:radar: %d labels; a radar chart needs three spokes at least", #labels) end
  local self = setmetatable({ axes = axes, labels = labels }, Radar)
  self.series = read_series(axes, labels, series)
  self.ranges, self.common = read_ranges(labels, self.series, options)
  self.directions = {}
  for i = 1, #labels do
    local angle = 2 * math.pi * (i - 1) / #labels
    self.directions[i] = { number.sin(angle), -number.cos(angle) }
  end
  self.entries = {}
  for _, s in ipairs(self.series) do
    if s.label then
      self.entries[#self.entries + 1] = { label = s.label, color = s.color, line = "solid", width = 1.8, band = true }
    end
  end
  return self
end

function Radar:keys_height(width)
  if #self.entries == 0 or self.axes.legend_option == "none" then return 0 end
  return legend.strip_height(self.entries, width)
end

function Radar:title_lines(width)
  return self.axes.title and label.wrap(self.axes.title, TITLE_SIZE, width, true) or {}
end

function Radar:margins(width)
  local lines = self:title_lines(width)
  return { left = 6, right = 6, bottom = 4, top = 4 + #lines * TITLE_LINE + (#lines > 0 and 4 or 0) + self:keys_height(width) }
end

-- Lines of the label of spoke i, no wider than `width`.
local function spoke_lines(self, i, width)
  return label.wrap(tostring(self.labels[i]), SIZE, width)
end

-- Anchor of a label on the side that its spoke points to.
local function anchor_of(dx)
  return dx > 0.3 and "start" or dx < -0.3 and "end" or "middle"
end

-- Greatest radius at which every label stays in the box around the centre.
local function radius_for(self, w, h)
  local r = min(w, h) / 2
  for i, d in ipairs(self.directions) do
    local lines, wide = spoke_lines(self, i, 0.3 * w), 0
    for _, line in ipairs(lines) do wide = max(wide, label.width(line, SIZE)) end
    local dx, dy = math.abs(d[1]), math.abs(d[2])
    if dx > 0.3 then r = min(r, (w / 2 - wide - 10) / dx) end
    if dy > 0.1 then r = min(r, (h / 2 - (dx > 0.3 and ROW or #lines * ROW) - 9) / dy) end
  end
  return max(r, 10)
end

local function ring(self, cx, cy, r)
  local points = {}
  for i, d in ipairs(self.directions) do points[2 * i - 1], points[2 * i] = cx + r * d[1], cy + r * d[2] end
  points[#points + 1], points[#points + 2] = points[1], points[2]
  return points
end

local function draw_grid(self, canvas, cx, cy, r)
  local range, lines = self.ranges[1], {}
  local ticks = Scale.new("linear", range[1], range[2]):ticks(5)
  local shares = self.common and {} or { 0.25, 0.5, 0.75 }
  for _, tick in ipairs(self.common and ticks.major or {}) do
    shares[#shares + 1] = (tick.value - range[1]) / (range[2] - range[1])
  end
  for _, share in ipairs(shares) do
    if share > 0.01 and share < 0.99 then lines[#lines + 1] = ring(self, cx, cy, r * share) end
  end
  lines[#lines + 1] = ring(self, cx, cy, r)
  for _, d in ipairs(self.directions) do lines[#lines + 1] = { cx, cy, cx + r * d[1], cy + r * d[2] } end
  canvas:lines(lines, GRID)
  return ticks, range
end

local function draw_levels(self, canvas, cx, cy, r, ticks, range)
  if not self.common then return end
  local power = ticks.exponent ~= 0 and "$×10^{" .. ticks.exponent .. "}$" or ""
  for _, tick in ipairs(ticks.major) do
    local share = (tick.value - range[1]) / (range[2] - range[1])
    if share > 0.01 and share < 0.99 then
      canvas:text(cx + 3, cy - r * share + 3, tick.label .. power, { size = 8.5, color = "muted" })
    end
  end
end

local function draw_labels(self, canvas, cx, cy, r, width)
  for i, d in ipairs(self.directions) do
    local lines = spoke_lines(self, i, 0.3 * width)
    local x, y = cx + (r + 8) * d[1], cy + (r + 8) * d[2]
    local first = y + 0.36 * SIZE - (#lines - 1) * ROW / 2 + d[2] * ((#lines - 1) * ROW / 2 + 3)
    for k, line in ipairs(lines) do
      canvas:text(x, first + (k - 1) * ROW, line, { size = SIZE, color = "ink", anchor = anchor_of(d[1]) })
    end
  end
end

-- The corners of one series; a value that is missing interrupts the line.
local function corners(self, s, cx, cy, r)
  local points, whole = {}, true
  for i, d in ipairs(self.directions) do
    local v, range = s.values[i], self.ranges[i]
    if number.drawable(v) then
      local share = r * min(max((v - range[1]) / (range[2] - range[1]), 0), 1)
      points[#points + 1], points[#points + 2] = cx + share * d[1], cy + share * d[2]
    else whole = false end
  end
  return points, whole
end

local function draw_series(self, canvas, cx, cy, r)
  for _, s in ipairs(self.series) do
    local points, whole = corners(self, s, cx, cy, r)
    canvas:open(s.label)
    if whole then
      canvas:polygons({ points }, { color = s.color, alpha = 0.13 })
      local closed = table.move(points, 1, #points, 1, {})
      closed[#closed + 1], closed[#closed + 2] = points[1], points[2]
      canvas:lines({ closed }, { color = s.color, width = 1.8 })
    end
    canvas:dots(points, 2.6, { color = s.color })
    canvas:close()
  end
end

function Radar:draw(canvas, box, top)
  local w, h = box.right - box.left, box.bottom - box.top
  for i, line in ipairs(self:title_lines(w)) do
    canvas:text(box.left, top + 4 + (i - 1) * TITLE_LINE + 13, line, { size = TITLE_SIZE, color = "ink", bold = true })
  end
  if self:keys_height(w) > 0 then legend.draw_strip(canvas, self.entries, box.left, box.top - self:keys_height(w), w) end
  local cx, cy, r = (box.left + box.right) / 2, (box.top + box.bottom) / 2, radius_for(self, w, h)
  local ticks, range = draw_grid(self, canvas, cx, cy, r)
  draw_series(self, canvas, cx, cy, r)
  draw_levels(self, canvas, cx, cy, r, ticks, range)
  draw_labels(self, canvas, cx, cy, r, w)
end

function Radar:describe()
  local names, spokes = {}, {}
  for i, s in ipairs(self.series) do names[i] = label.plain(s.label or "series " .. i) end
  for i, text in ipairs(self.labels) do spokes[i] = label.plain(tostring(text)) end
  return "radar chart of " .. table.concat(spokes, ", ") .. "; series: " .. table.concat(names, ", ")
end

return radar
