--- The checks of a run in the Test Anything Protocol, version 14 (https://testanything.org/tap-version-14-specification).
---
---   pass            ok
---   fail            not ok, with expected and measured below
---   not reproduced  not ok # TODO: a miss that is reported and does not fail the run
---   not pinned, not run, quoted    ok # SKIP
---   a script that ends by an error, or is interrupted    Bail out!
local content = require "repro.report.content"
local json = require "repro.json"

local tap = {}

local function escape(text) return (text:gsub("[\\#]", "\\%0"):gsub("%s+", " ")) end

local function line_of(number, check)
  local ok = (check.status == "fail" or check.status == "not reproduced") and "not ok" or "ok"
  local line = ("%s %d - %s"):format(ok, number, escape(check.id))
  if check.where then line = line .. " (" .. escape(check.where) .. ")" end
  if check.status == "not reproduced" then return line .. " # TODO not reproduced" end
  if check.status ~= "pass" and check.status ~= "fail" then
    return line .. " # SKIP " .. escape(check.status .. (check.note and ": " .. check.note or ""))
  end
  return line
end

-- The YAML block below a check: strings as JSON writes them, which YAML reads alike.
local function diagnostics(check)
  local lines = { "  ---" }
  local function add(key, value)
    if value ~= nil and value ~= "" then lines[#lines + 1] = ("  %s: %s"):format(key, json.line(value)) end
  end
  add("kind", check.kind)
  add("text", check.text)
  add("expected", content.expected(check))
  add("measured", content.measured(check))
  add("note", check.note)
  add("line", check.line)
  lines[#lines + 1] = ("  duration_ms: %.3f"):format(check.cost * 1000)
  lines[#lines + 1] = "  ..."
  return table.concat(lines, "\n")
end

--- The text of a result.
---@param result table from P:finish or rundir.read
---@return string
function tap.encode(result)
  local lines = { "TAP version 14" }
  if result.status == "complete" then lines[2] = ("1..%d"):format(#result.checks) end
  for i, check in ipairs(result.checks) do
    lines[#lines + 1] = line_of(i, check)
    lines[#lines + 1] = diagnostics(check)
  end
  if result.status ~= "complete" then lines[#lines + 1] = "Bail out! " .. escape(result.error or result.status) end
  return table.concat(lines, "\n") .. "\n"
end

return tap
