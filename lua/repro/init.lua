--- repro: tensors with the same bits on every machine, and papers that check themselves.
---
---     local rp = require "repro"
---     local x = rp.randn(2, 3)
---     print(x:relu():sum())
---
--- Everything of repro.core (the operations of src/kernel/ops.def among it) and of repro.derived is a function here,
--- and a method of tensors where its first argument is one.  Sub-libraries load when they are first named.
local core = require "repro.core"

core.library((debug.getinfo(1, "S").source:gsub("^@", ""):gsub("repro/init%.lua$", "")))

local rp = {}
for name, value in pairs(core) do rp[name] = value end -- order does not matter: a copy
rp.core, rp.special, rp.linalg = core, nil, nil -- the libraries of these names add to the core's
rp.device = require "repro.device".choose
require "repro.inputs".watch(rp.io)

local methods = core.methods
for _, op in ipairs(core.ops()) do methods[op.name] = core[op.name] end

local libraries = {}
for _, name in ipairs(require "repro.libraries") do libraries[name] = true end

setmetatable(rp, {
  __index = function(self, name)
    if not libraries[name] then
      local names = {}
      for known in pairs(self) do names[#names + 1] = known end
      table.sort(names)
      require "repro.misuse"("repro has no function or library '%s'%s", name, require("repro.nearest").hint(name, names))
    end
    local library = require("repro." .. name)
    rawset(self, name, library)
    return library
  end,
})

-- Derived operations are written with `rp` itself, so it must be found while they load.
package.loaded["repro"] = rp
for name, fn in pairs(require "repro.derived") do -- a copy again
  rp[name] = fn
  if methods[name] == nil then methods[name] = fn end
end

return rp
