--- Figures: ticks, labels, clipping, coverage, file formats, marks, messages, and the same bytes every time.
local T = require "tap"
local plot = require "repro.plot"
local number = require "repro.plot.number"
local Scale = require "repro.plot.scale"
local font = require "repro.plot.font"
local label = require "repro.plot.label"
local clip = require "repro.plot.clip"
local Raster = require "repro.plot.raster"
local stroke = require "repro.plot.stroke"
local colormap = require "repro.plot.colormap"
local legend = require "repro.plot.legend"

local nan, inf = 0 / 0, math.huge

-- Numbers ---------------------------------------------------------------------------------------------------------

T.eq(number.fixed(-0.001, 2), "0.00", "fixed: no negative zero")
T.eq(number.fixed(-1.005, 1), "-1.0", "fixed: negative")
T.eq(number.fixed(2.5, 0), "3", "fixed: halves away from zero")
T.eq(number.fixed(1e17, 2), "100000000000000000", "fixed: beyond 2^53")
T.eq(number.fixed(nan, 2), "nan", "fixed: NaN")
T.eq(number.short(1.50, 2), "1.5", "short drops zeros")
T.eq(number.short(100, 2), "100", "short keeps the zeros of integers")
T.eq(number.significant(0.00001234, 3), "1.23e-5", "significant: small")
T.eq(number.significant(1234.5678, 3), "1235", "significant: large")
for _, k in ipairs { -320, -5, -1, 0, 1, 2, 22, 300 } do
  T.eq(number.floor_log10(number.pow10(k)), k, "floor_log10 of 1e" .. k)
end
T.eq(number.floor_log10(999.9999), 2, "floor_log10 just below a power")

-- Ticks -----------------------------------------------------------------------------------------------------------

local function labels_of(kind, lo, hi, count, options)
  local out = {}
  for i, tick in ipairs(Scale.new(kind, lo, hi, options):ticks(count).major) do out[i] = tick.label end
  return out
end

