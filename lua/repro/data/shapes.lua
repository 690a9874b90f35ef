--- Chairs, airplanes and cars as clouds of points on the surfaces of boxes, tubes and balls, whose sizes and presence are drawn
--- from the seed: three categories with the names of the sets of ShapeNet that generative models of point clouds are tried on.
---
--- x points forward, y to the left, z up; lengths are about 1.  A part is an image of the cube, the upright or lying cylinder or
--- the ball of half-size 1, by half-sizes, a sweep, a tilt and a taper.

local rp = require "repro"
local misuse = require "repro.misuse"
local options = require "repro.options"

local shapes = {}

local CHUNK = 200000                                        -- points drawn at a time
local BOX, TUBE, BALL = 0, 1, 2
-- Columns of a part: what it is, centre, half-sizes; x += sweep |v|, x += tilt (w + 1), (x, y) shrink by taper (w + 1) / 2 for
-- v, w in [-1, 1] the coordinates of the primitive along y and z; whether it is there.
local fields = { "kind", "x", "y", "z", "a", "b", "c", "sweep", "tilt", "taper", "there" }
local column_of = {}
for k, name in ipairs(fields) do column_of[name] = k end

-- Numbers between lo and hi, one for each cloud.
local function between(g, n, lo, hi) return g:rand(n) * (hi - lo) + lo end

------------------------------------------------------------------------------------------------------ categories

local categories = {}

-- Seat, back, four legs or a pedestal, and sometimes arms.
function categories.chair(n, g)
  local width, depth, height = between(g, n, 0.35, 0.5), between(g, n, 0.35, 0.5), between(g, n, 0.35, 0.55)
  local leg, slab, back = between(g, n, 0.03, 0.06), between(g, n, 0.03, 0.07), between(g, n, 0.3, 0.55)
  local pedestal, arms = g:bernoulli(0.3, { n }):to "float32", g:bernoulli(0.4, { n }):to "float32"
  local tilt = between(g, n, -0.15, 0)
  local parts = {
    { kind = BOX, x = 0, y = 0, z = 0, a = depth, b = width, c = slab },
    { kind = BOX, x = leg - depth, y = 0, z = slab + back, a = slab, b = width, c = back, tilt = tilt },
    { kind = TUBE, x = 0, y = 0, z = -height, a = leg * 1.5, b = leg * 1.5, c = height, there = pedestal },
    { kind = TUBE, x = 0, y = 0, z = height * -2, a = depth * 0.8, b = depth * 0.8, c = leg * 0.5, there = pedestal },
  }
  for i = 0, 3 do
    local right, front = i % 2 * 2 - 1, i // 2 * 2 - 1
    parts[#parts + 1] = { kind = BOX, x = (depth - leg) * front, y = (width - leg) * right, z = -height, a = leg, b = leg,
                          c = height, there = 1 - pedestal }
  end
  for _, side in ipairs { -1, 1 } do
    parts[#parts + 1] = { kind = BOX, x = 0, y = (width - leg) * side, z = back * 0.7, a = depth * 0.9, b = leg, c = leg,
                          there = arms }
  end
  return parts
end

-- Fuselage, swept wings, tail plane, fin, and two or no engines.
function categories.airplane(n, g)
  local length, radius = between(g, n, 0.8, 1), between(g, n, 0.08, 0.14)
  local span, chord, sweep = between(g, n, 0.6, 1), between(g, n, 0.12, 0.22), between(g, n, -0.5, 0)
  local at, low = between(g, n, -0.1, 0.2), between(g, n, -0.6, 0.6) * radius
  local tail, fin = between(g, n, 0.25, 0.4), between(g, n, 0.15, 0.3)
  local engines = g:bernoulli(0.6, { n }):to "float32"
  local parts = {
    { kind = BALL, x = 0, y = 0, z = 0, a = length, b = radius, c = radius },
    { kind = BOX, x = at, y = 0, z = low, a = chord, b = span, c = 0.015, sweep = sweep },
    { kind = BOX, x = length * -0.85, y = 0, z = radius * 0.3, a = chord * 0.5, b = tail, c = 0.012, sweep = sweep * 0.4 },
    { kind = BOX, x = length * -0.85, y = 0, z = radius + fin * 0.5, a = chord * 0.5, b = 0.012, c = fin * 0.5, tilt = -fin * 0.3,
      taper = 0.3 },
  }
  for _, side in ipairs { -1, 1 } do
    parts[#parts + 1] = { kind = BALL, x = at + sweep * 0.4, y = span * (0.4 * side), z = low - 0.06, a = chord * 0.8, b = 0.05,
                          c = 0.05, there = engines }
  end
  return parts
