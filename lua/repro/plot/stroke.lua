--- Outlines of lines with a width: one quadrilateral for each segment, a wedge at each joint, a half disc at each round end.
-- All are given to the raster turned the same way, so that shared inner edges cancel exactly. Angles are halved by
-- square roots, never by trigonometry: the outline is the same on every machine.
local stroke = {}

local sqrt = math.sqrt

-- Appends to `points` the arc from direction (ax, ay) to (bx, by) around (x, y), ends excluded, by halving it.
local function arc(points, x, y, r, ax, ay, bx, by, depth)
  if depth == 0 then return end
  local mx, my = ax + bx, ay + by
  local length = sqrt(mx * mx + my * my)
  if length < 1e-9 then return end
  mx, my = mx / length, my / length
  arc(points, x, y, r, ax, ay, mx, my, depth - 1)
  points[#points + 1], points[#points + 2] = x + r * mx, y + r * my
  arc(points, x, y, r, mx, my, bx, by, depth - 1)
end

local function depth_for(r)
  return r < 1.5 and 1 or r < 5 and 2 or 3
end

--- Adds a disc.
---@param raster Raster
function stroke.disc(raster, x, y, r)
  local depth, points = depth_for(r) + 1, {}
  local corners = { 1, 0, 0, 1, -1, 0, 0, -1, 1, 0 }
  for i = 1, 7, 2 do
    points[#points + 1], points[#points + 2] = x + r * corners[i], y + r * corners[i + 1]
    arc(points, x, y, r, corners[i], corners[i + 1], corners[i + 2], corners[i + 3], depth)
  end
  raster:polygon(points)
end

-- The half disc beyond the end (x, y) of a line that arrives with direction (dx, dy).
local function cap(raster, x, y, dx, dy, r)
  local points = { x - r * dy, y + r * dx }
  arc(points, x, y, r, -dy, dx, dx, dy, depth_for(r))
  points[#points + 1], points[#points + 2] = x + r * dx, y + r * dy
  arc(points, x, y, r, dx, dy, dy, -dx, depth_for(r))
  points[#points + 1], points[#points + 2] = x + r * dy, y - r * dx
  raster:polygon(points)
end

-- The wedge on the outer side of the turn from direction a to direction b.
local function joint(raster, x, y, ax, ay, bx, by, r)
  local turn = ax * by - ay * bx
  if turn == 0 and ax * bx + ay * by > 0 then return end
  local s = turn > 0 and -1 or 1
  local nx, ny, mx, my = -s * ay, s * ax, -s * by, s * bx
  local points = { x, y, x + r * nx, y + r * ny }
  if turn * turn > 0.04 or ax * bx + ay * by < 0 then arc(points, x, y, r, nx, ny, mx, my, depth_for(r)) end
  points[#points + 1], points[#points + 2] = x + r * mx, y + r * my
  raster:polygon(points)
end

-- Points with equal neighbours removed; without them every segment has a direction.
local function distinct(points, closed)
  local out = { points[1], points[2] }
  for i = 3, #points - 1, 2 do
    local dx, dy = points[i] - out[#out - 1], points[i + 1] - out[#out]
    if dx * dx + dy * dy > 1e-8 then out[#out + 1], out[#out + 2] = points[i], points[i + 1] end
  end
  if closed and #out > 2 then
    local dx, dy = out[1] - out[#out - 1], out[2] - out[#out]
    if dx * dx + dy * dy > 1e-8 then out[#out + 1], out[#out + 2] = out[1], out[2] end
  end
  return out
end

--- Adds a polyline of half-width r. Ends are round unless `butt`.
---@param raster Raster
---@param points number[] pixels
---@param r number
---@param butt boolean|nil
---@param closed boolean|nil joins the last point to the first
function stroke.polyline(raster, points, r, butt, closed)
  points = distinct(points, closed)
  local n = #points
  if n == 2 then return stroke.disc(raster, points[1], points[2], r) end
  local first_x, first_y, last_x, last_y
  for i = 1, n - 3, 2 do
    local x0, y0, x1, y1 = points[i], points[i + 1], points[i + 2], points[i + 3]
    local dx, dy = x1 - x0, y1 - y0
    local length = sqrt(dx * dx + dy * dy)
    dx, dy = dx / length, dy / length
    local ox, oy = -dy * r, dx * r
    raster:polygon { x0 + ox, y0 + oy, x1 + ox, y1 + oy, x1 - ox, y1 - oy, x0 - ox, y0 - oy }
    if last_x then joint(raster, x0, y0, last_x, last_y, dx, dy, r) else first_x, first_y = dx, dy end
    last_x, last_y = dx, dy
  end
  if closed then return joint(raster, points[1], points[2], last_x, last_y, first_x, first_y, r) end
  if not butt then
    cap(raster, points[1], points[2], -first_x, -first_y, r)
    cap(raster, points[n - 1], points[n], last_x, last_y, r)
  end
end

--- Cuts a polyline into the dashes of a pattern {on, off, ...}.
---@param points number[]
---@param pattern number[]
---@return number[][]
function stroke.dashes(points, pattern)
  local out, k, left = {}, 1, pattern[1]
  local current = { points[1], points[2] }
  for i = 1, #points - 3, 2 do
    local x, y, x1, y1 = points[i], points[i + 1], points[i + 2], points[i + 3]
    local dx, dy = x1 - x, y1 - y
    local length = sqrt(dx * dx + dy * dy)
    local done = 0.0
    while length - done > left do
      done = done + left
      local px, py = x + dx * done / length, y + dy * done / length
      if k % 2 == 1 then
        current[#current + 1], current[#current + 2] = px, py
        out[#out + 1] = current
      end
      current = { px, py }
      k = k % #pattern + 1
      left = pattern[k]
    end
    left = left - (length - done)
    if k % 2 == 1 then current[#current + 1], current[#current + 2] = x1, y1 end
  end
  if k % 2 == 1 and #current > 2 then out[#out + 1] = current end
  return out
end

return stroke
