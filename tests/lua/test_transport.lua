-- repro.transport: against loops in plain Lua, exact assignment, limits, and slopes.
local T = require "tap"
local rp = require "repro"
local S = rp.transport
local g = rp.generator(7, "transport")
local function near(a, b, tol, name) T.near(a:to "float64", b, tol, name) end
local function shape(x) return table.concat(x.shape, "x") end

-- costs
local x, y = g:randn(2, 5, 3, "float64"), g:randn(2, 7, 3, "float64") + 0.5
local C = S.squared_distances(x, y)
T.eq(shape(C), "2x5x7", "costs: shape")
T.near(C, (x:unsqueeze(3) - y:unsqueeze(2)):square():sum(4), 1e-13, "costs: differences squared and summed")
local own = S.squared_distances(x)
T.eq(own:diagonal(2, 3):abs():max():item(), 0.0, "a point is at distance 0 from itself")
T.ok(S.squared_distances(x, nil, true):diagonal(2, 3):is_finite():to("float64"):sum():item() == 0, "mask: +inf on the diagonal")
T.near(S.squared_distances(x + 1e4, y + 1e4), C:detach(), 1e-7, "a common offset costs few digits")
T.ok(rp.gradcheck(function(a, b) return S.squared_distances(a, b):sin():sum() end, { x:clone(), y:clone() }), "costs: gradient")
T.ok(rp.gradcheck(function(a) return S.squared_distances(a):sin():sum() end, { x:clone() }), "costs within a cloud: gradient")
T.eq(shape(S.squared_distances(x[1], y[1])), "1x5x7", "single clouds are batches of one")
T.raises(function() S.squared_distances(x, y:slice(3, 1, 2)) end, "%(2, 5, 3%) and %(2, 7, 2%)", "clouds of other dimension")
T.raises(function() S.squared_distances(x, rp.zeros(2, 0, 3)) end, "without points", "an empty cloud")

-- the algorithm, in plain Lua
local function by_hand(c, eps, count, start)               -- c[i][j] -> f, g
  local n, m, f, v = #c, #c[1], {}, start or {}
  for j = 1, m do v[j] = v[j] or 0 end
  for _ = 1, count do
    for i = 1, n do
      local sum = 0
      for j = 1, m do sum = sum + rp.math.exp((v[j] - c[i][j]) / eps) / m end
      f[i] = -eps * rp.math.log(sum)
    end
    for j = 1, m do
      local sum = 0
      for i = 1, n do sum = sum + rp.math.exp((f[i] - c[i][j]) / eps) / n end
      v[j] = -eps * rp.math.log(sum)
    end
  end
  return f, v
end
local f, v = S.sinkhorn(C, 0.7)
for k = 1, 2 do
  local hand_f, hand_v = by_hand(C[k]:totable(), 0.7, 4)
  T.near(f[k], hand_f, 1e-12, "four iterations, f, problem " .. k)
  T.near(v[k], hand_v, 1e-12, "four iterations, g, problem " .. k)
end
local again = select(2, S.sinkhorn(C, 0.7, { iterations = 1, g = select(2, S.sinkhorn(C, 0.7, { iterations = 3 })) }))
T.near(again, v, 1e-13, "three iterations and one more from there are four")
local two = S.sinkhorn(C, rp.tensor({ 0.7, 0.2 }, "float64"))
T.near(two[1], f[1], 1e-13, "eps of each problem: the first")
T.near(two[2], (S.sinkhorn(C:slice(1, 2, 2), 0.2))[1], 1e-13, "eps of each problem: the second")
local pi = S.coupling(C, f, v, 0.7)
T.near(pi:sum(2), rp.full({ 2, 7 }, 1 / 7, "float64"), 1e-14, "columns of the coupling are right after the last half")
local function self_by_hand(c, eps, count)
  local n, u = #c, {}
  for i = 1, n do u[i] = 0 end
  for _ = 1, count do
    local new = {}
    for i = 1, n do
      local sum = 0
      for j = 1, n do sum = sum + (i == j and 0 or rp.math.exp((u[j] - c[i][j]) / eps)) / n end
      new[i] = (u[i] - eps * rp.math.log(sum)) / 2
    end
    u = new
  end
  return u
