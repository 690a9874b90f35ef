--- Two results side by side, and one result against its own files.
local checks = require "repro.checks"
local files = require "repro.files"
local json = require "repro.json"
local record = require "repro.sweep.record"
local rp = require "repro"
local schema = require "repro.schema"

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

-- What a figure shows; of a run by an older version its bytes.
local function content_of(figure) return figure.content or figure.sha256 end

local function outputs_of(result, kind)
  local list = {}
  for _, output in ipairs(result.outputs) do
    if output.type == kind then list[#list + 1] = output end
  end
  return list
end

local function figures_of(result) return outputs_of(result, "figure") end

local function lines_of(result, name)
  return (files.read(files.join(result.directory, name)) or ""):gmatch "[^\n]+"
end

local function shortened(text) return #text > 60 and text:sub(1, 57) .. "..." or text end

-- The first line in which a file of two runs differs.
local function first_line(a, b, name)
  local left, right, i = lines_of(a, name), lines_of(b, name), 0
  repeat
    local x, y = left(), right()
    i = i + 1
    if x ~= y then return ("%s line %d"):format(name, i), shortened(x or "(at its end)"), shortened(y or "(at its end)") end
  until not x
  return name, a.hashes.log:sub(1, 16), b.hashes.log:sub(1, 16)
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
    local x, y = row[2] and content_of(row[2]) or "(absent)", row[3] and content_of(row[3]) or "(absent)"
    if x ~= y then add(row[1], x:sub(1, 16), y:sub(1, 16)) end
  end
  for _, row in ipairs(paired(outputs_of(a, "sweep"), outputs_of(b, "sweep"), "name")) do
    local x, y = row[2] and row[2].sha256 or "(absent)", row[3] and row[3].sha256 or "(absent)"
    if x ~= y then add("sweep " .. row[1], x:sub(1, 16), y:sub(1, 16)) end
  end
  if a.hashes.log ~= b.hashes.log then add(first_line(a, b, "log.jsonl")) end
  return rows
end

local environment_rows = { "program", "commit", "build.compiler", "build.flags", "build.lua", "build.power", "build.cuda",
                           "library_sha256", "machine.system", "machine.distribution", "machine.cpu", "isa", "threads",
                           "device", "math", "script_sha256" }

local function field(provenance, path)
  local value = provenance
  for key in path:gmatch "[^.]+" do value = type(value) == "table" and value[key] or nil end
  return value
end

local function brief(value)
  local text = value == nil and "(not stated)" or tostring(value)
  return #text == 64 and text:find "^%x+$" and text:sub(1, 16) or text
end

local function provenance_of(result)
  local text = files.read(files.join(result.directory, "provenance.json"))
  local ok, value = pcall(rp.io.json_decode, text or "")
  return ok and type(value) == "table" and value or {}
end

--- What differs between the machines, programs and files that made two results: version, commit, compiler, system, CPU,
--- instruction set, threads, device, hashes of script, library, modules and data.
---@param a table from rundir.read
---@param b table
---@return table rows array of {what, value in a, value in b}
function compare.environments(a, b)
  local rows, x, y = {}, provenance_of(a), provenance_of(b)
  for _, path in ipairs(environment_rows) do
    local left, right = field(x, path), field(y, path)
    if left ~= right then rows[#rows + 1] = { (path:gsub("^%a+%.", ""):gsub("_sha256", "")), brief(left), brief(right) } end
  end
  for _, kind in ipairs { "modules", "data_files" } do
    for _, row in ipairs(paired(x[kind] or {}, y[kind] or {}, "name")) do
      local left, right = row[2] and row[2].sha256 or "(not read)", row[3] and row[3].sha256 or "(not read)"
      if left ~= right then rows[#rows + 1] = { row[1], brief(left), brief(right) } end
    end
  end
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

local function schema_problems(result)
  local described = schema.of_result()
  local value = rp.io.json_decode((assert(files.read(files.join(result.directory, "result.json")))))
  return described and schema.problems(value, described, "result.json") or {}
end

-- The files that the crate lists, with the hashes it states.
local function check_crate(problems, result)
  local text = files.read(files.join(result.directory, "ro-crate-metadata.json"))
  local ok, value = pcall(rp.io.json_decode, text or "")
  if not (ok and type(value) == "table" and type(value["@graph"]) == "table") then
    problems[#problems + 1] = "ro-crate-metadata.json: " .. (text and "it is no crate" or "missing")
    return
  end
  for _, entity in ipairs(value["@graph"]) do
    if entity["@type"] == "File" and not files.exists(files.join(result.directory, tostring(entity.name))) then
      problems[#problems + 1] = ("ro-crate-metadata.json: there is no file %s"):format(tostring(entity.name))
    end
  end
end

-- The cells of its sweeps: as many as it states, each with the result whose hash it states.
local function check_cells(problems, result)
  local n = 0
  for _, sweep in ipairs(outputs_of(result, "sweep")) do
    local folder = files.join("cells", sweep.name)
    local names = files.list(files.join(result.directory, folder))
    if #names < sweep.cells then
      problems[#problems + 1] = ("%s: %d of %d cells are there"):format(folder, #names, sweep.cells)
    end
    for _, name in ipairs(names) do
      local path = files.join(folder, name, "cell.json")
      local problem = files.exists(files.join(result.directory, path)) and record.problem(files.join(result.directory, path))
      if problem then problems[#problems + 1] = path .. ": " .. problem end
    end
    n = n + #names
  end
  return n
end

--- Whether the files of a run directory are those that its result.json describes.
---@param result table from rundir.read
---@return string[] problems none if all is well
---@return integer n number of things looked at
function compare.files(result)
  local problems = schema_problems(result)
  check_file(problems, result.directory, "log.jsonl", result.hashes.log)
  if result.hashes.trace then check_file(problems, result.directory, "trace/steps.jsonl", result.hashes.trace) end
  for _, name in ipairs { "report.html", "report.md", "provenance.json" } do check_file(problems, result.directory, name) end
  local figures = figures_of(result)
  for _, figure in ipairs(figures) do check_file(problems, result.directory, figure.path, figure.sha256) end
  check_crate(problems, result)
  local n_cells = check_cells(problems, result)
  if checks.fingerprint(result.checks) ~= result.hashes.measured then
    problems[#problems + 1] = "result.json: the measured values do not have the fingerprint it states"
  end
  for key, n in next, checks.count(result.checks) do
    if result.counts[key] ~= n then
      problems[#problems + 1] = "result.json: the counts are not those of its checks"
      break
    end
  end
  return problems, 7 + #figures + n_cells + (result.hashes.trace and 1 or 0)
end

return compare
