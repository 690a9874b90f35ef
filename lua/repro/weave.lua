--- A script as a page to read, with the numbers of its latest run where there is one.
---
---     rp.weave("papers/dcr.lua", "dcr.html")
local failure = require "repro.failure"
local files = require "repro.files"
local literate = require "repro.literate"
local report = require "repro.report"
local rundir = require "repro.rundir"

local weave = {}

--- The result of the latest run of a script with its default settings.
---@param document table
---@param scale string|nil if left out, the first of small, paper, smoke that has been run
---@return table|nil result
function weave.latest(document, scale)
  local header = literate.header(document)
  if not (header and header.id) then return nil end
  for _, candidate in ipairs(scale and { scale } or { "small", "paper", "smoke" }) do
    local result = rundir.read(rundir.usual(header.id, candidate))
    if result then return result end
  end
  return nil
end

-- The run directory as seen from the page.
local function prefix(target, result)
  if not result or result.directory:sub(1, 1) == "/" then return result and result.directory .. "/" end
  local place = files.directory(target)
  if place == "." then return result.directory .. "/" end
  if place:sub(1, 1) == "/" or place:find("..", 1, true) then return nil end
  local _, depth = place:gsub("[^/]+", "")
  return ("../"):rep(depth) .. result.directory .. "/"
end

--- Writes the page of a script.
---@param script string path
---@param target string path ending in .html or .md
---@param result table|nil the run whose numbers are shown; if left out, the latest
---@return table|nil result that was shown
function weave.write(script, target, result)
  local source, message = files.read(script)
  if not source then failure.raise("usage", "%s", message) end
  local document = literate.parse(source, script)
  result = result or weave.latest(document)
  local is_markdown = target:lower():find "%.md$"
  files.write(target, is_markdown and report.markdown(document, result, prefix(target, result))
    or report.html(document, result))
  return result
end

return setmetatable(weave, { __call = function(_, script, target) return weave.write(script, target) end })
