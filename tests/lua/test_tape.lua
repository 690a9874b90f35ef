--- The tape: what a graph keeps, what a backward pass may overwrite, and where the time goes.
local T = require "tap"
local rp = require "repro"

local function bits(x) return rp.hash(x) end

-- A graph keeps only the elements that a gradient will read.
do
  local n <const> = 1 << 18
  local x = rp.randn(n):requires_grad_()
  local function kept(fn)
    collectgarbage() collectgarbage()
    local before = rp.memory().live
    local y = fn(x * 1)
    collectgarbage() collectgarbage()
    return (rp.memory().live - before) / (4 * n), y
  end
  local size, y = kept(function(h) return (h + 1):sum() end)
  T.ok(size < 0.1, "x * 1 + 1 is not kept for a sum", "kept: " .. size .. " of the size of x")
  y:backward()
  T.eq(bits(x.grad), bits(rp.ones(n)), "and its gradient is right")
  size = kept(function(h) return (h:exp() * 2):mean() end)
  T.ok(size > 0.9 and size < 1.1, "e^x keeps its result and nothing else", "kept: " .. size .. " of the size of x")
  size = kept(function(h) return h:square():sum() end)
  T.ok(size > 0.9 and size < 1.1, "x^2 keeps x and nothing else", "kept: " .. size .. " of the size of x")
  size = kept(function(h) return (h:reshape(512, -1):softmax(2) - 1):sum() end)
  T.ok(size > 0.9 and size < 1.1, "softmax keeps its result and nothing else", "kept: " .. size .. " of the size of x")
end

-- What is not kept changes no bit of a gradient.
do
  local net = rp.nn.Sequential { rp.nn.Conv2d(2, 4, 3, { padding = 1 }), rp.nn.GroupNorm(2, 4), "silu", rp.nn.Conv2d(4, 2, 3) }
  local x = rp.randn(3, 2, 8, 8)
  local function gradients(bytes)
    local was = rp.core.shells_from(bytes)
    net:zero_grad()
    net(x):clamp(-1, 1):tanh():square():mean():backward()
    rp.core.shells_from(was)
    local all = {}
    for i, p in ipairs(net:parameters()) do all[i] = bits(p.grad) end
    return table.concat(all, " ")
  end
  T.eq(gradients(0), gradients(1 << 40), "gradients with and without shells have the same bits")
end

-- A backward pass writes into gradients that nobody else holds, and into no others.
do
  local x = rp.randn(64):requires_grad_()
  local seed = rp.randn(64)
  local before = bits(seed)
  x:tanh():backward(seed)
  T.eq(bits(seed), before, "the seed is left as it was")
  local h = x:tanh()
  local y = h:silu()
  local gh = rp.grad(y:sum(), { h, x })
  T.eq(bits(gh[2]), bits(rp.grad(h, { x }, gh[1])[1]), "the gradient of an intermediate survives the pass")
  x.grad = nil
  local sum = h + h:exp() -- g reaches h twice
  sum:sum():backward()
  local first = x.grad
  x.grad = nil
  local again = x:tanh()
  again:backward(again:detach():exp() + 1)
  T.ok((first - x.grad):abs():max():item() < 1e-6, "a gradient used twice is not overwritten between")
end

-- The same intermediate is found through any handle, also when the graph holds only its shape.
do
  local x = rp.randn(1 << 14):requires_grad_()
  local h = x + 1
  local g = rp.grad((h + 2):sum(), { h })[1]
  T.eq(bits(g), bits(rp.ones(1 << 14)), "rp.grad with respect to an intermediate that is not kept")
end

-- Parts of a tensor: their gradients are added where they belong.
do
  local x = rp.randn(6, 8):requires_grad_()
  local a, b = x:chunk(2, 2)
  local parts = rp.concat(2, { a * 2, b * 3 }) + rp.pad(x:slice(2, 3, 6) * 5, { 2, 2 })
  parts:sum():backward()
  local want = rp.zeros(6, 8)
  want[{ {}, { 1, 4 } }] = 2
  want[{ {}, { 5, 8 } }] = 3
  want[{ {}, { 3, 6 } }] = want[{ {}, { 3, 6 } }] + 5
  T.eq(bits(x.grad), bits(want), "overlapping slices")
  local h = x * 1
  local g = rp.grad((h:select(1, 1) + h:select(1, 2)):sum() + h:sum(), { h })[1]
  T.eq(g:sum():item(), 6 * 8 + 16, "parts and the whole, with respect to an intermediate")
  x.grad = nil
  local y = x:expand(2, 6, 8)
  y:select(1, 1):sum():backward()
  T.eq(x.grad:sum():item(), 48, "a part of an expanded tensor")
