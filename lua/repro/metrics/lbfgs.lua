--- Minimisation of a smooth function of a vector by limited-memory BFGS with a line search for the strong Wolfe
--- conditions.  Source: Nocedal, Wright 2006, Numerical Optimization, algorithms 7.4, 7.5, 3.5, 3.6.

local lbfgs = {}

local function dot(a, b) return (a * b):sum():item() end

local function largest(g) return g:numel() > 0 and g:abs():max():item() or 0 end

-- -H g: the two-loop recursion over the pairs (s, y), rho = 1 / <s, y>, oldest first.
local function direction(g, pairs_kept)
  local q, alpha = -g, {}
  for i = #pairs_kept, 1, -1 do
    local p = pairs_kept[i]
    alpha[i] = p.rho * dot(p.s, q)
    q = q - p.y * alpha[i]
  end
  local last = pairs_kept[#pairs_kept]
  if last then q = q / (last.rho * dot(last.y, last.y)) end
  for i, p in ipairs(pairs_kept) do q = q + p.s * (alpha[i] - p.rho * dot(p.y, q)) end
  return q
end

-- The minimum of the cubic through two points with their slopes, kept inside the middle 80% between them.
local function cubic(a, b)
  local d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t)
  local square = d1 * d1 - a.slope * b.slope
  local t = (a.t + b.t) / 2
  if square >= 0 then
    local d2 = math.sqrt(square)
    if b.t < a.t then d2 = -d2 end
    local candidate = b.t - (b.t - a.t) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
    if candidate == candidate then t = candidate end
  end
  local lo, hi = math.min(a.t, b.t), math.max(a.t, b.t)
  return math.min(math.max(t, lo + 0.1 * (hi - lo)), hi - 0.1 * (hi - lo))
end

local C1, C2 = 1e-4, 0.9

-- Whether p falls short of the decrease that is asked for, beyond what rounding of the values can hide.
local function too_high(start, p)
  return p.value ~= p.value or p.value > start.value + C1 * p.t * start.slope + start.slack
end

local function zoom(probe, start, lo, hi)
  for _ = 1, 30 do
    local p = probe(cubic(lo, hi))
    if too_high(start, p) or p.value > lo.value + start.slack then
      hi = p
    else
      if math.abs(p.slope) <= -C2 * start.slope then return p end
      if p.slope * (hi.t - lo.t) >= 0 then hi = lo end
      lo = p
    end
    if math.abs(hi.t - lo.t) < 1e-16 * math.max(lo.t, 1) then break end
  end
  return lo
end

-- A point along the line that satisfies the strong Wolfe conditions, or the best one found.
local function line_search(probe, start, t)
  local before = start
  for i = 1, 25 do
    local p = probe(t)
    if too_high(start, p) or (i > 1 and p.value >= before.value + start.slack) then
      return zoom(probe, start, before, p)
    end
    if math.abs(p.slope) <= -C2 * start.slope then return p end
    if p.slope >= 0 then return zoom(probe, start, p, before) end
    before, t = p, 2 * t
  end
  return before
end

-- Minimises f from x.
--   f fun(x: Tensor): number, Tensor value and gradient (n) float64
--   x Tensor (n) float64
--   given? {max_iter: integer, history: integer, tol: number} default 500, 10, 1e-8: it ends when the largest
--  component of the gradient is at most tol, or neither f nor that component falls any more
--   returns Tensor x
--   returns table {value, gradient: largest component, iterations}
function lbfgs.minimise(f, x, given)
  local o = given or {}
  local tol, kept = o.tol or 1e-8, {}
  local value, g = f(x)
  local iterations = 0
  while iterations < (o.max_iter or 500) and largest(g) > tol do
    local d = direction(g, kept)
    local function probe(t)
      local point = x + d * t
      local v, gradient = f(point)
      return { t = t, x = point, value = v, g = gradient, slope = dot(gradient, d) }
    end
    local start = { t = 0, x = x, value = value, g = g, slope = dot(g, d), slack = 0x1p-50 * math.abs(value) }
    local first = #kept == 0 and math.min(1, 1 / g:abs():sum():item()) or 1
    local found = line_search(probe, start, first)
    iterations = iterations + 1
    local falls = found.value < value or largest(found.g) < largest(g)
    if found.t == 0 or not falls then break end
    local s, y = found.x - x, found.g - g
    local curvature = dot(s, y)
    if curvature > 0 then kept[#kept + 1] = { s = s, y = y, rho = 1 / curvature } end
    if #kept > (o.history or 10) then table.remove(kept, 1) end
    x, value, g = found.x, found.value, found.g
  end
  return x, { value = value, gradient = largest(g), iterations = iterations }
end

return lbfgs
