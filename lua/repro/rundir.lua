--- The run directory: result.json, provenance.json, ro-crate-metadata.json, log.jsonl, figures/, report.md, report.html.
---
--- With SOURCE_DATE_EPOCH set, two runs of one script with equal choices on one machine give the same bytes, apart from
--- what they cost: in result.json `cost.seconds`, `cost.peak_bytes` and each check's `cost`; in report.html and report.md
--- the same numbers; in each cell.json of a sweep its `cost`.  No other file differs.
local rp = require "repro"
local files = require "repro.files"
local json = require "repro.json"
local literate = require "repro.literate"
local provenance = require "repro.provenance"

local rundir = {}

--- Version of the layout of result.json, described in docs/result.schema.json.
rundir.schema = "repro-result/1"

local function ordered(keys)
  return function(row)
    local list = {}
    for i, key in ipairs(keys) do list[i] = { key, row[key] } end
    return json.object(list)
  end
end

local check_object = ordered { "id", "kind", "status", "where", "text", "expected", "measured", "shown", "tolerance",
                               "difference", "gate", "note", "line", "cost" }
local setting_object = ordered { "name", "value", "default", "changed", "help" }
local output_object = ordered { "type", "id", "name", "path", "sha256", "content", "header", "rows", "text", "caption",
                                "cells", "line" }
local count_object = ordered { "pass", "fail", "not_reproduced", "not_pinned", "not_run", "quoted" }
local header_object = ordered { "id", "title", "authors", "arxiv", "url", "year", "summary" }
local hash_object = ordered { "measured", "log", "script", "trace" }
local cost_object = ordered { "seconds", "peak_bytes" }

local function map(list, make)
  local result = {}
  for i, row in ipairs(list) do result[i] = make(row) end
  return result
end

--- The text of result.json.
---@param result table
---@return string
function rundir.encode(result)
  return json.encode(json.object {
    { "schema", rundir.schema }, { "id", result.id }, { "paper", header_object(result.header) },
    { "script", result.script }, { "scale", result.scale }, { "seed", result.seed }, { "status", result.status },
    { "error", result.error }, { "only", result.only }, { "math", result.math }, { "verdict", result.verdict },
    { "counts", count_object(result.counts) }, { "checks", map(result.checks, check_object) },
    { "settings", map(result.settings, setting_object) }, { "outputs", map(result.outputs, output_object) },
    { "hashes", hash_object(result.hashes) }, { "cost", cost_object(result.cost) },
  }) .. "\n"
end

-- The script's text as a document; an empty one for a run without a script of its own.
local function document_of(result, context)
  local source = context.text or result.script and files.read(result.script) or ""
  return literate.parse(source, result.script or "script")
end

--- Writes everything that a run leaves behind.
---@param result table from P:finish
---@param context table the choices of the command line
function rundir.write(result, context)
  local report = require "repro.report"
  local function save(name, text) files.write(files.join(result.directory, name), text) end
  local date = provenance.date()
  save("provenance.json", provenance.encode(result, context, date))
  local document = document_of(result, context)
  save("report.md", report.markdown(document, result))
  save("report.html", report.html(document, result))
  save("result.json", rundir.encode(result))
  require("repro.crate").write(result, date)
  if context.junit then files.write(context.junit, require("repro.report.junit").encode(result)) end
  if context.tap then files.write(context.tap, require("repro.report.tap").encode(result)) end
end

--- The result of an earlier run.
---@param directory string
---@return table|nil result as rundir.write got it; nil if there is none
---@return string|nil message why not
function rundir.read(directory)
  local text = files.read(files.join(directory, "result.json"))
  if not text then return nil, "no result.json in " .. directory end
  local ok, result = pcall(rp.io.json_decode, text)
  if not ok then return nil, ("%s/result.json: %s"):format(directory, result) end
  if type(result) ~= "table" or result.schema ~= rundir.schema then
    return nil, ("%s/result.json: its schema is %s, not %s"):format(directory,
      tostring(type(result) == "table" and result.schema), rundir.schema)
  end
  result.header, result.directory = result.paper, directory
  return result
end

--- The usual directory of a run with default settings.
---@param id string
---@param scale string
---@param seed integer|nil 1 if left out
---@return string
function rundir.usual(id, scale, seed)
  return ("runs/%s-%s-%d"):format(id, scale, seed or 1)
end

return rundir
