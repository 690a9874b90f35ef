--- Hostile scripts: each tries one way out of its folders, with the kernel's help (Landlock) and without.
--- A script prints "ESCAPED" if its way led out; the files it was after are looked at as well.
local T = require "tap"
local command = require "command"
local rp = require "repro"
local files = require "repro.files"

local shell, program = command.shell, command.program


if not program:find "/repro$" then
  T.skip("this is not the program repro (" .. program .. ")", "the sandbox")
  return T.done()
end

local directory = os.tmpname()
os.remove(directory)
local home, work = directory .. "/home", directory .. "/home/work"
rp.io.mkdir(work .. "/runs")
rp.io.mkdir(work .. "/data")
rp.io.mkdir(work .. "/scripts")
files.write(home .. "/secret.txt", "SECRET")
files.write(home .. "/secret.lua", "return 'SECRET'")
files.write(home .. "/secret.npy", "SECRET")
files.write(work .. "/data/fine.txt", "fine")
files.write(work .. "/scripts/beside.txt", "beside")
os.execute(("cd '%s' && ln -s '%s/secret.txt' data/link.txt && ln -s '%s' data/home && ln -s '%s' runs/link && ln -s data/fine.txt inside"):format(
  work, home, home, home))

local in_tmp = os.tmpname()                               -- of its own: this test may run twice at a time
os.remove(in_tmp)
local before = [==[
local HOME, TMP = "]==] .. home .. [==[", "]==] .. in_tmp .. [==["
local SECRET = HOME .. "/secret.txt"
local rp = require "repro"
local function leaked(text) if type(text) == "string" and text:find "SECRET" then print "ESCAPED" end end
local function read(open, path)
  local file = open(path or SECRET)
  if file then leaked(file:read "a") end
end
]==]

-- Runs a script; gives what it printed and its exit code.
local n = 0
local function run(text, options, environment)
  n = n + 1
  local name = ("scripts/s%d.lua"):format(n)
  files.write(work .. "/" .. name, before .. text)
  local output = shell(("cd '%s' && HOME='%s' %s timeout 60 '%s' run %s -q %s 2>&1; echo code $?"):format(work, home, environment or "",
    program, name, options or ""))
  return output, tonumber(output:match "code (%d+)$")
end

local left_behind = { home .. "/out.txt", home .. "/out", work .. "/out.txt", work .. "/data/out.txt", work .. "/scripts/out.txt",
  work .. "/runs/out.txt", in_tmp, work .. "/marker" }

local function trace_of_escape()
  for _, path in ipairs(left_behind) do
    if files.exists(path) then return path end
  end
  if files.read(home .. "/secret.txt") ~= "SECRET" then return "secret.txt has changed" end
  return nil
end

local paper = 'local P = rp.paper { id = "hostile" }\n'

