--- Functions of more examples than memory has room for at once.

local core = require "repro.core"

local parts = {}

---fn of many examples, `size` of them at a time and without a graph: the values of fn(x, ...) where rows do not depend on each
---other, in less memory.
---    local codes = nn.in_parts(function(x) return (encoder(x)) end, 500, images)
---@param fn Module|fun(x: Tensor, ...): Tensor, ... results with a row for each row of x
---@param size integer rows
---@param x Tensor (n, ...)
---@param ... Tensor? (n, ...) cut in the same places; nil stays nil
---@return Tensor ... the results, concatenated
function parts.in_parts(fn, size, x, ...)
  local n = x:size(1)
  local function call(...) return fn(...) end               -- of a module too
  if n <= size then return core.no_grad(call, x, ...) end
  local lists, given = {}, table.pack(x, ...)
  for first = 1, n, size do
    local piece = {}
    for k = 1, given.n do piece[k] = given[k] and given[k]:slice(1, first, math.min(first + size - 1, n)) end
    for k, y in ipairs { core.no_grad(call, table.unpack(piece, 1, given.n)) } do
      lists[k] = lists[k] or {}
      table.insert(lists[k], y)
    end
  end
  for k, list in ipairs(lists) do lists[k] = core.concat(1, list) end
  return table.unpack(lists)
end

return parts
