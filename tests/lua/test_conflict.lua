--- rp.conflict: how losses pull on a feature and on layers, at a step and over steps.
local rp = require "repro"
local T = require "tap"
local conflict = rp.conflict

------------------------------------------------------------------------------------------------ at a feature
local z = rp.tensor({ { 1, 0 }, { 0, 1 } }, "float64"):requires_grad_()
local up, other = (z * rp.tensor({ { 1, 0 }, { 1, 0 } }, "float64")):sum(), (z * rp.tensor({ { -1, 0 }, { 0, 2 } }, "float64")):sum()
local found = conflict { losses = { up, other }, at = z }
T.near(found.cosine, -1 / (math.sqrt(2) * math.sqrt(5)), 1e-12, "cosine of the gradients")
T.near(found.norms[1], math.sqrt(2), 1e-12, "norm of the first")
T.near(found.norms[2], math.sqrt(5), 1e-12, "norm of the second")
T.near(found.fraction_negative, 0.5, 0, "half of the examples are in conflict")
T.eq({ found.examples[1]:item(), found.examples[2]:item() }, { -1, 0 }, "example by example")
T.ok(z.grad == nil, "conflict leaves .grad alone")
T.ok(found.layers == nil, "one tensor has no layers")
T.near(conflict { losses = { up, up }, at = z }.cosine, 1, 1e-12, "a loss agrees with itself")
local hidden = z * 3                                                    -- an intermediate
T.near(conflict { losses = { hidden:sum(), -hidden:sum() }, at = hidden }.cosine, -1, 1e-12, "at an intermediate")
local three = conflict { losses = { up, other, up * 2 - other }, at = z }
T.near(three.cosines[3][1], (2 * 2 + 1) / (math.sqrt(2) * three.norms[3]), 1e-12, "three losses: every pair")
T.eq(three.cosines[1][3], three.cosines[3][1], "the cosines are symmetric")
T.eq(conflict { losses = { up, z:detach():sum() + up * 0 }, at = z }.cosine, 0, "a gradient of zero has cosine 0")

------------------------------------------------------------------------------------------------- at layers
local net = rp.nn.MLP({ 3, 4, 2 }, { activation = "tanh", generator = rp.generator(1) })
local x = rp.generator(2):randn(5, 3)
local y = net(x)
local a, b = y:select(2, 1):square():mean(), (y:select(2, 2) - y:select(2, 1)):square():mean()
local by_name = conflict { losses = { a, b }, at = net:named_parameters() }
local together = rp.grad(a, net:parameters())
local opposite = rp.grad(b, net:parameters())
local dot, square_a, square_b = 0, 0, 0
for i = 1, #together do
  dot = dot + (together[i] * opposite[i]):to("float64"):sum():item()
  square_a = square_a + together[i]:to("float64"):square():sum():item()
  square_b = square_b + opposite[i]:to("float64"):square():sum():item()
