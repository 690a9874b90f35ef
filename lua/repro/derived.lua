--- Derived operations: those that are a few operations of the core in a row.
---
--- Each is one Lua function.  It becomes rp.NAME(x, ...) and the method x:NAME(...), and it is differentiable
--- because its parts are.  The functions live in derived/: arrange (shapes and positions), statistics
--- (reductions and similarities), convolution (and pooling), network (what other layers do) and loss.

local derived = {}

for _, part in ipairs { "arrange", "statistics", "convolution", "network", "loss" } do
  for name, operation in pairs(require("repro.derived." .. part)) do
    if derived[name] then error("derived operation '" .. name .. "' is defined twice") end
    derived[name] = operation
  end
end

return derived
