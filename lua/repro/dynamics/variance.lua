--- Variances of the samples along one eigenvector.

local exact = require("repro.core").math
local ode = require "repro.ode"
local options = require "repro.options"
local special = require "repro.special"

local variance = {}

local defaults = { sigma_0 = 0.002, sigma_T = 80, sigma_data = 0.5 }

-- s_0 = sigma_0^2, s_T = sigma_T^2 and sigma_data^2.
local function ends(who, given)
  local o = options(who, given, defaults)
  return o.sigma_0 * o.sigma_0, o.sigma_T * o.sigma_T, o.sigma_data * o.sigma_data
end

---sigma_T^2 Phi(sigma_0)^2 / Phi(sigma_T)^2 for weights w(sigma), whatever they are:
---    ln v = ln sigma_T^2 - 2 int_{sigma_0}^{sigma_T} (1 - w(sigma)) / sigma d sigma.                     EQ: lemma 4.1, app. C.5
---By the adaptive integrator, in ln sigma.
---@param w fun(sigma: number): number
---@param given? {sigma_0: number, sigma_T: number} default 0.002, 80
---@return number
function variance.sampled_variance(w, given)
  local s0, sT = ends("dynamics.sampled_variance", given)
  local u0, uT = exact.log(s0) / 2, exact.log(sT) / 2
  local gain = ode.solve(function(u) return 1 - w(exact.exp(u)) end, uT, u0, 0.0, { rtol = 1e-13, atol = 1e-14 })
  return exact.exp(2 * uT + 2 * gain)
end

---For flow matching, dx/dt = w(t) x from a unit variance: exp(2 int_0^1 w dt).
---@param w fun(t: number): number
---@return number
function variance.sampled_variance_flow(w)
  return exact.exp(2 * ode.solve(function(t) return w(t) end, 0, 1, 0.0, { rtol = 1e-13, atol = 1e-14 }))
end

---One layer from Q at every noise level:
---    v = sigma_T^2 Phi(sigma_0)^2 / Phi(sigma_T)^2,
---    Phi(sigma) = sqrt(lambda + sigma^2) exp{(1-Q)/2 e^{-a lambda} Ei(-a sigma^2) - 1/2 Ei(-a (lambda + sigma^2))}.
---At a = 0 it is sigma_T^{2Q} sigma_0^{2(1-Q)}.                                                           EQ: prop. 4.2
---@param lambda number
---@param Q number
---@param a number 2 eta tau
---@param given? {sigma_0: number, sigma_T: number}
---@return number
function variance.variance_one_layer(lambda, Q, a, given)
  local s0, sT = ends("dynamics.variance_one_layer", given)
  if a == 0 then return exact.exp(Q * exact.log(sT) + (1 - Q) * exact.log(s0)) end
  local e1 = special.e1
  local flat = (1 - Q) * exact.exp(-a * lambda) * (e1(a * s0) - e1(a * sT))
  local shift = e1(a * (lambda + s0)) - e1(a * (lambda + sT)) - flat
  return sT * (lambda + s0) / (lambda + sT) * exact.exp(shift)
end

---Two tied layers P P': with e = e^{-4 a lambda}, p = Q / (Q + (1-Q) e),
---    Phi(sigma) = sigma^{1-p} [lambda e + Q (1-e) (lambda + sigma^2)]^{p/2}.                              EQ: prop. 5.1
---@param lambda number
---@param Q number
---@param a number 2 eta tau
---@param given? {sigma_0: number, sigma_T: number}
---@return number
function variance.variance_two_layer(lambda, Q, a, given)
  local s0, sT = ends("dynamics.variance_two_layer", given)
  local e = exact.exp(-4 * a * lambda)
  local p = Q == 0 and 0.0 or Q / (Q + (1 - Q) * e)
  local function log_phi2(s) return (1 - p) * exact.log(s) + p * exact.log(lambda * e + Q * (1 - e) * (lambda + s)) end
  if p == 0 then return s0 end
  return exact.exp(exact.log(sT) + log_phi2(s0) - log_phi2(sT))
end

---EDM's preconditioned linear denoiser from V(0) = 0 (see weight_edm): with
---    r(sigma) = (lambda + sigma^2) / (sigma_data^2 + sigma^2),
---    int (w - w*) d ln sigma^2 = int_{r(sigma_0)}^{r(sigma_T)} e^{-a r} / r dr,
---so that  v = sigma_T^2 (lambda + sigma_0^2) / (lambda + sigma_T^2) exp{E1(a r(sigma_0)) - E1(a r(sigma_T))},
---and for sigma_0 -> 0, sigma_T -> inf  v = lambda exp{E1(a lambda / sigma_data^2) - E1(a)}, from sigma_data^2 to lambda.
---@param lambda number
---@param a number 2 eta tau
---@param given? {sigma_0: number, sigma_T: number, sigma_data: number} default 0.002, 80, 0.5
---@return number
function variance.variance_edm(lambda, a, given)
  local s0, sT, dd = ends("dynamics.variance_edm", given)
  local r0, rT = (lambda + s0) / (dd + s0), (lambda + sT) / (dd + sT)
  local gain = a == 0 and exact.log(rT / r0) or special.e1(a * r0) - special.e1(a * rT)
  return sT * (lambda + s0) / (lambda + sT) * exact.exp(gain)
end

---Flow matching, one layer from Q at every t:
---    v = lambda exp{Ei(-a) - Ei(-a lambda)} exp{Q sqrt(pi / (a (lambda+1))) e^{-a lambda/(lambda+1)}
---        [erf sqrt(a/(lambda+1)) + erf(lambda sqrt(a/(lambda+1)))]},   v = e^{2Q} at a = 0.                EQ: app. H.2.1
---@param lambda number
---@param Q number
---@param a number 2 eta tau
---@return number
function variance.variance_flow(lambda, Q, a)
  if a == 0 then return exact.exp(2 * Q) end
  local k = math.sqrt(a / (lambda + 1))
  local bell = math.sqrt(math.pi) / (k * (lambda + 1)) * exact.exp(-a * lambda / (lambda + 1))
               * (special.erf(k) + special.erf(lambda * k))
  return lambda * exact.exp(special.e1(a * lambda) - special.e1(a) + Q * bell)
end

return variance
