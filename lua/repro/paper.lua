--- The object P with which a script states its settings, its checks, its figures.
---
---     local P = rp.paper{ id = "dcr", title = "...", authors = "...", arxiv = "2603.04803", year = 2026,
---                         settings = { steps = {smoke = 20, small = 300, paper = 4600} } }
---     P:exact("ignored", loss, math.log(B + 1), 1e-6, {where = "Sec. 2"})
---
--- Run by `repro run` the choices of the command line apply; run by a plain lua5.4 the defaults do (scale small, seed 1)
--- and P:finish() prints the result.  A paper that another script requires gets a P that records nothing, with
--- P.main = false, so that it can return its functions before it trains.
local rp = require "repro"
local checkpoint = require "repro.checkpoint"
local cells = require "repro.paper.cells"
local checks = require "repro.checks"
local failure = require "repro.failure"
local files = require "repro.files"
local figures = require "repro.figures"
local json = require "repro.json"
local log = require "repro.paper.log"
local misuse = require "repro.misuse"
local nearest = require "repro.nearest"
local only = require "repro.only"
local progress = require "repro.progress"
local settings = require "repro.settings"
local trace = require "repro.trace"

local paper = {}

local here = debug.getinfo(1, "S").source:match("^(.*)paper%.lua$") or "@lua/repro/"

-- The choices of the command line, and the paper that is being run.
local context = { scale = "small", seed = 1, set = {} }
local current

-- The run behind each P.  Kept apart from P, whose fields are the settings.
local runs = setmetatable({}, { __mode = "k" })

local P = {}                                               -- methods

