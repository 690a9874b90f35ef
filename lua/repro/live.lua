--- What a compiled step does anew in every call.
local core = require "repro.core"

--- Calls fn().  In a step of rp.compile it is not recorded: every later call of the step calls it again, at this place among
--- the recorded operations.  It is the place for what Lua must see or count:
---
---     rp.live(function()
---       steps = steps + 1
---       if loss:item() > 10 then error "diverged" end
---       weight:fill_(0.99 ^ steps)                -- a tensor changed in place reaches the recorded operations
---     end)
---
--- Tensors it makes do not: recorded operations know those that were there.  A variable that it sets to another tensor is
--- found when the recordings are compared, and refused.
---@param fn fun() without arguments and results
local function live(fn) core.program_live(fn) end

return live
