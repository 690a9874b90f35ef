--- Options of a command: one declarative row each, from which come the parser, its messages and the help text.
---
---   {name = "scale", value = "S", choices = {"smoke", "small", "paper"}, default = "small", help = "..."}
---   name     long name; the value is found under it      short    letter      value    name of its value; none: a flag
---   choices  allowed values      integer   {lowest}      many     collects a list      default
---   hidden   between processes of the program: no part of the help
local failure = require "repro.failure"
local nearest = require "repro.nearest"

local options = {}

--- Options of every command.
options.common = {
  { name = "help", short = "h", help = "show this text" },
  { name = "traceback", help = "show the stack of an error" },
}

local function all_rows(command)
  local rows = {}
  for _, row in ipairs(command.options or {}) do rows[#rows + 1] = row end
  for _, row in ipairs(options.common) do rows[#rows + 1] = row end
  return rows
end

local function find(rows, word)
  for _, row in ipairs(rows) do
    if word == "--" .. row.name or row.short and word == "-" .. row.short then return row end
  end
  return nil
end

local function refuse_unknown(command, rows, word)
  local known = {}
  for _, row in ipairs(rows) do known[#known + 1] = not row.hidden and "--" .. row.name or nil end
  failure.raise("usage", "%s: unknown option %s%s", command.name, word,
    nearest.find(word, known) and nearest.hint(word, known) or "; see repro " .. command.name .. " --help")
end

local function check_choice(command, row, text)
  for _, choice in ipairs(row.choices) do
    if choice == text or row.prefix and text:sub(1, #choice + 1) == choice .. ":" then return text end
  end
  failure.raise("usage", "%s: --%s %s: expected one of %s%s", command.name, row.name, text, table.concat(row.choices, ", "),
    nearest.find(text, row.choices) and nearest.hint(text, row.choices) or "")
end

local function convert(command, row, text)
  if row.choices then return check_choice(command, row, text) end
  if row.integer then
    local number = math.tointeger(tonumber(text))
    if not number or number < row.integer then
      failure.raise("usage", "%s: --%s %s: expected a whole number, %d or more", command.name, row.name, text, row.integer)
    end
    return number
  end
  return text
end

local function store(command, values, row, text)
  local value = row.value and convert(command, row, text) or true
  if row.many then
    values[row.name] = values[row.name] or {}
    table.insert(values[row.name], value)
  else
    values[row.name] = value
  end
end

-- Splits --name=value and -nVALUE; other words stay whole.
local function split(rows, word)
  local name, text = word:match "^(%-%-[^=]+)=(.*)$"
  if name then return name, text end
  local row = word:find "^%-%a." and not word:find "^%-%-" and find(rows, word:sub(1, 2))
  if row and row.value then return word:sub(1, 2), word:sub(3) end
  return word, nil
end

local function is_option(word) return word:find "^%-." and not word:find "^%-%d" end

--- Reads the words of a command line.
---@param command table {name, options}
---@param words string[]
---@return table values by option name
---@return string[] rest words that are no options
function options.parse(command, words)
  local rows, values, rest, i = all_rows(command), {}, {}, 1
  while i <= #words do
    local word = words[i]
    if word == "--" then
      table.move(words, i + 1, #words, #rest + 1, rest)
      break
    elseif is_option(word) then
      local name, text = split(rows, word)
      local row = find(rows, name) or refuse_unknown(command, rows, name)
      if row.value and not text then
        i = i + 1
        text = words[i] or failure.raise("usage", "%s: %s needs a value: %s %s", command.name, name, name, row.value)
      elseif text and not row.value then
        failure.raise("usage", "%s: %s takes no value", command.name, name)
      end
      store(command, values, row, text)
    else
      rest[#rest + 1] = word
    end
    i = i + 1
  end
  for _, row in ipairs(rows) do
    if values[row.name] == nil then values[row.name] = row.default end
  end
  return values, rest
end

--- Complains unless there are as many words as the command takes.
---@param command table {name, usage}
---@param rest string[]
---@param least integer
---@param most integer
function options.expect(command, rest, least, most)
  if #rest >= least and #rest <= most then return end
  local problem = #rest < least and "too few arguments" or "unexpected argument " .. rest[most + 1]
  failure.raise("usage", "%s: %s\nusage: repro %s %s", command.name, problem, command.name, command.usage)
end

local function left_column(row)
  local short = row.short and "-" .. row.short .. ", " or "    "
  local value = row.value and " " .. (row.choices and table.concat(row.choices, "|") or row.value) or ""
  return "  " .. short .. "--" .. row.name .. value
end

local function help_line(row)
  local default = row.default ~= nil and (" (default %s)"):format(row.default) or ""
  local left = left_column(row)
  local gap = #left < 34 and (" "):rep(34 - #left) or "\n" .. (" "):rep(34)
  return left .. gap .. row.help .. default
end

--- The help text of a command.
---@param command table {name, usage, summary, details, options}
---@return string
function options.help(command)
  local lines = { ("usage: repro %s %s"):format(command.name, command.usage or ""), "", command.summary }
  if command.details then lines[#lines + 1] = "\n" .. command.details end
  lines[#lines + 1] = "\noptions"
  for _, row in ipairs(all_rows(command)) do
    if not row.hidden then lines[#lines + 1] = help_line(row) end
  end
  return table.concat(lines, "\n") .. "\n"
end

return options
