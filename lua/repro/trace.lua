--- The trace of a run: hashes of the loss, the gradients and the parameters at every step of every optimiser, by which
--- `repro diff` finds the first step and tensor in which two runs differ.
---
---   trace/steps.jsonl          a line for each step: {"step": 37, "of": "Adam 1", "tensors": [[name, type and shape, hash], ...]}
---   trace/000037.safetensors   the tensors themselves, at the steps asked for, from which the distance is taken
---
--- Steps are counted over the whole run, optimisers in the order of their first step.  The tensors of a step are in the
--- order in which they come about: "parameter NAME" as the step found it, "loss" (every tensor that backward was called on
--- since the step before), "gradient NAME", "updated NAME", the parameter as the step left it.  A hash is the first 16
--- digits of rp.hash.
local rp = require "repro"
local core = require "repro.core"
local failure = require "repro.failure"
local json = require "repro.json"

local trace = {}

-- The trace being written; nil if none is.
local now

-- Names of parameters, as far as a module has given them.
local names = setmetatable({}, { __mode = "k" })

--- Whether a trace is being written; the callers below ask first, so that a run without one pays nothing.
trace.on = false

--- Steps from text such as "37", "1,10-20" or "/100" (every hundredth).
---@param text string
---@return function|nil keeps step -> whether its tensors are kept; nil if the text means nothing
function trace.steps(text)
  local ranges = {}
  for word in (text .. ","):gmatch "([^,]*)," do
    local first, last = word:match "^(%d+)%-(%d+)$"
    local every = word:match "^/(%d+)$"
    first = math.tointeger(first or word:match "^%d+$")
    last, every = math.tointeger(last) or first, math.tointeger(every)
    if not (first or every and every > 0) then return nil end
    ranges[#ranges + 1] = { first, last, every }
  end
  return function(step)
    for _, range in ipairs(ranges) do
      if range[3] and step % range[3] == 0 or range[1] and step >= range[1] and step <= range[2] then return true end
    end
    return false
  end
end

---@param directory string of the run
---@return string path
function trace.path(directory) return directory .. "/trace/steps.jsonl" end

---@param directory string of the run
---@param step integer
---@return string path of the tensors kept at a step
function trace.kept_path(directory, step) return ("%s/trace/%06d.safetensors"):format(directory, step) end

-- What an earlier run left here.
local function clear(directory)
  if not rp.io.exists(directory .. "/trace") then return end
  for _, name in ipairs(rp.io.list(directory .. "/trace")) do
    if name == "steps.jsonl" or name:find "^%d+%.safetensors$" then rp.io.remove(directory .. "/trace/" .. name) end
  end
end

local function note(list, name, tensor)
  local seen = now.seen[name]
  now.seen[name] = (seen or 0) + 1
  if seen then name = ("%s (%d)"):format(name, seen + 1) end
  local shape = ("%s (%s)"):format(tensor.dtype, table.concat(tensor.shape, "x"))
  list[#list + 1] = { name, shape, core.hash(tensor):sub(1, 16) }
  if now.keep(now.step + 1) then now.kept[name] = tensor:detach():clone() end
end

local function begin_step()
  now.before, now.tensors, now.seen, now.kept = {}, {}, {}, {}
end

local function watch_backward()
  local plain, method = core.backward, core.methods.backward
  local function backward(y, ...)
    if core.is_tensor(y) then note(now.tensors, "loss", y) end
    return plain(y, ...)
  end
  rp.backward, core.methods.backward = backward, backward
  return function() rp.backward, core.methods.backward = plain, method end
end

--- Begins to write a trace, or, without a choice, removes one that an earlier run left.
---@param directory string of the run
---@param choice table|nil {keep = function from trace.steps, or nil}
function trace.start(directory, choice)
  trace.stop()
  clear(directory)
  if not choice then return end
  rp.io.mkdir(directory .. "/trace")
  local file, message = io.open(trace.path(directory), "wb")
  if not file then failure.raise("environment", "%s", message) end
  now = { directory = directory, file = file, step = 0, keep = choice.keep or function() return false end,
          ordinals = setmetatable({}, { __mode = "k" }), optimisers = 0 }
  begin_step()
  now.restore = watch_backward()
  trace.on = true
end

--- Ends the trace.
---@return string|nil hash SHA-256 of its file; nil if none was written
function trace.stop()
  if not now then return nil end
  now.file:close()
  now.restore()
  local path = trace.path(now.directory)
  now, trace.on = nil, false
  return rp.io.sha256(path)
end

--- Gives a parameter the name by which its module knows it.
function trace.name(tensor, name)
  names[tensor] = name
end

local function each_parameter(optimiser, visit)
  for k, group in ipairs(optimiser.groups) do
    local prefix = #optimiser.groups > 1 and ("group %d "):format(k) or ""
    for i, tensor in ipairs(group.params) do visit(prefix .. (names[tensor] or tostring(i)), tensor) end
  end
end

--- Notes the parameters and gradients that an optimiser is about to use.
---@param optimiser Optimiser
function trace.before(optimiser)
  each_parameter(optimiser, function(name, tensor)
    local g = tensor.grad
    note(now.before, "parameter " .. name, tensor)
    if g then note(now.tensors, "gradient " .. name, g) end
  end)
end

local function label(optimiser)
  if not now.ordinals[optimiser] then
    now.optimisers = now.optimisers + 1
    now.ordinals[optimiser] = now.optimisers
  end
  return ("%s %d"):format(optimiser.name, now.ordinals[optimiser])
end

--- Notes the parameters that an optimiser has changed, and ends the step.
---@param optimiser Optimiser
function trace.after(optimiser)
  each_parameter(optimiser, function(name, tensor) note(now.tensors, "updated " .. name, tensor) end)
  now.step = now.step + 1
  local all = table.move(now.tensors, 1, #now.tensors, #now.before + 1, now.before)
  now.file:write(json.line(json.object { { "step", now.step }, { "of", label(optimiser) }, { "tensors", all } }), "\n")
  now.file:flush()
  if now.keep(now.step) then rp.io.write_safetensors(trace.kept_path(now.directory, now.step), now.kept) end
  begin_step()
end

return trace
