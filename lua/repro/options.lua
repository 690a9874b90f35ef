--- Tables of named options: defaults are filled in, unknown names are refused with the nearest known one.

local misuse = require "repro.misuse"
local nearest = require "repro.nearest"

---@param t table
---@return string[] keys in ascending order
local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  return keys
end

---A copy of `defaults` with the values of `given` in their place.  A default of `false` means "none".
---@param who string   what the options belong to, for the message
---@param given table? name -> value
---@param defaults table name -> value; lists every option there is
---@return table
local function options(who, given, defaults)
  if given ~= nil and type(given) ~= "table" then
    misuse("%s: options must be a table such as {name = value}, got a %s", who, type(given))
  end
  local known = sorted_keys(defaults)
  for _, name in ipairs(sorted_keys(given or {})) do
    if defaults[name] == nil then
      misuse("%s: unknown option '%s'%s", who, name, nearest.hint(name, known))
    end
  end
  local result = {}
  for _, name in ipairs(known) do
    local value = given and given[name]
    if value == nil then value = defaults[name] end
    result[name] = value
  end
  return result
end

return options
