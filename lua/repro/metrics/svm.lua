--- Support vector machine with a Gaussian kernel, one against one.
---
--- A pair of classes is the problem of C-SVC (Cortes, Vapnik 1995):
---     minimise 1/2 sum_ij a_i a_j y_i y_j K_ij - sum_i a_i,   0 <= a_i <= C,   sum_i a_i y_i = 0,
--- solved by sequential minimal optimisation with the second-order choice of the pair (Fan, Chen, Lin 2005, JMLR 6, WSS 2).

local rp = require "repro"
local distance = require "repro.metrics.distance"
local features = require "repro.metrics.features"
local options = require "repro.options"

local svm = {}

-- The violating pair: i of largest -y_i g_i among those that may grow along y, and the j that promises the largest fall
-- of the objective; with the violation m(a) - M(a).
local function violating_pair(y, a, g, C, row)
  local n, i, top = #y, 0, -math.huge
  for t = 1, n do
    local v = -y[t] * g[t]
    if v > top and (y[t] > 0 and a[t] < C or y[t] < 0 and a[t] > 0) then i, top = t, v end
  end
  if i == 0 then return 0, 0, 0 end
  local k, j, bottom, best = row(i), 0, math.huge, 0
  for t = 1, n do
    if y[t] > 0 and a[t] > 0 or y[t] < 0 and a[t] < C then
      local v = -y[t] * g[t]
      if v < bottom then bottom = v end
      local b = top - v
      local gain = b > 0 and b * b / math.max(2 - 2 * k[t], 1e-12) or 0      -- K(x, x) = 1
      if gain > best then j, best = t, gain end
    end
  end
  return i, j, top - bottom
end

-- Moves a_i and a_j as far as helps; a value that reaches a bound is set to it exactly.
local function move_pair(i, j, y, a, g, C, row)
  local ki, kj = row(i), row(j)
  local room_i = y[i] > 0 and C - a[i] or a[i]
  local room_j = y[j] > 0 and a[j] or C - a[j]
  local step = (y[j] * g[j] - y[i] * g[i]) / math.max(2 - 2 * ki[j], 1e-12)
  step = math.min(step, room_i, room_j)
  a[i] = step == room_i and (y[i] > 0 and C or 0) or a[i] + y[i] * step
  a[j] = step == room_j and (y[j] > 0 and 0 or C) or a[j] - y[j] * step
  for t = 1, #y do g[t] = g[t] + y[t] * step * (ki[t] - kj[t]) end
end

-- The threshold: the mean of y g over 0 < a < C, or the middle of the interval that the bounds leave.
local function threshold(y, a, g, C)
  local sum, free, upper, lower = 0, 0, math.huge, -math.huge
  for t = 1, #y do
    local v = y[t] * g[t]
    if a[t] > 0 and a[t] < C then
      sum, free = sum + v, free + 1
    elseif (a[t] == 0) == (y[t] > 0) then
      upper = math.min(upper, v)
    else
      lower = math.max(lower, v)
    end
  end
  return free > 0 and sum / free or (upper + lower) / 2
end

---@param y number[] +1 or -1
---@param row fun(i: integer): number[] row i of the kernel matrix, whose diagonal is 1
---@return number[] coefficients y_i a_i
---@return number rho: the decision is sum_i y_i a_i K(x_i, x) - rho
---@return integer steps
local function solve_pair(y, row, o)
  local a, g, steps = {}, {}, 0
  for t = 1, #y do a[t], g[t] = 0, -1 end
  while steps < o.max_iter do
    local i, j, violation = violating_pair(y, a, g, o.C, row)
    if j == 0 or violation < o.tol then break end
    move_pair(i, j, y, a, g, o.C, row)
    steps = steps + 1
  end
  local coefficients = {}
  for t = 1, #y do coefficients[t] = y[t] * a[t] end
  return coefficients, threshold(y, a, g, o.C), steps
end

-- e^(-gamma |x_i - x_j|^2), rows made when first asked for.
local function kernel_rows(x, gamma)
  local made, from = {}, distance.towards(x)
  return function(i)
    if not made[i] then made[i] = (from(x:slice(1, i, i)) * -gamma):exp():reshape(-1):totable() end
    return made[i]
  end
end

