--- repro run: runs a script, checks its numbers, writes its report.
local rp = require "repro"
local console = require "repro.cli.console"
local failure = require "repro.failure"
local files = require "repro.files"
local inputs = require "repro.inputs"
local guard = require "repro.cli.guard"
local json = require "repro.json"
local literate = require "repro.literate"
local nearest = require "repro.nearest"
local only = require "repro.only"
local options = require "repro.cli.options"
local sandbox = require "repro.sandbox"
local scripts = require "repro.cli.scripts"
local settings = require "repro.settings"

local run = {
  name = "run",
  usage = "SCRIPT [options]",
  summary = "Runs a paper's script, checks every number, and writes a report.",
  details = [[
SCRIPT is a path or the name of a paper (repro list).  The results go to runs/ID-SCALE-SEED: report.html,
report.md, result.json, log.jsonl, figures, provenance.json, ro-crate-metadata.json.  Exit status: 0 all checks
pass, 1 a check failed, 2 usage or script error, 3 unsuitable environment, 4 data missing, 5 interrupted.
A run that was interrupted or killed goes on with the same command and --resume: loops over P:training and calls of P:once
that had ended are skipped, and the results are those of a run straight through.  Ctrl-C finishes the step in progress first.

The script runs in a sandbox: it reads its own folder and that of --data, writes the run directory, and starts no
programs; --trust lifts this.]],
  options = {
    { name = "scale", value = "S", choices = settings.scales, default = "small",
      help = "smoke: seconds; small: minutes on two cores; paper: the authors' configuration" },
    { name = "seed", value = "N", integer = 0, default = 1, help = "seed of all random numbers" },
    { name = "set", value = "KEY=VALUE", many = true, help = "change a setting of the script" },
    { name = "only", value = "ID", help = "run what this check, figure or table needs, and leave out the others" },
    { name = "data", value = "DIR", help = "where real data lies; otherwise REPRO_DATA" },
    { name = "out", short = "o", value = "DIR", help = "where the results go" },
    { name = "threads", value = "N", integer = 1, help = "worker threads (default: all cores); the bits do not depend on it" },
    { name = "device", value = "D", choices = { "auto", "cpu", "cuda" }, prefix = true, default = "cpu",
      help = "where tensors live: the bits are the same; auto: on a GPU if there is one" },
    { name = "math", value = "M", choices = { "exact", "fast", "tf32", "bf16" }, default = "exact",
      help = "exact: the same bits everywhere; on a GPU also fast: products by cuBLAS, random numbers by cuRAND; tf32 or bf16: "
        .. "and factors rounded to 10 or 7 bits; never compared with pinned numbers" },
    { name = "trace", help = "write hashes of loss, gradients and parameters at every step, for repro diff" },
    { name = "trace-keep", value = "STEPS",
      help = "trace, and keep the tensors of these steps: 37, 1,10-20, or /100 for every hundredth" },
    { name = "jobs", short = "j", value = "N", integer = 1, default = 1,
      help = "cells of a sweep run at once; the cores are shared among them" },
    { name = "explain", help = "say why each cell of a sweep is run again" },
    { name = "cell", value = "SWEEP/CELL", help = "run one cell of a sweep alone and print what it measured" },
    { name = "texts", value = "SHA-256", hidden = true, help = "the texts that a cell of a sweep is given: sweep/texts.lua" },
    { name = "junit", value = "FILE", help = "write the checks as JUnit XML too" },
    { name = "tap", value = "FILE", help = "write the checks as TAP 14 too" },
    { name = "resume", help = "go on with a run that was interrupted or killed, from its last checkpoint" },
    { name = "checkpoint-every", value = "T", default = "60s",
      help = "how often: a time (90s, 5min), a number of steps (100), or never" },
    { name = "json", help = "print result.json instead of the table" },
    { name = "quiet", short = "q", help = "no progress, only the verdict" },
  },
}
for _, row in ipairs(guard.options) do table.insert(run.options, row) end

