--- Convolutional layers: Conv1d/2d/3d, ConvTranspose1d/2d/3d, pooling and up-sampling as modules.

local Module = require "repro.nn.module"
local initial = require "repro.nn.initial"
local misuse = require "repro.misuse"
local options = require "repro.options"
local pooling = require "repro.derived.convolution"

local layers = {}

---A size per dimension, from a number or a list.
local function sizes(value, n, what)
  if type(value) == "table" then
    if #value ~= n then misuse("%s: %d values for %d dimensions", what, #value, n) end
    return value
  end
  local list = {}
  for i = 1, n do list[i] = value end
  return list
end

local function product(list)
  local p = 1
  for _, v in ipairs(list) do p = p * v end
  return p
end

local function common(self, c_in, c_out, kernel, groups)
  if c_in % groups ~= 0 or c_out % groups ~= 0 then
    misuse("%s: %d and %d channels cannot form %d groups", self.class_name, c_in, c_out, groups)
  end
  self.c_in, self.c_out, self.kernel, self.groups = c_in, c_out, kernel, groups
end

local function extra(self)
  return ("%d -> %d, kernel %s"):format(self.c_in, self.c_out, table.concat(self.kernel, "x"))
end

-- A list {n, ...} ahead of the kernel's sizes.
local function weight_shape(a, b, kernel)
  local shape = { a, b }
  for i, k in ipairs(kernel) do shape[i + 2] = k end
  return shape
end