end
local masked = S.squared_distances(x, nil, true)
T.near(S.sinkhorn_self(masked, 0.7)[2], self_by_hand(own[2]:totable(), 0.7, 2), 1e-12, "the self term, masked, two iterations")
T.near(S.sinkhorn_self(masked, 0.7, { iterations = 1, f = S.sinkhorn_self(masked, 0.7, { iterations = 1 }) }),
  S.sinkhorn_self(masked, 0.7), 1e-13, "the self term goes on from where it was")
local weights = ((v:unsqueeze(2) - C) / 0.7):softmax(3)
T.near(S.barycentres(C, v, 0.7, y), weights:matmul(y), 1e-14, "barycentres")
T.raises(function() S.sinkhorn(C, 0) end, "eps = 0 is not positive", "eps = 0")
T.raises(function() S.sinkhorn(C, rp.ones(3)) end, "1 or 2 elements", "three eps for two problems")
T.raises(function() S.sinkhorn(C, 1, { iterations = 0 }) end, "iterations = 0", "no iteration")
T.raises(function() S.sinkhorn(C, 1, { g = rp.zeros(2, 5) }) end, "2 problems of 7 points", "a first potential of the wrong side")
T.raises(function() S.sinkhorn_self(C, 1) end, "5 by 7", "a self term of two clouds")
T.raises(function() S.sinkhorn(C[1], 1) end, "%(G, N, M%)", "one matrix")

-- convergence, and exact transport
local _, _, report = S.solve(C, 0.05)
T.ok(report.converged and report.error <= 1e-10, "solve converges", ("error %g after %d"):format(report.error, report.iterations))
local _, _, hasty = S.solve(C, 0.05, { most = 0 })
T.ok(not hasty.converged, "no step of Newton's is not enough, and it says so")
local a, b = g:randn(12, 2, "float64"), g:randn(12, 2, "float64") + 1
local best, plan = S.exact_cost(a, b)
local _, least = rp.linalg.assignment((a:unsqueeze(2) - b:unsqueeze(1)):square():sum(3))
T.near(rp.tensor(best, "float64"), least / 12, 1e-13, "exact cost of equally many points: assignment")
T.near(plan:sum(2), rp.full({ 12 }, 1 / 12, "float64"), 1e-15, "exact plan: rows")
local few = b:slice(1, 1, 8)
local cost8, plan8 = S.exact_cost(a, few)
T.near(plan8:sum(1), rp.full({ 8 }, 1 / 8, "float64"), 1e-15, "12 points to 8: columns")
T.near((plan8 * S.squared_distances(a, few)[1]):sum(), cost8, 1e-13, "12 points to 8: the plan has the cost")
for _, target in ipairs { b, few } do
  local w2 = S.exact_cost(a, target)
  for _, eps in ipairs { 0.3, 0.03 } do
    local ot = S.entropic_cost(a, target, eps):item()
    T.ok(ot >= w2 - 1e-9 and ot <= w2 + eps * math.log(target:size(1)), ("0 <= OT - W2^2 <= eps ln m, eps = %g"):format(eps),
      ("%g %g"):format(ot, w2))
  end
end

-- the divergence
local function S_of(p, q, eps, o) return (S.divergence(p, q, eps, o)) end
T.ok(S_of(x, x, 1):abs():max():item() < 1e-9, "S(x, x) = 0")
T.near(S_of(x, y:index_select(2, rp.tensor({ 3, 1, 7, 2, 6, 4, 5 }, "int64")), 0.2), S_of(x, y, 0.2), 1e-9, "order does not matter")
T.near(S_of(x, y, 0.2), S_of(y, x, 0.2), 1e-9, "symmetric")
T.ok(S_of(x, y, 0.2):min():item() > 0, "positive")
T.near(S_of(x, y, 1e6), (x:mean(2) - y:mean(2)):square():sum(2), 1e-4, "large eps: squared distance of the means")
local px, py = x:clone():requires_grad_(), y:clone():requires_grad_()
local slopes = rp.grad(S_of(px, py, 0.3):sum(), { px, py })
local function slope(tensor, k, value)
  local flat, e = tensor:reshape(-1), 1e-5
  local was = flat[k]:item()
  flat[k] = was + e
  local up = value()
  flat[k] = was - e
  local down = value()
  flat[k] = was
  return (up - down) / (2 * e)
