--- What stands in a table of the report: heads and cells as text, and one for each column.
local checks = require "repro.checks"
local misuse = require "repro.misuse"

local function cell(value, where)
  value = checks.plain(value)
  local kind = type(value)
  if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
    misuse("%s holds numbers, strings and truth values, not a %s", where, kind)
  end
  return kind == "string" and value or checks.show(value)
end

---@param name string of the table
---@param header table array
---@param rows table array of arrays; a missing cell is empty
---@return string[] heads
---@return string[][] cells
local function cells(name, header, rows)
  local heads, lines = {}, {}
  for j, text in ipairs(header) do heads[j] = cell(text, ('P:table "%s": the header'):format(name)) end
  for i, row in ipairs(rows) do
    local where = ('P:table "%s": row %d'):format(name, i)
    if type(row) ~= "table" then
      misuse("%s is a %s; rows are arrays, one value for each of the %d columns", where, type(row), #heads)
    end
    lines[i] = {}
    for j = 1, #heads do lines[i][j] = row[j] == nil and "" or cell(row[j], where) end
    for j in next, row do
      if not (math.type(j) == "integer" and j >= 1 and j <= #heads) then
        misuse("%s has a value at %s, and the header names %d columns", where, tostring(j), #heads)
      end
    end
  end
  return heads, lines
end

return cells
