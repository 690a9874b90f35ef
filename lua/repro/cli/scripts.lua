--- Scripts by name: where they are found, how they are loaded and run.
local failure = require "repro.failure"
local files = require "repro.files"
local guard = require "repro.cli.guard"
local nearest = require "repro.nearest"
local rp = require "repro"
local sandbox = require "repro.sandbox"

local scripts = {}

-- The directory that holds repro/, from the place of this file: .../lua or .../share/lua/5.4.
local lua_directory = debug.getinfo(1, "S").source:match "^@(.*)/repro/cli/scripts%.lua$" or "lua"

--- Directories in which scripts are looked for by name, the nearest first.
---@return string[]
function scripts.directories()
  local list = {}
  for _, directory in ipairs { "papers", "experiments", lua_directory .. "/../papers", lua_directory .. "/../experiments",
                               lua_directory .. "/../../repro/papers" } do
    if files.exists(directory) then list[#list + 1] = directory end
  end
  return list
end

--- Paths of the scripts in a directory.
---@param directory string
---@return string[]
function scripts.list(directory)
  local list = {}
  for _, name in ipairs(files.list(directory)) do
    if name:find "%.lua$" then list[#list + 1] = directory .. "/" .. name end
  end
  return list
end

local function known_names(directory)
  local names = {}
  for _, place in ipairs { directory, table.unpack(scripts.directories()) } do
    for _, path in ipairs(scripts.list(place)) do names[#names + 1] = path end
  end
  return names
end

local function refuse(name)
  local known = known_names(files.directory(name))
  local stems = {}
  for i, path in ipairs(known) do stems[i] = path:match "([^/]+)%.lua$" end
  local wanted = name:match "([^/]+)$" or name
  local found = nearest.find((wanted:gsub("%.lua$", "")), stems)
  for i, stem in ipairs(stems) do
    if stem == found then failure.raise("usage", 'no script %s; did you mean "%s"?', name, known[i]) end
  end
  failure.raise("usage", "no script %s; repro list shows those there are", name)
end

--- The path of a script: a path as given, or the name of a paper ("dcr").
---@param name string
---@return string path
function scripts.find(name)
  if name:find "%.lua$" and files.exists(name) then return name end
  for _, directory in ipairs(scripts.directories()) do
    for _, path in ipairs { directory .. "/" .. name .. ".lua", directory .. "/" .. name } do
      if path:find "%.lua$" and files.exists(path) then return path end
    end
  end
  if files.exists(name) then
    failure.raise("usage", "%s is not a Lua script: its name does not end in .lua", name)
  end
  return refuse(name)
end

local package_directory = lua_directory .. "/repro/"

local function is_package(path)
  return path:sub(1, #package_directory) == package_directory or path:find("repro/[%w_/]+%.lua$") ~= nil
end

-- The line of the innermost function of the script that is running when an error is raised, and the level of its frame.
local function line_in(source)
  local level = 2
  while true do
    local info = debug.getinfo(level, "Sl")
    if not info then return nil end
    if info.source == source then return info.currentline, level - 1 end
    level = level + 1
  end
end

-- What Lua itself says in the package comes of an argument that nothing has looked at: the documented function that the script
-- called, in the frame `level` or one nearer to the error, and its arguments then help.
local function with_usage(text, level)
  if not level or not (text:find "^attempt to" or text:find "^bad argument") then return text end
  local doc = require "repro.doc" -- here, for a run that goes well needs none of it
  for at = level, 2, -1 do
    local info = debug.getinfo(at, "S")
    local entry = info.what == "Lua" and doc.at(info.source:sub(2), info.linedefined)
    if entry then
      local name = entry.name
      return ("%s: %s; it is called as %s%s, see repro help %s"):format(name, text, name, entry.signature or "", name)
    end
  end
  return text
end

-- An error as a failure whose message begins with script:line.
local function handler(path)
  return function(value)
    local paper = package.loaded["repro.paper"]
    if paper and value == paper.done then return value end
    local found = failure.from(value)
    -- A misuse of the command line is not the script's: it gets no line of the script.
    local line, level
    if not (failure.is(value) and found.kind == "usage") then line, level = line_in("@" .. path) end
    local file, _, text = found.message:match "^([^:\n]+):(%d+): (.*)$"
    local message = found.message
    if file and is_package(file) then message, file = with_usage(text, level), nil end
    if not file and line then message = ("%s:%d: %s"):format(path, line, message) end
    local result = failure.new(found.kind, message)
    if message:find "not enough memory$" or message:find "out of memory: " then result = failure.new("environment", message) end
    result.traceback = debug.traceback(message, 2)
    return result
  end
end

--- The text of a script as a function.
---@param path string
---@param text string
---@param env table its globals
---@return function chunk
function scripts.load(path, text, env)
  if text:find "^\xEF\xBB\xBF" then
    failure.raise("usage", "%s:1: the file begins with a byte order mark; save it as UTF-8 without one", path)
  end
  local chunk, message = load(text, "@" .. path, "t", env)
  if not chunk then failure.raise("usage", "%s", message) end
  return chunk
end

-- Where Lua finds no memory it calls no handler, and its message is all there is.
local function out_of_memory(path, value)
  local live = rp.memory()
  return failure.new("environment", ("%s: %s: %d bytes of tensors, %d at the peak, beside %d of Lua; see --max-memory"):format(path,
    tostring(value), live.live, live.peak, math.floor(collectgarbage "count" * 1024)))
end

--- Runs a script.
---@param path string
---@param text string
---@param choices table {seed, out, guard = from cli.guard}
---@return table|nil failure nil if it ran to its end (or to the check of --only)
function scripts.run(path, text, choices)
  local guarded = choices.guard
  local env = sandbox.new { seed = choices.seed, out = choices.out, roots = guard.roots(path), modules = guarded.modules }
  require("repro.resume.library").enter(env)
  local chunk = scripts.load(path, text:gsub("^#[^\n]*", ""), env)
  local restore = sandbox.share_strings(env)
  local reached, ok, value = guarded.call(chunk, handler(path), path)
  restore()
  if reached then return failure.new("interrupted", reached) end
  local paper = package.loaded["repro.paper"]
  if ok or paper and value == paper.done then return nil end
  return failure.is(value) and value or out_of_memory(path, value)
end

return scripts
