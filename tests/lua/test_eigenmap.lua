--- repro.eigenmap, and the alignment loss of repro.contrastive.
local rp = require "repro"
local T = require "tap"
local R = require "reference"
local eigenmap = rp.eigenmap

local g = rp.generator(5)
local function draw(...) return g:randn(...):to("float64") end
local function largest(x) return x:abs():max():item() end

--------------------------------------------------------------------------------------------- normalisation
local f = draw(6, 3)
local psi = eigenmap.normalise(f)
T.near(largest(psi:square():mean(1) - 1), 0, 1e-14, "L2-BN: columns have mean square 1")
T.near(largest(eigenmap.normalise(f, true):square():sum(2) - 1), 0, 1e-14, "rows: of length 1")
local stacked = rp.concat(1, f:unsqueeze(1), (f * 7):unsqueeze(1))
T.near(largest(eigenmap.normalise(stacked)[2] - psi), 0, 1e-14, "groups are normalised each by itself")
T.eq(eigenmap.normalise(rp.zeros(4, 2)):abs():max():item(), 0, "a function that is 0 stays 0")
T.raises(function() eigenmap.normalise(rp.zeros(3)) end, "must be %(n, K%)", "one dimension is refused")

--------------------------------------------------------------------------------------------------- the loss
-- By hand: psi, psi~ orthonormal columns with R = [[1, c], [d, 1]].
local a = rp.tensor({ { 1, 1 }, { 1, -1 }, { -1, 1 }, { -1, -1 } }, "float64")
local b = rp.tensor({ { 1, 1 }, { 1, 1 }, { -1, 1 }, { -1, -1 } }, "float64")
local correlation = eigenmap.correlation(a, b)
T.eq(correlation:totable(), { { 1, 0.5 }, { 0, 0.5 } }, "R = psi' psi~ / n")
local loss, parts = eigenmap.loss(a, b, { alpha = 3 })
T.near(loss:item(), -1.5 + 3 * 0.25, 1e-14, "L = -Tr R + alpha R_12^2")
T.near(parts.trace:item(), 1.5, 1e-14, "parts: the trace")
T.near(parts.penalty:item(), 0.25, 1e-14, "parts: the penalty, of the upper triangle alone")
T.near(eigenmap.loss(a, b, { alpha = 0 }):item(), -1.5, 1e-14, "alpha = 0: no penalty")
local x, y = draw(8, 3), draw(8, 3)
local halves = eigenmap.loss(x:slice(1, 1, 4), y:slice(1, 1, 4)) + eigenmap.loss(x:slice(1, 5, 8), y:slice(1, 5, 8))
T.near(eigenmap.loss(x, y, { groups = 2 }):item(), halves:item() / 2, 1e-14, "groups: the mean of their losses")
T.near(eigenmap.loss(x * 5, y * rp.tensor({ 1, 2, 3 }, "float64")):item(), eigenmap.loss(x, y):item(), 1e-14,
       "the scale of an output does not matter")
T.raises(function() eigenmap.loss(x, y, { groups = 3 }) end, "not 3 groups", "groups of unequal size are refused")
T.raises(function() eigenmap.loss(x, y:slice(1, 1, 4)) end, "one shape", "views of two shapes are refused")
T.raises(function() eigenmap.loss(x, y, { alfa = 1 }) end, "alpha", "a misspelt option is named")

for _, o in ipairs { { detach = false }, { detach = false, rows = true }, { detach = false, groups = 2 }, { alpha = 0 } } do
  R.gradient(T, "eigenmap.loss", function(u, v) return (eigenmap.loss(u, v, o)) end, { draw(6, 3), draw(6, 3) })
end
-- The first view is a constant in the penalty: its gradient is that of the trace alone, and the second's that of both.
x, y = draw(6, 3):requires_grad_(), draw(6, 3):requires_grad_()
local detached = rp.grad(eigenmap.loss(x, y), { x, y })
local free = rp.grad(eigenmap.loss(x, y, { detach = false }), { x, y })
local trace = rp.grad(eigenmap.loss(x, y, { alpha = 0 }), { x, y })
T.near(largest(detached[1] - trace[1]), 0, 1e-15, "the penalty gives the first view no gradient")
T.near(largest(detached[2] - free[2]), 0, 1e-15, "... and the second all of its own")
T.ok(largest(free[1] - trace[1]) > 1e-3, "detach = false: the first view has one too")

