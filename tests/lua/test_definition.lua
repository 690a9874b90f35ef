--- Operations made of elementary functions are those of docs/NUMERICS.md, to the last bit: each is put together here as the
--- page says, from exp, log, erfc, ..., arithmetic and sums, whose own bits test_contract.lua and the sweep of the scalar
--- functions (docs/SCALAR.md) pin.
local T = require "tap"
local rp = require "repro"

local function values(seed, ...)
  local t = rp.generator(seed):rand(...) - 0.5
  return t * t * t * 8
end

local function arguments(seed, dtype)
  local special = rp.tensor({ 0.0, -0.0, 1, -1, 90, -90, 800, -800, 1e-30, -1e-30, math.huge, -math.huge, 0 / 0 }, dtype)
  return rp.concat(1, values(seed, 400, dtype) * 9, special)
end

for _, dtype in ipairs { "float32", "float64" } do
  local function same(name, got, want) T.bits(got, want, name .. " " .. dtype) end
  local function constant(c) return rp.tensor(c, dtype) end

  -- ---- pointwise, section 3 ----
  local x = arguments(1, dtype)
  local v, zero, one = x:clone():requires_grad_(), constant(0), constant(1)
  local function sigmoid(t)
    local e = (-(t:abs())):exp()
    return rp.where(t:ge(0), one, e) / (1 + e)
  end
  local positive, s = x:gt(0), sigmoid(x)
  local root_half, density, slope = constant(0.70710678118654752440), constant(0.39894228040143267794), constant(1.12837916709551257390)
  local a40 = rp.where(x:abs():lt(40), x:abs(), constant(40)) -- upper_tail of float64; that of float32 is defined by its text
  local tail, bell = 0.5 * (root_half * a40):erfc(), density * (-0.5 * a40 * a40):exp()
  local rows = {
    exp = { x:exp(), function(_, y) return y end },
    expm1 = { x:expm1(), function(_, y) return y + 1 end },
    log = { x:log(), function() return 1 / x end },
    log1p = { x:log1p(), function() return 1 / (1 + x) end },
    sqrt = { x:sqrt(), function(_, y) return 0.5 / y end },
    sin = { x:sin(), function() return x:cos() end },
    cos = { x:cos(), function() return -(x:sin()) end },
    tanh = { x:tanh(), function(_, y) return 1 - y * y end },
    sigmoid = { s, function(_, y) return y * (1 - y) end },
    softplus = { rp.where(positive, x, zero) + ((-(x:abs())):exp()):log1p(), function() return s end },
    silu = { x * s, function(_, y) return s + y * (1 - s) end },
    gelu = dtype == "float64" and { rp.addcmul(x:relu(), -a40, tail),
             function() return rp.addcmul(rp.where(positive, 1 - tail, tail), x, bell) end } or nil,
    erf = { x:erf(), function() return slope * (-x * x):exp() end },
    erfc = { x:erfc(), function() return -slope * (-x * x):exp() end },
  }
  local g = values(2, x:numel(), dtype)
  for _, name in ipairs { "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh", "sigmoid", "softplus", "silu", "erf", "erfc", rows.gelu and "gelu" } do
    local y, derivative = rows[name][1], rows[name][2]
    same(name, x[name](x), y)
    same("gradient of " .. name, rp.grad(v[name](v), { v }, g)[1], g * derivative(x, y))
  end
  same("elu", x:elu(0.7), rp.where(positive, x, constant(0.7) * x:expm1()))
  same("gradient of elu", rp.grad(v:elu(0.7), { v }, g)[1], g * rp.where(positive, one, x:elu(0.7) + constant(0.7)))
  local a, b = (arguments(3, dtype) * 0.3):requires_grad_(), (values(4, x:numel(), dtype) * 3):requires_grad_()
  local y = a ^ b
  local ga, gb = table.unpack(rp.grad(y, { a, b }, g))
  local p, q = a:detach(), b:detach()
  same("gradient of pow in a", ga, g * rp.where(q:eq(0), zero, q * p ^ (q - 1)))
  same("gradient of pow in b", gb, g * rp.where(p:eq(0), zero, y:detach() * p:log()))
  local target, delta = values(5, x:numel(), dtype), constant(0.4)
  local d = (x - target):abs()
  same("huber_loss", rp.huber_loss(x, target, 0.4), rp.where(d:le(delta), 0.5 * d * d, delta * (d - 0.5 * delta)))

  -- ---- rows, section 6 ----
  for _, shape in ipairs { { 3, 1 }, { 3, 31 }, { 3, 100 }, { 3, 5000 }, { 77, 10 }, { 32, 16 }, { 45, 33 }, { 9, 64 }, { 70, 65 } } do
    local count, n = shape[1], shape[2] -- many short rows are computed side by side
    local r, gr = values(n, count, n, dtype) * 9, values(n + 1, count, n, dtype)
    if n > 1 then r[{ 1, 1 }], r[{ 2, 2 }] = -math.huge, 0 / 0 end
    local m = r:max(2, true)
    m = rp.where(m:abs():eq(math.huge), zero, m)
    local e = (r - m):exp()
    local sum = e:sum(2, true)
    local w = r:clone():requires_grad_()
    local soft, log_soft, total = e * (1 / sum), (r - m) - sum:log(), (m + sum:log()):squeeze(2)
    same("softmax of " .. n, r:softmax(), soft)
    same("log_softmax of " .. n, r:log_softmax(), log_soft)
    same("logsumexp of " .. n, r:logsumexp(2), total)
    same("gradient of softmax of " .. n, rp.grad(w:softmax(), { w }, gr)[1], soft * (gr - (gr * soft):sum(2, true)))
    same("gradient of log_softmax of " .. n, rp.grad(w:log_softmax(), { w }, gr)[1], gr - log_soft:exp() * gr:sum(2, true))
    local g1 = gr:select(2, 1)
    same("gradient of logsumexp of " .. n, rp.grad(w:logsumexp(2), { w }, g1)[1],
         g1:unsqueeze(2) * (r - total:unsqueeze(2)):exp())
    local centred = r - r:sum(2, true) / n
    local scale = 1 / ((centred * centred):sum(2, true) / n + constant(1e-5)):sqrt()
    local standard = centred * scale
    same("standardize of " .. n, r:standardize(), standard)
    same("gradient of standardize of " .. n, rp.grad(w:standardize(), { w }, gr)[1],
         scale * ((gr - gr:sum(2, true) / n) - standard * ((gr * standard):sum(2, true) / n)))
  end
  same("logsumexp of nothing but -inf", rp.full({ 1, 5 }, -math.huge, dtype):logsumexp(2), rp.full({ 1 }, -math.huge, dtype))
