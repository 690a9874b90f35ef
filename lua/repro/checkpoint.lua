--- Checkpoints of a run: what has been trained so far, kept at intervals, so that a run that was killed goes on where it was.
---
--- A script cannot be frozen where it stands; it is run again from its top, and what costs time is not done again.
--- That is divided into units: loops over P:training, calls of P:once.  At its beginning a unit notes everything it can reach
--- (resume/graph.lua); what it has changed (resume/difference.lua) is kept at intervals while it runs and when it ends.
--- A resumed run gives the changes of a unit that has ended back and skips it (resume/restore.lua), and goes on with the one in
--- progress at its step.  The code between units runs again and, being the same, does the same.
---
--- A unit inside another is part of it.  A unit whose state cannot be kept runs again.
local rp = require "repro"
local difference = require "repro.resume.difference"
local failure = require "repro.failure"
local files = require "repro.files"
local frames = require "repro.resume.frames"
local graph = require "repro.resume.graph"
local identity = require "repro.resume.identity"
local inputs = require "repro.inputs"
local restore = require "repro.resume.restore"
local progress = require "repro.progress"
local store = require "repro.resume.store"

local format = "repro-checkpoint/1"

---@class Checkpoint
local Checkpoint = {}
Checkpoint.__index = Checkpoint

local checkpoint = {}

-- A write is followed by at least this many times its own duration without one, so that it costs less than 1%.
local rest = 100

local encode, decode = rp.io.json_encode, rp.io.json_decode

--- An interval from text: "90s", "5min", "2h", "100" or "100 steps", "never".
---@param text string
---@return table|nil interval {seconds =} or {steps =} or {}; nil if the text means nothing
function checkpoint.interval(text)
  if text == "never" then return {} end
  local number, unit = text:match "^(%d+%.?%d*)%s*(%a*)$"
  local seconds = ({ s = 1, min = 60, h = 3600 })[unit]
  if number and seconds then return { seconds = tonumber(number) * seconds } end
  local steps = (unit == "" or unit == "steps" or unit == "step") and math.tointeger(tonumber(number))
  return steps and steps > 0 and { steps = steps } or nil
end