local function is_script(info)
  if info.what == "C" then return false end
  if context.source then return info.source == context.source end
  return info.source:sub(1, #here) ~= here
end

-- Lines of the script: that of the innermost of its functions that is running, and that of its main chunk.
local function script_lines()
  local level, inner, outer = 2, 0, 0
  while true do
    local info = debug.getinfo(level, "Sl")
    if not info then return inner, outer end
    if is_script(info) then
      if inner == 0 then inner = info.currentline end
      outer = info.currentline
    end
    level = level + 1
  end
end

-- Chunk name of the function outside the package that called it.
local function caller_source()
  local level = 2
  while true do
    local info = debug.getinfo(level, "S")
    if not info then return nil end
    if info.what ~= "C" and info.source:sub(1, #here) ~= here then return info.source end
    level = level + 1
  end
end

local function default_directory(id, rows)
  local name = ("%s-%s-%d"):format(id, context.scale, context.seed)
  for _, row in ipairs(rows) do
    if row.changed then
      local value = type(row.value) == "table" and table.concat(row.value, ",") or tostring(row.value)
      name = name .. "-" .. (row.name .. "=" .. value):gsub("[^%w=.,_-]", "_")
    end
  end
  if context.only then name = name .. "-only-" .. context.only:gsub("[^%w.,_-]", "_") end
  return "runs/" .. name:sub(1, 200)
end

-- What the last complete run of this kind took, so that the reader knows whether to wait.
local function announce(run)
  if not context.live or context.only then return end
  local rundir = require "repro.rundir"
  for _, directory in ipairs { run.directory, rundir.usual(run.header.id, run.scale) } do
    local last = rundir.read(directory)
    if last and last.status == "complete" and last.scale == run.scale and not last.only then
      io.stderr:write(("about %s and %s, as the last run\n"):format(progress.duration(last.cost.seconds),
        progress.bytes(last.cost.peak_bytes)))
      run.progress:expect(last.cost.seconds - run.checkpoint:seconds())
      return
    end
  end
end

local function start_run(run)
  run.home = context.out or default_directory(run.header.id, run.settings)
  run.directory = context.cell and files.join(run.home, "cells", context.cell) or run.home
  local ok, message = pcall(files.make_directory, run.directory .. (context.cell and "" or "/figures"))
  if not ok then failure.raise("environment", "%s", failure.plain(message)) end
  rp.memory_reset_peak()
  run.previous = rp.clock()
  run.progress = progress.new { live = context.live or false, clock = rp.clock,
                                memory = function() return rp.memory().live end }
  run.write_log = log.write
  log.take(run.directory)
  run.checkpoint = checkpoint.begin(run, context)          -- may refuse; until then the directory is as it was
  announce(run)
  log.open(run)
  trace.start(run.directory, context.trace)
end

local header_fields = { "id", "title", "authors", "arxiv", "year", "settings", "url", "seed", "summary" }

local function check_header(header)
  if type(header) ~= "table" then misuse("rp.paper takes a table such as {id = ..., title = ...}") end
  for field in next, header do
    local known = false
    for _, name in ipairs(header_fields) do known = known or name == field end
    if not known then
      misuse("rp.paper: unknown field %s%s", tostring(field), nearest.hint(tostring(field), header_fields))
    end
  end
  if type(header.id) ~= "string" or not header.id:find "^[%w._-]+$" then
    misuse "rp.paper: id is a word of letters, digits, '.', '_' and '-'"
  end
end

local fields = { main = true, scale = true, seed = true, set = true, data_dir = true, id = true, directory = true }

local function check_setting_names(declared)
  for _, name in ipairs(settings.names(declared)) do
    if P[name] or fields[name] then misuse("rp.paper: a setting cannot be called %s, which P has already", name) end
  end
end

-- Which vendor mode numbers of this run were computed in, by the option or because the script asked for it; nil if in none.
local function vendor_math()
  if context.math and context.math ~= "exact" then return context.math end
  local used = rp.core.cuda_math_used()
  return used ~= "exact" and used or nil
end

-- Why the pinned numbers do not apply to this run; nil if they do.
local function why_unpinned(run)
  if vendor_math() then return "--math " .. vendor_math() end
  if context.seed ~= (run.header.seed or 1) then return "seed " .. context.seed end
  for _, row in ipairs(run.settings) do
    if row.changed then return "setting " .. row.name .. " changed" end
  end
  return nil
end

local meta = {}

function meta.__index(self, key)
  if P[key] then return P[key] end
  local run = runs[self]
  local value = run.values[key]
  if value ~= nil then return value end
  if fields[key] then return run[key] end
  local known = settings.names(run.values)
  for _, name in ipairs(settings.names(P)) do known[#known + 1] = name end
  misuse("P.%s: the paper has no such setting%s", tostring(key), nearest.hint(tostring(key), known))
end

function meta.__newindex(_, key)
  misuse("P.%s cannot be assigned; declare a setting in rp.paper{settings = ...} or use a local variable", tostring(key))
end

local imposed                                             -- settings for the next paper that is declared: paper.require

local function new_run(header, main)
  local given = main and context.set or imposed
  if not main then imposed = nil end
  local values, rows = settings.resolve(header.settings or {}, context.scale, given)
  return { header = header, main = main, values = values, settings = rows, scale = context.scale, seed = context.seed,
           data_dir = context.data, id = header.id, set = values, checks = {}, by_id = {}, outputs = {}, notes = {} }
end

local function declare(header)
  check_header(header)
  check_setting_names(header.settings or {})
  local source = caller_source()
  local main = current == nil
  if context.source then main = source == context.source end
  if main and current then misuse "rp.paper has been called before in this script" end
  local run = new_run(header, main)
  run.script = context.script or source and source:match "^@(.+)"
  local self = setmetatable({}, meta)
  runs[self] = run
  if main then
    start_run(run)
    current = self
    rp.seed(context.seed)
  end
  return self
end

-- The run of a P; what was called with a point has something else in its place.
local function run_of(self, method)
  return runs[self] or misuse("P.%s is called with a colon: P:%s(...)", method, method)
end

local function wants(id) return only.wants(id, context.only) end

--- Whether the check, figure or table `id` is asked for: always, except under --only.  Lets a script leave out costly
--- parts that one claim does not need.  `--only fig2` also asks for fig2.a, fig2.b.
---@param id string
---@return boolean
function P:wants(id)
  if type(self) == "string" then id = self end             -- P.wants("x")
  if type(id) ~= "string" then misuse("P:wants: the id is a string, not a %s", type(id)) end
  return wants(id)
end

-- Raised to end a script once all that --only asks for is there.
paper.done = setmetatable({}, { __tostring = function() return "done" end })

-- Ends the script if `id` was the last thing that --only asks for.
local function end_if_answered(id)
  local plan = context.plan
  if not plan then
    if context.only == id then error(paper.done, 0) end
    return
  end
  plan.ids[id] = nil
  if not plan.open and next(plan.ids) == nil then error(paper.done, 0) end
end

local function register(run, id)
  if type(id) ~= "string" or id == "" then misuse("a check's id is a string, not a %s", type(id)) end
  local before = run.by_id[id]
  if before then misuse('the check "%s" has been made before, at line %d', id, before.line) end
end

local function record(self, kind, id, outcome, options)
  local run = runs[self]
  if not run.main then return outcome.status == "pass" end
  register(run, id)
  local line, at = script_lines()
  local now = rp.clock()
  outcome.id, outcome.kind, outcome.line = id, kind, line
  outcome.where, outcome.text = options.where, outcome.text or options.text
  outcome.cost, run.previous = math.floor((now - run.previous) * 1e6 + 0.5) / 1e6, now
  run.by_id[id] = outcome
  if wants(id) then
    run.checks[#run.checks + 1] = outcome
    run.outputs[#run.outputs + 1] = { type = "check", id = id, line = at }
  end
  if wants(id) then end_if_answered(id) end
  return outcome.status == "pass"
end

local function check_options(options, what, ...)
  local known = { "where", "text", ... }
  if options == nil then return {} end
  if type(options) ~= "table" then misuse("%s: the last argument is a table such as {where = \"Eq. 7\"}", what) end
  for key in next, options do
    local found = false
    for _, name in ipairs(known) do found = found or name == key end
    if not found then misuse("%s: unknown option %s%s", what, tostring(key), nearest.hint(tostring(key), known)) end
  end
  return options
end

--- Mathematics: measured equals expected within a tolerance.
---@param id string
---@param measured number|Tensor|boolean|table
---@param expected number|Tensor|boolean|table a value of the same form, or a bound {op = "<=", bound = x}
---@param tolerance number|nil largest absolute difference; 0 if left out
---@param options table|nil {where = "Eq. 7", text = "sentence"}
---@return boolean pass
function P:exact(id, measured, expected, tolerance, options)
  run_of(self, "exact")
  if type(tolerance) == "table" then tolerance, options = nil, tolerance end
  options = check_options(options, "P:exact")
  if measured == nil then misuse('P:exact "%s": the measured value is nil', tostring(id)) end
  if expected == nil then misuse('P:exact "%s": the expected value is nil', tostring(id)) end
  return record(self, "exact", id, checks.exact(measured, expected, tolerance), options)
end

--- Our own number at this scale and seed, to the last bit.  `repro pin` writes the numbers.
---@param id string
---@param measured number|string|Tensor a number, a SHA-256, or a tensor, whose SHA-256 is compared
---@param pins table|nil scale -> number or hexadecimal digits, e.g. {smoke = 0x1.8p-3, small = 0.21}
---@param options table|nil {where =, text =}
---@return boolean pass
function P:pinned(id, measured, pins, options)
  local run = run_of(self, "pinned")
  options = check_options(options, "P:pinned")
  if measured == nil then misuse('P:pinned "%s": the measured value is nil', tostring(id)) end
  if pins ~= nil and type(pins) ~= "table" then
    misuse('P:pinned "%s": the pins are a table such as {small = 0.21}, not a %s', tostring(id), type(pins))
  end
  local outcome = checks.pinned(measured, pins or {}, context.scale, why_unpinned(run))
  return record(self, "pinned", id, outcome, options)
end

--- A statement of the paper, as a truth value or an inequality.  A miss is `not reproduced` and does not fail the run,
--- unless the claim is declared a gate because it is known to hold at this scale.
---@param id string
---@param sentence string what the paper says
---@param measured boolean|table truth, or {value = x, op = ">=", bound = y}
---@param options table|nil {where = "Table 2", measured = what to show, expected = , gate = true or a scale}
---@return boolean pass
function P:claim(id, sentence, measured, options)
  run_of(self, "claim")
  options = check_options(options, "P:claim", "measured", "expected", "gate")
  if type(sentence) ~= "string" then
    misuse('P:claim "%s": the second argument is the sentence of the paper', tostring(id))
  end
  local outcome = checks.claim(measured, options, context.scale)
  outcome.text = sentence
  return record(self, "claim", id, outcome, options)
end

--- The authors' number beside ours; not tested.
---@param id string
---@param value number|string
---@param options table|nil {where = "Table 2", ours = our number, text =}
function P:quoted(id, value, options)
  run_of(self, "quoted")
  options = check_options(options, "P:quoted", "ours")
  local ours = checks.plain(options.ours)
  record(self, "quoted", id, { status = "quoted", expected = checks.plain(value), measured = ours }, options)
end

--- A claim that is not run, with the reason.
---@param id string
---@param reason string
---@param options table|nil {where =, text =}
function P:not_run(id, reason, options)
  run_of(self, "not_run")
  options = check_options(options, "P:not_run")
  if type(reason) ~= "string" then misuse('P:not_run "%s": the second argument is the reason', tostring(id)) end
  record(self, "not_run", id, { status = "not run", note = reason }, options)
end

local function add_output(self, output)
  local run = runs[self]
  if not run.main then return end
  output.line = select(2, script_lines())
  run.outputs[#run.outputs + 1] = output
end

local function check_caption(what, name, caption)
  if caption ~= nil and type(caption) ~= "string" then
    misuse('%s "%s": the caption is a string, not a %s', what, name, type(caption))
  end
end

--- A figure of the report, saved under figures/.
---@param name string its name, as the paper has it: "Figure 2a"
---@param content table|Tensor|string a plot of rp.plot, an image (H,W) or (H,W,C), float in [0,1] or uint8, SVG text, or a path
---@param caption string|nil in Markdown
function P:figure(name, content, caption)
  local run = run_of(self, "figure")
  if not run.main then return end
  if type(name) ~= "string" then misuse "P:figure: the first argument is the figure's name" end
  check_caption("P:figure", name, caption)
  for _, output in ipairs(run.outputs) do
    if output.type == "figure" and output.name == name then misuse('P:figure: there is a "%s" already', name) end
  end
  if not wants(name) then return end
  local path = figures.save(run.directory, name, content, run.outputs)
  local whole = files.join(run.directory, path)
  add_output(self, { type = "figure", name = name, path = path, sha256 = rp.io.sha256(whole),
                     content = figures.content(whole), caption = caption })
  end_if_answered(name)
end

--- A table of the report.
---@param name string
---@param header string[] or {header =, rows =} in one, as sweep:table gives it; then the caption follows
---@param rows table array of arrays of numbers or strings
---@param caption string|nil in Markdown
function P:table(name, header, rows, caption)
  run_of(self, "table")
  if type(header) == "table" and header.header then header, rows, caption = header.header, header.rows, rows end
  if type(header) ~= "table" or type(rows) ~= "table" then
    misuse "P:table takes a name, a header and an array of rows"
  end
  if type(name) ~= "string" then misuse "P:table: the first argument is the table's name" end
  check_caption("P:table", name, caption)
  if not (runs[self].main and wants(name)) then return end
  local heads, lines = cells(name, header, rows)
  add_output(self, { type = "table", name = name, header = heads, rows = lines, caption = caption })
  end_if_answered(name)
end

--- A remark of the report, in Markdown, at this place.
---@param text string a format, as for string.format
function P:note(text, ...)
  run_of(self, "note")
  if type(text) ~= "string" then misuse("P:note takes a text, not a %s", type(text)) end
  if select("#", ...) > 0 then text = text:format(...) end
  add_output(self, { type = "note", text = text })
end

--- A line of log.jsonl, such as P:log{step = i, loss = loss}.  One-element tensors are written as numbers.
---@param fields_of_line table
function P:log(fields_of_line)
  local run = run_of(self, "log")
  if type(fields_of_line) ~= "table" then misuse("P:log takes a table such as {step = 1}, not a %s", type(fields_of_line)) end
  if not run.main then return end
  local line = {}
  for key, value in next, fields_of_line do line[key] = checks.plain(value) end
  if type(line.loss) == "number" then run.progress:loss(line.loss) end
  log.write(run, json.line(line) .. "\n")
end

-- The run that a P belongs to: that of the script, also for the P of a paper that it requires.
local function running(self)
  return runs[current or self]
end

--- The steps of a training: `for k in P:training(1000, "training") do ... end` visits 1 .. 1000, shows them on a terminal, and
--- makes the loop one that a checkpoint keeps.  A run that was killed and goes on with --resume skips the loops that had ended and
--- begins the one in progress behind the step last kept; everything that the loop can reach and has changed is put back:
--- local variables, tables, tensors and their gradients, optimisers, generators.  A loop inside such a loop is part of it.
---@param n integer number of steps
---@param text string|nil what is being done; "training" if left out
---@return fun(): integer|nil
function P:training(n, text)
  run_of(self, "training")
  if not math.tointeger(n) or n < 0 then misuse("P:training: the number of steps is %s", tostring(n)) end
  text = text or "training"
  if type(text) ~= "string" then misuse("P:training: the second argument says what is done, it is a %s", type(text)) end
  local run = running(self)
  local function show(k) if run.main then run.progress:update(k, n, text) end end
  if not run.main then return checkpoint.plain_loop(n, show) end
  return run.checkpoint:loop(math.tointeger(n), text, show)
end

--- fn(...), done once: a run that goes on with --resume has its results, and what it changed, from the checkpoint.  For
--- what costs time and is no loop over P:training, such as an evaluation.
---@param name string
---@param fn function
---@return any ... the results of fn
function P:once(name, fn, ...)
  run_of(self, "once")
  if type(name) ~= "string" or type(fn) ~= "function" then misuse "P:once takes a name, a function and its arguments" end
  local run = running(self)
  if not run.main then return fn(...) end
  return run.checkpoint:once(name, fn, ...)
end

--- Independent runs: fn for the run's seed and those after it, as many as the setting `seeds` says.
---@param fn fun(seed: integer, i: integer): any
---@return table list fn's first results
function P:over_seeds(fn)
  local list = {}
  for i = 1, self.seeds do list[i] = fn(self.seed + i - 1, i) end
  return list
end

--- The loss of this step, for the live line: looked at only when the line is drawn.
---@param loss number|Tensor
function P:watch(loss)
  local run = running(self)
  if run.main then run.progress:watch(loss) end
end

--- Shows step i of n on a terminal.
---@param i integer
---@param n integer
---@param text string|nil what is being done
function P:progress(i, n, text)
  local run = runs[self]
  if run.main then run.progress:update(i, n, text) end
end

-- Of the text that has run; the file may be another by now.
local function script_sum(run)
  if context.text then return files.sha256(context.text) end
  return run.script and rp.io.sha256(run.script)
end

local function make_result(run, outcome)
  local counts = checks.count(run.checks)
  return {
    id = run.header.id, header = run.header, script = run.script, scale = context.scale, seed = context.seed,
    status = outcome.status, error = outcome.message, only = context.only, settings = run.settings,
    math = vendor_math(),
    verdict = outcome.status ~= "complete" and outcome.status or counts.fail > 0 and "fail" or "pass",
    counts = counts, checks = run.checks, outputs = run.outputs, directory = run.directory,
    hashes = { script = script_sum(run), log = rp.io.sha256(run.directory .. "/log.jsonl"),
               trace = trace.stop(),
               measured = checks.fingerprint(run.checks) },
    cost = { seconds = run.checkpoint:seconds(), peak_bytes = rp.memory().peak },
  }
end

--- Ends the run: writes the run directory and the report.  The command line calls it at the end of a script; a script
--- run by a plain lua5.4 calls it itself, and then the table of checks is printed.
---@param outcome table|nil {status = "complete"|"interrupted"|"error", message =}
---@return table result
function P:finish(outcome)
  local run = runs[self]
  if run.result or not run.main then return run.result end
  run.progress:clear()
  run.log:close()
  run.result = make_result(run, outcome or { status = "complete" })
  local written, message = pcall(require("repro.rundir").write, run.result, context)
  run.result.advice = run.checkpoint:finish(written and run.result.status or "interrupted")
  log.release()
  if not written then
    failure.raise("environment", "%s\n%s", failure.plain(message), run.result.advice or "the results are lost")
  end
  if not context.source then require("repro.report.terminal").print(run.result, io.stdout) end
  return run.result
end

--- Ends the process of a cell whose run was interrupted: what had ended is kept for the next time.
function paper.leave_cell()
  runs[current].checkpoint:finish "interrupted"
end

--- What a sweep needs to know of the run that it belongs to.
---@param name string of the sweep
---@return table {directory, seed, context, progress, done, report = function(output),
---  record = {scale, seed, math, settings, script_hash}}
function paper.sweep_run(name)
  if not current then misuse "rp.sweep: declare the paper first, with rp.paper{...}" end
  local run = runs[current]
  run.sweeps = run.sweeps or {}
  if run.sweeps[name] then misuse('rp.sweep: there is a sweep "%s" already', name) end
  run.sweeps[name] = true
  local line = select(2, script_lines())
  local source = context.text or run.script and files.read(run.script) or ""
  return { directory = run.home, spent = run.checkpoint.elapsed,
           seed = context.seed, context = context, progress = run.progress, done = paper.done,
           report = function(output) add_output(current, output) end,
           record = { scale = context.scale, seed = context.seed, math = context.math, settings = run.settings,
                      script_hash = require("repro.sweep.record").script_hash(source, line) } }
end

-- As `require`, but the module runs again.
local function plain_load(name)
  local kept = package.loaded[name]
  package.loaded[name] = nil
  local ok, value = pcall(require, name)
  package.loaded[name] = kept
  if not ok then error(value, 0) end
  return value
end

--- The functions of another paper, under other settings than its own, as --set gives them on the command line.  The paper's
--- script runs anew, so two settings can be had side by side.
---
---     local dcr = rp.paper.require("papers.dcr", {feature = 64, batch = 32})
---     local f, text = dcr.pretrain(1)
---
---@param name string module, as for require
---@param set table|nil setting -> value
---@return any value what the script returns where P.main is false
function paper.require(name, set)
  if type(name) ~= "string" or set ~= nil and type(set) ~= "table" then
    misuse 'paper.require takes a name and a table of settings, such as rp.paper.require("papers.dcr", {batch = 32})'
  end
  local pairs_of, outer = {}, imposed
  for i, key in ipairs(settings.names(set or {})) do pairs_of[i] = { key, settings.text(set[key]) } end
  imposed = pairs_of
  local ok, value = pcall(require("repro.sandbox").load_module or plain_load, name)
  local unused = imposed == pairs_of
  imposed = outer
  if not ok then error(value, 0) end
  if unused and #pairs_of > 0 then misuse("paper.require: %s declares no paper that would take settings", name) end
  return value
end

--- Sets the choices of the command line for the script that runs next.
---@param choices table {script, source (chunk name), scale, seed, set, only, plan, out, data, live, quiet, argv, trace,
---  checkpoint = interval from checkpoint.interval, resume}
function paper.start(choices)
  log.release()
  context, current, imposed = choices, nil, nil
  context.set = context.set or {}
end

---@return table|nil P of the script that is being run
function paper.current()
  return current
end

--- Removes the progress line, if one is shown, before something else is printed.
function paper.clear_progress()
  if current then runs[current].progress:clear() end
end

return setmetatable(paper, { __call = function(_, header) return declare(header) end })
