--- Rectified flow (flow matching with the linear path), t = 0 data, t = 1 noise.
---
---     x_t = (1 - t) x_0 + t eps,   dx / dt = v = E[eps - x_0 | x_t]
---     EQ: Liu et al. 2023, arXiv:2209.03003, eq. 1;  EQ: Lipman et al. 2023, arXiv:2210.02747, eq. 20-23

local Process = require "repro.diffusion.process"
local misuse = require "repro.misuse"
local options = require "repro.options"

---    diffusion.Flow{predict = "velocity"|"x0", draw = "uniform"|"logit_normal", mean = 0, std = 1,
---                   t_min = 0, t_max = 1, eta = 2, weight = nil, generator = nil}
---Times are uniform in [t_min, t_max], or sigmoid(N(mean, std^2)) (Esser et al. 2024, arXiv:2403.03206, sec. 3.1).
---The reverse stochastic equation has the diffusion w_t = eta t.
---@class Flow: Process
local Flow = Process.class "Flow"
Flow.first = 1

function Flow:init(given)
  local o = options("Flow", given, { predict = "velocity", draw = "uniform", mean = 0, std = 1, t_min = 0, t_max = 1,
                                     eta = 2, weight = false, generator = false })
  self:set_predict(o.predict, { "velocity", "x0" })
  if o.draw ~= "uniform" and o.draw ~= "logit_normal" then
    misuse("Flow: draw must be \"uniform\" or \"logit_normal\", got %s", tostring(o.draw))
  end
  for _, name in ipairs { "draw", "mean", "std", "t_min", "t_max", "eta", "weight", "generator" } do
    self[name] = o[name]
  end
end

---@param t Tensor (B)
---@param like Tensor (B, ...)
---@return Tensor a (B, 1, ...)
---@return Tensor s (B, 1, ...)
function Flow.at(_, t, like)
  local s = Process.broadcast(t:to(like.dtype), like.ndim)
  return 1 - s, s
end

---@param t number
---@return number a
---@return number s
function Flow.coefficients(_, t) return 1 - t, t end

---@param n integer
---@return Tensor (n)
function Flow:draw_times(n)
  if self.draw == "logit_normal" then return (self:noise { n } * self.std + self.mean):sigmoid() end
  return self:uniform(n) * (self.t_max - self.t_min) + self.t_min
end

---@param steps integer
---@param from? number default 1
---@return number[] steps + 1 times, evenly spaced, down to 0
function Flow.times(_, steps, from)
  local list = {}
  for i = 0, steps do list[i + 1] = (from or 1) * (steps - i) / steps end
  return list
end

---Straight lines in t itself: v = (x - D) / t.
function Flow.chart(_, t) return 1, t, 1 / t, -1 / t end

---dx = [v - w/2 score] dt + sqrt(w) dW with score = -eps / t and w = eta t, which has the marginals of the flow.
---Source: Ma et al. 2024, arXiv:2401.08740, sec. 2.
---@param t number
---@param to number
---@return number A
---@return number B
---@return number std
function Flow:stochastic(t, to)
  local h, half = to - t, self.eta / 2
  return 1 + h * (1 + half) / t, -h * (1 + half * (1 - t)) / t, math.sqrt(self.eta * t * -h)
end

return { Flow = Flow }
