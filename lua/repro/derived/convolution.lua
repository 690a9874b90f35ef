--- Derived operations by number of dimensions: convolution and pooling of (B, C, L), (B, C, H, W), (B, C, D, H, W).
--- Window sizes, strides and paddings are a number for all dimensions or a list with one for each.

local core = require "repro.core"
local misuse = require "repro.misuse"

local convolution = {}

local layouts = { "(B, C, L)", "(B, C, H, W)", "(B, C, D, H, W)" }

local function check_rank(name, x, n)
  if x.ndim ~= n + 2 then
    misuse("%s: x must be %s, got %d dimensions (%s)", name, layouts[n], x.ndim, table.concat(x.shape, "x"))
  end
end

---A window size, stride or padding for each of n dimensions.
local function each_dimension(value, n)
  if type(value) == "table" then
    if #value ~= n then misuse("%d values were given for %d dimensions", #value, n) end
    return value
  end
  local values = {}
  for i = 1, n do values[i] = value end
  return values
end

---------------------------------------------------------------------------------------------- convolution

---Cross-correlation in one dimension; see conv.
---@param x Tensor (B, C, L)
---@param weight Tensor (O, C / groups, K)
---@param bias? Tensor (O)
---@param stride? integer|integer[] default 1
---@param padding? integer|integer[] default 0
---@param dilation? integer|integer[] default 1
---@param groups? integer default 1
---@return Tensor
function convolution.conv1d(x, weight, bias, stride, padding, dilation, groups)
  check_rank("conv1d", x, 1)
  return core.conv(x, weight, bias, stride, padding, dilation, groups)
end

---Cross-correlation in two dimensions; see conv.
---@param x Tensor (B, C, H, W)
---@param weight Tensor (O, C / groups, K1, K2)
---@param bias? Tensor (O)
---@param stride? integer|integer[] default 1
---@param padding? integer|integer[] default 0
---@param dilation? integer|integer[] default 1
---@param groups? integer default 1
---@return Tensor
function convolution.conv2d(x, weight, bias, stride, padding, dilation, groups)
  check_rank("conv2d", x, 2)
  return core.conv(x, weight, bias, stride, padding, dilation, groups)
end

---Cross-correlation in three dimensions; see conv.
---@param x Tensor (B, C, D, H, W)
---@param weight Tensor (O, C / groups, K1, K2, K3)
---@param bias? Tensor (O)
---@param stride? integer|integer[] default 1
---@param padding? integer|integer[] default 0
---@param dilation? integer|integer[] default 1
---@param groups? integer default 1
---@return Tensor
function convolution.conv3d(x, weight, bias, stride, padding, dilation, groups)
  check_rank("conv3d", x, 3)
  return core.conv(x, weight, bias, stride, padding, dilation, groups)
end

---The adjoint of conv1d in x; see conv_transpose.
---@param x Tensor (B, C, L)
---@param weight Tensor (C, O / groups, K)
---@param bias? Tensor (O)
---@param stride? integer|integer[] default 1
---@param padding? integer|integer[] default 0
---@param output_padding? integer|integer[] default 0
---@param dilation? integer|integer[] default 1
---@param groups? integer default 1
---@return Tensor
function convolution.conv_transpose1d(x, weight, bias, stride, padding, output_padding, dilation, groups)
  check_rank("conv_transpose1d", x, 1)
  return core.conv_transpose(x, weight, bias, stride, padding, output_padding, dilation, groups)
end

---The adjoint of conv2d in x; see conv_transpose.
---@param x Tensor (B, C, H, W)
---@param weight Tensor (C, O / groups, K1, K2)
---@param bias? Tensor (O)
---@param stride? integer|integer[] default 1
---@param padding? integer|integer[] default 0
---@param output_padding? integer|integer[] default 0
---@param dilation? integer|integer[] default 1
---@param groups? integer default 1
---@return Tensor
function convolution.conv_transpose2d(x, weight, bias, stride, padding, output_padding, dilation, groups)
  check_rank("conv_transpose2d", x, 2)
  return core.conv_transpose(x, weight, bias, stride, padding, output_padding, dilation, groups)
