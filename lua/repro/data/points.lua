--- Points in few dimensions: distributions with a known shape.  Each function takes {n =, seed =, name =, ...} and returns a
--- split {x (n, d) float32, y (n) int64}.

local rp = require "repro"
local misuse = require "repro.misuse"
local options = require "repro.options"

local points = {}

-- Options of a set with n, seed and name, and its generator.
local function start(who, given, defaults)
  defaults.n, defaults.seed, defaults.name = defaults.n or 1000, 1, "train"
  local o = options(who, given, defaults)
  if math.type(o.n) ~= "integer" or o.n < 1 then misuse("%s: n = %s points", who, tostring(o.n)) end
  return o, rp.generator(o.seed, who .. "." .. o.name)
end

local function noisy(x, noise, g)
  if noise == 0 then return x end
  return x + g:randn(x.shape) * noise
end

local function columns(...) return rp.stack(2, ...) end

-- Classes 1..k in turn, so that their numbers differ by at most one.
local function in_turn(n, k) return rp.arange(0, n - 1, 1, "int64") % k + 1 end

---Mixture of Gaussians with means m_k, one standard deviation each and weights w_k.
---    data.gaussian_mixture{n = 1000, means = {{-2, 0}, {2, 0}}, std = 0.5, weights = nil}
---@param given {means: number[][], std: number|number[], weights: number[]} weights: default equal
---@return table {x, y: the component}
function points.gaussian_mixture(given)
  local o, g = start("gaussian_mixture", given, { means = { { -2, 0 }, { 2, 0 } }, std = 0.5, weights = false })
  local means = rp.is_tensor(o.means) and o.means:to("float32") or rp.tensor(o.means)
  if means.ndim ~= 2 then misuse("gaussian_mixture: means must be (k, d), got %d dimensions", means.ndim) end
  local k, d = means:size(1), means:size(2)
  local std = type(o.std) == "number" and rp.full({ k }, o.std) or rp.tensor(o.std)
  local weights = o.weights and rp.tensor(o.weights, "float64") or rp.ones(k, "float64")
  if std:size(1) ~= k or weights:size(1) ~= k then
    misuse("gaussian_mixture: %d means, %d standard deviations, %d weights", k, std:size(1), weights:size(1))
  end
  local y = g:categorical(weights, o.n)
  return { x = means:index_select(1, y) + g:randn(o.n, d) * std:index_select(1, y):unsqueeze(2), y = y }
end

