--- rp.runs: means, ranges, columns and lazy tables of several runs.
local rp = require "repro"
local T = require "tap"
local runs = rp.runs

T.eq(runs.mean { 1, 2, 6 }, 3.0, "mean")
T.ok(runs.mean {} ~= runs.mean {}, "... of nothing is not a number")
T.eq({ runs.range { 2, -1, 5 } }, { -1, 5 }, "range")
T.eq(runs.text { 0.25 }, "0.250", "text of one run")
T.eq(runs.text({ 1, 2, 6 }, "%.1f"), "3.0 (1.0 to 6.0)", "... and of three")
local list = { { a = 1, fd = { A = 3 } }, { a = 2, fd = { A = 4 } } }
T.eq(runs.column(list, "a"), { 1, 2 }, "column")
T.eq(runs.column(list, "fd", "A"), { 3, 4 }, "... of tables in tables")
T.raises(function() runs.column(list, "a", "b") end, "element 1 has no b", "a key of what is no table")
T.raises(function() runs.mean(3) end, "a list is wanted, not a number", "no list")
T.eq(runs.map({ 3, 5 }, function(x, i) return x * i end), { 3, 10 }, "map")
T.raises(function() runs.map(nil, print) end, "a list is wanted, not a nil", "... of no list")
local function product(x, y, i, j) return ("%d %d %d %d"):format(x, y, i, j) end
T.eq(runs.rows({ 3, 5 }, { 7, 9 }, tostring, product), { { "3", "3 7 1 1", "3 9 1 2" }, { "5", "5 7 2 1", "5 9 2 2" } }, "rows")
T.eq(runs.rows({ 3 }, { 7 }, function(x) return { x, -x } end, product), { { 3, -3, "3 7 1 1" } }, "... of two labels")

local made = {}
local squares = runs.lazy(function(k)
  made[#made + 1] = k
  return k > 1 and k * k or nil
end)
T.eq({ squares[3], squares[2], squares[3] }, { 9, 4, 9 }, "lazy")
T.eq(made, { 3, 2 }, "... makes a value once")
T.eq(squares[1], nil, "... or none")

local P = rp.paper { id = "runs", title = "Runs", settings = { seeds = { 3, min = 1, help = "runs" } } }
T.eq(P:over_seeds(function(seed, i) return { seed - P.seed, i } end), { { 0, 1 }, { 1, 2 }, { 2, 3 } }, "P:over_seeds")
T.done()
