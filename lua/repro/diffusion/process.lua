--- What all noising processes share.
---
---     x_t = a_t x_0 + s_t eps,   eps ~ N(0, I)
---
--- A process knows a_t and s_t as numbers (for samplers, where all examples share t) and as tensors (for training),
--- how training times are drawn, what its network predicts, and a chart (c, tau): y = x / c moves along
---     dy / dtau = u_x x + u_d D,   D = E[x_0 | x_t]
--- on the probability flow.  For all but rectified flow c = a and tau = s / a, whence dy / dtau = eps: the coordinate
--- of Karras et al. (2022, arXiv:2206.00364, app. B.2), in which Euler's step is DDIM's.
--- Classes give coefficients, at, draw_times, times, and where they differ the rest.

local core = require "repro.core"
local misuse = require "repro.misuse"
local parametrisation = require "repro.diffusion.parametrisation"

---@class Process
---@field name string
---@field predict string name of the parametrisation
---@field first number|integer the noisiest time
local Process = {}
Process.__index = Process

---@param name string
---@return table class
function Process.class(name)
  local class = setmetatable({ name = name }, {
    __index = Process,
    __call = function(class, given)
      local self = setmetatable({}, class)
      self:init(given)
      return self
    end,
  })
  class.__index = class
  return class
end

---Standard normal noise from the process's generator.
---@param shape integer[]
---@return Tensor
function Process:noise(shape)
  return self.generator and self.generator:randn(shape) or core.randn(shape)
end

---Uniform numbers from the process's generator.
---@param n integer
---@return Tensor (n)
function Process:uniform(n)
  return self.generator and self.generator:rand(n) or core.rand(n)
end

---(B) shaped (B, 1, ..., 1) to broadcast with a tensor of ndim dimensions.
---@param v Tensor (B)
---@param ndim integer
---@return Tensor
function Process.broadcast(v, ndim)
  local shape = { v:size(1) }
  for i = 2, ndim do shape[i] = 1 end
  return v:reshape(shape)
end

---Chooses the parametrisation; called by init.
function Process:set_predict(name, allowed)
  self.predict, self.kind = name, parametrisation.parametrisation(self.name, name, allowed)
end

---The form in which the network receives times.
---@param t Tensor (B)
---@return Tensor (B)
function Process.clock(_, t) return t end

---------------------------------------------------------------------------------------------------- training

---x_t = a_t x_0 + s_t eps.
---@param x0 Tensor (B, ...)
---@param t Tensor (B)
---@param eps Tensor of x0's shape
---@return Tensor
function Process:add_noise(x0, t, eps)
  local a, s = self:at(t, x0)
  return (x0 * a):addcmul(eps, s)
end

---The mean squared error of the prediction at given times and noise.
---@param model fun(x: Tensor, t: Tensor, ...): Tensor
---@param x0 Tensor (B, ...)
---@param t Tensor (B)
---@param eps Tensor of x0's shape
---@param ... any passed on to the model
---@return Tensor loss
---@return table parts {x, t, eps, prediction, target}
function Process:loss_at(model, x0, t, eps, ...)
  local a, s = self:at(t, x0)
  local x = (x0 * a):addcmul(eps, s)
  local prediction, target = model(x, self:clock(t), ...), self.kind.target(x0, eps, a, s)
  local weight = self.weight or self.kind.weight
  local errors = (prediction - target):square()
  if weight then errors = errors * weight(a, s, t) end
  return errors:mean(), { x = x, t = t, eps = eps, prediction = prediction, target = target }
end

---loss_at with times and noise drawn by the process.
---@param model fun(x: Tensor, t: Tensor, ...): Tensor
---@param x0 Tensor (B, ...)
---@param ... any passed on to the model
---@return Tensor loss
---@return table parts {x, t, eps, prediction, target}
function Process:loss(model, x0, ...)
  local t = self:draw_times(x0:size(1))
  return self:loss_at(model, x0, t, self:noise(x0.shape):to(x0.dtype), ...)
end

---A prediction turned into another quantity.
---@param prediction Tensor as self.predict says
---@param x Tensor x_t
---@param t Tensor (B)
---@param wanted "x0"|"eps"|"score"|"v"|"velocity"
---@return Tensor
function Process:convert(prediction, x, t, wanted)
  if wanted == self.predict then return prediction end
  local a, s = self:at(t, x)
  if wanted == "x0" then return self.kind.clean(prediction, x, a, s) end
  local eps = self.kind.noise(prediction, x, a, s)
  if wanted == "eps" then return eps end
  local kind = parametrisation.parametrisations[wanted]
  if not kind then misuse("convert: there is no quantity '%s'", tostring(wanted)) end
  if wanted == "score" then return kind.target(nil, eps, a, s) end
  return kind.target(self.kind.clean(prediction, x, a, s), eps, a, s)
end

---------------------------------------------------------------------------------------------------- sampling

---The estimate D(x, t) of x_0 that samplers use.
---@param model fun(x: Tensor, t: Tensor, ...): Tensor
---@param ... any passed on to the model
---@return fun(x: Tensor, t: number): Tensor
function Process:denoiser(model, ...)
  local extra = table.pack(...)
  return function(x, t)
    local times = core.full({ x:size(1) }, t, self.time_dtype or x.dtype)
    local a, s = self:coefficients(t)
    return self.kind.clean(model(x, self:clock(times), table.unpack(extra, 1, extra.n)), x, a, s)
  end
end

---Samples of x at the noisiest time, or of what stands for it at an earlier one: s n, or u + s n with u uniform in the box
---`centre` = {lo, hi} of each coordinate.  EQ: Abstreiter et al. 2021, arXiv:2105.14257, sec. 3.2
---@param shape integer[]
---@param from? number|integer default the noisiest time
---@param centre? number[] {lo, hi}
---@return Tensor
function Process:prior(shape, from, centre)
  local a, s = self:coefficients(from or self.first)
  local noise = self:noise(shape) * (self.prior_std or s)
  if not centre then return noise end
  local u = self.generator and self.generator:rand(shape) or core.rand(shape)
  return noise:addcmul(u * (centre[2] - centre[1]) + centre[1], a)
end

---@param t number
---@return number c
---@return number tau
---@return number u_x weights of x and D in dy / dtau
---@return number u_d
function Process:chart(t)
  local a, s = self:coefficients(t)
  return a, s / a, 1 / s, -a / s
end

---One step of the reverse stochastic equation, x' = A x + B D + std z; here for a = 1 (variance exploding):
---x' = x + (s^2 - s'^2) score + sqrt(s^2 - s'^2) z with score = (D - x) / s^2.
---EQ: Song et al. 2021, arXiv:2011.13456, alg. 2
---@param t number
---@param to number
---@return number A
---@return number B
---@return number std
function Process:stochastic(t, to)
  local _, s = self:coefficients(t)
  local _, s2 = self:coefficients(to)
  local kept = (s2 * s2) / (s * s)
  return kept, 1 - kept, math.sqrt(s * s - s2 * s2)
end

---Factor of the Langevin step of a corrector.
---@return number
function Process.corrector_factor() return 1 end

return Process
