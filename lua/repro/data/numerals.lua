--- Numerals: the ten digits as strokes of varied width, slant, size and shape, drawn by formula.

local rp = require "repro"
local misuse = require "repro.misuse"
local options = require "repro.options"
local strokes = require "repro.data.strokes"

local numerals = {}

local CHUNK = 500                                           -- images drawn at a time
local MOST = 12                                             -- points of a digit

-- The points of each digit, joined in this order; y points down, the half-height is 1.
local figures = {
  { 0, -1, .42, -.75, .55, 0, .42, .75, 0, 1, -.42, .75, -.55, 0, -.42, -.75, 0, -1 },
  { -.25, -.7, .05, -1, .05, 1 },
  { -.5, -.6, -.3, -.92, .1, -1, .45, -.75, .4, -.3, -.5, 1, .55, 1 },
  { -.5, -.85, 0, -1, .42, -.75, .35, -.25, -.1, -.05, .42, .25, .48, .65, .05, 1, -.5, .85 },
  { .25, 1, .25, -1, -.55, .35, .6, .35 },
  { .5, -1, -.4, -1, -.45, -.1, .1, -.2, .5, .2, .4, .75, -.05, 1, -.5, .85 },
  { .4, -.95, -.15, -.7, -.5, 0, -.45, .7, 0, 1, .42, .75, .45, .3, .05, .05, -.42, .3 },
  { -.5, -1, .5, -1, .1, 0, -.1, 1 },
  { .1, -.05, -.4, -.4, -.35, -.8, .05, -1, .42, -.75, .38, -.35, -.4, .35, -.42, .75, 0, 1, .42, .8, .42, .4, .1, -.05 },
  { .45, -.4, .3, -.05, -.1, .05, -.45, -.25, -.4, -.75, 0, -1, .4, -.8, .45, -.4, .4, .3, .1, 1 },
}

-- (10, 12, 2): a digit of fewer points repeats its last.
local function points()
  local rows = {}
  for k, list in ipairs(figures) do
    rows[k] = {}
    for i = 1, MOST do
      local at = math.min(2 * i, #list)
      rows[k][i] = { list[at - 1], list[at] }
    end
  end
  return rp.tensor(rows)
end

-- What differs from image to image: classes (n), half-width in units of the half-height, slant, sizes, turn, shift, and
-- the amplitudes and phases of two waves that bend each coordinate.
local function draw_hands(n, g)
  local hand = { y = (g:randperm(n) - 1) % 10 + 1 }
  hand.width = (g:randn(n) * 0.35 - 2.0):exp():clamp(0.07, 0.3)
  hand.slant = g:randn(n) * 0.18
  hand.size = (g:randn(n, 2) * 0.10):exp()
  hand.turn = g:randn(n) * 0.10
  hand.shift = g:randn(n, 2) * 0.10
  hand.bend, hand.phase = g:randn(n, 4) * 0.07, g:rand(n, 4) * (2 * math.pi)
  return hand
end

-- Coordinates x, y (n, 12) of points, in units of the half-height, bent, slanted, scaled, turned and moved.
local function place(hand, x, y)
  local function column(name, k) return hand[name]:slice(2, k, k) end
  local function wave(v, k) return (v * (1.5 + 0.7 * k) + column("phase", k)):sin() * column("bend", k) end
  local slant, turn = hand.slant:unsqueeze(2), hand.turn:unsqueeze(2)
  local u = (x + wave(y, 1) + wave(x, 3) - y * slant) * column("size", 1)
  local v = (y + wave(x, 2) + wave(y, 4)) * column("size", 2)
  local cos, sin = turn:cos(), turn:sin()
  return u * cos - v * sin + column("shift", 1), u * sin + v * cos + column("shift", 2)
end

-- Ink (n, size, size) in [0, 1]: 1 within the half-width, falling to 0 over one pixel.
local function ink_of(hand, size)
  local p = points():index_select(1, hand.y)
  local x, y = place(hand, p:select(3, 1), p:select(3, 2))
  local unit, middle = 0.36 * size, (size - 1) / 2
  local function ends(v, first) return (v:slice(2, first, first + MOST - 2) * unit + middle):unsqueeze(3):unsqueeze(4) end
  local d = strokes.squared_distance(ends(x, 1), ends(y, 1), ends(x, 2), ends(y, 2), size):sqrt()
  return (hand.width:reshape(-1, 1, 1) * unit + 0.5 - d):clamp(0, 1)
end

local function rows_of(hand, first, last)
  local part = {}
  for _, name in ipairs { "y", "width", "slant", "size", "turn", "shift", "bend", "phase" } do
    part[name] = hand[name]:slice(1, first, last)
  end
  return part
end

-- Red, green and blue of a hue in turns; saturation and value 1.
local function rainbow(hue)
  local third = rp.tensor { 0, 1 / 3, 2 / 3 }
  return ((hue:unsqueeze(2) - third) * (2 * math.pi)):cos() * 0.5 + 0.5
end

-- (n, 3, size, size): the ink, dark or light, on a coloured ground that brightens towards one side and has ripples.
local function coloured(ink, y, g)
  local n, size = ink:size(1), ink:size(2)
  local hue = y:to("float32") * 0.1 + g:randn(n) * 0.15
  local tint, level = rainbow(hue), g:rand(n, 1)
  local ground = tint * 0.5 + level * 0.5
  local ramp, way = rp.linspace(-1, 1, size), g:randn(n, 2) * 0.15
  local phase = g:rand(n, 1, 1) * (2 * math.pi)
  local wave = (ramp * 4 + ramp:unsqueeze(2) * 3 + phase):sin() * 0.08
  local light = way:select(2, 1):reshape(n, 1, 1) * ramp + way:select(2, 2):reshape(n, 1, 1) * ramp:unsqueeze(2) + wave
  local pen = level:lt(0.5):to("float32") * 0.8 + 0.1 + g:randn(n, 3) * 0.08
  ink = ink:unsqueeze(2)
  local back = (ground:reshape(n, 3, 1, 1) + light:unsqueeze(2))
  return (back * (1 - ink) + pen:reshape(n, 3, 1, 1) * ink):clamp(0, 1)
end

---n images of the ten digits in equal numbers, in random order, class = digit + 1.
---    data.numerals{n = 8000, seed = 1, name = "train", size = 28, colour = false}
---Grey: ink 1 on 0.  Colour: dark or light ink on a coloured ground whose hue goes with the class, loosely.
---@param given? {n: integer, seed: integer, name: string, size: integer, colour: boolean}
---@return table {x (n, 1 or 3, size, size) in [0, 1], y (n), width (n): the drawn width in pixels, slant (n): its tangent,
---  classes: the names}
function numerals.numerals(given)
  local o = options("numerals", given, { n = 8000, seed = 1, name = "train", size = 28, colour = false })
  if math.type(o.n) ~= "integer" or o.n < 1 then misuse("numerals: n = %s images", tostring(o.n)) end
  if math.type(o.size) ~= "integer" or o.size < 8 then misuse("numerals: size = %s; at least 8 pixels", tostring(o.size)) end
  local g, parts = rp.generator(o.seed, "numerals." .. o.name), {}
  local hand = draw_hands(o.n, g)
  for first = 1, o.n, CHUNK do
    parts[#parts + 1] = ink_of(rows_of(hand, first, math.min(first + CHUNK - 1, o.n)), o.size)
  end
  local ink = rp.concat(1, parts)
  return { x = o.colour and coloured(ink, hand.y, g) or ink:unsqueeze(2), y = hand.y, width = hand.width * (0.72 * o.size),
           slant = hand.slant, classes = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" } }
end

return numerals
