local rp = require "repro"
local T = require "tap"
local R = require "reference"
local nn, ramp = rp.nn, R.ramp

local function shape(x) return table.concat(x.shape, "x") end
local function names(module)
  local list = {}
  for i, entry in ipairs(module:named_parameters()) do list[i] = entry.name end
  return table.concat(list, " ")
end

-------------------------------------------------------------------------------------------------- the base
local Net = nn.class "Net"
function Net:init()
  self.zeta = nn.Linear(3, 4)
  self.alpha = nn.Linear(4, 2, { bias = false })
  self.parts = { nn.LayerNorm(3), { nn.Dropout(0.5) } }
  self.shared = self.zeta.weight
  self:buffer("steps", rp.zeros(1))
end
function Net:forward(x) return self.alpha(self.zeta(self.parts[1](x)):relu()) end

rp.seed(1)
local net = Net()
T.eq(names(net), "zeta.weight zeta.bias alpha.weight parts.1.weight parts.1.bias", "order of assignment, shared ones once")
T.eq(net:count(), 12 + 4 + 8 + 6, "count")
T.eq(shape(net(rp.zeros(5, 3))), "5x2", "calling a module calls forward")
T.ok(net:state_dict().steps ~= nil and net:state_dict()["shared"] ~= nil, "state_dict has buffers and shared tensors")
net:eval()
T.ok(not net.parts[2][1].training, "eval reaches modules in nested arrays")
net:train()
T.ok(net.parts[2][1].training, "train reaches them too")
T.eq(tostring(net):gsub("\n.*", ""), "Net", "the outline starts with the class")
T.ok(tostring(net):find("zeta: Linear 3 -> 4", 1, true), "the outline shows parts")

local copy = net:clone()
T.eq(copy:hash(), net:hash(), "a clone has the same values")
T.ok(copy.shared == copy.zeta.weight, "a clone shares what was shared")
copy.zeta.weight:detach():fill_(0)
T.ok(copy:hash() ~= net:hash(), "a clone is independent")
copy:load_state_dict(net:state_dict())
T.eq(copy:hash(), net:hash(), "load_state_dict restores all values")
local state = net:state_dict()
state["zeta.bias"] = nil
T.raises(function() copy:load_state_dict(state) end, "lacks zeta.bias", "a missing name is an error")
state["zeta.bias"], state.extra = rp.zeros(4), rp.zeros(1)
T.raises(function() copy:load_state_dict(state) end, "nothing here is called extra", "an unknown name is an error")
state.extra, state["zeta.bias"] = nil, rp.zeros(5)
T.raises(function() copy:load_state_dict(state) end, "'zeta.bias' has shape %(4%) here and %(5%)", "a wrong shape is an error")

