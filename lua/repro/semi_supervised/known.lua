--- Labels of which some are unknown.

local features = require "repro.metrics.features"
local misuse = require "repro.misuse"

local known = {}

-- Labels (n) with 0 for unknown, and the number of classes.
--   returns Tensor (n) int64
--   returns integer C
function known.labels(who, labels, n, classes)
  local y = features.labels(who, labels, n)
  local least, most = y:min():item(), y:max():item()
  local c = classes or most
  if least < 0 or most > c then
    misuse("%s: labels run from %d to %d, but must lie in 0..%d, 0 for unknown", who, least, most, c)
  end
  if most == 0 then misuse("%s: no example has a label", who) end
  return y, c
end

-- Rows (n, C) float64 that are 1 at the label, and 0 where it is unknown.
function known.targets(y, c) return y:maximum(1):one_hot(c, "float64") * y:gt(0):to("float64"):unsqueeze(2) end

-- Where a mask (n) is true, ascending.
--   returns Tensor int64
function known.positions(mask)
  local _, order = mask:eq(0):to("int64"):sort()
  return order:slice(1, 1, math.tointeger(mask:to("float64"):sum():item()))
end

---Where labels are known, and where not.
---@param labels Tensor (n) int, 0 where unknown
---@return Tensor labelled (m) int64, positions in ascending order
---@return Tensor unlabelled (n - m) int64
function known.labelled(labels)
  local y = features.labels("labelled", labels)
  return known.positions(y:gt(0)), known.positions(y:eq(0))
end

return known
