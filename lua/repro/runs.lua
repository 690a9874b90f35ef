--- Lists of what several runs have measured, one value for each seed, and tables of runs that are made when they are needed.
---
---     local trained = rp.runs.lazy(function(width)
---       return P:over_seeds(function(seed) return train(width, seed) end)
---     end)
---     P:table("Widths", {"width", "accuracy"}, {{64, rp.runs.text(rp.runs.column(trained[64], "accuracy"))}})
local misuse = require "repro.misuse"

local runs = {}

local function check(list, who)
  if type(list) ~= "table" then misuse("runs.%s: a list is wanted, not a %s", who, type(list)) end
end

---The mean, added in order.
---@param list number[]
---@return number mean of nothing: not a number
function runs.mean(list)
  check(list, "mean")
  local sum = 0.0
  for _, x in ipairs(list) do sum = sum + x end
  return sum / #list
end

---The least and the greatest.
---@param list number[] one or more
---@return number least
---@return number greatest
function runs.range(list)
  check(list, "range")
  local low, high = math.huge, -math.huge
  for _, x in ipairs(list) do
    if x < low then low = x end
    if x > high then high = x end
  end
  return low, high
end

---What a table shows of several runs: "mean (least to greatest)", or the number alone where there is one.
---@param list number[]
---@param format? string default "%.3f"
---@return string text
function runs.text(list, format)
  format = format or "%.3f"
  local text = format:format(runs.mean(list))
  if #list == 1 then return text end
  local low, high = runs.range(list)
  return ("%s (%s to %s)"):format(text, format:format(low), format:format(high))
end

---What each run has under a key, or under keys one below the other: column(list, "fd", "A") has list[i].fd.A.
---@param list table[]
---@param ... any keys
---@return table column
function runs.column(list, ...)
  check(list, "column")
  local out, keys = {}, { ... }
  for i, row in ipairs(list) do
    for _, key in ipairs(keys) do
      if type(row) ~= "table" then misuse("runs.column: element %d has no %s", i, tostring(key)) end
      row = row[key]
    end
    out[i] = row
  end
  return out
end

---What f gives of each element: {f(list[1], 1), f(list[2], 2), ...}.
---@param list table
---@param f fun(value: any, i: integer): any
---@return table
function runs.map(list, f)
  check(list, "map")
  local out = {}
  for i, value in ipairs(list) do out[i] = f(value, i) end
  return out
end

---Rows of a table: each begins with a label, then has a cell for each column.
---    runs.rows(methods, scores, function(m) return m.name end, function(m, score) return runs.text(values(m, score)) end)
---@param items table one for each row
---@param columns table one for each column behind the label's
---@param label fun(item: any, i: integer): string|string[] or several labels
---@param cell fun(item: any, column: any, i: integer, j: integer): number|string
---@return table rows
function runs.rows(items, columns, label, cell)
  return runs.map(items, function(item, i)
    local first = label(item, i)
    local row = type(first) == "table" and { table.unpack(first) } or { first }
    for j, column in ipairs(columns) do row[#row + 1] = cell(item, column, i, j) end
    return row
  end)
end

---A table whose values are made when they are first asked for: a section that `--only` leaves out trains nothing.
---@param make fun(key: any): any
---@return table lazy
function runs.lazy(make)
  return setmetatable({}, { __index = function(self, key)
    local value = make(key)
    rawset(self, key, value)
    return value
  end })
end

return runs
