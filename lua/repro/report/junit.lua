--- The checks of a run as JUnit XML, for the test reports of a continuous integration.
---
---   pass                              a test case that passes
---   fail                              <failure>
---   not reproduced, not pinned, not run, quoted    <skipped> with what was measured
---   a script that ends by an error, or is interrupted    one more test case, "script", with <error>
local content = require "repro.report.content"

local junit = {}

local entity = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;",
                 ["\n"] = "&#10;", ["\r"] = "&#13;", ["\t"] = "&#9;" }

-- Text for an attribute; characters that XML cannot hold become "?".
local function escape(text)
  if not utf8.len(text) then text = text:gsub("[\128-\255]", "?") end
  return (text:gsub('[&<>"\n\r\t]', entity):gsub("[%z\1-\31]", "?"):gsub("\u{FFFE}", "?"):gsub("\u{FFFF}", "?"))
end

local function seconds(x) return ("%.6f"):format(x) end

-- One sentence on a check that did not pass.
local function message(check)
  local words = { check.status }
  local measured, expected = content.measured(check), content.expected(check)
  if measured ~= "" then words[#words + 1] = "measured " .. measured end
  if expected ~= "" then words[#words + 1] = "expected " .. expected end
  if check.note then words[#words + 1] = check.note end
  return table.concat(words, ", ")
end

local function case(result, check)
  local head = ('    <testcase classname="%s" name="%s" file="%s" line="%d" time="%s"'):format(
    escape(result.id .. "." .. check.kind), escape(check.id), escape(result.script or ""), check.line, seconds(check.cost))
  if check.status == "pass" then return head .. "/>" end
  local element = check.status == "fail" and "failure" or "skipped"
  local place = check.where and check.where .. ": " or ""
  return ('%s>\n      <%s message="%s">%s</%s>\n    </testcase>'):format(head, element, escape(message(check)),
    escape(place .. (check.text or "")), element)
end

local function broken(result)
  return ('    <testcase classname="%s" name="script" file="%s">\n      <error message="%s"/>\n    </testcase>'):format(
    escape(result.id), escape(result.script or ""), escape(result.error or result.status))
end

local function properties(result)
  local lines = { "    <properties>" }
  local function add(name, value)
    lines[#lines + 1] = ('      <property name="%s" value="%s"/>'):format(escape(name), escape(value))
  end
  add("scale", result.scale)
  add("seed", tostring(result.seed))
  add("fingerprint", result.hashes.measured)
  lines[#lines + 1] = "    </properties>"
  return table.concat(lines, "\n")
end

--- The XML of a result.
---@param result table from P:finish or rundir.read
---@return string
function junit.encode(result)
  local failures, skipped, errors, cases = 0, 0, 0, {}
  for i, check in ipairs(result.checks) do
    cases[i] = case(result, check)
    if check.status == "fail" then failures = failures + 1 elseif check.status ~= "pass" then skipped = skipped + 1 end
  end
  if result.status ~= "complete" then
    errors, cases[#cases + 1] = 1, broken(result)
  end
  local sums = ('tests="%d" failures="%d" errors="%d" skipped="%d" time="%s"'):format(#cases, failures, errors, skipped,
    seconds(result.cost.seconds))
  local lines = { '<?xml version="1.0" encoding="UTF-8"?>', "<testsuites " .. sums .. ">",
                  ('  <testsuite name="%s" %s>'):format(escape(result.id), sums), properties(result) }
  table.move(cases, 1, #cases, #lines + 1, lines)
  return table.concat(lines, "\n") .. "\n  </testsuite>\n</testsuites>\n"
end

return junit
