--- report.md: the script and its numbers as GitHub renders them, mathematics included.
local checks = require "repro.checks"
local content = require "repro.report.content"
local progress = require "repro.progress"

local markdown = {}

local function cell(text) return (tostring(text):gsub("|", "\\|"):gsub("\n", " ")) end

local function add_table(out, header, rows)
  out[#out + 1] = "| " .. table.concat(header, " | ") .. " |"
  out[#out + 1] = "|" .. (" --- |"):rep(#header)
  for _, row in ipairs(rows) do
    local cells = {}
    for i = 1, #header do cells[i] = cell(row[i] or "") end
    out[#out + 1] = "| " .. table.concat(cells, " | ") .. " |"
  end
  out[#out + 1] = ""
end

local function code(text) return text ~= "" and "`" .. text .. "`" or "" end

local function check_words(check)
  local words = "**" .. check.id .. "**"
  if check.text then words = words .. " " .. check.text end
  if check.note and check.status ~= "pass" then words = words .. " (" .. check.note .. ")" end
  return words
end

local function verdict(status) return content.marks[status] .. " " .. status end

local function check_table(out, list)
  local rows = {}
  for i, check in ipairs(list) do
    rows[i] = { verdict(check.status), check_words(check), check.where or "", code(content.expected(check)),
                code(content.measured(check)) }
  end
  add_table(out, { "verdict", "check", "where", "expected", "measured" }, rows)
end

local function add_outputs(out, outputs, by_id, prefix)
  local list = {}
  local function flush()
    if #list > 0 then check_table(out, list) end
    list = {}
  end
  for _, output in ipairs(outputs) do
    if output.type == "check" then
      list[#list + 1] = by_id[output.id]
    else
      flush()
      if output.type == "figure" then
        out[#out + 1] = ("![%s](%s%s)\n\n**%s.** %s\n"):format(output.name, prefix, output.path, output.name,
          output.caption or "")
      elseif output.type == "table" then
        out[#out + 1] = ("**%s.** %s\n"):format(output.name, output.caption or "")
        add_table(out, output.header, output.rows)
      else
        out[#out + 1] = output.text .. "\n"
      end
    end
  end
  flush()
end

local function add_header(out, document, result)
  local header = content.header(document, result)
  local first = document.blocks[1]
  local prose_title = first and first.kind == "prose" and first.text:find "^%s*#%s"
  if not prose_title then out[#out + 1] = "# " .. header.title .. "\n" end
  local by = {}
  if header.authors then by[#by + 1] = header.authors end
  if header.arxiv then by[#by + 1] = ("[arXiv:%s](https://arxiv.org/abs/%s)"):format(header.arxiv, header.arxiv) end
  if header.year then by[#by + 1] = tostring(header.year) end
  if #by > 0 then out[#out + 1] = table.concat(by, " · ") .. "\n" end
  if not result then return end
  out[#out + 1] = "**" .. content.verdict(result) .. "**\n"
  local facts = {}
  for i, fact in ipairs(content.facts(result)) do facts[i] = fact[1] .. ": " .. fact[2] end
  out[#out + 1] = table.concat(facts, " · ") .. "\n"
  if result.error then out[#out + 1] = "> " .. result.error .. "\n" end
  if content.is_stale(document, result) then
    out[#out + 1] = "> The script has changed since this run: its numbers belong to the earlier text.\n"
  end
  for _, line in ipairs(checks.changed_pins(result.checks)) do
    out[#out + 1] = "- pinned number changed: `" .. line .. "`\n"
  end
end

local function add_settings(out, result)
  if not result or #result.settings == 0 then return end
  local rows = {}
  for i, row in ipairs(result.settings) do
    rows[i] = { row.name, code(checks.show(row.value, "pinned")), code(checks.show(row.default, "pinned")), row.help or "" }
  end
  out[#out + 1] = "## Settings\n"
  add_table(out, { "name", "value", "default", "meaning" }, rows)
end

local function add_times(out, result)
  if not result or #result.checks == 0 then return end
  local rows = {}
  for i, check in ipairs(result.checks) do
    rows[i] = { check.id, content.kinds[check.kind], verdict(check.status), check.line, progress.duration(check.cost) }
  end
  out[#out + 1] = "## All checks\n"
  add_table(out, { "check", "kind", "verdict", "line", "time" }, rows)
end

-- Prose with each display formula on one line: a line that begins with "=" or "-" would end the paragraph for GitHub.
local function one_line_formulas(text)
  local parts = {}
  for outside, fenced in ("\n" .. text .. "\n```"):gmatch "(.-)\n(```[^\n]*)" do
    local inside = #parts % 2 == 1
    parts[#parts + 1] = inside and outside or outside:gsub("%$%$(.-)%$%$", function(latex)
      return not latex:find "\n%s*\n" and "$$" .. latex:gsub("%s*\n%s*", " ") .. "$$" or nil
    end)
    parts[#parts] = parts[#parts] .. "\n" .. fenced
  end
  return (table.concat(parts):gsub("\n```$", ""):gsub("^\n", ""))
end

--- The page.
---@param document table
---@param result table|nil
---@param prefix string|nil path of the run directory as seen from the page, with a final "/"
---@return string
function markdown.page(document, result, prefix)
  local out, by_id = {}, content.checks_by_id(result)
  prefix = prefix or ""
  local items, rest = content.items(document, result)
  add_header(out, document, result)
  for _, item in ipairs(items) do
    if item.kind == "prose" then
      out[#out + 1] = one_line_formulas(item.text:gsub("^%s+", "")) .. "\n"
    else
      out[#out + 1] = "```lua\n" .. item.text .. "\n```\n"
      add_outputs(out, item.outputs, by_id, prefix)
    end
  end
  add_outputs(out, rest, by_id, prefix)
  add_times(out, result)
  add_settings(out, result)
  return (table.concat(out, "\n"):gsub("\n\n\n+", "\n\n"))
end

return markdown