-- Fills column `p` of the coefficients of all training vectors with the solution for classes a and b.
local function train_pair(s, members, a, b, o, coefficients, p)
  local index, y = rp.concat(1, members[a], members[b]), {}
  for t = 1, index:size(1) do y[t] = t <= members[a]:size(1) and 1 or -1 end
  local x = s.x:index_select(1, index)
  local values, rho, steps = solve_pair(y, kernel_rows(x, o.gamma), o)
  local column = rp.zeros(s.x:size(1), "float64"):scatter_add(1, index, rp.tensor(values, "float64"))
  coefficients[p] = column
  return rho, steps
end

-- The positions of the training vectors of each class, in order.
local function members_of(s)
  local members, _, order = {}, s.position:sort()
  local first = 1
  local counts = s.position:one_hot(s.n_classes, "float64"):sum(1):totable()
  for c = 1, s.n_classes do
    local last = first + math.tointeger(counts[c]) - 1
    members[c] = order:slice(1, first, last)
    first = last + 1
  end
  return members
end

local function train(s, o)
  local members, coefficients, rho, pairs_of, steps = members_of(s), {}, {}, {}, 0
  for a = 1, s.n_classes - 1 do
    for b = a + 1, s.n_classes do
      local p = #rho + 1
      local r, n = train_pair(s, members, a, b, o, coefficients, p)
      rho[p], pairs_of[p], steps = r, { a, b }, steps + n
    end
  end
  return { coefficients = rp.stack(2, coefficients), rho = rp.tensor(rho, "float64"), pairs = pairs_of, steps = steps }
end

-- Decisions (m, pairs) and the class each example gets most votes for, the first of equals.
local function predict(model, s, o)
  local decisions, winner = {}, {}
  local for_a, for_b = rp.zeros(#model.pairs, s.n_classes, "float64"), rp.zeros(#model.pairs, s.n_classes, "float64")
  for p, pair in ipairs(model.pairs) do for_a[{ p, pair[1] }], for_b[{ p, pair[2] }] = 1, 1 end
  distance.each_chunk(s.test_x, s.x, function(d)
    local f = (d * -o.gamma):exp():matmul(model.coefficients) - model.rho
    local first = f:gt(0):to("float64")
    decisions[#decisions + 1] = f
    winner[#winner + 1] = (first:matmul(for_a) + (1 - first):matmul(for_b)):argmax(2)
  end)
  return rp.concat(1, decisions), s.classes:index_select(1, rp.concat(1, winner))
end

---Classifier with the kernel K(x, y) = e^(-gamma |x - y|^2), one problem for each pair of classes and a vote among them:
---the model of scikit-learn's SVC(C, gamma).  With tol = 1e-9 on both sides decision values agree to 1e-6; with the
---default of 1e-3, which is scikit-learn's too, they are within a few 1e-3 of the exact ones.
---    metrics.svm(train_x, train_y, test_x, test_y, {C = 1, gamma = "scale", tol = 1e-3, max_iter = 1000000})
---@param train_x Tensor (n, d)
---@param train_y Tensor (n) int
---@param test_x Tensor (m, d)
---@param test_y? Tensor (m) int
---@param given? table gamma: a number, or "scale" for 1 / (d var(train_x)); max_iter: steps for one pair
---@return number accuracy on the test set, nil without test_y
---@return table {predictions (m), decisions (m, pairs): positive for the first class of the pair, pairs, classes,
---  gamma, support: how many training vectors have a coefficient, steps}
function svm.svm(train_x, train_y, test_x, test_y, given)
  local o = options("svm", given, { C = 1, gamma = "scale", tol = 1e-3, max_iter = 1000000 })
  local s = features.classification("svm", train_x, train_y, test_x, test_y)
  if o.gamma == "scale" then
    local variance = s.x:var(nil, false, 0):item()
    o.gamma = variance > 0 and 1 / (s.x:size(2) * variance) or 1
  end
  local model = train(s, o)
  local decisions, predictions = predict(model, s, o)
  local report = { predictions = predictions, decisions = decisions, pairs = model.pairs, classes = s.classes,
                   gamma = o.gamma, steps = model.steps,
                   support = math.tointeger(model.coefficients:ne(0):any(2):to("float64"):sum():item()) }
  return s.test_y and features.agreement(predictions, s.test_y) or nil, report
end

return svm
