--- What both forms of the report show: the order of things, and the words and marks for a verdict.
local checks = require "repro.checks"
local files = require "repro.files"
local literate = require "repro.literate"
local progress = require "repro.progress"

local content = {}

--- The mark of a status.
content.marks = { pass = "✓", fail = "✗", ["not reproduced"] = "○", ["not pinned"] = "·", ["not run"] = "–",
                  quoted = "“" }

--- Kinds of check, in the words of a reader.
content.kinds = { exact = "exact", pinned = "pinned", claim = "claim", quoted = "quoted", not_run = "claim" }

--- Blocks of the document, each code block with the outputs of the run that its lines gave.
---@param document table
---@param result table|nil
---@return table items array of {kind, text, first, last, headings, outputs}
---@return table rest outputs whose line lies in no block (made by another file)
function content.items(document, result)
  local items, rest = {}, {}
  for index, block in ipairs(document.blocks) do
    local headings = {}
    for _, heading in ipairs(document.headings) do
      if heading.block == index then headings[#headings + 1] = heading end
    end
    items[index] = { kind = block.kind, text = block.text, first = block.first, last = block.last,
                     headings = headings, outputs = {} }
  end
  for _, output in ipairs(result and result.outputs or {}) do
    local home = rest
    for _, item in ipairs(items) do
      if item.kind == "code" and output.line >= item.first and output.line <= item.last then home = item.outputs end
    end
    home[#home + 1] = output
  end
  return items, rest
end

--- Whether a code block only declares the paper, and may be folded.
---@param item table
---@return boolean
function content.is_preamble(item)
  return item.kind == "code" and #item.outputs == 0 and item.text:find "paper%s*%(?%s*{" ~= nil
end

--- Title, authors and the rest of the header: from the result, or from the text of the script.
---@param document table
---@param result table|nil
---@return table
function content.header(document, result)
  local header = result and result.header or literate.header(document) or {}
  return { id = header.id, title = header.title or header.id or document.name, authors = header.authors,
           arxiv = header.arxiv, year = header.year, url = header.url, summary = header.summary }
end

--- What was expected, in words: "4.17 ± 1e-06", ">= 0.6", a pinned number with all its digits.
---@param check table
---@return string
function content.expected(check)
  local text = checks.show(check.expected, check.kind)
  if check.kind == "exact" and type(check.tolerance) == "number" and check.tolerance > 0 then
    text = text .. (" ± %.3g"):format(check.tolerance)
  end
  return (text:gsub(">=", "≥"):gsub("<=", "≤"):gsub("==", "="))
end

--- What was measured, in words.
---@param check table
---@return string
function content.measured(check)
  return check.shown or checks.show(check.measured, check.kind)
end

--- The checks of a result by id.
---@param result table|nil
---@return table
function content.checks_by_id(result)
  local by_id = {}
  for _, check in ipairs(result and result.checks or {}) do by_id[check.id] = check end
  return by_id
end

--- Rows of facts about the run: {name, value}.
---@param result table
---@return table
function content.facts(result)
  return {
    { "Scale, seed", ("%s, %d"):format(result.scale, result.seed) },
    { "Time", progress.duration(result.cost.seconds) },
    { "Peak memory", progress.bytes(result.cost.peak_bytes) },
    { "Fingerprint", result.hashes.measured:sub(1, 16) },
  }
end

--- The sentence that sums a run up.
---@param result table
---@return string
function content.verdict(result)
  local text = checks.summary(checks.count(result.checks))
  if result.math then text = text .. ("; computed with --math %s: vendor libraries, other bits"):format(result.math) end
  if result.status == "interrupted" then return "interrupted: " .. text end
  if result.status == "error" then return "ended by an error: " .. text end
  if result.only then return ("only %s: %s"):format(result.only, text) end
  return text
end

--- Whether the run was of an earlier text of the script.
---@param document table
---@param result table|nil
---@return boolean
function content.is_stale(document, result)
  if not (result and result.hashes.script) then return false end
  return files.sha256(document.source) ~= result.hashes.script
end

return content
