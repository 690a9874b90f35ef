--- Checks of what a script passes to a plot. Messages carry the line of the script.
local misuse = require "repro.misuse"
local nearest = require "repro.nearest"

local arguments = {}

--- Raises `plot: ...` at the line of the script.
---@param format string as for string.format
function arguments.fail(format, ...)
  misuse("plot: " .. format, ...)
end

local function sorted_keys(options)
  local keys = {}
  for key in pairs(options) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  return keys
end

--- Checks that `options` is nil or a table with no key outside the space-separated list `allowed`.
---@param where string the function, for the message
---@param options table|nil
---@param allowed string
---@return table options, never nil
function arguments.options(where, options, allowed)
  if options == nil then return {} end
  if type(options) ~= "table" then
    arguments.fail("%s: options must be a table such as {label = \"loss\"}, got a %s", where, type(options))
  end
  local names = {}
  for name in allowed:gmatch("%S+") do names[#names + 1], names[name] = name, true end
  for _, key in ipairs(sorted_keys(options)) do
    if not names[key] then
      local near = nearest.find(key, names)
      arguments.fail("%s: no option '%s'%s; options: %s", where, key, near and "; did you mean '" .. near .. "'?" or "",
        table.concat(names, ", "))
    end
  end
  return options
end

--- True for a table of options such as {label = "x"}, false for data.
---@param v any
---@return boolean
function arguments.is_options(v)
  return type(v) == "table" and v[1] == nil and next(v) ~= nil
end

--- Checks that `value` is nil, false or one of the space-separated list `allowed`.
---@param where string
---@param name string
---@param value any
---@param allowed string
function arguments.choice(where, name, value, allowed)
  if value == nil or value == false then return value end
  for word in allowed:gmatch("%S+") do
    if word == value then return value end
  end
  arguments.fail("%s: %s = %s is not known; choose one of: %s", where, name, tostring(value), (allowed:gsub(" ", ", ")))
end

return arguments
