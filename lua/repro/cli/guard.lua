--- What `repro run` lets a script do: the folders it keeps to (repro.confine) and the limits of --max-...
local rp = require "repro"
local confine = require "repro.confine"
local failure = require "repro.failure"
local files = require "repro.files"
local inputs = require "repro.inputs"
local json = require "repro.json"
local sandbox = require "repro.sandbox"

local guard = {}

--- Options of the command line.
guard.options = {
  { name = "trust", help = "lift the sandbox: the script may read and write wherever you may" },
  { name = "max-memory", value = "SIZE", help = "bytes for tensors and Lua together, such as 2G or 500M" },
  { name = "max-seconds", value = "T", help = "seconds of the clock on the wall" },
  { name = "max-instructions", value = "N", help = "instructions of Lua, such as 1e9" },
  { name = "max-file-size", value = "SIZE", help = "bytes of any file that is written" },
}

-- ---- limits -----------------------------------------------------------------------------------------------------

local units = { [""] = 1, K = 2 ^ 10, M = 2 ^ 20, G = 2 ^ 30, T = 2 ^ 40 }

local function size(given, name)
  local text = given[name]
  if not text then return nil end
  local number, unit = text:upper():match "^([%d.]+)%s*([KMGT]?)I?B?$"
  local bytes = number and tonumber(number) and tonumber(number) * units[unit]
  if not bytes or bytes < 1 or bytes > 2 ^ 50 then
    failure.raise("usage", "run: --%s %s: expected a size such as 500M, 2G or a number of bytes", name, text)
  end
  return math.floor(bytes)
end

local function number(given, name, most)
  local text = given[name]
  if not text then return nil end
  local value = tonumber(text)
  if not value or not (value > 0 and value <= most) then
    failure.raise("usage", "run: --%s %s: expected a number above 0, at most %g", name, text, most)
  end
  return value
end

local function limits(given)
  return { memory = size(given, "max-memory"), file = size(given, "max-file-size"),
           seconds = number(given, "max-seconds", 1e8), instructions = number(given, "max-instructions", 2 ^ 50) }
end

-- ---- modules ----------------------------------------------------------------------------------------------------

--- Templates by which a script's modules are found: beside it, in the folder above, in the current one.
---@param script string
---@return string[]
function guard.roots(script)
  local here = files.directory(script)
  return { here .. "/?.lua", rp.system.plain_path(here .. "/..") .. "/?.lua", "./?.lua" }
end

-- The modules that a text names, and those that they name, read now: once confined, only the script's folder is readable.
local function read_modules(text, roots, found)
  for name in text:gmatch "require%s*%(?%s*[\"']([%w_.-]+)[\"']" do
    local own = name == "repro" or name:find "^repro%."
    local path = not own and not found[name] and sandbox.find_module(name, roots)
    local inner = path and inputs.text(path)
    if inner then
      found[name] = path
      read_modules(inner, roots, found)
    end
  end
  return found
end

-- ---- the run ----------------------------------------------------------------------------------------------------

local function has_driver() return rp.io.exists "/dev/nvidiactl" end

-- A file that is written when the script has ended is made now: beside it nothing may be made later.
local function reserve(path)
  if not path then return nil end
  local file, message = io.open(path, "ab")
  if not file then failure.raise("environment", "%s", message) end
  file:close()
  return path
end

-- The folders in which this run may write: the one of -o, else one in runs/, which rp.paper names.
local function writable(given, text)
  local write, claim = {}, nil
  if given.out then
    local ok, message = pcall(files.make_directory, given.out)
    if not ok then failure.raise("environment", "%s", failure.plain(message)) end
    write[1] = given.out
  elseif text:find("paper", 1, true) then
    claim = "runs"
    local ok, message = pcall(files.make_directory, claim)
    if not ok then failure.raise("environment", "%s", failure.plain(message)) end
  end
  for _, name in ipairs { "junit", "tap" } do write[#write + 1] = reserve(given[name]) end
  return write, claim
end

-- A process that a script has started is confined already, more than its command line may ask for.
local function kept_to_itself(given, path, text, data, modules, limits_text)
  if confine.inherited() then return function() end end
  if given.trust then return function() end end
  local write, claim = writable(given, text)
  local read = {}
  for _, module in next, modules do read[#read + 1] = module end
  return confine.start { script = path, data = data, read = read, write = write, claim = claim, kernel = not given.shared,
                         driver = given.device ~= "cpu" and has_driver(), cells = text:find("sweep", 1, true) ~= nil,
                         limits = limits_text }
end

local limit_names = { "memory", "file", "seconds", "instructions" }

local function text_of(most)
  local words = {}
  for _, name in ipairs(limit_names) do
    if most[name] then words[#words + 1] = ("%s=%.17g"):format(name, most[name]) end
  end
  return table.concat(words, " ")
end

-- The limits of the process that started this one, which hold for it too.
local function inherit_limits(most)
  local from = confine.inherited()
  for name, value in (from and from.limits or ""):gmatch "(%l+)=(%S+)" do
    most[name] = math.min(tonumber(value), most[name] or math.huge)
  end
  return most
end

--- Confines the process and sets its limits, from here to the end.
---@param given table options of the command line
---@param path string the script
---@param text string
---@param data string the folder of data
---@return table guard {modules = for sandbox.new, record = for provenance.json, call = xpcall within the limits, whose results
---  follow which limit was reached, if one was; leave = to be called last, where the process goes on to other runs}
function guard.start(given, path, text, data)
  local most = inherit_limits(limits(given))
  local modules = read_modules(text, guard.roots(path), {})
  local lift = kept_to_itself(given, path, text, data, modules, text_of(most))
  most.report = next(most) and not given.shared and 60 or nil
  local call = next(most) and rp.system.limit(most) or function(...) return nil, xpcall(...) end
  return {
    modules = modules, call = call,
    leave = function() if given.shared then lift() end end,
    record = json.object { { "trust", given.trust or false },
      { "kernel", given.trust and "not asked" or given.shared and "not asked: several runs in one process" or confine.kernel() },
      { "max_memory", most.memory }, { "max_seconds", most.seconds }, { "max_instructions", most.instructions },
      { "max_file_size", most.file } },
  }
end

return guard
