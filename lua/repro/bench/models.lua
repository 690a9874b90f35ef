--- Rows of the benchmark: whole training steps (forward, backward, Adam), as they are written and by rp.compile.
local rp = require "repro"

local rows = {}

-- A step that has been recorded.
local function compiled(make)
  return function()
    local step = rp.compile(make())
    for _ = 1, 3 do step() end
    return step
  end
end

local function model(name, shape, make)
  rows[#rows + 1] = { group = "step", name = name, shape = shape, make = make, tape = true, memory = true }
  rows[#rows + 1] = { group = "step", name = name .. "_compiled", shape = shape, make = compiled(make), tape = true }
end

--- A step of Adam on loss(net).
local function training(net, loss)
  local adam = rp.optim.Adam(net, { lr = 1e-3 })
  return function()
    adam:zero_grad()
    loss():backward()
    adam:step()
  end
end

local function regression(net, ...)
  local inputs = { ... }
  local target = rp.randn(inputs[1].shape)
  return training(net, function() return rp.mse_loss(net(table.unpack(inputs)), target) end)
end

model("step_tiny", "MLP 2-32-2, batch 32", function()
  return regression(rp.nn.MLP { 2, 32, 2 }, rp.randn(32, 2))
end)
model("step_mlp", "MLP 784-256-256-10, batch 128", function()
  local net = rp.nn.MLP { 784, 256, 256, 10 }
  local x, labels = rp.randn(128, 784), rp.randint(1, 10, { 128 })
  return training(net, function() return rp.cross_entropy(net(x), labels) end)
end)
model("step_mlp_unet", "MLP-UNet 5x256, batch 1024", function()
  return regression(rp.nn.MLPUNet(2, { layers = 5, hidden = 256 }), rp.randn(1024, 2), rp.rand(1024))
end)
model("step_unet", "U-Net 16x16, 32-64 channels, batch 32", function()
  local net = rp.nn.UNet { n_in = 1, size = 16, channels = 32, multipliers = { 1, 2 }, blocks = 1, groups = 8 }
  return regression(net, rp.randn(32, 1, 16, 16), rp.rand(32))
end)
model("step_dit", "DiT 16x16 patch 2, width 128, depth 4, batch 64", function()
  local net = rp.nn.DiT { size = 16, patch = 2, channels = 1, width = 128, depth = 4, heads = 4 }
  return regression(net, rp.randn(64, 1, 16, 16), rp.rand(64))
end)

return rows
