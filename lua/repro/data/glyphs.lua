--- Glyphs: 16x16 colour images in [-1, 1] of ten stroke figures, with nine binary attributes that are small on the image,
--- one for each visual pattern of MMVP (Tong et al. 2024, arXiv:2401.06209), and strong nuisances of light.
---
---   1 orientation   tilted by -0.20 or +0.20 rad       6 colour      orange-white or green-white
---   2 presence      without or with a bar on top       7 structure   half-width of the stroke 0.70 or 1.15 pixels
---   3 state         solid or broken strokes            8 text        a mark x or + in the corner
---   4 quantity      one or three dots below            9 viewpoint   squeezed to 0.78 along x, or not
---   5 position      moved left or right by a pixel
---
--- An image is  background + contrast ink colour + brightness + gradient + cast + noise,  clamped; the signs of the brightness,
--- of the gradient along x and y and of the cast on red, green and blue are its six context bits.

local rp = require "repro"
local misuse = require "repro.misuse"
local options = require "repro.options"
local strokes = require "repro.data.strokes"

local glyphs = {}

local SIZE, HALF, CENTRE = 16, 5, 7.5                       -- pixels: side, half-height of a figure, middle
local BACKGROUND, CONTRAST = -0.4, 0.8
local CHUNK = 1000                                          -- images drawn at a time

---Names: classes (10), attributes (9), context (6), coarse: the superclass 1..5 of each class, which pairs like figures.
glyphs.glyph_names = {
  classes = strokes.names(),
  coarse = { 1, 2, 3, 3, 4, 4, 1, 5, 5, 2 },
  attributes = { "orientation", "presence", "state", "quantity", "position", "colour", "structure", "text", "viewpoint" },
  context = { "bright", "light from the right", "light from below", "reddish", "greenish", "bluish" },
}

local corner = { { "x.x", ".x.", "x.x" }, { ".x.", "xxx", ".x." } }

-- (2, 16, 16): the marks in the upper left corner.
local function corner_marks()
  local marks = rp.zeros(2, SIZE, SIZE)
  for k, rows in ipairs(corner) do
    for i, row in ipairs(rows) do
      for j = 1, 3 do marks[{ k, i, j }] = row:sub(j, j) == "x" and 0.9 or 0 end
    end
  end
  return marks
end

---------------------------------------------------------------------------------------------------- the scene

-- What there is to see: classes (n), attributes (n, 9) and context (n, 6) as 0 or 1, light and noise.
local function draw_scene(n, g, nuisance)
  local s = nuisance.scale
  local scene = { y = (g:randperm(n) - 1) % 10 + 1, attribute = g:bernoulli(0.5, { n, 9 }) }
  scene.brightness = g:randn(n, 1) * (nuisance.brightness * s)
  scene.gradient = g:randn(n, 2) * (nuisance.gradient * s)
  scene.cast = g:randn(n, 3) * (nuisance.cast * s)
  scene.noise = g:randn(n, 3, SIZE, SIZE) * nuisance.noise
  scene.context = rp.concat(2, scene.brightness, scene.gradient, scene.cast):gt(0):to("float32")
  return scene
end

-- (n, 1, 1, 1) from a column of bits: `zero` where it is 0, `one` where it is 1.
local function choose(bits, k, zero, one)
  return (bits:select(2, k) * (one - zero) + zero):reshape(-1, 1, 1, 1)
end

-- Points of the figure (n, S, 1, 1) to pixels: squeezed, tilted, moved.
local function place(bits, x, y)
  local angle = 0.20
  local cos, sin = rp.math.cos(angle), choose(bits, 1, -rp.math.sin(angle), rp.math.sin(angle))
  x, y = x * choose(bits, 9, 0.78, 1) * HALF, y * HALF
  return x * cos - y * sin + choose(bits, 5, -1, 1) + CENTRE, x * sin + y * cos + CENTRE
end

-- Both halves of each stroke; those of a broken one leave a gap of 1.6 pixels between their round ends.
local function halves(bits, a_x, a_y, b_x, b_y, width)
  local m_x, m_y, u_x, u_y = (a_x + b_x) * 0.5, (a_y + b_y) * 0.5, b_x - a_x, b_y - a_y
  local length = (u_x:square() + u_y:square()):sqrt()
  local gap = ((width + 0.8) / length):minimum(0.45) * choose(bits, 3, 0, 1)
  return rp.concat(2, a_x, m_x + u_x * gap), rp.concat(2, a_y, m_y + u_y * gap),
         rp.concat(2, m_x - u_x * gap, b_x), rp.concat(2, m_y - u_y * gap, b_y)
end

local AWAY = 1000                                           -- where an absent part is

-- Ink in [0, 1] of strokes: 1 within the half-width, falling to 0 over one pixel.
local function stroke_ink(a_x, a_y, b_x, b_y, width)
  return (strokes.squared_distance(a_x, a_y, b_x, b_y, SIZE):sqrt() * -1 + (width + 0.5)):clamp(0, 1)
end

local function figure_ink(y, bits)
  local ends = strokes.figures():index_select(1, y):unsqueeze(4):unsqueeze(5)      -- (n, 4, 4, 1, 1)
  local a_x, a_y = place(bits, ends:select(3, 1), ends:select(3, 2))
  local b_x, b_y = place(bits, ends:select(3, 3), ends:select(3, 4))
  local width = choose(bits, 7, 0.70, 1.15)
  a_x, a_y, b_x, b_y = halves(bits, a_x, a_y, b_x, b_y, width)
  return stroke_ink(a_x, a_y, b_x, b_y, width:reshape(-1, 1, 1))
