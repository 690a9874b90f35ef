--- A sweep: one function run for every combination of settings and every seed, each in a process of its own.
local rp = require "repro"
local failure = require "repro.failure"
local files = require "repro.files"
local grid = require "repro.sweep.grid"
local misuse = require "repro.misuse"
local nearest = require "repro.nearest"
local record = require "repro.sweep.record"
local summary = require "repro.sweep.summary"
local texts = require "repro.sweep.texts"
local workers = require "repro.sweep.workers"

local known = { "name", "grid", "list", "seeds", "run", "allow_failures" }

local function check_options(options)
  if type(options) ~= "table" then misuse "rp.sweep takes a table such as {name = ..., grid = ..., run = ...}" end
  for key in next, options do
    local found = false
    for _, name in ipairs(known) do found = found or key == name end
    if not found then misuse("rp.sweep: unknown option %s%s", tostring(key), nearest.hint(tostring(key), known)) end
  end
  if type(options.name) ~= "string" or not options.name:find "^[%w._-]+$" then
    misuse "rp.sweep: name is a word of letters, digits, '.', '_' and '-'"
  end
  if type(options.run) ~= "function" then misuse "rp.sweep: run is a function of a cell" end
end

-- ---- one cell ------------------------------------------------------------------------------------------------------

local function plain(value, path)
  local checks = require "repro.checks"
  value = checks.plain(value)
  local kind = type(value)
  if kind == "table" then
    local list = {}
    for key, item in next, value do
      if type(key) ~= "string" and math.type(key) ~= "integer" then misuse("rp.sweep: %s: a key is a %s", path, type(key)) end
      list[key] = plain(item, path .. "." .. tostring(key))
    end
    return list
  end
  if kind ~= "number" and kind ~= "string" and kind ~= "boolean" then
    misuse("rp.sweep: a cell's result holds numbers, strings, truth values and tables of them; %s is a %s", path, kind)
  end
  return value
end

local function argument_of(cell)
  local argument = { seed = cell.seed }
  for name, value in next, cell.values do argument[name] = value end
  return argument
end

local function run_cell(self, cell)
  rp.seed(cell.seed)
  require("repro.sandbox").reseed(cell.seed)
  local started = rp.clock()
  local result = self.options.run(argument_of(cell))
  if type(result) ~= "table" then
    misuse("rp.sweep %s: run must return a table of what it measured, not a %s", self.name, type(result))
  end
  result = plain(result, "result")
  texts.check()
  record.write(self:path(cell), self.name, cell, record.parts(self.run_record, cell), result,
    { seconds = math.floor((self.spent + rp.clock() - started) * 1e6) / 1e6, peak_bytes = rp.memory().peak })
  pcall(require("repro.resume.store").remove, files.directory(self:path(cell)))  -- a long training has left checkpoints
end

-- ---- all of them ---------------------------------------------------------------------------------------------------

local methods = {}

function methods:path(cell)
  return files.join(self.home, self.name, cell.name, "cell.json")
end

