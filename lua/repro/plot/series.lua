--- What marks of points and lines share: reading x, y and intervals, and placing them.
local arguments = require "repro.plot.arguments"
local values = require "repro.plot.values"
local number = require "repro.plot.number"
local clip = require "repro.plot.clip"

local series = {}

--- True when no drawable element has a fraction.
---@param list number[]
---@return boolean
function series.all_integers(list)
  for i = 1, #list do
    local v = list[i]
    if number.drawable(v) and v % 1 ~= 0 then return false end
  end
  return true
end

local function counting(n)
  local out = {}
  for i = 1, n do out[i] = i end
  return out
end

--- x as positions: nil counts from 1 to n; strings become categories of the axis.
---@return number[]
function series.positions(axes, x, n, where)
  if x == nil then return counting(n) end
  if type(x) == "table" and type(x[1]) == "string" then
    axes:set_categories("x", values.labels(x, where .. ": x"), where)
    return counting(#x)
  end
  return values.vector(x, where .. ": x")
end

--- Raises unless all lengths are equal, naming the first that differs.
---@param where string the series
---@param names string[]
---@param lengths integer[]
function series.check_lengths(where, names, lengths)
  for i = 2, #lengths do
    if lengths[i] ~= lengths[1] then
      arguments.fail("%s: %s has %d value%s but %s has %d; give both the same number", where, names[1], lengths[1],
        lengths[1] == 1 and "" or "s", names[i], lengths[i])
    end
  end
end

--- Raises for an empty series.
function series.check_some(where, list)
  if #list == 0 then arguments.fail("%s: no values; pass at least one point", where) end
end

--- a + sign * b, element by element.
function series.plus(a, b, sign)
  local out = {}
  for i = 1, #a do out[i] = a[i] + sign * b[i] end
  return out
end

--- {lower, upper} around y from a half-width (N) or a pair {lower (N), upper (N)}.
---@return number[][]
function series.interval(where, what, y, given)
  local is_pair = type(given) == "table" and #given == 2 and type(given[1]) ~= "number"
  if is_pair then
    local lo, hi = values.vector(given[1], where .. ": lower " .. what), values.vector(given[2], where .. ": upper " .. what)
    series.check_lengths(where, { "y", "lower " .. what, "upper " .. what }, { #y, #lo, #hi })
    return { lo, hi }
  end
  local half = values.vector(given, where .. ": " .. what)
  series.check_lengths(where, { "y", what }, { #y, #half })
  return { series.plus(y, half, -1), series.plus(y, half, 1) }
end

--- Positions of all points, {x1, y1, ...}; NaN where one cannot be drawn.
function series.to_points(view, x, y)
  local points = {}
  for i = 1, #x do points[2 * i - 1], points[2 * i] = view.x:map(x[i]), view.y:map(y[i]) end
  return points
end

--- True when x never falls (and is nowhere NaN).
function series.ascending(x)
  if x[1] ~= x[1] then return false end
  for i = 2, #x do
    if x[i] < x[i - 1] or x[i] ~= x[i] then return false end
  end
  return true
end

--- Positions of the points inside the box of the view.
function series.visible(view, x, y)
  local points, out = series.to_points(view, x, y), {}
  for i = 1, #points - 1, 2 do
    if clip.inside(points[i], points[i + 1], view.box) then out[#out + 1], out[#out + 2] = points[i], points[i + 1] end
  end
  return out
end

--- Calls add(x, y) every few units along a polyline, so that a legend does not cover a long straight segment.
function series.add_along(line, add)
  for i = 1, #line - 3, 2 do
    local dx, dy = line[i + 2] - line[i], line[i + 3] - line[i + 1]
    local n = math.max(1, math.ceil(math.sqrt(dx * dx + dy * dy) / 6))
    for k = 0, n do add(line[i] + dx * k / n, line[i + 1] + dy * k / n) end
  end
  if #line == 2 then add(line[1], line[2]) end
end

--- The interval that covers both; either may be nil, nil.
function series.joined(lo, hi, lo2, hi2)
  if not lo2 then return lo, hi end
  return lo and math.min(lo, lo2) or lo2, hi and math.max(hi, hi2) or hi2
end

--- The lines of error bars with caps: whiskers at pixel positions px for data bounds lo, hi.
function series.whiskers(view, px, lo, hi, lines)
  local bottom, top = view.y:clamped(lo), view.y:clamped(hi)
  if not (px == px and bottom == bottom and top == top) then return end
  if px < view.box.left - 1e-6 or px > view.box.right + 1e-6 then return end
  lines[#lines + 1] = { px, bottom, px, top }
  lines[#lines + 1] = { px - 3, bottom, px + 3, bottom }
  lines[#lines + 1] = { px - 3, top, px + 3, top }
end

return series
