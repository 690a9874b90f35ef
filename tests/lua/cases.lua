--- Sample calls of every operation of the table, for the tests of gradients, accuracy and equal bits.
---
--- cases.of(op, dtype, scale) gives an array of {name, inputs = {Tensor...}, call = function(inputs...) -> tensors}.
--- Inputs are the tensors to differentiate; `scale` multiplies the sizes (odd on purpose).
local rp = require "repro"

local cases = {}

local function index(values) return rp.tensor(values, "int64") end

-- Sizes, drawn inputs and calls of the structured rows.  d(...) draws a float tensor, s the scale.
local structured = {
  reshape = function(d, s)
    return { { { d(4 * s, 3) }, function(x) return x:reshape(3, -1) end },
             { { d(3, 4 * s) }, function(x) return x:t():reshape(2, -1) end },
             { { d(2, 3 * s, 4) }, function(x) return x:transpose(1, 2):reshape(3 * s, 8) end } }
  end,
  permute = function(d, s) return { { { d(2, 3 * s, 5) }, function(x) return x:permute(3, 1, 2) end } } end,
  transpose = function(d, s) return { { { d(3, 5 * s) }, function(x) return x:transpose(1, 2) * 2 end } } end,
  unsqueeze = function(d, s) return { { { d(3, 2 * s) }, function(x) return x:unsqueeze(2) end } } end,
  squeeze = function(d, s) return { { { d(3, 1, 2 * s) }, function(x) return x:squeeze(2) end },
                                    { { d(1, 3, 1) }, function(x) return x:squeeze() end } } end,
  slice = function(d, s) return { { { d(4, 7 * s) }, function(x) return x:slice(2, 2, -2, 2) end },
                                  { { d(4, 7 * s) }, function(x) return x[{ { 2, 3 }, {} }] end } } end,
  select = function(d, s) return { { { d(4, 5 * s) }, function(x) return x:select(2, -1) end } } end,
  expand = function(d, s) return { { { d(3, 1) }, function(x) return x:expand(2, 3, 5 * s) end } } end,
  unfold = function(d, s) return { { { d(2, 9 * s) }, function(x) return x:unfold(2, 4, 2) end },
                                   { { d(2, 9 * s) }, function(x) return x:unfold(2, 2, 3) end } } end,
  diagonal = function(d, s) return { { { d(3, 5 * s, 4) }, function(x) return x:diagonal(1, 3) end },
                                     { { d(5 * s, 4) }, function(x) return x:diagonal(1, 2, -1) end } } end,
  flip = function(d, s) return { { { d(3, 5 * s) }, function(x) return x:flip(1, 2) * 3 end } } end,
  clone = function(d, s) return { { { d(3, 5 * s) }, function(x) return x:t():clone() end } } end,
  contiguous = function(d, s) return { { { d(9, 11 * s) }, function(x) return x:t():contiguous() end } } end,
  to = function(d, s) return { { { d(3, 5 * s) }, function(x) return x:to(x.dtype) * 2 end } } end,
  concat = function(d, s) return { { { d(2, 3 * s), d(2, 1), d(2, 2 * s) }, function(a, b, c) return rp.concat(2, a, b, c) end },
                                   { { d(2, 3 * s), d(1, 3 * s) }, function(a, b) return rp.concat(1, { a, b }) end } } end,
  pad = function(d, s) return { { { d(3, 4 * s) }, function(x) return x:pad({ 1, 2, 0, 1 }, 0.5) end },
                                { { d(3, 4 * s) }, function(x) return x:pad({ -1, 2 }) end } } end,
  sum = function(d, s)
    return { { { d(3, 37 * s) }, function(x) return x:sum() end }, { { d(5 * s, 7) }, function(x) return x:sum(1) end },
             { { d(3, 4, 5 * s) }, function(x) return x:sum({ 1, 3 }, true) end },
             { { d(5 * s, 7) }, function(x) return x:t():sum(1) end } }
  end,
  mean = function(d, s) return { { { d(3, 35 * s) }, function(x) return x:mean(2) end },
                                 { { d(3, 4, 5 * s) }, function(x) return x:mean({ 1, 3 }) end } } end,
  prod = function(d, s) return { { { d(3, 5 * s) / s }, function(x) return x:prod(2) end },
                                 { { d(3, 4) }, function(x) return x:prod(1, true) end } } end,
  max = function(d, s) return { { { d(3, 41 * s) }, function(x) return x:max(2) end },
                                { { d(5 * s, 7) }, function(x) return x:max(1) end } } end,
  min = function(d, s) return { { { d(3, 41 * s) }, function(x) return x:min(2, true) end },
                                { { d(5, 7 * s) }, function(x) return x:min() end } } end,
  argmax = function(d, s) return { { { d(3, 41 * s) }, function(x) return x:argmax(2) end } } end,
  argmin = function(d, s) return { { { d(3 * s, 41) }, function(x) return x:argmin(1, true) end } } end,
  cumsum = function(d, s) return { { { d(3, 5 * s) }, function(x) return x:cumsum() end },
                                   { { d(4 * s, 3) }, function(x) return x:cumsum(1) end } } end,
  softmax = function(d, s) return { { { d(3, 35 * s) }, function(x) return x:softmax(2) end },
                                    { { d(4 * s, 3) }, function(x) return x:softmax(1) end } } end,
  log_softmax = function(d, s) return { { { d(3, 35 * s) }, function(x) return x:log_softmax() end },
                                        { { d(4 * s, 3) }, function(x) return x:log_softmax(1) end } } end,
  logsumexp = function(d, s) return { { { d(3, 35 * s) }, function(x) return x:logsumexp(2) end },
                                      { { d(4, 3 * s) }, function(x) return x:logsumexp(1, true) end },
                                      { { d(4, 3 * s) }, function(x) return x:logsumexp() end } } end,
  standardize = function(d, s) return { { { d(3, 7 * s) }, function(x) return x:standardize() end },
                                        { { d(2, 3, 5 * s) }, function(x) return x:standardize(2, 1e-3) end } } end,
  matmul = function(d, s)
    return { { { d(3, 4 * s), d(4 * s, 5) }, function(a, b) return a:matmul(b) end },
             { { d(2, 3, 4 * s), d(4 * s, 5) }, function(a, b) return a:matmul(b) end },
             { { d(2, 1, 3, 4), d(3, 4, 2 * s) }, function(a, b) return a:matmul(b) end },
             { { d(4 * s), d(4 * s, 3) }, function(a, b) return a:matmul(b) end },
             { { d(3, 4 * s), d(4 * s) }, function(a, b) return a:matmul(b) end },
             { { d(5 * s), d(5 * s) }, function(a, b) return a:matmul(b) end },
             { { d(2, 3, 4), d(4) }, function(a, b) return a:matmul(b) end },
             { { d(4), d(2, 4, 3) }, function(a, b) return a:matmul(b) end },
             { { d(4, 3 * s), d(5, 4) }, function(a, b) return a:t():matmul(b:t()) end } }
  end,
  linear = function(d, s) return { { { d(3, 4 * s), d(5, 4 * s), d(5) }, function(x, w, b) return rp.linear(x, w, b) end },
                                   { { d(2, 3, 4), d(5 * s, 4) }, function(x, w) return rp.linear(x, w) end } } end,
  conv = function(d, s)
    return { { { d(2, 3, 7 * s), d(4, 3, 3), d(4) }, function(x, w, b) return rp.conv(x, w, b, 2, 1) end },
             { { d(2, 4, 5, 6), d(4, 2, 3, 2), d(4) }, function(x, w, b) return rp.conv(x, w, b, { 1, 2 }, { 1, 0 }, 1, 2) end },
             { { d(1, 2, 7 * s, 6), d(3, 2, 3, 3) }, function(x, w) return rp.conv(x, w, nil, 1, 2, 2) end },
             { { d(1, 2, 3, 4, 3 * s), d(2, 2, 2, 2, 2) }, function(x, w) return rp.conv(x, w) end } }
  end,
  conv_transpose = function(d, s)
    return { { { d(2, 3, 5 * s), d(3, 2, 3), d(2) }, function(x, w, b) return rp.conv_transpose(x, w, b, 2, 1, 1) end },
             { { d(1, 4, 3, 4), d(4, 1, 3, 3), d(2) }, function(x, w, b) return rp.conv_transpose(x, w, b, { 2, 1 }, 1, 0, 1, 2) end },
             { { d(1, 2, 2, 3, 2 * s), d(2, 2, 2, 2, 2) }, function(x, w) return rp.conv_transpose(x, w, nil, 1, 0, 0, 2) end } }
  end,
  index_select = function(d, s) return { { { d(3, 5 * s) }, function(x) return x:index_select(2, index { 5, 1, 1, 3 }) end },
                                         { { d(4, 3 * s) }, function(x) return x[index { 2, 2, 4 }] end } } end,
  gather = function(d, s) return { { { d(2, 4 * s) }, function(x) return x:gather(2, index { { 1, 4, 4 }, { 2, 2, 3 } }) end },
                                   { { d(4, 2) }, function(x) return x:gather(1, index { { 1, 4 }, { 2, 2 } }) end } } end,
  scatter_add = function(d, s)
    return { { { d(2, 4 * s), d(2, 3) }, function(x, y) return x:scatter_add(2, index { { 1, 4, 4 }, { 2, 2, 3 } }, y) end } }
  end,
  sort = function(d, s) return { { { d(3, 7 * s) }, function(x) return (x:sort(2)) end },
                                 { { d(7 * s, 3) }, function(x) return (x:sort(1, true)) end } } end,
  topk = function(d, s) return { { { d(3, 7 * s) }, function(x) return (x:topk(3)) end },
                                 { { d(7 * s, 3) }, function(x) return (x:topk(2, 1, false)) end } } end,
  unique = function(d, s) return { { { d(3, 7 * s):round() }, function(x) return x:unique() end } } end,
}

