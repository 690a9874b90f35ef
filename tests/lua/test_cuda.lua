--- A GPU gives the CPU's bits: every operation, forward and gradient, in both float types and several sizes; views,
--- integers, random numbers, optimisers; memory, copies and errors.
---
--- Runs on the GPU there is, or on the launch emulator (REPRO_CUDA_DRIVER=tests/cuda/emulator.so: make check does it).
local T = require "tap"
local rp = require "repro"
local cases = require "cases"

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

local counted, equal, seen = 0, 0, {}
for _, setting in ipairs { { "float32", 1 }, { "float64", 3 }, { "float32", 29 }, { "float32", 211 } } do
  local dtype, scale = table.unpack(setting)
  for _, op in ipairs(rp.core.ops()) do
    local good, worst = true, nil
    for _, case in ipairs(cases.of(op, dtype, scale)) do
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

T.done()
