--- The kinds of check and how each is judged.
---
---   kind     what it says                                      statuses
---   exact    mathematics: a closed form, a bound               pass, fail
---   pinned   our own number at this scale and seed, bit by bit pass, fail, not pinned
---   claim    the paper's statement as an inequality            pass, not reproduced (fail if declared a gate)
---   quoted   the authors' number, shown, not tested            quoted
---   not_run  a claim that is not run, with the reason          not run
local files = require "repro.files"
local json = require "repro.json"
local misuse = require "repro.misuse"

local checks = {}

local function is_tensor(value) return type(value) == "userdata" and value.numel ~= nil end

--- A measured value in a form that can be compared and stored: one-element tensors become numbers.
---@param value number|boolean|string|Tensor|table
---@return number|boolean|string|table
function checks.plain(value)
  if is_tensor(value) then
    if value:numel() == 1 then return value:item() end
    return value:totable()
  end
  return value
end

local function flatten(value, out)
  if type(value) == "table" then
    for _, item in ipairs(value) do flatten(checks.plain(item), out) end
  else
    out[#out + 1] = value
  end
  return out
end

local function is_finite(x) return x == x and x ~= math.huge and x ~= -math.huge end

-- Largest absolute difference of two numbers or lists of numbers of one length; nil and why not otherwise.
local function difference(measured, expected)
  local a, b = flatten(measured, {}), flatten(expected, {})
  if #a ~= #b then return nil, ("%d numbers measured, %d expected"):format(#a, #b) end
  local largest = 0.0
  for i = 1, #a do
    if type(a[i]) ~= "number" or type(b[i]) ~= "number" then
      return nil, ("measured a %s, expected a %s"):format(type(a[i]), type(b[i]))
    end
    if a[i] ~= b[i] then
      local d = math.abs(a[i] - b[i])
      if not is_finite(d) then return nil, "the measured value is not finite" end
      largest = math.max(largest, d)
    end
  end
  return largest
end

local compare = {
  [">="] = function(value, bound, slack) return value >= bound - slack end,
  ["<="] = function(value, bound, slack) return value <= bound + slack end,
  [">"] = function(value, bound, slack) return value > bound - slack end,
  ["<"] = function(value, bound, slack) return value < bound + slack end,
  ["=="] = function(value, bound, slack) return math.abs(value - bound) <= slack end,
}

local function inequality(row, slack)
  local op, bound, value = row.op, checks.plain(row.bound), checks.plain(row.value)
  if not compare[op] then misuse('the comparison is one of ">=", "<=", ">", "<", "==", not %s', op) end
  if type(value) ~= "number" or type(bound) ~= "number" then
    misuse("an inequality compares numbers: value is a %s, bound a %s", type(value), type(bound))
  end
  return compare[op](value, bound, slack or 0), value, ("%s %.6g"):format(op, bound)
end

--- An equality of mathematics, within a tolerance, or a bound.
---@param measured number|Tensor|boolean|string|table
---@param expected number|Tensor|boolean|string|table a value of the same form, or {op = "<=", bound = x}
---@param tolerance number|nil largest absolute difference allowed; 0 if left out
---@return table outcome {status, measured, expected, tolerance, note}
function checks.exact(measured, expected, tolerance)
  measured, expected, tolerance = checks.plain(measured), checks.plain(expected), tolerance or 0
  local outcome = { measured = measured, expected = expected, tolerance = tolerance }
  local holds
  if type(expected) == "table" and expected.op then
    holds, outcome.measured, outcome.expected = inequality(
      { op = expected.op, bound = expected.bound, value = measured }, tolerance)
  elseif type(expected) == "boolean" or type(expected) == "string" then
    holds = measured == expected
  else
    local d, why = difference(measured, expected)
    holds, outcome.note, outcome.difference = d ~= nil and d <= tolerance, why, d
  end
  outcome.status = holds and "pass" or "fail"
  return outcome
end

local function to_float32(x) return (string.unpack("<f", string.pack("<f", x))) end
local function is_float32(x) return math.type(x) == "float" and to_float32(x) == x end

--- The shortest decimal from which a number can be told again: nine digits for a float32, otherwise as many as
--- the double needs.
---@param x number
---@return string
function checks.literal(x)
  if math.type(x) == "integer" then return ("%d"):format(x) end
  if not is_finite(x) then return x ~= x and "nan" or x > 0 and "inf" or "-inf" end
  local formats = { "%.15g", "%.16g", "%.17g" }
  if is_float32(x) then formats = { "%.6g", "%.7g", "%.8g", "%.9g", "%.17g" } end
  for _, form in ipairs(formats) do
    local text = form:format(x)
    local back = tonumber(text)
    if back == x or form ~= "%.17g" and is_float32(x) and to_float32(back) == x then
      return text:find "[%.e]" and text or text .. ".0"
    end
  end
end

-- A pin of at most nine digits stands for the float32 nearest to it, if a float32 was measured.
local function same_bits(measured, pin)
  if type(measured) == "string" and type(pin) == "string" then
    if #measured ~= 64 or measured:find "%X" then return measured == pin end
    return #pin >= 16 and measured:sub(1, #pin) == pin:lower()
  end
  if type(measured) ~= type(pin) then return false end
  if measured == pin then return true end
  return type(pin) == "number" and is_finite(measured) and is_float32(measured)
    and to_float32(pin) == measured and tonumber(("%.9g"):format(pin)) == pin
end

--- Our own number, to the last bit.
---@param measured number|string|boolean|Tensor a number, a SHA-256, or a tensor (its SHA-256 is taken)
---@param pins table scale -> number or hexadecimal digits of a SHA-256 (at least 16)
---@param scale string
---@param unpinned string|nil why this run cannot be compared (another seed, changed settings)
---@return table outcome {status, measured, expected, note}
function checks.pinned(measured, pins, scale, unpinned)
  if is_tensor(measured) then
    measured = measured:numel() == 1 and measured:item() or measured:hash()
  end
  local kind = type(measured)
  if kind ~= "number" and kind ~= "string" and kind ~= "boolean" then
    misuse("a pinned value is a number, a string, a boolean or a tensor, not a %s", kind)
  end
  local outcome = { measured = measured, expected = pins[scale] }
  if unpinned then
    outcome.status, outcome.expected, outcome.note = "not pinned", nil, unpinned
  elseif pins[scale] == nil then
    outcome.status, outcome.note = "not pinned", "no pin at scale " .. scale
  else
    outcome.status = same_bits(measured, pins[scale]) and "pass" or "fail"
    if outcome.status == "fail" then outcome.note = "the pinned number changed" end
  end
  return outcome
end

local function is_gate(gate, scale)
  if type(gate) ~= "table" then return gate == true or gate == scale end
  for _, name in ipairs(gate) do
    if name == scale then return true end
  end
  return gate[scale] == true
end

--- A statement of the paper.
---@param measured boolean|table a truth value, or {value =, op =, bound =}
---@param options table {gate = true, or the scales at which a miss is a failure; measured = what to show}
---@param scale string
---@return table outcome {status, measured, expected, gate}
function checks.claim(measured, options, scale)
  local outcome = { gate = is_gate(options.gate, scale) or nil }
  local holds
  if type(measured) == "table" then
    holds, outcome.measured, outcome.expected = inequality(measured)
    if options.measured ~= nil then outcome.shown = tostring(checks.plain(options.measured)) end
  elseif type(measured) == "boolean" then
    holds, outcome.measured, outcome.expected = measured, options.measured, options.expected
    if outcome.measured == nil then outcome.measured = measured end
  else
    misuse("a claim's measurement is true, false or {value =, op =, bound =}, not a %s", type(measured))
  end
  outcome.status = holds and "pass" or outcome.gate and "fail" or "not reproduced"
  return outcome
end

--- The SHA-256 of what a run measured, by which two machines compare their results at a glance.
---@param list table array of checks, as they were made or as they were read from result.json
---@return string
function checks.fingerprint(list)
  local lines = {}
  for i, check in ipairs(list) do
    lines[i] = json.line { check.id, check.kind, check.measured == nil and json.null or check.measured }
  end
  return files.sha256(table.concat(lines, "\n") .. "\n")
end

--- Number of checks of each status, under the keys pass, fail, not_reproduced, not_pinned, not_run, quoted.
---@param list table array of checks
---@return table counts
function checks.count(list)
  local counts = { pass = 0, fail = 0, not_reproduced = 0, not_pinned = 0, not_run = 0, quoted = 0 }
  for _, check in ipairs(list) do
    local key = check.status:gsub(" ", "_")
    counts[key] = counts[key] + 1
  end
  return counts
end

--- The counts in words: "14 passed, 0 failed, 2 not reproduced, 1 not run".
---@param counts table from checks.count
---@return string
function checks.summary(counts)
  local words = { ("%d passed, %d failed"):format(counts.pass, counts.fail) }
  for _, status in ipairs { "not reproduced", "not pinned", "not run" } do
    local n = counts[status:gsub(" ", "_")]
    if n > 0 then words[#words + 1] = n .. " " .. status end
  end
  return table.concat(words, ", ")
end

--- A value as a report shows it: six digits, all digits of a pinned number, the head of a hash or list.
---@param value any
---@param kind string|nil kind of the check
---@return string
function checks.show(value, kind)
  if value == nil then return "" end
  if type(value) == "number" then
    if math.type(value) == "integer" then return ("%d"):format(value) end
    return kind == "pinned" and checks.literal(value) or ("%.6g"):format(value)
  end
  if type(value) == "string" and #value == 64 and value:find "^%x+$" then return value:sub(1, 16) .. "…" end
  if type(value) == "table" then
    local items = flatten(value, {})
    for i, item in ipairs(items) do items[i] = checks.show(item, kind) end
    if #items > 6 then return table.concat(items, ", ", 1, 6) .. (", … (%d)"):format(#items) end
    return table.concat(items, ", ")
  end
  return tostring(value)
end

--- The pinned numbers that changed, in words.
---@param list table checks of a run
---@return string[] lines "id: expected -> measured"
function checks.changed_pins(list)
  local lines = {}
  for _, check in ipairs(list) do
    if check.kind == "pinned" and check.status == "fail" then
      lines[#lines + 1] = ("%s: %s -> %s"):format(check.id, checks.show(check.expected, "pinned"),
        checks.show(check.measured, "pinned"))
    end
  end
  return lines
end

return checks