local hostile = {
  { "io.open", [[read(io.open)]] },
  { "io.open of a relative path", [[read(io.open, "../secret.txt")]] },
  { "io.open through the data folder", [[read(io.open, "data/../../secret.txt")]] },
  { "a link to a file", [[read(io.open, "data/link.txt")]] },
  { "a link to a folder", [[read(io.open, "data/home/secret.txt")]] },
  { "/proc/self/root", [[read(io.open, "/proc/self/root" .. SECRET)]] },
  { "/proc/self/cwd", [[read(io.open, "/proc/self/cwd/../secret.txt")]] },
  { "/proc/self/fd", [[for i = 0, 64 do read(io.open, "/proc/self/fd/" .. i .. "/../secret.txt") read(io.open, "/proc/self/fd/" .. i .. "/secret.txt") end]] },
  { "/dev/fd", [[for i = 3, 64 do read(io.open, "/dev/fd/" .. i .. "/home/secret.txt") end]] },
  { "/proc/self/environ", [[local f = io.open "/proc/self/environ" if f and f:read "a" then print "ESCAPED" end]] },
  { "a doubled slash", [[read(io.open, "//" .. SECRET) read(io.open, "data//..//../secret.txt")]] },
  { "a zero byte", [[read(io.open, "data/fine.txt\0/../../secret.txt") read(io.open, SECRET .. "\0data/fine.txt")]] },
  { "io.lines", [[for line in io.lines(SECRET) do leaked(line) end]] },
  { "io.input", [[io.input(SECRET) leaked(io.read "a")]] },
  { "io.popen", [[leaked(io.popen("cat " .. SECRET):read "a")]] },
  { "os.execute", [[os.execute("touch " .. HOME .. "/out.txt")]] },
  { "os.remove", [[os.remove(SECRET)]] },
  { "os.rename", [[os.rename(SECRET, HOME .. "/out.txt")]] },
  { "os.tmpname and os.getenv", [[if os.getenv "HOME" or os.tmpname() then print "ESCAPED" end]] },
  { "loadfile", [[leaked(loadfile(HOME .. "/secret.lua")())]] },
  { "dofile", [[leaked(dofile(HOME .. "/secret.lua"))]] },
  { "require of a path", [[leaked(require "../secret")]] },
  { "require above", [[leaked(require "...secret")]] },
  { "require with a template", [[package.path = HOME .. "/?.lua" leaked(require "secret")]] },
  { "package.loadlib", [[package.loadlib("libc.so.6", "*")() print "ESCAPED"]] },
  { "package of the globals", [[if _G.package or _ENV.package then print "ESCAPED" end]] },
  { "debug.getregistry", [[if debug.getregistry()._LOADED.io.popen then print "ESCAPED" end]] },
  { "debug.getupvalue", [[local _, env = debug.getupvalue(rp.data.load, 1) if env then print "ESCAPED" end]] },
  { "debug.setmetatable", [[debug.setmetatable("", {}) print "ESCAPED"]] },
  { "the metatable of strings", [[getmetatable("").__index = { find = print } print "ESCAPED"]] },
  { "a method of strings", [[string.gsub = function() return SECRET end string.match = string.gsub string.sub = string.gsub
     read(io.open, "data/fine.txt") leaked(rp.io.read_text "data/fine.txt")]] },
  { "compiled code", [[load("\27Lua" .. ("\0"):rep(100), "x", "b")() print "ESCAPED"]] },
  { "string.dump", [[load(string.dump(function() print "ESCAPED" end), "x", "b")()]] },
  { "load without an environment", [[local io = load("return io", "x", "t", nil)() if io.popen then io.popen "true" print "ESCAPED" end]] },
  { "a coroutine's globals", [[coroutine.wrap(function() leaked(io.popen("cat " .. SECRET):read "a") end)()]] },
  { "a finaliser", [[setmetatable({}, { __gc = function() read(io.open) local f = io.open(HOME .. "/out.txt", "w") if f then f:close() end end })]] },
  { "rp.io.read_text", [[leaked(rp.io.read_text(SECRET))]] },
  { "rp.io.read_npy", [[rp.io.read_npy(HOME .. "/secret.npy")]], says = "outside the folders" },
  { "rp.io.sha256", [[rp.io.sha256(SECRET) print "ESCAPED"]] },
  { "rp.io.list", [[for _, name in ipairs(rp.io.list(HOME)) do if name == "secret.txt" then print "ESCAPED" end end]] },
  { "rp.io.exists", [[if rp.io.exists(SECRET) then print "ESCAPED" end]] },
  { "rp.io.write_text", [[rp.io.write_text(HOME .. "/out.txt", "x")]] },
  { "rp.io.write_npy", [[rp.io.write_npy(HOME .. "/out.txt", rp.zeros(2))]] },
  { "rp.io.mkdir", [[rp.io.mkdir(HOME .. "/out")]] },
  { "rp.io.remove", [[rp.io.remove(SECRET)]] },
  { "writing beside the script", [[rp.io.write_text("scripts/out.txt", "x")]] },
  { "writing in the data folder", [[rp.io.write_text("data/out.txt", "x")]] },
  { "writing in /tmp", [[rp.io.write_text(TMP, "x")]] },
  { "writing in the current folder", [[local f = io.open("out.txt", "w") if f then f:close() end]] },
  { "writing beside the run directory", paper .. [[rp.io.write_text("runs/out.txt", "x")]] },
  { "writing through a link in the run's parent", paper .. [[rp.io.write_text("runs/link/out.txt", "x")]] },
  { "a second run directory", paper .. [[rp.io.mkdir "runs/out.txt"]] },
  { "climbing out of the run directory", paper .. [[rp.io.write_text(P.directory .. "/../../out.txt", "x")]] },
  { "renaming out of the run directory", paper .. [[rp.io.write_text(P.directory .. "/a", "x") rp.system.rename(P.directory .. "/a", HOME .. "/out.txt")]] },
  { "a figure from elsewhere", paper .. [[P:figure("x", SECRET) leaked(rp.io.read_text(P.directory .. "/figures/x.png"))]] },
  { "the choices of the command line", [[require("repro.paper").start { out = HOME .. "/out", scale = "small", seed = 1 } rp.paper { id = "x" }]] },
  { "repro.files", [[local f = require "repro.files" leaked((f.read(SECRET))) f.write(HOME .. "/out.txt", "x")]] },
  { "repro.rundir", [[require("repro.rundir").write({ directory = HOME, header = {}, hashes = {}, settings = {}, outputs = {}, checks = {} }, {})]] },
  { "the program's commands", [[require("repro.cli.new").run({ out = HOME .. "/out.txt" }, { "x" })]] },
  { "the tests' loader", [[require("repro.cli.test").run({}, { HOME .. "/secret.lua" }) print "ESCAPED"]] },
  { "repro.confine", [[require("repro.confine").start {} print "ESCAPED"]] },
  { "the checkpoint's view of stacks", [[require("repro.resume.frames") print "ESCAPED"]] },
  { "rp.system.confine anew", [[rp.system.confine({ { "/", "w" } }, false) rp.system.confine({}, false) print "ESCAPED"]] },
  { "rp.system.open", [[read(rp.system.open)]] },
  { "rp.system.claim", [[rp.system.claim(HOME) rp.io.write_text(HOME .. "/out.txt", "x")]] },
  { "rp.system.rename", [[rp.system.rename(SECRET, HOME .. "/out.txt")]] },
  { "another program", [[rp.core.process.wait({ rp.core.process.start({ "/bin/sh", "-c", "touch " .. HOME .. "/out.txt" }, "/dev/null") }, 20)]] },
  { "this program with --trust", paper .. [[
     rp.io.write_text(P.directory .. "/evil.lua", "rp = require 'repro' rp.io.write_text('" .. HOME .. "/out.txt', 'x')")
     local pid = rp.core.process.start({ rp.core.process.self(), "run", P.directory .. "/evil.lua", "--trust", "-q" }, P.directory .. "/o")
     rp.core.process.wait({ pid }, 20)]] },
  { "this program with another run directory", paper .. [[
     rp.io.write_text(P.directory .. "/evil.lua", "require('repro').paper { id = 'x' }")
     local pid = rp.core.process.start({ rp.core.process.self(), "run", P.directory .. "/evil.lua", "-o", HOME .. "/out" }, P.directory .. "/o")
     rp.core.process.wait({ pid }, 20)]] },
  { "this program's other commands", paper .. [[
     local pid = rp.core.process.start({ rp.core.process.self(), "new", "x", "-o", HOME .. "/out.txt" }, P.directory .. "/o")
     rp.core.process.wait({ pid }, 20)]] },
  { "the output of a process", [[rp.core.process.start({ rp.core.process.self(), "info" }, HOME .. "/out.txt")]] },
  { "the network", [[rp.core.fetch.transfer { url = "http://127.0.0.1:9/", path = HOME .. "/out.txt" } print "ESCAPED"]] },
  { "unpacking an archive", [[rp.core.fetch.untar(SECRET, HOME, { "out.txt" }) print "ESCAPED"]] },
  { "the limits", [[rp.memory_limit(0) print "ESCAPED"]], options = "--max-memory 500M" },
  { "new limits", [[rp.system.limit {} print "ESCAPED"]], options = "--max-memory 500M" },
  { "the metatable of files", [[getmetatable(io.stdout).__gc(io.stdout) print "ESCAPED"]] },
  { "the metatable of tensors", [[getmetatable(rp.zeros(1)).__gc(io.stdout) print "ESCAPED"]] },
}