end
local x2, y2 = x:clone(), y:clone()
for _, k in ipairs { 1, 8, 30 } do
  local got = slope(x2, k, function() return S_of(x2, y2, 0.3):sum():item() end)
  T.near(slopes[1]:reshape(-1)[k], got, 1e-6, "gradient by x, coordinate " .. k)
  got = slope(y2, k, function() return S_of(x2, y2, 0.3):sum():item() end)
  T.near(slopes[2]:reshape(-1)[k], got, 1e-6, "gradient by y, coordinate " .. k)
end
local pm = x:clone():requires_grad_()
local masked_slope = rp.grad(S_of(pm, y, 0.3, { mask = true }):sum(), { pm })[1]
local xm = x:clone()
T.near(masked_slope:reshape(-1)[4], slope(xm, 4, function() return S_of(xm, y, 0.3, { mask = true }):sum():item() end), 1e-6,
  "gradient with the diagonal masked")
local po = x:clone():requires_grad_()
local own_slope = rp.grad(S.entropic_cost(po, nil, 0.3):sum(), { po })[1]
local xo = x:clone()
T.near(own_slope:reshape(-1)[4], slope(xo, 4, function() return S.entropic_cost(xo, nil, 0.3):sum():item() end), 1e-6,
  "gradient of the cost of a cloud with itself")

-- the drift
local r, w = g:randn(2, 4, 3, "float64") - 1, rp.tensor({ 0.5, 2 }, "float64")
local V = S.drift(x, y, r, w, { taus = { 0.3 }, normalise = false, iterations = 4000, self_iterations = 400 })
local eps = 0.3 * C:std(nil, false, 0):item()
local ph = x:clone():requires_grad_()
local wanted = (S_of(ph, y, eps, { mask = true }) * (w + 1) - S_of(ph, r, eps, { mask = true }) * w):sum()
T.near(V, rp.grad(wanted, { ph })[1] * (-5 / 2), 1e-6, "the drift is -N/2 times the gradient of (1 + w) S(h, p) - w S(h, r)")
local unit = S.drift(x, y, r, w, { taus = { 0.3 } })
T.near(unit:square():mean({ 2, 3 }), rp.ones(2, "float64"), 1e-6, "normalised for each problem")
T.near(S.drift(x * 9, y * 9, r * 9, w), S.drift(x, y, r, w), 1e-6, "units do not matter")
T.near(S.drift(x, y, r, 0), S.drift(x, y), 1e-12, "no weight, no guidance")
local warm = {}
local first = S.drift(x, y, r, w, { taus = { 0.05 }, warm = warm })
for _ = 1, 200 do S.drift(x, y, r, w, { taus = { 0.05 }, warm = warm }) end
local long = S.drift(x, y, r, w, { taus = { 0.05 }, iterations = 800, self_iterations = 400 })
local later = S.drift(x, y, r, w, { taus = { 0.05 }, warm = warm })
T.ok((later - long):abs():max():item() < 1e-3 and (first - long):abs():max():item() > 1e-2,
  "warm potentials converge from call to call", ("%g %g"):format((later - long):abs():max():item(), (first - long):abs():max():item()))
local function mmd2(p) -- biased squared MMD with the kernel exp(-C / eps), times 1 + w and -w
  local function k(s, t, e) return (S.squared_distances(s, t) / -e):exp():mean({ 2, 3 }) end
  local e = C:mean():item() * 0.8
  local function between(t) return k(p, p, e) - k(p, t, e) * 2 end
  return (between(y) * (w + 1) - between(r) * w):sum(), e
