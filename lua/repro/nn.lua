--- repro.nn: networks.
---
--- A module is a plain table: net(x) calls net:forward(x), net:parameters() lists its tensors in the order of their
--- making.  See nn/module.lua for the base, nn/initial.lua for initial weights; every class documents its options.

local Module = require "repro.nn.module"

local nn = {
  Module = Module,
  class = Module.class,
  is_module = Module.is_module,
  activation = require "repro.nn.activation",
  initial = require "repro.nn.initial",
}

for _, part in ipairs { "linear", "conv", "norm", "embedding", "residual", "attention", "patches", "vit", "dit", "one_step",
                        "point_transformer", "unet", "mlp_unet", "strided", "wide_resnet", "lora", "in_parts" } do
  for name, value in pairs(require("repro.nn." .. part)) do
    if nn[name] then error("repro.nn." .. name .. " is defined twice") end
    nn[name] = value
  end
end

return nn