end

-- ---- random numbers, section 11 -------------------------------------------------------------------------------------------
local u = rp.generator(11, "normal"):rand(1001, "float64")
u = rp.concat(1, u, rp.generator(11, "normal"):rand(1002, "float64"):slice(1, 1002, 1002)):totable()
local z = {}
for i = 1, 1001, 2 do
  local r = math.sqrt(-2 * rp.math.log(1 - u[i]))
  local s, c = rp.math.sincos2pi(u[i + 1])
  z[i], z[i + 1] = r * c, r * s
end
z[1002] = nil
T.eq(rp.generator(11, "normal"):randn(1001, "float64"), z, "randn float64 is Box-Muller of the uniform numbers of its stream")
local single = rp.generator(11, "normal"):rand(1000):to("float64"):totable()
local worst, got = 0, rp.generator(11, "normal"):randn(1000):totable()
for i = 1, 1000, 2 do
  local r = math.sqrt(-2 * rp.math.log(1 - single[i]))
  local s, c = rp.math.sincos2pi(single[i + 1])
  worst = math.max(worst, math.abs(got[i] - r * c), math.abs(got[i + 1] - r * s))
end
T.ok(worst < 1e-6, "randn float32 too, within its rounding", worst)
local mu, sigma = rp.tensor(0.3), rp.tensor(0.7)
T.bits(rp.generator(5):lognormal(0.3, 0.7, 500), mu:addcmul(rp.generator(5):randn(500), sigma):exp(), "lognormal")
for _, t in ipairs { 0, 0.125, 0.25, 0.5, 0.75, 1 / 3, 0.9999 } do
  local s, c = rp.math.sincos2pi(t)
  T.near({ s, c }, { math.sin(2 * math.pi * t), math.cos(2 * math.pi * t) }, 1e-15, ("sincos2pi(%g)"):format(t))
end

local words, random = rp.generator(9, "math.random"), require("repro.sandbox").new { seed = 9 }.math.random
local first = words:randint(0, 0xFFFFFFFF, { 512 }):totable()
local function word(i) return math.tointeger(first[i]) end
T.eq(random(), ((word(1) >> 5) * (1 << 26) + (word(2) >> 6)) * 2.0 ^ -53, "math.random()")
local span, i, value = 999, 3
repeat
  value = (word(i) << 32 | word(i + 1)) & 1023
  i = i + 2
until value <= span
T.eq(random(1000), value + 1, "math.random(n)")
T.done()