T.eq(labels_of("linear", 0, 1, 5), { "0.0", "0.2", "0.4", "0.6", "0.8", "1.0" }, "ticks 0..1")
T.eq(labels_of("linear", -3, 7, 5), { "−2", "0", "2", "4", "6" }, "ticks across zero, with a minus sign")
T.eq(labels_of("linear", 0, 0.3, 3), { "0.0", "0.1", "0.2", "0.3" }, "0.3 is 0.3")
T.eq(labels_of("linear", 1, 4, 9, { integer = true }), { "1", "2", "3", "4" }, "integer ticks")
T.eq(labels_of("log", 1e-4, 1, 6), { "$10^{−4}$", "$10^{−3}$", "$10^{−2}$", "$10^{−1}$", "$10^{0}$" }, "decades")
T.eq(labels_of("log", 0.01, 10, 4), { "0.01", "0.1", "1", "10" }, "plain decades")
T.eq(labels_of("log", 1, 1e12, 4), { "$10^{0}$", "$10^{3}$", "$10^{6}$", "$10^{9}$", "$10^{12}$" }, "every third decade")
T.eq(labels_of("log", 0.9, 30, 6), { "1", "2", "5", "10", "20" }, "1-2-5 in few decades")
T.eq(labels_of("log", 2, 3, 4), { "2.0", "2.5", "3.0" }, "a narrow logarithmic interval")
local million = Scale.new("linear", 0, 3e6):ticks(4)
T.eq(million.exponent, 6, "common exponent")
T.eq(million.major[2].label, "1", "labels in units of the exponent")
for _, case in ipairs { { 1e-300, 3e-300 }, { -1e290, 1e290 }, { 5, 5.0000001 }, { 0, 1e-12 } } do
  local ticks = Scale.new("linear", case[1], case[2]):ticks(6).major
  local rising = #ticks >= 2
  for i = 2, #ticks do rising = rising and ticks[i].value > ticks[i - 1].value end
  T.ok(rising and #ticks <= 8, ("ticks of %g..%g rise and are few"):format(case[1], case[2]))
end
T.near(Scale.new("log", 1, 100):place(0, 10):map(10), 5, 1e-12, "log scale: the middle")
T.ok(Scale.new("log", 1, 100):map(-1) ~= Scale.new("log", 1, 100):map(-1), "log scale: NaN for a negative value")
T.eq({ Scale.limits("linear", 3, 3, 0.05) }, { 2.7, 3.3 }, "limits of a constant")
T.eq({ Scale.limits("linear", nil, nil, 0.05) }, { 0, 1 }, "limits of nothing")

-- Labels and font -------------------------------------------------------------------------------------------------

local runs = label.parse("loss $\\sigma_t^{2}$ in \\$")
T.eq({ runs[1].text, runs[2].text, runs[3].text, runs[4].text }, { "loss σ", "t", "2", " in $" }, "markup runs")
T.ok(runs[2].rise < 0 and runs[3].rise > 0 and runs[2].italic and not runs[3].italic, "subscript, superscript, italics")
T.eq(label.plain("costs 5$"), "costs 5$", "a lone dollar sign")
T.eq(label.plain("$\\mathcal{L}_{rec}$"), "L_rec", "letters of a font command")
T.eq(label.plain("$x_{$"), "x", "an open brace does no harm")
T.eq(label.wrap("one two three", 10, 45), { "one two", "three" }, "wrapping")
T.eq(label.wrap("a\nb", 10, 400), { "a", "b" }, "line breaks")
for code = 0x20, 0x7E do
  if not font.has(code) then T.ok(false, "no glyph for " .. utf8.char(code)) end
end
local greek = true
for code = 0x3B1, 0x3C9 do greek = greek and font.has(code) end
T.ok(greek, "all Greek small letters")
T.ok(font.width("WWW") > font.width("iii"), "widths differ")
T.eq(font.width("e\u{301}"), font.width("é"), "an accent has no width")
T.ok(font.width("\xff\xfe") > 0, "bytes that are not UTF-8")
local strokes = 0
font.strokes("Äx₂τ", function() strokes = strokes + 1 end)
T.ok(strokes >= 8, "strokes of composed letters")

-- Clipping --------------------------------------------------------------------------------------------------------

local box = { left = 0, top = 0, right = 10, bottom = 10 }
T.eq({ clip.segment(-10, 5, 20, 5, box) }, { 0.0, 5.0, 10.0, 5.0 }, "segment through the box")
T.eq(clip.segment(-1, -1, -5, 20, box), nil, "segment outside")
T.eq(clip.polyline({ 1, 1, 2, 2, nan, 3, 4, 4, 5, 5 }, box), { { 1, 1, 2, 2 }, { 4, 4, 5, 5 } }, "NaN leaves a gap")
T.eq(clip.polyline({ nan, nan, 3, 3, nan, nan }, box), { { 3, 3 } }, "a point between gaps is a dot")
T.eq(#clip.polyline({ 1, 1, 20, 1, 20, 5, 1, 5 }, box), 2, "a line that leaves and returns is two")
T.eq(#clip.polygon({ -5, -5, 15, -5, 15, 15, -5, 15 }, box), 8, "a polygon around the box becomes the box")
T.eq(clip.polygon({ 20, 20, 30, 20, 30, 30 }, box), {}, "a polygon outside vanishes")
local long = {}
for i = 0, 9999 do long[#long + 1], long[#long + 2] = i / 1000, (i * 7919) % 101 end
local thin = clip.thin(long)
T.ok(#thin <= 20 * 4 * 2, "thinning leaves four points a column")
local lo, hi = inf, -inf
for i = 2, #thin, 2 do lo, hi = math.min(lo, thin[i]), math.max(hi, thin[i]) end
T.eq({ lo, hi }, { 0, 100 }, "thinning keeps the extremes")
T.eq(clip.thin({ 1, 1, 2, 2 }), { 1, 1, 2, 2 }, "thinning keeps what is thin")

-- Coverage --------------------------------------------------------------------------------------------------------

-- Total coverage of black painted on white, in pixels.
local function covered(raster)
  local total = 0
  for i = 0, raster.width * raster.height - 1 do total = total + (255 - (raster.pixels[i] & 255)) / 255 end
  return total
end

local function painted(build, width)
  local raster = Raster.new(width or 40, 40, 0xffffff)
  build(raster)
  raster:paint(0, 1)
  return covered(raster)
end

T.near(painted(function(r) r:polygon { 3.25, 4.5, 20.75, 4.5, 20.75, 9.25, 3.25, 9.25 } end), 17.5 * 4.75, 0.3, "area of a rectangle")
T.near(painted(function(r) r:polygon { 5, 5, 35, 8, 12, 33 } end), 0.5 * math.abs(30 * 28 - 3 * 7), 0.8, "area of a triangle")
T.near(painted(function(r) stroke.disc(r, 20, 20, 10) end), math.pi * 100, 3, "area of a disc")
T.near(painted(function(r) r:polygon { -20, 10, 20, 10, 20, 20, -20, 20 } end), 200, 0.1, "cut at the left edge")
T.near(painted(function(r) r:polygon { 20, -30, 90, -30, 90, 70, 20, 70 } end), 800, 0.1, "cut at three edges")
T.near(painted(function(r) stroke.polyline(r, { 5, 20, 35, 20 }, 2, true) end), 120, 0.3, "area of a line")
T.near(painted(function(r) stroke.polyline(r, { 5, 20, 20, 20, 35, 20 }, 2, true) end), 120, 0.3, "a joint adds nothing")
T.near(painted(function(r)
  r:polygon { 5, 5, 15, 5, 15, 15, 5, 15 }
  r:polygon { 5, 15, 15, 15, 15, 5, 5, 5 }
end), 100, 0.1, "overlapping polygons paint once, whichever way they turn")
T.eq(#stroke.dashes({ 0, 0, 10, 0 }, { 2, 1 }), 4, "dashes")
T.eq(painted(function(r) stroke.polyline(r, { 5, 5, 5, 5 }, 3) end) > 20, true, "a line of no length is a dot")

-- PNG -------------------------------------------------------------------------------------------------------------

local rp_io = require("repro").io

local function decode(file)
  local path = os.tmpname()
  local out = assert(io.open(path, "wb"))
  out:write(file)
  out:close()
  local x = rp_io.read_png(path)
  os.remove(path)
  return x
end

for _, case in ipairs { { 1, 1, 1 }, { 7, 5, 3 }, { 300, 40, 1 }, { 64, 64, 3 } } do
  local width, height, channels = case[1], case[2], case[3]
  local bytes, state = {}, 1
  for i = 1, width * height * channels do
    state = (state * 69069 + 1) % 4294967296
    bytes[i] = string.char((i // 900) % 2 == 0 and 200 or state >> 24)
  end
  local back = decode(rp_io.encode_png { width = width, height = height, channels = channels, bytes = table.concat(bytes) })
  local flat = back:reshape(-1):totable()
  for i, v in ipairs(flat) do flat[i] = string.char(v) end
  T.eq(back.shape, { height, width, channels }, ("PNG %dx%dx%d: shape"):format(width, height, channels))
  T.ok(table.concat(flat) == table.concat(bytes), ("PNG %dx%dx%d comes back"):format(width, height, channels))
end
T.raises(function() rp_io.encode_png { width = 2, height = 2, channels = 3, bytes = "short" } end, "5 bytes for an image of 2x2 with 3",
  "PNG: bytes that do not fill the image")
T.eq(rp_io.base64(""), "", "base64 of nothing")
T.eq(rp_io.base64("f") .. rp_io.base64("fo") .. rp_io.base64("foo") .. rp_io.base64("foobar"), "Zg==Zm8=Zm9vZm9vYmFy", "base64 (RFC 4648)")

-- Colours ---------------------------------------------------------------------------------------------------------

local function linear(c)
  c = c / 255
  return c <= 0.04045 and c / 12.92 or ((c + 0.055) / 1.055) ^ 2.4
end
local function luminance(r, g, b) return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b) end
local function lightness(r, g, b) -- of OKLab
  r, g, b = linear(r), linear(g), linear(b)
  local l = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ^ (1 / 3)
  local m = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ^ (1 / 3)
  local s = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ^ (1 / 3)
  return 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s
end
for i, colour in ipairs(plot.palette) do
  local y = luminance(colormap.bytes(colour))
  T.ok(1.05 / (y + 0.05) > 2.4 and (y + 0.05) / (luminance(0x16, 0x18, 0x1c) + 0.05) > 2.4, "palette " .. i .. " shows on white and on black")
end
local smallest, largest = inf, -inf
for i = 1, 32 do
  local step = lightness(plot.color("sequential", i / 32)) - lightness(plot.color("sequential", (i - 1) / 32))
  smallest, largest = math.min(smallest, step), math.max(largest, step)
end
T.ok(smallest > 0 and largest / smallest < 1.45, ("sequential map: even steps of lightness (%.4f to %.4f)"):format(smallest, largest))
T.eq({ plot.color("gray", 0.5) }, { 128, 128, 128 }, "gray map")
local r0, _, b0 = plot.color("diverging", 0)
local r1, _, b1 = plot.color("diverging", 1)
T.ok(b0 > r0 and r1 > b1, "diverging map: blue below, red above")
T.eq(colormap.parse("#abc", "x"), "#aabbcc", "short colours")
T.eq(colormap.contrasting(255, 255, 0), "#000000", "black on yellow")
T.eq(colormap.contrasting(20, 10, 80), "#ffffff", "white on indigo")

-- Figures ---------------------------------------------------------------------------------------------------------

-- True when every element is closed in order and every attribute is quoted.
local function well_formed(text)
  local stack = {}
  for closing, name, rest in text:gmatch("<(/?)([%a]+)([^>]*)>") do
    if closing == "/" then
      if table.remove(stack) ~= name then return false end
    elseif rest:sub(-1) ~= "/" then stack[#stack + 1] = name end
    if rest:gsub('[%w%-:]+="[^"<]*"', ""):find('[="]') then return false end
  end
  return #stack == 0
end

local function check(fig, name)
  local text = fig:svg()
  T.ok(well_formed(text), name .. ": well-formed SVG")
  T.ok(not text:find("nan") and not text:find("inf\"") and not text:find("%-0[\" ]"), name .. ": no NaN, infinity or -0")
  T.ok(not text:find(" id="), name .. ": no ids")
  T.ok(text == fig:svg(), name .. ": the same text again")
  return text
end

local steps, loss = {}, {}
for i = 1, 50 do steps[i], loss[i] = 10 * i, 2.0 / i + 0.01 * (i * 37 % 11) end

local text = check(plot.line(steps, loss, { label = "loss < 1 & \"x\"", yscale = "log", xlabel = "step", title = "Loss" }), "line")
T.ok(text:find("loss &lt; 1 &amp; &quot;x&quot;", 1, true), "labels are escaped")
T.ok(text:find("<title>Loss</title>", 1, true) and text:find("<desc>Loss: step from 10 to 500; y from", 1, true), "title and description")
T.ok(text:find('viewBox="0 0 480 310"', 1, true) and text:find("currentColor", 1, true) and
  text:find("prefers-color-scheme:dark", 1, true), "view box, ink of the page, dark preference")
T.eq(check(plot.line(loss), "line of y"), plot.line(nil, loss):svg(), "x counts from 1")

local fig = plot.figure()
local ax = fig:axes { xlabel = "step", ylabel = "loss" }
ax:line(steps, { loss, loss, loss }, { label = "three equal runs" })
ax:line(steps, loss, { band = loss, style = "dotted", marker = "diamond", label = "half-width" })
ax:line(steps, loss, { band = { loss, loss }, color = 3, label = "bounds" })
ax:hline(1, { label = "one" }):vline(100):text(200, 1, "here $\\tau$", { anchor = "start" })
ax:errorbar(steps, loss, loss, { label = "bars" })
T.eq(select(2, check(fig, "many marks"):gsub("<path", "")) > 8, true, "all marks are drawn")

check(plot.line({ 1, 2, 3, 4 }, { 1, nan, inf, 2 }), "NaN and infinity")
check(plot.line({ nan, nan, nan }), "nothing but NaN")
check(plot.line({ 5 }), "one point")
check(plot.line({ 5, 5, 5 }), "a constant")
check(plot.line({ 1e-320, 2e300, 1 }), "extreme values")
check(plot.line({ -1, 0, 1 }, { yscale = "log" }), "values that a logarithm does not have")
check(plot.line({ -1, -2 }, { yscale = "log", xscale = "log" }), "no positive value")
check(plot.line({ 1, 2, 3 }, { xlim = { 2, nil }, ylim = { 100, 200 } }), "limits without data in them")
check(plot.line({ 1, 2 }, { xlim = { 50 } }), "one limit beyond the data")
check(plot.line({ "a", "b", "c" }, { 1, 2, 3 }), "categories on x")
check(plot.line({ 1, 2, 3 }, { width = 60, height = 50, title = "a long title in a very small figure", ylabel = "y" }), "a tiny figure")
local many = {}
for i = 1, 20000 do many[i] = i * 7919 % 1000 end
T.ok(#check(plot.line(many), "20,000 points") < 60000, "long lines are thinned")

check(plot.scatter({ 1, 2, 3 }, { 3, 1, 2 }, { classes = { "b", "a", "b" } }), "classes")
local classes = check(plot.scatter({ 1, 2, 3 }, { 3, 1, 2 }, { color = { 2, 1, 2 }, names = { "cat", "dog" } }), "colour by class")
T.ok(classes:find(">cat<") and classes:find(">dog<"), "class names in the legend")
check(plot.scatter({ 1, 2, 3 }, { 3, 1, 2 }, { values = { 0.5, nan, 2 }, label = "energy" }), "values")
for name in ("circle square triangle diamond cross plus"):gmatch("%a+") do
  check(plot.scatter({ 1, 2 }, { 1, 2 }, { marker = name }), "marker " .. name)
end

local bars = plot.figure()
local bax = bars:axes()
bax:bars({ "x", "y", "z" }, { 3, -1, nan }, { label = "one", errors = { 0.5, 0.5, 0.5 }, values = true })
bax:bars({ "x", "y", "z" }, { 1, 2, 3 }, { label = "two" })
check(bars, "bars")
check(plot.bars({ "a", "b" }, { 1, 100 }, { yscale = "log" }), "bars on a logarithmic scale")
local long_labels = {}
for i = 1, 12 do long_labels[i] = "a rather long label " .. i end
T.ok(check(plot.bars(long_labels, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }), "long labels"):find("rotate%(%-40"), "long labels are turned")

local counted = plot.figure():axes():histogram({ 1, 2, 2, 3, 3, 3, nan, inf }):histogram({ 7, 7 })
counted:prepare()
local first, second = counted.marks[1], counted.marks[2]
T.eq(first.edges, second.edges, "histograms share their bins")
T.eq(first.edges[1], 0.5, "integers fall in the middle of bins")
local total = 0
for _, c in ipairs(first.counts) do total = total + c end
T.eq(total, 6, "every finite value is counted once")
local unit = plot.figure():axes():histogram(loss, { density = true, bins = 7 })
unit:prepare()
local area = 0
for i, c in ipairs(unit.marks[1].counts) do area = area + c * (unit.marks[1].edges[i + 1] - unit.marks[1].edges[i]) end
T.near(area, 1, 1e-12, "density has unit area")
check(plot.histogram(loss, { bins = 5, range = { 0, 1 } }), "histogram")
check(plot.histogram(loss, { xscale = "log" }), "histogram on a logarithmic scale")
check(plot.histogram({ 4, 4, 4 }), "histogram of a constant")
check(plot.histogram({ nan }), "histogram of nothing")

local matrix = { { 5, 1, 0 }, { 2, 7, nan }, { 0, 1, 9 } }
local heat = check(plot.heatmap(matrix, { xlabels = { "a", "b", "c" }, ylabels = { "a", "b", "c" }, values = true }), "heat map")
T.ok(heat:find(">9</text>") and heat:find(">–</text>"), "values in the cells, a dash for NaN")
check(plot.heatmap(matrix, { map = "diverging", label = "u" }), "heat map with a colour bar")
local wide = {}
for i = 1, 60 do
  wide[i] = {}
  for j = 1, 60 do wide[i][j] = i * j end
end
T.ok(check(plot.heatmap(wide), "large heat map"):find("data:image/png;base64", 1, true), "a large heat map is one picture")
check(plot.image({ { 0, 1 }, { 2, 3 } }, { title = "gray" }), "image (H,W)")
check(plot.image({ { { 0, 1 } }, { { 1, 0 } }, { { 1, 1 } } }), "image (3,H,W)")
check(plot.radar({ "a", "b", "c", "d" }, { { label = "m", values = { 1, 2, 3, 4 } }, { values = { 4, nan, 2, 1 } } }), "radar")
check(plot.radar({ "a", "b", "c" }, { { values = { 1, 20, 300 } } }, { ranges = { { 0, 1 }, { 0, 40 }, { 0, 300 } } }), "radar with ranges")

local images = {}
for i = 1, 6 do images[i] = { { 0, i }, { i, 0 } } end
local tiles = check(plot.image_grid(images, { columns = 3, labels = { 1, 2, 3, 4, 5, 6 }, title = "tiles" }), "image grid")
T.eq(select(2, tiles:gsub("<image", "")), 6, "one picture for each image")
check(plot.image_grid({ { { { 0, 1 } }, { { 1, 0 } }, { { 1, 1 } } } }), "image grid of one colour image")

local several = plot.figure { rows = 2, cols = 2, title = "four" }
for i = 1, 4 do several:axes({ title = "panel " .. i }):line(loss, { label = "l" }) end
check(several, "four panels")

-- Legend ----------------------------------------------------------------------------------------------------------

local entries = { { label = "a" }, { label = "b" } }
local area_box = { left = 0, top = 0, right = 300, bottom = 200 }
local x, y, hidden = legend.best_corner(entries, area_box, { 290, 10, 280, 20 })
T.ok(x < 50 and y < 50 and hidden == 0, "the legend avoids the top right when data are there")
T.eq(#legend.rows({ { label = "aaaaaaaaaa" }, { label = "bbbbbbbbbb" }, { label = "cccccccccc" } }, 190), 2, "a strip wraps")
local across, up = {}, {}
for i = 1, 4000 do across[i], up[i] = (i * 7919 % 4001) / 4000, (i * 104729 % 4003) / 4002 end
local crowd = plot.figure()
local crowd_ax = crowd:axes():scatter(across, up, { label = "everywhere" })
crowd:svg()
T.eq(crowd_ax.legend_place, "strip", "without a free corner the legend stands above the plot")

-- Pixels ----------------------------------------------------------------------------------------------------------

local small = plot.figure { width = 120, height = 90 }
small:axes { xlabel = "x" }:line({ 0, 1, 2 }, { 0, 1, 0 })
local pixels = small:png(1)
if type(pixels) == "userdata" then
  T.eq(pixels.shape, { 90, 120, 3 }, "png: shape")
  T.eq(pixels.dtype, "uint8", "png: type")
  pixels = pixels:totable()
else T.eq({ #pixels, #pixels[1], #pixels[1][1] }, { 90, 120, 3 }, "png: shape") end
T.eq(pixels[1][1], { 255, 255, 255 }, "png: light paper")
local dark = small:png(1, "dark")
if type(dark) == "userdata" then dark = dark:totable() end
T.eq(dark[1][1], { 0x16, 0x18, 0x1c }, "png: dark paper")
local blue = 0
for _, row in ipairs(pixels) do
  for _, p in ipairs(row) do
    if p[3] > p[1] + 60 then blue = blue + 1 end
  end
end
T.ok(blue > 100, "png: the line is there")

-- FNV-1a, 64 bits.
local function fingerprint(s)
  local h = 0xcbf29ce484222325
  for i = 1, #s do h = (h ~ s:byte(i)) * 0x100000001b3 end
  return ("%016x"):format(h)
end
local pinned = plot.figure { title = "Pinned $\\alpha_t$", width = 200, height = 150 }
local pax = pinned:axes { xlabel = "epoch", ylabel = "loss", yunit = "nats" }
pax:line({ 1, 2, 3, 4, 5 }, { { 5, 3, 2, 1.5, 1.25 }, { 4, 3.5, 2.5, 1, 1.5 } }, { label = "two runs" })
pax:scatter({ 1.5, 3 }, { 2, 4 }, { label = "points" })
T.eq(fingerprint(pinned:svg()), "8b4f6cafd1f4f0ee", "SVG: pinned bytes")
local name = os.tmpname()
os.remove(name)
pinned:save(name .. ".png"):save(name .. ".svg")
local function contents(path)
  local file = assert(io.open(path, "rb"))
  local all = file:read("a")
  file:close()
  os.remove(path)
  return all
end
T.eq(contents(name .. ".svg"), pinned:svg(), "save: SVG")
local saved = contents(name .. ".png")
local picture = decode(saved)
T.eq(picture.shape, { 300, 400, 3 }, "save: two pixels to a unit")
T.eq(picture:hash():sub(1, 16), "727efc0e6e728e26", "PNG: pinned pixels")

-- Tensors ---------------------------------------------------------------------------------------------------------

local loaded, rp = pcall(require, "repro")
if loaded and type(rp) == "table" and rp.tensor then
  T.eq(plot.line(rp.tensor(steps), rp.tensor({ loss, loss })):svg(), plot.line(rp.tensor(steps):totable(),
    rp.tensor({ loss, loss }):totable()):svg(), "tensors and tables draw alike")
  local bytes = rp.tensor({ { 0, 255 }, { 128, 64 } }, "uint8")
  T.eq(plot.image(bytes):svg(), plot.image({ { 0, 255 }, { 128, 64 } }, { range = { 0, 255 } }):svg(), "uint8 images span 0..255")
  check(plot.scatter(rp.tensor { 1, 2 }, rp.tensor { 1, 2 }, { classes = rp.tensor({ 1, 2 }, "int64") }), "classes of a tensor")
  check(plot.image_grid(rp.rand(4, 1, 8, 8)), "a grid of tensors")
  check(plot.heatmap(rp.tensor({ { true, false }, { false, true } })), "a tensor of truth values")
  T.raises(function() plot.line(rp.zeros(2, 3, 4)) end, "shape %(2x3x4%)", "a tensor of three dimensions")
else T.skip("the tensor core is not loaded", "tensors") end

-- Messages --------------------------------------------------------------------------------------------------------

local function fresh() return plot.figure():axes() end
local function says(fn, pattern, what) T.raises(fn, pattern, "message: " .. what) end

says(function() fresh():line({ 1, 2, 3 }, { 1, 2 }, { label = "train" }) end,
  "test_plot%.lua:%d+: plot: ax:line 'train': x has 3 values but y has 2; give both the same number", "lengths, series and script line")
says(function() fresh():line({ 1 }, { 1 }):line({ 1, 2 }, { 1 }) end, "ax:line %(series 2%)", "a series without a name has a number")
says(function() fresh():line({}, {}) end, "no values; pass at least one point", "an empty series")
says(function() fresh():line({ 1, "x" }) end, "expected numbers, found string", "text among numbers")
says(function() fresh():line(nil) end, "got nil", "nil data")
says(function() fresh():line({ { 1, 2 }, { 1 } }) end, "rows of unequal length %(2 and 1%)", "a ragged table")
says(function() fresh():line({ { { 1 } } }) end, "expected one dimension, got shape %(1x1x1%)", "three dimensions")
says(function() fresh():line({ 1, 2 }, { 1, 2 }, { lable = "x" }) end, "no option 'lable'; did you mean 'label'%?", "a misspelt option")
says(function() plot.line({ 1, 2 }, { xlabl = "x" }) end, "no option 'xlabl'", "a misspelt option of a one-line plot")
says(function() fresh():line({ 1, 2 }, { 1, 2 }, { style = "wavy" }) end, "style = wavy is not known; choose one of: solid", "a style")
says(function() fresh():line({ 1, 2 }, { 1, 2 }, { color = "blue" }) end, "color = blue is not a colour", "a colour")
says(function() fresh():line({ 1, 2 }, { 1, 2 }, { band = { { 1 }, { 2 } } }) end, "y has 2 values but lower band has 1", "a band")
says(function() fresh():line({ 1, 2 }, { 1, 2 }, { band = "std" }) end, "one row per run", "a band of one run")
says(function() fresh():scatter({ 1, 2 }, { 1, 2 }, { classes = { 1 } }) end, "x has 2 values but classes has 1", "classes")
says(function() fresh():scatter({ 1 }, { 1 }, { classes = { nan } }) end, "class of point 1 is NaN", "a class that is not a number")
says(function() fresh():errorbar({ 1 }, { 1 }) end, "no errors given", "error bars without errors")
says(function() fresh():bars({ "a" }, { 1 }):bars({ "a", "b" }, { 1, 2 }) end, "the axis has 1 value but labels has 2", "bars")
says(function() fresh():histogram({ 1 }, { bins = 0 }) end, "bins = 0; use an integer from 1", "bins")
says(function() fresh():heatmap({ 1, 2 }) end, "expected a matrix %(two dimensions%), got shape %(2%)", "a vector as heat map")
says(function() fresh():heatmap({ { 1, 2 } }, { xlabels = { "a" } }) end, "xlabels has 1 labels but the matrix has 2 columns", "labels of columns")
says(function() fresh():heatmap({ { 1 } }, { map = "jet" }) end, "no colour map 'jet'", "a colour map")
says(function() plot.image({ { { 1 } }, { { 1 } } }) end, "use %(H,W%), %(1,H,W%) or %(3,H,W%)", "an image of two channels")
says(function() plot.image_grid({ { 1, 2 } }) end, "use %(N,H,W%)", "a grid without images")
says(function() plot.image_grid(images, { labels = { 1 } }) end, "1 labels but 6 images", "labels of a grid")
says(function() fresh():radar({ "a", "b" }, {}) end, "three spokes at least", "a radar of two")
says(function() fresh():radar({ "a", "b", "c" }, { { label = "m", values = { 1 } } }) end, "'m': 1 values but 3 labels", "a radar series")
says(function() fresh():hline("x") end, "expected one finite number", "a rule")
says(function() plot.figure { rows = 0 } end, "rows = 0; use an integer from 1", "rows")
says(function() plot.figure():axes { row = 2 } end, "row 2, col 1 lies outside", "a cell outside")
says(function() local f = plot.figure(); f:axes(); f:axes { row = 1, col = 1 } end, "already has axes", "a cell taken")
says(function() plot.figure():axes { xlim = { 2, 1 } } end, "xlim = {2, 1}; use {lo, hi} with lo < hi", "limits")
says(function() plot.figure():axes { yscale = "log", ylim = { 0, 1 } } end, "both must be positive", "limits of a logarithm")
says(function() plot.figure():axes { yscale = "logarithmic" } end, "choose one of: linear, log", "a scale")
says(function() plot.figure():svg() end, "no axes; add some with fig:axes", "an empty figure")
says(function() pinned:save("figure.pdf") end, "end the name in %.svg or %.png", "a format")
says(function() pinned:save("/no/such/directory/a.svg") end, "no/such/directory", "a directory that is not there")

-- A dotted rule can be seen: its dots are round ends of dashes of no length ------------------------------------------------
local ruled = plot.figure {}
ruled:axes():hline(1, { style = "dotted" })
T.ok(ruled:svg():find('stroke%-dasharray="0.01 [%d.]+" stroke%-linecap="round"'), "dots of a rule are round")

-- A figure whose rows are not given grows ------------------------------------------------------------------------------
local growing = plot.figure { cols = 2 }
for i = 1, 3 do growing:axes():line({ 1, 2 }, { i, 1 }) end
T.eq({ growing.rows, growing.height }, { 2, 560 }, "axes open new rows")
local powers = plot.line({ 1, 10, 1e4 }, { 1, 2, 3 }, { xscale = "log" }):svg()
T.ok(not powers:find("3×", 1, true), "more than three decades are labelled by powers of ten alone")
T.done()
