--- Histograms; several on the same axes share their bins.
local arguments = require "repro.plot.arguments"
local values = require "repro.plot.values"
local number = require "repro.plot.number"
local Scale = require "repro.plot.scale"
local series = require "repro.plot.series"

local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max

local Histogram = {}
Histogram.__index = Histogram

local function new_histogram(axes, where, list, options)
  local flat = values.flat(list, where .. ": values")
  series.check_some(where, flat)
  local bins = options.bins
  if bins ~= nil and not (math.type(bins) == "integer" and bins >= 1 and bins <= 10000) then
    arguments.fail("%s: bins = %s; use an integer from 1 to 10000, or leave it out", where, tostring(bins))
  end
  local range = options.range
  if range and not (type(range) == "table" and tonumber(range[1]) and tonumber(range[2]) and range[1] < range[2]) then
    arguments.fail("%s: range must be {lo, hi} with lo < hi", where)
  end
  local self = setmetatable({ where = where, label = options.label, bins = bins, range = range,
    density = options.density, color = axes:colour(options.color, where), finite = {} }, Histogram)
  local log = axes.x.kind == "log"
  for i = 1, #flat do
    local v = flat[i]
    if number.drawable(v) and (not log or v > 0) then self.finite[#self.finite + 1] = v end
  end
  axes.histograms = axes.histograms or {}
  axes.histograms[#axes.histograms + 1] = self
  return self
end

-- Freedman & Diaconis (1981): 2 IQR n^(-1/3); Sturges' rule where half of the values are equal.
local function bin_width(list, lo, hi)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local n = #sorted
  local spread = sorted[max(1, ceil(0.75 * n))] - sorted[max(1, ceil(0.25 * n))]
  if spread > 0 then return max(2 * spread * number.exp(-number.log(n) / 3), (hi - lo) / 200) end
  local count = 1
  while 1 << count < n do count = count + 1 end
  return (hi - lo) / (count + 1)
end

local function even_edges(lo, hi, count)
  local edges = {}
  for i = 0, count do edges[i + 1] = i == count and hi or lo + (hi - lo) * i / count end
  return edges
end

-- Edges at multiples of a round step; values that are all integers fall in the middle of their bins.
local function round_edges(list, lo, hi)
  local m, e = Scale.nice(0.7 * bin_width(list, lo, hi))
  local step, offset = m * number.pow10(e), 0
  if series.all_integers(list) then step, offset = max(1, floor(step)), -0.5 end
  local first, last = floor((lo - offset) / step), floor((hi - offset) / step) + 1
  local edges = {}
  for k = first, last do edges[#edges + 1] = k * step + offset end
  return edges
end

-- The union of the values, the bins and the ranges of all histograms on these axes.
local function common_edges(list, log)
  local all, bins, lo, hi = {}, nil, nil, nil
  for _, h in ipairs(list) do
    table.move(h.finite, 1, #h.finite, #all + 1, all)
    if h.bins then bins = max(bins or 1, h.bins) end
    if h.range then lo, hi = min(lo or h.range[1], h.range[1]), max(hi or h.range[2], h.range[2]) end
  end
  local least, greatest = values.extent(all)
  local given = lo ~= nil
  lo, hi = lo or least or 0, hi or greatest or 1
  if log and lo <= 0 then lo = least or hi / 10 end
  if lo >= hi then lo, hi = lo - 0.5, hi + 0.5 end
  if log and lo > 0 then
    local edges = even_edges(number.log(lo), number.log(hi), bins or 30)
    for i = 1, #edges do edges[i] = i == 1 and lo or i == #edges and hi or number.exp(edges[i]) end
    return edges
  end
  if bins or given or #all < 2 then return even_edges(lo, hi, bins or 30) end
  return round_edges(all, lo, hi)
end

-- Index of the bin of v: bins are [a, b), the last one [a, b].
local function bin_of(edges, v)
  local n = #edges
  if v < edges[1] or v > edges[n] then return nil end
  local a, b = 1, n
  while b - a > 1 do
    local middle = (a + b) // 2
    if edges[middle] <= v then a = middle else b = middle end
  end
  return a
end

function Histogram:count(edges)
  local counts = {}
  for i = 1, #edges - 1 do counts[i] = 0 end
  for _, v in ipairs(self.finite) do
    local k = bin_of(edges, v)
    if k then counts[k] = counts[k] + 1 end
  end
  if self.density then
    for i = 1, #counts do counts[i] = counts[i] / (max(#self.finite, 1) * (edges[i + 1] - edges[i])) end
  end
  self.edges, self.counts = edges, counts
end

--- Counts once all histograms of the axes are known.
function Histogram:prepare(axes)
  self:count(common_edges(axes.histograms, axes.x.kind == "log"))
end

function Histogram:limits(axes)
  local lo, hi = values.extent(self.counts, axes.y.kind == "log")
  if axes.y.kind == "linear" then lo = 0 end
  return { x = { self.edges[1], self.edges[#self.edges] }, y = { lo, max(hi or 0, lo or 0) }, x_pad = 0, y_from_zero = true,
    y_integer = not self.density }
end

-- The upper outline, from the base at the left to the base at the right.
function Histogram:outline(view)
  local base = view.y:clamped(view.y.kind == "log" and view.y.lo or 0)
  local points = { view.x:clamped(self.edges[1]), base }
  for i, count in ipairs(self.counts) do
    local top = count > 0 and view.y:clamped(count) or base
    local n = #points
    points[n + 1], points[n + 2] = view.x:clamped(self.edges[i]), top
    points[n + 3], points[n + 4] = view.x:clamped(self.edges[i + 1]), top
  end
  points[#points + 1], points[#points + 2] = view.x:clamped(self.edges[#self.edges]), base
  return points
end

function Histogram:draw(view)
  local outline = self:outline(view)
  view.canvas:open(self.label)
  view.canvas:polygons({ outline }, { color = self.color, alpha = 0.35 })
  view.canvas:lines({ outline }, { color = self.color, width = 1.3 })
  view.canvas:close()
end

function Histogram:keys()
  return { { label = self.label, color = self.color, patch = 0.35, outlined = true } }
end

function Histogram:obstacles(view, add)
  local base = view.y:clamped(0)
  local points = self:outline(view)
  for i = 1, #points - 1, 2 do
    local steps = max(1, ceil(math.abs((base == base and base or view.box.bottom) - points[i + 1]) / 8))
    for k = 0, steps do add(points[i], points[i + 1] + (view.box.bottom - points[i + 1]) * k / steps) end
  end
end

return new_histogram
