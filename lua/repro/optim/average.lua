--- Exponential moving average of weights.

local core = require "repro.core"
local misuse = require "repro.misuse"
local options = require "repro.options"

---s = d s + (1 - d) p after each step; with warm_up, d = min(decay, (1 + n) / (10 + n)) at the n-th update.
---    optim.EMA(params, {decay = 0.999, warm_up = false})
---@class EMA
---@field shadow Tensor[] the averages
---@field updates integer
local EMA = {}
EMA.__index = EMA

local function new(_, source, given)
  local o = options("EMA", given, { decay = 0.999, warm_up = false })
  if not (o.decay >= 0 and o.decay <= 1) then misuse("EMA: decay = %g lies outside [0, 1]", o.decay) end
  if type(source) ~= "table" then misuse "EMA: parameters must be a module or an array of tensors" end
  local params = type(source.parameters) == "function" and source:parameters() or source
  local shadow = {}
  for i, p in ipairs(params) do shadow[i] = p:detach():clone() end
  return setmetatable({ params = params, shadow = shadow, decay = o.decay, warm_up = o.warm_up, updates = 0 }, EMA)
end

local function move(self)
  self.updates = self.updates + 1
  local n, decay = self.updates, self.decay
  if self.warm_up then decay = math.min(decay, (1 + n) / (10 + n)) end
  core.ema_step(self.shadow, self.params, decay)
end

---Moves the averages towards the parameters.
function EMA:update()
  if core.is_noting() then core.program_live(function() move(self) end) else move(self) end
end

---Exchanges averages and parameters.
function EMA:swap()
  core.no_grad(function()
    for i, p in ipairs(self.params) do
      local kept = p:detach():clone()
      p:copy_(self.shadow[i])
      self.shadow[i]:copy_(kept)
    end
  end)
end

---Calls f(...) while the parameters hold the averages, and puts them back, also after an error.
---@return any ... the results of f
function EMA:use(f, ...)
  self:swap()
  local results = table.pack(pcall(f, ...))
  self:swap()
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

---@return table<string, Tensor> "updates" (int64) and "s.INDEX", sharing memory
function EMA:state_dict()
  local state = { updates = core.tensor(self.updates, "int64") }
  for i, s in ipairs(self.shadow) do state["s." .. i] = s end
  return state
end

---@param state table<string, Tensor>
function EMA:load_state_dict(state)
  for i in ipairs(self.shadow) do
    if not state["s." .. i] then misuse("EMA: the state lacks 's.%d'", i) end
  end
  core.no_grad(function()
    for i, s in ipairs(self.shadow) do s:copy_(state["s." .. i]) end
  end)
  self.updates = state.updates:item()
end

return { EMA = setmetatable(EMA, { __call = new }) }
