--- Steps that are recorded once and repeated without Lua, for models so small that Lua, the tape and launches are most of
--- what a step costs.
local core = require "repro.core"
local misuse = require "repro.misuse"
local trace = require "repro.trace"

local MOST = 8 -- kinds of arguments that a step is recorded for

---@class CompiledStep
---@field fn function the step as it was given
local Step = {}
Step.__index = Step

-- step -> {current, ready, begun}: programs, and the kinds of arguments of which one is on its way.  A checkpoint has no use
-- for them: a resumed run records anew.
local states = setmetatable({}, { __mode = "k" })

local function fresh() return { ready = {}, begun = {}, kinds = 0 } end

-- fn as it is written, with the results that a recorded call gives: without history.
local function plainly(self, ...)
  local was = core.in_step(true)
  local results = table.pack(pcall(self.fn, ...))
  core.in_step(was)
  if not results[1] then error(results[2], 0) end
  for i = 2, results.n do
    if core.is_tensor(results[i]) then results[i] = core.detach(results[i]) end
  end
  return table.unpack(results, 2, results.n)
end

local function kept(kind, program, ...)
  kind.first = program
  core.program_thin(program)
  return ...
end

local function compared(state, kind, program, ...)
  core.program_compare(kind.first, program)
  kind.first = nil
  state.ready[#state.ready + 1], state.current = program, program
  return ...
end

-- The first call with a kind of arguments runs as it is, so that what is made once is there; the second and the third
-- record and must agree.
local function record(self, state, ...)
  local signature = core.program_signature(...)
  local kind = state.begun[signature]
  if not kind then
    if state.kinds == MOST then
      misuse("compiled step: more than %d kinds of arguments (the last: %s); give what varies as tensors of one shape",
        MOST, signature)
    end
    state.kinds = state.kinds + 1
    state.begun[signature] = {}
    return plainly(self, ...)
  end
  if not kind.first then return kept(kind, core.program_record(self.fn, ...)) end
  return compared(state, kind, core.program_record(self.fn, ...))
end

function Step:__call(...)
  local state = states[self]
  local program = state.current
  if program and not trace.on and core.program_fits(program, ...) then return core.program_run(program, ...) end
  if core.in_step() or core.program_is_open() then return self.fn(...) end -- within another: part of it
  if trace.on then return plainly(self, ...) end
  for _, other in ipairs(state.ready) do
    if core.program_fits(other, ...) then
      state.current = other
      return core.program_run(other, ...)
    end
  end
  return record(self, state, ...)
end

---Forgets what was recorded: the next call runs the function again.  Needed after a change that only Lua sees, such as
---net:eval() or another list of layers.
function Step:reset() states[self] = fresh() end

---@return table[] {calls, parts} for each kind of arguments that has been recorded: calls of the device, and the parts into
---which rp.live cuts them
function Step:recordings()
  local list = {}
  for i, program in ipairs(states[self].ready) do list[i] = core.program_facts(program) end
  return list
end

function Step:__tostring()
  local lines = {}
  for i, facts in ipairs(self:recordings()) do
    lines[i] = ("%d calls in %d part%s"):format(facts.calls, facts.parts, facts.parts == 1 and "" or "s")
  end
  return "compiled step: " .. (#lines > 0 and table.concat(lines, "; ") or "not recorded yet")
end

--- A function that does what fn does, faster, with the same bits: the first call runs fn, the next two record what it asks
--- of the device and compare, and from then on those operations are made again at once, without fn.
---
---     local step = rp.compile(function(x)
---       local noise, t = rp.randn(64, 2), rp.rand(64)
---       local loss = rp.mse_loss(net(x + noise * t:reshape(64, 1), t), noise)
---       adam:zero_grad()
---       loss:backward()
---       adam:step{clip = 1}
---       average:update()
---       return loss
---     end)
---     for k in P:training(P.steps) do loss = step(batch(k)) end
---
--- What changes from call to call must be a tensor argument (a copy is taken, which is not to be changed in place; another
--- shape or type is recorded anew, as is another number), a random number of rp.rand and the like, or done in rp.live:
--- optimisers and averages do that for their counts, schedules and clipping.  Everything else that Lua computes stays as it
--- was recorded: counters, numbers from tables, branches, prints.  Reading a value (item, totable, tostring, unique,
--- rp.linalg) is an error, and so is a step whose recordings differ.  In a compiled step optimiser:step{clip = c} returns
--- the norm as a tensor.
---
--- Results are copies, without history.  A tensor that the step leaves in a variable outside holds the values of the latest
--- call.  p.grad is set as fn would leave it.  On a GPU the operations between random draws and rp.live become CUDA
--- graphs.  rp.profile counts the repeated operations; under --trace the function runs as it is written.
---@param fn fun(...): ... arguments and results: tensors, numbers, strings, booleans
---@return CompiledStep step call it like fn; step:reset() forgets the recordings
local function compile(fn)
  if type(fn) ~= "function" then misuse("compile: a %s was given; give the function that makes one step", type(fn)) end
  local step = setmetatable({ fn = fn }, Step)
  states[step] = fresh()
  return step
end

return compile
