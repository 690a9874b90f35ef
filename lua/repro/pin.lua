--- Writing measured numbers into the pins of a script: only literals change, everything else stays byte for byte.
local checks = require "repro.checks"
local lexer = require "repro.lexer"
local literate = require "repro.literate"

local pin = {}

-- The literal for a measured value; hashes keep the length that the old literal had, 16 digits if it is new.
local function literal_for(value, old)
  if type(value) == "number" then
    local text = checks.literal(value)
    return text:find "^-?%d" and text or nil
  end
  if type(value) == "boolean" then return tostring(value) end
  if #value ~= 64 or value:find "%X" then return (("%q"):format(value):gsub("\\\n", "\\n")) end
  local length = math.max(16, old and #old or 0)
  return '"' .. value:sub(1, length) .. '"'
end

local function last_byte(token) return token.at + #token.text - 1 end

-- The edit that gives the pin of one call a new value: {from, to, text, old}; nil and a reason if there is none.
local function edit_for(call, code, scale, value)
  local arg = call.args[3]
  if not arg then
    local text = literal_for(value)
    if not text then return nil, "the measured value is not finite" end
    local before = code[call.args[2].to]
    return { from = last_byte(before) + 1, to = last_byte(before), text = (", {%s = %s}"):format(scale, text) }
  end
  if code[arg.from].text ~= "{" then return nil, "its pins are not written as a table {scale = number}" end
  local members, close = literate.members(code, arg.from)
  for _, item in ipairs(members) do
    if item.key == scale then
      local first, last = code[item.from], code[item.to]
      local text = literal_for(value, lexer.string_value(first))
      if not text then return nil, "the measured value is not finite" end
      if item.to - item.from > 1 or item.to > item.from and first.text ~= "-" or first.kind == "name" then
        return nil, ("its pin at scale %s is an expression, not a literal"):format(scale)
      end
      return { from = first.at, to = last_byte(last), text = text }
    end
  end
  local text = literal_for(value)
  if not text then return nil, "the measured value is not finite" end
  local last = members[#members]
  if not last then return { from = code[close].at, to = code[close].at - 1, text = ("%s = %s"):format(scale, text) } end
  return { from = last_byte(code[last.to]) + 1, to = last_byte(code[last.to]), text = (", %s = %s"):format(scale, text) }
end

local function apply(source, edits)
  table.sort(edits, function(a, b) return a.from < b.from end)
  local out, at = {}, 1
  for _, edit in ipairs(edits) do
    out[#out + 1] = source:sub(at, edit.from - 1)
    out[#out + 1] = edit.text
    at = edit.to + 1
  end
  out[#out + 1] = source:sub(at)
  return table.concat(out)
end

-- The call that made a check: of several with its id, as in two branches, the one at its line.
local function call_of(calls, code, check)
  local found, at_line = {}, nil
  for _, call in ipairs(calls) do
    if call.kind == "pinned" and call.id == check.id then
      found[#found + 1] = call
      if check.line and call.close and call.line <= check.line and check.line <= code[call.close].line then at_line = call end
    end
  end
  if #found == 1 or at_line then return at_line or found[1] end
  return nil, #found == 0 and "its id is not a literal in the script" or "its id is in several places of the script"
end

--- The script's text with the pins of one scale set to what a run measured.
---@param document table from literate.parse
---@param list table checks of a run
---@param scale string
---@return string source the new text
---@return table skipped array of {id, reason}: pinned checks that could not be written
function pin.rewrite(document, list, scale)
  local calls, code = literate.checks(document)
  local edits, skipped = {}, {}
  for _, check in ipairs(list) do
    if check.kind == "pinned" and check.status ~= "pass" then
      local edit
      local call, reason = call_of(calls, code, check)
      if call then edit, reason = edit_for(call, code, scale, check.measured) end
      if edit then edits[#edits + 1] = edit else skipped[#skipped + 1] = { id = check.id, reason = reason } end
    end
  end
  return apply(document.source, edits), skipped
end

local function lines_of(text)
  local lines = {}
  for line in (text:gsub("\n$", "") .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
  return lines
end

--- The lines that differ between two texts of equally many lines.
---@param before string
---@param after string
---@return table changes array of {line, before, after}
function pin.diff(before, after)
  local old, new, changes = lines_of(before), lines_of(after), {}
  for i = 1, math.max(#old, #new) do
    if old[i] ~= new[i] then changes[#changes + 1] = { line = i, before = old[i] or "", after = new[i] or "" } end
  end
  return changes
end

return pin
