--- Memory: nothing leaks, and every allocation that fails gives an error and nothing else.
local T = require "tap"
local rp = require "repro"
local cases = require "cases"

local function live()
  collectgarbage()
  collectgarbage()
  return rp.memory().live
end

-- Forward and, where there is one, the gradient.
local function run(op, case)
  local leaves = {}
  for i, x in ipairs(case.inputs) do leaves[i] = op.gradient and x:detach():requires_grad_() or x end
  local y = case.call(table.unpack(leaves))
  if op.gradient then y:sum():backward() end
end

-- Fails allocation 1, 2, 3, ... of the call until it succeeds; returns how many failed, or what went wrong.
local function fail_each(fn)
  for k = 1, 500 do
    rp.memory_fail_at(k)
    local ok, message = pcall(fn)
    rp.memory_fail_at(0)
    if ok then return k - 1 end
    if not tostring(message):find "out of memory" then return nil, tostring(message) end
  end
  return nil, "500 allocations and no end"
end

for _, op in ipairs(rp.core.ops()) do
  local case = cases.of(op, "float32")[1]
  local before = live()
  local failed, message = fail_each(function() run(op, case) end)
  T.ok(failed and failed > 0, op.name .. ": each allocation fails in turn", message)
  T.eq(live(), before, op.name .. ": and nothing is lost")
end

-- Other things that allocate.
local calls = {
  ["rp.tensor"] = function() return rp.tensor { { 1, 2 }, { 3, 4 } } end,
  ["rp.eye"] = function() return rp.eye(3) end,
  ["rp.randn"] = function() return rp.randn(3, 3) end,
  ["rp.randperm"] = function() return rp.randperm(9) end,
  ["rp.categorical"] = function() return rp.categorical(rp.ones(3), 4) end,
  ["rp.bernoulli"] = function() return rp.bernoulli(0.5, { 4 }) end,
  ["rp.linspace"] = function() return rp.linspace(0, 1, 5) end,
  ["rp.hash"] = function() return rp.randn(3, 4):t():hash() end,
  ["x[key] = value"] = function() local x = rp.zeros(3, 3); x[{ 2, { 1, 2 } }] = 5 end,
  ["add_"] = function() return rp.zeros(3, 3):add_(rp.ones(3), 2) end,
  ["a custom function"] = function()
    local double = rp.func { forward = function(x) return x * 2 end, backward = function(g) return g * 2 end }
    double(rp.ones(3):requires_grad_()):sum():backward()
  end,
  ["an optimiser step"] = function()
    local optim, p = rp.optim, rp.ones(3):requires_grad_()
    local adam = optim.Adam({ p }, { lr = 0.1 })
    p:square():sum():backward()
    adam:step()
  end,
  ["a graph of 20 operations"] = function()
    local x = rp.ones(3):requires_grad_()
    local y = x
    for _ = 1, 20 do y = y * 1.01 end
    y:sum():backward()
  end,
}
local names = {}
for name in pairs(calls) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  calls[name]() -- libraries load
  local before = live()
  local failed, message = fail_each(calls[name])
  T.ok(failed and failed > 0, name .. ": each allocation fails in turn", message)
  T.eq(live(), before, name .. ": and nothing is lost")
end

-- Graphs of any depth are freed without recursion.
do
  local function chain(x)
    for _ = 1, 100000 do x = x + 1 end
    return x
  end
  local function differentiate()
    local x = rp.ones(1):requires_grad_()
    local y = chain(x)
    T.eq(y:item(), 100001, "a chain of 100000 operations")
    y:backward()
    T.eq(x.grad:item(), 1, "its gradient")
  end
  local before = live()
  differentiate()
  chain(rp.ones(1):requires_grad_()) -- dropped without a backward pass
  T.eq(live(), before, "and nothing is lost")
end

-- A generator that nothing else holds lives as long as its draw, with the collector at work all the time.
do
  local mode = collectgarbage("incremental", 1000, 4000)
  local want = rp.generator(3, "short-lived"):randn(5):hash()
  local same = true
  for i = 1, 2000 do
    local x = rp.generator(3, "short-lived"):randn(5)
    if i % 50 == 0 then same = same and x:hash() == want end
    rp.zeros(20000)
  end
  collectgarbage(mode)
  T.ok(same, "draws of generators that are garbage at once")
end

-- A limit turns into an error that says what is in use, and the program goes on.
do
  rp.memory_limit(live() + 1000)
  T.raises(function() return rp.zeros(1000) end, "out of memory: .* live", "a limit on memory is an error")
  rp.memory_limit(0)
  T.eq(rp.zeros(1000):sum():item(), 0, "and lifted again")
end

-- The cache reaches a steady state: after two steps a training step asks the system for nothing.
do
  local nn, optim = rp.nn, rp.optim
  local model = nn.MLP { 8, 16, 4 }
  local adam = optim.Adam(model:parameters(), { lr = 1e-3 })
  local x = rp.randn(32, 8)
  local function step()
    model:zero_grad()
    model(x):square():mean():backward()
    adam:step()
    collectgarbage()
  end
  step()
  step()
  local before = rp.memory()
  for _ = 1, 5 do step() end
  T.eq(rp.memory().live, before.live, "live bytes stay the same from step to step")
  T.ok(rp.memory().cached <= before.cached + 65536, "the cache does not grow")
end

T.done()
