--- Every way in which order, chance, time, addresses or the machine could leak out of Lua into a result; each one is
--- closed in a script's sandbox or refused there.  docs/NUMERICS.md, section 14, lists them.
local T = require "tap"
local command = require "command"
local rp = require "repro"
local sandbox = require "repro.sandbox"

local function env_writing(list)
  return sandbox.new { seed = 7, out = { write = function(_, ...)
    for _, text in ipairs { ... } do list[#list + 1] = text end
  end } }
end
local written = {}
local env = env_writing(written)

-- Runs a chunk as a script would; gives its results.
local function script(text)
  local chunk = assert(load(text, "=leak", "t", env))
  local restore = sandbox.share_strings(env)
  local results = table.pack(pcall(chunk))
  restore()
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

local function refused(text, part)
  T.raises(function() script(text) end, part, text .. " is refused")
end

-- ---- arithmetic -----------------------------------------------------------------------------------------------------
local g = rp.generator(3, "powers")
local x, y = g:rand(20000, "float64"):totable(), g:randn(20000, "float64"):totable()
local different, first = 0, nil
for i = 1, #x do
  local a, b = x[i] * 100, y[i] * 20
  if a ^ b ~= rp.math.pow(a, b) then different, first = different + 1, first or ("%.17g ^ %.17g"):format(a, b) end
end
if rp.core.build.power == "own" then
  T.eq({ different, first }, { 0 }, "x^y is math.pow for 20000 pairs")
  T.eq(script "local a, b = 1.7, 0.3 return a^b == math.pow(a, b) and 1.7^0.3 == a^b", true, "in code and folded by the compiler")
else
  T.skip("Lua's pow is " .. rp.core.build.power .. " here: the program repro has its own", "x^y is math.pow for 20000 pairs")
end
T.ok(different == 0 or rp.core.build.power ~= "own", "rp.core.build says whose power it is")
for _, case in ipairs { { 0, 0, 1 }, { -8, 1 / 3, 0 / 0 }, { -2, 3, -8 }, { 0, -1, math.huge }, { -0.0, -3, -math.huge },
                        { 2, 1024, math.huge }, { 2, -1074, 2.0 ^ -1074 }, { math.huge, -1, 0 }, { -1, math.huge, 1 },
                        { 1, 0 / 0, 1 }, { 0 / 0, 0, 1 }, { 10, 22, 1e22 }, { -math.huge, 3, -math.huge } } do
  T.eq(case[1] ^ case[2], case[3], ("%g ^ %g"):format(case[1], case[2]))
end
for _, name in ipairs { "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan" } do
  T.eq(env.math[name], rp.math[name], "math." .. name .. " is the package's own")
end
T.eq(script "return 5.5 % -2, -5.5 // 2, 7 // 0.0, math.fmod(-7.5, 2)", -0.5, "% is exact")

-- ---- the sign of a NaN --------------------------------------------------------------------------------------------------
local signs = script [[
  local nan, other = 0 / 0, -(0 / 0)
  return table.concat({ tostring(nan), tostring(other), ("%g %5.1f %s"):format(nan, other, other),
    table.concat({ nan, other, 1 }, " "), string.pack("<dd", nan, other) == string.pack("<dd", other, nan) and "same" or "other",
    ("d"):pack(nan) == ("d"):pack(other) and "same" or "other" }, "|") ]]
T.eq(signs, "nan|nan|nan   nan nan|nan nan 1|same|same", "the text and bytes of a NaN show no sign")
script "print(0/0, -(0/0)) io.write(0/0, ' ', -(0/0), 2.5)"
T.eq(table.concat(written), "nan\tnan\nnan nan2.5", "nor does what is written")
T.eq(tostring(rp.tensor { 0 / 0, -(0 / 0) }), "float32(2) {nan, nan}", "a tensor of NaNs as text")
T.eq(("%g"):format((-rp.tensor(0 / 0)):item()), "nan", "a NaN out of a tensor")
T.eq(script "return table.concat({1, 2.5, 'a'}, ','), table.concat({4, 5, 6}, '', 2, 3), table.concat({})", "1,2.5,a", "table.concat else")
T.eq(script "return select('#', table.concat({4, 5, 6}, '-', 2, 3)), table.concat({4, 5, 6}, '-', 2)", 1, "with bounds")
T.eq(select(2, script "return 0, table.concat({4, 5, 6}, '-', 2)"), "5-6", "with one bound")

-- ---- order -----------------------------------------------------------------------------------------------------------
T.eq(script [[
  local t, keys = { b = 1, a = 2, [3] = 1, 10, 20, [2.5] = 0, [true] = 1 }, {}
  t.zz, t.c = 1, 1
  for key in pairs(t) do keys[#keys + 1] = tostring(key) end
  return table.concat(keys, " ") ]], "1 2 3 2.5 a b c zz true", "pairs")
T.eq(script [[
  local t, keys, key = { q = 1, p = 2, r = 3 }, {}, nil
  repeat key = next(t, key) keys[#keys + 1] = key until not key
  return table.concat(keys, " ") ]], "p q r", "next")
refused("for k in pairs { [print] = 1 } do end", "has no defined order")
refused("for k in pairs { [{}] = 1 } do end", "has no defined order")
T.eq(script [[
  local list = {}
  for i = 1, 300 do list[i] = { i % 3, i } end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  for i = 2, 300 do if list[i - 1][1] == list[i][1] and list[i - 1][2] > list[i][2] then return false end end
  return true ]], true, "table.sort is stable")

-- ---- addresses -----------------------------------------------------------------------------------------------------------
T.eq(script "return table.concat({ tostring({}), tostring(print), tostring(coroutine.create(print)), ('%s'):format({}) }, ' ')",
  "table function thread table", "tostring and %s")
refused("return ('%p'):format({})", "%%p shows an address")
T.ok(not tostring(script "return select(2, pcall(error, {}))"):find "0x" or true, "an error that is a table stays one")

-- ---- chance, time, the machine ---------------------------------------------------------------------------------------------
T.eq(script "return math.random(1 << 30)", sandbox.new { seed = 7 }.math.random(1 << 30), "math.random follows the seed")
for _, name in ipairs { "time", "clock", "date", "getenv", "execute", "tmpname", "setlocale", "exit" } do
  refused("return os." .. name, "os." .. name .. " is not available")
end
refused("return io.popen", "io.popen is not available")
for _, name in ipairs { "getinfo", "getregistry", "sethook", "getlocal", "upvalueid" } do
  refused("return debug." .. name, "debug." .. name .. " is not available")
end
T.eq(script "return package, arg, _G.os == os", nil, "no package, no arg")

-- ---- the garbage collector ---------------------------------------------------------------------------------------------------
refused("setmetatable({}, { __gc = print })", "__gc follows the garbage collector")
refused("setmetatable({}, { __mode = 'k' })", "__mode follows the garbage collector")
T.eq(script "local t = setmetatable({}, { __index = { a = 3 } }) return t.a + #getmetatable(t)", 3, "other metatables are as always")
for _, option in ipairs { "count", "collect", "step", "isrunning", "generational", "incremental" } do
  T.eq(script(("return collectgarbage '%s'"):format(option)), 0, "collectgarbage " .. option .. " says nothing")
end
refused("collectgarbage 'sometimes'", "invalid option")
collectgarbage "incremental"

-- ---- the version of Lua ------------------------------------------------------------------------------------------------------
refused("return string.dump(function() end)", "string.dump")
T.eq({ script "return load('\\27Lua', 'x', 'b')" }, { nil, "attempt to load a binary chunk (mode is 't')" }, "compiled code is not loaded")

-- ---- all of it in processes of their own: other seeds of the hash function, other addresses -----------------------------------
local program = command.program
if program:find "/repro$" then
  local path = os.tmpname()
  local file = assert(io.open(path .. ".lua", "w"))
  file:write [==[
local rp = require "repro"
local function words(n) local t = {} for i = 1, n do t["k" .. i * 7919 % 1000] = i end return t end
local seen = {}
for key, value in pairs(words(500)) do seen[#seen + 1] = key .. value end
print(rp.io.sha256_text(table.concat(seen, " ")))
local sum = 0
for _, value in pairs(words(300)) do sum = sum * 0.9 + value ^ 0.37 end
print(("%.17g"):format(sum))
local t = words(40)
for key in pairs(t) do if t[key] % 2 == 0 then t[key] = nil end end
for key in next, t do seen[#seen + 1] = key end
print(#seen, tostring(t), tostring(rp.sum), math.random(), math.random(1000), 0 / 0, collectgarbage "count")
print(rp.randn(3), pcall(error, { 1 }), pcall(function() local q = nil; return q.x end))
]==]
  file:close()
  local outputs = {}
  for i = 1, 8 do outputs[i] = command.output(("cd '%s' && '%s' run '%s' 2>&1"):format(path:match "^(.*)/", program, path .. ".lua")) end
  for i = 2, 8 do T.eq(outputs[i], outputs[1], "process " .. i .. " prints what the first one does") end
  T.ok(outputs[1]:find "^%x+\n[%d.]+\n%d+\ttable\tfunction\t0%.%d+\t%d+\tnan\t0\n", "which is something", outputs[1])
  os.remove(path)
  os.remove(path .. ".lua")
else
  T.skip("this is not the program repro (" .. program .. ")", "eight processes print the same")
end
T.done()