end
T.near(by_name.cosine, dot / math.sqrt(square_a * square_b), 1e-6, "over all parameters, as one vector")
T.eq(#by_name.layers, #net:parameters(), "one row a parameter")
T.eq(by_name.layers[1].name, net:named_parameters()[1][1], "with its name")
local w = net:parameters()
local layers = { { "first", { w[1], w[2] } }, { "last", { w[3], w[4] } } }
local by_layer = conflict { losses = { a, b }, at = layers }
T.near(by_layer.cosine, by_name.cosine, 1e-12, "grouping into layers leaves the whole as it is")
T.eq({ by_layer.layers[1].name, by_layer.layers[2].name }, { "first", "last" }, "layers have their names")
T.near(by_layer.layers[1].norms[1] ^ 2 + by_layer.layers[2].norms[1] ^ 2, by_layer.norms[1] ^ 2, 1e-9, "norms add in squares")
T.near(conflict { losses = { a, b }, at = { w[3], w[4] } }.cosine, by_layer.layers[2].cosine, 1e-12, "plain tensors too")
T.ok(w[1].grad == nil, "the parameters' .grad is left alone")

-------------------------------------------------------------------------------------------------- over steps
local steps = {}
for _, slope in ipairs { 1, -1, -2, 0.5 } do
  local v = rp.tensor({ 1, 1 }, "float64"):requires_grad_()
  conflict { losses = { v:sum() * 3, (v * rp.tensor({ slope, slope }, "float64")):sum() }, at = v, into = steps }
end
local s = conflict.summary(steps, { bins = 4, parts = 2 })
T.eq({ s.steps, s.fraction_negative, s.parts[1], s.parts[2] }, { 4, 0.5, 0.5, 0.5 }, "the share of steps in conflict")
T.near(s.cosine, 0, 1e-12, "mean cosine")
T.near(s.ratio, (3 + 3 + 1.5 + 6) / 4, 1e-12, "mean ratio of the norms")
T.near(s.norms[1], 3 * math.sqrt(2), 1e-12, "mean norm")
T.eq(s.histogram.counts, { 2, 0, 0, 2 }, "the histogram holds -1 and 1")
T.eq(s.histogram.edges, { -1, -0.5, 0, 0.5, 1 }, "and its edges")
T.eq(conflict.summary({ steps[1], steps[2], steps[3] }, { parts = 3 }).parts, { 0, 1, 1 }, "part by part")
local tracked = {}
for _ = 1, 2 do conflict { losses = { a, b }, at = layers, into = tracked } end
local t = conflict.summary(tracked)
T.eq({ #t.layers, t.layers[2].name, t.layers[2].steps }, { 2, "last", 2 }, "summary layer by layer")
T.near(t.layers[2].cosine, by_layer.layers[2].cosine, 1e-12, "of the same cosines")
T.eq(t.layers[1].fraction_negative, by_layer.layers[1].cosine < 0 and 1 or 0, "and shares")
T.ok(steps[1].gradients == nil and steps[1].examples == nil, "a step that is kept holds no tensors")

----------------------------------------------------------------------------------------------------- compiled
local function trained(compile)                              -- cosines, read in the step and kept, of seven steps
  rp.seed(3)
  local g, model, kept, read = rp.generator(3, "compiled"), rp.nn.MLP { 3, 4, 2 }, {}, {}
  local sgd = rp.optim.SGD(model, { lr = 0.01 })
  local step = compile(function()
    local f = model(g:randn { 5, 3 })
    local one, two = f:square():sum(), (f * f:roll(1)):sum() + f:sum()
    local c = conflict { losses = { one, two }, at = f, into = kept }
    rp.live(function() read[#read + 1] = { c.cosine, c.norms[2], c.fraction_negative } end)
    model:zero_grad()
    local loss = one + two
    loss:backward()
    sgd:step()
    return one
  end)
  for _ = 1, 7 do step() end
  return { kept, read, model:hash() }
end
T.eq(trained(rp.compile), trained(function(fn) return fn end), "the same numbers in a compiled step, call by call")
T.eq(#trained(rp.compile)[1], 7, "and as many")

----------------------------------------------------------------------------------------------------- mistakes
T.raises(function() conflict { up, other } end, "known: at, into, losses", "conflict says how it is called")
T.raises(function() conflict { losses = { up }, at = z } end, "losses = {l_1, l_2}", "one loss")
T.raises(function() conflict { losses = { up, 3 }, at = z } end, "loss 2 is a number", "a loss that is no tensor")
T.raises(function() conflict { losses = { up, other }, at = z:detach() } end, "needs no gradient", "a feature without gradient")
T.raises(function() conflict { losses = { up, other }, at = {} } end, "at is a tensor or a list", "an empty list")
T.raises(function() conflict { losses = { up, other }, at = { { "a" } } } end, "a names no tensor", "a name alone")
T.raises(function() conflict { losses = { up, other }, at = { 3 } } end, "number 1 is neither", "a number")
T.raises(function() conflict.layers(rp.nn.Linear(2, 2):requires_grad_(false)) end, "no trainable", "a frozen network")
T.raises(function() conflict.summary {} end, "has filled", "a summary of nothing")
T.raises(function() conflict.summary { tracked[1], steps[1] } end, "step 2 has other layers", "steps of different places")

T.done()
