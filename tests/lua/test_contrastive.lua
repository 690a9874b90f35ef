local rp = require "repro"
local T = require "tap"
local R = require "reference"
local contrastive, ramp = rp.contrastive, R.ramp

local function shape(x) return table.concat(x.shape, "x") end

----------------------------------------------------------------------------------------- PyTorch's values
local a, b, tau = ramp(3, { 4, 5 }), ramp(7, { 4, 5 }), 0.2
R.check(T, "info_nce", contrastive.info_nce(a, b, tau))
R.check(T, "clip", contrastive.clip_loss(a, b, tau))
R.check(T, "siglip", contrastive.siglip_loss(a, b))
R.check(T, "nt_xent", contrastive.nt_xent(a, b, tau))
local label = rp.tensor({ 1, 2, 1, 3 }, "int64")
R.check(T, "label_info_nce", contrastive.label_info_nce(a, label, tau))
local p = ramp(3, { 4, 4, 5 }):requires_grad_()
local q, r = ramp(7, { 4, 5 }), ramp(9, { 4, 5 })
local loss, s = contrastive.dcr_loss(p, q, r, 0.3)
R.check(T, "dcr", loss)
loss:backward()
R.check(T, "dcr_gradient", p.grad)
T.eq(shape(s), "4x5", "dcr_loss also gives the similarities")

--------------------------------------------------------------------------------------------- cases by hand
local B = 6
local same, ones = rp.ones(B, B, 3, "float64"), rp.ones(B, 3, "float64")
T.near(contrastive.dcr_loss(same, ones, ones, 0.1):item(), math.log(B + 1), 1e-12, "conditions ignored: log(B + 1)")
local id = rp.eye(B, "float64")
local separated = id:unsqueeze(1):expand(B, B, B)                      -- p_ij = e_j
T.near(contrastive.dcr_loss(separated, id, id, 0.1):item(), math.log(2 + (B - 1) * math.exp(-10)), 1e-12,
       "orthogonal conditions: log(2 + (B - 1) e^(-1/tau))")
T.near(contrastive.nt_xent(id, id, 1):item(), math.log(math.exp(1) + 2 * B - 2) - 1, 1e-12, "nt_xent of orthogonal pairs")
T.near(contrastive.label_info_nce(id, rp.arange(1, B, 1, "int64"), 1):item(), 0, 0, "no positives: 0")
T.near(contrastive.label_info_nce(id, rp.ones(B, "int64"), 1):item(), 0, 1e-15, "all positive: 0")
T.near(contrastive.siglip_loss(id, id, 0, 0):item(), B * math.log(2), 1e-12, "siglip of no temperature: B log 2")

-------------------------------------------------------------------------------------------------- gradients
local g = rp.generator(13)
local function draw(...) return g:randn(...):to("float64") end
R.gradient(T, "clip_loss", function(x, y) return contrastive.clip_loss(x, y, 0.5) end, { draw(4, 3), draw(4, 3) })
R.gradient(T, "siglip_loss", function(x, y, t, u) return contrastive.siglip_loss(x, y, t, u) end,
           { draw(4, 3), draw(4, 3), draw(1), draw(1) })
R.gradient(T, "nt_xent", function(x, y) return contrastive.nt_xent(x, y, 0.5) end, { draw(4, 3), draw(4, 3) })
R.gradient(T, "label_info_nce", function(x) return contrastive.label_info_nce(x, label, 0.5) end, { draw(4, 3) })
R.gradient(T, "dcr_loss", function(x, y) return (contrastive.dcr_loss(x, y, r:slice(2, 1, 3), 0.5)) end,
           { draw(4, 4, 3), draw(4, 3) })

---------------------------------------------------------------------------------------- pairwise predictions
local function net(x, t, c) return x * 2 + c * t:unsqueeze(2) end
local x, t, c = draw(3, 4), draw(3), draw(5, 4)
local pairs_ = contrastive.pairwise(net, x, t, c)
T.eq(shape(pairs_), "3x5x4", "pairwise makes all pairs")
local one = net(x:slice(1, 2, 2), t:slice(1, 2, 2), c:slice(1, 4, 4))
T.eq(pairs_[{ 2, 4 }]:hash(), one:reshape(4):hash(), "pair (i, j) is input i under condition j")
T.eq(shape(contrastive.pairwise(function(y) return y end, rp.zeros(2, 3, 4, 4), rp.ones(2), rp.zeros(2, 6))), "2x2x48",
     "pairwise flattens images")

------------------------------------------------------------------------------------------------- mistakes
T.raises(function() contrastive.clip_loss(rp.zeros(3, 4), rp.zeros(2, 4)) end, "3 and 2", "unpaired examples")
T.raises(function() contrastive.clip_loss(rp.zeros(3, 4), rp.zeros(3, 5)) end, "3x4.*3x5", "different widths")
T.raises(function() contrastive.dcr_loss(rp.zeros(3, 4, 5), q, r) end, "%(B, B, D%)", "dcr_loss wants a square")
T.raises(function() contrastive.dcr_loss(rp.zeros(4, 4, 5), q, rp.zeros(4, 6)) end, "4x5.*4x6", "dcr_loss names the shapes")

T.done()
