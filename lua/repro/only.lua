--- `--only ID`: what of a script one check, figure or table needs.
---
--- A statement `P:claim("other", ...)` whose id is not asked for is left out with its arguments, so nothing it would
--- measure is measured; so are the other figures, tables and notes.  The code between runs: what a script trains only
--- when it is first asked for (see papers/dcr.lua, section 7) is then not trained.  The script ends once all that was
--- asked for is there.  An id that is computed is told by the literal it begins with ("paper." .. name), if it has one.
local lexer = require "repro.lexer"
local literate = require "repro.literate"

local only = {}

--- Whether an id is asked for: it is the one, or stands below it ("fig2" also asks for "fig2.a").
---@param id string
---@param asked string|nil nil asks for everything
---@return boolean
function only.wants(id, asked)
  return not asked or id == asked or id:sub(1, #asked + 1) == asked .. "."
end

-- Whether an id that begins with `head` could be asked for.
local function may_want(head, asked)
  if #head <= #asked then return asked:sub(1, #head) == head end
  return only.wants(head, asked)
end

local function set_of(words)
  local set = {}
  for word in words:gmatch "%S+" do set[word] = true end
  return set
end

-- After these tokens a name begins no statement of its own; before those a call is part of a longer expression.
local operators = "= , + - * / // % ^ .. == ~= < > <= >= & | ~ << >> . : and or "
local continues = set_of(operators .. "( { [ # not return until while if elseif in for")
local goes_on = set_of(operators .. "( { [")

local function is_statement(code, call)
  local before, after = code[call.at - 1], code[call.close + 1]
  if before and before.kind ~= "string" and continues[before.text] then return false end
  return not after or after.kind ~= "string" and not goes_on[after.text]
end

-- The literal with which a computed id begins; "" if there is none.
local function head_of(code, call)
  local first = call.args[1] and code[call.args[1].from]
  local second = first and code[call.args[1].from + 1]
  return second and second.text == ".." and lexer.string_value(first) or ""
end

local function is_asked(code, call, asked)
  if call.kind == "note" then return false end
  if call.id then return only.wants(call.id, asked) end
  return may_want(head_of(code, call), asked)
end

-- The text with the bytes of each range but its line ends made blank.
local function blank(source, ranges)
  local out, at = {}, 1
  for _, range in ipairs(ranges) do
    if range[1] >= at then                                   -- otherwise it lies inside the one before
      out[#out + 1] = source:sub(at, range[1] - 1)
      out[#out + 1] = source:sub(range[1], range[2]):gsub("[^\r\n]", " ")
      at = range[2] + 1
    end
  end
  out[#out + 1] = source:sub(at)
  return table.concat(out)
end

-- Sorts the calls: what is asked for, what is not, and the ids among the former.  A computed id that begins with nothing
-- known is asked for only where no literal one answers.
local function sort_calls(calls, code, asked)
  local wanted, unwanted, vague, ids = {}, {}, {}, {}
  for _, call in ipairs(calls) do
    local list = is_asked(code, call, asked) and wanted or unwanted
    if list == wanted and call.id then ids[call.id] = true end
    if list == wanted and not call.id and (head_of(code, call) == "" or call.kind == "note") then list = vague end
    list[#list + 1] = call
  end
  local answered = next(ids) ~= nil
  table.move(vague, 1, #vague, (answered and #unwanted or #wanted) + 1, answered and unwanted or wanted)
  local open = false
  for _, call in ipairs(wanted) do open = open or not call.id and not ids[asked] end
  return unwanted, ids, open
end

--- The text of a script without the statements that `asked` does not need; lines stay where they are.
---@param document table from literate.parse
---@param asked string
---@return table plan {text, ids = set of the ids that are asked for, open = whether a computed id may be asked for too,
---  left_out = number of statements left out, kept = array of lines where one that is not asked for could not be}
function only.plan(document, asked)
  local calls, code = literate.calls(document)
  local unwanted, ids, open = sort_calls(calls, code, asked)
  local ranges, kept = {}, {}
  for _, call in ipairs(unwanted) do
    if call.close and is_statement(code, call) then
      ranges[#ranges + 1] = { code[call.at].at, code[call.close].at + #code[call.close].text - 1 }
    else
      kept[#kept + 1] = call.line
    end
  end
  table.sort(ranges, function(a, b) return a[1] < b[1] end)
  table.sort(kept)
  return { text = blank(document.source, ranges), ids = ids, open = open, left_out = #ranges, kept = kept }
end

return only
