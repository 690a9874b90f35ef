-- rp.special's hypergeometric function, rp.ode, rp.fit and rp.dynamics: against mpmath 1.3, SciPy 1.17.1 and each other.
local T = require "tap"
local rp = require "repro"
local ode, fit, D, exact = rp.ode, rp.fit, rp.dynamics, rp.math

local function relative(a, b) return math.abs(a - b) / math.abs(b) end

-- erf and 2F1
T.near(rp.special.erf(0.7), 0.677801193837418473, 1e-16, "erf")
for _, r in ipairs { { 1, -0.5, 0.5, 0.3, 0.663083802432069104 }, { 1, -0.5, 0.5, 0.999999, -6.60089840907555579 },
                     { 1, -0.3333333333333333, 0.6666666666666666, 0.99, -0.77499175201547842 },
                     { 1.5, -2.25, 3.5, -4, 11.0320126668570189 }, { 2, 3, 5.5, 0.75, 3.52183052279081536 },
                     { 2.5, 1.5, 1.25, 0.9, 683.30297974386885 } } do
  T.ok(relative(rp.special.hyp2f1(r[1], r[2], r[3], r[4]), r[5]) < 1e-14, ("2F1(%g, %g; %g; %g)"):format(r[1], r[2], r[3], r[4]))
end
T.near(rp.special.hyp2f1(1, 1, 3, 1), 2, 1e-12, "2F1(1, 1; 3; 1) = Gamma(3) Gamma(1) / Gamma(2)^2")
T.eq(rp.special.hyp2f1(1, 1, 2, 1), math.huge, "2F1 diverges at 1 where c <= a + b")
T.ok(rp.special.hyp2f1(1, 1, 2, 1.5) ~= rp.special.hyp2f1(1, 1, 2, 1.5), "NaN beyond 1")
T.raises(function() rp.special.hyp2f1(1, 1, -2, 0.5) end, "c = %-2", "a pole in c is refused")

-- equations with known solutions
for _, method in ipairs { "extrapolation", "dopri5", "stiff" } do
  local o = { method = method }
  T.near(ode.solve(function(_, y) return -y end, 0, 1, 1, o), exact.exp(-1), 2e-13, method .. ": a number")
  local back = ode.solve(function(t, y) return y / (1 + t) end, 3, 0, 4, o)
  T.near(back, 1, 1e-13, method .. ": backwards, f of t")
  local kept = { 1, 0 }
  local y, run = ode.solve(function(_, v) return { v[2], -v[1] } end, 0, 12, kept, { method = method, at = { 0, 2, 10 } })
  T.near(y, { exact.cos(12), -exact.sin(12) }, 5e-12, method .. ": an array")
  T.near(run.at, { { 1, 0 }, { exact.cos(2), -exact.sin(2) }, { exact.cos(10), -exact.sin(10) } }, 5e-12, method .. ": values on the way")
  T.eq(kept, { 1, 0 }, method .. ": y0 is left alone")
  y, run = ode.solve(function(_, v) return { v[2], -v[1] } end, 0, 12, { 1, 0 }, { method = method, event = function(_, v) return v[1] end })
  T.near({ run.t, y[1] }, { math.pi / 2, 0 }, 1e-13, method .. ": an event")
  T.ok(run.event and run.evaluations > 0, method .. ": says that it met the event")
end
local stiff, few = ode.solve(function(t, y) return -1e6 * (y - exact.cos(t)) end, 0, 2, 1, { method = "stiff", rtol = 1e-10 })
T.near(stiff, exact.cos(2) + exact.sin(2) * 1e-6, 1e-11, "stiff: follows the slow solution")
T.ok(few.steps < 100, "stiff: in few steps")
local vdp = ode.solve(function(_, y) return { y[2], 1000 * (1 - y[1] * y[1]) * y[2] - y[1] } end, 0, 2000, { 2, 0 },
                      { method = "stiff", rtol = 1e-8, jacobian = function(_, y)
                        return { { 0, 1 }, { -2000 * y[1] * y[2] - 1, 1000 * (1 - y[1] * y[1]) } } end })
T.near(vdp[1], 1.7061677321, 2e-7, "stiff: van der Pol's oscillator, mu = 1000, after 2000 (Hairer, Wanner II, fig. 1.6: IVP test set)")

-- the pair of orders 5 and 4 has its order: one step of half the length errs 2^6 times less
local step = require "repro.ode.dopri5" { f = function(_, y) return { y[1] } end, size = function() return 0 end }
local errors = {}
for k, h in ipairs { 0.05, 0.025 } do
  local _, y = step(0, { 1.0 }, h)
  errors[k] = math.abs(y[1] - exact.exp(h))
end
T.near(errors[1] / errors[2], 64, 2, "dopri5: the error of a step is of order 6")

