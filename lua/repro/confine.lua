--- Keeps a script of somebody else within its folders: nothing outside them is read or written, no program is started, no
--- native code loaded.
---
---   read      the package's own Lua files, the script's folder, the data folder, the run directory
---   written   the run directory
---
--- The rules hold for the whole process from the script's first line on, for the package's own functions too, since a script
--- can call all of them: files are opened only through base/confine.h, and what Lua offers beside it (io.popen, os.execute,
--- package.loadlib, compiled chunks) is taken out of the program's own globals too, although no script can reach them.  Where
--- Linux has Landlock the kernel refuses the same again.
local rp = require "repro"
local files = require "repro.files"

local confine = {}

local system = rp.system

-- ---- Lua's own ways to files, processes and native code ---------------------------------------------------------

local function refuse(name)
  return function() error(name .. " is not available in the sandbox; --trust lifts it", 2) end
end

-- As io.lines of a file: the file is closed at its end, or where the loop is left.
local function lines(path, ...)
  local file, message = system.open(path)
  if not file then error(message, 2) end
  local formats = table.pack(...)
  local function step()
    local values = table.pack(file:read(table.unpack(formats, 1, formats.n)))
    if values[1] == nil then file:close() end
    return table.unpack(values, 1, values.n)
  end
  return step, nil, nil, file
end

-- In the manner of io and os: true, or nil and a message.
local function attempt(action, ...)
  local ok, message = pcall(action, ...)
  if ok then return true end
  return nil, tostring(message)
end

local function read_chunk(path, env, has_env)
  local file, message = system.open(path, "rb")
  if not file then return nil, message end
  local text
  text, message = file:read "a"
  file:close()
  if not text then return nil, path .. ": " .. tostring(message) end
  text = text:gsub("^#[^\n]*", "")
  if has_env then return load(text, "@" .. path, "t", env) end
  return load(text, "@" .. path, "t")
end

local function safe_loadfile(path, _, ...) return read_chunk(path, (...), select("#", ...) > 0) end

local function safe_dofile(path) return assert(read_chunk(path))() end

local function text_only(load)
  return function(chunk, name, _, ...) return load(chunk, name, "t", ...) end
end

local function no_finaliser(setmetatable)
  return function(object, meta)
    if type(meta) == "table" and rawget(meta, "__gc") ~= nil then error("__gc is not available in the sandbox", 2) end
    return setmetatable(object, meta)
  end
end

-- What is put in place of which fields of the program's globals.
local function replacements()
  return {
    { io, { open = system.open, lines = lines, popen = refuse "io.popen", tmpfile = refuse "io.tmpfile",
            input = refuse "io.input", output = refuse "io.output" } },
    { os, { execute = refuse "os.execute", tmpname = refuse "os.tmpname", setlocale = refuse "os.setlocale",
            remove = function(path) return attempt(rp.io.remove, path) end,
            rename = function(from, to) return attempt(system.rename, from, to) end } },
    { package, { loadlib = refuse "package.loadlib", cpath = "", searchers = { package.searchers[1], package.searchers[2] } } },
    { string, { dump = refuse "string.dump" } },
    { _G, { load = text_only(load), loadfile = safe_loadfile, dofile = safe_dofile, setmetatable = no_finaliser(setmetatable) } },
  }
end

-- Takes the ways out of the globals; returns a function that puts them back.
local function seal()
  local undo = {}
  for _, row in ipairs(replacements()) do
    local library, fields = row[1], row[2]
    for name, value in next, fields do
      undo[#undo + 1] = { library, name, library[name] }
      library[name] = value
    end
  end
  return function()
    for _, entry in ipairs(undo) do entry[1][entry[2]] = entry[3] end
  end
end

-- ---- folders ----------------------------------------------------------------------------------------------------

local package_folder = debug.getinfo(1, "S").source:match "^@(.*)/repro/confine%.lua$" or "lua"

-- Files and folders that libraries and the driver of a CUDA device open while a script runs.  For the kernel only: the
-- script cannot name them.
local driver_reads = { "/usr", "/lib", "/lib64", "/opt", "/etc/ld.so.cache", "/proc/self", "/proc/driver", "/proc/devices",
  "/proc/modules", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys", "/sys/bus", "/sys/devices", "/sys/module" }
local driver_writes = { "/dev/shm", "/dev/nvidia-caps", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools",
  "/dev/nvidia-modeset", "/proc/self/task" }

local function add(list, paths, rights)
  for _, path in ipairs(paths) do list[#list + 1] = { path, rights } end
end

local function add_driver(list)
  add(list, driver_reads, "s")
  add(list, driver_writes, "sw")
  for i = 0, 15 do list[#list + 1] = { "/dev/nvidia" .. i, "sw" } end
end

-- What every process may need: the number of cores, and where nothing goes.
local plain_reads = { "/sys/devices/system/cpu/online", "/proc/stat", "/proc/self/maps", "/dev/null", "/dev/urandom" }

-- What it takes to start this program again, for a cell of a sweep.
local libraries = { "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt", "/etc/ld.so.cache" }

local function rules(options)
  local list = {}
  local folder = files.directory(options.script)
  add(list, { package_folder .. "/repro", options.script }, "r")
  if not system.common_folder(folder) then add(list, { folder }, "r") end
  if options.data then add(list, { options.data }, "r") end
  add(list, options.read or {}, "r")
  add(list, options.write or {}, "w")
  if options.claim then add(list, { options.claim }, "c") end
  add(list, plain_reads, "s")
  if options.driver then add_driver(list) end
  if options.cells then add(list, { rp.core.process.self(), table.unpack(libraries) }, "s") end
  return list
end

local function by_kernel(options) return options.kernel ~= false and os.getenv "REPRO_LANDLOCK" ~= "0" end

--- The folder of a script is not opened to it where it holds what is not the script's: the home folder, those above it, and
--- those like /tmp in which everybody has files.
---@param script string
---@return boolean
function confine.shares_folder(script)
  return system.common_folder(files.directory(script))
end

--- Whether the kernel takes part, in words for people: "Landlock 7" or "none: why".
---@return string
function confine.kernel()
  local version, why = system.landlock()
  if not version then return "none: " .. why end
  if os.getenv "REPRO_LANDLOCK" == "0" then return "none: REPRO_LANDLOCK=0" end
  return "Landlock " .. version
end

--- Keeps the process to the folders of a script, from now on.
---@param options table {script = path, data = folder or nil, read = files, write = folders that exist, claim = folder in
---  which rp.paper makes the run directory, driver = true for a CUDA device, cells = true for a sweep,
---  kernel = false to leave the kernel out, limits = text for confine.inherited}
---@return function lift takes everything back but the kernel's part; nothing else can
function confine.start(options)
  local lift = system.confine(rules(options), by_kernel(options), options.limits)
  local unseal = seal()
  return function()
    lift()
    unseal()
  end
end

local inherited

--- In a process that a confined one has started: keeps to what that one keeps to.  To be called before anything is done that
--- the command line asks for, since a script has written it.
function confine.inherit()
  local text = os.getenv "REPRO_CONFINED"
  if not text then return end
  local list, limits, rest = {}, (text .. "\n"):match "^([^\n]*)\n(.*)$"
  for rights, path, named in rest:gmatch "(%l+) ([^\n]*)\n([^\n]*)\n" do list[#list + 1] = { path, rights, named } end
  system.confine(list, by_kernel {}, limits)
  inherited = { limits = limits }
  seal()
end

--- What confine.inherit found, or nil.
---@return table|nil {limits = text that was given to confine.start}
function confine.inherited() return inherited end

return confine