-- ---- a run begins ---------------------------------------------------------------------------------------------------
local function load_head(self)
  local notes, storages = store.read_head(self.directory)
  if not notes then return false end
  local path = store.path(self.directory)
  if notes.format ~= format then identity.refuse(path, "its format is %s, not %s", tostring(notes.format), format) end
  identity.check(path, decode(notes.identity), self.identity)
  self.parts = decode(notes.parts)
  store.check_parts(self.directory, self.parts)
  self.files, self.elapsed = decode(notes.files), tonumber(notes.elapsed)
  if notes.math then rp.core.cuda_math_used(notes.math) end -- what is not done again was computed so
  self.kept = { record = notes.unit and decode(notes.unit), storages = storages }
  for i, part in ipairs(self.parts) do
    for k = 1, part.units do self.place[#self.place + 1] = { part = i, index = k } end
  end
  return true
end

-- A cell of a sweep goes on by itself where it was; what does not fit it, such as one of another text, is thrown away.
local function resume_cell(self)
  local ok, found = pcall(load_head, self)
  self.resumed = ok and found
  if ok then return end
  pcall(store.remove, self.directory)
  self.parts, self.place, self.kept, self.files, self.elapsed = {}, {}, nil, nil, 0
end

-- What a resumed run goes on from, in words.
local function found(self)
  local record = self.kept.record
  return ("resumed after %d loops that had ended%s; %s had been spent"):format(#self.place,
    record and (" and step %d of %d of %s"):format(record.step, record.n, record.name) or "", progress.duration(self.elapsed))
end

local function greet(self, context)
  local path = store.path(self.directory)
  local text
  if self.resumed then text = found(self)
  elseif context.resume then text = "no checkpoint in " .. self.directory .. ": the run begins at its beginning"
  elseif files.exists(path) then
    text = ("note: %s is of a run that did not end; --resume goes on with it"):format(path)
  end
  if text and not context.quiet then self:tell(text) end
end

--- The checkpoints of a run that begins.
---@param run table {directory, header, settings, script, scale, seed, checks, outputs}
---@param context table {checkpoint = interval, resume, only, argv}
---@return Checkpoint
function checkpoint.begin(run, context)
  local self = setmetatable({ run = run, argv = context.argv, directory = run.directory,
    data = context.data, interval = context.checkpoint or {},
    active = context.checkpoint ~= nil and not context.trace and run.script ~= nil,
    parts = {}, place = {}, pending = {},
    ordinal = 0, elapsed = 0, begun = rp.clock(), steps = 0, told = {} }, Checkpoint)
  if not self.active then return self end
  store.sweep(run.directory)
  self.identity = identity.of(run, context)
  self.is_cell = context.cell ~= nil
  if self.is_cell then resume_cell(self)
  elseif context.resume then self.resumed = load_head(self) end
  greet(self, context)
  self:rest(0)
  rp.core.on_interrupt(function() return self:on_interrupt() end)
  return self
end

--- Says something once.
function Checkpoint:tell(text)
  if self.told[text] then return end
  self.told[text] = true
  self.run.progress:clear()
  io.stderr:write(text, "\n")
end

-- ---- when to write --------------------------------------------------------------------------------------------------
function Checkpoint:rest(cost)
  self.steps = 0
  self.due = self.interval.seconds and rp.clock() + math.max(self.interval.seconds, rest * cost) or math.huge
end

function Checkpoint:is_due()
  if self.interval.steps then return self.steps >= self.interval.steps end
  return rp.clock() >= self.due
end

local function total_seconds(self) return self.elapsed + rp.clock() - self.begun end

-- Storages of units whose state was copied, under one table.
local function gather(units)
  local texts, all = {}, {}
  for i, unit in ipairs(units) do
    texts[i] = unit.text
    for name, x in next, unit.storages do all[i .. "." .. name] = x end
  end
  return texts, all
end

local function write_pending(self)
  if #self.pending == 0 then return end
  local texts, storages = gather(self.pending)
  local part = store.write_part(self.directory, #self.parts + 1, texts, storages)
  for k = 1, #self.pending do self.place[#self.place + 1] = { part = #self.parts + 1, index = k } end
  self.parts[#self.parts + 1] = part
  self.pending = {}
end

local function write_all(self, record, storages)
  local used = rp.core.cuda_math_used()
  write_pending(self)
  local notes = { format = format, identity = encode(self.identity), parts = encode(rp.io.json_array(self.parts)),
                  files = encode(rp.io.json_array(identity.files())), elapsed = ("%.3f"):format(total_seconds(self)),
                  math = used ~= "exact" and used or nil, unit = record and encode(record) or nil }
  store.write_head(self.directory, notes, storages or {}, self.parts)
end

local function position(unit, step)
  return step > 0 and unit and ("%s, step %d of %d"):format(unit.name, step, unit.n) or nil
end

-- Writes what has ended and, if given, the unit in progress.  A failure is reported, and the checkpoint before is kept.
function Checkpoint:write(record, storages, where)
  local begun = rp.clock()
  local ok, message = pcall(write_all, self, record, storages)
  self:rest(rp.clock() - begun)
  self.failed = not ok
  if ok then
    self.written = where or "the last loop that ended"
    return true
  end
  self:tell(("warning: no checkpoint can be written in %s: %s\n  %s; the run goes on and tries again"):format(self.directory,
    failure.plain(message):gsub("^.*%.safetensors: ", ""),
    self.written and "the one of " .. self.written .. " is kept" or "there is none yet"))
  return false
end

-- ---- units ----------------------------------------------------------------------------------------------------------
-- What a unit leaves in the report and the log.
local function open_output(run)
  run.lines = {}
  return { checks = #run.checks, outputs = #run.outputs, lines = run.lines, inputs = #inputs.list() }
end

local function output_since(self, mark)
  local run = self.run
  return { inputs = identity.inputs_since(mark.inputs, self.data),
           checks = table.move(run.checks, mark.checks + 1, #run.checks, 1, {}),
           outputs = table.move(run.outputs, mark.outputs + 1, #run.outputs, 1, {}), log = table.concat(mark.lines) }
end

local function check_figure(run, output)
  local path = output.type == "figure" and files.join(run.directory, output.path)
  if path and not (files.exists(path) and rp.io.sha256(path) == output.sha256) then
    failure.raise("data", "%s is not used: the figure %s is not the one it describes", store.path(run.directory), path)
  end
end

local function give_output(self, kept)
  local run = self.run
  identity.note_inputs(store.path(self.directory), kept.inputs, self.data)
  for _, output in ipairs(kept.outputs) do check_figure(run, output) end
  for _, check in ipairs(kept.checks) do
    run.checks[#run.checks + 1], run.by_id[check.id] = check, check
  end
  table.move(kept.outputs, 1, #kept.outputs, #run.outputs + 1, run.outputs)
  if kept.log ~= "" then run:write_log(kept.log) end
  run.previous = rp.clock()
end

-- The record of the unit that begins, if the checkpoint has it, its storages and what precedes their names.
function Checkpoint:find()
  local place = self.place[self.ordinal]
  if not place then
    local kept = self.kept or {}
    self.kept, self.loaded = nil, nil
    return kept.record, kept.storages, ""
  end
  if not self.loaded or self.loaded.part ~= place.part then
    local units, storages = store.read_part(self.directory, self.parts[place.part])
    self.loaded = { part = place.part, units = units, storages = storages }
  end
  return self.loaded.units[place.index], self.loaded.storages, place.index .. "."
end

local function with_prefix(storages, prefix)
  return setmetatable({}, { __index = function(_, name) return storages[prefix .. name] end })
end

local function check_unit(self, unit, record)
  local another_state = record.signature ~= unit.before.signature
  if record.name ~= unit.name or record.n ~= unit.n or another_state then
    failure.raise("usage", "%s does not fit the script: loop %d is %s (%d steps) here and %s (%d steps) there%s\n"
      .. "  start again without --resume", store.path(self.directory), self.ordinal, unit.name, unit.n, record.name, record.n,
      another_state and ", or begins from another state: does the script depend on a clock or on the machine?" or "")
  end
end

local function take_back(self, unit, record, storages)
  identity.check_files(store.path(self.directory), self.files)
  check_unit(self, unit, record)
  local locals = {}
  local results = restore(unit.before, record, storages, function(slot, value) locals[#locals + 1] = { slot, value } end)
  give_output(self, results.output)
  unit.step, unit.has_ended, unit.values, unit.locals = record.step, record.has_ended, results.values, locals
  if not unit.is_stored then unit.saved = encode(record) end
end

-- Begins a unit; nil inside another one.
---@param frame table variables that it can reach
---@return table|nil unit {step, has_ended, locals = places and values that the caller sets}
function Checkpoint:open(name, n, frame)
  if not self.active or self.unit then return nil end
  self.ordinal = self.ordinal + 1
  local unit = { name = name, n = n, before = graph.reach(frame, nil, true), step = 0, has_ended = false, locals = {},
                 is_stored = self.place[self.ordinal] ~= nil }
  self.unit, unit.mark = unit, open_output(self.run)
  local record, storages, prefix = self:find()
  if record and not record.lost then
    local ok, problem = pcall(take_back, self, unit, record, with_prefix(storages, prefix))
    if not ok and self.is_cell then pcall(store.remove, self.directory) end -- the cell begins anew the next time
    if not ok then error(problem, 0) end
  end
  return unit
end

local function describe(self, unit, frame, step, has_ended, values)
  local results = { output = output_since(self, unit.mark), values = values }
  local record, storages = difference(unit.before, frame, results)
  if not record then
    self:tell(("note: %s is not kept in checkpoints and would run again: %s"):format(unit.name, storages))
    return nil
  end
  record.name, record.n, record.signature = unit.name, unit.n, unit.before.signature
  record.step, record.has_ended = step, has_ended
  return record, storages
end

-- The unit in progress, at a step that is done.
function Checkpoint:save(unit, step, frame)
  local record, storages = describe(self, unit, frame, step, false)
  if not record then
    self:rest(self.interval.seconds or 0)
    return false
  end
  local done = self:write(record, storages, position(unit, step))
  if done then unit.saved = encode(record) end
  return done
end

local function copied(storages)
  local result = {}
  for name, x in next, storages do result[name] = x:clone() end
  return result
end

-- A unit that was left before its end is known by what was last written of it, and goes on from there.
local function last_written(self, unit)
  if not unit.saved then return { text = encode { lost = true, name = unit.name }, storages = {} } end
  local _, storages = store.read_head(self.directory)
  return { text = unit.saved, storages = storages or {} }
end

--- Ends a unit.
---@param frame table|nil variables now; nil if the unit was left by break, return or an error
---@param values table|nil results of a call
function Checkpoint:close(unit, frame, values)
  self.unit, self.run.lines = nil, nil
  if unit.is_stored then return end
  local record, storages
  if frame then record, storages = describe(self, unit, frame, unit.n, true, values) end
  local entry = record and { text = encode(record), storages = copied(storages) } or last_written(self, unit)
  self.pending[#self.pending + 1] = entry
  if self:is_due() then self:write(nil, nil, "the end of " .. unit.name) end
end

-- ---- P:training and P:once ------------------------------------------------------------------------------------------
--- How to go on later.
---@return string
function Checkpoint:advice()
  local words, has_resume = { "repro" }, false
  for i, word in ipairs(self.argv or {}) do
    words[i + 1] = word:find "^[%w_./=:,@%%+-]+$" and word or "'" .. word:gsub("'", "'\\''") .. "'"
    has_resume = has_resume or word == "--resume"
  end
  return table.concat(words, " ") .. (has_resume and "" or " --resume")
end

-- Ctrl-C: inside a loop the step is finished and written first.
function Checkpoint:on_interrupt()
  local unit = self.unit
  if not (unit and unit.is_loop and not unit.before.refused) then return false end
  self.stopping = true
  self:tell("stopping after this step; Ctrl-C again stops at once")
  return true
end

-- Ends the run after a step (nil: after the last) of a unit.
local function stop(self, unit, step, is_kept)
  self.stopping = false
  if not step then is_kept = self:write(nil, nil, "the end of " .. unit.name) end
  failure.raise("interrupted", "interrupted in %s at step %d of %d%s", unit.name, step or unit.n, unit.n,
    is_kept and "" or "; no checkpoint could be written there")
end

local left_early = { __close = function(guard, problem)
  local self, unit = guard.self, guard.unit
  if unit and self.unit == unit then
    if problem == nil then self:close(unit) else self.unit, self.run.lines = nil, nil end
  end
end }

--- An iterator over 1 .. n for a generic for: iterator, two nils, and what to close when the loop is left.
---@param n integer
---@param name string
---@param show function(i) shows progress
function Checkpoint:loop(n, name, show)
  local k, unit, guard = 0, nil, setmetatable({ self = self }, left_early)
  local function begin(frame)
    unit = self:open(name, n, frame)
    guard.unit, guard.has_begun = unit, true
    if not unit then return {} end
    unit.is_loop, k = true, unit.step
    return unit.locals
  end
  return function()                                        -- called by the loop itself: its function is at level 2
    if not guard.has_begun then
      for _, entry in ipairs(begin(frames.read(2))) do debug.setlocal(2, entry[1], entry[2]) end
    end
    if unit and k >= n then
      self:close(unit, not unit.has_ended and frames.read(2) or nil)
      if self.stopping then stop(self, unit) end
    elseif unit and k > unit.step and (self.stopping or self:is_due()) then
      local is_kept = self:save(unit, k, frames.read(2))
      if self.stopping then stop(self, unit, k, is_kept) end
    end
    if k >= n then return nil end
    k, self.steps = k + 1, self.steps + 1
    show(k)
    return k
  end, nil, nil, guard
end

--- The same loop without checkpoints.
function checkpoint.plain_loop(n, show)
  local k = 0
  return function()
    if k >= n then return nil end
    k = k + 1
    show(k)
    return k
  end
end

--- Calls fn(...) once; a resumed run has its results back.
function Checkpoint:once(name, fn, ...)
  local unit = self:open(name, 1, frames.of_call(fn, ...))
  if not unit then return fn(...) end
  local guard <close> = setmetatable({ self = self, unit = unit }, left_early) -- luacheck: ignore 211
  if unit.has_ended then
    self:close(unit)
  else
    unit.values = table.pack(fn(...))
    self:close(unit, frames.of_call(fn, ...), unit.values)
  end
  return table.unpack(unit.values, 1, unit.values.n)
end

-- ---- a run ends -----------------------------------------------------------------------------------------------------
--- Ends the checkpoints of a run: one that is complete needs none.
---@param status string "complete", "interrupted", "error"
---@return string|nil advice how to go on
function Checkpoint:finish(status)
  if not self.active then return nil end
  rp.core.on_interrupt(nil)
  if status == "complete" then
    pcall(store.remove, self.directory)
    pcall(store.sweep, self.directory)
    return nil
  end
  if status == "interrupted" and #self.pending > 0 and not self.failed then self:write() end
  return (self.written or self.resumed) and "to go on: " .. self:advice() or "nothing had been kept yet"
end

--- Seconds that the run has taken, those before it was resumed among them.
function Checkpoint:seconds() return total_seconds(self) end

return checkpoint
