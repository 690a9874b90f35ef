--- The tape's gradient is the slope of the function, in random graphs.
local T = require "tap"
local rp = require "repro"
local graphs = require "random_graph"

local function value(seed, leaves) return graphs.value(seed, leaves, 100) end

local function slope(seed, leaves, directions)
  local h <const> = 1e-5
  local function at(t)
    local moved = {}
    for i, x in ipairs(leaves) do moved[i] = x:detach() + directions[i] * t end
    return (value(seed, moved)):item()
  end
  return (at(h) - at(-h)) / (2 * h)
end

local worst, of = 0, 0
for seed = 1, 400 do
  local leaves, directions = graphs.leaves(seed, { 3, 4 }, "float64")
  local given = rp.grad((value(seed, leaves)), leaves)
  local sum = 0
  for i, g in ipairs(given) do sum = sum + (g * directions[i]):sum():item() end
  local want = slope(seed, leaves, directions)
  local off = math.abs(sum - want) / (1 + math.abs(want))
  if off > worst then worst, of = off, seed end
  local loss, all = value(seed, leaves)
  local more = rp.grad(loss, { leaves[1], all[4], leaves[2], all[#all], leaves[3] }, nil, true)
  loss:backward()
  for i, x in ipairs(leaves) do
    local hash = given[i]:hash()
    if (x.grad or rp.zeros_like(x)):hash() ~= hash or more[2 * i - 1]:hash() ~= hash then
      T.ok(false, ("graph %d: leaf %d has another gradient beside those of results, or after backward"):format(seed, i))
    end
  end
end
T.ok(worst < 1e-6, "gradients of 400 random graphs are their slopes", ("off by %.3g in graph %d"):format(worst, of))
T.done()