---------------------------------------------------------------------------------- eigenvectors of a known operator
-- Two views of one of n states: p(x, x') a symmetric matrix; psi as a table of values is a network of one linear layer.  The
-- expectation over pairs is exact where each pair (x, x') is repeated as often as p says.
local n = 4
local joint = rp.tensor({ { 5, 2, 1, 0 }, { 2, 4, 1, 1 }, { 1, 1, 6, 0 }, { 0, 1, 0, 7 } }, "float64")
local from, to = {}, {}
for i = 1, n do
  for j = 1, n do
    for _ = 1, math.tointeger(joint[{ i, j }]:item()) do from[#from + 1], to[#to + 1] = i, j end
  end
end
from, to = rp.tensor(from, "int64"):one_hot(n, "float64"), rp.tensor(to, "int64"):one_hot(n, "float64")
from, to = from:to "float64", to:to "float64"
local p = joint:sum(1) / joint:sum()
local root = p:sqrt()
local w, V = rp.linalg.eigh(joint / joint:sum() / root:unsqueeze(2) / root)
local W = (g:randn(n, 3) * 0.5):to("float64"):requires_grad_()
local adam = rp.optim.Adam({ { params = { W } } }, { lr = 0.02 })
for k = 1, 3000 do
  local l = eigenmap.loss(from:matmul(W), to:matmul(W), { alpha = 4 })
  adam:zero_grad()
  l:backward()
  adam.lr = 0.02 * (1 - k / 3001)
  adam:step()
end
local learned = rp.no_grad(function() return eigenmap.normalise(from:matmul(W)):t():matmul(from) / from:size(1) / root end)
for j = 1, 3 do
  T.near(math.abs((learned[j] * V:select(2, n + 1 - j)):sum():item()), 1, 2e-3, "eigenvector " .. j .. " of the pairs' matrix")
end
T.near(w[n]:item(), 1, 1e-12, "the largest eigenvalue is 1: constants")

--------------------------------------------------------------------------------------------------- the pairs
local flow = rp.diffusion.Flow { generator = rp.generator(3, "pairs") }
local x0 = draw(6, 2)
local views = eigenmap.pairs(flow, x0)
local t = views.t:to("float64"):unsqueeze(2)
T.eq(views.x.shape, { 12, 2 }, "pairs: stacked")
T.ok(largest(views.t:slice(1, 1, 6) - views.t:slice(1, 7, 12)) == 0, "both views have one time")
T.near(largest(views.x + views.target * (1 - t) - (views.target + views.x0)), 0, 1e-6, "x + (1 - t) v = eps = v + x0")
T.near(largest(views.x - views.target * t - rp.concat(1, x0, x0)), 0, 1e-6, "x - t v = x0, for both")
T.ok(largest(views.x:slice(1, 1, 6) - views.x:slice(1, 7, 12)) > 0.01, "the views have noise of their own")
local other = eigenmap.pairs(flow, x0, { positives = "other" }).x0
T.ok(largest(other:slice(1, 8, 12) - x0:slice(1, 1, 5)) == 0 and largest(other[7] - x0[6]) == 0, "other: the example before")
local grouped = eigenmap.pairs(flow, x0, { groups = 2 }).t
T.ok(grouped[1]:item() == grouped[3]:item() and grouped[4]:item() == grouped[6]:item()
     and grouped[3]:item() ~= grouped[4]:item(), "groups: one time for each")
T.raises(function() eigenmap.pairs(flow, x0, { groups = 4 }) end, "4 groups of one size", "groups that do not fit are refused")
T.raises(function() eigenmap.pairs(flow, x0, { positives = "none" }) end, "own", "unknown positives are refused")

------------------------------------------------------------------------------------------------- agreement
local own, apart = eigenmap.agreement(function(_, time) return rp.stack(2, time, time * 0 + 1) end, flow, x0)
T.near(own, 1, 1e-6, "agreement: a function of time is the same for both views")
T.near(apart, 1, 1e-6, "agreement: ... and for two examples")
local calm = rp.diffusion.Flow { t_max = 0, generator = rp.generator(3, "pairs") }         -- no noise at all
local plane = rp.tensor({ { 1, 0 }, { 0, 1 } }, "float64")
own, apart = eigenmap.agreement(function(v) return v end, calm, plane)
T.near(own, 1, 1e-12, "agreement: without noise the views of one example agree")
T.near(apart, 0, 1e-12, "agreement: those of orthogonal examples do not")

---------------------------------------------------------------------------------------------- points of a line
-- Two points -1 and 1: by hand E[x_0 | x] = tanh((1 - t) x / t^2).
local two = eigenmap.line(rp.tensor({ -1, 1 }, "float64"))
local at = rp.linspace(-2, 2, 9, "float64")
local known = (at * (0.6 / 0.16)):tanh()
T.near(largest(two:denoised(at, 0.4) - known), 0, 1e-14, "line: E[x_0 | x]")
T.near(largest(two:velocity(at, 0.4) - (at - known) / 0.4), 0, 1e-13, "line: the velocity")
T.near(largest(two:score(at, 0.4) - (known * 0.6 - at) / 0.16), 0, 1e-12, "line: the score")
local here = two:at(0.4)
T.near(here:mean(rp.ones(4001, 1, "float64")):item(), 1, 1e-12, "line: the weights add up to 1")
T.near(here.lambda[1]:item(), 1, 1e-12, "line: the largest eigenvalue is 1")
T.near(here.lambda[2]:item(), here:mean(two:denoised(here.x, 0.4):square():unsqueeze(2)):item(), 1e-12,
       "line: the second is the mean of E[x_0 | x]^2")
T.near(largest(here.psi(at):select(2, 2):abs() - known:abs() / here.lambda[2]:sqrt()), 0, 1e-10, "line: its eigenfunction")
local mercer = (here.psi(at) * here.lambda):matmul(here.psi(at):t())
T.near(largest(mercer - two:kernel(at, at, 0.4)), 0, 1e-10, "line: Mercer's expansion of the kernel")
T.raises(function() two:at(0) end, "not in %(0, 1%]", "line: no noise, no operator")
T.raises(function() eigenmap.line(rp.zeros(3)) end, "float64", "line: single precision is refused")

---------------------------------------------------------------------------------------------------- the head
local head = eigenmap.Head(5, 3, { hidden = 8, generator = rp.generator(1) })
local h, times = rp.randn(4, 7, 5), rp.rand(4)
T.eq(head(h, times).shape, { 4, 3 }, "head: tokens averaged")
T.near(largest(head(h, times) - head(h:mean(2), times)), 0, 1e-6, "head: the mean of the tokens")
T.near(largest(head(h, times) - head(h, times * 0)), 0, 0, "head: time has no part at first")
rp.no_grad(function() head.film.affine.weight:copy_(rp.randn(head.film.affine.weight.shape)) end)
T.ok(largest(head(h, times) - head(h, times * 0)) > 1e-3, "head: and can have one")
local each = eigenmap.Head(5, 3, { hidden = 8, tokens = "each", generator = rp.generator(1) })
T.eq(each(h, times).shape, { 28, 3 }, "head: each token an example")
T.raises(function() eigenmap.Head(5, 3, { tokens = "all" }) end, "each", "unknown tokens are refused")

---------------------------------------------------------------------------------------------------- alignment
local repa = rp.contrastive.repa_loss
T.near(repa(a, a * 3):item(), -1, 1e-12, "repa: aligned")
T.near(repa(a, a * -2):item(), 1, 1e-12, "repa: opposed")
R.gradient(T, "repa_loss", function(z) return repa(z, a) end, { draw(4, 2) })
local teacher = draw(4, 2):requires_grad_()
T.near(largest(rp.grad(repa(draw(4, 2):requires_grad_(), teacher), { teacher })[1]), 0, 0, "repa: the features are a constant")
T.raises(function() repa(a, f) end, "one shape", "repa: shapes must agree")

T.done()
