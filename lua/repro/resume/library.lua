--- What belongs to the package and to Lua, and not to a script: where the graph of a script's state ends, and the names by
--- which a checkpoint refers to what lies there.
local library = {}

local here = debug.getinfo(1, "S").source:match "^(.*)resume/library%.lua$" or "@lua/repro/"
local standard = { "coroutine", "debug", "io", "math", "os", "string", "table", "utf8" }

-- Tables and functions of the package, and the path to each: {"repro.nn", "Linear"}.
local paths = setmetatable({}, { __mode = "k" })
local own = setmetatable({}, { __mode = "k" })             -- functions that have been asked about
local marked = 0                                           -- modules that had been loaded when it was filled
local globals                                              -- of the script

local function extended(path, key)
  local result = table.move(path, 1, #path, 1, {})
  result[#result + 1] = key
  return result
end

-- Marks a value and, for a table, what it holds under names, as far as `depth` names down.
local function mark(value, path, depth)
  local kind = type(value)
  if kind ~= "table" and kind ~= "function" or paths[value] or value == globals then return end
  paths[value] = path
  if kind == "function" or depth == 0 then return end
  for key, inner in next, value do
    if type(key) == "string" then mark(inner, extended(path, key), depth - 1) end
  end
end

--- Takes in modules that have been loaded since the last time.
function library.refresh()
  local names = {}
  for name in next, package.loaded do
    if name == "repro" or name:find "^repro%." then names[#names + 1] = name end
  end
  if #names == marked then return end
  marked = #names
  table.sort(names)
  for _, name in ipairs(names) do mark(package.loaded[name], { name }, 2) end
end

--- The globals of the script that runs next.
---@param env table from sandbox.new
function library.enter(env)
  globals = env
  mark(_G, { "_G" }, 0)                                    -- of the package; the script has its own
  for _, name in ipairs(standard) do
    for key, value in next, env[name] do mark(value, { "_ENV", name, key }, 0) end
  end
  for _, name in ipairs { "stdout", "stderr" } do paths[env.io[name]] = { "_ENV", "io", name } end
end

local libraries = { repro = true, ["repro.core"] = true }
for _, name in ipairs(require "repro.libraries") do libraries["repro." .. name] = true end

--- The tables of rp and its libraries, for a loop.
---@return function iterator table, path
function library.tables()
  library.refresh()
  local t, path
  return function()
    repeat t, path = next(paths, t) until t == nil or type(t) == "table" and libraries[path[1]]
    return t, path
  end
end

---@return boolean whether a table or userdata is the package's
function library.is_own(value)
  return paths[value] ~= nil
end

---@return boolean whether a function is the package's, Lua's or C's
function library.is_own_function(value)
  local known = own[value]
  if known == nil then
    local info = debug.getinfo(value, "S")
    known = info.what == "C" or info.source:sub(1, #here) == here
    own[value] = known
  end
  return known
end

---@return string[]|nil path to something of the package
function library.path(value)
  return paths[value]
end

---@param path string[]
---@return any|nil what a path leads to
function library.at(path)
  local value
  if path[1] == "_ENV" then value = globals else value = package.loaded[path[1]] end
  for i = 2, #path do
    if type(value) ~= "table" then return nil end
    value = rawget(value, path[i])
  end
  return value
end

local function shared_variable(fn, wanted)
  for i = 1, 20 do
    local name, value = debug.getupvalue(fn, i)
    if name == wanted then return value end
  end
  return nil
end

--- The functions whose shared variables are the state of the script's math.random.
---@return function[]
function library.random_state()
  local random = globals and globals.math and globals.math.random
  local word = random and shared_variable(random, "word")
  return word and { random, word } or {}
end

--- The modules that the script has required: name -> what it returned.
---@return table|nil
function library.modules()
  local load_module = globals and globals.require
  return load_module and shared_variable(load_module, "loaded")
end

return library
