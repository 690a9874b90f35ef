--- Every operation of the table: its gradient against finite differences, float32 against float64, its documentation.
local T = require "tap"
local rp = require "repro"
local cases = require "cases"

-- What the rule does not say it reads is not kept, even of small tensors, so that a rule that says too little is found.
local function gradient(case)
  local was = rp.core.shells_from(0)
  local ok, message = rp.gradcheck(case.call, case.inputs, { tol = 2e-6 })
  rp.core.shells_from(was)
  T.ok(ok, "gradient of " .. case.name, message)
end

local function as(dtype, inputs)
  local list = {}
  for i, x in ipairs(inputs) do list[i] = x:to(dtype) end
  return list
end

-- float32 against float64 on the same (float32) inputs; a sum of n terms may lose a few units in the last place.
local function accuracy(case)
  local narrow = as("float32", case.inputs)
  local low = case.call(table.unpack(narrow))
  local high = case.call(table.unpack(as("float64", narrow)))
  local error = (low:to("float64") - high:to("float64")):abs():max():item()
  local size = high:to("float64"):abs():max():item()
  T.ok(error <= 4e-6 * (1 + size), "float32 of " .. case.name, ("differs from float64 by %g of %g"):format(error, size))
end

for _, op in ipairs(rp.core.ops()) do
  local list = cases.of(op, "float64")
  T.ok(list ~= nil, "there are test cases for " .. op.name)
  T.ok(#op.formula > 4 and #op.args > 0, op.name .. " is documented")
  for _, case in ipairs(list or {}) do
    if op.gradient then gradient(case) end
    accuracy(case)
  end
end

-- Views of every kind as inputs: reversed, transposed, repeated, every other element.
local x, y, z = rp.randn(6, 4), rp.randn(4, 6), rp.randn(6, 9)
local a, b, c, every_other = x:flip(1), y:t(), x:slice(1, 2, 2):expand(6, 4), z:slice(2, 1, 8, 2)
for _, case in ipairs { { "mul", a, b }, { "exp", b }, { "where", c, a, b }, { "maximum", c, every_other }, { "lerp", b, every_other, 0.25 } } do
  local views, copies = { table.unpack(case, 2) }, {}
  for i, v in ipairs(views) do copies[i] = rp.is_tensor(v) and v:clone() or v end
  T.bits(rp[case[1]](table.unpack(views)), rp[case[1]](table.unpack(copies)), case[1] .. " of views")
end

-- Batches whose two levels have strides of their own (sequences and heads): nothing is copied, no bit changes.
for _, order in ipairs { { 1, 2, 3, 4 }, { 1, 3, 2, 4 }, { 2, 1, 4, 3 }, { 3, 1, 2, 4 }, { 4, 2, 1, 3 }, { 3, 2, 1, 4 } } do
  local p = rp.randn(3, 2, 4, 5):permute(order)
  local s = p.shape
  local q = rp.randn(s[2], s[1], s[3], s[4]):transpose(1, 2):transpose(-1, -2)
  local name = ("matmul of a batch permuted %s"):format(table.concat(order))
  T.bits(p:matmul(q), p:clone():matmul(q:clone()), name)
  T.bits(p:matmul(rp.ones(s[4], 1)), p:clone():matmul(rp.ones(s[4], 1)), name .. ", one column")
  local leaf = p:clone():requires_grad_()
  leaf:matmul(q):square():sum():backward()
  local view = p:detach():requires_grad_()
  view:matmul(q):square():sum():backward()
  T.bits(leaf.grad, view.grad, name .. ", gradient")
end

T.done()
