--- Paper scripts: parsing, settings, checks, pins, the sandbox, reports.
local T = require "tap"
local checks = require "repro.checks"
local json = require "repro.json"
local literate = require "repro.literate"
local nearest = require "repro.nearest"
local pin = require "repro.pin"
local progress = require "repro.progress"
local settings = require "repro.settings"

-- ---- literate ------------------------------------------------------------------------------------------------------
local source = [==[
local rp = require "repro"
local P = rp.paper{ id = "demo", title = "A demo", year = 2026, settings = { n = 3 } }
--[[
# Title

## 1  First $x$
Prose.
```lua
# no heading
```
]]
local function f(x)
  --[[ stays code ]]
  return x
end
--[[ ## 2  Second ]]
P:exact("one", f(1), 1)
P:pinned("two", f(0.1), {smoke = -1.5, small = 2}, {where = "Eq. 1"})
P:pinned("three", f(2))
for i = 1, 2 do P:claim("c" .. i, "dynamic", true) end
return 10^-3, f(2)^2
]==]
local document = literate.parse(source, "demo.lua")
local kinds = {}
for i, block in ipairs(document.blocks) do kinds[i] = ("%s %d-%d"):format(block.kind, block.first, block.last) end
T.eq(kinds, { "code 1-2", "prose 4-10", "code 12-15", "prose 16-16", "code 17-21" }, "blocks and their lines")
T.eq(#document.headings, 3, "headings outside fences")
T.eq(document.headings[2].slug, "1-first", "a heading's slug")
T.eq(literate.header(document).title, "A demo", "the header is read without running")
local calls = literate.checks(document)
T.eq(#calls, 4, "checks are found without running")
T.eq(calls[2].id, "two", "their ids")
T.eq(calls[4].id, nil, "an id that is no literal")
T.eq(#literate.parse("", "x").blocks, 0, "an empty script")
T.eq(literate.parse("--[[ open", "x").blocks[1] ~= nil, true, "a comment that is never closed does not fail")
T.eq(literate.parse("--[==[\n  a\n    b\n]==]", "x").blocks[1].text, "a\n  b", "shared indentation is removed")

-- ---- nearest ---------------------------------------------------------------------------------------------------------
T.eq(nearest.distance("kitten", "sitting"), 3, "edit distance")
T.eq(nearest.distance("ab", "ba"), 1, "a swap of neighbours counts one")
T.eq(nearest.find("stesp", { "lr", "steps" }), "steps", "the nearest name")
T.eq(nearest.find("zzzz", { "lr", "steps" }), nil, "nothing near")

-- ---- settings ----------------------------------------------------------------------------------------------------------
local declared = {
  steps = { smoke = 20, small = 300, paper = 4600, min = 1 }, lr = 0.5, dataset = { "glyphs", choices = { "glyphs", "mnist" } },
  fast = false, widths = { { 32, 64 } },
}
local values, rows = settings.resolve(declared, "smoke", {})
T.eq(values, { steps = 20, lr = 0.5, dataset = "glyphs", fast = false, widths = { 32, 64 } }, "defaults of a scale")
T.eq(rows[1].name, "dataset", "rows in the order of names")
values, rows = settings.resolve(declared, "small",
  { { "steps", "7" }, { "lr", "1" }, { "dataset", "mnist" }, { "fast", "yes" }, { "widths", "1,2,3" } })
T.eq(values, { steps = 7, lr = 1.0, dataset = "mnist", fast = true, widths = { 1, 2, 3 } }, "values by --set")
T.eq(math.type(values.lr), "float", "a float setting stays a float")
T.eq(rows[1].changed, true, "a changed setting is marked")
local function set(name, text) return function() settings.resolve(declared, "small", { { name, text } }) end end
T.raises(set("stps", "3"), 'no such setting; did you mean "steps"', "an unknown key names the nearest")
T.raises(set("steps", "many"), "expected a number", "a wrong type")
T.raises(set("steps", "1.5"), "expected a whole number", "a fraction for an integer")
T.raises(set("steps", "0"), "outside 1", "below the least value")
T.raises(set("dataset", "mnst"), 'did you mean "mnist"', "an unknown choice")
T.raises(function() settings.resolve({ x = { smoke = 1 } }, "small") end, "no value at scale small", "a scale without value")
T.raises(function() settings.resolve({ x = { 1, hlep = "?" } }, "small") end, 'unknown field hlep; did you mean "help"', "a field")

-- ---- checks ------------------------------------------------------------------------------------------------------------
T.eq(checks.exact(1.0, 1, 0).status, "pass", "exact: equal")
T.eq(checks.exact(1.1, 1, 0.05).status, "fail", "exact: outside the tolerance")
T.eq(checks.exact(1.04, 1, 0.05).status, "pass", "exact: inside the tolerance")
T.eq(checks.exact(0 / 0, 1, 10).status, "fail", "exact: NaN never passes")
T.eq(checks.exact(math.huge, 1, math.huge).status, "fail", "exact: infinity is not near a number")
T.eq(checks.exact({ 1, 2 }, { 1, 2 }).status, "pass", "exact: lists")
T.eq(checks.exact({ 1, 2 }, { 1 }).status, "fail", "exact: lists of other lengths")
T.eq(checks.exact(true, true).status, "pass", "exact: a truth value")
T.eq(checks.exact(2, { op = ">=", bound = 1 }).status, "pass", "exact: a bound")
T.eq(checks.exact(0.5, { op = ">=", bound = 1 }, 0.6).status, "pass", "exact: a bound with slack")
T.eq(checks.pinned(0.1, { small = 0.1 }, "small").status, "pass", "pinned: the same double")
T.eq(checks.pinned(0.1 + 2 ^ -56, { small = 0.1 }, "small").status, "fail", "pinned: another last bit")
local third = string.unpack("<f", string.pack("<f", 1 / 3))
T.eq(checks.pinned(third, { small = 0.333333343 }, "small").status, "pass", "pinned: nine digits tell a float32")
T.eq(checks.pinned(third, { small = 0.33333334 }, "small").status, "pass", "pinned: fewer digits that round to it")
T.eq(checks.pinned(third, { small = 0.333333373 }, "small").status, "fail", "pinned: the next float32")
T.eq(checks.pinned(1 / 3, { small = 0.333333343 }, "small").status, "fail", "pinned: nine digits do not tell a double")
T.eq(checks.pinned(3, {}, "small").status, "not pinned", "pinned: a scale without pin")
T.eq(checks.pinned(3, { small = 3 }, "small", "seed 2").status, "not pinned", "pinned: another seed")
local hash = ("0123456789abcdef"):rep(4)
T.eq(checks.pinned(hash, { small = hash:sub(1, 16) }, "small").status, "pass", "pinned: the head of a SHA-256")
T.eq(checks.pinned(hash, { small = hash:sub(1, 8) }, "small").status, "fail", "pinned: too short a head")
T.eq(checks.claim(true, {}, "small").status, "pass", "claim: holds")
T.eq(checks.claim(false, {}, "small").status, "not reproduced", "claim: does not hold")
T.eq(checks.claim(false, { gate = true }, "small").status, "fail", "claim: a gate that does not hold")
T.eq(checks.claim(false, { gate = "paper" }, "small").status, "not reproduced", "claim: a gate of another scale")
T.eq(checks.claim({ value = 1, op = ">", bound = 2 }, {}, "small").status, "not reproduced", "claim: an inequality")
T.eq(checks.claim({ value = 0 / 0, op = "<", bound = 2 }, {}, "small").status, "not reproduced", "claim: NaN never passes")
T.raises(function() checks.claim({ value = 1, op = "=>", bound = 2 }, {}, "small") end, "comparison is one of", "claim: a wrong sign")
for _, x in ipairs { 0.1, 1 / 3, third, 1e300, 5e-324, 1.0, -0.25, 123456789.125, 2 ^ 53 } do
  T.eq(checks.pinned(x, { small = tonumber(checks.literal(x)) }, "small").status, "pass", "a literal reads back: " .. checks.literal(x))
end
T.eq(checks.literal(1.0), "1.0", "a float stays a float")
T.eq(checks.literal(7), "7", "an integer stays an integer")

-- ---- pins --------------------------------------------------------------------------------------------------------------
local measured = { { kind = "pinned", id = "two", status = "fail", measured = 0.5 }, { kind = "pinned", id = "three", status = "not pinned",
  measured = 2.0 }, { kind = "pinned", id = "absent", status = "fail", measured = 1.0 } }
local text, skipped = pin.rewrite(document, measured, "smoke")
T.ok(text:find('P:pinned("two", f(0.1), {smoke = 0.5, small = 2}, {where = "Eq. 1"})', 1, true), "a literal with its sign is replaced")
T.ok(text:find('P:pinned("three", f(2), {smoke = 2.0})', 1, true), "a first pin is added")
T.eq(skipped[1] and skipped[1].id, "absent", "a pin that is not in the script is reported")
T.eq(#pin.diff(source, text), 2, "only two lines change")
local other = pin.rewrite(document, { measured[1] }, "paper")
T.ok(other:find("{smoke = -1.5, small = 2, paper = 0.5}", 1, true), "a pin for another scale is added")
local function rewrite_one(call, value)
  local d = literate.parse(call, "x")
  local result, left = pin.rewrite(d, { { kind = "pinned", id = "a", status = "fail", measured = value } }, "small")
  return result, left[1] and left[1].reason
end
T.eq(rewrite_one('P:pinned("a", x, {})', 1), 'P:pinned("a", x, {small = 1})', "an empty table")
T.eq(rewrite_one('P:pinned("a", x, {small = "0011223344556677"})', hash), 'P:pinned("a", x, {small = "0123456789abcdef"})', "a hash")
T.eq(checks.pinned("x", { small = "x" }, "small").status, "pass", "pinned: a word")
T.eq(rewrite_one('P:pinned("a", x, {small = "y"})', "x \"1\"\n"), 'P:pinned("a", x, {small = "x \\"1\\"\\n"})', "a word")
T.eq(rewrite_one('P:pinned("a", x, {["small"] = -2, })\r\n', 1), 'P:pinned("a", x, {["small"] = 1, })\r\n', "CRLF, a key in brackets")
T.eq(rewrite_one('P:pinned("b", y, {small = 7}) P:pinned("a", x, {small = 3})', 1),
  'P:pinned("b", y, {small = 7}) P:pinned("a", x, {small = 1})', "two checks on a line, no line end")
T.eq(rewrite_one('P:pinned("a", x, { -- why {\n small = 3 --[[ } ]] })', 1), 'P:pinned("a", x, { -- why {\n small = 1 --[[ } ]] })',
  "comments inside")
do
  local d = literate.parse('if c then P:pinned("a", x, {small = 1})\nelse P:pinned("a", y,\n{small = 2}) end', "x")
  T.eq(pin.rewrite(d, { { kind = "pinned", id = "a", status = "fail", measured = 5, line = 3 } }, "small"),
    'if c then P:pinned("a", x, {small = 1})\nelse P:pinned("a", y,\n{small = 5}) end', "an id in two branches: the one that ran")
  T.eq(select(2, pin.rewrite(d, { { kind = "pinned", id = "a", status = "fail", measured = 5 } }, "small"))[1].reason,
    "its id is in several places of the script", "and none where that is not known")
end
T.eq(select(2, rewrite_one('P:pinned("a", x, {small = 1 + 1})', 1)) ~= nil, true, "an expression is not replaced")
T.eq(select(2, rewrite_one('P:pinned("a", x, pins)', 1)) ~= nil, true, "a variable is not replaced")
T.eq(select(2, rewrite_one('P:pinned("a", x)', 0 / 0)), "the measured value is not finite", "NaN is not pinned")

-- ---- json --------------------------------------------------------------------------------------------------------------
T.eq(json.line { b = 1, a = { 1, 2.5, "x\n\"" } }, '{ "a": [1, 2.5, "x\\n\\""], "b": 1 }', "sorted keys, escapes")
T.eq(json.number(0.1), "0.1", "the shortest decimal")
T.eq(json.number(1 / 3), "0.3333333333333333", "as many digits as needed")
T.eq(json.line { 0 / 0, math.huge }, '["nan", "inf"]', "numbers JSON does not have")
T.eq(json.line(json.object { { "z", 1 }, { "y", nil }, { "a", true } }), '{ "z": 1, "a": true }', "an order of one's own")
T.eq(json.line { "\255" }, '["?"]', "bytes that are not UTF-8")

-- ---- progress ----------------------------------------------------------------------------------------------------------
T.eq(progress.sparkline({ 0, 7 }, 8), "▁█", "a sparkline")
T.eq(utf8.len(progress.sparkline({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, 4)), 4, "a thinned sparkline")
T.eq(progress.sparkline({ 0 / 0, 1, 2 }, 8):sub(1, 1), "?", "NaN in a sparkline")
T.eq({ progress.duration(0.5), progress.duration(31.24), progress.duration(185), progress.duration(7800) },
  { "0.50 s", "31.2 s", "3 min 05 s", "2 h 10 min" }, "durations")
do
  local now, columns, lines = 0, 100, {}
  local line = progress.new { live = true, clock = function() return now end, memory = function() return 2.1e8 end,
                              columns = function() return columns end, write = function(...) lines[#lines + 1] = table.concat { ... } end }
  local function shown(i)
    line:update(i, 100, "training")
    return (lines[#lines]:gsub("^\r\27%[K", ""))
  end
  T.eq(shown(1), "training  1/100  210 MB", "a live line begins with step and memory")
  now = 0.05
  T.eq({ shown(2), #lines }, { "training  1/100  210 MB", 1 }, "it is drawn at most ten times a second")
  line:watch(8)
  line:watch(4)
  now = 1
  T.eq(shown(10), "training  10/100  4  10/s  left 9.0 s  210 MB", "then with the latest loss, rate and time left")
  now = 2
  line:watch(require("repro").ones(1))
  line:expect(60)
  T.eq(shown(20), "training  20/100  █▁  1  10/s  left 8.0 s  run left 60.0 s  210 MB", "a sparkline, and the time of the whole run")
  local widths = {}
  for k, width in ipairs { 60, 50, 40, 30, 20, 10 } do
    now, columns = now + 1, width
    widths[k] = shown(20 + k)
    T.ok(utf8.len(widths[k]) < width, "the line has room in " .. width .. " columns", widths[k])
  end
  T.ok(widths[6]:find "^training", "what is left at last is what is being done", widths[6])
  line:clear()
  T.eq(lines[#lines], "\r\27[K", "the line is removed")
  local count = #lines
  line:clear()
  T.eq(#lines, count, "once")
  progress.new({ live = false }):update(1, 2, "quiet")
end
T.eq({ progress.bytes(12), progress.bytes(2.1e8), progress.bytes(3e9) }, { "12 B", "210 MB", "3.00 GB" }, "bytes")

-- ---- the sandbox -------------------------------------------------------------------------------------------------------
local sandbox = require "repro.sandbox"
local env = sandbox.new { seed = 1 }
local function run(code) return assert(load(code, "=script", "t", env))() end
T.eq(run [[
  local t = { z = 1, a = 2, [10] = 3, [2] = 4, [1] = 5, [1.5] = 6, [true] = 7, [false] = 8 }
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = tostring(key) end
  return table.concat(keys, " ")]], "1 2 10 1.5 a z false true", "the order of pairs")
T.eq(run [[
  local t, keys = { c = 1, a = 2, b = 3 }, {}
  local key = next(t)
  while key do keys[#keys + 1] = key; t[key] = nil; key = next(t, key) end
  return table.concat(keys) .. tostring(next(t))]], "abcnil", "the order of next, with removal")
T.eq(run "local n = 0; for i, v in pairs({5, 6, 7}) do n = n + i * v end; return n", 38, "pairs over an array")
T.eq(run("local t = setmetatable({}, {__pairs = function() return function(_, k) if not k then return 1, 2 end end end}); "
  .. "for k, v in pairs(t) do return k + v end"), 3, "__pairs is honoured")
T.raises(function() run "for _ in pairs({[{}] = 1}) do end" end, "no defined order", "a table as key")
for _, name in ipairs { "os.time()", "os.clock()", "os.date()", "os.getenv('HOME')", "os.execute('true')", "io.popen('true')",
                        "io.tmpfile()", "os.exit()", "debug.getinfo(1)" } do
  T.raises(function() run(name) end, "is not available to a script", name .. " is absent")
end
T.eq(run "return tostring({}) .. tostring(print) .. ('%s'):format('x')", "tablefunctionx", "no addresses in text")
T.eq(run "return string.format('%s %d %5.2f %%', {}, 3, 1.5)", "table 3  1.50 %", "string.format")
T.raises(function() run "return string.format('%p', {})" end, "address", "%p")
T.eq(run [[
  local t = {}
  for i = 1, 300 do t[i] = { key = i % 7, place = i } end
  table.sort(t, function(a, b) return a.key < b.key end)
  for i = 2, #t do
    if t[i].key < t[i - 1].key or t[i].key == t[i - 1].key and t[i].place < t[i - 1].place then return false end
  end
  return true]], true, "table.sort is stable")
T.eq(run "local t = {3, 1, 2}; table.sort(t); return table.concat(t)", "123", "table.sort without a function")
T.eq(run "local t = {3, 1, 2}; table.sort(t, function(a, b) return a > b end); return table.concat(t)", "321", "table.sort downwards")
local function draws(seed)
  local e = sandbox.new { seed = seed }
  return assert(load("local t = {}; for i = 1, 5 do t[i] = math.random() end; t[6] = math.random(10); t[7] = math.random(-5, 5); "
    .. "t[8] = math.random(0); t[9] = math.random(math.mininteger, math.maxinteger); return t", "=s", "t", e))()
end
T.eq(draws(3), draws(3), "math.random depends on the seed alone")
T.ok(draws(3)[1] ~= draws(4)[1], "another seed, other numbers")
T.eq(run "math.randomseed(5); local a = math.random(); math.randomseed(5); return a == math.random()", true, "math.randomseed")
T.eq(run("for i = 1, 2000 do local x, y = math.random(), math.random(3); if x < 0 or x >= 1 or y < 1 or y > 3 then return false end end; "
  .. "return true"), true, "ranges of math.random")
T.raises(function() run "math.random(2, 1)" end, "interval is empty", "an empty interval")
T.eq(run "return load('return 1 + 1')()", 2, "load")
T.eq(run "x = 1; return _G.x", 1, "globals of the script")
T.eq(rawget(_G, "x"), nil, "do not leak")

-- ---- a run from start to end, and its report --------------------------------------------------------------------------------
local rp = require "repro"
local paper = require "repro.paper"
local rundir = require "repro.rundir"
local files = require "repro.files"

local directory = os.tmpname()
os.remove(directory)
local script = directory .. "/demo.lua"
rp.io.mkdir(directory)

local body = [==[
local rp = require "repro"
local P = rp.paper{ id = "demo", title = "A demo of $x^2$", authors = "A & B", arxiv = "1234.56789", year = 2026,
  settings = { steps = {smoke = 2, small = 4, paper = 8, help = "steps"}, dataset = {"glyphs"} } }
--[[ ## 1  Some mathematics
Let $x_i < y$ and
$$ \sum_{i=1}^n x_i = 1 . $$
Prices: $5 and $6. Code: `a $b$ c`. <script>alert(1)</script>

| a | b |
|---|--:|
| $x$ | 2 | ]]
P:exact("half", 0.5, 1 / 2, 0, {where = "Eq. 1"})
local function inner() P:claim("big", "The value is big", {value = 1, op = ">=", bound = 2}, {where = "Sec. 2"}) end
inner()
--[[ ## 2  Results ]]
for i = 1, P.steps do P:log{step = i, loss = 1 / i}; P:progress(i, P.steps, "training") end
P:pinned("n", P.steps, {smoke = 2, small = 5})
P:quoted("q", 0.86, {ours = 0.5, where = "Table 1"})
P:not_run("llava", "too large", {where = "Table 3"})
P:figure("Figure 1", "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'/>", "A caption with $y$.")
P:table("Table 1", {"name", "value"}, {{"a", 1.5}, {"b | c", "0.5 (0.4 to 0.6)"}}, "Numbers.")
P:note("Seen %d times.", 3)
]==]

local function run_paper(code_text, choices)
  files.write(script, code_text)
  choices.script, choices.source, choices.text, choices.out = script, "@" .. script, code_text, directory .. "/run"
  choices.scale, choices.seed = choices.scale or "smoke", choices.seed or 1
  paper.start(choices)
  local globals = sandbox.new { seed = choices.seed, out = { write = function() end } }
  local ok, message = pcall(assert(load(code_text, "@" .. script, "t", globals)))
  if not ok and message ~= paper.done then error(message, 0) end
  return paper.current():finish(), message
end

local result = run_paper(body, {})
T.eq({ result.counts.pass, result.counts.fail, result.counts.not_reproduced, result.counts.not_run, result.counts.quoted },
  { 2, 0, 1, 1, 1 }, "the counts of a run")
T.eq(result.verdict, "pass", "a claim that is not reproduced does not fail the run")
T.eq(result.checks[2].line, 13, "a check knows its line")
local read = assert(rundir.read(directory .. "/run"))
T.eq(read.checks[1].id, "half", "result.json is read back")
T.eq(read.hashes.measured, result.hashes.measured, "with its hashes")
T.eq(files.read(directory .. "/run/log.jsonl"), '{ "loss": 1.0, "step": 1 }\n{ "loss": 0.5, "step": 2 }\n', "log.jsonl")
local again = run_paper(body, {})
T.eq(again.hashes.measured, result.hashes.measured, "a second run has the same fingerprint")
T.eq(run_paper(body, { scale = "small" }).counts.fail, 1, "a pinned number that changed fails")
T.eq(checks.changed_pins(paper.current():finish().checks)[1], "n: 5 -> 4", "and is named")
T.eq(run_paper(body, { seed = 2 }).counts.not_pinned, 1, "another seed is not pinned")
T.eq(run_paper(body, { set = { { "steps", "3" } } }).counts.not_pinned, 1, "a changed setting is not pinned")
local only = run_paper(body, { only = "big" })
T.eq(#only.checks, 1, "--only records one check")

run_paper(body, {})
local page = files.read(directory .. "/run/report.html")
for _, part in ipairs { "<!DOCTYPE html>", "<math", "not reproduced", "Figure 1", "data:image/svg+xml;base64,", 'id="1-some-mathematics"',
                        "A &amp; B", "arXiv:1234.56789", "<td", "prefers-color-scheme", 'name="viewport"', "All checks", "Settings",
                        '<td class="r">0.5 <span class="range">(0.4 to 0.6)</span></td>' } do
  T.ok(page:find(part, 1, true), "report.html has " .. part)
end
local prose = require "repro.prose"
local long = prose.inline "$\\ell_{pos} = -\\frac{u + w}{2\\tau} + \\log(e^{u/\\tau} + e^{w/\\tau}) = \\log 2\\cosh\\frac{u - w}{2\\tau}$"
T.eq(select(2, long:gsub("<wbr>", "")), 2, "a long formula in a sentence may break after its relations")
T.eq(select(2, prose.inline("$a_{i=1} = b$"):gsub("<wbr>", "")), 0, "a short one does not")
T.ok(not page:find("<script", 1, true), "no script in the page")
T.ok(not page:find("src=\"http", 1, true) and not page:find("<link", 1, true), "nothing is loaded from elsewhere")
T.ok(page:find("Prices: $5 and $6", 1, true), "dollars that are money stay")
T.ok(page:find("a $b$ c", 1, true), "no mathematics inside code")
local _, tables = page:gsub("<table", "")
T.eq(tables, 4, "a table of the prose, one of the script, checks, settings")
T.ok(page:find('<nav class="toc ui">', 1, true) and page:find('<details class="toc ui">', 1, true), "the contents, beside and folded")
local md = files.read(directory .. "/run/report.md")
for _, part in ipairs { "# A demo", "```lua", "![Figure 1](figures/figure-1.svg)", "| ○ not reproduced |", "b \\| c", "$$" } do
  T.ok(md:find(part, 1, true), "report.md has " .. part)
end
local shown = require("repro.report").markdown(literate.parse('--[[ A $$ a\n = b\n - c $$ here.\n```lua\nx = "$$ a\n= b $$"\n```\n$$ d\n+ e $$ ]]\n', "x"))
T.ok(shown:find("A $$ a = b - c $$ here.", 1, true) and shown:find("$$ d + e $$", 1, true), "a display formula is one line for GitHub")
T.ok(shown:find('x = "$$ a\n= b $$"', 1, true), "but not in code")
local root = debug.getinfo(1, "S").source:match "^@(.*)tests/lua/test_paper%.lua$" or ""
local schema = rp.io.json_decode(assert(files.read(root .. "docs/result.schema.json")))
local function undescribed(value, described, path, list)
  for key, item in pairs(value) do
    local property = described.properties and described.properties[key]
    if not property then list[#list + 1] = path .. key end
    if property and property.items and property.items.properties then
      for i, member in ipairs(item) do undescribed(member, property.items, path .. key .. i .. ".", list) end
    elseif property and property.properties then
      undescribed(item, property, path .. key .. ".", list)
    end
  end
  return list
end
read.directory, read.header = nil, nil                     -- added by the reader
T.eq(undescribed(read, { properties = schema.properties, required = {} }, "", {}), {},
  "docs/result.schema.json describes every field")
T.eq(schema.title, rundir.schema, "and has the version of the files")
T.eq(rundir.read(directory .. "/nowhere"), nil, "no result where there is none")

-- ---- misuse ----------------------------------------------------------------------------------------------------------------
local head = 'local rp = require "repro"\nlocal P = rp.paper{ id = "m", title = "M", settings = { steps = 3 } }\n'
local function misuse(code, pattern, name)
  T.raises(function() run_paper(head .. code, {}) end, pattern, name)
end
misuse("return P.stpes", 'demo.lua:3: P.stpes: .*did you mean "steps"', "a misspelt setting")
misuse("P.steps = 4", "cannot be assigned", "assignment to P")
misuse('P:exact("a", 1, 1); P:exact("a", 1, 1)', 'demo.lua:3: the check "a" has been made before, at line 3', "an id used twice")
misuse('P:exact("a", nil, 1)', "the measured value is nil", "nil measured")
misuse('P:exact("a", 1, 1, 0, {wher = "x"})', 'unknown option wher; did you mean "where"', "a misspelt option")
misuse('P:claim("a", true)', "second argument is the sentence", "a claim without its sentence")
misuse('P:pinned("a", 1, 2)', "the pins are a table", "pins that are no table")
misuse('P:figure("a", 5)', "a figure is a plot", "a figure of a wrong kind")
misuse('P:figure("a", "/nowhere/x.png")', "nowhere", "a missing figure file")
misuse('rp.paper{ id = "n" }', "has been called before", "two papers in a script")

-- A paper's functions under other settings.
files.write(directory .. "/inner.lua", [==[
local rp = require "repro"
local P = rp.paper{ id = "inner", settings = { steps = {smoke = 2, small = 4}, tau = {0.1}, loss = {"a", choices = {"a", "b"}},
                                               widths = {{1, 2}}, on = {false} } }
local inner = {main = P.main, steps = P.steps, tau = P.tau, loss = P.loss, widths = P.widths, on = P.on}
return inner
]==])
files.write(directory .. "/no_paper.lua", "return {}")
files.write(directory .. "/bad.lua", "local x = nil; return x.y")
local taken
local function take(code)
  files.write(script, head .. code)
  paper.start { script = script, source = "@" .. script, text = head .. code, out = directory .. "/run", scale = "smoke", seed = 1 }
  local globals = sandbox.new { seed = 1, roots = { directory .. "/?.lua" } }
  taken = assert(load(head .. code, "@" .. script, "t", globals))()
  paper.current():finish()
  return taken
end
take [==[local a = rp.paper.require("inner", {steps = 7, tau = 1 / 3, loss = "b", widths = {3, 4, 5}, on = true})
         return {a, rp.paper.require "inner", require "inner", rp.paper.require("inner", {steps = 9}), require "inner"}]==]
T.eq(taken[1], { main = false, steps = 7, tau = 1 / 3, loss = "b", widths = { 3, 4, 5 }, on = true }, "settings of a required paper")
T.eq(taken[2], { main = false, steps = 2, tau = 0.1, loss = "a", widths = { 1, 2 }, on = false }, "its own, without any")
T.eq(taken[4].steps, 9, "it runs anew each time")
T.ok(rawequal(taken[3], taken[5]), "require keeps what it loaded")
T.raises(function() take 'rp.paper.require("inner", {stps = 1})' end, 'did you mean "steps"', "a misspelt setting of another paper")
T.raises(function() take 'rp.paper.require("inner", {loss = "c"})' end, "not one of a, b", "a value out of its choices")
T.raises(function() take 'rp.paper.require("no_paper", {steps = 1})' end, "declares no paper", "a module that is no paper")
T.raises(function() take "rp.paper.require(3)" end, "takes a name and a table", "a number")
T.raises(function() take 'pcall(rp.paper.require, "bad", {a = 1}); rp.paper.require("inner").x.y = 1' end, "attempt to index", "an error inside")
T.raises(function() run_paper('require("repro").paper{ id = "a b" }', {}) end, "id is a word", "an id with a blank")
T.raises(function() run_paper('require("repro").paper{ id = "a", titel = "x" }', {}) end, 'did you mean "title"', "a misspelt field")
T.raises(function() run_paper('require("repro").paper{ id = "a", settings = { claim = 1 } }', {}) end, "cannot be called claim",
  "a setting with a method's name")

os.execute("rm -rf '" .. directory .. "'")
T.done()
