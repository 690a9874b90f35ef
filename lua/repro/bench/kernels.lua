--- Rows of the benchmark: single operations.
---
---   name    what bench/peers.py calls it too      shape   the sizes, for the reader
---   flop    floating point operations of a call, or bytes    bytes that must be read and written, or neither: time only
---   make    () -> the function to be timed; inputs are made here, so that only one row's are alive
local rp = require "repro"

local rows = {}

local function row(group, name, shape, work, make)
  rows[#rows + 1] = { group = group, name = name, shape = shape, flop = work.flop, bytes = work.bytes, make = make }
end

---------------------------------------------------------------------------------------------- matrix products

local function gemm(m, k, n, turn_a, turn_b)
  local form = (turn_a and "T" or "N") .. (turn_b and "T" or "N")
  row("gemm", ("gemm_%s_%d_%d_%d"):format(form, m, k, n), ("%dx%d . %dx%d"):format(m, k, k, n), { flop = 2 * m * n * k },
    function()
      local a = turn_a and rp.randn(k, m):t() or rp.randn(m, k)
      local b = turn_b and rp.randn(n, k):t() or rp.randn(k, n)
      return function() return a:matmul(b) end
    end)
end

for _, n in ipairs { 64, 128, 256, 512, 1024, 2048 } do gemm(n, n, n) end
for _, n in ipairs { 512, 1024 } do
  gemm(n, n, n, false, true)
  gemm(n, n, n, true, false)
  gemm(n, n, n, true, true)
end
for _, m in ipairs { 1, 3, 8 } do
  gemm(m, 512, 512)
  gemm(m, 512, 512, false, true)
end
if rp.device() ~= "cpu" then
  for _, n in ipairs { 4096, 8192 } do gemm(n, n, n) end
end
gemm(4096, 64, 64)
gemm(64, 4096, 64)
gemm(64, 64, 4096)
gemm(128, 256, 10, false, true)
row("gemm", "bmm_256_16_64_16", "256 of 16x64 . 64x16", { flop = 2 * 256 * 16 * 64 * 16 }, function()
  local a, b = rp.randn(256, 16, 64), rp.randn(256, 64, 16)
  return function() return a:matmul(b) end
end)

------------------------------------------------------------------------------------------------- convolutions

--- A 3x3 convolution that keeps its size, and its gradients.
local function conv(name, batch, c_in, c_out, pixels, groups)
  local channels = groups > 1 and ("%d groups, %d to %d"):format(groups, c_in, c_out) or ("%d to %d"):format(c_in, c_out)
  local shape = ("%dx%dx%d, %s, 3x3"):format(batch, pixels, pixels, channels)
  local work = { flop = 2 * batch * c_out * c_in // groups * 9 * pixels * pixels }
  local function inputs()
    return rp.randn(batch, c_in, pixels, pixels), rp.randn(c_out, c_in // groups, 3, 3)
  end
  row("conv", (name:gsub("KIND_", "")), shape, work, function()
    local x, w = inputs()
    return function() return x:conv(w, nil, 1, 1, 1, groups) end
  end)
  for _, kind in ipairs { "input", "weight" } do
    row("conv", (name:gsub("KIND", kind)), shape .. ", gradient of " .. kind, work, function()
      local x, w = inputs()
      local leaf = (kind == "input" and x or w):requires_grad_()
      local y = x:conv(w, nil, 1, 1, 1, groups)
      local seed = rp.randn(y.shape)
      return function() return rp.grad(y, { leaf }, seed) end
    end)
  end
end

local function full(batch, channels, pixels)
  conv(("conv_KIND_%d_%d_%d"):format(batch, channels, pixels), batch, channels, channels, pixels, 1)
end

local function narrow(batch, c_in, c_out, pixels)
  conv(("conv_KIND_%d_%dto%d_%d"):format(batch, c_in, c_out, pixels), batch, c_in, c_out, pixels, 1)
end

local function depthwise(batch, channels, pixels)
  conv(("depthwise_KIND_%d_%d_%d"):format(batch, channels, pixels), batch, channels, channels, pixels, channels)
end

full(16, 16, 32)
full(16, 64, 16)
full(16, 128, 8)
narrow(16, 1, 16, 32)
narrow(16, 3, 32, 32)
narrow(16, 16, 1, 32)
depthwise(16, 64, 16)
depthwise(16, 128, 8)

------------------------------------------------------------------------------------- pointwise, reductions, rows

local million = 1000 * 1000

local function unary(name)
  row("pointwise", name, "1000x1000", { bytes = 8 * million }, function()
    local x = rp.randn(1000, 1000)
    return function() return x[name](x) end
  end)
end

row("pointwise", "add", "1000x1000", { bytes = 12 * million }, function()
  local x, y = rp.randn(1000, 1000), rp.randn(1000, 1000)
  return function() return x + y end
end)
row("pointwise", "add_large", "16000000", { bytes = 12 * 16 * million }, function()
  local x, y = rp.randn(16 * million), rp.randn(16 * million)
  return function() return x + y end
end)
row("pointwise", "add_column", "1000x1000 + 1000x1", { bytes = 8 * million }, function()
  local x, y = rp.randn(1000, 1000), rp.randn(1000, 1)
  return function() return x + y end
end)
row("pointwise", "transpose", "1000x1000", { bytes = 8 * million }, function()
  local x = rp.randn(1000, 1000):t()
  return function() return x:contiguous() end
end)
for _, name in ipairs { "relu", "exp", "tanh", "gelu", "silu", "sin" } do unary(name) end

local function reduction(name, shape, work, fn)
  row("reduction", name, table.concat(shape, "x"), work, function()
    local x = rp.randn(shape)
    return function() return fn(x) end
  end)
end

reduction("sum", { 1000, 1000 }, { bytes = 4 * million }, function(x) return x:sum() end)
reduction("sum_large", { 4000, 4000 }, { bytes = 64 * million }, function(x) return x:sum() end)
reduction("sum_rows", { 1000, 1000 }, { bytes = 4 * million }, function(x) return x:sum(2) end)
reduction("sum_columns", { 1000, 1000 }, { bytes = 4 * million }, function(x) return x:sum(1) end)
reduction("max_rows", { 1000, 1000 }, { bytes = 4 * million }, function(x) return x:max(2) end)
reduction("argmax_rows", { 1000, 1000 }, { bytes = 4 * million }, function(x) return x:argmax(2) end)
reduction("argmax_large", { 1000000 }, { bytes = 4 * million }, function(x) return x:argmax() end)
reduction("topk_rows", { 1000, 1000 }, { bytes = 4 * million }, function(x) return x:topk(10) end)
reduction("topk_large", { 1000000 }, { bytes = 4 * million }, function(x) return x:topk(100) end)
reduction("sum_channels", { 32, 64, 32, 32 }, { bytes = 4 * 32 * 64 * 1024 }, function(x) return x:sum { 1, 3, 4 } end)
reduction("mean_windows", { 32, 32, 16, 2, 16, 2 }, { bytes = 4 * 1024 * 1024 }, function(x) return x:mean { 4, 6 } end)
reduction("softmax", { 1000, 1000 }, { bytes = 8 * million }, function(x) return x:softmax(2) end)
reduction("softmax_narrow", { 64000, 16 }, { bytes = 8 * 1024000 }, function(x) return x:softmax(2) end)
reduction("layer_norm", { 1000, 1000 }, { bytes = 8 * million }, function(x) return x:standardize(1) end)

row("update", "adam", "1000000 numbers", { bytes = 28 * million }, function()
  local p = rp.randn(million):requires_grad_()
  local adam = rp.optim.Adam({ p }, { lr = 1e-4 })
  p:square():sum():backward()
  return function() adam:step() end
end)

---------------------------------------------------------------------------------------- our own cost per operation

local function overhead(name, shape, make) row("overhead", name, shape, {}, make) end

overhead("small_add", "4x4", function()
  local x, y = rp.randn(4, 4), rp.randn(4, 4)
  return function() return x + y end
end)
overhead("small_sum", "4x4", function()
  local x = rp.randn(4, 4)
  return function() return x:sum() end
end)
overhead("small_reshape", "4x4 -> 16", function()
  local x = rp.randn(4, 4)
  return function() return x:reshape(16) end
end)
overhead("small_matmul", "4x4 . 4x4", function()
  local x, y = rp.randn(4, 4), rp.randn(4, 4)
  return function() return x:matmul(y) end
end)
overhead("small_backward", "(a * w):sum():backward(), 4x4", function()
  local a, w = rp.randn(4, 4), rp.randn(4, 4):requires_grad_()
  return function() (a * w):sum():backward() end
end)

return rows