end

-- Body, tapered cabin, four wheels.
function categories.car(n, g)
  local length, width, height = between(g, n, 0.85, 1), between(g, n, 0.35, 0.45), between(g, n, 0.12, 0.2)
  local cabin, roof, shift = between(g, n, 0.4, 0.65), between(g, n, 0.1, 0.2), between(g, n, -0.25, 0.05)
  local wheel, taper = between(g, n, 0.12, 0.18), between(g, n, 0.1, 0.4)
  local parts = {
    { kind = BOX, x = 0, y = 0, z = 0, a = length, b = width, c = height },
    { kind = BOX, x = shift, y = 0, z = height + roof, a = length * cabin, b = width * 0.95, c = roof, taper = taper },
  }
  for i = 0, 3 do
    local left, front = i % 2 * 2 - 1, i // 2 * 2 - 1
    parts[#parts + 1] = { kind = TUBE, lying = true, x = length * (0.6 * front), y = width * left, z = -height, a = wheel, b = 0.06,
                          c = wheel }
  end
  return parts
end

------------------------------------------------------------------------------------------------------ surfaces

-- (n, P, 11): what all parts of all clouds are; and the areas (n, P) of their surfaces before sweep, tilt and taper.
-- A ball's area is Knud Thomsen's approximation.
local function tabulate(parts, n)
  local rows, areas = {}, {}
  for i, part in ipairs(parts) do
    local list = {}
    for k, name in ipairs(fields) do
      local value = part[name] or (name == "there" and 1 or 0)
      if name == "kind" and part.lying then value = TUBE + 2 end
      list[k] = rp.is_tensor(value) and value:expand(n) or rp.full({ n }, value)
    end
    local a, b, c = list[column_of.a], list[column_of.b], list[column_of.c]
    local round, long = part.lying and c or b, part.lying and b or c
    local area = part.kind == BOX and (a * b + b * c + c * a) * 8
      or part.kind == TUBE and a * round * (2 * math.pi) + (a + round) * long * (2 * math.pi)
      or (((a * b) ^ 1.6 + (a * c) ^ 1.6 + (b * c) ^ 1.6) / 3) ^ (1 / 1.6) * (4 * math.pi)
    rows[i], areas[i] = rp.stack(2, list), area * list[column_of.there]
  end
  return rp.stack(2, rows), rp.stack(2, areas)
end

-- Points (n, m, 3) on a cube of half-sizes a, b, c: a pair of faces by area, a side, a place.
local function on_box(g, a, b, c)
  local s = a.shape
  local x_face, y_face = b * c, a * c
  local r = g:rand(s) * (x_face + y_face + a * b)
  local side, u, v, w = g:bernoulli(0.5, s):to("float32") * 2 - 1, g:rand(s) * 2 - 1, g:rand(s) * 2 - 1, g:rand(s) * 2 - 1
  local is_x, is_y = r:lt(x_face), r:lt(x_face + y_face)
  return rp.where(is_x, side, u), rp.where(is_x, v, rp.where(is_y, side, v)), rp.where(is_y, w, side)
end

-- ... on a cylinder of radius about r and half-length h: one of the two ends by area, or the side.
local function on_tube(g, r, h)
  local s = r.shape
  local turn, end_side = g:rand(s) * (2 * math.pi), g:bernoulli(0.5, s):to("float32") * 2 - 1
  local is_end = g:rand(s):lt(r / (r + h * 2))
  local radius = rp.where(is_end, g:rand(s):sqrt(), 1)
  return radius * turn:cos(), radius * turn:sin(), rp.where(is_end, end_side, g:rand(s) * 2 - 1)
end

local function on_ball(g, s)
  local u = g:randn { s[1], s[2], 3 }:unit(3)
  return u:select(3, 1), u:select(3, 2), u:select(3, 3)
end