net:requires_grad_(false)
T.eq(#net:trainable(), 0, "requires_grad_(false) freezes")
net.alpha:requires_grad_()
T.eq(#net:trainable(), 1, "a part can be thawed")
net:requires_grad_()
net(rp.ones(2, 3)):sum():backward()
T.ok(net.alpha.weight.grad ~= nil, "gradients arrive")
net:zero_grad()
T.ok(net.alpha.weight.grad == nil, "zero_grad forgets them")
net:to("float64")
T.eq(net.zeta.weight.dtype .. " " .. net.steps.dtype, "float64 float64", "to converts parameters and buffers")
T.ok(net.shared == net.zeta.weight and net.zeta.weight.requires_grad, "to keeps sharing and requires_grad")

----------------------------------------------------------------------------------------------- initial values
rp.seed(3)
local first = nn.MLP { 3, 8, 2 }
rp.seed(3)
T.eq(nn.MLP({ 3, 8, 2 }):hash(), first:hash(), "weights come from the default generator")
T.eq(nn.Linear(3, 4, { generator = rp.generator(5) }):hash(), nn.Linear(3, 4, { generator = rp.generator(5) }):hash(),
     "or from the generator given")
local wide = nn.Linear(100, 400)
T.ok(wide.weight:abs():max():item() <= 0.1 and wide.weight:abs():max():item() > 0.099, "Linear: U(-1/sqrt(n), 1/sqrt(n))")
T.near(wide.weight:std():item(), 0.1 / math.sqrt(3), 5e-4, "... with its standard deviation")
T.near(nn.Conv2d(4, 50, 5).weight:abs():max():item(), 0.1, 1e-4, "Conv2d: fan_in counts the window")
T.near(nn.Linear(50, 50, { init = "he" }).weight:std():item(), 0.2, 0.01, "he")
T.near(nn.Linear(100, 200, { init = "xavier" }).weight:abs():max():item(), math.sqrt(6 / 300), 1e-3, "xavier")
T.near(nn.Linear(100, 100, { init = 0.02 }).weight:std():item(), 0.02, 1e-3, "a number is a standard deviation")
T.eq(nn.Linear(3, 3, { init = "zeros" }).weight:abs():sum():item(), 0, "zeros")

------------------------------------------------------------------------------------------------------ layers
T.eq(shape(nn.Sequential { nn.Linear(3, 4), "relu", nn.Linear(4, 5), rp.tanh }(rp.zeros(2, 3))), "2x5", "Sequential")
T.eq(names(nn.Sequential { nn.Linear(3, 4), "relu", nn.Linear(4, 5) }), "1.weight 1.bias 3.weight 3.bias",
     "Sequential names its parts by position")
T.eq(names(nn.MLP { 3, 4, 5 }), "layers.1.weight layers.1.bias layers.2.weight layers.2.bias", "MLP")
local deep, rows = nn.MLP({ 3, 4, 5, 2 }, { activation = "silu" }), rp.randn(6, 3)
local all, second = deep(rows, 2)
T.eq(all, deep(rows), "MLP: the output with a tap")
T.eq(second, deep.layers[2](deep.layers[1](rows):silu()):silu(), "... and the hidden layer")
T.raises(function() deep(rows, 3) end, "no hidden layer 3", "... that there is")
T.eq(shape(nn.Embedding(10, 4)(rp.tensor({ { 1, 10 } }, "int64"))), "1x2x4", "Embedding")
T.eq(shape(nn.SwiGLU(4, 8)(rp.zeros(2, 4))), "2x4", "SwiGLU")
T.eq(shape(nn.Conv1d(3, 4, 3, { padding = "same" })(rp.zeros(2, 3, 8))), "2x4x8", "Conv1d, same size")
T.eq(shape(nn.Conv2d(3, 4, 3, { stride = 2, padding = 1 })(rp.zeros(2, 3, 8, 8))), "2x4x4x4", "Conv2d")
T.eq(shape(nn.Conv2d(4, 4, { 1, 3 }, { groups = 2 })(rp.zeros(2, 4, 8, 8))), "2x4x8x6", "Conv2d in groups")
T.eq(shape(nn.Conv3d(1, 2, 3)(rp.zeros(1, 1, 4, 4, 4))), "1x2x2x2x2", "Conv3d")
T.eq(shape(nn.ConvTranspose2d(3, 4, 4, { stride = 2, padding = 1 })(rp.zeros(2, 3, 4, 4))), "2x4x8x8", "ConvTranspose2d")
T.eq(shape(nn.Sequential { nn.AvgPool2d(2), nn.Upsample(2), nn.Flatten() }(rp.zeros(2, 3, 4, 4))), "2x48", "wrappers")
local dropout = nn.Dropout(0.5)
T.ok(dropout(rp.ones(100)):sum():item() ~= 100 and dropout:eval()(rp.ones(100)):sum():item() == 100, "Dropout")
local norm = nn.BatchNorm(3)
norm(rp.full({ 4, 3 }, 2) + rp.arange(1, 4):unsqueeze(2))
T.near(norm.running_mean:mean():item(), 0.45, 1e-6, "BatchNorm moves its running mean")
T.eq(#norm:parameters(), 2, "running statistics are not parameters")
local rms = nn.RMSNorm(2)(rp.tensor { { 3, 4 } })
T.near(rms:square():sum():item(), 2, 1e-5, "RMSNorm gives mean square 1")

local attention = nn.MultiheadAttention(6, 2):to "float64"
R.fill(attention:parameters())
R.check(T, "multihead", (attention(ramp(3, { 2, 4, 6 }))))
local block = nn.TransformerBlock(6, 2, { mlp_ratio = 2 }):to "float64"
R.fill(block:parameters())
local y = block(ramp(3, { 2, 4, 6 }))
R.check(T, "transformer", y)
y:square():sum():backward()
R.check(T, "transformer_gradient", block.attention.qkv.weight.grad, 1e-10)
local patches = nn.PatchEmbedding(4, 2, 6):to "float64"
R.fill(patches:parameters())
R.check(T, "patches", patches(ramp(3, { 2, 4, 4, 4 })))
local cells = ramp(3, { 2, 3, 4, 6 })
T.eq(nn.unpatchify(nn.patchify(cells, 2), 2, { 2, 3 }, 3):hash(), cells:hash(), "unpatchify undoes patchify")
local cross = nn.TransformerBlock(6, 2, { context = 5 })
T.eq(shape(cross(rp.zeros(2, 4, 6), rp.zeros(2, 7, 5))), "2x4x6", "cross-attention")

-- Causal attention: the first outputs do not see later inputs.
local early, late = ramp(3, { 1, 4, 6 }), ramp(3, { 1, 4, 6 })
late[{ 1, 4 }] = 1
T.eq(attention(early, nil, nil, true):slice(2, 1, 3):hash(), attention(late, nil, nil, true):slice(2, 1, 3):hash(),
     "causal attention looks back only")

local e = nn.SinusoidalEmbedding(4)(rp.tensor({ 0, 1 }))
T.near(e[{ 1 }]:sum():item(), 2, 0, "t = 0 gives cosines 1 and sines 0")
T.near(e[{ 2, 3 }]:item(), math.sin(1), 1e-6, "the first frequency is 1")
T.near(e[{ 2, 4 }]:item(), math.sin(0.01), 1e-6, "the next is 1/100 for width 4")
T.eq(shape(nn.TimeEmbedding(8, { kind = "fourier", scale = 1 })(rp.rand(5))), "5x8", "TimeEmbedding")
local film = nn.FiLM(3, 4, { init = "zeros" })
T.eq(film(cells:slice(2, 1, 1):expand(-1, 4, -1, -1):to("float32"), rp.ones(2, 3)):hash(),
     cells:slice(2, 1, 1):expand(-1, 4, -1, -1):to("float32"):hash(), "FiLM with zeros is the identity")

---------------------------------------------------------------------------------------------------- networks
local identity = nn.ResidualMLP(6, { condition = 3 })
local vector = ramp(5, { 2, 6 }, "float32")
T.eq(identity(vector, rp.ones(2, 3)):hash(), vector:hash(), "a residual block starts as the identity")
T.eq(shape(nn.ResidualMLP(6, { condition = 3, modulate = "add" })(vector, rp.ones(2, 3))), "2x6", "modulation by addition")
T.eq(shape(nn.ResidualConv(3, 8, { condition = 5 })(rp.zeros(2, 3, 4, 4), rp.zeros(2, 5))), "2x8x4x4", "ResidualConv")

local vit = nn.ViT { size = 8, patch = 4, width = 16, depth = 2, heads = 2, output = 5 }
local feature, tokens = vit(rp.rand(3, 3, 8, 8))
T.eq(shape(feature) .. " " .. shape(tokens), "3x5 3x4x16", "ViT gives a feature and its tokens")
T.eq(shape((nn.ViT { size = 8, patch = 4, width = 16, depth = 1, heads = 2, pool = "mean", pre_norm = true,
                     activation = "quick_gelu" }(rp.rand(3, 3, 8, 8)))), "3x16", "ViT in CLIP's form, mean pool")

local dit = nn.DiT { size = 8, channels = 3, width = 24, depth = 2, heads = 2, classes = 10 }
local out, tapped = dit(rp.rand(2, 3, 8, 8), rp.tensor({ 1, 500 }), rp.tensor({ 3, 11 }, "int64"), 1)
T.eq(shape(out) .. " " .. shape(tapped), "2x3x8x8 2x16x24", "DiT gives an image and the tokens of a block")
T.near(out:abs():max():item(), 0, 0, "DiT starts at 0")
T.raises(function() dit(rp.rand(2, 3, 8, 8), rp.ones(2)) end, "label 11 means none", "DiT asks for labels")
local modern = nn.DiT { size = 8, channels = 3, width = 24, depth = 1, heads = 2, condition = 4, registers = 3,
                        rotary = true, mlp = "swiglu", norm = "rms", qk_norm = true }
T.eq(shape((modern(rp.rand(2, 3, 8, 8), rp.ones(2), rp.zeros(2, 4)))), "2x3x8x8", "DiT with registers and rotary positions")
local volume = nn.DiT { size = 4, dims = 3, channels = 1, width = 12, depth = 1, heads = 2 }
T.eq(shape((volume(rp.zeros(2, 1, 4, 4, 4), rp.ones(2)))), "2x1x4x4x4", "DiT for volumes")
T.eq(nn.DiT({ model = "S", depth = 1, channels = 3, size = 8 }).blocks[1].attention.d, 384, "DiT sizes by name")

rp.seed(9)
local unet = nn.UNet { n_in = 1, size = 8, channels = 8, multipliers = { 1, 2 }, blocks = 1, attention = { 4 },
                       groups = 4, condition = 3 }
local image, middle = unet(rp.rand(2, 1, 8, 8), rp.tensor({ 1, 2 }), rp.zeros(2, 3))
T.eq(shape(image) .. " " .. shape(middle), "2x1x8x8 2x16x4x4", "UNet gives an image and its middle")
T.near(image:abs():max():item(), 0, 0, "UNet starts at 0")
local before = unet:hash()
local optimiser = rp.optim.Adam(unet, { lr = 1e-2 })
local noise = rp.randn(2, 1, 8, 8)
local losses = {}
for step = 1, 8 do
  optimiser:zero_grad()
  local loss = (unet(noise, rp.tensor({ 1, 2 }), rp.ones(2, 3)) - noise):square():mean()
  loss:backward()
  optimiser:step()
  losses[step] = loss:item()
end
T.ok(losses[8] < 0.8 * losses[1] and unet:hash() ~= before, ("UNet learns (%.3f to %.3f)"):format(losses[1], losses[8]))
T.raises(function() nn.UNet { size = 7 } end, "cannot be halved", "UNet refuses odd sizes")
local encoder = nn.ConvEncoder { n_in = 1, size = 8, channels = 8, multipliers = { 1, 2 }, blocks = 1, output = 2,
                                 time = "fourier" }
T.eq(shape(encoder(rp.rand(2, 1, 8, 8), rp.rand(2))), "2x2", "ConvEncoder with time")
local strided = nn.StridedEncoder { n_in = 2, size = 7, channels = { 4, 6 }, hidden = 8, output = 3, time = "fourier" }
local picture = rp.rand(2, 2, 7, 7)
T.eq(shape(strided(picture, rp.tensor { 0.1, 0.9 })), "2x3", "StridedEncoder, of an odd size, with time")
T.ok((strided(picture, rp.tensor { 0.1, 0.9 }) - strided(picture, rp.tensor { 0.1, 0.1 })):abs():max(2):gt(0):totable()[2],
     "StridedEncoder: the code depends on time")
local timeless = nn.StridedEncoder { n_in = 2, size = 7, channels = { 4 }, hidden = 8, output = 3, activation = "relu" }
local step1 = (picture:conv(timeless.convs[1].weight, timeless.convs[1].bias, 2, 1)):relu()
T.near(timeless(picture), timeless.last(timeless.dense(step1:flatten(2)):relu()), 1e-6, "StridedEncoder without time: by its layers")
local five = nn.StridedEncoder { n_in = 2, size = 7, channels = { 4, 6 }, kernels = { 5 }, hidden = 8, output = 3 }
T.eq({ shape(five.convs[1].weight), shape(five.convs[2].weight) }, { "4x2x5x5", "6x4x3x3" }, "StridedEncoder: kernels")
local taps = five:taps(picture)
T.eq({ #taps, shape(taps[1]), shape(taps[2]), shape(taps[3]), shape(taps[4]) }, { 4, "2x4x4x4", "2x6x2x2", "2x8", "2x3" }, "StridedEncoder: taps")
T.eq(taps[4]:hash(), five(picture):hash(), "StridedEncoder: the last tap is the code")
T.near(taps[3], five.dense(taps[2]:flatten(2)):silu(), 1e-6, "StridedEncoder: taps follow one another")
T.raises(function() nn.StridedEncoder { kernels = { 4 } } end, "kernel of 4; the side must be odd", "StridedEncoder: an even kernel")
T.raises(function() strided(rp.rand(2, 2, 8, 8), rp.rand(2)) end, "StridedEncoder", "StridedEncoder: images of another size")
T.eq(nn.WideResNet { output = 10 }:count(), 1467610, "WRN-28-2 for CIFAR-10 has its published number of weights")
local wrn = nn.WideResNet { depth = 10, widen = 1, n_in = 1, output = 4, norm = "group", time = "fourier" }
local views = rp.rand(3, 1, 8, 8)
local together = wrn(views, rp.tensor { 0.1, 0.5, 0.9 })
T.eq(shape(together), "3x4", "WideResNet with time")
T.near(wrn(views:slice(1, 2, 2), rp.tensor { 0.5 }), together:slice(1, 2, 2), 1e-6, "with group norm images do not see each other")
T.ok((wrn(views, rp.tensor { 0.1, 0.5, 0.1 }) - together):abs():max(2):gt(0):totable()[3], "its code depends on time")
T.eq(shape(nn.WideResNet { depth = 10, widen = 1 }(rp.rand(2, 3, 8, 8))), "2x64", "without output the mean over pixels")
T.raises(function() nn.WideResNet { depth = 12 } end, "not 6 n %+ 4", "WideResNet: another depth")
T.raises(function() nn.WideResNet { norm = "layer" } end, '"batch" or "group"', "WideResNet: another norm")
T.eq(shape(nn.MLPUNet(6, { layers = 3, hidden = 8, embedding = 8 })(rp.rand(4, 6), rp.rand(4))), "4x6", "MLPUNet")

-- Gradients of whole networks in double precision, in a few parameters.
local function gradcheck_network(name, make, inputs)
  rp.seed(21)
  local network = make():to "float64"
  for _, p in ipairs(network:parameters()) do                    -- zero-initialised layers hide gradients
    rp.no_grad(function() p:add_(rp.randn(p.shape):to("float64"), 0.1) end)
  end
  R.gradient(T, name, function(x) return (network(x, table.unpack(inputs, 2))):square():sum() end, { inputs[1] },
             { eps = 1e-6, tol = 1e-5 })
end
local function draw(...) return rp.randn(...):to("float64") end
gradcheck_network("MLPUNet", function() return nn.MLPUNet(3, { layers = 3, hidden = 4, embedding = 4 }) end,
                  { draw(2, 3), draw(2) })
gradcheck_network("ResidualMLP", function() return nn.ResidualMLP(4, { condition = 2 }) end, { draw(2, 4), draw(2, 2) })
gradcheck_network("UNet", function()
  return nn.UNet { n_in = 1, size = 4, channels = 2, multipliers = { 1, 2 }, blocks = 1, attention = { 2 }, groups = 2 }
end, { draw(1, 1, 4, 4), draw(1) })
gradcheck_network("DiT", function()
  return nn.DiT { size = 4, channels = 1, width = 8, depth = 1, heads = 2, registers = 1, rotary = true, qk_norm = true }
end, { draw(1, 1, 4, 4), draw(1) })

-- The same bits for any number of threads.
local function trained(threads)
  local before_threads = rp.threads()
  rp.threads(threads)
  rp.seed(31)
  local network = nn.Sequential { nn.Conv2d(3, 8, 3, { padding = 1 }), nn.BatchNorm(8), "gelu", nn.MaxPool2d(2),
                                  nn.Flatten(), nn.Linear(8 * 25, 7) }
  local adam = rp.optim.AdamW(network, { lr = 1e-2 })
  for _ = 1, 3 do
    adam:zero_grad()
    network(rp.randn(9, 3, 11, 10)):cross_entropy(rp.randint(1, 7, { 9 })):backward()
    adam:step { clip = 1 }
  end
  rp.threads(before_threads)
  return network:hash()
end
T.eq(trained(1), trained(3), "training gives the same bits with 1 and 3 threads")

-------------------------------------------------------------------------------------------------------- LoRA
rp.seed(5)
local base = nn.Sequential { nn.Linear(4, 6), "gelu", nn.MLP { 6, 6, 3 } }
local probe = rp.randn(5, 4)
local plain = base(probe)
nn.lora(base, 2, 4)
T.eq(base(probe):hash(), plain:hash(), "an adapter starts as nothing")
T.eq(#base:trainable(), 6, "only the adapters can be trained")
T.eq(base:count(true), 2 * (4 + 6) + 2 * (6 + 6) + 2 * (6 + 3), "rank (n_in + n_out) parameters per layer")
local lora_optimiser = rp.optim.AdamW(base, { lr = 0.05 })
for _ = 1, 3 do
  lora_optimiser:zero_grad()
  base(probe):square():sum():backward()
  lora_optimiser:step()
end
local adapted = base(probe)
T.ok(adapted:hash() ~= plain:hash(), "adapters learn")
nn.merge_lora(base)
T.near((base(probe) - adapted):abs():max():item(), 0, 1e-5, "merging keeps the function")
T.eq(names(base), "1.weight 1.bias 3.layers.1.weight 3.layers.1.bias 3.layers.2.weight 3.layers.2.bias",
     "merging removes the adapters")
local some = nn.lora(nn.MLP { 3, 3, 3 }, 1, 1, { only = function(name) return name == "layers.2" end })
T.eq(names(some):match("layers.1.%S+ layers.1.%S+"), "layers.1.weight layers.1.bias", "`only` chooses the layers")

T.raises(function() nn.lora(some, 1) end, "has an adapter already", "no adapter on an adapter")

------------------------------------------------------------------------------------------------------ mistakes
T.raises(function() net(rp.zeros(2, 5):to("float64")) end, "LayerNorm 'parts.1' %(3%).*size 3.*got.*%(2x5%)",
         "a wrong width names the layer, what it expected and what it got")
T.raises(function() nn.Linear(64, 10)(rp.zeros(2, 32)) end, "Linear %(64 %-> 10%).*64.*%(2x32%)", "also for a layer alone")
T.raises(function() nn.Sequential { nn.Linear(4, 8), nn.MLP { 6, 8, 2 } }(rp.zeros(2, 4)) end, "Linear '2.layers.1'",
         "a layer in an array within a part is named by its whole path")
T.raises(function() nn.Conv2d(3, 8, 3)(rp.zeros(2, 1, 8, 8)) end, "Conv2d %(3 %-> 8, kernel 3x3%).*channel", "wrong channels")
T.raises(function() nn.Linear(3, 4)(nil) end, "not a tensor", "nil as input")
T.raises(function() nn.Linear(3) end, "two integers", "a missing size")
T.raises(function() nn.Linear(3, 4, { biass = false }) end, "biass.*bias", "a misspelt option names the right one")
T.raises(function() nn.MLP({ 3, 4 }, { activation = "reul" }) end, "reul.*relu", "a misspelt activation")
T.raises(function() nn.MultiheadAttention(6, 4) end, "4 heads", "heads that do not divide")
T.raises(function() nn.Linear(3, 4, { init = "orthogonal" }) end, "init must be", "an unknown rule of initial weights")
local _, message = pcall(function() nn.Linear(64, 10)(rp.zeros(2, 32)) end)
T.ok(message:find("test_nn.lua:%d+:"), "the message points at the script: " .. message)

-- a transformer that makes an image in one step
local function one_step() return nn.OneStepDiT { size = 8, patch = 2, channels = 3, width = 24, depth = 2, heads = 2, classes = 5, registers = 3,
  rotary = true, mlp = "swiglu", norm = "rms", qk_norm = true, styles = 6, style_codes = 4, generator = rp.generator(1) } end
local maker, g1 = one_step(), rp.generator(2)
local u0, style = maker:draw(7, g1)
T.eq({ shape(u0), shape(style), style:min():item() >= 1, style:max():item() <= 6 }, { "7x3x8x8", "7x4", true, true }, "OneStepDiT: what it draws")
local label, alpha = rp.tensor({ 1, 2, 3, 4, 5, 1, 2 }, "int64"), rp.full({ 7 }, 1.5)
local u1 = maker(u0, label, alpha, style)
T.eq(shape(u1), "7x3x8x8", "OneStepDiT: shape")
T.ok(u1:std():item() > 0.05, "OneStepDiT: noise comes through at first")
T.eq(maker:hash(), one_step():hash(), "OneStepDiT: same generator, same weights")
for _, p in ipairs(maker:parameters()) do rp.no_grad(function() p:add_(rp.generator(3):randn(p.shape) * 0.05) end) end
u1 = maker(u0, label, alpha, style)
local function differs(...) return (u1 - maker(...)):abs():max():item() > 1e-5 end
T.ok(differs(u0 + 1, label, alpha, style) and differs(u0, label:flip(1), alpha, style) and differs(u0, label, alpha + 1, style)
     and differs(u0, label, alpha, style % 6 + 1), "OneStepDiT: noise, class, guidance and style all count")
maker:zero_grad()
u1:square():sum():backward()
local reached = true
for _, p in ipairs(maker:parameters()) do reached = reached and p.grad ~= nil and p.grad:abs():max():item() > 0 end
T.ok(reached, "OneStepDiT: gradients reach every parameter")
T.raises(function() nn.OneStepDiT { size = 8, width = 24, depth = 1, heads = 2 } end, "number of classes is missing", "OneStepDiT: classes")

-- ---- in parts ----
local many, beside = rp.randn(7, 3), rp.arange(1, 7)
local calls = 0
local function both(a, b, c)
  calls = calls + 1
  return a * 2, b and a:sum(2) + b or a:sum(2), c
end
local doubled, sums, nothing = nn.in_parts(both, 3, many:clone():requires_grad_(), beside, nil)
T.bits(doubled, many * 2, "in_parts: the results in order")
T.bits(sums, many:sum(2) + beside, "... all of them")
T.eq({ calls, nothing }, { 3, nil }, "... of three calls")
T.eq(doubled.requires_grad, false, "... without a graph")
T.bits(select(2, nn.in_parts(both, 7, many)), many:sum(2), "... or in one")
T.eq(calls, 4, "... which is enough for seven rows")
T.bits(nn.in_parts(nn.Linear(3, 2, { init = "zeros" }), 3, many), rp.zeros(7, 2), "... of a module")

T.done()
