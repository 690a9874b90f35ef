--- A GPU that fails: the device is lost in the middle of a training, or its memory runs out.  What has been kept is kept, the
--- message says what to do, and the run goes on elsewhere.  Needs the launch emulator, which fails when it is told to.
local T = require "tap"
local command = require "command"
local rp = require "repro"
local files = require "repro.files"

local card, why = rp.core.cuda()
local program = command.needs_program "a GPU that fails"
if not card or not card.name:find "emulator" or not program then
  T.skip(card and "a card cannot be told to fail" or "no GPU: " .. why)
  T.done()
  return
end

local folder = command.folder()
local script = folder .. "/train.lua"
files.write(script, [==[
local rp = require "repro"
local P = rp.paper{ id = "train", settings = { steps = 20, size = 8 } }
local net = rp.nn.MLP{2, 8, 1}
local adam = rp.optim.Adam(net, {lr = 1e-2})
local wide = rp.ones(P.size, P.size)
for _ in P:training(P.steps) do
  local x = rp.randn(8, 2)
  local loss = (net(x) - x:sum(2, true)):square():mean() + (wide * 0):sum()
  net:zero_grad()
  loss:backward()
  adam:step()
  P:log{loss = loss}
end
P:pinned("net", net:hash())
]==])

--- The exit status of a run in a process of its own, and all that it says.
local function run(environment, target, ...)
  local words = { environment, "exec", program, "run", script, "-q", "-o", folder .. "/" .. target, ... }
  local said = command.shell(("(%s) 2>&1; echo $?"):format(table.concat(words, " ")))
  local text, code = said:match "^(.-)\n?(%d+)$"
  return math.tointeger(tonumber(code)), text
end

local function weights(target)
  for _, check in ipairs(rp.io.json_decode(files.read(folder .. "/" .. target .. "/result.json")).checks) do
    if check.id == "net" then return check.value end
  end
end

T.eq(run("", "whole", "--device", "cpu"), 0, "a run straight through")

local code, said = run("EMULATOR_LOST=200", "lost", "--device", "cuda", "--checkpoint-every", "1")
T.eq(code, 3, "a device that is lost: exit status 3")
T.ok(said:find "cuda:0 is lost" and said:find "LAUNCH_FAILED" and said:find "REPRO_CUDA_SYNC=1", "with the reason and what to do", said)
T.ok(said:find "train.lua:%d+", "and a line", said)
T.ok(rp.io.exists(folder .. "/lost/checkpoint.safetensors"), "the checkpoint is kept")
T.eq(run("", "lost", "--device", "cpu", "--resume"), 0, "the run goes on without the device")
T.eq(weights "lost", weights "whole", "and leaves the same bits")

code, said = run("REPRO_CUDA_SYNC=1 EMULATOR_LOST=200", "found", "--device", "cuda")
T.eq(code, 3, "with a wait after each kernel")
T.ok(said:find "train.lua:%d+: [%w_]+ of %([%dx]+%).*: cuda:0 is lost: " and not said:find "REPRO_CUDA_SYNC",
     "the message names the operation, its shapes and its line", said)

code, said = run("EMULATOR_BYTES=2000000", "full", "--device", "cuda", "--set", "size=1000")
T.eq(code, 2, "memory that runs out: exit status 2")
T.ok(said:find "train.lua:%d+: .*out of memory on cuda:0: %d+ bytes asked for, %d+ live, %d+ at the peak"
     and said:find "largest blocks in use: %d+ of", "with the line, what is live, the peak and the largest blocks", said)

os.execute("rm -rf " .. folder)
T.done()
