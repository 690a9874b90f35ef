--- Whole runs on a GPU leave what they leave on the CPU: a small training, also stopped and resumed, there or on the other
--- device; and the DCR paper from end to end, at sizes that the launch emulator bears.
-- luacheck: ignore 122
local T = require "tap"
local command = require "command"
local rp = require "repro"
local files = require "repro.files"

local card, why = rp.core.cuda()
if not card then
  T.skip("no GPU: " .. why)
  T.done()
  return
end

local here = debug.getinfo(1, "S").source:match "^@(.*)/tests/lua/[^/]*$"
local directory = command.folder()

local function run(device, target, script, ...)
  local code, _, err = command.run("run", script, "-o", directory .. "/" .. target, "--device", device, "-q", ...)
  rp.device "cpu"
  return code, err
end

-- What a run leaves, without times and places; the kind of every number that was pinned.
local function essence(target)
  local result = rp.io.json_decode(files.read(directory .. "/" .. target .. "/result.json"))
  local pinned = 0
  result.cost, result.directory = nil, nil
  for _, check in ipairs(result.checks) do
    check.cost = nil
    if check.kind == "pinned" then pinned = pinned + 1 end
  end
  return rp.io.json_encode(result) .. (files.read(directory .. "/" .. target .. "/log.jsonl") or ""), pinned
end

local script = directory .. "/train.lua"
files.write(script, [==[
local rp = require "repro"
local P = rp.paper{ id = "train", settings = { steps = {4, min = 1} } }
local net = rp.nn.MLPUNet(2, {layers = 3, hidden = 24})
local adam, average = rp.optim.AdamW(net, {lr = 1e-2}), rp.optim.EMA(net, {decay = 0.9})
local beside = rp.zeros(3):to "cpu"                          -- stays there
local history, best = {}, nil
for k in P:training(P.steps) do
  local x, t = rp.randn(40, 2), rp.rand(40)
  local loss = (net(x + rp.randn(40, 2) * t:reshape(40, 1), t) - x):square():mean()
  adam:zero_grad()
  loss:backward()
  adam:step{clip = 1}
  average:update()
  history[k] = loss:detach()
  beside = beside + loss:item()
  best = {w = net:parameters()[1]:detach():clone()}
  P:log{step = k, loss = loss}
  if rawget(rp, "stop_at") == k then error("stopped", 0) end
end
P:pinned("net", net:hash())
P:pinned("average", rp.hash(table.unpack(average.shadow)))
P:pinned("history", rp.hash(table.unpack(history)))
P:pinned("best", best.w:hash())
P:pinned("beside", beside:sum():item())
P:pinned("next", rp.rand(1):item())
]==])

T.eq(run("cpu", "cpu", script), 0, "a training on the CPU")
local wanted, pinned = essence "cpu"
T.eq(pinned, 6, "it leaves numbers to compare")
T.eq(run("cuda", "cuda", script), 0, "the same on the GPU")
T.eq(essence "cuda", wanted, "leaves the same bits")

for _, way in ipairs { { "cuda", "cuda" }, { "cuda", "cpu" }, { "cpu", "cuda" } } do
  local name = ("stopped on %s, resumed on %s"):format(table.unpack(way))
  local target = "resumed-" .. table.concat(way, "-")
  rp.stop_at = 3
  local code = run(way[1], target, script, "--checkpoint-every", "1")
  rp.stop_at = nil
  T.eq(code, 2, name .. ": the stop")
  local again, message = run(way[2], target, script, "--checkpoint-every", "1", "--resume")
  T.eq(again, 0, name .. ": " .. message)
  T.eq(essence(target), wanted, name .. ": the same bits")
end

local reduced = { "--scale", "smoke", "--seed", "3", "--threads", "1" }
for setting, value in pairs { n_train = 64, n_test = 64, n_pairs = 1, clip_steps = 1, v_steps = 1, steps_1 = 1, steps_2 = 1 } do
  reduced[#reduced + 1] = "--set"
  reduced[#reduced + 1] = setting .. "=" .. value
end
local paper = here .. "/papers/dcr.lua"
local code_cpu, code_cuda = run("cpu", "dcr-cpu", paper, table.unpack(reduced)), run("cuda", "dcr-cuda", paper, table.unpack(reduced))
T.eq(code_cuda, code_cpu, "the DCR paper on both ends alike")
local ours, theirs = essence "dcr-cuda", essence "dcr-cpu"
T.ok(ours == theirs, "and leaves the same bits", "dcr-cuda and dcr-cpu differ")
T.ok(select(2, essence "dcr-cpu") >= 10, "of weights and scores")

os.execute("rm -rf " .. directory)
T.done()
