--- provenance.json: what made a run.  Program and build, machine, command, script, modules and data with their SHA-256.
local rp = require "repro"
local files = require "repro.files"
local inputs = require "repro.inputs"
local json = require "repro.json"

local provenance = {}

local library = debug.getinfo(1, "S").source:match "^@(.*)/provenance%.lua$" or "lua/repro"

local function add_hashes(lines, directory, below)
  for _, name in ipairs(rp.io.list(directory)) do
    local path = directory .. "/" .. name
    if name:find "%.lua$" then
      lines[#lines + 1] = below .. name .. " " .. rp.io.sha256(path)
    elseif not name:find "%." then
      add_hashes(lines, path, below .. name .. "/")
    end
  end
end

--- SHA-256 of the names and hashes of the package's own Lua files, one "NAME SHA-256" a line in the order of names.
---@return string
function provenance.library_hash()
  local lines = {}
  add_hashes(lines, library, "")
  return files.sha256(table.concat(lines, "\n") .. "\n")
end

local function first_line(path, pattern)
  for line in (files.read(path) or ""):gmatch "[^\n]+" do
    local found = line:match(pattern)
    if found then return found end
  end
  return nil
end

local seen                                                 -- what machine() found: a confined process cannot look again

-- The machine, as far as the system tells.
local function machine()
  if seen then return seen end
  local name, release = first_line("/proc/sys/kernel/ostype", "(.*)"), first_line("/proc/sys/kernel/osrelease", "(.*)")
  seen = json.object { { "system", name and release and name .. " " .. release },
                       { "distribution", first_line("/etc/os-release", '^PRETTY_NAME="?([^"]*)') },
                       { "cpu", first_line("/proc/cpuinfo", "^model name%s*:%s*(.*)") } }
  return seen
end

local at_start                                             -- the library when the run began

--- Finds out what a confined process could not, or not any more.
---@param has_cells boolean whether the run may have a sweep
function provenance.look(has_cells)
  machine()
  at_start = has_cells and provenance.library_hash() or nil
end

--- The hash of the library when the run began.
---@return string
function provenance.library_at_start() return at_start or provenance.library_hash() end

local variables = { "REPRO_DATA", "REPRO_LUA", "SOURCE_DATE_EPOCH", "NO_COLOR", "TERM", "LANG", "LC_ALL", "LD_PRELOAD",
                    "LUA_PATH", "LUA_CPATH", "CUDA_VISIBLE_DEVICES" }

-- The variables that the program or its libraries may look at, as far as they are set.
local function environment()
  local rows = {}
  for _, name in ipairs(variables) do rows[#rows + 1] = { name, os.getenv(name) } end
  return json.object(rows)
end

local function file_rows(role)
  local rows = {}
  for i, row in ipairs(inputs.list(role)) do
    rows[i] = json.object { { "name", row.path:match "[^/]+/[^/]+$" or row.path }, { "path", row.path }, { "sha256", row.sha256 } }
  end
  return rows
end

local function setting_rows(list)
  local rows = {}
  for i, row in ipairs(list) do
    rows[i] = json.object { { "name", row.name }, { "value", row.value }, { "default", row.default }, { "changed", row.changed } }
  end
  return rows
end

--- The moment a run is dated with: SOURCE_DATE_EPOCH if it is set, else now.
---@return string date in UTC, as ISO 8601
function provenance.date()
  return os.date("!%Y-%m-%dT%H:%M:%SZ", math.tointeger(tonumber(os.getenv "SOURCE_DATE_EPOCH"))) --[[@as string]]
end

local function build()
  local b = rp.core.build
  return json.object { { "compiler", b.compiler }, { "flags", b.flags }, { "configure", b.configure }, { "lua", b.lua },
                       { "power", b.power }, { "cuda", b.cuda } }
end

--- The text of provenance.json.
---@param result table from P:finish
---@param context table the choices of the command line
---@param date string
---@return string
function provenance.encode(result, context, date)
  return json.encode(json.object {
    { "program", "repro " .. tostring(rp.version) }, { "version", rp.version }, { "commit", rp.core.build.commit },
    { "build", build() }, { "library_sha256", provenance.library_hash() }, { "isa", rp.isa() }, { "threads", rp.threads() },
    { "device", context.device or "cpu" }, { "math", result.math or "exact" },
    { "math_by", result.math and select(2, rp.core.cuda_math_used()) }, { "machine", machine() },
    { "environment", environment() }, { "command", context.argv and table.concat(context.argv, " ") },
    { "script", result.script }, { "script_sha256", result.hashes.script }, { "modules", file_rows "module" },
    { "data", context.data }, { "data_files", file_rows "data" }, { "scale", result.scale }, { "seed", result.seed },
    { "pinned_seed", result.header.seed or 1 }, { "settings", setting_rows(result.settings) },
    { "sandbox", context.sandbox }, { "date", date },
  }) .. "\n"
end

return provenance