---N(mean, U diag(spectrum) U'), U a random rotation (or the identity).
---    data.gaussian{n = 1000, spectrum = {4, 1, 0.25}, rotate = true, mean = nil}
---@param given {spectrum: number[]|Tensor, rotate: boolean, mean: number[]}
---@return table {x (n, d), basis (d, d) float64 with columns u_k, spectrum (d) float64}; no y
function points.gaussian(given)
  local o, g = start("gaussian", given, { spectrum = { 1, 1 }, rotate = true, mean = false })
  local spectrum = rp.is_tensor(o.spectrum) and o.spectrum:to("float64") or rp.tensor(o.spectrum, "float64")
  if spectrum.ndim ~= 1 or spectrum:min():item() < 0 then misuse "gaussian: the spectrum must be (d) and not negative" end
  local d = spectrum:size(1)
  local basis = rp.eye(d, "float64")
  if o.rotate then basis = rp.linalg.qr(rp.generator(o.seed, "gaussian.basis"):randn(d, d, "float64")) end
  local x = (g:randn(o.n, d, "float64") * spectrum:sqrt()):matmul(basis:t())
  if o.mean then x = x + rp.tensor(o.mean, "float64") end
  return { x = x:to("float32"), basis = basis, spectrum = spectrum }
end

---Two interleaved half circles of radius 1: (cos t, sin t) and (1 - cos t, 1/2 - sin t), t uniform in [0, pi].
---@param given? {n: integer, noise: number} noise: default 0.05
---@return table {x (n, 2), y: which}
function points.two_moons(given)
  local o, g = start("two_moons", given, { noise = 0.05 })
  local y, t = in_turn(o.n, 2), g:rand(o.n) * math.pi
  local lower = y:eq(2)
  local x = columns(rp.where(lower, 1 - t:cos(), t:cos()), rp.where(lower, 0.5 - t:sin(), t:sin()))
  return { x = noisy(x, o.noise, g), y = y }
end

---Concentric circles.
---    data.rings{n = 1000, radii = {0.5, 1, 1.5, 2}, noise = 0.03}
---@param given? {n: integer, radii: number[], noise: number}
---@return table {x (n, 2), y: which}
function points.rings(given)
  local o, g = start("rings", given, { radii = { 0.5, 1, 1.5, 2 }, noise = 0.03 })
  local y, t = in_turn(o.n, #o.radii), g:rand(o.n) * (2 * math.pi)
  local r = rp.tensor(o.radii):index_select(1, y)
  return { x = noisy(columns(r * t:cos(), r * t:sin()), o.noise, g), y = y }
end

---Arms that wind outwards: radius u, angle 2 pi turns u + the arm's own, u = sqrt of a uniform number.
---    data.spirals{n = 1000, arms = 2, turns = 1, noise = 0.02}
---@param given? {n: integer, arms: integer, turns: number, noise: number}
---@return table {x (n, 2), y: the arm}
function points.spirals(given)
  local o, g = start("spirals", given, { arms = 2, turns = 1, noise = 0.02 })
  local y, u = in_turn(o.n, o.arms), g:rand(o.n):sqrt()
  local angle = u * (2 * math.pi * o.turns) + (y - 1):to("float32") * (2 * math.pi / o.arms)
  return { x = noisy(columns(u * angle:cos(), u * angle:sin()), o.noise, g), y = y }
end

---Uniform on the dark squares of a board of cells x cells over [-2, 2]^2.
---@param given? {n: integer, cells: integer, noise: number} cells: even, default 4; noise: default 0
---@return table {x (n, 2), y: the row of squares}
function points.checkerboard(given)
  local o, g = start("checkerboard", given, { cells = 4, noise = 0 })
  if o.cells < 2 or o.cells % 2 ~= 0 then misuse("checkerboard: cells = %s is not even", tostring(o.cells)) end
  local row = g:randint(0, o.cells - 1, { o.n })
  local column = g:randint(0, o.cells // 2 - 1, { o.n }) * 2 + row % 2
  local within, cell = g:rand(o.n, 2), 4 / o.cells
  local x = (columns(column, row):to("float32") + within) * cell - 2
  return { x = noisy(x, o.noise, g), y = row + 1 }
end

---A rolled-up sheet: (t cos t, t sin t) / 10 and, in three dimensions, the height 2 h - 1 between them;
---t = 3 pi/2 (1 + 2 u), u and h uniform.
---@param given? {n: integer, dims: integer, noise: number} dims: 2 (default) or 3; noise: default 0.02
---@return table {x (n, dims), y: quarter of the sheet 1..4, t (n)}
function points.swiss_roll(given)
  local o, g = start("swiss_roll", given, { dims = 2, noise = 0.02 })
  local u = g:rand(o.n)
  local t = (u * 2 + 1) * (1.5 * math.pi)
  local a, b = t * t:cos() * 0.1, t * t:sin() * 0.1
  local x
  if o.dims == 3 then x = columns(a, g:rand(o.n) * 2 - 1, b)
  elseif o.dims == 2 then x = columns(a, b)
  else misuse("swiss_roll: dims must be 2 or 3, got %s", tostring(o.dims)) end
  return { x = noisy(x, o.noise, g), y = (u * 4):floor():to("int64") + 1, t = t }
end

----------------------------------------------------------------------------------------------------- distances

local function length(dx, dy) return (dx:square() + dy:square()):sqrt() end

-- From the upper half of the circle of radius 1 around 0.
local function half_circle(dx, dy)
  return rp.where(dy:ge(0), (length(dx, dy) - 1):abs(), length(dx:abs() - 1, dy))
end

local from = {}

function from.two_moons(x)
  local a, b = x:select(2, 1), x:select(2, 2)
  return half_circle(a, b):minimum(half_circle(1 - a, 0.5 - b))
end

function from.rings(x)
  return (length(x:select(2, 1), x:select(2, 2)):unsqueeze(2) - rp.tensor { 0.5, 1, 1.5, 2 }):abs():min(2)
end

-- To the nearest of 4,000 points of the two arms.
function from.spirals(x)
  local radius = rp.linspace(0, 1, 2000)
  local turn = radius * (2 * math.pi)
  local arm = columns(radius * turn:cos(), radius * turn:sin())
  return rp.metrics.nearest(x, rp.concat(1, arm, -arm), 1):sqrt():squeeze(2)
end

function from.checkerboard(x)
  local centres = {}
  for row = 0, 3 do
    for k = 0, 1 do centres[#centres + 1] = { 2 * k + row % 2 - 1.5, row - 1.5 } end
  end
  return ((x:unsqueeze(2) - rp.tensor(centres)):abs() - 0.5):maximum(0):square():sum(3):min(2):sqrt()
end

---How far points are from the set that `name` draws from by default and without noise; for generated ones the model's own error.
---    data.distance_from("spirals", x)
---@param name "two_moons"|"rings"|"spirals"|"checkerboard"
---@param x Tensor (n, 2)
---@return Tensor (n)
function points.distance_from(name, x)
  if not from[name] then
    misuse("distance_from: the distance from two_moons, rings, spirals or checkerboard is known, not from %s", tostring(name))
  end
  if not rp.is_tensor(x) or x.ndim ~= 2 or x:size(2) ~= 2 then misuse "distance_from: the points are a tensor (n, 2)" end
  return from[name](x)
end

return points
