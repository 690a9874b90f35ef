--- The first step and tensor in which the traces of two runs differ, and by how much.
local checks = require "repro.checks"
local files = require "repro.files"
local json = require "repro.json"
local rp = require "repro"
local trace = require "repro.trace"
local ulp = require "repro.ulp"

local first_difference = {}

local function lines_of(result)
  return (files.read(trace.path(result.directory)) or ""):gmatch "[^\n]+"
end

local function parse(line, result)
  local ok, row = pcall(rp.io.json_decode, line)
  if ok and type(row) == "table" and type(row.tensors) == "table" and type(row.step) == "number" then return row end
  require("repro.failure").raise("usage", "%s: a line is no step of a trace: %s", trace.path(result.directory), line:sub(1, 60))
end

-- Rows of two steps by name: {name, type and shape in a, in b} of each tensor that differs, in order.
local function differing(x, y)
  local list, right = {}, {}
  for _, row in ipairs(y.tensors) do right[row[1]] = row end
  for _, row in ipairs(x.tensors) do
    local other = right[row[1]]
    right[row[1]] = nil
    if not other or other[2] ~= row[2] or other[3] ~= row[3] then list[#list + 1] = { row[1], row[2], other and other[2] } end
  end
  for _, row in ipairs(y.tensors) do
    if right[row[1]] then list[#list + 1] = { row[1], nil, row[2] } end
  end
  return list
end

local function kept(result, step, name)
  local path = trace.kept_path(result.directory, step)
  return files.exists(path) and rp.io.read_safetensors(path)[name] or nil
end

local function number(x)
  return math.type(x) == "integer" and ("%d"):format(x) or x == math.huge and "infinitely many" or ("%.0f"):format(x)
end

local function show_distance(d, dtype)
  if dtype:find "^float" then
    return ("%d of %d elements differ, the largest distance is %s ulp (element %s: %s and %s)"):format(d.count, d.total,
      number(d.largest), d.index, checks.literal(d.a), checks.literal(d.b))
  end
  return ("%d of %d elements differ, the largest difference is %s (element %s)"):format(d.count, d.total,
    number(d.largest), d.index)
end

local function measured(a, b, step, name)
  local x, y = kept(a, step, name), kept(b, step, name)
  if x and y then return show_distance(ulp.distance(x, y), x.dtype) end
  return ("to see by how much, run both again with --trace-keep %d"):format(step)
end

local function describe(a, b, x, y)
  local list = differing(x, y)
  local name, left, right = table.unpack(list[1], 1, 3)
  local lines = { ("first difference: step %d (%s), %s, %s"):format(x.step, x.of, name, left or right) }
  if left and right and left ~= right then
    lines[2] = "  there it is " .. right
  elseif not (left and right) then
    lines[2] = ("  only %s has it"):format(left and a.directory or b.directory)
  else
    lines[2] = "  " .. measured(a, b, x.step, name)
  end
  if #list > 1 then lines[3] = ("  of the %d tensors of this step %d differ"):format(#x.tensors, #list) end
  return lines
end

--- Compares the traces of two runs.
---@param a table from rundir.read
---@param b table
---@return string[]|nil lines what differs first; nil if nothing does
---@return integer|nil steps how many steps are the same; nil if not both runs have a trace
function first_difference.find(a, b)
  if not (a.hashes.trace and b.hashes.trace) then return nil, nil end
  local left, right, steps = lines_of(a), lines_of(b), 0
  while true do
    local one, two = left(), right()
    if not one and not two then return nil, steps end
    if not one or not two then
      return { ("first difference: %s ends after step %d, %s goes on"):format((one and b or a).directory, steps,
        (one and a or b).directory) }, steps
    end
    if one ~= two then
      local x, y = parse(one, a), parse(two, b)
      if x.of ~= y.of then return { ("first difference: step %d is one of %s, there of %s"):format(x.step, x.of, y.of) }, steps end
      if json.line { x.tensors } ~= json.line { y.tensors } then return describe(a, b, x, y), steps end
    end
    steps = steps + 1
  end
end

return first_difference
