--- repro list: papers and experiments, read without running them, and the state of their claims at the last run.
local console = require "repro.cli.console"
local content = require "repro.report.content"
local failure = require "repro.failure"
local files = require "repro.files"
local json = require "repro.json"
local literate = require "repro.literate"
local progress = require "repro.progress"
local rundir = require "repro.rundir"
local scripts = require "repro.cli.scripts"
local settings = require "repro.settings"
local checks = require "repro.checks"

local list = {
  name = "list",
  usage = "[NAME...] [--json]",
  summary = "Shows papers and experiments, the state of their claims at the last run, and how long each scale took.",
  details = [[
With a NAME every check of that script is shown: where in the paper it stands, what the last run made of it, and its cost.
The last run is the one in runs/ID-SCALE-SEED with the default settings; small counts before paper and smoke.]],
  options = {
    { name = "json", help = "print JSON" },
  },
}

local preferred = { "small", "paper", "smoke" }

-- Runs with the default settings, by scale.
local function runs_of(document, id)
  local runs, hash = {}, files.sha256(document.source)
  for _, scale in ipairs(settings.scales) do
    local result = rundir.read(rundir.usual(id, scale))
    if result then
      runs[#runs + 1] = { scale = scale, verdict = result.verdict, status = result.status, counts = result.counts,
                          seconds = result.cost.seconds, peak_bytes = result.cost.peak_bytes, directory = result.directory,
                          stale = result.hashes.script ~= hash, checks = result.checks }
    end
  end
  return runs
end

-- The run whose verdicts are shown.
local function latest(runs)
  for _, scale in ipairs(preferred) do
    for _, run in ipairs(runs) do
      if run.scale == scale then return run end
    end
  end
  return nil
end

