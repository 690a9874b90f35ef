--- Variance-exploding diffusion in continuous time 0..1.
---
---     sigma(t) = s_min (s_max / s_min)^t,   a = 1,   s_t^2 = sigma(t)^2 - sigma(0)^2
---     EQ: Song et al. 2021, arXiv:2011.13456, app. C;  EQ: Abstreiter et al. 2021, arXiv:2105.14257, sec. 2.2

local Process = require "repro.diffusion.process"
local core = require "repro.core"
local options = require "repro.options"

local exact = core.math

---    diffusion.VE{sigma_min = 0.01, sigma_max = 50, t_min = 1e-5, predict = "eps"|"score"|"x0", weight = nil,
---                 generator = nil}
---Training times are uniform in [t_min, 1]; the loss is denoising score matching weighted by s_t^2:
---s^2 |score + eps / s|^2 = |eps_hat - eps|^2 = |x0_hat - x0|^2 / s^2.
---@class VE: Process
local VE = Process.class "VE"
VE.first = 1

function VE:init(given)
  local o = options("VE", given, { sigma_min = 0.01, sigma_max = 50, t_min = 1e-5, predict = "eps", weight = false,
                                   generator = false })
  self:set_predict(o.predict, { "eps", "score", "x0" })
  self.sigma_min, self.sigma_max, self.t_min, self.generator = o.sigma_min, o.sigma_max, o.t_min, o.generator
  self.rate = exact.log(o.sigma_max / o.sigma_min)
  self.weight = o.weight
  if not o.weight and o.predict == "x0" then self.weight = function(_, s) return (s * s):reciprocal() end end
end

---s = s_min sqrt(e^(2 t ln(s_max / s_min)) - 1), without cancellation near 0.
---@param t Tensor (B)
---@param like Tensor (B, ...)
---@return number a
---@return Tensor s (B, 1, ...)
function VE:at(t, like)
  local s = (t:to(like.dtype) * (2 * self.rate)):expm1():sqrt() * self.sigma_min
  return 1, Process.broadcast(s, like.ndim)
end

---@param t number 0..1
---@return number a
---@return number s
function VE:coefficients(t)
  return 1, self.sigma_min * math.sqrt(exact.expm1(2 * self.rate * t))
end

---The time at which sigma(t) is a given value: t = ln(sigma / s_min) / ln(s_max / s_min).
---@param sigma Tensor|number
---@return Tensor|number
function VE:times_of(sigma)
  if type(sigma) == "number" then return exact.log(sigma / self.sigma_min) / self.rate end
  return (sigma / self.sigma_min):log() / self.rate
end

---@param n integer
---@return Tensor (n)
function VE:draw_times(n) return self:uniform(n) * (1 - self.t_min) + self.t_min end

---@param steps integer
---@param from? number default 1
---@return number[] steps + 1 times, evenly spaced, down to 0
function VE:times(steps, from)
  local list = {}
  for i = 0, steps do list[i + 1] = (from or 1) * (steps - i) / steps end
  return list
end

return { VE = VE }
