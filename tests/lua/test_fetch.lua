--- repro data: files from servers that truncate, stall, corrupt, redirect, forget what was asked of them, or are not there.
-- luacheck: ignore 122 311
local T = require "tap"
local command = require "command"
local rp = require "repro"
local files = require "repro.files"
local catalogue = require "repro.data.catalogue"
local fetch = require "repro.data.fetch"

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local directory = os.tmpname()
os.remove(directory)
rp.io.mkdir(directory .. "/server")

-- The catalogue is whole.
for _, set in ipairs(catalogue.sets) do
  local all = table.move(set.files, 1, #set.files, 1, { set.archive })
  for _, file in ipairs(all) do
    T.ok(file.sha256:find "^%x+$" and #file.sha256 == 64 and math.type(file.size) == "integer", set.name .. "/" .. file.name)
  end
  T.ok(#set.mirrors >= 2, set.name .. " has several mirrors")
end

local server = io.popen("command -v python3 >/dev/null && exec python3 '" .. here .. "/file_server.py' '" .. directory .. "/server'", "w")
local port
for _ = 1, 200 do
  port = files.read(directory .. "/server/port")
  if port then break end
  os.execute "sleep 0.05"
end
if not (port and rp.core.fetch.library()) then
  T.skip("there is no python3 for the server, or no libcurl", "fetching")
  os.execute("rm -rf '" .. directory .. "'")
  return T.done()
end

local content = {}
for i = 1, 40000 do content[i] = ("%05d "):format(i) end
content = table.concat(content)
files.write(directory .. "/server/f", content)
local file = { name = "f", size = #content, sha256 = files.sha256(content) }

local target = directory .. "/got/f"
local function reset() os.execute("rm -rf '" .. directory .. "/got' '" .. directory .. "/server/requests.txt'") end

local function try(modes, options)
  local mirrors = {}
  for i, mode in ipairs(modes) do mirrors[i] = ("http://127.0.0.1:%s/%s/"):format(port, mode) end
  options = options or {}
  options.connect, options.stall = 2, 1
  return pcall(fetch.file, file, target, mirrors, options)
end

local function requests() return files.read(directory .. "/server/requests.txt") or "" end

local function gets(modes, name, pattern)
  local ok, message = try(modes)
  T.ok(ok and files.read(target) == content and not files.exists(target .. ".part"), name, tostring(message))
  if pattern then T.ok(requests():find(pattern), name .. ": what was asked", requests()) end
end

local function refuses(modes, pattern, name)
  local ok, message = try(modes)
  T.ok(not ok and tostring(message):find(pattern) ~= nil, name, tostring(message))
  T.eq({ ok or message.kind, files.exists(target) }, { "data", false }, name .. ": nothing by that name, exit status 4")
end

reset() gets({ "good" }, "a good server")
gets({ "404" }, "a file that is there is not fetched again")
reset() gets({ "redirect" }, "a redirection is followed")
reset() gets({ "404", "good" }, "the next mirror after a 404")
reset() gets({ "500", "corrupt", "good" }, "the third mirror after an error and wrong bytes")
reset() gets({ "500-once" }, "a server that is busy is asked again")
reset() gets({ "truncate" }, "a transfer that breaks off goes on", 'GET /truncate/f bytes=80000%- "one"')
reset() gets({ "ignores-range" }, "a server that sends all again", "GET /ignores%-range/f bytes=80000%-")
reset() gets({ "changed" }, "a file that has changed meanwhile is begun anew", 'GET /changed/f bytes=80000%- "one"')
reset() gets({ "stall", "good" }, "a server that falls silent is left", "GET /good/f bytes=1000%- None")
reset() gets({ "drip", "good" }, "a server that drips is left")
reset() gets({ "endless", "good" }, "one that sends too much is left")
reset() files.make_directory(directory .. "/got") files.write(target .. ".part", ("z"):rep(500))
gets({ "good" }, "a rest of something else is noticed by its sum, and fetched anew", "GET /good/f None")
reset() files.make_directory(directory .. "/got") files.write(target .. ".part", ("z"):rep(#content + 5))
gets({ "good" }, "a rest that is too long is thrown away")
reset() files.make_directory(directory .. "/got") files.write(target .. ".part", content:sub(1, 5000))
gets({ "wrong-part", "good" }, "a server that sends another part than asked for")
reset() files.make_directory(directory .. "/got") files.write(target, "wrong")
gets({ "good" }, "a wrong file is replaced")

reset() refuses({ "404" }, "127.0.0.1:%d+/404/f\n    HTTP status 404", "a file that is nowhere")
reset() refuses({ "404", "500", "corrupt" }, "status 404.*status 500.*SHA%-256 %x+..., not " .. file.sha256:sub(1, 16), "each mirror with its reason")
reset() refuses({ "loop" }, "redirect", "redirections without end")
reset() refuses({ "to-file" }, "file", "a redirection to a file of this machine")
reset() refuses({ "empty" }, "0 of 240000 bytes", "a server that closes at once")
local ok, message = pcall(fetch.file, file, target, { "http://127.0.0.1:1/" }, { connect = 1, stall = 1 })
T.ok(not ok and tostring(message):find "127.0.0.1:1/f\n    .*[Cc]onnect", "a server that is not there", tostring(message))
reset()
ok, message = try({ "good" }, { offline = true })
T.ok(not ok and message.kind == "data" and message.message:find "offline.*127.0.0.1:%d+/good/f", "--offline asks nobody, and says where", tostring(message))
T.eq(requests(), "", "--offline: no request")
ok, message = try({ "good" }, { progress = function() error("interrupted", 0) end })
T.eq({ ok, message }, { false, "interrupted" }, "an interruption ends the transfer")
reset()
local seen = 0
ok = try({ "good" }, { progress = function(now) seen = now end })
T.eq({ ok, seen }, { true, #content }, "progress is told")

-- ---- archives ---------------------------------------------------------------------------------------------------
os.execute(("mkdir -p '%s/a/deep' && cd '%s/a' && printf one >deep/one.bin && printf two >deep/two.bin && ln -s /etc/passwd deep/link.bin && tar czf ../server/x.tar.gz deep")
  :format(directory, directory))
local function member(name, text) return { name = name, size = #text, sha256 = files.sha256(text) } end
local archive = files.read(directory .. "/server/x.tar.gz")
local set = { name = "x", mirrors = { ("http://127.0.0.1:%s/good/"):format(port) }, archive = member("x.tar.gz", archive),
              files = { member("one.bin", "one"), member("two.bin", "two") } }
local quiet = { connect = 2, stall = 1, begin = function() end, done = function() end }
fetch.set(set, directory .. "/data", quiet)
T.eq({ files.read(directory .. "/data/x/one.bin"), files.read(directory .. "/data/x/two.bin") }, { "one", "two" }, "members of an archive")
T.eq(files.list(directory .. "/data/x"), { "one.bin", "two.bin" }, "and nothing beside them")
os.remove(directory .. "/server/requests.txt")
fetch.set(set, directory .. "/data", quiet)
T.eq(requests(), "", "a set that is here is not fetched again")
T.eq(rp.core.fetch.untar(directory .. "/server/x.tar.gz", directory, { "link.bin" }), { ["link.bin"] = false }, "a link in an archive is no file")
files.write(directory .. "/server/cut.tar.gz", archive:sub(1, #archive // 2))
T.raises(function() rp.core.fetch.untar(directory .. "/server/cut.tar.gz", directory, { "one.bin" }) end, "cut.tar.gz", "an archive that was cut")
files.write(directory .. "/server/no.tar", ("no archive"):rep(100))
T.raises(function() rp.core.fetch.untar(directory .. "/server/no.tar", directory, { "one.bin" }) end, "expected a header of tar", "no archive")

-- ---- the command -------------------------------------------------------------------------------------------------
local function data(...) return command.run("data", ...) end
local code, out, err = data("list", "--data", directory)
T.ok(code == 0 and out:find "fashion_mnist" and out:find "not here", "data list", out .. err)
code, out = data("list", "--json", "--data", directory)
T.eq(#rp.io.json_decode(out).sets, 5, "data list --json")
code, out, err = data("fetch", "mnits", "--data", directory)
T.ok(code == 2 and err:find 'did you mean "mnist"', "a misspelt set", err)
code, out, err = data("fetch", "mnist", "--data", directory, "--offline")
T.ok(code == 4 and err:find "ossci%-datasets", "data fetch --offline", err)
code, out, err = data("fetch", "mnist", "--data", directory, "--only-mirror", "--mirror", ("http://127.0.0.1:%s/404"):format(port))
T.ok(code == 4 and err:find "HTTP status 404" and not err:find "ossci", "data fetch --only-mirror", err)
code, out, err = data("verify", "mnist", "--data", directory)
T.ok(code == 4 and out:find "missing", "data verify of what is not there", err)
T.eq(data("verify", "--data", directory), 0, "data verify of nothing")
local real = os.getenv "REPRO_DATA"
if real and files.exists(real .. "/mnist/t10k-labels-idx1-ubyte.gz") then
  os.execute(("cp '%s'/mnist/t10k* '%s/server'"):format(real, directory))
  code, out, err = data("fetch", "mnist", "--data", directory, "--only-mirror", "--mirror", ("http://127.0.0.1:%s/good"):format(port))
  T.ok(code == 4 and err:find "train%-images", "the training images are not on this mirror", err)
  files.make_directory(directory .. "/mnist")
  os.execute(("cp '%s'/mnist/t10k* '%s/mnist'"):format(real, directory))
  code, out, err = data("verify", "mnist", "--data", directory)
  T.ok(code == 4 and out:find "ok%s+%S+t10k%-images", "the test images are the published ones", out .. err)
else
  T.skip("REPRO_DATA does not hold MNIST", "real files")
end

if server then server:close() end
os.execute("rm -rf '" .. directory .. "'")
T.done()
