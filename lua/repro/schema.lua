--- The part of JSON Schema (draft 2020-12) that docs/result.schema.json uses: type, const, enum, minimum, required,
--- properties, additionalProperties, items.  A keyword that it does not know is an error, not a silent pass.
local files = require "repro.files"
local json = require "repro.json"
local rp = require "repro"

local schema = {}

local remarks = { ["$schema"] = true, title = true, description = true }

local is_type = {
  object = function(v) return type(v) == "table" and (#v == 0) end,
  array = function(v) return type(v) == "table" and (#v > 0 or next(v) == nil) end,
  string = function(v) return type(v) == "string" end,
  integer = function(v) return math.type(v) == "integer" or type(v) == "number" and v % 1 == 0 end,
  number = function(v) return type(v) == "number" end,
  boolean = function(v) return type(v) == "boolean" end,
  null = function(v) return v == rp.io.null end,
}

local function brief(value)
  local text = json.line(value)
  return #text > 60 and text:sub(1, 57) .. "..." or text
end

local rules, check = {}, nil

function rules.type(value, wanted, path, problems)
  local types = type(wanted) == "table" and wanted or { wanted }
  for _, name in ipairs(types) do
    if is_type[name](value) then return end
  end
  problems[#problems + 1] = ("%s: %s is not of type %s"):format(path, brief(value), table.concat(types, " or "))
end

function rules.const(value, wanted, path, problems)
  if value ~= wanted then problems[#problems + 1] = ("%s: %s is not %s"):format(path, brief(value), brief(wanted)) end
end

function rules.enum(value, wanted, path, problems)
  for _, one in ipairs(wanted) do
    if value == one then return end
  end
  problems[#problems + 1] = ("%s: %s is none of %s"):format(path, brief(value), table.concat(wanted, ", "))
end

function rules.minimum(value, least, path, problems)
  if type(value) == "number" and value < least then
    problems[#problems + 1] = ("%s: %s is less than %s"):format(path, brief(value), tostring(least))
  end
end

function rules.required(value, names, path, problems)
  for _, name in ipairs(type(value) == "table" and names or {}) do
    if value[name] == nil then problems[#problems + 1] = ("%s: %s is missing"):format(path, name) end
  end
end

function rules.properties(value, described, path, problems)
  for name, part in next, described do
    if type(value) == "table" and value[name] ~= nil then check(value[name], part, path .. "." .. name, problems) end
  end
end

function rules.additionalProperties(value, allowed, path, problems, whole)
  if allowed ~= false then return end
  for name in next, type(value) == "table" and value or {} do
    if not whole.properties[name] then problems[#problems + 1] = ("%s: %s is not described"):format(path, tostring(name)) end
  end
end

function rules.items(value, part, path, problems)
  for i, item in ipairs(type(value) == "table" and value or {}) do check(item, part, ("%s[%d]"):format(path, i), problems) end
end

function check(value, described, path, problems)
  for keyword, wanted in next, described do
    if rules[keyword] then
      rules[keyword](value, wanted, path, problems, described)
    elseif not remarks[keyword] then
      problems[#problems + 1] = ("%s: the schema has a keyword that is not known here: %s"):format(path, keyword)
    end
  end
end

--- What is wrong with a value.
---@param value any as json_decode gives it
---@param described table a schema, as json_decode gives it
---@param name string what the value is called
---@return string[] problems in ascending order; none if it validates
function schema.problems(value, described, name)
  local problems = {}
  check(value, described, name, problems)
  table.sort(problems)
  return problems
end

local here = debug.getinfo(1, "S").source:match "^@(.*)/lua/repro/schema%.lua$"
local installed = debug.getinfo(1, "S").source:match "^@(.*)/lua/[^/]*/repro/schema%.lua$"

--- The schema of result.json.
---@return table|nil schema nil where it is not installed
function schema.of_result()
  for _, path in ipairs { here and here .. "/docs/result.schema.json", installed and installed .. "/repro/result.schema.json" } do
    local text = path and files.read(path)
    if text then return rp.io.json_decode(text) end
  end
  return nil
end

return schema
