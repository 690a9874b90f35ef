--- repro list: the papers, read without running them, and their state from the last run.
local console = require "repro.cli.console"
local files = require "repro.files"
local json = require "repro.json"
local literate = require "repro.literate"
local options = require "repro.cli.options"
local progress = require "repro.progress"
local rundir = require "repro.rundir"
local scripts = require "repro.cli.scripts"
local settings = require "repro.settings"
local checks = require "repro.checks"

local list = {
  name = "list",
  usage = "[--json]",
  summary = "Shows the papers, how many checks each makes, and how each scale stood at its last run.",
  options = {
    { name = "json", help = "print JSON" },
  },
}

local function count_kinds(document)
  local counts = { exact = 0, pinned = 0, claim = 0, quoted = 0, not_run = 0 }
  for _, call in ipairs((literate.checks(document))) do counts[call.kind] = counts[call.kind] + 1 end
  return counts
end

local function runs_of(id)
  local runs = {}
  for _, scale in ipairs(settings.scales) do
    local result = rundir.read(rundir.usual(id, scale))
    if result then
      runs[#runs + 1] = { scale = scale, verdict = result.verdict, counts = result.counts, seconds = result.cost.seconds,
                          directory = result.directory }
    end
  end
  return runs
end

local function describe(path)
  local text = files.read(path)
  if not text then return nil end
  local document = literate.parse(text, path)
  local header = literate.header(document)
  if not (header and header.id) then return nil end
  return { id = header.id, title = header.title, arxiv = header.arxiv, year = header.year, script = path,
           checks = count_kinds(document), runs = runs_of(header.id) }
end

local function papers()
  local found, seen = {}, {}
  for _, directory in ipairs(scripts.directories()) do
    for _, path in ipairs(scripts.list(directory)) do
      local paper = describe(path)
      if paper and not seen[paper.id] then
        seen[paper.id] = true
        found[#found + 1] = paper
      end
    end
  end
  return found
end

local plurals = { { "exact", "exact" }, { "pinned", "pinned" }, { "claim", "claims" }, { "quoted", "quoted" },
                  { "not_run", "not run" } }

local function print_paper(paper, bold, plain)
  local words = {}
  for _, pair in ipairs(plurals) do
    if paper.checks[pair[1]] > 0 then words[#words + 1] = paper.checks[pair[1]] .. " " .. pair[2] end
  end
  io.stdout:write(("%s%s%s  %s%s\n"):format(bold, paper.id, plain, paper.title or "", paper.arxiv and
    ("  (arXiv:%s)"):format(paper.arxiv) or ""))
  io.stdout:write("    ", paper.script, "   checks: ", #words > 0 and table.concat(words, ", ") or "none", "\n")
  for _, run in ipairs(paper.runs) do
    io.stdout:write(("    %-6s %s: %s   %s\n"):format(run.scale, run.verdict, checks.summary(run.counts),
      progress.duration(run.seconds)))
  end
  if #paper.runs == 0 then io.stdout:write("    not run here yet\n") end
end

--- Runs the command.
---@return integer code
function list.run(given, rest)
  options.expect(list, rest, 0, 0)
  local found = papers()
  if given.json then
    io.stdout:write(json.encode(found), "\n")
    return 0
  end
  local bold, plain = "", ""
  if console.has_colour(1) then bold, plain = "\27[1m", "\27[0m" end
  for i, paper in ipairs(found) do
    if i > 1 then io.stdout:write "\n" end
    print_paper(paper, bold, plain)
  end
  if #found == 0 then io.stdout:write("no papers here; repro new NAME makes one\n") end
  return 0
end

return list