local variants = { { "Landlock", "" }, { "without the kernel", "REPRO_LANDLOCK=0" } }
if not rp.system.landlock() then
  T.skip(select(2, rp.system.landlock()), "the kernel's part")
  table.remove(variants, 1)
end

for _, variant in ipairs(variants) do
  for _, case in ipairs(hostile) do
    local output, code = run(case[2], "--data data " .. (case.options or ""), variant[2])
    local found = output:find("ESCAPED", 1, true) and output or trace_of_escape()
    local crashed = not code or code >= 124
    T.ok(not found and not crashed and (not case.says or output:find(case.says, 1, true)), variant[1] .. ": " .. case[1], found or output)
    for _, path in ipairs(left_behind) do os.execute("rm -rf '" .. path .. "'") end
    files.write(home .. "/secret.txt", "SECRET")
  end
end

-- The same ways lead out where the sandbox is lifted: the scripts are as hostile as they claim.
local works = { ["io.open"] = true, ["a link to a folder"] = true, ["/proc/self/root"] = true, dofile = true, ["rp.io.read_text"] = true,
  ["rp.io.write_npy"] = true, ["rp.io.mkdir"] = true, ["writing in /tmp"] = true, ["climbing out of the run directory"] = true,
  ["rp.system.rename"] = true, ["another program"] = true, ["this program with --trust"] = true }
