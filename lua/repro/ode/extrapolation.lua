--- Extrapolation of a second-order rule with an expansion in h^2: rows n_1 < n_2 < ... of ever finer steps, combined by
--- Aitken and Neville, until the last entry agrees with both its neighbours.
--- EQ: Hairer, Norsett, Wanner I, sec. II.9, eq. 9.10; Hairer, Wanner II, sec. IV.9

local extrapolation = {}

-- y + h f, then y_{m+1} = y_{m-1} + 2 h f(y_m); the end after an even number n of steps.
local function midpoint(problem)
  return function(t, y, h, n, slope)
    local step, before, now = h / n, y, {}
    for i = 1, #y do now[i] = y[i] + step * slope[i] end
    for m = 1, n - 1 do
      local k, after = problem.f(t + m * step, now), {}
      for i = 1, #y do after[i] = before[i] + 2 * step * k[i] end
      before, now = now, after
    end
    return now
  end
end

-- L U = P A in place; returns the permutation.
local function factor(a)
  local n, rows = #a, {}
  for i = 1, n do rows[i] = i end
  for k = 1, n do
    local p = k
    for i = k + 1, n do
      if math.abs(a[i][k]) > math.abs(a[p][k]) then p = i end
    end
    a[k], a[p], rows[k], rows[p] = a[p], a[k], rows[p], rows[k]
    for i = k + 1, n do
      local r = a[i][k] / a[k][k]
      a[i][k] = r
      for j = k + 1, n do a[i][j] = a[i][j] - r * a[k][j] end
    end
  end
  return rows
end

local function back_substitute(a, rows, b)
  local n, x = #a, {}
  for i = 1, n do
    local sum = b[rows[i]]
    for j = 1, i - 1 do sum = sum - a[i][j] * x[j] end
    x[i] = sum
  end
  for i = n, 1, -1 do
    for j = i + 1, n do x[i] = x[i] - a[i][j] * x[j] end
    x[i] = x[i] / a[i][i]
  end
  return x
end

-- df_i/dy_j by differences; the rows of a table {i = {j = ...}}.
local function differences(f, t, y, slope)
  local n, J = #y, {}
  for i = 1, n do J[i] = {} end
  for j = 1, n do
    local keep = y[j]
    local d = 1e-8 * math.max(math.abs(keep), 1e-5)
    y[j] = keep + d
    local moved = f(t, y)
    y[j] = keep
    for i = 1, n do J[i][j] = (moved[i] - slope[i]) / d end
  end
  return J
end

-- The linearly implicit midpoint rule with its smoothing step; time is one more unknown, so that f may depend on it.
local function implicit_midpoint(problem)
  local base_t, J
  return function(t, y, h, n, slope)
    local d = #y + 1
    if base_t ~= y then
      base_t = y
      local own = problem.jacobian and problem.jacobian(t, y) or differences(problem.f, t, y, slope)
      local dt = 1e-8 * math.max(math.abs(t), math.abs(h), 1e-5)
      local later = problem.f(t + dt, y)
      J = {}
      for i = 1, d - 1 do
        J[i] = { table.unpack(own[i]) }
        J[i][d] = (later[i] - slope[i]) / dt
      end
      J[d] = {}
      for j = 1, d do J[d][j] = 0.0 end
    end
    local step, a = h / n, {}
    for i = 1, d do
      a[i] = {}
      for j = 1, d do a[i][j] = (i == j and 1 or 0) - step * J[i][j] end
    end
    local rows = factor(a)
    local function slope_at(z)
      local k = { table.unpack(problem.f(z[d], { table.unpack(z, 1, d - 1) }), 1, d - 1) }
      k[d] = 1.0
      return k
    end
    local z = { table.unpack(y) }
    z[d] = t
    local b = {}
    for i = 1, d - 1 do b[i] = step * slope[i] end
    b[d] = step
    local delta = back_substitute(a, rows, b)
    for i = 1, d do z[i] = z[i] + delta[i] end
    for m = 1, n do
      local k = slope_at(z)
      for i = 1, d do b[i] = step * k[i] - delta[i] end
      local change = back_substitute(a, rows, b)
      if m == n then                                       -- smoothing: the mean of the two neighbours
        for i = 1, d do z[i] = z[i] + change[i] end
        break
      end
      for i = 1, d do
        delta[i] = delta[i] + 2 * change[i]
        z[i] = z[i] + delta[i]
      end
    end
    z[d] = nil
    return z
  end
end

-- A step made of rows: ok, y(t + h), next h.
local function extrapolate(problem, rule, counts)
  local target = #counts - 3                               -- the row at which a step should be done
  return function(t, y, h)
    local slope, last = problem.f(t, y), {}
    local size = math.huge
    for j, n in ipairs(counts) do
      local row = { rule(t, y, h, n, slope) }
      for k = 2, j do
        local r = n / counts[j - k + 1]
        local w, finer, coarser, out = 1 / (r * r - 1), row[k - 1], last[k - 1], {}
        for i = 1, #y do out[i] = finer[i] + (finer[i] - coarser[i]) * w end
        row[k] = out
      end
      if j > 1 then
        local e, best, beside, above = {}, row[j], row[j - 1], last[j - 1]
        for i = 1, #y do e[i] = math.max(math.abs(best[i] - beside[i]), math.abs(best[i] - above[i])) end
        local previous = size
        size = problem.size(e, y, row[j])
        if size <= 1 and j >= 4 then                       -- shorter rows may agree by chance
          local grow = j < target and 1.6 or j == target and 1.15 or j == target + 1 and 0.9 or 0.7
          return true, row[j], h * grow
        end
        if j > 3 and size > previous and size > 1e6 then break end -- it diverges: the step is far too long
      end
      last = row
    end
    return false, nil, h * (size > 1e4 and 0.25 or 0.5)
  end
end

---Gragg's rule.
---@param problem table {f, size}
---@return fun(t: number, y: number[], h: number): boolean, number[]?, number
function extrapolation.explicit(problem)
  return extrapolate(problem, midpoint(problem), { 2, 4, 6, 8, 10, 12, 14, 16, 18, 20 })
end

---The rule of Bader and Deuflhard.
---@param problem table {f, size, jacobian}
---@return fun(t: number, y: number[], h: number): boolean, number[]?, number
function extrapolation.implicit(problem)
  return extrapolate(problem, implicit_midpoint(problem), { 2, 6, 10, 14, 22, 34, 50, 70 })
end

return extrapolation
