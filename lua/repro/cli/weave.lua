--- repro weave: a script as a page to read.
local failure = require "repro.failure"
local options = require "repro.cli.options"
local rundir = require "repro.rundir"
local scripts = require "repro.cli.scripts"
local weaver = require "repro.weave"

local weave = {
  name = "weave",
  usage = "SCRIPT [-o FILE.html|FILE.md] [--run DIR]",
  summary = "Makes a script into one page: prose, typeset mathematics, highlighted code, and the numbers of its last run.",
  options = {
    { name = "out", short = "o", value = "FILE", help = "the page, .html or .md; otherwise SCRIPT's name with .html" },
    { name = "run", value = "DIR", help = "the run whose numbers are shown; otherwise the latest usual one" },
  },
}

--- Runs the command.
---@return integer code
function weave.run(given, rest)
  options.expect(weave, rest, 1, 1)
  local path = scripts.find(rest[1])
  local target = given.out or path:match "([^/]+)%.lua$" .. ".html"
  if not (target:find "%.html?$" or target:find "%.md$") then
    failure.raise("usage", "weave: %s: the page's name ends in .html or .md", target)
  end
  local result, message
  if given.run then
    result, message = rundir.read(given.run)
    if not result then failure.raise("usage", "%s", message) end
  end
  result = weaver.write(path, target, result)
  io.stdout:write(target, result and ("  (numbers from %s)"):format(result.directory) or "  (not run yet)", "\n")
  return 0
end

return weave