local function draw(table_of, areas, m, g)                  -- -> (n, m, 3)
  local n, parts = areas:size(1), areas:size(2)
  local part = g:categorical(areas, m) - 1                  -- (n, m)
  local row = part + (rp.arange(0, n - 1, 1, "int64") * parts):unsqueeze(2) + 1
  local chosen = table_of:reshape(n * parts, #fields):index_select(1, row:reshape(-1)):reshape(n, m, #fields)
  local function get(name) return chosen:select(3, column_of[name]) end
  local kind, a, b, c = get "kind", get "a", get "b", get "c"
  local u, v, w = on_box(g, a, b, c)
  local lying, ball = kind:eq(TUBE + 2), kind:eq(BALL)
  local tube = kind:eq(TUBE):to("float32") + lying:to("float32")
  local p, q, along = on_tube(g, a, rp.where(lying, b, c))
  local s, t, r = on_ball(g, u.shape)
  u = rp.where(tube, p, rp.where(ball, s, u))
  v = rp.where(tube, rp.where(lying, along, q), rp.where(ball, t, v))
  w = rp.where(tube, rp.where(lying, q, along), rp.where(ball, r, w))
  local shrink = 1 - get "taper" * (w + 1) / 2
  local x = get "x" + a * u * shrink + get "sweep" * v:abs() + get "tilt" * (w + 1)
  return rp.stack(3, x, get "y" + b * v * shrink, get "z" + c * w)
end

---Clouds of points on the surfaces of drawn chairs, airplanes or cars; parts get points in proportion to their area.
---    data.shapes{kind = "chair", n = 200, points = 2048, seed = 1, name = "train"}
---@param given {kind: "chair"|"airplane"|"car", n: integer, points: integer, seed: integer, name: string}
---@return table {x (n, points, 3) float32; in the units of the drawing, neither centred nor scaled}
function shapes.shapes(given)
  local o = options("data.shapes", given, { kind = "chair", n = 200, points = 2048, seed = 1, name = "train" })
  local category = categories[o.kind]
  if not category then misuse('data.shapes: kind must be "chair", "airplane" or "car", got %s', tostring(o.kind)) end
  for _, key in ipairs { "n", "points" } do
    if math.type(o[key]) ~= "integer" or o[key] < 1 then misuse("data.shapes: %s = %s", key, tostring(o[key])) end
  end
  local g = rp.generator(o.seed, "shapes." .. o.kind .. "." .. o.name)
  local table_of, areas = tabulate(category(o.n, g), o.n)
  local rows, parts = math.max(1, CHUNK // o.points), {}
  for first = 1, o.n, rows do
    local last = math.min(first + rows - 1, o.n)
    parts[#parts + 1] = draw(table_of:slice(1, first, last), areas:slice(1, first, last), o.points, g)
  end
  return { x = rp.concat(1, parts) }
end

-- ShapeNet's clouds: DIR/shapenet/KIND_train.npy and KIND_test.npy.
local function read_files(o)
  local path = "shapenet/" .. o.kind .. "_%s.npy"
  local source = "ShapeNet's clouds as PointFlow has them (Yang et al. 2019, arXiv:1906.12320), saved as (n, 2048, 3)"
  local folder = rp.models.locate({ { path:format "train", source }, { path:format "test", source } }, o.dir or nil)
  local function read(name, n)
    local x = rp.io.read_npy(folder .. "/" .. path:format(name)):to "float32"
    if x.ndim ~= 3 or x:size(2) < o.points or x:size(3) ~= 3 then
      misuse("cloud_set: %s holds (%s), not clouds of %d points or more", path:format(name), table.concat(x.shape, "x"), o.points)
    end
    return x:slice(2, 1, o.points):slice(1, 1, math.min(n, x:size(1)))
  end
  return read("train", o.n_train), read("test", o.n_test)
end

---Clouds of a category to train on and to compare with, moved by the mean and divided by the one standard deviation of all
---points of the first, as in Yang et al. 2019, arXiv:1906.12320, sec. 5.
---    data.cloud_set{kind = "chair", source = "drawn", n_train = 400, n_test = 40, points = 2048, seed = 1, dir = nil}
---source = "files" reads (n, 2048, 3) from DIR/shapenet/KIND_train.npy and KIND_test.npy.
---@param given table
---@return table {train (n_train, points, 3), test (n_test, points, 3)}
function shapes.cloud_set(given)
  local o = options("data.cloud_set", given, { kind = "chair", source = "drawn", n_train = 400, n_test = 40, points = 2048,
                                               seed = 1, dir = false })
  if o.source ~= "drawn" and o.source ~= "files" then
    misuse('data.cloud_set: source must be "drawn" or "files", got %s', tostring(o.source))
  end
  local function drawn(name, n) return shapes.shapes { kind = o.kind, n = n, points = o.points, seed = o.seed, name = name }.x end
  local train, test
  if o.source == "files" then train, test = read_files(o) else train, test = drawn("train", o.n_train), drawn("test", o.n_test) end
  local centre = train:mean({ 1, 2 }, true)
  local scale = (train - centre):square():mean():sqrt():item()
  return { train = (train - centre) / scale, test = (test - centre) / scale }
end

return shapes
