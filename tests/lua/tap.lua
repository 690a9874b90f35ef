--- Test assertions that print TAP (Test Anything Protocol).
---
---     local T = require "tap"
---     T.eq(1 + 1, 2, "addition")
---     T.done()
local T = {}

local rp_hash                                              -- loaded on first use: not all tests need tensors

--- Counts of the file being run.
T.passed, T.failed, T.skipped = 0, 0, 0

--- Where the lines go; a function of one string.
T.write = function(line) io.stdout:write(line, "\n") end

--- Starts counting anew; the runner calls it before each file.
function T.reset()
  T.passed, T.failed, T.skipped = 0, 0, 0
end

-- Line of the test file that made the assertion.
local function caller()
  local here = debug.getinfo(1, "S").source
  for level = 2, 20 do
    local info = debug.getinfo(level, "Sl")
    if not info then break end
    if info.source ~= here and info.what ~= "C" then return ("%s:%d"):format(info.short_src, info.currentline) end
  end
  return "?"
end

local function result(pass, name, why)
  local number = T.passed + T.failed + T.skipped + 1
  if pass then
    T.passed = T.passed + 1
    T.write(("ok %d - %s"):format(number, name or ""))
  else
    T.failed = T.failed + 1
    T.write(("not ok %d - %s"):format(number, name or ""))
    T.write(("#   at %s%s"):format(caller(), why and ": " .. why:gsub("\n", "\n#   ") or ""))
  end
  return pass
end

local function show(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if math.type(value) == "float" then return ("%.17g"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  local items = {}
  for i, item in ipairs(value) do
    items[i] = i <= 8 and show(item) or nil
  end
  if #value > 8 then items[#items + 1] = "... (" .. #value .. ")" end
  return "{" .. table.concat(items, ", ") .. "}"
end

local function is_tensor(value) return type(value) == "userdata" and value.totable ~= nil end

local function plain(value)
  if not is_tensor(value) then return value end
  return value:totable()
end

-- Deep equality; NaN equals NaN.
local function same(a, b)
  if a == b or a ~= a and b ~= b then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return false end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

--- Passes if a value is true.
function T.ok(condition, name, why)
  return result(condition and true or false, name, why)
end

--- Passes if two values are equal: numbers, strings, tables by content, tensors by shape and content.
function T.eq(got, want, name)
  if is_tensor(got) and is_tensor(want) and not same(got.shape, want.shape) then
    return result(false, name, ("got shape %s, wanted %s"):format(show(got.shape), show(want.shape)))
  end
  got, want = plain(got), plain(want)
  return result(same(got, want), name, ("got %s, wanted %s"):format(show(got), show(want)))
end

-- Largest difference between two numbers or nested tables of numbers of one form; nil if the forms differ.
local function distance(a, b)
  if type(a) == "number" and type(b) == "number" then
    if a == b or a ~= a and b ~= b then return 0 end
    local d = math.abs(a - b)
    return d == d and d or math.huge
  end
  if type(a) ~= "table" or type(b) ~= "table" or #a ~= #b then return nil end
  local largest = 0
  for i = 1, #a do
    local d = distance(a[i], b[i])
    if not d then return nil end
    largest = math.max(largest, d)
  end
  return largest
end

--- Passes if two numbers, tables or tensors differ by at most tol anywhere.
function T.near(got, want, tol, name)
  got, want = plain(got), plain(want)
  local d = distance(got, want)
  return result(d ~= nil and d <= tol, name, d and ("differs by %.6g, allowed %.6g: got %s, wanted %s"):format(d, tol,
    show(got), show(want)) or ("forms differ: got %s, wanted %s"):format(show(got), show(want)))
end

--- Passes if fn raises an error whose text contains a Lua pattern.
function T.raises(fn, pattern, name)
  local ok, message = pcall(fn)
  if ok then return result(false, name, "no error was raised") end
  message = tostring(message)
  return result(pattern == nil or message:find(pattern) ~= nil, name,
    ("the error is %q, which does not match %q"):format(message, tostring(pattern)))
end

--- Passes if a text contains another one.
function T.contains(text, part, name)
  return result(text:find(part, 1, true) ~= nil, name, ("%q is not in:\n%s"):format(part, text))
end

--- Passes if two tensors have the same SHA-256: dtype, shape and every bit.
function T.bits(a, b, name)
  rp_hash = rp_hash or require("repro").hash
  local x, y = rp_hash(a), rp_hash(b)
  return result(x == y, name, ("hashes %s and %s"):format(x:sub(1, 16), y:sub(1, 16)))
end

--- Counts a test that cannot be run here.
function T.skip(reason, name)
  T.skipped = T.skipped + 1
  T.write(("ok %d - %s # SKIP %s"):format(T.passed + T.failed + T.skipped, name or "", reason))
end

--- A remark among the results.
function T.note(text)
  T.write("# " .. text)
end

--- Ends the file: prints the plan, without which the file counts as cut short.
function T.done()
  T.write(("1..%d"):format(T.passed + T.failed + T.skipped))
  T.finished = true
end

return T
