--- The globals of a script: those of Lua, without what would let the order of a hash table, the clock, an address or
--- the C library's mathematics reach a result.
---
---   pairs, next     visit 1, 2, ... first, then other integers, floats, strings by byte, booleans, tensors by age
---   math.random     a Philox stream of the run's seed; math.exp, log, sin ... are the package's own
---   table.sort      stable merge sort (Lua's own takes a pivot from the clock when a sort goes badly)
---   tostring, print, string.format   show no addresses, and of a NaN no sign
---   os, io          no time, environment, processes
---
--- `x^y` on Lua numbers is the program's own as well (src/power.c); in a stock Lua it is the C library's.
--- repro.guards has the functions that would show the sign of a NaN or follow the garbage collector.
local rp = require "repro"
local guards = require "repro.guards"
local inputs = require "repro.inputs"
local misuse = require "repro.misuse"

local sandbox = {}

function sandbox.reseed() end

-- ---- order of keys ---------------------------------------------------------------------------------------------

local ranks = { integer = 1, float = 2, string = 3, boolean = 4, userdata = 5 }

local function serial(key)
  local number = rp.core.serial(key)
  if not number then error("a key of this kind has no defined order; use a string or a number", 0) end
  return number
end

local function rank_of(key)
  local kind = type(key)
  if kind == "number" then kind = math.type(key) end
  return ranks[kind]
end

local comparable = {
  [4] = function(key) return key and 1 or 0 end,
  [5] = serial,
}

local function compare(a, b)
  if a.rank ~= b.rank then return a.rank < b.rank end
  return a.value < b.value
end

local function has_defined_order(keys)
  for i, key in ipairs(keys) do
    if key ~= i then return false end
  end
  return true
end

-- Keys of a table in the defined order.
local function ordered_keys(t)
  local keys, entries = {}, {}
  for key in next, t do keys[#keys + 1] = key end
  if has_defined_order(keys) then return keys end
  for i, key in ipairs(keys) do
    local rank = rank_of(key)
    if not rank then
      misuse("pairs: a key is a %s, which has no defined order between runs; use a string or a number as key", type(key))
    end
    entries[i] = { rank = rank, value = comparable[rank] and comparable[rank](key) or key, key = key }
  end
  table.sort(entries, compare)                             -- keys differ, so the order is total
  for i, entry in ipairs(entries) do keys[i] = entry.key end
  return keys
end

-- The order in force during a traversal by next: keys and the place of each.
local traversals = setmetatable({}, { __mode = "k" })

local function begin_traversal(t)
  local keys, places = ordered_keys(t), {}
  for i, key in ipairs(keys) do places[key] = i end
  local traversal = { keys = keys, places = places }
  traversals[t] = traversal
  return traversal
end

local function ordered_next(t, key)
  if type(t) ~= "table" then misuse("next: expected a table, got a %s", type(t)) end
  local traversal = key ~= nil and traversals[t] or begin_traversal(t)
  local place = key == nil and 0 or traversal.places[key]
  if not place then
    traversal = begin_traversal(t)
    place = traversal.places[key] or misuse "next: the key is not in the table"
  end
  for i = place + 1, #traversal.keys do
    local following = traversal.keys[i]
    local value = rawget(t, following)
    if value ~= nil then return following, value end
  end
  traversals[t] = nil
  return nil
end

local function ordered_pairs(t)
  local meta = getmetatable(t)
  if type(meta) == "table" and meta.__pairs then return meta.__pairs(t) end
  if type(t) ~= "table" then misuse("pairs: expected a table, got a %s", type(t)) end
  local keys, i = ordered_keys(t), 0
  return function()
    while i < #keys do
      i = i + 1
      local value = rawget(t, keys[i])
      if value ~= nil then return keys[i], value end
    end
  end, t, nil
end

-- ---- random numbers --------------------------------------------------------------------------------------------

local block = 512                                          -- words drawn at once

local function word_source(seed)
  local generator, words, used = nil, {}, block
  return function()
    if used >= block then
      generator = generator or rp.generator(seed, "math.random")
      words, used = generator:randint(0, 0xFFFFFFFF, { block }):totable(), 0
    end
    used = used + 1
    return math.tointeger(words[used])
  end
end

-- A whole number in lo .. hi, each equally likely: words beyond the largest multiple of the range are drawn again.
local function whole(word, lo, hi)
  local range = hi - lo + 1                                -- 0 stands for 2^64
  if range == 0 then return word() << 32 | word() end
  local mask = range - 1
  for shift = 0, 5 do mask = mask | mask >> (1 << shift) end
  while true do
    local candidate = (word() << 32 | word()) & mask
    if math.ult(candidate, range) then return lo + candidate end
  end
end

local function integer_argument(value, position)
  local number = math.tointeger(value)
  return number or misuse("math.random: argument %d is not a whole number", position)
end

local function random_functions(seed)
  local word = word_source(seed)
  local function random(a, b)
    if rp.core.is_noting() then
      misuse "math.random in a compiled step: later calls do not run its Lua; take rp.rand or rp.randint, or do it in rp.live"
    end
    if a == nil then return ((word() >> 5) * 0x1p26 + (word() >> 6)) * 0x1p-53 end
    local lo, hi = 1, integer_argument(a, 1)
    if b ~= nil then lo, hi = hi, integer_argument(b, 2) end
    if b == nil and hi == 0 then return word() << 32 | word() end
    if lo > hi then misuse "math.random: the interval is empty" end
    return whole(word, lo, hi)
  end
  local function randomseed(value)
    word = word_source(value == nil and seed or math.tointeger(value) or misuse "math.randomseed: not a whole number")
  end
  return random, randomseed
end

-- ---- sorting ---------------------------------------------------------------------------------------------------

local function less_than(a, b) return a < b end

local function merge(from, to, lo, middle, hi, less)
  local i, j = lo, middle
  for k = lo, hi - 1 do
    if i < middle and (j >= hi or not less(from[j], from[i])) then
      to[k], i = from[i], i + 1
    else
      to[k], j = from[j], j + 1
    end
  end
end

local function stable_sort(list, less)
  less = less or less_than
  local n = #list
  local from, to = table.move(list, 1, n, 1, {}), {}
  local width = 1
  while width < n do
    for lo = 1, n, 2 * width do
      merge(from, to, lo, math.min(lo + width, n + 1), math.min(lo + 2 * width, n + 1), less)
    end
    from, to, width = to, from, 2 * width
  end
  table.move(from, 1, n, 1, list)
end

-- ---- text without addresses ------------------------------------------------------------------------------------

local nan = string.unpack("<d", "\0\0\0\0\0\0\xf8\x7f")    -- 0/0 has its sign set on x86 and clear on ARM

local function plain_tostring(value)
  local kind = type(value)
  if value ~= value and kind == "number" then return "nan" end
  if kind ~= "table" and kind ~= "function" and kind ~= "thread" and kind ~= "userdata" then return tostring(value) end
  local meta = getmetatable(value)
  if type(meta) == "table" and meta.__tostring then return tostring(value) end
  local name = type(meta) == "table" and rawget(meta, "__name")
  return type(name) == "string" and name or kind
end

local function plain_format(form, ...)
  if type(form) ~= "string" then return string.format(form, ...) end
  local values, position = table.pack(...), 0
  for spec in form:gsub("%%%%", ""):gmatch "%%[-+ #0]*%d*%.?%d*(%a)" do
    position = position + 1
    if spec == "p" then misuse "string.format: %p shows an address, which differs from run to run" end
    local value = values[position]
    if spec == "s" then values[position] = plain_tostring(value)
    elseif value ~= value and type(value) == "number" then values[position] = nan end
  end
  return string.format(form, table.unpack(values, 1, values.n))
end

-- ---- libraries -------------------------------------------------------------------------------------------------

local function copy(library)
  local result = {}
  for name, value in next, library do result[name] = value end
  return result
end

-- A library whose absent functions say why they are absent.
local function guarded(name, functions, reasons, usual)
  return setmetatable(functions, { __index = function(_, key)
    local reason = reasons[key] or usual
    misuse("%s.%s is not available to a script: %s", name, tostring(key), reason)
  end })
end

local function make_math(seed)
  local library = copy(math)
  for name, value in next, rp.math or {} do library[name] = value end
  library.random, library.randomseed = random_functions(seed)
  sandbox.reseed = library.randomseed                      -- of the script that runs: a sweep seeds each cell
  return library
end

local no_time = "time would make its results differ from run to run; rp.clock() measures durations"
local no_process = "a script starts no other programs"
local no_files = "a script writes only through P:figure, P:log and rp.io"

local os_reasons = { time = no_time, clock = no_time, date = no_time, difftime = no_time, execute = no_process,
  exit = "return from the script, or raise an error", getenv = "declare a setting in rp.paper{settings = ...}",
  remove = no_files, rename = no_files, tmpname = no_files, setlocale = "the locale is fixed" }

local io_reasons = { popen = no_process, tmpfile = no_files }

local function make_io(out)
  local library = { open = io.open, lines = io.lines, type = io.type, stdout = out, stderr = io.stderr }
  function library.write(...) return out:write(guards.words(...)) end
  return library
end

local function make_print(out)
  return function(...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = plain_tostring(words[i]) end
    if sandbox.before_print then sandbox.before_print() end
    out:write(table.concat(words, "\t"), "\n")
  end
end

--- The path of a module that is not the package's own.
---@param name string
---@param roots string[] templates such as "papers/?.lua"
---@return string|nil path
function sandbox.find_module(name, roots)
  if not name:find "^[%w_][%w_.-]*$" or name:find("..", 1, true) then return nil end
  for _, root in ipairs(roots) do
    local path = root:gsub("%?", (name:gsub("%.", "/")))
    if rp.io.exists(path) then return path end
  end
  return nil
end

-- Modules of the program, not of its library: what they do, a script must not.
local program = { "repro.cli", "repro.confine", "repro.checkpoint", "repro.resume" }

local function is_program(name)
  for _, module in ipairs(program) do
    if name == module or name:sub(1, #module + 1) == module .. "." then return true end
  end
  return false
end

-- Runs a module that is not the package's own, with the script's globals.  Those of known paths were read before the script
-- was confined.
local function make_loader(env, roots, known)
  return function(name)
    local path = known[name] or sandbox.find_module(name, roots)
    if not path then
      misuse("require: no module %s beside the script, in the directory above it, or in the current one", name)
    end
    local text, problem = inputs.text(path)
    if not text then misuse("require: %s", problem) end
    inputs.note("module", path, rp.io.sha256_text(text))
    local chunk, syntax = load(text:gsub("^#[^\n]*", ""), "@" .. path, "t", env)
    if not chunk then error(syntax, 0) end
    return chunk(name, path)
  end
end

-- A `require` for the script; rp.paper.require, which runs a module anew, finds the same ones by sandbox.load_module.
local function make_require(env, roots, known)
  local loaded, load_module = {}, make_loader(env, roots, known)
  sandbox.load_module = load_module
  return function(name)
    if type(name) ~= "string" then misuse("require: expected a name, got a %s", type(name)) end
    if is_program(name) then misuse("require: %s is part of the program, not of its library", name) end
    if name == "repro" or name:find "^repro%." then return require(name) end
    if loaded[name] ~= nil then return loaded[name] end
    local value = load_module(name)
    loaded[name] = value == nil and true or value
    return loaded[name]
  end
end

-- Coroutines whose making counts against the limit of instructions (src/lua/l_limits.c).
local function make_coroutine()
  local library = copy(coroutine)
  function library.create(body)
    rp.system.charge()
    return coroutine.create(body)
  end
  function library.wrap(body)
    rp.system.charge()
    return coroutine.wrap(body)
  end
  return library
end

-- The metatables of strings, tensors and files are the program's own.
local function table_metatable(value)
  if type(value) == "table" then return getmetatable(value) end
  return nil
end

local plain_globals = { "assert", "error", "ipairs", "pcall", "rawequal", "rawget", "rawlen", "rawset",
                        "select", "tonumber", "type", "xpcall", "_VERSION" }

local function add_loaders(env)
  function env.load(chunk, name, _, other) return load(chunk, name, "t", other or env) end -- never compiled code
  function env.loadfile(path, _, other) return loadfile(path, "t", other or env) end
  function env.dofile(path) return assert(loadfile(path, "t", env))() end
end

--- The globals for a script.
---@param options table {seed = of math.random, out = file for print and io.write, roots = module search templates,
---  modules = name -> path of modules that have been read already}
---@return table env
function sandbox.new(options)
  local env, out = {}, options.out or io.stdout
  for _, name in ipairs(plain_globals) do env[name] = _G[name] end
  env._G = env
  env.pairs, env.next = ordered_pairs, ordered_next
  env.tostring, env.print = plain_tostring, make_print(out)
  env.math = make_math(options.seed or 1)
  env.table = copy(table)
  env.table.sort, env.table.concat = stable_sort, guards.concat
  env.string = copy(string)
  env.string.format, env.string.pack, env.string.dump = plain_format, guards.pack, guards.dump
  env.setmetatable, env.collectgarbage = guards.setmetatable, guards.collectgarbage
  env.os = guarded("os", {}, os_reasons, "its results would differ from machine to machine")
  env.io = guarded("io", make_io(out), io_reasons, "use rp.io")
  env.debug = guarded("debug", { traceback = debug.traceback }, {}, "it can reach around the rules of a script")
  env.coroutine, env.utf8, env.getmetatable = make_coroutine(), copy(utf8), table_metatable
  env.require = make_require(env, options.roots or {}, options.modules or {})
  add_loaders(env)
  return env
end

--- Makes ("..."):format(...) the sandbox's own too; returns a function that undoes it.  A function that the script adds to
--- `string` is a method of strings as well; one that it replaces is not, as the package's own code uses these methods.
---@param env table from sandbox.new
---@return function restore
function sandbox.share_strings(env)
  local meta = getmetatable ""
  local before = meta.__index
  meta.__index = setmetatable(copy(env.string), { __index = env.string })
  return function() meta.__index = before end
end

return sandbox
