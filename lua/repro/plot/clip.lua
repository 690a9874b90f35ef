--- Cutting shapes at the edges of a rectangle, and thinning long lines without changing their picture.
-- Points are flat arrays {x1, y1, x2, y2, ...}; a rectangle is {left=, top=, right=, bottom=} with y downwards.
local clip = {}

local floor = math.floor

--- True when the point lies in the rectangle (edges included); false for NaN.
---@return boolean
function clip.inside(x, y, r)
  local slack = 1e-6
  return x >= r.left - slack and x <= r.right + slack and y >= r.top - slack and y <= r.bottom + slack
end

-- Shrinks the parameter interval t0..t1 of a segment to where p t <= q (one edge of Liang & Barsky 1984).
local function narrow(p, q, t0, t1)
  if p == 0 then
    if q < 0 then return nil end
    return t0, t1
  end
  local t = q / p
  if p < 0 then
    if t > t1 then return nil end
    return t > t0 and t or t0, t1
  end
  if t < t0 then return nil end
  return t0, t < t1 and t or t1
end

--- The part of a segment inside the rectangle, or nil.
---@return number|nil, number|nil, number|nil, number|nil
function clip.segment(x0, y0, x1, y1, r)
  local dx, dy, t0, t1 = x1 - x0, y1 - y0, 0, 1
  t0, t1 = narrow(-dx, x0 - r.left, t0, t1)
  if t0 then t0, t1 = narrow(dx, r.right - x0, t0, t1) end
  if t0 then t0, t1 = narrow(-dy, y0 - r.top, t0, t1) end
  if t0 then t0, t1 = narrow(dy, r.bottom - y0, t0, t1) end
  if not t0 then return nil end
  local ax, ay, bx, by = x0, y0, x1, y1
  if t0 > 0 then ax, ay = x0 + t0 * dx, y0 + t0 * dy end
  if t1 < 1 then bx, by = x0 + t1 * dx, y0 + t1 * dy end
  return ax, ay, bx, by
end

--- A polyline cut at the rectangle: an array of polylines. NaN points interrupt it; a point alone between gaps becomes a dot.
---@param points number[]
---@param r table
---@return number[][]
function clip.polyline(points, r)
  local out, current = {}, nil
  local n = #points
  for i = 1, n - 1, 2 do
    local x, y, nx, ny = points[i], points[i + 1], points[i + 2], points[i + 3]
    local defined, next_defined = x == x and y == y, nx and nx == nx and ny == ny
    if defined and next_defined then
      local ax, ay, bx, by = clip.segment(x, y, nx, ny, r)
      if not ax then current = nil
      else
        if not current or current[#current - 1] ~= ax or current[#current] ~= ay then
          current = { ax, ay }
          out[#out + 1] = current
        end
        current[#current + 1], current[#current + 2] = bx, by
      end
    else
      local px, py = points[i - 2], points[i - 1]
      local alone = defined and not (px and px == px and py == py)
      if alone and clip.inside(x, y, r) then out[#out + 1] = { x, y } end
      current = nil
    end
  end
  return out
end

-- One half-plane of Sutherland & Hodgman (1974): keeps where sign * (coordinate - limit) >= 0; axis 0 for x, 1 for y.
local function cut(points, axis, limit, sign)
  local out, n = {}, #points
  local px, py = points[n - 1], points[n]
  for i = 1, n - 1, 2 do
    local x, y = points[i], points[i + 1]
    local a = sign * ((axis == 0 and px or py) - limit)
    local b = sign * ((axis == 0 and x or y) - limit)
    if (a >= 0) ~= (b >= 0) then
      local t = a / (a - b)
      out[#out + 1], out[#out + 2] = px + t * (x - px), py + t * (y - py)
    end
    if b >= 0 then out[#out + 1], out[#out + 2] = x, y end
    px, py = x, y
  end
  return out
end

--- A polygon cut at the rectangle; empty when nothing is left.
---@param points number[]
---@param r table
---@return number[]
function clip.polygon(points, r)
  points = cut(points, 0, r.left, 1)
  if #points > 0 then points = cut(points, 0, r.right, -1) end
  if #points > 0 then points = cut(points, 1, r.top, 1) end
  if #points > 0 then points = cut(points, 1, r.bottom, -1) end
  return points
end

--- Leaves of each half-unit column of x only the first, lowest, highest and last point, in their order: the drawn line
--- is the same. Points must have x ascending; NaN points are kept.
---@param points number[]
---@return number[]
function clip.thin(points)
  local out, n, i = {}, #points, 1
  local function keep(k) out[#out + 1], out[#out + 2] = points[k], points[k + 1] end
  while i < n do
    local column = points[i] == points[i] and floor(points[i] * 2) or nil
    local last, lo, hi = i, i, i
    while column and last + 2 < n and floor(points[last + 2] * 2) == column and points[last + 3] == points[last + 3]
      and points[i + 1] == points[i + 1] do
      last = last + 2
      if points[last + 1] < points[lo + 1] then lo = last end
      if points[last + 1] > points[hi + 1] then hi = last end
    end
    keep(i)
    local a, b = math.min(lo, hi), math.max(lo, hi)
    if a > i and a < last then keep(a) end
    if b > a and b > i and b < last then keep(b) end
    if last > i then keep(last) end
    i = last + 2
  end
  return out
end

return clip
