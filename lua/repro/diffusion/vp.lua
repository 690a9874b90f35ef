--- Discrete variance-preserving diffusion (DDPM): t = 1 (cleanest) .. T (noisiest); t = 0 is the data.
---
---     a_t = sqrt(abar_t),   s_t = sqrt(1 - abar_t)             EQ: Ho et al. 2020, arXiv:2006.11239, eq. 4

local Process = require "repro.diffusion.process"
local core = require "repro.core"
local misuse = require "repro.misuse"
local nearest = require "repro.nearest"
local options = require "repro.options"
local schedule = require "repro.diffusion.schedule"

---    diffusion.VP{steps = 1000, schedule = "linear"|"scaled_linear"|"cosine"|betas, first = nil, last = nil,
---                 predict = "eps"|"v"|"x0"|"score", weight = nil, generator = nil}
---first and last are the ends of the schedule's betas; weight(a, s, t) replaces the weight of the squared error.
---@class VP: Process
---@field betas number[]
---@field alphas_cumprod number[]
local VP = Process.class "VP"
VP.time_dtype = "int64"
VP.prior_std = 1

local function betas_of(o)
  if type(o.schedule) == "table" then return o.schedule end
  local make = schedule.schedules[o.schedule]
  if not make then
    misuse("VP: there is no schedule '%s'%s", tostring(o.schedule),
           nearest.hint(tostring(o.schedule), { "cosine", "linear", "scaled_linear" }))
  end
  return make(o.steps, o.first or nil, o.last or nil)
end

function VP:init(given)
  local o = options("VP", given, { steps = 1000, schedule = "linear", first = false, last = false, predict = "eps",
                                   weight = false, generator = false })
  self:set_predict(o.predict, { "eps", "v", "x0", "score" })
  self.weight, self.generator = o.weight, o.generator
  self.betas = betas_of(o)
  self.first = #self.betas
  self.alphas_cumprod = schedule.alphas_cumprod(self.betas)
  local a, s = {}, {}
  for t, abar in ipairs(self.alphas_cumprod) do a[t], s[t] = math.sqrt(abar), math.sqrt(1 - abar) end
  self.a, self.s, self.tables = a, s, {}
end

-- The coefficients rounded once to a type: (T, 2).
local function coefficient_table(self, dtype)
  local found = self.tables[dtype]
  if not found then
    found = { core.tensor(self.a, dtype), core.tensor(self.s, dtype) }
    self.tables[dtype] = found
  end
  return found[1], found[2]
end

---@param t Tensor (B) int
---@param like Tensor (B, ...)
---@return Tensor a (B, 1, ...)
---@return Tensor s (B, 1, ...)
function VP:at(t, like)
  local a, s = coefficient_table(self, like.dtype)
  return Process.broadcast(a:index_select(1, t), like.ndim), Process.broadcast(s:index_select(1, t), like.ndim)
end

---@param t integer 0..T
---@return number a
---@return number s
function VP:coefficients(t)
  if t == 0 then return 1, 0 end
  local a = self.a[t]
  if not a then misuse("VP: there is no time %s; times are 0..%d", tostring(t), self.first) end
  return a, self.s[t]
end

---@param n integer
---@return Tensor (n) int64, uniform in 1..T
function VP:draw_times(n)
  return self.generator and self.generator:randint(1, self.first, { n }) or core.randint(1, self.first, { n })
end

---@param steps integer at most T
---@param from? integer default T
---@return integer[] steps + 1 times from `from` to 0, evenly spaced
function VP:times(steps, from)
  from = from or self.first
  if steps > from then misuse("VP: %d steps are more than the %d times there are", steps, from) end
  local list = {}
  for i = 0, steps do list[i + 1] = from - i * from // steps end
  return list
end

---x' = (2 - sqrt(1 - beta)) x + beta score + sqrt(beta) z, score = (a D - x) / s^2; beta = 1 - (a / a')^2 is that of
---all the steps between.  EQ: Song et al. 2021, arXiv:2011.13456, alg. 3
---@param t integer
---@param to integer
---@return number A
---@return number B
---@return number std
function VP:stochastic(t, to)
  local a, s = self:coefficients(t)
  local ratio = a / self:coefficients(to)
  local beta = 1 - ratio * ratio
  local pull = beta / (s * s)
  return 2 - ratio - pull, pull * a, math.sqrt(beta)
end

---alpha_t = 1 - beta_t.  EQ: Song et al. 2021, arXiv:2011.13456, alg. 5
function VP:corrector_factor(t) return 1 - self.betas[t] end

return { VP = VP }
