--- --math fast on a GPU: products by cuBLAS and draws by cuRAND, near to ours but labelled; what they are asked for, where
--- stand-ins keep a log.
-- luacheck: ignore 122
local T = require "tap"
local command = require "command"
local rp = require "repro"
local files = require "repro.files"
local math_of = rp.core.cuda_math

local directory = command.folder()
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

-- The contract's numbers, whatever the mode.
local function drawn(name, ...)
  rp.device "cpu"
  local x = rp.generator(5, name):randn(...)
  rp.device "cuda"
  return x:to "cuda"
end

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
math_of "bf16"
local bf16 = a:matmul(b)
T.ok(bf16:hash() ~= fast:hash() and (bf16 - ours):abs():max():item() < 4, "bfloat16 is farther")
T.ok((bf16 - ours):abs():max():item() > 2 * (fast - ours):abs():max():item(), "than float32")
T.ok((rp.rand(7, 9, "float64"):matmul(rp.rand(9, 3, "float64")).dtype) == "float64", "products in double stay double")
math_of "exact"
T.eq(a:matmul(b):hash(), ours:hash(), "exact is exact again")

-- Draws: a function of seed, name and ordinal as ours, with other numbers.
local _, by = math_of "fast"
T.ok(by:find "^products by cuBLAS %d+%.%d+%.%d+, random numbers by", "who computes is said", by)
local function moments(x) return x:mean():item(), x:var():sqrt():item() end
local function draws(seed)
  local g = rp.generator(seed, "d")
  return { g:rand(1001), g:randn(1003), g:rand(64, "float64"), g:randn(33, "float64"), g:bernoulli(0.25, 999), g:lognormal(0.5, 0.1, { 77 }),
           g:randperm(50), g:randint(1, 9, { 70 }), g:random_bits(9) }
end
local function hashes(list)
  local texts = {}
  for i, x in ipairs(list) do texts[i] = x:hash() end
  return texts
end
local theirs = draws(3)
T.eq(hashes(draws(3)), hashes(theirs), "the same seed gives the same numbers again")
T.ok(draws(4)[1]:hash() ~= theirs[1]:hash(), "another seed others")
local u = rp.generator(3, "e"):rand(4096)
T.ok(u:min():item() >= 0 and u:max():item() < 1, "uniform numbers lie in [0, 1)", ("%g to %g"):format(u:min():item(), u:max():item()))
local mean, deviation = moments(rp.generator(3, "f"):randn(20001))
T.ok(math.abs(mean) < 0.05 and math.abs(deviation - 1) < 0.05, "normal ones have mean 0 and deviation 1", mean .. ", " .. deviation)
math_of "exact"
local exact = hashes(draws(3))
local by_curand = by:find "by cuRAND" ~= nil
for i, name in ipairs { "uniform", "normal", "uniform in double", "normal in double" } do
  T.eq(exact[i] ~= hashes(theirs)[i], by_curand, name .. " numbers are cuRAND's if it is there, and ours if not")
end
T.eq(exact[8], theirs[8]:hash(), "whole numbers stay ours")
T.eq(exact[9], theirs[9]:hash(), "and bits")

local log = os.getenv "FAKE_CUBLAS_LOG"
if log and os.getenv "REPRO_CUBLAS" then
  local calls = files.read(log)
  T.ok(calls:find "^create\nstream\nfp32\n", "the stand-in was opened, put into our stream and told the mode", calls:sub(1, 60))
  T.ok(not calls:find("create", 2), "once")
  T.ok(calls:find "\ntf32\ncublasSgemmStridedBatched\n", "TF32 was asked for")
  T.ok(calls:find "\nfp32\ncublasGemmStridedBatchedEx\n", "and bfloat16")
  if os.getenv "REPRO_CURAND" then
    T.ok(calls:find "\ncurandCreateGenerator 161\n", "a generator Philox4_32_10 was made")
    T.ok(calls:find "\ncurandGenerateNormal 1004\n", "an odd number of normal numbers is asked for with one more")
    T.ok(calls:find "\ncurandGenerateUniform 1001\n" and calls:find "\ncurandGenerateUniformDouble 64\n", "uniform ones as they are")
  end
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
for _, mode in ipairs { "tf32", "bf16" } do
  code, said, result = run("--device", "cuda", "--math", mode)
  T.ok(code == 0 and result:find('"math": "' .. mode .. '"', 1, true), mode .. " is labelled too: " .. said)
end
T.ok(said:find "%-%-math bf16: products by cuBLAS", "who computes is said at the beginning", said)
T.ok(files.read(directory .. "/out/provenance.json"):find('"math_by": "products by cuBLAS', 1, true), "and kept")
code, said = run("--device", "cuda")
T.eq(code, 1, "an exact run after it meets its (wrong) pin: " .. said)

code, said = run("--device", "auto")
T.ok(code == 1 and said:find("--device auto: cuda (" .. card.name, 1, true), "--device auto takes the GPU and says so", said)
T.ok(files.read(directory .. "/out/provenance.json"):find('"device": "cuda"', 1, true), "as does provenance.json")

-- A script that asks for it itself is labelled as well, from there on.
local function script_says(text, ...)
  files.write(script, text)
  return run("--device", "cuda", ...)
end
code, said, result = script_says [==[
local rp = require "repro"
local P = rp.paper{ id = "products", settings = {} }
local a, b = rp.randn(70, 300), rp.randn(300, 40)
P:pinned("before", a:hash(), {small = "0123456789abcdef"})
rp.core.cuda_math "fast"
local c = a:matmul(b)
rp.core.cuda_math "exact"
P:pinned("after", c:hash(), {small = "0123456789abcdef"})
]==]
T.eq(code, 1, "what was measured before still meets its pin: " .. said)
T.ok(result:find('"math": "fast"', 1, true), "a script's own choice is in result.json")
local _, unpinned = result:gsub('"status": "not pinned"', "")
T.eq(unpinned, 1, "and what was measured after it is compared with no pin")
code, said, result = script_says [==[
local rp = require "repro"
local P = rp.paper{ id = "products", settings = {} }
rp.core.cuda_math "fast"
rp.core.cuda_math "exact"
local a = rp.randn(7, 30)
P:pinned("hash", a:matmul(a:t()):hash(), {small = "0123456789abcdef"})
]==]
T.eq(code, 1, "a mode in which nothing was computed changes nothing: " .. said)
T.ok(not result:find('"math"', 1, true), "nor is it written")

-- In the cells of a sweep, which are other processes, and when they are read again.
local sweeping = [==[
local rp = require "repro"
local P = rp.paper{ id = "products", settings = {} }
local s = rp.sweep{ name = "s", grid = { n = { 3, 5 } }, seeds = 1, run = function(cell)
  local a = rp.randn(cell.n, 30)
  if cell.n == 5 then rp.core.cuda_math "fast" end
  return { v = a:matmul(a:t()):sum() }
end }
P:table("t", s:table{ "v" })
]==]
for _ = 1, rp.core.process.self() and 2 or 0 do
  code, said, result = script_says(sweeping, "--trust") -- the stand-ins lie where a sandbox does not look for a driver
  T.ok(code == 0 and result:find('"math": "fast"', 1, true), "one cell of a sweep labels the run: " .. said)
end

os.execute("rm -rf " .. directory)
T.done()