local function check_environment(given)
  if given.device == "auto" then
    local name, why = require("repro.device").automatic()
    if not (given.quiet or given.cell) then io.stderr:write(("--device auto: %s (%s)\n"):format(name, why)) end
    given.device = name
  elseif given.device:find "^cuda" then
    local ok, message = pcall(rp.device, given.device)
    if not ok then failure.raise("environment", "--device %s: %s", given.device, (message:gsub("^[^:]*:%d+: ", ""))) end
  end
  if given.math ~= "exact" and not given.device:find "^cuda" then
    failure.raise("environment", "--math %s: vendor libraries compute on a GPU; add --device cuda, or leave --math out", given.math)
  end
  local ok, message = rp.core.cuda_math(given.math)
  if not ok then failure.raise("environment", "--math %s: %s", given.math, message) end
  if message and not given.quiet and not given.cell then io.stderr:write(("--math %s: %s\n"):format(given.math, message)) end
  rp.core.cuda_math_used "exact"                           -- of this run; another may have run in this process
  if given.threads then rp.threads(given.threads) end
end

local function split_settings(list)
  local pairs_list = {}
  for i, text in ipairs(list or {}) do
    local name, value = text:match "^([^=]+)=(.*)$"
    if not name then failure.raise("usage", "run: --set %s: expected KEY=VALUE", text) end
    pairs_list[i] = { name, value }
  end
  return pairs_list
end

-- What --only leaves of the script; refuses an id that nothing in it can have.
local function plan_only(document, asked, quiet)
  if not asked then return nil end
  local plan = only.plan(document, asked)
  if next(plan.ids) == nil and not plan.open then
    local ids = {}
    for _, call in ipairs((literate.calls(document))) do ids[#ids + 1] = call.id end
    failure.raise("usage", "run: --only %s: the script has no such check, figure or table%s", asked, nearest.hint(asked, ids))
  end
  if not quiet then
    local stay = #plan.kept > 0 and (", those in lines %s are parts of expressions and stay"):format(table.concat(plan.kept, ", "))
    io.stderr:write(("--only %s: %d other checks, figures, tables and notes left out%s; the code between runs\n"):format(asked,
      plan.left_out, stay or ""))
  end
  return plan
end

local function trace_choice(given)
  local steps = given["trace-keep"]
  if not steps then return given.trace and {} or nil end
  local keep = require("repro.trace").steps(steps)
  if not keep then
    failure.raise("usage", "run: --trace-keep %s: expected steps such as 37, 1,10-20 or /100 (every hundredth)", steps)
  end
  return { keep = keep }
end

local function checkpoint_interval(given)
  local text = given["checkpoint-every"]
  local interval = require("repro.checkpoint").interval(text)
  if not interval then
    failure.raise("usage", "run: --checkpoint-every %s: expected a time such as 90s or 5min, a number of steps such as 100, "
      .. "or never", text)
  end
  if given.resume and (given.trace or given["trace-keep"]) then
    failure.raise("usage", "run: --resume --trace: a trace has every step from the first; leave out one of the two")
  end
  return interval
end

local function start(path, document, given, argv, plan)
  local choices = {
    script = path, source = "@" .. path, text = document.source, scale = given.scale, seed = given.seed,
    set = split_settings(given.set), only = given.only, plan = plan, out = given.out, argv = argv,
    jobs = given.jobs, threads = given.threads, explain = given.explain, cell = given.cell,
    cell_options = { "--device", given.device, "--math", given.math, "--checkpoint-every", given["checkpoint-every"],
                     table.unpack(given.trust and { "--trust" } or {}) },
    junit = given.junit, tap = given.tap, device = given.device, math = given.math,
    data = given.data or os.getenv "REPRO_DATA", live = not given.quiet and console.can_animate(2),
    trace = trace_choice(given), checkpoint = checkpoint_interval(given), resume = given.resume,
  }
  choices.data_folder = require("repro.data.files").folder(choices.data)
  require("repro.provenance").look(document.source:find("sweep", 1, true) ~= nil)
  inputs.note("script", path, rp.io.sha256_text(document.source))
  require("repro.paper").start(choices)
  rp.seed(given.seed)
  return choices
end

local function show(result, given)
  if given.json then
    io.stdout:write(require("repro.rundir").encode(result))
    return
  end
  local terminal = require "repro.report.terminal"
  if given.quiet then
    io.stdout:write(terminal.verdict(result), "\n")
  else
    terminal.print(result, io.stdout, console.has_colour(1))
  end
end

-- The end of a process that runs one cell: it leaves cell.json alone.
local function show_cell(context, problem, given)
  if problem then
    if problem.kind == "interrupted" then require("repro.paper").leave_cell() end
    error(problem, 0)
  end
  if not context.cell_done then
    failure.raise("usage", "run: --cell %s: the script came to its end without such a cell", given.cell)
  end
  local saved = rp.io.json_decode((assert(files.read(context.cell_done))))
  io.stdout:write(json.line(saved.result), "\n")
  return 0
end

local statuses = { interrupted = "interrupted" }

-- Ends the paper, if the script declared one, and gives the exit code.
local function finish(paper, problem, given, context)
  local P = paper.current()
  if not P then
    if problem then error(problem, 0) end
    if given.set then failure.raise("usage", "run: --set: the script declares no settings (it has no rp.paper)") end
    if given.trace or given["trace-keep"] then
      failure.raise("usage", "run: --trace: the script has no run directory (it has no rp.paper)")
    end
    return 0
  end
  if given.cell then return show_cell(context, problem, given) end
  local outcome = { status = "complete" }
  if problem then outcome = { status = statuses[problem.kind] or "error", message = problem.message } end
  local written, result = pcall(P.finish, P, outcome)
  if not written then
    if not problem then error(result, 0) end
    problem.message = problem.message .. "\n" .. tostring(result)
    error(problem, 0)
  end
  if problem then
    if problem.kind == "interrupted" then
      problem.message = ("%s\npartial results are in %s\n%s"):format(problem.message, result.directory, result.advice or "")
    end
    error(problem, 0)
  end
  if given.only and #result.outputs == 0 then
    failure.raise("usage", "run: --only %s: the script made no such check, figure or table", given.only)
  end
  show(result, given)
  return result.counts.fail > 0 and 1 or 0
end

-- Prose that was not closed swallows code up to the next ]], and what is missing then is said far from there.
local function note_open_prose(document, path)
  for _, block in ipairs(document.blocks) do
    local before = block.kind == "prose" and block.text:match "^(.-\n)%-%-%[%["
    if before then
      io.stderr:write(("note: %s:%d: the prose that begins here has another --[[ in line %d; is a ]] missing?\n"):format(path,
        block.first, block.first + select(2, before:gsub("\n", ""))))
    end
  end