end

-- However parts arrive, the gradient of factors times their sums is the factors, added where the parts lie.
do
  local function slice(dim, ...) local range = { ... } return function(t) return t:slice(dim, table.unpack(range)) end end
  local function select(dim, at) return function(t) return t:select(dim, at) end end
  local function all(t) return t end
  local pieces <const> = {
    { "side by side", slice(2, 1, 2), slice(2, 3, 4), slice(2, 5, 6) },
    { "from the end", select(1, 6), select(1, 5), select(1, 4) },
    { "with a gap", slice(2, 1, 2), slice(2, 5, 6) },
    { "the gap filled later", slice(3, 6, 6), slice(3, 1, 2), slice(3, 3, 5) },
    { "overlapping", slice(3, 1, 5), slice(3, 4, 6) },
    { "twice", select(2, 3), select(2, 3) },
    { "along two dimensions", slice(2, 1, 3), slice(3, 1, 4), select(1, 2) },
    { "with steps", slice(3, 1, 6, 2), slice(3, 2, 6, 2) },
    { "nothing of it", slice(2, 1, 0), slice(2, 4, 6) },
    { "a diagonal", function(t) return t:diagonal(2, 3) end, slice(2, 1, 3) },
    { "then the whole", slice(1, 2, 3), all },
    { "after the whole", all, slice(1, 2, 3), slice(1, 4, 4) },
  }
  local views <const> = { ["a tensor"] = all, ["a view in another order"] = function(t) return t:permute(3, 1, 2) end }
  for what, view in pairs(views) do
    for _, case in ipairs(pieces) do
      local x, sum, want = rp.randn(6, 6, 6):requires_grad_(), 0, rp.zeros(6 ^ 3 // 1)
      local h <const>, number <const> = view(x * 1), view(rp.arange(1, 6 ^ 3):reshape(6, 6, 6))
      for i = 2, #case do
        sum = case[i](h):sum() * i + sum
        local hit = case[i](number):reshape(-1):to("int64")
        want = want:scatter_add(1, hit, rp.full(hit.shape, i))
      end
      sum:backward()
      T.eq(bits(x.grad:reshape(-1)), bits(want), ("parts of %s: %s"):format(what, case[1]))
    end
  end
end
do
  local w = rp.ones(4):requires_grad_()
  local x = w * 2
  local part, whole = x:slice(1, 1, 2):sum(), x:sum()
  ;(part * 10 + whole):backward()
  T.eq(table.concat(w.grad:totable(), " "), "22.0 22.0 2.0 2.0", "a part is not added to a repeated number")
end

-- Where the time goes.
do
  local x, image = rp.randn(5, 6), rp.randn(2, 4, 8, 8)
  local linear, kernel = rp.randn(7, 6), rp.randn(6, 2, 3, 3)
  local function flop(fn) return rp.profile(fn).flop end
  T.eq(flop(function() rp.linear(x, linear) end), 2 * 5 * 6 * 7, "operations of a linear layer")
  T.eq(flop(function() rp.conv(image, kernel, nil, 1, 1, 1, 2) end), 2 * (2 * 6 * 64) * (2 * 9), "of a convolution in two groups")
  T.eq(flop(function() rp.conv_transpose(image, rp.randn(4, 3, 2, 2), nil, 2) end), 2 * (2 * 4 * 64) * (3 * 4), "of its adjoint")
  T.eq(flop(function() rp.exp(x) end), 0, "and of what has no products")
end
do
  local w = rp.randn(8, 8):requires_grad_()
  local profile, result = rp.profile(function(k)
    for _ = 1, k do w:matmul(w):relu():sum():backward() end
    return "done"
  end, 3)
  local calls = {}
  for _, row in ipairs(profile) do calls[row.name .. (row.gradient and "'" or "")] = row.calls end
  T.eq(result, "done", "profile passes results on")
  T.eq(calls["matmul"], 3, "products inside gradients are not counted as calls of their own")
  T.eq(calls["matmul'"], 3, "gradients are counted")
  T.eq(profile.flop, 9 * 2 * 8 ^ 3, "three products and their six gradients")
  T.ok(profile.counted <= profile.seconds, "parts do not exceed the whole")
  T.ok(tostring(profile):find("relu'", 1, true), "and all is printed")
  T.raises(function() rp.profile(function() error("stop") end) end, "stop", "an error passes through")
  T.eq(#rp.core.profile_stop(), #rp.core.profile_stop(), "and counting has ended")
end

T.done()