end
local pk = x:clone():requires_grad_()
local value, width = mmd2(pk)
local mmd = S.drift(x, y, r, w, { method = "mmd", taus = { 0.8 }, normalise = false })
T.near(mmd, rp.grad(value, { pk })[1] * (-5 * width / 4), 1e-9, "mmd: the drift is the gradient of the squared discrepancy")
local function energy(p)                                   -- minus the energy distance's kernel, distances made smooth at 0
  local function k(s, t) return (S.squared_distances(s, t) + 1e-20):sqrt():mean({ 2, 3 }) end
  local within = ((p:unsqueeze(3) - p:unsqueeze(2)):square():sum(4) + 1e-20):sqrt():mean({ 2, 3 })
  return ((k(p, y) * 2 - within) * (w + 1) - (k(p, r) * 2 - within) * w):sum()
end
local pe = x:clone():requires_grad_()
local towards = S.drift(x, y, r, w, { method = "energy", normalise = false })
T.near(towards, rp.grad(energy(pe), { pe })[1] * (-5 / 2), 1e-6, "energy: the drift is the gradient of the energy distance")
T.raises(function() S.drift(x, y, r) end, "a weight of guidance", "r without w")
T.raises(function() S.drift(x, y, nil, nil, { method = "wasserstein" }) end, '"sinkhorn", "mmd" or "energy"', "an unknown method")
T.raises(function() S.drift(x, y, nil, nil, { taus = {} }) end, "taus is a list", "no temperature")

-- blocks
local maps = { g:randn(6, 4, 3, 3), g:randn(6, 10), g:randn(6, 5, 1, 1) }
local images = g:randn(6, 3, 8, 8)
local blocks = S.feature_blocks(maps, images)
local names = {}
for i, block in ipairs(blocks) do names[i] = block.name .. " " .. shape(block.x) end
T.eq(names, { "map1.here 6x9x4", "map1.mean 6x1x4", "map1.std 6x1x4", "map2 6x1x10", "map3.here 6x1x5", "norm_x 6x1x3" }, "blocks")
near(blocks[1].x:select(2, 5), maps[1]:select(4, 2):select(3, 2), 0, "a location of its own")
near(blocks[3].x:squeeze(2), maps[1]:reshape(6, 4, 9):std(3, false, 1), 1e-6, "unbiased spatial standard deviation")
near(blocks[6].x:squeeze(2), (images:square():mean({ 3, 4 }) + 1e-6):sqrt(), 1e-6, "norm_x")
T.eq(shape(S.feature_blocks({ maps[2] }, maps[2])[2].x), "6x1x1", "norm_x of a code")
T.raises(function() S.feature_blocks { rp.zeros(2, 3, 4) } end, "%(2, 3, 4%)", "a map of three dimensions")

-- the loss: against one block and class after the other
local function samples(n, seed) return rp.generator(seed):randn(3 * n, 4, 2, 2):requires_grad_() end
local gen, pos, unc, alpha = samples(5, 1), samples(6, 2), samples(3, 3), rp.tensor { 1, 2, 3.5 }
local o = { classes = 3, alpha = alpha, taus = { 0.05, 0.2 } }
local function blocks_of(t) return S.feature_blocks({ t }, t) end
local loss = S.matching_loss(blocks_of(gen), blocks_of(pos), blocks_of(unc), o)
local slope_gen = rp.grad(loss, { gen })[1]
T.ok(loss:item() > 1 and loss:item() <= 4.001, "the loss: its value is between 1 and the squared number of temperatures", loss:item())
T.ok(not pos.grad and slope_gen:abs():max():item() > 0, "the loss: a gradient for generated samples only")
local function class(t, c, n) return t:slice(1, (c - 1) * n + 1, c * n) end
local raw, total = { blocks_of(gen:detach()), blocks_of(pos:detach()), blocks_of(unc:detach()) }, 0
local leaf = gen:detach():clone():requires_grad_()
local mine = blocks_of(leaf)
for b_index = 1, #mine do
  local all_h, all_p, all_r = raw[1][b_index].x, raw[2][b_index].x, raw[3][b_index].x
  local l, width_c = all_h:size(2), all_h:size(3)
  local sum, count, weight = 0, 0, 0
  for c = 1, 3 do
    local wc = (alpha[c]:item() - 1) * 4 / 3
    for k = 1, l do
      local function cloud(t, n) return class(t, c, n):select(2, k) end
      local function distances(s, t) return (s:unsqueeze(2) - t:unsqueeze(1)):square():sum(3):sqrt():sum():item() end
      sum = sum + distances(cloud(all_h, 5), cloud(all_h, 5)) + distances(cloud(all_h, 5), cloud(all_p, 6))
        + wc * distances(cloud(all_h, 5), cloud(all_r, 3))
      count = count + 5 + 6
    end
    weight = weight + 3 * wc
  end
  local s = sum / (5 * (count + l * weight)) / math.sqrt(width_c)
  local function problems(t, n) return t:reshape(3, n, l, width_c):permute(1, 3, 2, 4):reshape(3 * l, n, width_c) end
  local h = problems(mine[b_index].x, 5) / s
  local drift = S.drift(h, problems(all_p, 6) / s, problems(all_r, 3) / s, (alpha - 1):unsqueeze(2):expand(3, l):reshape(-1),
    { taus = o.taus })
  total = total + (h - (h:detach() + drift)):square():mean() / #mine