end

--- Runs the command.
---@param given table options
---@param rest string[]
---@param argv string[] the whole command line, for the record
---@return integer code
function run.run(given, rest, argv)
  options.expect(run, rest, 1, 1)
  check_environment(given)
  local path = scripts.find(rest[1])
  inputs.start(given.cell and given.texts and require("repro.sweep.texts").read(given))
  local text = inputs.text(path) or failure.raise("environment", "%s", select(2, inputs.text(path)))
  local document = literate.parse(text, path)
  if given.cell and not given.cell:find "^[^/]+/[^/]+$" then
    failure.raise("usage", "run: --cell %s: expected SWEEP/CELL, such as weights/lambda=1,seed=1", given.cell)
  end
  if not given.cell then note_open_prose(document, path) end
  local plan = plan_only(document, given.only, given.quiet)
  local context = start(path, document, given, argv, plan)
  local paper = require "repro.paper"
  sandbox.before_print = paper.clear_progress
  local out = given.json and io.stderr or io.stdout
  local guarded = guard.start(given, path, text, context.data_folder)
  context.sandbox = guarded.record
  local done, code = pcall(function()
    local problem = scripts.run(path, plan and plan.text or text, { seed = given.seed, out = out, guard = guarded })
    return finish(paper, problem, given, context)
  end)
  guarded.leave()
  if not done then error(code, 0) end
  return code
end

return run
