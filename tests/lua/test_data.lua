-- repro.data: what is drawn, what is read, and how it is served.
local T = require "tap"
local rp = require "repro"
local D = rp.data

local function mean(x) return x:to("float64"):mean():item() end

-- glyphs
local set = D.glyphs { n = 500, seed = 3 }
T.eq({ set.x.shape, set.y.dtype, set.attribute.shape, set.context.shape }, { { 500, 3, 16, 16 }, "int64", { 500, 9 }, { 500, 6 } },
     "glyphs: shapes")
T.eq(set.y:one_hot(10):sum(1), rp.full({ 10 }, 50), "glyphs: classes in equal numbers")
T.ok(set.x:min():item() >= -1 and set.x:max():item() <= 1, "glyphs: in [-1, 1]")
T.eq(rp.concat(2, set.attribute, set.context):unique(), rp.tensor { 0, 1 }, "glyphs: bits")
T.ok(math.abs(mean(set.attribute) - 0.5) < 0.05 and math.abs(mean(set.context) - 0.5) < 0.06, "glyphs: bits are fair")
T.bits(set.x, D.glyphs { n = 500, seed = 3 }.x, "glyphs: same seed, same bits")
T.ok(set.x:hash() ~= D.glyphs { n = 500, seed = 4 }.x:hash(), "glyphs: another seed")
T.ok(set.x:hash() ~= D.glyphs { n = 500, seed = 3, name = "test" }.x:hash(), "glyphs: another name")
T.eq({ #set.classes, #set.attributes, #set.context_names, #set.coarse, set.classes[9] }, { 10, 9, 6, 10, "diamond" }, "glyphs: names")
local bright = set.context:select(2, 1):eq(1)
local level = set.x:mean({ 2, 3, 4 })
T.ok(mean(rp.where(bright, level, 0)) / mean(bright) > mean(rp.where(bright, 0, level)) / (1 - mean(bright)) + 0.2,
     "glyphs: the first context bit is brightness")
local still = { scale = 0, noise = 0 }
local clean = D.glyphs { n = 200, nuisance = still }
local red, green = clean.x[{ {}, 1 }]:max({ 2, 3 }), clean.x[{ {}, 2 }]:max({ 2, 3 })
T.eq(red:lt(green):to("float32"), clean.attribute:select(2, 6), "glyphs: the colour bit says orange or green")
T.raises(function() D.glyphs { m = 3 } end, "glyphs: unknown option 'm'", "glyphs: unknown option")

-- pairs
local pairs_of = D.glyph_pairs { n = 20, seed = 3, nuisance = still }
T.eq({ #pairs_of, pairs_of[1].name, pairs_of[9].name }, { 9, "orientation", "viewpoint" }, "pairs: one set for each attribute")
local smallest, largest = math.huge, 0
for _, p in ipairs(pairs_of) do
  local change = (p.x0 - p.x1):abs():gt(0.1):any(2):to("float64"):sum({ 2, 3 })
  smallest, largest = math.min(smallest, change:min():item()), math.max(largest, mean(change))
  T.eq(p.attribute:select(2, p.name == "text" and 8 or 1):size(1), 20, "pairs: " .. p.name)
end
T.ok(smallest >= 2, "pairs: every attribute shows on every image", tostring(smallest))
T.ok(largest < 80, "pairs: an attribute changes a small part of the 256 pixels", tostring(largest))
local noisy = D.glyph_pairs { n = 20, seed = 3 }
T.ok(mean((noisy[8].x0 - noisy[8].x1):abs():gt(1e-6)) < 0.05, "pairs: light and noise are the same in both")

-- cells
local big = rp.full({ 20000 }, 3.5)
local poissons = D.poisson(big, rp.generator(5))
T.ok(math.abs(mean(poissons) - 3.5) < 0.06 and math.abs(poissons:var():item() - 3.5) < 0.15, "poisson: mean and variance")
T.ok(math.abs(mean(poissons:eq(2)) - math.exp(-3.5) * 3.5 ^ 2 / 2) < 0.012, "poisson: a probability")
local large = D.poisson(rp.full({ 4000 }, 300), rp.generator(5))
T.ok(math.abs(mean(large) - 300) < 1.5 and math.abs(large:var():item() / 300 - 1) < 0.12, "poisson: a large mean")
T.eq(D.poisson(rp.zeros(5), rp.generator(1)):max():item(), 0.0, "poisson: mean 0")
T.raises(function() D.poisson(rp.full({ 2 }, 501), rp.generator(1)) end, "0..500", "poisson: a mean that is too large")
local cells = D.cells { n = 300, seed = 3 }
T.eq({ cells.x.shape, cells.counts.shape, cells.y.shape, cells.batch.dtype }, { { 300, 120 }, { 300, 120 }, { 300 }, "int64" }, "cells: shapes")
T.eq(cells.y:one_hot(6):sum(1), rp.full({ 6 }, 50), "cells: types in equal numbers")
T.eq({ cells.counts:round():eq(cells.counts):all():item(), cells.counts:min():item() }, { true, 0.0 }, "cells: whole numbers from 0")
T.ok(math.abs(cells.counts:sum(2):median():item() / 400 - 1) < 0.1, "cells: the median depth")
T.near((cells.x:exp() - 1):sum(2), rp.full({ 300 }, 1e4), 0.5, "cells: every cell is normalised to 10,000")
T.bits(cells.x, D.cells { n = 300, seed = 3 }.x, "cells: same seed, same bits")
local more_cells = D.cells { n = 200, seed = 3, name = "test" }
T.ok(rp.metrics.knn_accuracy(cells.x, cells.y, more_cells.x, more_cells.y) > 0.8, "cells: types are the same in another split, and can be told apart")
T.raises(function() D.cells { n = 5, genes = 40 } end, "6 types with 10 markers, an even number, need 45 genes", "cells: too few genes")

-- numerals
local hand = D.numerals { n = 600, seed = 3 }
T.eq({ hand.x.shape, hand.y.dtype, hand.width.shape, hand.slant.shape }, { { 600, 1, 28, 28 }, "int64", { 600 }, { 600 } }, "numerals: shapes")
T.eq(hand.y:one_hot(10):sum(1), rp.full({ 10 }, 60), "numerals: classes in equal numbers")
T.ok(hand.x:min():item() == 0 and hand.x:max():item() == 1, "numerals: ink in [0, 1]")
T.ok(hand.x:sum({ 2, 3, 4 }):min():item() > 10, "numerals: none is empty")
T.bits(hand.x, D.numerals { n = 600, seed = 3 }.x, "numerals: same seed, same bits")
T.ok(hand.x:hash() ~= D.numerals { n = 600, seed = 3, name = "test" }.x:hash(), "numerals: another name")
T.eq({ D.numerals { n = 10, size = 16, colour = true }.x.shape, #hand.classes }, { { 10, 3, 16, 16 }, 10 }, "numerals: colour, size")
local others = D.numerals { n = 200, seed = 3, name = "others" }
T.ok(rp.metrics.knn_accuracy(hand.x, hand.y, others.x, others.y) > 0.8, "numerals: classes can be told apart")
local function correlation(a, b)
  local u, v = (a - a:mean()):to "float64", (b - b:mean()):to "float64"
  return (u * v):sum():item() / math.sqrt(u:square():sum():item() * v:square():sum():item())
end
local measured = D.stroke_shape(hand.x)
T.ok(correlation(measured:select(2, 1), hand.width) > 0.95, "numerals: the width that was drawn is the one that is measured")
T.ok(correlation(measured:select(2, 2), hand.slant) > 0.7, "numerals: the slant shows")
T.raises(function() D.numerals { n = 0 } end, "n = 0 images", "numerals: none")
T.raises(function() D.numerals { size = 4 } end, "at least 8 pixels", "numerals: too small")

-- points
local function inside(x, lo, hi) return x:min():item() >= lo and x:max():item() <= hi end
local board = D.checkerboard { n = 4000 }
local cell = (board.x + 2):floor():to("int64")
T.eq((cell:sum(2) % 2):unique(), rp.tensor({ 0 }, "int64"), "checkerboard: dark squares only")
T.ok(inside(board.x, -2, 2) and math.abs(mean(board.x)) < 0.06, "checkerboard: in [-2, 2]^2")
local rings = D.rings { n = 40, noise = 0 }
T.near(rings.x:norm(2), rp.tensor { 0.5, 1, 1.5, 2 }:index_select(1, rings.y), 1e-6, "rings: radii")
local moons = D.two_moons { n = 101, noise = 0 }
T.near(rp.where(moons.y:eq(1), moons.x:norm(2), (moons.x - rp.tensor { 1, 0.5 }):norm(2)), rp.ones(101), 1e-6, "two moons")
local spiral = D.spirals { n = 50, arms = 1, noise = 0 }
local r = spiral.x:norm(2)
T.near(spiral.x:select(2, 1), r * (r * 2 * math.pi):cos(), 1e-5, "spirals: the angle grows with the radius")
for _, name in ipairs { "checkerboard", "rings", "two_moons", "spirals" } do
  local exactly = D[name] { n = 200, noise = 0 }.x
  T.ok(D.distance_from(name, exactly):max():item() < 2e-3, "distance_from: the set itself, " .. name)
end
local outside = rp.tensor { { 3, 0 }, { 0, 0 } }
T.near(D.distance_from("rings", outside), rp.tensor { 1, 0.5 }, 1e-6, "distance_from: rings")
T.near(D.distance_from("checkerboard", outside), rp.tensor { 1, 0 }, 1e-6, "distance_from: checkerboard")
T.near(D.distance_from("two_moons", rp.tensor { { 0, 2 }, { -1, -1 } }), rp.tensor { 1, 1 }, 1e-6, "distance_from: two moons")
T.near(D.distance_from("spirals", outside), rp.tensor { 2, 0 }, 1e-5, "distance_from: spirals")
T.raises(function() D.distance_from("swiss_roll", outside) end, "not from swiss_roll", "distance_from: a set without one")
T.raises(function() D.distance_from("rings", rp.zeros(3)) end, "%(n, 2%)", "distance_from: no points")
local roll = D.swiss_roll { n = 50, dims = 3, noise = 0 }
T.near((roll.x:select(2, 1):square() + roll.x:select(2, 3):square()):sqrt() * 10, roll.t, 1e-4, "swiss roll")
local mixture = D.gaussian_mixture { n = 20000, means = { { 0, 0 }, { 10, 0 } }, std = { 1, 2 }, weights = { 3, 1 } }
T.near(mean(mixture.y:eq(2)), 0.25, 0.01, "mixture: weights")
local _, rows = mixture.y:eq(2):to("float32"):topk(4000, 1)
local second = mixture.x:index_select(1, rows)
T.near({ mean(second:select(2, 1)), second:select(2, 2):std():item() }, { 10, 2 }, 0.15, "mixture: mean and deviation of the second")
local gauss = D.gaussian { n = 20000, spectrum = { 4, 1, 0.25 }, mean = { 1, 2, 3 } }
local centre, covariance = rp.metrics.gaussian(gauss.x)
T.near(centre, { 1, 2, 3 }, 0.06, "gaussian: mean")
local values = gauss.basis:t():matmul(covariance):matmul(gauss.basis)
T.near(values, { { 4, 0, 0 }, { 0, 1, 0 }, { 0, 0, 0.25 } }, 0.1, "gaussian: covariance in its basis")
T.eq(D.gaussian { n = 5, seed = 7 }.basis, D.gaussian { n = 9, seed = 7, name = "test" }.basis, "gaussian: one basis for all parts")
T.raises(function() D.load "two_mons" end, 'did you mean "two_moons"', "load: a name that is nearly right")
T.bits(D.load("rings", { n = 10 }).x, D.rings { n = 10 }.x, "load by name")

-- splits and loaders
local numbers = { x = rp.arange(1, 10):reshape(10, 1), y = rp.arange(1, 10, 1, "int64"), note = "ten" }
local a, b = D.split(numbers, { 7, 3 }, "check")
T.eq(rp.concat(1, a.y, b.y):sort(), numbers.y, "split: every example once")
T.eq({ a.x:reshape(-1):totable(), a.note }, { a.y:to("float32"):totable(), "ten" }, "split: tensors stay together")
T.eq(D.split(numbers, { 7 }, "check").y, a.y, "split: pinned order")
T.raises(function() D.split(numbers, { 7, 4 }, "check") end, "the parts have 11 examples, the set has 10", "split: too much")
T.eq(D.subset(numbers, { 2, 4 }).y, rp.tensor({ 2, 3, 4 }, "int64"), "subset of a range")
local s, t = D.standardise({ x = rp.randn(100, 3) * 5 + 2 }, { x = rp.ones(2, 3) })
T.near({ s.x:mean():item(), s.x:var(nil, false, 0):item(), t.x.shape[1] }, { 0, 1, 2 }, 1e-5, "standardise")

local loader = D.loader(numbers, { batch = 4, seed = 5 })
local seen, count = {}, 0
for batch, i in loader:epoch() do
  T.eq({ batch.x:size(1), i }, { 4, #seen + 1 }, "loader: a full batch")
  T.eq(batch.x:reshape(-1):to("int64"), batch.y, "loader: rows stay together")
  seen[#seen + 1] = batch.y
end
T.eq(#seen, 2, "loader: the short last batch is dropped")
for batch in loader:epoch() do
  count = count + 1
  T.ok(count > 2 or batch.y:hash() ~= seen[count]:hash(), "loader: another order in the next epoch")
end
local whole = {}
for batch in D.loader(numbers, { batch = 4, shuffle = false }):epoch() do whole[#whole + 1] = batch.y end
T.eq(rp.concat(1, whole), numbers.y, "loader: in order, with the short last batch")
T.eq(#whole, 3, "loader: three batches of ten examples")
local function draws(l, n)
  local list = {}
  for batch in l:steps(n) do list[#list + 1] = batch.x end
  return rp.hash(table.unpack(list))
end
local function change(batch, g)
  batch.x = batch.x + g:randn(batch.x.shape)
  return batch
end
local options = { batch = 3, seed = 8, transform = change }
local straight, broken = D.loader(numbers, options), D.loader(numbers, options)
draws(straight, 5)
draws(broken, 5)
local resumed = D.loader(numbers, options):restore(broken:state())
T.eq(broken:state(), { epoch = 2, batch = 2 }, "loader: its state is two numbers")
T.eq(draws(resumed, 7), draws(straight, 7), "loader: restored, it serves the same batches and draws")
T.raises(function() D.loader(numbers, { batch = 11 }) end, "10 examples make no batch of 11", "loader: batch too large")
T.raises(function() loader:restore { epoch = 1, batch = 9 } end, "batch 9 of epoch 1", "loader: a state that cannot be")

-- augmentations
local A, g = D.augment, rp.generator(4)
local x = rp.randn(6, 3, 8, 8)
local shifted = A.shift(x, 1, rp.generator(4))
local by = rp.generator(4):randint(0, 2, { 6, 2 })
local first = x:pad { 1, 1, 1, 1 }[{ 1, {}, { by[{ 1, 1 }]:item() + 1, by[{ 1, 1 }]:item() + 8 }, { by[{ 1, 2 }]:item() + 1, by[{ 1, 2 }]:item() + 8 } }]
T.eq(shifted[1], first, "shift moves by whole pixels")
T.eq(A.shift(x, 0, g), x, "shift by nothing")
T.eq(A.crop(x, { size = 5 }, g).shape, { 6, 3, 5, 5 }, "crop to a size")
T.raises(function() A.crop(x, { size = 9 }, g) end, "9x9 does not fit into 8x8", "crop too large")
T.eq(A.flip(x, 1, g), x:flip(4), "flip always")
T.eq(A.flip(x, 0, g), x, "flip never")
local light = A.offset(x, 0.3, g) - x
T.near(light, light[{ {}, { 1, 1 }, { 1, 1 }, { 1, 1 } }]:expand(6, 3, 8, 8), 1e-6, "offset: one number for an image")
local cast = A.cast(x, 0.3, g) - x
T.near(cast, cast[{ {}, {}, { 1, 1 }, { 1, 1 } }]:expand(6, 3, 8, 8), 1e-6, "cast: one number for a channel")
local slope = A.gradient(x, 0.4, g) - x
T.near(slope:mean({ 3, 4 }), rp.zeros(6, 3), 1e-6, "gradient: no change of the mean")
T.near((A.gain(x, 0.1, g) / x):std({ 2, 3, 4 }), rp.zeros(6), 1e-4, "gain: one factor for an image")
T.near((A.noise(x, 0.05, g) - x):std():item(), 0.05, 0.005, "noise")
T.bits(A.relight(x, rp.generator(9)), A.relight(x, rp.generator(9)), "a chain depends on the generator only")
T.raises(function() A.chain { { "gian", 1 } } end, 'did you mean "gain"', "chain: a name that is nearly right")
T.raises(function() A.gain(rp.zeros(3, 8, 8), 1, g) end, "must be %(B, C, H, W%), got %(3x8x8%)", "augment: a single image")

-- files
local folder = os.tmpname()
os.remove(folder)
rp.io.mkdir(folder .. "/mnist")
local function write(path, ...)
  local file = assert(io.open(folder .. "/" .. path, "wb"))
  file:write(...)
  file:close()
end
local function remove(path) rp.io.remove(folder .. "/" .. path) end
T.raises(function() D.mnist { dir = folder } end, "mnist: there is no file .*/mnist/t10k%-images%-idx3%-ubyte.gz, nor in .*get it from https",
         "a missing file says where to get it")
local ok, problem = pcall(D.mnist, { dir = folder })
T.eq({ ok, problem.kind, problem.code }, { false, "data", 4 }, "a missing file is of the kind data, exit status 4")
write("mnist/t10k-images-idx3-ubyte", "\0\0\8\3\0\0\0\5\0\0\0\2\0\0\0\2", string.char(0, 51, 102, 255):rep(5))
write("mnist/t10k-labels-idx1-ubyte", "\0\0\8\1\0\0\0\5", string.char(0, 1, 2, 3, 4))
local tiny = D.mnist { dir = folder, range = { -1, 1 } }
T.eq({ tiny.train.x.shape, tiny.test.x.shape }, { { 4, 1, 2, 2 }, { 1, 1, 2, 2 } }, "without training files the test images are split")
T.near(tiny.test.x:reshape(-1), { -1, -0.6, -0.2, 1 }, 1e-6, "images are scaled to the range")
T.eq(rp.concat(1, tiny.train.y, tiny.test.y):sort(), rp.arange(1, 5, 1, "int64"), "labels are digits + 1")
T.ok(tiny.note:find "split 4 to 1" and tiny.note:find "not verified", "the note says what was done", tiny.note)
T.eq(D.mnist { dir = folder, range = "bytes" }.test.x.dtype, "uint8", "range bytes leaves uint8")
write("mnist/t10k-images-idx3-ubyte.gz", "not what was published")
T.raises(function() D.mnist { dir = folder } end, "is not the published file.*8d422c7b0a1c", "another SHA-256 is refused")
remove "mnist/t10k-images-idx3-ubyte.gz"
write("mnist/train-images-idx3-ubyte", "\0\0\8\3\0\0\0\3\0\0\0\2\0\0\0\2", ("\0"):rep(12))
write("mnist/train-labels-idx1-ubyte", "\0\0\8\1\0\0\0\3", "\9\9\9")
local full = D.mnist { dir = folder, n_test = 2 }
T.eq({ full.train.y:totable(), full.test.y:numel() }, { { 10, 10, 10 }, 2 }, "training files are used; n_test takes part")

local record = "\3" .. ("\255"):rep(1024) .. ("\0"):rep(2048)
write("data_batch_1.bin", record:rep(2))
write("test_batch.bin", record)
T.raises(function() D.cifar10 { dir = folder } end, "not the published file", "CIFAR-10: sums are compared")
local cifar = D.cifar10 { dir = folder, verify = false }
T.eq({ cifar.train.x.shape, cifar.train.y:totable(), cifar.classes[4] }, { { 2, 3, 32, 32 }, { 4, 4 }, "cat" }, "CIFAR-10")
T.near(cifar.test.x:mean({ 3, 4 }), { { 1, 0, 0 } }, 1e-6, "CIFAR-10: planes are red, green, blue")
T.ok(cifar.note:find "differs from the published", "CIFAR-10: the note says that the sum differs")
write("train.bin", "\2" .. record)
write("test.bin", "\2" .. record)
local hundred = D.cifar100 { dir = folder, verify = false }
T.eq({ hundred.train.y:item(), hundred.train.coarse:item() }, { 4, 3 }, "CIFAR-100: fine and coarse labels")

rp.io.mkdir(folder .. "/set/blue")
rp.io.mkdir(folder .. "/set/red")
for i = 1, 4 do
  rp.io.write_png(folder .. "/set/red/" .. i .. ".png", rp.tensor({ { { 255, 0, 0 } } }, "uint8"):expand(2, 3, 3))
  rp.io.write_png(folder .. "/set/blue/" .. i .. ".png", rp.tensor({ { { 0, 0, 255 } } }, "uint8"):expand(2, 3, 3))
end
local pictures = D.image_folder { dir = folder .. "/set", test = 0.25 }
T.eq({ pictures.train.x.shape, pictures.test.x:size(1), pictures.classes }, { { 6, 3, 2, 3 }, 2, { "blue", "red" } }, "image folder")
T.eq(pictures.train.x[{ {}, 1, 1, 1 }]:eq(1), pictures.train.y:eq(2), "image folder: classes follow the folders")
rp.io.write_png(folder .. "/set/red/5.png", rp.zeros(2, 2, "uint8"))
T.raises(function() D.image_folder { dir = folder .. "/set" } end, "red/5.png has size 1x2x2", "image folder: one size for all")
T.raises(function() D.image_folder { dir = folder .. "/none" } end, "there is no folder", "image folder: a missing folder")

for _, path in ipairs { "set/red/5.png", "mnist/t10k-images-idx3-ubyte", "mnist/t10k-labels-idx1-ubyte", "mnist/train-images-idx3-ubyte",
                        "mnist/train-labels-idx1-ubyte", "data_batch_1.bin", "test_batch.bin", "train.bin", "test.bin" } do remove(path) end
for i = 1, 4 do
  remove("set/red/" .. i .. ".png")
  remove("set/blue/" .. i .. ".png")
end
for _, path in ipairs { "set/red", "set/blue", "set", "mnist", "" } do remove(path) end
T.ok(not rp.io.exists(folder), "the test leaves nothing behind")

-- real data, where it is at hand
local real = os.getenv "REPRO_DATA"
if real and rp.io.exists(real .. "/mnist/t10k-images-idx3-ubyte.gz") then
  local mnist = D.mnist { dir = real }
  T.ok(mnist.note:find "as published", "MNIST is the published set", mnist.note)
  T.near({ mean(mnist.test.x), mnist.test.y:max():item() }, { 0.1325, 10 }, 5e-3, "MNIST: mean ink")
else
  T.skip("REPRO_DATA names no folder with mnist/", "MNIST")
end

-- ---- handwriting ---------------------------------------------------------------------------------------------------------
local bar = rp.zeros(2, 1, 9, 9)
bar[{ 1, 1, { 2, 8 }, 5 }] = 1                               -- an upright line one pixel wide
bar[{ 2, 1, { 2, 8 }, { 4, 6 } }] = 1                        -- and one of three
local drawn = D.stroke_shape(bar):totable()
T.near(drawn[1][2], 0, 1e-6, "stroke_shape: an upright line has no slant")
T.near(drawn[1][3], 4, 1e-6, "... a size of the mean of 9, 4, 1, 0, 1, 4, 9")
T.near(drawn[1][4], 0, 1e-6, "... no width in its aspect")
T.near(drawn[2][4], (2 / 3) / 4, 1e-6, "... and three columns have variance 2/3")
T.ok(drawn[2][1] > 2 * drawn[1][1], "a wider stroke")
local leaning = rp.zeros(1, 9, 9)
for i = 0, 6 do leaning[{ 1, 8 - i, 2 + i }] = 1 end         -- to the right as it goes up
T.near(D.stroke_shape(leaning)[{ 1, 2 }]:item(), 1, 1e-6, "a diagonal slants by one")
T.raises(function() D.stroke_shape(rp.zeros(2, 3, 4, 4)) end, "2x3x4x4", "drawings have one channel")
local examples = { x = rp.arange(1, 6), y = rp.tensor({ 1, 1, 2, 1, 1, 2 }, "int64"),
                   attribute = rp.tensor { { 0, 1 }, { 1, 1 }, { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 0 } } }
local zero, one = D.pairs_differing(examples, 1)
T.eq({ zero:totable(), one:totable() }, { { 1, 3 }, { 2, 6 } }, "pairs_differing: same class, same other attribute, 0 then 1")
T.eq((D.pairs_differing(examples, 1, 1)):totable(), { 1 }, "... no more than asked for")
examples.y = rp.arange(1, 6):to "int64"
T.raises(function() D.pairs_differing(examples, 1) end, "attribute 1 alone", "no pair at all")
T.done()
