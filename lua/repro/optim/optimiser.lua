--- SGD, Adam and AdamW.  Each group of parameters is updated in one fused pass of the core.

local core = require "repro.core"
local misuse = require "repro.misuse"
local options = require "repro.options"
local trace = require "repro.trace"

---@class Optimiser
---@field groups table[] {params, lr, ...}
---@field steps integer number of steps taken
local Optimiser = {}
Optimiser.__index = Optimiser

---The parameters of a module, or an array of tensors as it is.
local function tensors(source, who)
  if type(source) == "table" and type(source.parameters) == "function" then source = source:parameters() end
  if type(source) ~= "table" then misuse("%s: parameters must be a module or an array of tensors", who) end
  for i, p in ipairs(source) do
    if not core.is_tensor(p) then misuse("%s: parameter %d is a %s, not a tensor", who, i, type(p)) end
  end
  return source
end

-- An array of groups, from a module, an array of tensors, or an array of {params = ..., option = ...}.
local function grouped(who, source, given, defaults)
  local groups = {}
  local is_list = type(source) == "table" and type(source[1]) == "table" and source[1].params
  for i, entry in ipairs(is_list and source or { { params = source } }) do
    local own = {}
    for key, value in pairs(given or {}) do own[key] = value end
    for key, value in pairs(entry) do if key ~= "params" then own[key] = value end end
    local group = options(who, own, defaults)
    group.params = tensors(entry.params, who .. " group " .. i)
    groups[i] = group
  end
  return groups
end

local function new(class, source, given)
  local schedule = given and given.schedule or nil
  local self = setmetatable({ steps = 0, schedule = schedule }, class)
  self.groups = grouped(class.name, source, given, class.defaults)
  for _, group in ipairs(self.groups) do
    if not (group.lr and group.lr >= 0) then misuse("%s: a learning rate is needed, {lr = 1e-3}", class.name) end
    group.states, group.state_names = {}, class.state_names(group)
    for _, name in ipairs(group.state_names) do
      local list = {}
      for i = 1, #group.params do list[i] = false end
      group.states[name] = list
    end
  end
  return self
end

local function class(name, state_names, defaults)
  local c = setmetatable({ name = name, state_names = state_names, defaults = defaults },
                         { __index = Optimiser, __call = new })
  c.__index = c
  return c
end

-- The gradients of a group, false where there is none.
local function gradients(group)
  local gs = {}
  for i, p in ipairs(group.params) do gs[i] = p.grad or false end
  return gs
end

-- State tensors come into being with the first gradient.
local function prepare(group, gs)
  for _, name in ipairs(group.state_names) do
    local list = group.states[name]
    for i, p in ipairs(group.params) do
      if gs[i] and not list[i] then list[i] = core.zeros_like(p:detach()) end
    end
  end
end

-- The factor that brings a gradient of norm `norm` to at most `clip`.
local function clip_factor(norm, clip) return norm > clip and clip / norm or 1 end

-- The step itself, which a compiled step does anew in every call.
local function advance(self, per_group, norm, clip)
  local scale = 1
  if clip then scale = clip_factor(core.is_tensor(norm) and norm:item() or norm, clip) end
  self.steps = self.steps + 1
  for k, group in ipairs(self.groups) do
    prepare(group, per_group[k])
    self:update(group, per_group[k], self:rate(group), scale)
  end
end