T.raises(function() ode.solve(function() return 1 end, 0, 1, rp.ones(1)) end, "y0 is a tensor", "a tensor is refused")
T.raises(function() ode.solve(function() return { 1 } end, 0, 1, { 1, 2 }) end, "f returned 1 numbers", "f of the wrong length")
T.raises(function() ode.solve(function() return 1 end, 0, 1, 1, { method = "dopri" }) end, "did you mean", "an unknown method")
T.raises(function() ode.solve(function() return 1 end, 0, 1, 1, { at = { 2 } }) end, "at%[1%] = 2", "a time outside")
T.raises(function() ode.solve(function(_, y) return -1e9 * y end, 0, 1, 1, { max_steps = 50 }) end, "raise max_steps", "too many steps")
T.raises(function() ode.solve(function(_, y) return y * y end, 0, 2, 1) end, "became too small", "a pole is met")

-- fits, against scipy.stats.linregress
local x, y = { 1, 2, 3, 5, 8, 13 }, { 2.1, 3.9, 6.2, 9.8, 16.3, 25.7 }
local line = fit.line(x, rp.tensor(y, "float64"))
T.near({ line.slope, line.intercept, line.r2, line.se, line.n },
       { 1.9802631578947367, 0.10526315789473806, 0.9993950748236409, 0.024359879712593506, 6 }, 1e-14, "line")
local law = fit.power_law(x, y)
T.near({ law.exponent, law.factor, law.r2, law.se }, { 0.9856834463361646, 2.0534399580420897, 0.9991159749589998, 0.014659926719314908 },
       1e-14, "power law")
T.near({ law.inverse.exponent, law.inverse.factor }, { 0.9865555861786851, 2.0510399054114505 }, 1e-14, "power law, the other way")
T.near(law.inverse.exponent, law.exponent / law.r2, 1e-14, "the two exponents differ by r2")
local c, quality = fit.least_squares(rp.tensor({ { 1, 1 }, { 1, 2 }, { 1, 3 }, { 1, 5 }, { 1, 8 }, { 1, 13 } }, "float64"), rp.tensor(y, "float64"))
T.near({ c[1]:item(), c[2]:item(), quality.r2 }, { line.intercept, line.slope, line.r2 }, 1e-13, "least squares")
T.raises(function() fit.power_law({ 1, 2 }, { 1, -1 }) end, "y%[2%] is %-1", "a power law of a negative number")
T.raises(function() fit.line({ 1, 1 }, { 1, 2 }) end, "all values of x are equal", "a vertical line")
T.raises(function() fit.line({ 1 }, { 1 }) end, "two at least", "a single point")

-- weights against their gradient flow, variances against the sampling equation
local function flow(rate, w0, a) return ode.solve(function(_, w) return rate(w) end, 0, a, w0) end
local lambda, s = 0.5, 0.6
local B = lambda + s * s
for _, Q in ipairs { 0.1, 0.9 } do
  T.near(D.weight_one_layer(lambda, s, Q, 1.5), flow(function(w) return lambda - B * w end, Q, 1.5), 1e-12, "weight_one_layer")
  T.near(D.weight_two_layer(lambda, s, Q, 1.5), flow(function(q) return 4 * (lambda - B * q) * q end, Q, 1.5), 1e-12, "weight_two_layer")
  for _, L in ipairs { 1, 2, 3, 7, math.huge } do
    local w = flow(function(w) return (lambda - B * w) * exact.pow(w, 2 - 2 / L) end, Q, 3)
    T.near(D.deep_weight(lambda, s, Q, 3, L), w, 1e-12, ("deep_weight, L = %g"):format(L))
    T.near(D.deep_time(w, lambda, s, L) - D.deep_time(Q, lambda, s, L), 3, 2e-11, ("deep_time, L = %g"):format(L))
  end
  for _, t in ipairs { 0.2, 0.9 } do
    local A, r = t * lambda - (1 - t), t * t * lambda + (1 - t) * (1 - t)
    T.near(D.weight_flow(lambda, t, Q, 1.5), flow(function(w) return A - r * w end, Q, 1.5), 1e-12, "weight_flow")
    T.near(D.weight_flow_two_layer(lambda, t, Q, 1.5), flow(function(q) return 4 * (A - r * q) * q end, Q, 1.5), 1e-12, "weight_flow_two_layer")
  end
  for _, a in ipairs { 0, 1e-3, 1, 50 } do
    local name = (" at Q = %g, a = %g"):format(Q, a)
    local function sampled(w) return D.sampled_variance(function(sigma) return w(lambda, sigma, Q, a) end) end
    T.ok(relative(D.variance_one_layer(lambda, Q, a), sampled(D.weight_one_layer)) < 1e-11, "variance_one_layer" .. name)
    T.ok(relative(D.variance_two_layer(lambda, Q, a), sampled(D.weight_two_layer)) < 1e-11, "variance_two_layer" .. name)
    T.ok(relative(D.variance_flow(lambda, Q, a), D.sampled_variance_flow(function(t) return D.weight_flow(lambda, t, Q, a) end)) < 1e-11,
         "variance_flow" .. name)
    T.ok(relative(D.variance_edm(lambda, a), D.sampled_variance(function(sigma) return D.weight_edm(lambda, sigma, 0, a) end)) < 1e-11,
         "variance_edm" .. name)
  end