end

-- The bar above the figure, which moves with it.
local function bar_ink(bits)
  local level = rp.full({ bits:size(1), 1, 1, 1 }, -1.42)
  local a_x, a_y = place(bits, rp.full({ 1, 1, 1, 1 }, -0.4), level)
  local b_x, b_y = place(bits, rp.full({ 1, 1, 1, 1 }, 0.4), level)
  local away = choose(bits, 2, AWAY, 0)
  return stroke_ink(a_x, a_y + away, b_x, b_y + away, 0.55)
end

-- Ink of one or three dots near the lower edge.
local function dot_ink(bits)
  local x = rp.tensor { -2.5, 0, 2.5 }:reshape(1, 3, 1, 1) + CENTRE
  local side = choose(bits, 4, AWAY, 0) * rp.tensor { 1, 0, 1 }:reshape(1, 3, 1, 1)
  local d_x = rp.arange(0, SIZE - 1) - x
  local d_y = rp.arange(0, SIZE - 1):unsqueeze(2) - (side + 14.2)
  return ((d_x:square() + d_y:square()):min(2):sqrt() * -1 + 1.2):clamp(0, 1)
end

local function ink_of(y, bits, marks)
  local mark = marks:index_select(1, bits:select(2, 8):to("int64") + 1)
  return figure_ink(y, bits):maximum(bar_ink(bits)):maximum(dot_ink(bits)):maximum(mark)
end

-- (n, 3, 16, 16) in [-1, 1].
local function render(scene)
  local n, parts, marks = scene.y:size(1), {}, corner_marks()
  for first = 1, n, CHUNK do
    local last = math.min(first + CHUNK - 1, n)
    parts[#parts + 1] = ink_of(scene.y:slice(1, first, last), scene.attribute:slice(1, first, last), marks)
  end
  local orange, green = rp.tensor { 1, 0.80, 0.60 }, rp.tensor { 0.70, 1, 0.75 }
  local colour = orange + scene.attribute:slice(2, 6, 6) * (green - orange)
  local ramp = rp.linspace(-1, 1, SIZE)
  local light = scene.gradient:select(2, 1):reshape(n, 1, 1) * ramp
              + scene.gradient:select(2, 2):reshape(n, 1, 1) * ramp:unsqueeze(2)
  local shade = (scene.cast + scene.brightness + BACKGROUND):reshape(n, 3, 1, 1) + light:unsqueeze(2)
  local ink = rp.concat(1, parts):unsqueeze(2) * (colour * CONTRAST):reshape(n, 3, 1, 1)
  return (ink + shade + scene.noise):clamp(-1, 1)
end

------------------------------------------------------------------------------------------------------- the sets

local nuisances = { brightness = 0.20, gradient = 0.25, cast = 0.15, scale = 1.3, noise = 0.10 }

local function generator_of(o) return rp.generator(o.seed, "glyphs." .. o.name) end

local function with_names(set)
  for key, value in pairs(glyphs.glyph_names) do set[key == "context" and "context_names" or key] = value end
  return set
end

---n images with their classes in equal numbers, in random order.
---    data.glyphs{n = 8000, seed = 1, name = "train", nuisance = {...}}
---nuisance: standard deviations of brightness (0.20), gradient (0.25), cast (0.15), all times scale (1.3), and noise (0.10).
---@param given? {n: integer, seed: integer, name: string, nuisance: table}
---@return table {x (n, 3, 16, 16), y (n), attribute (n, 9), context (n, 6), and the names of glyph_names, those of the
---  context bits as context_names}; bits are float32, 0 or 1
function glyphs.glyphs(given)
  local o = options("glyphs", given, { n = 8000, seed = 1, name = "train", nuisance = false })
  local scene = draw_scene(o.n, generator_of(o), options("glyphs nuisance", o.nuisance or nil, nuisances))
  return with_names { x = render(scene), y = scene.y, attribute = scene.attribute, context = scene.context }
end

---For each of the nine attributes n pairs of images that differ in this one only: one class, the same other attributes,
---light and noise.
---    data.glyph_pairs{n = 100, seed = 1, name = "pairs"}
---@param given? {n: integer, seed: integer, name: string, nuisance: table}
---@return table[] 9 of {x0, x1 (n, 3, 16, 16): attribute 0 and 1, also as [1] and [2]; y (n), attribute (n, 9) with this one
---  0, context (n, 6), name}
function glyphs.glyph_pairs(given)
  local o = options("glyph_pairs", given, { n = 100, seed = 1, name = "pairs", nuisance = false })
  if o.n < 1 then misuse("glyph_pairs: n = %d pairs", o.n) end
  local g, nuisance, list = generator_of(o), options("glyph_pairs nuisance", o.nuisance or nil, nuisances), {}
  for k, name in ipairs(glyphs.glyph_names.attributes) do
    local scene = draw_scene(o.n, g, nuisance)
    scene.attribute[{ {}, k }] = 0
    local set = { x0 = render(scene), y = scene.y, attribute = scene.attribute:clone(), context = scene.context, name = name }
    scene.attribute[{ {}, k }] = 1
    set.x1 = render(scene)
    set[1], set[2] = set.x0, set.x1
    list[k] = set
  end
  return list
end

return glyphs