local function pointwise(op, draw, s)
  local shapes = ({ { { { 3, 5 * s } } }, { { { 3, 5 * s }, { 5 * s } }, { { 2, 1, 3 * s }, { 4, 1 } } },
                    { { { 3, 5 * s }, { 5 * s }, { 3, 1 } } } })[op.arity]
  local list = {}
  for i, case in ipairs(shapes) do
    local inputs = {}
    for k, shape in ipairs(case) do inputs[k] = draw(op.lo, op.hi, shape) end
    list[i] = { inputs, function(...) return rp[op.name](...) end }
  end
  return list
end

--- The cases of one row of rp.core.ops(); nil for a structured row that has none, which the tests report.
---@param op table a row
---@param dtype string
---@param scale? integer
---@return table[]|nil
function cases.of(op, dtype, scale)
  local g, s = rp.generator(3, op.name), scale or 1
  local function draw(lo, hi, shape) return g:rand(shape, dtype) * (hi - lo) + lo end
  local made
  if op.form ~= "structured" then made = pointwise(op, draw, s)
  elseif structured[op.name] then made = structured[op.name](function(...) return g:randn({ ... }, dtype) end, s)
  else return nil end
  local list = {}
  for i, case in ipairs(made) do list[i] = { name = op.name .. " " .. i, inputs = case[1], call = case[2] } end
  return list
end

return cases
