--- rp.compile: a repeated step has the bits of the plain one, in everything it leaves; what it cannot repeat it refuses.
---
--- Runs on the CPU; with a GPU, or the launch emulator, on that as well.
local T = require "tap"
local rp = require "repro"
local command = require "command"
local files = require "repro.files"

local function check(where)
  local former = rp.device(where)

  -- What `steps` steps of a training leave, run as they are or compiled.  make() -> step(k) and the tensors to be compared.
  local function trained(make, steps, compiled)
    rp.seed(5)
    local function number_or_tensor(y) return compiled and y or rp.is_tensor(y) and y or rp.full({}, y, "float64") end
    local step, tensors, argument = make()
    if compiled then step = rp.compile(step) end
    local hashes = {}
    for k = 1, steps do
      local results = argument and { step(argument(k)) } or { step() }
      for i, y in ipairs(results) do
        y = number_or_tensor(y)
        hashes[#hashes + 1] = k .. "." .. i .. " " .. y:hash()
      end
    end
    for _, x in ipairs(tensors()) do hashes[#hashes + 1] = x:hash() end
    hashes[#hashes + 1] = tostring(rp.default_generator:state().ordinal)
    return table.concat(hashes, "\n"), step
  end

  local function equal(name, make, steps)
    local plain = trained(make, steps or 6, false)
    local compiled, step = trained(make, steps or 6, true)
    T.eq(compiled, plain, name)
    return step
  end

  -- Everything of a network and its optimiser: parameters, gradients, states.
  local function everything(net, optimiser, ...)
    local list = {}
    for _, p in ipairs(net:parameters()) do
      list[#list + 1] = p
      if p.grad then list[#list + 1] = p.grad end
    end
    for _, group in ipairs(optimiser.groups) do
      for _, name in ipairs(group.state_names) do
        for _, s in ipairs(group.states[name]) do if s then list[#list + 1] = s end end
      end
    end
    for _, more in ipairs { ... } do table.move(more, 1, #more, #list + 1, list) end
    return list
  end

  -- ---- the same bits ----

  local step = equal("MLP-UNet: Adam, noise and times drawn in the step", function()
    local net = rp.nn.MLPUNet(2, { layers = 3, hidden = 24 })
    local adam = rp.optim.Adam(net, { lr = 1e-2 })
    local data = rp.randn(64, 2)
    return function()
      local x, t, noise = data[rp.randint(1, 64, { 40 })], rp.rand(40), rp.randn(40, 2)
      local loss = rp.mse_loss(net(x + noise * t:reshape(40, 1), t), noise)
      adam:zero_grad()
      loss:backward()
      adam:step()
      return loss
    end, function() return everything(net, adam) end
  end, 8)
  T.eq(#step:recordings(), 1, "one recording serves all calls")
  T.eq(step:recordings()[1].parts, 2, "the optimiser parts it")
  T.ok(tostring(step):find "calls in 2 parts", "and it says so", tostring(step))

  equal("clipping, a schedule, an average that warms up, decay apart; the norm is a result", function()
    local net = rp.nn.MLP { 3, 16, 16, 2 }
    local adam = rp.optim.AdamW(net, { lr = 1e-2, schedule = rp.optim.product(rp.optim.warmup(3), rp.optim.cosine(10)) })
    local average = rp.optim.EMA(net, { decay = 0.9, warm_up = true })
    return function()
      local loss = (net(rp.randn(20, 3)) - 3):square():mean()
      loss:backward()
      local norm = adam:step { clip = 0.5 }
      adam:zero_grad()
      average:update()
      return loss, norm
    end, function() return everything(net, adam, average.shadow) end
  end)

  equal("SGD with momentum over two groups, clipping by itself, gradients added up over two passes", function()
    local one, two = rp.nn.Linear(4, 8), rp.nn.Linear(8, 1)
    local sgd = rp.optim.SGD({ { params = one, lr = 0.1 }, { params = two, lr = 0.01, weight_decay = 0.1 } }, { momentum = 0.9, nesterov = true, lr = 1 })
    return function()
      sgd:zero_grad()
      for _ = 1, 2 do two(one(rp.randn(9, 4)):relu()):square():mean():backward() end
      local norm = rp.optim.clip_grad_norm(one, 0.3)
      rp.optim.clip_grad_value(two, 0.2)
      sgd:step()
      return norm
    end, function() return everything(one, sgd, everything(two, sgd)) end
  end)

  equal("U-Net with dropout, group and batch normalisation, whose statistics move in place", function()
    local net = rp.nn.UNet { n_in = 1, size = 8, channels = 8, multipliers = { 1, 2 }, blocks = 1, groups = 4 }
    local norm, adam = rp.nn.BatchNorm(1), rp.optim.Adam(net, { lr = 1e-3 })
    return function()
      local x, t = rp.randn(4, 1, 8, 8), rp.rand(4)
      local loss = rp.mse_loss(rp.dropout(net(norm(x), t), 0.1), x)
      adam:zero_grad()
      loss:backward()
      adam:step()
      return loss, norm(x)
    end, function() return everything(net, adam, { norm.running_mean, norm.running_var }) end
  end, 5)

  equal("DiT", function()
    local net = rp.nn.DiT { size = 8, patch = 2, channels = 1, width = 16, depth = 2, heads = 2 }
    local adam = rp.optim.Adam(net, { lr = 1e-3 })
    return function()
      local x, t = rp.randn(3, 1, 8, 8), rp.rand(3)
      local loss = rp.mse_loss(net(x, t), x)
      adam:zero_grad()
      loss:backward()
      adam:step()
      return loss
    end, function() return everything(net, adam) end
  end, 5)

  equal("contrastive loss, embeddings, causal attention, sorting, a function differentiated in Lua, gradients of intermediates", function()
    local table_, net = rp.nn.Embedding(11, 6), rp.nn.Linear(6, 6)
    local sgd = rp.optim.SGD(net, { lr = 0.1 })
    local double = rp.func { forward = function(x) return x * 2 end, backward = function(g) return g * 2 end }
    return function()
      local x = net(table_(rp.randint(1, 11, { 5, 7 })))
      local y = rp.scaled_dot_product_attention(x, x, x, nil, true)
      local top = double(y:reshape(35, 6)):topk(3, 2)
      local p, q = rp.unit(y[1]), rp.unit(y[2])
      local loss = rp.cross_entropy(p:matmul(q:t()), rp.arange(1, 7, 1, "int64")) + top:mean() + rp.tensor({ 0.5, 1 }):sum() + rp.eye(7):sum()
      local hot = rp.randint(1, 5, { 2, 3 }):one_hot(5)
    local g = rp.grad(loss, { x })[1]
      sgd:zero_grad()
      loss:backward()
      sgd:step()
      return loss, g, hot, rp.randperm(9), rp.bernoulli(0.4, { 9 }), rp.lognormal(0, 1, { 4 })
    end, function() return everything(net, sgd, { table_.weight.grad }) end
  end)

  equal("arguments; a generator with a name, one made in each call; float64; several optimisers", function()
    local w, v = rp.randn(3, "float64"):requires_grad_(), rp.randn(3, "float64"):requires_grad_()
    local a, b = rp.optim.SGD({ w }, { lr = 0.1 }), rp.optim.Adam({ v }, { lr = 0.1 })
    local named = rp.generator(3, "named")
    return function(x, factor, word)
      a:zero_grad()
      b:zero_grad()
      local loss = ((x * w * factor).square and (x * w * factor - v):square():mean()) + named:rand({ 3 }, "float64"):sum() * 0
        + rp.generator(9, word):randn({ 3 }, "float64"):sum()
      loss:backward()
      a:step()
      b:step { norm = true }
      return loss, x
    end, function() return { w, v, w.grad, v.grad } end, function(k) return rp.full({ 3 }, k, "float64"), 2, "word" end
  end)

  -- ---- arguments ----

  local double = rp.compile(function(x, by) return x * by end)
  for k = 1, 6 do
    local x = rp.full({ 2, k % 2 + 1 }, k)
    T.bits(double(x, 2), x * 2, "arguments of two shapes, call " .. k)
  end
  for k = 1, 4 do T.bits(double(rp.full({ 2, 2 }, k), 3), rp.full({ 2, 2 }, 3 * k), "another number is recorded anew, call " .. k) end
  T.bits(double(rp.full({ 2, 2 }, 7), 2), rp.full({ 2, 2 }, 14), "and the former is still known")
  T.bits(rp.no_grad(function() return double(rp.full({ 2, 2 }, 7), 2) end), rp.full({ 2, 2 }, 14), "without a tape too")
  T.bits(double(rp.full({ 4, 2 }, 7):t()[{ { 1, 2 }, { 1, 2 } }], 2), rp.full({ 2, 2 }, 14), "a view is an argument")
  T.raises(function() for k = 1, 20 do double(rp.zeros(1), k + 100) end end, "kinds of arguments", "too many numbers")
  T.raises(function() double({}, 2) end, "argument 1 is a table", "a table as an argument")
  T.raises(function() rp.compile(function(x) return x end)(rp.zeros(1):requires_grad_()) end, "argument 1 requires a gradient", "a parameter as an argument")
  T.raises(function() rp.compile(3) end, "compile: a number was given", "no function")
  local y = double(rp.full({ 2, 2 }, 1), 2)
  double(rp.full({ 2, 2 }, 5), 2)
  T.bits(y, rp.full({ 2, 2 }, 2), "results are copies")
  T.ok(not y.requires_grad, "without history")

  -- ---- rp.live ----

  local count, seen = 0, {}
  local counted = rp.compile(function()
    local x = rp.randn(3)
    rp.live(function()
      count = count + 1
      seen[count] = x:sum():item()
    end)
    return x
  end)
  for k = 1, 6 do
    local x = counted()
    T.ok(count == k and seen[k] == x:sum():item(), "rp.live sees every call, " .. k)
  end
  local slope = rp.zeros(1)
  local stepped = rp.compile(function()
    rp.live(function() slope:add_(1) end)
    return slope * 2
  end)
  for k = 1, 5 do T.eq(stepped():item(), 2 * k, "and changes tensors in place, " .. k) end
  T.raises(function()
    local failing = rp.compile(function() rp.live(function() if count > 7 then error "by itself" end end) return slope * 1 end)
    for _ = 1, 5 do
      failing()
      count = count + 1
    end
  end, "by itself", "an error in rp.live")
  T.eq(stepped():item(), 12, "harms nothing else")
  rp.live(function() count = -1 end)
  T.eq(count, -1, "outside of a step it is called")

  -- ---- gradients ----

  local w = rp.randn(2):requires_grad_()
  local passed = rp.compile(function() (w * w):sum():backward() end)
  for k = 1, 5 do
    w.grad = nil
    passed()
    T.bits(w.grad, 2 * w:detach(), "gradients forgotten outside of the step, " .. k)
  end
  T.raises(passed, "had no gradient when the step was recorded, and has one now", "gradients that are still there")
  w.grad = nil

  local slopes = rp.compile(function(a)
    local b = rp.ones(2):requires_grad_()
    local loss = (a:requires_grad_() * a * b):sum()
    loss:backward()
    return a.grad, b.grad
  end)
  for k = 1, 6 do
    local of_a, of_b = slopes(rp.full({ 2 }, k))
    T.ok(of_a[1]:item() == 2 * k and of_b[1]:item() == k * k, "gradients of what the step makes, " .. k)
  end

  -- ---- what cannot be repeated ----

  T.raises(function()
    local adds = rp.compile(function(a) return a:add_(1) end)
    for k = 1, 3 do adds(rp.full({ 2 }, k)) end
  end, "tensor argument 1 is changed in place", "an argument that is changed")

  local function refused(name, message, fn)
    local one = rp.compile(fn)
    local ok, why = pcall(function() for _ = 1, 4 do one() end end)
    T.ok(not ok and tostring(why):find(message, 1, true), name, tostring(why))
    T.ok(not ok and tostring(why):find("test_compile.lua:%d+: "), "and the line is named", tostring(why))
  end

  local x = rp.randn(4)
  local turn = 0
  refused("item", "reading a tensor in a compiled step", function() return x * (x:sum():item()) end)
  refused("totable", "reading a tensor in a compiled step", function() return x * x:totable()[1] end)
  refused("tostring", "reading a tensor in a compiled step", function() return tostring(x + 1) end)
  refused("a hash", "reading a tensor in a compiled step", function() return (x + 1):hash() end)
  refused("shapes that depend on values", "reading a tensor in a compiled step", function() return (x:unique()) end)
  refused("weights on the host", "reading a tensor in a compiled step", function() return rp.categorical(x:exp(), 3) end)
  refused("linear algebra", "linear algebra in a compiled step", function() return rp.linalg.det(x:reshape(2, 2)) end)
  refused("a seed", "seed in a compiled step", function() rp.seed(1) return x * 2 end)
  refused("the state of a generator", "state in a compiled step", function() return x * rp.default_generator:state().ordinal end)
  refused("a counter", "two calls in a row did not do the same", function() turn = turn + 1 return x * turn end)
  refused("a branch", "two calls in a row did not do the same", function() turn = turn + 1 return turn % 2 == 0 and x:exp() or x:sin() end)
  refused("one operation more", "two calls in a row did not do the same", function() turn = turn + 1 return turn % 2 == 0 and x:exp() or x:exp():exp() end)
  refused("a variable that moves on", "with other tensors", function() x = x * 0.5 return x end)
  refused("a new generator for each call", "two calls in a row did not do the same", function() turn = turn + 1 return rp.generator(turn):randn(3) end)
  local changing = rp.compile(function() turn = turn + 1 return turn end)
  T.raises(function() for _ = 1, 4 do changing() end end, "result 1 was not the same value", "a number as the result")
  T.raises(function() local f = rp.compile(function() return {} end) f() f() end, "result 1 is a table", "a table as the result")
  T.eq(rp.compile(function() return 3 end)(), 3, "a number that stays")
  T.bits(stepped(), rp.full({ 1 }, 14), "earlier steps still work")

  -- ---- inside one another, and anew ----

  local inner = rp.compile(function(a) return a + 1 end)
  local outer = rp.compile(function(a) return inner(a) * 2 end)
  for k = 1, 5 do T.eq(outer(rp.full({ 1 }, k)):item(), 2 * k + 2, "one step within another, " .. k) end
  outer:reset()
  for k = 1, 5 do inner(rp.full({ 1 }, k)) end
  for k = 1, 5 do T.eq(outer(rp.full({ 1 }, k)):item(), 2 * k + 2, "one that is recorded already, " .. k) end
  local weight = rp.full({ 1 }, 3):requires_grad_()
  local scaled = rp.compile(function(a) return a * weight end)
  local descent = rp.optim.SGD({ weight }, { lr = 0.1 })
  local fitted = rp.compile(function()
    descent:zero_grad()
    scaled(rp.ones(1)):sum():backward()
    descent:step()
  end)
  for _ = 1, 5 do scaled(rp.ones(1)) end
  for k = 1, 6 do
    fitted()
    T.ok(math.abs(weight:detach():item() - 3 + 0.1 * k) < 1e-6, "with its history, " .. k)
  end
  local around = rp.compile(function(a)
    rp.live(function() count = inner(rp.full({ 1 }, 4)):item() end)
    return a * 2
  end)
  inner:reset()
  for k = 1, 6 do T.ok(around(rp.full({ 1 }, k)):item() == 2 * k and count == 5, "one within rp.live, " .. k) end
  local indices = rp.full({ 2 }, 3)
  local hot = rp.compile(function() return indices:one_hot(4) end)
  for k = 1, 4 do T.bits(hot(), rp.tensor { { 0, 0, 1, 0 }, { 0, 0, 1, 0 } }, "one_hot reads nothing, " .. k) end
  indices:fill_(5)
  T.raises(function() hot():hash() end, "index_select: index element 1 ", "and refuses what is out of range")

  local net = rp.nn.BatchNorm(2)
  local normed = rp.compile(function(a) return net(a) end)
  for _ = 1, 4 do normed(rp.randn(5, 2)) end
  net:eval()
  normed:reset()
  local given = rp.randn(5, 2)
  T.bits(normed(given), net(given):detach(), "reset records anew")

  -- ---- memory ----

  local mlp = rp.nn.MLP { 4, 32, 4 }
  local adam = rp.optim.Adam(mlp, { lr = 1e-3 })
  local small = rp.compile(function()
    local loss = mlp(rp.randn(16, 4)):square():mean()
    adam:zero_grad()
    loss:backward()
    adam:step()
    return loss
  end)
  for _ = 1, 20 do small() end
  collectgarbage()
  collectgarbage()
  local function memory() return where == "cpu" and rp.memory() or rp.core.cuda() end
  local before = memory()
  for _ = 1, 200 do small() end
  collectgarbage()
  collectgarbage()
  local after = memory()
  T.eq(after.live, before.live, "two hundred calls later as much memory is live")
  if before.cached > 0 then                                -- not where sanitisers watch every block
    T.ok(after.allocations - before.allocations <= 2, "and the system was asked for none", tostring(after.allocations - before.allocations))
  end
  if where == "cuda" then
    local launches = (after.launches - before.launches) / 200
    T.ok(launches <= 4, "a call is a draw, a graph, the optimiser and a copy", launches .. " launches")
    T.eq(after.waits - before.waits, 0, "nothing waits")
    T.eq(after.uploads - before.uploads, 0, "nothing is copied to the GPU")
    local chosen = rp.compile(function(i) return rp.arange(1, 9)[i] end)
    local places = rp.tensor({ 2, 9 }, "int64")
    for k = 1, 6 do
      places[2] = k == 6 and 10 or 9
      local picked = chosen(places)
      if k < 6 then T.eq(picked[2]:item(), 9, "a graph finds positions, " .. k) end
      if k == 6 then T.raises(function() picked[2]:item() end, "index_select: index element 2 lies outside 1..9", "and reports one out of range") end
    end
  end
  local function live_after(f)
    for _ = 1, 3 do collectgarbage() end
    local start = memory().live
    f()
    for _ = 1, 3 do collectgarbage() end
    return memory().live - start
  end
  T.eq(live_after(function()
    local once = rp.compile(function(a) local b = a * 2; return (b + 1):exp(), b end)
    for _ = 1, 6 do once(rp.randn(100, 100)) end
  end), 0, "a step that is dropped gives everything back")
  local kept
  live_after(function()
    local once = rp.compile(function() kept = rp.full({ 1000 }, 2) * 3 end)
    for _ = 1, 6 do once() end
  end)
  T.bits(kept, rp.full({ 1000 }, 6), "a tensor it left in a variable outlives it")

  local large = rp.compile(function() return ((rp.randn(300, 300) + 1):exp() * 2):sum() end)
  local grown = {}
  for k = 1, 5 do grown[k] = live_after(function() large() end) end
  T.ok(grown[1] < 1e5 and grown[2] < 1e5 and grown[3] > 3e5 and grown[4] < 1e4 and grown[5] == 0,
    "the recording that is kept takes its memory, the other none", table.concat(grown, " "))

  -- ---- memory that runs out ----

  -- Fails allocation k of all that four calls of a new step do, and k + 1, ... until none is left to fail.
  local q = rp.randn(3, 4):requires_grad_()
  local sgd = rp.optim.SGD({ q }, { lr = 0.1, momentum = 0.9 })
  local function five_calls()
    local one = rp.compile(function(a)
      local loss = (q * a + rp.randn(4) * 2):square():sum()
      sgd:zero_grad()
      loss:backward()
      sgd:step { clip = 1 }
      return loss
    end)
    for _ = 1, 5 do one(rp.ones(4)) end
  end
  local function live()
    q.grad = nil
    collectgarbage()
    collectgarbage()
    return rp.memory().live
  end
  five_calls()
  local level, failures, unexpected = live(), 0, nil
  for round = 0, 1500 do
    rp.memory_fail_at(round + 1)
    local ok, why = pcall(five_calls)
    rp.memory_fail_at(0)
    if ok then break end
    failures = round + 1
    if not tostring(why):find "out of memory" then unexpected = unexpected or tostring(why) end
  end
  T.ok(failures > 150 and failures < 1500 and not unexpected, "each allocation fails in turn, with a message", failures .. " " .. tostring(unexpected))
  T.eq(live(), level, "and nothing is lost")

  -- ---- profile ----

  local profile = rp.profile(function() for _ = 1, 10 do small() end end)
  local calls = {}
  for _, row in ipairs(profile) do calls[row.name .. (row.gradient and "'" or "")] = row.calls end
  T.eq(calls.linear, 20, "a profile counts the repeated operations")
  T.eq(calls["linear'"], 20, "and their gradients")
  T.ok(profile.flop > 0, "and their multiplications")
  local plain = rp.profile(function() for _ = 1, 10 do small.fn() end end)
  T.eq(plain.flop, profile.flop, "as many as in the plain step")

  rp.device(former)
end

-- ---- whole runs: plain, compiled, stopped and resumed, traced ----

local script = [==[
local rp = require "repro"
local P = rp.paper{ id = "train", settings = { steps = {9, min = 1}, compiled = true } }
local function make()                                      -- what the step needs is seen only through it
  local net = rp.nn.MLPUNet(2, {layers = 3, hidden = 16})
  local norm = rp.nn.BatchNorm(2)
  local adam = rp.optim.AdamW(net, {lr = 1e-2, schedule = rp.optim.cosine(P.steps)})
  local average = rp.optim.EMA(net, {decay = 0.9})
  local function step()
    local x, t = rp.randn(20, 2), rp.rand(20)
    local loss = rp.mse_loss(net(norm(x + rp.randn(20, 2) * t:reshape(20, 1)), t), x)
    adam:zero_grad()
    loss:backward()
    adam:step{clip = 1}
    average:update()
    return loss
  end
  return P.compiled and rp.compile(step) or step, net, average, norm
end
local step, net, average, norm = make()
local history = {}
for k in P:training(P.steps) do
  history[k] = step():detach()
  P:log{step = k, loss = history[k]}
  if rawget(rp, "stop_at") == k then error("stopped", 0) end
end
P:pinned("net", net:hash())
P:pinned("average", rp.hash(table.unpack(average.shadow)))
P:pinned("statistics", rp.hash(norm.running_mean, norm.running_var))
P:pinned("history", rp.hash(table.unpack(history)))
P:pinned("next", rp.rand(1):item())
]==]

local function check_runs(where)
  local directory = os.tmpname()
  os.remove(directory)
  rp.io.mkdir(directory)
  local path = directory .. "/train.lua"
  files.write(path, script)

  local function run(target, ...)
    local code, _, err = command.run("run", path, "-o", directory .. "/" .. target, "--device", where, ...)
    rp.device "cpu"
    return code, err
  end
  local function values(target)
    local list = {}
    for _, row in ipairs(rp.io.json_decode(files.read(directory .. "/" .. target .. "/result.json")).checks) do
      list[#list + 1] = row.id .. " " .. tostring(row.measured)
    end
    return table.concat(list, "\n") .. files.read(directory .. "/" .. target .. "/log.jsonl")
  end
  local code, message = run("plain", "--set", "compiled=false")
  T.eq(code, 0, "a training as it is written, on " .. where .. ": " .. message)
  local wanted = values "plain"
  T.eq(run "compiled", 0, "the same, compiled")
  T.eq(values "compiled", wanted, "leaves the same bits")
  for _, stop in ipairs { 1, 2, 3, 4, 7 } do
    rp.stop_at = stop
    run("stopped", "--checkpoint-every", "1")
    rp.stop_at = nil
    local again, said = run("stopped", "--checkpoint-every", "1", "--resume")
    T.eq(again, 0, "stopped in step " .. stop .. " and resumed")
    T.ok(stop == 1 or said:find(("step %d of 9"):format(stop - 1), 1, true), "after the step before", said)
    T.eq(values "stopped", wanted, "leaves the same bits")
  end
  T.eq(run("traced", "--trace"), 0, "traced")
  T.eq(run("traced-plain", "--trace", "--set", "compiled=false"), 0, "traced, as it is written")
  T.eq(files.read(directory .. "/traced/trace/steps.jsonl"), files.read(directory .. "/traced-plain/trace/steps.jsonl"),
    "the traces are the same")
  files.write(path, [==[local rp = require "repro"
local step = rp.compile(function() return rp.ones(1) * math.random() end)
for _ = 1, 4 do step() end
]==])
  local refused, why = run "random"
  T.ok(refused == 2 and why:find "train.lua:2: math.random in a compiled step", "math.random is refused", why)
  os.execute("rm -rf " .. directory)
end

for _, where in ipairs { "cpu", rp.core.cuda() and "cuda" or nil } do
  check(where)
  check_runs(where)
end
T.done()
