--- ro-crate-metadata.json: the run directory as an RO-Crate (1.1) that follows the Process Run Crate profile (0.5).
---
---   https://w3id.org/ro/crate/1.1          https://w3id.org/ro/wfrun/process/0.5
---
--- The run is a CreateAction: its instrument is the script, which requires the program; its object the modules and data
--- read and the settings; its result the files of the directory.
local rp = require "repro"
local files = require "repro.files"
local inputs = require "repro.inputs"
local json = require "repro.json"

local crate = {}

local profile = "https://w3id.org/ro/wfrun/process/0.5"
local license = "https://spdx.org/licenses/MIT"

local function ref(id) return json.object { { "@id", id } } end

local function refs(ids)
  local list = {}
  for i, id in ipairs(ids) do list[i] = ref(id) end
  return list
end

-- An IRI reference of a path or name.
local function iri(text)
  return (text:gsub("[^%w%-._~/]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local formats = { html = "text/html", md = "text/markdown", json = "application/json", jsonl = "application/jsonl",
                  svg = "image/svg+xml", png = "image/png", lua = "text/x-lua", safetensors = "application/octet-stream" }

local about = {
  ["result.json"] = "Every check: expected, measured, verdict, cost",
  ["report.html"] = "The paper with the numbers of this run",
  ["report.md"] = "The same in Markdown",
  ["log.jsonl"] = "What the script logged",
  ["provenance.json"] = "What made this run: program, build, machine, inputs",
}

local function format_of(path) return formats[path:match "%.(%w+)$"] or "application/octet-stream" end

local function file_entity(id, name, row)
  return json.object { { "@id", id }, { "@type", "File" }, { "name", name }, { "description", row.description },
                       { "encodingFormat", format_of(name) }, { "sha256", row.sha256 } }
end

-- Inputs lie outside the directory: they are entities of the web kind, told by their hash.
local function input_id(row) return "urn:sha256:" .. row.sha256 end

local function add_inputs(graph, ids)
  for _, row in ipairs(inputs.list()) do
    if row.role ~= "script" then
      ids[#ids + 1] = input_id(row)
      graph[#graph + 1] = json.object {
        { "@id", input_id(row) }, { "@type", "CreativeWork" }, { "name", row.path }, { "identifier", "sha256:" .. row.sha256 },
        { "encodingFormat", format_of(row.path) }, { "description", row.role == "data" and "data" or "module of the script" } }
    end
  end
end

local function add_settings(graph, ids, result)
  local rows = { { name = "scale", value = result.scale }, { name = "seed", value = result.seed } }
  table.move(result.settings, 1, #result.settings, #rows + 1, rows)
  for _, row in ipairs(rows) do
    ids[#ids + 1] = "#setting-" .. iri(row.name)
    local value = type(row.value) == "table" and table.concat(row.value, ",") or row.value
    graph[#graph + 1] = json.object { { "@id", ids[#ids] }, { "@type", "PropertyValue" }, { "name", row.name },
                                      { "value", tostring(value) }, { "description", row.help } }
  end
end

-- What the run left behind.  Files with times in them carry no hash, so that two runs may give equal crates.
local function add_results(graph, ids, result)
  local function add(path, row)
    ids[#ids + 1] = iri(path)
    graph[#graph + 1] = file_entity(ids[#ids], path, row)
  end
  for _, name in ipairs { "result.json", "report.html", "report.md", "provenance.json" } do
    add(name, { description = about[name] })
  end
  add("log.jsonl", { description = about["log.jsonl"], sha256 = result.hashes.log })
  for _, output in ipairs(result.outputs) do
    if output.type == "sweep" then
      for _, name in ipairs(files.list(files.join(result.directory, "cells", output.name))) do
        add(("cells/%s/%s/cell.json"):format(output.name, name),
          { description = ("cell %s of the sweep %s"):format(name, output.name) })
      end
    elseif output.type == "figure" then
      add(output.path, { description = output.name .. (output.caption and ": " .. output.caption or ""), sha256 = output.sha256 })
    end
  end
end

local action_status = { complete = "http://schema.org/CompletedActionStatus", interrupted = "http://schema.org/FailedActionStatus",
                        error = "http://schema.org/FailedActionStatus" }

local function script_entity(result)
  local script = result.script or result.id
  return json.object {
    { "@id", "#script" }, { "@type", { "SoftwareSourceCode", "SoftwareApplication" } }, { "name", script },
    { "identifier", result.hashes.script and "sha256:" .. result.hashes.script }, { "programmingLanguage", "Lua 5.4" },
    { "description", result.header.title }, { "url", result.header.url },
    { "version", result.hashes.script and result.hashes.script:sub(1, 16) or "unknown" },
    { "softwareRequirements", ref "#repro" } }
end

local function program_entity()
  return json.object { { "@id", "#repro" }, { "@type", "SoftwareApplication" }, { "name", "repro" }, { "version", rp.version },
                       { "identifier", "git:" .. tostring(rp.core.build.commit) },
                       { "description", "Papers as scripts that give the same bits on every machine" } }
end

local function paper_entity(header)
  if not (header.arxiv or header.url) then return nil end
  local id = header.arxiv and "https://arxiv.org/abs/" .. header.arxiv or header.url
  return json.object { { "@id", id }, { "@type", "ScholarlyArticle" }, { "name", header.title }, { "author", header.authors },
                       { "datePublished", header.year and tostring(header.year) } }
end

local function root_entity(result, date, parts, paper)
  return json.object {
    { "@id", "./" }, { "@type", "Dataset" }, { "name", ("%s, scale %s, seed %d"):format(result.header.title or result.id,
      result.scale, result.seed) },
    { "description", "A run of " .. (result.script or result.id) .. ": " .. result.verdict }, { "datePublished", date },
    { "license", ref(license) }, { "conformsTo", ref(profile) }, { "hasPart", refs(parts) },
    { "mentions", ref "#run" }, { "citation", paper and ref(paper[1][2]) } }
end

local function descriptor()
  return json.object { { "@id", "ro-crate-metadata.json" }, { "@type", "CreativeWork" }, { "about", ref "./" },
                       { "conformsTo", ref "https://w3id.org/ro/crate/1.1" } }
end

local function action_entity(result, date, taken, made)
  return json.object {
    { "@id", "#run" }, { "@type", "CreateAction" }, { "name", "repro run " .. (result.script or result.id) },
    { "description", ("Scale %s, seed %d: %s"):format(result.scale, result.seed, result.verdict) },
    { "instrument", ref "#script" }, { "object", refs(taken) }, { "result", refs(made) },
    { "endTime", (date:gsub("Z$", "+00:00")) }, { "actionStatus", action_status[result.status] }, { "error", result.error } }
end

--- The text of ro-crate-metadata.json.
---@param result table from P:finish
---@param date string ISO 8601
---@return string
function crate.encode(result, date)
  local graph, made, taken = {}, {}, {}
  add_results(graph, made, result)
  add_inputs(graph, taken)
  add_settings(graph, taken, result)
  local paper = paper_entity(result.header)
  local head = { descriptor(), root_entity(result, date, made, paper), action_entity(result, date, taken, made),
                 script_entity(result), program_entity(), paper }
  head[#head + 1] = json.object { { "@id", profile }, { "@type", { "CreativeWork", "Profile" } }, { "name", "Process Run Crate" },
                                  { "version", "0.5" } }
  head[#head + 1] = json.object { { "@id", license }, { "@type", "CreativeWork" }, { "name", "MIT License" },
                                  { "description", "The licence of what repro writes into a run directory" } }
  table.move(graph, 1, #graph, #head + 1, head)
  local terms = json.object { { "sha256", "https://w3id.org/ro/terms/workflow-run#sha256" } }
  return json.encode(json.object { { "@context", { "https://w3id.org/ro/crate/1.1/context", terms } }, { "@graph", head } }) .. "\n"
end

--- Writes ro-crate-metadata.json.
---@param result table
---@param date string
function crate.write(result, date)
  files.write(files.join(result.directory, "ro-crate-metadata.json"), crate.encode(result, date))
end

return crate