for _, case in ipairs(hostile) do
  if works[case[1]] then
    local output = run(case[2], "--trust --data data")
    T.ok(output:find("ESCAPED", 1, true) or trace_of_escape(), "with --trust: " .. case[1] .. " works", output)
    for _, path in ipairs(left_behind) do os.execute("rm -rf '" .. path .. "'") end
    files.write(home .. "/secret.txt", "SECRET")
  end
end

-- ---- what a script may do -----------------------------------------------------------------------------------------
local function allows(text, name, options, environment)
  local output, code = run(text, options, environment)
  T.ok(code == 0 and output:find "GOOD", name, output)
end
for _, variant in ipairs(variants) do
  local environment = variant[2]
  local function may(text, name, options) allows(text, variant[1] .. ": " .. name, options or "--data data", environment) end
  may([[if rp.io.read_text "data/fine.txt" == "fine" then print "GOOD" end]], "data is read")
  may([[if io.open("scripts/beside.txt"):read "a" == "beside" then print "GOOD" end]], "so is the script's folder")
  may([[for line in io.lines("scripts/beside.txt") do if line == "beside" then print "GOOD" end end]], "io.lines")
  may(paper .. [[rp.io.write_text(P.directory .. "/x/../y", "1") if rp.io.read_text(P.directory .. "/y") == "1" then print "GOOD" end]], "the run directory is written")
  may(paper .. [[rp.io.mkdir(P.directory .. "/a/b") rp.io.write_npy(P.directory .. "/a/b/x.npy", rp.zeros(2)) print "GOOD"]], "with folders in it", "-o " .. work .. "/runs/deep/er")
  may(paper .. [[P:exact("a", 1, 1) print "GOOD"]], "JUnit and TAP are written where they were asked for", "--junit " .. work .. "/j.xml --tap t.tap")
  T.ok((files.read(work .. "/j.xml") or ""):find "testcase" and (files.read(work .. "/t.tap") or ""):find "ok 1", variant[1] .. ": and are whole")
end
allows([[read(io.open) print "GOOD"]], "--trust lifts the sandbox", "--trust")
T.ok(run([[read(io.open)]], "--trust"):find "ESCAPED", "--trust lifts it indeed")
files.write(home .. "/own.lua", [[local f = io.open "]] .. home .. [[/secret.txt" print(f and "ESCAPED" or "kept")]])
T.eq(shell(("cd '%s' && HOME='%s' '%s' run own.lua"):format(home, home, program)), "kept", "a script in the home folder itself does not get the home folder")

-- ---- limits --------------------------------------------------------------------------------------------------------
local function limited(text, options, code, part, name)
  local output, got = run(text, options)
  T.ok(got == code and output:find(part, 1, true), name, output)
end
limited("while true do end", "--max-instructions 1e6", 5, "s" .. n + 1 .. ".lua:9: interrupted: the limit of instructions", "instructions")
limited("while true do pcall(function() while true do end end) end", "--max-instructions 1e6", 5, "the limit of instructions", "pcall does not swallow the limit")
limited("local function f() pcall(f) while true do pcall(f) end end f()", "--max-instructions 1e6", 5, "the limit of instructions", "nor do many")
limited("while true do coroutine.wrap(function() for i = 1, 200 do end end)() end", "--max-instructions 1e6", 5, "the limit of instructions", "coroutines")
limited("while true do pcall(coroutine.wrap(function() while true do end end)) end", "--max-instructions 1e6", 5, "the limit of instructions", "coroutines that never end")
limited("local x <close> = setmetatable({}, { __close = function() while true do end end }) while true do end", "--max-instructions 1e6", 5, "the limit of instructions", "a variable that closes")
limited("while true do pcall(function() while true do end end) end", "--max-seconds 0.3", 5, "the time limit of 0.3 seconds (--max-seconds)", "seconds")
limited([[local s = ("a"):rep(60) s:find(("a-"):rep(60) .. "b")]], "--max-seconds 0.3", 5, "does not stop by itself", "a call into C that takes for ever")
limited("local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end", "--max-memory 50M", 3, "not enough memory", "Lua's memory")
limited("local t = {} for i = 1, 1e9 do t[i] = rp.zeros(1000000) end", "--max-memory 50M", 3, "52428800 the limit", "memory of tensors")
limited("local t, u = {}, ('x'):rep(15e6) for i = 1, 1e9 do t[i] = rp.zeros(1000000) end", "--max-memory 50M", 3, "the limit", "both together")
limited(paper .. [[rp.io.write_text(P.directory .. "/big", ("x"):rep(2e6))]], "--max-file-size 1M", 2, "File too large", "the size of a file")
limited("", "--max-memory lots", 2, "expected a size", "a size that is none")
limited("", "--max-seconds -1", 2, "expected a number above 0", "a time that is none")

os.execute("rm -rf '" .. directory .. "'")
T.done()
