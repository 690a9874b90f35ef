--- repro.ode: initial-value problems dy/dt = f(t, y) of a few unknowns, in double precision, with error control.
---
---     local y = rp.ode.solve(function(t, y) return -y end, 0, 1, 1.0)                      -- a number
---     local y, run = rp.ode.solve(f, 0, 10, {1, 0}, {rtol = 1e-12, at = {1, 2, 5}})    -- an array; run.at[k] is y at at[k]
---
--- Three methods.  "extrapolation" (the default) is the one for smooth equations and errors near 1e-12.
---   extrapolation  Gragg's midpoint rule extrapolated in h^2, order up to 20
---                  EQ: Bulirsch, Stoer 1966; Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, sec. II.9
---   dopri5         Dormand and Prince's pair of orders 5 and 4      EQ: the same book, table II.5.2
---   stiff          the linearly implicit midpoint rule extrapolated in h^2
---                  EQ: Bader, Deuflhard 1983; Hairer, Wanner, ... II, sec. IV.9
--- Fixed order of operations, no clock: the same bits on every machine.

local core = require "repro.core"
local dopri5 = require "repro.ode.dopri5"
local extrapolation = require "repro.ode.extrapolation"
local misuse = require "repro.misuse"
local nearest = require "repro.nearest"
local options = require "repro.options"

local ode = {}

local methods = { extrapolation = extrapolation.explicit, dopri5 = dopri5, stiff = extrapolation.implicit }
local names = { "dopri5", "extrapolation", "stiff" }