end

---The adjoint of conv3d in x; see conv_transpose.
---@param x Tensor (B, C, D, H, W)
---@param weight Tensor (C, O / groups, K1, K2, K3)
---@param bias? Tensor (O)
---@param stride? integer|integer[] default 1
---@param padding? integer|integer[] default 0
---@param output_padding? integer|integer[] default 0
---@param dilation? integer|integer[] default 1
---@param groups? integer default 1
---@return Tensor
function convolution.conv_transpose3d(x, weight, bias, stride, padding, output_padding, dilation, groups)
  check_rank("conv_transpose3d", x, 3)
  return core.conv_transpose(x, weight, bias, stride, padding, output_padding, dilation, groups)
end

-------------------------------------------------------------------------------------------------- pooling

---Windows of the n last dimensions as n new last dimensions, after padding with `fill`.
local function windows(x, n, kernel, stride, padding, fill)
  kernel = each_dimension(kernel, n)
  stride, padding = each_dimension(stride or kernel, n), each_dimension(padding or 0, n)
  local pads, padded, dims = {}, false, {}
  for i = n, 1, -1 do
    pads[#pads + 1] = padding[i]
    pads[#pads + 1] = padding[i]
    padded = padded or padding[i] > 0
  end
  if padded then x = core.pad(x, pads, fill) end
  for i = 1, n do
    x = x:unfold(i + 2, kernel[i], stride[i])
    dims[i] = n + 2 + i
  end
  return x, dims
end

local function average(name, x, n, kernel, stride, padding)
  check_rank(name, x, n)
  return core.mean(windows(x, n, kernel, stride, padding, 0))
end

local function largest(name, x, n, kernel, stride, padding)
  check_rank(name, x, n)
  return core.max(windows(x, n, kernel, stride, padding, -math.huge))
end

---The mean of each window; padding counts as zeros.
---@param x Tensor (B, C, L)
---@param kernel integer|integer[]
---@param stride? integer|integer[] default kernel
---@param padding? integer|integer[] default 0
---@return Tensor
function convolution.avg_pool1d(x, kernel, stride, padding)
  return average("avg_pool1d", x, 1, kernel, stride, padding)
end

---The mean of each window; padding counts as zeros.
---@param x Tensor (B, C, H, W)
---@param kernel integer|integer[]
---@param stride? integer|integer[] default kernel
---@param padding? integer|integer[] default 0
---@return Tensor
function convolution.avg_pool2d(x, kernel, stride, padding)
  return average("avg_pool2d", x, 2, kernel, stride, padding)
end

---The mean of each window; padding counts as zeros.
---@param x Tensor (B, C, D, H, W)
---@param kernel integer|integer[]
---@param stride? integer|integer[] default kernel
---@param padding? integer|integer[] default 0
---@return Tensor
function convolution.avg_pool3d(x, kernel, stride, padding)
  return average("avg_pool3d", x, 3, kernel, stride, padding)
end

---The largest element of each window; the first one gets the gradient.
---@param x Tensor (B, C, L)
---@param kernel integer|integer[]
---@param stride? integer|integer[] default kernel
---@param padding? integer|integer[] default 0
---@return Tensor
function convolution.max_pool1d(x, kernel, stride, padding)
  return largest("max_pool1d", x, 1, kernel, stride, padding)
end

---The largest element of each window; the first one gets the gradient.
---@param x Tensor (B, C, H, W)
---@param kernel integer|integer[]
---@param stride? integer|integer[] default kernel
---@param padding? integer|integer[] default 0
---@return Tensor
function convolution.max_pool2d(x, kernel, stride, padding)
  return largest("max_pool2d", x, 2, kernel, stride, padding)
end

---The largest element of each window; the first one gets the gradient.
---@param x Tensor (B, C, D, H, W)
---@param kernel integer|integer[]
---@param stride? integer|integer[] default kernel
---@param padding? integer|integer[] default 0
---@return Tensor
function convolution.max_pool3d(x, kernel, stride, padding)
  return largest("max_pool3d", x, 3, kernel, stride, padding)
end

return convolution
