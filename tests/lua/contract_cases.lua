--- More results that docs/NUMERICS.md defines, for test_contract.lua: special values, integers, extremes, rearranging,
--- convolutions in one and three dimensions, float64.  The same cases as in tests/golden/contract.py.
local rp = require "repro"

-- case(name, tensors...), values(seed, ...), leaf(seed, ...), gradients(y, g, ...) are those of test_contract.lua.
return function(case, values, leaf, gradients)
  local double, inf, nan = "float64", math.huge, 0 / 0

  local function line_convolutions()
    for i, c in ipairs { { { 2, 3, 20 }, { 4, 3, 5 }, 2, 2 }, { { 1, 2, 5, 6, 4 }, { 3, 2, 2, 3, 2 }, 1, 1 } } do
      local x, w = leaf(i + 60, c[1]), leaf(i + 61, c[2])
      local y = x:conv(w, nil, c[3], c[4])
      case(("conv in %d dimensions"):format(#c[1] - 2), y)
      case(("gradients in %d dimensions"):format(#c[1] - 2), gradients(y, values(i + 62, y.shape), x, w))
    end
  end

  -- Every pair of special values.
  local function specials()
    local v = rp.tensor { 0.0, -0.0, 1, -1, 0.5, -2.5, 3.5, 1e30, -1e-40, inf, -inf, nan }
    local n = v:numel()
    local a, b = v:unsqueeze(2):expand(n, n):reshape(-1), v:unsqueeze(1):expand(n, n):reshape(-1)
    return a:clone():requires_grad_(), b:clone():requires_grad_()
  end

  local function special_values()
    local a, b = specials()
    case("sign, relu", a:sign(), a:relu())
    case("floor, ceil, round", a:floor(), a:ceil(), a:round())
    case("minimum, maximum", rp.minimum(a, b), rp.maximum(a, b))
    case("arithmetic of specials", a + b, a - b, a * b, a / b, -a, a:abs(), a:sqrt(), a:rsqrt())
    case("division of specials", a // b, a % b)
    case("comparisons", a:eq(b), a:ne(b), a:lt(b), a:le(b), a:gt(b), a:ge(b))
    case("logic", a:logical_not(), a:logical_and(b), a:logical_or(b), a:logical_xor(b), a:is_nan(), a:is_finite())
    case("where", rp.where(a, a, b))
    case("clamp", a:clamp(-0.75, 2))
    case("clamp by tensors", a:clamp(b, 0.25))
    case("lerp, addcmul, leaky_relu", rp.lerp(a, b, 0.3), a:addcmul(b, b), a:leaky_relu())
    local g = values(21, a:numel())
    local ga, gb = gradients(rp.minimum(a, b), g, a, b)
    case("gradients of minimum, maximum", ga, gb, gradients(rp.maximum(a, b), g, a, b))
    local x, y = a:detach():clone():requires_grad_(), b:detach():clone():requires_grad_()
    case("gradients of where", gradients(rp.where(a:detach(), x, y), g, x, y))
    case("gradients of clamp", gradients(a:clamp(b, 0.25), g, a, b))
    case("gradients of abs, square, relu, reciprocal", gradients(a:abs(), g, a), gradients(a:square(), g, a),
         gradients(a:relu(), g, a), gradients(a:reciprocal(), g, a))
    case("gradients of remainder", gradients(a % b, g, a, b))
    local t = rp.full({ a:numel() }, 0.3):requires_grad_()
    case("gradients of lerp", gradients(rp.lerp(a, b, t), g, a, b, t))
    local c = a:detach():clone():requires_grad_()
    case("gradients of addcmul", gradients(c:addcmul(a, b), g, c, a, b))
    case("gradients of leaky_relu", gradients(a:leaky_relu(), g, a))
  end

  local function integers()
    local a = rp.tensor({ 5, -7, 7, -7, 2147483647, -2147483648, -2147483648, 0, 9 }, "int32")
    local b = rp.tensor({ 3, 2, -2, -2, 2, -1, 3, 4, 0 }, "int32")
    case("integers", a + b, a - b, a * b, -a, a:abs(), a:square(), a // b, a % b)
    case("smallest integers", rp.minimum(a, b), rp.maximum(a, b), a:relu(), a:sign())
    local u = rp.tensor({ 200, 100, 255 }, "uint8")
    case("bytes", u + u, u * u, u / u)
    local w = rp.tensor({ 1 << 62, math.mininteger, 7 }, "int64")
    case("wide integers", w + w, w * 3, w:to "float32", w:to(double))
    local x = values(5, 40) * 300
    local i = x:to "int32"
    case("narrowing", x:to "uint8", i, i:to "uint8", i:to "bool")
  end

  local function extremes()
    local x, g = values(31, 6, 50), values(32, 6)
    x[{ 2, 8 }], x[{ 2, 31 }] = nan, nan
    local most = x:select(1, 3):max():item() + 1
    x[{ 3, 6 }], x[{ 3, 10 }] = most, most
    x[4] = 0.5
    x:requires_grad_()
    case("argmax, argmin", x:argmax(2), x:argmin(2))
    case("gradient of max", gradients(x:max(2), g, x))
    case("gradient of min", gradients(x:min(2), g, x))
    case("gradient of mean", gradients(x:mean(2), g, x))
  end

  local function rearranging()
    local x, g = leaf(41, 5, 7), values(42, 5, 4)
    local at = rp.tensor({ { 7, 1, 7, 3 }, { 2, 2, 2, 2 }, { 1, 7, 6, 5 }, { 4, 3, 4, 3 }, { 1, 1, 7, 7 } }, "int64")
    case("gather", x:gather(2, at))
    case("gradient of gather", gradients(x:gather(2, at), g, x))
    local source = g:clone():requires_grad_()
    case("gradients of scatter_add", gradients(x:scatter_add(2, at, source), values(43, 5, 7), x, source))
    case("gradient of sort", gradients((x:sort(2)), values(44, 5, 7), x))
    case("gradient of topk", gradients((x:topk(3, 2)), values(45, 5, 3), x))
    case("padding", x:pad({ 1, 3, 2, 0 }, 1.5), x:pad { 1, -2 })
    case("views", x:flip { 1, 2 }, x:t(), x:slice(1, 2, 4, 2), x:select(2, 4), x:diagonal(), x:diagonal(1, 2, 2),
         rp.concat(1, x, x:slice(1, 1, 2)))
    case("gradient of diagonal", gradients(x:diagonal(1, 2, 1), values(46, 5), x))
    case("gradient of expand", gradients(x:expand(6, 5, 7), values(47, 6, 5, 7), x))
    case("unique", rp.tensor({ 3, -0.0, nan, 0.0, 3, inf, -1, nan, 2 }):unique())
    local y, z = values(48, 33), values(49, 33)
    case("in place", y:clone():add_(z, 0.3), y:clone():mul_(z), y:clone():add_(z, -1))
  end

  local function doubles()
    local a, b, g = leaf(51, 200, double), leaf(52, 200, double), values(53, 200, double)
    case("arithmetic float64", a + b, a * b, a / b, a:addcmul(b, b), a % b, a:abs():sqrt())
    case("gradients of div float64", gradients(a / b, g, a, b))
    local x = leaf(54, 3, 77, double)
    case("standardize float64", x:standardize(), gradients(x:standardize(), values(55, 3, 77, double), x))
    case("conv float64", values(56, 1, 2, 6, 6, double):conv(values(57, 3, 2, 3, 3, double), nil, 1, 1))
    local p, v = values(58, 30, double), rp.zeros(30, double)
    for i = 0, 1 do rp.core.sgd_step({ p }, { values(59 + i, 30, double) }, { v }, 0.05, 0.9, true, 0.01, 0.5) end
    case("sgd float64", p, v)
  end

  for _, part in ipairs { line_convolutions, special_values, integers, extremes, rearranging, doubles } do part() end
end