end
for _, start in ipairs { { 0.3, 0.1 }, { -0.3, 0.1 }, { 0.1, -2 }, { 0.4, 0.4 }, { 0.4, -0.4 }, { 0, 0.5 }, { -0.1, -0.7 } } do
  local want = ode.solve(function(_, v) return { lambda * v[2] - B * v[1] * v[2] * v[2], lambda * v[1] - B * v[1] * v[1] * v[2] } end, 0, 1.5, start)
  T.near({ D.weight_two_factors(lambda, s, start[1], start[2], 1.5) }, want, 1e-12, ("weight_two_factors from %g, %g"):format(start[1], start[2]))
end
T.near(D.weight_descent(lambda, s, 0.1, 0.01, 3), (function(w)
  for _ = 1, 3 do w = w - 2 * 0.01 * (B * w - lambda) end
  return w
end)(0.1), 1e-15, "weight_descent")
T.near(D.weight_residual(lambda, s, 0.1, 0.3, 2), D.weight_one_layer(lambda, s, 0.1, 2 * 0.09), 1e-15, "weight_residual")
T.near(D.overlap_rate({ { 0.2, 0.1 }, { 0.1, 0.3 } }, { 1, 0.5 }, 0.3, 1),
       { { 4 * (0.4 - (2.18 * 0.04 + 1.68 * 0.01)), 4 * (0.15 - (1.93 * 0.02 + 1.43 * 0.03)) },
         { 4 * (0.15 - (1.93 * 0.02 + 1.43 * 0.03)), 4 * (0.3 - (1.68 * 0.01 + 1.18 * 0.09)) } }, 1e-14, "overlap_rate")
local S, c0, x0 = rp.tensor({ { 2, 0.5 }, { 0.5, 1 } }, "float64"), rp.tensor({ 1, 2 }, "float64"), rp.tensor({ 0.3, -1 }, "float64")
T.near(D.linear_flow(S, c0, x0, 0.8), ode.solve(function(_, v)
  return { 1 - 2 * v[1] - 0.5 * v[2], 2 - 0.5 * v[1] - v[2] }
end, 0, 0.8, { 0.3, -1 }), 1e-13, "linear_flow")
T.raises(function() D.linear_flow(-S, c0, x0, 1) end, "all must be positive", "linear_flow without a fixed point")

-- emergence
T.near(D.first_passage(function(a) return 1 - exact.exp(-a) end, 0.5), exact.log(2), 1e-15, "first_passage")
T.eq(D.first_passage(function() return 1 end, 2), nil, "first_passage: never")
T.near({ D.mean_level(1, 4, "harmonic"), D.mean_level(1, 4, "geometric") }, { 1.6, 2 }, 1e-15, "mean_level")
T.raises(function() D.mean_level(1, 4, "arithmetic") end, "harmonic", "an unknown mean")
T.near(D.crossing({ 0, 1, 10, 100 }, { 1, 1, 4, 16 }, 8), 10 * exact.pow(10, 0.5), 1e-12, "crossing: log-linear")
T.near(D.crossing({ 0, 2 }, { 1, 4 }, 2), 0.5, 1e-15, "... from step 0")
T.eq(D.crossing({ 1, 2 }, { 1, 2 }, 3), nil, "... never")
local passing = {}
for k, l in ipairs { 0.001, 0.01, 0.1, 0.9, 10, 100 } do
  passing[k] = { lambda = l, first = 1, passage = function(level) return l < 50 and level / l or nil end }
end
local laws = D.laws(passing, "geometric", 2)
T.eq(laws.falling[1], { 0.001, 0.01, 0.1 }, "laws: modes that fall, without the one that starts at its target")
T.near(laws.falling.fit.exponent, -0.5, 1e-12, "... and their exponent")
T.eq({ #laws.rising[1], laws.rising.missing, laws.rising.fit }, { 1, 1, nil }, "... modes that rise: one, too few, and one that never passes")
T.near(D.kl(2, 1, 0.5), (2 - 1 - exact.log(2)) / 2 + 0.125, 1e-15, "kl")
T.done()
