--- Random graphs: results are shared, cut up, repeated and put together again.
local rp = require "repro"

-- Each takes the random numbers and the tensors so far, all with two dimensions, and returns one more.
local steps = {}
local function step(fn) steps[#steps + 1] = fn end

local function one(pick, list) return list[pick(#list)] end
local function range(pick, n) local a, b = pick(n), pick(n) return math.min(a, b), math.max(a, b) end
local function like(y, x) -- y brought to a shape that goes with x
  if y:size(1) == x:size(1) and (y:size(2) == x:size(2) or y:size(2) == 1 or x:size(2) == 1) then return y end
  return y:mean(2, true):mean(1, true)
end

for _, name in ipairs { "tanh", "sin", "square", "sigmoid", "clone", "neg" } do
  step(function(pick, all) local x = one(pick, all) return x[name](x) end)
end
step(function(pick, all) return one(pick, all):t() end)
step(function(pick, all) return one(pick, all):flip(pick(2)) end)
step(function(pick, all) return one(pick, all):reshape(1, -1) end)
step(function(pick, all) return one(pick, all):reshape(-1, 1) end)
step(function(pick, all) local x, d = one(pick, all), pick(2) return x:select(d, pick(x:size(d))):unsqueeze(d) end)
step(function(pick, all) local x, d = one(pick, all), pick(2) return x:slice(d, range(pick, x:size(d))) end)
step(function(pick, all) local x, d = one(pick, all), pick(2) return x:slice(d, pick(x:size(d)), x:size(d), 2) end)
step(function(pick, all) return one(pick, all):diagonal(1, 2):unsqueeze(pick(2)) end)
step(function(pick, all) return one(pick, all):sum(pick(2), true) end)
step(function(pick, all) local x, d = one(pick, all), pick(2) return x:mean(d, true):expand(x.shape) end)
step(function(pick, all) local x = one(pick, all) return x:sum():expand(2, 3) + x:size(1) end)
step(function(pick, all) return one(pick, all):softmax(pick(2)) end)
step(function(pick, all) return one(pick, all):cumsum(pick(2)) end)
step(function(pick, all) return one(pick, all):max(pick(2), true) end)
step(function(pick, all) return rp.pad(one(pick, all), { pick(3) - 1, pick(2) - 1, pick(2) - 1, 1 }) end)
step(function(pick, all) local x = one(pick, all) local w = pick(x:size(2)) return x:unfold(2, w, 1):sum(3) end)
step(function(pick, all)
  local x, d = one(pick, all), pick(2)
  local at = {}
  for i = 1, 1 + pick(3) do at[i] = pick(x:size(d)) end
  return x:index_select(d, rp.tensor(at, "int64"))
end)
step(function(pick, all) local x = one(pick, all) local a, b = x:chunk(2, 2) return b and rp.concat(2, { b, x, a }) or a end)
step(function(pick, all) local x = one(pick, all) return x + like(one(pick, all), x) end)
step(function(pick, all) local x = one(pick, all) return x - like(one(pick, all), x) end)
step(function(pick, all) local x = one(pick, all) return x * like(one(pick, all), x) end)
step(function(pick, all) local x = one(pick, all) local y = like(one(pick, all), x) return x:addcmul(y, like(one(pick, all), x + y)) end)
step(function(pick, all) local x = one(pick, all) return x:matmul(x:t()) end)
step(function(pick, all)
  local x, y = one(pick, all), one(pick, all)
  return x:size(2) == y:size(1) and x:matmul(y) or x:t():matmul(x)
end)

local graphs = {}

--- The graph that belongs to a seed, as a function of its leaves (matrices); no result larger than `limit` is kept.
---@return Tensor value one number
---@return table results the leaves and all that was made of them
function graphs.value(seed, leaves, limit)
  local generator = rp.generator(seed, "graph")
  local words, used = {}, 0
  local function pick(n)
    if used == #words then words, used = generator:randint(0, 1 << 20, { 256 }):totable(), 0 end
    used = used + 1
    return words[used] % n + 1
  end
  local all = table.move(leaves, 1, #leaves, 1, {})
  for _ = 1, 4 + pick(14) do
    local x = one(pick, steps)(pick, all)
    if x:size(1) * x:size(2) <= limit then all[#all + 1] = (x * 0.7):tanh() + x * 0.01 end -- stays near 1
  end
  local loss = 0
  for i, x in ipairs(all) do
    if i > #all - 3 or pick(3) == 1 then loss = loss + (x * (0.3 * i)):sin():sum() end
    if pick(4) == 1 then loss = loss + x:sum() end
  end
  return loss, all
end

--- Leaves of one shape, and the direction in which each may be moved.
---@return table leaves three
---@return table directions
function graphs.leaves(seed, shape, dtype)
  local generator = rp.generator(seed, "leaves")
  local leaves, directions = {}, {}
  for i = 1, 3 do
    leaves[i] = generator:randn(shape, dtype):requires_grad_()
    directions[i] = generator:randn(shape, dtype)
  end
  return leaves, directions
end

return graphs
