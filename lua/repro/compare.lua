--- Two results side by side, and one result against its own files.
local checks = require "repro.checks"
local files = require "repro.files"
local json = require "repro.json"
local rp = require "repro"

local compare = {}

local function same_value(a, b)
  if a == nil or b == nil then return a == b end
  return json.line { a } == json.line { b }
end

local function show(check)
  if not check then return "(absent)" end
  local value = checks.show(check.measured, "pinned")
  return check.status .. (value ~= "" and " " .. value or "")
end

local function by(list, key)
  local map = {}
  for _, row in ipairs(list) do map[row[key]] = row end
  return map
end

-- Rows of two lists paired by a key: those of the first in order, then those only the second has.
local function paired(first, second, key)
  local pairs_list, left, right = {}, by(first, key), by(second, key)
  for _, row in ipairs(first) do pairs_list[#pairs_list + 1] = { row[key], row, right[row[key]] } end
  for _, row in ipairs(second) do
    if not left[row[key]] then pairs_list[#pairs_list + 1] = { row[key], nil, row } end
  end
  return pairs_list
end

local function figures_of(result)
  local list = {}
  for _, output in ipairs(result.outputs) do
    if output.type == "figure" then list[#list + 1] = output end
  end
  return list
end

--- What differs between two results: paper, scale, seed, settings, script, every check's status and measured value,
--- figures, log.  Times and memory are left out.
---@param a table from rundir.read or P:finish
---@param b table
---@return table rows array of {what, value in a, value in b}
function compare.results(a, b)
  local rows = {}
  local function add(what, x, y) rows[#rows + 1] = { what, tostring(x), tostring(y) } end
  for _, key in ipairs { "id", "scale", "seed", "status" } do
    if a[key] ~= b[key] then add(key, a[key], b[key]) end
  end
  for _, row in ipairs(paired(a.settings, b.settings, "name")) do
    local x, y = row[2] and row[2].value, row[3] and row[3].value
    if not same_value(x, y) then add("setting " .. row[1], checks.show(x, "pinned"), checks.show(y, "pinned")) end
  end
  for _, row in ipairs(paired(a.checks, b.checks, "id")) do
    local x, y = row[2], row[3]
    local same = x and y and x.status == y.status and same_value(x.measured, y.measured)
    if not same then add(row[1], show(x), show(y)) end
  end
  for _, row in ipairs(paired(figures_of(a), figures_of(b), "path")) do
    local x, y = row[2] and row[2].sha256 or "(absent)", row[3] and row[3].sha256 or "(absent)"
    if x ~= y then add(row[1], x:sub(1, 16), y:sub(1, 16)) end
  end
  if a.hashes.log ~= b.hashes.log then add("log.jsonl", a.hashes.log:sub(1, 16), b.hashes.log:sub(1, 16)) end
  return rows
end

local function check_file(problems, directory, name, hash)
  local path = files.join(directory, name)
  if not files.exists(path) then
    problems[#problems + 1] = name .. ": missing"
  elseif hash and rp.io.sha256(path) ~= hash then
    problems[#problems + 1] = name .. ": its SHA-256 is not the one in result.json"
  end
end

--- Whether the files of a run directory are those that its result.json describes.
---@param result table from rundir.read
---@return string[] problems none if all is well
---@return integer n number of things looked at
function compare.files(result)
  local problems = {}
  check_file(problems, result.directory, "log.jsonl", result.hashes.log)
  for _, name in ipairs { "report.html", "report.md", "provenance.json" } do check_file(problems, result.directory, name) end
  local figures = figures_of(result)
  for _, figure in ipairs(figures) do check_file(problems, result.directory, figure.path, figure.sha256) end
  if checks.fingerprint(result.checks) ~= result.hashes.measured then
    problems[#problems + 1] = "result.json: the measured values do not have the fingerprint it states"
  end
  for key, n in next, checks.count(result.checks) do
    if result.counts[key] ~= n then
      problems[#problems + 1] = "result.json: the counts are not those of its checks"
      break
    end
  end
  return problems, 5 + #figures
end

return compare