end
near(total, loss:item(), 1e-4, "the loss: the mean over blocks of |h - sg(h + V)|^2")
near(rp.grad(total, { leaf })[1], slope_gen, 1e-5, "the loss: its gradient")
local plain = S.matching_loss(blocks_of(gen), blocks_of(pos), nil, { classes = 3 })
T.ok(plain:item() > 0, "the loss without guidance")
local kept = {}
S.matching_loss(blocks_of(gen), blocks_of(pos), blocks_of(unc), { classes = 3, alpha = alpha, warm = kept })
T.ok(kept["map1.here.1.p"] and kept["norm_x.3.h"], "potentials are kept by block and temperature")
T.raises(function() S.matching_loss(blocks_of(gen), blocks_of(pos), blocks_of(unc), { classes = 3 }) end, "alpha %(K%)", "no alpha")
T.raises(function() S.matching_loss(blocks_of(gen), blocks_of(pos), nil, { classes = 4 }) end, "15 samples", "classes of unequal size")
T.raises(function() S.matching_loss(blocks_of(gen), {}, nil, { classes = 3 }) end, "3?4? blocks", "lists of other length")

-- queues
local q = S.Queue { classes = 3, size = 4, all = 6, shape = { 2 } }
local labels = rp.tensor({ 1, 2, 2, 3, 1, 1, 1, 1, 1 }, "int64")
q:push(rp.arange(1, 18):reshape(9, 2), labels)
local drawn = q:of_class({ 1 }, 4, g):select(2, 1):sort()
T.eq(drawn:totable(), { 11.0, 13.0, 15.0, 17.0 }, "the last four of class 1")
T.eq(shape(q:of_class({ 1, 3, 2 }, 5, g)), "15x2", "more than there are: with repetition")
T.eq(q:of_class({ 3 }, 5, g):select(2, 1):totable(), { 7.0, 7.0, 7.0, 7.0, 7.0 }, "the only one of class 3")
local any = q:any(2, 6, g):select(2, 1):reshape(2, 6)
T.eq(any[1]:sort():totable(), { 7.0, 9.0, 11.0, 13.0, 15.0, 17.0 }, "the last six of any class")
local fair = S.Queue { classes = 2, size = 3, all = 3, shape = {} }
fair:push(rp.arange(1, 4), rp.tensor({ 1, 1, 1, 2 }, "int64"))
local counts = rp.zeros(3)
for _ = 1, 300 do counts = counts + fair:of_class({ 1 }, 1, g):to("int64"):one_hot(3):sum(1) end
T.ok(counts:min():item() > 60, "every sample comes up", tostring(counts:min():item()))
T.raises(function() q:push(rp.zeros(1, 2), rp.tensor({ 4 }, "int64")) end, "class 4 of 3", "a class that is not there")
T.raises(function() S.Queue({ classes = 1, shape = {} }):of_class({ 1 }, 1, g) end, "nothing of class 1", "an empty queue")
T.raises(function() S.Queue({ classes = 1, shape = {} }):any(1, 1, g) end, "nothing has been pushed", "an empty queue of any class")

