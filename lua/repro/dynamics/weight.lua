--- Weights along one eigenvector, at one noise level.

local exact = require("repro.core").math

local weight = {}

---w* = lambda / (lambda + sigma^2), the weight of the best linear denoiser.                              EQ: eq. 6
---@param lambda number
---@param sigma number
---@return number
function weight.optimum(lambda, sigma) return lambda / (lambda + sigma * sigma) end

---W x: w = w* + (Q - w*) e^{-a (sigma^2 + lambda)}.                                                     EQ: eq. 7
---@param lambda number
---@param sigma number
---@param Q number
---@param a number 2 eta tau
---@return number
function weight.weight_one_layer(lambda, sigma, Q, a)
  local best = weight.optimum(lambda, sigma)
  return best + (Q - best) * exact.exp(-a * (sigma * sigma + lambda))
end

---The same after `steps` steps of gradient descent: w* + (Q - w*) (1 - 2 eta (sigma^2 + lambda))^steps.   EQ: app. D.1.1
---@param lambda number
---@param sigma number
---@param Q number
---@param eta number
---@param steps integer
---@return number
function weight.weight_descent(lambda, sigma, Q, eta, steps)
  local best, factor, power = weight.optimum(lambda, sigma), 1 - 2 * eta * (sigma * sigma + lambda), 1.0
  for _ = 1, steps do power = power * factor end
  return best + (Q - best) * power
end

---P P' x: |q|^2 = w* / [(w*/Q - 1) e^{-4 a lambda} + 1], q = P' u.  Stays 0 from Q = 0.                  EQ: prop. 5.1
---@param lambda number
---@param sigma number
---@param Q number >= 0
---@param a number 2 eta tau
---@return number
function weight.weight_two_layer(lambda, sigma, Q, a)
  if Q == 0 then return 0.0 end
  local best, e = weight.optimum(lambda, sigma), exact.exp(-4 * a * lambda)
  return best * Q / ((best - Q) * e + Q)
end

---P Q x with aligned factors f, g: A = lambda, B = lambda + sigma^2, h = f g obeys
---    dh/da = sqrt(C^2 + 4 h^2) (A - B h),  C = |f^2 - g^2| conserved,
---which h = C/2 sinh u turns into du/da = 2 (A - (B C / 2) sinh u), solved by partial fractions in e^u.
---(App. F.2.2 has the equation, with half the rate, and no solution.)
---@param lambda number
---@param sigma number
---@param f number at the start
---@param g number at the start
---@param a number 2 eta tau
---@return number f
---@return number g
function weight.weight_two_factors(lambda, sigma, f, g, a)
  local A, B, C = lambda, lambda + sigma * sigma, f * f - g * g
  if C == 0 then
    local sign = (f < 0) == (g < 0) and 1 or -1
    if f == 0 then return 0.0, 0.0 end
    -- h keeps its sign: |h| grows to A/B from h > 0 and decays to 0 from h < 0
    local h0, e = math.abs(f * g), exact.exp(-2 * a * A)
    local h = sign > 0 and A * h0 / (B * h0 + (A - B * h0) * e) or A * h0 * e / (A + B * h0 * (1 - e))
    local root = math.sqrt(h)
    return f > 0 and root or -root, g > 0 and root or -root
  end
  local c = math.abs(C)
  local b = B * c / 2
  local R = math.sqrt(A * A + b * b)
  local plus, minus = (A + R) / b, (A - R) / b
  local h0 = f * g
  local x0 = (2 * h0 + math.sqrt(c * c + 4 * h0 * h0)) / c                   -- e^u, h = c/2 sinh u
  local z = (x0 - plus) / (x0 - minus) * exact.exp(-2 * R * a)
  local x = (plus - minus * z) / (1 - z)
  local h, both = c / 4 * (x - 1 / x), c / 2 * (x + 1 / x)                   -- f g and f^2 + g^2
  local large = math.sqrt((both + c) / 2)
  if C > 0 then
    local sign = f > 0 and 1 or -1
    return sign * large, sign * h / large
  end
  local sign = g > 0 and 1 or -1
  return sign * h / large, sign * large
end