-- The equation in arrays, whatever the caller's y is.
local function as_arrays(f, y0)
  if type(y0) == "number" then
    local one = function(t, y)
      local slope = f(t, y[1])
      if type(slope) ~= "number" then misuse("ode.solve: f returned a %s; y is a number, so its slope is one too", type(slope)) end
      return { slope }
    end
    return one, { y0 + 0.0 }, function(y) return y[1] end
  end
  if core.is_tensor(y0) then misuse "ode.solve: y0 is a tensor; give an array, y0:totable()" end
  if type(y0) ~= "table" or #y0 == 0 then misuse("ode.solve: y0 is a %s; a number or an array is expected", type(y0)) end
  local start = {}
  for i, v in ipairs(y0) do start[i] = v + 0.0 end
  local checked = function(t, y)
    local slope = f(t, y)
    if type(slope) ~= "table" or #slope ~= #start then
      misuse("ode.solve: f returned %s; an array of %d numbers is expected", type(slope) == "table" and #slope .. " numbers"
             or "a " .. type(slope), #start)
    end
    return slope
  end
  return checked, start, function(y) return table.move(y, 1, #y, 1, {}) end
end

-- Largest component of e in units of its tolerance; NaN counts as infinite.
local function size_of(o)
  return function(e, y, z)
    local largest = 0.0
    for i = 1, #e do
      local r = math.abs(e[i]) / (o.atol + o.rtol * math.max(math.abs(y[i]), math.abs(z[i])))
      if r ~= r then return math.huge end
      if r > largest then largest = r end
    end
    return largest
  end
end

local function check_times(t0, t1, at)
  if type(t0) ~= "number" or type(t1) ~= "number" then misuse "ode.solve: t0 and t1 are numbers" end
  local sign = t1 >= t0 and 1 or -1
  local last = t0
  for i, t in ipairs(at or {}) do
    if type(t) ~= "number" or (t - last) * sign < 0 or (t1 - t) * sign < 0 then
      misuse("ode.solve: at[%d] = %s; the times go from t0 = %g to t1 = %g in order", i, tostring(t), t0, t1)
    end
    last = t
  end
  return sign
end

-- Where g changes sign between the ends of a step: Illinois' rule, each trial one solution from the step's start.
local function locate(solve_to, g, t0, g0, t1, g1)
  local y
  for _ = 1, 100 do
    local t = t1 - g1 * (t1 - t0) / (g1 - g0)
    if math.abs(t1 - t0) <= 4e-16 * math.max(math.abs(t0), math.abs(t1)) then break end
    if t == t0 or t == t1 then t = t0 + (t1 - t0) / 2 end
    y = solve_to(t)
    local value = g(t, y)
    if value == 0 then return t, y end
    if (value > 0) == (g1 > 0) then
      t1, g1, g0 = t, value, g0 / 2
    else
      t0, g0, t1, g1 = t1, g1, t, value
    end
  end
  return t1, y or solve_to(t1)
end

-- The solution at `to`, within one step of y at t or in several shorter ones.
local function solve_within(step, t, y, to)
  local h = to - t
  while t ~= to do
    local ok, z, next_h = step(t, y, h)
    if ok then
      t, y = h == to - t and to or t + h, z
      h = to - t
    else
      h = next_h
    end
  end
  return y
end

-- One accepted step towards `stop`.  Returns t, y and the next step.
local function advance(solver, t, y, h, stop)
  local run = solver.run
  while true do
    if run.steps + run.rejected >= solver.max_steps then
      misuse("ode.solve: %d steps and only at t = %.6g of %.6g; raise max_steps, loosen rtol, or use method = \"stiff\"",
             solver.max_steps, t, solver.t1)
    end
    local is_last = (stop - t - h) * solver.sign <= 1e-14 * math.abs(stop)
    local taken = is_last and stop - t or h
    local ok, z, next_h = solver.step(t, y, taken)
    if ok then
      run.steps = run.steps + 1
      -- a step cut short by a stop says little about the next
      local cut = math.abs(taken) < math.abs(h) and math.abs(next_h) > math.abs(h)
      return is_last and stop or t + taken, z, cut and h or next_h
    end
    run.rejected, h = run.rejected + 1, next_h
    if math.abs(h) < 1e-300 or t + h == t then
      misuse("ode.solve: the step at t = %.6g became too small; is f smooth there?", t)
    end
  end
end

-- Steps through all stops, until g changes sign.
local function integrate(solver, g, t, y, h, stops)
  local before = g and g(t, y)
  for _, stop in ipairs(stops) do
    while (stop - t) * solver.sign > 0 do
      local t_new, z, next_h = advance(solver, t, y, h, stop)
      local after = g and g(t_new, z)
      if g and before ~= 0 and (after > 0) ~= (before > 0) then
        solver.run.event = true
        local step = solver.new_step()
        return locate(function(to) return solve_within(step, t, y, to) end, g, t, before, t_new, after)
      end
      t, y, h, before = t_new, z, next_h, after
    end
    solver.kept[#solver.kept + 1] = y
  end
  return t, y
end

local defaults = { method = "extrapolation", rtol = 1e-12, atol = 1e-14, at = false, event = false, jacobian = false,
                   first_step = false, max_steps = 100000 }

---Solves dy/dt = f(t, y) from t0 to t1, forwards or backwards.
---   {method = "extrapolation", rtol = 1e-12, atol = 1e-14, at = nil, event = nil, jacobian = nil, first_step = nil,
---    max_steps = 100000}
---at: times at which y is kept; steps end there, so that these values are as exact as the last.  event: a function
---g(t, y); the solution ends at its first change of sign between two steps, located to the last bits by repeating the step.
---jacobian: function(t, y) -> rows df_i/dy_j for method "stiff"; left out, differences.
---The error of each step is at most atol + rtol |y| by the method's own estimate.
---@param f fun(t: number, y: number|number[]): number|number[] a new number or array
---@param t0 number
---@param t1 number
---@param y0 number|number[] kept unchanged
---@param given? table
---@return number|number[] y at t1, or at the event
---@return table run {t, steps, rejected, evaluations, at = list of y, event = true if it ended there}
function ode.solve(f, t0, t1, y0, given)
  local o = options("ode.solve", given, defaults)
  if not methods[o.method] then
    misuse("ode.solve: there is no method '%s'%s", tostring(o.method), nearest.hint(tostring(o.method), names))
  end
  local run = { steps = 0, rejected = 0, evaluations = 0, at = {} }
  local slope, y, plain = as_arrays(f, y0)
  local function counted(t, v)
    run.evaluations = run.evaluations + 1
    return slope(t, v)
  end
  local function new_step() return methods[o.method] { f = counted, size = size_of(o), jacobian = o.jacobian } end
  local solver = { run = run, kept = {}, sign = check_times(t0, t1, o.at), t1 = t1, max_steps = o.max_steps,
                   new_step = new_step, step = new_step() }
  local g = o.event and function(t, v) return o.event(t, plain(v)) end or nil
  local stops = { table.unpack(o.at or {}) }
  stops[#stops + 1] = t1
  local h = o.first_step and solver.sign * math.abs(o.first_step) or (t1 - t0) / 100
  run.t, y = integrate(solver, g, t0 + 0.0, y, h, stops)
  for k = 1, math.min(#solver.kept, #stops - 1) do run.at[k] = plain(solver.kept[k]) end
  return plain(y), run
end

return ode
