--- The preconditioned denoiser of Karras et al. 2022 (EDM); time is the noise level sigma, a = 1, s = sigma.
---
---     D(x, sigma) = c_skip x + c_out F(c_in x, c_noise),      r = sqrt(sigma^2 + sd^2)
---     c_skip = sd^2 / r^2,  c_out = sigma sd / r,  c_in = 1 / r,  c_noise = ln(sigma) / 4
---     L = E (r / (sigma sd))^2 |D(x0 + sigma n, sigma) - x0|^2,   ln sigma ~ N(P_mean, P_std^2)
---     EQ: Karras et al. 2022, arXiv:2206.00364, eq. 7, 8 and table 1

local Process = require "repro.diffusion.process"
local core = require "repro.core"
local misuse = require "repro.misuse"
local options = require "repro.options"

local exact = core.math

---    diffusion.EDM{sigma_data = 0.5, sigma_min = 0.002, sigma_max = 80, rho = 7, P_mean = -1.2, P_std = 1.2,
---                  generator = nil}
---@class EDM: Process
local EDM = Process.class "EDM"

function EDM:init(given)
  local o = options("EDM", given, { sigma_data = 0.5, sigma_min = 0.002, sigma_max = 80, rho = 7, P_mean = -1.2,
                                    P_std = 1.2, generator = false })
  for _, name in ipairs { "sigma_data", "sigma_min", "sigma_max", "rho", "P_mean", "P_std", "generator" } do
    self[name] = o[name]
  end
  self.first, self.predict = o.sigma_max, "x0"
end

---The coefficients of preconditioning, for a number or a tensor.
---@param sigma number|Tensor
---@return number|Tensor c_skip
---@return number|Tensor c_out
---@return number|Tensor c_in
---@return number|Tensor c_noise
function EDM:preconditioning(sigma)
  local sd = self.sigma_data
  if type(sigma) == "number" then
    local r = math.sqrt(sigma * sigma + sd * sd)
    return sd * sd / (r * r), sigma * sd / r, 1 / r, exact.log(sigma) / 4
  end
  local c_in = (sigma:square() + sd * sd):rsqrt()
  return c_in:square() * (sd * sd), sigma * c_in * sd, c_in, sigma:log() / 4
end

---@param sigma Tensor (B)
---@param like Tensor (B, ...)
---@return number a
---@return Tensor s (B, 1, ...)
function EDM.at(_, sigma, like) return 1, Process.broadcast(sigma:to(like.dtype), like.ndim) end

---@param sigma number
---@return number a
---@return number s
function EDM.coefficients(_, sigma) return 1, sigma end

---@param n integer
---@return Tensor (n), log-normal
function EDM:draw_times(n) return (self:noise { n } * self.P_std + self.P_mean):exp() end

---The loss in the network's own units.  With y = x0 + sigma n the weight is 1 / c_out^2, so that
---L = |F(c_in y, c_noise) - (x0 - c_skip y) / c_out|^2, where c_in y = (x0 + sigma n) / r and the target is
---(sigma x0 / sd - sd n) / r.
---@param model fun(x: Tensor, c_noise: Tensor, ...): Tensor the raw network F
---@param x0 Tensor (B, ...)
---@param sigma Tensor (B)
---@param n Tensor of x0's shape
---@param ... any passed on to the model
---@return Tensor loss
---@return table parts {x, t, eps, prediction, target}: x is c_in y, t is sigma, prediction and target are F's
function EDM:loss_at(model, x0, sigma, n, ...)
  local sd = self.sigma_data
  local level = Process.broadcast(sigma, x0.ndim)
  local c_in = (level:square() + sd * sd):rsqrt()
  local ratio = level * c_in
  local x = (x0 * c_in):addcmul(n, ratio)
  local target = (x0 * (ratio / sd)):addcmul(n, c_in * -sd)
  local prediction = model(x, sigma:log() / 4, ...)
  return (prediction - target):square():mean(),
         { x = x, t = sigma, eps = n, prediction = prediction, target = target }
end

---D(x, sigma) for a batch of noise levels.
---@param model fun(x: Tensor, c_noise: Tensor, ...): Tensor
---@param x Tensor (B, ...)
---@param sigma Tensor (B)
---@param ... any passed on to the model
---@return Tensor
function EDM:denoise(model, x, sigma, ...)
  local c_skip, c_out, c_in = self:preconditioning(Process.broadcast(sigma, x.ndim))
  return (x * c_skip):addcmul(model(x * c_in, sigma:log() / 4, ...), c_out)
end

---@param model fun(x: Tensor, c_noise: Tensor, ...): Tensor
---@param ... any passed on to the model
---@return fun(x: Tensor, sigma: number): Tensor
function EDM:denoiser(model, ...)
  local extra = table.pack(...)
  return function(x, sigma)
    local c_skip, c_out, c_in, c_noise = self:preconditioning(sigma)
    local f = model(x * c_in, core.full({ x:size(1) }, c_noise, x.dtype), table.unpack(extra, 1, extra.n))
    return (x * c_skip):addcmul(f, c_out)
  end
end

---The raw network gives F, so that only x0 and what follows from it is known here.
function EDM.convert() misuse "EDM: use denoise(model, x, sigma) for x0; (x - x0) / sigma is the noise" end

---sigma_i = (max^(1/rho) + (i - 1) / (N - 1) (min^(1/rho) - max^(1/rho)))^rho, i = 1..N, then 0.
---EQ: Karras et al. 2022, arXiv:2206.00364, eq. 5
---@param steps integer N
---@param from? number default sigma_max
---@return number[] N + 1 noise levels
function EDM:times(steps, from)
  local high, low = exact.pow(from or self.first, 1 / self.rho), exact.pow(self.sigma_min, 1 / self.rho)
  local list = {}
  for i = 0, steps - 1 do
    list[i + 1] = exact.pow(high + i / math.max(steps - 1, 1) * (low - high), self.rho)
  end
  list[steps + 1] = 0
  return list
end

return { EDM = EDM }
