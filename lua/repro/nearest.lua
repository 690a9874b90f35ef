--- The nearest of several names, for "did you mean ...?".
local nearest = {}

--- Edit distance with adjacent transpositions (optimal string alignment).
---@param a string
---@param b string
---@return integer distance insertions, deletions, substitutions and swaps of neighbours that lead from a to b
function nearest.distance(a, b)
  local before, row, above = {}, {}, {}
  for j = 0, #b do above[j] = j end
  for i = 1, #a do
    row[0] = i
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local best = math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        best = math.min(best, before[j - 2] + 1)
      end
      row[j] = best
    end
    before, above, row = above, row, before
  end
  return above[#b]
end

--- The candidate nearest to a name, if it is near enough to be a slip of the keyboard.
---@param name string
---@param candidates string[] the first of equally near ones wins
---@return string|nil
function nearest.find(name, candidates)
  local best, best_distance
  for _, candidate in ipairs(candidates) do
    local d = nearest.distance(name:lower(), candidate:lower())
    if not best_distance or d < best_distance then best, best_distance = candidate, d end
  end
  local limit = math.max(1, #name // 3)
  if best_distance and best_distance <= limit and best_distance < #name then return best end
  for _, candidate in ipairs(candidates) do                -- an abbreviation
    if #name >= 2 and candidate:sub(1, #name) == name then return candidate end
  end
  return nil
end

--- The hint that ends an error message.
---@param name string
---@param candidates string[]
---@return string text '; did you mean "x"?', or the candidates if they are few, or nothing
function nearest.hint(name, candidates)
  local found = nearest.find(name, candidates)
  if found then return ('; did you mean "%s"?'):format(found) end
  if #candidates > 0 and #candidates <= 12 then return "; known: " .. table.concat(candidates, ", ") end
  return ""
end

return nearest
