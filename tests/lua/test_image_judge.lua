-- repro.metrics.image_judge on drawn digits.
local T = require "tap"
local rp = require "repro"
local M = rp.metrics

-- images by a network of their own
local drawn = rp.data.numerals { n = 400, size = 8, seed = 1 }
local unseen = rp.data.numerals { n = 300, size = 8, seed = 1, name = "test" }
local judge = M.image_judge(drawn.x, drawn.y, { steps = 400, batch = 64, channels = 8, width = 16, spatial = 3 })
T.ok(judge:accuracy(unseen.x, unseen.y) > 0.7, "image_judge: most unseen images are named", tostring(judge:accuracy(unseen.x, unseen.y)))
local truth, seen = judge:see(drawn.x), judge:see(unseen.x)
T.eq({ seen.code.shape, seen.map.shape, seen.p.shape }, { { 300, 16 }, { 300, 3 * 16 }, { 300, 10 } }, "... its features")
local fair, shifted = judge:scores(truth, seen), judge:scores(truth, judge:see(unseen.x:roll(2, 4)))
local random = judge:scores(truth, judge:see(rp.rand(300, 1, 8, 8)))
T.ok(fair.fd < shifted.fd and shifted.fd < random.fd and fair.sfd < random.sfd, "... distances: unseen, shifted, random images")
T.ok(fair.is > 5 and random.is < fair.is, "... Inception score")
T.ok(fair.precision > 0.85 and shifted.precision < 0.75, "... precision", tostring(shifted.precision))
T.ok(fair.recall > 0.85 and shifted.recall < 0.5 and random.recall < 0.1, "... recall", tostring(shifted.recall))
T.eq(judge:scores(truth, truth).precision, 1.0, "... a copy is precise")
T.eq(M.image_judge(drawn.x, drawn.y, { steps = 3 }).net:hash(), M.image_judge(drawn.x, drawn.y, { steps = 3 }).net:hash(), "... same bits again")
T.raises(function() M.image_judge(drawn.x, drawn.y * 0) end, "of one class", "... one class")
T.raises(function() M.image_judge(drawn.x:squeeze(2), drawn.y) end, "%(n, C, S, S%)", "... no images")

-- ---- features in files -----------------------------------------------------------------------------------------------
local home = os.tmpname()
os.remove(home)
for _, sub in ipairs { "", "/run", "/data", "/data/theirs" } do rp.io.mkdir(home .. sub) end
local function file_judge() return M.file_judge { directory = home .. "/run", folder = "theirs", dir = home .. "/data" } end
T.raises(file_judge, "theirs/real.npy", "file_judge: the real images' features are missing")
local real_codes, fake_codes = rp.randn(40, 3), rp.randn(30, 3) + 1
rp.io.write_npy(home .. "/data/theirs/real.npy", real_codes)
local by_files = file_judge()
T.eq(by_files:scores(rp.ones(2, 1, 4, 4), "a"), {}, "... no scores yet")
T.eq(rp.io.read_npy(home .. "/run/samples/a.npy"), rp.ones(2, 1, 4, 4), "... the samples are written")
T.raises(function() by_files:check() end, "theirs/a.npy", "... and their features asked for")
rp.io.write_npy(home .. "/data/theirs/a.npy", fake_codes)
by_files:check()
T.eq(by_files:scores(rp.ones(1), "a").fd, M.frechet_distance(real_codes, fake_codes), "... and read")
os.execute("rm -r '" .. home .. "'")

-- ---- labelled images -------------------------------------------------------------------------------------------------
local set = rp.data.labelled_images { name = "numerals", side = 8, n_train = 30, n_test = 20, seed = 3, range = { -1, 1 } }
T.eq({ set.train.x.shape, set.test.x.shape, #set.classes, set.latent }, { { 30, 1, 8, 8 }, { 20, 1, 8, 8 }, 10, false }, "labelled_images: numerals")
T.eq({ set.train.x:min():item(), set.train.x:max():item() > 0.5, set.train.measured == nil }, { -1.0, true, true }, "... in [-1, 1]")
local tinted = rp.data.labelled_images { name = "colour", side = 10, n_train = 20, n_test = 20, seed = 3, measure = function(x) return x:mean({ 2, 3, 4 }) end }
T.eq({ tinted.train.x.shape, tinted.train.measured.shape }, { { 20, 3, 10, 10 }, { 20 } }, "... coloured, 32 -> 10, and what is measured before")
T.ok((tinted.test.measured - tinted.test.x:mean({ 2, 3, 4 })):abs():max():item() > 1e-4, "... of all pixels")
T.eq(rp.data.labelled_images { drawn = 28, side = 14, n_train = 20, n_test = 20 }.test.x.shape, { 20, 1, 14, 14 }, "... drawn larger")
T.eq(rp.data.labelled_images { drawn = 28, side = 8, n_train = 20, n_test = 20 }.test.x.shape, { 20, 1, 8, 8 }, "... and padded, 28 -> 32 -> 8")
T.raises(function() rp.data.labelled_images { name = "numeral" } end, "numerals", "... a name that is nearly right")
local folder = os.tmpname()
os.remove(folder)
rp.io.mkdir(folder)
T.raises(function() rp.data.labelled_images { name = "latents", dir = folder } end, "latents.npy", "... latents that are not there")
rp.io.write_npy(folder .. "/latents.npy", rp.randn(40, 4, 8, 8) * 5)
rp.io.write_npy(folder .. "/labels.npy", rp.arange(0, 39, 1, "int64") % 3 + 1)
local latents = rp.data.labelled_images { name = "latents", dir = folder, side = 4 }
T.eq({ latents.train.x.shape, latents.test.x.shape, latents.classes, latents.latent }, { { 38, 4, 8, 8 }, { 2, 4, 8, 8 }, { "1", "2", "3" }, true }, "... and that are, not pooled")
T.ok(math.abs(latents.train.x:square():mean():item() - 1) < 0.1, "... of variance 1")
os.execute("rm -r '" .. folder .. "'")
local real = os.getenv "REPRO_DATA"
if real and rp.io.exists(real .. "/digits/images.npy") then
  T.eq(rp.data.labelled_images { name = "digits", side = 4 }.train.x.shape, { 1438, 1, 4, 4 }, "... digits, pooled")
else
  T.skip("REPRO_DATA names no folder with digits/", "labelled_images: digits")
end
T.done()
