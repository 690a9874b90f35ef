--- A GPU gives the CPU's bits: every operation, forward and gradient, in both float types and several sizes; views,
--- integers, random numbers, optimisers; memory, copies and errors.
---
--- Runs on the GPU there is, or on the launch emulator (REPRO_CUDA_DRIVER=tests/cuda/emulator.so: make check does it).
local T = require "tap"
local rp = require "repro"
local cases = require "cases"
local graphs = require "random_graph"

local card, why = rp.core.cuda()
if not card then
  T.skip("no GPU: " .. why)
  T.done()
  return
end

local device = "cuda"

-- Hashes of what a case gives, forward and gradients, with its inputs on the device.
local function run(op, case, where)
  local leaves, hashes = {}, {}
  for i, x in ipairs(case.inputs) do
    x = x:detach():to(where)
    leaves[i] = op.gradient and x:requires_grad_() or x
  end
  local was = rp.device(where)
  local ok, message = pcall(function()
    local outputs = { case.call(table.unpack(leaves)) }
    for _, y in ipairs(outputs) do
      if where ~= "cpu" and y.device == "cpu" then error("a result is on the CPU") end
      hashes[#hashes + 1] = y:hash()
    end
    if op.gradient then
      local y = outputs[1]
      local seed = rp.generator(7, "seed"):randn(y.shape, y.dtype)
      for _, g in ipairs(rp.grad(y, leaves, seed)) do hashes[#hashes + 1] = g:hash() end
    end
  end)
  rp.device(was)
  return ok and table.concat(hashes, " ") or message
end

-- CUDA_TEST=short: one size of each operation, for tools under which kernels run many times slower.  Memory is given back
-- before each, so that they see what is read before it is written.
local settings = { { "float32", 1 }, { "float64", 3 }, { "float32", 29 }, { "float32", 211 } }
local short = os.getenv "CUDA_TEST" == "short"
if short then settings = { settings[3] } end
local counted, equal, seen = 0, 0, {}
for _, setting in ipairs(settings) do
  local dtype, scale = table.unpack(setting)
  for _, op in ipairs(rp.core.ops()) do
    local good, worst = true, nil
    for _, case in ipairs(cases.of(op, dtype, scale)) do
      if short then collectgarbage(); rp.core.cuda_trim() end
      local want, got = run(op, case, "cpu"), run(op, case, device)
      if want ~= got then good, worst = false, worst or case.name .. ": " .. got end
    end
    T.ok(good, ("%s, %s, x%d"):format(op.name, dtype, scale), worst)
    if seen[op.name] == nil then seen[op.name] = true end
    seen[op.name] = seen[op.name] and good
  end
end
for _, good in pairs(seen) do
  counted = counted + 1
  equal = equal + (good and 1 or 0)
end
T.ok(equal == counted, ("%d of %d operations give the CPU's bits"):format(equal, counted))

-- ---- other types, views, and what the table of operations does not say ----

local function both(name, fn)
  local results = {}
  for i, where in ipairs { "cpu", device } do
    local was = rp.device(where)
    local ok, value = pcall(fn, where)
    rp.device(was)
    if not ok then T.ok(false, name .. " on " .. where, tostring(value)) end
    results[i] = ok and (rp.is_tensor(value) and value:hash() or value) or value
  end
  T.eq(results[2], results[1], name)
end

local function drawn(name, ...) return rp.generator(5, name):randn(...) end

for _, to in ipairs { "bool", "uint8", "int32", "int64", "float32", "float64" } do
  for _, from in ipairs { "bool", "uint8", "int32", "int64", "float32", "float64" } do
    both(from .. " to " .. to, function() return (drawn("types", 7, 33) * 300):to(from):t():to(to) end)
  end
end
for _, op in ipairs { "add", "mul", "sub", "minimum", "maximum", "remainder", "floor_div", "eq", "ne", "lt", "le", "gt", "ge",
                      "logical_and", "logical_or", "logical_xor" } do
  for _, dtype in ipairs { "int32", "int64" } do
    both(op .. " of " .. dtype, function()
      local a, b = (drawn("a", 5, 7) * 9):to(dtype), (drawn("b", 7) * 3):to(dtype)
      return rp[op](a, b)
    end)
  end
end
for _, dtype in ipairs { "int32", "int64" } do
  for _, op in ipairs { "neg", "abs", "sign", "square", "relu", "logical_not", "is_nan", "is_finite" } do
    both(op .. " of " .. dtype, function() return rp[op]((drawn("a", 5, 7) * 9):to(dtype)) end)
  end
  both("clamp and where of " .. dtype, function()
    local a, b = (drawn("a", 5, 7) * 9):to(dtype), (drawn("b", 7) * 3):to(dtype)
    return rp.hash(rp.where(a:lt(b), a, b), a:clamp(-2, 3))
  end)
end
for _, dtype in ipairs { "int32", "int64", "float32", "float64" } do
  for _, shape in ipairs { { 9, 5 }, { 3, 700 }, { 700, 3 } } do -- results of few terms, of many side by side, of many apart
    both(("reductions of %s, %d by %d"):format(dtype, shape[1], shape[2]), function()
      local x, results = (drawn("r", shape) * 9):to(dtype), {}
      for _, op in ipairs { "sum", "prod", "max", "min", "argmax", "argmin" } do
        for axis = 1, 2 do results[#results + 1] = x[op](x, axis) end
      end
      return rp.hash(table.unpack(results))
    end)
  end
end
for _, op in ipairs { "sum", "prod", "max", "min", "argmax", "argmin" } do
  both(op .. " of int64", function() return (drawn("r", 9, 5000) * 100):to("int64")[op]((drawn("r", 9, 5000) * 100):to("int64"), 2) end)
  both(op .. " of everything, many blocks", function() return drawn("m", 40000)[op](drawn("m", 40000)) end)
end
for _, dtype in ipairs { "uint8", "bool" } do
  both("filled, chosen and put together: " .. dtype, function()
    local x = (drawn("f", 9, 70) * 9):to(dtype)
    local index = rp.generator(2, "i"):randint(1, 70, { 50 })
    return rp.hash(x:index_select(2, index), rp.ones(5, 7, dtype), rp.concat(1, x:t(), rp.zeros(3, 9, dtype)), x:slice(2, 3, -1, 2))
  end)
end
both("NaN, infinities and signed zeros", function()
  local x = rp.tensor { 0 / 0, 1 / 0, -1 / 0, 0, -0.0, 1e-42, -1e-42, 3e38 }
  return rp.concat(1, x:exp(), x:log(), x:tanh(), x:max():reshape(1), (x:sort(1)), x:argmax():to("float32"):reshape(1), x * x, rp.maximum(x, -x))
end)
for _, shape in ipairs { { 3 }, { 5, 70000 }, { 4, 4096 }, { 2, 4097 } } do
  both("rows of " .. table.concat(shape, " by "), function()
    local x = drawn("rows", shape)
    return rp.concat(1, x:softmax():reshape(-1), x:standardize(1):reshape(-1), x:logsumexp(-1):reshape(-1), x:sum(-1):reshape(-1))
  end)
end
for _, size in ipairs { { 1, 1, 1 }, { 1, 300, 700 }, { 130, 1, 300 }, { 65, 67, 1000 }, { 129, 130, 257 }, { 3, 5, 0 },
                        { 65, 67, 1000, "float64" }, { 129, 130, 257, "float64" } } do
  local m, n, k, dtype = size[1], size[2], size[3], size[4] or "float32"
  both(("a product of (%d, %d, %d), plain, transposed, with a bias, %s"):format(m, n, k, dtype), function()
    local a, b, bias = drawn("a", m, k):to(dtype), drawn("b", n, k):to(dtype), drawn("c", n):to(dtype)
    return rp.concat(1, rp.linear(a, b, bias):reshape(-1), a:matmul(b:t()):reshape(-1), b:matmul(a:t()):reshape(-1),
      a:t():contiguous():t():matmul(b:t():contiguous()):reshape(-1))
  end)
end
-- Large tiles, several blocks of terms, images in which 16 bytes are stored at a time and others, more than 32 positions.
for _, case in ipairs {
  { { 3, 8, 12, 11 }, { 70, 8, 3, 3 }, 1, 1 }, { { 2, 8, 12, 12 }, { 130, 8, 3, 3 }, 1, 1 }, { { 1, 6, 15, 14 }, { 66, 6, 7, 7 }, 1, 3 },
  { { 2, 3, 7, 9 }, { 300, 3, 3, 3 }, 2, 0 }, { { 3, 8, 13, 10 }, { 140, 4, 3, 2 }, 1, 2, 2, 2 }, { { 1, 2, 6, 7, 8 }, { 65, 2, 4, 3, 4 }, 1, 1 },
  { { 70, 5, 1, 1 }, { 67, 5, 1, 1 }, 1, 0 }, { { 1, 1, 40, 9 }, { 1, 1, 33, 4 }, 1, 0 },
} do
  local x_shape, w_shape = case[1], case[2]
  both(("a convolution of %s by %s"):format(table.concat(x_shape, "x"), table.concat(w_shape, "x")), function()
    local x, w, bias = drawn("x", x_shape):requires_grad_(), drawn("w", w_shape):requires_grad_(), drawn("b", w_shape[1])
    local y = rp.conv(x, w, bias, table.unpack(case, 3))
    y:backward(drawn("y", y.shape))
    return rp.hash(y, x.grad, w.grad)
  end)
end
for _, dtype in ipairs { "float32", "float64", "int32", "int64", "uint8", "bool" } do
  both("distinct values of " .. dtype, function()
    local x = rp.generator(2, "u"):randint(0, 40, { 31, 33 }):to(dtype)
    local values, place, count = x:unique()
    return values:to("float64"):hash() .. place:hash() .. count:hash() .. rp.zeros(0, dtype):unique():hash() .. rp.ones(1, dtype):unique():hash()
  end)
end
both("distinct values that are none, or zeros", function()
  local values, place, count = rp.tensor({ 3, -0.0, 0 / 0, 0.0, 3, 1 / 0, -1, 0 / 0, 2 }):unique()
  return values:hash() .. place:hash() .. count:hash()
end)
both("random numbers", function()
  rp.seed(11)
  return rp.concat(1, rp.rand(1001), rp.randn(1003), rp.randint(-5, 9, 101):to("float32"), rp.randperm(777):to("float32"),
    rp.bernoulli(0.3, 501), rp.randn(99, "float64"):to("float32"), rp.categorical(rp.rand(6), 40):to("float32"))
end)
both("many sources for few places, in order", function()
  local index = rp.generator(2, "i"):randint(1, 9, { 3, 500 })
  return drawn("x", 3, 9):scatter_add(2, index, drawn("y", 3, 500))
end)
both("a long sort", function() return (rp.generator(2, "s"):randint(1, 50, { 2, 3001 }):to("float32"):sort(2)) end)

local function trained(optimizer)
  local net = rp.nn.MLP { 6, 33, 2 }
  local opt = optimizer(net)
  local x, y = drawn("in", 70, 6), drawn("out", 70, 2)
  for _ = 1, 5 do
    opt:zero_grad()
    local loss = (net(x) - y):square():mean()
    loss:backward()
    opt:step()
  end
  return rp.hash(table.unpack(net:parameters()))
end
for name, optimizer in next, { SGD = function(ps) return rp.optim.SGD(ps, { lr = 0.1, momentum = 0.9, nesterov = true }) end,
  AdamW = function(ps) return rp.optim.AdamW(ps, { lr = 0.01 }) end } do
  both("five steps of " .. name, function()
    rp.seed(3)
    return trained(optimizer)
  end)
end

both("more parameters than a launch takes, one of them twice, in two types", function()
  local ps = { drawn("p", 9, 1), drawn("p", 5, 2, "float64") }
  for i = 3, 70 do ps[i] = drawn("p" .. i, i % 7 == 0 and 0 or 3, i) end
  ps[71] = ps[9]
  for _, p in ipairs(ps) do p:requires_grad_() end
  local opts = { rp.optim.SGD(ps, { lr = 0.1 }), rp.optim.Adam(ps, { lr = 0.1, weight_decay = 0.1 }) }
  local average = rp.optim.EMA(ps, { decay = 0.5 })
  for _, opt in ipairs(opts) do
    opt:zero_grad()
    local loss = 0
    for i, p in ipairs(ps) do loss = loss + (p:t() * i):square():sum():to("float32") end -- gradients that are not contiguous
    loss:backward()
    opt:step()
    average:update()
  end
  return rp.hash(table.unpack(ps)) .. rp.hash(table.unpack(average.shadow))
end)
both("what the CPU computes of tensors on the GPU", function()
  local a, b = drawn("a", 6, 6), drawn("b", 6, 2)
  local spd = a:matmul(a:t()) + rp.eye(6)
  local results = { rp.linalg.inverse(a), rp.linalg.solve(a, b), rp.linalg.cholesky(spd), rp.linalg.lstsq(drawn("c", 9, 6), drawn("d", 9, 2)),
    rp.linalg.sqrtm(spd), (rp.linalg.assignment(drawn("c", 9, 6))), (select(2, rp.linalg.kmeans(drawn("k", 40, 3), 4, { seed = 2 }))) }
  for _, f in ipairs { rp.linalg.eigh, rp.linalg.qr, rp.linalg.svd } do table.move({ f(spd) }, 1, 3, #results + 1, results) end
  return rp.hash(table.unpack(results)) .. rp.linalg.det(a) .. rp.linalg.logdet(spd) .. select(2, rp.linalg.assignment(drawn("c", 9, 6)))
    .. rp.io.json_encode(rp.metrics.cluster_scores(drawn("k", 40, 3), rp.generator(1, "l"):randint(1, 4, { 40 }), { k = 4 }).nmi)
end)

-- ---- moving ----

local x = drawn("move", 4, 5):requires_grad_()
local y = x:to(device)
T.eq(y.device, device .. ":0", "a tensor moved to the GPU says so")
T.ok(y:to(device):hash() == y:hash() and x:to("cpu"):hash() == x:hash(), "a tensor that is there stays")
local twice = y:t():to("cpu")
T.eq(twice.device, "cpu", "and back")
T.bits(twice, x:t(), "the elements come back, transposed")
local energy = (y * y):sum()
energy:backward()
T.bits(x.grad, 2 * x:detach(), "gradients find their way back")
T.raises(function() return y + drawn("other", 4, 5) end, "one tensor is on cuda:0, another on cpu", "tensors on two devices")
T.eq((y:detach() * 2 + 1).device, "cuda:0", "numbers go where the tensor is")
local large = drawn("large", 3000003)
T.bits(large:to(device):to("cpu"), large, "more than the staging buffers hold")
T.eq(rp.linalg.det(rp.eye(3):to(device)), 1, "linear algebra takes tensors of the GPU")

-- ---- memory and waiting ----

local function counts() return rp.core.cuda() end
rp.device(device)
local a, b = drawn("w", 64, 64), drawn("w2", 64, 64)
local function step() return (a:matmul(b):relu() * 2):sum() end
local before, result = nil, nil
for i = 1, 20 do
  if i == 11 then
    collectgarbage()
    collectgarbage()
    before = counts()
  end
  result = step()
end
local after = counts()
T.eq(after.waits - before.waits, 0, "steps do not wait for the GPU")
T.eq(after.uploads - before.uploads, 0, "nor copy to it")
T.ok(after.launches - before.launches >= 40, "they launch kernels")
T.ok(after.allocations - before.allocations <= 8, "memory is used again", ("%d new blocks"):format(after.allocations - before.allocations))
T.ok(result:item() > 0, "and their result can be read")
rp.device "cpu"

T.raises(function()
  local _ = y:detach():index_select(1, rp.tensor({ 1, 9 }, "int64"):to(device)):hash()
end, "index element 2 lies outside 1..4", "a position out of range is reported when the result is read")
T.ok(pcall(function() return y:detach():index_select(1, rp.tensor({ 1, 4 }, "int64"):to(device)):hash() end), "and only once")
T.raises(function() rp.device "cuda:99" end, "there is no cuda:99", "a GPU that is not there")
T.raises(function() rp.device "gpu" end, "is no device", "a name that is none")
local ok, message = pcall(function() rp.device(device); return rp.zeros(1 << 20, 1 << 19) end)
rp.device "cpu"
T.ok(not ok and message:find "out of memory", "memory runs out with a message", tostring(message))

-- Random graphs, in which gradients meet, overlap and are written in place.
do
  local function hashes(seed, dtype, where)
    local leaves = graphs.leaves(seed, { 5, 7 }, dtype)
    for i, leaf in ipairs(leaves) do leaves[i] = leaf:detach():to(where):requires_grad_() end
    local was <const> = rp.device(where)
    local list = {}
    local done, why_not = pcall(function()
      local loss, all = graphs.value(seed, leaves, 1000)
      list[1] = loss:hash()
      for _, g in ipairs(rp.grad(loss, { leaves[1], leaves[2], leaves[3], all[#all] })) do list[#list + 1] = g:hash() end
    end)
    rp.device(was)
    return done and table.concat(list, " ") or why_not
  end
  for seed = 1, 60 do
    local dtype = seed % 3 == 0 and "float64" or "float32"
    T.eq(hashes(seed, dtype, device), hashes(seed, dtype, "cpu"), ("graph %d, %s"):format(seed, dtype))
  end
end

T.done()
