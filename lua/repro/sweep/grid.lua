--- The cells of a sweep: every combination of the values of a grid, or the rows of a list, each with every seed.
local misuse = require "repro.misuse"

local grid = {}

local function sorted_names(t)
  local names = {}
  for name in next, t do
    if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" then
      misuse("rp.sweep: a setting's name is a word of letters, digits and _, not %s", tostring(name))
    end
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function check_value(name, value)
  local kind = type(value)
  if kind ~= "number" and kind ~= "string" and kind ~= "boolean" then
    misuse("rp.sweep: %s: the values are numbers, strings or truth values, not a %s", name, kind)
  end
end

-- Every combination; the last name varies fastest.
local function combinations(values)
  local rows, names = { {} }, sorted_names(values)
  for _, name in ipairs(names) do
    if type(values[name]) ~= "table" then misuse("rp.sweep: grid.%s is a list of values, such as {0.1, 1, 10}", name) end
    local longer = {}
    for _, row in ipairs(rows) do
      for _, value in ipairs(values[name]) do
        check_value(name, value)
        local copy = { [name] = value }
        for key, other in next, row do copy[key] = other end
        longer[#longer + 1] = copy
      end
    end
    rows = longer
  end
  return rows, names
end

local function listed(rows)
  local all = {}
  for _, row in ipairs(rows) do
    if type(row) ~= "table" then misuse "rp.sweep: list is an array of tables such as {lambda = 1}" end
    for name, value in next, row do
      check_value(name, value)
      all[name] = true
    end
  end
  return rows, sorted_names(all)
end

local function seeds_of(given, first)
  if given == nil then return { first } end
  if type(given) == "table" then return given end
  if math.type(given) ~= "integer" or given < 1 then misuse "rp.sweep: seeds is a number of seeds, 1 or more, or a list of them" end
  local list = {}
  for i = 1, given do list[i] = first + i - 1 end
  return list
end

local function show(value)
  return type(value) == "number" and ("%.17g"):format(value) or tostring(value)
end

local function short(value)
  if math.type(value) ~= "float" then return tostring(value) end
  for digits = 3, 17 do
    local text = ("%." .. digits .. "g"):format(value)
    if tonumber(text) == value or digits == 6 then return text end
  end
end

-- A name that a person can read and a file can have; words that differ in unusual characters get a number each.
local function name_of(names, row, seed, used)
  local words = {}
  for _, name in ipairs(names) do
    if row[name] ~= nil then words[#words + 1] = name .. "=" .. short(row[name]) end
  end
  words[#words + 1] = "seed=" .. short(seed)
  local name = table.concat(words, ","):gsub("[^%w=.,_+-]", "_"):sub(1, 120)
  used[name] = (used[name] or 0) + 1
  return used[name] == 1 and name or name .. "~" .. used[name]
end

--- The cells.
---@param options table {grid =, list =, seeds =}
---@param first_seed integer seed of the run
---@return table cells array of {name, values = setting -> value, seed, text = all of it, exactly}
---@return string[] names of the settings, in order
function grid.cells(options, first_seed)
  if options.grid and options.list then misuse "rp.sweep takes a grid or a list, not both" end
  local rows, names
  if options.list then rows, names = listed(options.list) else rows, names = combinations(options.grid or {}) end
  local cells, used, seen = {}, {}, {}
  for _, row in ipairs(rows) do
    for _, seed in ipairs(seeds_of(options.seeds, first_seed)) do
      if math.type(seed) ~= "integer" then misuse "rp.sweep: a seed is a whole number" end
      local words = {}
      for _, name in ipairs(names) do words[#words + 1] = ("%s=%s:%s"):format(name, type(row[name]), show(row[name])) end
      local text = table.concat(words, ",") .. ",seed=" .. seed
      if seen[text] then misuse("rp.sweep: the cell %s is there twice", text) end
      seen[text] = true
      cells[#cells + 1] = { name = name_of(names, row, seed, used), values = row, seed = seed, text = text }
    end
  end
  if #cells == 0 then misuse "rp.sweep: there are no cells" end
  return cells, names
end

grid.short = short

return grid
