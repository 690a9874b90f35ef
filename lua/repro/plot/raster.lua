--- Paints polygons with exact area coverage into a frame of pixels.
-- Each edge adds to a row the signed area it leaves to its right, pixel by pixel; the running sum along the row is then the
-- coverage of the shape. Polygons that overlap must turn the same way: their sum, cut at one, is then their union.
local Raster = {}
Raster.__index = Raster

local floor, ceil, abs = math.floor, math.ceil, math.abs

--- A frame of width x height pixels of one colour.
---@param width integer
---@param height integer
---@param colour integer 0xrrggbb
---@return Raster
function Raster.new(width, height, colour)
  local pixels = {}
  for i = 0, width * height - 1 do pixels[i] = colour end
  return setmetatable({ width = width, height = height, pixels = pixels, rows = {}, first = {}, last = {},
    top = height, bottom = -1 }, Raster)
end

local function add(row, i, v)
  row[i] = (row[i] or 0) + v
end

-- Area to the right of an edge that crosses the columns il..ir-1 of one row between xl and xr; d is its signed height.
local function spread(row, xl, xr, d)
  local il, ir = floor(xl), ceil(xr)
  if ir <= il + 1 then
    local middle = 0.5 * (xl + xr) - il
    add(row, il, d * (1 - middle))
    add(row, il + 1, d * middle)
    return il, il + 1
  end
  local slope = d / (xr - xl) -- height per column
  local before, previous = 0.0, 0.0
  for i = il, ir - 1 do
    local a, b = xl > i and xl or i, xr < i + 1 and xr or i + 1
    local height = slope * (b - a)
    local covered = before + height * (i + 1 - 0.5 * (a + b))
    add(row, i, covered - previous)
    before, previous = before + height, covered
  end
  add(row, ir, d - previous)
  return il, ir
end

-- Adds one edge; coordinates in pixels.
function Raster:edge(x0, y0, x1, y1)
  if y0 == y1 then return end
  local sign = 1
  if y0 > y1 then x0, y0, x1, y1, sign = x1, y1, x0, y0, -1 end
  local width, height = self.width, self.height
  if y1 <= 0 or y0 >= height then return end
  local slope = (x1 - x0) / (y1 - y0)
  local low, high = y0 > 0 and y0 or 0, y1 < height and y1 or height
  for y = floor(low), ceil(high) - 1 do
    local ya, yb = low > y and low or y, high < y + 1 and high or y + 1
    local xa, xb = x0 + (ya - y0) * slope, x0 + (yb - y0) * slope
    if xa > xb then xa, xb = xb, xa end
    xa, xb = xa < 0 and 0 or xa > width and width or xa, xb < 0 and 0 or xb > width and width or xb
    local row = self.rows[y]
    if not row then
      row = {}
      self.rows[y], self.first[y], self.last[y] = row, width + 1, 0
    end
    local first, last = spread(row, xa, xb, sign * (yb - ya))
    if first < self.first[y] then self.first[y] = first end
    if last > self.last[y] then self.last[y] = last end
    if y < self.top then self.top = y end
    if y > self.bottom then self.bottom = y end
  end
end

--- Adds a closed polygon {x1, y1, ...}, turned so that its area counts as positive.
---@param points number[]
function Raster:polygon(points)
  local n, area = #points, 0.0
  local px, py = points[n - 1], points[n]
  for i = 1, n - 1, 2 do
    area = area + px * points[i + 1] - points[i] * py
    px, py = points[i], points[i + 1]
  end
  px, py = points[n - 1], points[n]
  for i = 1, n - 1, 2 do
    local x, y = points[i], points[i + 1]
    if area >= 0 then self:edge(px, py, x, y) else self:edge(x, y, px, py) end
    px, py = x, y
  end
end

local function blend(under, over, alpha)
  local beta = 1 - alpha
  local r = floor((under >> 16) * beta + (over >> 16) * alpha + 0.5)
  local g = floor((under >> 8 & 255) * beta + (over >> 8 & 255) * alpha + 0.5)
  local b = floor((under & 255) * beta + (over & 255) * alpha + 0.5)
  return r << 16 | g << 8 | b
end

local function paint_row(self, y, colour, alpha)
  local row, pixels, sum = self.rows[y], self.pixels, 0.0
  local start, last = y * self.width, self.last[y]
  if last >= self.width then last = self.width - 1 end
  for x = self.first[y], last do
    local v = row[x]
    if v then sum = sum + v end
    local cover = abs(sum)
    if cover > 0.002 then
      cover = cover >= 0.998 and alpha or cover * alpha
      if cover >= 1 then pixels[start + x] = colour
      else pixels[start + x] = blend(pixels[start + x], colour, cover) end
    end
  end
end

--- Paints what was added since the last call, as one shape.
---@param colour integer 0xrrggbb
---@param alpha number 0..1
function Raster:paint(colour, alpha)
  for y = self.top, self.bottom do
    if self.rows[y] then
      paint_row(self, y, colour, alpha)
      self.rows[y] = nil
    end
  end
  self.top, self.bottom = self.height, -1
end

--- Fills whole pixels: columns x0..x1-1 of rows y0..y1-1.
function Raster:block(x0, y0, x1, y1, colour, alpha)
  local pixels = self.pixels
  for y = math.max(y0, 0), math.min(y1, self.height) - 1 do
    for i = y * self.width + math.max(x0, 0), y * self.width + math.min(x1, self.width) - 1 do
      pixels[i] = alpha >= 1 and colour or blend(pixels[i], colour, alpha)
    end
  end
end

--- The frame as one array of bytes: rows from the top, red, green, blue.
---@return integer[]
function Raster:flat()
  local out, n = {}, 0
  for i = 0, self.width * self.height - 1 do
    local p = self.pixels[i]
    out[n + 1], out[n + 2], out[n + 3] = p >> 16, p >> 8 & 255, p & 255
    n = n + 3
  end
  return out
end

--- The frame as nested tables (H,W,3).
---@return integer[][][]
function Raster:nested()
  local rows = {}
  for y = 0, self.height - 1 do
    local row = {}
    for x = 0, self.width - 1 do
      local p = self.pixels[y * self.width + x]
      row[x + 1] = { p >> 16, p >> 8 & 255, p & 255 }
    end
    rows[y + 1] = row
  end
  return rows
end

--- The frame as bytes: rows from the top, red, green, blue.
---@return string
function Raster:bytes()
  local parts, row = {}, {}
  for y = 0, self.height - 1 do
    for x = 0, self.width - 1 do
      local p = self.pixels[y * self.width + x]
      row[x + 1] = string.char(p >> 16, p >> 8 & 255, p & 255)
    end
    parts[y + 1] = table.concat(row)
  end
  return table.concat(parts)
end

return Raster