-- The class Conv1d, Conv2d or Conv3d.
local function convolution(n)
  local name = "Conv" .. n .. "d"
  local Conv = Module.class(name)

  function Conv:init(c_in, c_out, kernel, given)
    local o = options(name, given, { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true,
                                     init = "kaiming", generator = false })
    kernel = sizes(kernel or misuse("%s: the kernel size is missing", name), n, name)
    common(self, c_in, c_out, kernel, o.groups)
    self.stride, self.dilation = sizes(o.stride, n, name), sizes(o.dilation, n, name)
    self.padding = o.padding ~= "same" and sizes(o.padding, n, name) or {}
    for i = 1, o.padding == "same" and n or 0 do
      if kernel[i] % 2 == 0 then misuse("%s: padding \"same\" needs an odd kernel", name) end
      self.padding[i] = self.dilation[i] * (kernel[i] - 1) // 2
    end
    local window = product(kernel)
    local fan_in, fan_out = c_in // o.groups * window, c_out // o.groups * window
    self.weight = initial.weight(name, o.init, weight_shape(c_out, c_in // o.groups, kernel), fan_in, fan_out,
                                 o.generator)
    if o.bias then self.bias = initial.bias(o.init, c_out, fan_in, o.generator) end
  end

  function Conv:forward(x)
    self:expect(x, 2, self.c_in)
    return x:conv(self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
  end

  Conv.extra = extra
  return Conv
end

-- The class ConvTranspose1d, ConvTranspose2d or ConvTranspose3d.
local function transposed(n)
  local name = "ConvTranspose" .. n .. "d"
  local Conv = Module.class(name)

  function Conv:init(c_in, c_out, kernel, given)
    local o = options(name, given, { stride = 1, padding = 0, output_padding = 0, dilation = 1, groups = 1,
                                     bias = true, init = "kaiming", generator = false })
    kernel = sizes(kernel or misuse("%s: the kernel size is missing", name), n, name)
    common(self, c_in, c_out, kernel, o.groups)
    self.stride, self.dilation = sizes(o.stride, n, name), sizes(o.dilation, n, name)
    self.padding, self.output_padding = sizes(o.padding, n, name), sizes(o.output_padding, n, name)
    local window = product(kernel)
    local fan_in, fan_out = c_out // o.groups * window, c_in // o.groups * window
    self.weight = initial.weight(name, o.init, weight_shape(c_in, c_out // o.groups, kernel), fan_in, fan_out,
                                 o.generator)
    if o.bias then self.bias = initial.bias(o.init, c_out, fan_in, o.generator) end
  end

  function Conv:forward(x)
    self:expect(x, 2, self.c_in)
    return x:conv_transpose(self.weight, self.bias, self.stride, self.padding, self.output_padding, self.dilation,
                            self.groups)
  end

  Conv.extra = extra
  return Conv
end

---y = conv(x, weight) + bias for (B, C, L); weight (c_out, c_in / groups, kernel).
---    nn.Conv1d(c_in, c_out, kernel, {stride = 1, padding = 0, dilation = 1, groups = 1, bias = true,
---                                    init = "kaiming", generator = nil})
---padding = "same" keeps the size for odd kernels and stride 1.
layers.Conv1d = convolution(1)

---y = conv(x, weight) + bias for (B, C, H, W); weight (c_out, c_in / groups, kernel).
---    nn.Conv2d(c_in, c_out, kernel, {stride = 1, padding = 0, dilation = 1, groups = 1, bias = true,
---                                    init = "kaiming", generator = nil})
---padding = "same" keeps the size for odd kernels and stride 1.
layers.Conv2d = convolution(2)

---y = conv(x, weight) + bias for (B, C, D, H, W); weight (c_out, c_in / groups, kernel).
---    nn.Conv3d(c_in, c_out, kernel, {stride = 1, padding = 0, dilation = 1, groups = 1, bias = true,
---                                    init = "kaiming", generator = nil})
---padding = "same" keeps the size for odd kernels and stride 1.
layers.Conv3d = convolution(3)

---The adjoint of Conv1d in x; weight (c_in, c_out / groups, kernel).
---    nn.ConvTranspose1d(c_in, c_out, kernel, {stride = 1, padding = 0, output_padding = 0, dilation = 1, groups = 1,
---                                             bias = true, init = "kaiming", generator = nil})
---As in PyTorch fan_in is c_out / groups times the window: it is taken from the weight's second dimension.
layers.ConvTranspose1d = transposed(1)

---The adjoint of Conv2d in x; weight (c_in, c_out / groups, kernel).
---    nn.ConvTranspose2d(c_in, c_out, kernel, {stride = 1, padding = 0, output_padding = 0, dilation = 1, groups = 1,
---                                             bias = true, init = "kaiming", generator = nil})
---As in PyTorch fan_in is c_out / groups times the window: it is taken from the weight's second dimension.
layers.ConvTranspose2d = transposed(2)

---The adjoint of Conv3d in x; weight (c_in, c_out / groups, kernel).
---    nn.ConvTranspose3d(c_in, c_out, kernel, {stride = 1, padding = 0, output_padding = 0, dilation = 1, groups = 1,
---                                             bias = true, init = "kaiming", generator = nil})
---As in PyTorch fan_in is c_out / groups times the window: it is taken from the weight's second dimension.
layers.ConvTranspose3d = transposed(3)

---A module around a function of x and fixed arguments, for use in Sequential.
local function wrapper(name, operation)
  local Wrapper = Module.class(name)
  function Wrapper:init(...) self.arguments = table.pack(...) end
  function Wrapper:forward(x) return operation(x, table.unpack(self.arguments, 1, self.arguments.n)) end
  return Wrapper
end

---avg_pool1d as a module.
---    nn.AvgPool1d(kernel, stride, padding)
layers.AvgPool1d = wrapper("AvgPool1d", pooling.avg_pool1d)

---avg_pool2d as a module.
---    nn.AvgPool2d(kernel, stride, padding)
layers.AvgPool2d = wrapper("AvgPool2d", pooling.avg_pool2d)

---avg_pool3d as a module.
---    nn.AvgPool3d(kernel, stride, padding)
layers.AvgPool3d = wrapper("AvgPool3d", pooling.avg_pool3d)

---max_pool1d as a module.
---    nn.MaxPool1d(kernel, stride, padding)
layers.MaxPool1d = wrapper("MaxPool1d", pooling.max_pool1d)

---max_pool2d as a module.
---    nn.MaxPool2d(kernel, stride, padding)
layers.MaxPool2d = wrapper("MaxPool2d", pooling.max_pool2d)

---max_pool3d as a module.
---    nn.MaxPool3d(kernel, stride, padding)
layers.MaxPool3d = wrapper("MaxPool3d", pooling.max_pool3d)

---upsample_nearest as a module; scale 2 by default.
---    nn.Upsample(scale)
layers.Upsample = wrapper("Upsample", function(x, scale) return x:upsample_nearest(scale) end)

---flatten as a module; all but the first dimension by default.
---    nn.Flatten(first, last)
layers.Flatten = wrapper("Flatten", function(x, first, last) return x:flatten(first or 2, last) end)

return layers