-- Reads what is finished; gives the cells that must be run, each with the reason.
local function load_finished(self)
  local missing = {}
  for _, cell in ipairs(self.cell_list) do
    local saved, reason = record.load(self:path(cell), record.parts(self.run_record, cell))
    cell.result, cell.cost, cell.sha256, cell.reason = saved and saved.result, saved and saved.cost, saved and saved.sha256, reason
    if not saved then missing[#missing + 1] = cell
    elseif saved.math then rp.core.cuda_math_used(saved.math) end -- and so is the run
  end
  return missing
end

local function words_of(self, cell, threads, sum)
  local context = self.context
  local words = { rp.core.process.self(), "run", context.script, "--scale", context.scale, "--seed", tostring(context.seed),
                  "--threads", tostring(threads), "-q", "-o", self.directory,
                  "--cell", self.name .. "/" .. cell.name, "--texts", sum }
  local function add(...) table.move({ ... }, 1, select("#", ...), #words + 1, words) end
  for _, pair in ipairs(context.set or {}) do add("--set", pair[1] .. "=" .. pair[2]) end
  for _, word in ipairs(context.cell_options or {}) do add(word) end
  if context.data then add("--data", context.data) end
  return words
end

local function run_processes(self, missing)
  local jobs, threads = workers.share(self.context.jobs or 1, self.context.threads, #missing)
  self.say(("sweep %s: %d cells, %d finished before, %d to run, %d at once with %d thread%s each"):format(self.name,
    #self.cell_list, #self.cell_list - #missing, #missing, jobs, threads, threads == 1 and "" or "s"))
  local tasks, sum = {}, texts.write(self.directory, self.name)
  for i, cell in ipairs(missing) do
    local output = files.join(files.directory(self:path(cell)), "output.txt")
    tasks[i] = { words = words_of(self, cell, threads, sum), output = output, cell = cell }
  end
  local _ <close> = setmetatable({}, { __close = function() texts.remove(self.directory, self.name) end })
  local failed = workers.run(tasks, { jobs = jobs, go_on = texts.are_whole, progress = function(done, total)
    if self.progress then self.progress:update(done, total, "cells of " .. self.name) end
  end })
  if #failed > 0 and not texts.are_whole() then
    failure.raise("environment", "sweep %s: the Lua files of repro were replaced while it ran, after %d of %d cells; run it again",
      self.name, #self.cell_list - #load_finished(self), #self.cell_list)
  end
  return failed
end

local function explain(self, missing)
  for _, cell in ipairs(missing) do self.say(("  %s: %s"):format(cell.name, cell.reason)) end
end

local function hash_of(cells)
  local lines = {}
  for i, cell in ipairs(cells) do lines[i] = cell.text .. " " .. (cell.sha256 or "failed") end
  return files.sha256(table.concat(lines, "\n") .. "\n")
end

local function complete(self)
  local missing = load_finished(self)
  if self.context.cell and #missing > 0 then
    failure.raise("usage", "sweep %s: %s is not finished (%s), and a later cell needs it; run the whole script", self.name,
      missing[1].name, missing[1].reason)
  end
  if #missing > 0 then
    local failed = {}
    if self.context.explain then explain(self, missing) end
    if self.in_process then
      for _, cell in ipairs(missing) do run_cell(self, cell) end
    else
      failed = run_processes(self, missing)
    end
    local left = load_finished(self)
    if #failed > 0 and not self.options.allow_failures then workers.refuse(self.name, failed, #self.cell_list) end
    if #left > #failed then
      failure.raise("usage", "sweep %s: %s was run and still does not count: %s", self.name, left[1].name, left[1].reason)
    end
    self.failed = failed
  elseif self.context.explain then
    self.say(("sweep %s: all %d cells are finished and nothing they depend on has changed"):format(self.name, #self.cell_list))
  end
  self.finished = true
  self.report { type = "sweep", name = self.name, cells = #self.cell_list, sha256 = hash_of(self.cell_list),
                text = ("Sweep *%s*: %d cells%s."):format(self.name, #self.cell_list,
                  #self.failed > 0 and (", of which %d failed"):format(#self.failed) or "") }
end

local function cells_of(self)
  if not self.finished then complete(self) end
  return self.cell_list
end

--- What P:table takes: the settings, then each metric as its mean over the seeds and, of several, its range.
---@param metrics table names, or {"nmi", label = "NMI", format = "%.2f"}
---@return table {header, rows}
function methods:table(metrics)
  return summary.table(cells_of(self), self.names, metrics)
end

--- A figure for P:figure: means over the seeds as lines, their range as a band.
---@param options table {x = setting, y = metric or list, xscale =, yscale =, xlabel =, ylabel =, title =, width =, height =,
---  draw = function(axes) that adds to it}
---@return table figure
function methods:plot(options)
  return summary.plot(cells_of(self), self.names, options)
end

--- One number a seed: a metric of the cells with given values, in the order of the cells.
---@param metric string
---@param where table|nil setting -> value
---@return number[]
function methods:values(metric, where)
  return summary.values(cells_of(self), metric, where)
end

--- What a table shows of it: "mean (least to greatest)" over the seeds.
---@param metric string "nmi", or "dcr.nmi" where a cell's result holds tables
---@param where table|nil setting -> value
---@param form string|nil format of a number, default "%.3f"
---@return string
function methods:text(metric, where, form)
  return summary.text(cells_of(self), metric, where, form)
end

--- The mean over seeds of a metric of the cells with given values.
---@param metric string
---@param where table|nil setting -> value
---@return number
function methods:mean(metric, where)
  local list, sum = self:values(metric, where), 0
  if #list == 0 then misuse("sweep %s: no cell has these values", self.name) end
  for _, x in ipairs(list) do sum = sum + x end
  return sum / #list
end

--- All cells, in order.
---@return table cells array of {values = setting -> value, seed, result, cost = {seconds, peak_bytes}}
function methods:cells()
  local list = {}
  for i, cell in ipairs(cells_of(self)) do
    list[i] = { name = cell.name, values = cell.values, seed = cell.seed, result = cell.result, cost = cell.cost }
  end
  return list
end

-- In the process of one cell: runs it, if it is of this sweep.
local function run_if_asked(self)
  local asked = self.context.cell
  local name, cell_name = (asked or ""):match "^([^/]+)/(.+)$"
  if name ~= self.name then return end
  local names = {}
  for i, cell in ipairs(self.cell_list) do
    if cell.name == cell_name then
      run_cell(self, cell)
      self.context.cell_done = self:path(cell)
      error(self.done, 0)
    end
    names[i] = cell.name
  end
  failure.raise("usage", "sweep %s has no cell %s%s", self.name, cell_name, nearest.hint(cell_name, names))
end

--- Runs a function for every combination of settings and every seed, each in a process of its own.
---
---     local sweep = rp.sweep{
---       name = "weights",
---       grid = {lambda = {0.1, 1, 10}, loss = {"naive", "dcr"}},     -- every combination; or list = {{lambda = 1}, ...}
---       seeds = 3,                                                   -- from the run's seed upwards; or {1, 2, 7}
---       run = function(cell) return {nmi = ..., mmvp = ...} end,     -- cell.lambda, cell.loss, cell.seed
---     }
---     P:table("Table 1", sweep:table{"nmi", "mmvp"})
---     P:figure("Figure 1", sweep:plot{x = "lambda", y = "nmi", xscale = "log"})
---
--- The cells are run when their results are first asked for: `repro run --jobs N` runs N at once.  A cell's process runs the
--- script up to the sweep and then the cell alone, after rp.seed(cell.seed), so its bits are the same alone and in company.
--- A finished cell lies in RUN/cells/NAME/CELL/cell.json and is not run again while the code up to the sweep, the modules and
--- data it read, its settings and the program are the same (repro.sweep.record); `--explain` says which of them changed.
--- A cell that was stopped in P:training or P:once goes on where it was, without --resume.
---@param options table {name, grid or list, seeds, run, allow_failures = true leaves failed cells out of the results}
---@return table sweep with the methods table, plot, values, mean, cells
local function sweep(options)
  check_options(options)
  local run = require("repro.paper").sweep_run(options.name)
  local cells, names = grid.cells(options, run.seed)
  local function say(line)
    if run.context.explain or not run.context.quiet then io.stderr:write(line, "\n") end
  end
  local self = setmetatable({
    name = options.name, options = options, cell_list = cells, names = names, failed = {}, say = say, done = run.done,
    directory = run.directory, home = files.join(run.directory, "cells"), context = run.context, progress = run.progress,
    report = run.report, in_process = not (run.context.source and rp.core.process.self()), run_record = run.record,
    spent = run.spent,
  }, { __index = methods })
  run_if_asked(self)
  return self
end

return sweep
