--- The results that docs/NUMERICS.md defines, computed apart from this program: tests/golden/contract.py.
local T = require "tap"
local rp = require "repro"

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local expected = dofile(here .. "/../golden/contract.lua")

local more_cases = require "contract_cases"

local results
local double = "float64"

local function case(name, ...) results[name] = rp.hash(...) end

-- t^3 8 for t uniform in [-1/2, 1/2).
local function values(seed, ...)
  local t = rp.generator(seed):rand(...) - 0.5
  return t * t * t * 8
end

local function leaf(...) return values(...):requires_grad_() end

local function gradients(y, g, ...) return table.unpack(rp.grad(y, { ... }, g)) end

local function draws()
  local g = rp.generator(1)
  case("rand", g:rand(1001))
  case("rand float64", g:rand(7, 11, double))
  case("randint -3 8", g:randint(-3, 8, 100))
  case("randint wide", g:randint(-2^53 // 1 | 0, 2^53 // 1 | 0, 33))
  case("bits", g:random_bits(50))
  case("randperm", g:randperm(1000))
  case("bernoulli 0.3", g:bernoulli(0.3, 500))
  case("categorical", g:categorical(rp.tensor { { 0.5, 0, 3, 1 }, { 1, 1, 0, 0 } }, 40))
  case("ninth draw", g:rand(5))
  case("named", rp.generator(2^40 + 12345 | 0, "augment"):rand(5, 3))
  case("negative seed", rp.generator(-1, "x"):random_bits(9))
  case("data", values(3, 1000))
end

local function reductions()
  for _, n in ipairs { 1, 2, 31, 32, 33, 63, 100, 4095, 4096, 4097, 20000, 200003 } do
    local x = values(n, n)
    case("sum " .. n, x:sum())
    case("mean " .. n, x:mean())
    case("prod " .. n, (1 + x * 0.125):prod())
    case("max, min " .. n, x:max(), x:min())
    case("sum float64 " .. n, values(n, n, double):sum())
  end
  local x = values(5, 100, 70)
  case("sum of columns", x:sum(1))
  case("mean of rows", x:mean(2))
  case("sum of long columns", values(6, 5000, 3):sum(1))
  x = values(7, 33, 5, 40)
  case("sum over 1 and 3", x:sum { 1, 3 })
  case("max over 1 and 2", x:max { 1, 2 })
  case("sum of a transpose", values(8, 90, 60):t():sum())
  for _, n in ipairs { 3, 7, 16, 33, 70 } do
    x = values(n, 500, n)
    case("rows of " .. n, x:sum(2), x:mean(2), (1 + x):prod(2), x:max(2))
  end
  local inf, zeros, least = math.huge, {}, {}
  for i, n in ipairs { 1, 5, 33, 5000 } do
    zeros[i], least[i] = rp.full({ n }, -0.0):sum(), rp.full({ n }, -inf):max()
  end
  case("sums of -0", table.unpack(zeros))
  case("maxima of -inf", table.unpack(least))
  case("sums of integers", (rp.arange(0, 8999, 1, "int64") * (1 << 50)):sum(), rp.ones(77, "bool"):sum())
  case("max of specials", rp.tensor { 0.0, -0.0, 0 / 0, inf, -inf, 1 }:max(), rp.tensor { -0.0, 0.0 }:max(),
       rp.tensor { 0.0, -0.0 }:min())
  x = (1 + values(10, 50)):requires_grad_()
  case("gradient of prod", gradients(x:prod(), values(9, 1)[1], x))
end

local function rows()
  for _, n in ipairs { 1, 33, 300, 4097 } do
    local x, g = leaf(n + 1, 3, n), values(n + 2, 3, n)
    local y, z = x:standardize(), x:cumsum()
    case("standardize " .. n, y)
    case("gradient of standardize " .. n, gradients(y, g, x))
    case("cumsum " .. n, z)
    case("gradient of cumsum " .. n, gradients(z, g, x))
  end
end

local function products()
  for _, k in ipairs { 0, 1, 2, 255, 256, 257, 600 } do
    local a, b, g = leaf(k + 1, 5, k), leaf(k + 2, k, 19), values(k + 3, 5, 19)
    local y = a:matmul(b)
    case("matmul " .. k, y)
    case("gradients of matmul " .. k, gradients(y, g, a, b))
  end
  case("matmul 40x513x70", values(1, 40, 513):matmul(values(2, 513, 70)))
  case("matmul column", values(3, 300, 400):matmul(values(4, 400, 1)))
  case("matmul float64", values(5, 3, 300, double):matmul(values(6, 300, 4, double)))
  local a, b, g = leaf(7, 6, 50, 9), leaf(8, 9, 4), values(9, 6, 50, 4)
  case("matmul of a batch", a:matmul(b))
  case("gradients of a batch", gradients(a:matmul(b), g, a, b))
  a, b, g = leaf(10, 1, 5, 7), leaf(11, 6, 7, 3), values(12, 6, 5, 3)
  case("matmul repeated", a:matmul(b))
  case("gradients repeated", gradients(a:matmul(b), g, a, b))
  local x, w, bias = leaf(13, 290, 70), leaf(14, 11, 70), leaf(15, 11)
  case("linear", x:linear(w, bias))
  case("gradients of linear", gradients(x:linear(w, bias), values(16, 290, 11), x, w, bias))
end

local convolutions = { -- x, w, stride, padding, dilation, groups
  { { 2, 3, 9, 8 }, { 4, 3, 3, 3 }, 1, 1, 1, 1 }, { { 2, 3, 9, 8 }, { 5, 3, 3, 3 }, 2, 1, 1, 1 },
  { { 1, 4, 11, 10 }, { 6, 2, 3, 2 }, 1, 2, 2, 2 }, { { 2, 4, 12, 9 }, { 4, 1, 3, 3 }, 3, 1, 1, 4 },
  { { 1, 40, 6, 7 }, { 13, 40, 3, 3 }, 1, 1, 1, 1 }, { { 3, 2, 13, 17 }, { 3, 2, 5, 5 }, 1, 0, 1, 1 },
  { { 2, 3, 5, 4 }, { 270, 3, 2, 2 }, 1, 1, 1, 1 }, { { 2, 6, 8, 8 }, { 7, 6, 1, 1 }, 1, 0, 1, 1 },
  { { 1, 2, 7, 9 }, { 3, 2, 3, 3 }, 2, 3, 2, 1 } }

local function all_convolutions()
  for i, c in ipairs(convolutions) do
    local x, w, b = leaf(i - 1, c[1]), leaf(i, c[2]), leaf(i + 1, c[2][1])
    local y = x:conv(w, b, c[3], c[4], c[5], c[6])
    local gx, gw, gb = gradients(y, values(i + 2, y.shape), x, w, b)
    case("conv " .. i, y)
    case("gradient of x in conv " .. i, gx)
    case("gradient of w in conv " .. i, gw)
    case("gradient of b in conv " .. i, gb)
  end
  local x, w, b = leaf(1, 2, 5, 5, 4), leaf(2, 5, 3, 3, 3), leaf(3, 3)
  local y = x:conv_transpose(w, b, 2, 1)
  case("conv_transpose", y)
  case("gradients of conv_transpose", gradients(y, values(4, 2, 3, 9, 7), x, w, b))
end

local function pointwise()
  local a, b, c, g = leaf(0, 300), leaf(1, 300), leaf(2, 300), values(3, 300)
  case("arithmetic", a + b, a - b, a * b, a / b, -a, a:abs(), a:square())
  case("roots", a:abs():sqrt(), a:abs():rsqrt(), a:reciprocal())
  case("fused", c:addcmul(a, b), rp.lerp(a, b, c))
  case("remainder, floor_div", a % b, a // b)
  case("huber_loss", rp.huber_loss(a, b, 0.1))
  case("leaky_relu", a:leaky_relu())
  case("gradients of div", gradients(a / b, g, a, b))
  case("gradient of rsqrt", gradients(c:square():rsqrt(), g, c))
  case("gradient of huber_loss", gradients(rp.huber_loss(a, b, 0.1), g, a))
  local wide, narrow = leaf(7, 40, 1), leaf(6, 30)
  case("broadcast gradient", gradients(wide * narrow, values(5, 40, 30), wide, narrow))
  local x = leaf(1, 20)
  local first, second, third = x * values(8, 20), x * values(9, 20), x * values(10, 20)
  case("order of gradients", gradients((first + second + third):sum(), nil, x))
  local big = rp.tensor { 0.5, 1.5, -2.5, 3e9, -3e9, 0 / 0, math.huge, -math.huge, 1e19, -0.7 }
  case("float to integer", big:to "int32", big:to "int64", big:to "uint8", big:to "bool")
  case("arange", rp.arange(-1, 3.9001, 0.1), rp.arange(-1, 3.9001, 0.1, double))
  case("linspace", rp.linspace(0.3, 2.5, 7))
end

local function selection()
  local x, g = leaf(1, 6, 4), values(2, 9, 4)
  local at = rp.tensor({ 3, 1, 3, 6, 3, 3, 1, 2, 6 }, "int64")
  local y = x:index_select(1, at)
  case("index_select", y)
  case("gradient of index_select", gradients(y, g, x))
  case("scatter_add", x:scatter_add(1, at:unsqueeze(2):expand(9, 4), g))
  x = leaf(3, 12)
  case("gradient of unfold", gradients(x:unfold(1, 4), values(4, 9, 4), x))
  local keys = rp.tensor { 3, -0.0, 0 / 0, 0.0, 3, math.huge, -1, 0 / 0, 2 }
  case("sort", keys:sort())
  case("sort descending", keys:sort(1, true))
  case("topk", keys:topk(4))
end

local sgd_settings = { { "plain", 0, false, 0, 1 }, { "momentum", 0.9, false, 0.01, 0.25 }, { "nesterov", 0.9, true, 0.001, 1 } }
local adam_settings = { { "plain", 0, false, 1 }, { "decay", 0.02, false, 0.3 }, { "decoupled", 0.02, true, 1 } }

local function optimisers()
  for _, s in ipairs(sgd_settings) do
    local p, v = values(1, 500), s[2] ~= 0 and rp.zeros(500) or nil
    for i = 1, 4 do
      rp.core.sgd_step({ p }, { values(i + 1, 500) }, v and { v }, 0.1 / i, s[2], s[3], s[4], s[5])
    end
    case("sgd " .. s[1], table.unpack { p, v })
  end
  for _, s in ipairs(adam_settings) do
    local p, m, v = values(1, 500), rp.zeros(500), rp.zeros(500)
    for i = 1, 5 do
      rp.core.adam_step({ p }, { values(i + 1, 500) }, { m }, { v }, 1e-3, 0.9, 0.999, 1e-8, s[2], s[3], i, s[4])
    end
    case("adam " .. s[1], p, m, v)
  end
  local p, m, v = values(1, 20, double), rp.zeros(20, double), rp.zeros(20, double)
  for i = 1, 3 do
    rp.core.adam_step({ p }, { values(i + 1, 20, double) }, { m }, { v }, 1e-2, 0.8, 0.95, 1e-6, 0.1, true, i, 1)
  end
  case("adam float64", p, m, v)
  local shadow = values(1, 100)
  for _ = 1, 3 do rp.core.ema_step({ shadow }, { values(2, 100) }, 0.99) end
  case("ema", shadow)
  local gs = {}
  for i = 0, 2 do gs[i + 1] = values(i, 1000 * i + 7) end
  case("gradient norm", rp.tensor(rp.core.grad_norm(gs), double))
end

-- The instruction sets and numbers of threads with which each case differs.
local first_isa, first_threads, differing = rp.isa(), rp.threads(), {}
for isa in rp.isas():gmatch "%S+" do
  for _, threads in ipairs { 1, 3 } do
    rp.isa(isa)
    rp.threads(threads)
    results = {}
    for _, part in ipairs { draws, reductions, rows, products, all_convolutions, pointwise, selection, optimisers } do part() end
    more_cases(case, values, leaf, gradients)
    for _, entry in ipairs(expected) do
      local name = entry[1]
      if results[name] ~= entry[2] then differing[name] = (differing[name] or "") .. (" %s/%d"):format(isa, threads) end
      results[name] = nil
    end
    T.eq(next(results), nil, ("no case without a pinned hash, %s, %d threads"):format(isa, threads))
  end
end
rp.isa(first_isa)
rp.threads(first_threads)

for _, entry in ipairs(expected) do
  local where = differing[entry[1]]
  T.ok(not where, entry[1], "the bits are not those of docs/NUMERICS.md on (instruction set/threads)" .. (where or ""))
end
T.done()
