--- The result of a run on a terminal or in a log: a compact table of checks and one line of verdict.
local checks = require "repro.checks"
local content = require "repro.report.content"
local progress = require "repro.progress"

local terminal = {}

local colours = { pass = "32", fail = "31;1", ["not reproduced"] = "33", ["not pinned"] = "2", ["not run"] = "2",
                  quoted = "2" }

local function paint(text, status, coloured)
  return coloured and ("\27[%sm%s\27[0m"):format(colours[status], text) or text
end

-- The text cut or filled with blanks to a number of characters (not bytes).
local function fit(text, width)
  local n = utf8.len(text) or #text
  if n <= width then return text .. (" "):rep(width - n) end
  local last = utf8.offset(text, width)
  return last and text:sub(1, last - 1) .. "…" or text
end

-- The sentence of a claim or a note, as far as there is room.
local function remark(check)
  local text = check.text or ""
  if check.note and check.status ~= "pass" then text = text == "" and check.note or check.note .. ": " .. text end
  return (text:gsub("[$\n]", ""))
end

local function widths(list)
  local width = { id = 5, measured = 8, expected = 8, where = 0 }
  local function widen(key, text, limit) width[key] = math.max(width[key], math.min(utf8.len(text) or #text, limit)) end
  for _, check in ipairs(list) do
    widen("id", check.id, 30)
    widen("measured", content.measured(check), 22)
    widen("expected", content.expected(check), 26)
    widen("where", check.where or "", 14)
  end
  return width
end

--- Lines of the table of checks.
---@param list table checks
---@param coloured boolean
---@return string[]
function terminal.lines(list, coloured)
  local width, lines = widths(list), {}
  for i, check in ipairs(list) do
    local status = paint(fit(content.marks[check.status] .. " " .. check.status, 16), check.status, coloured)
    local line = table.concat({ status, fit(check.id, width.id), fit(content.measured(check), width.measured),
      fit(content.expected(check), width.expected), fit(check.where or "", width.where),
      fit(remark(check), 60) }, "  ")
    lines[i] = (line:gsub("%s+$", ""))
  end
  return lines
end

--- The line of verdict.
---@param result table
---@return string
function terminal.verdict(result)
  return ("%s (%s, seed %d): %s   %s, peak %s   %s/report.html"):format(result.id, result.scale, result.seed,
    content.verdict(result), progress.duration(result.cost.seconds), progress.bytes(result.cost.peak_bytes),
    result.directory)
end

--- Prints the table and the verdict.
---@param result table
---@param out file
---@param coloured boolean|nil
function terminal.print(result, out, coloured)
  for _, line in ipairs(terminal.lines(result.checks, coloured)) do out:write(line, "\n") end
  local changed = checks.changed_pins(result.checks)
  if #changed > 0 then
    out:write("pinned numbers that changed:\n")
    for _, line in ipairs(changed) do out:write("  ", line, "\n") end
  end
  out:write(terminal.verdict(result), "\n")
end

return terminal
