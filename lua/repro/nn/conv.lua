--- Convolutional layers: Conv1d/2d/3d, ConvTranspose1d/2d/3d, pooling and up-sampling as modules.

local Module = require "repro.nn.module"
local initial = require "repro.nn.initial"
local misuse = require "repro.misuse"
local options = require "repro.options"

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

---y = conv(x, weight) + bias, cross-correlation over n dimensions.
---    nn.Conv2d(c_in, c_out, kernel, {stride = 1, padding = 0, dilation = 1, groups = 1, bias = true,
---                                    init = "kaiming", generator = nil})
---padding = "same" keeps the size for odd kernels and stride 1.
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

---The adjoint of Conv in x; weight (c_in, c_out / groups, kernel).
---    nn.ConvTranspose2d(c_in, c_out, kernel, {stride = 1, padding = 0, output_padding = 0, dilation = 1, groups = 1,
---                                             bias = true, init = "kaiming", generator = nil})
---As in PyTorch fan_in is c_out / groups times the window, since it is taken from the weight's second dimension.
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

for n = 1, 3 do
  layers["Conv" .. n .. "d"] = convolution(n)
  layers["ConvTranspose" .. n .. "d"] = transposed(n)
end

---A module around a function of x and fixed arguments, for use in Sequential.
local function wrapper(name, operation)
  local Wrapper = Module.class(name)
  function Wrapper:init(...) self.arguments = table.pack(...) end
  function Wrapper:forward(x) return operation(x, table.unpack(self.arguments, 1, self.arguments.n)) end
  return Wrapper
end

---nn.AvgPool2d(kernel, stride, padding), nn.MaxPool2d(kernel, stride, padding), nn.Upsample(scale),
---nn.Flatten(first, last)
for n = 1, 3 do
  for _, kind in ipairs { "Avg", "Max" } do
    local name, operation = kind .. "Pool" .. n .. "d", kind:lower() .. "_pool" .. n .. "d"
    layers[name] = wrapper(name, function(x, ...) return x[operation](x, ...) end)
  end
end
layers.Upsample = wrapper("Upsample", function(x, scale) return x:upsample_nearest(scale or 2) end)
layers.Flatten = wrapper("Flatten", function(x, first, last) return x:flatten(first or 2, last or -1) end)

return layers