---d(q_k . q_m)/d tau of P P' x for all pairs, without alignment:
---    4 eta {(lambda_k + lambda_m) q_k.q_m - sum_n (2 sigma^2 + lambda_n + (lambda_k + lambda_m)/2) (q_k.q_n)(q_n.q_m)}.
---EQ: app. E.1.2
---@param G number[][] q_k . q_m
---@param lambda number[]
---@param sigma number
---@param eta number
---@return number[][] dG/d tau
function weight.overlap_rate(G, lambda, sigma, eta)
  local rate, s = {}, sigma * sigma
  for k = 1, #G do
    rate[k] = {}
    for m = 1, #G do
      local sum = (lambda[k] + lambda[m]) * G[k][m]
      for n = 1, #G do
        sum = sum - (2 * s + lambda[n] + (lambda[k] + lambda[m]) / 2) * G[k][n] * G[n][m]
      end
      rate[k][m] = 4 * eta * sum
    end
  end
  return rate
end

---c_skip x + c_out W' x: w = w* + (w0 - w*) e^{-a c_out^2 (sigma^2 + lambda)}, w0 = c_skip + c_out W'(0).   EQ: app. D.1.2
---@param lambda number
---@param sigma number
---@param w0 number the whole weight at the start
---@param c_out number
---@param a number 2 eta tau
---@return number
function weight.weight_residual(lambda, sigma, w0, c_out, a)
  local best = weight.optimum(lambda, sigma)
  return best + (w0 - best) * exact.exp(-a * c_out * c_out * (sigma * sigma + lambda))
end

---EDM's denoiser c_skip x + c_out V c_in x, its loss in the network's own units (weight 1/c_out^2), V(0) = V0:
---    w = w* + (w0 - w*) e^{-a r},  r = (lambda + sigma^2) / (sigma_data^2 + sigma^2),
---    w0 = (sigma_data^2 + V0 sigma sigma_data) / (sigma_data^2 + sigma^2).
---The rate of a noise level far above lambda is 1 for all modes; at sigma = 0 it is lambda / sigma_data^2.
---@param lambda number
---@param sigma number
---@param V0 number
---@param a number 2 eta tau
---@param sigma_data? number default 0.5
---@return number
function weight.weight_edm(lambda, sigma, V0, a, sigma_data)
  local d = sigma_data or 0.5
  local s, dd = sigma * sigma, d * d
  local best, first = weight.optimum(lambda, sigma), (dd + V0 * sigma * d) / (dd + s)
  return best + (first - best) * exact.exp(-a * (lambda + s) / (dd + s))
end

---Flow matching, v = W x at x_t = (1-t) x_0 + t x_1, x_0 ~ N(0, I): with r = t^2 lambda + (1-t)^2,
---    w = w* + (Q - w*) e^{-a r},  w* = (t lambda - (1-t)) / r.                                          EQ: app. H.2
---@param lambda number
---@param t number 0 noise .. 1 data
---@param Q number
---@param a number 2 eta tau
---@return number
function weight.weight_flow(lambda, t, Q, a)
  local r = t * t * lambda + (1 - t) * (1 - t)
  local best = (t * lambda - (1 - t)) / r
  return best + (Q - best) * exact.exp(-a * r)
end

---Flow matching with P P' x: with A = t lambda - (1-t), r as above and e = e^{-4 a A},
---    |q|^2 = A Q / (r Q + (A - r Q) e);  for t < 1/(1 + lambda) it decays to 0.     EQ: app. H.3, with 8 eta for the 4 eta there
---@param lambda number
---@param t number
---@param Q number >= 0
---@param a number 2 eta tau
---@return number
function weight.weight_flow_two_layer(lambda, t, Q, a)
  local r, A = t * t * lambda + (1 - t) * (1 - t), t * lambda - (1 - t)
  local x = 4 * a * A
  if x > 0 then
    local e = exact.exp(-x)
    return A * Q / (r * Q * -exact.expm1(-x) + A * e)
  end
  local e = exact.exp(x)                                   -- times e / e, so that nothing overflows
  local growth = x == 0 and 4 * a or exact.expm1(x) / A    -- (e - 1) / A
  return Q * e / (r * Q * growth + 1)
end

return weight
