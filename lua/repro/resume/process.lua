--- What belongs to the process and not to any object that a script can reach, and what becomes of it in a checkpoint.
---
--- Kept with the unit that sets it, and set again:
---   rp.device(name)           where new tensors are made           rp.core.cuda_math(mode)   who multiplies and draws
---   rp.threads(n)             how many threads                     rp.isa(name)              the instruction set
---   rp.core.in_step(flag)     whether a compiled step runs as it is written
---   rp.core.shells_from(n)    from how many bytes on tensors of a graph are given back early
--- In the graph as objects (graph.lua): the generators behind rp.rand and math.random, the script's globals, its own math,
--- string, table, ... with what it adds to them, and the modules that it has required.  With every unit: the files it read.
--- Recording (rp.no_grad), recordings of steps and profiles end with the call that began them.  Limits of memory, Lua's
--- collector and the counts of rp.memory() reach no number.  A new tensor is of float32 unless a call says otherwise.
--- Tables of the package are not a script's to keep anything in: a unit that changes one is not kept (process.changed).
local rp = require "repro"
local failure = require "repro.failure"
local library = require "repro.resume.library"

local core = rp.core
local process = {}

-- The former bound is told only when another one is set.
local function shells_from(n)
  if n then return core.shells_from(n) end
  local was = core.shells_from(0)
  core.shells_from(was)
  return was
end

local function math_mode(mode)
  if not mode then return core.cuda_math() end
  local ok, message = core.cuda_math(mode)
  if not ok then error(message, 0) end
end

-- Name, what tells it when called without an argument and sets it with one, and whether a machine may be without it.
local settings = {
  { "device", rp.device }, { "math mode", math_mode }, { "threads", rp.threads }, { "isa", rp.isa, true },
  { "place in a step", core.in_step }, { "shells", shells_from },
}

---@return table settings name -> value now
function process.read()
  local now = {}
  for _, row in ipairs(settings) do now[row[1]] = row[2]() end
  return now
end

--- What differs between two times.
---@param before table from process.read
---@param now table
---@return table[] rows {name, value now}
function process.difference(before, now)
  local rows = {}
  for _, row in ipairs(settings) do
    local name = row[1]
    if before[name] ~= now[name] then rows[#rows + 1] = { name, now[name] } end
  end
  return rows
end

--- Sets what a unit had set.
---@param rows table[] from process.difference
function process.restore(rows)
  local values = {}
  for _, row in ipairs(rows) do values[row[1]] = row[2] end
  for _, row in ipairs(settings) do
    local name, set, is_optional = row[1], row[2], row[3]
    local ok, message = true, nil
    if values[name] ~= nil then ok, message = pcall(set, values[name]) end
    if not (ok or is_optional) then
      failure.raise("environment", "a part of the run that had ended set the %s to %s: %s", name, tostring(values[name]),
        failure.plain(message))
    end
  end
end

-- ---- tables of the package ------------------------------------------------------------------------------------------

-- A library that was loaded when it was first named, and what repro.device puts around functions.
local function is_own_doing(key, value)
  if value ~= nil and value == package.loaded["repro." .. key] then return true end
  return type(value) == "function" and debug.getinfo(value, "S").source:find "repro/device%.lua$" ~= nil
end

---@return table contents table of the package -> copy
function process.tables()
  local contents = {}
  for t, path in library.tables() do
    local copy = {}
    for key, value in next, t do copy[key] = value end
    contents[t] = { path = path, copy = copy }
  end
  return contents
end

local function first_changed(t, copy)
  for key, value in next, t do
    if not rawequal(copy[key], value) and not is_own_doing(key, value) then return key end
  end
  for key in next, copy do
    if rawget(t, key) == nil then return key end
  end
  return nil
end

--- A name in a table of the package that the script has changed.
---@param contents table from process.tables
---@return string|nil name such as "rp.mine"
function process.changed(contents)
  for t, was in next, contents do
    local key = first_changed(t, was.copy)
    if key ~= nil then
      return (table.concat(was.path, "."):gsub("^repro%.core", "rp"):gsub("^repro", "rp")) .. "." .. tostring(key)
    end
  end
  return nil
end

return process
