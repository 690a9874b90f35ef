--- --math fast on a GPU: products by cuBLAS, near to ours but labelled; what it is asked for, where a stand-in keeps a log.
-- luacheck: ignore 122
local T = require "tap"
local command = require "command"
local rp = require "repro"
local files = require "repro.files"
local math_of = rp.core.cuda_math

local directory = os.tmpname()
os.remove(directory)
rp.io.mkdir(directory)
local script = directory .. "/products.lua"
files.write(script, [==[
local rp = require "repro"
local P = rp.paper{ id = "products", settings = {} }
local a, b = rp.randn(70, 300), rp.randn(300, 40)
local c = a:matmul(b)
P:pinned("hash", c:hash(), {small = "0123456789abcdef"})
P:exact("sum", c:sum(), c:to("float64"):sum():item(), 1e-3)
]==])

local function run(...)
  local code, out, err = command.run("run", script, "-o", directory .. "/out", ...)
  rp.device "cpu"
  return code, out .. err, files.read(directory .. "/out/result.json")
end

T.eq({ math_of "exact" }, { true }, "exact needs nothing")
local refused, problem = run("--math", "fast")
T.eq(refused, 3, "on the CPU there is no --math fast")
T.ok(problem:find "vendor libraries compute on a GPU; add %-%-device cuda", "which is said", problem)

local card, why = rp.core.cuda()
if not card then
  T.skip("no GPU: " .. why)
  os.execute("rm -rf " .. directory)
  T.done()
  return
end
rp.device "cuda"
local there, missing = math_of "fast"
if not there then
  T.ok(missing:find "install it" or missing:find "cuBLAS", "what to install is said", missing)
  T.skip("no cuBLAS: " .. missing)
  rp.device "cpu"
  os.execute("rm -rf " .. directory)
  T.done()
  return
end

local function drawn(name, ...) return rp.generator(5, name):randn(...) end

-- Each product by both, from the same numbers.
local function compared(name, fn, bound)
  math_of "exact"
  local ours = fn():to "float64"
  math_of "fast"
  local theirs = fn():to "float64"
  local error_ = (ours - theirs):abs():max():item()
  T.ok(error_ <= bound, name, ("differs by %g"):format(error_))
end
for _, size in ipairs { { 70, 90, 300 }, { 1, 33, 500 }, { 33, 1, 500 }, { 40, 30, 1 }, { 1, 1, 300 } } do
  local m, n, k = table.unpack(size)
  local a, b, at, bt, bias = drawn("a", m, k), drawn("b", k, n), drawn("at", k, m), drawn("bt", n, k), drawn("c", n)
  local shape = ("%dx%d by %dx%d"):format(m, k, k, n)
  compared(shape, function() return a:matmul(b) end, 1e-4)
  compared(shape .. ", left transposed", function() return at:t():matmul(b) end, 1e-4)
  compared(shape .. ", right transposed", function() return a:matmul(bt:t()) end, 1e-4)
  compared(shape .. ", both transposed", function() return at:t():matmul(bt:t()) end, 1e-4)
  compared(shape .. ", with a bias", function() return rp.linear(a, bt, bias) end, 1e-4)
  compared(shape .. ", in double", function() return a:to("float64"):matmul(b:to "float64") end, 1e-12)
end
compared("a batch", function() return drawn("a", 7, 20, 30):matmul(drawn("b", 7, 30, 11)) end, 1e-4)
compared("a batch with one matrix", function() return drawn("a", 7, 20, 30):matmul(drawn("b", 30, 11)) end, 1e-4)
compared("a batch of two levels", function()
  local q = drawn("q", 3, 10, 2, 8):transpose(2, 3)
  return q:matmul(q:transpose(3, 4))
end, 1e-4)
compared("every second column, which cuBLAS does not take", function() return drawn("a", 20, 60)[{ {}, { 1, 60, 2 } }]:matmul(drawn("b", 30, 9)) end, 1e-4)
compared("gradients", function()
  local a, b = drawn("a", 20, 30):requires_grad_(), drawn("b", 30, 9):requires_grad_()
  a:matmul(b):square():sum():backward()
  return rp.concat(1, a.grad:reshape(-1), b.grad:reshape(-1))
end, 1e-2)

local a, b = drawn("a", 64, 512), drawn("b", 512, 64)
math_of "exact"
local ours = a:matmul(b)
math_of "fast"
local fast = a:matmul(b)
T.ok(math_of "tf32" and a:matmul(b):hash() ~= fast:hash(), "TF32 has other bits than float32")
T.ok((a:matmul(b) - ours):abs():max():item() < 0.5, "and is near")
math_of "exact"
T.eq(a:matmul(b):hash(), ours:hash(), "exact is exact again")

local log = os.getenv "FAKE_CUBLAS_LOG"
if log and os.getenv "REPRO_CUBLAS" then
  local calls = files.read(log)
  T.ok(calls:find "^create\nstream\nfp32\n", "the stand-in was opened, put into our stream and told the mode", calls:sub(1, 60))
  T.ok(not calls:find("create", 2), "once")
  T.ok(calls:find "\ntf32\ncublasSgemmStridedBatched\n", "TF32 was asked for")
  local before = #calls
  local _ = a:matmul(b):hash()
  T.eq(#files.read(log), before, "an exact product asks nothing of it")
end

local code, said, result = run("--device", "cuda", "--math", "fast")
T.eq(code, 0, "a run with --math fast: " .. said)
T.ok(result:find('"math": "fast"', 1, true), "result.json says so", result)
T.ok(result:find('"status": "not pinned"', 1, true) and result:find "%-%-math fast", "its numbers are compared with no pin", result)
T.ok(said:find "vendor libraries", "and so does the verdict", said)
local verified, output, complaint = command.run("verify", directory .. "/out")
T.eq(verified, 0, "its files can be verified: " .. output .. complaint)
T.ok(files.read(directory .. "/out/report.html"):find "vendor libraries", "the report says it too")
code, said = run("--device", "cuda")
T.eq(code, 1, "an exact run after it meets its (wrong) pin: " .. said)

os.execute("rm -rf " .. directory)
T.done()