-- The checks of the script in its order; those that only a run knows, because their ids are computed, follow.
local function merge_checks(document, runs)
  local rows, by_id = literate.declared(document), {}
  for _, row in ipairs(rows) do by_id[row.id], row.runs = row, {} end
  for _, run in ipairs(runs) do
    for _, check in ipairs(run.checks) do
      local row = by_id[check.id]
      if not row then
        row = { id = check.id, kind = check.kind, runs = {} }
        by_id[check.id], rows[#rows + 1] = row, row
      end
      row.where, row.text, row.line = check.where or row.where, check.text or row.text, check.line
      row.runs[#row.runs + 1] = { scale = run.scale, status = check.status, seconds = check.cost }
    end
  end
  return rows
end

local function describe(path)
  local text = files.read(path)
  if not text then return nil end
  local document = literate.parse(text, path)
  local header = literate.header(document)
  if not (header and header.id) then return nil end
  local runs = runs_of(document, header.id)
  return { id = header.id, title = header.title, arxiv = header.arxiv, year = header.year, script = path,
           checks = merge_checks(document, runs), runs = runs, last = latest(runs) }
end

local function found()
  local list_of, seen = {}, {}
  for _, directory in ipairs(scripts.directories()) do
    for _, path in ipairs(scripts.list(directory)) do
      local paper = describe(path)
      if paper and not seen[paper.id] then
        seen[paper.id] = true
        list_of[#list_of + 1] = paper
      end
    end
  end
  return list_of
end

-- ---- as text -----------------------------------------------------------------------------------------------------

local styles = { pass = "32", fail = "31;1", ["not reproduced"] = "33", ["not pinned"] = "2", ["not run"] = "2", quoted = "2",
                 ["not seen"] = "2" }

local function paint(text, code, coloured)
  return coloured and ("\27[%sm%s\27[0m"):format(code, text) or text
end

local function state_of(row, scale)
  for _, run in ipairs(row.runs) do
    if run.scale == scale then return run.status, run.seconds end
  end
  return "not seen", nil
end

local function print_head(paper, coloured)
  local arxiv = paper.arxiv and ("  (arXiv:%s)"):format(paper.arxiv) or ""
  io.stdout:write(paint(paper.id, "1", coloured), "  ", paper.title or "", arxiv, "\n    ", paper.script, "\n")
  for _, run in ipairs(paper.runs) do
    io.stdout:write(("    %-6s %s: %s   %s, peak %s%s\n"):format(run.scale, run.verdict, checks.summary(run.counts),
      progress.duration(run.seconds), progress.bytes(run.peak_bytes), run.stale and "   (the script has changed since)" or ""))
  end
  if #paper.runs == 0 then io.stdout:write("    not run here yet\n") end
end

-- Words after a label, broken into lines of at most 100 characters.
local function print_words(label, words)
  local indent, line = (" "):rep(utf8.len(label)), label
  for _, word in ipairs(words) do
    if utf8.len(line) + utf8.len(word) + 1 > 100 then
      io.stdout:write(line, "\n")
      line = indent
    end
    line = line .. " " .. word
  end
  io.stdout:write(line, "\n")
end

local order = { "pass", "fail", "not reproduced", "not run", "not seen" }

-- The claims by state: only their ids.
local function print_claims(paper)
  local by_state = {}
  for _, row in ipairs(paper.checks) do
    if row.kind == "claim" or row.kind == "not_run" then
      local state = paper.last and state_of(row, paper.last.scale) or "not seen"
      by_state[state] = by_state[state] or {}
      table.insert(by_state[state], row.id)
    end
  end
  for _, state in ipairs(order) do
    if by_state[state] then
      print_words(("    %s %-14s"):format(content.marks[state] or " ", state == "not seen" and "claims" or state), by_state[state])
    end
  end
end

local function pad(text, width) return text .. (" "):rep(math.max(0, width - utf8.len(text))) end

local function print_checks(paper, coloured)
  local width = { id = 4, where = 0 }
  for _, row in ipairs(paper.checks) do
    width.id, width.where = math.max(width.id, utf8.len(row.id)), math.max(width.where, utf8.len(row.where or ""))
  end
  for _, row in ipairs(paper.checks) do
    local state, seconds = "not seen", nil
    if paper.last then state, seconds = state_of(row, paper.last.scale) end
    local mark = pad(state == "not seen" and "  " .. content.kinds[row.kind] or content.marks[state] .. " " .. state, 16)
    local cost = seconds and progress.duration(seconds) or ""
    local line = table.concat({ paint(mark, styles[state], coloured), pad(row.id, width.id), pad(row.where or "", width.where),
                                pad(cost, 9), row.text or "" }, "  ")
    io.stdout:write("    ", (line:gsub("%s+$", "")), "\n")
  end
end

-- ---- as JSON -----------------------------------------------------------------------------------------------------

local function plain(paper)
  local runs = {}
  for i, run in ipairs(paper.runs) do
    runs[i] = { scale = run.scale, verdict = run.verdict, status = run.status, counts = run.counts, seconds = run.seconds,
                peak_bytes = run.peak_bytes, directory = run.directory, stale = run.stale }
  end
  return { id = paper.id, title = paper.title, arxiv = paper.arxiv, year = paper.year, script = paper.script,
           checks = paper.checks, runs = runs }
end

local function chosen(names)
  local papers = found()
  if #names == 0 then return papers end
  local picked = {}
  for i, name in ipairs(names) do
    for _, paper in ipairs(papers) do
      if paper.id == name or paper.script == name then picked[i] = paper end
    end
    picked[i] = picked[i] or describe(scripts.find(name)) or failure.raise("usage", "list: %s declares no paper", name)
  end
  return picked
end

--- Runs the command.
---@return integer code
function list.run(given, rest)
  local papers = chosen(rest)
  if given.json then
    for i, paper in ipairs(papers) do papers[i] = plain(paper) end
    io.stdout:write(json.encode(papers), "\n")
    return 0
  end
  local coloured = console.has_colour(1)
  for i, paper in ipairs(papers) do
    if i > 1 then io.stdout:write "\n" end
    print_head(paper, coloured)
    if #rest > 0 then print_checks(paper, coloured) else print_claims(paper) end
  end
  if #papers == 0 then io.stdout:write("no papers here; repro new NAME makes one\n") end
  return 0
end

return list
