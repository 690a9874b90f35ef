--- Checkpoints: a run that was stopped anywhere and goes on ends with the same bits; what is damaged or foreign is refused.
-- luacheck: ignore 122 311
local T = require "tap"
local command = require "command"
local rp = require "repro"
local checkpoint = require "repro.checkpoint"
local files = require "repro.files"
local provenance = require "repro.provenance"
local store = require "repro.resume.store"

local directory = command.folder()

-- Runs a command line in this process; gives exit code and stderr.
local function run(...)
  local code, _, err = command.run("run", ...)
  return code, err
end

local function script(name, text)
  local path = directory .. "/" .. name .. ".lua"
  files.write(path, text)
  return path
end

local contains = T.contains

-- What a run leaves, without times and places.
local function essence(target)
  local result = rp.io.json_decode(files.read(target .. "/result.json"))
  result.cost, result.directory = nil, nil
  for _, check in ipairs(result.checks) do check.cost = nil end
  return rp.io.json_encode(result) .. files.read(target .. "/log.jsonl")
end

local function leftovers(target)
  local list = {}
  for _, name in ipairs(files.list(target)) do
    if name:find "checkpoint" or name:find "%.tmp$" then list[#list + 1] = name end
  end
  return list
end

-- ---- intervals --------------------------------------------------------------------------------------------------------
T.eq(checkpoint.interval "90s", { seconds = 90 }, "seconds")
T.eq(checkpoint.interval "0.5min", { seconds = 30 }, "minutes")
T.eq(checkpoint.interval "2h", { seconds = 7200 }, "hours")
T.eq(checkpoint.interval "100", { steps = 100 }, "steps")
T.eq(checkpoint.interval "never", {}, "never")
for _, text in ipairs { "", "x", "0", "1.5", "5 days", "-3", "1e3s" } do T.eq(checkpoint.interval(text), nil, "no interval: " .. text) end

-- ---- a script with every kind of state ----------------------------------------------------------------------------------
-- rp.stop_at, which only this test sets, breaks the run in the middle of a step.
local toy = script("toy", [==[
local rp = require "repro"
local nn, optim = rp.nn, rp.optim
local P = rp.paper{ id = "toy", settings = { steps = {7, min = 1}, kind = {"a"} } }
local g = rp.generator(P.seed, "data")
local x = g:randn(32, 4)
local y = x:sum(2, true):tanh()
local calls = 0
local function step_done()
  calls = calls + 1
  local count = rawget(rp, "count")                          -- this test's
  if count then count() end
  if rawget(rp, "stop_at") == calls then error("stopped", 0) end
end

local function train(seed, optimiser)
  local f = nn.MLP({4, 8, 1}, {activation = "gelu", generator = rp.generator(seed, "net")})
  local step, average = optimiser(f), optim.EMA(f, {decay = 0.9, warm_up = true})
  local batches = rp.data.loader({x = x, y = y}, {batch = 8, seed = seed})
  local noise, record, tail, best, row = rp.generator(seed, "noise"), {[P.steps + 5] = "far"}, 0, nil, nil
  local minus_zero, flags = 0.0, {}
  for k in P:training(P.steps, "training " .. seed) do
    local b = batches:next()
    local loss = (f(b.x + noise:randn(b.x.shape) * 0.1 + rp.randn(1) * math.random()) - b.y):square():mean()
    if k % 3 == 1 then step:zero_grad() end                  -- gradients are carried from step to step
    loss:backward()
    step:step()
    average:update()
    record[k] = {loss = loss:item(), r = math.random(1, 10)}
    tail, minus_zero, flags["s" .. k] = tail + loss:item(), -0.0, k % 2 == 0
    if not best or loss:item() < best.loss then
      best = {loss = loss:item(), w = f:parameters()[1]:detach():clone(), k = k, cell = {0/0, math.huge, "\255\0", 1 << 62}}
      row = best.w[1]                                        -- a window on the tensor beside it
    end
    if k % 3 == 0 then
      P:log{seed = seed, step = k, loss = loss}
      P:exact(("small.%d.%d"):format(seed, k), loss, {op = "<", bound = 1e9})
    end
    step_done()
  end
  rp.no_grad(function() row:fill_(3) end)
  return f, average, record, tail, best, step, 1 / minus_zero, flags
end

local function all(list) return rp.hash(table.unpack(list)) end

for i, optimiser in ipairs{
  function(f) return optim.SGD(f, {lr = 0.01, momentum = 0.9, nesterov = true}) end,
  function(f) return optim.Adam({{params = f:parameters(), lr = 1e-2}}, {schedule = optim.cosine(40)}) end,
  function(f) return optim.AdamW(f, {lr = 1e-2}) end} do
  local f, average, record, tail, best, step, sign, flags = train(i, optimiser)
  local score, seven = P:once("evaluation", function(a, b)
    step_done()
    P:log{evaluated = i}
    P:note("evaluated")
    return {a = rp.no_grad(a.forward, a, x):mean(), t = rp.randn(3)}, b
  end, f, 7)
  local moments = {}
  for _, value in pairs(step:state_dict()) do moments[#moments + 1] = value end
  local gradients = {}
  for k, p in ipairs(f:parameters()) do gradients[k] = p.grad end
  P:pinned("weights" .. i, f:hash())
  P:pinned("average" .. i, all(average.shadow))
  P:pinned("moments" .. i, all(moments))
  P:pinned("gradients" .. i, all(gradients))
  P:pinned("best" .. i, all{best.w})
  P:pinned("scalars" .. i, rp.io.json_encode{tail, best.k, best.cell[3]:byte(1), best.cell[4], sign < 0, flags.s2, record[P.steps + 5],
                                            best.cell[1] ~= best.cell[1], seven, math.type(best.k), math.type(tail)})
  P:pinned("record" .. i, all{rp.tensor{record[1].loss, record[P.steps].loss, record[2].r}})
  P:pinned("score" .. i, all{score.a, score.t})
  P:figure("Figure " .. i, rp.rand(4, 4))
end

local function first_above(limit)                            -- left by return
  for k in P:training(6, "search") do
    local value = rp.rand(1):item()
    step_done()
    if value > limit then return k, value end
  end
end
local at, value = first_above(0.6)
P:pinned("at", at + value)
local sum = 0
for k in P:training(6, "left by break") do
  for j in P:training(2, "inside") do sum = sum + j * rp.rand(1):item() end
  step_done()
  if k == 4 then break end
end
P:pinned("sum", sum)
local walk = coroutine.wrap(function()
  local u = 0
  for _ in P:training(3, "in a coroutine") do u = u + rp.rand(1):item(); step_done() end
  coroutine.yield(u)
end)
P:pinned("walk", walk())
P:pinned("calls", calls)
P:pinned("random", math.random() + rp.rand(1):item())
]==])

local straight, target = directory .. "/straight", directory .. "/resumed"
local code, err = run(toy, "-o", straight, "--checkpoint-every", "never", "-q")
T.eq(code, 0, "a run straight through")
local wanted = essence(straight)
code = run(toy, "-o", target, "--checkpoint-every", "1", "-q")
T.eq({ code, essence(target) == wanted }, { 0, true }, "with a checkpoint after every step")
T.eq(leftovers(target), {}, "a complete run leaves no checkpoint")

local different, odd = {}, {}
for _, every in ipairs { 1, 4 } do
  local stop = 0
  repeat                                                      -- until the run ends before it is stopped
    stop = stop + 1
    rp.stop_at = stop
    code = run(toy, "-o", target, "--checkpoint-every", tostring(every), "-q")
    rp.stop_at = nil
    local again = run(toy, "-o", target, "--checkpoint-every", tostring(every), "-q", "--resume")
    if not (code == 2 or code == 0 and stop > 30) or again ~= 0 then odd[#odd + 1] = ("%d then %d at %d"):format(code, again, stop) end
    if essence(target) ~= wanted then different[#different + 1] = ("every %d, stopped at %d"):format(every, stop) end
  until code == 0 or stop > 60
end
T.eq(odd, {}, "exit codes of stopped and resumed runs")
T.eq(different, {}, "stopped in any step and resumed: the same result and log")

local executed = 0
function rp.count() executed = executed + 1 end
rp.stop_at = nil
run(toy, "-o", target, "-q")
local all_steps = executed
rp.stop_at = 14
run(toy, "-o", target, "--checkpoint-every", "1", "-q")
rp.stop_at, executed = nil, 0
code, err = run(toy, "-o", target, "--resume")
T.eq(executed, all_steps - 13, "a resumed run does not do again what had been done")
contains(err, "resumed after 2 loops that had ended and step 5 of 7 of training 2", "and says where it goes on")

-- Stopped again and again: every third step is reached.
rp.io.remove(target .. "/result.json")
local tries = 0
repeat
  tries = tries + 1
  rp.stop_at = 3 * tries
  code, err = run(toy, "-o", target, "--checkpoint-every", "2", tries > 1 and "--resume" or "-q")
until code == 0 or tries > 30
rp.stop_at = nil
T.ok(code == 0 and tries > 5, "a run stopped many times ends", ("code %d after %d tries: %s"):format(code, tries, err))
T.ok(essence(target) == wanted, "with the same result and log")

-- ---- what a checkpoint is, and whose --------------------------------------------------------------------------------------
local function stopped_at(stop, ...)
  rp.stop_at = stop
  local c, e = run(toy, "-o", target, "--checkpoint-every", "2", ...)
  rp.stop_at = nil
  return c, e
end
stopped_at(14, "-q")
local notes, storages = store.read_head(target)
T.eq(notes.format, "repro-checkpoint/1", "the format is stated")
local parts = rp.io.json_decode(notes.parts)
T.ok(#parts >= 1 and files.exists(target .. "/" .. parts[1].name), "loops that have ended lie in parts")
local identity = rp.io.json_decode(notes.identity)
T.eq({ identity.script, identity.scale, identity.seed, identity.version, identity.contract },
     { rp.io.sha256(toy), "small", 1, rp.version, rp.core.contract }, "script, scale, seed, version, contract are stated")
T.ok(next(storages) ~= nil, "the loop in progress has tensors")
code, err = run(toy, "-o", target)
contains(err, "--resume goes on with it", "a run that begins anew says that there was a checkpoint")

local function refused(part, wanted_code, name, ...)
  stopped_at(14, "-q")
  local head = files.read(store.path(target))
  local before = essence(target)
  local path = select("#", ...) > 0 and ... or toy
  local c, message = run(path, "-o", target, "-q", "--resume", select(2, ...))
  T.eq(c, wanted_code, name .. ": exit code")
  contains(message, part, name .. ": the reason")
  T.ok(files.read(store.path(target)) == head, name .. ": the checkpoint is as it was")
  T.ok(wanted_code == 4 or essence(target) == before, name .. ": and so is the rest")
end
refused("--scale is small there and smoke here", 2, "another scale", toy, "--scale", "smoke")
refused("--seed is 1 there and 2 here", 2, "another seed", toy, "--seed", "2")
refused("--only is not given there and calls here", 2, "another --only", toy, "--only", "calls")
refused('the setting kind is ["a"] there and ["b"] here', 2, "another setting", toy, "--set", "kind=b")
refused("the script has changed since", 2, "another script", script("toy2", files.read(toy) .. "-- changed\n"))
refused("it belongs to the paper toy", 2, "another paper", script("toy3", (files.read(toy):gsub('id = "toy"', 'id = "toy3"'))))
rp.core.contract = rp.core.contract + 1
stopped_at(14, "-q")
rp.core.contract = rp.core.contract - 1
code, err = run(toy, "-o", target, "-q", "--resume")
T.eq(code, 2, "another version of the contract")
contains(err, "same-bits contract", "another version of the contract: the reason")
local library_hash = provenance.library_hash
function provenance.library_hash() return ("0"):rep(64) end
stopped_at(14, "-q")
provenance.library_hash = library_hash
code, err = run(toy, "-o", target, "-q", "--resume")
T.eq(code, 2, "another repro")
contains(err, "written by another repro", "another repro: the reason")

stopped_at(14, "-q")
files.write(target .. "/figures/figure-1.png", "changed")
code = run(toy, "-o", target, "-q", "--resume")
T.eq({ code, essence(target) == wanted }, { 0, true }, "a figure outside of loops is drawn again")

local data, reader = directory .. "/data.npy", script("reader", [==[
local rp = require "repro"
local P = rp.paper{ id = "reader" }
local x, m = rp.io.read_npy(rp.reader_path), require "part"
for k in P:training(4, "training") do
  x = x * m
  if rawget(rp, "stop_at") == k then error("stopped", 0) end
end
P:pinned("x", x)
]==])
rp.reader_path = data
rp.io.write_npy(data, rp.ones(3))
local module = script("part", "return 2\n")
local function stop_reader()
  rp.stop_at = 3
  run(reader, "-o", target, "--checkpoint-every", "1", "-q")
  rp.stop_at = nil
end
stop_reader()
T.eq(run(reader, "-o", target, "-q", "--resume"), 0, "the same data and module")
stop_reader()
rp.io.write_npy(data, rp.zeros(3))
code, err = run(reader, "-o", target, "-q", "--resume")
T.eq(code, 4, "other data")
contains(err, "data.npy has changed since", "other data: the reason")
stop_reader()
files.write(module, "return 3\n")
code, err = run(reader, "-o", target, "-q", "--resume")
T.eq(code, 4, "another module")
contains(err, "part.lua has changed since", "another module: the reason")
rp.reader_path = nil

-- ---- damage ---------------------------------------------------------------------------------------------------------------
stopped_at(14, "-q")
local function overwrite(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end
local function survives()
  local ok, problem = pcall(function()
    local head = store.read_head(target)
    store.check_parts(target, rp.io.json_decode(head.parts))
  end)
  if not ok and type(problem) == "table" and problem.kind == "data" and problem.message:find "is damaged" then return nil end
  return ok and "read" or tostring(problem)
end
local function damage(path)
  local text, bad, n = files.read(path), {}, 0
  local function try(changed, what)
    overwrite(path, changed)
    n = n + 1
    local outcome = survives()
    if outcome then bad[#bad + 1] = what .. ": " .. outcome end
  end
  for at = 1, #text do
    if at <= 300 or at % 13 == 0 or at > #text - 20 then
      local bit = 1 << at % 8
      try(text:sub(1, at - 1) .. string.char(text:byte(at) ~ bit) .. text:sub(at + 1), "bit at byte " .. at)
    end
    if at <= 40 or at % 41 == 0 then try(text:sub(1, at - 1), "cut before byte " .. at) end
  end
  try(text .. "\0", "a byte more")
  overwrite(path, text)
  T.eq(bad, {}, ("%d damages of %s are all noticed"):format(n, path:match "[^/]+$"))
end
T.eq(survives(), "read", "an undamaged checkpoint is read")
damage(store.path(target))
damage(target .. "/" .. rp.io.json_decode(store.read_head(target).parts)[1].name)
overwrite(store.path(target), files.read(store.path(target)):sub(1, 1000))
code, err = run(toy, "-o", target, "-q", "--resume")
T.eq(code, 4, "a checkpoint cut short: exit code")
contains(err, "is damaged and is not used", "a checkpoint cut short: the reason")
T.eq(run(toy, "-o", target, "-q"), 0, "and the run can begin anew")

-- ---- what cannot be kept, or not be written -------------------------------------------------------------------------------
local function with_state(name, before, inside)
  return script(name, ([==[
local rp = require "repro"
local P = rp.paper{ id = "odd" }
local n = 0
%s
for k in P:training(4, "training") do
  %s
  n = n + k
  if rawget(rp, "stop_at") == k then error("stopped", 0) end
end
P:exact("n", n, 10)
]==]):format(before, inside))
end
local function runs_again(name, part, before, inside)
  local path = with_state("odd", before, inside)
  rp.stop_at = 3
  local _, message = run(path, "-o", target, "--checkpoint-every", "1", "-q")
  rp.stop_at = nil
  contains(message, part, name .. ": said")
  T.eq(run(path, "-o", target, "-q", "--resume"), 0, name .. ": runs again from its beginning")
end
runs_again("a coroutine", "`c` is a coroutine", "local c = coroutine.create(function() end)", "local _ = c")
runs_again("a function made in the loop", "`t.f` is a function made inside", "local t = {}", "t.f = function() return k end")
runs_again("a live graph", "`z` holds a graph", "local p, z = rp.ones(2):requires_grad_(), nil", "z = p * 2")
runs_again("a key without order", "keys that have no order", "local t = {}", "t[{}] = 1")
local clock = with_state("clock", "local t = {}; if rawget(rp, 'stop_at') then t.x = rp.ones(3) end", "t.y = rp.ones(1)")
rp.stop_at = 3
run(clock, "-o", target, "--checkpoint-every", "1", "-q")
rp.stop_at = nil
code, err = run(clock, "-o", target, "-q", "--resume")
T.eq(code, 2, "a loop that begins from another state is refused")
contains(err, "begins from another state", "and the reason given")

rp.io.remove(store.path(target))
rp.io.mkdir(store.path(target))                               -- nothing can be put in this place
code, err = run(toy, "-o", target, "--checkpoint-every", "1", "-q")
T.eq(code, 0, "a run whose checkpoints cannot be written goes on")
contains(err, "warning: no checkpoint can be written", "and says so")
T.eq(select(2, err:gsub("warning", "")), 1, "once")
rp.io.remove(store.path(target))
T.eq(run(toy, "-o", target, "-q", "--resume", "--trace"), 2, "--resume --trace is refused")
T.eq(run(toy, "-o", target, "-q", "--checkpoint-every", "often"), 2, "an interval that is none is refused")
code, err = run(toy, "-o", target, "--resume", "--threads", "1")
contains(err, "no checkpoint in " .. target, "--resume without a checkpoint begins at the beginning")
T.eq({ code, essence(target) == wanted }, { 0, true }, "and ends as ever")
stopped_at(17, "-q", "--threads", "3")
T.eq({ run(toy, "-o", target, "-q", "--resume", "--threads", "2"), essence(target) == wanted }, { 0, true }, "other threads go on")
rp.threads(0)

-- ---- the program itself: kill -9, SIGTERM, a full disk ----------------------------------------------------------------------
local shell, program = command.shell, command.program
local function call(before, ...)
  local words = { before, "'" .. program .. "'", "run", "'" .. toy .. "'", "-q", ... }
  return shell(table.concat(words, " ") .. " 2>&1; echo code $?")
end
if program:find "/repro$" then
  local chance = rp.generator(7, "times of death")
  local begun = rp.clock()
  call("", "-o", target, "--checkpoint-every 1")
  local whole = rp.clock() - begun
  local killed, same = 0, true
  for _ = 1, 3 do
    local resume = ""
    for _ = 1, 5 do
      local after = (0.3 + 0.7 * chance:rand(1):item()) * whole
      local text = call(("timeout --foreground -s KILL %.4f"):format(after), "-o", target, "--checkpoint-every 1", resume)
      if text:find "code 137" then killed = killed + 1 end
      resume = "--resume"
    end
    T.ok(call("", "-o", target, resume):find "code 0", "after kill -9 at random times the run ends")
    same = same and essence(target) == wanted
  end
  T.ok(same, "with the same result and log")
  T.ok(killed > 0, "some were killed")
  T.eq(leftovers(target), {}, "nothing half written is left")
  -- A whole paper, with few steps.
  local root = debug.getinfo(1, "S").source:match "^@(.*)/tests/lua/test_checkpoint%.lua$" or "."
  local dcr = ("'%s' run '%s/papers/dcr.lua' -q --scale smoke"):format(program, root)
  for _, setting in ipairs { "clip_steps=8", "v_steps=20", "steps_1=6", "steps_2=6", "n_train=300", "n_test=100", "n_pairs=8" } do
    dcr = dcr .. " --set " .. setting
  end
  begun = rp.clock()
  shell(("%s -o '%s' 2>&1"):format(dcr, straight))
  whole, killed = rp.clock() - begun, 0
  for _ = 1, 4 do
    local after = (0.2 + 0.8 * chance:rand(1):item()) * whole
    local text = shell(("timeout --foreground -s KILL %.4f %s -o '%s' --checkpoint-every 2 --resume 2>&1; echo code $?"):format(after, dcr, target))
    if text:find "code 137" then killed = killed + 1 end
  end
  contains(shell(("%s -o '%s' --resume 2>&1; echo code $?"):format(dcr, target)), "code 0", "papers/dcr.lua ends after kill -9")
  T.ok(killed > 0, "it was killed")
  T.ok(essence(target) == essence(straight), "papers/dcr.lua: the same result and log")
  local long = script("long", [==[
local rp = require "repro"
local P = rp.paper{ id = "long" }
local x = rp.zeros(3)
for k in P:training(1 << 40, "waiting") do
  x = x + 1
  if k == 1 then io.stderr:write("begun\n") end
end
]==])
  local text = shell(("timeout --foreground --preserve-status -s TERM 1 '%s' run '%s' -q -o '%s' 2>&1; echo code $?"):format(program, long,
    directory .. "/long"))
  contains(text, "stopping after this step", "SIGTERM is noticed")
  contains(text, "interrupted in waiting at step", "the run ends behind a step")
  contains(text, ("to go on: repro run %s -q -o %s --resume"):format(long, directory .. "/long"), "and says how to go on")
  contains(text, "code 5", "with exit code 5")
  T.ok(files.exists(store.path(directory .. "/long")), "and a checkpoint")
  text = shell(("'%s' run '%s' -q -o /proc/none 2>&1; echo code $?"):format(program, toy))
  contains(text, "repro: /proc/none: cannot", "a place where nothing can be written")
  contains(text, "code 3", "is an unsuitable environment")
  text = shell(("ulimit -f 4; '%s' run '%s' -q -o '%s' --checkpoint-every 1 2>&1; echo code $?"):format(program, toy, directory .. "/full"))
  contains(text, "no checkpoint can be written", "a file that may not grow: said")
  contains(text, "cannot write: File too large", "with the reason")
  T.ok(files.read(directory .. "/full/result.json") or text:find "code 3", "and the run goes on as far as it can")
  T.eq(leftovers(directory .. "/full")[1], nil, "nothing half written is left")
else
  T.skip("this is not the program repro (" .. program .. ")", "kill -9, SIGTERM, a full disk")
end

os.execute("rm -rf '" .. directory .. "'")
T.done()