-- guidance
local alphas = S.guidance(20000, g)
T.ok(alphas:min():item() >= 1 and alphas:max():item() <= 4, "alpha lies in [1, 4]")
local mean = (4 / 3) * (1 - 4 ^ -3) / (1 - 4 ^ -4)           -- of 4 alpha^-5 / (1 - 4^-4)
near(alphas:mean(), mean, 0.01, "the mean of p(alpha) ~ alpha^-5")
T.eq(S.guidance(3, g, { low = 1, high = 1 }):totable(), { 1.0, 1.0, 1.0 }, "no guidance")
T.raises(function() S.guidance(3, g, { power = 1 }) end, "power 1", "power 1")

-- stability
local function clouds_of(n, spread, seed)                    -- three classes 10 apart, n of each, in the plane
  local centre = rp.arange(0, 3 * n - 1, 1, "int64") // n * 10
  return rp.generator(seed):randn(3 * n, 2) * spread + centre:to("float32"):unsqueeze(2)
end
local function flat(cloud) return S.feature_blocks { cloud } end
local still = clouds_of(12, 1, 1)
local fixed = clouds_of(16, 1, 2)
T.near((S.resample_icc(flat(still), { flat(fixed), flat(fixed), flat(fixed) }, { classes = 3 })), 1, 1e-6, "icc of the same batch again is 1")
local fresh = {}
for k = 1, 6 do fresh[k] = flat(clouds_of(16, 1, 10 + k)) end
local sharp = S.resample_icc(flat(still), fresh, { classes = 3 })
local blurred = S.resample_icc(flat(still), fresh, { classes = 3, tau = 50, iterations = 30 })
T.ok(sharp > 0.5 and sharp < 1, "icc of independent batches", tostring(sharp))
T.ok(blurred < 0.2, "icc: with a large tau all are sent to the batch's mean", tostring(blurred))
local twice, by_block = S.resample_icc({ flat(still)[1], flat(still * 7)[1] }, { { fresh[1][1], flat(clouds_of(16, 1, 11) * 7)[1] },
  { fresh[2][1], flat(clouds_of(16, 1, 12) * 7)[1] } }, { classes = 3 })
T.near(by_block[1], by_block[2], 1e-4, "icc: the scale of features does not matter")
T.near(twice, (by_block[1] + by_block[2]) / 2, 1e-12, "icc: mean over blocks")
T.raises(function() S.resample_icc(flat(still), { fresh[1] }, { classes = 3 }) end, "two or more batches", "icc: one batch")
local class_of = (rp.arange(0, 35, 1, "int64") // 12) + 1
local share, mass = S.class_mass(flat(still), class_of, flat(clouds_of(12, 1, 3)), class_of)
T.ok(share > 0.999 and share < 1, "class_mass: classes far apart stay together", tostring(share))
near(mass:sum(1), rp.full({ 36 }, 1 / 36), 1e-6, "class_mass: a coupling's columns")
local noise = rp.generator(4):randn(36, 2)
local chance = S.class_mass(flat(noise), class_of, flat(rp.generator(5):randn(36, 2)), class_of)
T.ok(math.abs(chance - 1 / 3) < 0.12, "class_mass: chance where features do not know the class", tostring(chance))
local five = rp.randn(5, 2, 3, 3)
local function as_blocks(batch) return S.feature_blocks({ batch }, batch) end
local whole, parts = as_blocks(five), S.in_parts(as_blocks, 2, five)
T.eq(#parts, #whole, "in_parts: as many blocks")
for i, block in ipairs(whole) do
  T.eq(parts[i].name, block.name, "in_parts: block " .. i)
  T.bits(parts[i].x, block.x, "... of all samples, some at a time")
end

T.done()