---One update from the gradients in p.grad; parameters without one are left as they are.
---clip: largest norm of the gradient over all groups, a larger one is scaled to it; norm: measure it without clipping.
---@param given? {clip: number, norm: boolean}
---@return number? norm of the whole gradient before clipping, if clip or norm was asked for; a tensor in a compiled step
function Optimiser:step(given)
  local o = options(self.name .. ":step", given, { clip = false, norm = false })
  local all, per_group, norm = {}, {}, nil
  for k, group in ipairs(self.groups) do
    per_group[k] = gradients(group)
    for _, g in ipairs(per_group[k]) do all[#all + 1] = g end
  end
  if o.clip or o.norm then norm = core.grad_norm(all) end
  local result = norm
  if norm and core.in_step() then result = core.full({}, norm, "float64") end
  if trace.on then trace.before(self) end
  if core.is_noting() then core.program_live(function() advance(self, per_group, norm, o.clip) end)
  else advance(self, per_group, norm, o.clip) end
  if trace.on then trace.after(self) end
  return result
end

---@param group? table default the first group
---@return number the learning rate of the step being taken, or of the last one taken
function Optimiser:rate(group)
  group = group or self.groups[1]
  local schedule = group.schedule or self.schedule
  return schedule and group.lr * schedule(math.max(self.steps, 1)) or group.lr
end

---Forgets the gradients.
function Optimiser:zero_grad()
  for _, group in ipairs(self.groups) do
    for _, p in ipairs(group.params) do p.grad = nil end
  end
end

---Everything that a resumed run needs, as tensors: "steps" (int64) and "GROUP.NAME.INDEX", sharing memory.
---@return table<string, Tensor>
function Optimiser:state_dict()
  local state = { steps = core.tensor(self.steps, "int64") }
  for k, group in ipairs(self.groups) do
    for _, name in ipairs(group.state_names) do
      for i, tensor in ipairs(group.states[name]) do
        if tensor then state[("%d.%s.%d"):format(k, name, i)] = tensor end
      end
    end
  end
  return state
end

---@param state table<string, Tensor> from state_dict of an optimiser over the same parameters
function Optimiser:load_state_dict(state)
  if not state.steps then misuse("%s: the state has no number of steps", self.name) end
  local known = 1
  for k, group in ipairs(self.groups) do
    for _, name in ipairs(group.state_names) do
      for i, p in ipairs(group.params) do
        local key = ("%d.%s.%d"):format(k, name, i)
        local value = state[key]
        if value and table.concat(value.shape, "x") ~= table.concat(p.shape, "x") then
          misuse("%s: state '%s' has shape (%s), the parameter (%s)", self.name, key,
                 table.concat(value.shape, "x"), table.concat(p.shape, "x"))
        end
        known = known + (value and 1 or 0)
        group.states[name][i] = value and value:clone() or false
      end
    end
  end
  local n = 0
  for _ in pairs(state) do n = n + 1 end
  if n ~= known then misuse("%s: %d entries of the state belong to no parameter here", self.name, n - known) end
  self.steps = state.steps:item()
end

---v = momentum v + g + weight_decay p;  p = p - lr v, or with Nesterov p - lr (g + weight_decay p + momentum v).
---    optim.SGD(params, {lr = nil, momentum = 0, nesterov = false, weight_decay = 0, schedule = nil})
---Source: Sutskever et al. 2013 (ICML), in the form of PyTorch: lr multiplies the velocity, no dampening.
---@class SGD: Optimiser
local SGD = class("SGD", function(group) return group.momentum ~= 0 and { "v" } or {} end,
                  { lr = false, momentum = 0, nesterov = false, weight_decay = 0, schedule = false })

function SGD:update(group, gs, lr, scale)
  core.sgd_step(group.params, gs, group.states.v, lr, group.momentum, group.nesterov, group.weight_decay, scale)
end

local function moments() return { "m", "v" } end

---m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  p = p - lr [m / (1 - b1^t)] / (sqrt(v / (1 - b2^t)) + eps),
---with g + weight_decay p in the place of g.
---    optim.Adam(params, {lr = 1e-3, betas = {0.9, 0.999}, eps = 1e-8, weight_decay = 0, schedule = nil})
---Source: Kingma, Ba 2015, arXiv:1412.6980, alg. 1.
---@class Adam: Optimiser
local Adam = class("Adam", moments,
                   { lr = 1e-3, betas = { 0.9, 0.999 }, eps = 1e-8, weight_decay = 0, schedule = false })
Adam.decoupled = false

function Adam:update(group, gs, lr, scale)
  local states, betas = group.states, group.betas
  core.adam_step(group.params, gs, states.m, states.v, lr, betas[1], betas[2], group.eps, group.weight_decay,
                 self.decoupled, self.steps, scale)
end

---Adam with the decay apart from the gradient: p = (1 - lr weight_decay) p, then Adam's step.
---    optim.AdamW(params, {lr = 1e-3, betas = {0.9, 0.999}, eps = 1e-8, weight_decay = 0.01, schedule = nil})
---Source: Loshchilov, Hutter 2019, arXiv:1711.05101, alg. 2.
---@class AdamW: Optimiser
local AdamW = class("AdamW", moments,
                    { lr = 1e-3, betas = { 0.9, 0.999 }, eps = 1e-8, weight_decay = 0.01, schedule = false })
AdamW.decoupled = true
AdamW.update = Adam.update

return { SGD = SGD, Adam = Adam, AdamW = AdamW }
