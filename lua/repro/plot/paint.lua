--- Draws a drawing list into pixels: the same picture as the SVG, with the project's own font.
local Raster = require "repro.plot.raster"
local stroke = require "repro.plot.stroke"
local font = require "repro.plot.font"
local label = require "repro.plot.label"
local colormap = require "repro.plot.colormap"
local number = require "repro.plot.number"

local paint = {}

local THEMES = {
  light = { ink = 0x1d2025, paper = 0xffffff },
  dark = { ink = 0xe4e6ea, paper = 0x16181c },
}
paint.themes = "light dark"

local MUTED = 0.66
local REGULAR, BOLD = 0.088, 0.12 -- width of a stroke, em
local BASELINE = 4.4 -- centre lines begin at 0; half a stroke lifts feet onto the baseline, hundredths of an em
local SLANT = 0.2
local DOT = 1.25 -- a full stop is a little larger than the stroke is wide

local floor, max = math.floor, math.max

local function colour_of(self, style)
  local colour, alpha = style.color, style.alpha or 1
  if colour == "muted" then return self.theme.ink, alpha * MUTED end
  if self.theme[colour] then return self.theme[colour], alpha end
  local r, g, b = colormap.bytes(colour)
  return r << 16 | g << 8 | b, alpha
end

local function finish(self, style)
  local colour, alpha = colour_of(self, style)
  self.raster:paint(colour, alpha)
end

local function scaled(points, s)
  local out = {}
  for i = 1, #points do out[i] = points[i] * s end
  return out
end

local painters = {}

function painters.lines(self, item)
  local style, s = item.style, self.scale
  local pattern = style.dash and scaled(style.dash, s)
  for _, line in ipairs(item.lines) do
    local points = scaled(line, s)
    local pieces = pattern and #points > 2 and stroke.dashes(points, pattern) or { points }
    for _, piece in ipairs(pieces) do stroke.polyline(self.raster, piece, style.width * s / 2, style.butt) end
  end
  finish(self, style)
end

function painters.polygons(self, item)
  local s = self.scale
  for _, polygon in ipairs(item.polygons) do
    local points = scaled(polygon, s)
    self.raster:polygon(points)
    if item.style.outline then stroke.polyline(self.raster, points, item.style.outline * s / 2, false, true) end
  end
  finish(self, item.style)
end

function painters.dots(self, item)
  local s, points = self.scale, item.points
  for i = 1, #points - 1, 2 do stroke.disc(self.raster, points[i] * s, points[i + 1] * s, item.radius * s) end
  finish(self, item.style)
end

local function nearest(x)
  return floor(x + 0.5)
end

function painters.rectangle(self, item)
  local s = self.scale
  local x0, y0 = nearest(item.x * s), nearest(item.y * s)
  local x1, y1 = nearest((item.x + item.width) * s), nearest((item.y + item.height) * s)
  local colour, alpha = colour_of(self, item.style)
  self.raster:block(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1), colour, alpha)
end

-- Strokes one run whose pen starts at pen_x (em) with the label turned by (cos, sin) about (x0, y0).
local function paint_run(self, run, pen, place)
  local unit = place.size * run.scale / 100
  local slant, raster = run.italic and SLANT or 0, self.raster
  local r = place.size * (place.bold and BOLD or REGULAR) * (0.4 + 0.6 * run.scale) / 2
  font.strokes(run.text, function(points, dx, dy)
    local out = {}
    for i = 1, #points - 1, 2 do
      local gy = points[i + 1] + dy + BASELINE
      local u = pen * place.size + (points[i] + dx + slant * gy) * unit
      local v = run.rise * place.size + gy * unit
      out[i], out[i + 1] = place.x + u * place.cos - v * place.sin, place.y - u * place.sin - v * place.cos
    end
    stroke.polyline(raster, out, #out == 2 and r * DOT or r, false, points.closed)
  end)
end

local TURNS = { [0] = { 1, 0 }, [90] = { 0, 1 }, [-90] = { 0, -1 } }

local function direction(turn)
  if TURNS[turn] then return TURNS[turn][1], TURNS[turn][2] end
  local angle = turn * (math.pi / 180)
  return number.cos(angle), number.sin(angle)
end

function painters.text(self, item)
  local style, s = item.style, self.scale
  local runs = label.parse(item.text)
  local cos, sin = direction(style.turn or 0)
  local place = { size = style.size * s, bold = style.bold, x = item.x * s, y = item.y * s, cos = cos, sin = sin }
  local width = label.runs_width(runs)
  local pen = style.anchor == "middle" and -width / 2 or style.anchor == "end" and -width or 0
  for _, run in ipairs(runs) do
    paint_run(self, run, pen, place)
    pen = pen + run.scale * font.width(run.text)
  end
  finish(self, style)
end

local function pixel(picture, x, y)
  local i = (y * picture.width + x) * picture.channels
  if picture.channels == 1 then return picture.bytes:byte(i + 1) * 0x010101 end
  local r, g, b = picture.bytes:byte(i + 1, i + 3)
  return r << 16 | g << 8 | b
end

function painters.image(self, item)
  local s, picture, raster = self.scale, item.picture, self.raster
  local x0, y0 = nearest(item.x * s), nearest(item.y * s)
  local w = max(nearest((item.x + item.width) * s) - x0, 1)
  local h = max(nearest((item.y + item.height) * s) - y0, 1)
  for y = max(0, -y0), math.min(h, raster.height - y0) - 1 do
    local row, source = (y0 + y) * raster.width + x0, y * picture.height // h
    for x = max(0, -x0), math.min(w, raster.width - x0) - 1 do
      raster.pixels[row + x] = pixel(picture, x * picture.width // w, source)
    end
  end
end

function painters.open() end
function painters.close() end

--- Draws the list.
---@param canvas Canvas
---@param scale number pixels per unit
---@param theme "light"|"dark"
---@return Raster
function paint.draw(canvas, scale, theme)
  local chosen = THEMES[theme]
  local width, height = floor(canvas.width * scale + 0.5), floor(canvas.height * scale + 0.5)
  local self = { raster = Raster.new(width, height, chosen.paper), scale = scale, theme = chosen }
  for _, item in ipairs(canvas.items) do painters[item.kind](self, item) end
  return self.raster
end

return paint
