--- The settings a paper declares: typed values, one for every scale or one per scale, changed by --set key=value.
---
---     settings = {
---       steps   = {smoke = 20, small = 300, paper = 4600, help = "training steps"},
---       dataset = {"glyphs", choices = {"glyphs", "mnist"}, help = "where the images come from"},
---       tau     = 0.1,                                     -- the same at every scale
---       widths  = {{64, 128}},                             -- a list; --set widths=64,128
---     }
local nearest = require "repro.nearest"
local failure = require "repro.failure"
local misuse = require "repro.misuse"

local settings = {}

--- The scales, from seconds to the authors' own configuration.
settings.scales = { "smoke", "small", "paper" }

local known_fields = { help = true, choices = true, min = true, max = true, smoke = true, small = true, paper = true,
                       [1] = true }

---@return string[] keys sorted by byte
function settings.names(declared)
  local names = {}
  for name in next, declared do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function check_fields(name, row)
  for field in next, row do
    if not known_fields[field] then
      local fields = { "smoke", "small", "paper", "choices", "help", "min", "max" }
      misuse("setting %s: unknown field %s%s", name, tostring(field), nearest.hint(tostring(field), fields))
    end
  end
end

-- The row of a setting written in short.
local function as_row(name, declared)
  if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" then
    misuse("a setting's name is a word of letters, digits and _, not %s", tostring(name))
  end
  if type(declared) ~= "table" then return { declared } end
  check_fields(name, declared)
  return declared
end

local function default(name, row, scale)
  local value = row[scale]
  if value == nil then value = row[1] end
  if value == nil then misuse("setting %s has no value at scale %s", name, scale) end
  return value
end

local function parse_number(text, like)
  local value = tonumber(text)
  if not value or value ~= value or value == math.huge or value == -math.huge then return nil, "a number" end
  if math.type(like) == "float" then return value + 0.0 end
  local whole = math.tointeger(value)
  if not whole then return nil, "a whole number" end
  return whole
end

local function parse_boolean(text)
  if text == "true" or text == "yes" or text == "on" or text == "1" then return true end
  if text == "false" or text == "no" or text == "off" or text == "0" then return false end
  return nil, "true or false"
end

local function parse_list(text, like)
  local list = {}
  for item in (text .. ","):gmatch "%s*([^,]*)%s*," do
    local value, wanted = settings.parse(item, like[1] == nil and "" or like[1])
    if value == nil then return nil, "a list such as 1,2,3 of which each is " .. wanted end
    list[#list + 1] = value
  end
  return list
end

--- The value that a text from the command line stands for.
---@param text string
---@param like any a value of the type wanted (the default)
---@return any|nil value
---@return string|nil wanted what was expected instead
function settings.parse(text, like)
  if type(like) == "number" then return parse_number(text, like) end
  if type(like) == "boolean" then return parse_boolean(text) end
  if type(like) == "table" then return parse_list(text, like) end
  return text
end

--- A value as the text that settings.parse reads.
---@param value any number, boolean, string or list of them
---@return string
function settings.text(value)
  if type(value) == "table" then
    local items = {}
    for i, item in ipairs(value) do items[i] = settings.text(item) end
    return table.concat(items, ",")
  end
  return math.type(value) == "float" and ("%.17g"):format(value) or tostring(value)
end

local function check_range(name, row, value)
  if row.choices then
    for _, choice in ipairs(row.choices) do
      if choice == value then return end
    end
    local words = {}
    for i, choice in ipairs(row.choices) do words[i] = tostring(choice) end
    failure.raise("usage", "setting %s: %s is not one of %s%s", name, tostring(value), table.concat(words, ", "),
      nearest.find(tostring(value), words) and nearest.hint(tostring(value), words) or "")
  end
  if row.min and value < row.min or row.max and value > row.max then
    failure.raise("usage", "setting %s: %s is outside %s .. %s", name, tostring(value), tostring(row.min or "-inf"),
      tostring(row.max or "inf"))
  end
end

local function set(name, row, like, text)
  local value, wanted = settings.parse(text, like)
  if value == nil then failure.raise("usage", "--set %s=%s: expected %s", name, text, wanted) end
  check_range(name, row, value)
  return value
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  if #a ~= #b then return false end
  for i = 1, #a do
    if not same(a[i], b[i]) then return false end
  end
  return true
end

--- Values of all settings at a scale.
---@param declared table name -> value or row, as a script writes it
---@param scale "smoke"|"small"|"paper"
---@param given table|nil array of {name, text} from --set
---@return table values name -> value
---@return table rows array of {name, value, default, help, changed} in the order of names
function settings.resolve(declared, scale, given)
  local values, rows, texts = {}, {}, {}
  local names = settings.names(declared)
  for _, pair in ipairs(given or {}) do
    if declared[pair[1]] == nil then
      failure.raise("usage", "--set %s: the script has no such setting%s", pair[1], nearest.hint(pair[1], names))
    end
    texts[pair[1]] = pair[2]
  end
  for _, name in ipairs(names) do
    local row = as_row(name, declared[name])
    local usual = default(name, row, scale)
    local value = usual
    if texts[name] then value = set(name, row, usual, texts[name]) end
    values[name] = value
    rows[#rows + 1] = { name = name, value = value, default = usual, help = row.help,
                        changed = not same(value, usual) }
  end
  return values, rows
end

return settings
